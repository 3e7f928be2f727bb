//! release-please's manifest and configuration, and CHANGELOGs: evidence, hardly ever a release.

use serde_json::{Value, json};

use super::{Document, beside, check_admitted, digest, document, knowing, read, refusal};
use super::{text_document, text_refusal};
use crate::ingest::{Builds, Context};

const AS: Option<&str> = Some("release-please-manifest");

const CHANGELOG: &str = "\
# Changelog

## [1.9.0](https://git.example/compare/v1.8.3...v1.9.0) (2026-06-10)

### Features

* **api:** more ([#7](https://git.example/7))

## 1.8.3 - 2026-05-01
";

fn manifest() -> Value {
    json!({"tools/orion-cli": "1.9.0", "charts/orion": "1.4.2"})
}

fn configuration() -> Value {
    json!({"include-component-in-tag": true, "packages": {
        "tools/orion-cli": {"release-type": "go"},
        "charts/orion": {"release-type": "helm", "component": "helm"}}})
}

fn by_name(files: &[Document], context: &Context) -> Result<Vec<Value>, String> {
    let events = files.iter().map(|file| read(file, AS, context).map_err(|e| e.to_string()));
    Ok(events.collect::<Result<Vec<_>, _>>()?.into_iter().flatten().collect())
}

#[test]
fn a_manifest_is_asked_for_by_name() {
    let message = refusal(&manifest(), &knowing());
    assert!(message.contains("--as release-please-manifest"), "{message}");
}

#[test]
fn a_version_becomes_a_publish_of_the_digest_that_is_given() {
    let context =
        Context { component: Some("orion-cli".into()), digest: Some(digest('9')), ..knowing() };
    let events = by_name(&[document(&manifest())], &context).unwrap();
    check_admitted(&events[0]);
    assert_eq!(events.len(), 1);
    assert_eq!(
        (&events[0]["version"], &events[0]["digest"]),
        (&json!("1.9.0"), &json!(digest('9')))
    );
    assert_eq!(events[0]["labels"]["path"], "tools/orion-cli");
    let none = Context { digest: None, ..context };
    let message = by_name(&[document(&manifest())], &none).unwrap_err();
    assert!(message.contains("not of which artifact"), "{message}");
}

#[test]
fn several_paths_need_recorded_builds_and_names() {
    let builds = Builds::new(|component, version| match (component, version) {
        ("orion-cli", "1.9.0") => vec![digest('1')],
        ("orion-helm", "1.4.2") => vec![digest('2'), digest('2')],
        _ => vec![],
    });
    let files = vec![document(&manifest()), document(&configuration())];
    let context = Context { builds, ..beside(files.clone()) };
    let events = by_name(&files, &context).unwrap();
    events.iter().for_each(check_admitted);
    let found: Vec<_> = events.iter().map(|e| (&e["component"], &e["digest"])).collect();
    let (one, two) = (json!(digest('1')), json!(digest('2')));
    assert_eq!(found, [(&json!("orion-cli"), &one), (&json!("orion-helm"), &two)]);
    assert_eq!(events[0]["labels"]["digest_from"], "recorded build");
    assert_eq!(events[0]["evidence"].as_array().unwrap().len(), 2);
    // With the configuration beside it, the manifest needs no name.
    assert_eq!(read(&files[0], None, &context).unwrap(), events);
    // Without the configuration nothing says what charts/orion is.
    let message = by_name(&files[..1], &Context { beside: vec![].into(), ..context.clone() });
    assert!(message.unwrap_err().contains("charts/orion"));
    // Two builds of a version are no join.
    let builds = Builds::new(|_, _| vec![digest('1'), digest('2')]);
    let message = by_name(&files, &Context { builds, ..context }).unwrap_err();
    assert!(message.contains("not one build of orion-cli 1.9.0"), "{message}");
}

#[test]
fn a_configuration_alone_proves_nothing() {
    let message = refusal(&configuration(), &knowing());
    assert!(message.contains("proves no release"), "{message}");
}

#[test]
fn a_changelog_is_evidence_of_what_the_caller_says() {
    let message = text_refusal(CHANGELOG, &knowing());
    assert!(message.contains("--component"), "{message}");
    let context = Context { component: Some("orion-cli".into()), ..knowing() };
    assert!(text_refusal(CHANGELOG, &context).contains("edited by anybody"));
    let context = Context { version: Some("1.9.0".into()), ..context };
    assert!(text_refusal(CHANGELOG, &context).contains("holds no digest"));
    let context = Context { digest: Some(digest('9')), ..context };
    let event = &super::of_text(CHANGELOG, &context)[0];
    assert_eq!((&event["kind"], &event["version"]), (&json!("release.published"), &json!("1.9.0")));
    assert_eq!(event["labels"]["changelog_date"], "2026-06-10");
    assert!(event.get("occurred_at").is_none(), "a day is no time");
    let context = Context { version: Some("1.9.1".into()), ..context };
    assert!(text_refusal(CHANGELOG, &context).contains("no heading for version 1.9.1"));
    let context = Context { version: Some("1.8.3".into()), ..context };
    assert_eq!(super::of_text(CHANGELOG, &context)[0]["labels"]["changelog_date"], "2026-05-01");
}

#[test]
fn a_changelog_beside_the_manifest_says_whether_it_names_the_version() {
    let files = vec![document(&manifest()), text_document("CHANGELOG.md", CHANGELOG)];
    let context = Context {
        component: Some("orion-cli".into()),
        digest: Some(digest('9')),
        ..beside(files.clone())
    };
    assert_eq!(read(&files[1], None, &context).unwrap(), Vec::<Value>::new());
    let event = &by_name(&files[..1], &context).unwrap()[0];
    assert_eq!(event["labels"]["changelog"], "names it");
    assert_eq!(event["evidence"].as_array().unwrap().len(), 2);
}

#[test]
fn the_headings_of_other_tools_name_versions_too() {
    let context = Context {
        component: Some("orion-cli".into()),
        version: Some("1.9.0".into()),
        digest: Some(digest('9')),
        ..knowing()
    };
    for text in [
        "# [1.9.0](https://git.example/compare/v1.8.3...v1.9.0) (2026-06-10)\n\n### Features\n",
        "<!-- markdownlint-disable -->\n# Changelog\n\n## Version 1.9.0 - 2026-06-10\n",
    ] {
        let event = &super::of_text(text, &context)[0];
        assert_eq!(event["labels"]["changelog_date"], "2026-06-10", "{text}");
    }
}
