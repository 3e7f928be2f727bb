//! What was hidden is not counted as absent.

use serde_json::{Value, json};

use super::super::filter::CommandLine;
use super::{one, refusal, run_as};

fn trivy() -> Value {
    json!({"SchemaVersion": 2, "Results": [{"Target": "x", "Class": "os-pkgs"}]})
}

#[test]
fn a_command_line_is_split_as_a_shell_does() {
    let line = CommandLine::split(r#"A_B=1 trivy image --severity "HIGH, CRITICAL" -x='a b' a\ b"#);
    assert_eq!(line.value("severity", Some('s'), "TRIVY_SEVERITY"), Some("HIGH, CRITICAL"));
    assert_eq!(line.value("none", Some('x'), "NONE"), Some("a b"));
    assert_eq!(line.value("none", None, "A_B"), Some("1"));
    assert_eq!(line.value("sever", None, "NONE"), None);
    assert_eq!(CommandLine::split("trivy -sHIGH").value("severity", Some('s'), "X"), Some("HIGH"));
}

#[test]
fn an_option_beats_its_variable() {
    let line = CommandLine::split("TRIVY_SEVERITY=LOW trivy --severity=HIGH image x");
    assert_eq!(line.value("severity", Some('s'), "TRIVY_SEVERITY"), Some("HIGH"));
    let line = CommandLine::split("TRIVY_IGNORE_UNFIXED=true trivy --ignore-unfixed=false");
    assert!(!line.is_on("ignore-unfixed", "TRIVY_IGNORE_UNFIXED"));
}

#[test]
fn trivy_filters_are_seen_in_the_command_line_only() {
    assert_eq!(one(&trivy(), &super::given())["labels"]["filter_evidence"], "none");
    let event = one(&trivy(), &run_as("trivy image --severity HIGH,CRITICAL --exit-code 1 x"));
    assert_eq!(event["status"], "filtered");
    assert_eq!(event["labels"]["filter"], "severity=HIGH,CRITICAL");
    assert_eq!(event["labels"]["filter_keeps"], "critical,high");
    assert_eq!((&event["critical"], &event["high"]), (&json!(0), &json!(0)));
    // What was not looked at has no count, least of all zero.
    for hidden in ["medium", "low", "unknown"] {
        assert!(event.get(hidden).is_none(), "{hidden}");
    }
}

#[test]
fn a_list_of_all_severities_is_no_filter() {
    let line = "trivy image --severity UNKNOWN,LOW,MEDIUM,HIGH,CRITICAL x";
    assert_eq!(one(&trivy(), &run_as(line))["status"], "clean");
}

#[test]
fn a_filter_that_hides_critical_or_high_leaves_nothing_to_record() {
    let message = refusal(&trivy(), &run_as("trivy image --severity CRITICAL x"));
    assert!(message.contains("severity=CRITICAL"), "{message}");
    assert!(message.contains("nothing of high"), "{message}");
}

#[test]
fn ignoring_the_unfixed_makes_no_scan_clean() {
    let event = one(&trivy(), &run_as("trivy image --ignore-unfixed x"));
    assert_eq!(event["status"], "filtered");
    assert!(event["labels"].get("filter_keeps").is_none());
    assert_eq!(event["labels"]["filter"], "ignore-unfixed");
}

#[test]
fn a_run_without_the_vulnerability_scanner_scanned_no_vulnerabilities() {
    let event = one(&trivy(), &run_as("trivy fs --scanners secret,misconfig ."));
    assert_eq!(event["status"], "not_scanned");
    assert!(event.get("critical").is_none());
    assert_eq!(one(&trivy(), &run_as("trivy fs --scanners vuln,secret ."))["status"], "clean");
}
