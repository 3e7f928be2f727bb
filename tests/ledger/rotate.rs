//! The book's own key changes: who must sign what, who can still check what, and no crash between.

use relbook_ledger::admission::Code;
use relbook_ledger::checkpoint::Checkpoint;
use relbook_ledger::key::{PublicKey, SigningKey};
use relbook_ledger::note::Note;
use relbook_ledger::rotation::{self, BookKeys};
use relbook_ledger::store::{Comparison, Ledger, OpenError, VerifyOptions, Writer, compare};
use relbook_ledger::verify::VerifyError;
use serde_json::json;

use crate::attack::{Attack, checkpoint};
use crate::scratch::*;
use crate::verify::{check, found, verify};

/// Checkpoints at 1, 2, 5, 6 by the old key, 7 by both, 8 by the new one.
fn rotated() -> (Scratch, SigningKey) {
    let book = Scratch::new().furnished().with_commits(&[1]);
    let old = book.book_key();
    let done = book.writer().rotate_book_key(Some("yearly")).unwrap();
    assert_eq!((done.appended.seq, done.previous), (6, old.public()));
    assert_eq!(book.book_key().public(), done.key);
    (book.with_commits(&[1]), old)
}

fn known(key: PublicKey) -> VerifyOptions {
    VerifyOptions { book_key: Some(key), ..VerifyOptions::default() }
}

#[test]
fn the_old_key_hands_over_and_both_sign_the_checkpoint() {
    let (book, old) = rotated();
    let (old, new) = (old.public(), book.book_key().public());
    let ledger = book.ledger();
    let signed = |size: u64, key: &PublicKey| {
        let note = &ledger.checkpoints(size..size + 1).unwrap()[0].note;
        Checkpoint::open(note, ORIGIN, key).is_ok()
    };
    for (size, by) in
        [(2, (true, false)), (6, (true, false)), (7, (true, true)), (8, (false, true))]
    {
        assert_eq!((signed(size, &old), signed(size, &new)), by, "size {size}");
    }
    // The book is the same book, whichever of its keys somebody knows.
    for options in [known(old), known(new), VerifyOptions::default()] {
        let report = verify(&book, &options).unwrap();
        assert_eq!((report.book_key, report.rotations.len()), (old, 1));
    }
    let error = verify(&book, &known(key(1).public())).unwrap_err();
    assert_eq!(error.code(), "book-key");
    // The chain goes on from the same genesis.
    assert_eq!(ledger.book_key(), old);
}

#[test]
fn receipts_check_with_the_old_key_and_with_the_new_one() {
    let book = Scratch::new().furnished().with_commits(&[1]);
    let early = book.ledger().receipt(5).unwrap();
    let old = book.book_key().public();
    let seq = book.writer().rotate_book_key(None).unwrap().appended.seq;
    book.append(sign(incident(), &key(1)));
    let (ledger, new) = (book.ledger(), book.book_key().public());
    let (proof, late) = (ledger.receipt(seq).unwrap(), ledger.receipt(5).unwrap());
    early.check(&old).unwrap();
    late.check(&new).unwrap();
    assert!(early.check(&new).is_err() && late.check(&old).is_err());
    let rotation = rotation::proven(&proof).unwrap();
    for known in [old, new] {
        let keys = BookKeys::around(known, vec![rotation]).unwrap();
        early.check_by(&keys).unwrap();
        late.check_by(&keys).unwrap();
        proof.check_by(&keys).unwrap();
    }
    // Neither a receipt of something else nor one under a later checkpoint proves a rotation.
    assert!(rotation::proven(&late).is_err());
    let newest = ledger.receipt_under(seq, &ledger.checkpoint().unwrap()).unwrap();
    assert!(rotation::proven(&newest).is_err());
    let options = VerifyOptions { receipts: vec![early, late], ..VerifyOptions::default() };
    assert_eq!(verify(&book, &options).unwrap().receipts, 2);
}

#[test]
fn a_key_can_change_more_than_once() {
    let (book, old) = rotated();
    let second = book.book_key().public();
    book.writer().rotate_book_key(None).unwrap();
    book.append(sign(incident(), &key(1)));
    for known_key in [old.public(), second, book.book_key().public()] {
        assert_eq!(verify(&book, &known(known_key)).unwrap().rotations.len(), 2);
    }
    book.writer().append(&[sign(incident(), &key(1))]).unwrap();
}

#[test]
fn the_old_key_signs_nothing_more() {
    let (book, old) = rotated();
    let refused = event("append.refused", json!({"code": "role", "message": "x"}));
    refused_for(&mut book.writer(), sign(refused, &old), Code::RevokedKey);
    // Checkpoints by the old key, of the newest size and of the one that both must sign.
    let root = |size| book.ledger().root_at(size).unwrap();
    for size in [7, 8] {
        let note = checkpoint(size, root(size), &old).note;
        let options = VerifyOptions { checkpoints: vec![note], ..VerifyOptions::default() };
        let error = verify(&book, &options).unwrap_err();
        assert_eq!(error.code(), "given-invalid", "size {size}: {error}");
    }
    let only_new = checkpoint(7, root(7), &book.book_key()).note;
    let attack = Attack::on(&book);
    attack.sql(&format!("UPDATE checkpoints SET note = '{only_new}' WHERE size = 7"));
    attack.cover_tracks();
    assert_eq!(found(&book).code(), "checkpoint-invalid");
}

#[test]
fn a_change_without_its_checkpoint_is_found() {
    let (book, _) = rotated();
    let attack = Attack::on(&book);
    attack.sql("DELETE FROM checkpoints WHERE size = 7");
    attack.cover_tracks();
    let error = found(&book);
    assert_eq!(error, VerifyError::RotationCheckpoint { seq: 6 });
    assert_eq!((error.code(), error.seq()), ("rotation-checkpoint", Some(6)));
}

#[test]
fn only_relbook_changes_the_key_of_a_book() {
    let book = Scratch::new().furnished();
    let old = book.book_key();
    let change = |next: PublicKey| {
        let keys = json!({
            "previous_public_key": old.public().to_hex(), "book_public_key": next.to_hex(),
        });
        event("book.rotated", keys)
    };
    let mut writer = book.writer();
    // An admin may not, and the book's own key not past the writer.
    refused_for(&mut writer, sign(change(key(7).public()), &book.admin()), Code::Role);
    refused_for(&mut writer, sign(change(key(7).public()), &old), Code::Role);
    // A key of somebody else, and the old one again, are no new keys.
    refused_for(&mut writer, sign(change(key(1).public()), &old), Code::BadValue);
    refused_for(&mut writer, sign(change(old.public()), &old), Code::BadValue);
}

#[test]
fn a_compromise_of_the_old_key_is_recorded_once_it_went() {
    let book = Scratch::new().furnished();
    let old = book.book_key().public();
    let mark = |seq: u64| {
        let fields = json!({
            "principal": "relbook", "key_id": old.id().to_string(), "from_seq": seq,
        });
        event("key.compromised", fields)
    };
    let refusal = refused_for(&mut book.writer(), sign(mark(3), &book.admin()), Code::BadValue);
    assert!(refusal.message.contains("rotate-book"), "{refusal}");
    book.writer().rotate_book_key(None).unwrap();
    book.append(sign(mark(3), &book.admin()));
    let ledger = book.ledger();
    let grant = ledger.registry().keyring().latest(old.id()).unwrap().clone();
    assert_eq!(grant.suspect_from, Some(3));
    check(&book);
}

/// The files of the keys as each step of a change leaves them.
#[test]
fn no_crash_leaves_a_book_without_its_key() {
    // Before the commit: the next key lies there, and the next try uses it.
    let book = Scratch::new().furnished();
    let waiting = SigningKey::from_seed(&[0x55; 32]);
    std::fs::write(book.paths().private_key("book.next"), waiting.to_pem()).unwrap();
    book.append(sign(incident(), &key(1)));
    assert_eq!(book.writer().rotate_book_key(None).unwrap().key, waiting.public());
    // Half a key was nobody's.
    std::fs::write(book.paths().private_key("book.next"), "-----BEGIN PRIV").unwrap();
    book.writer().rotate_book_key(None).unwrap();

    // After the commit, before each of the renames.
    for step in 0..4 {
        let (book, old) = rotated();
        let (paths, new) = (book.paths(), book.book_key());
        let retired = format!("book.{}", &old.public().id().to_string()[..8]);
        let write = |path, text: String| std::fs::write(path, text).unwrap();
        write(paths.private_key("book.next"), new.to_pem());
        if step < 3 {
            std::fs::remove_file(paths.private_key(&retired)).unwrap();
            write(paths.private_key("book"), old.to_pem());
        } else {
            std::fs::remove_file(paths.private_key("book")).unwrap();
        }
        if step < 2 {
            write(paths.public_key("book.next"), new.public().to_pem());
            write(paths.public_key("book"), old.public().to_pem());
        }
        if step < 1 {
            std::fs::remove_file(paths.public_key(&retired)).unwrap();
        }
        check(&book);
        book.append(sign(incident(), &key(1)));
        assert_eq!(book.book_key().public(), new.public(), "step {step}");
        let public = std::fs::read_to_string(paths.public_key("book")).unwrap();
        assert_eq!(public, new.public().to_pem(), "step {step}");
        assert!(!paths.private_key("book.next").exists(), "step {step}");
        let kept = std::fs::read_to_string(paths.private_key(&retired)).unwrap();
        assert_eq!(kept, old.to_pem(), "step {step}");
        check(&book);
    }
    // The old key alone, put back, is not the book's.
    let (book, old) = rotated();
    std::fs::write(book.paths().private_key("book"), old.to_pem()).unwrap();
    assert!(matches!(Writer::open(book.dir()).unwrap_err(), OpenError::OtherKey { .. }));
}

#[test]
fn a_history_that_the_old_key_went_on_with_is_a_fork() {
    let book = Scratch::new().furnished();
    let dir = tempfile::tempdir().unwrap();
    std::fs::create_dir_all(dir.path().join("keys")).unwrap();
    for path in ["ledger.db", "keys/book.pem", "keys/book.pub"] {
        std::fs::copy(book.dir().join(path), dir.path().join(path)).unwrap();
    }
    let old = book.book_key().public();
    book.writer().rotate_book_key(None).unwrap();
    book.append(sign(incident(), &key(1)));
    Writer::open(dir.path()).unwrap().append(&[sign(incident(), &key(1))]).unwrap();
    let stolen = Ledger::open(dir.path()).unwrap();
    let Comparison::Fork(fork) = compare(&book.ledger(), &stolen, &|_, _| {}).unwrap() else {
        panic!("a fork");
    };
    assert_eq!(fork.seq, 5);
    // The evidence needs no more than the key that both histories begin with.
    for receipt in [&fork.one, &fork.other] {
        receipt.check(&old).unwrap();
        assert!(Note::parse(&receipt.checkpoint).is_ok());
    }
}
