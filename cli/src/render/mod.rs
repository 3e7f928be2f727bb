//! From an answer to bytes: one file per form, all from the same table.
//!
//! Forms other than `table` are stable: names and order of columns are those of the answer.
//! Nothing is computed here; a form may shorten for the eye (`table`) but never for a program.

pub mod batch;
mod columnar;
mod csv;
mod nested;
mod text;

pub(crate) use text::shorten;

use arrow::datatypes::Schema;
use arrow::record_batch::RecordBatch;
use relbook_query::question::Answer;
use relbook_query::sql::answer_batch;
use relbook_query::table::Table;
use serde_json::{Map, Value};

use crate::args::Format;
use crate::error::Error;
use crate::ui::Ui;

/// Shows an answer in the wanted form.
///
/// # Errors
/// [`Error::NotDone`] when it cannot be written, [`Error::Usage`] for a binary form on a terminal.
pub fn answer(ui: &mut Ui, answer: &Answer) -> Result<(), Error> {
    match ui.format() {
        Format::Table => text::answer(ui, answer),
        Format::Json => ui.json(&answer.to_json()),
        _ => rows(ui, &answer.table, true),
    }
}

/// Shows the result of a SQL statement: an answer whose rows have no evidence beside them.
///
/// # Errors
/// As [`answer`].
pub fn result(ui: &mut Ui, answer: &Answer) -> Result<(), Error> {
    match ui.format() {
        Format::Table => text::result(ui, answer),
        Format::Json => {
            let mut whole = answer.to_json();
            whole["rows"] = json_rows(&answer.table, false);
            ui.json(&whole)
        }
        _ => rows(ui, &answer.table, false),
    }
}

/// Writes record batches as a binary file.
///
/// # Errors
/// As [`answer`].
pub fn batches(ui: &mut Ui, schema: &Schema, batches: &[RecordBatch]) -> Result<(), Error> {
    columnar::write(ui, schema, batches)
}

/// Refuses to write a binary file to a terminal, before any work is done for it.
///
/// # Errors
/// [`Error::Usage`].
pub fn refuse_terminal(ui: &Ui) -> Result<(), Error> {
    columnar::refuse_terminal(ui)
}

/// Shows the rows of a table that is no answer to a question.
///
/// # Errors
/// As [`answer`].
pub fn table(ui: &mut Ui, table: &Table) -> Result<(), Error> {
    match ui.format() {
        Format::Table => text::table(ui, table),
        Format::Json => ui.json(&json_rows(table, false)),
        _ => rows(ui, table, false),
    }
}

fn rows(ui: &mut Ui, table: &Table, evidence: bool) -> Result<(), Error> {
    match ui.format() {
        Format::Csv => csv::write(ui, table, evidence),
        Format::Parquet | Format::Arrow => {
            let batch = answer_batch(table, evidence).map_err(|e| Error::Bug(e.to_string()))?;
            columnar::write(ui, &batch.schema(), &[batch])
        }
        Format::Table | Format::Json | Format::Ndjson => {
            let Value::Array(rows) = json_rows(table, evidence) else { return Ok(()) };
            rows.iter().try_for_each(|row| ui.json(row))
        }
    }
}

/// Returns the rows as JSON objects, with the seqs that each rests on if wanted.
pub fn json_rows(table: &Table, evidence: bool) -> Value {
    let object = |row: &relbook_query::table::Row| {
        let mut object: Map<String, Value> = table
            .columns
            .iter()
            .zip(&row.cells)
            .map(|(column, cell)| (column.name.clone(), cell.to_json()))
            .collect();
        if evidence {
            object.insert("evidence".to_owned(), Value::from(row.evidence.as_slice()));
        }
        Value::Object(object)
    };
    table.rows.iter().map(object).collect()
}
