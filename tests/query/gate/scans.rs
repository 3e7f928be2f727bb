//! Gates on scans: four states stay four.

use serde_json::{Value, json};

use super::*;

/// Records one more scan by Trivy and returns what the gate then says.
fn after(fields: Value) -> String {
    let mut story = green();
    scan(&mut story, "09T09:00", "trivy", 0, 0);
    story.but(fields);
    deploy(&mut story);
    gate(&mut story, "scan:trivy")
}

const LIMIT: &str = "critical=0,high=0";

#[test]
fn one_vulnerability_is_too_many() {
    assert_eq!(after(json!({"high": 1})), format!("true fail high=1 {LIMIT}"));
    assert_eq!(
        after(json!({"critical": 2, "high": 3})),
        format!("true fail critical=2,high=3 {LIMIT}")
    );
    assert_eq!(after(json!({"medium": 99})), format!("true pass {LIMIT} {LIMIT}"));
}

#[test]
fn nothing_scanned_is_not_nothing_found() {
    for fields in [
        json!({"status": "not_scanned"}),
        json!({"status": "not_scanned", "critical": null, "high": null}),
    ] {
        assert_eq!(after(fields), format!("true missing not_scanned {LIMIT}"));
    }
}

#[test]
fn a_filtered_report_counts_when_its_filter_kept_what_matters() {
    assert_eq!(after(json!({"status": "filtered"})), format!("true missing filtered {LIMIT}"));
    let found = json!({"status": "filtered", "high": 1});
    assert_eq!(after(found), format!("true fail high=1 {LIMIT}"));
    let kept = json!({"status": "filtered", "labels": {"filter_keeps": "critical,high"}});
    assert_eq!(after(kept), format!("true pass {LIMIT} {LIMIT}"));
}

#[test]
fn another_artifact_or_scanner_says_nothing() {
    assert_eq!(
        after(json!({"high": 1, "digest": digest("other")})),
        format!("true pass {LIMIT} {LIMIT}")
    );
    assert_eq!(after(json!({"high": 1, "scanner": "snyk"})), format!("true pass {LIMIT} {LIMIT}"));
}

#[test]
fn a_scan_that_turns_red_later_does_not_fail_the_deploy_before_it() {
    let mut story = green();
    deploy(&mut story).finish("10T09:05", D, "us", "succeeded");
    scan(&mut story, "11T09:00", "grype", 1, 0);
    story.start("12T09:00", "P3", "production", "1.4.2");
    let ask = ask(&mut story);
    assert_eq!(ask.deploy(D, "gates_failed"), "[]");
    assert_eq!(ask.deploy("P3", "gates_failed"), "[scan:grype]");
}

#[test]
fn limits_are_those_of_the_policy() {
    let mut story = green();
    story.policy("09T08:00", json!({"scan_max_high": 2}));
    scan(&mut story, "09T09:00", "trivy", 0, 2);
    scan(&mut story, "09T09:00", "grype", 0, 3);
    deploy(&mut story);
    assert_eq!(gate(&mut story, "scan:trivy"), "true pass critical=0,high=2 critical=0,high=2");
    assert_eq!(gate(&mut story, "scan:grype"), "true fail high=3 critical=0,high=2");
}
