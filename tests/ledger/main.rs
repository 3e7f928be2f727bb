//! The ledger through its public interface, on real books in scratch directories.
//!
//! Goal: whatever the store promises holds across handles, processes and attacks on the file.
//! Method: one module per subject; each test makes its own small book; attackers work on the
//! database with plain SQL and recompute everything that needs no key.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails where it stands")]

mod ambiguity;
mod append;
mod attack;
mod backup;
mod bitflip;
mod blob;
mod clock;
mod compare;
mod corpus;
mod crash;
mod go;
mod golden;
mod keys;
mod open;
mod peers;
mod power;
mod proof;
mod refusal;
#[path = "../support/src/report.rs"]
#[allow(unreachable_pub, reason = "the file is also a module of the kit")]
mod report;
mod rotate;
mod schemas;
mod scratch;
mod semantic;
mod tamper;
mod vectors;
mod verify;
mod witness;
