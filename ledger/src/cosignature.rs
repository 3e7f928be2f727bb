//! Cosignatures: a witness's statement that it saw a log grow to this checkpoint (C2SP
//! tlog-cosignature, `cosignature/v1`).
//!
//! A witness signs two lines and the text of the checkpoint:
//!
//! ```text
//! cosignature/v1
//! time <seconds since the epoch>
//! <origin>
//! <size>
//! <root, base64>
//! ```
//!
//! Its line in the note holds the time in eight bytes and the signature. A line under the name and
//! key of a witness that we know must verify; a bad one is an error even when others are good.

use crate::key::SigningKey;
use crate::note::{Note, NoteError, NoteSignature, check_name};
use crate::verifier_key::{SignatureKind, VerifierKey, key_hash};

/// The latest time that a cosignature may bear: 2^63 - 1 (C2SP).
const TIME_MAX: u64 = i64::MAX.cast_unsigned();

/// Says why a line is no cosignature of its witness.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CosignatureError {
    /// The line of a witness has another form.
    #[error("the line of the witness `{name}` is no cosignature: {detail}")]
    Form {
        /// The witness.
        name: String,
        /// What is wrong.
        detail: &'static str,
    },
    /// The signature does not verify: the checkpoint, the time or the line was changed.
    #[error("the cosignature of the witness `{name}` does not verify")]
    BadSignature {
        /// The witness.
        name: String,
    },
}

/// A cosignature that verifies.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cosigned {
    /// Who.
    pub witness: VerifierKey,
    /// When, by the witness's clock, in seconds since the epoch.
    pub time: u64,
}

/// Returns the bytes that a witness signs.
fn message(text: &str, time: u64) -> String {
    format!("cosignature/v1\ntime {time}\n{text}")
}

/// Cosigns the text of a checkpoint. Whether it may is for the caller to know: see `witness`.
///
/// # Errors
/// [`NoteError::Name`] when the name cannot stand in a signature line.
pub fn cosign(
    text: &str,
    name: &str,
    key: &SigningKey,
    time: u64,
) -> Result<NoteSignature, NoteError> {
    check_name(name)?;
    let time = time.min(TIME_MAX);
    let signature = key.sign(message(text, time).as_bytes());
    Ok(NoteSignature {
        name: name.to_owned(),
        key_hash: key_hash(name, SignatureKind::Cosignature, &key.public()),
        bytes: [time.to_be_bytes().as_slice(), &signature].concat(),
    })
}

/// Tells whether a line stands under the name and key of a witness.
pub fn is_by(line: &NoteSignature, witness: &VerifierKey) -> bool {
    witness.kind == SignatureKind::Cosignature
        && line.name == witness.name
        && line.key_hash == witness.hash()
}

/// Checks that a line is a cosignature of this witness over this text, and returns its time.
///
/// # Errors
/// [`CosignatureError`] when it is not.
pub fn check(
    text: &str,
    line: &NoteSignature,
    witness: &VerifierKey,
) -> Result<u64, CosignatureError> {
    let name = || witness.name.clone();
    let form = |detail| CosignatureError::Form { name: name(), detail };
    if !is_by(line, witness) {
        return Err(form("it is under another name or key"));
    }
    let Some((time, signature)) = line.bytes.split_first_chunk::<8>() else {
        return Err(form("it is too short"));
    };
    let signature = <&[u8; 64]>::try_from(signature)
        .map_err(|_| form("it must have 8 bytes of time and 64 of signature"))?;
    let time = u64::from_be_bytes(*time);
    if time > TIME_MAX {
        return Err(form("its time is beyond 2^63 - 1"));
    }
    witness
        .key
        .verify_strict(message(text, time).as_bytes(), signature)
        .map_err(|_| CosignatureError::BadSignature { name: name() })?;
    Ok(time)
}

/// Returns which of these witnesses cosigned a note, each key once, with its latest time.
///
/// # Errors
/// [`CosignatureError`] for the first line of one of them that does not verify.
pub fn cosigners(
    note: &Note,
    witnesses: &[VerifierKey],
) -> Result<Vec<Cosigned>, CosignatureError> {
    let mut found: Vec<Cosigned> = Vec::new();
    for line in &note.signatures {
        for witness in witnesses.iter().filter(|witness| is_by(line, witness)) {
            let time = check(&note.text, line, witness)?;
            match found.iter_mut().find(|found| found.witness.key == witness.key) {
                Some(found) => found.time = found.time.max(time),
                None => found.push(Cosigned { witness: witness.clone(), time }),
            }
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests;
