//! The command line, driven as a person or a CI job drives it: the binary, its output, its exit
//! codes (contract section 3).
//!
//! Goal: names, meanings and exit codes hold, and bad input is refused with a message that helps
//! and leaves nothing behind. Method: each test makes a book in a directory of its own and runs
//! the binary; what a book then holds is asked of the binary too.

mod append;
mod apply;
mod ask;
mod attest;
mod backup;
mod ci;
mod clock;
mod compare;
mod compat;
mod concurrent;
mod demo;
mod diff;
mod fault;
mod gate;
mod help;
mod hotfix;
mod import;
mod import_deploys;
mod import_git;
mod import_github;
mod ingest;
mod ingest_bad;
mod ingest_large;
mod ingest_release;
mod init;
mod inject;
mod interop;
mod key;
mod lists;
mod ndjson;
mod receipt;
mod refusal;
mod remark;
mod repository;
mod rollback;
mod rotate;
mod runbook;
mod scratch;
mod seal;
mod short;
mod slo_gate;
mod spool;
mod table;
mod verify;
mod webhook;
mod witness;
mod workflows;
