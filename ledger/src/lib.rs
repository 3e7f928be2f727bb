//! A signed, hash-chained, append-only ledger of release events.

pub mod admission;
pub mod chain;
pub mod checkpoint;
pub mod entry;
pub mod envelope;
pub mod event;
mod intake;
pub mod json;
pub mod key;
pub mod keyring;
pub mod limits;
pub mod note;
mod parallel;
pub mod policy;
pub mod registry;
pub mod statement;
#[cfg(feature = "store")]
pub mod store;
pub mod time;
pub mod tree;
pub mod verify;
pub mod version;
