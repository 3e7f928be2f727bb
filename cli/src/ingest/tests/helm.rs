//! Chart.yaml: texts stay texts, and the digest is the registry's.

use serde_json::json;

use super::{digest, knowing, of_text, text_refusal};
use crate::ingest::Context;

const CHART: &str = "\
apiVersion: v2
name: orion-helm
type: application
version: 1.4.2
appVersion: \"v1.4.2\"
";

fn given() -> Context {
    Context { digest: Some(digest('d')), ..knowing() }
}

#[test]
fn chart_and_application_have_versions_of_their_own() {
    let events = of_text(CHART, &given());
    let [event] = events.as_slice() else { panic!("one") };
    assert_eq!(event["kind"], "release.published");
    assert_eq!((&event["component"], &event["version"]), (&json!("orion-helm"), &json!("1.4.2")));
    assert_eq!((&event["app_version"], &event["digest"]), (&json!("v1.4.2"), &json!(digest('d'))));
    assert_eq!(event["source"]["format"], "helm-chart/v2");
    assert!(event["labels"].get("app_version_unquoted").is_none());
}

#[test]
fn an_unquoted_number_stays_as_it_stands_in_the_file() {
    for (line, text, seen) in [
        ("appVersion: 0.10", "0.10", Some("helm reads 0.1; quote it as \"0.10\"")),
        ("appVersion: 1.1 # number", "1.1", Some("a number to YAML; quote it as \"1.1\"")),
        ("appVersion: 2", "2", Some("a number to YAML; quote it as \"2\"")),
        ("appVersion: \"0.10\"", "0.10", None),
        ("appVersion: ^12.1.1", "^12.1.1", None),
    ] {
        let chart = CHART.replace("appVersion: \"v1.4.2\"", line);
        let event = &of_text(&chart, &given())[0];
        assert_eq!(event["app_version"], text, "{line}");
        let label = event["labels"].get("app_version_unquoted").and_then(|l| l.as_str());
        assert_eq!(label, seen, "{line}");
    }
}

#[test]
fn the_version_of_a_chart_is_semver_and_its_digest_is_given() {
    for version in ["v1.4.2", "1.4", "1.10", "2", "01.4.2"] {
        let chart = CHART.replace("version: 1.4.2", &format!("version: {version}"));
        let message = text_refusal(&chart, &given());
        assert!(message.contains("the version of a chart is SemVer"), "{version}: {message}");
    }
    let message = text_refusal(CHART, &knowing());
    assert!(message.contains("helm push"), "{message}");
    let other = Context { version: Some("1.4.3".into()), ..given() };
    assert!(text_refusal(CHART, &other).contains("1.4.3"));
}
