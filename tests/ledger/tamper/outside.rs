//! What only something outside the database can tell: a pin, a kept checkpoint, the book's key.

use relbook_ledger::store::VerifyOptions;

use super::{book, expect};
use crate::attack::{Attack, checkpoint};
use crate::scratch::*;
use crate::verify::{check, verify};

#[test]
fn without_a_pin_a_cut_is_not_found_and_the_report_says_so() {
    let book = book();
    let kept = book.ledger().checkpoint().unwrap().note;
    let attack = Attack::on(&book);
    attack.sql("DELETE FROM events WHERE seq >= 8; DELETE FROM checkpoints WHERE size > 8;");
    attack.recompute();
    attack.cover_tracks();
    std::fs::remove_file(book.paths().pin()).unwrap();
    let report = check(&book);
    assert_eq!((report.events, report.truncation_checked, report.pin_size), (8, false, None));
    // A checkpoint that somebody kept finds it.
    let options = VerifyOptions { checkpoints: vec![kept], ..VerifyOptions::default() };
    assert_eq!(verify(&book, &options).unwrap_err().code(), "given-ahead");
}

#[test]
fn an_older_copy_put_back_is_found_by_the_pin() {
    let book = Scratch::new().furnished().with_commits(&[1]);
    let old = std::fs::read(book.paths().database()).unwrap();
    let book = book.with_commits(&[1]);
    std::fs::write(book.paths().database(), old).unwrap();
    expect(&book, "pin-ahead", Some(6));
    // The writer does not build on it either.
    let error = relbook_ledger::store::Writer::open(book.dir()).unwrap_err();
    let text = error.to_string();
    assert!(text.contains("holds 6 events, but 7 were acknowledged"), "{text}");
}

#[test]
fn a_pin_must_be_the_books_and_of_this_log() {
    let book = book();
    let honest = std::fs::read_to_string(book.paths().pin()).unwrap();
    let pin = |text: &str| std::fs::write(book.paths().pin(), text).unwrap();
    for forged in ["", "nothing\n", &checkpoint(11, [7; 32], &key(9)).note] {
        pin(forged);
        expect(&book, "pin-invalid", None);
    }
    std::fs::write(book.paths().pin(), b"\xff\xfe").unwrap();
    expect(&book, "pin-invalid", None);
    pin(&checkpoint(11, [7; 32], &book.book_key()).note);
    expect(&book, "pin-root", Some(0));
    pin(&honest);
    assert_eq!(check(&book).pin_size, Some(11));
}

#[test]
fn given_checkpoints_must_be_the_books_and_of_this_log() {
    let book = book();
    let with = |note: String| {
        let options = VerifyOptions { checkpoints: vec![note], ..VerifyOptions::default() };
        verify(&book, &options)
    };
    let honest = book.ledger().checkpoints(8..9).unwrap().remove(0);
    let report = with(honest.note).unwrap();
    assert_eq!((report.truncation_checked, report.given_sizes), (true, vec![8]));
    // A size at which the book stored no checkpoint is as good as another.
    let forked = checkpoint(7, [7; 32], &book.book_key()).note;
    assert_eq!(with(forked).unwrap_err().code(), "given-root");
    let foreign = checkpoint(7, [7; 32], &key(9)).note;
    assert_eq!(with(foreign).unwrap_err().code(), "given-invalid");
    let ahead = checkpoint(12, [7; 32], &book.book_key()).note;
    assert_eq!(with(ahead).unwrap_err().code(), "given-ahead");
}

#[test]
fn another_book_in_its_place_is_found() {
    let (book, other) = (book(), Scratch::new());
    std::fs::copy(other.paths().database(), book.paths().database()).unwrap();
    std::fs::copy(other.paths().pin(), book.paths().pin()).unwrap();
    expect(&book, "book-key", Some(0));
}
