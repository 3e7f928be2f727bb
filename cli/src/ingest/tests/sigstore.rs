//! Bundles against a trusted root: a certificate authority and a transparency log of our own, and
//! one change for each rule that must refuse what it guards.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, CustomExtension, ExtendedKeyUsagePurpose,
    IsCa, KeyPair, KeyUsagePurpose, SanType, date_time_ymd,
};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use super::super::{Context, TrustedRoot, Verification};
use super::attestation::statement;
use super::signer::{Signer, envelope, pem};
use super::{all, given, one, refusal};

const WORKFLOW: &str = "https://git.example/o/app/.github/workflows/release.yml@refs/tags/v1.4.2";
const ISSUER: &str = "https://issuer.example";
/// 2026-03-01, the day of the certificates.
const SIGNED_AT: i64 = 1_772_366_400;

/// What Sigstore runs: an authority that certifies identities and a log of what they signed.
struct Sigstore {
    authority: CertifiedIssuer<'static, KeyPair>,
    log: Signer,
}

/// A key and the certificate that names its holder.
struct Identity {
    signer: Signer,
    certificate: Vec<u8>,
}

impl Sigstore {
    fn new() -> Self {
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign];
        let authority = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
        Self { authority, log: Signer::p256() }
    }

    fn trusted_root(&self) -> Value {
        let since = json!({"start": "2026-01-01T00:00:00Z"});
        json!({
            "mediaType": "application/vnd.dev.sigstore.trustedroot+json;version=0.1",
            "tlogs": [{
                "baseUrl": "https://log.example", "hashAlgorithm": "SHA2_256",
                "publicKey": {"rawBytes": STANDARD.encode(self.log.spki()),
                    "keyDetails": "PKIX_ECDSA_P256_SHA_256", "validFor": since},
                "logId": {"keyId": STANDARD.encode(self.log_id())}}],
            "certificateAuthorities": [{
                "uri": "https://ca.example", "validFor": since,
                "certChain": {"certificates":
                    [{"rawBytes": STANDARD.encode(self.authority.der())}]}}],
        })
    }

    fn log_id(&self) -> [u8; 32] {
        Sha256::digest(self.log.spki()).into()
    }

    /// Certifies a new key for the day on which everything is signed.
    fn certify(&self, identity: &str, issuer: &str) -> Identity {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::default();
        params.not_before = date_time_ymd(2026, 3, 1);
        params.not_after = date_time_ymd(2026, 3, 2);
        params.subject_alt_names = vec![SanType::URI(identity.try_into().unwrap())];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::CodeSigning];
        let oid = [1, 3, 6, 1, 4, 1, 57264, 1, 1];
        let vouched = CustomExtension::from_oid_content(&oid, issuer.as_bytes().to_vec());
        params.custom_extensions = vec![vouched];
        let certificate = params.signed_by(&key, &self.authority).unwrap().der().to_vec();
        Identity { signer: Signer::p256_of(&key.serialize_der()), certificate }
    }

    /// The log's entry, the only one in it, as a bundle carries it.
    fn entry(&self, body: &Value, time: i64) -> Value {
        let kind = json!({"kind": body["kind"], "version": body["apiVersion"]});
        let body = body.to_string();
        let promised = json!({"body": STANDARD.encode(&body), "integratedTime": time,
            "logID": hex::encode(self.log_id()), "logIndex": 0});
        let root = Sha256::digest([&[0], body.as_bytes()].concat());
        let text = format!("log.example\n1\n{}\n", STANDARD.encode(root));
        let signed = [&self.log_id()[..4], &self.log.sign(text.as_bytes())].concat();
        let note = format!("{text}\n\u{2014} log.example {}\n", STANDARD.encode(signed));
        json!({
            "logIndex": "0", "logId": {"keyId": STANDARD.encode(self.log_id())},
            "kindVersion": kind, "integratedTime": time.to_string(),
            "inclusionPromise": {"signedEntryTimestamp":
                STANDARD.encode(self.log.sign(promised.to_string().as_bytes()))},
            "inclusionProof": {"logIndex": "0", "rootHash": STANDARD.encode(root), "treeSize": "1",
                "hashes": [], "checkpoint": {"envelope": note}},
            "canonicalizedBody": STANDARD.encode(body),
        })
    }

    /// A bundle of a statement.
    fn attested(&self, who: &Identity, statement: &Value, time: i64) -> Value {
        let envelope = envelope(statement, &[&who.signer]);
        let body = json!({"apiVersion": "0.0.1", "kind": "dsse", "spec": {
            "envelopeHash": {"algorithm": "sha256", "value": "0".repeat(64)},
            "payloadHash": {"algorithm": "sha256",
                "value": hex::encode(Sha256::digest(statement.to_string()))},
            "signatures": [{"signature": envelope["signatures"][0]["sig"],
                "verifier": STANDARD.encode(pem("CERTIFICATE", &who.certificate))}]}});
        let mut bundle = self.bundle(who, self.entry(&body, time));
        bundle["dsseEnvelope"] = envelope;
        bundle
    }

    /// A bundle of the signature of a file, as `cosign sign-blob` makes it.
    fn signed_file(&self, who: &Identity, file: &[u8]) -> Value {
        let signature = STANDARD.encode(who.signer.sign(file));
        let body = json!({"apiVersion": "0.0.1", "kind": "hashedrekord", "spec": {
            "data": {"hash": {"algorithm": "sha256", "value": hex::encode(Sha256::digest(file))}},
            "signature": {"content": signature, "publicKey":
                {"content": STANDARD.encode(pem("CERTIFICATE", &who.certificate))}}}});
        let mut bundle = self.bundle(who, self.entry(&body, SIGNED_AT));
        bundle["messageSignature"] = message(file, &signature);
        bundle
    }

    fn bundle(&self, who: &Identity, entry: Value) -> Value {
        json!({
            "mediaType": "application/vnd.dev.sigstore.bundle.v0.3+json",
            "verificationMaterial": {
                "certificate": {"rawBytes": STANDARD.encode(&who.certificate)},
                "tlogEntries": [entry]},
        })
    }
}

fn message(file: &[u8], signature: &str) -> Value {
    let digest = STANDARD.encode(Sha256::digest(file));
    json!({"messageDigest": {"algorithm": "SHA2_256", "digest": digest}, "signature": signature})
}

/// A context that asks for a root and the workflow above.
fn asks(root: &Value) -> Context {
    asks_for(root, WORKFLOW, ISSUER)
}

fn asks_for(root: &Value, identity: &str, issuer: &str) -> Context {
    let root = TrustedRoot::new(&root.to_string(), identity, issuer).unwrap();
    Context { verification: Verification { keys: Vec::new(), root: Some(root) }, ..given() }
}

fn plain() -> Value {
    statement("https://example.org/anything/v1", json!({}))
}

#[test]
fn a_bundle_that_holds_is_verified_and_its_signer_is_known() {
    let sigstore = Sigstore::new();
    let who = sigstore.certify(WORKFLOW, ISSUER);
    let bundle = sigstore.attested(&who, &plain(), SIGNED_AT);
    let event = one(&bundle, &asks(&sigstore.trusted_root()));
    let by = event["verified_by"].as_str().unwrap();
    assert!(by.starts_with("sigstore trusted root sha256:"), "{by}");
    assert!(by.contains(WORKFLOW) && by.contains(ISSUER), "{by}");
    assert_eq!(event["signer"], WORKFLOW);
    assert_eq!(event["source"]["trust"], "verified");
    // A file of several roots, one to a line: one of them must do.
    let other = Sigstore::new().trusted_root();
    let two = format!("{other}\n{}\n", sigstore.trusted_root());
    let root = TrustedRoot::new(&two, WORKFLOW, ISSUER).unwrap();
    let verification = Verification { keys: Vec::new(), root: Some(root) };
    let event = one(&bundle, &Context { verification, ..given() });
    assert_eq!(event["source"]["trust"], "verified");
    // Without a root the same bundle is a claim.
    assert!(one(&bundle, &given()).get("verified_by").is_none());
}

#[test]
fn whatever_does_not_hold_is_refused() {
    let sigstore = Sigstore::new();
    let root = sigstore.trusted_root();
    let who = sigstore.certify(WORKFLOW, ISSUER);
    let good = sigstore.attested(&who, &plain(), SIGNED_AT);
    let entry = |bundle: &mut Value| bundle["verificationMaterial"]["tlogEntries"][0].take();
    let changed = |change: &dyn Fn(&mut Value)| {
        let mut bundle = good.clone();
        change(&mut bundle["verificationMaterial"]["tlogEntries"][0]);
        bundle
    };
    let elsewhere = Sigstore::new();
    let mut borrowed = good.clone();
    let mut second = sigstore.attested(&who, &plain(), SIGNED_AT);
    // ECDSA signs differently each time, so that the two entries differ.
    borrowed["verificationMaterial"]["tlogEntries"][0] = entry(&mut second);
    let day = 86_400;
    let cases = [
        (
            "another authority",
            "certificate chain",
            sigstore.attested(&elsewhere.certify(WORKFLOW, ISSUER), &plain(), SIGNED_AT),
        ),
        ("another log", "No log key", {
            let mut bundle = good.clone();
            let body = bundle["verificationMaterial"]["tlogEntries"][0]["canonicalizedBody"].take();
            let body = STANDARD.decode(body.as_str().unwrap()).unwrap();
            let body = serde_json::from_slice(&body).unwrap();
            bundle["verificationMaterial"]["tlogEntries"][0] = elsewhere.entry(&body, SIGNED_AT);
            bundle
        }),
        (
            "signed after the certificate",
            "CertExpired",
            sigstore.attested(&who, &plain(), SIGNED_AT + 2 * day),
        ),
        (
            "signed before the certificate",
            "CertNotValidYet",
            sigstore.attested(&who, &plain(), SIGNED_AT - 2 * day),
        ),
        (
            "a time that the log did not promise",
            "SET verification failed",
            changed(&|entry| {
                entry["integratedTime"] = json!((SIGNED_AT + 60).to_string());
            }),
        ),
        (
            "no promise, so no time",
            "No verified timestamp",
            changed(&|entry| {
                entry.as_object_mut().unwrap().remove("inclusionPromise");
            }),
        ),
        (
            "no proof",
            "must have an inclusion proof",
            changed(&|entry| {
                entry.as_object_mut().unwrap().remove("inclusionProof");
            }),
        ),
        (
            "a proof of another root",
            "does not match checkpoint root",
            changed(&|entry| {
                entry["inclusionProof"]["rootHash"] = json!(STANDARD.encode([7; 32]));
            }),
        ),
        (
            "a checkpoint that the log did not sign",
            "No valid Rekor signature",
            changed(&|entry| {
                let note = entry["inclusionProof"]["checkpoint"]["envelope"].as_str().unwrap();
                let (text, line) = note.split_once("\n\n").unwrap();
                let (head, line) = line.trim_end().rsplit_once(' ').unwrap();
                let mut signature = STANDARD.decode(line).unwrap();
                *signature.last_mut().unwrap() ^= 1;
                let note = format!("{text}\n\n{head} {}\n", STANDARD.encode(signature));
                entry["inclusionProof"]["checkpoint"]["envelope"] = json!(note);
            }),
        ),
        ("an entry of another signature", "does not match the bundle", borrowed),
        ("no entry", "must have an inclusion proof", {
            let mut bundle = good.clone();
            bundle["verificationMaterial"]["tlogEntries"] = json!([]);
            bundle
        }),
        (
            "another workflow",
            "identity mismatch",
            sigstore.attested(
                &sigstore.certify(&WORKFLOW.replace("release", "test"), ISSUER),
                &plain(),
                SIGNED_AT,
            ),
        ),
        (
            "another issuer",
            "issuer mismatch",
            sigstore.attested(
                &sigstore.certify(WORKFLOW, "https://other.example"),
                &plain(),
                SIGNED_AT,
            ),
        ),
    ];
    assert_eq!(one(&good, &asks(&root))["source"]["trust"], "verified", "the control");
    for (what, why, bundle) in cases {
        match all(&bundle, &asks(&root)) {
            Ok(events) => panic!("{what}: {events:?}"),
            Err(error) => assert!(error.to_string().contains(why), "{what}: {error}"),
        }
    }
    let said = refusal(&good, &asks_for(&root, &WORKFLOW.replace("v1.4.2", "v1.4.3"), ISSUER));
    assert!(said.contains("does not hold against the trusted root"), "{said}");
}

#[test]
fn the_signature_of_a_file_is_checked_against_the_digest() {
    let sigstore = Sigstore::new();
    let who = sigstore.certify(WORKFLOW, ISSUER);
    let file = b"0123  orion-cli_linux_amd64\n";
    let digest = Some(format!("sha256:{}", hex::encode(Sha256::digest(file))));
    let root = sigstore.trusted_root();
    let context = Context { digest: digest.clone(), ..asks(&root) };
    let bundle = sigstore.signed_file(&who, file);
    let event = one(&bundle, &context);
    assert_eq!(event["source"]["trust"], "verified");
    assert_eq!(event["labels"]["digest_check"], "equal");
    // The signature of one file with the digest of another.
    let mut other = bundle.clone();
    other["messageSignature"]["messageDigest"]["digest"] =
        json!(STANDARD.encode(Sha256::digest(b"another file")));
    refusal(&other, &Context { digest: None, ..asks(&root) });
    // The digest left out of the bundle: the caller's must be the one that is signed.
    let mut bare = bundle.clone();
    bare["messageSignature"].as_object_mut().unwrap().remove("messageDigest");
    assert_eq!(one(&bare, &context)["source"]["trust"], "verified");
    let said = refusal(&bare, &given());
    assert!(said.contains("does not fit the certificate"), "{said}");
}

#[test]
fn a_root_vouches_for_no_key_and_a_key_can_be_given_beside_it() {
    let (key, root) = (Signer::p256(), Sigstore::new().trusted_root());
    let file = b"a file";
    let bundle = json!({
        "mediaType": "application/vnd.dev.sigstore.bundle.v0.3+json",
        "verificationMaterial": {"publicKey": {"hint": "abc="}},
        "messageSignature": message(file, &STANDARD.encode(key.sign(file))),
    });
    let digest = Some(format!("sha256:{}", hex::encode(Sha256::digest(file))));
    let mut context = Context { digest, ..asks(&root) };
    assert!(refusal(&bundle, &context).contains("--verify-key"));
    context.verification.keys.push(key.verify_key());
    let event = one(&bundle, &context);
    assert!(event["verified_by"].as_str().unwrap().starts_with("ecdsa-p256 key sha256:"));
    context.verification.keys = vec![Signer::p256().verify_key()];
    context.verification.root = None;
    assert!(refusal(&bundle, &context).contains("not made with the given key"));
}

#[test]
fn a_file_that_is_no_root_is_said_to_be_none() {
    for text in ["", "{", "[]", "{\"mediaType\": 1}", "-----BEGIN PUBLIC KEY-----"] {
        let said = TrustedRoot::new(text, WORKFLOW, ISSUER).unwrap_err();
        assert!(said.contains("not a trusted root"), "{text}: {said}");
    }
}
