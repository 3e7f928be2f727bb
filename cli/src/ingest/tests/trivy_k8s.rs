//! `trivy k8s`: one artifact of many.

use serde_json::{Value, json};

use super::{Context, digest, given, one, refusal};

fn resource(name: &str, digit: char, severities: &[&str]) -> Value {
    let rows: Vec<Value> = severities
        .iter()
        .map(|severity| json!({"VulnerabilityID": "CVE-1", "PkgName": "p", "Severity": severity}))
        .collect();
    json!({"Namespace": "prod", "Kind": "Deployment", "Name": name,
        "Metadata": [{"ImageID": digest('c'), "RepoDigests": [format!("r@{}", digest(digit))]}],
        "Results": [{"Target": "r", "Class": "os-pkgs", "Vulnerabilities": rows}]})
}

fn cluster(resources: &[Value]) -> Value {
    json!({"ClusterName": "c", "Resources": resources})
}

fn of(digit: char) -> Context {
    Context { digest: Some(digest(digit)), ..given() }
}

#[test]
fn the_digest_chooses_and_the_same_image_counts_once() {
    let report = cluster(&[
        resource("api", 'a', &["HIGH", "LOW"]),
        resource("web", 'b', &["CRITICAL"]),
        resource("api-2", 'a', &["HIGH", "LOW"]),
    ]);
    let event = one(&report, &of('a'));
    assert_eq!((&event["high"], &event["critical"]), (&json!(1), &json!(0)));
    assert_eq!((&event["labels"]["resources"], &event["scanner"]), (&json!("2"), &json!("trivy")));
    assert_eq!(event["labels"]["resource"], "prod/Deployment/api");
    let any = Context { digest: None, ..given() };
    assert!(refusal(&report, &any).contains("names 2 digests"));
    assert!(refusal(&report, &of('9')).contains("not"));
    let alone = one(&cluster(&[resource("api", 'a', &[])]), &any);
    assert_eq!((&alone["digest"], &alone["status"]), (&json!(digest('a')), &json!("clean")));
}

#[test]
fn what_cannot_be_told_apart_or_was_not_scanned_is_no_clean_scan() {
    let mut merged = resource("api", 'a', &[]);
    merged["Metadata"].as_array_mut().unwrap().push(json!({"ImageID": digest('d')}));
    assert!(refusal(&cluster(&[merged]), &of('a')).contains("several images"));
    let mut failed = resource("api", 'a', &[]);
    failed["Error"] = json!("cannot pull");
    assert_eq!(one(&cluster(&[failed]), &of('a'))["status"], "not_scanned");
    let old = json!({"ClusterName": "c", "Vulnerabilities": [{"Kind": "Pod", "Results": []}]});
    assert!(refusal(&old, &of('a')).contains("no image by digest"));
}
