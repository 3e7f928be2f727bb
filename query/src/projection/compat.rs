//! `compat`: the matrix in force, with the released versions in its ranges (semantics A.13, Q5).
//!
//! It has two columns per component of the matrix, named after its alias, so the columns depend
//! on the book; before the first matrix they are those of every component with an alias.

use std::sync::Arc;

use super::{Projection, Request};
use crate::release::compat::{Compatibility, LiveComponent, MatrixRow, Released, short_name};
use crate::release::{Component, Core, FactsError};
use crate::table::ColumnType::{Bool, Text, TextList};
use crate::table::{Cell, Column, Table, columns};

/// Only the columns that are always there; see [`columns_of`].
pub(super) const PROJECTION: Projection =
    Projection { name: "compat", columns: &[("row_id", Text), ("contains_live", Bool)], rows };

/// Which live versions a row is held against.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Against {
    /// Whatever is live of the matrix: `contains_live`.
    Live,
    /// Both of two components: `contains_live_pair`.
    LivePair,
}

impl Against {
    fn column(self) -> &'static str {
        match self {
            Self::Live => "contains_live",
            Self::LivePair => "contains_live_pair",
        }
    }
}

/// The environment whose live versions are meant when none is named.
const ENVIRONMENT: &str = "production";

fn rows(core: &Core<'_>, request: &Request) -> Result<Table, FactsError> {
    let components = components(core)?;
    let columns = table_columns(&components, Against::Live);
    let Some(matrix) = core.matrix()? else { return Ok(Table { columns, rows: Vec::new() }) };
    let name = request.environment.as_deref().unwrap_or(ENVIRONMENT);
    let compatibility = match core.environment(name)? {
        Some(environment) => core.live_beside(matrix, &environment)?,
        None => Compatibility { matrix, live: Vec::new() },
    };
    compat_table(core, &compatibility, &components, Against::Live, request)
}

/// Returns the columns of the table in a view.
pub(super) fn columns_of(core: &Core<'_>) -> Result<Vec<Column>, FactsError> {
    Ok(table_columns(&components(core)?, Against::Live))
}

fn components(core: &Core<'_>) -> Result<Vec<Arc<Component>>, FactsError> {
    match core.matrix()? {
        Some(matrix) => Ok(matrix.components()),
        None => {
            let mut all = core.components()?;
            all.retain(|component| component.spec.alias.is_some());
            Ok(all)
        }
    }
}

fn table_columns(components: &[Arc<Component>], against: Against) -> Vec<Column> {
    let column = |name: String, ty| Column { name, ty };
    let mut all = columns(&[("row_id", Text)]);
    for what in [("range", Text), ("versions", TextList)] {
        let names = components.iter().map(|c| format!("{}_{}", short_name(c), what.0));
        all.extend(names.map(|name| column(name, what.1)));
    }
    all.push(column(against.column().to_owned(), Bool));
    all
}

/// Lays out the rows of a matrix for some of its components, and whether each row holds what is
/// live of them.
pub(crate) fn compat_table(
    core: &Core<'_>,
    compatibility: &Compatibility,
    components: &[Arc<Component>],
    against: Against,
    request: &Request,
) -> Result<Table, FactsError> {
    let columns = table_columns(components, against);
    let mut released = Vec::new();
    for component in components {
        let column = format!("{}_versions", short_name(component));
        released.push(match request.needs(&[&column]) {
            true => core.released(component)?,
            false => Vec::new(),
        });
    }
    let mut table = Table { columns, rows: Vec::new() };
    for row in &compatibility.matrix.rows {
        let (mut ranges, mut versions) = (Vec::new(), Vec::new());
        let mut evidence: Vec<u64> = compatibility.matrix.seq.into_iter().collect();
        for (component, released) in components.iter().zip(&released) {
            let cell = row.cell(&component.name);
            ranges.push(cell.map(|cell| cell.text.clone()).into());
            let readable = cell.filter(|cell| cell.range.is_ok());
            versions.push(readable.map_or(Cell::Null, |cell| {
                let held: Vec<&Released> =
                    released.iter().filter(|r| cell.has(&r.version)).collect();
                evidence.extend(held.iter().map(|r| r.seq));
                Cell::TextList(held.iter().map(|r| r.text.clone()).collect())
            }));
        }
        let live: Vec<&LiveComponent> =
            components.iter().filter_map(|c| compatibility.live_of(&c.name)).collect();
        evidence.extend(live.iter().flat_map(|live| live.evidence.iter().copied()));
        let contains = holds_live(row, &live)
            && (against == Against::Live || live.iter().all(|live| !live.members.is_empty()));
        let cells = std::iter::once(row.id.as_str().into());
        let cells = cells.chain(ranges).chain(versions).chain([contains.into()]);
        table.push(cells.collect(), evidence);
    }
    Ok(table)
}

/// Tells whether a row holds every live version of the components, and there is one.
fn holds_live(row: &MatrixRow, live: &[&LiveComponent]) -> bool {
    let mut members = live.iter().flat_map(|live| &live.members).peekable();
    members.peek().is_some()
        && members.all(|m| m.version.as_deref().is_some_and(|v| row.holds(&m.component, v)))
}
