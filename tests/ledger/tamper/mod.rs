//! Every rule of the verifier, each broken by an attack that keeps all the others.
//!
//! Most need no key; `insider` is by those who hold the book's own key and could therefore sign
//! whatever they like, except in the authors' names.

mod beside;
mod entries;
mod files;
mod insider;
mod outside;

use relbook_ledger::verify::VerifyError;

use crate::attack::{Attack, checkpoint};
use crate::scratch::*;
use crate::verify::{check, found};

/// Two registry events, keys, then commits of 3, 2 and 1 incidents: checkpoints at 1, 2, 5, 8, 10, 11.
fn book() -> Scratch {
    Scratch::new().furnished().with_commits(&[3, 2, 1])
}

/// Attacks a book and expects this finding at this seq.
#[track_caller]
fn outsider(code: &str, seq: impl Into<Option<u64>>, deed: impl FnOnce(&Attack)) -> VerifyError {
    let book = book();
    let attack = Attack::on(&book);
    deed(&attack);
    attack.cover_tracks();
    expect(&book, code, seq.into())
}

/// The same with the book's own key: afterwards everything is sealed anew.
#[track_caller]
fn insider(code: &str, seq: impl Into<Option<u64>>, deed: impl FnOnce(&Attack)) -> VerifyError {
    let book = book();
    let attack = Attack::on(&book);
    deed(&attack);
    attack.reseal(&book.book_key());
    attack.cover_tracks();
    expect(&book, code, seq.into())
}

#[track_caller]
fn expect(book: &Scratch, code: &str, seq: Option<u64>) -> VerifyError {
    let error = found(book);
    assert_eq!((error.code(), error.seq()), (code, seq), "{error}");
    error
}

fn text_change(entry: &mut relbook_ledger::entry::Entry) {
    let text = String::from_utf8(entry.pae.clone()).unwrap();
    entry.pae = text.replace("\"i1\"", "\"i2\"").into_bytes();
}

fn attack(book: &Scratch, deed: impl FnOnce(&Attack)) {
    let attack = Attack::on(book);
    deed(&attack);
    attack.cover_tracks();
}

#[test]
fn the_toolkit_itself_leaves_no_trace() {
    let book = book();
    let attack = Attack::on(&book);
    attack.reseal(&book.book_key());
    attack.cover_tracks();
    assert_eq!(check(&book).events, 11);
}

/// What happened to a book, and the code under which it is found: no two share one, save those
/// that nothing in the book's own files could tell apart.
#[test]
fn each_class_of_attack_has_its_own_code() {
    let cut = "DELETE FROM events WHERE seq >= 8; DELETE FROM checkpoints WHERE size > 8;";
    let swap = "UPDATE events SET seq = -1 WHERE seq = 5; UPDATE events SET seq = 5 WHERE seq = 6; \
                UPDATE events SET seq = 6 WHERE seq = -1;";
    type Class<'a> = (&'a str, &'a str, &'a dyn Fn(&Scratch));
    let classes: [Class<'_>; 11] = [
        ("edited", "bad-signature", &|b| attack(b, |a| _ = a.change(6, text_change))),
        ("deleted", "seq-gap", &|b| attack(b, |a| _ = a.sql("DELETE FROM events WHERE seq = 6"))),
        ("inserted", "checkpoint-missing", &|b| {
            attack(b, |a| _ = a.push(&sign(incident(), &key(1)), None).recompute());
        }),
        ("reordered", "seq-mismatch", &|b| attack(b, |a| _ = a.sql(swap))),
        ("truncated", "checkpoint-ahead", &|b| {
            attack(b, |a| _ = a.sql("DELETE FROM events WHERE seq = 10").recompute());
        }),
        ("rolled back", "pin-ahead", &|b| attack(b, |a| _ = a.sql(cut).recompute())),
        ("forked", "pin-root", &|b| {
            let note = checkpoint(11, [7; 32], &b.book_key()).note;
            std::fs::write(b.paths().pin(), note).unwrap();
        }),
        ("foreign", "book-key", &|b| {
            let other = Scratch::new();
            std::fs::copy(other.paths().database(), b.paths().database()).unwrap();
            std::fs::copy(other.paths().pin(), b.paths().pin()).unwrap();
        }),
        ("wrong key", "unknown-key", &|b| {
            attack(b, |a| _ = a.push(&sign(incident(), &key(9)), None).reseal(&b.book_key()));
        }),
        ("wrong role", "role", &|b| {
            attack(b, |a| _ = a.push(&sign(approval(None), &key(1)), None).reseal(&b.book_key()));
        }),
        ("bad schema", "schema-changed", &|b| attack(b, |a| _ = a.sql("CREATE TABLE extra(x)"))),
    ];
    let mut codes = std::collections::BTreeSet::new();
    for (class, code, deed) in classes {
        let book = book();
        deed(&book);
        let error = found(&book);
        assert_eq!(error.code(), code, "{class}: {error}");
        assert!(codes.insert(code), "{class} has the code of another class");
    }
}
