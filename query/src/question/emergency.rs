//! `emergency`: every deploy that broke the glass, reviewed in time or not (semantics C.2 N6).

use super::{AnswerError, Part, component, warning};
use crate::projection::{Request, emergencies_in};
use crate::release::{Core, Period};
use crate::table::Cell;

pub(super) fn answer(
    core: &Core<'_>,
    only: Option<&str>,
    period: Period,
) -> Result<Part, AnswerError> {
    let only = only.map(|name| component(core, name)).transpose()?;
    let request = Request { component: only.map(|c| c.name.clone()), ..Request::default() };
    let table = emergencies_in(core, &request, period)?;
    let mut part = Part { table, ..Part::default() };
    part.period(period)?;
    for row in 0..part.table.rows.len() {
        // A reason that is missing is missing: the glass may not be broken without one.
        if part.table.cell(row, "incident_id").is_some_and(Cell::is_null) {
            let id = part.table.cell(row, "change_id").and_then(Cell::as_text).unwrap_or_default();
            let detail = format!("{id} broke the glass and names no incident");
            part.warnings.push(warning("no_incident", detail));
        }
    }
    Ok(part)
}
