//! Q2: which commit runs in an environment (semantics C.1).

use super::{AnswerError, Part, components, environment};
use crate::projection::{commit_rows, current_row, projection};
use crate::release::Core;
use crate::table::{Cell, Column, ColumnType, Table};

pub(super) fn answer(
    core: &Core<'_>,
    environment_name: &str,
    only: Option<&str>,
) -> Result<Part, AnswerError> {
    let environment = environment(core, environment_name)?;
    let components = components(core, only)?;
    let columns = projection("commit_in_prod").map_or(&[][..], |p| p.columns);
    let mut part = Part { table: Table::new(columns), ..Part::default() };
    part.table.columns.push(Column { name: "reason".to_owned(), ty: ColumnType::Text });
    part.head("environment", environment_name);
    for component in components {
        let rows = commit_rows(core, &component, &environment)?;
        if rows.is_empty() {
            // A registered component always has a row: null, and why.
            let current = core.current(&component, &environment)?;
            let mut cells = vec![Cell::Null; part.table.columns.len()];
            cells[0] = component.name.as_str().into();
            cells[1] = environment_name.into();
            if let Some(Cell::TextList(reasons)) = current_row(&current).last() {
                cells[part.table.columns.len() - 1] = reasons.join("; ").into();
            }
            part.table.push(cells, current.evidence);
        }
        for row in rows {
            let mut cells = row.cells;
            cells.push(Cell::Null);
            part.table.push(cells, row.evidence);
        }
    }
    Ok(part)
}
