//! Answers of Prometheus: one number is evidence, the rest is refused by what it holds; and
//! CODEOWNERS is refused by name.

use serde_json::{Value, json};

use super::{given, one, refusal, refusal_of, run_as};
use crate::ingest::Context;

fn answer(kind: &str, result: Value) -> Value {
    json!({"status": "success", "data": {"resultType": kind, "result": result}})
}

fn series(value: &str) -> Value {
    json!({"metric": {"track": "canary"}, "value": [1_780_000_000.5, value]})
}

#[test]
fn one_number_is_evidence_and_no_check() {
    let mut report = answer("vector", json!([series("0.1")]));
    report["warnings"] = json!(["partial"]);
    let event = one(&report, &run_as("sum(rate(errors[30m]))"));
    assert_eq!(event["kind"], "attestation.recorded");
    assert_eq!(event["digest"], super::digest('0'));
    assert_eq!(event["blob"], event["evidence"][0]);
    assert_eq!(event["occurred_at"], "2026-05-28T20:26:40.5Z");
    assert_eq!(
        event["content"],
        json!({"value": "0.1", "at": 1_780_000_000.5, "metric": {"track": "canary"},
               "query": "sum(rate(errors[30m]))", "warnings": ["partial"]})
    );
    assert!(event.get("result").is_none());
    let event = one(&answer("scalar", json!([1_780_000_000, "-3"])), &given());
    assert_eq!(event["content"]["value"], "-3");
    assert!(event["labels"]["query"].as_str().unwrap().contains("--command-line"));
}

#[test]
fn one_number_of_nothing_is_asked_for_its_artifact() {
    let unnamed = Context { digest: None, ..given() };
    let message = refusal(&answer("vector", json!([series("0.1")])), &unnamed);
    assert!(message.contains("--digest") && message.contains("slo-gate"), "{message}");
}

#[test]
fn what_is_not_one_number_proves_nothing() {
    for (report, holds) in [
        (answer("vector", json!([])), "no series"),
        (answer("vector", json!([series("NaN")])), "without a number"),
        (answer("vector", json!([series("+Inf")])), "without a number"),
        (answer("vector", json!([{"metric": {}}])), "without a number"),
        (answer("vector", json!([series("1"), series("2")])), "2 series"),
        (answer("matrix", json!([{"metric": {}, "values": [[1.0, "1"]]}])), "a matrix"),
        (answer("scalar", json!([1, "NaN"])), "a scalar"),
        (answer("string", json!([1, "1"])), "of another type"),
        (json!({"status": "error", "errorType": "bad_data", "error": "x"}), "an error: bad_data"),
    ] {
        let message = refusal(&report, &given());
        assert!(message.contains(holds) && message.contains("slo-gate"), "{message}");
    }
}

#[test]
fn what_a_service_delivers_in_another_form_is_named() {
    assert!(refusal_of("payload=%7B%22action%22%3A1%7D", &given()).contains("application/json"));
    let token = format!("eyJ{}.{}.{}", "a".repeat(20), "b".repeat(9), "c-_".repeat(8));
    let message = refusal_of(&token, &given());
    assert!(message.contains("a token") && !message.contains("aaa"), "{message}");
}

#[test]
fn codeowners_is_named() {
    let text = "# all\n*  @team/core\n/docs/** @writer someone@example.org\nunowned/\n";
    assert!(refusal_of(text, &given()).contains("CODEOWNERS"));
    assert!(refusal_of("approvers:\n- olga\n", &given()).contains("OWNERS"));
    let logged = refusal_of("INFO scanning\n{\"SchemaVersion\": 2}\n", &given());
    assert!(logged.contains("behind other output"), "{logged}");
    for (text, name) in [
        ("{\"artifacts\": [], \"descriptor\": {\"name\": \"syft\"}}", "Syft"),
        ("{\"@context\": \"https://openvex.dev/ns/v0.2.0\", \"statements\": []}", "OpenVEX"),
        ("{\"document\": {\"csaf_version\": \"2.0\"}}", "CSAF"),
        ("{\"scan\": {\"scanner\": {}}, \"vulnerabilities\": []}", "GitLab"),
    ] {
        let message = refusal_of(text, &given());
        assert!(message.contains(name) && !message.contains("relbook reads"), "{message}");
    }
    let chart = refusal_of("apiVersion: v3\nname: a\nversion: 1.0.0\n", &given());
    assert!(chart.contains("Helm chart of an apiVersion") && !chart.contains("relbook reads"));
    assert!(!refusal_of("some words\nand more words\n", &given()).contains("CODEOWNERS"));
}
