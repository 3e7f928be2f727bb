//! Insiders with the book's own key, who seal everything anew.

use relbook_ledger::envelope::{EVENT_TYPE, SignedEvent, pae};
use relbook_ledger::time::Time;
use relbook_ledger::verify::VerifyError;
use serde_json::{Map, Value, json};

use super::{book, expect, insider};
use crate::attack::Attack;
use crate::scratch::*;
use crate::verify::check;

pub(super) fn with(mut event: Map<String, Value>, field: &str, value: Value) -> Map<String, Value> {
    event.insert(field.into(), value);
    event
}

#[test]
fn an_insider_cannot_add_events_by_keys_out_of_force() {
    insider("unknown-key", 11, |a| {
        a.push(&sign(incident(), &key(9)), None);
    });
    let book = book();
    book.append(sign(key_end("key.revoked", 1, "ci"), &book.admin()));
    let attack = Attack::on(&book);
    attack.push(&sign(incident(), &key(1)), None).reseal(&book.book_key());
    attack.cover_tracks();
    expect(&book, "revoked-key", Some(12));
}

#[test]
fn an_insider_cannot_use_a_key_beyond_its_role() {
    insider("role", 11, |a| {
        a.push(&sign(approval(None), &key(1)), None);
    });
    insider("role", 11, |a| {
        let target = json!({"corrects": 5});
        a.push(&sign(event("event.corrected", target), &key(2)), None);
    });
    let book = book();
    let attack = Attack::on(&book);
    let enrolment = sign(enrolment(9, "mallory", &["admin"]), &book.book_key());
    attack.push(&enrolment, None).reseal(&book.book_key());
    attack.cover_tracks();
    expect(&book, "role", Some(11));
}

#[test]
fn an_insider_cannot_add_what_admission_refuses() {
    let wrong_book = with(incident(), "ledger", json!("other"));
    insider("wrong-book", 11, |a| {
        a.push(&sign(wrong_book, &key(1)), None);
    });
    let future = with(incident(), "occurred_at", json!("2030-01-01T00:00:00Z"));
    insider("future-time", 11, |a| {
        a.push(&sign(future, &key(1)), None);
    });
    let recorded = with(incident(), "recorded_at", json!("2026-06-01T00:00:00Z"));
    insider("inadmissible", 11, |a| {
        a.push(&sign(recorded, &key(1)), None);
    });
    let nowhere = with(build("1.0.0"), "component", json!("nope"));
    insider("inadmissible", 11, |a| {
        a.push(&sign(nowhere, &key(1)), None);
    });
    let nothing = event("event.corrected", json!({"corrects": 99}));
    insider("inadmissible", 11, |a| {
        a.push(&sign(nothing, &key(1)), None);
    });
    let large = with(incident(), "labels", json!({"x": "y".repeat(61_440)}));
    insider("inadmissible", 11, |a| {
        a.push(&sign(large, &key(1)), None);
    });
    let twice = format!("{{\"id\":\"{0}\",\"id\":\"{0}\"}}", new_id()).into_bytes();
    let twice = SignedEvent::sign(EVENT_TYPE, twice, &key(1));
    let error = insider("inadmissible", 11, |a| {
        a.push(&twice, None);
    });
    assert!(error.to_string().contains("duplicate_key"), "{error}");
    let plain =
        SignedEvent::sign(EVENT_TYPE, serde_json::to_vec(&build("1.0.0")).unwrap(), &key(1));
    insider("inadmissible", 11, |a| {
        a.push(&plain, None);
    });
}

#[test]
fn bytes_that_are_no_signed_payload_are_found_even_when_signed() {
    let mut signed = sign(incident(), &key(1));
    let garbage = b"DSSEv2 nothing".to_vec();
    signed.signature = key(1).sign(&garbage);
    insider("envelope-malformed", 11, |a| {
        a.push_pae(&signed, garbage, None);
    });
    let loose = pae(EVENT_TYPE, b"{}").repeat(2);
    signed.signature = key(1).sign(&loose);
    insider("envelope-malformed", 11, |a| {
        a.push_pae(&signed, loose, None);
    });
}

#[test]
fn an_insider_cannot_replay_an_event() {
    let book = book();
    let attack = Attack::on(&book);
    let replayed = attack.entry(6);
    attack.sql("DROP INDEX events_id");
    let signed = SignedEvent {
        payload_type: EVENT_TYPE.into(),
        body: vec![],
        key_id: replayed.key_id,
        signature: replayed.signature,
    };
    attack.push_pae(&signed, replayed.pae, None).reseal(&book.book_key());
    // The schema's text must not show that the index allows it.
    attack.sql("CREATE INDEX events_id ON events(id)").schema_sql(
        "UPDATE sqlite_schema SET sql = 'CREATE UNIQUE INDEX events_id ON events(id)' \
         WHERE name = 'events_id'",
    );
    attack.cover_tracks();
    let error = expect(&book, "duplicate-id", Some(11));
    assert_eq!(error, VerifyError::DuplicateId { seq: 11, first: 6 });
}

#[test]
fn a_book_must_begin_with_its_own_genesis() {
    let book = book();
    let attack = Attack::on(&book);
    let first = sign(incident(), &book.book_key());
    attack.change(0, |entry| (entry.pae, entry.signature) = (first.pae(), first.signature));
    attack.reseal(&book.book_key());
    attack.cover_tracks();
    expect(&book, "genesis-wrong", Some(0));
}

#[test]
fn a_book_has_one_genesis() {
    let book = Scratch::new();
    let attack = Attack::on(&book);
    let fields = json!({
        "origin": ORIGIN, "book_public_key": book.book_key().public().to_hex(),
        "format_version": 1, "simulated_clock": false,
    });
    let second = event("book.created", fields);
    let id: uuid::Uuid = second["id"].as_str().unwrap().parse().unwrap();
    let second = sign(second, &book.book_key());
    attack.change(1, |entry| (entry.pae, entry.signature) = (second.pae(), second.signature));
    attack.sql(&format!("UPDATE events SET id = x'{}' WHERE seq = 1", id.simple()));
    attack.reseal(&book.book_key());
    attack.cover_tracks();
    expect(&book, "role", Some(1));
}

#[test]
fn a_simulated_clock_must_be_what_the_events_make_it() {
    let book = Scratch::simulated();
    book.append(sign(incident(), &book.admin()));
    book.append(sign(incident(), &book.admin()));
    assert!(check(&book).simulated_clock);
    let attack = Attack::on(&book);
    attack.change(3, |entry| entry.received = Time::from_micros(entry.received.micros() + 1));
    attack.reseal(&book.book_key());
    attack.cover_tracks();
    expect(&book, "simulated-clock", Some(3));
}
