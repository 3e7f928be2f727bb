//! Single bits of the database flipped at random: each is found by `verify`, or changed nothing
//! that the book says (a page that is not in use, a spare byte of SQLite's).
//!
//! `RELBOOK_FLIPS=100000` for the long run.
#![allow(clippy::print_stdout, reason = "the counts are the result")]

use std::path::Path;

use relbook_ledger::store::{self, Ledger, VerifyFailure, VerifyOptions};

use crate::scratch::*;

/// Everything that a book says to whoever asks it.
#[derive(Debug, PartialEq)]
struct Told {
    entries: Vec<Option<Vec<u8>>>,
    notes: Vec<String>,
    registry: String,
    proofs: Vec<String>,
}

fn told(dir: &Path) -> Result<Told, String> {
    let text = |error: &dyn std::fmt::Display| error.to_string();
    let ledger = Ledger::open(dir).map_err(|error| text(&error))?;
    let size = ledger.size();
    let entries = (0..size).map(|seq| ledger.entry(seq)).collect::<Result<_, _>>();
    let proofs = (0..size).map(|seq| ledger.receipt(seq).map(|receipt| receipt.to_string()));
    let notes = ledger.checkpoints(0..u64::MAX).map_err(|error| text(&error))?;
    Ok(Told {
        entries: entries.map_err(|error| text(&error))?,
        proofs: proofs.collect::<Result<_, _>>().map_err(|error| text(&error))?,
        notes: notes.into_iter().map(|checkpoint| checkpoint.note).collect(),
        registry: format!("{:?}", ledger.registry()),
    })
}

#[test]
fn a_flipped_bit_is_found_or_says_nothing() {
    let flips: usize = std::env::var("RELBOOK_FLIPS").map_or(1_000, |flips| flips.parse().unwrap());
    let book = Scratch::new().furnished().with_commits(&[3, 2, 20]);
    let honest = told(book.dir()).unwrap();
    let path = book.paths().database();
    // Closing the last handle has moved the log of SQLite into the database.
    let bytes = std::fs::read(&path).unwrap();
    let (mut found, mut harmless, mut unreadable) = (0, 0, 0);
    let mut random = 0x5DEE_CE66_D1CE_4E5B_u64;
    for _ in 0..flips {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        let (at, bit) = ((random >> 3) as usize % bytes.len(), random % 8);
        let mut changed = bytes.clone();
        changed[at] ^= 1 << bit;
        for name in ["ledger.db-wal", "ledger.db-shm"] {
            drop(std::fs::remove_file(book.dir().join(name)));
        }
        std::fs::write(&path, &changed).unwrap();
        match store::verify(book.dir(), &VerifyOptions::default(), &|_, _| ()) {
            Err(VerifyFailure::Tampered(_)) => found += 1,
            // The header itself: no command takes it for this book.
            Err(_) => unreadable += 1,
            Ok(_) => {
                assert_eq!(told(book.dir()).as_ref(), Ok(&honest), "byte {at}, bit {bit}");
                harmless += 1;
            }
        }
    }
    println!("{flips} flips: {found} found, {unreadable} unreadable, {harmless} said nothing");
    assert!(found > flips / 5, "{found} of {flips}: the harness is blind");
}
