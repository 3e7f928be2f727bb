//! `commit_in_prod`: the commit of every live share, and where its tag points (Q2, A.3).

use super::{Projection, Request, pairs, text};
use crate::release::{Component, Core, Current, Environment, FactsError, LiveShare, Origin};
use crate::table::ColumnType::{Bool, Int, Text, Time};
use crate::table::{Cell, Row, Table};

pub(super) const PROJECTION: Projection = Projection {
    name: "commit_in_prod",
    columns: &[
        ("component", Text),
        ("environment", Text),
        ("target", Text),
        ("role", Text),
        ("weight", Int),
        ("version", Text),
        ("digest", Text),
        ("commit", Text),
        ("commit_source", Text),
        ("tag", Text),
        ("tag_commit", Text),
        ("tag_matches", Bool),
        ("since", Time),
        ("ambiguous", Bool),
    ],
    rows,
};

fn rows(core: &Core<'_>, request: &Request) -> Result<Table, FactsError> {
    let mut table = Table::new(PROJECTION.columns);
    for (component, environment) in pairs(core, request)? {
        for row in rows_of(core, &component, &environment)? {
            table.push(row.cells, row.evidence);
        }
    }
    Ok(table)
}

/// Returns the rows of one component in one environment.
pub(crate) fn rows_of(
    core: &Core<'_>,
    component: &std::sync::Arc<Component>,
    environment: &Environment,
) -> Result<Vec<Row>, FactsError> {
    let current = core.current(component, environment)?;
    let mut rows = Vec::new();
    for share in &current.shares {
        if share.origins.is_empty() {
            rows.push(share_row(core, &current, share, None)?);
        }
        for origin in &share.origins {
            rows.push(share_row(core, &current, share, Some(origin))?);
        }
    }
    if current.published.is_some() {
        rows.extend(published_rows(core, &current)?);
    }
    Ok(rows)
}

fn share_row(
    core: &Core<'_>,
    current: &Current,
    share: &LiveShare,
    origin: Option<&Origin>,
) -> Result<Row, FactsError> {
    let name = current.component.name.as_str();
    let mut cells = vec![
        name.into(),
        current.environment.as_str().into(),
        share.target.as_str().into(),
        share.role.as_str().into(),
        share.weight.into(),
        text(origin.map(|origin| origin.version.as_str())),
        share.share.digest.as_str().into(),
    ];
    let mut evidence = share.evidence();
    let commit = origin.map(|origin| origin.commit.as_str());
    let source = if commit.is_some() { "build" } else { "missing" };
    let version = origin.map(|origin| origin.version.as_str());
    cells.extend(commit_cells(core, name, version, commit, source, &mut evidence)?);
    cells.push(share.share.since.into());
    cells.push(origin.is_some_and(|origin| origin.ambiguous).into());
    Ok(Row { cells, evidence })
}

fn published_rows(core: &Core<'_>, current: &Current) -> Result<Vec<Row>, FactsError> {
    let Some(published) = &current.published else { return Ok(Vec::new()) };
    let name = current.component.name.as_str();
    let channels: Vec<Option<&str>> = if published.channels.is_empty() {
        vec![None]
    } else {
        published.channels.iter().map(|channel| Some(channel.as_str())).collect()
    };
    let source = match (&published.commit, published.built) {
        (Some(_), true) => "build",
        (Some(_), false) => "publish",
        (None, _) => "missing",
    };
    let mut rows = Vec::new();
    for channel in channels {
        let mut evidence = published.evidence.clone();
        let mut cells = vec![
            name.into(),
            current.environment.as_str().into(),
            text(channel),
            Cell::Null,
            Cell::Null,
            published.version.as_str().into(),
            published.digest.as_str().into(),
        ];
        let (version, commit) = (Some(published.version.as_str()), published.commit.as_deref());
        cells.extend(commit_cells(core, name, version, commit, source, &mut evidence)?);
        cells.push(published.since.into());
        cells.push(false.into());
        rows.push(Row { cells, evidence });
    }
    Ok(rows)
}

/// Returns commit, commit_source, tag, tag_commit and tag_matches.
fn commit_cells(
    core: &Core<'_>,
    component: &str,
    version: Option<&str>,
    commit: Option<&str>,
    source: &str,
    evidence: &mut Vec<u64>,
) -> Result<[Cell; 5], FactsError> {
    let tag = match version {
        Some(version) => core.tag_of(component, version)?,
        None => None,
    };
    evidence.extend(tag.iter().map(|tag| tag.seq));
    let matches = match (&tag, commit) {
        (Some(tag), Some(commit)) => Cell::Bool(tag.commit == commit),
        _ => Cell::Null,
    };
    Ok([
        text(commit),
        source.into(),
        text(tag.as_ref().map(|tag| tag.tag.as_str())),
        text(tag.as_ref().map(|tag| tag.commit.as_str())),
        matches,
    ])
}
