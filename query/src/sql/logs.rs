//! The log as the tables of one session read it: a source, a lens, and segments where there are.

use std::fmt;
use std::ops::Range;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use arrow::array::{AsArray, BooleanArray};
use arrow::compute::filter_record_batch;
use arrow::datatypes::{Int64Type, TimestampMicrosecondType};
use arrow::record_batch::RecordBatch;
use bytes::Bytes;
use datafusion::error::DataFusionError;
use datafusion::parquet::arrow::ProjectionMask;
use datafusion::parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;

use relbook_ledger::entry::Entry;

use super::catalog::{LogTable, log_table};
use super::log::{LogError, LogSource};
use super::segment::{SealedFile, SealedRange, Sealing, Segments};
use super::tail::Tail;
use crate::release::Lens;

/// Reports progress of sealing: events sealed so far, events to seal.
pub type Progress = Arc<dyn Fn(u64, u64) + Send + Sync>;

/// The log as the tables of one session read it.
pub(crate) struct Logs {
    pub(crate) source: Arc<dyn LogSource>,
    pub(crate) lens: Lens,
    /// Where the segments are kept; nowhere for a log in memory.
    dir: Option<PathBuf>,
    /// How many events a segment holds.
    segment_events: u64,
    progress: Option<Progress>,
    /// Opened when a log table is first read. The lock is held meanwhile, so that two queries do
    /// not both seal.
    segments: Mutex<Option<Arc<Segments>>>,
}

impl fmt::Debug for Logs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Logs").field("lens", &self.lens).finish_non_exhaustive()
    }
}

/// A part of the log.
enum Part<'a> {
    Sealed(&'a SealedRange),
    Unsealed(Range<u64>),
}

/// Wraps an error of the log for the engine; `SqlError` finds it again.
pub(crate) fn external(error: LogError) -> DataFusionError {
    DataFusionError::External(Box::new(error))
}

impl Logs {
    pub(crate) fn new(
        source: Arc<dyn LogSource>,
        lens: Lens,
        dir: Option<PathBuf>,
        segment_events: u64,
        progress: Option<Progress>,
    ) -> Self {
        let segment_events = segment_events.max(1);
        Self { source, lens, dir, segment_events, progress, segments: Mutex::new(None) }
    }

    /// Returns the segments; the first call opens them and seals what is missing.
    pub(crate) fn segments(&self) -> Result<Arc<Segments>, LogError> {
        let mut known = self.segments.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(segments) = &*known {
            return Ok(Arc::clone(segments));
        }
        let opened = self.open(false)?;
        Ok(Arc::clone(known.insert(opened)))
    }

    /// Opens the segments again and compares every file with its sums: something was lost or
    /// changed under our hands.
    pub(crate) fn recheck(&self) -> Result<(), LogError> {
        let mut known = self.segments.lock().unwrap_or_else(PoisonError::into_inner);
        *known = Some(self.open(true)?);
        Ok(())
    }

    /// Reads everything from the ledger from now on.
    pub(crate) fn forgo(&self) -> Result<(), LogError> {
        let mut known = self.segments.lock().unwrap_or_else(PoisonError::into_inner);
        *known = Some(Arc::new(Segments::none(self.source.size())));
        Ok(())
    }

    fn open(&self, recheck: bool) -> Result<Arc<Segments>, LogError> {
        let Some(dir) = &self.dir else {
            return Ok(Arc::new(Segments::none(self.source.size())));
        };
        let report = |done, total| {
            if let Some(progress) = &self.progress {
                progress(done, total);
            }
        };
        let sealing = Sealing { events: self.segment_events, recheck };
        Ok(Arc::new(Segments::open(dir, &*self.source, sealing, &report)?))
    }

    /// Returns the number of events up to the last that the lens can show.
    pub(crate) fn end(&self) -> u64 {
        self.source.size().min(self.lens.as_known.saturating_add(1))
    }

    /// Returns the seqs whose events came in a range of the ledger's clock, which never goes back.
    pub(crate) fn recorded(&self, times: &Range<i64>) -> Result<Range<u64>, LogError> {
        Ok(self.first_recorded(times.start)?..self.first_recorded(times.end)?)
    }

    /// Returns the first seq at or after a time of the ledger's clock.
    fn first_recorded(&self, time: i64) -> Result<u64, LogError> {
        let (mut low, mut high) = (0, self.end());
        while low < high {
            let middle = low + (high - low) / 2;
            let entries = self.source.entries(middle..middle + 1)?;
            let entry = entries.first().map(|bytes| Entry::decode(bytes)).transpose();
            let received = entry.map_err(LogError::new)?.map(|entry| entry.received.micros());
            if received.is_some_and(|received| received < time) {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        Ok(low)
    }

    /// Tells whether the lens shows every row of a file.
    pub(crate) fn shows_whole(&self, range: &SealedRange, file: &SealedFile) -> bool {
        range.end <= self.end() && file.occurred_max <= self.lens.as_of.micros()
    }

    /// Reads some columns of a log table whole, in the order of the log.
    pub(crate) fn read(&self, table: &str, columns: &[&str]) -> Result<Vec<RecordBatch>, LogError> {
        let unknown = || LogError::new(format!("there is no log table {table}"));
        let table = log_table(table).ok_or_else(unknown)?;
        let wanted: Vec<usize> = columns.iter().filter_map(|name| table.position(name)).collect();
        let segments = self.segments()?;
        let sealed = segments.ranges().iter().filter(|range| range.start < self.end());
        let mut parts: Vec<(u64, Part<'_>)> =
            sealed.map(|range| (range.start, Part::Sealed(range))).collect();
        let unsealed = segments.unsealed(self.end()).into_iter();
        parts.extend(unsealed.map(|range| (range.start, Part::Unsealed(range))));
        parts.sort_by_key(|(start, _)| *start);
        let mut batches = Vec::new();
        for (_, part) in parts {
            match part {
                // A file that was lost or changed since costs time only: the ledger has it all.
                Part::Sealed(range) => match self.read_file(&segments, range, table, &wanted) {
                    Ok(read) => batches.extend(read),
                    Err(_lost) => {
                        let range = range.start..range.end.min(self.end());
                        self.read_tail(table, &wanted, range, &mut batches)?;
                    }
                },
                Part::Unsealed(range) => self.read_tail(table, &wanted, range, &mut batches)?,
            }
        }
        Ok(batches)
    }

    fn read_tail(
        &self,
        table: &'static LogTable,
        wanted: &[usize],
        range: Range<u64>,
        batches: &mut Vec<RecordBatch>,
    ) -> Result<(), LogError> {
        let tail = Tail {
            log: Arc::clone(&self.source),
            table,
            wanted: wanted.to_vec(),
            kinds: table.kinds.clone(),
            range,
            as_of: self.lens.as_of,
        };
        tail.read(&mut |batch| {
            batches.push(batch);
            true
        })
    }

    fn read_file(
        &self,
        segments: &Segments,
        range: &SealedRange,
        table: &LogTable,
        wanted: &[usize],
    ) -> Result<Vec<RecordBatch>, LogError> {
        let Some(file) = range.files.get(table.name) else { return Ok(Vec::new()) };
        let whole = self.shows_whole(range, file);
        let bytes = Bytes::from(file.read(segments.dir()).map_err(LogError::new)?);
        let builder = ParquetRecordBatchReaderBuilder::try_new(bytes).map_err(LogError::new)?;
        let clocks = ["seq", "occurred_at"].map(|name| table.position(name).unwrap_or_default());
        let read = wanted.iter().chain(clocks.iter().filter(|_| !whole));
        let mask = ProjectionMask::roots(builder.parquet_schema(), read.copied());
        let reader = builder.with_projection(mask).build().map_err(LogError::new)?;
        let mut batches = Vec::new();
        for batch in reader {
            let mut batch = batch.map_err(LogError::new)?;
            if !whole {
                batch =
                    filter_record_batch(&batch, &self.visible(&batch)).map_err(LogError::new)?;
            }
            batches.push(batch);
        }
        Ok(batches)
    }

    /// Tells row by row what the lens shows.
    fn visible(&self, batch: &RecordBatch) -> BooleanArray {
        let seqs = batch.column_by_name("seq").and_then(|c| c.as_primitive_opt::<Int64Type>());
        let times = batch.column_by_name("occurred_at");
        let times = times.and_then(|c| c.as_primitive_opt::<TimestampMicrosecondType>());
        let as_known = i64::try_from(self.lens.as_known).unwrap_or(i64::MAX);
        let as_of = self.lens.as_of.micros();
        let shows = |row| {
            seqs.is_some_and(|seqs| seqs.value(row) <= as_known)
                && times.is_some_and(|times| times.value(row) <= as_of)
        };
        (0..batch.num_rows()).map(|row| Some(shows(row))).collect()
    }
}
