//! The suite of the query crate: told stories and generated histories against the core, the views
//! and the tables.

mod approvals;
mod ask;
mod bitemporal;
mod changes;
mod classes;
mod compat;
mod duties;
mod gate;
mod live;
mod provenance;
mod published;
mod releases;
mod replay;
