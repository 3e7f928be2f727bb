//! Which artifact a report is about.

use serde_json::{Value, json};

use super::super::Context;
use super::{digest, one, refusal};

/// A report of Grype about an image that has all three digests: index 1, manifest 2, config 3.
fn image() -> Value {
    json!({"matches": [], "descriptor": {"name": "grype"}, "source": {"type": "image", "target": {
        "userInput": "app:1.0", "imageID": digest('3'), "manifestDigest": digest('2'),
        "repoDigests": [format!("registry.example/app@{}", digest('1'))]}}})
}

fn about(digest: Option<String>) -> Context {
    Context { component: Some("app".to_owned()), digest, ..Context::default() }
}

fn target(report: &mut Value) -> &mut Value {
    &mut report["source"]["target"]
}

#[test]
fn a_given_digest_is_found_in_its_role() {
    for (digit, role) in [('1', "index"), ('2', "manifest"), ('3', "config")] {
        let event = one(&image(), &about(Some(digest(digit))));
        assert_eq!(
            (&event["digest"], &event["digest_role"]),
            (&json!(digest(digit)), &json!(role))
        );
        assert_eq!(event["labels"]["digest_check"], "equal");
    }
}

#[test]
fn a_digest_that_contradicts_the_registry_is_refused() {
    let message = refusal(&image(), &about(Some(digest('9'))));
    assert!(message.contains(&digest('1')) && message.contains(&digest('9')), "{message}");
    assert!(message.contains("source.target.repoDigests"), "{message}");
}

#[test]
fn roles_are_never_compared_with_each_other() {
    let mut report = image();
    target(&mut report)["repoDigests"] = json!([]);
    let event = one(&report, &about(Some(digest('9'))));
    assert_eq!(event["digest"], digest('9'));
    assert!(event.get("digest_role").is_none());
    assert_eq!(event["labels"]["digest_check"], "not_comparable");
}

#[test]
fn without_one_given_the_report_decides_index_before_manifest_before_config() {
    let mut report = image();
    for (digit, role) in [('1', "index"), ('2', "manifest"), ('3', "config")] {
        let event = one(&report, &about(None));
        assert_eq!(
            (&event["digest"], &event["digest_role"]),
            (&json!(digest(digit)), &json!(role))
        );
        assert_eq!(event["labels"]["digest_check"], "from_report");
        let fields = target(&mut report);
        match digit {
            '1' => fields["repoDigests"] = json!(["REDACTED", ""]),
            '2' => fields["manifestDigest"] = json!("sha256:123"),
            _ => {}
        }
    }
}

#[test]
fn one_platform_makes_the_registry_digest_a_manifest() {
    let mut report = image();
    target(&mut report)["manifestDigest"] = json!(digest('1'));
    assert_eq!(one(&report, &about(None))["digest_role"], "manifest");
    assert_eq!(one(&report, &about(Some(digest('1'))))["digest_role"], "manifest");
}

#[test]
fn a_choice_between_several_is_left_to_the_caller() {
    let mut report = image();
    target(&mut report)["repoDigests"] =
        json!([format!("a@{}", digest('1')), format!("b@{}", digest('4'))]);
    let message = refusal(&report, &about(None));
    assert!(message.contains("2 digests"), "{message}");
    assert_eq!(one(&report, &about(Some(digest('4'))))["digest_role"], "index");
}

#[test]
fn without_any_digest_the_report_is_refused() {
    let report = json!({"matches": [], "descriptor": {"name": "grype"},
                        "source": {"type": "directory", "target": "."}});
    let message = refusal(&report, &about(None));
    assert!(message.contains("--digest"), "{message}");
    let event = one(&report, &about(Some(digest('9'))));
    assert_eq!(event["labels"]["digest_check"], "not_in_report");
}

#[test]
fn a_given_digest_must_be_one() {
    for bad in ["v1.0", "sha256:12", "sha256:", ":aa", "sha256:zz"] {
        let message = refusal(&image(), &about(Some(bad.to_owned())));
        assert!(message.starts_with("--digest"), "{message}");
    }
}
