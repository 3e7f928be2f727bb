//! Appending: what enters is durable, in order, whole batches only, and a retry is free.

use std::ops::ControlFlow;

use relbook_ledger::checkpoint::Checkpoint;
use relbook_ledger::entry::Entry;
use relbook_ledger::event::{Body, Kind};
use relbook_ledger::tree::{Frontier, leaf_hash};

use crate::scratch::*;

#[test]
fn a_new_book_holds_its_genesis_and_an_admin_key() {
    let book = Scratch::new();
    let ledger = book.ledger();
    assert_eq!((ledger.origin(), ledger.size(), ledger.simulated_clock()), (ORIGIN, 2, false));
    assert_eq!(ledger.book_key(), book.book_key().public());
    let genesis = ledger.record(0).unwrap().unwrap();
    assert!(matches!(genesis.event.body, Body::BookCreated(_)));
    assert_eq!(genesis.principal, "relbook");
    let enrolled = ledger.record(1).unwrap().unwrap();
    let Body::KeyEnrolled(spec) = enrolled.event.body else { panic!("not an enrolment") };
    assert_eq!((spec.principal.as_str(), enrolled.principal.as_str()), ("admin", "relbook"));
    assert_eq!(ledger.registry().keyring().grants().len(), 2);
    assert!(ledger.record(2).unwrap().is_none());
}

#[test]
fn what_was_appended_is_read_back_as_signed() {
    let book = Scratch::new().furnished();
    let signed = sign(build("1.0.0"), &key(1));
    let receipt = book.append(signed.clone());
    let record = book.ledger().record(receipt.seq).unwrap().unwrap();
    assert_eq!((record.seq, receipt.duplicate), (5, false));
    assert_eq!((&record.body, &record.payload_type), (&signed.body, &signed.payload_type));
    assert_eq!((record.key_id, record.signature), (signed.key_id, signed.signature));
    assert_eq!((record.principal.as_str(), record.event.header.id), ("ci", receipt.id));
    assert_eq!((record.event.kind(), record.event.component()), (Kind::BuildCompleted, "api"));
    assert_eq!(record.chain_hash, receipt.chain_hash);
}

#[test]
fn each_commit_signs_one_checkpoint_over_everything_before() {
    let book = Scratch::new().furnished().with_commits(&[3, 1, 4]);
    let ledger = book.ledger();
    let mut frontier = Frontier::new();
    let mut roots = vec![];
    for seq in 0..ledger.size() {
        let bytes = ledger.entry(seq).unwrap().unwrap();
        assert_eq!(Entry::decode(&bytes).unwrap().seq, seq);
        frontier.append(leaf_hash(&bytes));
        roots.push(frontier.root());
    }
    let checkpoints = ledger.checkpoints(0..u64::MAX).unwrap();
    let sizes: Vec<u64> = checkpoints.iter().map(|checkpoint| checkpoint.size).collect();
    assert_eq!(sizes, [1, 2, 5, 8, 9, 13]);
    for stored in &checkpoints {
        let opened = Checkpoint::open(&stored.note, ORIGIN, &ledger.book_key()).unwrap();
        assert_eq!((opened.size, opened.root), (stored.size, roots[stored.size as usize - 1]));
    }
    assert_eq!(ledger.checkpoint().unwrap(), *checkpoints.last().unwrap());
    let pin = std::fs::read_to_string(book.paths().pin()).unwrap();
    assert_eq!(pin, ledger.checkpoint().unwrap().note);
}

#[test]
fn chain_values_link_entry_to_entry() {
    let book = Scratch::new().furnished().with_commits(&[2]);
    let mut previous = None;
    let ledger = book.ledger();
    ledger
        .scan(0..ledger.size(), |record| {
            if let Some(previous) = previous {
                assert_eq!(record.prev_chain, previous);
            }
            previous = Some(record.chain_hash);
            ControlFlow::Continue(())
        })
        .unwrap();
}

#[test]
fn the_same_event_again_gets_its_first_receipt() {
    let book = Scratch::new().furnished();
    let signed = sign(incident(), &key(1));
    let first = book.append(signed.clone());
    let later = book.append(sign(incident(), &key(1)));
    let again = book.append(signed.clone());
    assert_eq!((again.seq, again.id, again.duplicate), (first.seq, first.id, true));
    assert_eq!(again.checkpoint, first.checkpoint);
    assert_ne!(again.checkpoint, later.checkpoint);
    assert_eq!(again.chain_hash, first.chain_hash);
    assert_eq!(book.ledger().size(), later.seq + 1);
    // Within a batch, beside a new event.
    let new = sign(incident(), &key(1));
    let receipts = book.writer().append(&[signed, new.clone(), new]).unwrap();
    let seqs: Vec<_> = receipts.iter().map(|r| (r.seq, r.duplicate)).collect();
    assert_eq!(seqs, [(first.seq, true), (7, false), (7, true)]);
}

#[test]
fn a_retry_is_free_even_after_the_key_was_revoked() {
    let book = Scratch::new().furnished();
    let signed = sign(incident(), &key(1));
    let first = book.append(signed.clone());
    book.append(sign(key_end("key.revoked", 1, "ci"), &book.admin()));
    let again = book.append(signed);
    assert_eq!((again.seq, again.duplicate), (first.seq, true));
}

#[test]
fn a_batch_enters_whole_or_not_at_all() {
    let book = Scratch::new().furnished();
    let size = book.ledger().size();
    let good = sign(incident(), &key(1));
    let mut bad = build("1.0.0");
    bad.insert("component".into(), "nope".into());
    let batch = [good.clone(), sign(incident(), &key(1)), sign(bad, &key(1)), good];
    let refusal = refused(&mut book.writer(), &batch);
    assert_eq!(refusal.line, Some(3));
    assert!(refusal.to_string().starts_with("line 3: component: `nope`"), "{refusal}");
    let ledger = book.ledger();
    // Only the refusal itself was recorded.
    assert_eq!(ledger.size(), size + 1);
    assert_eq!(ledger.record(size).unwrap().unwrap().event.kind(), Kind::AppendRefused);
}

#[test]
fn a_key_enrolled_on_one_line_signs_the_next() {
    let book = Scratch::new().furnished();
    let enrol = sign(enrolment(7, "new", &["ci"]), &book.admin());
    let used = sign(incident(), &key(7));
    let batch = [enrol.clone(), used.clone()];
    assert_eq!(book.writer().append(&batch).unwrap().len(), 2);
    assert_eq!(book.ledger().record(6).unwrap().unwrap().principal, "new");

    let other = Scratch::new().furnished();
    let enrol = sign(enrolment(7, "new", &["ci"]), &other.admin());
    let refusal = refused(&mut other.writer(), &[used, enrol]);
    assert_eq!((refusal.code.as_str(), refusal.line), ("unknown_key", Some(1)));
}

#[test]
fn a_component_registered_on_one_line_is_known_on_the_next() {
    let book = Scratch::new().furnished();
    let mut event = build("1.0.0");
    event.insert("component".into(), "web".into());
    let batch = [sign(component("web"), &book.admin()), sign(event, &key(1))];
    assert_eq!(book.writer().append(&batch).unwrap()[1].seq, 6);
}

#[test]
fn large_batches_keep_their_order() {
    let book = Scratch::new().furnished();
    let batch: Vec<_> = (0..2_500).map(|_| sign(incident(), &key(1))).collect();
    let receipts = book.writer().append(&batch).unwrap();
    let ledger = book.ledger();
    for (index, receipt) in receipts.iter().enumerate() {
        assert_eq!(receipt.seq, 5 + index as u64);
    }
    let record = ledger.record(2_504).unwrap().unwrap();
    assert_eq!(
        (record.body, ledger.find(record.event.header.id).unwrap()),
        (batch[2_499].body.clone(), Some(2_504))
    );
    assert_eq!(ledger.checkpoints(6..u64::MAX).unwrap().len(), 1);
}

#[test]
fn a_reader_sees_a_fixed_size_until_it_refreshes() {
    let book = Scratch::new();
    let mut ledger = book.ledger();
    let book = book.furnished();
    assert_eq!((ledger.size(), ledger.record(3).unwrap()), (2, None));
    assert_eq!(ledger.checkpoint().unwrap().size, 2);
    ledger.refresh().unwrap();
    assert_eq!(ledger.size(), 5);
    assert!(ledger.registry().component("api").is_some());
    assert_eq!(ledger.registry().keyring().grants().len(), 4);
    assert_eq!(ledger.checkpoint().unwrap(), book.ledger().checkpoint().unwrap());
}

#[test]
fn scans_stop_where_they_are_told() {
    let book = Scratch::new().furnished();
    let ledger = book.ledger();
    let mut seen = vec![];
    let visit = |range| {
        let mut seqs = vec![];
        ledger
            .scan(range, |record| {
                seqs.push(record.seq);
                if record.seq == 3 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
            })
            .unwrap();
        seqs
    };
    seen.push(visit(1..3));
    seen.push(visit(2..100));
    seen.push(visit(4..4));
    seen.push(visit(4..u64::MAX));
    assert_eq!(seen, [vec![1, 2], vec![2, 3], vec![], vec![4]]);
}

#[test]
fn relbook_writes_its_own_kinds_and_no_others() {
    let book = Scratch::new().furnished();
    let mut writer = book.writer();
    let fields =
        serde_json::json!({"component": "api", "stage": "production", "verdict": "closed"});
    let receipt =
        writer.append_as_book(Kind::GateDecided, fields.as_object().unwrap().clone()).unwrap();
    let record = writer.record(receipt.seq).unwrap().unwrap();
    assert_eq!(record.principal, "relbook");
    let text = String::from_utf8(record.body).unwrap();
    let start = format!(
        "{{\"id\":\"{}\",\"kind\":\"gate.decided\",\"ledger\":\"{ORIGIN}\",\"occurred_at\":\"2026-06-01T00:00:00Z\",\"component\"",
        receipt.id
    );
    assert!(text.starts_with(&start), "{text}");
    let fields = serde_json::json!({"incident_id": "i"});
    assert!(
        writer.append_as_book(Kind::IncidentOpened, fields.as_object().unwrap().clone()).is_err()
    );
}
