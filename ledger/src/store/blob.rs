//! Blobs: evidence too large for an event, by digest (ledger-format 2).
//!
//! ```text
//! book/blobs/blake3/ab/abcdef...
//! ```

use std::fs;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use sha2::Digest as _;

use super::{BookPaths, durable};

/// Says why a blob cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum BlobError {
    /// The text is no digest of the algorithms that blobs have.
    #[error("`{0}` is not the digest of a blob: blake3:HEX or sha256:HEX")]
    Name(String),
    /// Nothing is kept under the digest.
    #[error("the blob {0} is not in the book's directory")]
    Missing(String),
    /// What is kept has another digest.
    #[error("the blob {0} was changed: its bytes have another digest")]
    Changed(String),
    /// The file cannot be read.
    #[error("the blob {0} cannot be read: {1}")]
    Io(String, io::Error),
}

/// The algorithms that name blobs.
const ALGORITHMS: [&str; 2] = ["blake3", "sha256"];

impl BookPaths {
    /// Returns where the blob with a digest `<algorithm>:<lower-case hex>` lies; none for a text
    /// that is no such digest.
    pub fn blob(&self, digest: &str) -> Option<PathBuf> {
        let (algorithm, hex) = digest.split_once(':')?;
        let is_hex = hex.len() == 64 && hex.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
        let (start, _) = hex.split_at_checked(2)?;
        let known = is_hex && ALGORITHMS.contains(&algorithm);
        known.then(|| self.dir.join("blobs").join(algorithm).join(start).join(hex))
    }

    /// Reads a blob and compares it with its digest.
    ///
    /// # Errors
    /// [`BlobError`] when there is no such blob, or it is not what its name says.
    pub fn read_blob(&self, digest: &str) -> Result<Vec<u8>, BlobError> {
        let name = || digest.to_owned();
        let path = self.blob(digest).ok_or_else(|| BlobError::Name(name()))?;
        let bytes = fs::read(path).map_err(|error| match error.kind() {
            io::ErrorKind::NotFound => BlobError::Missing(name()),
            _ => BlobError::Io(name(), error),
        })?;
        let found = match digest.split_once(':') {
            Some(("blake3", _)) => blake3::hash(&bytes).to_hex().to_string(),
            _ => hex::encode(sha2::Sha256::digest(&bytes)),
        };
        match digest.ends_with(&found) {
            true => Ok(bytes),
            false => Err(BlobError::Changed(name())),
        }
    }

    /// Reads the blob with a digest piece by piece and tells whether it has it; none when there is
    /// no such blob.
    pub(super) fn blob_holds(&self, digest: &str) -> io::Result<Option<bool>> {
        let Some(path) = self.blob(digest) else { return Ok(None) };
        match Sums::of(&path) {
            Ok(sums) => Ok(Some(digest == sums.blake3 || digest == sums.sha256)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }
}

/// The digests of a file.
pub(super) struct Sums {
    pub(super) bytes: u64,
    pub(super) blake3: String,
    pub(super) sha256: String,
}

impl Sums {
    /// Reads a file piece by piece.
    pub(super) fn of(path: &Path) -> io::Result<Self> {
        Self::while_copying(durable::open_regular(path)?, &mut io::sink())
    }

    /// Sums up what is copied.
    pub(super) fn while_copying(mut from: impl Read, to: &mut impl Write) -> io::Result<Self> {
        let (mut blake3, mut sha256) = (blake3::Hasher::new(), sha2::Sha256::new());
        let (mut piece, mut bytes) = (vec![0; 1 << 16], 0);
        loop {
            let read = match from.read(&mut piece) {
                Ok(0) => break,
                Ok(read) => read,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(error),
            };
            let piece = piece.get(..read).unwrap_or_default();
            blake3.update(piece);
            sha256.update(piece);
            to.write_all(piece)?;
            bytes += read as u64;
        }
        Ok(Self {
            bytes,
            blake3: format!("blake3:{}", blake3.finalize().to_hex()),
            sha256: format!("sha256:{}", hex::encode(sha256.finalize())),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kept(bytes: &[u8], digest: &str) -> tempfile::TempDir {
        let dir = tempfile::tempdir().expect("a directory");
        let path = BookPaths::new(dir.path()).blob(digest).expect("a digest");
        fs::create_dir_all(path.parent().expect("a directory")).expect("room");
        fs::write(path, bytes).expect("room");
        dir
    }

    #[test]
    fn a_blob_is_what_its_name_says() {
        let blake = format!("blake3:{}", blake3::hash(b"evidence").to_hex());
        let sha = format!("sha256:{}", hex::encode(sha2::Sha256::digest(b"evidence")));
        for digest in [blake, sha] {
            let dir = kept(b"evidence", &digest);
            let paths = BookPaths::new(dir.path());
            assert_eq!(paths.read_blob(&digest).expect("the blob"), b"evidence");
            fs::write(paths.blob(&digest).expect("a digest"), b"evidencE").expect("room");
            assert!(matches!(paths.read_blob(&digest), Err(BlobError::Changed(_))));
            fs::remove_file(paths.blob(&digest).expect("a digest")).expect("it is there");
            assert!(matches!(paths.read_blob(&digest), Err(BlobError::Missing(_))));
        }
    }

    #[test]
    fn a_digest_cannot_lead_out_of_the_directory() {
        let paths = BookPaths::new(Path::new("book"));
        let upper = format!("sha256:{}", "A".repeat(64));
        let other = format!("../x:{}", "a".repeat(64));
        for digest in ["blake3:../../x", &other, "blake3:", "blake3", ":abcd", "sha256:ab", &upper]
        {
            assert_eq!(paths.blob(digest), None, "{digest}");
        }
    }
}
