//! `rollback_targets`: where every component can be rolled back to, on any line (semantics A.7).

use super::{Projection, Request, pairs, text};
use crate::release::{Block, Candidate, Core, FactsError};
use crate::table::ColumnType::{Bool, Int, Text, TextList, Time};
use crate::table::{Cell, Table};

pub(super) const PROJECTION: Projection = Projection {
    name: "rollback_targets",
    columns: &[
        ("component", Text),
        ("environment", Text),
        ("rank", Int),
        ("version", Text),
        ("digest", Text),
        ("commit", Text),
        ("last_live_from", Time),
        ("last_live_until", Time),
        ("eligible", Bool),
        ("reasons", TextList),
        ("recommended", Bool),
        ("requires_approval", Bool),
        ("crosses", Text),
        ("target", Text),
        ("current_version", Text),
    ],
    rows,
};

fn rows(core: &Core<'_>, request: &Request) -> Result<Table, FactsError> {
    let mut table = Table::new(PROJECTION.columns);
    for (component, environment) in pairs(core, request)? {
        let rollback = core.rollback(&component, &environment, true)?;
        for block in &rollback.blocks {
            for candidate in &block.candidates {
                let cells = row_of(&component.name, &environment.name, block, candidate);
                table.push(cells, candidate.evidence.clone());
            }
        }
    }
    Ok(table)
}

/// Returns the cells of a row, in the order of the columns.
pub(crate) fn row_of(
    component: &str,
    environment: &str,
    block: &Block,
    candidate: &Candidate,
) -> Vec<Cell> {
    vec![
        component.into(),
        environment.into(),
        candidate.rank.into(),
        candidate.version.as_str().into(),
        candidate.digest.as_str().into(),
        text(candidate.commit.as_deref()),
        candidate.last_live_from.into(),
        candidate.last_live_until.into(),
        candidate.eligible().into(),
        candidate.reasons.clone().into(),
        candidate.recommended.into(),
        candidate.requires_approval.into(),
        text(candidate.crosses),
        text(block.target.as_deref()),
        text(block.version.as_deref()),
    ]
}
