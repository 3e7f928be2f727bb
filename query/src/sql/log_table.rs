//! A log table to the engine: sealed segments and the unsealed rest, under the lens of the session.
//!
//! Segments that the lens shows whole are read as they are; those that it cuts are filtered by
//! both clocks; the rest is decoded from the ledger while it is read.

use std::ops::Range;
use std::sync::Arc;

use arrow::datatypes::SchemaRef;
use async_trait::async_trait;
use datafusion::catalog::{Session, TableProvider};
use datafusion::common::Statistics;
use datafusion::common::stats::Precision;
use datafusion::datasource::TableType;
use datafusion::datasource::listing::PartitionedFile;
use datafusion::datasource::physical_plan::parquet::CachedParquetFileReaderFactory;
use datafusion::datasource::physical_plan::{FileGroup, FileScanConfigBuilder, ParquetSource};
use datafusion::datasource::source::DataSourceExec;
use datafusion::error::Result;
use datafusion::execution::object_store::ObjectStoreUrl;
use datafusion::logical_expr::{Expr, Operator, TableProviderFilterPushDown};
use datafusion::physical_expr::expressions::{BinaryExpr, Column, lit};
use datafusion::physical_expr::{PhysicalExpr, conjunction};
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::empty::EmptyExec;
use datafusion::physical_plan::filter::FilterExec;
use datafusion::physical_plan::projection::ProjectionExec;
use datafusion::physical_plan::streaming::{PartitionStream, StreamingTableExec};
use datafusion::physical_plan::union::UnionExec;
use datafusion::scalar::ScalarValue;

use super::catalog::LogTable;
use super::extract::schema;
use super::logs::{Logs, external};
use super::narrow::Narrow;
use super::segment::{SealedFile, SealedRange, Segments};
use super::tail::{Tail, TailPartition};

/// The scheme and host under which the engine finds the segments; nothing else is registered.
pub(crate) const STORE_URL: &str = "relbook-segments://book";

/// A log table of the session.
#[derive(Debug)]
pub(crate) struct LogTableProvider {
    table: &'static LogTable,
    logs: Arc<Logs>,
    schema: SchemaRef,
}

impl LogTableProvider {
    pub(crate) fn new(table: &'static LogTable, logs: Arc<Logs>) -> Self {
        Self { table, logs, schema: schema(table) }
    }

    /// Makes the plan that reads the wanted columns of the events that can pass the filters.
    pub(crate) fn plan(
        &self,
        state: &dyn Session,
        wanted: &[usize],
        narrow: &Narrow,
        limit: Option<usize>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let segments = self.logs.segments().map_err(external)?;
        let mut seqs = narrow.seqs.start..narrow.seqs.end.min(self.logs.end());
        if let Some(times) = &narrow.recorded {
            let recorded = self.logs.recorded(times).map_err(external)?;
            seqs = seqs.start.max(recorded.start)..seqs.end.min(recorded.end);
        }
        let possible = self.table.kinds.iter().any(|kind| narrow.allows(*kind));
        let mut parts: Vec<Arc<dyn ExecutionPlan>> = Vec::new();
        if possible {
            let (whole, cut) = self.files(&segments, &seqs);
            if !whole.is_empty() {
                parts.push(self.read_files(state, &segments, &whole, wanted, limit)?);
            }
            if !cut.is_empty() {
                parts.push(self.read_cut_files(state, &segments, &cut, wanted)?);
            }
            parts.extend(self.read_tail(state, &segments, &seqs, wanted, narrow, limit)?);
        }
        match parts.len() {
            0 => Ok(Arc::new(EmptyExec::new(Arc::new(self.schema.project(wanted)?)))),
            1 => Ok(parts.remove(0)),
            _ => UnionExec::try_new(parts),
        }
    }

    /// Returns the files that the lens shows whole, and those that it cuts.
    fn files<'s>(
        &self,
        segments: &'s Segments,
        seqs: &Range<u64>,
    ) -> (Vec<&'s SealedFile>, Vec<&'s SealedFile>) {
        let touched = |range: &&SealedRange| range.start < seqs.end && seqs.start < range.end;
        let of_table = |range: &'s SealedRange| {
            let file = range.files.get(self.table.name)?;
            Some((file, self.logs.shows_whole(range, file)))
        };
        let files = segments.ranges().iter().filter(touched).filter_map(of_table);
        let (whole, cut): (Vec<_>, Vec<_>) = files.partition(|(_, whole)| *whole);
        let plain = |files: Vec<(&'s SealedFile, bool)>| files.into_iter().map(|f| f.0).collect();
        (plain(whole), plain(cut))
    }

    fn read_files(
        &self,
        state: &dyn Session,
        segments: &Segments,
        files: &[&SealedFile],
        wanted: &[usize],
        limit: Option<usize>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let url = ObjectStoreUrl::parse(STORE_URL)?;
        let store = segments.store();
        let runtime = state.runtime_env();
        runtime.register_object_store(url.as_ref(), Arc::clone(&store));
        let cache = runtime.cache_manager.get_file_metadata_cache();
        let source = ParquetSource::new(Arc::clone(&self.schema))
            .with_parquet_file_reader_factory(Arc::new(CachedParquetFileReaderFactory::new(
                store, cache,
            )))
            .with_pushdown_filters(true)
            .with_reorder_filters(true);
        let rows = |rows: u64| Precision::Exact(usize::try_from(rows).unwrap_or(usize::MAX));
        let statistics = |count| Statistics::new_unknown(&self.schema).with_num_rows(rows(count));
        let open = |file: &&SealedFile| {
            PartitionedFile::new(file.name.clone(), file.bytes)
                .with_statistics(Arc::new(statistics(file.rows)))
        };
        let group = FileGroup::new(files.iter().map(open).collect());
        let config = FileScanConfigBuilder::new(url, Arc::new(source))
            .with_file_groups(group.split_files(state.config().target_partitions()))
            .with_statistics(statistics(files.iter().map(|file| file.rows).sum()))
            .with_projection_indices(Some(wanted.to_vec()))?
            .with_limit(limit)
            .build();
        Ok(DataSourceExec::from_data_source(config))
    }

    /// Reads files of which the lens shows only some rows.
    fn read_cut_files(
        &self,
        state: &dyn Session,
        segments: &Segments,
        files: &[&SealedFile],
        wanted: &[usize],
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let clocks = ["seq", "occurred_at"].map(|name| self.table.position(name).unwrap_or(0));
        let mut read = wanted.to_vec();
        read.extend(clocks.iter().filter(|position| !wanted.contains(position)));
        let plan = self.read_files(state, segments, files, &read, None)?;
        let at_most = |name: &str, bound: ScalarValue| -> Result<Arc<dyn PhysicalExpr>> {
            let column = Arc::new(Column::new_with_schema(name, &plan.schema())?);
            Ok(Arc::new(BinaryExpr::new(column, Operator::LtEq, lit(bound))))
        };
        let as_known = i64::try_from(self.logs.lens.as_known).unwrap_or(i64::MAX);
        let as_of = self.logs.lens.as_of.micros();
        let visible = conjunction([
            at_most("seq", ScalarValue::Int64(Some(as_known)))?,
            at_most(
                "occurred_at",
                ScalarValue::TimestampMicrosecond(Some(as_of), Some("UTC".into())),
            )?,
        ]);
        let filtered: Arc<dyn ExecutionPlan> = Arc::new(FilterExec::try_new(visible, plan)?);
        let columns = wanted.iter().enumerate().map(|(position, &column)| {
            let name = self.table.columns[column].name;
            let expr: Arc<dyn PhysicalExpr> = Arc::new(Column::new(name, position));
            (expr, name.to_owned())
        });
        Ok(Arc::new(ProjectionExec::try_new(columns.collect::<Vec<_>>(), filtered)?))
    }

    fn read_tail(
        &self,
        state: &dyn Session,
        segments: &Segments,
        seqs: &Range<u64>,
        wanted: &[usize],
        narrow: &Narrow,
        limit: Option<usize>,
    ) -> Result<Option<Arc<dyn ExecutionPlan>>> {
        let kinds: Vec<_> =
            self.table.kinds.iter().copied().filter(|kind| narrow.allows(*kind)).collect();
        let mut partitions: Vec<Arc<dyn PartitionStream>> = Vec::new();
        for gap in segments.unsealed(seqs.end) {
            let start = gap.start.max(seqs.start);
            for range in split(start..gap.end, state.config().target_partitions()) {
                partitions.push(Arc::new(TailPartition::new(Tail {
                    log: Arc::clone(&self.logs.source),
                    table: self.table,
                    wanted: wanted.to_vec(),
                    kinds: kinds.clone(),
                    range,
                    as_of: self.logs.lens.as_of,
                })?));
            }
        }
        if partitions.is_empty() {
            return Ok(None);
        }
        let schema = Arc::new(self.schema.project(wanted)?);
        let plan = StreamingTableExec::try_new(schema, partitions, None, [], false, limit)?;
        Ok(Some(Arc::new(plan)))
    }
}

/// Splits a range for several readers, none of which gets too little to be worth it.
fn split(range: Range<u64>, readers: usize) -> Vec<Range<u64>> {
    const LEAST: u64 = 4_096;
    let events = range.end.saturating_sub(range.start);
    let step = events.div_ceil(readers.max(1) as u64).max(LEAST);
    let starts = (0..events.div_ceil(step)).map(|number| range.start + number * step);
    starts.map(|start| start..range.end.min(start + step)).collect()
}

#[async_trait]
impl TableProvider for LogTableProvider {
    fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }

    fn table_type(&self) -> TableType {
        TableType::Base
    }

    async fn scan(
        &self,
        state: &dyn Session,
        projection: Option<&Vec<usize>>,
        filters: &[Expr],
        limit: Option<usize>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let all: Vec<usize>;
        let wanted = match projection {
            Some(wanted) => wanted,
            None => {
                all = (0..self.table.columns.len()).collect();
                &all
            }
        };
        self.plan(state, wanted, &Narrow::of(filters), limit)
    }

    fn supports_filters_pushdown(
        &self,
        filters: &[&Expr],
    ) -> Result<Vec<TableProviderFilterPushDown>> {
        // The engine keeps every filter and pushes it into the segments itself.
        Ok(vec![TableProviderFilterPushDown::Inexact; filters.len()])
    }
}

#[cfg(test)]
mod tests {
    use super::split;

    #[test]
    fn a_range_is_split_without_gaps() {
        assert_eq!(split(5..5, 2), []);
        assert_eq!(split(5..6, 2), vec![5..6]);
        assert_eq!(split(0..10_000, 2), [0..5_000, 5_000..10_000]);
        assert_eq!(split(0..6_000, 4), [0..4_096, 4_096..6_000]);
    }
}
