//! Witnesses: their memory across crashes, and the cosignatures that a book keeps.
//!
//! The logs are real books; a fork is a copy of one that went its own way. Crashes are the states
//! that the steps of recording leave on disk.

use std::path::{Path, PathBuf};

use relbook_ledger::cosignature;
use relbook_ledger::key::SigningKey;
use relbook_ledger::note::{Note, NoteSignature};
use relbook_ledger::store::{
    Ledger, VerifyOptions, Witness, WitnessError, WitnessOpenError, Writer, store_cosignatures,
};
use relbook_ledger::time::Time;
use relbook_ledger::verifier_key::{SignatureKind, VerifierKey};
use relbook_ledger::witness::Submission;
use serde_json::json;

use crate::attack::Attack;
use crate::scratch::*;
use crate::verify::{check, found, verify};

const NAME: &str = "witness.example/w1";

fn witness_key() -> SigningKey {
    SigningKey::from_seed(&[0x77; 32])
}

fn open(dir: &Path, book: &Scratch) -> Witness {
    try_open(dir, book).unwrap()
}

fn try_open(dir: &Path, book: &Scratch) -> Result<Witness, WitnessOpenError> {
    let log = VerifierKey {
        name: ORIGIN.to_owned(),
        kind: SignatureKind::Ed25519,
        key: book.ledger().book_key(),
    };
    Witness::open(dir, NAME, witness_key(), vec![log])
}

fn now() -> Time {
    Time::parse("2026-06-01T00:00:09Z").unwrap()
}

/// Submits the checkpoint of a size; the status of the answer.
fn submit(witness: &Witness, ledger: &Ledger, old: u64, size: u64) -> u16 {
    match witness.add_checkpoint(submission(ledger, old, size).as_bytes(), now()) {
        Ok(line) => {
            let line = NoteSignature::parse(line.trim_end()).unwrap();
            let text = note_of(ledger, size).text;
            let time = cosignature::check(&text, &line, &witness.verifier_key()).unwrap();
            assert_eq!(time, 1_780_272_009);
            200
        }
        Err(WitnessError::Refused(refusal)) => refusal.status(),
        Err(_) => 500,
    }
}

fn note_of(ledger: &Ledger, size: u64) -> Note {
    Note::parse(&ledger.checkpoints(size..size + 1).unwrap()[0].note).unwrap()
}

fn submission(ledger: &Ledger, old_size: u64, size: u64) -> String {
    let note = note_of(ledger, size);
    let checkpoint = relbook_ledger::checkpoint::Checkpoint::parse(&note.text).unwrap();
    let proof = ledger.prove_consistency(old_size.min(size), size).unwrap();
    Submission { old_size, proof, note, checkpoint }.to_string()
}

/// Checkpoints at 1, 2, 5, 8, 10, 11.
fn book() -> Scratch {
    Scratch::new().furnished().with_commits(&[3, 2, 1])
}

/// A copy of the book as it is, which goes on with an event of its own.
fn fork(book: &Scratch) -> (tempfile::TempDir, Ledger) {
    let dir = tempfile::tempdir().unwrap();
    for path in ["ledger.db", "keys/book.pem", "keys/book.pub"] {
        let to = dir.path().join(path);
        std::fs::create_dir_all(to.parent().unwrap()).unwrap();
        std::fs::copy(book.dir().join(path), to).unwrap();
    }
    let mut writer = Writer::open(dir.path()).unwrap();
    writer.append(&[sign(incident(), &key(1))]).unwrap();
    drop(writer);
    let ledger = Ledger::open(dir.path()).unwrap();
    (dir, ledger)
}

#[test]
fn a_witness_signs_what_extends_what_it_saw_and_nothing_else() {
    let (book, state) = (book(), tempfile::tempdir().unwrap());
    // The fork parts after 11 events; the book itself goes on too.
    let (_dir, forked) = fork(&book);
    book.append(sign(incident(), &key(1)));
    book.append(sign(incident(), &key(1)));
    let ledger = book.ledger();
    let witness = open(state.path(), &book);
    assert_eq!(submit(&witness, &ledger, 0, 8), 200);
    assert_eq!(submit(&witness, &ledger, 8, 8), 200);
    assert_eq!(submit(&witness, &ledger, 0, 11), 409);
    assert_eq!(submit(&witness, &ledger, 8, 12), 200);
    // Replayed older checkpoints, and the other history, of the same size and beyond.
    assert_eq!(submit(&witness, &ledger, 8, 11), 409);
    assert_eq!(submit(&witness, &ledger, 12, 11), 400);
    assert_eq!(submit(&witness, &forked, 12, 12), 409);
    drop(witness);
    // The same after a restart.
    let witness = open(state.path(), &book);
    assert_eq!(witness.seen()[0].size, 12);
    assert_eq!(submit(&witness, &forked, 0, 12), 409);
    assert_eq!(submit(&witness, &forked, 12, 12), 409);
    assert_eq!(submit(&witness, &ledger, 8, 12), 409);
    assert_eq!(submit(&witness, &ledger, 12, 13), 200);
}

fn state_files(state: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(state).unwrap().map(|entry| entry.unwrap().path());
    let mut files: Vec<_> = entries.filter(|path| path.extension().is_some()).collect();
    files.sort();
    files
}

/// What each step of recording leaves when the power goes before the next.
#[test]
fn no_crash_makes_a_witness_sign_twice_from_one_state() {
    let book = book();
    let (_dir, forked) = fork(&book);
    book.append(sign(incident(), &key(1)));
    let ledger = book.ledger();
    let next = note_of(&ledger, 12).to_string();
    for cut in [0, 10, next.len()] {
        // Written in part or whole beside the state, but not renamed: not recorded, so not signed.
        let state = tempfile::tempdir().unwrap();
        assert_eq!(submit(&open(state.path(), &book), &ledger, 0, 11), 200);
        let [file] = &state_files(state.path())[..] else { panic!("one log, one file") };
        std::fs::write(file.with_extension("checkpoint.new"), &next[..cut]).unwrap();
        let witness = open(state.path(), &book);
        assert_eq!(witness.seen()[0].size, 11);
        assert_eq!(submit(&witness, &forked, 11, 12), 200);
        assert_eq!(submit(&witness, &ledger, 11, 12), 409);
        assert_eq!(submit(&witness, &ledger, 12, 12), 409);
    }
    // Renamed, and the signature never left: the state is ahead, which a log recovers from.
    let state = tempfile::tempdir().unwrap();
    assert_eq!(submit(&open(state.path(), &book), &ledger, 0, 11), 200);
    std::fs::write(&state_files(state.path())[0], &next).unwrap();
    let witness = open(state.path(), &book);
    assert_eq!(submit(&witness, &forked, 11, 12), 409);
    assert_eq!(submit(&witness, &ledger, 11, 12), 409);
    assert_eq!(submit(&witness, &ledger, 12, 12), 200);
}

#[test]
fn a_witness_that_cannot_record_signs_nothing_more() {
    let (book, state) = (book(), tempfile::tempdir().unwrap());
    let ledger = book.ledger();
    let witness = open(state.path(), &book);
    assert_eq!(submit(&witness, &ledger, 0, 8), 200);
    // A directory where the new state is to be written.
    let obstacle = state_files(state.path())[0].with_extension("checkpoint.new");
    std::fs::create_dir(&obstacle).unwrap();
    assert_eq!(submit(&witness, &ledger, 8, 11), 500);
    std::fs::remove_dir(&obstacle).unwrap();
    assert_eq!(submit(&witness, &ledger, 8, 11), 500);
    drop(witness);
    assert_eq!(submit(&open(state.path(), &book), &ledger, 8, 11), 200);
}

#[test]
fn one_process_has_the_state_and_a_damaged_one_stops_it() {
    let (book, state) = (book(), tempfile::tempdir().unwrap());
    let witness = open(state.path(), &book);
    assert_eq!(submit(&witness, &book.ledger(), 0, 8), 200);
    let second = try_open(state.path(), &book).unwrap_err();
    assert!(matches!(second, WitnessOpenError::Locked { .. }), "{second}");
    drop(witness);
    let file = state_files(state.path()).remove(0);
    std::fs::write(&file, "gone").unwrap();
    let damaged = try_open(state.path(), &book).unwrap_err();
    assert!(matches!(damaged, WitnessOpenError::Damaged { .. }), "{damaged}");
    assert!(damaged.to_string().contains("never delete it"), "{damaged}");
}

fn policy(quorum: u32) -> relbook_ledger::envelope::SignedEvent {
    let witness = VerifierKey {
        name: NAME.to_owned(),
        kind: SignatureKind::Cosignature,
        key: witness_key().public(),
    };
    let values = json!({"witnesses": [witness.to_string()], "witness_quorum": quorum});
    let event = event("policy.set", json!({"policy_id": "p", "values": values}));
    sign(event, &SigningKey::from_seed(&[9; 32]))
}

/// A book whose policy asks for one witness, with that witness's line of the newest checkpoint.
fn cosigned() -> Scratch {
    let book = Scratch::new().furnished();
    book.append(sign(enrolment(9, "root", &["admin"]), &book.admin()));
    book.append(policy(1));
    let ledger = book.ledger();
    let line = cosignature::cosign(
        &note_of(&ledger, ledger.size()).text,
        NAME,
        &witness_key(),
        1_780_272_009,
    );
    let lines = [line.unwrap()];
    assert_eq!(store_cosignatures(book.dir(), ledger.size(), &lines).unwrap(), 1);
    assert_eq!(store_cosignatures(book.dir(), ledger.size(), &lines).unwrap(), 0);
    book
}

#[test]
fn a_cosigned_checkpoint_is_kept_shown_and_proven() {
    let book = cosigned();
    let ledger = book.ledger();
    let keys = ledger.registry().policy().witness_keys();
    for note in [ledger.checkpoint().unwrap().note, ledger.receipt(3).unwrap().checkpoint] {
        let found = cosignature::cosigners(&Note::parse(&note).unwrap(), &keys).unwrap();
        assert_eq!(found.len(), 1, "{note}");
    }
    ledger.receipt(3).unwrap().check(&ledger.book_key()).unwrap();
    let report = check(&book);
    let witnessed = &report.witnessed;
    assert_eq!((witnessed.witnesses, witnessed.quorum, witnessed.checked), (1, 1, 1));
    assert_eq!((witnessed.size, witnessed.holds()), (Some(7), true));
    // An append goes on without the witness; the newest checkpoint then has no line.
    book.append(sign(incident(), &key(1)));
    let witnessed = check(&book).witnessed;
    assert_eq!((witnessed.size, witnessed.holds()), (Some(7), false));
    let point = book.ledger().checkpoint_cosigned(3, &keys, 1).unwrap().unwrap();
    assert_eq!(point.size, 7);
    assert!(book.ledger().checkpoint_cosigned(7, &keys, 1).unwrap().is_none());
    // Somebody who knows another witness, or two.
    let other = VerifierKey { key: key(3).public(), ..keys[0].clone() };
    let options = VerifyOptions {
        witnesses: vec![keys[0].clone(), other],
        quorum: None,
        ..VerifyOptions::default()
    };
    let witnessed = verify(&book, &options).unwrap().witnessed;
    assert_eq!((witnessed.witnesses, witnessed.quorum, witnessed.size), (2, 2, None));
}

#[test]
fn a_changed_moved_or_invented_cosignature_is_found() {
    let changes: [(&str, &str); 5] = [
        (
            "changed",
            "UPDATE cosignatures SET line = substr(line, 1, 60) || 'A' || substr(line, 62)",
        ),
        ("moved", "UPDATE cosignatures SET size = 6"),
        ("of no checkpoint", "UPDATE cosignatures SET size = 99"),
        ("no line", "UPDATE cosignatures SET line = 'hello'"),
        ("two lines", "UPDATE cosignatures SET line = line || char(10) || line"),
    ];
    for (what, sql) in changes {
        let book = cosigned();
        let attack = Attack::on(&book);
        attack.sql(sql);
        attack.cover_tracks();
        let error = found(&book);
        assert_eq!(error.code(), "cosignature-invalid", "{what}: {error}");
    }
    // Taking it away is no lie that the database could show; the quorum shows it.
    let book = cosigned();
    let attack = Attack::on(&book);
    attack.sql("DELETE FROM cosignatures");
    attack.cover_tracks();
    assert!(!check(&book).witnessed.holds());
    // A stranger's line is kept and proves nothing.
    let line = cosignature::cosign("x\n", "stranger.example", &key(4), 1).unwrap();
    store_cosignatures(book.dir(), 7, &[line]).unwrap();
    let witnessed = check(&book).witnessed;
    assert_eq!((witnessed.unknown, witnessed.checked, witnessed.holds()), (1, 0, false));
}
