//! A book in a directory of its own, filled by its admin key; gone when dropped.

use std::path::{Path, PathBuf};

use relbook_ledger::envelope::SignedEvent;
use relbook_ledger::key::SigningKey;
use relbook_ledger::statement;
use relbook_ledger::store::{Appended, Ledger, NewBook, Writer};
use relbook_ledger::time::Time;
use serde_json::{Map, Value, json};

/// A scratch book.
#[derive(Debug)]
pub struct Scratch {
    dir: tempfile::TempDir,
    key: SigningKey,
    count: u64,
}

impl Scratch {
    /// Makes a book whose clock moves only by events.
    pub fn simulated() -> Self {
        let dir = tempfile::tempdir().expect("a temporary directory can be made");
        let book = NewBook { origin: "test.example/book".to_owned(), simulated_clock: true };
        Ledger::create(&dir.path().join("book"), book).expect("an empty directory takes a book");
        let pem = std::fs::read_to_string(dir.path().join("book/keys/admin.pem"));
        let key = SigningKey::from_pem(&pem.expect("init writes the admin key")).expect("its PEM");
        Self { dir, key, count: 0 }
    }

    /// Returns the directory of the book.
    pub fn path(&self) -> PathBuf {
        self.dir.path().join("book")
    }

    /// Returns the directory that holds the book and nothing else.
    pub fn parent(&self) -> &Path {
        self.dir.path()
    }

    /// Returns the admin key.
    pub fn key(&self) -> &SigningKey {
        &self.key
    }

    /// Signs an event: a missing id, ledger, kind-independent field is filled in.
    pub fn sign(&mut self, event: &Value) -> SignedEvent {
        self.count += 1;
        sign(event, self.count, &self.key)
    }

    /// Appends events as one batch.
    ///
    /// # Panics
    /// When the book refuses them.
    pub fn append(&mut self, events: &[Value]) -> Vec<Appended> {
        let batch: Vec<SignedEvent> = events.iter().map(|event| self.sign(event)).collect();
        let mut writer = Writer::open(&self.path()).expect("nobody else writes");
        writer.append(&batch).unwrap_or_else(|error| panic!("{error}: {events:#?}"))
    }
}

/// Signs an event with a deterministic id made of its time and a number.
///
/// # Panics
/// When the value is no event object.
pub fn sign(event: &Value, number: u64, key: &SigningKey) -> SignedEvent {
    let at = event["occurred_at"].as_str().and_then(|text| Time::parse(text).ok());
    let mut fields = Map::new();
    fields.insert("id".to_owned(), json!(uuid(at.unwrap_or(Time::EPOCH), number)));
    fields.insert("ledger".to_owned(), json!("test.example/book"));
    fields.extend(event.as_object().expect("an event is an object").clone());
    statement::sign(&fields, key).expect("a well-formed event")
}

/// Makes a UUIDv7 of a time and a number.
pub fn uuid(at: Time, number: u64) -> String {
    let millis = u64::try_from(at.micros() / 1000).unwrap_or_default();
    format!(
        "{:08x}-{:04x}-7{:03x}-8{:03x}-{:012x}",
        millis >> 16,
        millis & 0xFFFF,
        number >> 60 & 0xFFF,
        number >> 48 & 0xFFF,
        number & 0xFFFF_FFFF_FFFF
    )
}
