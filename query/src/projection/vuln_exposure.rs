//! `vuln_exposure`: which vulnerable artifacts were live where and when (semantics B.3 file 14).

use super::{Projection, Request, text};
use crate::release::{Core, Exposed, Exposure, FactsError};
use crate::table::ColumnType::{Float, Int, Text, Time};
use crate::table::{Cell, Table};

pub(super) const PROJECTION: Projection = Projection {
    name: "vuln_exposure",
    columns: &[
        ("cve", Text),
        ("severity", Text),
        ("component", Text),
        ("version", Text),
        ("digest", Text),
        ("environment", Text),
        ("target", Text),
        ("flagged_at", Time),
        ("exposed_from", Time),
        ("exposed_until", Time),
        ("hours", Float),
        ("fixed_version", Text),
        ("reported_at", Time),
        ("role", Text),
        ("weight", Int),
        ("known_from", Time),
        ("known_hours", Float),
    ],
    rows,
};

fn rows(core: &Core<'_>, request: &Request) -> Result<Table, FactsError> {
    let mut table = rows_of(core, &Exposed::All, request.environment.as_deref())?;
    let component = table.position("component").unwrap_or_default();
    table.rows.retain(|row| {
        let name = row.cells.get(component).and_then(Cell::as_text);
        request.component.is_none() || name == request.component.as_deref()
    });
    Ok(table)
}

/// Returns the exposures that are asked for.
pub(crate) fn rows_of(
    core: &Core<'_>,
    asked: &Exposed,
    environment: Option<&str>,
) -> Result<Table, FactsError> {
    let mut table = Table::new(PROJECTION.columns);
    for exposure in core.exposures(asked, environment)? {
        table.push(row_of(core, &exposure), exposure.evidence.clone());
    }
    Ok(table)
}

fn row_of(core: &Core<'_>, exposure: &Exposure) -> Vec<Cell> {
    let from = exposure.interval.from.at;
    // Still open: as long as the view looks.
    let until = exposure.until.unwrap_or(core.facts().lens().as_of);
    #[expect(clippy::cast_precision_loss, reason = "far below 2^53 microseconds")]
    let hours = |since: relbook_ledger::time::Time| until.micros_since(since).max(0) as f64 / 3.6e9;
    vec![
        text(exposure.cve.as_deref()),
        text(exposure.severity.as_deref()),
        exposure.component.as_str().into(),
        text(exposure.version.as_deref()),
        exposure.digest.as_str().into(),
        exposure.environment.as_str().into(),
        exposure.interval.target.as_str().into(),
        exposure.flagged_at.into(),
        from.into(),
        exposure.until.into(),
        hours(from).into(),
        text(exposure.fixed_version.as_deref()),
        // No event says that it was reported.
        Cell::Null,
        exposure.role().as_str().into(),
        exposure.interval.weight.into(),
        exposure.known_from().into(),
        hours(exposure.known_from()).into(),
    ]
}
