//! The suite of the query crate: told stories and generated histories against the core, the views
//! and the tables. What each module proves stands in tests/README.md.

#![allow(clippy::unwrap_used, reason = "a test that meets the unexpected should stop")]

mod approvals;
mod ask;
mod bindings;
mod bitemporal;
mod changes;
mod check;
mod classes;
mod compat;
mod debt;
mod dora;
mod drift;
mod duties;
mod emergency;
mod exceptions;
mod exposure;
mod gate;
mod hotfix;
mod inventory;
mod listing;
mod live;
mod model;
mod moment;
mod overlaps;
mod population;
mod provenance;
mod published;
mod releases;
mod replay;
mod rollback;
mod sod;
#[cfg(feature = "sql")]
mod sql;
mod train;
mod whereabouts;
