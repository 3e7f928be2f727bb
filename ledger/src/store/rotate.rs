//! Changing the book's own key, so that no crash leaves a book without the key that it needs.
//!
//! 1. The new key is made and written, durably, as `keys/book.next.pem`.
//! 2. One commit holds the event, signed by the old key, and the checkpoint signed by both.
//! 3. The old key's files get names of their own, the new ones take their place.
//!
//! Before the commit the new key is a file that nobody needs, and is used by the next try. After it
//! a writer that finds the old key still in place finishes the third step itself.

use std::io;

use serde_json::{Map, Value};

use super::append::{AppendError, Appended};
use super::ledger::Ledger;
use super::open_error::OpenError;
use super::writer::Writer;
use super::{BookPaths, durable};
use crate::event::Kind;
use crate::key::{PublicKey, SigningKey};

/// The name of the key that is to come.
const NEXT: &str = "book.next";

/// Says why the book's key was not changed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RotateError {
    /// The key's files cannot be read or written.
    #[error(transparent)]
    Files(#[from] OpenError),
    /// The event was not appended.
    #[error(transparent)]
    Append(#[from] AppendError),
}

/// What a change of the book's key did.
#[derive(Debug, Clone)]
pub struct Rotated {
    /// The event in its place, with the checkpoint that both keys signed.
    pub appended: Appended,
    /// The key that went.
    pub previous: PublicKey,
    /// The key that came.
    pub key: PublicKey,
}

impl Writer {
    /// Gives the book a new key.
    ///
    /// # Errors
    /// [`RotateError`]; when the commit succeeded but the files could not be renamed, the next
    /// writer renames them.
    pub fn rotate_book_key(&mut self, reason: Option<&str>) -> Result<Rotated, RotateError> {
        let paths = self.ledger.paths.clone();
        let (previous, next) = (self.book_key.public(), next_key(&paths)?);
        let key = next.public();
        let mut fields = Map::new();
        fields.insert("previous_public_key".to_owned(), previous.to_hex().into());
        fields.insert("book_public_key".to_owned(), key.to_hex().into());
        if let Some(reason) = reason {
            fields.insert("reason".to_owned(), Value::from(reason));
        }
        self.next_book_key = Some(next.clone());
        let appended = self.append_as_book(Kind::BookRotated, fields);
        self.next_book_key = None;
        let appended = appended?;
        self.book_key = next;
        promote(&paths, &previous).map_err(OpenError::io(&paths.keys()))?;
        Ok(Rotated { appended, previous, key })
    }
}

/// Reads the key that an interrupted change left, or makes one.
fn next_key(paths: &BookPaths) -> Result<SigningKey, OpenError> {
    let path = paths.private_key(NEXT);
    let key = match std::fs::read_to_string(&path) {
        Ok(text) => SigningKey::from_pem(&text).ok(),
        Err(error) if error.kind() == io::ErrorKind::NotFound => None,
        Err(source) => return Err(OpenError::Io { path, source }),
    };
    let key = match key {
        Some(key) => key,
        None => {
            // Half a key, as a crash leaves it, was never the book's.
            let failed = |source| OpenError::Key { path: path.clone(), source };
            let key = SigningKey::generate().map_err(failed)?;
            durable::replace_secret(&path, key.to_pem().as_bytes())
                .map_err(OpenError::io(&path))?;
            key
        }
    };
    let path = paths.public_key(NEXT);
    durable::replace(&path, key.public().to_pem().as_bytes()).map_err(OpenError::io(&path))?;
    Ok(key)
}

/// Reads the book's key; finishes a change of it that was interrupted after its commit.
pub(super) fn read_book_key(ledger: &Ledger) -> Result<SigningKey, OpenError> {
    let (keys, paths) = (ledger.book_keys(), &ledger.paths);
    let path = paths.private_key("book");
    let unread = |error: io::Error| match error.kind() {
        io::ErrorKind::NotFound => OpenError::NoKey { path: path.clone() },
        _ => OpenError::io(&path)(error),
    };
    let read = std::fs::read_to_string(&path).map_err(unread).and_then(|text| {
        SigningKey::from_pem(&text).map_err(|source| OpenError::Key { path: path.clone(), source })
    });
    if let Ok(key) = &read
        && key.public() == keys.current()
    {
        return read;
    }
    let next = std::fs::read_to_string(paths.private_key(NEXT)).ok();
    let next = next.and_then(|text| SigningKey::from_pem(&text).ok());
    let next = next.filter(|key| key.public() == keys.current());
    if let (Some(next), Some(last)) = (next, keys.rotations().last()) {
        promote(paths, &last.previous).map_err(OpenError::io(&paths.keys()))?;
        return Ok(next);
    }
    read.and(Err(OpenError::OtherKey { path }))
}

/// Puts the new key in the place of the old one, whose files are kept under names of their own.
/// Each step may have been done already, by a process that did not come further.
fn promote(paths: &BookPaths, previous: &PublicKey) -> io::Result<()> {
    let retired = retired_name(previous);
    let public = paths.public_key(&retired);
    match durable::create(&public, previous.to_pem().as_bytes(), false) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
        _ => {}
    }
    let next = paths.public_key(NEXT);
    if next.try_exists()? {
        durable::rename(&next, &paths.public_key("book"))?;
    }
    // The private key comes last: it is what tells whether the change is done.
    let (book, retired) = (paths.private_key("book"), paths.private_key(&retired));
    if book.try_exists()? && !retired.try_exists()? {
        durable::rename(&book, &retired)?;
    }
    durable::rename(&paths.private_key(NEXT), &book)
}

/// Returns the name under which the files of a former book key are kept.
pub(crate) fn retired_name(key: &PublicKey) -> String {
    let id = key.id().to_string();
    format!("book.{}", &id[..8])
}
