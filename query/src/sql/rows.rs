//! Reads single values out of a batch by row and column name.

use arrow::array::{Array, ArrayRef, AsArray};
use arrow::datatypes::{Float64Type, Int64Type, TimestampMicrosecondType};
use arrow::record_batch::RecordBatch;
use relbook_ledger::time::Time;

use crate::table::{Cell, ColumnType};

/// The rows of a batch of a log table. What is not there, or of another type, is absent.
pub(crate) struct Rows<'a> {
    batch: &'a RecordBatch,
}

impl<'a> Rows<'a> {
    pub(crate) fn new(batch: &'a RecordBatch) -> Self {
        Self { batch }
    }

    fn column(&self, row: usize, name: &str) -> Option<&'a ArrayRef> {
        self.batch.column_by_name(name).filter(|column| column.is_valid(row))
    }

    pub(crate) fn text(&self, row: usize, name: &str) -> Option<&'a str> {
        self.column(row, name)?.as_string_view_opt().map(|column| column.value(row))
    }

    /// Returns a number, or a time in microseconds.
    pub(crate) fn int(&self, row: usize, name: &str) -> Option<i64> {
        let column = self.column(row, name)?;
        if let Some(numbers) = column.as_primitive_opt::<Int64Type>() {
            return Some(numbers.value(row));
        }
        column.as_primitive_opt::<TimestampMicrosecondType>().map(|times| times.value(row))
    }

    pub(crate) fn seq(&self, row: usize, name: &str) -> Option<u64> {
        u64::try_from(self.int(row, name)?).ok()
    }

    pub(crate) fn bool(&self, row: usize, name: &str) -> Option<bool> {
        self.column(row, name)?.as_boolean_opt().map(|column| column.value(row))
    }

    /// Returns a list of texts; empty when there is none.
    pub(crate) fn texts(&self, row: usize, name: &str) -> Vec<String> {
        let lists = self.column(row, name).and_then(|column| column.as_list_opt::<i32>());
        let items = lists.map(|lists| lists.value(row));
        let texts = items.as_ref().and_then(|items| items.as_string_opt::<i32>());
        texts.into_iter().flatten().flatten().map(str::to_owned).collect()
    }

    pub(crate) fn cell(&self, row: usize, name: &str, ty: ColumnType) -> Cell {
        let Some(column) = self.column(row, name) else { return Cell::Null };
        match ty {
            ColumnType::Text | ColumnType::Json => self.text(row, name).into(),
            ColumnType::Int => self.int(row, name).into(),
            ColumnType::Float => {
                column.as_primitive_opt::<Float64Type>().map(|numbers| numbers.value(row)).into()
            }
            ColumnType::Bool => self.bool(row, name).into(),
            ColumnType::Time => self.int(row, name).map(Time::from_micros).into(),
            ColumnType::TextList => self.texts(row, name).into(),
            ColumnType::IntList | ColumnType::Bytes => Cell::Null,
        }
    }
}
