//! What a crash can leave behind, and what the next writer makes of it.

use std::fs;

use relbook_ledger::store::{AppendError, OpenError, Writer};

use crate::scratch::*;
use crate::verify::check;

/// Copies the files of a book as they are on disk while a writer holds it.
fn copy_of(book: &Scratch) -> tempfile::TempDir {
    let copy = tempfile::tempdir().unwrap();
    for name in ["ledger.db", "ledger.db-wal", "pin"] {
        let from = book.dir().join(name);
        if from.exists() {
            fs::copy(from, copy.path().join(name)).unwrap();
        }
    }
    fs::create_dir(copy.path().join("keys")).unwrap();
    for name in ["book.pem", "book.pub", "admin.pem"] {
        fs::copy(book.paths().keys().join(name), copy.path().join("keys").join(name)).unwrap();
    }
    copy
}

#[test]
fn what_was_acknowledged_survives_without_a_clean_end() {
    let book = Scratch::new().furnished();
    let mut writer = book.writer();
    for _ in 0..20 {
        let receipt = writer.append(&[sign(incident(), &key(1))]).unwrap().remove(0);
        let copy = copy_of(&book);
        let opened = Writer::open_with_clock(copy.path(), Box::new(book.clock.clone())).unwrap();
        assert_eq!(opened.ledger().size(), receipt.seq + 1);
        assert_eq!(opened.find(receipt.id).unwrap(), Some(receipt.seq));
    }
}

#[test]
fn a_crash_between_commit_and_pin_is_mended_by_the_next_commit() {
    let book = Scratch::new().furnished();
    let old_pin = fs::read(book.paths().pin()).unwrap();
    let signed = sign(incident(), &key(1));
    book.append(signed.clone());
    fs::write(book.paths().pin(), old_pin).unwrap();
    // The author never heard of success and sends the event again.
    assert!(book.append(signed).duplicate);
    assert_eq!(check(&book).pin_size, Some(5));
    book.append(sign(incident(), &key(1)));
    assert_eq!(check(&book).pin_size, Some(7));
}

#[test]
fn a_torn_commit_in_the_log_is_as_if_it_never_was() {
    let book = Scratch::new().furnished();
    let mut writer = book.writer();
    let old_pin = fs::read(book.paths().pin()).unwrap();
    let wal = book.dir().join("ledger.db-wal");
    let before = fs::metadata(&wal).map_or(0, |wal| wal.len());
    writer.append(&[sign(incident(), &key(1))]).unwrap();
    let after = fs::metadata(&wal).unwrap().len();
    for cut in [before + 1, (before + after) / 2, after - 1] {
        let copy = copy_of(&book);
        let wal =
            fs::OpenOptions::new().write(true).open(copy.path().join("ledger.db-wal")).unwrap();
        wal.set_len(cut).unwrap();
        // With the pin of the lost commit the writer refuses: it was acknowledged.
        let error = Writer::open(copy.path()).unwrap_err();
        assert!(matches!(error, OpenError::BehindPin { size: 5, pin_size: 6, .. }), "{error}");
        // Without it, as when the crash came before the pin, it goes on from the commit before.
        fs::write(copy.path().join("pin"), &old_pin).unwrap();
        let opened = Writer::open_with_clock(copy.path(), Box::new(book.clock.clone())).unwrap();
        assert_eq!(opened.ledger().size(), 5);
    }
}

#[test]
fn a_writer_whose_pin_cannot_be_written_stops() {
    let book = Scratch::new().furnished();
    let mut writer = book.writer();
    // A directory in the place of the temporary file makes writing the pin fail.
    fs::create_dir(book.dir().join("pin.new")).unwrap();
    let signed = sign(incident(), &key(1));
    let error = writer.append(std::slice::from_ref(&signed)).unwrap_err();
    assert!(matches!(error, AppendError::Pin { .. }), "{error}");
    let error = writer.append(std::slice::from_ref(&signed)).unwrap_err();
    assert!(matches!(error, AppendError::Poisoned), "{error}");
    drop(writer);
    fs::remove_dir(book.dir().join("pin.new")).unwrap();
    // The event is there; sending it again gives the receipt that was withheld.
    assert!(book.append(signed).duplicate);
}

#[test]
fn a_writer_does_not_build_on_an_end_that_was_not_signed() {
    let damaged = |change: &str| {
        let book = Scratch::new().furnished().with_commits(&[1, 1]);
        let attack = crate::attack::Attack::on(&book);
        attack.sql(change);
        attack.cover_tracks();
        let error = Writer::open(book.dir()).unwrap_err();
        assert!(matches!(error, OpenError::Damaged { .. }), "{change}: {error}");
    };
    damaged("UPDATE tiles SET hashes = substr(hashes, 1, 192)");
    damaged("UPDATE tiles SET hashes = zeroblob(length(hashes))");
    damaged("UPDATE tiles SET hashes = x'00'");
    damaged("DELETE FROM tiles");
    damaged("DELETE FROM checkpoints WHERE size = 7");
    damaged("UPDATE checkpoints SET note = replace(note, '7', '7 ') WHERE size = 7");
    damaged("DELETE FROM events WHERE seq = 0");
}

#[test]
fn a_making_that_was_interrupted_is_not_taken_for_a_book() {
    let book = Scratch::new();
    let attack = crate::attack::Attack::on(&book);
    attack.sql("DELETE FROM events; DELETE FROM registry; DELETE FROM checkpoints");
    attack.cover_tracks();
    let error = Writer::open(book.dir()).unwrap_err();
    assert!(error.to_string().contains("interrupted"), "{error}");
}
