//! Trivy's JSON, schema 1 and 2.

use serde_json::{Value, json};

use super::super::{Document, read};
use super::{all, digest, given, one, refusal, run_as};

fn report(results: Value) -> Value {
    json!({"SchemaVersion": 2, "ArtifactName": "app:1", "ArtifactType": "container_image",
           "Results": results})
}

fn row(id: &str, severity: &str) -> Value {
    json!({"VulnerabilityID": id, "PkgName": "zlib", "InstalledVersion": "1.0",
           "FixedVersion": "1.1", "Severity": severity})
}

#[test]
fn no_results_means_not_scanned_and_no_counts() {
    let without = json!({"SchemaVersion": 2, "ArtifactName": "x", "ArtifactType": "filesystem"});
    for report in [without, report(Value::Null), report(json!([]))] {
        let event = one(&report, &given());
        assert_eq!(event["status"], "not_scanned");
        for name in ["critical", "high", "medium", "low", "negligible", "unknown"] {
            assert!(event.get(name).is_none(), "{name}");
        }
        assert!(event["labels"].get("distinct").is_none());
    }
}

#[test]
fn a_target_without_vulnerabilities_is_clean() {
    for target in [
        json!({"Target": "x", "Class": "os-pkgs"}),
        json!({"Target": "x", "Class": "lang-pkgs", "Vulnerabilities": null}),
        json!({"Target": "x", "Vulnerabilities": []}),
        json!({"Target": "x"}),
    ] {
        let event = one(&report(json!([target])), &given());
        assert_eq!(event["status"], "clean");
        assert_eq!((&event["critical"], &event["unknown"]), (&json!(0), &json!(0)));
        // Trivy has no word for negligible, so it says nothing of it.
        assert!(event.get("negligible").is_none());
    }
}

#[test]
fn rows_are_counted_by_severity_and_an_unclear_one_is_unknown() {
    let mut odd = row("CVE-5", "");
    odd["Severity"] = Value::Null;
    let rows = json!([
        row("CVE-1", "CRITICAL"),
        row("CVE-2", "HIGH"),
        row("CVE-2", "HIGH"),
        row("CVE-3", "UNKNOWN"),
        row("CVE-4", "SEVERE"),
        odd
    ]);
    let event = one(&report(json!([{"Target": "x", "Vulnerabilities": rows}])), &given());
    assert_eq!(event["status"], "findings");
    assert_eq!(
        (&event["critical"], &event["high"], &event["low"]),
        (&json!(1), &json!(2), &json!(0))
    );
    assert_eq!(event["unknown"], 3);
    assert_eq!(event["labels"]["severity_words"], "missing=1,severe=1");
    assert_eq!(event["labels"]["distinct"], "5");
    assert_eq!(
        event["findings"][0],
        json!({"vulnerability_id": "CVE-1", "severity": "critical", "package": "zlib",
               "installed_version": "1.0", "fixed_version": "1.1"})
    );
}

#[test]
fn other_classes_stand_apart_and_only_failed_misconfigurations_count() {
    let results = json!([
        {"Target": "os", "Class": "os-pkgs"},
        {"Target": "Dockerfile", "Class": "config", "Misconfigurations": [
            {"Status": "FAIL", "Severity": "HIGH"}, {"Status": "PASS", "Severity": "CRITICAL"},
            {"Severity": "LOW"}]},
        {"Target": "k", "Class": "secret", "Secrets": [{"Severity": "CRITICAL"}]},
        {"Target": "l", "Class": "license", "Licenses": [{"Severity": "LOW"}, {"Severity": "LOW"}]},
    ]);
    let event = one(&report(results), &given());
    assert_eq!(event["critical"], 0);
    assert_eq!(event["high"], 0);
    assert_eq!(event["status"], "findings");
    assert_eq!(
        event["other_classes"],
        json!({"license": {"low": 2}, "misconfiguration": {"high": 1, "low": 1},
               "secret": {"critical": 1}})
    );
}

#[test]
fn a_report_of_misconfigurations_only_says_nothing_of_vulnerabilities() {
    for class in [json!("config"), Value::Null] {
        let target = json!({"Target": "Dockerfile", "Class": class, "Misconfigurations": [
            {"Status": "FAIL", "Severity": "HIGH"}]});
        let event = one(&report(json!([target])), &given());
        assert_eq!(event["status"], "not_scanned");
        assert!(event.get("high").is_none());
        assert_eq!(event["other_classes"], json!({"misconfiguration": {"high": 1}}));
    }
}

#[test]
fn suppressed_findings_are_counted_only_where_the_report_shows_them() {
    let target = json!({"Target": "x", "Class": "os-pkgs"});
    assert!(one(&report(json!([target])), &given()).get("suppressed").is_none());
    let mut target = target;
    target["ExperimentalModifiedFindings"] =
        json!([{"Type": "vulnerability"}, {"Type": "secret"}, {"Type": "vulnerability"}]);
    assert_eq!(one(&report(json!([target])), &given())["suppressed"], 2);
}

#[test]
fn time_version_and_identity_come_from_the_report() {
    let mut full = report(json!([{"Target": "x", "Class": "os-pkgs"}]));
    full["CreatedAt"] = json!("2026-02-24T09:07:53.487381999+02:00");
    full["Trivy"] = json!({"Version": "0.69.1"});
    full["ReportID"] = json!("0198c1f0-0000-7000-8000-000000000000");
    full["Metadata"] = json!({"ImageID": digest('3'), "OS": {"Family": "alpine", "EOSL": true},
                              "RepoDigests": [format!("app@{}", digest('0'))]});
    let event = one(&full, &given());
    assert_eq!(event["occurred_at"], "2026-02-24T07:07:53.487381Z");
    assert_eq!(event["source"]["reported_at"], "2026-02-24T09:07:53.487381999+02:00");
    assert_eq!(event["scanner_version"], "0.69.1");
    assert_eq!(event["digest_role"], "index");
    assert_eq!(event["labels"]["end_of_life"], "true");
    assert_eq!(event["labels"]["report_id"], "0198c1f0-0000-7000-8000-000000000000");
    full["CreatedAt"] = json!("0001-01-01T00:00:00Z");
    assert!(one(&full, &given()).get("occurred_at").is_none());
    full["CreatedAt"] = json!("yesterday");
    assert!(refusal(&full, &given()).contains("CreatedAt: expected a time"));
}

#[test]
fn schema_1_is_a_list_of_targets() {
    let clean = json!([{"Target": "alpine", "Type": "alpine", "Vulnerabilities": null}]);
    let event = one(&clean, &given());
    assert_eq!(
        (&event["status"], &event["source"]["format"]),
        (&json!("clean"), &json!("trivy-json/1"))
    );
    let found =
        json!([{"Target": "a", "Vulnerabilities": [row("CVE-1", "HIGH")]}, {"Target": "b"}]);
    assert_eq!(one(&found, &given())["high"], 1);
    assert_eq!(one(&Value::Null, &given())["status"], "not_scanned");
    // An empty list could be anything: only the caller can say that it is Trivy's.
    let empty = Document::from_bytes("r", b"[]".to_vec()).unwrap();
    assert!(read(&empty, None, &given()).is_err());
    assert_eq!(read(&empty, Some("trivy"), &given()).unwrap()[0]["status"], "not_scanned");
}

#[test]
fn what_cannot_be_one_artifact_or_is_too_new_is_refused_by_name() {
    let newer = json!({"SchemaVersion": 3, "Results": []});
    assert!(refusal(&newer, &given()).contains("schema 3"));
}

#[test]
fn a_wrong_shape_is_named_by_its_place() {
    let broken = report(json!([{"Target": "x", "Vulnerabilities": [row("CVE-1", "LOW"), 7]}]));
    let message = refusal(&broken, &given());
    assert!(message.contains("Results[0].Vulnerabilities[1]: expected an object"), "{message}");
    let message = refusal(&report(json!("none")), &given());
    assert!(message.contains("Results: expected an array"), "{message}");
    assert!(all(&report(json!([])), &run_as("trivy")).is_ok());
}
