//! `release_diffs`: what changed between consecutive production releases (Q3, A.6).

use super::{Projection, Request, pairs, text};
use crate::release::{Change, Core, FactsError};
use crate::table::ColumnType::{Bool, Int, Text, Time};
use crate::table::{Cell, Table};

pub(super) const PROJECTION: Projection = Projection {
    name: "release_diffs",
    columns: &[
        ("component", Text),
        ("environment", Text),
        ("from_version", Text),
        ("to_version", Text),
        ("direction", Text),
        ("commit", Text),
        ("committed_at", Time),
        ("type", Text),
        ("scope", Text),
        ("breaking", Bool),
        ("subject", Text),
        ("pr", Int),
        ("author", Text),
        ("equivalent_of", Text),
    ],
    rows,
};

fn rows(core: &Core<'_>, request: &Request) -> Result<Table, FactsError> {
    let mut table = Table::new(PROJECTION.columns);
    for (component, environment) in pairs(core, request)? {
        let releases = core.introductions(&component, &environment, usize::MAX)?;
        for (i, new) in releases.iter().enumerate() {
            let old = i.checked_sub(1).map(|before| &releases[before]);
            let Some(new_origin) = &new.origin else { continue };
            let old_commit = match old {
                Some(old) => match &old.origin {
                    Some(origin) => Some(origin.commit.as_str()),
                    // Without the old commit there is no difference to tell.
                    None => continue,
                },
                None => None,
            };
            let list = core.changes(&component.name, old_commit, &new_origin.commit)?;
            for change in &list.changes {
                let mut cells = vec![
                    component.name.as_str().into(),
                    environment.name.as_str().into(),
                    text(old.and_then(|old| old.version())),
                    text(new.version()),
                ];
                cells.extend(change_cells(change));
                let mut evidence = change.evidence.clone();
                evidence.extend(old.iter().flat_map(|old| &old.evidence));
                evidence.extend(&new.evidence);
                table.push(cells, evidence);
            }
        }
    }
    Ok(table)
}

/// Returns the cells from `direction` on.
pub(crate) fn change_cells(change: &Change) -> Vec<Cell> {
    let commit = change.commit();
    vec![
        change.direction.as_str().into(),
        text(commit.map(|c| c.commit.as_str())),
        change.committed_at().into(),
        text(change.conventional.kind.as_deref()),
        text(change.conventional.scope.as_deref()),
        change.conventional.breaking.into(),
        text(commit.map(|c| c.subject.as_str())),
        commit.and_then(|c| c.pr).into(),
        text(commit.map(|c| c.author.as_str())),
        text(change.equivalent_of.as_deref()),
    ]
}
