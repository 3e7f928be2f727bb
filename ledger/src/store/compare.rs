//! Comparing two copies of one book: the same, one behind the other, or a fork.
//!
//! The trees tell it in a few reads, whatever the size. Of a fork the evidence is two receipts for
//! one place: each proves another event there under a checkpoint that the book signed, and whoever
//! has the book's public key can check both without either copy.

use std::ops::ControlFlow;

use super::ledger::{Ledger, ReadError};
use crate::checkpoint::CheckpointError;
use crate::key::PublicKey;
use crate::receipt::Receipt;
use crate::tree::proof::check_consistency;
use crate::tree::tile::TileEdge;
use crate::tree::{Hash, leaf_hash};

/// Says why two copies cannot be compared.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CompareError {
    /// They are copies of two books.
    #[error("these are two books: {one} and {other}")]
    OtherBook {
        /// Name and key of the one.
        one: String,
        /// Name and key of the other.
        other: String,
    },
    /// A copy cannot be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// A copy's events are not those of its own newest checkpoint.
    #[error(
        "{dir} holds other events than the checkpoint of {size} events in it says; `relbook --book \
         {dir} verify` says which"
    )]
    Damaged {
        /// The directory of the copy.
        dir: String,
        /// Its size.
        size: u64,
    },
    /// A copy's newest checkpoint is not by the book.
    #[error("the copy of {size} events is not signed by the book: {source}")]
    Unsigned {
        /// The size of the copy.
        size: u64,
        /// Why.
        source: CheckpointError,
    },
}

/// How two copies of a book stand to each other.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Comparison {
    /// One is the other, or its beginning; the sizes say which.
    Prefix,
    /// The book signed two histories.
    Fork(Box<Fork>),
}

/// The evidence of a fork.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fork {
    /// The first place at which the histories differ.
    pub seq: u64,
    /// What the one has there.
    pub one: Receipt,
    /// What the other has there.
    pub other: Receipt,
}

/// Compares two copies of a book.
///
/// The events of both are hashed again; what they say, and whether their authors signed it, is for
/// `verify`. `progress` is called with how many of all events were read.
///
/// # Errors
/// [`CompareError`] when they are not two readable copies of one book.
pub fn compare(
    one: &Ledger,
    other: &Ledger,
    progress: &dyn Fn(u64, u64),
) -> Result<Comparison, CompareError> {
    let name = |ledger: &Ledger| (ledger.origin().to_owned(), ledger.book_key());
    if name(one) != name(other) {
        let text = |(origin, key): (String, PublicKey)| format!("{origin} (key {})", key.id());
        return Err(CompareError::OtherBook { one: text(name(one)), other: text(name(other)) });
    }
    let common = one.size().min(other.size());
    let (one_root, other_root) = (root_within(one, common)?, root_within(other, common)?);
    let all = one.size() + other.size();
    check_events(one, &|done| progress(done, all))?;
    check_events(other, &|done| progress(one.size() + done, all))?;
    if one_root == other_root {
        return Ok(Comparison::Prefix);
    }
    // Below the place where they part all roots are equal, above it none is.
    let (mut same, mut differs) = (0, common);
    while differs - same > 1 {
        let middle = same + (differs - same) / 2;
        if one.root_at(middle)? == other.root_at(middle)? {
            same = middle;
        } else {
            differs = middle;
        }
    }
    let (one, other) = (evidence(one, same)?, evidence(other, same)?);
    if one.entry == other.entry {
        let detail = format!("the trees differ from seq {same} on, the events there do not");
        return Err(ReadError::Damaged { detail }.into());
    }
    Ok(Comparison::Fork(Box::new(Fork { seq: same, one, other })))
}

/// Checks that the events of a copy are those that its newest checkpoint is of.
fn check_events(ledger: &Ledger, progress: &dyn Fn(u64)) -> Result<(), CompareError> {
    const REPORT_EVENTS: u64 = 1_024;
    let mut edge = TileEdge::new();
    ledger.scan_entries(0..ledger.size(), |raw| {
        edge.append(leaf_hash(&raw.bytes), |_, _| {});
        if raw.seq % REPORT_EVENTS == 0 {
            progress(raw.seq);
        }
        Ok(ControlFlow::Continue(()))
    })?;
    if edge.root() == ledger.checkpoint()?.root {
        return Ok(());
    }
    let dir = ledger.paths().dir().display().to_string();
    Err(CompareError::Damaged { dir, size: ledger.size() })
}

/// Returns the root over the first `size` events of a copy, proven to lead to what the book signed
/// last: tiles of the other copy, put among its own, would make it look like that one.
fn root_within(ledger: &Ledger, size: u64) -> Result<Hash, CompareError> {
    let note = ledger.checkpoint()?.note;
    let signed = ledger
        .book_keys()
        .open(&note, ledger.origin())
        .map_err(|source| CompareError::Unsigned { size: ledger.size(), source })?;
    let root = ledger.root_at(size)?;
    let proof = ledger.prove_consistency(size, signed.size)?;
    check_consistency((size, &root), (signed.size, &signed.root), &proof).map_err(|error| {
        let detail = format!("the tree of a copy is not the one that it signed: {error}");
        ReadError::Damaged { detail }
    })?;
    Ok(root)
}

/// Returns the receipt of an event under the first checkpoint that covers it: the nearer it is, the
/// fewer changes of the book's key lie between the two histories.
fn evidence(ledger: &Ledger, seq: u64) -> Result<Receipt, ReadError> {
    match ledger.checkpoint_covering(seq)? {
        Some(checkpoint) => ledger.receipt_under(seq, &checkpoint),
        None => ledger.receipt(seq),
    }
}
