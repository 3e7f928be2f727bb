//! The command line of relbook.
pub mod import;
pub mod ingest;
