//! Checks of the rows themselves: M01 to M06 and M13, and which row is as wide as another.

use super::super::{Fault, Matrix, MatrixCell, MatrixRow};
use super::finding::{Checked, Code, Finding};
use super::{Check, Subject};

/// M01, M02, M03, M13: what keeps a row from being read.
pub(super) fn unreadable(
    matrix: &Matrix,
    subjects: &[Subject],
    known: &[String],
    checked: &mut Checked,
) {
    for row in &matrix.rows {
        for (number, cell) in row.cells.iter().enumerate() {
            let mut add = |code, detail| {
                let finding = Finding::new(code, Some(&row.id), Some(&cell.key), detail, []);
                checked.findings.push(finding);
            };
            if let Err(fault) = &cell.range {
                let (code, detail) = described(fault, cell);
                if let Some(detail) = detail {
                    add(code, detail);
                }
            }
            let Some(component) = &cell.component else {
                let known = if known.is_empty() { "none yet".into() } else { known.join(", ") };
                let detail = format!("no component is called `{}`; there are: {known}", cell.key);
                add(Code::M02, detail);
                continue;
            };
            if row.cells[..number].iter().any(|earlier| earlier.is_of(&component.name)) {
                add(Code::M02, format!("the row names {} twice; keep one", component.name));
            }
        }
        for subject in subjects.iter().filter(|s| row.cell(&s.component.name).is_none()) {
            let key = subject.key();
            let detail = format!("the row says nothing of {key}; write * for any version");
            checked.findings.push(Finding::new(Code::M02, Some(&row.id), Some(key), detail, []));
        }
    }
}

/// Spells a fault; an unknown key is reported beside it.
fn described(fault: &Fault, cell: &MatrixCell) -> (Code, Option<String>) {
    let text = &cell.text;
    match fault {
        Fault::NotText => {
            let detail = format!("`{text}` is not a text; write it in quotes: \"{text}\"");
            (Code::M13, Some(detail))
        }
        Fault::Syntax(detail) => (Code::M01, Some(detail.clone())),
        Fault::Empty => (Code::M03, Some(format!("no version can be in `{text}`"))),
        Fault::UnknownKey => (Code::M02, None),
    }
}

/// Tells whether a row is as wide as another: on each of its keys.
pub(super) fn covers(wide: &MatrixRow, narrow: &MatrixRow) -> bool {
    wide.cells.iter().all(|cell| {
        let Some(component) = &cell.component else { return false };
        match (narrow.cell(&component.name).map(|other| &other.range), &cell.range) {
            (Some(Ok(other)), Ok(range)) => range.covers(other),
            // A row that did not speak of the component held any version of it.
            (None, Ok(_)) => cell.text.trim() == "*",
            _ => false,
        }
    })
}

impl Check {
    /// M04: ranges that hold nothing that was released.
    pub(super) fn unmatched_ranges(&self) -> Vec<Finding> {
        let mut found = Vec::new();
        for row in &self.sound.matrix.rows {
            for cell in &row.cells {
                let Some(component) = &cell.component else { continue };
                let subject = self.subject(&component.name);
                if subject.is_some_and(|s| s.released.iter().any(|r| cell.has(&r.version))) {
                    continue;
                }
                let detail = format!("no released version of {} is in {}", cell.key, cell.text);
                found.push(Finding::new(Code::M04, Some(&row.id), Some(&cell.key), detail, []));
            }
        }
        found
    }

    /// M06: pairs of rows that could both hold the same set.
    pub(super) fn overlaps(&self) -> Vec<Finding> {
        let rows = &self.sound.matrix.rows;
        let mut found = Vec::new();
        for (number, later) in rows.iter().enumerate() {
            for earlier in &rows[..number] {
                let overlap = |cell: &MatrixCell| {
                    let other = cell.component.as_ref().and_then(|c| earlier.cell(&c.name));
                    match (&cell.range, other.map(|other| &other.range)) {
                        (Ok(one), Some(Ok(other))) => one.overlaps(other),
                        _ => false,
                    }
                };
                if later.cells.iter().all(overlap) {
                    let detail = format!(
                        "{} and {} overlap on every key; narrow one of them",
                        earlier.id, later.id
                    );
                    found.push(Finding::new(Code::M06, Some(&later.id), None, detail, []));
                }
            }
        }
        found
    }
}
