//! Making a book: keys, database, genesis event, the first admin key.
//!
//! Nothing that exists is ever overwritten. A crash in the middle leaves a directory that every
//! command refuses to use as a book; removing it is safe, because nothing was acknowledged.

use std::path::Path;

use serde_json::{Map, Value, json};

use super::append::AppendError;
use super::clock::{Clock, SystemClock};
use super::durable;
use super::ledger::Ledger;
use super::lock::WriterLock;
use super::open_error::OpenError;
use super::writer::Writer;
use super::{BookPaths, FORMAT_VERSION, sqlite};
use crate::chain;
use crate::event::Kind;
use crate::key::{PublicKey, SigningKey};
use crate::note;
use crate::registry::Registry;
use crate::time::Time;
use crate::tree::tile::TileEdge;

/// What a new book is to be.
#[derive(Debug, Clone)]
pub struct NewBook {
    /// The book's name, which its checkpoints carry: no white space, no plus sign.
    pub origin: String,
    /// Whether the ledger's clock moves only by events.
    pub simulated_clock: bool,
}

/// The public keys of a new book.
#[derive(Debug, Clone, Copy)]
pub struct Created {
    /// The book's key, which signs checkpoints.
    pub book_key: PublicKey,
    /// The first admin's key.
    pub admin_key: PublicKey,
}

impl Ledger {
    /// Makes a book in a directory, which may exist but must hold no book.
    ///
    /// # Errors
    /// [`OpenError::Exists`] when there is a part of a book already, [`OpenError::Origin`] for a
    /// name that cannot stand in checkpoints, [`OpenError::Io`] when the disk refuses.
    pub fn create(dir: &Path, book: NewBook) -> Result<Created, OpenError> {
        Self::create_with_clock(dir, book, Box::new(SystemClock))
    }

    /// Makes a book with another clock than the system's.
    ///
    /// # Errors
    /// As [`Ledger::create`].
    pub fn create_with_clock(
        dir: &Path,
        book: NewBook,
        clock: Box<dyn Clock>,
    ) -> Result<Created, OpenError> {
        note::check_name(&book.origin)
            .map_err(|error| OpenError::Origin { detail: error.to_string() })?;
        let paths = BookPaths::new(dir);
        std::fs::create_dir_all(dir).map_err(OpenError::io(dir))?;
        let lock = WriterLock::acquire(&paths.lock())?;
        for path in [paths.database(), paths.private_key("book"), paths.private_key("admin")] {
            if path.try_exists().map_err(OpenError::io(&path))? {
                return Err(OpenError::Exists { path });
            }
        }
        durable::create_secret_dir(&paths.keys()).map_err(OpenError::io(&paths.keys()))?;
        let book_key = create_key(&paths, "book")?;
        let admin_key = create_key(&paths, "admin")?;
        let created = Created { book_key: book_key.public(), admin_key: admin_key.public() };

        let connection = sqlite::create(&paths.database())?;
        let ledger = Ledger {
            connection,
            origin: book.origin.clone(),
            book_key: created.book_key,
            simulated_clock: book.simulated_clock,
            size: 0,
            clock: Time::EPOCH,
            registry: Registry::default(),
            paths,
        };
        let chain = chain::genesis(&book.origin, &created.book_key);
        let mut writer = Writer::assemble(ledger, book_key, clock, TileEdge::new(), chain, lock);
        writer.write_meta().map_err(OpenError::database(&writer.ledger.paths.database()))?;
        let first = [
            (Kind::BookCreated, genesis_fields(&book, created.book_key)),
            (Kind::KeyEnrolled, admin_fields(created.admin_key)),
        ];
        for (kind, fields) in first {
            let appended = writer.append_as_book(kind, fields);
            appended.map_err(|error| open_error(error, &writer.ledger.paths))?;
        }
        durable::sync_parent(dir).map_err(OpenError::io(dir))?;
        Ok(created)
    }
}

fn open_error(error: AppendError, paths: &BookPaths) -> OpenError {
    match error {
        AppendError::Commit { source } => OpenError::Database { path: paths.database(), source },
        AppendError::Pin { path, source } => OpenError::Io { path, source },
        // The only input is the name, which may break a rule of names that notes do not have.
        other => OpenError::Origin { detail: other.to_string() },
    }
}

fn create_key(paths: &BookPaths, name: &str) -> Result<SigningKey, OpenError> {
    let path = paths.private_key(name);
    let key =
        SigningKey::generate().map_err(|source| OpenError::Key { path: path.clone(), source })?;
    durable::create(&path, key.to_pem().as_bytes(), true).map_err(OpenError::io(&path))?;
    let path = paths.public_key(name);
    durable::create(&path, key.public().to_pem().as_bytes(), false)
        .map_err(OpenError::io(&path))?;
    Ok(key)
}

fn genesis_fields(book: &NewBook, key: PublicKey) -> Map<String, Value> {
    fields(json!({
        "origin": book.origin,
        "book_public_key": key.to_hex(),
        "format_version": FORMAT_VERSION,
        "simulated_clock": book.simulated_clock,
    }))
}

fn admin_fields(key: PublicKey) -> Map<String, Value> {
    fields(json!({
        "principal": "admin",
        "key_id": key.id().to_string(),
        "public_key": key.to_hex(),
        "roles": ["admin"],
    }))
}

fn fields(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(fields) => fields,
        _ => Map::new(),
    }
}

impl Writer {
    /// Writes the facts about the book that are known before its first event.
    fn write_meta(&self) -> rusqlite::Result<()> {
        let ledger = &self.ledger;
        let transaction = ledger.connection.unchecked_transaction()?;
        for (key, value) in [
            ("format", FORMAT_VERSION.to_string().as_bytes()),
            ("origin", ledger.origin.as_bytes()),
            ("book_key", ledger.book_key.as_bytes().as_slice()),
        ] {
            transaction.execute("INSERT INTO meta(key, value) VALUES (?1, ?2)", (key, value))?;
        }
        transaction.commit()
    }
}
