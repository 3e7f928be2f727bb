//! The writer: the one handle that appends to a book.
//!
//! It holds the writer's lock from opening to dropping. On opening it checks that the database's
//! end is what was last committed and not less than what was last acknowledged; it never appends
//! to a book whose end it cannot vouch for. The batch itself is `append`.

use std::path::Path;

use uuid::Uuid;

use super::clock::{Clock, SystemClock};
use super::ledger::{Ledger, ReadError, Record, read_entry};
use super::lock::WriterLock;
use super::open_error::OpenError;
use super::rotate::read_book_key;
use super::{BookPaths, sqlite, tile};
use crate::chain::{self, ChainHash};
use crate::key::SigningKey;
use crate::limits::BATCH_EVENTS_MAX;
use crate::registry::Registry;
use crate::time::Time;
use crate::tree::tile::TileEdge;

/// A book, open for appending.
pub struct Writer {
    pub(super) ledger: Ledger,
    pub(super) book_key: SigningKey,
    /// The key that is to come, while the book's key is being changed.
    pub(super) next_book_key: Option<SigningKey>,
    pub(super) clock: Box<dyn Clock>,
    pub(super) edge: TileEdge,
    pub(super) chain: ChainHash,
    pub(super) batch_events_max: usize,
    /// Set by an I/O error at commit: what the disk holds is then unknown.
    pub(super) poisoned: bool,
    _lock: WriterLock,
}

impl std::fmt::Debug for Writer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Writer").field("dir", &self.ledger.paths.dir()).finish_non_exhaustive()
    }
}

impl Writer {
    /// Opens the book in a directory for appending.
    ///
    /// # Errors
    /// [`OpenError::Locked`] when another writer holds it, [`OpenError::BehindPin`] when it holds
    /// less than was acknowledged, [`OpenError::Key`] without the book's private key, and what
    /// [`Ledger::open`] says.
    pub fn open(dir: &Path) -> Result<Self, OpenError> {
        Self::open_with_clock(dir, Box::new(SystemClock))
    }

    /// Opens a book with another clock than the system's.
    ///
    /// # Errors
    /// As [`Writer::open`].
    pub fn open_with_clock(dir: &Path, clock: Box<dyn Clock>) -> Result<Self, OpenError> {
        let paths = BookPaths::new(dir);
        if !paths.database().try_exists().map_err(OpenError::io(&paths.database()))? {
            return Err(OpenError::Missing { dir: dir.to_owned() });
        }
        let lock = WriterLock::acquire(&paths.lock())?;
        let connection = sqlite::open_write(&paths.database())?;
        let ledger = Ledger::load(connection, paths)?;
        let book_key = read_book_key(&ledger)?;
        let (edge, chain) = check_end(&ledger)?;
        ledger.check_pin()?;
        Ok(Self::assemble(ledger, book_key, clock, edge, chain, lock))
    }

    pub(super) fn assemble(
        ledger: Ledger,
        book_key: SigningKey,
        clock: Box<dyn Clock>,
        edge: TileEdge,
        chain: ChainHash,
        lock: WriterLock,
    ) -> Self {
        let batch_events_max = BATCH_EVENTS_MAX;
        let poisoned = false;
        Self {
            ledger,
            book_key,
            next_book_key: None,
            clock,
            edge,
            chain,
            batch_events_max,
            poisoned,
            _lock: lock,
        }
    }

    /// Returns the book for reading, up to the last commit of this writer.
    pub fn ledger(&self) -> &Ledger {
        &self.ledger
    }

    /// Returns components, environments, policy and keys at the head.
    pub fn registry(&self) -> &Registry {
        &self.ledger.registry
    }

    /// Returns the book's name.
    pub fn origin(&self) -> &str {
        &self.ledger.origin
    }

    /// Returns the ledger's clock: when it took its last event.
    pub fn clock(&self) -> Time {
        self.ledger.clock
    }

    /// Returns the seq of an event, given its id.
    ///
    /// # Errors
    /// As [`Ledger::find`].
    pub fn find(&self, id: Uuid) -> Result<Option<u64>, ReadError> {
        self.ledger.find(id)
    }

    /// Returns the event at a seq, if the book holds it.
    ///
    /// # Errors
    /// As [`Ledger::record`].
    pub fn record(&self, seq: u64) -> Result<Option<Record>, ReadError> {
        self.ledger.record(seq)
    }

    /// Lets one batch hold another number of events than 100,000.
    pub fn set_batch_events_max(&mut self, events: usize) {
        self.batch_events_max = events;
    }
}

/// Checks that tiles, last entry and last checkpoint agree, and returns what comes after them.
fn check_end(ledger: &Ledger) -> Result<(TileEdge, ChainHash), OpenError> {
    let path = ledger.paths.database();
    let damaged = |detail: String| OpenError::damaged(&path, detail);
    let read = |error: ReadError| damaged(error.to_string());
    let partial = tile::read_partial(&ledger.connection, ledger.size).map_err(read)?;
    let edge =
        TileEdge::from_partial(ledger.size, partial).map_err(|error| damaged(error.to_string()))?;
    let stored = ledger.checkpoint().map_err(read)?;
    let checkpoint = ledger
        .book_keys()
        .open(&stored.note, &ledger.origin)
        .map_err(|error| damaged(error.to_string()))?;
    if checkpoint.size != edge.size() || checkpoint.root != edge.root() {
        return Err(damaged("its tree is not the one that was signed last".to_owned()));
    }
    let last = read_entry(&ledger.connection, ledger.size - 1).map_err(read)?;
    let last = last.ok_or_else(|| damaged("its last entry is missing".to_owned()))?;
    Ok((edge, chain::link(&last.bytes)))
}
