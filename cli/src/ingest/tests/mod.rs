//! The readers, on small reports that are written for one rule each.
//!
//! Reports are written inline: a test shows the bytes that its rule is about.

mod argo_rollouts;
mod argocd;
mod attestation;
mod buildx;
mod bundle;
mod cdevents;
mod digest;
mod document;
mod filter;
mod flagger;
mod flux;
mod github;
mod github_check;
mod gitlab;
mod gitlab_approval;
mod go_test;
mod goreleaser;
mod grype;
mod helm;
mod junit;
mod kargo;
mod pact;
mod predicate;
mod product;
mod prometheus;
mod provenance;
mod pushed;
mod release_please;
mod sarif;
mod sbom;
mod signer;
mod sigstore;
mod trivy;
mod trivy_k8s;
mod trivy_operator;

use relbook_ledger::admission::admit;
use relbook_ledger::registry::Registry;
use serde_json::{Value, json};

use super::{Context, Document, IngestError, read};

/// A digest whose hex digits are all `digit`.
fn digest(digit: char) -> String {
    format!("sha256:{}", digit.to_string().repeat(64))
}

/// A context that names the artifact, as most calls do.
fn given() -> Context {
    Context { component: Some("app".to_owned()), digest: Some(digest('0')), ..Context::default() }
}

/// A context with a command line.
fn run_as(line: &str) -> Context {
    Context { command_line: Some(line.to_owned()), ..given() }
}

fn document(report: &Value) -> Document {
    Document::from_bytes("report.json", report.to_string().into_bytes()).unwrap()
}

fn all(report: &Value, context: &Context) -> Result<Vec<Value>, IngestError> {
    read(&document(report), None, context)
}

/// The one event of a report.
fn one(report: &Value, context: &Context) -> Value {
    let mut events = all(report, context).unwrap();
    assert_eq!(events.len(), 1);
    let event = events.remove(0);
    check_admitted(&event);
    event
}

/// The one event of a text, which may be XML or lines.
fn one_of(text: &str, context: &Context) -> Value {
    let document = Document::from_bytes("report", text.as_bytes().to_vec()).unwrap();
    let mut events = read(&document, None, context).unwrap();
    assert_eq!(events.len(), 1);
    let event = events.remove(0);
    check_admitted(&event);
    event
}

/// The message that refuses a text.
fn refusal_of(text: &str, context: &Context) -> String {
    match Document::from_bytes("report", text.as_bytes().to_vec()) {
        Ok(document) => read(&document, None, context).unwrap_err().to_string(),
        Err(error) => error.to_string(),
    }
}

/// A context of a run of tests.
fn suite(name: &str) -> Context {
    Context { suite: Some(name.to_owned()), ..given() }
}

/// Asserts that the ledger takes the event once the author has completed it.
fn check_admitted(event: &Value) {
    let mut full = event.clone();
    full["id"] = json!("0198c1f0-0000-7000-8000-000000000000");
    if full.get("occurred_at").is_none() {
        full["occurred_at"] = json!("2026-06-10T09:00:00Z");
    }
    let component = json!({"id": full["id"], "kind": "component.registered", "component": "app",
        "occurred_at": "2026-01-01T00:00:00Z", "scheme": "semver", "release_model": "deployed"});
    let mut registry = registry();
    registry.apply(0, &admit(&component, &registry).unwrap());
    admit(&full, &registry).unwrap();
}

/// A registry with a component of each kind, one environment of a target and one of two.
fn registry() -> Registry {
    let mut registry = Registry::default();
    let mut add = |kind: &str, fields: Value| {
        let mut event = json!({"id": "0198c1f0-0000-7000-8000-000000000000", "kind": kind,
                               "occurred_at": "2026-01-01T00:00:00Z"});
        event.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
        let event = admit(&event, &registry).unwrap();
        registry.apply(0, &event);
    };
    for (name, alias, artifact, model, prefix) in [
        ("orion-api", "api", "oci-image", "deployed", "v"),
        ("orion-cli", "cli", "binary", "published", "orion-cli/v"),
        ("orion-helm", "helm", "helm-chart", "published", ""),
    ] {
        add(
            "component.registered",
            json!({"component": name, "alias": alias, "artifact": artifact, "scheme": "semver",
                   "release_model": model, "tag_prefix": prefix,
                   "repository": format!("registry.example/{name}")}),
        );
    }
    add("environment.registered", json!({"environment": "staging", "targets": ["stg-1"]}));
    let targets = json!(["us-east-1", "eu-west-1"]);
    add("environment.registered", json!({"environment": "production", "targets": targets}));
    registry
}

/// A context that knows the registry and nothing else.
fn knowing() -> Context {
    Context { registry: registry(), ..Context::default() }
}

/// As [`knowing`], with other files of the same call.
fn beside(documents: Vec<Document>) -> Context {
    Context { beside: documents.into(), ..knowing() }
}

fn text_document(name: &str, text: &str) -> Document {
    Document::from_bytes(name, text.as_bytes().to_vec()).unwrap()
}

/// The events of a text, all of them admitted.
fn of_text(text: &str, context: &Context) -> Vec<Value> {
    let events = read(&text_document("file", text), None, context).unwrap();
    events.iter().for_each(check_admitted);
    events
}

/// The message that refuses a text.
fn text_refusal(text: &str, context: &Context) -> String {
    read(&text_document("file", text), None, context).unwrap_err().to_string()
}

/// The message that refuses a report.
fn refusal(report: &Value, context: &Context) -> String {
    all(report, context).unwrap_err().to_string()
}

#[test]
fn the_format_is_told_by_content_and_as_cannot_overrule_it() {
    let trivy = json!({"SchemaVersion": 2, "ArtifactName": "x", "Results": []});
    let error = read(&document(&trivy), Some("grype"), &given()).unwrap_err();
    assert_eq!(
        error.to_string(),
        "report.json: this is trivy, not grype; leave --as out, or say --as trivy"
    );
    assert!(read(&document(&trivy), Some("trivy"), &given()).is_ok());
    let error = read(&document(&trivy), Some("snyk"), &given()).unwrap_err();
    assert!(error.to_string().contains("no format `snyk`"), "{error}");
}

#[test]
fn a_known_format_that_is_not_read_is_refused_by_name() {
    let message = refusal_of("<TestRun/>", &given());
    assert!(message.contains("this is a TRX report"), "{message}");
    let message = refusal(&json!({"a": 1}), &given());
    assert!(message.contains("no format that relbook knows"), "{message}");
    assert!(message.contains("trivy-operator"), "{message}");
}

#[test]
fn as_trivy_on_something_else_says_what_was_expected() {
    let text = Document::from_bytes("r.txt", b"hello".to_vec()).unwrap();
    let message = read(&text, Some("trivy"), &given()).unwrap_err().to_string();
    assert!(message.contains("expected JSON"), "{message}");
    let message = read(&document(&json!({"a": 1})), Some("grype"), &given()).unwrap_err();
    assert!(message.to_string().contains("expected an array `matches`"), "{message}");
}

#[test]
fn the_event_names_its_evidence_and_its_reader() {
    let report = json!({"SchemaVersion": 2, "Results": [{"Target": "x", "Class": "os-pkgs"}]});
    let context = Context {
        version: Some("1.4.2".to_owned()),
        stage: Some("staging".to_owned()),
        exit_code: Some(0),
        occurred_at: Some("2026-06-10T09:00:00Z".to_owned()),
        ..given()
    };
    let event = one(&report, &context);
    let bytes = report.to_string().into_bytes();
    let hash = format!("blake3:{}", blake3::hash(&bytes).to_hex());
    assert_eq!(event["evidence"], json!([hash]));
    assert_eq!(event["source"]["format"], "trivy-json/2");
    assert_eq!(event["source"]["reader"], "trivy/1");
    assert_eq!(event["source"]["trust"], "asserted");
    assert_eq!(event["source"]["bytes"], bytes.len());
    assert_eq!(event["labels"]["version"], "1.4.2");
    assert_eq!(event["labels"]["stage"], "staging");
    assert_eq!(event["exit_code"], 0);
    assert_eq!(event["occurred_at"], "2026-06-10T09:00:00Z");
    assert!(event.get("id").is_none() && event.get("ledger").is_none());
}

#[test]
fn many_findings_stay_in_the_report_and_their_counts_in_the_event() {
    let row = |i: usize| {
        json!({"VulnerabilityID": format!("CVE-2026-{i:05}"), "Severity": "LOW",
               "PkgName": "a-package-with-a-long-name", "InstalledVersion": "1.2.3"})
    };
    let rows: Vec<Value> = (0..1000).map(row).collect();
    let target = json!({"Target": "x", "Class": "os-pkgs", "Vulnerabilities": rows});
    let event = one(&json!({"SchemaVersion": 2, "Results": [target]}), &given());
    assert!(event.get("findings").is_none());
    assert_eq!(event["labels"]["findings_in"], "blob");
    assert_eq!(event["low"], 1000);
    assert_eq!(event["labels"]["distinct"], "1000");
}

#[test]
fn an_event_that_cannot_fit_is_refused() {
    let report = json!({"SchemaVersion": 2, "Results": [{"Target": "x", "Class": "os-pkgs"}]});
    let message = refusal(&report, &run_as(&"x".repeat(60_000)));
    assert!(message.contains("shorten the command line"), "{message}");
}
