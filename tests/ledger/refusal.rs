//! Refusals: each code has an input that earns it, and known authors leave a record.

use relbook_ledger::admission::{Code, Refusal};
use relbook_ledger::envelope::{EVENT_TYPE, SignedEvent};
use relbook_ledger::event::{Body, Kind};
use relbook_ledger::store::AppendError;
use serde_json::{Map, Value, json};

use crate::scratch::*;

fn signed(body: &str) -> SignedEvent {
    SignedEvent::sign(EVENT_TYPE, body.as_bytes().to_vec(), &key(1))
}

fn with(mut event: Map<String, Value>, field: &str, value: Value) -> Map<String, Value> {
    event.insert(field.into(), value);
    event
}

#[test]
fn every_code_that_bytes_can_earn() {
    let book = Scratch::new().furnished();
    let mut writer = book.writer();
    let ci = key(1);
    let cases: Vec<(SignedEvent, Code, Option<&str>)> = vec![
        (signed("{"), Code::Json, None),
        (signed("[1]"), Code::Json, None),
        (signed(r#"{"id":1,"id":2}"#), Code::DuplicateKey, Some("id")),
        (sign(with(incident(), "x", json!(1)), &ci), Code::UnknownField, Some("x")),
        (sign(event("incident.opened", json!({})), &ci), Code::MissingField, Some("incident_id")),
        (sign(with(incident(), "id", json!("x")), &ci), Code::BadValue, Some("id")),
        (sign(event("incident.opend", json!({})), &ci), Code::UnknownKind, Some("kind")),
        (
            sign(with(build("1.0.0"), "component", json!("x")), &ci),
            Code::UnknownComponent,
            Some("component"),
        ),
        (sign(build("1.0"), &ci), Code::NotSemver, Some("version")),
        (sign(build(" 1.0.0"), &ci), Code::NotSemver, Some("version")),
        (sign(build(""), &ci), Code::NotSemver, Some("version")),
        (sign(build("v1.0.0"), &ci), Code::VersionPrefix, Some("version")),
        (sign(incident(), &key(9)), Code::UnknownKey, None),
        (sign(approval(None), &ci), Code::Role, Some("kind")),
        (sign(with(incident(), "ledger", json!("other")), &ci), Code::WrongBook, Some("ledger")),
        (
            sign(with(incident(), "occurred_at", json!("2026-06-01T00:01:01Z")), &ci),
            Code::FutureTime,
            Some("occurred_at"),
        ),
        (
            sign(with(incident(), "recorded_at", json!("2026-06-01T00:00:00Z")), &ci),
            Code::BadValue,
            Some("recorded_at"),
        ),
        (
            sign(with(incident(), "labels", json!({"x": "y".repeat(61_440)})), &ci),
            Code::TooLarge,
            None,
        ),
    ];
    for (signed, code, field) in cases {
        let refusal = refused_for(&mut writer, signed, code);
        assert_eq!(refusal.field.as_deref(), field, "{refusal}");
    }
    let mut without = incident();
    without.remove("ledger");
    refused_for(&mut writer, sign(without, &ci), Code::WrongBook);
}

#[test]
fn exactly_the_tolerance_is_not_the_future() {
    let book = Scratch::new().furnished();
    let event = with(incident(), "occurred_at", json!("2026-06-01T00:01:00Z"));
    book.append(sign(event, &key(1)));
    let values = json!({"policy_id": "p", "values": {"future_tolerance_s": 10}});
    book.append(sign(event_of_policy(values), &book.admin()));
    let event = with(incident(), "occurred_at", json!("2026-06-01T00:00:11Z"));
    refused_for(&mut book.writer(), sign(event, &key(1)), Code::FutureTime);
}

fn event_of_policy(fields: Value) -> Map<String, Value> {
    event("policy.set", fields)
}

#[test]
fn the_largest_event_fits_and_one_byte_more_does_not() {
    let book = Scratch::new().furnished();
    let of_length =
        |filler: usize| sign(with(incident(), "labels", json!({"x": "y".repeat(filler)})), &key(1));
    let overhead = of_length(0).pae().len();
    // The body's length has four more decimal digits than it has without filler.
    let filler = (61_000..61_440).find(|&n| of_length(n).pae().len() == 61_440);
    let filler = filler.unwrap_or_else(|| panic!("overhead {overhead}"));
    book.append(of_length(filler));
    refused_for(&mut book.writer(), of_length(filler + 1), Code::TooLarge);
}

#[test]
fn a_changed_event_or_signature_is_refused_and_leaves_no_record() {
    let book = Scratch::new().furnished();
    let mut writer = book.writer();
    let size = writer.ledger().size();
    let mut changed = sign(incident(), &key(1));
    changed.body = String::from_utf8(changed.body).unwrap().replace("i1", "i2").into_bytes();
    refused_for(&mut writer, changed, Code::BadSignature);
    let mut wrong = sign(incident(), &key(1));
    wrong.signature[5] ^= 1;
    refused_for(&mut writer, wrong, Code::BadSignature);
    // Signed by another enrolled key than it says.
    let mut borrowed = sign(incident(), &key(2));
    borrowed.key_id = key(1).public().id();
    refused_for(&mut writer, borrowed, Code::BadSignature);
    refused_for(&mut writer, sign(incident(), &key(9)), Code::UnknownKey);
    assert_eq!(writer.ledger().size(), size);
}

#[test]
fn the_first_bad_line_is_named_whatever_is_wrong_with_it() {
    let book = Scratch::new().furnished();
    let mut batch: Vec<_> = (0..40).map(|_| sign(incident(), &key(1))).collect();
    batch[20].signature[0] ^= 1;
    batch[30] = signed("{");
    let refusal = refused(&mut book.writer(), &batch);
    assert_eq!((refusal.code, refusal.line), (Code::BadSignature, Some(21)));
    batch[10] = signed("{");
    let refusal = refused(&mut book.writer(), &batch);
    assert_eq!((refusal.code, refusal.line), (Code::Json, Some(11)));
}

#[test]
fn another_event_under_a_known_id_is_a_conflict() {
    let book = Scratch::new().furnished();
    let event = incident();
    book.append(sign(event.clone(), &key(1)));
    let other = with(event, "severity", json!("high"));
    let mut writer = book.writer();
    refused_for(&mut writer, sign(other, &key(1)), Code::IdConflict);
    // Also between two lines of one batch.
    let event = incident();
    let batch =
        [sign(event.clone(), &key(1)), sign(with(event, "severity", json!("low")), &key(1))];
    let refusal = refused(&mut writer, &batch);
    assert_eq!((refusal.code, refusal.line), (Code::IdConflict, Some(2)));
}

#[test]
fn a_refusal_of_a_known_author_is_recorded_with_what_it_was() {
    let book = Scratch::new().furnished();
    let event = approval(None);
    let id = event["id"].as_str().unwrap().to_owned();
    let mut writer = book.writer();
    let refusal = refused_for(&mut writer, sign(event, &key(1)), Code::Role);
    let record = writer.record(5).unwrap().unwrap();
    assert_eq!(record.principal, "relbook");
    let Body::AppendRefused(spec) = record.event.body else { panic!("not a refusal") };
    assert_eq!((spec.code.as_str(), spec.message), ("role", refusal.message));
    assert_eq!((spec.line, spec.field.as_deref()), (Some(1), Some("kind")));
    assert_eq!(spec.value.as_deref(), Some("approval.granted"));
    assert_eq!(spec.refused_kind.as_deref(), Some("approval.granted"));
    assert_eq!(spec.refused_id, Some(id));
    assert_eq!(spec.author.as_deref(), Some("ci"));
    assert_eq!(spec.author_key, Some(key(1).public().id().to_string()));
    // The book goes on.
    assert_eq!(book_append_after(&mut writer), 6);
}

fn book_append_after(writer: &mut relbook_ledger::store::Writer) -> u64 {
    writer.append(&[sign(incident(), &key(1))]).unwrap()[0].seq
}

#[test]
fn a_refusal_of_a_revoked_key_is_recorded() {
    let book = Scratch::new().furnished();
    book.append(sign(key_end("key.revoked", 1, "ci"), &book.admin()));
    let mut writer = book.writer();
    refused_for(&mut writer, sign(incident(), &key(1)), Code::RevokedKey);
    assert_eq!(writer.record(6).unwrap().unwrap().event.kind(), Kind::AppendRefused);
}

#[test]
fn huge_refused_values_still_fit_into_their_record() {
    let book = Scratch::new().furnished();
    let mut writer = book.writer();
    let huge = "k".repeat(60_000);
    refused_for(&mut writer, sign(event(&huge, json!({})), &key(1)), Code::UnknownKind);
    let fields = json!({ huge.clone(): 1, "incident_id": "i" });
    refused_for(&mut writer, sign(event("incident.opened", fields), &key(1)), Code::UnknownField);
    assert_eq!(writer.ledger().size(), 7);
}

#[test]
fn a_refusal_found_before_signing_can_be_recorded() {
    let book = Scratch::new().furnished();
    let mut writer = book.writer();
    let refusal = Refusal::new(Code::UnknownField, "no such field").at("x").on_line(4);
    let ci = key(1).public().id();
    let receipt = writer.record_refusal(&refusal, ci, Some("build.completed"), None).unwrap();
    let record = writer.record(receipt.unwrap().seq).unwrap().unwrap();
    let Body::AppendRefused(spec) = record.event.body else { panic!("not a refusal") };
    assert_eq!((spec.line, spec.refused_id), (Some(4), None));
    let unknown = key(9).public().id();
    assert!(writer.record_refusal(&refusal, unknown, None, None).unwrap().is_none());
}

#[test]
fn batches_beyond_the_limit_are_refused_before_anything_else() {
    let book = Scratch::new().furnished();
    let mut writer = book.writer();
    writer.set_batch_events_max(2);
    let batch: Vec<_> = (0..3).map(|_| sign(incident(), &key(1))).collect();
    let refusal = refused(&mut writer, &batch);
    assert_eq!((refusal.code, refusal.line), (Code::TooLarge, None));
    writer.set_batch_events_max(3);
    assert_eq!(writer.append(&batch).unwrap().len(), 3);
}

#[test]
fn the_error_of_a_refusal_reads_as_one_sentence() {
    let book = Scratch::new().furnished();
    let error = book.writer().append(&[signed("{")]).unwrap_err();
    assert!(matches!(error, AppendError::Refused(_)));
    let text = error.to_string();
    assert!(text.starts_with("line 1: ") && text.ends_with("(json)"), "{text}");
}
