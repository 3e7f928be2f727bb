//! Checkpoints: the book's signed statement of its size and root (C2SP tlog-checkpoint).
//!
//! Three lines and nothing else: origin, size, root in base64. The origin is also the name of the
//! signing key, so a checkpoint of one book can never pass for one of another. Extension lines are
//! not written and not accepted; witness cosignatures may follow and are kept.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::key::{PublicKey, SigningKey};
use crate::note::{Note, NoteError};
use crate::tree::Hash;

/// Says why a checkpoint cannot be read or trusted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CheckpointError {
    /// The signed note around it is not one, or not by the book.
    #[error(transparent)]
    Note(#[from] NoteError),
    /// The text is not origin, size and root.
    #[error("not a checkpoint: {detail}")]
    Form {
        /// What is wrong.
        detail: &'static str,
    },
    /// The checkpoint is of another book.
    #[error("the checkpoint is of the book `{found}`, not `{expected}`")]
    Origin {
        /// The expected origin.
        expected: String,
        /// The origin in the text.
        found: String,
    },
}

/// What a checkpoint says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checkpoint {
    /// The book.
    pub origin: String,
    /// The number of entries.
    pub size: u64,
    /// The RFC 6962 root over them.
    pub root: Hash,
}

/// A checkpoint with the book's signature.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignedCheckpoint {
    /// The number of entries.
    pub size: u64,
    /// The RFC 6962 root over them.
    pub root: Hash,
    /// The signed note.
    pub note: String,
}

impl Checkpoint {
    /// Reads the three lines of a checkpoint; accepts only what `Display` writes.
    ///
    /// # Errors
    /// [`CheckpointError::Form`] when the text is anything else.
    pub fn parse(text: &str) -> Result<Self, CheckpointError> {
        let form = |detail| CheckpointError::Form { detail };
        let text = text.strip_suffix('\n').ok_or(form("the last line does not end"))?;
        let lines: Vec<&str> = text.split('\n').collect();
        let [origin, size_text, root_text] = lines[..] else {
            return Err(form("it must have three lines: origin, size and root"));
        };
        if origin.is_empty() {
            return Err(form("the origin is empty"));
        }
        // Comparing with what would be written refuses signs, leading zeros and other spellings.
        let size = size_text.parse().ok().filter(|size: &u64| size.to_string() == size_text);
        let size = size.ok_or(form("the size is not a plain decimal number"))?;
        let root = STANDARD.decode(root_text).ok().and_then(|root| Hash::try_from(root).ok());
        let root = root.ok_or(form("the root is not 32 bytes in base64"))?;
        Ok(Self { origin: origin.to_owned(), size, root })
    }

    /// Signs the checkpoint with the book's key, under the origin as its name.
    ///
    /// # Errors
    /// [`NoteError`] when the origin cannot name a key.
    pub fn sign(&self, key: &SigningKey) -> Result<SignedCheckpoint, NoteError> {
        let note = Note::sign(&self.to_string(), &self.origin, key)?.to_string();
        Ok(SignedCheckpoint { size: self.size, root: self.root, note })
    }

    /// Reads a signed checkpoint and checks that it is of this book and signed by its key.
    ///
    /// # Errors
    /// [`CheckpointError`] when the note, its signature, its text or its origin is wrong.
    pub fn open(note: &str, origin: &str, key: &PublicKey) -> Result<Self, CheckpointError> {
        let opened = Note::open(note, origin, key)?;
        let checkpoint = Self::parse(&opened.text)?;
        if checkpoint.origin != origin {
            return Err(CheckpointError::Origin {
                expected: origin.to_owned(),
                found: checkpoint.origin,
            });
        }
        Ok(checkpoint)
    }
}

impl std::fmt::Display for Checkpoint {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        writeln!(f, "{}\n{}\n{}", self.origin, self.size, root_base64(&self.root))
    }
}

/// Returns a root as checkpoints and answers write it: base64, padded.
pub fn root_base64(root: &Hash) -> String {
    STANDARD.encode(root)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const ROOT: &str = "CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=";

    fn key() -> SigningKey {
        SigningKey::from_seed(&[4; 32])
    }

    #[test]
    fn the_example_of_the_specification() {
        let text = format!("example.com/behind-the-sofa\n20852163\n{ROOT}\n");
        let checkpoint = Checkpoint::parse(&text).unwrap();
        assert_eq!(checkpoint.size, 20_852_163);
        assert_eq!(checkpoint.to_string(), text);
    }

    #[test]
    fn other_spellings_are_refused() {
        for text in [
            String::new(),
            format!("o\n1\n{ROOT}"),
            format!("o\n01\n{ROOT}\n"),
            format!("o\n+1\n{ROOT}\n"),
            format!("o\n-1\n{ROOT}\n"),
            format!("o\n18446744073709551616\n{ROOT}\n"),
            format!("\n1\n{ROOT}\n"),
            format!("o\n1\n{ROOT}\nextension\n"),
            format!("o\n1\n{ROOT}\n\n"),
            "o\n1\nAAAA\n".to_owned(),
            format!("o\n1\n{}\n", ROOT.trim_end_matches('=')),
            format!("o\r\n1\r\n{ROOT}\r\n"),
        ] {
            assert!(Checkpoint::parse(&text).is_err(), "{text:?}");
        }
    }

    #[test]
    fn only_this_book_signed_by_its_key_opens() {
        let checkpoint = Checkpoint { origin: "orion".into(), size: 3, root: [7; 32] };
        let signed = checkpoint.sign(&key()).unwrap();
        let public = key().public();
        assert_eq!(Checkpoint::open(&signed.note, "orion", &public).unwrap(), checkpoint);
        let other = SigningKey::from_seed(&[5; 32]).public();
        assert!(Checkpoint::open(&signed.note, "orion", &other).is_err());
        assert!(Checkpoint::open(&signed.note, "lyra", &public).is_err());
        // Signed under our name, but the text names another book.
        let text = Checkpoint { origin: "lyra".into(), ..checkpoint }.to_string();
        let note = Note::sign(&text, "orion", &key()).unwrap().to_string();
        let error = Checkpoint::open(&note, "orion", &public).unwrap_err();
        assert!(matches!(error, CheckpointError::Origin { .. }));
    }

    proptest! {
        #[test]
        fn a_checkpoint_comes_back(size in any::<u64>(), root in any::<Hash>()) {
            let checkpoint = Checkpoint { origin: "relbook.example/x".into(), size, root };
            prop_assert_eq!(Checkpoint::parse(&checkpoint.to_string()).unwrap(), checkpoint);
        }
    }
}
