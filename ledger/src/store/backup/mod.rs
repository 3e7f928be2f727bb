//! Backups: a copy of a book at one of its commits, which can be verified wherever it lies.
//!
//! ```text
//! manifest.json        what there is, with digests; written last
//! ledger.db            the database as it was at one commit
//! pin                  the checkpoint of that commit
//! keys/*.pub           public keys; private ones only when asked for
//! blobs/               evidence by its digest
//! subjects/            the keys of sealed texts, only when asked for
//! ```
//!
//! A backup is a directory of these files, or one tar file of them. It appears whole or not at
//! all, and so does what is restored from it. Neither is trusted: both verify the book before they
//! put it in place. Caches (`views.db`, `segments/`) are left out: they come back by replay.

mod archive;
mod restore;
mod save;

pub use restore::{RestoreOptions, Restored, restore};
pub use save::{BackupOptions, backup};

use std::io;
use std::path::{Component, Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::ledger::ReadError;
use super::open_error::OpenError;
use super::verify::VerifyFailure;
use crate::json;

/// The name of the list of files.
const MANIFEST: &str = "manifest.json";

/// What the list of files says it is.
const FORMAT: &str = "relbook-backup-v1";

/// The most bytes of a list of files that are read: room for more than a million blobs.
const MANIFEST_BYTES_MAX: u64 = 1 << 30;

/// What a backup says it holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Backup {
    format: String,
    /// The name of the book.
    pub origin: String,
    /// The book's public key, in hex.
    pub book_key: String,
    /// The number of events.
    pub size: u64,
    /// The root over them, in base64.
    pub root: String,
    /// The book's signed checkpoint over them.
    pub checkpoint: String,
    /// When it was made, by the clock of the machine.
    pub made_at: String,
    /// Whether it holds private keys.
    pub private_keys: bool,
    /// Whether it holds the keys of sealed texts.
    pub subject_keys: bool,
    /// The files.
    pub files: Vec<BackupFile>,
}

/// One file of a backup.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BackupFile {
    /// Where it lies in the book.
    pub path: String,
    /// How long it is.
    pub bytes: u64,
    /// Its BLAKE3, as `blake3:HEX`.
    pub blake3: String,
    /// Its SHA-256, as `sha256:HEX`.
    pub sha256: String,
}

impl Backup {
    /// Returns how many blobs it holds.
    pub fn blobs(&self) -> usize {
        self.files.iter().filter(|file| file.path.starts_with("blobs/")).count()
    }

    /// Returns how many bytes its files have.
    pub fn bytes(&self) -> u64 {
        self.files.iter().map(|file| file.bytes).sum()
    }

    fn parse(path: &Path, bytes: &[u8]) -> Result<Self, BackupError> {
        let wrong = |detail: String| BackupError::NotABackup { path: path.to_owned(), detail };
        let value = json::parse(bytes).map_err(|error| wrong(error.to_string()))?;
        let backup: Self =
            serde_json::from_value(value).map_err(|error| wrong(error.to_string()))?;
        if backup.format != FORMAT {
            return Err(wrong(format!("its format is `{}`, not {FORMAT}", backup.format)));
        }
        if let Some(file) = backup.files.iter().find(|file| !is_part(&file.path)) {
            return Err(wrong(format!("`{}` is no part of a book", file.path)));
        }
        Ok(backup)
    }
}

/// Tells whether a path names a file that a backup may hold; none leads out of it.
fn is_part(path: &str) -> bool {
    let parts: Option<Vec<&str>> = Path::new(path)
        .components()
        .map(|part| match part {
            Component::Normal(name) => name.to_str(),
            _ => None,
        })
        .collect();
    let Some(parts) = parts else { return false };
    parts.join("/") == path
        && match parts.as_slice() {
            ["ledger.db" | "pin"] => true,
            ["keys", name] => !name.is_empty(),
            ["subjects", name] => name.ends_with(".key"),
            ["blobs", "blake3" | "sha256", start, name] => {
                name.len() == 64 && name.starts_with(start) && start.len() == 2
            }
            _ => false,
        }
}

/// Says why a book was not backed up or not restored; nothing was put in place then.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BackupError {
    /// Something is there already.
    #[error("{} exists already; nothing is overwritten: name another place, or move it away", path.display())]
    Exists {
        /// What is there.
        path: PathBuf,
    },
    /// A file in the place to restore to is not the one of the backup.
    #[error("{} is in the way: it is not the one of the backup; move it away first", path.display())]
    InTheWay {
        /// The file.
        path: PathBuf,
    },
    /// There is no backup.
    #[error("{} is no backup of a book: {detail}", path.display())]
    NotABackup {
        /// What was looked at.
        path: PathBuf,
        /// Why.
        detail: String,
    },
    /// A file of the backup is not the one that was saved.
    #[error("{} of the backup was changed or is missing: {detail}", path.display())]
    Changed {
        /// The file.
        path: PathBuf,
        /// How.
        detail: String,
    },
    /// The backup is older than what was acknowledged in the place to restore to.
    #[error(
        "the backup is stale: it holds {size} events, but {pin_size} were acknowledged here, says \
         {}; restore a newer backup, or, when the events after seq {} are lost for good, move the \
         pin away: every checkpoint and receipt that somebody kept will show the loss",
        pin.display(), size - 1
    )]
    Stale {
        /// The pin.
        pin: PathBuf,
        /// The number of events in the backup.
        size: u64,
        /// The number of events under the pin.
        pin_size: u64,
    },
    /// The book does not verify, or could not be verified.
    #[error(transparent)]
    Verify(#[from] VerifyFailure),
    /// There is no book.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// The book cannot be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// The database cannot be copied.
    #[error("the database cannot be copied: {0}")]
    Copy(rusqlite::Error),
    /// A file cannot be read or written.
    #[error("{}: {source}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}

impl BackupError {
    fn io(path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::Io { path, source }
    }
}

/// Returns the directory in which a file or directory lies.
fn parent(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    }
}

/// Makes a directory beside `path` in which its successor is made; dropped, it is removed.
fn workshop(path: &Path) -> Result<tempfile::TempDir, BackupError> {
    let parent = parent(path);
    std::fs::create_dir_all(parent).map_err(BackupError::io(parent))?;
    tempfile::Builder::new().prefix(".relbook-").tempdir_in(parent).map_err(BackupError::io(parent))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_path_leads_out_of_a_backup() {
        let hex = "a".repeat(64);
        for good in ["ledger.db", "pin", "keys/book.pub", "subjects/ab.key"] {
            assert!(is_part(good), "{good}");
        }
        assert!(is_part(&format!("blobs/blake3/aa/{hex}")));
        for bad in [
            "",
            ".",
            "..",
            "/pin",
            "../pin",
            "keys/../pin",
            "keys//book.pub",
            "keys/a/b",
            "./pin",
            "views.db",
            "writer.lock",
            "manifest.json",
            "blobs/md5/aa/b",
            "pin/",
        ] {
            assert!(!is_part(bad), "{bad}");
        }
        assert!(!is_part(&format!("blobs/blake3/bb/{hex}")));
    }
}
