//! Sealing of personal text: what stands in the log proves it, and what opens it can be destroyed
//! (semantics B.5).
//!
//! ```text
//! commitment = "blake3:" hex(BLAKE3.keyed_hash(salt, canonical JSON of the text))
//! ciphertext = "relbook/seal/v1\n" nonce(24) XChaCha20-Poly1305(subject key, salt(32) text)
//!              with "relbook/seal/v1\n" subject "\n" field as additional data
//! ```
//!
//! The salt is fresh for every field, so that nobody can guess a short text from its commitment,
//! and it stands in the ciphertext only: whoever destroys the key of a subject destroys the salts
//! with it. The key itself is kept outside the log (`store::subject`). This module does no I/O.

use chacha20poly1305::aead::{Aead as _, Payload};
use chacha20poly1305::{KeyInit as _, XChaCha20Poly1305, XNonce};
use serde_json::{Value, json};
use zeroize::{Zeroize as _, Zeroizing};

use crate::event::{Sealed, is_subject};

/// The only way of sealing that is known.
pub const ALG: &str = "relbook-seal-v1";

const MAGIC: &[u8; 16] = b"relbook/seal/v1\n";
const NONCE_BYTES: usize = 24;
const SALT_BYTES: usize = 32;

/// Says why a text was not sealed or not opened.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SealError {
    /// The system gave no random numbers.
    #[error("the system gives no random numbers")]
    Randomness,
    /// The subject has a form that sealing does not take.
    #[error("`{0}` cannot be a subject: up to 128 letters, digits and any of `._@-`")]
    Subject(String),
    /// It was sealed in a way that is not known.
    #[error("it is sealed by `{0}`, which this version does not know")]
    Alg(String),
    /// The ciphertext is none, or another key or field was sealed.
    #[error("the ciphertext does not open with the subject's key: the key is another one")]
    Ciphertext,
    /// What was sealed is not what was committed to.
    #[error("the opened text is not the one that the commitment in the log is about")]
    Commitment,
}

/// The key of one subject.
#[derive(Clone)]
pub struct SubjectKey([u8; 32]);

impl Drop for SubjectKey {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

impl std::fmt::Debug for SubjectKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SubjectKey(..)")
    }
}

impl SubjectKey {
    /// Makes a key.
    ///
    /// # Errors
    /// [`SealError::Randomness`].
    pub fn generate() -> Result<Self, SealError> {
        let mut bytes = [0; 32];
        getrandom::fill(&mut bytes).map_err(|_| SealError::Randomness)?;
        Ok(Self(bytes))
    }

    /// Takes the bytes of a key.
    pub fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// Returns the bytes, to be kept in secret.
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

/// A text that was opened, with what proves it to a third party.
#[derive(Clone, PartialEq, Eq)]
pub struct Opened {
    /// The text.
    pub text: String,
    /// The salt: with it anybody can compute the commitment.
    pub salt: [u8; SALT_BYTES],
}

/// Seals a text; returns what stands in the log, and the ciphertext to keep as a blob.
///
/// # Errors
/// [`SealError::Subject`], [`SealError::Randomness`].
pub fn seal(
    key: &SubjectKey,
    subject: &str,
    field: &str,
    text: &str,
) -> Result<(Value, Vec<u8>), SealError> {
    if !is_subject(subject) {
        return Err(SealError::Subject(subject.to_owned()));
    }
    let mut random = Zeroizing::new([0; NONCE_BYTES + SALT_BYTES]);
    getrandom::fill(&mut *random).map_err(|_| SealError::Randomness)?;
    let (nonce, salt) = random.split_at(NONCE_BYTES);
    let mut message = Zeroizing::new(Vec::with_capacity(SALT_BYTES + text.len()));
    message.extend_from_slice(salt);
    message.extend_from_slice(text.as_bytes());
    let aad = additional(subject, field);
    let cipher =
        XChaCha20Poly1305::new(key.0.as_slice().try_into().map_err(|_| SealError::Ciphertext)?);
    let nonce_of = XNonce::try_from(nonce).map_err(|_| SealError::Ciphertext)?;
    let sealed = cipher
        .encrypt(&nonce_of, Payload { msg: &message, aad: &aad })
        .map_err(|_| SealError::Ciphertext)?;
    let ciphertext = [MAGIC.as_slice(), nonce, &sealed].concat();
    let mut salt_of = [0; SALT_BYTES];
    salt_of.copy_from_slice(salt);
    let value = json!({
        "alg": ALG,
        "commitment": commitment(&salt_of, text),
        "ciphertext_ref": format!("blake3:{}", blake3::hash(&ciphertext).to_hex()),
        "subject": subject,
    });
    salt_of.zeroize();
    Ok((value, ciphertext))
}

/// Opens a sealed text and proves that it is the one that was committed to.
///
/// # Errors
/// [`SealError::Ciphertext`] when the key does not open it, [`SealError::Commitment`] when it is
/// another text, [`SealError::Alg`].
pub fn open(
    key: &SubjectKey,
    field: &str,
    sealed: &Sealed,
    ciphertext: &[u8],
) -> Result<Opened, SealError> {
    if sealed.alg.as_str() != ALG {
        return Err(SealError::Alg(sealed.alg.to_string()));
    }
    let rest = ciphertext.strip_prefix(MAGIC.as_slice()).ok_or(SealError::Ciphertext)?;
    let (nonce, rest) = rest.split_at_checked(NONCE_BYTES).ok_or(SealError::Ciphertext)?;
    let nonce = XNonce::try_from(nonce).map_err(|_| SealError::Ciphertext)?;
    let cipher =
        XChaCha20Poly1305::new(key.0.as_slice().try_into().map_err(|_| SealError::Ciphertext)?);
    let aad = additional(&sealed.subject, field);
    let message = cipher
        .decrypt(&nonce, Payload { msg: rest, aad: &aad })
        .map_err(|_| SealError::Ciphertext)?;
    let message = Zeroizing::new(message);
    let (salt, text) = message.split_first_chunk().ok_or(SealError::Ciphertext)?;
    let text = std::str::from_utf8(text).map_err(|_| SealError::Ciphertext)?;
    if commitment(salt, text) != sealed.commitment.as_str() {
        return Err(SealError::Commitment);
    }
    Ok(Opened { text: text.to_owned(), salt: *salt })
}

/// Returns the commitment to a text, as it stands in the log.
pub fn commitment(salt: &[u8; SALT_BYTES], text: &str) -> String {
    // The canonical JSON (RFC 8785) of a text is what serde_json writes of it.
    let canonical = Zeroizing::new(Value::from(text).to_string());
    format!("blake3:{}", blake3::keyed_hash(salt, canonical.as_bytes()).to_hex())
}

fn additional(subject: &str, field: &str) -> Vec<u8> {
    // A subject has no line feed.
    [MAGIC.as_slice(), subject.as_bytes(), b"\n", field.as_bytes()].concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(n: u8) -> SubjectKey {
        SubjectKey::from_bytes([n; 32])
    }

    fn sealed(text: &str) -> (Sealed, Vec<u8>) {
        let (value, ciphertext) = seal(&key(1), "p_olga", "comment", text).unwrap();
        (serde_json::from_value(value).unwrap(), ciphertext)
    }

    #[test]
    fn what_was_sealed_is_opened_and_proven() {
        for text in ["looks good to me", "", "\u{7f}\n\"é\u{1f600}\\"] {
            let (seal, ciphertext) = sealed(text);
            let opened = open(&key(1), "comment", &seal, &ciphertext).unwrap();
            assert_eq!(opened.text, text);
            assert_eq!(commitment(&opened.salt, text), seal.commitment.as_str());
        }
    }

    #[test]
    fn equal_texts_have_nothing_in_common() {
        let (one, other) = (sealed("ok"), sealed("ok"));
        assert_ne!(one.0.commitment, other.0.commitment);
        assert_ne!(one.1, other.1);
    }

    #[test]
    fn another_key_field_or_subject_opens_nothing() {
        let (seal, ciphertext) = sealed("ok");
        let refused = |result: Result<Opened, SealError>| result.err();
        let wrong = Some(SealError::Ciphertext);
        assert_eq!(refused(open(&key(2), "comment", &seal, &ciphertext)), wrong);
        assert_eq!(refused(open(&key(1), "reason", &seal, &ciphertext)), wrong);
        for at in 0..ciphertext.len() {
            let mut changed = ciphertext.clone();
            changed[at] ^= 1;
            assert_eq!(refused(open(&key(1), "comment", &seal, &changed)), wrong);
            assert_eq!(refused(open(&key(1), "comment", &seal, &ciphertext[..at])), wrong);
        }
        let other = Sealed { commitment: sealed("ok").0.commitment, ..seal };
        let found = refused(open(&key(1), "comment", &other, &ciphertext));
        assert_eq!(found, Some(SealError::Commitment));
    }

    #[test]
    fn the_commitment_is_keyed_blake3_over_canonical_json() {
        let salt: [u8; 32] = std::array::from_fn(|i| u8::try_from(i).unwrap());
        let expected = blake3::keyed_hash(&salt, b"\"ok\"").to_hex().to_string();
        assert_eq!(commitment(&salt, "ok"), format!("blake3:{expected}"));
    }
}
