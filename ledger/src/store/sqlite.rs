//! Opening the database with the safety switches of ledger-format 5.
//!
//! Every connection of this crate is made here. Readers take no lock that could hold up the writer
//! and work on read-only media; the writer commits with a full sync.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::config::DbConfig;
use rusqlite::{Connection, ErrorCode, OpenFlags};

use super::open_error::OpenError;
use super::schema;

/// How long SQLite waits for a file lock, such as a reader's recovery of the write-ahead log.
const BUSY_MILLISECONDS: u64 = 5_000;

/// Opens a book's database for reading.
pub(super) fn open_read(path: &Path) -> Result<Connection, OpenError> {
    check_files(path)?;
    let error = OpenError::database(path);
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let opened = Connection::open_with_flags(path, flags).and_then(|connection| {
        configure(&connection)?;
        // Only the first read opens the write-ahead log, so failures show here.
        schema::header(&connection)?;
        Ok(connection)
    });
    let connection = match opened {
        Ok(connection) => connection,
        Err(failure) if needs_immutable(&failure) => {
            open_immutable(path, failure).map_err(&error)?
        }
        Err(failure) => return Err(error(failure)),
    };
    check_header(&connection, path)?;
    Ok(connection)
}

/// Opens a book's database for writing; the caller holds the writer's lock.
pub(super) fn open_write(path: &Path) -> Result<Connection, OpenError> {
    check_files(path)?;
    let error = OpenError::database(path);
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags).map_err(&error)?;
    configure(&connection).map_err(&error)?;
    check_header(&connection, path)?;
    make_durable(&connection).map_err(&error)?;
    Ok(connection)
}

/// Makes the database of a new book, without events.
pub(super) fn create(path: &Path) -> Result<Connection, OpenError> {
    let error = OpenError::database(path);
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE
        | OpenFlags::SQLITE_OPEN_CREATE
        | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags).map_err(&error)?;
    configure(&connection).map_err(&error)?;
    make_durable(&connection).map_err(&error)?;
    let transaction = connection.unchecked_transaction().map_err(&error)?;
    schema::create(&transaction).map_err(&error)?;
    transaction.commit().map_err(&error)?;
    Ok(connection)
}

/// Refuses what SQLite must not be let near: a pipe in the place of the database would hold it for
/// ever, and a rollback journal, which a book never has, would be played back into it.
fn check_files(path: &Path) -> Result<(), OpenError> {
    if !path.try_exists().map_err(OpenError::io(path))? {
        let dir = path.parent().unwrap_or(Path::new(".")).to_owned();
        return Err(OpenError::Missing { dir });
    }
    if !std::fs::metadata(path).map_err(OpenError::io(path))?.is_file() {
        let detail = "it is no regular file".to_owned();
        return Err(OpenError::NotABook { path: path.to_owned(), detail });
    }
    if holds_bytes(&beside(path, "-journal")) {
        let detail = "a rollback journal lies beside it, which relbook never leaves and which \
                      would change it: move the `-journal` file away";
        return Err(OpenError::damaged(path, detail));
    }
    Ok(())
}

/// Names a file that SQLite keeps beside a database.
fn beside(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(ending);
    PathBuf::from(name)
}

fn holds_bytes(path: &Path) -> bool {
    std::fs::metadata(path).is_ok_and(|file| file.is_file() && file.len() > 0)
}

fn configure(connection: &Connection) -> rusqlite::Result<()> {
    connection.busy_timeout(Duration::from_millis(BUSY_MILLISECONDS))?;
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_DEFENSIVE, true)?;
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_TRUSTED_SCHEMA, false)?;
    // A statement keeps its plan: without this, SQLite plans anew at every bind of a range.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    connection.pragma_update(None, "cell_size_check", true)?;
    // A page that changes under a memory map would bypass every check.
    connection.pragma_update_and_check(None, "mmap_size", 0, |_| Ok(())).or_else(no_rows)
}

/// A build of SQLite without memory maps answers the pragma with no row.
fn no_rows(error: rusqlite::Error) -> rusqlite::Result<()> {
    match error {
        rusqlite::Error::QueryReturnedNoRows => Ok(()),
        other => Err(other),
    }
}

fn make_durable(connection: &Connection) -> rusqlite::Result<()> {
    connection.pragma_update_and_check(None, "journal_mode", "WAL", |_| Ok(()))?;
    connection.pragma_update(None, "synchronous", "FULL")
}

fn check_header(connection: &Connection, path: &Path) -> Result<(), OpenError> {
    let error = OpenError::database(path);
    let (application, format) = schema::header(connection).map_err(&error)?;
    let held = schema::read(connection).map_err(&error)?;
    if !held.iter().any(|(_, name, ..)| name == "meta") {
        let detail = if held.is_empty() {
            "it is empty; if its making was interrupted, remove the directory and begin again"
        } else {
            "it is a database of something else"
        };
        return Err(OpenError::NotABook { path: path.to_owned(), detail: detail.to_owned() });
    }
    if application != schema::APPLICATION_ID {
        return Err(OpenError::damaged(path, "its header has another application id"));
    }
    if format > schema::FORMAT_VERSION {
        return Err(OpenError::NewerFormat {
            path: path.to_owned(),
            found: format,
            supported: schema::FORMAT_VERSION,
        });
    }
    if format < schema::FORMAT_VERSION {
        return Err(OpenError::damaged(path, "its header has an impossible format"));
    }
    Ok(())
}

/// Tells whether opening failed because the directory takes no files beside the database.
fn needs_immutable(error: &rusqlite::Error) -> bool {
    matches!(error.sqlite_error_code(), Some(ErrorCode::CannotOpen | ErrorCode::ReadOnly))
}

/// Opens a database on read-only media, where no write-ahead log can be opened.
///
/// That is safe only when the log is empty: events that a writer left in it would not be seen, and
/// a book must never look shorter than it is.
fn open_immutable(path: &Path, failure: rusqlite::Error) -> rusqlite::Result<Connection> {
    if holds_bytes(&beside(path, "-wal")) {
        return Err(failure);
    }
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY
        | OpenFlags::SQLITE_OPEN_NO_MUTEX
        | OpenFlags::SQLITE_OPEN_URI;
    let connection = Connection::open_with_flags(immutable_uri(path), flags)?;
    configure(&connection)?;
    schema::header(&connection)?;
    Ok(connection)
}

fn immutable_uri(path: &Path) -> String {
    let mut uri = String::from("file:");
    for &byte in path.as_os_str().as_encoded_bytes() {
        if byte.is_ascii_alphanumeric() || b"/._-".contains(&byte) {
            uri.push(char::from(byte));
        } else {
            write!(uri, "%{byte:02X}").expect("writing to a String cannot fail");
        }
    }
    uri.push_str("?immutable=1");
    uri
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn odd_characters_of_a_path_are_escaped() {
        let uri = immutable_uri(Path::new("/a b/c?d#e%/ledger.db"));
        assert_eq!(uri, "file:/a%20b/c%3Fd%23e%25/ledger.db?immutable=1");
    }

    #[test]
    fn a_log_with_events_forbids_reading_without_it() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("ledger.db");
        drop(create(&path).unwrap());
        let failure = || rusqlite::Error::InvalidQuery;
        assert!(open_immutable(&path, failure()).is_ok());
        std::fs::write(dir.path().join("ledger.db-wal"), b"x").unwrap();
        assert!(matches!(open_immutable(&path, failure()), Err(rusqlite::Error::InvalidQuery)));
    }
}
