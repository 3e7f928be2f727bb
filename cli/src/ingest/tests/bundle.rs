//! Sigstore bundles and the files around them: parts that must be about each other.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use super::super::Context;
use super::attestation::statement;
use super::signer::{Signer, envelope};
use super::{all, digest, given, one, refusal};

const WORKFLOW: &str = "https://git.example/shared/attest/.github/workflows/attest.yml@1111";

fn plain() -> Value {
    statement("https://example.org/anything/v1", json!({}))
}

/// A bundle of version 0.3 of a signer with a certificate.
fn bundle(signer: &Signer, statement: &Value) -> Value {
    let claims = [
        (8, "https://issuer.example/path"),
        (9, WORKFLOW),
        (12, "https://git.example/o/app"),
        (14, "refs/heads/main"),
        (18, "https://git.example/o/app/.github/workflows/build.yml@refs/heads/main"),
        (21, "https://git.example/o/app/actions/runs/9/attempts/1"),
    ];
    let certificate = STANDARD.encode(signer.certificate(WORKFLOW, &claims));
    json!({
        "mediaType": "application/vnd.dev.sigstore.bundle.v0.3+json",
        "verificationMaterial": {
            "certificate": {"rawBytes": certificate},
            "tlogEntries": [{"logIndex": "129601213", "integratedTime": "1781082000"}]},
        "dsseEnvelope": envelope(statement, &[signer]),
    })
}

/// A bundle of the signature of a file.
fn message(hex: &str) -> Value {
    json!({
        "mediaType": "application/vnd.dev.sigstore.bundle+json;version=0.3",
        "verificationMaterial": {"publicKey": {"hint": "abc="}},
        "messageSignature": {"signature": "AAAA", "messageDigest":
            {"algorithm": "SHA2_256", "digest": STANDARD.encode(hex::decode(hex).unwrap())}},
    })
}

#[test]
fn the_signer_and_the_caller_stay_apart_and_nothing_is_verified() {
    let event = one(&bundle(&Signer::p256(), &plain()), &given());
    assert_eq!(event["source"]["format"], "sigstore-bundle/0.3");
    assert_eq!(event["signer"], WORKFLOW);
    assert_eq!(event["labels"]["signer_issuer"], "https://issuer.example/path");
    assert_eq!(event["labels"]["build_signer_uri"], WORKFLOW);
    assert_eq!(event["labels"]["source_repository"], "https://git.example/o/app");
    assert!(event["labels"]["build_config_uri"].as_str().unwrap().contains("/build.yml@"));
    let signing = &event["content"]["signing"];
    assert_eq!(
        signing["certificate"]["run_url"],
        "https://git.example/o/app/actions/runs/9/attempts/1"
    );
    assert_eq!(signing["log_index"], "129601213");
    assert_eq!(event["occurred_at"], "2026-06-10T09:00:00Z");
    assert_eq!(event["source"]["reported_at"], "1781082000");
    assert!(event.get("verified_by").is_none());
    assert_eq!(event["source"]["trust"], "asserted");
}

#[test]
fn versions_differ_in_where_the_certificate_is() {
    let signer = Signer::p256();
    let mut chain = bundle(&signer, &plain());
    let own = chain["verificationMaterial"]["certificate"].take();
    chain["verificationMaterial"].as_object_mut().unwrap().remove("certificate");
    chain["verificationMaterial"]["x509CertificateChain"] = json!({"certificates": [own]});
    assert!(refusal(&chain, &given()).contains("a single `certificate`"));
    for version in ["0.1", "0.2"] {
        let kind = format!("application/vnd.dev.sigstore.bundle+json;version={version}");
        chain["mediaType"] = json!(kind);
        assert_eq!(one(&chain, &given())["source"]["format"], format!("sigstore-bundle/{version}"));
    }
    chain["mediaType"] = json!("application/vnd.dev.sigstore.bundle.v0.4+json");
    assert!(refusal(&chain, &given()).contains("v0.4+json"));
}

#[test]
fn a_bundle_vouches_for_one_signature_of_its_own_certificate() {
    let signer = Signer::p256();
    let mut two = bundle(&signer, &plain());
    two["dsseEnvelope"] = envelope(&plain(), &[&signer, &signer]);
    assert!(refusal(&two, &given()).contains("exactly one signature"));
    let mut other = bundle(&signer, &plain());
    other["dsseEnvelope"] = envelope(&plain(), &[&Signer::p256()]);
    assert!(refusal(&other, &given()).contains("does not fit the certificate"));
    let mut changed = bundle(&signer, &plain());
    let payload = statement("https://example.org/else/v1", json!({})).to_string();
    changed["dsseEnvelope"]["payload"] = json!(STANDARD.encode(payload));
    assert!(refusal(&changed, &given()).contains("does not fit the certificate"));
}

#[test]
fn a_certificate_without_a_time_of_signing_proves_nothing() {
    let mut timeless = bundle(&Signer::p256(), &plain());
    timeless["verificationMaterial"]["tlogEntries"][0]["integratedTime"] = json!("0");
    assert!(refusal(&timeless, &given()).contains("time of signing"));
    let stamp = json!({"rfc3161Timestamps": [{"signedTimestamp": "AAAA"}]});
    timeless["verificationMaterial"]["timestampVerificationData"] = stamp;
    let event = one(&timeless, &given());
    assert_eq!(event["labels"]["time_source"], "certificate");
    assert_eq!(event["content"]["signing"]["timestamps"], 1);
}

#[test]
fn a_log_entry_has_a_place_in_the_log() {
    let mut before = bundle(&Signer::p256(), &plain());
    before["verificationMaterial"]["tlogEntries"][0]["logIndex"] = json!("-1");
    let message = refusal(&before, &given());
    assert!(message.contains("logIndex: expected a place in the log"), "{message}");
}

#[test]
fn the_log_entry_must_be_of_what_the_bundle_holds() {
    let signer = Signer::p256();
    let mut logged = bundle(&signer, &plain());
    let mut log = |body: Value| {
        let body = STANDARD.encode(body.to_string());
        logged["verificationMaterial"]["tlogEntries"][0]["canonicalizedBody"] = json!(body);
        all(&logged, &given()).map(|events| events.len()).map_err(|error| error.to_string())
    };
    let right = hex::encode(Sha256::digest(plain().to_string()));
    let dsse = |hex: &str| json!({"kind": "dsse", "apiVersion": "0.0.1", "spec": {"payloadHash": {"value": hex}}});
    let intoto = |hex: &str| {
        json!({"kind": "intoto", "apiVersion": "0.0.2",
            "spec": {"content": {"payloadHash": {"value": hex}}}})
    };
    for entry in [dsse(&right), intoto(&right)] {
        assert_eq!(log(entry), Ok(1));
    }
    for entry in [dsse(&"1".repeat(64)), intoto(&"1".repeat(64))] {
        assert!(log(entry).unwrap_err().contains("is of other content"));
    }
}

#[test]
fn the_signature_of_a_file_names_its_digest_only() {
    let event = one(&message(&"0".repeat(64)), &Context { digest: None, ..given() });
    assert_eq!(
        (&event["digest"], &event["format"]),
        (&json!(digest('0')), &json!("message-signature"))
    );
    assert_eq!(event["signer"], "abc=");
    assert!(refusal(&message(&"1".repeat(64)), &given()).contains(&digest('1')));
    let asked = Signer::p256().asked();
    assert!(refusal(&message(&"0".repeat(64)), &asked).contains("over the file with this digest"));
    let mut logged = message(&"0".repeat(64));
    let body = json!({"kind": "hashedrekord", "apiVersion": "0.0.1",
        "spec": {"data": {"hash": {"algorithm": "sha256", "value": "1".repeat(64)}}}});
    logged["verificationMaterial"]["tlogEntries"] =
        json!([{"logIndex": 1, "canonicalizedBody": STANDARD.encode(body.to_string())}]);
    assert!(refusal(&logged, &given()).contains("is of other content"));
}

#[test]
fn a_bundle_of_a_key_can_be_verified_with_it() {
    let signer = Signer::p256();
    let mut keyed = bundle(&signer, &plain());
    keyed["verificationMaterial"] = json!({"publicKey": {"hint": "ours"}});
    let event = one(&keyed, &signer.asked());
    assert_eq!((&event["source"]["trust"], &event["signer"]), (&json!("verified"), &json!("ours")));
    assert!(refusal(&keyed, &Signer::p256().asked()).contains("made with the given key"));
}

#[test]
fn npm_has_one_bundle_about_the_publication_and_one_about_the_build() {
    let signer = Signer::p256();
    let publish = "https://github.com/npm/attestation/tree/main/specs/publish/v0.1";
    let published = statement(publish, json!({"name": "@o/app", "version": "1.4.2"}));
    let built = statement("https://slsa.dev/provenance/v0.2", json!({"builder": {"id": "b"}}));
    let file = |kind: &str| {
        json!({"attestations": [
            {"predicateType": kind, "bundle": bundle(&signer, &published)},
            {"predicateType": "https://slsa.dev/provenance/v0.2", "bundle": bundle(&signer, &built)}]})
    };
    let events = all(&file(publish), &given()).unwrap();
    let kinds: Vec<&str> = events.iter().map(|event| event["kind"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["attestation.recorded", "release.published", "attestation.recorded"]);
    assert_eq!(events[1]["version"], "1.4.2");
    assert_eq!(events[0]["source"]["format"], "npm-attestations/1");
    let message = refusal(&file("https://example.org/x"), &given());
    assert!(message.contains("attestations[0].predicateType"), "{message}");
}

#[test]
fn cloud_build_is_read_from_its_envelopes_only() {
    let signer = Signer::p256();
    let commit = "fbbb98765e85ad464302dc5977968104d36e455e";
    let built = statement(
        "https://slsa.dev/provenance/v0.1",
        json!({
        "builder": {"id": "https://cloudbuild.example/worker@v0.2"},
        "materials": [{"uri": format!("https://git.example/o/app/commit/{commit}")}],
        "metadata": {"buildInvocationId": "b6e052a7", "buildFinishedOn": "2026-06-10T09:00:00Z"},
        "recipe": {"type": "t"}}),
    );
    let report = json!({
        "image_summary": {"digest": digest('0')},
        "provenance_summary": {"provenance": [
            {"envelope": envelope(&built, &[&signer]), "build": {"intotoStatement": {"lies": true}}}]},
    });
    let context = Context { version: Some("1.4.2".to_owned()), digest: None, ..given() };
    let events = all(&report, &context).unwrap();
    assert_eq!(events.len(), 2);
    assert_eq!(events[1]["commit"], commit);
    assert_eq!(events[1]["repository"], "https://git.example/o/app");
    assert_eq!(events[1]["source"]["run_id"], "b6e052a7");
    assert_eq!(events[0]["source"]["format"], "google-cloud-build/1");
    let asked = signer.asked();
    assert_eq!(all(&report, &asked).unwrap()[0]["source"]["trust"], "verified");
    assert!(refusal(&report, &Signer::p256().asked()).contains("made with the given key"));
}

#[test]
fn what_github_wraps_around_bundles_is_unwrapped() {
    let signer = Signer::p256();
    let wrapped = json!({"bundle": bundle(&signer, &plain()), "repository_id": 1});
    let answer = json!({"attestations": [wrapped.clone()]});
    let verified = json!([{"attestation": wrapped,
        "verificationResult": {"statement": {}, "verifiedTimestamps": []}}]);
    for file in [answer, verified] {
        let event = one(&file, &given());
        assert_eq!(event["source"]["format"], "github-attestations/1");
        assert_eq!((&event["signer"], &event["digest"]), (&json!(WORKFLOW), &json!(digest('0'))));
        // That gh verified it is nobody's signature.
        assert!(event.get("verified_by").is_none());
    }
    let elsewhere = json!({"attestations": [{"bundle": null, "bundle_url": "https://x.example"}]});
    assert!(refusal(&elsewhere, &given()).contains("gh attestation download"));
}
