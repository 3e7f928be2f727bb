//! Blobs: evidence too large for an event, by digest (ledger-format 2).
//!
//! ```text
//! book/blobs/blake3/ab/abcdef...
//! ```

use std::fs;
use std::io;
use std::path::PathBuf;

use sha2::Digest as _;

use super::BookPaths;

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
}

#[cfg(test)]
mod tests {
    use std::path::Path;

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
