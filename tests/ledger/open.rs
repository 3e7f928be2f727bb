//! Opening: what is no book, a newer book, a damaged book, a held book, a book on read-only media.

use std::fs;

use relbook_ledger::store::{Ledger, NewBook, OpenError, Writer};
use rusqlite::Connection;

use crate::scratch::*;

#[test]
fn no_book_is_not_an_empty_book() {
    let dir = tempfile::tempdir().unwrap();
    assert!(matches!(Ledger::open(dir.path()), Err(OpenError::Missing { .. })));
    assert!(matches!(Writer::open(dir.path()), Err(OpenError::Missing { .. })));
    let text = Ledger::open(dir.path()).unwrap_err().to_string();
    assert!(text.contains("relbook init"), "{text}");
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0);
}

#[test]
fn a_book_is_never_overwritten() {
    let book = Scratch::new();
    let before = fs::read(book.paths().private_key("book")).unwrap();
    let new = || NewBook { origin: "other".into(), simulated_clock: false };
    assert!(matches!(Ledger::create(book.dir(), new()), Err(OpenError::Exists { .. })));
    fs::remove_file(book.paths().database()).unwrap();
    assert!(matches!(Ledger::create(book.dir(), new()), Err(OpenError::Exists { .. })));
    assert_eq!(fs::read(book.paths().private_key("book")).unwrap(), before);
}

#[test]
fn names_that_cannot_sign_checkpoints_are_refused() {
    for origin in ["", "a b", "a+b", "a\nb"] {
        let dir = tempfile::tempdir().unwrap();
        let book = NewBook { origin: origin.into(), simulated_clock: false };
        let error = Ledger::create(&dir.path().join("book"), book).unwrap_err();
        assert!(matches!(error, OpenError::Origin { .. }), "{origin:?}");
        assert!(!dir.path().join("book").exists());
    }
}

#[cfg(unix)]
#[test]
fn private_keys_are_their_owners_only() {
    use std::os::unix::fs::PermissionsExt as _;
    let book = Scratch::new();
    let mode = |path: std::path::PathBuf| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(book.paths().private_key("book")), 0o600);
    assert_eq!(mode(book.paths().private_key("admin")), 0o600);
    assert_eq!(mode(book.paths().keys()), 0o700);
    let public = fs::read_to_string(book.paths().public_key("book")).unwrap();
    assert_eq!(public, book.book_key().public().to_pem());
}

#[test]
fn other_files_are_not_taken_for_a_book() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("ledger.db");
    fs::write(
        &path,
        b"this is a text file, not a database, and long enough to have a header of one",
    )
    .unwrap();
    assert!(matches!(Ledger::open(dir.path()), Err(OpenError::NotABook { .. })));
    fs::write(&path, b"").unwrap();
    assert!(matches!(Ledger::open(dir.path()), Err(OpenError::NotABook { .. })));
    fs::remove_file(&path).unwrap();
    Connection::open(&path).unwrap().execute_batch("CREATE TABLE t(x)").unwrap();
    let error = Ledger::open(dir.path()).unwrap_err();
    assert!(error.to_string().contains("something else"), "{error}");
    assert!(matches!(Writer::open(dir.path()), Err(OpenError::NotABook { .. })));
}

#[test]
fn a_newer_format_is_named_as_such() {
    let book = Scratch::new();
    let connection = Connection::open(book.paths().database()).unwrap();
    connection.pragma_update(None, "user_version", 2).unwrap();
    drop(connection);
    let error = Ledger::open(book.dir()).unwrap_err();
    assert!(matches!(error, OpenError::NewerFormat { found: 2, supported: 1, .. }), "{error}");
}

#[test]
fn a_truncated_file_is_damage_not_a_shorter_book() {
    let book = Scratch::new().furnished().with_commits(&[200]);
    let path = book.paths().database();
    let length = fs::metadata(&path).unwrap().len();
    for keep in [length / 2, 4_096, 8_192] {
        let copy = tempfile::tempdir().unwrap();
        let bytes = fs::read(&path).unwrap();
        fs::write(copy.path().join("ledger.db"), &bytes[..keep as usize]).unwrap();
        let error = match Ledger::open(copy.path()) {
            Err(error) => error.to_string(),
            Ok(ledger) => {
                let scan = ledger.scan(0..u64::MAX, |_| std::ops::ControlFlow::Continue(()));
                scan.unwrap_err().to_string()
            }
        };
        assert!(error.contains("relbook verify") || error.contains("malformed"), "{error}");
    }
}

#[test]
fn a_second_writer_is_refused_at_once_and_told_who_holds_the_book() {
    let book = Scratch::new().furnished();
    let first = book.writer();
    let error = Writer::open(book.dir()).unwrap_err();
    let OpenError::Locked { holder } = &error else { panic!("{error}") };
    assert!(holder.starts_with(&format!("process {} (", std::process::id())), "{holder}");
    assert!(holder.contains(" since 20"), "{holder}");
    // Readers are not held up.
    assert_eq!(book.ledger().size(), 5);
    drop(first);
    book.append(sign(incident(), &key(1)));
}

#[test]
fn a_lock_file_left_by_a_crash_holds_nobody_up() {
    let book = Scratch::new().furnished();
    fs::write(book.paths().lock(), "process 1 (relbook) on nowhere since 1970\n").unwrap();
    book.append(sign(incident(), &key(1)));
}

#[test]
fn a_book_is_read_where_no_file_can_be_made_beside_it() {
    let book = Scratch::new().furnished();
    let copy = tempfile::tempdir().unwrap();
    fs::copy(book.paths().database(), copy.path().join("ledger.db")).unwrap();
    // Directories in their place stop SQLite from making its log and index, even for root.
    fs::create_dir(copy.path().join("ledger.db-wal")).unwrap();
    fs::create_dir(copy.path().join("ledger.db-shm")).unwrap();
    let ledger = Ledger::open(copy.path()).unwrap();
    assert_eq!(ledger.size(), 5);
    assert_eq!(ledger.record(4).unwrap().unwrap().principal, "admin");
}

#[test]
fn events_in_a_log_that_cannot_be_opened_are_not_left_out_silently() {
    let book = Scratch::new().furnished();
    let copy = tempfile::tempdir().unwrap();
    let mut writer = book.writer();
    writer.append(&[sign(incident(), &key(1))]).unwrap();
    for name in ["ledger.db", "ledger.db-wal"] {
        fs::copy(book.dir().join(name), copy.path().join(name)).unwrap();
    }
    fs::create_dir(copy.path().join("ledger.db-shm")).unwrap();
    // SQLite may read the log all the same; what it must not do is show a shorter book.
    if let Ok(ledger) = Ledger::open(copy.path()) {
        assert_eq!(ledger.size(), 6);
    }
    fs::remove_dir(copy.path().join("ledger.db-shm")).unwrap();
    assert_eq!(Ledger::open(copy.path()).unwrap().size(), 6);
}

#[test]
fn the_writer_needs_the_books_own_key() {
    let book = Scratch::new();
    let path = book.paths().private_key("book");
    fs::write(&path, key(3).to_pem()).unwrap();
    assert!(matches!(Writer::open(book.dir()), Err(OpenError::OtherKey { .. })));
    fs::write(&path, "nothing").unwrap();
    assert!(matches!(Writer::open(book.dir()), Err(OpenError::Key { .. })));
    fs::remove_file(&path).unwrap();
    assert!(matches!(Writer::open(book.dir()), Err(OpenError::NoKey { .. })));
    // Reading does not.
    assert_eq!(book.ledger().size(), 2);
}
