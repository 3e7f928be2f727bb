//! `emergency`: every deploy that broke the glass, reviewed in time or not (semantics C.2 N6).

use super::{AnswerError, Part, component, warning};
use crate::projection::{Request, emergencies_in, emergency_row, projection};
use crate::release::{Core, Emergency, Fact, Period};
use crate::table::{Cell, Column, ColumnType, Table};
use relbook_ledger::event::Body;

pub(super) fn answer(
    core: &Core<'_>,
    only: Option<&str>,
    period: Period,
) -> Result<Part, AnswerError> {
    let only = only.map(|name| component(core, name)).transpose()?;
    let request = Request { component: only.map(|c| c.name.clone()), ..Request::default() };
    let columns = projection("emergency").map_or(&[][..], |p| p.columns);
    let mut part = Part { table: Table::new(columns), ..Part::default() };
    let not_counted = Column { name: "reviews_not_counted".to_owned(), ty: ColumnType::TextList };
    part.table.columns.push(not_counted);
    part.period(period)?;
    for emergency in emergencies_in(core, &request, period)? {
        let mut cells = emergency_row(core, &emergency);
        cells.push(not_counted_of(&emergency).into());
        part.table.push(cells, emergency.evidence());
    }
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

/// Returns the reviews that do not count: who, and why not.
fn not_counted_of(emergency: &Emergency) -> Vec<String> {
    let told = |(fact, why): &(std::sync::Arc<Fact>, &str)| match fact.body() {
        Body::BreakglassReviewed(review) => Some(format!("{}: {why}", review.reviewer)),
        _ => None,
    };
    emergency.not_counted.iter().filter_map(told).collect()
}
