//! The listing of all log tables and their columns, as `schemas/sql/tables.json` holds it.

use serde_json::{Value, json};

use super::build::EVIDENCE;
use super::catalog::{LOG_TABLES, LogTable};
use super::derived::{DERIVED, Derived, derived};
use crate::table::ColumnType;

/// Returns the listing of the tables that are read from the log, sorted by name.
pub fn log_tables() -> Value {
    let mut tables: Vec<(&str, Value)> = LOG_TABLES
        .iter()
        .filter(|table| derived(table.name).is_none_or(|derived| derived.docs.is_empty()))
        .map(|table| (table.name, of_log(table)))
        .collect();
    let own = DERIVED.iter().filter(|table| !table.docs.is_empty());
    tables.extend(own.map(|table| (table.name, of_derived(table))));
    tables.sort_unstable_by_key(|(name, _)| *name);
    Value::Array(tables.into_iter().map(|(_, table)| table).collect())
}

fn of_log(table: &LogTable) -> Value {
    let doc = derived(table.name).map_or(table.doc, |derived| derived.doc);
    let columns = table.columns.iter().map(|c| column(c.name, c.ty, c.doc));
    let kinds: Vec<_> = table.kinds.iter().map(|kind| kind.as_str()).collect();
    json!({
        "table": table.name,
        "description": doc,
        "kinds": if table.name == "events" { Value::from("all") } else { kinds.into() },
        "columns": columns.collect::<Vec<_>>(),
    })
}

fn of_derived(table: &Derived) -> Value {
    let listed = table.fixed.iter().map(|&(name, ty)| {
        let doc = table.docs.iter().find(|(known, _)| *known == name);
        column(name, ty, doc.map_or("", |(_, doc)| doc))
    });
    json!({
        "table": table.name,
        "description": table.doc,
        "columns": listed.collect::<Vec<_>>(),
    })
}

fn column(name: &str, ty: ColumnType, doc: &str) -> Value {
    json!({ "name": name, "type": type_name(ty), "description": doc })
}

/// Returns the listing of a projection, for whoever has its columns.
pub fn projection(name: &str, columns: &[(&str, ColumnType)]) -> Value {
    let mut listed: Vec<Value> =
        columns.iter().map(|(name, ty)| json!({ "name": name, "type": type_name(*ty) })).collect();
    listed.push(json!({ "name": EVIDENCE, "type": type_name(ColumnType::IntList) }));
    json!({ "table": name, "columns": listed })
}

/// Returns a type as SQL spells it.
fn type_name(ty: ColumnType) -> &'static str {
    match ty {
        ColumnType::Text => "TEXT",
        ColumnType::Json => "TEXT (JSON)",
        ColumnType::Int => "BIGINT",
        ColumnType::Float => "DOUBLE",
        ColumnType::Bool => "BOOLEAN",
        ColumnType::Time => "TIMESTAMP(us, UTC)",
        ColumnType::TextList => "LIST<TEXT>",
        ColumnType::IntList => "LIST<BIGINT>",
        ColumnType::Bytes => "BINARY",
    }
}
