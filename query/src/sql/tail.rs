//! The part of the log that no segment holds, decoded while it is read.
//!
//! Only events of the wanted kinds are parsed and only the wanted columns are filled. Nothing is
//! read when a query is planned.

use std::ops::Range;
use std::sync::Arc;

use arrow::datatypes::SchemaRef;
use datafusion::error::{DataFusionError, Result};
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::physical_plan::stream::RecordBatchReceiverStream;
use datafusion::physical_plan::streaming::PartitionStream;
use relbook_ledger::event::Kind;
use relbook_ledger::time::Time;

use super::catalog::LogTable;
use super::extract::{Extract, schema};
use super::log::{LogError, LogSource, open_entry};

/// Events opened for one batch.
const CHUNK: u64 = 4_096;

/// Batches decoded ahead of the reader.
const AHEAD: usize = 2;

/// A range of the log as rows of one table.
pub(crate) struct Tail {
    pub(crate) log: Arc<dyn LogSource>,
    pub(crate) table: &'static LogTable,
    /// The positions of the wanted columns.
    pub(crate) wanted: Vec<usize>,
    pub(crate) kinds: Vec<Kind>,
    pub(crate) range: Range<u64>,
    pub(crate) as_of: Time,
}

impl Tail {
    pub(crate) fn schema(&self) -> Result<SchemaRef> {
        Ok(Arc::new(schema(self.table).project(&self.wanted)?))
    }

    /// Calls `visit` with batch after batch until it returns false.
    pub(crate) fn read(
        &self,
        visit: &mut dyn FnMut(arrow::record_batch::RecordBatch) -> bool,
    ) -> Result<(), LogError> {
        let mut extract = Extract::new(self.table, &self.wanted, &*self.log)?;
        let mut start = self.range.start;
        while start < self.range.end {
            let end = self.range.end.min(start + CHUNK);
            for (entry, seq) in self.log.entries(start..end)?.iter().zip(start..) {
                open_entry(
                    entry,
                    seq,
                    |kind| self.kinds.contains(&kind),
                    |row| {
                        if row.occurred_at()? <= self.as_of { extract.push(&row) } else { Ok(()) }
                    },
                )?;
            }
            if extract.rows() > 0 && !visit(extract.finish()?) {
                return Ok(());
            }
            start = end;
        }
        Ok(())
    }
}

/// A [`Tail`] as a partition of a table.
pub(crate) struct TailPartition {
    tail: Arc<Tail>,
    schema: SchemaRef,
}

impl TailPartition {
    pub(crate) fn new(tail: Tail) -> Result<Self> {
        let schema = tail.schema()?;
        Ok(Self { tail: Arc::new(tail), schema })
    }
}

impl std::fmt::Debug for TailPartition {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Range { start, end } = self.tail.range;
        write!(f, "{} of the ledger, seq {start} to {end}", self.tail.table.name)
    }
}

impl PartitionStream for TailPartition {
    fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    fn execute(&self, _context: Arc<TaskContext>) -> SendableRecordBatchStream {
        let mut builder = RecordBatchReceiverStream::builder(Arc::clone(&self.schema), AHEAD);
        let (tail, sender) = (Arc::clone(&self.tail), builder.tx());
        builder.spawn_blocking(move || {
            // A send fails when the reader has enough.
            tail.read(&mut |batch| sender.blocking_send(Ok(batch)).is_ok())
                .map_err(|error| DataFusionError::External(Box::new(error)))
        });
        builder.build()
    }
}
