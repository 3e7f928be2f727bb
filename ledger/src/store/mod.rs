//! The book on disk: one SQLite database, one writer, any number of readers (ledger-format 5).
//!
//! ```text
//! book/ledger.db      entries, registry index, checkpoints, tiles of the tree
//! book/pin            the newest signed checkpoint, outside the database
//! book/writer.lock    held by the one writer; its text says who
//! book/keys/          the book's key, and the admin key that `init` made
//! book/blobs/         evidence by its digest
//! book/subjects/      the keys of sealed texts, by subject
//! ```
//!
//! The database is not trusted: whatever it says is provable from the entries, and [`verify()`]
//! proves it. Nothing here changes or deletes an entry.

mod append;
mod backup;
mod blob;
mod clock;
mod compare;
mod cosignature;
mod create;
mod durable;
mod ledger;
mod lock;
mod open_error;
mod pin;
mod refusal;
mod rotate;
mod schema;
mod sqlite;
mod subject;
mod tile;
mod verify;
mod witness;
mod writer;

pub use append::{AppendError, Appended};
pub use backup::{Backup, BackupError, BackupOptions, RestoreOptions, Restored, backup, restore};
pub use blob::BlobError;
pub use clock::{Clock, SystemClock};
pub use compare::{CompareError, Comparison, Fork, compare};
pub use cosignature::store_cosignatures;
pub use create::{Created, NewBook};
pub use ledger::{Ledger, ReadError, Record, Snapshot};
pub use open_error::OpenError;
pub use rotate::{RotateError, Rotated};
pub use schema::{APPLICATION_ID, FORMAT_VERSION};
pub use verify::{BlobReport, Report, VerifyFailure, VerifyOptions, Watch, verify, verify_watched};
pub use witness::{Witness, WitnessError, WitnessOpenError};
pub use writer::Writer;

use std::path::{Path, PathBuf};

/// Where the parts of a book lie.
#[derive(Debug, Clone)]
pub struct BookPaths {
    dir: PathBuf,
}

impl BookPaths {
    /// Names the parts of the book in a directory.
    pub fn new(dir: &Path) -> Self {
        Self { dir: dir.to_owned() }
    }

    /// Returns the directory.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// Returns the database.
    pub fn database(&self) -> PathBuf {
        self.dir.join("ledger.db")
    }

    /// Returns the pin: the newest signed checkpoint.
    pub fn pin(&self) -> PathBuf {
        self.dir.join("pin")
    }

    /// Returns the writer's lock.
    pub fn lock(&self) -> PathBuf {
        self.dir.join("writer.lock")
    }

    /// Returns the directory of the keys.
    pub fn keys(&self) -> PathBuf {
        self.dir.join("keys")
    }

    /// Returns the private key of `book` or `admin`; the public one ends in `.pub`.
    /// `book.next` is the key of a rotation that is not done yet.
    pub fn private_key(&self, name: &str) -> PathBuf {
        self.keys().join(format!("{name}.pem"))
    }

    /// Returns the public key of `book` or `admin`.
    pub fn public_key(&self, name: &str) -> PathBuf {
        self.keys().join(format!("{name}.pub"))
    }
}
