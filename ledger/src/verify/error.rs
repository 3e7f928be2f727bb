//! What verification can find: one variant per rule, so that a finding names its rule.

use crate::admission::{Code, Refusal};
use crate::checkpoint::CheckpointError;
use crate::entry::EntryError;
use crate::envelope::EnvelopeError;
use crate::receipt::ReceiptError;
use crate::time::Time;

/// Where a signed checkpoint was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Witness {
    /// In the book's own database.
    Stored,
    /// In the pin beside the database.
    Pin,
    /// In a file that the user gave.
    Given,
}

impl std::fmt::Display for Witness {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Stored => "the stored checkpoint",
            Self::Pin => "the pin",
            Self::Given => "the given checkpoint",
        })
    }
}

/// Says what is wrong with a book: the first rule that it breaks, and where.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum VerifyError {
    /// The database file itself is damaged.
    #[error("the database is damaged: {detail}")]
    Database {
        /// What SQLite says.
        detail: String,
    },
    /// The database has other tables, indexes or triggers than relbook makes.
    #[error("the database's schema was changed: {name}")]
    Schema {
        /// The first object that differs.
        name: String,
    },
    /// A fact stored beside the log is not what the genesis event says.
    #[error("the stored `{key}` is not what the genesis event says")]
    Meta {
        /// The fact.
        key: String,
    },
    /// There is no event at all.
    #[error("the log is empty: even its genesis event is gone")]
    Empty,
    /// The first event does not make this book.
    #[error("the genesis event is wrong: {detail}")]
    Genesis {
        /// What is wrong.
        detail: String,
    },
    /// The book has another key than the one that it is known by.
    #[error("the book's key is {found}, known is {known}: this is another book, or a forged one")]
    BookKey {
        /// The key that was expected, in hex.
        known: String,
        /// The key in the genesis event, in hex.
        found: String,
    },
    /// The bytes at a seq are not an entry.
    #[error("seq {seq}: the entry cannot be decoded: {source}")]
    Entry {
        /// The position.
        seq: u64,
        /// Why.
        source: EntryError,
    },
    /// An entry stands in the row of another seq.
    #[error("seq {seq}: the entry says that it is seq {found}: entries were moved")]
    SeqMismatch {
        /// The row.
        seq: u64,
        /// What the entry says.
        found: u64,
    },
    /// An entry is gone and those after it moved up.
    #[error(
        "seq {seq}: the entry says that it is seq {found}, and none is seq {seq}: it was removed"
    )]
    Removed {
        /// The row.
        seq: u64,
        /// What the entry says.
        found: u64,
    },
    /// There is an entry too many.
    #[error(
        "seq {seq}: the entry says that it is seq {found}, which stands before it: one was put in"
    )]
    Inserted {
        /// The row.
        seq: u64,
        /// What the entry says.
        found: u64,
    },
    /// There is a row where no event can stand.
    #[error("there is a row {row}, which is no place of an event: it was put in, or moved there")]
    Stray {
        /// The row.
        row: i64,
        /// The seq that was to come.
        seq: u64,
    },
    /// A seq is missing.
    #[error("seq {seq} is missing; the next row is {found}")]
    SeqGap {
        /// The missing seq.
        seq: u64,
        /// The row that follows.
        found: i64,
    },
    /// The ledger's clock goes back.
    #[error("seq {seq}: received at {found}, before the event before it ({before})")]
    ReceivedDecreasing {
        /// The position.
        seq: u64,
        /// The clock before.
        before: Time,
        /// The clock of the entry.
        found: Time,
    },
    /// The clock of a simulated book is not what its events make it.
    #[error("seq {seq}: received at {found}, but the simulated clock says {expected}")]
    SimulatedClock {
        /// The position.
        seq: u64,
        /// What the events make it.
        expected: Time,
        /// The clock of the entry.
        found: Time,
    },
    /// The entry does not continue the chain.
    #[error("seq {seq}: the entry does not continue the chain: it, or the one before, was changed")]
    Chain {
        /// The position.
        seq: u64,
    },
    /// The signed bytes are not a pre-authentication encoding.
    #[error("seq {seq}: {source}")]
    Envelope {
        /// The position.
        seq: u64,
        /// Why.
        source: EnvelopeError,
    },
    /// The author's signature does not verify.
    #[error("seq {seq}: the author's signature does not fit the event: it was changed")]
    Signature {
        /// The position.
        seq: u64,
    },
    /// The event could not have been appended by the rules of the book.
    #[error("seq {seq}: the event breaks a rule of admission: {refusal}")]
    Inadmissible {
        /// The position.
        seq: u64,
        /// The rule.
        refusal: Refusal,
    },
    /// Two events have one id.
    #[error("seq {seq}: the event has the id of seq {first}")]
    DuplicateId {
        /// The later position.
        seq: u64,
        /// The earlier position.
        first: u64,
    },
    /// The id beside an entry is not the one in it.
    #[error("seq {seq}: the id beside the entry is not the one inside")]
    IdColumn {
        /// The position.
        seq: u64,
    },
    /// The index of the ids leads elsewhere than the log.
    #[error("the index of ids is wrong at seq {seq}")]
    IdIndex {
        /// The position, or the number of events when the index is shorter or longer than the log.
        seq: u64,
    },
    /// The list of registry events is not exact.
    #[error("seq {seq} is {} the list of registry events", if *listed { "wrongly in" } else { "missing from" })]
    RegistryList {
        /// The position.
        seq: u64,
        /// Whether the list has it.
        listed: bool,
    },
    /// No stored checkpoint that ends with a change of the book's key is signed by both keys.
    #[error(
        "seq {seq}: no checkpoint ends with this change of the book's key, signed by both keys"
    )]
    RotationCheckpoint {
        /// The change.
        seq: u64,
    },
    /// A cosignature is not one of its witness over this checkpoint.
    #[error("the cosignatures of size {size}: {detail}: they were changed, or put there by others")]
    Cosignature {
        /// The checkpoint's size.
        size: u64,
        /// What is wrong.
        detail: String,
    },
    /// A blob that an event names has other bytes.
    #[error(
        "seq {seq}: the blob {digest} that it names was changed: its bytes have another digest"
    )]
    Blob {
        /// The first event that names it.
        seq: u64,
        /// Its digest.
        digest: String,
    },
    /// A given receipt does not prove its event.
    #[error("the receipt of seq {seq} proves nothing: {source}")]
    Receipt {
        /// What it is for.
        seq: u64,
        /// Why.
        source: ReceiptError,
    },
    /// A stored tile is not that of the log's tree, or is missing.
    #[error("tile {index} of level {level} is not that of the log's tree")]
    Tile {
        /// The tile's level.
        level: u8,
        /// The tile's place in its level.
        index: u64,
    },
    /// There are tiles that the log's tree does not have.
    #[error("there are tiles that the log's tree does not have")]
    SpareTile,
    /// No stored checkpoint covers the end of the log.
    #[error(
        "no checkpoint covers the log's {size} events: those from seq {from} on were added without \
         the book, or the end was cut off within a commit"
    )]
    CheckpointMissing {
        /// The number of events.
        size: u64,
        /// The first seq that no checkpoint covers.
        from: u64,
    },
    /// A checkpoint is not one that the book signed.
    #[error("{witness}{} is not one of this book: {source}", of_size(*size))]
    CheckpointInvalid {
        /// Where it was found.
        witness: Witness,
        /// The size that its row says, where it is stored in one.
        size: Option<u64>,
        /// Why.
        source: CheckpointError,
    },
    /// A checkpoint of the book has another root: something before it was changed.
    #[error("{witness} of size {size} has another root: {}", changed(*witness, *from))]
    CheckpointRoot {
        /// Where it was found.
        witness: Witness,
        /// Its size.
        size: u64,
        /// The first seq that no checkpoint vouches for.
        from: u64,
    },
    /// A checkpoint covers more than the book holds: its end was cut off.
    #[error("{witness} covers {claimed} events, the log holds {size}: its end was cut off")]
    Truncated {
        /// Where it was found.
        witness: Witness,
        /// The number of events in the log.
        size: u64,
        /// The number of events under the checkpoint.
        claimed: u64,
    },
}

fn of_size(size: Option<u64>) -> String {
    size.map_or_else(String::new, |size| format!(" of size {size}"))
}

/// Says what another root means: the book's own checkpoints tell where, those from outside do not.
fn changed(witness: Witness, from: u64) -> String {
    match witness {
        Witness::Stored => format!("an event from seq {from} on was changed"),
        Witness::Pin | Witness::Given => format!(
            "an event from seq {from} on was changed, or the book signed two histories; `relbook \
             compare` with the other copy finds where they part"
        ),
    }
}

impl VerifyError {
    /// Returns the rule's name, as scripts see it.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Database { .. } => "database-damaged",
            Self::Schema { .. } => "schema-changed",
            Self::Meta { .. } => "meta-changed",
            Self::Empty => "log-empty",
            Self::Genesis { .. } => "genesis-wrong",
            Self::BookKey { .. } => "book-key",
            Self::Entry { .. } => "entry-malformed",
            Self::SeqMismatch { .. } => "seq-mismatch",
            Self::Removed { .. } => "entry-removed",
            Self::Inserted { .. } | Self::Stray { .. } => "entry-inserted",
            Self::SeqGap { .. } => "seq-gap",
            Self::ReceivedDecreasing { .. } => "received-decreasing",
            Self::SimulatedClock { .. } => "simulated-clock",
            Self::Chain { .. } => "chain-broken",
            Self::Envelope { .. } => "envelope-malformed",
            Self::Signature { .. } => "bad-signature",
            Self::Inadmissible { refusal, .. } => match refusal.code {
                Code::UnknownKey => "unknown-key",
                Code::RevokedKey => "revoked-key",
                Code::Role => "role",
                Code::WrongBook => "wrong-book",
                Code::FutureTime => "future-time",
                _ => "inadmissible",
            },
            Self::DuplicateId { .. } => "duplicate-id",
            Self::IdColumn { .. } => "id-column",
            Self::IdIndex { .. } => "id-index",
            Self::RegistryList { .. } => "registry-list",
            Self::RotationCheckpoint { .. } => "rotation-checkpoint",
            Self::Cosignature { .. } => "cosignature-invalid",
            Self::Blob { .. } => "blob-wrong",
            Self::Receipt { .. } => "receipt-invalid",
            Self::Tile { .. } | Self::SpareTile => "tile-wrong",
            Self::CheckpointMissing { .. } => "checkpoint-missing",
            Self::CheckpointInvalid { witness, .. } => match witness {
                Witness::Stored => "checkpoint-invalid",
                Witness::Pin => "pin-invalid",
                Witness::Given => "given-invalid",
            },
            Self::CheckpointRoot { witness, .. } => match witness {
                Witness::Stored => "checkpoint-root",
                Witness::Pin => "pin-root",
                Witness::Given => "given-root",
            },
            Self::Truncated { witness, .. } => match witness {
                Witness::Stored => "checkpoint-ahead",
                Witness::Pin => "pin-ahead",
                Witness::Given => "given-ahead",
            },
        }
    }

    /// Returns the first seq that is wrong, where the rule is about one.
    pub fn seq(&self) -> Option<u64> {
        match *self {
            Self::Entry { seq, .. }
            | Self::SeqMismatch { seq, .. }
            | Self::Removed { seq, .. }
            | Self::Inserted { seq, .. }
            | Self::Stray { seq, .. }
            | Self::Blob { seq, .. }
            | Self::SeqGap { seq, .. }
            | Self::ReceivedDecreasing { seq, .. }
            | Self::SimulatedClock { seq, .. }
            | Self::Chain { seq }
            | Self::Envelope { seq, .. }
            | Self::Signature { seq }
            | Self::Inadmissible { seq, .. }
            | Self::DuplicateId { seq, .. }
            | Self::Receipt { seq, .. }
            | Self::IdColumn { seq }
            | Self::RotationCheckpoint { seq }
            | Self::IdIndex { seq }
            | Self::RegistryList { seq, .. } => Some(seq),
            Self::Empty | Self::Genesis { .. } | Self::BookKey { .. } => Some(0),
            Self::CheckpointRoot { from, .. } | Self::CheckpointMissing { from, .. } => Some(from),
            Self::Truncated { size, .. } => Some(size),
            _ => None,
        }
    }
}
