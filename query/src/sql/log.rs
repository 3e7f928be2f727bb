//! The log as the tables read it: entries in seq order, opened no further than a table needs.
//!
//! Reading is cheap first and thorough later: the kind is found by skipping through the bytes,
//! and only events of a wanted kind are parsed. Nothing here judges an event; `verify` does.

use std::ops::Range;
use std::sync::{Mutex, PoisonError};

use relbook_ledger::entry::Entry;
use relbook_ledger::envelope::split_pae;
use relbook_ledger::event::Kind;
use relbook_ledger::json;
use relbook_ledger::key::KeyId;
use relbook_ledger::registry::Registry;
use relbook_ledger::store::Ledger;
use relbook_ledger::time::Time;
use serde_json::{Map, Value};

use super::span;

/// Says that the log could not be read.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{message}")]
pub struct LogError {
    /// What failed.
    pub message: String,
}

impl LogError {
    /// Wraps what an implementation met.
    pub fn new(error: impl std::fmt::Display) -> Self {
        Self { message: error.to_string() }
    }

    fn at(seq: u64, error: impl std::fmt::Display) -> Self {
        Self::new(format!("the event at seq {seq} cannot be read: {error}; run `relbook verify`"))
    }
}

/// A signed checkpoint as stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredCheckpoint {
    /// The number of entries under it.
    pub size: u64,
    /// The RFC 6962 root.
    pub root: [u8; 32],
    /// The signed note.
    pub note: String,
}

/// Where the log comes from: a book's ledger, or entries in memory.
pub trait LogSource: Send + Sync {
    /// Returns the name of the book.
    fn origin(&self) -> String;

    /// Returns the number of events.
    fn size(&self) -> u64;

    /// Returns the bytes of the entries in a range of seqs, in order, without gaps.
    ///
    /// # Errors
    /// [`LogError`] when one is missing or cannot be read.
    fn entries(&self, range: Range<u64>) -> Result<Vec<Vec<u8>>, LogError>;

    /// Returns who held a key at a seq; empty when nobody did.
    fn principal(&self, key: KeyId, seq: u64) -> String;

    /// Returns the seq of an event, given its id.
    ///
    /// # Errors
    /// [`LogError`] when the log cannot be read.
    fn seq_of(&self, id: &str) -> Result<Option<u64>, LogError>;

    /// Returns the signed checkpoints whose size lies in a range, the smallest first.
    ///
    /// # Errors
    /// [`LogError`] when they cannot be read.
    fn checkpoints(&self, sizes: Range<u64>) -> Result<Vec<StoredCheckpoint>, LogError>;
}

/// The ledger of a book as a source; many readers take turns.
pub(crate) struct BookLog {
    origin: String,
    size: u64,
    /// Apart from the ledger: asked for every row, by several threads.
    registry: Registry,
    ledger: Mutex<Ledger>,
}

impl BookLog {
    pub(crate) fn new(ledger: Ledger) -> Self {
        let (origin, size) = (ledger.origin().to_owned(), ledger.size());
        Self { origin, size, registry: ledger.registry().clone(), ledger: Mutex::new(ledger) }
    }

    fn with<T>(&self, read: impl FnOnce(&Ledger) -> T) -> T {
        // A reader that panicked leaves nothing half-done behind: a read handle only reads.
        read(&self.ledger.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl LogSource for BookLog {
    fn origin(&self) -> String {
        self.origin.clone()
    }

    fn size(&self) -> u64 {
        self.size
    }

    fn entries(&self, range: Range<u64>) -> Result<Vec<Vec<u8>>, LogError> {
        self.with(|ledger| {
            let read = |seq| match ledger.entry(seq) {
                Ok(Some(bytes)) => Ok(bytes),
                Ok(None) => Err(LogError::at(seq, "it is missing")),
                Err(error) => Err(LogError::new(error)),
            };
            range.map(read).collect()
        })
    }

    fn principal(&self, key: KeyId, seq: u64) -> String {
        let grant = self.registry.keyring().author(key, seq);
        grant.map(|grant| grant.principal.clone()).unwrap_or_default()
    }

    fn seq_of(&self, id: &str) -> Result<Option<u64>, LogError> {
        let Ok(id) = id.parse() else { return Ok(None) };
        self.with(|ledger| ledger.find(id)).map_err(LogError::new)
    }

    fn checkpoints(&self, sizes: Range<u64>) -> Result<Vec<StoredCheckpoint>, LogError> {
        let stored = self.with(|ledger| ledger.checkpoints(sizes)).map_err(LogError::new)?;
        let plain = stored.into_iter().map(|c| StoredCheckpoint {
            size: c.size,
            root: c.root,
            note: c.note,
        });
        Ok(plain.collect())
    }
}

/// An entry of a wanted kind, parsed.
pub(crate) struct LogRow<'a> {
    pub(crate) seq: u64,
    pub(crate) recorded_at: Time,
    pub(crate) key_id: KeyId,
    pub(crate) signature: &'a [u8; 64],
    pub(crate) kind: Kind,
    pub(crate) payload_type: &'a str,
    /// The JSON text of the event, as signed.
    pub(crate) payload: &'a str,
    /// The JSON text of the in-toto Statement around the event, as signed; none when the event
    /// itself was signed.
    pub(crate) statement: Option<&'a str>,
    /// The bytes of the entry, to hash.
    pub(crate) entry: &'a [u8],
    pub(crate) fields: Map<String, Value>,
}

impl LogRow<'_> {
    /// Returns a field of the event.
    pub(crate) fn field(&self, name: &str) -> Option<&Value> {
        self.fields.get(name)
    }

    /// Returns a text field of the event.
    pub(crate) fn text(&self, name: &str) -> Option<&str> {
        self.field(name)?.as_str()
    }

    /// Returns when the event is said to have happened.
    pub(crate) fn occurred_at(&self) -> Result<Time, LogError> {
        let text = self.text("occurred_at").unwrap_or_default();
        Time::parse(text).map_err(|error| LogError::at(self.seq, error))
    }
}

/// Opens one entry and, when its kind is wanted, hands the parsed row to `visit`.
pub(crate) fn open_entry(
    bytes: &[u8],
    seq: u64,
    wanted: impl Fn(Kind) -> bool,
    visit: impl FnOnce(LogRow<'_>) -> Result<(), LogError>,
) -> Result<(), LogError> {
    let wrong = |error: &dyn std::fmt::Display| LogError::at(seq, error);
    let entry = Entry::decode(bytes).map_err(|error| wrong(&error))?;
    if entry.seq != seq {
        return Err(wrong(&format!("it says that it is seq {}", entry.seq)));
    }
    let (payload_type, body) = split_pae(&entry.pae).map_err(|error| wrong(&error))?;
    let event =
        span::event_of(payload_type, body).ok_or_else(|| wrong(&"its payload holds no event"))?;
    let kind = match span::member(event, "kind") {
        Some(kind) => Kind::parse(std::str::from_utf8(kind).unwrap_or_default().trim_matches('"')),
        None => None,
    };
    let kind = kind.ok_or_else(|| wrong(&"its kind is unknown"))?;
    if !wanted(kind) {
        return Ok(());
    }
    let signed = std::str::from_utf8(body).map_err(|error| wrong(&error))?;
    let payload = std::str::from_utf8(event).map_err(|error| wrong(&error))?;
    let Value::Object(fields) = json::parse(event).map_err(|error| wrong(&error))? else {
        return Err(wrong(&"its payload is no JSON object"));
    };
    visit(LogRow {
        seq,
        recorded_at: entry.received,
        key_id: entry.key_id,
        signature: &entry.signature,
        kind,
        payload_type,
        payload,
        statement: (payload.len() != signed.len()).then_some(signed),
        entry: bytes,
        fields,
    })
}
