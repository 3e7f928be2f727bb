//! CDEvents in all versions, bare and inside CloudEvents.

use serde_json::{Value, json};

use super::product::{COMMIT, check_admitted, one_build};
use super::{all, digest, refusal};
use crate::ingest::Context;

/// A CDEvent of version 0.5.
fn note(kind: &str, content: Value) -> Value {
    json!({"context": {"specversion": "0.5.1", "id": "e-1", "source": "/ci", "chainId": "c-1",
                       "type": format!("dev.cdevents.{kind}.0.3.0"),
                       "timestamp": "2026-06-03T10:00:00Z"},
           "subject": {"id": "s-1", "source": "/ci", "content": content}})
}

fn given() -> Context {
    Context { component: Some("app".to_owned()), ..one_build() }
}

fn read(body: &Value, context: &Context) -> Vec<Value> {
    let events = all(body, context).unwrap();
    check_admitted(&events);
    events
}

fn purl() -> String {
    format!("pkg:oci/app@{}", digest('a').replace(':', "%3A"))
}

fn deployed(kind: &str) -> Value {
    note(kind, json!({"environment": {"id": "production"}, "artifactId": purl()}))
}

#[test]
fn a_deployed_service_is_a_deploy_that_ended_well() {
    let events = read(&deployed("service.deployed"), &given());
    assert_eq!(events.len(), 3);
    assert_eq!(
        (&events[0]["digest"], &events[0]["version"]),
        (&json!(digest('a')), &json!("1.4.2"))
    );
    assert!(events[0].get("initiated_by").is_none(), "no deploy event names anybody");
    assert_eq!(events[1]["outcome"], "succeeded");
    assert_eq!(events[1]["source"]["format"], "cdevents/0.5.1");
    let back = read(&deployed("service.rolledback"), &given());
    assert_eq!(back[0]["reason"], "rollback");
    let gone = read(&deployed("service.removed"), &given());
    assert_eq!((gone.len(), &gone[1]["kind"]), (2, &json!("deploy.removed")));
    assert!(refusal(&deployed("service.published"), &given()).contains("takes traffic"));
}

#[test]
fn the_version_stands_in_two_places_and_an_unknown_major_one_is_refused() {
    let mut old = deployed("service.deployed");
    old["context"]["version"] = json!("0.3.0");
    old["context"].as_object_mut().unwrap().remove("specversion");
    assert_eq!(read(&old, &given())[0]["source"]["format"], "cdevents/0.3.0");
    let mut new = deployed("service.deployed");
    new["context"]["specversion"] = json!("0.9.0");
    new["context"]["fresh"] = json!(1);
    assert_eq!(read(&new, &given()).len(), 3);
    new["context"]["specversion"] = json!("1.0.0");
    assert!(refusal(&new, &given()).contains("CDEvents 1.0.0"));
}

#[test]
fn an_outcome_is_spelled_in_two_ways_or_proves_nothing() {
    let tests = |content: Value| note("testsuiterun.finished", content);
    let suite = json!({"name": "smoke"});
    for (outcome, wanted) in [
        ("success", "pass"),
        ("pass", "pass"),
        ("fail", "fail"),
        ("failure", "fail"),
        ("error", "fail"),
        ("cancel", "inconclusive"),
    ] {
        let body =
            tests(json!({"outcome": outcome, "testSuite": suite, "environment": {"id": "dev"}}));
        let event = &read(&body, &given())[0];
        assert_eq!(
            (&event["result"], &event["suite"], &event["stage"]),
            (&json!(wanted), &json!("smoke"), &json!("dev"))
        );
    }
    assert!(refusal(&tests(json!({"testSuite": suite})), &given()).contains("proves nothing"));
    let case = note("testcaserun.finished", json!({"outcome": "success", "testCase": suite}));
    assert!(refusal(&case, &given()).contains("one case proves no such suite"));
    let run = note("pipelinerun.finished", json!({"outcome": "success"}));
    assert!(refusal(&run, &given()).contains("--suite"));
}

#[test]
fn an_artifact_is_its_digest() {
    let mut packaged =
        note("artifact.packaged", json!({"change": {"id": COMMIT, "source": "/git"}}));
    packaged["subject"]["id"] = json!(format!("{}?tag=v1.4.2", purl()));
    let event = &read(&packaged, &given())[0];
    assert_eq!((&event["kind"], &event["commit"]), (&json!("build.completed"), &json!(COMMIT)));
    assert_eq!((&event["version"], &event["digest"]), (&json!("1.4.2"), &json!(digest('a'))));
    packaged["subject"]["id"] = json!("pkg:golang/x/app@234fd47e07d1");
    assert!(refusal(&packaged, &given()).contains("--version"));
    let mut published = note("artifact.published", json!({"user": "bot"}));
    published["subject"]["id"] = json!(purl());
    assert_eq!(read(&published, &given())[0]["version"], "1.4.2");
}

#[test]
fn an_approval_is_a_decision_by_its_responder() {
    let closed = |predicate: &str, decision: &str| {
        note(
            &format!("approval.{predicate}"),
            json!({"responder": "urn:user:bob", "decision": decision}),
        )
    };
    let context =
        Context { stage: Some("production".to_owned()), digest: Some(digest('a')), ..given() };
    let event = &read(&closed("closed", "approved"), &context)[0];
    assert_eq!(
        (&event["kind"], &event["approver"]),
        (&json!("approval.granted"), &json!("urn:user:bob"))
    );
    let update = &read(&closed("updated", "approved"), &context)[0];
    assert_eq!(update["source"]["key"], event["source"]["key"], "one decision, told twice");
    assert!(refusal(&closed("created", ""), &context).contains("asks for a decision"));
    assert!(refusal(&closed("closed", "expired"), &context).contains("no decision that counts"));
}

#[test]
fn what_is_not_mapped_is_said_and_can_be_kept() {
    let incident = &read(&note("incident.detected", json!({"description": "slow"})), &given())[0];
    assert_eq!(
        (&incident["kind"], &incident["incident_id"]),
        (&json!("incident.opened"), &json!("s-1"))
    );
    for kind in ["change.merged", "environment.deleted", "build.started", "repository.created"] {
        assert!(refusal(&note(kind, json!({})), &given()).contains(kind), "{kind}");
    }
    let mut own = note("x", json!({"any": 1}));
    own["context"]["type"] = json!("dev.cdeventsx.tool-thing.done.0.1.0");
    assert!(refusal(&own, &given()).contains("--digest"));
    let kept = &read(&own, &Context { digest: Some(digest('a')), ..given() })[0];
    assert_eq!(kept["kind"], "attestation.recorded");
    assert_eq!(kept["blob"], kept["evidence"][0]);
}

#[test]
fn a_cloud_event_is_read_for_the_cdevent_in_it() {
    let wrap = |data: Value| {
        json!({"specversion": "1.0", "id": "1", "source": "/ci",
               "type": "dev.cdevents.service.deployed.0.3.0", "data": data})
    };
    let inner = deployed("service.deployed");
    assert_eq!(read(&wrap(inner.clone()), &given()).len(), 3);
    assert_eq!(read(&wrap(json!(inner.to_string())), &given()).len(), 3);
    assert_eq!(read(&json!([wrap(inner.clone())]), &given()).len(), 3);
    let mut other = wrap(inner);
    other["type"] = json!("com.example.thing");
    let message = refusal(&other, &given());
    assert!(message.contains("`com.example.thing` carries what only"), "{message}");
    assert!(message.contains("--digest"), "{message}");
    let kept = &read(&other, &Context { digest: Some(digest('a')), ..given() })[0];
    assert_eq!(
        (&kept["kind"], &kept["format"]),
        (&json!("attestation.recorded"), &json!("cloudevents/1.0"))
    );
    assert_eq!(kept["content"], json!({"type": "com.example.thing", "source": "/ci", "id": "1"}));
    other["specversion"] = json!("2.0");
    assert!(refusal(&other, &given()).contains("CloudEvents 2.0"));
}

#[test]
fn an_id_is_one_of_its_source_and_type() {
    let start = |body: &Value| {
        let event = read(body, &given()).remove(0);
        (event["deploy_id"].clone(), event["source"]["key"].clone())
    };
    let here = deployed("service.deployed");
    let mut there = here.clone();
    there["context"]["source"] = json!("/another/ci");
    let upgraded = deployed("service.upgraded");
    let mut later = here.clone();
    later["context"]["type"] = json!("dev.cdevents.service.deployed.0.4.0");
    assert_eq!(start(&here), start(&later), "the type's own version tells no event from another");
    for other in [&there, &upgraded] {
        let (here, other) = (start(&here), start(other));
        assert!(here.0 != other.0 && here.1 != other.1, "{other:?}");
    }
    let mut long = here;
    long["context"]["source"] = json!("x".repeat(5000));
    assert!(start(&long).0.as_str().unwrap().len() < 100);
}

#[test]
fn a_deploy_keeps_its_chain() {
    for event in read(&deployed("service.deployed"), &given()) {
        assert_eq!(event["labels"]["chain_id"], "c-1");
    }
}

#[test]
fn tests_that_were_skipped_prove_nothing() {
    let case = json!({"testCase": {"name": "login"}, "environment": {"id": "dev"}});
    let event = &read(&note("testcaserun.skipped", case), &given())[0];
    assert_eq!((&event["result"], &event["suite"]), (&json!("inconclusive"), &json!("login")));
    assert_eq!(event["cases"], json!({"passed": 0, "failed": 0, "skipped": 1}));
}

#[test]
fn an_environment_needs_its_targets_and_replaces_none() {
    let made = note("environment.created", json!({"name": "Preview", "uri": "https://p.example"}));
    let message = refusal(&made, &given());
    assert!(message.contains("`s-1`") && message.contains("--target"), "{message}");
    let context = Context { target: Some("p-1".to_owned()), ..given() };
    let event = &read(&made, &context)[0];
    assert_eq!(
        (&event["kind"], &event["environment"], &event["targets"]),
        (&json!("environment.registered"), &json!("s-1"), &json!(["p-1"]))
    );
    let context = Context { environment: Some("production".to_owned()), ..context };
    assert!(refusal(&made, &context).contains("registered already"));
}

#[test]
fn a_branch_needs_its_commit() {
    let made = note("branch.created", json!({"repository": {"id": "orion/app"}}));
    assert!(refusal(&made, &given()).contains("--commit"));
    let event = &read(&made, &Context { commit: Some(COMMIT.to_owned()), ..given() })[0];
    assert_eq!(
        (&event["kind"], &event["branch"], &event["base_commit"]),
        (&json!("branch.created"), &json!("s-1"), &json!(COMMIT))
    );
}
