//! Gates on earlier stages, on the artifact itself, on the matrix and on freezes.

use serde_json::{Value, json};

use super::*;
use crate::ask::warnings;

fn changed(find: Value, fields: Value) -> Story {
    let mut story = green();
    let mut events = story.take();
    let is_it = |event: &Value| find.as_object().unwrap().iter().all(|(k, v)| event[k] == *v);
    let found = events.iter_mut().filter(|(_, event)| is_it(event));
    found.for_each(|(_, e)| e.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone()));
    story.give(events);
    deploy(&mut story);
    story
}

#[test]
fn a_deploy_to_the_stage_must_have_succeeded() {
    for (id, name) in [("DEV", "dev_deployed"), ("STG", "staging_deployed")] {
        let finish = json!({"kind": "deploy.finished", "deploy_id": id});
        for outcome in ["failed", "aborted"] {
            let fields = json!({"outcome": outcome, "restored": true});
            let mut story = changed(finish.clone(), fields);
            assert_eq!(gate(&mut story, name), format!("true fail {outcome} succeeded"));
        }
        let start = json!({"kind": "deploy.started", "deploy_id": id});
        let mut story = changed(start.clone(), json!({"digest": digest("other")}));
        assert_eq!(gate(&mut story, name), "true missing - succeeded");
        let mut story = changed(start, json!({"targets": ["stg-1", "dev-1"]}));
        assert_eq!(gate(&mut story, name), "true fail in_flight succeeded", "one target is open");
    }
}

#[test]
fn one_success_counts_even_when_a_later_try_failed() {
    let mut story = green();
    story.start("09T08:00", "DEV2", "dev", "1.4.2").finish("09T08:05", "DEV2", "dev-1", "failed");
    deploy(&mut story);
    assert_eq!(gate(&mut story, "dev_deployed"), "true pass succeeded succeeded");
}

#[test]
fn another_build_of_the_version_is_another_artifact() {
    let mut story = green();
    story.build_of("09T08:00", "1.4.2", "1.4.2-again", "c1.4.2");
    story.start(AT, D, "production", "1.4.2-again");
    let answer = asked(&ask(&mut story), D);
    let threshold = "@1.4.2-again";
    let observed =
        ["dev", "staging", "canary"].map(|s| format!("{s}={}", digest("1.4.2"))).join(",");
    assert_eq!(of_gate(&answer, "same_digest"), format!("true fail {observed} {threshold}"));
    for name in ["dev_deployed", "smoke", "scan:trivy", "canary_bake", "slo"] {
        assert!(of_gate(&answer, name).starts_with("true missing"), "{name}");
    }
    // The commit is the same one, so what was said of it stands.
    assert_eq!(of_gate(&answer, "unit"), "true pass pass pass");
}

#[test]
fn an_artifact_that_skipped_a_stage_is_not_known_to_be_the_same() {
    let mut story = green();
    let mut events = story.take();
    events.retain(|(_, event)| event["deploy_id"] != "STG");
    story.give(events);
    deploy(&mut story);
    assert!(gate(&mut story, "same_digest").starts_with("true missing - "));
}

#[test]
fn the_matrix_must_hold_every_live_set() {
    let mut story = green();
    matrix(&mut story, "09T08:00", ">=1.5.0");
    deploy(&mut story);
    assert_eq!(gate(&mut story, "compat"), "true fail api=1.4.2 supported");
    let mut story = green();
    story.push("09T08:00", json!({"kind": "matrix.published", "rows": [{"cli": "1.x"}]}));
    deploy(&mut story);
    assert_eq!(gate(&mut story, "compat"), "false not_applicable - supported");
}

#[test]
fn without_a_matrix_there_is_no_promise_to_hold() {
    let mut story = green();
    let mut events = story.take();
    events.retain(|(_, event)| event["kind"] != "matrix.published");
    story.give(events);
    deploy(&mut story);
    let answer = asked(&ask(&mut story), D);
    assert_eq!(of_gate(&answer, "compat"), "false not_applicable - supported");
    assert_eq!((answer.holds, warnings(&answer)), (true, vec!["no_matrix"]));
}

#[test]
fn a_published_component_is_told_that_its_bump_is_not_that_of_its_publishes() {
    let mut story = green();
    story.component("cli", json!({"scheme": "semver", "release_model": "published"}));
    story.build("09T08:00", "2.0.0").publish("09T08:10", "2.0.0").build("09T08:20", "2.1.0");
    let answer = ask(&mut story).answer(&gate_of("cli", "2.1.0")).unwrap();
    assert_eq!(head(&answer, "bump approval_required"), "initial true");
    assert!(warnings(&answer).contains(&"published"), "{:?}", answer.warnings);
    let answer = ask(&mut story).answer(&gate_of("api", "1.4.2")).unwrap();
    assert!(!warnings(&answer).contains(&"published"), "{:?}", answer.warnings);
}

/// Asks for the way of a version to production.
fn gate_of(component: &str, version: &str) -> Question {
    Question::Gate(GateAsk {
        of: GateOf::Artifact {
            component: component.to_owned(),
            artifact: version.to_owned(),
            stage: Stage::Production,
            environment: None,
            hotfix_id: None,
            initiated_by: None,
        },
        policy_of_today: false,
    })
}

#[test]
fn a_published_component_that_does_not_fit_closes_the_way() {
    let mut story = green();
    story.component("cli", json!({"scheme": "semver", "release_model": "published"}));
    let rows = json!([{"api": ">=1.4.0, <1.4.2", "cli": "1.8.x"}, {"api": "1.x", "cli": "1.9.x"}]);
    story.push("09T08:00", json!({"kind": "matrix.published", "rows": rows}));
    story.publish("09T08:01", "1.8.3").turn_to("api");
    deploy(&mut story);
    assert_eq!(gate(&mut story, "compat"), "true fail api=1.4.2, cli=1.8.3 supported");
    let mut story = green();
    story.component("cli", json!({"scheme": "semver", "release_model": "published"}));
    story.push("09T08:00", json!({"kind": "matrix.published", "rows": rows}));
    story.publish("09T08:01", "1.8.3").publish("09T08:02", "1.9.0").turn_to("api");
    deploy(&mut story);
    assert_eq!(gate(&mut story, "compat"), "true pass r2 supported");
}

fn frozen(fields: Value, lifted: Option<(&str, Value)>) -> String {
    let mut story = green();
    story.push("09T08:00", json!({"kind": "freeze.declared", "freeze_id": "F1"})).but(fields);
    if let Some((at, fields)) = lifted {
        story.push(at, json!({"kind": "freeze.lifted", "freeze_id": "F1"})).but(fields);
    }
    deploy(&mut story);
    gate(&mut story, "no_freeze")
}

#[test]
fn a_freeze_covers_what_it_names() {
    let (open, closed) = ("true pass none none", "true fail F1 none");
    assert_eq!(frozen(json!({}), None), closed);
    assert_eq!(frozen(json!({"environment": "production"}), None), closed);
    assert_eq!(frozen(json!({"environment": "staging"}), None), open);
    assert_eq!(frozen(json!({"component": "api"}), None), closed);
    assert_eq!(frozen(json!({"until": "2026-06-10T09:00:00Z"}), None), open);
    assert_eq!(frozen(json!({"until": "2026-06-10T09:00:01Z"}), None), closed);
}

#[test]
fn a_freeze_ends_when_it_is_lifted_before_the_deploy() {
    assert_eq!(frozen(json!({}), Some(("10T08:59", json!({})))), "true pass none none");
    assert_eq!(frozen(json!({}), Some(("10T09:00:30", json!({})))), "true fail F1 none");
    let other = json!({"freeze_id": "F2"});
    assert_eq!(frozen(json!({}), Some(("10T08:59", other))), "true fail F1 none");
    let mut story = green();
    story.push("09T08:00", json!({"kind": "freeze.declared", "freeze_id": "F1"}));
    story.push("09T08:01", json!({"kind": "freeze.lifted", "freeze_id": "F1"}));
    story.push("09T08:02", json!({"kind": "freeze.declared", "freeze_id": "F1"}));
    deploy(&mut story);
    assert_eq!(gate(&mut story, "no_freeze"), "true fail F1 none", "declared again");
}

#[test]
fn a_freeze_of_another_component_is_none_of_ours() {
    let mut story = green();
    story.component("web", json!({"scheme": "semver", "release_model": "deployed"})).turn_to("api");
    let freeze = json!({"kind": "freeze.declared", "freeze_id": "F1", "component": "web"});
    story.push("09T08:00", freeze);
    deploy(&mut story);
    assert_eq!(gate(&mut story, "no_freeze"), "true pass none none");
}
