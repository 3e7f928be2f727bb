//! The read model: `book/views.db`, an index from keys to events and the folds at the head.
//!
//! Everything here is derived and may be deleted at any moment; it comes back by replay, equal to
//! the row. It is advanced from the last applied seq when somebody asks, never on append. It is
//! dropped and rebuilt when it belongs to another book, another version of relbook, or a log that
//! no longer holds what was applied. What an event means is `release`'s matter: this module only
//! remembers where events are and what the fold gave.

mod advance;
mod check;
mod correction;
mod erasure;
mod level;
mod read;
mod schema;

use std::cell::RefCell;
use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;

use relbook_ledger::store::{Ledger, Record, Snapshot};
use rusqlite::{Connection, Transaction};

use crate::release::{Fact, FactsError, Lens};

pub(crate) use check::check;
pub use read::View;

use correction::Corrections;

/// Reports progress: events applied so far, events to apply.
pub type Progress<'a> = &'a dyn Fn(u64, u64);

/// The indexed read model of one book.
pub struct Views {
    ledger: Ledger,
    db: Connection,
    corrections: Corrections,
    facts: RefCell<HashMap<u64, Arc<Fact>>>,
    /// Where to stop short of the head.
    limit: u64,
}

/// One state of the log and of its views, held for reading.
#[must_use]
pub struct Held<'a> {
    _log: Snapshot<'a>,
    _views: Transaction<'a>,
}

/// Facts kept in memory; beyond it the cache starts anew.
const FACTS_CACHED_MAX: usize = 65_536;

impl Views {
    /// Opens the views of the book in `dir` and brings them up to the head of `ledger`. Where
    /// the directory cannot be written, they are built in memory.
    ///
    /// # Errors
    /// [`FactsError`] when the log cannot be read.
    pub fn open(dir: &Path, ledger: Ledger, progress: Progress<'_>) -> Result<Self, FactsError> {
        let path = dir.join("views.db");
        let on_disk = schema::open(&path, &ledger).and_then(|db| {
            let mut views = Self::over(db, ledger_again(dir)?);
            views.advance(progress)?;
            Ok(views)
        });
        match on_disk {
            Ok(views) => Ok(views),
            // A cache that cannot be used is no reason to leave a question unanswered.
            Err(_) => Self::in_memory(ledger, progress),
        }
    }

    /// Builds the views in memory.
    ///
    /// # Errors
    /// [`FactsError`] when the log cannot be read.
    pub fn in_memory(ledger: Ledger, progress: Progress<'_>) -> Result<Self, FactsError> {
        let mut views = Self::over(schema::in_memory()?, ledger);
        views.advance(progress)?;
        Ok(views)
    }

    fn over(db: Connection, ledger: Ledger) -> Self {
        Self {
            ledger,
            db,
            corrections: Corrections::default(),
            facts: RefCell::default(),
            limit: u64::MAX,
        }
    }

    /// Returns the ledger that the views are made from.
    pub fn ledger(&self) -> &Ledger {
        &self.ledger
    }

    /// Holds one state of the log and of the views, for the many small reads of one answer.
    ///
    /// # Errors
    /// [`FactsError`] when they cannot be read, or are already held.
    pub fn hold(&self) -> Result<Held<'_>, FactsError> {
        let views = self.db.unchecked_transaction().map_err(FactsError::new)?;
        Ok(Held { _log: self.ledger.snapshot().map_err(FactsError::new)?, _views: views })
    }

    /// Returns the facts that one view shows.
    pub fn view(&self, lens: Lens) -> View<'_> {
        View::new(self, lens)
    }

    /// Returns every derived row as text, table by table, to compare two states.
    ///
    /// # Errors
    /// [`FactsError`] when a table cannot be read.
    pub fn dump(&self) -> Result<Vec<String>, FactsError> {
        schema::dump(&self.db)
    }

    fn fact(&self, seq: u64) -> Result<Option<Arc<Fact>>, FactsError> {
        if let Some(fact) = self.facts.borrow().get(&seq) {
            return Ok(Some(Arc::clone(fact)));
        }
        let Some(record) = self.ledger.record(seq).map_err(FactsError::new)? else {
            return Ok(None);
        };
        Ok(Some(self.remember(record)?))
    }

    fn remember(&self, mut record: Record) -> Result<Arc<Fact>, FactsError> {
        self.show_erasures(&mut record)?;
        let fact = Arc::new(Fact {
            seq: record.seq,
            recorded_at: record.received,
            body_digest: *blake3::hash(&record.body).as_bytes(),
            principal: record.principal,
            key_id: record.key_id,
            event: record.event,
        });
        let mut facts = self.facts.borrow_mut();
        if facts.len() >= FACTS_CACHED_MAX {
            facts.clear();
        }
        facts.insert(fact.seq, Arc::clone(&fact));
        Ok(fact)
    }
}

fn ledger_again(dir: &Path) -> Result<Ledger, FactsError> {
    Ledger::open(dir).map_err(FactsError::new)
}

/// Returns the bytes under which a key is stored: 128 bits of its BLAKE3.
fn key_bytes(key: &crate::release::Key) -> [u8; 16] {
    let hash = blake3::hash(key.to_string().as_bytes());
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&hash.as_bytes()[..16]);
    bytes
}

/// Returns a seq as SQLite stores it; logs are far shorter than 2^63.
fn sql(seq: u64) -> i64 {
    i64::try_from(seq).unwrap_or(i64::MAX)
}

/// Returns a stored number as a seq.
fn seq_of(stored: i64) -> u64 {
    u64::try_from(stored).unwrap_or_default()
}
