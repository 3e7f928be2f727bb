//! Verifier keys: how note tools write who signs, `name+hash+base64` (C2SP signed-note).
//!
//! The name and the kind of signature are part of a key's identity: one Ed25519 key that signs
//! checkpoints of a book and the same key as a witness are two verifier keys.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest, Sha256};

use crate::key::{KeyError, PublicKey};
use crate::note::check_name;

/// What a key signs in a note.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum SignatureKind {
    /// The text itself, plain Ed25519: a book's signature under its checkpoints.
    Ed25519,
    /// A time and the text: a witness's `cosignature/v1`.
    Cosignature,
}

impl SignatureKind {
    /// Returns the byte that names the kind.
    pub fn byte(self) -> u8 {
        match self {
            Self::Ed25519 => 0x01,
            Self::Cosignature => 0x04,
        }
    }
}

/// Says why a text is no verifier key.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum VerifierKeyError {
    /// The text has another form.
    #[error("not a verifier key `name+hash+base64`: {detail}")]
    Form {
        /// What is wrong.
        detail: &'static str,
    },
    /// The key in it cannot be used.
    #[error("a verifier key with an unusable key: {0}")]
    Key(#[from] KeyError),
}

/// A name, what it signs, and its key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VerifierKey {
    /// Who signs.
    pub name: String,
    /// What it signs.
    pub kind: SignatureKind,
    /// The key.
    pub key: PublicKey,
}

impl VerifierKey {
    /// Reads `name+hash+base64`; accepts only what `Display` writes.
    ///
    /// # Errors
    /// [`VerifierKeyError`] when the text is anything else.
    pub fn parse(text: &str) -> Result<Self, VerifierKeyError> {
        let form = |detail| VerifierKeyError::Form { detail };
        let mut parts = text.splitn(3, '+');
        let (Some(name), Some(hash), Some(base64)) = (parts.next(), parts.next(), parts.next())
        else {
            return Err(form("it must have three parts with `+` between them"));
        };
        check_name(name).map_err(|_| form("the name is empty or holds white space"))?;
        let bytes = STANDARD.decode(base64).map_err(|_| form("the key is not base64"))?;
        let kind = match bytes.first() {
            Some(0x01) => SignatureKind::Ed25519,
            Some(0x04) => SignatureKind::Cosignature,
            _ => return Err(form("its kind is neither Ed25519 (1) nor cosignature/v1 (4)")),
        };
        let key = <&[u8; 32]>::try_from(bytes.get(1..).unwrap_or_default())
            .map_err(|_| form("the key does not have 32 bytes"))?;
        let found = Self { name: name.to_owned(), kind, key: PublicKey::from_bytes(key)? };
        if hex::encode(found.hash()) != hash {
            return Err(form("the hash is not that of name and key"));
        }
        Ok(found)
    }

    /// Returns the four bytes that name the key in a signature line.
    pub fn hash(&self) -> [u8; 4] {
        key_hash(&self.name, self.kind, &self.key)
    }
}

impl std::fmt::Display for VerifierKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let bytes = [[self.kind.byte()].as_slice(), self.key.as_bytes()].concat();
        write!(f, "{}+{}+{}", self.name, hex::encode(self.hash()), STANDARD.encode(bytes))
    }
}

/// Returns SHA-256(name || 0x0A || kind || key), four bytes.
pub(crate) fn key_hash(name: &str, kind: SignatureKind, key: &PublicKey) -> [u8; 4] {
    let hash = Sha256::new_with_prefix(name)
        .chain_update([b'\n', kind.byte()])
        .chain_update(key.as_bytes())
        .finalize();
    [hash[0], hash[1], hash[2], hash[3]]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_example_of_the_specification_comes_back() {
        let text = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW";
        let key = VerifierKey::parse(text).unwrap();
        assert_eq!((key.name.as_str(), key.kind), ("PeterNeumann", SignatureKind::Ed25519));
        assert_eq!(key.to_string(), text);
        let witness = VerifierKey { kind: SignatureKind::Cosignature, ..key.clone() };
        assert_ne!(witness.hash(), key.hash());
        assert_eq!(VerifierKey::parse(&witness.to_string()).unwrap(), witness);
    }

    #[test]
    fn what_is_no_verifier_key_is_refused() {
        let good = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW";
        for bad in [
            "",
            "PeterNeumann",
            "PeterNeumann+c74f20a3",
            &good.replace("c74f20a3", "c74f20a4"),
            &good.replace("c74f20a3", "C74F20A3"),
            &good.replace("Peter", "Peter "),
            &good.replace("+ARpc", "+Bhpc"),
            &good[..good.len() - 4],
            &format!("{good}\n"),
        ] {
            assert!(VerifierKey::parse(bad).is_err(), "{bad:?}");
        }
    }
}
