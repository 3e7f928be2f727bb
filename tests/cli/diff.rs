//! `relbook diff` beyond commits: vulnerabilities, dependencies, approvals, waivers, policy.

use std::fs;
use std::path::PathBuf;

use relbook_testkit::environment::TestEnvironment;
use serde_json::{Value, json};

use crate::scratch::{COMMIT, digest, empty};

const PRODUCT: &str = "\
product: orion
components:
  orion-api: {alias: api, scheme: semver, release_model: deployed, tag_prefix: v}
environments:
  production: {targets: [us-east-1]}
";

fn append(env: &TestEnvironment, events: &[Value]) {
    let lines: String = events.iter().map(|event| format!("{event}\n")).collect();
    env.run_with_input(&["append", "--from", "-"], lines.as_bytes()).exits(0);
}

/// Build and production deploy of a version at an hour of a day.
fn released(version: &str, digit: char, day: u8) -> [Value; 3] {
    let at = |hour: u8| format!("2026-06-{day:02}T{hour:02}:00:00Z");
    [
        json!({"kind": "build.completed", "component": "orion-api", "version": version,
            "digest": digest(digit), "commit": COMMIT.replace('9', &digit.to_string()),
            "occurred_at": at(8)}),
        json!({"kind": "deploy.started", "component": "orion-api", "deploy_id": version,
            "stage": "production", "environment": "production", "targets": ["us-east-1"],
            "digest": digest(digit), "occurred_at": at(9)}),
        json!({"kind": "deploy.finished", "deploy_id": version, "target": "us-east-1",
            "outcome": "succeeded", "occurred_at": at(10)}),
    ]
}

/// A book in which 1.4.1 and 1.4.2 were released, the latter after what lies between them.
fn book(between: &[Value]) -> TestEnvironment {
    let env = empty();
    env.run(&["init", "--simulated-clock"]).exits(0);
    env.file("orion.yaml", PRODUCT);
    env.run(&["apply", "orion.yaml"]).exits(0);
    append(&env, &released("1.4.1", 'a', 1));
    append(&env, between);
    append(&env, &released("1.4.2", 'b', 10));
    env
}

fn scan(scanner: &str, digit: char, status: &str, findings: &Value) -> Value {
    let mut scan = json!({"kind": "scan.completed", "component": "orion-api", "scanner": scanner,
        "digest": digest(digit), "critical": 0, "high": 0, "status": status,
        "occurred_at": "2026-06-02T08:00:00Z"});
    if !findings.is_null() {
        scan["findings"] = findings.clone();
    }
    scan
}

fn finding(id: &str) -> Value {
    json!({"vulnerability_id": id, "severity": "low", "package": "zlib"})
}

fn header(env: &TestEnvironment, name: &str) -> Value {
    env.run(&["diff", "api", "--format", "json"]).exits(0).json()["header"][name].clone()
}

fn ids(list: &Value) -> Vec<&str> {
    let entries = list.as_array().map(Vec::as_slice).unwrap_or_default();
    entries.iter().filter_map(|entry| entry["vulnerability_id"].as_str()).collect()
}

#[test]
fn vulnerabilities_are_those_that_scans_of_both_named() {
    let both = json!([finding("CVE-1"), finding("CVE-2")]);
    let later = json!([finding("CVE-2"), finding("cve-3")]);
    let env = book(&[
        scan("trivy", 'a', "findings", &both),
        // The latest scan counts, and another scanner that saw one side only does not.
        scan("trivy", 'b', "findings", &both),
        scan("trivy", 'b', "findings", &later),
        scan("grype", 'b', "findings", &json!([finding("CVE-9")])),
    ]);
    let compared = header(&env, "vulnerabilities");
    assert_eq!(compared["state"], "compared");
    assert_eq!(compared["scanners"], json!(["trivy"]));
    assert_eq!(ids(&compared["introduced"]), ["cve-3"]);
    assert_eq!(ids(&compared["fixed"]), ["CVE-1"]);
    assert_eq!(compared["evidence"].as_array().map(Vec::len), Some(2));
}

#[test]
fn a_scan_that_names_nothing_compares_nothing() {
    let named = json!([finding("CVE-1")]);
    for (status, findings) in
        [("findings", Value::Null), ("filtered", json!([])), ("not_scanned", Value::Null)]
    {
        let new = scan("trivy", 'b', status, &findings);
        let env = book(&[scan("trivy", 'a', "findings", &named), new]);
        assert_eq!(header(&env, "vulnerabilities")["state"], "unknown", "{status}");
    }
    // A clean scan did name all that it found.
    let clean = scan("trivy", 'b', "clean", &Value::Null);
    let env = book(&[scan("trivy", 'a', "findings", &named), clean]);
    assert_eq!(ids(&header(&env, "vulnerabilities")["fixed"]), ["CVE-1"]);
    assert_eq!(header(&book(&[]), "vulnerabilities")["state"], "unknown");
}

#[test]
fn decisions_waivers_and_policy_between_the_two() {
    let at = |day: u8| format!("2026-06-{day:02}T10:00:00Z");
    let waiver = |id: &str, day: u8| {
        json!({"kind": "waiver.granted", "waiver_id": id, "component": "orion-api",
            "gate": "smoke", "reason": "flaky", "owner": "p_olga",
            "expires_at": "2026-07-01T00:00:00Z", "occurred_at": at(day)})
    };
    let policy = json!({"kind": "policy.set", "policy_id": "p1", "values": {"quorum": 2},
        "occurred_at": at(5)});
    // The first instant is that of the old release: what came with it is not between.
    let env = book(&[waiver("W1", 1), waiver("W2", 3), policy]);
    append(&env, &[waiver("W3", 10), waiver("W4", 11)]);
    let waivers = header(&env, "waivers");
    let ids: Vec<_> = waivers.as_array().unwrap().iter().map(|w| w["waiver_id"].clone()).collect();
    assert_eq!(ids, ["W2", "W3"]);
    assert_eq!(waivers[0]["owner"], "p_olga");
    let changes = header(&env, "policy_changes");
    assert_eq!(changes[0]["values"], json!({"quorum": 2}));
    assert_eq!(header(&env, "approvals"), json!([]));
    // By version name, each side counts from when it was live.
    let named = env.run(&["diff", "api", "1.4.1", "1.4.2", "--format", "json"]).exits(0).json();
    assert_eq!(named["header"]["waivers"], waivers);
}

/// Keeps a bill of materials in the book; returns the event that names it, and its file.
fn sbom(env: &TestEnvironment, digit: char, packages: &Value) -> (Value, PathBuf) {
    let bom = json!({"bomFormat": "CycloneDX", "specVersion": "1.5", "components": packages});
    let hex = blake3::hash(bom.to_string().as_bytes()).to_hex().to_string();
    let path = format!("book/blobs/blake3/{}/{hex}", &hex[..2]);
    let path = env.path().join(env.file(&path, bom.to_string()));
    let event = json!({"kind": "sbom.recorded", "component": "orion-api", "digest": digest(digit),
        "blob": format!("blake3:{hex}"), "format": "cyclonedx",
        "occurred_at": "2026-06-02T08:00:00Z"});
    (event, path)
}

#[test]
fn dependencies_come_from_the_bills_of_materials() {
    let env = book(&[]);
    let package = |name: &str, version: &str| json!({"name": name, "version": version});
    let old = json!([package("zlib", "1.2"), package("left", "1"), package("same", "1")]);
    let new = json!([package("zlib", "1.3"), package("right", "2"), package("same", "1")]);
    let (event, _) = sbom(&env, 'a', &old);
    append(&env, &[event]);
    let why = header(&env, "dependencies");
    assert_eq!(why["why"], "no SBOM of the new artifact was recorded");
    let (event, path) = sbom(&env, 'b', &new);
    append(&env, &[event]);
    let compared = header(&env, "dependencies");
    assert_eq!(compared["added"], json!([{"name": "right", "versions": ["2"]}]));
    assert_eq!(compared["removed"], json!([{"name": "left", "versions": ["1"]}]));
    assert_eq!(compared["changed"], json!([{"name": "zlib", "from": ["1.2"], "to": ["1.3"]}]));
    let table = env.run(&["diff", "api"]).exits(0).stdout;
    assert!(table.contains("added 1 (right); changed 1 (zlib); removed 1 (left)"), "{table}");
    // What was changed or lost on disk is never compared.
    let whole = fs::read(&path).unwrap();
    fs::write(&path, b"{}").unwrap();
    let why = header(&env, "dependencies")["why"].to_string();
    assert!(why.contains("another digest"), "{why}");
    fs::remove_file(&path).unwrap();
    let why = header(&env, "dependencies")["why"].to_string();
    assert!(why.contains("not in the book's directory"), "{why}");
    fs::write(&path, whole).unwrap();
    assert_eq!(header(&env, "dependencies")["state"], "compared");
}
