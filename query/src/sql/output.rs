//! Results as JSON rows, CSV, Parquet and Arrow: the stable forms of contract section 3.

use std::io::Write as _;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray};
use arrow::compute::cast;
use arrow::datatypes::{
    DataType, Field, Float64Type, Int64Type, Schema, SchemaRef, TimeUnit, TimestampMicrosecondType,
};
use arrow::ipc::writer::StreamWriter;
use arrow::record_batch::RecordBatch;
use arrow::util::display::{ArrayFormatter, FormatOptions};
use datafusion::error::Result as EngineResult;
use datafusion::parquet::arrow::ArrowWriter;
use datafusion::parquet::basic::{Compression, ZstdLevel};
use datafusion::parquet::file::properties::WriterProperties;
use relbook_ledger::time::Time;
use serde_json::{Map, Value};

use super::build::batch;
use super::error::SqlError;
use super::extract::hex;
use super::session::QueryResult;

/// Gives a result the types that every reader of Arrow knows: plain text and no dictionaries,
/// instants in microseconds.
pub(crate) fn settle(schema: &SchemaRef, batches: &[RecordBatch]) -> EngineResult<QueryResult> {
    let field = |field: &Arc<Field>| {
        Field::new(field.name(), settled(field.data_type()), field.is_nullable())
    };
    let target = Arc::new(Schema::new(schema.fields().iter().map(field).collect::<Vec<_>>()));
    let settle = |from: &RecordBatch| -> EngineResult<RecordBatch> {
        let columns = from.columns().iter().zip(target.fields());
        let arrays = columns
            .map(|(array, field)| cast(array, field.data_type()))
            .collect::<Result<Vec<ArrayRef>, _>>()?;
        Ok(batch(Arc::clone(&target), arrays, from.num_rows())?)
    };
    let batches = batches.iter().filter(|batch| batch.num_rows() > 0).map(settle);
    Ok(QueryResult { schema: Arc::clone(&target), batches: batches.collect::<EngineResult<_>>()? })
}

fn settled(ty: &DataType) -> DataType {
    match ty {
        DataType::Utf8View | DataType::LargeUtf8 => DataType::Utf8,
        DataType::BinaryView | DataType::LargeBinary => DataType::Binary,
        DataType::Dictionary(_, value) => settled(value),
        DataType::Timestamp(_, zone) => DataType::Timestamp(TimeUnit::Microsecond, zone.clone()),
        DataType::List(item) | DataType::LargeList(item) | DataType::ListView(item) => {
            let item = Field::new("item", settled(item.data_type()), true);
            DataType::List(Arc::new(item))
        }
        other => other.clone(),
    }
}

impl QueryResult {
    /// Returns the number of rows.
    pub fn rows(&self) -> usize {
        self.batches.iter().map(RecordBatch::num_rows).sum()
    }

    /// Returns the names of the columns.
    pub fn column_names(&self) -> Vec<String> {
        self.schema.fields().iter().map(|field| field.name().clone()).collect()
    }

    /// Returns the rows as JSON objects: instants as RFC 3339 in their shortest form, lists as
    /// arrays, bytes as lower-case hex, what is not known as null. Where two columns have the
    /// same name, the later one gets a number: `name_2`.
    pub fn to_json_rows(&self) -> Vec<Value> {
        let names = distinct(&self.column_names());
        let mut rows = Vec::with_capacity(self.rows());
        for batch in &self.batches {
            for row in 0..batch.num_rows() {
                let cells = names.iter().zip(batch.columns());
                let object = cells.map(|(name, column)| (name.clone(), json(column, row)));
                rows.push(Value::Object(object.collect::<Map<_, _>>()));
            }
        }
        rows
    }

    /// Returns the rows as CSV (RFC 4180, with a header line, lines end in LF); the items of a
    /// list are joined by `;`.
    pub fn to_csv(&self) -> String {
        let mut csv = String::new();
        push_line(&mut csv, self.column_names().iter().map(String::as_str));
        for batch in &self.batches {
            for row in 0..batch.num_rows() {
                let cells: Vec<String> =
                    batch.columns().iter().map(|column| plain(&json(column, row))).collect();
                push_line(&mut csv, cells.iter().map(String::as_str));
            }
        }
        csv
    }

    /// Returns the rows as a Parquet file; the same rows give the same bytes.
    ///
    /// # Errors
    /// [`SqlError::Execution`] when Parquet cannot hold a column.
    pub fn to_parquet(&self) -> Result<Vec<u8>, SqlError> {
        let failed = |error: &dyn std::fmt::Display| SqlError::Execution {
            message: format!("the result cannot be written as Parquet: {error}"),
        };
        let properties = WriterProperties::builder()
            .set_created_by("relbook".to_owned())
            .set_compression(Compression::ZSTD(ZstdLevel::default()))
            .build();
        let mut writer =
            ArrowWriter::try_new(Vec::new(), Arc::clone(&self.schema), Some(properties))
                .map_err(|error| failed(&error))?;
        for batch in &self.batches {
            writer.write(batch).map_err(|error| failed(&error))?;
        }
        writer.into_inner().map_err(|error| failed(&error))
    }

    /// Returns the rows as an Arrow IPC stream.
    ///
    /// # Errors
    /// [`SqlError::Execution`] when a batch cannot be written.
    pub fn to_arrow(&self) -> Result<Vec<u8>, SqlError> {
        let mut writer = StreamWriter::try_new(Vec::new(), &self.schema)?;
        for batch in &self.batches {
            writer.write(batch)?;
        }
        let mut bytes = writer.into_inner()?;
        bytes.flush().map_err(|error| SqlError::Execution { message: error.to_string() })?;
        Ok(bytes)
    }
}

fn distinct(names: &[String]) -> Vec<String> {
    let mut distinct: Vec<String> = Vec::with_capacity(names.len());
    for name in names {
        let mut candidate = name.clone();
        let mut number = 2;
        while distinct.contains(&candidate) {
            candidate = format!("{name}_{number}");
            number += 1;
        }
        distinct.push(candidate);
    }
    distinct
}

/// Returns one value as JSON.
fn json(array: &ArrayRef, row: usize) -> Value {
    if array.is_null(row) {
        return Value::Null;
    }
    match array.data_type() {
        DataType::Utf8 => array.as_string::<i32>().value(row).into(),
        DataType::Boolean => array.as_boolean().value(row).into(),
        DataType::Int64 => array.as_primitive::<Int64Type>().value(row).into(),
        DataType::Float64 => array.as_primitive::<Float64Type>().value(row).into(),
        DataType::Binary => hex(array.as_binary::<i32>().value(row)).into(),
        DataType::Timestamp(TimeUnit::Microsecond, _) => {
            let micros = array.as_primitive::<TimestampMicrosecondType>().value(row);
            Time::from_micros(micros).to_string().into()
        }
        DataType::List(_) => {
            let items = array.as_list::<i32>().value(row);
            (0..items.len()).map(|item| json(&items, item)).collect::<Vec<_>>().into()
        }
        DataType::Struct(fields) => {
            let columns = array.as_struct().columns().iter();
            let members = fields.iter().zip(columns);
            let members = members.map(|(field, column)| (field.name().clone(), json(column, row)));
            Value::Object(members.collect())
        }
        DataType::Null => Value::Null,
        ty => other(array, row, ty),
    }
}

/// Returns a value of a type that no table has but an expression may.
fn other(array: &ArrayRef, row: usize, ty: &DataType) -> Value {
    let one = array.slice(row, 1);
    if ty.is_integer()
        && let Ok(numbers) = cast(&one, &DataType::Int64)
        && numbers.is_valid(0)
    {
        return json(&numbers, 0);
    }
    if ty.is_floating()
        && let Ok(numbers) = cast(&one, &DataType::Float64)
    {
        return json(&numbers, 0);
    }
    let formatter = ArrayFormatter::try_new(&one, &FormatOptions::default());
    formatter.map_or(Value::Null, |formatter| formatter.value(0).to_string().into())
}

/// Returns a JSON value as a CSV field.
fn plain(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        Value::Array(items) => items.iter().map(plain).collect::<Vec<_>>().join(";"),
        other => other.to_string(),
    }
}

fn push_line<'a>(csv: &mut String, fields: impl Iterator<Item = &'a str>) {
    for (position, field) in fields.enumerate() {
        if position > 0 {
            csv.push(',');
        }
        if field.contains([',', '"', '\n', '\r']) {
            csv.push('"');
            csv.push_str(&field.replace('"', "\"\""));
            csv.push('"');
        } else {
            csv.push_str(field);
        }
    }
    csv.push('\n');
}
