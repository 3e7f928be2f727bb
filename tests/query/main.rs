//! The suite of the query crate: generated histories against the core, the views and the tables.

mod compat;
mod replay;
