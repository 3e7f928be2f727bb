//! `overlaps`: did deploys overlap, did an older build overwrite a newer one (semantics C.2 N8)?

use super::{AnswerError, Part, components};
use crate::release::{Core, Period};
use crate::table::ColumnType::{Bool, Text, Time};
use crate::table::{ColumnType, Table};

const COLUMNS: &[(&str, ColumnType)] = &[
    ("component", Text),
    ("environment", Text),
    ("stage", Text),
    ("deploy_a", Text),
    ("deploy_b", Text),
    ("target", Text),
    ("overlap_from", Time),
    ("overlap_to", Time),
    ("finished_last", Text),
    ("downgrade", Bool),
];

pub(super) fn answer(
    core: &Core<'_>,
    only: Option<&str>,
    period: Period,
) -> Result<Part, AnswerError> {
    let components = components(core, only)?;
    let mut part = Part { table: Table::new(COLUMNS), ..Part::default() };
    part.period(period)?;
    let mut overlaps = Vec::new();
    for component in &components {
        overlaps.extend(core.overlaps(component, period)?);
    }
    overlaps.sort_by_key(|overlap| overlap.later.started());
    for overlap in overlaps {
        let (a, b) = (&overlap.earlier, &overlap.later);
        let cells = vec![
            b.component.as_str().into(),
            b.start.environment.as_str().into(),
            b.start.stage.as_str().into(),
            a.id().into(),
            b.id().into(),
            overlap.target.as_str().into(),
            b.started().at.into(),
            overlap.until.map(|moment| moment.at).into(),
            overlap.finished_last.clone().into(),
            overlap.downgrade.into(),
        ];
        let evidence = overlap.evidence();
        part.table.push(cells, evidence);
    }
    Ok(part)
}
