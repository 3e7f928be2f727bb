//! Statements and envelopes: which artifact they are about, and whose signature they carry.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use serde_json::{Value, json};

use super::super::{Context, Document, VerifyKey, read};
use super::signer::{Signer, TYPE, envelope, pem};
use super::{all, check_admitted, digest, given, one, refusal};

/// A statement about the artifact of [`given`].
pub(super) fn statement(predicate_type: &str, predicate: Value) -> Value {
    json!({"_type": "https://in-toto.io/Statement/v1", "predicateType": predicate_type,
        "subject": [{"name": "_", "digest": {"sha256": "0".repeat(64)}}], "predicate": predicate})
}

fn plain() -> Value {
    statement("https://example.org/anything/v1", json!({"a": 1}))
}

fn about(digits: &[char]) -> Value {
    let subject =
        |digit: &char| json!({"name": "same", "digest": {"sha256": digit.to_string().repeat(64)}});
    let mut report = plain();
    report["subject"] = digits.iter().map(subject).collect();
    report
}

fn nobody() -> Context {
    Context { digest: None, ..given() }
}

#[test]
fn a_statement_is_recorded_with_the_file_as_its_evidence() {
    let event = one(&plain(), &given());
    assert_eq!(event["kind"], "attestation.recorded");
    assert_eq!(event["digest"], digest('0'));
    assert_eq!(event["format"], "https://example.org/anything/v1");
    assert_eq!(event["source"]["format"], "in-toto-statement/v1");
    assert_eq!(event["source"]["trust"], "asserted");
    assert_eq!(event["blob"], event["evidence"][0]);
    assert_eq!(event["labels"]["digest_check"], "equal");
    let mut old = plain();
    old["_type"] = json!("https://in-toto.io/Statement/v0.1");
    assert_eq!(one(&old, &nobody())["labels"]["digest_check"], "from_report");
}

#[test]
fn of_several_subjects_one_must_be_chosen() {
    let message = refusal(&about(&['1', '0', '2', '3']), &nobody());
    assert!(message.contains("4 digests") && message.contains(&digest('1')), "{message}");
    assert_eq!(one(&about(&['1', '0']), &given())["content"]["subjects"], 2);
    assert_eq!(one(&about(&['4', '4']), &nobody())["digest"], digest('4'));
    let message = refusal(&about(&['1', '2']), &given());
    assert!(message.contains(&digest('1')) && message.contains(&digest('0')), "{message}");
}

#[test]
fn digests_are_compared_with_their_own_kind_only() {
    let mut report = plain();
    report["subject"] = json!([{"name": "_", "digest": {"gce_image_id": "8970095005306000053"}}]);
    assert_eq!(one(&report, &nobody())["digest"], "gce_image_id:8970095005306000053");
    assert!(refusal(&report, &given()).contains("gce_image_id:8970095005306000053"));
    report["subject"] = json!([{"uri": "pkg:maven/a/b@1"}]);
    assert_eq!(one(&report, &given())["labels"]["digest_check"], "not_in_report");
    assert!(refusal(&report, &nobody()).contains("names no digest"));
    report["subject"] = json!([{"name": "x", "digest": {"sha256": "d".repeat(40)}}]);
    for context in [given(), nobody()] {
        assert!(refusal(&report, &context).contains("subject[].digest"), "{context:?}");
    }
    report["subject"] = json!([{"digest": {"sha512": "5".repeat(128), "sha256": "0".repeat(64)}}]);
    assert_eq!(one(&report, &nobody())["digest"], digest('0'));
    let by_512 = Context { digest: Some(format!("sha512:{}", "5".repeat(128))), ..given() };
    assert_eq!(one(&report, &by_512)["labels"]["digest_check"], "equal");
}

#[test]
fn a_damaged_statement_is_refused() {
    for (key, value) in
        [("subject", json!([])), ("subject", json!("x")), ("predicateType", json!(null))]
    {
        let mut report = plain();
        report[key] = value;
        assert!(all(&report, &given()).is_err(), "{report}");
    }
    let mut report = plain();
    report["_type"] = json!("https://in-toto.io/Statement/v2");
    assert!(refusal(&report, &given()).contains("in-toto statement v2"));
    let unnamed = Context { component: None, ..given() };
    assert!(refusal(&plain(), &unnamed).contains("--component"));
}

#[test]
fn an_envelope_may_use_either_alphabet_and_holds_a_statement() {
    let signer = Signer::ed25519();
    let mut report = envelope(&plain(), &[&signer]);
    assert_eq!(one(&report, &given())["source"]["format"], "dsse+in-toto-statement/v1");
    // Bytes that the two alphabets write differently.
    let mut odd = plain();
    odd["predicate"] = json!({"a": "\u{3ff}\u{3fe}>>>???"});
    report["payload"] = json!(URL_SAFE_NO_PAD.encode(odd.to_string()));
    assert_eq!(one(&report, &given())["content"]["signing"]["signatures"], 1);
    report["payload"] = json!("%%%");
    assert!(refusal(&report, &given()).contains("payload: expected base64"));
    report["payload"] = json!(STANDARD.encode("{\"_type\": 1, \"_type\": 2}"));
    assert!(refusal(&report, &given()).contains("payload"));
    let mut report = envelope(&plain(), &[&signer]);
    report["payloadType"] = json!("application/json");
    assert!(refusal(&report, &given()).contains("DSSE envelope of `application/json`"));
    let unsigned = envelope(&plain(), &[]);
    assert!(refusal(&unsigned, &given()).contains("at least one signature"));
}

#[test]
fn a_signature_that_fits_the_given_key_makes_it_verified() {
    for signer in [Signer::ed25519(), Signer::p256(), Signer::p384()] {
        let event = one(&envelope(&plain(), &[&signer]), &signer.asked());
        assert_eq!(event["source"]["trust"], "verified");
        assert_eq!(event["source"]["field_trust"]["component"], "asserted");
        let by = event["verified_by"].as_str().unwrap();
        assert!(by.contains("key sha256:"), "{by}");
        // Of several signatures one by the key is enough; who else signed is not said.
        let other = Signer::p256();
        let both = envelope(&plain(), &[&other, &signer]);
        assert_eq!(one(&both, &signer.asked())["content"]["signing"]["signatures"], 2);
        // Without a key nothing is called verified.
        let event = one(&both, &given());
        assert!(event.get("verified_by").is_none());
        assert_eq!(event["source"]["trust"], "asserted");
    }
}

#[test]
fn a_signature_that_does_not_fit_refuses_the_file() {
    for signer in [Signer::ed25519(), Signer::p256(), Signer::p384()] {
        let good = envelope(&plain(), &[&signer]);
        let message = refusal(&good, &Signer::p256().asked());
        assert!(message.contains("made with the given key"), "{message}");
        let mut other = good.clone();
        let mut changed = plain();
        changed["predicate"] = json!({"a": 2});
        other["payload"] = json!(STANDARD.encode(changed.to_string()));
        assert!(refusal(&other, &signer.asked()).contains("made with the given key"));
        // A key id is a hint and opens nothing.
        let mut named = envelope(&plain(), &[&Signer::ed25519()]);
        named["signatures"][0]["keyid"] = json!(signer.pem());
        assert!(refusal(&named, &signer.asked()).contains("made with the given key"));
    }
}

#[test]
fn what_is_not_signed_cannot_be_verified() {
    let asked = Signer::ed25519().asked();
    assert!(refusal(&plain(), &asked).contains("bare in-toto statement is not signed"));
    let trivy = json!({"SchemaVersion": 2, "Results": []});
    assert!(refusal(&trivy, &asked).contains("trivy carries no signature"));
}

#[test]
fn a_certificate_beside_the_signature_must_be_of_its_key() {
    let signer = Signer::p256();
    let mut report = envelope(&plain(), &[&signer]);
    let der = signer.certificate("https://git.example/o/app/x.yml@refs/tags/v1", &[]);
    report["signatures"][0]["cert"] = json!(pem("CERTIFICATE", &der));
    let event = one(&report, &given());
    assert_eq!(event["signer"], "https://git.example/o/app/x.yml@refs/tags/v1");
    assert_eq!(event["occurred_at"], "2026-06-10T09:00:00Z");
    assert_eq!(event["labels"]["time_source"], "certificate");
    assert!(event.get("verified_by").is_none());
    let other = Signer::p256().certificate("https://x", &[]);
    report["signatures"][0]["cert"] = json!(pem("CERTIFICATE", &other));
    assert!(refusal(&report, &given()).contains("does not fit the certificate"));
}

#[test]
fn a_key_file_is_a_public_key() {
    let private =
        "-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEIAAA\n-----END PRIVATE KEY-----";
    assert!(VerifyKey::from_pem(private).unwrap_err().contains("private key"));
    assert!(VerifyKey::from_pem("hello").unwrap_err().contains("not a key in PEM"));
    let curve = hex::decode("305a301406072a8648ce3d020106092b2403030208010107034200").unwrap();
    let odd = pem("PUBLIC KEY", &[curve, vec![4; 65]].concat());
    assert!(VerifyKey::from_pem(&odd).unwrap_err().contains("another kind"));
}

fn lines(values: &[Value]) -> Document {
    let text: Vec<String> = values.iter().map(Value::to_string).collect();
    Document::from_bytes("a.jsonl", text.join("\n").into_bytes()).unwrap()
}

#[test]
fn lines_are_read_in_any_order_and_others_left_alone() {
    let signer = Signer::ed25519();
    let first = envelope(&plain(), &[&signer]);
    let second = envelope(&statement("https://example.org/other/v1", json!({})), &[&signer]);
    let note = json!({"note": "not an attestation"});
    let formats = |document: &Document| {
        let mut formats: Vec<String> = read(document, None, &given())
            .unwrap()
            .iter()
            .map(|event| {
                check_admitted(event);
                assert_eq!(event["blob"], document.digest());
                event["format"].as_str().unwrap().to_owned()
            })
            .collect();
        formats.sort();
        formats
    };
    let there = formats(&lines(&[first.clone(), note.clone(), second.clone()]));
    assert_eq!(there, ["https://example.org/anything/v1", "https://example.org/other/v1"]);
    assert_eq!(there, formats(&lines(&[second.clone(), first.clone(), note])));
    // Lines about other artifacts are left out when one is meant, and refused when none is.
    let other = envelope(&about(&['7']), &[&signer]);
    let mixed = lines(&[other, first.clone()]);
    let events = read(&mixed, None, &given()).unwrap();
    assert_eq!((events.len(), &events[0]["digest"]), (1, &json!(digest('0'))));
    let message = read(&mixed, None, &nobody()).unwrap_err().to_string();
    assert!(message.contains("2 digests"), "{message}");
    // A line that is no JSON refuses the file and is named.
    let text = format!("{first}\n{{\"payload\": \n{second}\n");
    let error = Document::from_bytes("a.jsonl", text.into_bytes()).unwrap_err().to_string();
    assert!(error.contains("line 2"), "{error}");
}

#[test]
fn payload_type_is_part_of_what_is_signed() {
    let signer = Signer::p256();
    let payload = plain().to_string();
    let signature = STANDARD.encode(signer.sign(payload.as_bytes()));
    let bare = json!({"payloadType": TYPE, "payload": STANDARD.encode(&payload),
        "signatures": [{"sig": signature}]});
    assert!(refusal(&bare, &signer.asked()).contains("made with the given key"));
}
