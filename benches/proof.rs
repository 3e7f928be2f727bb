//! What proofs cost in a large book: its tiles in the store, without its events.
//!
//! Method: a new book gets the tiles of a tree of `RELBOOK_LEAVES` leaves (10 million) written
//! beside its own; proofs are then made through the ledger, each by a handle that has read nothing
//! before, and checked against the root. `cargo bench -p relbook-ledger --bench proof`; `-- --test`
//! runs small.
#![allow(
    clippy::print_stdout,
    clippy::unwrap_used,
    missing_docs,
    reason = "a bench reports to people"
)]

use std::time::{Duration, Instant};

use relbook_ledger::store::{Ledger, NewBook};
use relbook_ledger::tree::leaf_hash;
use relbook_ledger::tree::proof::{check_consistency, check_inclusion};
use relbook_ledger::tree::tile::{TileEdge, TileId};
use rusqlite::Connection;

const PROOFS: u64 = 2_000;

fn main() {
    let test = std::env::args().any(|arg| arg == "--test");
    let leaves = std::env::var("RELBOOK_LEAVES").map_or(10_000_000, |n| n.parse().unwrap());
    let leaves = if test { 100_000 } else { leaves };
    let dir = tempfile::tempdir().unwrap();
    let book = dir.path().join("book");
    let origin = "relbook.example/proofs".to_owned();
    Ledger::create(&book, NewBook { origin, simulated_clock: true }).unwrap();
    let start = Instant::now();
    let edge = fill(&book.join("ledger.db"), leaves);
    let bytes = std::fs::metadata(book.join("ledger.db")).unwrap().len();
    println!(
        "{leaves} leaves: tiles in {:.1} s, {} MB",
        start.elapsed().as_secs_f64(),
        bytes >> 20
    );
    let ledger = Ledger::open(&book).unwrap();
    let root = edge.root();
    assert_eq!(ledger.root_at(leaves).unwrap(), root);
    let places: Vec<u64> = (0..PROOFS).map(|n| n.wrapping_mul(7_919_777) % leaves).collect();
    show("inclusion proof, made", &places, |seq| {
        drop(ledger.prove_inclusion(seq, leaves).unwrap());
    });
    show("consistency proof, made", &places, |seq| {
        drop(ledger.prove_consistency(seq, leaves).unwrap());
    });
    let proofs: Vec<_> =
        places.iter().map(|seq| (*seq, ledger.prove_inclusion(*seq, leaves).unwrap())).collect();
    show("inclusion proof, checked", &(0..PROOFS).collect::<Vec<_>>(), |n| {
        let (seq, proof) = &proofs[n as usize];
        let leaf = leaf_hash(&seq.to_be_bytes());
        check_inclusion(&leaf, *seq, leaves, proof, &root).unwrap();
    });
    for seq in places.iter().filter(|seq| **seq > 0).take(50) {
        let earlier = ledger.root_at(*seq).unwrap();
        let proof = ledger.prove_consistency(*seq, leaves).unwrap();
        check_consistency((*seq, &earlier), (leaves, &root), &proof).unwrap();
    }
}

/// Writes the tiles of a tree beside what the book holds, as appending would have left them.
fn fill(database: &std::path::Path, leaves: u64) -> TileEdge {
    let connection = Connection::open(database).unwrap();
    connection.execute_batch("PRAGMA synchronous = OFF; BEGIN").unwrap();
    let sql = "INSERT INTO tiles(id, hashes) VALUES (?1, ?2) \
               ON CONFLICT(id) DO UPDATE SET hashes = excluded.hashes";
    let mut edge = TileEdge::new();
    {
        let mut insert = connection.prepare(sql).unwrap();
        let mut write = |id: TileId, hashes: &[[u8; 32]]| {
            let row = (id.index << 3 | u64::from(id.level)).cast_signed();
            insert.execute((row, hashes.as_flattened())).unwrap();
        };
        for n in 0..leaves {
            edge.append(leaf_hash(&n.to_be_bytes()), &mut write);
        }
        edge.partial().for_each(|(id, hashes)| write(id, hashes));
    }
    connection.execute_batch("COMMIT").unwrap();
    edge
}

fn show(what: &str, places: &[u64], run: impl Fn(u64)) {
    let mut times: Vec<Duration> = places
        .iter()
        .map(|place| {
            let start = Instant::now();
            run(*place);
            start.elapsed()
        })
        .collect();
    times.sort();
    let micros = |at: usize| times[times.len() * at / 1_000].as_secs_f64() * 1e6;
    println!("{what:<26} median {:>7.1} µs   99.9 % under {:>7.1} µs", micros(500), micros(999));
}
