//! Parquet and Arrow IPC files.

use std::sync::Arc;

use arrow::array::ArrayRef;
use arrow::compute::cast;
use arrow::datatypes::{DataType, Field, Schema};
use arrow::error::ArrowError;
use arrow::ipc::writer::FileWriter;
use arrow::record_batch::RecordBatch;
use parquet::arrow::ArrowWriter;
use parquet::errors::ParquetError;

use crate::args::Format;
use crate::error::Error;
use crate::ui::Ui;

/// Writes one file to standard output.
pub(super) fn write(ui: &mut Ui, schema: &Schema, batches: &[RecordBatch]) -> Result<(), Error> {
    refuse_terminal(ui)?;
    let file = match ui.format() {
        Format::Parquet => parquet_file(schema, batches).map_err(|error| error.to_string()),
        _ => arrow_file(schema, batches).map_err(|error| error.to_string()),
    };
    ui.bytes(&file.map_err(Error::Bug)?)
}

/// Refuses to write a binary file to a terminal.
pub(super) fn refuse_terminal(ui: &Ui) -> Result<(), Error> {
    if ui.shows_terminal() && matches!(ui.format(), Format::Parquet | Format::Arrow) {
        return Err(Error::usage("a binary file on a terminal helps nobody")
            .hint("redirect it: --format parquet ... > answer.parquet"));
    }
    Ok(())
}

fn arrow_file(schema: &Schema, batches: &[RecordBatch]) -> Result<Vec<u8>, ArrowError> {
    let schema = portable_schema(schema);
    let mut file = Vec::new();
    let mut writer = FileWriter::try_new(&mut file, &schema)?;
    for batch in batches {
        writer.write(&portable(batch, &schema)?)?;
    }
    writer.finish()?;
    drop(writer);
    Ok(file)
}

fn parquet_file(schema: &Schema, batches: &[RecordBatch]) -> Result<Vec<u8>, ParquetError> {
    let schema = Arc::new(portable_schema(schema));
    let mut file = Vec::new();
    let mut writer = ArrowWriter::try_new(&mut file, Arc::clone(&schema), None)?;
    for batch in batches {
        writer.write(&portable(batch, &schema)?)?;
    }
    writer.close()?;
    Ok(file)
}

/// Returns the schema with the types that every reader knows: views are an engine's own matter.
fn portable_schema(schema: &Schema) -> Schema {
    let field = |field: &Arc<Field>| {
        let ty = match field.data_type() {
            DataType::Utf8View => DataType::Utf8,
            DataType::BinaryView => DataType::Binary,
            other => other.clone(),
        };
        field.as_ref().clone().with_data_type(ty).with_nullable(true)
    };
    Schema::new(schema.fields().iter().map(field).collect::<Vec<_>>())
}

fn portable(batch: &RecordBatch, schema: &Schema) -> Result<RecordBatch, ArrowError> {
    let columns = batch.columns().iter().zip(schema.fields());
    let columns: Result<Vec<ArrayRef>, ArrowError> =
        columns.map(|(column, field)| cast(column, field.data_type())).collect();
    RecordBatch::try_new(Arc::new(schema.clone()), columns?)
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use arrow::array::{Int64Array, StringArray, StringViewArray};
    use arrow::ipc::reader::FileReader;
    use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;

    use super::*;

    fn batch() -> RecordBatch {
        let schema = Schema::new(vec![
            Field::new("n", DataType::Int64, false),
            Field::new("text", DataType::Utf8View, true),
        ]);
        let numbers: ArrayRef = Arc::new(Int64Array::from(vec![1, 2]));
        let texts: ArrayRef = Arc::new(StringViewArray::from(vec![Some("a"), None]));
        RecordBatch::try_new(Arc::new(schema), vec![numbers, texts]).expect("two columns")
    }

    fn check(read: &RecordBatch) {
        assert_eq!(read.num_rows(), 2);
        let texts = read.column(1).as_any().downcast_ref::<StringArray>().expect("plain texts");
        assert_eq!(texts.iter().collect::<Vec<_>>(), [Some("a"), None]);
    }

    #[test]
    fn a_parquet_file_comes_back() {
        let file = parquet_file(&batch().schema(), &[batch()]).expect("a file");
        let mut stored = tempfile::tempfile().expect("a temporary file");
        stored.write_all(&file).expect("room for it");
        let builder = ParquetRecordBatchReaderBuilder::try_new(stored).expect("a parquet file");
        let mut reader = builder.build().expect("a reader");
        check(&reader.next().expect("a batch").expect("its rows"));
    }

    #[test]
    fn an_arrow_file_comes_back_and_may_be_empty() {
        let file = arrow_file(&batch().schema(), &[batch()]).expect("a file");
        let mut reader = FileReader::try_new(std::io::Cursor::new(file), None).expect("a file");
        check(&reader.next().expect("a batch").expect("its rows"));
        let empty = arrow_file(&batch().schema(), &[]).expect("a file");
        let reader = FileReader::try_new(std::io::Cursor::new(empty), None).expect("a file");
        assert_eq!((reader.num_batches(), reader.schema().fields().len()), (0, 2));
    }
}
