//! `matrix_rows`: the rows of the compatibility matrix, with a column per alias that occurs in
//! what the lens shows.
//!
//! An alias that is also the name of a fixed column is found in `row` only.

use std::collections::BTreeSet;

use relbook_ledger::json;
use serde_json::Value;

use super::Derived;
use crate::sql::catalog::log_table;
use crate::sql::log::LogError;
use crate::sql::logs::Logs;
use crate::sql::rows::Rows;
use crate::table::{Cell, Column, ColumnType, Table};

/// The log table with one JSON text per row.
const BASE: &str = "matrix_rows";

pub(super) const TABLE: Derived = Derived {
    name: BASE,
    doc: "The compatibility matrix, one row per row of it, with a column per alias.",
    fixed: &[],
    columns: Some(columns),
    rows,
    docs: &[],
};

fn base() -> Result<Vec<Column>, LogError> {
    let table = log_table(BASE).ok_or_else(|| LogError::new("there is no matrix table"))?;
    let column = |known: &crate::sql::column::LogColumn| Column {
        name: known.name.to_owned(),
        ty: known.ty,
    };
    Ok(table.columns.iter().map(column).collect())
}

fn columns(logs: &Logs) -> Result<Vec<Column>, LogError> {
    let mut columns = base()?;
    let mut aliases = BTreeSet::new();
    for batch in logs.read(BASE, &["row"])? {
        let rows = Rows::new(&batch);
        for row in 0..batch.num_rows() {
            aliases.extend(members(rows.text(row, "row")).into_iter().map(|(alias, _)| alias));
        }
    }
    aliases.retain(|alias| columns.iter().all(|column| column.name != *alias));
    columns.extend(aliases.into_iter().map(|name| Column { name, ty: ColumnType::Text }));
    Ok(columns)
}

fn rows(logs: &Logs) -> Result<Table, LogError> {
    let columns = columns(logs)?;
    let base = base()?;
    let names: Vec<&str> = base.iter().map(|column| column.name.as_str()).collect();
    let mut table = Table { columns, rows: Vec::new() };
    for batch in logs.read(BASE, &names)? {
        let read = Rows::new(&batch);
        for row in 0..batch.num_rows() {
            let mut cells: Vec<Cell> =
                base.iter().map(|column| read.cell(row, &column.name, column.ty)).collect();
            let members = members(read.text(row, "row"));
            cells.extend(table.columns.iter().skip(base.len()).map(|column| {
                let found = members.iter().find(|(alias, _)| *alias == column.name);
                found.and_then(|(_, range)| range.as_str()).into()
            }));
            table.push(cells, vec![]);
        }
    }
    Ok(table)
}

fn members(row: Option<&str>) -> Vec<(String, Value)> {
    match row.map(|text| json::parse(text.as_bytes())) {
        Some(Ok(Value::Object(members))) => members.into_iter().collect(),
        _ => Vec::new(),
    }
}
