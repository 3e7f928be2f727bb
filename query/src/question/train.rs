//! `train`: did the release trains keep their rules (semantics A.12)?

use super::{AnswerError, Part, components, warning};
use crate::release::{Core, Train};
use crate::table::ColumnType::Text;
use crate::table::{Cell, ColumnType, Table};

const COLUMNS: &[(&str, ColumnType)] = &[
    ("component", Text),
    ("branch", Text),
    ("tag", Text),
    ("version", Text),
    ("code", Text),
    ("commit", Text),
    ("detail", Text),
];

pub(super) fn answer(core: &Core<'_>, only: Option<&str>) -> Result<Part, AnswerError> {
    let components = components(core, only)?;
    let mut part = Part { table: Table::new(COLUMNS), ..Part::default() };
    for component in &components {
        let trains = core.trains(component)?;
        if trains.is_empty() && only.is_some() {
            // A registered component always has a row: null, and why.
            let detail = format!("{} has no branch release/vX.Y", component.name);
            let mut cells = vec![Cell::Null; COLUMNS.len()];
            cells[0] = component.name.as_str().into();
            cells[COLUMNS.len() - 1] = detail.as_str().into();
            part.table.push(cells, vec![component.seq]);
            part.warnings.push(warning("no_train", detail));
        }
        for train in &trains {
            rows(train, &mut part.table);
        }
    }
    Ok(part)
}

fn rows(train: &Train, table: &mut Table) {
    let head = || -> Vec<Cell> {
        vec![
            train.component.as_str().into(),
            train.branch.as_str().into(),
            train.tag.as_ref().map(|tag| tag.tag.clone()).into(),
            train.tag.as_ref().map(|tag| tag.version.as_str()).into(),
        ]
    };
    if train.findings.is_empty() {
        let mut cells = head();
        let detail = match train.tag {
            Some(_) => Cell::Null,
            None => "not tagged yet".into(),
        };
        cells.extend([Cell::Null, Cell::Null, detail]);
        table.push(cells, train.evidence.clone());
    }
    for finding in &train.findings {
        let mut cells = head();
        cells.push(finding.code.into());
        cells.push(finding.commit.clone().into());
        cells.push(finding.detail.as_str().into());
        let mut evidence = train.evidence.clone();
        evidence.extend(&finding.evidence);
        table.push(cells, evidence);
    }
}
