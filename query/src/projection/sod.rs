//! `sod`: who did what for every production-stage deploy (semantics B.3 file 4).

use super::{Projection, Request, components};
use crate::release::{Core, FactsError, Period};
use crate::table::ColumnType::{Bool, Text};
use crate::table::Table;

pub(super) const PROJECTION: Projection = Projection {
    name: "sod",
    columns: &[
        ("change_id", Text),
        ("person", Text),
        ("is_author", Bool),
        ("is_reviewer", Bool),
        ("is_approver", Bool),
        ("is_initiator", Bool),
        ("conflict", Bool),
        ("conflict_kind", Text),
        ("component", Text),
    ],
    rows,
};

fn rows(core: &Core<'_>, request: &Request) -> Result<Table, FactsError> {
    let mut deploys = Vec::new();
    for component in components(core, request)? {
        deploys.extend(core.production_deploys(&component.name, Period::ALL)?);
    }
    deploys.sort_by(|a, b| (a.id(), a.fact.seq).cmp(&(b.id(), b.fact.seq)));
    let mut table = Table::new(PROJECTION.columns);
    for deploy in deploys {
        for duty in core.duties(&deploy)? {
            let cells = vec![
                deploy.id().into(),
                duty.person.as_str().into(),
                duty.is_author.into(),
                duty.is_reviewer.into(),
                duty.is_approver.into(),
                duty.is_initiator.into(),
                duty.conflicts().into(),
                duty.conflict_kind().into(),
                deploy.component.as_str().into(),
            ];
            table.push(cells, duty.evidence);
        }
    }
    Ok(table)
}
