//! The book's own keys, one after the other, and which of them must sign a checkpoint.
//!
//! A book changes its key by the event `book.rotated`, signed by the key that goes. The checkpoint
//! that covers it and ends with it is signed by both keys; later ones by the new key only. Whoever
//! knows any one of the keys can follow the others: forward, because the old key signed the event;
//! back, because the new key signed the checkpoint over it.

use crate::checkpoint::{Checkpoint, CheckpointError};
use crate::entry::Entry;
use crate::event::trust::BookRotated;
use crate::event::{Body, Event, Kind};
use crate::key::PublicKey;
use crate::keyring::Keyring;
use crate::note::Note;
use crate::receipt::{Receipt, ReceiptError};

/// One change of the book's key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rotation {
    /// The seq of the event, signed by the key that goes.
    pub seq: u64,
    /// The key that goes.
    pub previous: PublicKey,
    /// The key that comes.
    pub key: PublicKey,
}

/// The keys of a book in their order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BookKeys {
    first: PublicKey,
    // In the order of their seqs, each continuing the one before.
    rotations: Vec<Rotation>,
}

impl BookKeys {
    /// Makes the keys of a book of which one key is known.
    pub fn new(first: PublicKey) -> Self {
        Self { first, rotations: Vec::new() }
    }

    /// Reads the keys from a keyring; none before the genesis event.
    pub fn of(keyring: &Keyring) -> Option<Self> {
        let mut grants = keyring.grants().into_iter().filter(|grant| grant.is_book());
        let mut keys = Self::new(grants.next()?.public_key);
        for grant in grants {
            let (seq, key) = (grant.add_seq, grant.public_key);
            keys.rotations.push(Rotation { seq, previous: keys.current(), key });
        }
        Some(keys)
    }

    /// Makes the keys of a book of which one key and proven rotations are known.
    ///
    /// Returns `None` when the rotations do not follow each other, or do not lead to the key.
    pub fn around(known: PublicKey, mut rotations: Vec<Rotation>) -> Option<Self> {
        rotations.sort_by_key(|rotation| rotation.seq);
        rotations.dedup();
        let follow = rotations.windows(2).all(|pair| pair[0].key == pair[1].previous);
        let first = rotations.first().map_or(known, |rotation| rotation.previous);
        let keys = Self { first, rotations };
        (follow && keys.contains(&known)).then_some(keys)
    }

    /// Returns the first key.
    pub fn first(&self) -> PublicKey {
        self.first
    }

    /// Returns the key that signs now.
    pub fn current(&self) -> PublicKey {
        self.rotations.last().map_or(self.first, |rotation| rotation.key)
    }

    /// Returns the changes, oldest first.
    pub fn rotations(&self) -> &[Rotation] {
        &self.rotations
    }

    /// Tells whether a key is, or was, one of the book's.
    pub fn contains(&self, key: &PublicKey) -> bool {
        self.first == *key || self.rotations.iter().any(|rotation| rotation.key == *key)
    }

    /// Returns the key that must sign the checkpoint of a size, and the second one where there
    /// must be two.
    pub fn signers(&self, size: u64) -> (PublicKey, Option<PublicKey>) {
        match self.rotations.iter().rev().find(|rotation| rotation.seq < size) {
            None => (self.first, None),
            Some(last) if last.seq + 1 == size => (last.previous, Some(last.key)),
            Some(last) => (last.key, None),
        }
    }

    /// Reads a signed checkpoint and checks that the keys of its size signed it.
    ///
    /// # Errors
    /// As [`Checkpoint::open`].
    pub fn open(&self, note: &str, origin: &str) -> Result<Checkpoint, CheckpointError> {
        let text = Note::parse(note)?.text;
        let (one, second) = match Checkpoint::parse(&text) {
            Ok(checkpoint) => self.signers(checkpoint.size),
            // Whoever signed it comes first: then it is the book's own note that is malformed.
            Err(_) => (self.current(), None),
        };
        let checkpoint = Checkpoint::open(note, origin, &one)?;
        if let Some(second) = second {
            Checkpoint::open(note, origin, &second)?;
        }
        Ok(checkpoint)
    }
}

/// Reads a rotation from the receipt of its event, as a proof that stands without the book.
///
/// It proves that one key handed over to the other; that either is the book's is for the caller to
/// know, by [`BookKeys::around`].
///
/// # Errors
/// [`ReceiptError`] when the receipt does not prove a rotation.
pub fn proven(receipt: &Receipt) -> Result<Rotation, ReceiptError> {
    let wrong = |detail| ReceiptError::Rotation { detail };
    let Some((spec, ledger)) = spec_of(receipt)? else {
        return Err(wrong("its event is not book.rotated"));
    };
    let key = |hex: &str| {
        PublicKey::from_hex(hex).map_err(|_| wrong("its event names a key that is none"))
    };
    let (previous, key) = (key(&spec.previous_public_key)?, key(&spec.book_public_key)?);
    // The checkpoint must end with the event: then both keys have signed exactly this change.
    let proven = receipt.check(&previous)?;
    receipt.check(&key)?;
    if proven.checkpoint.size != receipt.seq + 1 {
        return Err(wrong("its checkpoint does not end with the event"));
    }
    if ledger.as_deref() != Some(proven.checkpoint.origin.as_str()) {
        return Err(wrong("its event is of another book"));
    }
    let entry = proven.entry;
    let signed = entry.key_id == previous.id()
        && previous.verify_strict(&entry.pae, &entry.signature).is_ok();
    if !signed {
        return Err(wrong("its event is not signed by the key that goes"));
    }
    Ok(Rotation { seq: receipt.seq, previous, key })
}

/// Reads what a receipt says of a rotation, and the book that its event names.
fn spec_of(receipt: &Receipt) -> Result<Option<(BookRotated, Option<String>)>, ReceiptError> {
    let entry = Entry::decode(receipt.entry.as_deref().ok_or(ReceiptError::NoEntry)?)?;
    let event = entry.event().ok();
    let fields = event.as_ref().and_then(|event| event.as_object());
    let Some(fields) = fields.filter(|fields| fields.get("kind").is_some_and(is_rotation)) else {
        return Ok(None);
    };
    let event = Event::from_fields(Kind::BookRotated, fields).ok();
    Ok(event.and_then(|event| match event.body {
        Body::BookRotated(spec) => Some((spec, event.header.ledger.map(|name| name.to_string()))),
        _ => None,
    }))
}

fn is_rotation(kind: &serde_json::Value) -> bool {
    kind.as_str() == Some(Kind::BookRotated.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::key::SigningKey;

    fn key(n: u8) -> PublicKey {
        SigningKey::from_seed(&[n; 32]).public()
    }

    fn rotation(seq: u64, previous: u8, next: u8) -> Rotation {
        Rotation { seq, previous: key(previous), key: key(next) }
    }

    #[test]
    fn each_size_has_its_signers() {
        let keys = BookKeys::around(key(1), vec![rotation(9, 2, 3), rotation(5, 1, 2)]).unwrap();
        for (size, signers) in [
            (0, (1, None)),
            (5, (1, None)),
            (6, (1, Some(2))),
            (7, (2, None)),
            (9, (2, None)),
            (10, (2, Some(3))),
            (11, (3, None)),
        ] {
            let (one, second) = signers;
            assert_eq!(keys.signers(size), (key(one), second.map(key)), "{size}");
        }
        assert_eq!((keys.first(), keys.current()), (key(1), key(3)));
    }

    #[test]
    fn rotations_must_follow_each_other_and_lead_to_the_known_key() {
        let chain = vec![rotation(5, 1, 2), rotation(9, 2, 3)];
        for known in [1, 2, 3] {
            assert!(BookKeys::around(key(known), chain.clone()).is_some());
        }
        assert!(BookKeys::around(key(4), chain).is_none());
        assert!(BookKeys::around(key(1), vec![rotation(5, 1, 2), rotation(9, 4, 3)]).is_none());
        assert_eq!(BookKeys::around(key(7), vec![]), Some(BookKeys::new(key(7))));
    }
}
