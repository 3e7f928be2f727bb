//! Comparing two copies of one book: the same, one behind the other, or a fork.
//!
//! The trees tell it in a few reads, whatever the size. Of a fork the evidence is two receipts for
//! one place: each proves another event there under a checkpoint that the book signed, and whoever
//! has the book's public key can check both without either copy.

use super::ledger::{Ledger, ReadError};
use crate::checkpoint::CheckpointError;
use crate::key::PublicKey;
use crate::receipt::Receipt;

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
/// What a copy says of itself is believed but for the signatures of the evidence; `verify` proves
/// each copy.
///
/// # Errors
/// [`CompareError`] when they are not two readable copies of one book.
pub fn compare(one: &Ledger, other: &Ledger) -> Result<Comparison, CompareError> {
    let name = |ledger: &Ledger| (ledger.origin().to_owned(), ledger.book_key());
    if name(one) != name(other) {
        let text = |(origin, key): (String, PublicKey)| format!("{origin} (key {})", key.id());
        return Err(CompareError::OtherBook { one: text(name(one)), other: text(name(other)) });
    }
    for ledger in [one, other] {
        let note = ledger.checkpoint()?.note;
        ledger
            .book_keys()
            .open(&note, ledger.origin())
            .map_err(|source| CompareError::Unsigned { size: ledger.size(), source })?;
    }
    let common = one.size().min(other.size());
    if one.root_at(common)? == other.root_at(common)? {
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
    Ok(Comparison::Fork(Box::new(Fork { seq: same, one, other })))
}

/// Returns the receipt of an event under the first checkpoint that covers it: the nearer it is, the
/// fewer changes of the book's key lie between the two histories.
fn evidence(ledger: &Ledger, seq: u64) -> Result<Receipt, ReadError> {
    match ledger.checkpoint_covering(seq)? {
        Some(checkpoint) => ledger.receipt_under(seq, &checkpoint),
        None => ledger.receipt(seq),
    }
}
