//! Where the book is and which key signs: from options, environment and defaults.
//!
//! A private key is read from a file or from the variable itself (a CI secret). Its text appears in
//! no message, and it is read only by commands that sign.

use std::path::{Path, PathBuf};
use std::time::Duration;

use relbook_ledger::key::SigningKey;
use relbook_ledger::time::Time;

use crate::args::Options;
use crate::error::Error;

/// The global options, resolved.
#[derive(Debug, Clone)]
pub struct Config {
    /// The directory of the book.
    pub book: PathBuf,
    /// How long to wait for another writer.
    pub wait: Duration,
    /// What had happened by then.
    pub as_of: Option<Time>,
    /// What the book knew then.
    pub as_known: Option<u64>,
    /// Whether answers come with the events that they rest on.
    pub explain: bool,
    key: Option<String>,
}

impl Config {
    /// Resolves the global options.
    ///
    /// # Errors
    /// [`Error::NotDone`] for the URL of a served book, which this version cannot reach.
    pub fn new(options: Options) -> Result<Self, Error> {
        let Options { book, key, wait, as_of, as_known, explain, .. } = options;
        if book.starts_with("http://") || book.starts_with("https://") {
            let message = format!("`{book}` is a served book; this version reads directories only");
            return Err(Error::not_done("unreachable", message)
                .hint("give a directory with --book DIR or RELBOOK_BOOK"));
        }
        let wait = Duration::from_secs(wait.unsigned_abs());
        Ok(Self { book: PathBuf::from(book), wait, as_of, as_known, explain, key })
    }

    /// Tells whether a key was named; otherwise that of the book's admin signs.
    pub fn names_key(&self) -> bool {
        self.key.is_some()
    }

    /// Reads the key that signs.
    ///
    /// # Errors
    /// [`Error::NotDone`] when there is no such file, or it is not a private key; [`Error::Usage`]
    /// when an empty one was given.
    pub fn signing_key(&self) -> Result<SigningKey, Error> {
        match &self.key {
            // A secret that a job does not get must not make it sign as the admin.
            Some(text) if text.trim().is_empty() => {
                Err(Error::usage("--key or RELBOOK_KEY is given and empty").hint(
                    "is the secret of the pipeline unset? Jobs of forks get none; unset the \
                     variable where the admin key of the book is to sign",
                ))
            }
            Some(text) if text.contains("-----BEGIN") => SigningKey::from_pem(text).map_err(|e| {
                Error::not_done("key", format!("RELBOOK_KEY or --key holds no usable key: {e}"))
                    .hint("it must be the whole text of a file made by `relbook key new`")
            }),
            Some(path) => read_key(Path::new(path)).map_err(|error| match error {
                // A key that can be read and is none says itself what to do.
                Error::NotDone { code: "io", .. } => {
                    error.hint("RELBOOK_KEY or --key names the file of the private key")
                }
                other => other,
            }),
            None => read_key(&self.book.join("keys").join("admin.pem")).map_err(|error| {
                error.hint(
                    "give the private key with --key FILE or RELBOOK_KEY; without it the \
                            admin key of the book signs",
                )
            }),
        }
    }
}

fn read_key(path: &Path) -> Result<SigningKey, Error> {
    let text = std::fs::read_to_string(path).map_err(|error| Error::file(path, "read", &error))?;
    SigningKey::from_pem(&text).map_err(|error| {
        Error::not_done("key", format!("`{}` holds no usable private key: {error}", path.display()))
            .hint("`relbook key new FILE` makes one; FILE.pub is its public half and cannot sign")
    })
}
