//! The ledger's clock: never decreasing, never trusted from authors, except in simulated books.

use relbook_ledger::admission::Code;
use relbook_ledger::time::Time;
use serde_json::{Map, Value, json};

use crate::scratch::*;

fn time(text: &str) -> Time {
    Time::parse(text).unwrap()
}

fn at(field: &str, text: &str) -> Map<String, Value> {
    let mut event = incident();
    event.insert(field.into(), json!(text));
    event
}

#[test]
fn received_is_the_clock_and_never_goes_back() {
    let book = Scratch::new().furnished();
    book.clock.set("2026-06-01T10:00:00Z");
    let receipt = book.append(sign(incident(), &key(1)));
    assert_eq!(book.ledger().clock(), time("2026-06-01T10:00:00Z"));
    // A clock that steps back by up to a minute is waited for, not followed.
    book.clock.set("2026-06-01T09:59:00Z");
    let later = book.append(sign(incident(), &key(1)));
    assert_eq!(later.seq, receipt.seq + 1);
    assert_eq!(book.ledger().clock(), time("2026-06-01T10:00:00Z"));
}

#[test]
fn a_clock_that_fell_back_further_stops_appending() {
    let book = Scratch::new().furnished();
    book.clock.set("2026-06-01T10:00:00Z");
    book.append(sign(incident(), &key(1)));
    book.clock.set("2026-06-01T09:58:59.999999Z");
    let size = book.ledger().size();
    let refusal = refused(&mut book.writer(), &[sign(incident(), &key(1))]);
    assert_eq!((refusal.code, refusal.line), (Code::ClockBackwards, None));
    assert!(refusal.message.contains("2026-06-01T09:58:59.999999Z"), "{refusal}");
    assert!(refusal.message.contains("2026-06-01T10:00:00Z"), "{refusal}");
    assert_eq!(book.ledger().size(), size);
    // Once it is right again, so is the book.
    book.clock.set("2026-06-01T10:00:01Z");
    book.append(sign(incident(), &key(1)));
}

#[test]
fn a_simulated_clock_moves_by_events_only() {
    let book = Scratch::simulated();
    assert_eq!((book.ledger().clock(), book.ledger().simulated_clock()), (Time::EPOCH, true));
    let mut registration = component("api");
    registration.insert("occurred_at".into(), json!("2020-01-01T00:00:00Z"));
    let admin = book.admin();
    let mut writer = book.writer();
    let mut append = |event| {
        let seq = writer.append(&[sign(event, &admin)]).unwrap()[0].seq;
        writer.record(seq).unwrap().unwrap().received
    };
    // Without recorded_at: the later of clock and occurred_at.
    assert_eq!(append(registration), time("2020-01-01T00:00:00Z"));
    assert_eq!(append(at("occurred_at", "2019-01-01T00:00:00Z")), time("2020-01-01T00:00:00Z"));
    // With it: what it says.
    let mut backfill = at("recorded_at", "2021-01-01T00:00:00Z");
    backfill.insert("occurred_at".into(), json!("2018-01-01T00:00:00Z"));
    assert_eq!(append(backfill), time("2021-01-01T00:00:00Z"));
    assert_eq!(append(at("occurred_at", "2021-01-01T00:00:00Z")), time("2021-01-01T00:00:00Z"));
}

#[test]
fn a_simulated_clock_does_not_go_back_and_refusals_take_it() {
    let book = Scratch::simulated();
    let admin = book.admin();
    let mut event = at("recorded_at", "2021-01-01T00:00:00Z");
    event.insert("occurred_at".into(), json!("2021-01-01T00:00:00Z"));
    book.append(sign(event, &admin));
    let mut writer = book.writer();
    let mut earlier = at("recorded_at", "2020-12-31T23:59:59.999999Z");
    earlier.insert("occurred_at".into(), json!("2020-01-01T00:00:00Z"));
    let refusal = refused_for(&mut writer, sign(earlier, &admin), Code::ClockBackwards);
    assert_eq!(refusal.field.as_deref(), Some("recorded_at"));
    let record = writer.record(3).unwrap().unwrap();
    assert_eq!(record.received, time("2021-01-01T00:00:00Z"));
    assert_eq!(record.event.header.occurred_at, time("2021-01-01T00:00:00Z"));
    let mut ahead = at("recorded_at", "2021-01-02T00:00:00Z");
    ahead.insert("occurred_at".into(), json!("2021-01-02T00:01:01Z"));
    refused_for(&mut writer, sign(ahead, &admin), Code::FutureTime);
}

#[test]
fn times_before_1970_are_claims_like_others() {
    let book = Scratch::simulated();
    book.append(sign(at("occurred_at", "1969-07-20T20:17:40Z"), &book.admin()));
    assert_eq!(book.ledger().clock(), Time::EPOCH);
}

#[test]
fn a_clock_that_ran_ahead_is_waited_for_when_an_admin_says_so() {
    let book = Scratch::new().furnished();
    book.clock.set("2027-06-01T00:00:00Z");
    let ahead = sign(incident(), &key(1));
    book.append(ahead.clone());
    // The right time again, a year behind the book's.
    book.clock.set("2026-06-02T00:00:00Z");
    let hold = |until: &str| {
        let values = json!({"policy_id": "clock", "values": {"clock_held_until": until}});
        event("policy.set", values)
    };
    let mut writer = book.writer();
    let message = refused(&mut writer, &[sign(incident(), &key(1))]).message;
    assert!(message.contains("clock_held_until=2027-06-01T00:00:00Z"), "{message}");
    // A retry of what is there needs no clock.
    assert!(writer.append(&[ahead]).unwrap()[0].duplicate);
    // Only an admin says so, and only up to where the clock ran.
    let size = writer.ledger().size();
    refused_for(&mut writer, sign(hold("2027-06-01T00:00:00Z"), &key(1)), Code::Role);
    let short = refused(&mut writer, &[sign(hold("2027-05-31T23:59:59Z"), &book.admin())]);
    assert_eq!(short.code, Code::ClockBackwards);
    assert_eq!(writer.ledger().size(), size + 1);
    writer.append(&[sign(hold("2027-06-01T00:00:00Z"), &book.admin())]).unwrap();
    let seq = writer.append(&[sign(incident(), &key(1))]).unwrap()[0].seq;
    assert_eq!(writer.record(seq).unwrap().unwrap().received, time("2027-06-01T00:00:00Z"));
    // Past that time the clock goes on, and a fall back is refused as ever.
    book.clock.set("2027-06-01T00:00:01Z");
    writer.append(&[sign(incident(), &key(1))]).unwrap();
    book.clock.set("2026-06-02T00:00:00Z");
    let refusal = refused(&mut writer, &[sign(incident(), &key(1))]);
    assert_eq!(refusal.code, Code::ClockBackwards);
    drop(writer);
    crate::verify::check(&book);
}
