//! Answers of Prometheus are refused by what they hold, and CODEOWNERS by name.

use serde_json::{Value, json};

use super::{given, refusal, refusal_of};

fn answer(kind: &str, result: Value) -> Value {
    json!({"status": "success", "data": {"resultType": kind, "result": result}})
}

#[test]
fn a_value_without_its_query_proves_nothing() {
    let series = |value: &str| json!({"metric": {}, "value": [1.0, value]});
    for (report, holds) in [
        (answer("vector", json!([])), "no series"),
        (answer("vector", json!([series("0.1")])), "one value"),
        (answer("vector", json!([series("NaN")])), "without a number"),
        (answer("vector", json!([series("1"), series("2")])), "2 series"),
        (answer("matrix", json!([{"metric": {}, "values": [[1.0, "1"]]}])), "a matrix"),
        (json!({"status": "error", "errorType": "bad_data", "error": "x"}), "an error: bad_data"),
    ] {
        let message = refusal(&report, &given());
        assert!(message.contains(holds) && message.contains("slo-gate"), "{message}");
    }
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
