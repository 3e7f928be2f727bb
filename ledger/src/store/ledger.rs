//! The read handle of a book.
//!
//! A handle sees the book as it was when it was opened or last refreshed: the log only grows, so
//! reading up to a fixed size is a consistent view without holding a transaction. Reading decodes
//! and does not prove; that is `verify`. Nothing here writes.

use std::ops::{ControlFlow, Range};
use std::path::Path;

use rusqlite::{Connection, OptionalExtension as _, Row, Transaction};
use uuid::Uuid;

use super::open_error::OpenError;
use super::{BookPaths, cosignature, pin, sqlite};
use crate::chain::{self, ChainHash};
use crate::checkpoint::{Checkpoint, SignedCheckpoint};
use crate::entry::Entry;
use crate::envelope::{SignedEvent, split_pae};
use crate::event::{Body, Event, Kind};
use crate::intake;
use crate::key::{KeyId, PublicKey};
use crate::note::Note;
use crate::registry::Registry;
use crate::rotation::BookKeys;
use crate::time::Time;
use crate::tree::{self, Hash};

/// Says why a book that is open cannot be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReadError {
    /// An entry cannot be decoded: the database was changed or damaged.
    #[error("the entry at seq {seq} cannot be read: {detail}; run `relbook verify`")]
    Entry {
        /// The seq of its row.
        seq: u64,
        /// What is wrong.
        detail: String,
    },
    /// Something beside the entries is missing or wrong.
    #[error("the book is damaged: {detail}; run `relbook verify`")]
    Damaged {
        /// What is wrong.
        detail: String,
    },
    /// SQLite failed.
    #[error("the book's database cannot be read: {source}")]
    Database {
        /// Why.
        #[from]
        source: rusqlite::Error,
    },
}

/// One event in its place, decoded.
#[derive(Debug, Clone, PartialEq)]
pub struct Record {
    /// The position, from 0.
    pub seq: u64,
    /// The ledger's clock when it took the event: `recorded_at` in answers.
    pub received: Time,
    /// The author's key.
    pub key_id: KeyId,
    /// Who held the key at this seq; empty when nobody did, which `verify` reports.
    pub principal: String,
    /// The author's signature.
    pub signature: [u8; 64],
    /// The chain value before the entry.
    pub prev_chain: ChainHash,
    /// The chain value after the entry.
    pub chain_hash: ChainHash,
    /// The entry's leaf in the tree.
    pub leaf_hash: Hash,
    /// What the body is.
    pub payload_type: String,
    /// The signed bytes.
    pub body: Vec<u8>,
    /// The event.
    pub event: Event,
}

/// A book, open for reading.
#[derive(Debug)]
pub struct Ledger {
    pub(super) connection: Connection,
    pub(super) paths: BookPaths,
    pub(super) origin: String,
    pub(super) book_key: PublicKey,
    pub(super) simulated_clock: bool,
    pub(super) size: u64,
    pub(super) clock: Time,
    pub(super) registry: Registry,
}

impl Ledger {
    /// Opens the book in a directory for reading; the directory may be read-only.
    ///
    /// # Errors
    /// [`OpenError::Missing`], [`OpenError::NotABook`], [`OpenError::NewerFormat`] or
    /// [`OpenError::Damaged`] for what is no readable book.
    pub fn open(dir: &Path) -> Result<Self, OpenError> {
        let paths = BookPaths::new(dir);
        let connection = sqlite::open_read(&paths.database())?;
        Self::load(connection, paths)
    }

    /// Reads what a handle keeps in memory.
    pub(super) fn load(connection: Connection, paths: BookPaths) -> Result<Self, OpenError> {
        let database = paths.database();
        let damaged = |error: ReadError| OpenError::damaged(&database, error.to_string());
        let genesis = read_entry(&connection, 0).map_err(damaged)?.ok_or_else(|| {
            OpenError::damaged(&database, "it has no genesis event: its making was interrupted")
        })?;
        let event = read_event(&genesis).map_err(damaged)?.event;
        let Body::BookCreated(spec) = event.body else {
            return Err(OpenError::damaged(&database, "its first event is not book.created"));
        };
        let book_key = PublicKey::from_hex(&spec.book_public_key)
            .map_err(|error| OpenError::damaged(&database, format!("the book's key: {error}")))?;
        let mut ledger = Self {
            connection,
            paths,
            origin: spec.origin.to_string(),
            book_key,
            simulated_clock: spec.simulated_clock,
            size: 0,
            clock: Time::EPOCH,
            registry: Registry::default(),
        };
        ledger.refresh().map_err(|error| match error {
            ReadError::Database { source } => OpenError::database(&database)(source),
            other => OpenError::damaged(&database, other.to_string()),
        })?;
        Ok(ledger)
    }

    /// Takes in what was appended since the handle was opened or refreshed.
    ///
    /// # Errors
    /// [`ReadError`] when the database cannot be read; the handle then stays as it was.
    pub fn refresh(&mut self) -> Result<(), ReadError> {
        let last = read_last(&self.connection)?;
        let Some(entry) = last else {
            return Err(ReadError::Damaged { detail: "it has no events".to_owned() });
        };
        let size = entry.seq + 1;
        let mut registry = self.registry.clone();
        let mut statement = self.connection.prepare_cached(
            "SELECT e.seq, e.entry FROM registry r JOIN events e ON e.seq = r.seq \
             WHERE r.seq >= ?1 AND r.seq < ?2 ORDER BY r.seq",
        )?;
        let mut rows = statement.query((self.size.cast_signed(), size.cast_signed()))?;
        while let Some(row) = rows.next()? {
            let opened = read_event(&entry_of(row)?)?;
            registry.apply(opened.entry.seq, &opened.event);
        }
        drop(rows);
        drop(statement);
        (self.size, self.clock, self.registry) = (size, entry.received, registry);
        Ok(())
    }

    /// Reads one state of the database until the snapshot is dropped, whatever is appended
    /// meanwhile. Many small reads cost less within one.
    ///
    /// # Errors
    /// [`ReadError`] when the database cannot be read, or a snapshot is already held.
    pub fn snapshot(&self) -> Result<Snapshot<'_>, ReadError> {
        Ok(Snapshot { _reading: self.connection.unchecked_transaction()? })
    }

    /// Returns where the parts of the book lie.
    pub fn paths(&self) -> &BookPaths {
        &self.paths
    }

    /// Returns the book's name.
    pub fn origin(&self) -> &str {
        &self.origin
    }

    /// Tells whether the ledger's clock moves only by events.
    pub fn simulated_clock(&self) -> bool {
        self.simulated_clock
    }

    /// Returns the number of events.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// Returns the ledger's clock: when it took its last event.
    pub fn clock(&self) -> Time {
        self.clock
    }

    /// Returns the keys that the book has had, and has.
    pub fn book_keys(&self) -> BookKeys {
        BookKeys::of(self.registry.keyring()).unwrap_or_else(|| BookKeys::new(self.book_key))
    }

    /// Returns the book's first public key, by which it is known.
    pub fn book_key(&self) -> PublicKey {
        self.book_key
    }

    /// Returns components, environments, policy and keys at the head.
    pub fn registry(&self) -> &Registry {
        &self.registry
    }

    /// Returns the seqs of the events that define components, environments, policy and keys.
    ///
    /// # Errors
    /// [`ReadError`] when the database cannot be read.
    pub fn registry_seqs(&self) -> Result<Vec<u64>, ReadError> {
        let mut statement = self
            .connection
            .prepare_cached("SELECT seq FROM registry WHERE seq < ?1 ORDER BY seq")?;
        let rows = statement.query_map([self.size.cast_signed()], |row| row.get::<_, i64>(0))?;
        Ok(rows.map(|seq| seq.map(i64::cast_unsigned)).collect::<Result<_, _>>()?)
    }

    /// Returns the signed checkpoint over all events that this handle sees.
    ///
    /// # Errors
    /// [`ReadError::Damaged`] when there is none.
    pub fn checkpoint(&self) -> Result<SignedCheckpoint, ReadError> {
        self.checkpoint_covering(self.size - 1)?.filter(|c| c.size == self.size).ok_or_else(|| {
            ReadError::Damaged { detail: format!("there is no checkpoint of size {}", self.size) }
        })
    }

    /// Returns the first signed checkpoint that covers an event, if there is one.
    ///
    /// # Errors
    /// [`ReadError`] when the database cannot be read.
    pub fn checkpoint_covering(&self, seq: u64) -> Result<Option<SignedCheckpoint>, ReadError> {
        let mut statement = self.connection.prepare_cached(
            "SELECT size, note FROM checkpoints WHERE size > ?1 ORDER BY size LIMIT 1",
        )?;
        let row = statement
            .query_row([seq.cast_signed()], |row| Ok((row.get(0)?, row.get(1)?)))
            .optional()?;
        let Some((size, note)) = row else { return Ok(None) };
        let mut checkpoint = [checkpoint_of(size, note)?];
        cosignature::attach(&self.connection, &mut checkpoint)?;
        let [checkpoint] = checkpoint;
        Ok(Some(checkpoint))
    }

    /// Returns the signed checkpoints whose size lies in a range, the smallest first.
    ///
    /// # Errors
    /// [`ReadError`] when the database cannot be read or holds something else.
    pub fn checkpoints(&self, sizes: Range<u64>) -> Result<Vec<SignedCheckpoint>, ReadError> {
        let mut statement = self.connection.prepare_cached(
            "SELECT size, note FROM checkpoints WHERE size >= ?1 AND size < ?2 ORDER BY size",
        )?;
        let end = sizes.end.min(self.size + 1).cast_signed();
        let mut rows = statement.query((sizes.start.min(self.size + 1).cast_signed(), end))?;
        let mut checkpoints = Vec::new();
        while let Some(row) = rows.next()? {
            checkpoints.push(checkpoint_of(row.get(0)?, row.get(1)?)?);
        }
        cosignature::attach(&self.connection, &mut checkpoints)?;
        Ok(checkpoints)
    }

    /// Returns the event at a seq, if the book holds it.
    ///
    /// # Errors
    /// [`ReadError`] when it cannot be read.
    pub fn record(&self, seq: u64) -> Result<Option<Record>, ReadError> {
        if seq >= self.size {
            return Ok(None);
        }
        read_entry(&self.connection, seq)?.map(|bytes| self.record_of(&bytes)).transpose()
    }

    /// Returns the bytes of the entry at a seq, if the book holds it.
    ///
    /// # Errors
    /// [`ReadError`] when it cannot be read.
    pub fn entry(&self, seq: u64) -> Result<Option<Vec<u8>>, ReadError> {
        if seq >= self.size {
            return Ok(None);
        }
        Ok(read_entry(&self.connection, seq)?.map(|raw| raw.bytes))
    }

    /// Returns the event at a seq as its author signed it, if the book holds it.
    ///
    /// # Errors
    /// [`ReadError`] when it cannot be read.
    pub fn signed(&self, seq: u64) -> Result<Option<SignedEvent>, ReadError> {
        let Some(bytes) = self.entry(seq)? else { return Ok(None) };
        let wrong = |detail: String| ReadError::Entry { seq, detail };
        let entry = Entry::decode(&bytes).map_err(|error| wrong(error.to_string()))?;
        let (payload_type, body) =
            split_pae(&entry.pae).map_err(|error| wrong(error.to_string()))?;
        Ok(Some(SignedEvent {
            payload_type: payload_type.to_owned(),
            body: body.to_vec(),
            key_id: entry.key_id,
            signature: entry.signature,
        }))
    }

    /// Calls `visit` for each event whose seq lies in a range, in order, until it breaks.
    ///
    /// # Errors
    /// [`ReadError`] for the first event that cannot be read.
    pub fn scan(
        &self,
        range: Range<u64>,
        mut visit: impl FnMut(Record) -> ControlFlow<()>,
    ) -> Result<(), ReadError> {
        self.scan_entries(range, |raw| Ok(visit(self.record_of(&raw)?)))
    }

    /// Calls `visit` with the raw entries in a range.
    pub(super) fn scan_entries(
        &self,
        range: Range<u64>,
        mut visit: impl FnMut(RawEntry) -> Result<ControlFlow<()>, ReadError>,
    ) -> Result<(), ReadError> {
        let mut statement = self.connection.prepare_cached(
            "SELECT seq, entry FROM events WHERE seq >= ?1 AND seq < ?2 ORDER BY seq",
        )?;
        let (start, end) = (range.start.min(self.size), range.end.min(self.size));
        let mut rows = statement.query((start.cast_signed(), end.cast_signed()))?;
        let mut expected = start;
        while let Some(row) = rows.next()? {
            let raw = entry_of(row)?;
            if raw.seq != expected {
                return Err(gap(expected));
            }
            expected += 1;
            if visit(raw)?.is_break() {
                return Ok(());
            }
        }
        if expected < end { Err(gap(expected)) } else { Ok(()) }
    }

    /// Checks that the database holds at least what was acknowledged, and that it is the same.
    ///
    /// A pin behind the database is what a crash between commit and pin leaves; the next commit mends
    /// it. Without a pin nothing can be checked here, and `verify` says so. A reader that opened the
    /// book before the newest commit looks behind its pin: it opens the book again to tell.
    ///
    /// # Errors
    /// [`OpenError::BehindPin`]; [`OpenError::Damaged`] when the pin is of another history.
    pub fn check_pin(&self) -> Result<(), OpenError> {
        let path = self.paths.pin();
        let Some(note) = pin::read(&path).map_err(OpenError::io(&path))? else { return Ok(()) };
        let pinned = self
            .book_keys()
            .open(&note, &self.origin)
            .map_err(|error| OpenError::damaged(&path, error.to_string()))?;
        if pinned.size > self.size {
            return Err(OpenError::BehindPin { pin: path, size: self.size, pin_size: pinned.size });
        }
        let stored = self
            .checkpoints(pinned.size..pinned.size + 1)
            .map_err(|error| OpenError::damaged(&path, error.to_string()))?
            .pop();
        if stored.is_none_or(|stored: SignedCheckpoint| stored.root != pinned.root) {
            let detail = format!("the log's first {} events are not those of the pin", pinned.size);
            return Err(OpenError::damaged(&self.paths.database(), detail));
        }
        Ok(())
    }

    /// Returns the seq of an event, given its id.
    ///
    /// # Errors
    /// [`ReadError`] when the database cannot be read.
    pub fn find(&self, id: Uuid) -> Result<Option<u64>, ReadError> {
        let mut statement =
            self.connection.prepare_cached("SELECT seq FROM events WHERE id = ?1")?;
        let seq = statement
            .query_row([id.as_bytes().as_slice()], |row| row.get::<_, i64>(0))
            .optional()?;
        Ok(seq.map(i64::cast_unsigned).filter(|&seq| seq < self.size))
    }

    fn record_of(&self, raw: &RawEntry) -> Result<Record, ReadError> {
        let Opened { entry, payload_type, body, event } = read_event(raw)?;
        let keyring = self.registry.keyring();
        let author = keyring.author(entry.key_id, entry.seq);
        Ok(Record {
            seq: entry.seq,
            received: entry.received,
            key_id: entry.key_id,
            principal: author.map(|grant| grant.principal.clone()).unwrap_or_default(),
            signature: entry.signature,
            prev_chain: entry.prev_chain,
            chain_hash: chain::link(&raw.bytes),
            leaf_hash: tree::leaf_hash(&raw.bytes),
            payload_type,
            body,
            event,
        })
    }
}

/// One state of the database, held for reading.
#[must_use]
pub struct Snapshot<'a> {
    _reading: Transaction<'a>,
}

/// The bytes of an entry and the seq of its row.
pub(super) struct RawEntry {
    pub(super) seq: u64,
    pub(super) bytes: Vec<u8>,
}

/// An entry with its payload opened.
struct Opened {
    entry: Entry,
    payload_type: String,
    body: Vec<u8>,
    event: Event,
}

fn gap(seq: u64) -> ReadError {
    ReadError::Entry { seq, detail: "it is missing".to_owned() }
}

fn entry_of(row: &Row<'_>) -> Result<RawEntry, ReadError> {
    Ok(RawEntry { seq: row.get::<_, i64>(0)?.cast_unsigned(), bytes: row.get(1)? })
}

pub(super) fn read_entry(connection: &Connection, seq: u64) -> Result<Option<RawEntry>, ReadError> {
    let mut statement =
        connection.prepare_cached("SELECT seq, entry FROM events WHERE seq = ?1")?;
    let mut rows = statement.query([seq.cast_signed()])?;
    rows.next()?.map(entry_of).transpose()
}

fn read_last(connection: &Connection) -> Result<Option<Entry>, ReadError> {
    let mut statement =
        connection.prepare_cached("SELECT seq, entry FROM events ORDER BY seq DESC LIMIT 1")?;
    let mut rows = statement.query([])?;
    rows.next()?.map(|row| decode(&entry_of(row)?)).transpose()
}

fn decode(raw: &RawEntry) -> Result<Entry, ReadError> {
    let wrong = |detail: String| ReadError::Entry { seq: raw.seq, detail };
    let entry = Entry::decode(&raw.bytes).map_err(|error| wrong(error.to_string()))?;
    if entry.seq != raw.seq {
        return Err(wrong(format!("it says that it is seq {}", entry.seq)));
    }
    Ok(entry)
}

fn read_event(raw: &RawEntry) -> Result<Opened, ReadError> {
    let wrong = |detail: String| ReadError::Entry { seq: raw.seq, detail };
    let entry = decode(raw)?;
    let (payload_type, body) = split_pae(&entry.pae).map_err(|error| wrong(error.to_string()))?;
    let value =
        intake::parse_payload(payload_type, body).map_err(|refusal| wrong(refusal.to_string()))?;
    let kind = value.get("kind").and_then(serde_json::Value::as_str).and_then(Kind::parse);
    let event = match (kind, value.as_object()) {
        (Some(kind), Some(fields)) => {
            Event::from_fields(kind, fields).map_err(|error| wrong(error.to_string()))?
        }
        _ => return Err(wrong("its kind is unknown".to_owned())),
    };
    let (payload_type, body) = (payload_type.to_owned(), body.to_vec());
    Ok(Opened { entry, payload_type, body, event })
}

/// Reads a stored checkpoint without checking its signature.
fn checkpoint_of(size: i64, note: String) -> Result<SignedCheckpoint, ReadError> {
    let parsed = Note::parse(&note).ok().and_then(|note| Checkpoint::parse(&note.text).ok());
    match parsed {
        Some(parsed) if parsed.size == size.cast_unsigned() => {
            Ok(SignedCheckpoint { size: parsed.size, root: parsed.root, note })
        }
        _ => {
            Err(ReadError::Damaged { detail: format!("the checkpoint of size {size} is no such") })
        }
    }
}
