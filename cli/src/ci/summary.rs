//! The Markdown summary of a CI job: what was recorded, what a gate said.
//!
//! Written to the file that `RELBOOK_SUMMARY` names, else to the one of GitHub Actions. It is for
//! people; that it cannot be written never fails a job whose events are in the book.

use std::fs::OpenOptions;
use std::io::Write as _;
use std::path::PathBuf;

use relbook_ledger::store::Appended;
use serde_json::{Map, Value};

use crate::ui::Ui;

/// The most rows of one table.
const ROWS_MAX: usize = 50;

fn file() -> Option<PathBuf> {
    let of = |name: &str| std::env::var_os(name).filter(|path| !path.is_empty());
    of("RELBOOK_SUMMARY").or_else(|| of("GITHUB_STEP_SUMMARY")).map(PathBuf::from)
}

/// Adds a section to the summary, when the job has one.
pub fn add(ui: &mut Ui, section: impl FnOnce() -> String) {
    let Some(path) = file() else { return };
    let opened = OpenOptions::new().create(true).append(true).open(&path);
    if let Err(error) = opened.and_then(|mut file| file.write_all(section().as_bytes())) {
        ui.note(&format!("the job summary `{}` was not written: {error}", path.display()));
    }
}

/// Returns the section of appended events.
pub fn appended(origin: &str, events: &[Map<String, Value>], receipts: &[Appended]) -> String {
    let mut text = format!("### Recorded in {}\n\n", cell(origin));
    text.push_str("| seq | event | component | what |\n|--:|---|---|---|\n");
    for (event, receipt) in events.iter().zip(receipts).take(ROWS_MAX) {
        let of = |name: &str| event.get(name).and_then(Value::as_str).unwrap_or_default();
        let again = if receipt.duplicate { " (was there already)" } else { "" };
        text.push_str(&format!(
            "| {}{again} | {} | {} | {} |\n",
            receipt.seq,
            cell(of("kind")),
            cell(of("component")),
            cell(&what(event)),
        ));
    }
    if events.len() > ROWS_MAX {
        text.push_str(&format!("\n... and {} more\n", events.len() - ROWS_MAX));
    }
    if let Some(last) = receipts.last() {
        let root = relbook_ledger::checkpoint::root_base64(&last.checkpoint.root);
        text.push_str(&format!("\nCheckpoint {} `{root}`\n", last.checkpoint.size));
    }
    text.push('\n');
    text
}

/// Returns the short fields that tell one event from another.
fn what(event: &Map<String, Value>) -> String {
    const SHOWN: &[&str] = &[
        "version",
        "tag",
        "suite",
        "scanner",
        "result",
        "status",
        "critical",
        "high",
        "stage",
        "environment",
        "target",
        "outcome",
        "approver",
        "digest",
        "commit",
    ];
    let shown = SHOWN.iter().filter_map(|name| {
        let value = event.get(*name).filter(|value| !value.is_null())?;
        let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        let short: String = text.chars().take(19).collect();
        Some(format!("{name} {short}"))
    });
    shown.collect::<Vec<_>>().join(", ")
}

/// Returns a section with a table of rows, each a list of cells.
pub fn table(title: &str, columns: &[&str], rows: &[Vec<String>]) -> String {
    let line = |cells: &mut dyn Iterator<Item = String>| {
        format!("| {} |\n", cells.collect::<Vec<_>>().join(" | "))
    };
    let mut text = format!("### {}\n\n", cell(title));
    text.push_str(&line(&mut columns.iter().map(|name| cell(name))));
    text.push_str(&line(&mut columns.iter().map(|_| "---".to_owned())));
    for row in rows.iter().take(ROWS_MAX) {
        text.push_str(&line(&mut row.iter().map(|value| cell(value))));
    }
    text.push('\n');
    text
}

/// Makes a text safe inside a cell: what was recorded must not become markup.
fn cell(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '|' | '`' | '*' | '_' | '[' | ']' | '\\' | '#' | '!' => safe.extend(['\\', c]),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '&' => safe.push_str("&amp;"),
            c if c.is_control() => safe.push(' '),
            c => safe.push(c),
        }
    }
    safe
}
