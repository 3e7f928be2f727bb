//! From the record batches of a SQL result to the table that every form is made from.
//!
//! The types that relbook's tables have keep their meaning; whatever else an expression can yield
//! (intervals, decimals, structs) is shown as text, never dropped.

use arrow::array::{
    Array, ArrayRef, AsArray as _, BinaryArray, BooleanArray, Float64Array, Int64Array,
    StringArray, TimestampMicrosecondArray,
};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Schema, TimeUnit};
use arrow::error::ArrowError;
use arrow::record_batch::RecordBatch;
use arrow::util::display::{ArrayFormatter, FormatOptions};
use relbook_ledger::time::Time;
use relbook_query::table::{Cell, Column, ColumnType, Row, Table};
use serde_json::Value;

use crate::error::Error;

/// Makes the table of a SQL result.
///
/// # Errors
/// [`Error::Bug`] when a column cannot be shown.
pub fn table(schema: &Schema, batches: &[RecordBatch]) -> Result<Table, Error> {
    let columns = schema
        .fields()
        .iter()
        .map(|field| Column { name: field.name().clone(), ty: column_type(field.data_type()) })
        .collect();
    let mut table = Table { columns, rows: Vec::new() };
    for batch in batches {
        let columns = batch.columns().iter().map(cells).collect::<Result<Vec<_>, _>>();
        let columns = columns.map_err(|error| Error::Bug(error.to_string()))?;
        let mut columns: Vec<_> = columns.into_iter().map(Vec::into_iter).collect();
        for _ in 0..batch.num_rows() {
            let cells = columns.iter_mut().map(|column| column.next().unwrap_or_default());
            table.rows.push(Row { cells: cells.collect(), evidence: Vec::new() });
        }
    }
    Ok(table)
}

fn column_type(ty: &DataType) -> ColumnType {
    match ty {
        _ if ty.is_integer() => ColumnType::Int,
        _ if ty.is_floating() => ColumnType::Float,
        DataType::Boolean => ColumnType::Bool,
        DataType::Timestamp(..) => ColumnType::Time,
        DataType::Binary
        | DataType::LargeBinary
        | DataType::BinaryView
        | DataType::FixedSizeBinary(_) => ColumnType::Bytes,
        DataType::List(field) | DataType::LargeList(field) => {
            match column_type(field.data_type()) {
                ColumnType::Int => ColumnType::IntList,
                ColumnType::Text => ColumnType::TextList,
                _ => ColumnType::Json,
            }
        }
        DataType::Dictionary(_, values) => column_type(values),
        _ => ColumnType::Text,
    }
}

fn cells(array: &ArrayRef) -> Result<Vec<Cell>, ArrowError> {
    if let DataType::Dictionary(_, values) = array.data_type() {
        return cells(&cast(array, values)?);
    }
    let count = array.len();
    Ok(match column_type(array.data_type()) {
        ColumnType::Int => return integers(array),
        ColumnType::Float => {
            let array = cast(array, &DataType::Float64)?;
            each(array.as_any().downcast_ref::<Float64Array>(), count, |a, at| a.value(at).into())
        }
        ColumnType::Bool => {
            each(array.as_any().downcast_ref::<BooleanArray>(), count, |a, at| a.value(at).into())
        }
        ColumnType::Time => {
            let zone = match array.data_type() {
                DataType::Timestamp(_, zone) => zone.clone(),
                _ => None,
            };
            let array = cast(array, &DataType::Timestamp(TimeUnit::Microsecond, zone))?;
            let array = array.as_any().downcast_ref::<TimestampMicrosecondArray>();
            each(array, count, |a, at| Time::from_micros(a.value(at)).into())
        }
        ColumnType::Bytes => {
            let array = cast(array, &DataType::Binary)?;
            let array = array.as_any().downcast_ref::<BinaryArray>();
            each(array, count, |a, at| Cell::Bytes(a.value(at).to_vec()))
        }
        ColumnType::TextList | ColumnType::IntList | ColumnType::Json => return lists(array),
        ColumnType::Text => return texts(array),
    })
}

fn each<A: Array>(array: Option<&A>, count: usize, cell: impl Fn(&A, usize) -> Cell) -> Vec<Cell> {
    let Some(array) = array else { return vec![Cell::Null; count] };
    (0..count).map(|at| if array.is_null(at) { Cell::Null } else { cell(array, at) }).collect()
}

fn integers(array: &ArrayRef) -> Result<Vec<Cell>, ArrowError> {
    // Only a number beyond 2^63 cannot be cast; as text it stays exact.
    let numbers = cast(array, &DataType::Int64)?;
    let texts = if array.data_type() == &DataType::UInt64 { texts(array)? } else { Vec::new() };
    let cell = |a: &Int64Array, at: usize| Cell::Int(a.value(at));
    let mut cells = each(numbers.as_any().downcast_ref::<Int64Array>(), array.len(), cell);
    for (at, text) in texts.into_iter().enumerate() {
        if cells[at].is_null() {
            cells[at] = text;
        }
    }
    Ok(cells)
}

fn texts(array: &ArrayRef) -> Result<Vec<Cell>, ArrowError> {
    let text =
        matches!(array.data_type(), DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View);
    if text {
        let array = cast(array, &DataType::Utf8)?;
        let strings = array.as_any().downcast_ref::<StringArray>();
        return Ok(each(strings, array.len(), |a, at| a.value(at).into()));
    }
    let options = FormatOptions::default();
    let formatter = ArrayFormatter::try_new(array, &options)?;
    let cell = |at| {
        if array.is_null(at) { Cell::Null } else { formatter.value(at).to_string().into() }
    };
    Ok((0..array.len()).map(cell).collect())
}

fn lists(array: &ArrayRef) -> Result<Vec<Cell>, ArrowError> {
    let array = match array.data_type() {
        DataType::LargeList(field) => cast(array, &DataType::List(field.clone()))?,
        _ => array.clone(),
    };
    let Some(lists) = array.as_list_opt::<i32>() else { return texts(&array) };
    let kind = column_type(array.data_type());
    let mut all = Vec::with_capacity(lists.len());
    for at in 0..lists.len() {
        if lists.is_null(at) {
            all.push(Cell::Null);
            continue;
        }
        all.push(list(kind, cells(&lists.value(at))?));
    }
    Ok(all)
}

fn list(kind: ColumnType, items: Vec<Cell>) -> Cell {
    let whole = !items.iter().any(Cell::is_null);
    match kind {
        ColumnType::TextList if whole => Cell::TextList(
            items.iter().filter_map(|item| item.as_text().map(str::to_owned)).collect(),
        ),
        ColumnType::IntList if whole && items.iter().all(|i| matches!(i, Cell::Int(_))) => {
            let number = |item: &Cell| match item {
                Cell::Int(number) => Some(*number),
                _ => None,
            };
            Cell::IntList(items.iter().filter_map(number).collect())
        }
        // A list with holes keeps them.
        _ => Cell::Json(items.iter().map(Cell::to_json).collect::<Value>()),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::array::{Decimal128Array, ListArray, UInt64Array};
    use arrow::datatypes::{Field, Int64Type};
    use serde_json::json;

    use super::*;

    fn shown(array: ArrayRef) -> (ColumnType, Vec<Value>) {
        let schema = Arc::new(Schema::new(vec![Field::new("x", array.data_type().clone(), true)]));
        let batch = RecordBatch::try_new(Arc::clone(&schema), vec![array]).expect("one column");
        let table = table(&schema, &[batch]).expect("a table");
        let rows = table.rows.iter().map(|row| row.cells[0].to_json()).collect();
        (table.columns[0].ty, rows)
    }

    #[test]
    fn every_type_of_the_tables_keeps_its_meaning() {
        let texts: ArrayRef = Arc::new(StringArray::from(vec![Some("a"), None]));
        assert_eq!(shown(texts), (ColumnType::Text, vec![json!("a"), json!(null)]));
        let times = TimestampMicrosecondArray::from(vec![Some(1), None]).with_timezone("UTC");
        let times: ArrayRef = Arc::new(times);
        assert_eq!(
            shown(times),
            (ColumnType::Time, vec![json!("1970-01-01T00:00:00.000001Z"), json!(null)])
        );
        let lists = ListArray::from_iter_primitive::<Int64Type, _, _>(vec![
            Some(vec![Some(1), Some(2)]),
            Some(vec![]),
            None,
            Some(vec![Some(1), None]),
        ]);
        let lists: ArrayRef = Arc::new(lists);
        assert_eq!(shown(lists).1, [json!([1, 2]), json!([]), json!(null), json!([1, null])]);
        let bytes: ArrayRef = Arc::new(BinaryArray::from(vec![Some(&[0_u8, 255][..]), None]));
        assert_eq!(shown(bytes), (ColumnType::Bytes, vec![json!("00ff"), json!(null)]));
    }

    #[test]
    fn what_has_no_type_of_its_own_is_shown_and_not_dropped() {
        let large: ArrayRef = Arc::new(UInt64Array::from(vec![Some(7), Some(u64::MAX), None]));
        assert_eq!(shown(large).1, [json!(7), json!(u64::MAX.to_string()), json!(null)]);
        let decimals = Decimal128Array::from(vec![Some(150)]).with_precision_and_scale(5, 2);
        let decimals: ArrayRef = Arc::new(decimals.expect("five digits"));
        assert_eq!(shown(decimals).1, [json!("1.50")]);
    }
}
