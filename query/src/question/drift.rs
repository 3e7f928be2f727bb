//! `drift`: which targets are not on the intended version (semantics C.2 N3).

use super::{AnswerError, Part, components, environment, warning};
use crate::release::{Component, Core, FactsError};
use crate::table::ColumnType::{Text, Time};
use crate::table::{Cell, ColumnType, Table};

const COLUMNS: &[(&str, ColumnType)] = &[
    ("component", Text),
    ("target", Text),
    ("intended", Text),
    ("intended_digest", Text),
    ("live", Text),
    ("live_digest", Text),
    ("observed", Text),
    ("observed_digest", Text),
    ("kind", Text),
    ("since", Time),
];

pub(super) fn answer(
    core: &Core<'_>,
    environment_name: &str,
    only: Option<&str>,
) -> Result<Part, AnswerError> {
    let environment = environment(core, environment_name)?;
    let components = components(core, only)?;
    let mut part = Part { table: Table::new(COLUMNS), ..Part::default() };
    part.head("environment", environment_name);
    for component in components.iter().filter(|component| !component.is_published()) {
        for (target, deploy) in core.indeterminate(component, &environment)? {
            let name = &component.name;
            let detail = format!(
                "{deploy} failed on {target} and did not restore what was there: what {name} runs \
                 there is not known"
            );
            part.warnings.push(warning("indeterminate", detail));
        }
        for drift in core.drift(component, &environment)? {
            let mut cells: Vec<Cell> =
                vec![component.name.as_str().into(), drift.target.as_str().into()];
            for digest in [&drift.intended, &drift.live, &drift.observed] {
                cells.push(version(core, component, digest.as_deref())?);
                cells.push(digest.clone().into());
            }
            cells.push(drift.kind.as_str().into());
            cells.push(drift.since.into());
            part.table.push(cells, drift.evidence);
        }
    }
    Ok(part)
}

fn version(
    core: &Core<'_>,
    component: &Component,
    digest: Option<&str>,
) -> Result<Cell, FactsError> {
    let Some(digest) = digest else { return Ok(Cell::Null) };
    Ok(core.origin(&component.name, digest, None)?.map(|origin| origin.version).into())
}
