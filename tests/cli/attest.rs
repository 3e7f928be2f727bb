//! `ingest` of attestations and bills of materials through the binary: what is verified against a
//! given key, what is refused, and what `diff` compares afterwards. What each format means is
//! tested beside its reader.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use relbook_ledger::envelope::pae;
use relbook_ledger::key::SigningKey;
use relbook_testkit::environment::TestEnvironment;
use serde_json::{Value, json};

use crate::scratch::{COMMIT, digest, orion, refused, size};

const TYPE: &str = "application/vnd.in-toto+json";

/// Provenance of orion-api 1.4.2 in an envelope, signed with the key in the file.
fn provenance(env: &TestEnvironment, key: &str) -> Value {
    let payload = json!({
        "_type": "https://in-toto.io/Statement/v1",
        "predicateType": "https://slsa.dev/provenance/v1",
        "subject": [{"name": "orion-api", "digest": {"sha256": "a".repeat(64)}}],
        "predicate": {
            "buildDefinition": {
                "externalParameters": {"workflow":
                    {"ref": "refs/tags/v1.4.2", "repository": "https://git.example/o/api"}},
                "resolvedDependencies": [{"uri": "git+https://git.example/o/api@refs/tags/v1.4.2",
                    "digest": {"gitCommit": COMMIT}}]},
            "runDetails": {"builder": {"id": "https://git.example/builder"},
                "metadata": {"finishedOn": "2026-06-10T09:00:00Z"}}},
    })
    .to_string();
    let pem = std::fs::read_to_string(env.path().join(key)).expect("as the test made it");
    let signature = SigningKey::from_pem(&pem)
        .expect("as the test made it")
        .sign(&pae(TYPE, payload.as_bytes()));
    json!({"payloadType": TYPE, "payload": STANDARD.encode(&payload),
        "signatures": [{"keyid": "", "sig": STANDARD.encode(signature)}]})
}

/// A book with two keys, and the envelope of the first one in `api.intoto.jsonl`.
fn signed() -> TestEnvironment {
    let env = orion();
    env.run(&["key", "new", "builder.pem"]).exits(0);
    env.run(&["key", "new", "other.pem"]).exits(0);
    env.file("api.intoto.jsonl", provenance(&env, "builder.pem").to_string());
    env
}

#[test]
fn provenance_that_fits_the_key_is_verified_and_tells_of_the_build() {
    let env = signed();
    let before = size(&env);
    let args = ["ingest", "--component", "api", "--verify-key", "builder.pem.pub"];
    let args = [&args[..], &["api.intoto.jsonl", "--format", "json"]].concat();
    assert_eq!(env.run(&args).exits(0).json()["appended"], 2);
    assert_eq!(env.run(&args).exits(0).json()["appended"], 0, "the job runs again");
    assert_eq!(size(&env), before + 2);
    let sql = "SELECT b.version, b.commit, b.digest, b.builder, a.verified_by, a.format \
               FROM builds b JOIN attestations a ON a.digest = b.digest";
    let rows = env.run(&["query", sql, "--format", "json"]).exits(0).json()["rows"].clone();
    assert_eq!(rows.as_array().map(Vec::len), Some(1), "{rows}");
    let row = &rows[0];
    assert_eq!((&row["version"], &row["commit"]), (&json!("1.4.2"), &json!(COMMIT)));
    assert_eq!(row["digest"], digest('a'));
    assert_eq!(row["builder"], "https://git.example/builder");
    assert_eq!(row["format"], "https://slsa.dev/provenance/v1");
    assert!(row["verified_by"].as_str().unwrap().starts_with("ed25519 key sha256:"), "{row}");
    env.run(&["verify"]).exits(0);
}

#[test]
fn a_signature_that_does_not_fit_leaves_nothing_behind() {
    let env = signed();
    let before = size(&env);
    let args = ["ingest", "--component", "api", "--verify-key", "other.pem.pub"];
    let error = refused(&env, &[&args[..], &["api.intoto.jsonl"]].concat());
    assert_eq!(error["code"], "bad_signature");
    assert!(error["message"].as_str().unwrap().contains("api.intoto.jsonl"), "{error}");
    let mut changed = provenance(&env, "builder.pem");
    let payload = String::from_utf8(STANDARD.decode(changed["payload"].as_str().unwrap()).unwrap());
    changed["payload"] = json!(STANDARD.encode(payload.unwrap().replace("1.4.2", "1.4.3")));
    env.file("changed.json", changed.to_string());
    let args = ["ingest", "--component", "api", "--verify-key", "builder.pem.pub", "changed.json"];
    assert_eq!(refused(&env, &args)["code"], "bad_signature");
    // A key that cannot be read, or is none, is not the file's fault.
    let with = |key: &'static str| {
        env.run(&["ingest", "--component", "api", "--verify-key", key, "api.intoto.jsonl"])
    };
    with("missing.pub").exits(4);
    let text = with("builder.pem").exits(2).stderr;
    assert!(text.contains("private key"), "{text}");
    assert!(!env.path().join("book/blobs/blake3").exists(), "evidence of nothing is kept");
    // The failed command left only what the book notes of refused input.
    let sql = "SELECT count(*) AS n FROM attestations";
    let rows = env.run(&["query", sql, "--format", "json"]).exits(0).json()["rows"].clone();
    assert_eq!(rows[0]["n"], 0);
    assert_eq!(size(&env), before + 2, "two refusals by an enrolled author");
}

#[test]
fn a_bad_line_refuses_the_whole_file_and_is_named() {
    let env = signed();
    let good = provenance(&env, "builder.pem");
    env.file("lines.jsonl", format!("{good}\n{{\"note\": 1}}\n{{\"cut\": \n"));
    let error = refused(&env, &["ingest", "--component", "api", "lines.jsonl"]);
    assert!(error["message"].as_str().unwrap().contains("line 3"), "{error}");
    env.file("lines.jsonl", format!("{{\"note\": 1}}\n{good}\n"));
    let args = ["ingest", "--component", "api", "lines.jsonl", "--format", "json"];
    assert_eq!(env.run(&args).exits(0).json()["appended"], 2);
}

#[test]
fn bills_of_two_formats_tell_what_changed_between_two_versions() {
    let env = orion();
    let old = r#"<?xml version="1.0"?><bom xmlns="http://cyclonedx.org/schema/bom/1.4">
        <metadata><component type="application"><name>api</name></component></metadata><components>
        <component><name>zlib</name><version>1.2</version><purl>pkg:generic/zlib@1.2</purl></component>
        <component><name>gone</name><version>1</version><purl>pkg:generic/gone@1</purl></component>
        </components></bom>"#;
    env.file("old.xml", old);
    let package = |name: &str, version: &str| {
        json!({"SPDXID": format!("SPDXRef-{name}"), "name": name, "versionInfo": version,
            "externalRefs": [{"referenceType": "purl",
                "referenceLocator": format!("pkg:generic/{name}@{version}")}]})
    };
    let new = json!({"spdxVersion": "SPDX-2.3", "documentDescribes": ["SPDXRef-api"],
        "packages": [package("api", "1.4.3"), package("zlib", "1.3"), package("fresh", "0.1")]});
    env.file("new.json", new.to_string());
    for (version, digit, file) in [("1.4.2", 'a', "old.xml"), ("1.4.3", 'b', "new.json")] {
        let digest = digest(digit);
        let own = ["--component", "api", "--version", version, "--digest", &digest];
        env.run(&[&["append", "build", "--commit", COMMIT][..], &own].concat()).exits(0);
        env.run(&[&["ingest"][..], &own, &[file]].concat()).exits(0);
    }
    let answer = env.run(&["diff", "api", "1.4.2", "1.4.3", "--format", "json"]).exits(0).json();
    let found = &answer["header"]["dependencies"];
    assert_eq!(found["state"], "compared", "{found}");
    let names = |list: &str| -> Vec<&str> {
        found[list].as_array().unwrap().iter().map(|one| one["name"].as_str().unwrap()).collect()
    };
    assert_eq!(names("added"), ["pkg:generic/fresh"]);
    assert_eq!(names("removed"), ["pkg:generic/gone"]);
    assert_eq!(names("changed"), ["pkg:generic/zlib"]);
    assert_eq!(found["changed"][0]["to"], json!(["1.3"]));
}

#[test]
fn a_trusted_root_without_the_identity_that_must_have_signed_is_no_check() {
    let env = signed();
    env.file("root.json", "{}");
    let args = ["ingest", "--component", "api", "--trusted-root", "root.json", "api.intoto.jsonl"];
    let text = env.run(&args).exits(2).stderr;
    assert!(text.contains("--certificate-identity"), "{text}");
    let who = ["--certificate-identity", "x", "--certificate-issuer", "y"];
    let text = env.run(&[&args[..], &who].concat()).exits(2).stderr;
    assert!(text.contains("not a trusted root"), "{text}");
    let args = ["ingest", "--component", "api", "--certificate-identity", "x", "api.intoto.jsonl"];
    assert!(env.run(&args).exits(2).stderr.contains("--trusted-root"));
}
