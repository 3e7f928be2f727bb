//! The part of the verifier that is about witnesses: are their lines theirs, and are there enough?
//!
//! A line of a witness that the book's policy ever named, or that the caller names, must verify.
//! Lines of strangers are counted and prove nothing. How many are demanded is the policy's word at
//! the head of the log, or the caller's.

use super::{Verifier, VerifyError};
use crate::cosignature::{self, Cosigned};
use crate::note::{Note, NoteSignature};
use crate::verifier_key::{SignatureKind, VerifierKey};

/// What witnesses vouch for.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Witnessed {
    /// How many witnesses count: those of the policy in force, or those that the caller named.
    pub witnesses: u32,
    /// How many of them must have cosigned the newest checkpoint; 0 demands none.
    pub quorum: u32,
    /// Those that cosigned the newest checkpoint.
    pub newest: Vec<Cosigned>,
    /// The size of the newest checkpoint that the quorum (or, where none is demanded, one of them)
    /// cosigned.
    pub size: Option<u64>,
    /// How many stored lines of known witnesses were checked.
    pub checked: u64,
    /// How many stored lines are of keys that nobody named.
    pub unknown: u64,
}

impl Witnessed {
    /// Tells whether as many cosigned the newest checkpoint as the quorum demands.
    pub fn holds(&self) -> bool {
        self.newest.len() >= self.quorum as usize
    }
}

impl Verifier {
    /// Remembers the witnesses that the policy in force names.
    pub(super) fn note_witnesses(&mut self) {
        for witness in self.registry.policy().witness_keys() {
            if !self.witnesses.contains(&witness) {
                self.witnesses.push(witness);
            }
        }
    }

    /// Tells whether a line says that a key of the book itself made it.
    fn is_books(&self, line: &NoteSignature) -> bool {
        let (Some(book), Some(keys)) = (&self.book, self.book_keys()) else { return false };
        let all = keys.rotations().iter().map(|rotation| rotation.key).chain([keys.first()]);
        line.name == book.origin && {
            let mut own = all.map(|key| VerifierKey {
                name: book.origin.clone(),
                kind: SignatureKind::Ed25519,
                key,
            });
            own.any(|own| own.hash() == line.key_hash)
        }
    }

    /// Checks the stored lines of witnesses, given those and the stored checkpoints in the order
    /// of their sizes. `named` are witnesses that the caller knows, with the quorum that it wants;
    /// without any the policy at the head of the log counts.
    ///
    /// # Errors
    /// [`VerifyError::Cosignature`] for the first line that is not what it says.
    pub fn check_cosignatures(
        &self,
        stored: &[(u64, String)],
        lines: &[(u64, String)],
        named: &[VerifierKey],
        quorum: Option<u32>,
    ) -> Result<Witnessed, VerifyError> {
        let policy = self.registry.policy();
        let counted = if named.is_empty() { policy.witness_keys() } else { named.to_vec() };
        let mut known = self.witnesses.clone();
        known.extend(named.iter().filter(|key| !self.witnesses.contains(key)).cloned());
        let quorum = match quorum {
            Some(quorum) => quorum,
            None if named.is_empty() => policy.witness_quorum,
            None => u32::try_from(named.len()).unwrap_or(u32::MAX),
        };
        let witnesses = u32::try_from(counted.len()).unwrap_or(u32::MAX);
        let mut found = Witnessed { witnesses, quorum, ..Witnessed::default() };
        for lines in lines.chunk_by(|one, other| one.0 == other.0) {
            let Some(size) = lines.first().map(|(size, _)| *size) else { continue };
            let wrong = |detail: String| VerifyError::Cosignature { size, detail };
            let place = stored.binary_search_by_key(&size, |(size, _)| *size);
            let stored = place.ok().and_then(|place| stored.get(place));
            let (_, note) =
                stored.ok_or_else(|| wrong("there is no checkpoint of this size".to_owned()))?;
            let mut note = Note::parse(note).map_err(|error| wrong(error.to_string()))?;
            note.signatures = lines
                .iter()
                .map(|(_, line)| NoteSignature::parse(line))
                .collect::<Result<_, _>>()
                .map_err(|error| wrong(error.to_string()))?;
            if note.signatures.iter().any(|line| self.is_books(line)) {
                return Err(wrong("a line in the book's own name is among them".to_owned()));
            }
            cosignature::cosigners(&note, &known).map_err(|error| wrong(error.to_string()))?;
            let is_known = |line: &&NoteSignature| {
                known.iter().any(|witness| cosignature::is_by(line, witness))
            };
            let checked = note.signatures.iter().filter(is_known).count() as u64;
            found.checked += checked;
            found.unknown += note.signatures.len() as u64 - checked;
            let by = cosignature::cosigners(&note, &counted)
                .map_err(|error| wrong(error.to_string()))?;
            if by.len() >= quorum.max(1) as usize {
                found.size = Some(size);
            }
            if size == self.size() {
                found.newest = by;
            }
        }
        Ok(found)
    }
}
