//! The suite of the query crate: told stories and generated histories against the core, the views
//! and the tables.

mod ask;
mod live;
mod published;
mod replay;
