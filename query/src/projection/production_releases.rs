//! `production_releases`: the introductions of each component, oldest first (semantics A.6).

use super::{Projection, Request, pairs, text};
use crate::release::{Core, FactsError};
use crate::table::ColumnType::{Int, Text, Time};
use crate::table::{Cell, Table};

pub(super) const PROJECTION: Projection = Projection {
    name: "production_releases",
    columns: &[
        ("component", Text),
        ("environment", Text),
        ("n", Int),
        ("version", Text),
        ("digest", Text),
        ("commit", Text),
        ("first_live_at", Time),
        ("fully_live_at", Time),
        ("bump", Text),
        ("change_class", Text),
        ("deploy_id", Text),
    ],
    rows,
};

fn rows(core: &Core<'_>, request: &Request) -> Result<Table, FactsError> {
    let mut table = Table::new(PROJECTION.columns);
    let classes = request.needs(&["change_class"]);
    for (component, environment) in pairs(core, request)? {
        for release in core.introductions(&component, &environment, usize::MAX)? {
            let mut class = Cell::Null;
            if classes && let Some(deploy) = core.deploy(&release.first.deploy_id)? {
                class = core.class(&deploy)?.change_class.into();
            }
            let cells = vec![
                component.name.as_str().into(),
                environment.name.as_str().into(),
                release.n.into(),
                text(release.version()),
                release.digest.as_str().into(),
                text(release.origin.as_ref().map(|origin| origin.commit.as_str())),
                release.first_live_at().into(),
                release.fully_live_at.into(),
                text(release.bump.map(|bump| bump.as_str())),
                class,
                release.first.deploy_id.as_str().into(),
            ];
            table.push(cells, release.evidence);
        }
    }
    Ok(table)
}
