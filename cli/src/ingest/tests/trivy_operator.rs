//! Reports of the Trivy operator.

use serde_json::{Value, json};

use super::super::Context;
use super::{all, digest, given, one, refusal};

fn report(digit: char) -> Value {
    json!({"apiVersion": "aquasecurity.github.io/v1alpha1", "kind": "VulnerabilityReport",
        "report": {"updateTimestamp": "2026-03-23T16:23:01Z", "scanner": {"version": "0.38.2"},
            "artifact": {"repository": "app", "digest": digest(digit)},
            "summary": {"criticalCount": 0, "highCount": 1, "mediumCount": 0, "lowCount": 0,
                        "unknownCount": 0},
            "vulnerabilities": [{"vulnerabilityID": "CVE-1", "severity": "HIGH",
                "resource": "curl", "installedVersion": "7", "fixedVersion": "8"}]}})
}

#[test]
fn one_report_is_one_scan() {
    let event = one(&report('0'), &given());
    assert_eq!(event["scanner"], "trivy");
    assert_eq!(event["source"]["format"], "trivy-operator/v1alpha1");
    assert_eq!(event["occurred_at"], "2026-03-23T16:23:01Z");
    assert_eq!((&event["high"], &event["critical"]), (&json!(1), &json!(0)));
    assert_eq!(event["findings"][0]["package"], "curl");
    assert_eq!(event["labels"]["digest_check"], "equal");
}

#[test]
fn where_summary_and_rows_differ_the_larger_count_stands() {
    let mut cut = report('0');
    cut["report"]["summary"]["criticalCount"] = json!(2);
    let event = one(&cut, &given());
    assert_eq!((&event["critical"], &event["high"]), (&json!(2), &json!(1)));
    assert_eq!(event["labels"]["summary_differs"], "true");
}

#[test]
fn of_a_list_the_meant_image_is_taken() {
    let list = json!({"apiVersion": "v1", "kind": "List", "items": [report('1'), report('0')]});
    assert_eq!(all(&list, &given()).unwrap().len(), 1);
    assert_eq!(one(&list, &given())["digest"], digest('0'));
    let nobody = Context { digest: None, ..given() };
    assert!(refusal(&list, &nobody).contains("2 digests"));
    let other = Context { digest: Some(digest('9')), ..given() };
    assert!(refusal(&list, &other).contains("2 other images"));
    assert_eq!(one(&list["items"], &given())["digest"], digest('0'));
    let same = json!({"apiVersion": "v1", "kind": "List", "items": [report('1'), report('1')]});
    assert_eq!(all(&same, &nobody).unwrap().len(), 2);
}

#[test]
fn secrets_and_configuration_count_in_their_own_class() {
    let mut secrets = report('0');
    secrets["kind"] = json!("ExposedSecretReport");
    secrets["report"]["secrets"] = json!([{"severity": "CRITICAL"}, {"severity": "HIGH"}]);
    let event = one(&secrets, &given());
    assert_eq!(event["other_classes"], json!({"secret": {"critical": 1, "high": 1}}));
    assert_eq!((&event["status"], event.get("critical")), (&json!("not_scanned"), None));
    assert_eq!(event["labels"]["digest_check"], "equal");
    let audit = json!({"apiVersion": "aquasecurity.github.io/v1alpha1",
        "kind": "ConfigAuditReport", "report": {"checks": [
            {"severity": "LOW", "success": false}, {"severity": "HIGH", "success": true}]}});
    let event = one(&audit, &given());
    assert_eq!(event["other_classes"], json!({"misconfiguration": {"low": 1}}));
    assert_eq!(event["labels"]["digest_check"], "not_in_report");
    let mut empty = audit;
    empty["report"] = json!({});
    assert!(refusal(&empty, &given()).contains("a list of what was found"));
}

#[test]
fn reports_about_the_cluster_are_refused_by_name() {
    let mut roles = report('0');
    roles["kind"] = json!("RbacAssessmentReport");
    assert!(refusal(&roles, &given()).contains("RbacAssessmentReport of the Trivy operator"));
    let mut later = report('0');
    later["apiVersion"] = json!("aquasecurity.github.io/v2");
    assert!(refusal(&later, &given()).contains("version v2"));
}
