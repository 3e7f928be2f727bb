//! Projections, questions and SQL over a relbook ledger.

mod book;
pub mod check;
pub mod projection;
pub mod question;
pub mod release;
pub mod sbom;
#[cfg(feature = "sql")]
pub mod sql;
pub mod suspect;
pub mod table;
pub mod views;

pub use book::{Book, BookError};
