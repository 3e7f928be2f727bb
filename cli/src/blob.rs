//! Evidence too large for an event: the exact bytes, kept in the book's directory by their digest.
//!
//! A blob is written before the event that names it is appended, so that no acknowledged event
//! names evidence that is not there. It is written once and never changed: its name says what is
//! in it.

use std::fs::{self, File};
use std::io::Read;
use std::path::{Path, PathBuf};

use relbook_ledger::store::BookPaths;

use crate::error::Error;

/// Blobs written for a batch; taken back when the batch is not appended.
#[derive(Debug, Default)]
pub struct Blobs {
    written: Vec<PathBuf>,
}

impl Blobs {
    /// Keeps bytes under their digest, `<algorithm>:<hex>`; does nothing when they are there.
    ///
    /// # Errors
    /// [`Error::NotDone`] when they cannot be written.
    pub fn keep(&mut self, book: &Path, digest: &str, bytes: &[u8]) -> Result<(), Error> {
        self.copy(book, digest, bytes)
    }

    /// Keeps what a reader gives under its digest; does nothing when it is there.
    ///
    /// # Errors
    /// [`Error::NotDone`] when it cannot be read or written.
    pub fn copy(&mut self, book: &Path, digest: &str, mut from: impl Read) -> Result<(), Error> {
        let path = BookPaths::new(book)
            .blob(digest)
            .ok_or_else(|| Error::Bug(format!("`{digest}` is not the digest of a blob")))?;
        if path.is_file() {
            return Ok(());
        }
        let dir = path.parent().unwrap_or(book);
        let failed = |error: std::io::Error| Error::file(&path, "write", &error);
        fs::create_dir_all(dir).map_err(failed)?;
        let mut file = tempfile::NamedTempFile::new_in(dir).map_err(failed)?;
        std::io::copy(&mut from, &mut file)
            .and_then(|_| file.as_file().sync_all())
            .map_err(failed)?;
        file.persist(&path).map_err(|error| failed(error.error))?;
        // The name must be durable before an event refers to it.
        File::open(dir).and_then(|dir| dir.sync_all()).map_err(failed)?;
        self.written.push(path);
        Ok(())
    }

    /// Removes what [`Blobs::keep`] wrote: nothing refers to it.
    pub fn take_back(self) {
        for path in self.written {
            drop(fs::remove_file(path));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_blob_is_kept_once_and_taken_back_by_who_wrote_it() {
        let dir = tempfile::tempdir().expect("a directory");
        let digest = format!("blake3:{}", "ab".repeat(32));
        let kept = BookPaths::new(dir.path()).blob(&digest).expect("a digest");
        let mut blobs = Blobs::default();
        blobs.keep(dir.path(), &digest, b"evidence").expect("room for a blob");
        assert_eq!(fs::read(&kept).expect("the blob"), b"evidence");
        let mut others = Blobs::default();
        others.keep(dir.path(), &digest, b"evidence").expect("it is there");
        others.take_back();
        assert!(kept.exists(), "only its writer takes it back");
        blobs.take_back();
        assert!(!kept.exists());
    }
}
