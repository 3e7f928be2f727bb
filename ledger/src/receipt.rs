//! Receipts: proof that an event is in a book, in one small text file (C2SP tlog-proof).
//!
//! ```text
//! c2sp.org/tlog-proof@v1
//! extra <the entry, base64>
//! index <seq>
//! <hash, base64>            from the sibling upwards
//! ...
//!
//! <the signed checkpoint>
//! ```
//!
//! The entry travels as the extra data, which the format leaves to us, so that whoever holds the
//! file and the book's public key can check it without the book: nothing in it is believed that
//! does not lead to the signed root.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::checkpoint::{Checkpoint, CheckpointError};
use crate::entry::{Entry, EntryError};
use crate::key::PublicKey;
use crate::limits::{NOTE_BYTES_MAX, RECEIPT_BYTES_MAX};
use crate::note::Note;
use crate::rotation::BookKeys;
use crate::tree::proof::{ProofError, check_inclusion};
use crate::tree::{Hash, leaf_hash};

const HEADER: &str = "c2sp.org/tlog-proof@v1";

/// The most hashes that a proof can have: one per level of the largest tree.
const HASHES_MAX: usize = 63;

/// Says why a receipt proves nothing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ReceiptError {
    /// The text is no tlog-proof.
    #[error("not a receipt: {detail}")]
    Form {
        /// What is wrong.
        detail: &'static str,
    },
    /// It proves something, but does not hold the event that it is about.
    #[error("the receipt does not hold its event (no `extra` line), so it cannot be checked alone")]
    NoEntry,
    /// The event that it holds cannot be read.
    #[error("the receipt's event cannot be read: {0}")]
    Entry(#[from] EntryError),
    /// The event says that it stands elsewhere.
    #[error("the receipt is for seq {index}, its event says that it is seq {seq}")]
    OtherSeq {
        /// What the receipt is for.
        index: u64,
        /// What the event says.
        seq: u64,
    },
    /// The checkpoint is not one, or not by the book.
    #[error(transparent)]
    Checkpoint(#[from] CheckpointError),
    /// It does not prove that the book changed its key.
    #[error("the receipt proves no change of the book's key: {detail}")]
    Rotation {
        /// What is wrong.
        detail: &'static str,
    },
    /// The event is not in the tree that the book signed.
    #[error("the event is not in the signed log: {0}")]
    Proof(#[from] ProofError),
}

/// A proof that an event is in a book.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Receipt {
    /// The event's place.
    pub seq: u64,
    /// The bytes of its entry.
    pub entry: Option<Vec<u8>>,
    /// The inclusion proof: hashes from the sibling upwards.
    pub hashes: Vec<Hash>,
    /// The signed checkpoint, with whatever cosignatures it has.
    pub checkpoint: String,
}

/// What a receipt proves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proven {
    /// The event in its place.
    pub entry: Entry,
    /// What the book signed.
    pub checkpoint: Checkpoint,
}

impl Receipt {
    /// Reads a receipt without believing it; accepts only what `Display` writes.
    ///
    /// # Errors
    /// [`ReceiptError::Form`] when the text is no tlog-proof.
    pub fn parse(text: &str) -> Result<Self, ReceiptError> {
        let form = |detail| ReceiptError::Form { detail };
        if text.len() > RECEIPT_BYTES_MAX {
            return Err(form("it is too large"));
        }
        let (proof, checkpoint) =
            text.split_once("\n\n").ok_or(form("there is no blank line after the proof"))?;
        let mut lines = proof.split('\n').peekable();
        if lines.next() != Some(HEADER) {
            return Err(form("it does not begin with `c2sp.org/tlog-proof@v1`"));
        }
        let extra = lines.next_if(|line| line.starts_with("extra "));
        let entry = extra.map(|line| decode(&line["extra ".len()..])).transpose()?;
        let index = lines.next().and_then(|line| line.strip_prefix("index "));
        let index = index.ok_or(form("there is no line `index`"))?;
        // Comparing with what would be written refuses signs, leading zeros and other spellings.
        let seq = index.parse().ok().filter(|seq: &u64| seq.to_string() == index);
        let seq = seq.ok_or(form("the index is not a plain decimal number"))?;
        let hash = |line| {
            Hash::try_from(decode(line)?).map_err(|_| form("a line of the proof is no hash"))
        };
        let hashes: Vec<Hash> = lines.take(HASHES_MAX + 1).map(hash).collect::<Result<_, _>>()?;
        if hashes.len() > HASHES_MAX {
            return Err(form("the proof has too many hashes"));
        }
        if checkpoint.len() > NOTE_BYTES_MAX {
            return Err(form("its checkpoint is too large"));
        }
        Ok(Self { seq, entry, hashes, checkpoint: checkpoint.to_owned() })
    }

    /// Checks the receipt with the book's public key and nothing else.
    ///
    /// It proves that the book signed a log with this event at this place. Who wrote the event is
    /// for [`Entry::key_id`] and the author's key to say.
    ///
    /// # Errors
    /// [`ReceiptError`] naming the first thing that does not hold.
    pub fn check(&self, book_key: &PublicKey) -> Result<Proven, ReceiptError> {
        self.check_signed(|note, origin| Checkpoint::open(note, origin, book_key))
    }

    /// Checks the receipt with the keys that a book has had.
    ///
    /// # Errors
    /// As [`Receipt::check`].
    pub fn check_by(&self, book_keys: &BookKeys) -> Result<Proven, ReceiptError> {
        self.check_signed(|note, origin| book_keys.open(note, origin))
    }

    fn check_signed(
        &self,
        open: impl FnOnce(&str, &str) -> Result<Checkpoint, CheckpointError>,
    ) -> Result<Proven, ReceiptError> {
        let bytes = self.entry.as_deref().ok_or(ReceiptError::NoEntry)?;
        let entry = Entry::decode(bytes)?;
        if entry.seq != self.seq {
            return Err(ReceiptError::OtherSeq { index: self.seq, seq: entry.seq });
        }
        // The origin stands in the text that the key signs; a key belongs to one book.
        let note = Note::parse(&self.checkpoint).map_err(CheckpointError::from)?;
        let origin = Checkpoint::parse(&note.text)?.origin;
        let checkpoint = open(&self.checkpoint, &origin)?;
        let leaf = leaf_hash(bytes);
        check_inclusion(&leaf, self.seq, checkpoint.size, &self.hashes, &checkpoint.root)?;
        Ok(Proven { entry, checkpoint })
    }
}

impl std::fmt::Display for Receipt {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        writeln!(f, "{HEADER}")?;
        if let Some(entry) = &self.entry {
            writeln!(f, "extra {}", STANDARD.encode(entry))?;
        }
        writeln!(f, "index {}", self.seq)?;
        for hash in &self.hashes {
            writeln!(f, "{}", STANDARD.encode(hash))?;
        }
        write!(f, "\n{}", self.checkpoint)
    }
}

fn decode(text: &str) -> Result<Vec<u8>, ReceiptError> {
    STANDARD.decode(text).map_err(|_| ReceiptError::Form { detail: "a line is not base64" })
}
