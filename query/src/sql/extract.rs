//! Events to columns: one pass over rows of the log fills the wanted columns of one table.
//!
//! The segments and the tail are both made here, so they cannot differ.

use std::sync::Arc;

use arrow::datatypes::{Field, Schema, SchemaRef};
use arrow::record_batch::RecordBatch;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use relbook_ledger::{chain, tree};
use serde_json::Value;

use super::build::{Builder, batch, data_type};
use super::catalog::LogTable;
use super::column::{LogColumn, MessagePart, Source};
use super::log::{LogError, LogRow, LogSource};
use crate::release::conventional::{self, Conventional};
use crate::table::ColumnType;

/// Returns the schema of a log table.
pub(crate) fn schema(table: &LogTable) -> SchemaRef {
    let field =
        |column: &LogColumn| Field::new(column.name, data_type(column.ty), !column.required);
    Arc::new(Schema::new(table.columns.iter().map(field).collect::<Vec<_>>()))
}

/// Some columns of a log table in the making.
pub(crate) struct Extract<'a> {
    table: &'static LogTable,
    log: &'a dyn LogSource,
    schema: SchemaRef,
    columns: Vec<(&'static LogColumn, Builder)>,
    rows: usize,
}

/// What is derived from a row at most once.
struct RowParts<'r, 'a> {
    row: &'r LogRow<'a>,
    log: &'r dyn LogSource,
    message: Option<Conventional>,
}

impl<'a> Extract<'a> {
    /// Begins with the columns at the given positions, in that order.
    pub(crate) fn new(
        table: &'static LogTable,
        wanted: &[usize],
        log: &'a dyn LogSource,
    ) -> Result<Self, LogError> {
        let schema = Arc::new(schema(table).project(wanted).map_err(LogError::new)?);
        let columns = wanted.iter().filter_map(|&position| table.columns.get(position));
        let columns = columns.map(|column| (column, Builder::new(column.ty))).collect();
        Ok(Self { table, log, schema, columns, rows: 0 })
    }

    pub(crate) fn rows(&self) -> usize {
        self.rows
    }

    /// Adds what the table shows of an event: one row, or one per item.
    pub(crate) fn push(&mut self, row: &LogRow<'_>) -> Result<(), LogError> {
        let mut parts = RowParts { row, log: self.log, message: None };
        let Some(list) = self.table.items else {
            return self.push_row(&mut parts, None);
        };
        let items = row.field(list).and_then(Value::as_array).map(Vec::as_slice);
        for (index, item) in items.unwrap_or_default().iter().enumerate() {
            self.push_row(&mut parts, Some((index + 1, item)))?;
        }
        Ok(())
    }

    fn push_row(
        &mut self,
        parts: &mut RowParts<'_, '_>,
        item: Option<(usize, &Value)>,
    ) -> Result<(), LogError> {
        for (column, builder) in &mut self.columns {
            match item {
                Some((number, item)) if add_item(column, builder, number, item) => {}
                _ => parts.add(column, builder)?,
            }
        }
        self.rows += 1;
        Ok(())
    }

    /// Ends the batch and begins the next.
    pub(crate) fn finish(&mut self) -> Result<RecordBatch, LogError> {
        let arrays = self.columns.iter_mut().map(|(_, builder)| builder.finish()).collect();
        let rows = std::mem::take(&mut self.rows);
        batch(Arc::clone(&self.schema), arrays, rows).map_err(LogError::new)
    }
}

/// Adds a value that belongs to the item, and tells whether it did.
fn add_item(column: &LogColumn, builder: &mut Builder, number: usize, item: &Value) -> bool {
    match column.source {
        Source::Item(member) => builder.json(item.get(member), false),
        Source::WholeItem => builder.json(Some(item), true),
        Source::ItemNumber => builder.int(i64::try_from(number).unwrap_or(i64::MAX)),
        Source::ItemRowId => builder.text(&format!("r{number}")),
        _ => return false,
    }
    true
}

impl RowParts<'_, '_> {
    fn add(&mut self, column: &LogColumn, builder: &mut Builder) -> Result<(), LogError> {
        let row = self.row;
        match column.source {
            Source::Seq => builder.int(i64::try_from(row.seq).unwrap_or(i64::MAX)),
            Source::OccurredAt => builder.time(row.occurred_at()?),
            Source::RecordedAt => builder.time(row.recorded_at),
            Source::Principal => builder.text(&self.log.principal(row.key_id, row.seq)),
            Source::Kind => builder.text(row.kind.as_str()),
            Source::Word(word) => builder.text(word(row.kind)),
            Source::KeyId => builder.text(&row.key_id.to_string()),
            Source::Payload => builder.text(row.payload),
            Source::PayloadType => builder.text(row.payload_type),
            Source::Statement => match row.statement {
                Some(text) => builder.text(text),
                None => builder.null(),
            },
            Source::ChainHash => builder.text(&hex(&chain::link(row.entry))),
            Source::LeafHash => builder.text(&hex(&tree::leaf_hash(row.entry))),
            Source::Signature => builder.text(&STANDARD.encode(row.signature)),
            Source::Field(name) => {
                builder.json(row.field(name), column.ty == ColumnType::Json);
            }
            Source::FieldOrSigner(name) => match row.text(name) {
                Some(text) => builder.text(text),
                None if has_field(row, name) => {
                    builder.text(&self.log.principal(row.key_id, row.seq));
                }
                None => builder.null(),
            },
            Source::FieldOr(name, absent) => builder.text(row.text(name).unwrap_or(absent)),
            Source::Inside(object, member) => {
                builder.json(row.field(object).and_then(|value| value.get(member)), false);
            }
            Source::Message(part) => self.add_message(part, builder),
            Source::SeqOf(name) => match self.seq_of(name)? {
                Some(seq) => builder.int(i64::try_from(seq).unwrap_or(i64::MAX)),
                None => builder.null(),
            },
            Source::Item(_) | Source::WholeItem | Source::ItemNumber | Source::ItemRowId => {
                builder.null();
            }
        }
        Ok(())
    }

    fn add_message(&mut self, part: MessagePart, builder: &mut Builder) {
        let row = self.row;
        let message = self.message.get_or_insert_with(|| {
            conventional::parse(row.text("subject").unwrap_or_default(), row.text("body"))
        });
        match part {
            MessagePart::Type => builder.cell(&message.kind.clone().into()),
            MessagePart::Scope => builder.cell(&message.scope.clone().into()),
            // A message outside the convention says nothing about breaking.
            MessagePart::Breaking if message.kind.is_none() => builder.null(),
            MessagePart::Breaking => builder.bool(message.breaking),
        }
    }

    fn seq_of(&self, name: &str) -> Result<Option<u64>, LogError> {
        match self.row.field(name) {
            Some(Value::Number(seq)) => Ok(seq.as_u64()),
            Some(Value::String(id)) => match id.parse() {
                Ok(seq) => Ok(Some(seq)),
                Err(_) => self.log.seq_of(id),
            },
            _ => Ok(None),
        }
    }
}

fn has_field(row: &LogRow<'_>, name: &str) -> bool {
    row.kind.spec().fields.iter().any(|field| field.name == name)
}

/// Returns bytes as lower-case hex digits.
pub(crate) fn hex(bytes: &[u8]) -> String {
    const DIGITS: [char; 16] =
        ['0', '1', '2', '3', '4', '5', '6', '7', '8', '9', 'a', 'b', 'c', 'd', 'e', 'f'];
    let digit = |nibble: u8| DIGITS[usize::from(nibble)];
    bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]).collect()
}
