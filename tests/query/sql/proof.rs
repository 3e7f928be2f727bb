//! What `events` shows is enough to prove the log without relbook: signature, leaf and chain.
//!
//! Method: the formats of ledger-format sections 2 and 3 are written out here a second time, with
//! other crates; nothing of `relbook_ledger` computes a hash or checks a signature.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ed25519_dalek::{Signature, VerifyingKey};
use relbook_query::sql::Session;
use relbook_testkit::scratch::Scratch;
use serde_json::Value;
use sha2::{Digest as _, Sha256};

use super::every::every;
use super::{run, session};

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn bytes(hex: &str) -> Vec<u8> {
    (0..hex.len()).step_by(2).map(|at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap()).collect()
}

fn text<'a>(row: &'a Value, column: &str) -> &'a str {
    row[column].as_str().unwrap_or_else(|| panic!("no {column} in {row}"))
}

/// DSSE pre-authentication encoding.
fn pae(row: &Value) -> Vec<u8> {
    let signed = row["statement"].as_str().unwrap_or(text(row, "payload"));
    let kind = text(row, "payload_type");
    format!("DSSEv1 {} {kind} {} {signed}", kind.len(), signed.len()).into_bytes()
}

/// The leaf entry of ledger-format section 3.
fn entry(row: &Value, received: i64, prev_chain: &[u8]) -> Vec<u8> {
    let pae = pae(row);
    let mut entry = b"relbook/leaf/v1\n".to_vec();
    entry.extend(row["seq"].as_u64().unwrap().to_be_bytes());
    entry.extend(received.to_be_bytes());
    entry.extend(prev_chain);
    entry.extend(bytes(text(row, "key_id")));
    entry.extend(STANDARD.decode(text(row, "signature")).unwrap());
    entry.extend(u32::try_from(pae.len()).unwrap().to_be_bytes());
    entry.extend(pae);
    entry
}

/// Proves every row of `events` and returns how many there were, and the tree's root.
fn prove(session: &Session, origin: &str) -> (usize, Vec<u8>) {
    let keys = run(session, "SELECT key_id, public_key FROM keys").to_json_rows();
    let public = |id: &str| {
        let row = keys.iter().find(|row| text(row, "key_id") == id).unwrap();
        VerifyingKey::from_bytes(&bytes(text(row, "public_key")).try_into().unwrap()).unwrap()
    };
    let sql = "SELECT *, CAST(recorded_at AS BIGINT) AS received FROM events ORDER BY seq";
    let rows = run(session, sql).to_json_rows();
    let book_key = public(text(&rows[0], "key_id"));
    let mut start = format!("{origin}\n").into_bytes();
    start.extend(book_key.as_bytes());
    let mut chain = blake3::derive_key("relbook 2026 genesis v1", &start);
    let mut leaves = Vec::new();
    for row in &rows {
        let key = public(text(row, "key_id"));
        assert_eq!(hex(&Sha256::digest(key.as_bytes())), text(row, "key_id"));
        let signature = STANDARD.decode(text(row, "signature")).unwrap();
        let signature = Signature::from_slice(&signature).unwrap();
        key.verify_strict(&pae(row), &signature).unwrap();
        let entry = entry(row, row["received"].as_i64().unwrap(), &chain);
        chain = blake3::derive_key("relbook 2026 chain v1", &entry);
        assert_eq!(hex(&chain), text(row, "chain_hash"), "chain at seq {}", row["seq"]);
        let leaf = Sha256::new().chain_update([0]).chain_update(&entry).finalize().to_vec();
        assert_eq!(hex(&leaf), text(row, "leaf_hash"), "leaf at seq {}", row["seq"]);
        leaves.push(leaf);
    }
    (rows.len(), root(&leaves))
}

/// RFC 6962 section 2.1, as it is written there.
fn root(leaves: &[Vec<u8>]) -> Vec<u8> {
    if let [leaf] = leaves {
        return leaf.clone();
    }
    let split = leaves.len().next_power_of_two() / 2;
    let (left, right) = (root(&leaves[..split]), root(&leaves[split..]));
    Sha256::new().chain_update([1]).chain_update(left).chain_update(right).finalize().to_vec()
}

#[test]
fn an_outsider_proves_signatures_leaves_chain_and_root_from_sql_alone() {
    let mut every = every();
    let session = session(&every.dir());
    let (events, root) = prove(&session, "test.example/book");
    assert!(events > 40);
    let row = &run(&session, "SELECT size, root FROM checkpoints ORDER BY size DESC LIMIT 1")
        .to_json_rows()[0];
    assert_eq!(row["size"], events as u64);
    assert_eq!(STANDARD.decode(text(row, "root")).unwrap(), root);
}

#[test]
fn both_kinds_of_payload_are_shown_as_they_were_signed() {
    let mut every = every();
    let session = session(&every.dir());
    let rows = run(
        &session,
        "SELECT payload_type, count(statement) AS statements, count(*) AS events \
         FROM events GROUP BY payload_type ORDER BY payload_type",
    )
    .to_json_rows();
    assert_eq!(rows.len(), 2, "{rows:?}");
    for row in &rows {
        let whole = text(row, "payload_type") == "application/vnd.in-toto+json";
        let expected = if whole { row["events"].clone() } else { Value::from(0) };
        assert_eq!(row["statements"], expected);
    }
    // The event inside a statement is the same bytes.
    let sql = "SELECT count(*) AS n FROM events WHERE statement IS NOT NULL \
               AND strpos(statement, payload) = 0";
    assert_eq!(run(&session, sql).to_json_rows()[0]["n"], 0);
}

#[test]
fn payloads_with_every_kind_of_text_survive() {
    let mut scratch = Scratch::simulated();
    let subject = "quote \" slash \\ tab \t nul \u{0} e \u{e9} emoji \u{1f680} ls \u{2028}";
    let mut event = serde_json::json!({"kind": "component.registered", "component": "api",
        "scheme": "semver", "release_model": "deployed", "occurred_at": "2026-06-01T00:00:00Z",
        "labels": {"any": subject, "": "empty"}});
    scratch.append(std::slice::from_ref(&event));
    let session = session(&scratch.path());
    prove(&session, "test.example/book");
    let row = &run(&session, "SELECT labels ->> 'any' AS label FROM components").to_json_rows()[0];
    assert_eq!(row["label"], event["labels"]["any"].take());
}
