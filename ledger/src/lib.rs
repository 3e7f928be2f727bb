//! A signed, hash-chained, append-only ledger of release events.
//!
//! A **book** is one ledger: a directory with a database, a pin and keys. Authors (CI jobs,
//! approvers, admins) sign events with their own keys ([`statement`], [`envelope`]); the book gives
//! each a place, links it into a BLAKE3 chain ([`chain`]) and an RFC 6962 tree ([`tree`]), and
//! signs a checkpoint per commit ([`checkpoint`]). One author's signature and one checkpoint answer
//! what an auditor asks: who said it, and was it there, in this order, unaltered.
//!
//! The modules come in two layers. Everything but [`store`] is functions over bytes, without I/O,
//! clock or database, so that a format can be read and a proof checked anywhere. [`store`] keeps a
//! book on disk: [`store::Ledger`] reads it, [`store::Writer`] appends to it, and
//! [`store::verify()`] proves it. What may enter is decided in one place, which appending and
//! verifying share: [`admission`] for the event, [`keyring`] for its author.
//!
//! ```
//! use relbook_ledger::key::SigningKey;
//! use relbook_ledger::statement;
//! use relbook_ledger::store::{self, Ledger, NewBook, VerifyOptions, Writer};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let scratch = tempfile::tempdir()?;
//! let dir = scratch.path().join("book");
//! let origin = "relbook.example/orion".to_owned();
//! Ledger::create(&dir, NewBook { origin: origin.clone(), simulated_clock: false })?;
//!
//! // An author signs an event; here the admin, whose key `create` made.
//! let pem = std::fs::read_to_string(dir.join("keys/admin.pem"))?;
//! let admin = SigningKey::from_pem(&pem)?;
//! let event = serde_json::json!({
//!     "id": "019b76da-a800-7001-afb4-e10c8c61f108",
//!     "kind": "component.registered",
//!     "ledger": origin,
//!     "occurred_at": "2026-01-01T00:00:00Z",
//!     "component": "orion-api",
//!     "scheme": "semver",
//!     "release_model": "deployed",
//! });
//! let signed = statement::sign(event.as_object().expect("an object"), &admin)?;
//!
//! // The book gives it a place; once `append` returns, it is durable.
//! let mut writer = Writer::open(&dir)?;
//! let receipts = writer.append(&[signed.clone()])?;
//! assert_eq!((receipts[0].seq, receipts[0].checkpoint.size), (2, 3));
//! // Sending it again is free.
//! assert!(writer.append(&[signed])?[0].duplicate);
//! drop(writer);
//!
//! let ledger = Ledger::open(&dir)?;
//! let record = ledger.record(2)?.expect("it was appended");
//! assert_eq!((record.principal.as_str(), record.event.component()), ("admin", "orion-api"));
//!
//! let report = store::verify(&dir, &VerifyOptions::default(), &|_done, _total| ())?;
//! assert_eq!((report.events, report.truncation_checked), (3, true));
//! # Ok(())
//! # }
//! ```

pub mod admission;
pub mod chain;
pub mod checkpoint;
pub mod cosignature;
pub mod entry;
pub mod envelope;
pub mod event;
mod intake;
pub mod json;
pub mod key;
pub mod keyring;
pub mod limits;
pub mod ndjson;
pub mod note;
mod parallel;
pub mod policy;
pub mod receipt;
pub mod registry;
pub mod rotation;
pub mod seal;
pub mod statement;
#[cfg(feature = "store")]
pub mod store;
pub mod time;
pub mod tree;
pub mod verifier_key;
pub mod verify;
pub mod version;
pub mod witness;
