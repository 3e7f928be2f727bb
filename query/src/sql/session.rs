//! A read-only SQL session over one book, under one lens.
//!
//! A session is a snapshot: it sees the book as it was when the session was opened, with the two
//! clocks of its lens; `now()` is the lens's `as_of`, so a query means the same whenever it runs.
//! It can neither write nor reach a file or host: it holds no catalog, factory or object store for
//! that, and statements are checked before and after planning. Time and memory are bounded.

use std::path::{Path, PathBuf};
use std::sync::{Arc, mpsc};
use std::time::Duration;

use arrow::datatypes::SchemaRef;
use arrow::record_batch::RecordBatch;
use arrow::temporal_conversions::timestamp_us_to_datetime;
use datafusion::catalog::information_schema::INFORMATION_SCHEMA;
use datafusion::common::config::ConfigOptions;
use datafusion::error::{DataFusionError, Result};
use datafusion::execution::disk_manager::{DiskManagerBuilder, DiskManagerMode};
use datafusion::execution::memory_pool::{GreedyMemoryPool, MemoryConsumer, MemoryPool};
use datafusion::execution::object_store::{
    DefaultObjectStoreRegistry, ObjectStoreRegistry, ObjectStoreUrl,
};
use datafusion::execution::runtime_env::RuntimeEnvBuilder;
use datafusion::execution::{
    FunctionRegistry as _, SessionState, SessionStateBuilder, SessionStateDefaults,
};
use datafusion::logical_expr::LogicalPlan;
use datafusion::physical_plan::execute_stream;
use datafusion::prelude::{SQLOptions, SessionConfig};
use datafusion::sql::parser::Statement;
use futures::StreamExt as _;
use relbook_ledger::store::Ledger;
use tokio::runtime::Runtime;
use tokio::task::{JoinError, JoinSet};

use super::error::{SqlError, closest, translate};
use super::function::{expr_planners, rewrite, scalar_functions, table_functions};
use super::log::{BookLog, LogError, LogSource};
use super::logs::{Logs, Progress};
use super::output::settle;
use super::projections::Projections;
use super::schema::{BookSchema, CATALOG, Catalogs, SCHEMA, reads_log};
use super::segment::SEAL_EVENTS;
use super::statement::read_only;
use crate::release::Lens;

/// What a session may use.
#[derive(Clone)]
pub struct Limits {
    /// Memory for one session, in bytes.
    pub memory_bytes: usize,
    /// Time for one statement, without the sealing of segments.
    pub time: Duration,
    /// Called while segments are sealed: events done, events to do.
    pub progress: Option<Progress>,
    /// How many events a segment of the cache holds; others in the cache are made anew.
    pub segment_events: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            memory_bytes: 1 << 30,
            time: Duration::from_secs(60),
            progress: None,
            segment_events: SEAL_EVENTS,
        }
    }
}

/// The rows that a statement gives.
#[derive(Debug, Clone)]
pub struct QueryResult {
    /// The columns.
    pub schema: SchemaRef,
    /// The rows, in order.
    pub batches: Vec<RecordBatch>,
}

/// A read-only SQL session. Several threads may ask it at once.
pub struct Session {
    engine: Arc<Engine>,
    limits: Limits,
}

/// What a statement needs while it runs, on whatever thread.
struct Engine {
    state: SessionState,
    logs: Arc<Logs>,
}

/// What to do before a statement is run again whose segments were lost under it.
type Remedy = fn(&Logs) -> Result<(), LogError>;

/// Segments are only a cache: first what differs is made again, and when that is lost too (other
/// processes may clear the directory at any time), the ledger itself is read.
const REMEDIES: [Remedy; 2] = [Logs::recheck, Logs::forgo];

/// The directory of the segments in a book.
const SEGMENTS: &str = "segments";

impl Session {
    /// Opens a session over the book in a directory. Nothing is read yet but the ledger's head.
    ///
    /// # Errors
    /// [`SqlError::Book`] when there is no readable book.
    pub fn open(
        dir: &Path,
        projections: Arc<dyn Projections>,
        lens: Lens,
    ) -> Result<Self, SqlError> {
        Self::open_with(dir, projections, lens, Limits::default())
    }

    /// Opens a session with other limits.
    ///
    /// # Errors
    /// As [`Session::open`].
    pub fn open_with(
        dir: &Path,
        projections: Arc<dyn Projections>,
        lens: Lens,
        limits: Limits,
    ) -> Result<Self, SqlError> {
        let ledger =
            Ledger::open(dir).map_err(|error| SqlError::Book { message: error.to_string() })?;
        let source = Arc::new(BookLog::new(ledger));
        Self::over(source, Some(dir.join(SEGMENTS)), projections, lens, limits)
    }

    /// Opens a session over any log; without `segments`, everything is decoded as it is read.
    ///
    /// # Errors
    /// [`SqlError::Book`] when the engine cannot be set up.
    pub fn over(
        source: Arc<dyn LogSource>,
        segments: Option<PathBuf>,
        projections: Arc<dyn Projections>,
        lens: Lens,
        limits: Limits,
    ) -> Result<Self, SqlError> {
        let (events, progress) = (limits.segment_events, limits.progress.clone());
        let logs = Arc::new(Logs::new(source, lens, segments, events, progress));
        let state = state(&logs, &projections, &limits)
            .map_err(|error| translate(&error, limits.memory_bytes))?;
        Ok(Self { engine: Arc::new(Engine { state, logs }), limits })
    }

    /// Runs one reading statement, on a runtime that has several threads.
    ///
    /// # Errors
    /// [`SqlError`], which says what to do instead.
    pub async fn query(&self, sql: &str) -> Result<QueryResult, SqlError> {
        let statement = read_only(sql)?;
        if self.engine.touches_log(&statement) {
            self.prepare(None).await?;
        }
        let mut result = self.timed(statement.clone()).await;
        for remedy in REMEDIES {
            if !matches!(result, Err(Failure::Segments)) {
                break;
            }
            self.prepare(Some(remedy)).await?;
            result = self.timed(statement.clone()).await;
        }
        result.map_err(|failure| self.explain(failure))
    }

    /// Runs one reading statement on threads of its own and waits for it.
    ///
    /// # Errors
    /// As [`Session::query`].
    pub fn run(&self, sql: &str) -> Result<QueryResult, SqlError> {
        let statement = read_only(sql)?;
        if self.engine.touches_log(&statement) {
            drop(self.engine.logs.segments()?);
        }
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .thread_stack_size(STACK_BYTES)
            .build()
            .map_err(|error| SqlError::Book { message: error.to_string() })?;
        let mut result = self.wait(&runtime, statement.clone());
        for remedy in REMEDIES {
            if !matches!(result, Err(Failure::Segments)) {
                break;
            }
            remedy(&self.engine.logs)?;
            result = self.wait(&runtime, statement.clone());
        }
        // A statement that was stopped may still be reading a batch; nobody waits for that.
        runtime.shutdown_background();
        result.map_err(|failure| self.explain(failure))
    }

    /// Waits on this thread, which the engine cannot keep busy: a single step of it may take
    /// longer than the whole statement is allowed.
    fn wait(&self, runtime: &Runtime, statement: Statement) -> Result<QueryResult, Failure> {
        let (sender, receiver) = mpsc::channel();
        let engine = Arc::clone(&self.engine);
        let running = runtime.spawn(async move { engine.execute(statement).await });
        let stop = running.abort_handle();
        runtime.spawn(async move {
            // Nobody listens when the time was up first.
            drop(sender.send(running.await));
        });
        match receiver.recv_timeout(self.limits.time) {
            Ok(ended) => outcome(ended),
            Err(mpsc::RecvTimeoutError::Timeout) => {
                stop.abort();
                Err(Failure::TimedOut)
            }
            Err(mpsc::RecvTimeoutError::Disconnected) => Err(Failure::Crashed),
        }
    }

    /// Compares every segment with its sums; what differs is made again.
    ///
    /// # Errors
    /// [`SqlError::Book`] when the log cannot be read.
    pub fn check_segments(&self) -> Result<(), SqlError> {
        Ok(self.engine.logs.recheck()?)
    }

    /// Returns the names of all tables.
    pub fn tables(&self) -> Vec<String> {
        self.engine.tables()
    }

    /// Returns the lens of the session.
    pub fn lens(&self) -> Lens {
        self.engine.logs.lens
    }

    /// Opens the segments outside the time that a statement has.
    async fn prepare(&self, remedy: Option<Remedy>) -> Result<(), SqlError> {
        let logs = Arc::clone(&self.engine.logs);
        let open = move || match remedy {
            Some(remedy) => remedy(&logs),
            None => logs.segments().map(drop),
        };
        match tokio::task::spawn_blocking(open).await {
            Ok(opened) => Ok(opened?),
            Err(error) => Err(SqlError::Book { message: error.to_string() }),
        }
    }

    async fn timed(&self, statement: Statement) -> Result<QueryResult, Failure> {
        let engine = Arc::clone(&self.engine);
        // On a task of its own, so that the clock here goes on; dropping the set stops it.
        let mut running = JoinSet::new();
        running.spawn(async move { engine.execute(statement).await });
        match tokio::time::timeout(self.limits.time, running.join_next()).await {
            Ok(Some(ended)) => outcome(ended),
            Ok(None) => Err(Failure::Crashed),
            Err(_elapsed) => Err(Failure::TimedOut),
        }
    }

    fn explain(&self, failure: Failure) -> SqlError {
        match failure {
            Failure::TimedOut => SqlError::TimedOut { limit: self.limits.time },
            Failure::Crashed => SqlError::Crashed,
            Failure::Engine(error) => translate(&error, self.limits.memory_bytes),
            Failure::Segments => SqlError::Book {
                message: "the engine could not read the log; run the query again".to_owned(),
            },
        }
    }
}

impl Engine {
    fn tables(&self) -> Vec<String> {
        let schema = self.state.catalog_list().catalog(CATALOG).and_then(|c| c.schema(SCHEMA));
        schema.map(|schema| schema.table_names()).unwrap_or_default()
    }

    fn touches_log(&self, statement: &Statement) -> bool {
        let tables = self.state.resolve_table_references(statement).unwrap_or_default();
        tables.iter().any(|table| reads_log(table.table()) || table.table() == "columns")
    }

    async fn execute(&self, statement: Statement) -> Result<QueryResult> {
        let plan = self.plan(statement).await?;
        let physical = self.state.create_physical_plan(&plan).await?;
        let mut stream = execute_stream(physical, self.state.task_ctx())?;
        let schema = stream.schema();
        // The result counts too: without that, a cross join would fill the machine.
        let reservation =
            MemoryConsumer::new("result").register(&self.state.runtime_env().memory_pool);
        let mut batches = Vec::new();
        while let Some(batch) = stream.next().await {
            let batch = batch?;
            reservation.try_grow(batch.get_array_memory_size())?;
            batches.push(batch);
        }
        settle(&schema, &batches)
    }

    async fn plan(&self, statement: Statement) -> Result<LogicalPlan> {
        let tables = self.state.resolve_table_references(&statement)?;
        let known = self.tables();
        let functions = self.state.table_functions();
        for table in tables {
            let named = table.schema().is_none_or(|schema| schema == SCHEMA)
                && table.catalog().is_none_or(|catalog| catalog == CATALOG);
            let in_book = named && known.iter().any(|name| name == table.table());
            // The engine lists a call of a table function among the tables.
            let called = table.schema().is_none() && functions.contains_key(table.table());
            if !in_book && !called && table.schema() != Some(INFORMATION_SCHEMA) {
                let closest = closest(table.table(), known.clone());
                let name = table.to_string();
                return Err(DataFusionError::External(Box::new(SqlError::UnknownTable {
                    name,
                    closest,
                })));
            }
        }
        let plan = self.state.statement_to_plan(statement).await?;
        SQLOptions::new()
            .with_allow_ddl(false)
            .with_allow_dml(false)
            .with_allow_statements(false)
            .verify_plan(&plan)?;
        Ok(plan)
    }
}

/// The stack of a thread that plans and runs statements.
const STACK_BYTES: usize = 16 << 20;

/// Why a statement gave nothing.
enum Failure {
    TimedOut,
    Segments,
    Crashed,
    Engine(DataFusionError),
}

/// Sorts how a task ended.
fn outcome(ended: Result<Result<QueryResult>, JoinError>) -> Result<QueryResult, Failure> {
    match ended {
        Ok(Ok(result)) => Ok(result),
        Ok(Err(error)) if lost_segment(&error) => Err(Failure::Segments),
        Ok(Err(error)) => Err(Failure::Engine(error)),
        Err(_panicked) => Err(Failure::Crashed),
    }
}

/// Tells whether an error is about the files of the segments.
fn lost_segment(error: &DataFusionError) -> bool {
    match error.find_root() {
        DataFusionError::ParquetError(_)
        | DataFusionError::ObjectStore(_)
        | DataFusionError::IoError(_) => true,
        DataFusionError::ArrowError(inner, _) => {
            matches!(**inner, arrow::error::ArrowError::ParquetError(_))
        }
        _ => false,
    }
}

/// Makes the engine's state: functions, tables, limits, and nothing that could write.
fn state(
    logs: &Arc<Logs>,
    projections: &Arc<dyn Projections>,
    limits: &Limits,
) -> Result<SessionState> {
    let stores = DefaultObjectStoreRegistry::new();
    stores.deregister_store(ObjectStoreUrl::local_filesystem().as_ref())?;
    // Operators cannot spill, so each may take what the others leave.
    let pool: Arc<dyn MemoryPool> = Arc::new(GreedyMemoryPool::new(limits.memory_bytes));
    let runtime = RuntimeEnvBuilder::new()
        .with_memory_pool(pool)
        .with_disk_manager_builder(
            DiskManagerBuilder::default().with_mode(DiskManagerMode::Disabled),
        )
        .with_object_store_registry(Arc::new(stores))
        .build_arc()?;
    let functions = table_functions(projections, logs);
    let described: Vec<_> = functions.values().cloned().collect();
    let book = BookSchema::new(Arc::clone(logs), Arc::clone(projections));
    let mut state = SessionStateBuilder::new()
        .with_config(config())
        .with_runtime_env(runtime)
        .with_catalog_list(Arc::new(Catalogs::new(book, &described)))
        .with_expr_planners(expr_planners())
        .with_scalar_functions(scalar_functions())
        .with_higher_order_functions(SessionStateDefaults::default_higher_order_functions())
        .with_aggregate_functions(SessionStateDefaults::default_aggregate_functions())
        .with_window_functions(SessionStateDefaults::default_window_functions())
        .with_table_functions(functions)
        .build();
    state.register_function_rewrite(rewrite())?;
    // `now()` is the time of the lens: a report says the same whenever it is made.
    let now = timestamp_us_to_datetime(logs.lens.as_of.micros()).map(|time| time.and_utc());
    state.execution_props_mut().query_execution_start_time = now;
    Ok(state)
}

fn config() -> SessionConfig {
    let mut options = ConfigOptions::new();
    options.catalog.create_default_catalog_and_schema = false;
    CATALOG.clone_into(&mut options.catalog.default_catalog);
    SCHEMA.clone_into(&mut options.catalog.default_schema);
    // Our own `information_schema` stands in the catalog; the engine's would show its settings.
    options.catalog.information_schema = false;
    options.execution.time_zone = Some("UTC".to_owned());
    options.execution.parquet.pushdown_filters = true;
    options.execution.parquet.reorder_filters = true;
    options.explain.logical_plan_only = false;
    SessionConfig::from(options)
}
