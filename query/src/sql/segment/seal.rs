//! Writes the segment files of one range: one pass over its events fills all tables.

use std::fs;
use std::io::{self, BufWriter, Write};
use std::ops::Range;
use std::path::Path;
use std::sync::Arc;

use datafusion::parquet::arrow::ArrowWriter;
use datafusion::parquet::basic::{Compression, ZstdLevel};
use datafusion::parquet::file::metadata::SortingColumn;
use datafusion::parquet::file::properties::{EnabledStatistics, WriterProperties};
use datafusion::parquet::schema::types::ColumnPath;
use relbook_ledger::chain;
use relbook_ledger::event::Kind;
use tempfile::NamedTempFile;

use super::blocks::Summing;
use super::manifest::{LAYOUT, TEMPORARY};
use super::{Files, SealedFile, SealedRange};
use crate::sql::catalog::{LOG_TABLES, LogTable};
use crate::sql::extract::{Extract, hex, schema};
use crate::sql::log::{LogError, LogRow, LogSource, open_entry};

/// Events opened between two flushes.
const CHUNK: u64 = 4_096;

/// Rows of a row group: what statistics can skip.
const ROW_GROUP_ROWS: usize = 65_536;

/// Says why a range was not sealed.
pub(super) enum SealError {
    /// The log cannot be read.
    Log(LogError),
    /// The directory cannot be written.
    Write,
}

impl From<LogError> for SealError {
    fn from(error: LogError) -> Self {
        Self::Log(error)
    }
}

/// Seals one range and reports every chunk of events done.
pub(super) fn seal_range(
    dir: &Path,
    range: Range<u64>,
    log: &dyn LogSource,
    progress: &dyn Fn(u64),
) -> Result<SealedRange, SealError> {
    let mut tables = LOG_TABLES
        .iter()
        .map(|table| Sealing::new(dir, table, log))
        .collect::<Result<Vec<_>, _>>()?;
    let mut chain = String::new();
    let mut start = range.start;
    while start < range.end {
        let end = range.end.min(start + CHUNK);
        let entries = log.entries(start..end)?;
        for (entry, seq) in entries.iter().zip(start..) {
            open_entry(
                entry,
                seq,
                |_| true,
                |row| {
                    tables.iter_mut().filter(|t| t.shows(row.kind)).try_for_each(|t| t.push(&row))
                },
            )?;
        }
        for table in &mut tables {
            table.flush()?;
        }
        if end == range.end {
            chain = entries.last().map(|entry| hex(&chain::link(entry))).unwrap_or_default();
        }
        progress(end - start);
        start = end;
    }
    let mut files = Files::new();
    for table in tables {
        if let Some((name, file)) = table.finish(&range, &chain)? {
            files.insert(name, file);
        }
    }
    Ok(SealedRange { start: range.start, end: range.end, chain, files })
}

/// The segment of one table in the making.
struct Sealing<'a> {
    dir: &'a Path,
    table: &'static LogTable,
    extract: Extract<'a>,
    /// Made with the first row.
    writer: Option<ArrowWriter<Hashing>>,
    rows: u64,
    occurred_max: i64,
}

impl<'a> Sealing<'a> {
    fn new(
        dir: &'a Path,
        table: &'static LogTable,
        log: &'a dyn LogSource,
    ) -> Result<Self, LogError> {
        let all: Vec<usize> = (0..table.columns.len()).collect();
        let extract = Extract::new(table, &all, log)?;
        Ok(Self { dir, table, extract, writer: None, rows: 0, occurred_max: i64::MIN })
    }

    fn shows(&self, kind: Kind) -> bool {
        self.table.shows(kind)
    }

    fn push(&mut self, row: &LogRow<'_>) -> Result<(), LogError> {
        self.occurred_max = self.occurred_max.max(row.occurred_at()?.micros());
        self.extract.push(row)
    }

    fn flush(&mut self) -> Result<(), SealError> {
        if self.extract.rows() == 0 {
            return Ok(());
        }
        let batch = self.extract.finish()?;
        self.rows += batch.num_rows() as u64;
        let writer = match &mut self.writer {
            Some(writer) => writer,
            none => none.insert(open_writer(self.dir, self.table)?),
        };
        writer.write(&batch).map_err(|_| SealError::Write)
    }

    fn finish(
        self,
        range: &Range<u64>,
        chain: &str,
    ) -> Result<Option<(String, SealedFile)>, SealError> {
        let Some(writer) = self.writer else { return Ok(None) };
        let hashing = writer.into_inner().map_err(|_| SealError::Write)?;
        let (bytes, blocks) = hashing.sums.finish();
        let table = self.table.name;
        // The name says what the file holds, so two processes can only write the same under it.
        let name = format!(
            "{table}-{:012}-{:012}-{}-{}.parquet",
            range.start,
            range.end,
            chain.get(..16).unwrap_or_default(),
            &*LAYOUT
        );
        let file = hashing.file.into_inner().map_err(|_| SealError::Write)?;
        file.persist(self.dir.join(&name)).map_err(|_| SealError::Write)?;
        let occurred_max = self.occurred_max;
        let sealed = SealedFile { name, rows: self.rows, bytes, blocks, occurred_max };
        Ok(Some((table.to_owned(), sealed)))
    }
}

fn open_writer(dir: &Path, table: &LogTable) -> Result<ArrowWriter<Hashing>, SealError> {
    fs::create_dir_all(dir).map_err(|_| SealError::Write)?;
    let file = tempfile::Builder::new().prefix(TEMPORARY).tempfile_in(dir);
    let file = BufWriter::new(file.map_err(|_| SealError::Write)?);
    let hashing = Hashing { file, sums: Summing::default() };
    ArrowWriter::try_new(hashing, Arc::clone(&schema(table)), Some(properties(table)))
        .map_err(|_| SealError::Write)
}

/// Columns that differ in every row: neither dictionaries nor statistics help them.
const UNIQUE: &[&str] = &["payload", "chain_hash", "leaf_hash", "signature"];

fn properties(table: &LogTable) -> WriterProperties {
    let sorted = SortingColumn { column_idx: 0, descending: false, nulls_first: false };
    let mut properties = WriterProperties::builder()
        .set_created_by("relbook".to_owned())
        .set_compression(Compression::LZ4_RAW)
        .set_max_row_group_row_count(Some(ROW_GROUP_ROWS))
        .set_sorting_columns(Some(vec![sorted]));
    if table.items.is_none() {
        // Every seq occurs once.
        properties = properties.set_column_dictionary_enabled(ColumnPath::from("seq"), false);
    }
    for name in UNIQUE.iter().filter(|name| table.position(name).is_some()) {
        let column = ColumnPath::from(*name);
        properties = properties
            .set_column_dictionary_enabled(column.clone(), false)
            .set_column_statistics_enabled(column.clone(), EnabledStatistics::None);
        if *name == "payload" {
            let zstd = Compression::ZSTD(ZstdLevel::default());
            properties = properties.set_column_compression(column, zstd);
        }
    }
    properties.build()
}

/// A temporary file that is summed up as it is written.
struct Hashing {
    file: BufWriter<NamedTempFile>,
    sums: Summing,
}

impl Write for Hashing {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.file.write(bytes)?;
        self.sums.add(&bytes[..written]);
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}
