//! Events that are signed while the book cannot be reached, kept in order until it can.
//!
//! A batch is one file of DSSE envelopes, whole or absent after a crash; the names count up under
//! a lock. It is removed after the book has acknowledged it. A crash in between delivers it twice,
//! and the book knows the ids: each event enters exactly once. What the book was like when it was
//! last reached (its name, its definitions) stands beside the batches, because an author must
//! know it to sign. Events keep the time at which they were signed; the book adds its own.

mod delivery;

use std::fs::{self, File, OpenOptions};
use std::io::Write as _;
use std::path::{Path, PathBuf};

use relbook_ledger::envelope::SignedEvent;
use relbook_ledger::event::{Event, Kind};
use relbook_ledger::registry::Registry;
use relbook_ledger::store::Ledger;
use serde_json::{Value, json};

pub use delivery::{Delivered, Delivery, Way};

use crate::error::Error;

const BOOK_FILE: &str = "book.json";
const LOCK_FILE: &str = "spool.lock";
const BATCH_SUFFIX: &str = ".ndjson";

/// A directory of batches that wait for their book.
#[derive(Debug, Clone)]
pub struct Spool {
    dir: PathBuf,
}

/// What is known of a book that cannot be reached.
#[derive(Debug, Clone)]
pub struct Away {
    /// The book's name.
    pub origin: String,
    /// Its number of events when it was last reached.
    pub size: u64,
    /// Its definitions and keys then.
    pub registry: Registry,
}

/// The lock of a spool, held while a batch is put in or delivered.
#[derive(Debug)]
pub struct Held {
    _file: File,
}

impl Spool {
    /// Names a spool; the directory is made when something is put into it.
    pub fn new(dir: impl Into<PathBuf>) -> Self {
        Self { dir: dir.into() }
    }

    /// Returns the directory.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// Writes down what an author must know of a book: its name and its definitions.
    ///
    /// # Errors
    /// [`Error::NotDone`] when the book cannot be read, or the spool not written.
    pub fn remember(&self, ledger: &Ledger) -> Result<(), Error> {
        let mut events = Vec::new();
        for seq in ledger.registry_seqs()? {
            if let Some(record) = ledger.record(seq)? {
                let envelope = json!({
                    "seq": seq,
                    "payload_type": record.payload_type,
                    "body": String::from_utf8_lossy(&record.body),
                });
                events.push(envelope);
            }
        }
        let book = json!({ "origin": ledger.origin(), "size": ledger.size(), "events": events });
        let path = self.dir.join(BOOK_FILE);
        let text = format!("{book:#}\n");
        if fs::read_to_string(&path).is_ok_and(|known| known == text) {
            return Ok(());
        }
        self.make()?;
        self.write(&path, text.as_bytes())
    }

    /// Returns what is known of the book.
    ///
    /// # Errors
    /// [`Error::NotDone`] when nothing is known, or what stands there cannot be read.
    pub fn book(&self) -> Result<Away, Error> {
        let path = self.dir.join(BOOK_FILE);
        let text = fs::read(&path).map_err(|error| {
            Error::file(&path, "read", &error).hint(
                "a spool must know its book: run `relbook spool prepare DIR` once where the book \
                 can be reached, and keep the directory",
            )
        })?;
        let damaged = |what: &str| {
            Error::not_done("spool", format!("`{}` is damaged: {what}", path.display()))
                .hint("run `relbook spool prepare DIR` again where the book can be reached")
        };
        let book: Value = serde_json::from_slice(&text).map_err(|e| damaged(&e.to_string()))?;
        let origin = book.get("origin").and_then(Value::as_str).ok_or_else(|| damaged("origin"))?;
        let size = book.get("size").and_then(Value::as_u64).ok_or_else(|| damaged("size"))?;
        let mut registry = Registry::default();
        for event in book.get("events").and_then(Value::as_array).into_iter().flatten() {
            let (seq, event) = definition(event).ok_or_else(|| damaged("a definition"))?;
            registry.apply(seq, &event);
        }
        Ok(Away { origin: origin.to_owned(), size, registry })
    }

    /// Puts a batch in; it is durable when this returns.
    ///
    /// # Errors
    /// [`Error::NotDone`] when it cannot be written; then nothing of it is there.
    pub fn put(&self, batch: &[SignedEvent]) -> Result<PathBuf, Error> {
        self.make()?;
        let _held = self.lock()?;
        let number = self.last_number()? + 1;
        let path = self.dir.join(format!("{number:012}{BATCH_SUFFIX}"));
        let mut text = String::new();
        for event in batch {
            text.push_str(&event.to_dsse_json().to_string());
            text.push('\n');
        }
        self.write(&path, text.as_bytes())?;
        Ok(path)
    }

    /// Returns the files of the batches that wait, the first one first.
    ///
    /// # Errors
    /// [`Error::NotDone`] when the directory cannot be read.
    pub fn batches(&self) -> Result<Vec<PathBuf>, Error> {
        let failed = |error: std::io::Error| Error::file(&self.dir, "read", &error);
        let mut found = Vec::new();
        for entry in fs::read_dir(&self.dir).map_err(failed)? {
            let path = entry.map_err(failed)?.path();
            if number_of(&path).is_some() {
                found.push(path);
            }
        }
        found.sort_by_key(|path| number_of(path));
        Ok(found)
    }

    /// Returns the highest number that a batch has or had, of those that are still there: a batch
    /// that was set aside keeps its own.
    fn last_number(&self) -> Result<u64, Error> {
        let failed = |error: std::io::Error| Error::file(&self.dir, "read", &error);
        let mut last = 0;
        for entry in fs::read_dir(&self.dir).map_err(failed)? {
            let path = entry.map_err(failed)?.path();
            let number = path.file_stem().and_then(|stem| stem.to_str()?.parse().ok());
            last = last.max(number.unwrap_or_default());
        }
        Ok(last)
    }

    /// Takes the lock, waiting for whoever holds it.
    ///
    /// # Errors
    /// [`Error::NotDone`] when there is no such directory.
    pub fn lock(&self) -> Result<Held, Error> {
        let path = self.dir.join(LOCK_FILE);
        let mut options = OpenOptions::new();
        options.write(true).create(true).truncate(false);
        let file = options.open(&path).map_err(|error| Error::file(&path, "open", &error))?;
        file.lock().map_err(|error| Error::file(&path, "lock", &error))?;
        Ok(Held { _file: file })
    }

    /// Removes a delivered batch.
    ///
    /// # Errors
    /// [`Error::NotDone`] when it cannot be removed; delivering it again changes nothing.
    pub fn remove(&self, path: &Path) -> Result<(), Error> {
        fs::remove_file(path).map_err(|error| Error::file(path, "remove", &error))?;
        self.sync()
    }

    /// Sets a refused batch aside, so that those behind it can go on.
    ///
    /// # Errors
    /// [`Error::NotDone`] when it cannot be moved.
    pub fn set_aside(&self, path: &Path) -> Result<PathBuf, Error> {
        let aside = path.with_extension("refused");
        fs::rename(path, &aside).map_err(|error| Error::file(path, "rename", &error))?;
        self.sync()?;
        Ok(aside)
    }

    fn make(&self) -> Result<(), Error> {
        fs::create_dir_all(&self.dir).map_err(|error| Error::file(&self.dir, "make", &error))
    }

    fn write(&self, path: &Path, bytes: &[u8]) -> Result<(), Error> {
        let failed = |error: std::io::Error| Error::file(path, "write", &error);
        let mut file = tempfile::NamedTempFile::new_in(&self.dir).map_err(failed)?;
        file.write_all(bytes).and_then(|()| file.as_file().sync_all()).map_err(failed)?;
        file.persist(path).map_err(|error| failed(error.error))?;
        self.sync()
    }

    fn sync(&self) -> Result<(), Error> {
        let synced = File::open(&self.dir).and_then(|dir| dir.sync_all());
        synced.map_err(|error| Error::file(&self.dir, "sync", &error))
    }
}

fn number_of(path: &Path) -> Option<u64> {
    path.file_name()?.to_str()?.strip_suffix(BATCH_SUFFIX)?.parse().ok()
}

fn definition(value: &Value) -> Option<(u64, Event)> {
    let text = |name: &str| value.get(name).and_then(Value::as_str);
    let body = relbook_ledger::json::parse(text("body")?.as_bytes()).ok()?;
    let event = relbook_ledger::statement::open(text("payload_type")?, body).ok()?;
    let kind = event.get("kind").and_then(Value::as_str).and_then(Kind::parse)?;
    let event = Event::from_fields(kind, event.as_object()?).ok()?;
    Some((value.get("seq")?.as_u64()?, event))
}
