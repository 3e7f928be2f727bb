//! The memory of a witness on disk, and its signature after it.
//!
//! Per log one file holds the newest checkpoint that was seen. It is written, synced, renamed and
//! its directory synced *before* the cosignature is made, so that no crash can make a witness sign
//! twice from one state. One process holds the directory; within it one submission is judged,
//! recorded and signed at a time. After an error of the disk the witness signs nothing more until
//! it is started again: what the disk then holds is unknown.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use sha2::{Digest, Sha256};

use super::durable;
use super::lock::WriterLock;
use super::open_error::OpenError;
use crate::checkpoint::Checkpoint;
use crate::cosignature::cosign;
use crate::key::SigningKey;
use crate::note::{Note, NoteError, check_name};
use crate::time::Time;
use crate::verifier_key::{SignatureKind, VerifierKey};
use crate::witness::{Submission, WitnessRefusal};

/// How the files of the state end.
const EXTENSION: &str = "checkpoint";

/// Says why a witness cannot start.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum WitnessOpenError {
    /// The name cannot stand in a signature line.
    #[error(transparent)]
    Name(#[from] NoteError),
    /// Another process has the state.
    #[error("another witness uses this state ({holder})")]
    Locked {
        /// Who, as far as known.
        holder: String,
    },
    /// A file of the state cannot be read as one: signing without it could sign a second history.
    #[error(
        "the state {} cannot be read ({detail}); restore it, never delete it: without it this \
         witness could sign a second history",
        path.display()
    )]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        detail: String,
    },
    /// A file cannot be read or written.
    #[error("{}: {source}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}

/// Says why a submission was not cosigned.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum WitnessError {
    /// It breaks a rule.
    #[error(transparent)]
    Refused(#[from] WitnessRefusal),
    /// The state could not be recorded, so nothing was signed.
    #[error(
        "the state could not be recorded: {source}; nothing was signed, start the witness anew"
    )]
    Io {
        /// Why.
        source: io::Error,
    },
    /// An earlier submission could not be recorded.
    #[error("an earlier submission could not be recorded; start the witness anew")]
    Stopped,
}

/// A witness with its state.
#[derive(Debug)]
pub struct Witness {
    dir: PathBuf,
    name: String,
    key: SigningKey,
    logs: Vec<VerifierKey>,
    /// What was seen last, per log; `None` after an error of the disk.
    seen: Mutex<Option<BTreeMap<String, Checkpoint>>>,
    _lock: WriterLock,
}

impl Witness {
    /// Opens the state in a directory, which is made when there is none.
    ///
    /// # Errors
    /// [`WitnessOpenError`] when another process has it or it cannot be read.
    pub fn open(
        dir: &Path,
        name: &str,
        key: SigningKey,
        logs: Vec<VerifierKey>,
    ) -> Result<Self, WitnessOpenError> {
        check_name(name)?;
        let failed = |path: &Path| {
            let path = path.to_owned();
            move |source| WitnessOpenError::Io { path, source }
        };
        std::fs::create_dir_all(dir).map_err(failed(dir))?;
        let lock = WriterLock::acquire(&dir.join("lock")).map_err(|error| match error {
            OpenError::Locked { holder } => WitnessOpenError::Locked { holder },
            OpenError::Io { path, source } => WitnessOpenError::Io { path, source },
            other => failed(dir)(io::Error::other(other.to_string())),
        })?;
        let mut seen = BTreeMap::new();
        for entry in std::fs::read_dir(dir).map_err(failed(dir))? {
            let path = entry.map_err(failed(dir))?.path();
            if path.extension().is_none_or(|extension| extension != EXTENSION) {
                continue;
            }
            let text = std::fs::read_to_string(&path).map_err(failed(&path))?;
            let damaged = |detail| WitnessOpenError::Damaged { path: path.clone(), detail };
            let note = Note::parse(&text).map_err(|error| damaged(error.to_string()))?;
            let checkpoint =
                Checkpoint::parse(&note.text).map_err(|error| damaged(error.to_string()))?;
            if path.file_name() != state_path(dir, &checkpoint.origin).file_name() {
                return Err(damaged("it is of another log than its name says".to_owned()));
            }
            seen.insert(checkpoint.origin.clone(), checkpoint);
        }
        let seen = Mutex::new(Some(seen));
        Ok(Self { dir: dir.to_owned(), name: name.to_owned(), key, logs, seen, _lock: lock })
    }

    /// Returns the key that checks this witness's cosignatures.
    pub fn verifier_key(&self) -> VerifierKey {
        let key = self.key.public();
        VerifierKey { name: self.name.clone(), kind: SignatureKind::Cosignature, key }
    }

    /// Returns what was seen last of each log.
    pub fn seen(&self) -> Vec<Checkpoint> {
        let seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        seen.iter().flatten().map(|(_, checkpoint)| checkpoint.clone()).collect()
    }

    /// Judges a submission, records it durably, then cosigns it; returns the signature line.
    ///
    /// # Errors
    /// [`WitnessError`]; nothing was signed then.
    pub fn add_checkpoint(&self, body: &[u8], now: Time) -> Result<String, WitnessError> {
        let text = std::str::from_utf8(body)
            .map_err(|_| WitnessRefusal::Malformed { detail: "it is not UTF-8".to_owned() })?;
        let submission = Submission::parse(text)?;
        submission.check_signed(&self.logs)?;
        let mut state = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(seen) = state.as_mut() else { return Err(WitnessError::Stopped) };
        let checkpoint = &submission.checkpoint;
        let before = seen.get(&checkpoint.origin);
        submission.check_extends(before)?;
        if before != Some(checkpoint) {
            let path = state_path(&self.dir, &checkpoint.origin);
            if let Err(source) = durable::replace(&path, submission.note.to_string().as_bytes()) {
                *state = None;
                return Err(WitnessError::Io { source });
            }
            seen.insert(checkpoint.origin.clone(), checkpoint.clone());
        }
        let time = u64::try_from(now.micros() / 1_000_000).unwrap_or(0);
        let line = cosign(&submission.note.text, &self.name, &self.key, time)
            .map_err(|error| WitnessRefusal::Malformed { detail: error.to_string() })?;
        Ok(format!("{line}\n"))
    }
}

/// Returns the file of a log: its origin may hold characters that no file name can.
fn state_path(dir: &Path, origin: &str) -> PathBuf {
    let name = hex::encode(&Sha256::digest(origin)[..16]);
    dir.join(format!("{name}.{EXTENSION}"))
}
