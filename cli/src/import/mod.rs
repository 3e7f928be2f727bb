//! Brings the history of other systems into a book: events that are backfilled, not invented.
//!
//! An importer reads and derives; it never appends. Its events carry ids that are made of what
//! they are about, so that a second import of the same history adds nothing.

pub mod deploys;
pub mod git;
pub mod github;
pub mod news;
