//! Evidence beside the log: verified where it is, reported where it is not.

use std::fs;

use relbook_ledger::store::VerifyOptions;
use serde_json::json;

use crate::scratch::*;
use crate::verify::{check, found, verify};

fn keep(book: &Scratch, bytes: &[u8]) -> String {
    let digest = format!("blake3:{}", blake3::hash(bytes).to_hex());
    let path = book.paths().blob(&digest).unwrap();
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, bytes).unwrap();
    digest
}

#[test]
fn a_blob_that_is_named_must_have_its_digest_where_it_is_there() {
    let book = Scratch::new().furnished();
    let (one, other) = (keep(&book, b"one"), keep(&book, b"other"));
    let nowhere = format!("sha512:{}", "a".repeat(128));
    for evidence in [json!([one]), json!([other, one]), json!([nowhere])] {
        let mut event = incident();
        event.insert("evidence".into(), evidence);
        book.append(sign(event, &key(1)));
    }
    let digest = digest();
    let fields = json!({"component": "api", "digest": digest, "blob": keep(&book, b"sbom")});
    book.append(sign(event("sbom.recorded", fields), &key(1)));
    let report = check(&book).blobs;
    assert_eq!((report.named, report.verified, report.missing), (4, 3, 1));
    assert_eq!(report.first_missing, Some((7, nowhere)));
    // One that is gone is reported, one that was changed is a finding.
    let path = book.paths().blob(&other).unwrap();
    fs::write(&path, b"0ther").unwrap();
    let error = found(&book);
    assert_eq!((error.code(), error.seq()), ("blob-wrong", Some(6)), "{error}");
    fs::remove_file(&path).unwrap();
    let report = check(&book).blobs;
    assert_eq!((report.verified, report.missing), (2, 2));
    assert_eq!(report.first_missing, Some((6, other)));
    fs::write(&path, b"0ther").unwrap();
    let skip = VerifyOptions { skip_blobs: true, ..VerifyOptions::default() };
    assert!(verify(&book, &skip).unwrap().blobs.skipped);
}

#[test]
fn a_sealed_text_is_a_text_where_texts_are_allowed_and_its_ciphertext_a_blob() {
    let book = Scratch::new().furnished();
    let subject_key = relbook_ledger::seal::SubjectKey::from_bytes([7; 32]);
    let seal = |field: &str| {
        let (value, ciphertext) =
            relbook_ledger::seal::seal(&subject_key, "p_olga", field, "fine, Olga").unwrap();
        keep(&book, &ciphertext);
        value
    };
    let mut event = approval(None);
    event.insert("comment".into(), seal("comment"));
    event.insert("labels".into(), json!({"note": seal("labels.note"), "plain": "x"}));
    book.append(sign(event.clone(), &key(2)));
    assert_eq!(check(&book).blobs.verified, 2);
    let record = book.ledger().record(5).unwrap().unwrap();
    let sealed = record.event.sealed();
    let fields: Vec<&str> = sealed.iter().map(|(field, _)| field.as_str()).collect();
    assert_eq!(fields, ["labels.note", "comment"]);
    assert!(!String::from_utf8_lossy(&record.body).contains("Olga"));
    for (field, seal) in &sealed {
        let ciphertext = book.paths().read_blob(&seal.ciphertext_ref).unwrap();
        let opened = relbook_ledger::seal::open(&subject_key, field, seal, &ciphertext).unwrap();
        assert_eq!(opened.text, "fine, Olga");
    }
    // What decides what counts cannot be hidden.
    for field in ["stage", "version", "approver", "approval_id"] {
        let mut event = approval(None);
        event.insert(field.into(), seal(field));
        let mut writer = book.writer();
        let refusal = refused(&mut writer, &[sign(event, &key(2))]);
        assert_eq!(refusal.code, relbook_ledger::admission::Code::BadValue, "{refusal}");
    }
}
