//! Arrow arrays in the making: one builder per column type, for log tables and projections alike.

use std::sync::Arc;

use arrow::array::{
    ArrayRef, BinaryBuilder, BooleanBuilder, Float64Builder, Int64Builder, ListBuilder,
    StringBuilder, StringViewBuilder, TimestampMicrosecondBuilder,
};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef, TimeUnit};
use arrow::error::ArrowError;
use arrow::record_batch::{RecordBatch, RecordBatchOptions};
use relbook_ledger::event::shown;
use relbook_ledger::time::Time;
use serde_json::Value;

use crate::table::{Cell, Column, ColumnType, Table};

/// The time zone of every timestamp.
const UTC: &str = "UTC";

/// Returns the Arrow type of a column inside the engine.
pub(crate) fn data_type(ty: ColumnType) -> DataType {
    match ty {
        ColumnType::Text | ColumnType::Json => DataType::Utf8View,
        ColumnType::Int => DataType::Int64,
        ColumnType::Float => DataType::Float64,
        ColumnType::Bool => DataType::Boolean,
        ColumnType::Time => DataType::Timestamp(TimeUnit::Microsecond, Some(UTC.into())),
        ColumnType::TextList => DataType::new_list(DataType::Utf8, true),
        ColumnType::IntList => DataType::new_list(DataType::Int64, true),
        ColumnType::Bytes => DataType::Binary,
    }
}

/// The values of one column in the making. A value of another type than the column's becomes
/// null: the typed events make that impossible, and a table must not fail for a wrong cell.
pub(crate) enum Builder {
    Text(StringViewBuilder),
    Int(Int64Builder),
    Float(Float64Builder),
    Bool(BooleanBuilder),
    Time(TimestampMicrosecondBuilder),
    TextList(ListBuilder<StringBuilder>),
    IntList(ListBuilder<Int64Builder>),
    Bytes(BinaryBuilder),
}

impl Builder {
    pub(crate) fn new(ty: ColumnType) -> Self {
        match ty {
            ColumnType::Text | ColumnType::Json => Self::Text(StringViewBuilder::new()),
            ColumnType::Int => Self::Int(Int64Builder::new()),
            ColumnType::Float => Self::Float(Float64Builder::new()),
            ColumnType::Bool => Self::Bool(BooleanBuilder::new()),
            ColumnType::Time => Self::Time(TimestampMicrosecondBuilder::new().with_timezone(UTC)),
            ColumnType::TextList => Self::TextList(ListBuilder::new(StringBuilder::new())),
            ColumnType::IntList => Self::IntList(ListBuilder::new(Int64Builder::new())),
            ColumnType::Bytes => Self::Bytes(BinaryBuilder::new()),
        }
    }

    pub(crate) fn null(&mut self) {
        match self {
            Self::Text(builder) => builder.append_null(),
            Self::Int(builder) => builder.append_null(),
            Self::Float(builder) => builder.append_null(),
            Self::Bool(builder) => builder.append_null(),
            Self::Time(builder) => builder.append_null(),
            Self::TextList(builder) => builder.append_null(),
            Self::IntList(builder) => builder.append_null(),
            Self::Bytes(builder) => builder.append_null(),
        }
    }

    pub(crate) fn text(&mut self, text: &str) {
        match self {
            Self::Text(builder) => builder.append_value(text),
            other => other.null(),
        }
    }

    pub(crate) fn int(&mut self, number: i64) {
        match self {
            Self::Int(builder) => builder.append_value(number),
            other => other.null(),
        }
    }

    pub(crate) fn bool(&mut self, flag: bool) {
        match self {
            Self::Bool(builder) => builder.append_value(flag),
            other => other.null(),
        }
    }

    pub(crate) fn time(&mut self, time: Time) {
        match self {
            Self::Time(builder) => builder.append_value(time.micros()),
            other => other.null(),
        }
    }

    /// Adds a field of an event; nested values become JSON text in a text column.
    pub(crate) fn json(&mut self, value: Option<&Value>, nested: bool) {
        let Some(value) = value.filter(|value| !value.is_null()) else { return self.null() };
        match self {
            Self::Text(builder) if nested => builder.append_value(value.to_string()),
            // Of a sealed text, whom it is about.
            Self::Text(builder) => builder.append_option(shown(value)),
            Self::Int(builder) => builder.append_option(value.as_i64()),
            Self::Float(builder) => builder.append_option(value.as_f64()),
            Self::Bool(builder) => builder.append_option(value.as_bool()),
            Self::Time(builder) => {
                let time = value.as_str().and_then(|text| Time::parse(text).ok());
                builder.append_option(time.map(Time::micros));
            }
            Self::TextList(builder) => match value.as_array() {
                Some(items) => builder.append_value(items.iter().map(Value::as_str)),
                None => builder.append_null(),
            },
            Self::IntList(builder) => match value.as_array() {
                Some(items) => builder.append_value(items.iter().map(Value::as_i64)),
                None => builder.append_null(),
            },
            Self::Bytes(builder) => builder.append_null(),
        }
    }

    /// Adds a cell of an answer.
    pub(crate) fn cell(&mut self, cell: &Cell) {
        match (self, cell) {
            (Self::Text(builder), Cell::Text(text)) => builder.append_value(text),
            (Self::Text(builder), Cell::Json(value)) => builder.append_value(value.to_string()),
            (Self::Int(builder), Cell::Int(number)) => builder.append_value(*number),
            (Self::Float(builder), Cell::Float(number)) => builder.append_value(*number),
            (Self::Float(builder), Cell::Int(number)) => {
                #[expect(clippy::cast_precision_loss, reason = "a float column rounds")]
                builder.append_value(*number as f64);
            }
            (Self::Bool(builder), Cell::Bool(flag)) => builder.append_value(*flag),
            (Self::Time(builder), Cell::Time(time)) => builder.append_value(time.micros()),
            (Self::TextList(builder), Cell::TextList(texts)) => {
                builder.append_value(texts.iter().map(Some));
            }
            (Self::IntList(builder), Cell::IntList(numbers)) => {
                builder.append_value(numbers.iter().map(|number| Some(*number)));
            }
            (Self::Bytes(builder), Cell::Bytes(bytes)) => builder.append_value(bytes),
            (builder, _) => builder.null(),
        }
    }

    /// Ends the array and makes room for the next.
    pub(crate) fn finish(&mut self) -> ArrayRef {
        match self {
            Self::Text(builder) => Arc::new(builder.finish()),
            Self::Int(builder) => Arc::new(builder.finish()),
            Self::Float(builder) => Arc::new(builder.finish()),
            Self::Bool(builder) => Arc::new(builder.finish()),
            Self::Time(builder) => Arc::new(builder.finish()),
            Self::TextList(builder) => Arc::new(builder.finish()),
            Self::IntList(builder) => Arc::new(builder.finish()),
            Self::Bytes(builder) => Arc::new(builder.finish()),
        }
    }
}

/// Makes a batch of arrays; without columns it still has its number of rows.
pub(crate) fn batch(
    schema: SchemaRef,
    arrays: Vec<ArrayRef>,
    rows: usize,
) -> Result<RecordBatch, ArrowError> {
    let options = RecordBatchOptions::new().with_row_count(Some(rows));
    RecordBatch::try_new_with_options(schema, arrays, &options)
}

/// The name of the column with the seqs that a row of a projection rests on.
pub(crate) const EVIDENCE: &str = "evidence";

/// Returns the schema of a table of answers.
pub(crate) fn plain_schema(columns: &[Column]) -> SchemaRef {
    Arc::new(Schema::new(fields(columns)))
}

/// Returns the schema of a projection: its columns, then `evidence`.
pub(crate) fn projection_schema(columns: &[Column]) -> SchemaRef {
    let mut fields = fields(columns);
    fields.push(Field::new(EVIDENCE, data_type(ColumnType::IntList), false));
    Arc::new(Schema::new(fields))
}

fn fields(columns: &[Column]) -> Vec<Field> {
    columns.iter().map(|column| Field::new(&column.name, data_type(column.ty), true)).collect()
}

/// Turns the wanted columns of an answer into a batch; `evidence` follows the table's columns.
pub(crate) fn table_batch(table: &Table, wanted: &[usize]) -> Result<RecordBatch, ArrowError> {
    let schema = Arc::new(projection_schema(&table.columns).project(wanted)?);
    let arrays = wanted.iter().map(|&position| match table.columns.get(position) {
        Some(column) => {
            let mut builder = Builder::new(column.ty);
            for row in &table.rows {
                builder.cell(row.cells.get(position).unwrap_or(&Cell::Null));
            }
            builder.finish()
        }
        None => evidence(table),
    });
    batch(schema, arrays.collect(), table.rows.len())
}

/// Turns a whole answer into a batch: its columns, then `evidence` if wanted.
///
/// # Errors
/// [`ArrowError`] when a table has other cells than its columns say.
pub fn answer_batch(table: &Table, with_evidence: bool) -> Result<RecordBatch, ArrowError> {
    let count = table.columns.len() + usize::from(with_evidence);
    table_batch(table, &(0..count).collect::<Vec<_>>())
}

fn evidence(table: &Table) -> ArrayRef {
    let mut builder = ListBuilder::new(Int64Builder::new());
    for row in &table.rows {
        builder.append_value(row.evidence.iter().map(|seq| i64::try_from(*seq).ok()));
    }
    Arc::new(builder.finish())
}

/// Cuts a batch into batches of the engine's size.
pub(crate) fn parts(batch: &RecordBatch, size: usize) -> impl Iterator<Item = RecordBatch> + '_ {
    let rows = batch.num_rows();
    (0..rows).step_by(size.max(1)).map(move |start| batch.slice(start, size.min(rows - start)))
}
