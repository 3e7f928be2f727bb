//! SARIF: where the severity comes from, and which results are none.

use serde_json::{Value, json};

use super::{all, given, one, refusal};

fn log(run: Value) -> Value {
    json!({"version": "2.1.0", "runs": [run]})
}

fn run(tool: &str, rules: Value, results: Value) -> Value {
    json!({"tool": {"driver": {"name": tool, "version": "1.2", "rules": rules}},
        "results": results})
}

fn counts(event: &Value) -> [u64; 4] {
    ["critical", "high", "medium", "low"].map(|name| event[name].as_u64().unwrap())
}

#[test]
fn the_score_of_the_rule_comes_before_any_level() {
    let rules = json!([
        {"id": "a", "properties": {"security-severity": "9.8"}},
        {"id": "b", "properties": {"security-severity": "7.0"}},
        {"id": "c", "properties": {"security-severity": 4}},
        {"id": "d", "properties": {"security-severity": "CRITICAL"}},
        {"id": "e", "properties": {"security-severity": "3.9"}},
    ]);
    let results = json!([
        {"ruleId": "a", "ruleIndex": 0},
        {"ruleId": "b", "level": "note"},
        {"ruleIndex": 2, "level": "error"},
        {"rule": {"id": "d"}},
        {"ruleId": "e/narrower"},
    ]);
    let event = one(&log(run("CodeQL", rules, results)), &given());
    assert_eq!(counts(&event), [2, 1, 1, 1]);
    assert_eq!((&event["scanner"], &event["status"]), (&json!("codeql"), &json!("findings")));
    assert!(event["labels"].get("severity_by_level").is_none());
}

#[test]
fn a_level_counts_where_there_is_no_score_and_says_that_it_cannot_tell() {
    let rules = json!([{"id": "a", "defaultConfiguration": {"level": "error"}}, {"id": "b"}]);
    let results = json!([
        {"ruleId": "a"},
        {"ruleId": "b"},
        {"ruleId": "b", "level": "note"},
        {"ruleId": "gone", "ruleIndex": 9},
    ]);
    let event = one(&log(run("lint", rules, results)), &given());
    assert_eq!(counts(&event), [0, 1, 2, 1]);
    assert_eq!(event["labels"]["severity_by_level"], "4");
    assert!(event["labels"]["critical_or_high"].as_str().unwrap().contains("may be critical"));
}

#[test]
fn a_run_may_override_a_rule_and_a_rule_may_stand_in_an_extension() {
    let mut log = log(run(
        "lint",
        json!([{"id": "a"}]),
        json!([
            {"ruleId": "a"},
            {"ruleId": "x", "rule": {"index": 0, "toolComponent": {"index": 0}}},
        ]),
    ));
    log["runs"][0]["tool"]["extensions"] =
        json!([{"name": "pack", "rules": [{"id": "x", "properties": {"security-severity": "8"}}]}]);
    log["runs"][0]["invocations"] = json!([{"executionSuccessful": true,
        "endTimeUtc": "2026-06-10T09:00:00Z",
        "ruleConfigurationOverrides": [
            {"descriptor": {"id": "a"}, "configuration": {"level": "error"}}]}]);
    let event = one(&log, &given());
    assert_eq!(counts(&event), [0, 2, 0, 0]);
    assert_eq!(event["occurred_at"], "2026-06-10T09:00:00Z");
}

#[test]
fn an_error_of_trivy_or_grype_is_never_below_high() {
    let rules = json!([{"id": "a", "properties": {"security-severity": "5.5"}}]);
    let results = json!([{"ruleId": "a", "level": "error"}, {"ruleId": "a", "level": "note"}]);
    let event = one(&log(run("Trivy", rules.clone(), results.clone())), &given());
    assert_eq!(counts(&event), [0, 1, 1, 0]);
    assert_eq!(event["labels"]["raised_by_level"], "1");
    assert_eq!(counts(&one(&log(run("other", rules, results)), &given())), [0, 0, 2, 0]);
}

#[test]
fn what_is_suppressed_absent_or_no_failure_is_no_finding() {
    let results = json!([
        {"level": "error", "suppressions": [{"kind": "inSource"}]},
        {"level": "error", "suppressions": [{"kind": "external", "status": "accepted"}]},
        {"level": "error", "suppressions": [{"kind": "external", "status": "underReview"}]},
        {"level": "error", "suppressions": []},
        {"level": "error", "baselineState": "absent"},
        {"level": "error", "baselineState": "unchanged"},
        {"kind": "pass"},
        {"kind": "fail", "level": "error"},
    ]);
    let event = one(&log(run("lint", json!([]), results)), &given());
    assert_eq!((counts(&event), &event["suppressed"]), ([0, 4, 0, 0], &json!(2)));
    assert_eq!(event["labels"]["baseline_absent"], "1");
    assert_eq!(event["labels"]["not_failures"], "1");
}

#[test]
fn four_states_stay_four() {
    let clean = one(&log(run("lint", json!([]), json!([]))), &given());
    assert_eq!((&clean["status"], &clean["high"]), (&json!("clean"), &json!(0)));
    let not_run = one(&log(json!({"tool": {"driver": {"name": "lint"}}})), &given());
    assert_eq!(not_run["status"], "not_scanned");
    assert!(not_run.get("high").is_none());
    let failed = |results: Value| {
        let mut log = log(run("lint", json!([]), results));
        log["runs"][0]["invocations"] = json!([{"executionSuccessful": false}]);
        one(&log, &given())
    };
    assert_eq!(failed(json!([]))["status"], "not_scanned");
    let part = failed(json!([{"level": "note"}]));
    assert_eq!((&part["status"], &part["low"]), (&json!("filtered"), &json!(1)));
    assert!(refusal(&json!({"version": "2.1.0", "runs": []}), &given()).contains("without a run"));
}

#[test]
fn each_run_is_a_scan_of_its_own() {
    let two = json!({"$schema": "https://example/sarif.json", "version": "2.1.0", "runs": [
        run("one", json!([]), json!([])), run("two", json!([]), json!([{"level": "error"}]))]});
    let events = all(&two, &given()).unwrap();
    assert_eq!(events.len(), 2);
    assert_eq!((&events[1]["scanner"], &events[1]["high"]), (&json!("two"), &json!(1)));
}

#[test]
fn other_versions_and_results_elsewhere_are_refused_by_name() {
    for version in ["1.0.0", "2.0.0-csd.2.beta.2019-01-24", "2.2"] {
        let log = json!({"version": version, "runs": []});
        assert!(refusal(&log, &given()).contains(version), "{version}");
    }
    let log = json!({"version": "2.1.0", "runs": [{"tool": {"driver": {"name": "lint"}},
        "externalPropertyFileReferences": {"results": [{"location": {"uri": "r.json"}}]}}]});
    assert!(refusal(&log, &given()).contains("other files"));
    let odd = log_with_level("fatal");
    assert!(refusal(&odd, &given()).contains("runs[0].results[0].level"));
}

fn log_with_level(level: &str) -> Value {
    log(run("lint", json!([]), json!([{"level": level}])))
}
