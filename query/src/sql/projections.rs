//! Projections as tables: what the release core answers, in the engine's columns.
//!
//! Nothing is decided here. The filters of a query that name one component or environment go to
//! the core, which then does less; the engine still applies every filter itself.

use std::fmt;
use std::sync::Arc;

use arrow::datatypes::SchemaRef;
use arrow::record_batch::RecordBatch;
use async_trait::async_trait;
use datafusion::catalog::{Session, TableProvider};
use datafusion::datasource::TableType;
use datafusion::datasource::memory::MemorySourceConfig;
use datafusion::error::{DataFusionError, Result};
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::logical_expr::{BinaryExpr, Expr, Operator, TableProviderFilterPushDown};
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::stream::RecordBatchReceiverStream;
use datafusion::physical_plan::streaming::{PartitionStream, StreamingTableExec};
use relbook_ledger::time::Time;

use super::build::{EVIDENCE, parts, projection_schema, table_batch};
use super::narrow::{is_column, text};
use crate::projection::Request;
use crate::question::AnswerError;
use crate::release::Lens;
use crate::table::{Column, Table};

/// The projections of a book, as the query engine asks for them.
///
/// Every method may be called from several threads at once.
pub trait Projections: Send + Sync {
    /// Returns the names of the projection tables.
    fn names(&self) -> Vec<&'static str>;

    /// Returns the columns of a projection, without `evidence`; none when there is no such table.
    ///
    /// Some projections have columns that depend on what the book holds, such as a pair of columns
    /// per alias of the compatibility matrix.
    ///
    /// # Errors
    /// [`AnswerError`] when the book cannot be read.
    fn columns(&self, table: &str, lens: Lens) -> Result<Option<Vec<Column>>, AnswerError>;

    /// Returns the rows of a projection under a lens, with the columns that [`Self::columns`] names.
    ///
    /// # Errors
    /// [`AnswerError`] when the book cannot be read.
    fn rows(&self, table: &str, request: &Request, lens: Lens) -> Result<Table, AnswerError>;

    /// Returns the live shares at a time: `state_at(time)`.
    ///
    /// # Errors
    /// [`AnswerError`] when the book cannot be read.
    fn state_at(&self, time: Time, lens: Lens) -> Result<Table, AnswerError>;

    /// Returns what changed between two versions of a component: `diff(component, from, to)`.
    ///
    /// # Errors
    /// [`AnswerError`] when a name or version is unknown or the book cannot be read.
    fn diff(
        &self,
        component: &str,
        from_version: &str,
        to_version: &str,
        lens: Lens,
    ) -> Result<Table, AnswerError>;

    /// Returns what happened to a component: `history(component)`.
    ///
    /// # Errors
    /// [`AnswerError`] when the component is unknown or the book cannot be read.
    fn history(&self, component: &str, lens: Lens) -> Result<Table, AnswerError>;
}

/// No projections: only the log tables are there.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoProjections;

impl NoProjections {
    fn none<T>() -> Result<T, AnswerError> {
        Err(AnswerError::Read("this session has no projections".to_owned()))
    }
}

impl Projections for NoProjections {
    fn names(&self) -> Vec<&'static str> {
        Vec::new()
    }

    fn columns(&self, _table: &str, _lens: Lens) -> Result<Option<Vec<Column>>, AnswerError> {
        Ok(None)
    }

    fn rows(&self, _table: &str, _request: &Request, _lens: Lens) -> Result<Table, AnswerError> {
        Self::none()
    }

    fn state_at(&self, _time: Time, _lens: Lens) -> Result<Table, AnswerError> {
        Self::none()
    }

    fn diff(&self, _: &str, _: &str, _: &str, _lens: Lens) -> Result<Table, AnswerError> {
        Self::none()
    }

    fn history(&self, _component: &str, _lens: Lens) -> Result<Table, AnswerError> {
        Self::none()
    }
}

/// A projection as a table.
pub(crate) struct ProjectionTable {
    projections: Arc<dyn Projections>,
    name: String,
    schema: SchemaRef,
    lens: Lens,
}

impl ProjectionTable {
    /// Makes the table, if there is a projection of that name.
    pub(crate) fn open(
        projections: &Arc<dyn Projections>,
        name: &str,
        lens: Lens,
    ) -> Result<Option<Self>> {
        let Some(columns) = projections.columns(name, lens).map_err(external)? else {
            return Ok(None);
        };
        Ok(Some(Self {
            projections: Arc::clone(projections),
            name: name.to_owned(),
            schema: projection_schema(&columns),
            lens,
        }))
    }
}

impl fmt::Debug for ProjectionTable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ProjectionTable").field("name", &self.name).finish_non_exhaustive()
    }
}

/// Wraps an answer's error for the engine; `SqlError` finds it again.
pub(crate) fn external(error: AnswerError) -> DataFusionError {
    DataFusionError::External(Box::new(error))
}

/// Finds out which component and environment the rows must have.
fn request(filters: &[Expr], schema: &SchemaRef, wanted: &[usize]) -> Request {
    let mut request = Request::default();
    for filter in filters {
        narrow(&mut request, filter);
    }
    let names = wanted.iter().map(|&position| schema.field(position).name().clone());
    request.columns = Some(names.filter(|name| name != EVIDENCE).collect());
    request
}

fn narrow(request: &mut Request, filter: &Expr) {
    let Expr::BinaryExpr(BinaryExpr { left, op, right }) = filter else { return };
    match op {
        Operator::And => {
            narrow(request, left);
            narrow(request, right);
        }
        Operator::Eq => {
            for (column, value) in [(left, right), (right, left)] {
                if is_column(column, "component") {
                    request.component = text(value).or(request.component.take());
                } else if is_column(column, "environment") {
                    request.environment = text(value).or(request.environment.take());
                }
            }
        }
        _ => {}
    }
}

#[async_trait]
impl TableProvider for ProjectionTable {
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
        filters: &[Expr],
        limit: Option<usize>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let all = || (0..self.schema.fields().len()).collect();
        let wanted: Vec<usize> = projection.cloned().unwrap_or_else(all);
        let schema = Arc::new(self.schema.project(&wanted)?);
        let rows = Rows {
            projections: Arc::clone(&self.projections),
            name: self.name.clone(),
            request: request(filters, &self.schema, &wanted),
            lens: self.lens,
            full: Arc::clone(&self.schema),
            wanted,
            schema: Arc::clone(&schema),
        };
        let partition: Arc<dyn PartitionStream> = Arc::new(rows);
        let plan = StreamingTableExec::try_new(schema, vec![partition], None, [], false, limit)?;
        Ok(Arc::new(plan))
    }

    fn supports_filters_pushdown(
        &self,
        filters: &[&Expr],
    ) -> Result<Vec<TableProviderFilterPushDown>> {
        Ok(vec![TableProviderFilterPushDown::Inexact; filters.len()])
    }
}

/// The rows of a projection, asked for when they are read.
#[derive(Clone)]
struct Rows {
    projections: Arc<dyn Projections>,
    name: String,
    request: Request,
    lens: Lens,
    /// The schema of the whole table.
    full: SchemaRef,
    wanted: Vec<usize>,
    schema: SchemaRef,
}

impl fmt::Debug for Rows {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.name)?;
        let narrowed = [&self.request.component, &self.request.environment];
        narrowed.into_iter().flatten().try_for_each(|name| write!(f, " of {name}"))
    }
}

impl PartitionStream for Rows {
    fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    fn execute(&self, context: Arc<TaskContext>) -> SendableRecordBatchStream {
        let mut builder = RecordBatchReceiverStream::builder(Arc::clone(&self.schema), 2);
        let (rows, sender) = (self.clone(), builder.tx());
        builder.spawn_blocking(move || {
            let table =
                rows.projections.rows(&rows.name, &rows.request, rows.lens).map_err(external)?;
            if projection_schema(&table.columns) != rows.full {
                let message = format!("the columns of {} changed while it was read", rows.name);
                return Err(external(AnswerError::Read(message)));
            }
            let batch = table_batch(&table, &rows.wanted)?;
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

/// A table that is an answer already: the result of a table function.
#[derive(Debug)]
pub(crate) struct AnswerTable {
    batch: RecordBatch,
}

impl AnswerTable {
    pub(crate) fn new(table: &Table) -> Result<Self> {
        let all: Vec<usize> = (0..=table.columns.len()).collect();
        Ok(Self { batch: table_batch(table, &all)? })
    }
}

#[async_trait]
impl TableProvider for AnswerTable {
    fn schema(&self) -> SchemaRef {
        self.batch.schema()
    }

    fn table_type(&self) -> TableType {
        TableType::View
    }

    async fn scan(
        &self,
        state: &dyn Session,
        projection: Option<&Vec<usize>>,
        _filters: &[Expr],
        _limit: Option<usize>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let parts: Vec<_> = parts(&self.batch, state.config().batch_size()).collect();
        Ok(MemorySourceConfig::try_new_exec(&[parts], self.batch.schema(), projection.cloned())?)
    }
}
