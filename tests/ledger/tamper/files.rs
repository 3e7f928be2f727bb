//! The files themselves: damaged, cut short, gone, or something else in their place.

use std::path::PathBuf;

use relbook_ledger::store::{self, BookPaths, Ledger, VerifyFailure, VerifyOptions, Writer};

use super::{book, expect};
use crate::scratch::*;
use crate::verify::{check, verify};

#[test]
fn damage_to_the_file_is_a_finding_not_a_failure() {
    let book = book();
    let mut bytes = std::fs::read(book.paths().database()).unwrap();
    for page in bytes.chunks_mut(4_096).skip(1) {
        page[..8].fill(0xaa);
    }
    std::fs::write(book.paths().database(), &bytes).unwrap();
    expect(&book, "database-damaged", None);
    bytes[..16].fill(0);
    std::fs::write(book.paths().database(), &bytes).unwrap();
    expect(&book, "database-damaged", None);
}

#[test]
fn no_flipped_byte_changes_what_is_proven() {
    let book = book();
    let honest = check(&book);
    let bytes = std::fs::read(book.paths().database()).unwrap();
    let mut unnoticed = 0;
    for at in (0..bytes.len()).step_by(409) {
        let mut changed = bytes.clone();
        changed[at] ^= 0x41;
        std::fs::write(book.paths().database(), changed).unwrap();
        // Flips in unused space and counters are no tampering; then all that is proven is the same.
        if let Ok(report) = verify(&book, &VerifyOptions::default()) {
            assert_eq!(report, honest, "byte {at}");
            unnoticed += 1;
        }
    }
    assert!(unnoticed < bytes.len() / 409, "no flip was noticed");
}

#[test]
fn a_file_cut_anywhere_is_a_finding() {
    let book = book();
    // So large that its bytes fill pages of their own, up to the end of the file.
    let mut large = incident();
    large.insert("labels".into(), serde_json::json!({"x": "y".repeat(30_000)}));
    book.append(sign(large, &key(1)));
    let bytes = std::fs::read(book.paths().database()).unwrap();
    let mut cuts = 0;
    for keep in (1..bytes.len() - 4_096).step_by(1_777) {
        std::fs::write(book.paths().database(), &bytes[..keep]).unwrap();
        expect(&book, "database-damaged", None);
        cuts += 1;
    }
    assert!(cuts > 20, "{cuts}");
    // Within the last page the disk gives less than the file promises, which is no fault of it:
    // what is missing is found, by whatever it was a part of.
    for keep in (bytes.len() - 4_095..bytes.len()).step_by(455) {
        std::fs::write(book.paths().database(), &bytes[..keep]).unwrap();
        crate::verify::found(&book);
    }
    std::fs::remove_file(book.paths().database()).unwrap();
    let error = expect(&book, "database-damaged", None);
    assert!(error.to_string().contains("is gone"), "{error}");
    // Without the pin nothing says that there ever was a book.
    std::fs::remove_file(book.paths().pin()).unwrap();
    let failure = store::verify(book.dir(), &VerifyOptions::default(), &|_, _| {});
    assert!(matches!(failure, Err(VerifyFailure::Open(_))), "{failure:?}");
}

#[test]
fn a_rollback_journal_is_never_played_back() {
    let book = book();
    let mut journal = book.paths().database().into_os_string();
    journal.push("-journal");
    let honest = std::fs::read(book.paths().database()).unwrap();
    std::fs::write(&journal, b"\xd9\xd5\x05\xf9\x20\xa1\x63\xd7 and pages of another state")
        .unwrap();
    let error = expect(&book, "database-damaged", None);
    assert!(error.to_string().contains("-journal"), "{error}");
    assert!(Writer::open(book.dir()).is_err());
    assert!(Ledger::open(book.dir()).is_err());
    assert_eq!(std::fs::read(book.paths().database()).unwrap(), honest);
    // An empty one holds nothing to play back.
    std::fs::write(&journal, b"").unwrap();
    check(&book);
}

/// Puts a pipe, from which no reader ever gets anything, in the place of a file.
#[cfg(unix)]
fn pipe(path: &std::path::Path) {
    std::fs::remove_file(path).unwrap();
    assert!(std::process::Command::new("mkfifo").arg(path).status().unwrap().success());
}

#[cfg(unix)]
#[test]
fn a_pipe_in_the_place_of_a_file_holds_nobody_up() {
    let with_blob = || {
        let book = book();
        let digest = format!("blake3:{}", blake3::hash(b"evidence").to_hex());
        let path = book.paths().blob(&digest).unwrap();
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, b"evidence").unwrap();
        let mut event = incident();
        event.insert("evidence".into(), serde_json::json!([digest]));
        book.append(sign(event, &key(1)));
        assert_eq!(check(&book).blobs.verified, 1);
        (book, path)
    };
    let database = |paths: BookPaths| paths.database();
    let pin = |paths: BookPaths| paths.pin();
    let public = |paths: BookPaths| paths.public_key("book");
    let mut places = vec![with_blob()];
    for place in [database as fn(_) -> _, pin, public] {
        let book = book();
        let path: PathBuf = place(book.paths());
        places.push((book, path));
    }
    for (book, path) in places {
        pipe(&path);
        let outcome = verify_failure(&book);
        assert!(outcome.contains("regular file"), "{}: {outcome}", path.display());
    }
}

#[cfg(unix)]
fn verify_failure(book: &Scratch) -> String {
    let outcome = store::verify(book.dir(), &VerifyOptions::default(), &|_, _| {});
    outcome.expect_err("what is no file cannot be verified").to_string()
}
