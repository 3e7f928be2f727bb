//! Reports that are too large to hold: read from a copy on disk, part by part (issue 5).
//!
//! A report is copied into an unnamed file while it is hashed, then checked once from end to end
//! with the same strictness as a small one. What is kept of it is a tree without its long lists
//! and long texts; these are remembered by their place, and a list is read again, one element at a
//! time, when a reader asks for it. So memory follows from what a reader keeps and not from the
//! size of the report.

mod lines;
mod scanner;
mod spool;
mod store;

pub(in crate::ingest) use store::Part;

pub(super) use lines::lines;
pub(super) use spool::{NoSpool, Spool, spool};
pub(super) use store::{Large, open};

/// Lists, objects and texts from this size on are not kept in a tree, in bytes.
const LONG: u64 = 64 << 10;

/// The most bytes of a report that one tree keeps.
const TREE_BYTES_MAX: u64 = 4 << 20;

/// The most bytes of a line in a file of lines.
const LINE_BYTES_MAX: u64 = 4 << 20;
