//! `live_shares`: what every target serves, with its part of the traffic (semantics A.5).

use super::{Projection, Request, pairs, text};
use crate::release::{Core, FactsError, LiveShare, Moment};
use crate::table::ColumnType::{Int, Text, Time};
use crate::table::{Cell, Table};

pub(super) const PROJECTION: Projection = Projection {
    name: "live_shares",
    columns: &[
        ("component", Text),
        ("environment", Text),
        ("target", Text),
        ("role", Text),
        ("weight", Int),
        ("version", Text),
        ("digest", Text),
        ("commit", Text),
        ("since", Time),
        ("suspect", Text),
        ("deploy_id", Text),
    ],
    rows,
};

fn rows(core: &Core<'_>, request: &Request) -> Result<Table, FactsError> {
    let mut table = Table::new(PROJECTION.columns);
    for (component, environment) in pairs(core, request)? {
        if component.is_published() {
            continue;
        }
        let history = core.facts().history(&component.name, &environment.name, Moment::END)?;
        for share in core.live_shares(&component, &environment, &history)? {
            table.push(cells(&component.name, &environment.name, &share), share.evidence());
        }
    }
    Ok(table)
}

fn cells(component: &str, environment: &str, share: &LiveShare) -> Vec<Cell> {
    let origin = share.origins.first();
    let suspect = share.suspect.as_ref().map(|s| s.version.as_deref().unwrap_or(&s.digest));
    vec![
        component.into(),
        environment.into(),
        share.target.as_str().into(),
        share.role.as_str().into(),
        share.weight.into(),
        text(share.version()),
        share.share.digest.as_str().into(),
        text(origin.map(|origin| origin.commit.as_str())),
        share.share.since.into(),
        text(suspect),
        share.share.deploy_id.as_str().into(),
    ]
}
