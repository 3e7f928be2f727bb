//! Signed notes: a text and its signature lines (C2SP signed-note).
//!
//! A note is text that ends in a newline, a blank line, then lines `-- name base64` (with an em
//! dash). Lines of keys that we do not know, such as witness cosignatures, are kept as they are and
//! never count as signatures of ours. A line under our name and key id must verify: a note with a
//! bad one is refused even when a good one follows.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::key::{PublicKey, SigningKey};
use crate::limits::{NOTE_BYTES_MAX, NOTE_SIGNATURES_MAX};
use crate::verifier_key::{self, SignatureKind, VerifierKey};

const LINE_START: &str = "\u{2014} ";

/// Says why a note cannot be made, read or trusted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NoteError {
    /// The name cannot stand in a signature line; choose one without spaces and plus signs.
    #[error("`{name}` cannot name a key: it must not be empty nor hold white space or `+`")]
    Name {
        /// The name.
        name: String,
    },
    /// The bytes are not a signed note.
    #[error("not a signed note: {detail}")]
    Form {
        /// What is wrong.
        detail: &'static str,
    },
    /// No line is by the expected key: another book's note, or one of an older key.
    #[error("the note is not signed by `{name}`")]
    Unsigned {
        /// The expected name.
        name: String,
    },
    /// The line of the expected key does not verify: the text or the line was changed.
    #[error("the note's signature by `{name}` does not verify")]
    BadSignature {
        /// The expected name.
        name: String,
    },
}

/// One signature line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NoteSignature {
    /// The key's name.
    pub name: String,
    /// The first four bytes of the hash of name, type and key.
    pub key_hash: [u8; 4],
    /// The signature's bytes, whose form depends on the key's type.
    pub bytes: Vec<u8>,
}

/// A text and its signature lines.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Note {
    /// The signed text; it ends in a newline.
    pub text: String,
    /// The signature lines in their order.
    pub signatures: Vec<NoteSignature>,
}

impl Note {
    /// Makes a note of a text with one signature.
    ///
    /// # Errors
    /// [`NoteError::Name`] or [`NoteError::Form`] when name or text cannot stand in a note.
    pub fn sign(text: &str, name: &str, key: &SigningKey) -> Result<Self, NoteError> {
        check_name(name)?;
        check_text(text)?;
        let signature = NoteSignature {
            name: name.to_owned(),
            key_hash: key_hash(name, &key.public()),
            bytes: key.sign(text.as_bytes()).to_vec(),
        };
        Ok(Self { text: text.to_owned(), signatures: vec![signature] })
    }

    /// Adds a signature by another key under the same name, as when a book changes its key.
    #[must_use]
    pub fn also_signed(mut self, name: &str, key: &SigningKey) -> Self {
        self.signatures.push(NoteSignature {
            name: name.to_owned(),
            key_hash: key_hash(name, &key.public()),
            bytes: key.sign(self.text.as_bytes()).to_vec(),
        });
        self
    }

    /// Reads a note without trusting it.
    ///
    /// # Errors
    /// [`NoteError::Form`] when the text is not a signed note.
    pub fn parse(note: &str) -> Result<Self, NoteError> {
        let form = |detail| NoteError::Form { detail };
        if note.len() > NOTE_BYTES_MAX {
            return Err(form("it is too large"));
        }
        let (text, lines) = note.rsplit_once("\n\n").ok_or(form("there is no blank line"))?;
        let text = format!("{text}\n");
        check_text(&text)?;
        let lines = lines.strip_suffix('\n').ok_or(form("there is no signature line that ends"))?;
        let signatures = lines.split('\n').map(signature).collect::<Result<Vec<_>, _>>()?;
        if signatures.len() > NOTE_SIGNATURES_MAX {
            return Err(form("it has too many signature lines"));
        }
        Ok(Self { text, signatures })
    }

    /// Reads a note and checks that `key`, under this name, signed it.
    ///
    /// # Errors
    /// [`NoteError::Form`], [`NoteError::Unsigned`] or [`NoteError::BadSignature`].
    pub fn open(note: &str, name: &str, key: &PublicKey) -> Result<Self, NoteError> {
        let note = Self::parse(note)?;
        let hash = key_hash(name, key);
        let mut ours =
            note.signatures.iter().filter(|line| line.name == name && line.key_hash == hash);
        let Some(line) = ours.next() else {
            return Err(NoteError::Unsigned { name: name.to_owned() });
        };
        let verified = <&[u8; 64]>::try_from(line.bytes.as_slice())
            .is_ok_and(|bytes| key.verify_strict(note.text.as_bytes(), bytes).is_ok());
        if !verified {
            return Err(NoteError::BadSignature { name: name.to_owned() });
        }
        Ok(note)
    }
}

impl std::fmt::Display for Note {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        writeln!(f, "{}", self.text)?;
        for line in &self.signatures {
            writeln!(f, "{line}")?;
        }
        Ok(())
    }
}

impl NoteSignature {
    /// Reads one signature line, without its end.
    ///
    /// # Errors
    /// [`NoteError::Form`] when it is none.
    pub fn parse(line: &str) -> Result<Self, NoteError> {
        signature(line)
    }
}

impl std::fmt::Display for NoteSignature {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let bytes = [self.key_hash.as_slice(), &self.bytes].concat();
        write!(f, "{LINE_START}{} {}", self.name, STANDARD.encode(bytes))
    }
}

/// Checks that a name can stand in a signature line; a book's origin must.
///
/// # Errors
/// [`NoteError::Name`] when it is empty or holds white space, a control character or a plus sign.
pub fn check_name(name: &str) -> Result<(), NoteError> {
    let bad = |c: char| c.is_whitespace() || c.is_control() || c == '+';
    if name.is_empty() || name.contains(bad) {
        return Err(NoteError::Name { name: name.to_owned() });
    }
    Ok(())
}

/// Returns the key hash of an Ed25519 key: SHA-256(name || 0x0A || 0x01 || key), four bytes.
pub fn key_hash(name: &str, key: &PublicKey) -> [u8; 4] {
    verifier_key::key_hash(name, SignatureKind::Ed25519, key)
}

/// Returns the key as note tools take it: `name+hash+base64`.
pub fn verifier_key(name: &str, key: &PublicKey) -> String {
    VerifierKey { name: name.to_owned(), kind: SignatureKind::Ed25519, key: *key }.to_string()
}

fn check_text(text: &str) -> Result<(), NoteError> {
    let form = |detail| NoteError::Form { detail };
    if !text.ends_with('\n') {
        return Err(form("the text does not end in a newline"));
    }
    if text.bytes().any(|byte| byte < 0x20 && byte != b'\n') {
        return Err(form("the text holds a control character"));
    }
    Ok(())
}

fn signature(line: &str) -> Result<NoteSignature, NoteError> {
    let form = |detail| NoteError::Form { detail };
    let rest = line.strip_prefix(LINE_START).ok_or(form("a signature line without em dash"))?;
    let (name, base64) = rest.split_once(' ').ok_or(form("a signature line without signature"))?;
    check_name(name).map_err(|_| form("a signature line with an impossible name"))?;
    let bytes = STANDARD.decode(base64).map_err(|_| form("a signature that is not base64"))?;
    let Some((key_hash, bytes)) = bytes.split_first_chunk().filter(|(_, rest)| !rest.is_empty())
    else {
        return Err(form("a signature that is too short"));
    };
    Ok(NoteSignature { name: name.to_owned(), key_hash: *key_hash, bytes: bytes.to_vec() })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use signed_note::{StandardVerifier, VerifierList};

    use super::*;

    const NAME: &str = "relbook.example/orion";

    fn key() -> SigningKey {
        SigningKey::from_seed(&[9; 32])
    }

    fn note() -> String {
        Note::sign("hello\n\nworld\n", NAME, &key()).unwrap().to_string()
    }

    #[track_caller]
    fn open(note: &str) -> Result<Note, NoteError> {
        Note::open(note, NAME, &key().public())
    }

    /// The example of the C2SP page and of Go's sumdb/note.
    #[test]
    fn the_go_example_opens() {
        let verifier = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW";
        let bytes = STANDARD.decode(verifier.rsplit_once('+').unwrap().1).unwrap();
        let key = PublicKey::from_bytes(bytes[1..].try_into().unwrap()).unwrap();
        assert_eq!(verifier_key("PeterNeumann", &key), verifier);
        let note = "If you think cryptography is the answer to your problem,\n\
                    then you don't know what your problem is.\n\
                    \n\
                    \u{2014} PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n";
        let opened = Note::open(note, "PeterNeumann", &key).unwrap();
        assert_eq!(opened.to_string(), note);
    }

    #[test]
    fn an_independent_implementation_opens_ours() {
        let verifier = StandardVerifier::new(&verifier_key(NAME, &key().public())).unwrap();
        let peer = signed_note::Note::from_bytes(note().as_bytes()).unwrap();
        let (verified, rest) = peer.verify(&VerifierList::new(vec![Box::new(verifier)])).unwrap();
        assert_eq!((verified.len(), rest.len()), (1, 0));
        assert_eq!(peer.text(), b"hello\n\nworld\n");
    }

    #[test]
    fn lines_of_unknown_keys_are_kept_and_do_not_count() {
        let cosigned = format!("{}\u{2014} witness.example AAAAAAQAAAA=\n", note());
        let opened = open(&cosigned).unwrap();
        assert_eq!(opened.signatures.len(), 2);
        assert_eq!(opened.to_string(), cosigned);
        let (text, _) = cosigned.rsplit_once("\u{2014} relbook").unwrap();
        let only_witness = format!("{text}\u{2014} witness.example AAAAAAQAAAA=\n");
        assert!(matches!(open(&only_witness), Err(NoteError::Unsigned { .. })));
        let other = SigningKey::from_seed(&[8; 32]).public();
        assert!(matches!(Note::open(&note(), NAME, &other), Err(NoteError::Unsigned { .. })));
    }

    #[test]
    fn a_changed_text_or_line_is_refused() {
        let changed = note().replace("hello", "Hello");
        assert!(matches!(open(&changed), Err(NoteError::BadSignature { .. })));
        // A bad line under our key is not saved by a good one after it.
        let line = note().lines().last().unwrap().to_owned();
        let bad = STANDARD.encode([key_hash(NAME, &key().public()).as_slice(), &[0; 64]].concat());
        let both = format!("hello\n\nworld\n\n\u{2014} {NAME} {bad}\n{line}\n");
        assert!(matches!(open(&both), Err(NoteError::BadSignature { .. })));
    }

    #[test]
    fn what_is_no_note_is_refused() {
        for bad in [
            "",
            "text\n",
            "text\n\n",
            "text\n\n\u{2014} a AAAAAAQ=",
            "text\n\n- a AAAAAAQ=\n",
            "text\n\n\u{2014} a AAAA\n",
            "text\n\n\u{2014} a+b AAAAAAQ=\n",
            "text\n\n\u{2014} a *\n",
            "te\txt\n\n\u{2014} a AAAAAAQ=\n",
        ] {
            assert!(matches!(Note::parse(bad), Err(NoteError::Form { .. })), "{bad:?}");
        }
        for name in ["", "a b", "a+b", "a\u{a0}b", "a\nb"] {
            assert!(Note::sign("x\n", name, &key()).is_err(), "{name:?}");
        }
        assert!(Note::sign("x", NAME, &key()).is_err());
        let many = "\u{2014} a AAAAAAQ=\n".repeat(NOTE_SIGNATURES_MAX + 1);
        assert!(Note::parse(&format!("text\n\n{many}")).is_err());
        assert!(Note::parse(&format!("{}\n\n{many}", "x".repeat(NOTE_BYTES_MAX))).is_err());
    }

    proptest! {
        #[test]
        fn a_note_comes_back(text in "(\\PC{0,20}\n){1,4}") {
            let note = Note::sign(&text, NAME, &key()).unwrap();
            prop_assert_eq!(Note::open(&note.to_string(), NAME, &key().public()).unwrap(), note);
        }

        #[test]
        fn no_text_panics(text in "(\\PC|\n|\u{2014} a AAAAAAQ=\n){0,12}") {
            if let Ok(note) = Note::parse(&text) {
                prop_assert_eq!(Note::parse(&note.to_string()).unwrap(), note);
            }
        }
    }
}
