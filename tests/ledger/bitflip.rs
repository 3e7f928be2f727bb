//! Single bits of the database flipped at random: each is found by `verify`, or changed nothing
//! that the book says (a page that is not in use, a spare byte of SQLite's).
//!
//! So is every bit of an export (signed envelopes, receipts, checkpoint), checked without the book.
//!
//! `RELBOOK_FLIPS=100000` for the long run: that many of the database (others with
//! another `RELBOOK_SEED`), and all of 200 events.
#![allow(clippy::print_stdout, reason = "the counts are the result")]

use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};

use relbook_ledger::checkpoint::Checkpoint;
use relbook_ledger::entry::Entry;
use relbook_ledger::envelope::SignedEvent;
use relbook_ledger::key::PublicKey;
use relbook_ledger::receipt::Receipt;
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
    // All tiles lead to these two.
    let proofs = [0, size - 1].map(|seq| ledger.receipt(seq).map(|receipt| receipt.to_string()));
    let notes = ledger.checkpoints(0..u64::MAX).map_err(|error| text(&error))?;
    Ok(Told {
        entries: entries.map_err(|error| text(&error))?,
        proofs: proofs.into_iter().collect::<Result<_, _>>().map_err(|error| text(&error))?,
        notes: notes.into_iter().map(|checkpoint| checkpoint.note).collect(),
        registry: format!("{:?}", ledger.registry()),
    })
}

#[test]
fn a_flipped_bit_is_found_or_says_nothing() {
    let flips: usize = std::env::var("RELBOOK_FLIPS").map_or(3_000, |flips| flips.parse().unwrap());
    let seed: u64 = std::env::var("RELBOOK_SEED").map_or(0, |seed| seed.parse().unwrap());
    let book = Scratch::new().furnished().with_commits(&[3, 2, 10]);
    let honest = told(book.dir()).unwrap();
    let path = book.paths().database();
    // Closing the last handle has moved the log of SQLite into the database.
    let bytes = std::fs::read(&path).unwrap();
    let flip = |thread: usize| {
        let copy = book.copy();
        let path = copy.paths().database();
        let mut counts = Counts::default();
        let mut random = 0x5DEE_CE66_D1CE_4E5B_u64 ^ (thread as u64) << 32 ^ seed << 40;
        for _ in (thread..flips).step_by(THREADS) {
            random ^= random << 13;
            random ^= random >> 7;
            random ^= random << 17;
            let (at, bit) = ((random >> 3) as usize % bytes.len(), random % 8);
            let mut changed = bytes.clone();
            changed[at] ^= 1 << bit;
            for name in ["ledger.db-wal", "ledger.db-shm"] {
                drop(std::fs::remove_file(copy.dir().join(name)));
            }
            std::fs::write(&path, &changed).unwrap();
            match store::verify(copy.dir(), &VerifyOptions::default(), &|_, _| ()) {
                Err(VerifyFailure::Tampered(_)) => counts.found += 1,
                // The header itself: no command takes it for this book.
                Err(_) => counts.unreadable += 1,
                Ok(_) if told(copy.dir()).as_ref() == Ok(&honest) => counts.harmless += 1,
                Ok(_) => {
                    println!("MISSED: byte {at}, bit {bit}");
                    counts.missed += 1;
                }
            }
        }
        counts
    };
    let counts = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..THREADS)
            .map(|thread| {
                let flip = &flip;
                scope.spawn(move || flip(thread))
            })
            .collect();
        threads
            .into_iter()
            .map(|thread| thread.join().unwrap())
            .fold(Counts::default(), Counts::add)
    });
    let Counts { found, unreadable, harmless, missed } = counts;
    println!(
        "{flips} flips of the database: {found} found, {unreadable} unreadable, {harmless} said \
         nothing, {missed} missed"
    );
    assert_eq!(found + unreadable + harmless + missed, flips);
    assert_eq!(missed, 0);
    assert!(found > flips / 5, "{found} of {flips}: the harness is blind");
}

/// How many books are flipped at once.
const THREADS: usize = 8;

/// What became of flipped bits.
#[derive(Default)]
struct Counts {
    found: usize,
    unreadable: usize,
    harmless: usize,
    missed: usize,
}

impl Counts {
    fn add(self, other: Self) -> Self {
        Self {
            found: self.found + other.found,
            unreadable: self.unreadable + other.unreadable,
            harmless: self.harmless + other.harmless,
            missed: self.missed + other.missed,
        }
    }
}

/// One event as it leaves the book: the author's envelope, and the receipt.
struct Exported {
    envelope: String,
    receipt: String,
}

/// What an auditor learns from an exported event with the book's key alone; none when it is refused.
fn learnt(envelope: &[u8], receipt: &[u8], book_key: &PublicKey) -> Option<(Entry, u64, [u8; 32])> {
    let receipt = Receipt::parse(std::str::from_utf8(receipt).ok()?).ok()?;
    let proven = receipt.check(book_key).ok()?;
    let signed = SignedEvent::from_dsse_json(envelope).ok()?;
    let same = signed.pae() == proven.entry.pae
        && signed.signature == proven.entry.signature
        && signed.key_id == proven.entry.key_id;
    same.then_some((proven.entry, proven.checkpoint.size, proven.checkpoint.root))
}

#[test]
fn every_flipped_bit_of_an_export_is_found_or_says_nothing() {
    let long = std::env::var_os("RELBOOK_FLIPS").is_some();
    let book = Scratch::new().furnished().with_commits(&[100, 95]);
    let ledger = book.ledger();
    let key = ledger.book_key();
    let exported: Vec<Exported> = (0..ledger.size())
        .map(|seq| {
            let record = ledger.record(seq).unwrap().unwrap();
            let signed = SignedEvent {
                payload_type: record.payload_type,
                body: record.body,
                key_id: record.key_id,
                signature: record.signature,
            };
            let receipt = ledger.receipt(seq).unwrap().to_string();
            Exported { envelope: signed.to_dsse_json().to_string(), receipt }
        })
        .collect();
    assert_eq!(exported.len(), 200);
    let chosen: Vec<&Exported> =
        if long { exported.iter().collect() } else { exported.iter().take(2).collect() };
    let next = AtomicUsize::new(0);
    let flip_some = || {
        let (mut bits, mut found, mut harmless) = (0u64, 0u64, 0u64);
        while let Some(event) = chosen.get(next.fetch_add(1, Ordering::SeqCst)) {
            let parts = [event.envelope.as_bytes(), event.receipt.as_bytes()];
            let honest = learnt(parts[0], parts[1], &key).unwrap();
            for part in 0..2 {
                let mut changed = parts[part].to_vec();
                for bit in 0..changed.len() * 8 {
                    changed[bit / 8] ^= 1 << (bit % 8);
                    let mut both = parts;
                    both[part] = &changed;
                    match learnt(both[0], both[1], &key) {
                        None => found += 1,
                        // The same event, under the same checkpoint.
                        Some(learnt) if learnt == honest => harmless += 1,
                        Some(_) => panic!("bit {bit} of part {part} was missed"),
                    }
                    bits += 1;
                    changed[bit / 8] ^= 1 << (bit % 8);
                }
            }
        }
        (bits, found, harmless)
    };
    let sums = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..THREADS).map(|_| scope.spawn(flip_some)).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect::<Vec<_>>()
    });
    let sum = sums.iter().fold((0, 0, 0), |a, b| (a.0 + b.0, a.1 + b.1, a.2 + b.2));
    let (bits, found, harmless) = sum;
    println!(
        "{bits} flips of {} exported events: {found} found, {harmless} said nothing, 0 missed",
        chosen.len()
    );
    assert!(bits > 10_000 && found > bits / 2, "the harness is blind");
    // The checkpoint alone: every bit of what the book signed, and of its signature.
    let note = ledger.checkpoint().unwrap().note;
    let honest = Checkpoint::open(&note, ORIGIN, &key).unwrap();
    for bit in 0..note.len() * 8 {
        let mut changed = note.clone().into_bytes();
        changed[bit / 8] ^= 1 << (bit % 8);
        let opened = String::from_utf8(changed).ok();
        let opened = opened.and_then(|note| Checkpoint::open(&note, ORIGIN, &key).ok());
        assert!(opened.is_none_or(|opened| opened == honest), "bit {bit} of the checkpoint");
    }
}
