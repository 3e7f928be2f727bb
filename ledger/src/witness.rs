//! What a witness decides: the rules of C2SP tlog-witness `add-checkpoint`, without HTTP or disk.
//!
//! A log submits its new checkpoint with the size that the witness saw last and a consistency proof
//! from there. The witness signs only what extends what it saw; that is what makes a second history
//! impossible to show to two people who ask the same witness.
//!
//! ```text
//! old <size>
//! <hash, base64>            the consistency proof, at most 63 lines
//! ...
//!
//! <the signed checkpoint>
//! ```

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::checkpoint::Checkpoint;
use crate::limits::NOTE_BYTES_MAX;
use crate::note::Note;
use crate::tree::Hash;
use crate::tree::proof::check_consistency;
use crate::verifier_key::{SignatureKind, VerifierKey};

/// The most hashes of a consistency proof (C2SP).
const HASHES_MAX: usize = 63;

/// The most bytes of a submission: the proof, and a signed note.
pub const SUBMISSION_BYTES_MAX: usize = NOTE_BYTES_MAX + HASHES_MAX * 45 + 32;

/// Why a witness does not sign.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum WitnessRefusal {
    /// The body is no submission.
    #[error("not a submission: {detail}")]
    Malformed {
        /// What is wrong.
        detail: String,
    },
    /// No key of this log is known.
    #[error("the log `{origin}` is not one of this witness")]
    UnknownOrigin {
        /// The log.
        origin: String,
    },
    /// The checkpoint is not signed by a key of the log.
    #[error("the checkpoint is not signed by a known key of `{origin}`")]
    Unsigned {
        /// The log.
        origin: String,
    },
    /// The earlier size is beyond the checkpoint's.
    #[error("the old size {old} is beyond the checkpoint's, {size}")]
    OldSize {
        /// The earlier size.
        old: u64,
        /// The checkpoint's.
        size: u64,
    },
    /// The earlier size is not what the witness saw last.
    #[error("the witness saw {known} entries of this log last, not {old}")]
    Conflict {
        /// What it saw last.
        known: u64,
        /// The earlier size.
        old: u64,
    },
    /// The log signed another root of the same size: a fork.
    #[error("the witness saw another root of size {known}: the log was forked")]
    OtherRoot {
        /// What it saw last.
        known: u64,
    },
    /// The proof does not lead from what the witness saw to the checkpoint.
    #[error("the checkpoint does not extend the {known} entries that the witness saw: {detail}")]
    Inconsistent {
        /// What it saw last.
        known: u64,
        /// What is wrong with the proof.
        detail: String,
    },
}

impl WitnessRefusal {
    /// Returns the HTTP status of the refusal.
    pub fn status(&self) -> u16 {
        match self {
            Self::Malformed { .. } | Self::OldSize { .. } => 400,
            Self::Unsigned { .. } => 403,
            Self::UnknownOrigin { .. } => 404,
            Self::Conflict { .. } | Self::OtherRoot { .. } => 409,
            Self::Inconsistent { .. } => 422,
        }
    }

    /// Returns the size that a conflict tells the log.
    pub fn known_size(&self) -> Option<u64> {
        match self {
            Self::Conflict { known, .. } | Self::OtherRoot { known } => Some(*known),
            _ => None,
        }
    }
}

/// What a log submits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Submission {
    /// The size that the witness saw last.
    pub old_size: u64,
    /// The consistency proof from there.
    pub proof: Vec<Hash>,
    /// The signed checkpoint.
    pub note: Note,
    /// What it says.
    pub checkpoint: Checkpoint,
}

impl Submission {
    /// Reads a submission without believing it.
    ///
    /// # Errors
    /// [`WitnessRefusal::Malformed`] when the text is none.
    pub fn parse(body: &str) -> Result<Self, WitnessRefusal> {
        let malformed = |detail: &str| WitnessRefusal::Malformed { detail: detail.to_owned() };
        if body.len() > SUBMISSION_BYTES_MAX {
            return Err(malformed("it is too large"));
        }
        let (head, note) =
            body.split_once("\n\n").ok_or_else(|| malformed("there is no empty line"))?;
        let mut lines = head.split('\n');
        let old = lines.next().and_then(|line| line.strip_prefix("old "));
        let old = old.ok_or_else(|| malformed("it does not begin with `old SIZE`"))?;
        // Comparing with what would be written refuses signs, leading zeros and other spellings.
        let old_size = old.parse().ok().filter(|size: &u64| size.to_string() == old);
        let old_size = old_size.ok_or_else(|| malformed("the old size is not a plain number"))?;
        let hash = |line: &str| {
            let bytes = STANDARD.decode(line).ok();
            bytes.and_then(|bytes| Hash::try_from(bytes).ok())
        };
        let proof: Option<Vec<Hash>> = lines.take(HASHES_MAX + 1).map(hash).collect();
        let proof = proof.ok_or_else(|| malformed("a line of the proof is no hash"))?;
        if proof.len() > HASHES_MAX {
            return Err(malformed("the proof has too many hashes"));
        }
        let note = Note::parse(note).map_err(|error| malformed(&error.to_string()))?;
        let checkpoint =
            Checkpoint::parse(&note.text).map_err(|error| malformed(&error.to_string()))?;
        Ok(Self { old_size, proof, note, checkpoint })
    }

    /// Checks that the log signed the checkpoint; `keys` are those of all known logs.
    ///
    /// # Errors
    /// [`WitnessRefusal::UnknownOrigin`] or [`WitnessRefusal::Unsigned`].
    pub fn check_signed(&self, keys: &[VerifierKey]) -> Result<(), WitnessRefusal> {
        let origin = &self.checkpoint.origin;
        let of_log: Vec<&VerifierKey> = keys
            .iter()
            .filter(|key| key.name == *origin && key.kind == SignatureKind::Ed25519)
            .collect();
        if of_log.is_empty() {
            return Err(WitnessRefusal::UnknownOrigin { origin: origin.clone() });
        }
        let note = self.note.to_string();
        match of_log.iter().any(|key| Note::open(&note, &key.name, &key.key).is_ok()) {
            true => Ok(()),
            false => Err(WitnessRefusal::Unsigned { origin: origin.clone() }),
        }
    }

    /// Checks that the checkpoint extends what the witness saw last of this log, if anything.
    ///
    /// # Errors
    /// [`WitnessRefusal`] naming the first rule that is broken.
    pub fn check_extends(&self, seen: Option<&Checkpoint>) -> Result<(), WitnessRefusal> {
        let (size, root) = (self.checkpoint.size, &self.checkpoint.root);
        let old = self.old_size;
        if old > size {
            return Err(WitnessRefusal::OldSize { old, size });
        }
        let (known, known_root) = match seen {
            Some(seen) => (seen.size, seen.root),
            None => (0, crate::tree::empty_root()),
        };
        if known != old {
            return Err(WitnessRefusal::Conflict { known, old });
        }
        if known == size && known_root != *root {
            return Err(WitnessRefusal::OtherRoot { known });
        }
        check_consistency((known, &known_root), (size, root), &self.proof)
            .map_err(|error| WitnessRefusal::Inconsistent { known, detail: error.to_string() })
    }
}

impl std::fmt::Display for Submission {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        writeln!(f, "old {}", self.old_size)?;
        for hash in &self.proof {
            writeln!(f, "{}", STANDARD.encode(hash))?;
        }
        write!(f, "\n{}", self.note)
    }
}

#[cfg(test)]
mod tests;
