//! Proofs and receipts of a stored book: what they prove, and that nothing else passes for them.

use relbook_ledger::key::PublicKey;
use relbook_ledger::receipt::{Receipt, ReceiptError};
use relbook_ledger::store::{CompareError, Comparison, compare};
use relbook_ledger::tree::leaf_hash;
use relbook_ledger::tree::proof::{TileSource as _, check_consistency, check_inclusion};
use relbook_ledger::tree::tile::TileId;

use crate::attack::Attack;
use crate::scratch::*;

/// A book whose tree has whole and partial tiles on two levels, made in uneven commits.
fn book() -> Scratch {
    Scratch::new().furnished().with_commits(&[1, 250, 3, 300, 77])
}

#[test]
fn every_event_is_proven_under_every_checkpoint_that_covers_it() {
    let book = book();
    let ledger = book.ledger();
    for checkpoint in ledger.checkpoints(0..u64::MAX).unwrap() {
        assert_eq!(ledger.root_at(checkpoint.size).unwrap(), checkpoint.root);
        for seq in 0..checkpoint.size {
            let proof = ledger.prove_inclusion(seq, checkpoint.size).unwrap();
            let leaf = leaf_hash(&ledger.entry(seq).unwrap().unwrap());
            check_inclusion(&leaf, seq, checkpoint.size, &proof, &checkpoint.root).unwrap();
        }
    }
}

#[test]
fn every_checkpoint_is_proven_to_begin_with_every_earlier_one() {
    let book = book();
    let ledger = book.ledger();
    let checkpoints = ledger.checkpoints(0..u64::MAX).unwrap();
    for later in &checkpoints {
        for earlier in checkpoints.iter().take_while(|earlier| earlier.size <= later.size) {
            let proof = ledger.prove_consistency(earlier.size, later.size).unwrap();
            let (old, new) = ((earlier.size, &earlier.root), (later.size, &later.root));
            check_consistency(old, new, &proof).unwrap();
        }
    }
}

#[test]
fn a_receipt_is_checked_without_the_book() {
    let book = book();
    let (text, event, key) = {
        let ledger = book.ledger();
        let record = ledger.record(300).unwrap().unwrap();
        (ledger.receipt(300).unwrap().to_string(), record, ledger.book_key())
    };
    drop(book);
    let receipt = Receipt::parse(&text).unwrap();
    assert_eq!(receipt.to_string(), text);
    let proven = receipt.check(&key).unwrap();
    assert_eq!((proven.entry.seq, proven.entry.key_id), (300, event.key_id));
    assert_eq!((proven.checkpoint.origin.as_str(), proven.checkpoint.size), (ORIGIN, 636));
    assert_eq!(proven.entry.received, event.received);
}

fn receipt() -> (Receipt, PublicKey) {
    let book = Scratch::new().furnished().with_commits(&[9]);
    let ledger = book.ledger();
    (ledger.receipt(6).unwrap(), ledger.book_key())
}

#[test]
fn no_changed_byte_of_a_receipt_passes() {
    let (honest, key) = receipt();
    let text = honest.to_string();
    let (mut refused, mut changed) = (0, 0);
    for at in 0..text.len() {
        for bit in 0..7 {
            let mut bytes = text.clone().into_bytes();
            bytes[at] ^= 1 << bit;
            let Ok(other) = String::from_utf8(bytes) else { continue };
            changed += 1;
            let outcome = Receipt::parse(&other).and_then(|receipt| receipt.check(&key));
            refused += usize::from(outcome.is_err());
        }
    }
    assert!(changed > 5_000, "{changed}");
    assert_eq!(refused, changed);
}

#[test]
fn a_receipt_says_what_it_lacks() {
    let (honest, key) = receipt();
    let with = |change: fn(&mut Receipt)| {
        let mut receipt = honest.clone();
        change(&mut receipt);
        receipt.check(&key).unwrap_err()
    };
    assert_eq!(with(|receipt| receipt.entry = None), ReceiptError::NoEntry);
    let moved = ReceiptError::OtherSeq { index: 7, seq: 6 };
    assert_eq!(with(|receipt| receipt.seq = 7), moved);
    assert!(matches!(with(|receipt| receipt.hashes.truncate(1)), ReceiptError::Proof(_)));
    let stranger = Scratch::new().ledger().book_key();
    assert!(matches!(honest.check(&stranger), Err(ReceiptError::Checkpoint(_))));
    let text = honest.to_string();
    for (wrong, detail) in [
        (text.replacen("v1", "v2", 1), "does not begin"),
        (text.replacen("index 6", "index 06", 1), "plain decimal"),
        (text.replacen("index 6", "index -6", 1), "plain decimal"),
        (text.replacen("index 6\n", "", 1), "no line `index`"),
        (text.replacen("\n\n", "\n", 1).replacen("\n\n", "\n", 1), "no blank line"),
        (text.replace("index 6", "index 6\n?"), "base64"),
        (text.replace("index 6", "index 6\nAAAA"), "no hash"),
        (
            text.replace(
                "index 6",
                &format!("index 6{}", format!("\n{0}=", "A".repeat(43)).repeat(64)),
            ),
            "too many",
        ),
    ] {
        let error = Receipt::parse(&wrong).unwrap_err();
        assert!(error.to_string().contains(detail), "{error} / {detail}");
    }
}

#[test]
fn no_receipt_is_given_that_would_not_hold() {
    let book = book();
    let attack = Attack::on(&book);
    attack.sql("UPDATE tiles SET hashes = zeroblob(length(hashes)) WHERE id = 8");
    attack.cover_tracks();
    let ledger = book.ledger();
    let error = ledger.receipt(300).unwrap_err().to_string();
    assert!(error.contains("seq 300 cannot be proven") && error.contains("verify"), "{error}");
    // What does not rest on the damaged tile is given.
    let receipt = ledger.receipt(600).unwrap();
    receipt.check(&ledger.book_key()).unwrap();
}

#[test]
fn a_fork_is_not_hidden_by_the_tiles_of_the_other_copy() {
    let one = Scratch::new().furnished().with_commits(&[280]);
    let other = one.copy();
    let one = one.with_commits(&[10]);
    // The second history is the longer one; some of its tiles are as those of the first.
    let other = other.with_commits(&[10, 600]);
    let fork = || compare(&one.ledger(), &other.ledger(), &|_, _| {});
    let Ok(Comparison::Fork(found)) = fork() else { panic!("there is a fork") };
    assert_eq!(found.seq, 285);
    let tile = TileId { level: 0, index: 1 };
    let theirs = one.ledger().tile(tile).unwrap().unwrap();
    let mut ours = other.ledger().tile(tile).unwrap().unwrap();
    ours[..theirs.len()].copy_from_slice(&theirs);
    let attack = Attack::on(&other);
    let sql = "UPDATE tiles SET hashes = ?1 WHERE id = 8";
    attack.connection.execute(sql, [ours.as_flattened()]).unwrap();
    attack.cover_tracks();
    let hidden = fork();
    assert!(matches!(hidden, Err(CompareError::Read(_))), "{hidden:?}");
}
