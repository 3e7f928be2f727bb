//! Predicates about scans, tests, releases and verdicts: second-hand, and only what they prove.

use serde_json::{Value, json};

use super::super::Context;
use super::attestation::statement;
use super::{all, check_admitted, digest, given, one};

const VULNS: &str = "https://in-toto.io/attestation/vulns/v0.2";
const TEST: &str = "https://in-toto.io/attestation/test-result/v0.1";

fn vulns(result: Value) -> Value {
    statement(
        VULNS,
        json!({
        "scanner": {"uri": "pkg:github/aquasecurity/trivy@244fd47e", "version": "0.69.0",
            "db": {"lastUpdate": "2026-06-09T00:00:00Z"}, "result": result},
        "metadata": {"scanStartedOn": "2026-06-10T08:59:00Z", "scanFinishedOn": "2026-06-10T09:00:00Z"}}),
    )
}

/// The attestation and the one other event.
fn pair(report: &Value, context: &Context) -> (Value, Value) {
    let mut events = all(report, context).unwrap();
    assert_eq!(events.len(), 2, "{events:#?}");
    events.iter().for_each(check_admitted);
    let second = events.remove(1);
    (events.remove(0), second)
}

#[test]
fn a_list_of_vulnerabilities_is_a_scan_with_counts_by_its_words() {
    let row = |id: &str, method: &str, score: Value| json!({"id": id, "severity": [{"method": method, "score": score}]});
    let (attestation, scan) = pair(
        &vulns(json!([
            row("CVE-1", "nvd", json!("HIGH")),
            row("CVE-2", "cvss_score", json!("9.8")),
            row("CVE-3", "CVSSv31", json!("CVSS:3.1/AV:N")),
        ])),
        &given(),
    );
    assert_eq!((&scan["scanner"], &scan["scanner_version"]), (&json!("trivy"), &json!("0.69.0")));
    assert_eq!(
        (&scan["critical"], &scan["high"], &scan["unknown"]),
        (&json!(1), &json!(1), &json!(1))
    );
    assert_eq!((&scan["status"], &scan["digest"]), (&json!("findings"), &json!(digest('0'))));
    assert_eq!(scan["db_built_at"], "2026-06-09T00:00:00Z");
    assert_eq!(scan["occurred_at"], "2026-06-10T09:00:00Z");
    // A statement does not tell which digest of an image its subject is.
    assert!(scan.get("digest_role").is_none());
    assert_eq!(attestation["occurred_at"], "2026-06-10T09:00:00Z");
}

#[test]
fn the_states_of_a_scan_stay_apart() {
    let (_, clean) = pair(&vulns(json!([])), &given());
    assert_eq!((&clean["status"], &clean["critical"]), (&json!("clean"), &json!(0)));
    let (_, not) = pair(&vulns(json!(null)), &given());
    assert_eq!(not["status"], "not_scanned");
    assert!(not.get("critical").is_none());
    // No row has a severity: a count of zero would be a lie.
    let event = one(&vulns(json!([{"id": "GHSA-1"}])), &given());
    assert_eq!(event["labels"]["no_scan"], "no finding has a severity");
    let event = one(&vulns(json!({"Results": []})), &given());
    assert!(event["labels"]["no_scan"].as_str().unwrap().contains("a report that is not read"));
}

#[test]
fn a_test_result_is_a_check_of_the_suite_that_is_named() {
    let context =
        Context { suite: Some("unit".to_owned()), stage: Some("dev".to_owned()), ..given() };
    let result = |predicate: Value| {
        let (_, check) = pair(&statement(TEST, predicate), &context);
        assert_eq!((&check["suite"], &check["stage"]), (&json!("unit"), &json!("dev")));
        (check["result"].as_str().unwrap().to_owned(), check)
    };
    let (passed, check) =
        result(json!({"result": "PASSED", "passedTests": ["a", "b"], "failedTests": []}));
    assert_eq!((passed.as_str(), &check["cases"]), ("pass", &json!({"passed": 2, "failed": 0})));
    assert_eq!(check["digest"], digest('0'));
    assert_eq!(result(json!({"result": "PASSED"})).0, "pass");
    assert_eq!(result(json!({"result": "PASSED", "passedTests": []})).0, "inconclusive");
    assert_eq!(result(json!({"result": "PASSED", "failedTests": ["x"]})).0, "fail");
    assert_eq!(result(json!({"result": "WARNED", "passedTests": ["x"]})).0, "inconclusive");
    assert_eq!(result(json!({"result": "FAILED"})).0, "fail");
    assert!(all(&statement(TEST, json!({"result": "OK"})), &context).is_err());
    let event = one(&statement(TEST, json!({"result": "PASSED"})), &given());
    assert!(event["labels"]["no_check"].as_str().unwrap().contains("--suite"));
}

#[test]
fn a_commit_as_subject_is_the_commit_of_the_check() {
    let mut report = statement(TEST, json!({"result": "PASSED"}));
    report["subject"] = json!([{"digest": {"gitCommit": "d".repeat(40)}}]);
    let context = Context { suite: Some("unit".to_owned()), digest: None, ..given() };
    let (_, check) = pair(&report, &context);
    assert_eq!(check["commit"], "d".repeat(40));
    assert!(check.get("digest").is_none());
}

#[test]
fn a_release_has_the_version_of_its_purl() {
    let release = |purl: &str| {
        statement("https://in-toto.io/attestation/release/v0.1", json!({"purl": purl}))
    };
    let (_, published) = pair(&release("pkg:npm/@orion/app@1.4.2%2Bb1?x=1"), &given());
    assert_eq!(
        (&published["kind"], &published["version"]),
        (&json!("release.published"), &json!("1.4.2+b1"))
    );
    let event = one(&release("pkg:npm/@orion/app"), &given());
    assert!(event["labels"]["no_release"].as_str().unwrap().contains("--version"));
    let other = Context { version: Some("1.5.0".to_owned()), ..given() };
    let message = all(&release("pkg:npm/app@1.4.2"), &other).unwrap_err().to_string();
    assert!(message.contains("--version is 1.5.0"), "{message}");
}

#[test]
fn a_verdict_is_kept_as_what_somebody_said() {
    let event = one(
        &statement(
            "https://slsa.dev/verification_summary/v1",
            json!({
            "verifier": {"id": "https://verifier.example"}, "timeVerified": "2026-06-10T09:00:00Z",
            "verificationResult": "PASSED", "verifiedLevels": ["SLSA_BUILD_LEVEL_2"],
            "policy": {"uri": "https://policy.example"}}),
        ),
        &given(),
    );
    let verdict = &event["content"]["verdict"];
    assert_eq!(verdict["verificationResult"], "PASSED");
    assert_eq!(verdict["verifiedLevels"], json!(["SLSA_BUILD_LEVEL_2"]));
    assert_eq!(
        (&verdict["verifier"], &verdict["policy"]),
        (&json!("https://verifier.example"), &json!("https://policy.example"))
    );
    assert_eq!(event["occurred_at"], "2026-06-10T09:00:00Z");
    assert!(event.get("verified_by").is_none());
    let properties = json!({"verifier": {"id": "v"}, "properties": ["NO_HIGH"]});
    let event = one(&statement("https://in-toto.io/attestation/svr/v0.2", properties), &given());
    assert_eq!(event["content"]["verdict"]["properties"], json!(["NO_HIGH"]));
}

fn own_report() -> Value {
    json!({"SchemaVersion": 2, "ArtifactName": "app", "ArtifactType": "container_image",
        "Metadata": {"ImageID": digest('c'), "RepoDigests": [format!("app@{}", digest('5'))]},
        "Results": [{"Target": "app", "Class": "os-pkgs", "Vulnerabilities": [
            {"VulnerabilityID": "CVE-1", "PkgName": "zlib", "Severity": "CRITICAL"}]}]})
}

#[test]
fn the_scanner_s_own_report_in_a_predicate_is_counted() {
    let mut own = vulns(own_report());
    own["predicateType"] = json!("https://cosign.sigstore.dev/attestation/vuln/v1");
    let (_, scan) = pair(&own, &given());
    assert_eq!((&scan["status"], &scan["critical"]), (&json!("findings"), &json!(1)));
    assert_eq!((&scan["high"], &scan["scanner"]), (&json!(0), &json!("trivy")));
    // The subject says what was scanned, whatever the report inside calls it.
    assert_eq!(scan["digest"], digest('0'));
    assert_eq!(scan["db_built_at"], "2026-06-09T00:00:00Z");
    let grype = json!({"matches": [], "source": {"type": "image", "target": "app"},
                       "descriptor": {"name": "grype", "version": "0.94.0"}});
    let (_, scan) = pair(&vulns(grype), &given());
    assert_eq!((&scan["status"], &scan["scanner"]), (&json!("clean"), &json!("grype")));
}

#[test]
fn a_predicate_without_its_statement_is_a_scan_of_what_the_caller_or_the_report_names() {
    let bare = vulns(own_report())["predicate"].clone();
    let nobody = Context { digest: None, ..given() };
    let scan = one(&bare, &nobody);
    assert_eq!(scan["source"]["format"], "cosign-vuln-predicate");
    assert_eq!((&scan["digest"], &scan["critical"]), (&json!(digest('5')), &json!(1)));
    let mut nothing = bare.clone();
    nothing["scanner"]["result"] = json!(null);
    assert_eq!(one(&nothing, &given())["status"], "not_scanned");
    assert!(super::refusal(&nothing, &nobody).contains("--digest"));
    let mut other = bare;
    other["scanner"]["result"] = json!({"whatever": 1});
    assert!(super::refusal(&other, &given()).contains("give the scanner's report"));
}

#[test]
fn a_verdict_of_the_older_summary_keeps_its_own_words() {
    let report = statement(
        "https://slsa.dev/verification_summary/v0.2",
        json!({"verifier": {"id": "https://verifier.example"}, "policy": {"uri": "p"},
            "time_verified": "2026-06-10T11:00:00+02:00", "resource_uri": "oci://app",
            "verification_result": "PASSED", "policy_level": "SLSA_LEVEL_3"}),
    );
    let event = one(&report, &given());
    assert_eq!(event["occurred_at"], "2026-06-10T09:00:00Z");
    let verdict = &event["content"]["verdict"];
    assert_eq!(verdict["verification_result"], "PASSED");
    assert_eq!(
        (&verdict["policy_level"], &verdict["policy"]),
        (&json!("SLSA_LEVEL_3"), &json!("p"))
    );
}
