//! Grype's JSON, old and current.

use serde_json::{Value, json};

use super::{given, one, refusal, run_as};

fn report(matches: Value) -> Value {
    json!({"matches": matches, "source": {"type": "directory", "target": "."},
        "descriptor": {"name": "grype", "version": "0.94.0",
            "timestamp": "2025-06-19T13:43:35.5+02:00",
            "db": {"status": {"built": "2025-06-19T04:12:38Z"}},
            "configuration": {"only-fixed": false, "ignore": null, "fail-on-severity": "high",
                              "exclude": [], "by-cve": false}}})
}

fn row(id: &str, severity: &str) -> Value {
    json!({"vulnerability": {"id": id, "severity": severity,
                             "fix": {"versions": ["1.1", "2.0"], "state": "fixed"}},
           "artifact": {"name": "zlib", "version": "1.0"}})
}

#[test]
fn rows_and_distinct_findings_are_both_counted() {
    let mut bare = row("GHSA-1", "");
    bare["vulnerability"].as_object_mut().unwrap().remove("severity");
    let matches = json!([
        row("CVE-1", "Critical"),
        row("CVE-1", "Critical"),
        row("CVE-2", "Negligible"),
        row("CVE-3", "Unknown"),
        bare
    ]);
    let event = one(&report(matches), &given());
    assert_eq!(event["status"], "findings");
    assert_eq!((&event["critical"], &event["negligible"]), (&json!(2), &json!(1)));
    assert_eq!((&event["unknown"], &event["low"]), (&json!(2), &json!(0)));
    assert_eq!(event["labels"]["distinct"], "4");
    assert_eq!(event["labels"]["severity_words"], "missing=1");
    assert_eq!(event["findings"][0]["fixed_version"], "1.1, 2.0");
    assert_eq!(event["labels"]["fail_on"], "high");
    assert_eq!(event["labels"]["filter_evidence"], "report");
}

#[test]
fn times_come_from_the_descriptor_of_either_database() {
    let event = one(&report(json!([])), &given());
    assert_eq!(event["status"], "clean");
    assert_eq!(event["occurred_at"], "2025-06-19T11:43:35.5Z");
    assert_eq!(event["db_built_at"], "2025-06-19T04:12:38Z");
    let mut old = report(json!([]));
    old["descriptor"]["db"] = json!({"built": "2023-05-17T01:32:43Z"});
    old["descriptor"]["timestamp"] = json!("");
    old["descriptor"]["version"] = json!("[not provided]");
    let event = one(&old, &given());
    assert_eq!(event["db_built_at"], "2023-05-17T01:32:43Z");
    assert!(event.get("occurred_at").is_none() && event.get("scanner_version").is_none());
}

#[test]
fn the_configuration_shows_the_filters() {
    for (key, value, shown) in [
        ("only-fixed", json!(true), "only-fixed"),
        ("only-notfixed", json!(true), "only-notfixed"),
        ("ignore-wontfix", json!("wont-fix"), "ignore-states=wont-fix"),
        ("ignore", json!([{"vulnerability": "CVE-9"}]), "ignore=1 rules"),
        ("exclude", json!(["/usr"]), "exclude=1 entries"),
        ("vex-documents", json!(["a.json"]), "vex-documents=1 entries"),
    ] {
        let mut filtered = report(json!([]));
        filtered["descriptor"]["configuration"][key] = value;
        let event = one(&filtered, &given());
        assert_eq!(event["status"], "filtered", "{key}");
        assert_eq!(event["labels"]["filter"], shown);
        assert!(event["labels"].get("filter_keeps").is_none());
    }
}

#[test]
fn the_rules_that_grype_ships_are_no_filter() {
    let shipped = json!({"vulnerability": "", "fix-state": "", "match-type": "exact-indirect-match",
        "package": {"name": "kernel-headers", "type": "rpm", "upstream-name": "kernel"}});
    let mut usual = report(json!([]));
    usual["descriptor"]["configuration"]["ignore"] = json!([shipped]);
    assert_eq!(one(&usual, &given())["status"], "clean");
    let mut own = shipped.clone();
    own["match-type"] = json!("");
    usual["descriptor"]["configuration"]["ignore"] = json!([shipped, own]);
    assert_eq!(one(&usual, &given())["labels"]["filter"], "ignore=1 rules");
}

#[test]
fn the_command_line_speaks_where_the_report_is_silent() {
    let mut silent = report(json!([]));
    silent["descriptor"].as_object_mut().unwrap().remove("configuration");
    let event = one(&silent, &run_as("grype dir:. --only-fixed --exclude ./vendor"));
    assert_eq!(event["status"], "filtered");
    assert_eq!(event["labels"]["filter"], "only-fixed; exclude=./vendor");
    assert_eq!(event["labels"]["filter_evidence"], "command_line");
    assert_eq!(one(&silent, &run_as("grype dir:. --fail-on high"))["status"], "clean");
}

#[test]
fn matches_without_a_source_count_but_none_of_them_is_not_clean() {
    let bare = json!({"matches": [row("CVE-1", "Low")]});
    let event = one(&bare, &given());
    assert_eq!((&event["status"], &event["low"]), (&json!("findings"), &json!(1)));
    assert_eq!(event["labels"]["subject"], "absent");
    let nothing = json!({"matches": [], "descriptor": {"name": "grype"}});
    let event = one(&nothing, &given());
    assert_eq!(event["status"], "not_scanned");
    assert!(event.get("critical").is_none());
}

#[test]
fn the_oldest_form_has_one_fixed_version() {
    let old = json!({"matches": [{"vulnerability": {"id": "CVE-1", "severity": "High",
        "fixed-in-version": "1.1"}, "artifact": {"name": "zlib", "version": "1.0"}}],
        "source": {"type": "directory", "target": "."}});
    assert_eq!(one(&old, &given())["findings"][0]["fixed_version"], "1.1");
}

#[test]
fn suppressed_and_higher_related_severities_are_said() {
    let mut rated = row("CVE-1", "Low");
    rated["relatedVulnerabilities"] = json!([{"severity": "Critical"}]);
    let mut full = report(json!([rated]));
    full["ignoredMatches"] = json!([{}, {}]);
    let event = one(&full, &given());
    assert_eq!(event["suppressed"], 2);
    assert_eq!(event["critical"], 0);
    assert_eq!(event["labels"]["related_severity_higher"], "1");
}

#[test]
fn a_match_without_its_parts_is_refused_by_place() {
    let broken = report(json!([row("CVE-1", "Low"), {"vulnerability": {"id": "x"}}]));
    let message = refusal(&broken, &given());
    assert!(message.contains("matches[1]: expected an `artifact`"), "{message}");
}

#[test]
fn an_empty_list_alone_is_no_clean_scan_and_with_a_source_it_is() {
    let event = one(&json!({"matches": []}), &given());
    assert_eq!(
        (&event["status"], &event["labels"]["subject"]),
        (&json!("not_scanned"), &json!("absent"))
    );
    let event = one(&json!({"matches": [], "source": {"type": "file", "target": "a"}}), &given());
    assert_eq!((&event["status"], &event["critical"]), (&json!("clean"), &json!(0)));
}
