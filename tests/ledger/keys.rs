//! Keys in a real book: who may write what, from when to when, across handles.

use relbook_ledger::admission::Code;
use relbook_ledger::envelope::SignedEvent;
use relbook_ledger::store::AppendError;
use serde_json::{Map, Value, json};

use crate::report;
use crate::scratch::*;

fn correction(of: Value) -> Map<String, Value> {
    event("event.corrected", json!({"corrects": of, "reason": "typed wrongly"}))
}

#[test]
fn a_revoked_key_signs_nothing_after_its_revocation() {
    let book = Scratch::new().furnished();
    book.append(sign(incident(), &key(1)));
    let revoked = book.append(sign(key_end("key.revoked", 1, "ci"), &book.admin()));
    let refusal = refused_for(&mut book.writer(), sign(incident(), &key(1)), Code::RevokedKey);
    assert!(refusal.message.contains(&format!("revoked at seq {}", revoked.seq)), "{refusal}");
    // What it signed before stays its own.
    assert_eq!(book.ledger().record(5).unwrap().unwrap().principal, "ci");
}

#[test]
fn a_revocation_in_a_batch_holds_for_the_lines_after_it() {
    let book = Scratch::new().furnished();
    let batch = [
        sign(incident(), &key(1)),
        sign(key_end("key.compromised", 1, "ci"), &book.admin()),
        sign(incident(), &key(1)),
    ];
    let refusal = refused(&mut book.writer(), &batch);
    assert_eq!((refusal.code, refusal.line), (Code::RevokedKey, Some(3)));
    assert_eq!(book.writer().append(&batch[..2]).unwrap().len(), 2);
}

#[test]
fn roles_bound_what_a_key_may_append() {
    let book = Scratch::new().furnished();
    let mut writer = book.writer();
    writer.append(&[sign(build("1.0.0"), &key(1)), sign(approval(None), &key(2))]).unwrap();
    refused_for(&mut writer, sign(build("1.0.1"), &key(2)), Code::Role);
    refused_for(&mut writer, sign(approval(Some("max")), &key(2)), Code::Role);
    writer.append(&[sign(component("web"), &key(1))]).unwrap();
    refused_for(&mut writer, sign(enrolment(3, "max", &["ci"]), &key(1)), Code::Role);
    writer.append(&[sign(approval(Some("max")), &book.admin())]).unwrap();
}

#[test]
fn a_later_enrolment_replaces_the_role() {
    let book = Scratch::new().furnished();
    book.append(sign(enrolment(1, "ci", &["auditor"]), &book.admin()));
    refused_for(&mut book.writer(), sign(incident(), &key(1)), Code::Role);
}

#[test]
fn nobody_but_the_book_writes_its_kinds() {
    let book = Scratch::new().furnished();
    let mut writer = book.writer();
    let refusal = event("append.refused", json!({"code": "role", "message": "x"}));
    refused_for(&mut writer, sign(refusal, &book.admin()), Code::Role);
    let genesis = event(
        "book.created",
        json!({
            "origin": ORIGIN, "book_public_key": key(5).public().to_hex(), "format_version": 1,
            "simulated_clock": false,
        }),
    );
    refused_for(&mut writer, sign(genesis.clone(), &book.admin()), Code::Role);
    refused_for(&mut writer, sign(genesis, &book.book_key()), Code::Role);
    refused_for(&mut writer, sign(enrolment(5, "x", &["admin"]), &book.book_key()), Code::Role);
}

#[test]
fn keys_that_cannot_be_trusted_are_not_enrolled() {
    let book = Scratch::new().furnished();
    let mut weak = enrolment(5, "x", &["ci"]);
    let identity = format!("01{}", "00".repeat(31));
    weak.insert("public_key".into(), identity.into());
    let refusal = refused_for(&mut book.writer(), sign(weak, &book.admin()), Code::BadValue);
    assert!(refusal.message.contains("weak"), "{refusal}");
    let taken = enrolment(1, "other", &["ci"]);
    refused_for(&mut book.writer(), sign(taken, &book.admin()), Code::BadValue);
    let itself = event(
        "key.revoked",
        json!({"principal": "admin", "key_id": book.admin().public().id().to_string()}),
    );
    refused_for(&mut book.writer(), sign(itself, &book.admin()), Code::BadValue);
}

#[test]
fn corrections_are_signed_by_the_author_or_an_admin() {
    let book = Scratch::new().furnished();
    let target = book.append(sign(incident(), &key(1)));
    let mut writer = book.writer();
    refused_for(&mut writer, sign(correction(json!(target.seq)), &key(2)), Code::Role);
    refused_for(&mut writer, sign(correction(json!(target.id.to_string())), &key(2)), Code::Role);
    for (corrects, signer) in [
        (json!(target.seq), key(1)),
        (json!(target.id.to_string()), key(1)),
        (json!(target.seq), book.admin()),
    ] {
        writer.append(&[sign(correction(corrects), &signer)]).unwrap();
    }
    for nothing in [json!(999), json!(new_id()), json!("some words")] {
        let refusal = refused_for(&mut writer, sign(correction(nothing), &key(1)), Code::BadValue);
        assert_eq!(refusal.field.as_deref(), Some("corrects"));
    }
}

#[test]
fn a_correction_may_name_an_earlier_line_of_its_batch() {
    let book = Scratch::new().furnished();
    let wrong = incident();
    let by_id = correction(wrong["id"].clone());
    let batch = [sign(wrong.clone(), &key(1)), sign(by_id.clone(), &key(1))];
    assert_eq!(book.writer().append(&batch).unwrap().len(), 2);
    let wrong = incident();
    let batch = [sign(wrong.clone(), &key(1)), sign(correction(wrong["id"].clone()), &key(2))];
    let refusal = refused(&mut book.writer(), &batch);
    assert_eq!((refusal.code, refusal.line), (Code::Role, Some(2)));
}

/// What a batch that ends in the judged event comes to: its code, or that it was taken.
fn judged(book: &Scratch, batch: &[SignedEvent], together: bool) -> Result<(), Code> {
    let mut writer = book.writer();
    if together {
        return match writer.append(batch) {
            Ok(_) => Ok(()),
            Err(AppendError::Refused(refusal)) => {
                assert_eq!(refusal.line, Some(batch.len() as u64), "{refusal}");
                Err(refusal.code)
            }
            Err(error) => panic!("{error}"),
        };
    }
    let (last, before) = batch.split_last().unwrap();
    for signed in before {
        writer.append(std::slice::from_ref(signed)).unwrap();
    }
    match writer.append(std::slice::from_ref(last)) {
        Ok(_) => Ok(()),
        Err(AppendError::Refused(refusal)) => Err(refusal.code),
        Err(error) => panic!("{error}"),
    }
}

#[test]
fn a_key_counts_strictly_between_its_enrolment_and_its_end() {
    let by_it = || sign(incident(), &key(7));
    let by_another = || sign(incident(), &key(1));
    let mut count = 0;
    for end in ["key.revoked", "key.compromised"] {
        for together in [false, true] {
            let admin = Scratch::admin;
            let enrol = |book: &Scratch| sign(enrolment(7, "new", &["admin"]), &admin(book));
            let over = |book: &Scratch| sign(key_end(end, 7, "new"), &admin(book));
            let check = |batch: &dyn Fn(&Scratch) -> Vec<SignedEvent>| {
                let book = Scratch::new().furnished();
                let verdict = judged(&book, &batch(&book), together);
                crate::verify::check(&book);
                verdict
            };
            let cases = [
                // One before the enrolment, the enrolment itself, one after it.
                (check(&|_| vec![by_another(), by_it()]), Err(Code::UnknownKey)),
                (
                    check(&|_| vec![by_another(), sign(enrolment(7, "new", &["admin"]), &key(7))]),
                    Err(Code::UnknownKey),
                ),
                (check(&|book| vec![enrol(book), by_it()]), Ok(())),
                // One before the end, the end itself by the key that it ends, one after it.
                (check(&|book| vec![enrol(book), by_it(), over(book)]), Ok(())),
                (
                    check(&|book| vec![enrol(book), sign(key_end(end, 7, "new"), &key(7))]),
                    Err(Code::BadValue),
                ),
                (check(&|book| vec![enrol(book), over(book), by_it()]), Err(Code::RevokedKey)),
                // A claimed time from when it counted helps nobody.
                (
                    check(&|book| {
                        let mut early = incident();
                        early.insert("occurred_at".into(), json!("2020-01-01T00:00:00Z"));
                        vec![enrol(book), over(book), sign(early, &key(7))]
                    }),
                    Err(Code::RevokedKey),
                ),
                // Enrolled again, it counts again from there on.
                (check(&|book| vec![enrol(book), over(book), enrol(book), by_it()]), Ok(())),
            ];
            for (at, (verdict, expected)) in cases.into_iter().enumerate() {
                assert_eq!(verdict, expected, "case {at}, {end}, in one batch: {together}");
                count += 1;
            }
        }
    }
    report::line(&format!("keys around their boundaries: {count} of 32 verdicts as they must be"));
}
