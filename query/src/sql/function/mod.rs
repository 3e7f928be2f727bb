//! The functions that SQL gains, and those that it loses.
//!
//! One file per family. Functions of the engine that can make gigabytes out of a few characters,
//! or tell where files lie, are bounded or left out.

mod bounded;
mod json;
mod rewrite;
mod table;
mod version;

use std::collections::HashMap;
use std::sync::Arc;

use datafusion::catalog::TableFunction;
use datafusion::execution::SessionStateDefaults;
use datafusion::logical_expr::ScalarUDF;
use datafusion::logical_expr::expr_rewriter::FunctionRewrite;
use datafusion::logical_expr::planner::ExprPlanner;

use super::logs::Logs;
use super::projections::Projections;

/// Scalar functions of the engine that are not offered: they make lists as long as a number says
/// before any limit can stop them (the table functions of the same name are streams), or they
/// name the files behind a table.
const LEFT_OUT: &[&str] = &[
    "range",
    "generate_series",
    "array_repeat",
    "list_repeat",
    "array_resize",
    "list_resize",
    "input_file_name",
    "file_row_index",
];

/// Returns the scalar functions of a session.
pub(crate) fn scalar_functions() -> Vec<Arc<ScalarUDF>> {
    let mut functions: Vec<Arc<ScalarUDF>> = SessionStateDefaults::default_scalar_functions()
        .into_iter()
        .filter(|function| !LEFT_OUT.contains(&function.name()))
        .map(bounded::bound)
        .collect();
    functions.extend(version::functions());
    functions.extend(json::functions());
    functions
}

/// Returns what turns operators into functions.
pub(crate) fn expr_planners() -> Vec<Arc<dyn ExprPlanner>> {
    let mut planners = SessionStateDefaults::default_expr_planners();
    planners.insert(0, Arc::new(json::JsonOperators));
    planners
}

/// Returns what bounds the functions that the parser calls by itself.
pub(crate) fn rewrite() -> Arc<dyn FunctionRewrite + Send + Sync> {
    Arc::new(rewrite::Bounds)
}

/// Returns the table functions of a session.
pub(crate) fn table_functions(
    projections: &Arc<dyn Projections>,
    logs: &Arc<Logs>,
) -> HashMap<String, Arc<TableFunction>> {
    let mut functions = SessionStateDefaults::default_table_functions();
    functions.extend(table::functions(projections, logs));
    functions.into_iter().map(|function| (function.name().to_owned(), function)).collect()
}
