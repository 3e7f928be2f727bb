//! The projections as tables: one file each, shown alike by SQL and by the questions.
//!
//! A projection asks the core and lays the answer out in columns; it decides nothing. Names and
//! meanings of the columns are a public interface (contract section 4).

mod approver_history;
mod commit_in_prod;
mod compat;
mod current_versions;
mod deploys;
mod emergency;
mod exceptions;
mod gate_results;
mod inventory;
mod live_shares;
mod population;
mod production_releases;
mod release_diffs;
mod rollback_targets;
mod sod;
mod vuln_exposure;

pub(crate) use approver_history::judgement_cells;
pub(crate) use commit_in_prod::rows_of as commit_rows;
pub(crate) use compat::{Against, compat_table};
pub(crate) use current_versions::row_of as current_row;
pub(crate) use emergency::{emergencies_in, emergency_row};
pub(crate) use exceptions::rows_of as exception_rows;
pub(crate) use gate_results::row_of as gate_row;
pub(crate) use population::rows_in as population_in;
pub(crate) use release_diffs::change_cells;
pub(crate) use rollback_targets::row_of as rollback_row;
pub(crate) use vuln_exposure::rows_of as exposure_rows;

use std::sync::Arc;

use crate::release::{Component, Core, Environment, FactsError};
use crate::table::{Cell, Column, ColumnType, Table, columns};

/// What is asked of a projection.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Request {
    /// Only rows of this component, by its registered name.
    pub component: Option<String>,
    /// Only rows of this environment.
    pub environment: Option<String>,
    /// The columns that will be read; others may be left null. All when absent.
    pub columns: Option<Vec<String>>,
}

impl Request {
    /// Tells whether one of the columns will be read.
    pub fn needs(&self, columns: &[&str]) -> bool {
        let asked = |name: &&str| match &self.columns {
            Some(asked) => asked.iter().any(|column| column == name),
            None => true,
        };
        columns.iter().any(asked)
    }
}

/// A projection: its name, its columns and how its rows are made.
pub struct Projection {
    /// The name of the table.
    pub name: &'static str,
    /// Its columns; [`columns_of`] has those that depend on the book too.
    pub columns: &'static [(&'static str, ColumnType)],
    /// Makes its rows.
    pub rows: fn(&Core<'_>, &Request) -> Result<Table, FactsError>,
}

/// All projections.
pub const PROJECTIONS: &[Projection] = &[
    current_versions::PROJECTION,
    live_shares::PROJECTION,
    commit_in_prod::PROJECTION,
    production_releases::PROJECTION,
    release_diffs::PROJECTION,
    approver_history::PROJECTION,
    deploys::PROJECTION,
    gate_results::PROJECTION,
    rollback_targets::PROJECTION,
    compat::PROJECTION,
    population::PROJECTION,
    exceptions::PROJECTION,
    sod::PROJECTION,
    emergency::PROJECTION,
    vuln_exposure::PROJECTION,
    inventory::PROJECTION,
];

/// Finds a projection by its name.
pub fn projection(name: &str) -> Option<&'static Projection> {
    PROJECTIONS.iter().find(|projection| projection.name == name)
}

/// Returns the columns of a projection in a view: those of the matrix depend on the book.
///
/// # Errors
/// [`FactsError`] when the facts cannot be read.
pub fn columns_of(core: &Core<'_>, name: &str) -> Result<Option<Vec<Column>>, FactsError> {
    if name == compat::PROJECTION.name {
        return compat::columns_of(core).map(Some);
    }
    Ok(projection(name).map(|projection| columns(projection.columns)))
}

/// Returns the components and environments that a request is about, component by component.
fn pairs(
    core: &Core<'_>,
    request: &Request,
) -> Result<Vec<(Arc<Component>, Environment)>, FactsError> {
    let environments = core.environments()?;
    let mut pairs = Vec::new();
    for component in components(core, request)? {
        for environment in &environments {
            if request.environment.as_ref().is_none_or(|name| *name == environment.name) {
                pairs.push((Arc::clone(&component), environment.clone()));
            }
        }
    }
    Ok(pairs)
}

fn components(core: &Core<'_>, request: &Request) -> Result<Vec<Arc<Component>>, FactsError> {
    let mut components = core.components()?;
    components.retain(|c| request.component.as_ref().is_none_or(|name| *name == c.name));
    Ok(components)
}

/// Returns a text cell, or null.
fn text(value: Option<&str>) -> Cell {
    value.map_or(Cell::Null, Cell::from)
}
