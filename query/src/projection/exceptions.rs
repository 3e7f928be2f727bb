//! `exceptions`: what did not go as the rules want, X01 to X17 (semantics B.3 file 6).

use super::{Projection, Request, text};
use crate::release::{Core, Exception, ExceptionCode, FactsError, Period};
use crate::table::ColumnType::{Int, Text, Time};
use crate::table::{Cell, Table};

pub(super) const PROJECTION: Projection = Projection {
    name: "exceptions",
    columns: &[
        ("code", Text),
        ("name", Text),
        ("severity", Text),
        ("change_id", Text),
        ("component", Text),
        ("detail", Text),
        ("seq", Int),
        ("detected_at", Time),
        ("owner", Text),
        ("disposition", Text),
        ("disposition_seq", Int),
    ],
    rows,
};

fn rows(core: &Core<'_>, request: &Request) -> Result<Table, FactsError> {
    rows_of(core, request.component.as_deref(), ExceptionCode::ALL, Period::ALL)
}

/// Returns the exceptions that are asked for, by detected_at, code, change_id.
pub(crate) fn rows_of(
    core: &Core<'_>,
    component: Option<&str>,
    codes: &[ExceptionCode],
    period: Period,
) -> Result<Table, FactsError> {
    let mut table = Table::new(PROJECTION.columns);
    for exception in core.exceptions(component, codes, period)? {
        let mut evidence = exception.evidence.clone();
        evidence.extend(exception.disposition.iter().map(|d| d.seq));
        table.push(row_of(&exception), evidence);
    }
    Ok(table)
}

fn row_of(exception: &Exception) -> Vec<Cell> {
    let disposition = exception.disposition.as_ref();
    vec![
        exception.code.as_str().into(),
        exception.code.name().into(),
        exception.severity.as_str().into(),
        text(exception.change_id.as_deref()),
        text(exception.component.as_deref()),
        exception.detail.as_str().into(),
        exception.seq.into(),
        exception.detected_at.into(),
        text(disposition.map(|d| d.owner.as_str())),
        text(disposition.map(|d| d.disposition)),
        disposition.map(|d| d.seq).into(),
    ]
}
