//! SQL over a book: DataFusion bound to the log tables and to the projections of the core.
//!
//! The log tables (`catalog`) show events as they were signed; the projections show what the core
//! makes of them. Both stand under the lens of the [`Session`]. Everything here reads: no SQLite,
//! no signature, no rule about releases. Names of tables and columns are a public interface
//! (contract section 4); `schemas/sql/tables.json` lists them.

mod book;
mod build;
mod catalog;
mod column;
mod derived;
mod dialect;
mod error;
mod extract;
mod function;
pub mod listing;
mod log;
mod log_table;
mod logs;
mod narrow;
mod output;
mod projections;
mod rows;
mod schema;
mod segment;
mod session;
mod span;
mod statement;
mod tail;

pub use book::SharedBook;
pub use build::answer_batch;
pub use error::SqlError;
pub use log::{LogError, LogSource, StoredCheckpoint};
pub use logs::Progress;
pub use projections::{NoProjections, Projections};
pub(crate) use segment::check_segments;
pub use session::{Limits, QueryResult, Session};
