//! Tables for people: header lines, the columns that matter, warnings, and what it rests on.
//!
//! May change between versions. Digests and commits are shortened, columns in which nothing is
//! known are left out, and questions show the columns that one looks at first; every other form
//! has them all.

use comfy_table::{ColumnConstraint, ContentArrangement, Width, presets};
use relbook_ledger::checkpoint::root_base64;
use relbook_query::question::Answer;
use relbook_query::table::{Cell, Column, ColumnType, Table};

use super::nested;
use crate::error::Error;
use crate::ui::Ui;

/// How many digits of a digest or commit are shown.
const DIGITS: usize = 12;

/// How wide the values of a header may be on a terminal.
const WIDTH: u16 = 120;

/// How narrow a column of prose may become: two words of a sentence, or a whole id.
const PROSE_WIDTH: usize = 28;

/// Columns of prose: on a terminal these and lists are wrapped, nothing else, since half a version
/// or time is of no use.
const PROSE: [&str; 12] = [
    "subject",
    "warnings",
    "reasons",
    "reason",
    "why",
    "detail",
    "message",
    "description",
    "payload",
    "exceptions",
    "deploy_ids",
    "reviews_not_counted",
];

/// Tells whether a column has lists of versions, which may take several lines.
fn is_list(column: &str) -> bool {
    column.ends_with("_versions")
}

/// The columns of a question that a person looks at first; other questions show all.
fn first_columns(answer: &Answer) -> Option<&'static [&'static str]> {
    match answer.question.as_str() {
        // A moment, and what changed before it: `row` says which of the two.
        "status" if answer.table.position("row").is_some() => Some(&[
            "row",
            "at",
            "kind",
            "component",
            "target",
            "role",
            "weight",
            "version",
            "from_version",
            "since",
            "deploy_id",
            "detail",
            "known",
        ]),
        "status" => Some(&[
            "component",
            "state",
            "version",
            "versions",
            "canary_weight",
            "since",
            "in_flight",
            "suspect",
            "warnings",
        ]),
        "commit" => Some(&[
            "component",
            "target",
            "role",
            "weight",
            "version",
            "commit",
            "tag",
            "tag_matches",
            "since",
            "reason",
        ]),
        "diff" => Some(&[
            "direction",
            "commit",
            "type",
            "scope",
            "breaking",
            "subject",
            "pr",
            "author",
            "equivalent_of",
        ]),
        "rollback" => Some(&[
            "target",
            "rank",
            "version",
            "last_live_from",
            "last_live_until",
            "eligible",
            "reasons",
            "requires_approval",
        ]),
        "hotfix" => Some(&["no", "step", "latest_at", "status", "done_at", "profile_change"]),
        "gate" => {
            Some(&["gate", "required", "verdict", "observed", "threshold", "evidence_at", "why"])
        }
        "approvals" => Some(&[
            "approval_id",
            "decision",
            "approver",
            "role",
            "stage",
            "digest",
            "granted_at",
            "seq",
            "valid",
            "reasons",
        ]),
        // The changes, or a sample of them.
        "population" => Some(&[
            "change_id",
            "component",
            "from_version",
            "to_version",
            "change_class",
            "approval_verdict",
            "approvers",
            "started_at",
            "outcome",
            "exceptions",
            "rank",
            "stratum",
            "selection_hash",
            "in_sample",
        ]),
        "emergency" => Some(&[
            "change_id",
            "component",
            "declared_by",
            "incident_id",
            "reason",
            "started_at",
            "outcome",
            "review_due_at",
            "reviewer",
            "overdue",
            "reviews_not_counted",
        ]),
        "exceptions" => Some(&[
            "code",
            "name",
            "severity",
            "change_id",
            "component",
            "detected_at",
            "owner",
            "disposition",
            "detail",
        ]),
        "exposure" => Some(&[
            "cve",
            "severity",
            "component",
            "version",
            "target",
            "role",
            "exposed_from",
            "exposed_until",
            "known_from",
            "fixed_version",
        ]),
        _ => None,
    }
}

/// Shows an answer.
pub(super) fn answer(ui: &mut Ui, answer: &Answer) -> Result<(), Error> {
    let known = answer.header.iter().filter(|(_, cell)| !cell.is_null());
    let width = answer.header.iter().map(|(name, _)| name.len()).max().unwrap_or_default();
    for (name, cell) in known {
        let value = match show(name, cell) {
            empty if empty.is_empty() => "none".to_owned(),
            // The word is that of the state, which is no reason to a reader.
            state if name == "refused" && state == "none" => "nothing is live".to_owned(),
            value if ui.shows_terminal() => wrapped(&value, width + 2),
            value => value,
        };
        ui.line(&format!("{name:<width$}  {value}"))?;
    }
    if !answer.header.is_empty() {
        ui.line("")?;
    }
    if answer.table.rows.is_empty() {
        ui.line("(no rows)")?;
    } else {
        let first = first_columns(answer);
        let live = answer.table.position("contains_live").is_some();
        // In the order in which one looks at them.
        let wanted: Vec<usize> = match first {
            Some(first) => first.iter().filter_map(|name| answer.table.position(name)).collect(),
            None => (0..answer.table.columns.len()).collect(),
        };
        let chosen: Vec<usize> = wanted
            .into_iter()
            // What is live is asked of ranges; two components by name, of versions.
            .filter(|at| !(live && is_list(&answer.table.columns[*at].name)))
            .filter(|at| answer.table.rows.iter().any(|row| matters(&row.cells[*at])))
            .collect();
        grid(ui, &answer.table, &chosen)?;
    }
    warnings(ui, answer)?;
    foot(ui, answer)
}

/// Shows all columns of a table.
pub(super) fn table(ui: &mut Ui, table: &Table) -> Result<(), Error> {
    let all: Vec<usize> = (0..table.columns.len()).collect();
    grid(ui, table, &all)?;
    let count = table.rows.len();
    ui.line(&format!("{count} row{}", if count == 1 { "" } else { "s" }))
}

/// Shows all columns of a SQL result, and what it rests on.
pub(super) fn result(ui: &mut Ui, answer: &Answer) -> Result<(), Error> {
    table(ui, &answer.table)?;
    warnings(ui, answer)?;
    foot(ui, answer)
}

fn warnings(ui: &mut Ui, answer: &Answer) -> Result<(), Error> {
    let mut warnings = answer.warnings.iter();
    warnings
        .try_for_each(|warning| ui.line(&format!("warning {}: {}", warning.code, warning.detail)))
}

fn foot(ui: &mut Ui, answer: &Answer) -> Result<(), Error> {
    let root = root_base64(&answer.checkpoint.1);
    let clock = if answer.simulated_clock { "  (simulated clock)" } else { "" };
    ui.line(&format!(
        "checkpoint size {} root {root}\nas of {}  as known {}{clock}",
        answer.checkpoint.0, answer.lens.as_of, answer.lens.as_known
    ))
}

/// Tells whether a cell says anything; an empty list does not.
fn matters(cell: &Cell) -> bool {
    match cell {
        Cell::Null => false,
        Cell::TextList(texts) => !texts.is_empty(),
        Cell::IntList(numbers) => !numbers.is_empty(),
        _ => true,
    }
}

fn grid(ui: &mut Ui, table: &Table, columns: &[usize]) -> Result<(), Error> {
    let mut grid = filled(table, columns);
    // Without a terminal nothing is wrapped: a row is a line, which a tool may read.
    if ui.shows_terminal() {
        grid.set_content_arrangement(ContentArrangement::Dynamic);
    }
    ui.line(&grid.to_string())
}

/// Fills a grid, and says how far each column may be narrowed where there is too little room.
fn filled(table: &Table, columns: &[usize]) -> comfy_table::Table {
    let mut grid = comfy_table::Table::new();
    grid.load_style(presets::ASCII_BORDERS_ONLY_CONDENSED);
    grid.set_header(columns.iter().map(|at| table.columns[*at].name.as_str()));
    let mut longest = vec![0; columns.len()];
    for row in &table.rows {
        let cell = |at: &usize| show(&table.columns[*at].name, &row.cells[*at]);
        let cells: Vec<String> = columns.iter().map(cell).collect();
        for (longest, cell) in longest.iter_mut().zip(&cells) {
            *longest = cell.chars().count().max(*longest);
        }
        grid.add_row(cells);
    }
    for (shown, at) in columns.iter().enumerate() {
        let Some(column) = grid.column_mut(shown) else { continue };
        if is_number(&table.columns[*at]) {
            column.set_cell_alignment(comfy_table::CellAlignment::Right);
        }
        let name = &table.columns[*at].name;
        if is_list(name) || PROSE.contains(&name.as_str()) {
            // No column is so narrow that its name is broken, or that it cannot be read.
            let least = longest[shown].min(PROSE_WIDTH).max(name.len());
            let with_padding = u16::try_from(least + 2).unwrap_or(WIDTH);
            column.set_constraint(ColumnConstraint::LowerBoundary(Width::Fixed(with_padding)));
        } else {
            column.set_constraint(ColumnConstraint::ContentWidth);
        }
    }
    grid
}

/// Breaks a long value at its blanks; further lines begin under the first.
fn wrapped(text: &str, indent: usize) -> String {
    let room = usize::from(WIDTH).saturating_sub(indent).max(20);
    let mut whole = String::new();
    let mut used = 0;
    for word in text.split_inclusive(' ') {
        let length = word.chars().count();
        if used > 0 && used + length > room {
            whole.truncate(whole.trim_end().len());
            whole.push('\n');
            whole.push_str(&" ".repeat(indent));
            used = 0;
        }
        whole.push_str(word);
        used += length;
    }
    whole
}

fn is_number(column: &Column) -> bool {
    matches!(column.ty, ColumnType::Int | ColumnType::Float)
}

fn show(name: &str, cell: &Cell) -> String {
    match cell {
        Cell::Null => "-".to_owned(),
        // A sentence names artifacts among its words.
        Cell::Text(text) if name == "detail" => {
            let short = |word: &str| {
                let bare = word.trim_end_matches([',', ';', '.']);
                shorten("", bare) + &word[bare.len()..]
            };
            text.split(' ').map(short).collect::<Vec<_>>().join(" ")
        }
        Cell::Text(text) => shorten(name, text),
        Cell::TextList(texts) => {
            texts.iter().map(|text| shorten(name, text)).collect::<Vec<_>>().join(", ")
        }
        Cell::IntList(numbers) => {
            numbers.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
        }
        Cell::Bool(flag) => (if *flag { "yes" } else { "no" }).to_owned(),
        Cell::Bytes(_) => shorten("digest", cell.to_json().as_str().unwrap_or_default()),
        Cell::Json(value) => nested::told(value),
        // More digits than a person reads; the other forms have them all.
        Cell::Float(number) => ((number * 1000.0).round() / 1000.0).to_string(),
        Cell::Int(_) | Cell::Time(_) => {
            let value = cell.to_json();
            value.as_str().map_or_else(|| value.to_string(), str::to_owned)
        }
    }
}

/// Shortens what is only hex digits: a digest, a commit, a key's id.
pub(crate) fn shorten(name: &str, text: &str) -> String {
    let hex = match text.split_once(':') {
        Some((algorithm, hex)) if algorithm.bytes().all(|b| b.is_ascii_alphanumeric()) => hex,
        _ => text,
    };
    let long = hex.len() >= 40 && hex.bytes().all(|b| b.is_ascii_hexdigit());
    let commit = name.ends_with("commit") && hex.len() > DIGITS;
    if long || (commit && hex.bytes().all(|b| b.is_ascii_hexdigit())) {
        hex[..DIGITS].to_owned()
    } else {
        printable(text)
    }
}

/// Takes the control characters out of text that a stranger may have written.
fn printable(text: &str) -> String {
    text.chars()
        .map(|c| if c.is_control() && c != '\n' { char::REPLACEMENT_CHARACTER } else { c })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digests_and_commits_are_shortened_and_versions_are_not() {
        let digest = format!("sha256:{}", "ab".repeat(32));
        assert_eq!(shorten("digest", &digest), "abababababab");
        assert_eq!(shorten("commit", &"9c".repeat(20)), "9c9c9c9c9c9c");
        assert_eq!(shorten("from_commit", "9c5bd90ef73464"), "9c5bd90ef734");
        assert_eq!(shorten("version", "20260611123456"), "20260611123456");
        assert_eq!(shorten("version", "1.4.2"), "1.4.2");
        let detail = Cell::Text(format!("us runs {digest}, not {digest}; X01: é"));
        assert_eq!(show("detail", &detail), "us runs abababababab, not abababababab; X01: é");
    }

    #[test]
    fn a_terminal_never_sees_a_control_character_of_an_event() {
        assert_eq!(show("subject", &Cell::from("a\u{1b}[2Jb")), "a\u{fffd}[2Jb");
    }

    #[test]
    fn long_values_are_broken_at_their_blanks() {
        let text = "word ".repeat(40);
        let lines: Vec<String> = wrapped(text.trim(), 4).lines().map(str::to_owned).collect();
        assert!(lines.len() > 1 && lines[1].starts_with("    word"));
        assert!(lines.iter().all(|line| line.len() <= usize::from(WIDTH)));
        assert_eq!(wrapped("short", 4), "short");
    }

    #[test]
    fn no_room_makes_a_table_wider_and_never_its_words_unreadable() {
        let columns = [("name", ColumnType::Text), ("detail", ColumnType::Text)];
        let mut table = Table::new(&columns);
        let detail = "approval_required is missing for the deploy of it";
        table.push(vec!["a-name-of-forty-characters-that-stays-w".into(), detail.into()], vec![]);
        let mut grid = filled(&table, &[0, 1]);
        grid.set_content_arrangement(ContentArrangement::Dynamic).set_width(50);
        let text = grid.to_string();
        assert!(text.contains("a-name-of-forty-characters-that-stays-w"), "{text}");
        assert!(text.contains("approval_required is missing"), "{text}");
        assert_eq!(text.lines().count(), 6, "{text}");
    }

    #[test]
    fn null_is_a_dash_and_lists_are_joined() {
        assert_eq!(show("x", &Cell::Null), "-");
        assert_eq!(show("x", &Cell::from(vec!["a".to_owned(), "b".to_owned()])), "a, b");
        assert_eq!(show("x", &Cell::from(true)), "yes");
        assert_eq!(show("hours", &Cell::Float(28.266_666_666)), "28.267");
        assert_eq!(show("hours", &Cell::Float(9.5)), "9.5");
    }
}
