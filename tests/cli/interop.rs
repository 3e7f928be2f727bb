//! Event envelopes in the hands of other tools: OpenSSL and Python's securesystemslib verify what
//! relbook wrote, and relbook takes what they made. (Logs and proofs: `tests/ledger/go.rs`.)
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails where it stands")]

use std::path::Path;
use std::process::{Command, Output};

use relbook_testkit::environment::TestEnvironment;
use relbook_testkit::report;
use serde_json::{Value, json};

use crate::scratch::{COMMIT, digest, orion};

/// Enrols a new key and returns its id.
fn enrol(env: &TestEnvironment, principal: &str, public: &str) -> String {
    let enrol = ["key", "enroll", principal, public, "--role", "ci", "--format", "json"];
    env.run(&enrol).exits(0).json()["key_id"].as_str().unwrap().to_owned()
}

/// A book with two events by `ci.pem`: one is an in-toto Statement, one is not. Returns the id of
/// the key, and writes the envelopes.
fn signed(env: &TestEnvironment) -> String {
    env.run(&["key", "new", "ci.pem"]).exits(0);
    let id = enrol(env, "ci-orion", "ci.pem.pub");
    let artifact = digest('a');
    let build = ["append", "build", "--component", "orion-api", "--version", "1.4.2", "--digest"];
    let build = [&build[..], &[&artifact, "--commit", COMMIT, "--key", "ci.pem"]].concat();
    let incident = ["append", "incident.opened", "--incident-id", "INC-7", "--key", "ci.pem"];
    for (args, file) in [(&build[..], "statement.json"), (&incident[..], "event.json")] {
        let seq = env.run(&[args, &["--format", "json"]].concat()).exits(0).json();
        let seq = seq["receipts"][0]["seq"].to_string();
        env.run(&["receipt", &seq, "--envelope", "-o", file]).exits(0);
        let printed = env.run(&["receipt", &seq, "--envelope"]).exits(0).stdout;
        assert_eq!(printed, std::fs::read_to_string(env.path().join(file)).unwrap());
    }
    id
}

/// Runs Python with a script of `tests/interop`; none where Python or a package is missing.
fn python(env: &TestEnvironment, args: &[&str]) -> Option<Output> {
    let python = std::env::var("RELBOOK_PYTHON").unwrap_or_else(|_| "python3".to_owned());
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/interop/envelope.py");
    let output =
        Command::new(python).arg(script).args(args).current_dir(env.path()).output().ok()?;
    let missing = String::from_utf8_lossy(&output.stderr).contains("ModuleNotFoundError");
    (!missing).then_some(output)
}

const SECURESYSTEMSLIB: &str = "python3, or its package `securesystemslib`,";

#[test]
fn securesystemslib_verifies_our_envelopes() {
    let env = orion();
    let id = signed(&env);
    for file in ["statement.json", "event.json"] {
        let Some(output) = python(&env, &["verify", "ci.pem.pub", &id, file]) else {
            return report::skip("securesystemslib", SECURESYSTEMSLIB);
        };
        assert!(output.status.success(), "{file}: {}", String::from_utf8_lossy(&output.stderr));
    }
    // Another key verifies nothing.
    env.run(&["key", "new", "other.pem"]).exits(0);
    let output = python(&env, &["verify", "other.pem.pub", &id, "event.json"]).unwrap();
    assert!(!output.status.success());
    report::line("securesystemslib: 2 of 2 envelopes of ours verify, 6 changed ones do not");
}

/// An incident of the book as a tool outside would write it.
fn incident(id: &str) -> Value {
    json!({
        "id": id,
        "kind": "incident.opened",
        "ledger": "test.example/orion",
        "occurred_at": "2026-06-01T00:00:00Z",
        "incident_id": "INC-8",
    })
}

const EVENT: &str = "019d44d0-5980-7e71-aac2-2e7e8dae2cd7";

#[test]
fn an_envelope_that_securesystemslib_made_is_appended() {
    let env = orion();
    env.run(&["key", "new", "ci.pem"]).exits(0);
    let id = enrol(&env, "ci-orion", "ci.pem.pub");
    env.file("body.json", incident(EVENT).to_string());
    let kind = "application/vnd.relbook.event.v1+json";
    let Some(output) = python(&env, &["sign", "ci.pem", &id, kind, "body.json"]) else {
        return report::skip("securesystemslib", SECURESYSTEMSLIB);
    };
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    env.file("envelope.ndjson", output.stdout);
    env.run(&["append", "--from", "envelope.ndjson"]).exits(0);
    env.run(&["verify"]).exits(0);
    let envelope = env.run(&["receipt", EVENT, "--envelope"]).exits(0).json();
    assert_eq!(envelope["signatures"][0]["keyid"], id);
    report::line("securesystemslib: 1 of 1 envelope that it made is appended");
}

fn openssl(env: &TestEnvironment, args: &[&str]) -> Option<Output> {
    Command::new("openssl").args(args).current_dir(env.path()).output().ok()
}

#[test]
fn openssl_verifies_our_envelopes_and_its_keys_sign() {
    let env = orion();
    let Some(version) = openssl(&env, &["version"]) else {
        return report::skip("OpenSSL", "openssl");
    };
    let version = String::from_utf8_lossy(&version.stdout).trim().to_owned();
    signed(&env);
    let mut verified = 0;
    for file in ["statement.json", "event.json"] {
        let text = std::fs::read_to_string(env.path().join(file)).unwrap();
        let envelope: Value = serde_json::from_str(&text).unwrap();
        let field = |value: &Value| {
            env.file("base64", value.as_str().unwrap());
            openssl(&env, &["base64", "-d", "-A", "-in", "base64"]).unwrap().stdout
        };
        let (kind, body) = (envelope["payloadType"].as_str().unwrap(), field(&envelope["payload"]));
        let head = format!("DSSEv1 {} {kind} {} ", kind.len(), body.len());
        env.file("signature", field(&envelope["signatures"][0]["sig"]));
        let verify = ["pkeyutl", "-verify", "-pubin", "-inkey", "ci.pem.pub", "-rawin", "-in"];
        let verify = [&verify[..], &["pae", "-sigfile", "signature"]].concat();
        env.file("pae", [head.as_bytes(), &body].concat());
        let output = openssl(&env, &verify).unwrap();
        assert!(output.status.success(), "{file}: {}", String::from_utf8_lossy(&output.stderr));
        env.file("pae", [head.as_bytes(), &body, b" "].concat());
        assert!(!openssl(&env, &verify).unwrap().status.success(), "{file}: anything verifies");
        verified += 1;
    }
    // A key that OpenSSL made is enrolled and signs.
    let made = openssl(&env, &["genpkey", "-algorithm", "ed25519", "-out", "made.pem"]).unwrap();
    assert!(made.status.success());
    openssl(&env, &["pkey", "-in", "made.pem", "-pubout", "-out", "made.pub"]).unwrap();
    enrol(&env, "made", "made.pub");
    let append = ["append", "incident.opened", "--incident-id", "INC-9", "--key", "made.pem"];
    env.run(&append).exits(0);
    env.run(&["verify"]).exits(0);
    report::line(&format!("{version}: {verified} of 2 envelopes of ours verify, its key signs"));
}
