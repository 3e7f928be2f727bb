//! Tables that are folded from log tables: `keys`, `checkpoints`, `deploy_targets`, `matrix_rows`.
//!
//! A fold reads what the lens of the session shows and lays out rows; it asks neither policy nor
//! core. It is small enough to be made whole, when it is read and not before.

mod checkpoints;
mod deploy_targets;
mod keys;
mod matrix_rows;

use std::fmt;
use std::sync::Arc;

use arrow::datatypes::SchemaRef;
use async_trait::async_trait;
use datafusion::catalog::{Session, TableProvider};
use datafusion::datasource::TableType;
use datafusion::error::Result;
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::logical_expr::Expr;
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::stream::RecordBatchReceiverStream;
use datafusion::physical_plan::streaming::{PartitionStream, StreamingTableExec};

use super::build::{parts, plain_schema, table_batch};
use super::log::LogError;
use super::logs::{Logs, external};
use crate::table::{Column, ColumnType, Table, columns};

/// Finds the columns of a table that depend on the log.
type ColumnsOf = fn(&Logs) -> Result<Vec<Column>, LogError>;

/// A derived table.
pub(crate) struct Derived {
    pub(crate) name: &'static str,
    /// What it shows, in a sentence.
    pub(crate) doc: &'static str,
    /// The columns that are always there.
    pub(crate) fixed: &'static [(&'static str, ColumnType)],
    /// Its columns, where they depend on the log.
    columns: Option<ColumnsOf>,
    /// Its rows.
    rows: fn(&Logs) -> Result<Table, LogError>,
    /// What each of the fixed columns says.
    pub(crate) docs: &'static [(&'static str, &'static str)],
}

/// All derived tables.
pub(crate) const DERIVED: &[Derived] =
    &[keys::TABLE, checkpoints::TABLE, deploy_targets::TABLE, matrix_rows::TABLE];

/// Finds a derived table by its name.
pub(crate) fn derived(name: &str) -> Option<&'static Derived> {
    DERIVED.iter().find(|table| table.name == name)
}

impl Derived {
    /// Returns the columns under the lens of the session.
    pub(crate) fn columns(&self, logs: &Logs) -> Result<Vec<Column>, LogError> {
        match self.columns {
            Some(columns) => columns(logs),
            None => Ok(columns(self.fixed)),
        }
    }
}

/// A derived table of the session.
pub(crate) struct DerivedTable {
    table: &'static Derived,
    logs: Arc<Logs>,
    schema: SchemaRef,
}

impl DerivedTable {
    pub(crate) fn open(table: &'static Derived, logs: Arc<Logs>) -> Result<Self> {
        let columns = table.columns(&logs).map_err(external)?;
        Ok(Self { table, logs, schema: plain_schema(&columns) })
    }
}

impl fmt::Debug for DerivedTable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DerivedTable").field("name", &self.table.name).finish_non_exhaustive()
    }
}

#[async_trait]
impl TableProvider for DerivedTable {
    fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }

    fn table_type(&self) -> TableType {
        TableType::View
    }

    async fn scan(
        &self,
        _state: &dyn Session,
        projection: Option<&Vec<usize>>,
        _filters: &[Expr],
        limit: Option<usize>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let all = || (0..self.schema.fields().len()).collect();
        let wanted: Vec<usize> = projection.cloned().unwrap_or_else(all);
        let schema = Arc::new(self.schema.project(&wanted)?);
        let partition: Arc<dyn PartitionStream> = Arc::new(Fold {
            table: self.table,
            logs: Arc::clone(&self.logs),
            wanted,
            schema: Arc::clone(&schema),
        });
        let plan = StreamingTableExec::try_new(schema, vec![partition], None, [], false, limit)?;
        Ok(Arc::new(plan))
    }
}

/// A derived table being read.
struct Fold {
    table: &'static Derived,
    logs: Arc<Logs>,
    wanted: Vec<usize>,
    schema: SchemaRef,
}

impl fmt::Debug for Fold {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.table.name)
    }
}

impl PartitionStream for Fold {
    fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    fn execute(&self, context: Arc<TaskContext>) -> SendableRecordBatchStream {
        let mut builder = RecordBatchReceiverStream::builder(Arc::clone(&self.schema), 2);
        let (table, logs, wanted) = (self.table, Arc::clone(&self.logs), self.wanted.clone());
        let sender = builder.tx();
        builder.spawn_blocking(move || {
            let rows = (table.rows)(&logs).map_err(external)?;
            let batch = table_batch(&rows, &wanted)?;
            for part in parts(&batch, context.session_config().batch_size()) {
                if sender.blocking_send(Ok(part)).is_err() {
                    break;
                }
            }
            Ok(())
        });
        builder.build()
    }
}
