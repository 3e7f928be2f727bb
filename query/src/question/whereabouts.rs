//! `where`: is a commit or pull request live, where, since when, did it leave (semantics C.2 N1)?

use super::{AnswerError, Part};
use crate::release::{Core, Whereabouts};
use crate::table::ColumnType::{Bool, Text, Time};
use crate::table::{Cell, ColumnType, Table};

const COLUMNS: &[(&str, ColumnType)] = &[
    ("component", Text),
    ("commit", Text),
    ("match", Text),
    ("first_version", Text),
    ("environment", Text),
    ("target", Text),
    ("role", Text),
    ("first_live_at", Time),
    ("live_now", Bool),
    ("left_at", Time),
    ("via_digest", Text),
    ("reason", Text),
    ("canary_first_at", Time),
    ("canary_left_at", Time),
];

pub(super) fn answer(core: &Core<'_>, subject: &str) -> Result<Part, AnswerError> {
    let merges = core.named_commits(subject)?;
    if merges.is_empty() {
        return Err(AnswerError::UnknownCommit { subject: subject.to_owned() });
    }
    let mut part = Part { table: Table::new(COLUMNS), ..Part::default() };
    part.head("subject", subject);
    for merge in &merges {
        for found in core.whereabouts(merge)? {
            part.table.push(cells(&found), found.evidence.clone());
        }
    }
    Ok(part)
}

fn cells(found: &Whereabouts) -> Vec<Cell> {
    vec![
        found.component.as_str().into(),
        found.commit.as_str().into(),
        if found.exact { "exact" } else { "cherry_pick" }.into(),
        found.first_version.clone().into(),
        found.environment.clone().into(),
        found.target.clone().into(),
        found.role.map(|role| role.as_str()).into(),
        found.first_live_at.into(),
        found.live_now.into(),
        found.left_at.into(),
        found.via_digest.clone().into(),
        found.reason.clone().into(),
        found.canary_first_at.into(),
        found.canary_left_at.into(),
    ]
}
