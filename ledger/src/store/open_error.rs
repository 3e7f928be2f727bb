//! Why a book cannot be opened or made.

use std::io;
use std::path::{Path, PathBuf};

use crate::key::KeyError;

/// Says why a book cannot be opened or made, and what to do.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// There is no book in the directory; make one with `relbook init`, or name another directory.
    #[error("there is no book in {}; make one with `relbook init`, or give --book", dir.display())]
    Missing {
        /// The directory.
        dir: PathBuf,
    },
    /// There is a book, or a part of one, already; a book is never overwritten.
    #[error("{} exists already; a book is never overwritten", path.display())]
    Exists {
        /// The part that exists.
        path: PathBuf,
    },
    /// The file is a database of something else, or no database at all.
    #[error("{} is not a relbook ledger: {detail}", path.display())]
    NotABook {
        /// The file.
        path: PathBuf,
        /// What it is instead.
        detail: String,
    },
    /// A newer relbook wrote the book; use that version or a later one.
    #[error(
        "{} has format {found}; this relbook reads up to format {supported}, use a newer one",
        path.display()
    )]
    NewerFormat {
        /// The file.
        path: PathBuf,
        /// Its format.
        found: i64,
        /// The newest format that this program reads.
        supported: i64,
    },
    /// The book is damaged: cut short, changed, or its making was interrupted.
    #[error("{} is damaged: {detail}; run `relbook verify`, restore a copy", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        detail: String,
    },
    /// Another process is writing; wait for it, or end it.
    #[error("the book is held by another writer ({holder}); try again when it is done")]
    Locked {
        /// Who holds it, as far as known.
        holder: String,
    },
    /// The database holds less than was once acknowledged: its end was cut off, or an older copy
    /// was put back.
    #[error(
        "the database holds {size} events, but {pin_size} were acknowledged once (see {}): its \
         end was cut off, or an older copy was put back; restore the newest copy",
        pin.display()
    )]
    BehindPin {
        /// The pin.
        pin: PathBuf,
        /// The number of events in the database.
        size: u64,
        /// The number of events under the pin.
        pin_size: u64,
    },
    /// The origin cannot name a book.
    #[error("the origin cannot name a book: {detail}")]
    Origin {
        /// What is wrong.
        detail: String,
    },
    /// A key file cannot be used.
    #[error("the key {} cannot be used: {source}", path.display())]
    Key {
        /// The file.
        path: PathBuf,
        /// Why.
        source: KeyError,
    },
    /// The book's private key is not there.
    #[error(
        "the book's private key {} is not there, and without it nothing can be appended; put it \
         back, from where it is kept or from a backup that was made with --with-private-keys",
        path.display()
    )]
    NoKey {
        /// The file.
        path: PathBuf,
    },
    /// The private key in the book's directory is not the one that the book was made with.
    #[error("the key {} is not this book's key; put the right one back", path.display())]
    OtherKey {
        /// The file.
        path: PathBuf,
    },
    /// A file cannot be read or written.
    #[error("{}: {source}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// SQLite failed otherwise.
    #[error("{}: {source}", path.display())]
    Database {
        /// The database.
        path: PathBuf,
        /// Why.
        source: rusqlite::Error,
    },
}

/// Tells whether the disk gave less than the database's own header promises.
fn cut_short(error: &rusqlite::Error) -> bool {
    let code = error.sqlite_error().map(|error| error.extended_code);
    code == Some(rusqlite::ffi::SQLITE_IOERR_SHORT_READ)
}

impl OpenError {
    pub(super) fn io(path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::Io { path, source }
    }

    /// Sorts an error of SQLite: damage is not the same as being unable to read.
    pub(super) fn database(path: &Path) -> impl Fn(rusqlite::Error) -> Self {
        let path = path.to_owned();
        move |source| {
            let path = path.clone();
            match source.sqlite_error_code() {
                Some(rusqlite::ErrorCode::NotADatabase) => {
                    Self::NotABook { path, detail: "it is no SQLite database".to_owned() }
                }
                Some(rusqlite::ErrorCode::DatabaseCorrupt) => {
                    Self::Damaged { path, detail: source.to_string() }
                }
                _ if cut_short(&source) => {
                    let detail = "the file is shorter than its header says".to_owned();
                    Self::Damaged { path, detail }
                }
                _ => Self::Database { path, source },
            }
        }
    }

    pub(super) fn damaged(path: &Path, detail: impl Into<String>) -> Self {
        Self::Damaged { path: path.to_owned(), detail: detail.into() }
    }
}
