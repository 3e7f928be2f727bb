//! The keys of sealed texts: one file a subject, in the book's directory and outside the log.
//!
//! ```text
//! book/subjects/<BLAKE3 of the subject, 32 hex digits>.key     the key, 64 hex digits; 0600
//! ```
//!
//! Erasing is destroying the file: it is overwritten, synced and removed. What a file system or a
//! disk keeps of overwritten blocks, and what backups hold, is beyond that (SECURITY.md).

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::path::PathBuf;

use zeroize::Zeroizing;

use super::{BookPaths, durable};
use crate::seal::SubjectKey;

/// How many bytes a key file has: hex digits and a line feed.
const FILE_BYTES: usize = 65;

impl BookPaths {
    /// Returns the directory of the subjects' keys.
    pub fn subjects(&self) -> PathBuf {
        self.dir.join("subjects")
    }

    /// Returns where the key of a subject is kept.
    pub fn subject_key_file(&self, subject: &str) -> PathBuf {
        let name = blake3::hash(subject.as_bytes()).to_hex();
        self.subjects().join(format!("{}.key", &name[..32]))
    }

    /// Reads the key of a subject; none when there never was one or it was destroyed.
    ///
    /// # Errors
    /// When the file cannot be read or holds no key.
    pub fn subject_key(&self, subject: &str) -> io::Result<Option<SubjectKey>> {
        let file = match File::open(self.subject_key_file(subject)) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error),
        };
        let mut text = Zeroizing::new(String::with_capacity(FILE_BYTES + 1));
        file.take(FILE_BYTES as u64 + 1).read_to_string(&mut text)?;
        let mut bytes = Zeroizing::new([0; 32]);
        hex::decode_to_slice(text.trim_end(), bytes.as_mut_slice())
            .map_err(|_| io::Error::new(io::ErrorKind::InvalidData, "the file holds no key"))?;
        Ok(Some(SubjectKey::from_bytes(*bytes)))
    }

    /// Keeps the key of a subject durably; there must be none yet.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn keep_subject_key(&self, subject: &str, key: &SubjectKey) -> io::Result<()> {
        durable::create_secret_dir(&self.subjects())?;
        durable::sync_parent(&self.subjects())?;
        let text = Zeroizing::new(hex::encode(key.as_bytes()) + "\n");
        durable::create(&self.subject_key_file(subject), text.as_bytes(), true)
    }

    /// Destroys the key of a subject; tells whether there was one.
    ///
    /// # Errors
    /// When it cannot be destroyed.
    pub fn destroy_subject_key(&self, subject: &str) -> io::Result<bool> {
        let path = self.subject_key_file(subject);
        let mut file = match OpenOptions::new().write(true).open(&path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
            Err(error) => return Err(error),
        };
        let length = file.metadata()?.len().max(FILE_BYTES as u64);
        file.write_all(&vec![0; usize::try_from(length).unwrap_or(FILE_BYTES)])?;
        file.sync_all()?;
        drop(file);
        fs::remove_file(&path)?;
        durable::sync_parent(&path)?;
        Ok(true)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_subject_has_one_key_until_it_is_destroyed() {
        let dir = tempfile::tempdir().unwrap();
        let paths = BookPaths::new(dir.path());
        assert!(paths.subject_key("p_olga").unwrap().is_none());
        paths.keep_subject_key("p_olga", &SubjectKey::from_bytes([7; 32])).unwrap();
        assert_eq!(paths.subject_key("p_olga").unwrap().unwrap().as_bytes(), &[7; 32]);
        let again = paths.keep_subject_key("p_olga", &SubjectKey::from_bytes([8; 32]));
        assert_eq!(again.unwrap_err().kind(), io::ErrorKind::AlreadyExists);
        assert!(paths.subject_key("p_max").unwrap().is_none());
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            let mode = |path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
            assert_eq!(mode(paths.subject_key_file("p_olga")), 0o600);
            assert_eq!(mode(paths.subjects()), 0o700);
        }
        assert!(paths.destroy_subject_key("p_olga").unwrap());
        assert!(paths.subject_key("p_olga").unwrap().is_none());
        assert!(!paths.destroy_subject_key("p_olga").unwrap());
        assert_eq!(fs::read_dir(paths.subjects()).unwrap().count(), 0);
    }

    #[test]
    fn what_is_no_key_is_no_key() {
        let dir = tempfile::tempdir().unwrap();
        let paths = BookPaths::new(dir.path());
        fs::create_dir(paths.subjects()).unwrap();
        for text in ["", "ab", &"g".repeat(64), &"a".repeat(66), &"a".repeat(10_000)] {
            fs::write(paths.subject_key_file("p_olga"), text).unwrap();
            assert!(paths.subject_key("p_olga").is_err(), "{text:.10}");
        }
    }
}
