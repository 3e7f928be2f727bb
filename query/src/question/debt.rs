//! What is owed: follow-ups of hotfixes, and broken glass that nobody reviewed (semantics A.11).

use super::{AnswerError, Part, components, environment};
use crate::release::Core;
use crate::table::ColumnType::{Bool, Text, Time};
use crate::table::{Cell, ColumnType, Table};

const COLUMNS: &[(&str, ColumnType)] = &[
    ("kind", Text),
    ("component", Text),
    ("subject", Text),
    ("due_at", Time),
    ("overdue", Bool),
    ("detail", Text),
];

pub(super) fn answer(
    core: &Core<'_>,
    environment_name: &str,
    only: Option<&str>,
) -> Result<Part, AnswerError> {
    let environment = environment(core, environment_name)?;
    let components = components(core, only)?;
    let mut part = Part { table: Table::new(COLUMNS), ..Part::default() };
    let mut debts = Vec::new();
    for component in components {
        debts.extend(core.debts(&component, &environment)?);
    }
    // What is due first comes first; what has no time comes last.
    debts.sort_by_key(|debt| (debt.due_at.is_none(), debt.due_at));
    part.head("environment", environment.name.as_str());
    part.head("open", debts.len());
    part.head("overdue", debts.iter().filter(|debt| debt.overdue).count());
    for debt in debts {
        let cells: Vec<Cell> = vec![
            debt.kind.into(),
            debt.component.into(),
            debt.subject.into(),
            debt.due_at.into(),
            debt.overdue.into(),
            debt.detail.into(),
        ];
        part.table.push(cells, debt.evidence);
    }
    Ok(part)
}
