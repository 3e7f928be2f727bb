//! The catalog of a session: one schema whose tables are made when a statement names them.
//!
//! Nothing can be registered, and the engine's settings are not shown: they are not the reader's
//! business, and say where the machine keeps its files.

use std::sync::Arc;

use arrow::array::{ArrayRef, StringArray};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use arrow::record_batch::RecordBatch;
use async_trait::async_trait;
use datafusion::catalog::information_schema::{INFORMATION_SCHEMA, InformationSchemaProvider};
use datafusion::catalog::{
    CatalogProvider, CatalogProviderList, MemTable, SchemaProvider, TableFunction, TableProvider,
};
use datafusion::datasource::TableType;
use datafusion::error::Result;

use super::catalog::{LOG_TABLES, log_table};
use super::derived::{DERIVED, DerivedTable, derived};
use super::log_table::LogTableProvider;
use super::logs::Logs;
use super::projections::{ProjectionTable, Projections};
use crate::release::Lens;

/// The name of the catalog.
pub(crate) const CATALOG: &str = "book";

/// The name of its schema.
pub(crate) const SCHEMA: &str = "public";

/// The tables of a book under one lens.
pub(crate) struct BookSchema {
    logs: Arc<Logs>,
    projections: Arc<dyn Projections>,
}

impl BookSchema {
    pub(crate) fn new(logs: Arc<Logs>, projections: Arc<dyn Projections>) -> Self {
        Self { logs, projections }
    }

    fn lens(&self) -> Lens {
        self.logs.lens
    }
}

impl std::fmt::Debug for BookSchema {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("BookSchema").field("lens", &self.lens()).finish_non_exhaustive()
    }
}

/// Tells whether a table is read from the log, and so may have to be sealed first.
pub(crate) fn reads_log(name: &str) -> bool {
    log_table(name).is_some() || derived(name).is_some()
}

/// Returns the names of the tables that are read from the log, sorted.
pub(crate) fn log_table_names() -> Vec<&'static str> {
    let mut names: Vec<&str> = LOG_TABLES.iter().map(|table| table.name).collect();
    names.extend(DERIVED.iter().map(|table| table.name));
    names.sort_unstable();
    names.dedup();
    names
}

#[async_trait]
impl SchemaProvider for BookSchema {
    fn table_names(&self) -> Vec<String> {
        let mut names: Vec<String> = log_table_names().into_iter().map(str::to_owned).collect();
        names.extend(self.projections.names().into_iter().map(str::to_owned));
        names.sort_unstable();
        names.dedup();
        names
    }

    async fn table(&self, name: &str) -> Result<Option<Arc<dyn TableProvider>>> {
        let logs = || Arc::clone(&self.logs);
        if let Some(table) = derived(name) {
            return Ok(Some(Arc::new(DerivedTable::open(table, logs())?)));
        }
        if let Some(table) = log_table(name) {
            return Ok(Some(Arc::new(LogTableProvider::new(table, logs()))));
        }
        match ProjectionTable::open(&self.projections, name, self.lens())? {
            Some(table) => Ok(Some(Arc::new(table))),
            None => Ok(None),
        }
    }

    async fn table_type(&self, name: &str) -> Result<Option<TableType>> {
        // Without making the table: some have columns that must be looked up.
        Ok(if log_table(name).is_some() && derived(name).is_none() {
            Some(TableType::Base)
        } else if self.table_exist(name) {
            Some(TableType::View)
        } else {
            None
        })
    }

    fn table_exist(&self, name: &str) -> bool {
        reads_log(name) || self.projections.names().contains(&name)
    }
}

/// The catalog of a session.
#[derive(Debug)]
pub(crate) struct BookCatalog {
    book: Arc<BookSchema>,
    information: Arc<InformationSchema>,
}

impl CatalogProvider for BookCatalog {
    fn schema_names(&self) -> Vec<String> {
        vec![SCHEMA.to_owned(), INFORMATION_SCHEMA.to_owned()]
    }

    fn schema(&self, name: &str) -> Option<Arc<dyn SchemaProvider>> {
        match name {
            SCHEMA => Some(Arc::clone(&self.book) as Arc<dyn SchemaProvider>),
            INFORMATION_SCHEMA => Some(Arc::clone(&self.information) as Arc<dyn SchemaProvider>),
            _ => None,
        }
    }
}

/// The one catalog that there is.
#[derive(Debug)]
pub(crate) struct Catalogs {
    catalog: Arc<BookCatalog>,
}

impl Catalogs {
    pub(crate) fn new(book: BookSchema, functions: &[Arc<TableFunction>]) -> Self {
        let book = Arc::new(book);
        let described = Arc::new(Described { book: Arc::clone(&book) });
        let named = functions.iter().map(|f| (f.name().to_owned(), Arc::clone(f)));
        let inner = InformationSchemaProvider::new(described).with_table_functions(named.collect());
        let information = Arc::new(InformationSchema { inner, book: Arc::clone(&book) });
        Self { catalog: Arc::new(BookCatalog { book, information }) }
    }
}

impl CatalogProviderList for Catalogs {
    fn register_catalog(
        &self,
        _name: String,
        _catalog: Arc<dyn CatalogProvider>,
    ) -> Option<Arc<dyn CatalogProvider>> {
        None
    }

    fn catalog_names(&self) -> Vec<String> {
        vec![CATALOG.to_owned()]
    }

    fn catalog(&self, name: &str) -> Option<Arc<dyn CatalogProvider>> {
        (name == CATALOG).then(|| Arc::clone(&self.catalog) as Arc<dyn CatalogProvider>)
    }
}

/// What `information_schema` describes: the tables of the book, not itself.
#[derive(Debug)]
struct Described {
    book: Arc<BookSchema>,
}

impl CatalogProviderList for Described {
    fn register_catalog(
        &self,
        _name: String,
        _catalog: Arc<dyn CatalogProvider>,
    ) -> Option<Arc<dyn CatalogProvider>> {
        None
    }

    fn catalog_names(&self) -> Vec<String> {
        vec![CATALOG.to_owned()]
    }

    fn catalog(&self, name: &str) -> Option<Arc<dyn CatalogProvider>> {
        let catalog = DescribedCatalog { book: Arc::clone(&self.book) };
        (name == CATALOG).then(|| Arc::new(catalog) as Arc<dyn CatalogProvider>)
    }
}

#[derive(Debug)]
struct DescribedCatalog {
    book: Arc<BookSchema>,
}

impl CatalogProvider for DescribedCatalog {
    fn schema_names(&self) -> Vec<String> {
        vec![SCHEMA.to_owned()]
    }

    fn schema(&self, name: &str) -> Option<Arc<dyn SchemaProvider>> {
        (name == SCHEMA).then(|| Arc::clone(&self.book) as Arc<dyn SchemaProvider>)
    }
}

/// `information_schema` without the engine's settings.
#[derive(Debug)]
struct InformationSchema {
    inner: InformationSchemaProvider,
    book: Arc<BookSchema>,
}

/// What stands in `information_schema`.
const SHOWN: &[&str] = &["tables", "views", "columns", "schemata", "routines", "parameters"];

impl InformationSchema {
    /// Lists the tables of the book; the engine's own list would name the settings.
    async fn tables(&self) -> Result<Arc<dyn TableProvider>> {
        let names = self.book.table_names();
        let mut types = Vec::with_capacity(names.len());
        for name in &names {
            let base = self.book.table_type(name).await? == Some(TableType::Base);
            types.push(if base { "BASE TABLE" } else { "VIEW" });
        }
        let same = |text: &'static str| StringArray::from_iter_values(names.iter().map(|_| text));
        let columns: [(&str, ArrayRef); 4] = [
            ("table_catalog", Arc::new(same(CATALOG))),
            ("table_schema", Arc::new(same(SCHEMA))),
            ("table_name", Arc::new(StringArray::from_iter_values(&names))),
            ("table_type", Arc::new(StringArray::from_iter_values(types))),
        ];
        let field = |(name, _): &(&str, ArrayRef)| Field::new(*name, DataType::Utf8, false);
        let schema: SchemaRef =
            Arc::new(Schema::new(columns.iter().map(field).collect::<Vec<_>>()));
        let arrays = columns.into_iter().map(|(_, array)| array).collect();
        let batch = RecordBatch::try_new(Arc::clone(&schema), arrays)?;
        Ok(Arc::new(MemTable::try_new(schema, vec![vec![batch]])?))
    }
}

#[async_trait]
impl SchemaProvider for InformationSchema {
    fn table_names(&self) -> Vec<String> {
        SHOWN.iter().map(|&name| name.to_owned()).collect()
    }

    async fn table(&self, name: &str) -> Result<Option<Arc<dyn TableProvider>>> {
        match name {
            "tables" => self.tables().await.map(Some),
            _ if SHOWN.contains(&name) => self.inner.table(name).await,
            _ => Ok(None),
        }
    }

    fn table_exist(&self, name: &str) -> bool {
        SHOWN.contains(&name)
    }
}
