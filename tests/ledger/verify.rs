//! Verification of honest books: what is proven, what is reported as not checked, what is skipped.

use std::cell::RefCell;

use relbook_ledger::admission::Code;
use relbook_ledger::store::{self, OpenError, Report, VerifyFailure, VerifyOptions, Watch};
use relbook_ledger::verify::VerifyError;
use serde_json::json;

use crate::scratch::*;

/// Verifies a book; anything but a finding is a failure of the test.
pub(crate) fn verify(book: &Scratch, options: &VerifyOptions) -> Result<Report, VerifyError> {
    store::verify(book.dir(), options, &|_, _| ()).map_err(|failure| match failure {
        VerifyFailure::Tampered(error) => error,
        other => panic!("{other}"),
    })
}

/// Verifies a book that must be whole.
#[track_caller]
pub(crate) fn check(book: &Scratch) -> Report {
    verify(book, &VerifyOptions::default()).unwrap()
}

/// Verifies a book that must not be whole.
#[track_caller]
pub(crate) fn found(book: &Scratch) -> VerifyError {
    verify(book, &VerifyOptions::default()).unwrap_err()
}

#[test]
fn an_honest_book_is_proven_whole() {
    let book = Scratch::new().furnished().with_commits(&[3, 1]);
    let report = check(&book);
    let ledger = book.ledger();
    assert_eq!((report.origin.as_str(), report.events), (ORIGIN, 9));
    assert_eq!((report.book_key, report.book_key_checked), (ledger.book_key(), true));
    assert_eq!((report.verified_signatures, report.checkpoints), (9, 5));
    assert_eq!(report.root, ledger.checkpoint().unwrap().root);
    assert_eq!((report.pin_size, report.truncation_checked), (Some(9), true));
    assert_eq!((report.simulated_clock, report.since), (false, None));
}

#[test]
fn everything_that_appending_admits_verifies() {
    let book = Scratch::new().furnished().with_commits(&[2]);
    let admin = book.admin();
    let mut writer = book.writer();
    let target = writer.append(&[sign(build("1.0.0"), &key(1))]).unwrap()[0].seq;
    refused_for(&mut writer, sign(approval(None), &key(1)), Code::Role);
    for (event, signer) in [
        (approval(None), key(2)),
        (event("event.corrected", json!({"corrects": target})), key(1)),
        (
            event("policy.set", json!({"policy_id": "p", "values": {"future_tolerance_s": 5}})),
            admin.clone(),
        ),
        (enrolment(3, "max", &["build.completed"]), admin.clone()),
        (build("1.1.0"), key(3)),
        (enrolment(3, "max", &["auditor"]), admin.clone()),
        (key_end("key.revoked", 2, "olga"), admin.clone()),
        (key_end("key.compromised", 1, "ci"), admin.clone()),
        (enrolment(2, "olga", &["approver"]), admin.clone()),
        (approval(Some("olga")), key(2)),
    ] {
        writer.append(&[sign(event, &signer)]).unwrap();
    }
    refused_for(&mut writer, sign(incident(), &key(1)), Code::RevokedKey);
    drop(writer);
    book.clock.set("2026-05-31T23:59:30Z");
    book.append(sign(incident(), &admin));
    assert_eq!(check(&book).events, book.ledger().size());
}

#[test]
fn simulated_books_verify_and_say_so() {
    let book = Scratch::simulated().furnished().with_commits(&[3]);
    let mut back = incident();
    back.insert("occurred_at".into(), json!("2001-01-01T00:00:00Z"));
    book.append(sign(back.clone(), &key(1)));
    back.insert("id".into(), json!(new_id()));
    back.insert("recorded_at".into(), json!("2027-01-01T00:00:00Z"));
    book.append(sign(back, &key(1)));
    refused_for(&mut book.writer(), sign(approval(None), &key(1)), Code::Role);
    let report = check(&book);
    assert!(report.simulated_clock);
    assert_eq!(report.events, 11);
}

#[test]
fn verification_goes_on_from_a_verified_checkpoint() {
    let book = Scratch::new().furnished().with_commits(&[3, 2, 1]);
    let at = |size: u64| book.ledger().checkpoints(size..size + 1).unwrap().remove(0).note;
    let since = |note: String| VerifyOptions { since: Some(note), ..VerifyOptions::default() };
    let report = verify(&book, &since(at(8))).unwrap();
    assert_eq!((report.events, report.verified_signatures, report.since), (11, 3, Some(8)));
    // A checkpoint that is not of this log gives no discount.
    let forked = crate::attack::checkpoint(8, [7; 32], &book.book_key()).note;
    assert_eq!(verify(&book, &since(forked)).unwrap_err().code(), "given-root");
    let foreign = crate::attack::checkpoint(8, [7; 32], &key(9)).note;
    assert_eq!(verify(&book, &since(foreign)).unwrap_err().code(), "given-invalid");
    let ahead = crate::attack::checkpoint(12, [7; 32], &book.book_key()).note;
    assert_eq!(verify(&book, &since(ahead)).unwrap_err().code(), "given-ahead");
}

#[test]
fn a_checkpoint_of_another_key_gives_no_discount_even_with_the_right_root() {
    let book = Scratch::new().furnished();
    let root = book.ledger().checkpoint().unwrap().root;
    let foreign = crate::attack::checkpoint(5, root, &key(9)).note;
    let options = VerifyOptions { since: Some(foreign), ..VerifyOptions::default() };
    assert_eq!(verify(&book, &options).unwrap_err().code(), "given-invalid");
}

#[test]
fn progress_runs_from_nothing_to_all() {
    let book = Scratch::new().furnished().with_commits(&[2_100]);
    let heard = RefCell::new(vec![]);
    let progress = |done, total| heard.borrow_mut().push((done, total));
    store::verify(book.dir(), &VerifyOptions::default(), &progress).unwrap();
    let heard = heard.into_inner();
    assert_eq!(heard.first(), Some(&(0, 2_105)));
    assert_eq!(heard.last(), Some(&(2_105, 2_105)));
    assert!(heard.contains(&(2_048, 2_105)), "{heard:?}");
}

#[test]
fn a_known_key_can_be_given() {
    let book = Scratch::new();
    std::fs::remove_dir_all(book.paths().keys()).unwrap();
    assert!(!check(&book).book_key_checked);
    let known = |key| VerifyOptions { book_key: Some(key), ..VerifyOptions::default() };
    let right = book.ledger().book_key();
    assert!(verify(&book, &known(right)).unwrap().book_key_checked);
    let error = verify(&book, &known(key(1).public())).unwrap_err();
    assert_eq!(error.code(), "book-key");
}

#[test]
fn no_book_is_a_failure_not_a_finding() {
    let dir = tempfile::tempdir().unwrap();
    let failure = store::verify(dir.path(), &VerifyOptions::default(), &|_, _| ()).unwrap_err();
    assert!(matches!(failure, VerifyFailure::Open(OpenError::Missing { .. })));
    std::fs::write(dir.path().join("ledger.db"), "no database, and long enough for a header")
        .unwrap();
    let failure = store::verify(dir.path(), &VerifyOptions::default(), &|_, _| ()).unwrap_err();
    assert!(matches!(failure, VerifyFailure::Open(OpenError::NotABook { .. })));
}

#[test]
fn appending_goes_on_while_a_book_is_verified() {
    let book = Scratch::new().furnished().with_commits(&[10]);
    let writer = RefCell::new(book.writer());
    let append = |_, _| {
        writer.borrow_mut().append(&[sign(incident(), &key(1))]).unwrap();
    };
    // What is verified is the book as it was at the beginning.
    let report = store::verify(book.dir(), &VerifyOptions::default(), &append).unwrap();
    assert_eq!(report.events, 15);
    assert!(book.ledger().size() > 15);
    assert_eq!(check(&book).events, book.ledger().size());
}

#[test]
fn what_is_wrong_has_one_name_and_place_with_and_without_an_earlier_run() {
    let since = |book: &Scratch| {
        let note = book.ledger().checkpoints(8..9).unwrap().remove(0).note;
        VerifyOptions { since: Some(note), ..VerifyOptions::default() }
    };
    let edit = |entry: &mut relbook_ledger::entry::Entry| {
        let text = String::from_utf8(entry.pae.clone()).unwrap();
        entry.pae = text.replace("\"i1\"", "\"i2\"").into_bytes();
    };
    type Deed<'a> = &'a dyn Fn(&crate::attack::Attack);
    let deeds: [Deed<'_>; 3] =
        [&|a| _ = a.change(6, edit), &|a| _ = a.change(6, edit).recompute(), &|a| {
            _ = a.change(2, |entry| entry.signature[0] ^= 1).recompute()
        }];
    for deed in deeds {
        let book = Scratch::new().furnished().with_commits(&[3, 2, 1]);
        let options = since(&book);
        let attack = crate::attack::Attack::on(&book);
        deed(&attack);
        attack.cover_tracks();
        let error = found(&book);
        assert_eq!(error.code(), "bad-signature");
        assert_eq!(verify(&book, &options).unwrap_err(), error);
    }
}

#[test]
fn a_run_that_is_broken_off_tells_where_to_go_on() {
    let book = Scratch::new().furnished().with_commits(&[1_500, 1_500, 1_500]);
    let heard = RefCell::new(vec![]);
    let verified = |note: &str| heard.borrow_mut().push(note.to_owned());
    let watch = Watch { progress: &|_, _| {}, verified: &verified };
    store::verify_watched(book.dir(), &VerifyOptions::default(), &watch).unwrap();
    let heard = heard.into_inner();
    let size = |note: &str| note.lines().nth(1).unwrap().parse::<u64>().unwrap();
    // After 2,048 and 4,096 rows of 4,505: the newest checkpoint below each.
    assert_eq!(heard.iter().map(|note| size(note)).collect::<Vec<_>>(), [1_505, 3_005]);
    let options = VerifyOptions { since: heard.last().cloned(), ..VerifyOptions::default() };
    let report = verify(&book, &options).unwrap();
    assert_eq!((report.events, report.verified_signatures), (4_505, 1_500));
}
