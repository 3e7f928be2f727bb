//! Projections, questions and SQL over a relbook ledger.

pub mod question;
pub mod release;
#[cfg(feature = "sql")]
pub mod sql;
pub mod table;
pub mod views;
