//! Flux's HelmRelease: releases of a chart, newest first, by nobody.

use serde_json::{Value, json};

use super::{check_admitted, digest, knowing, refusal};
use crate::ingest::Context;

fn release(version: u64, chart: &str, digit: char, status: &str) -> Value {
    let hex = digit.to_string().repeat(12);
    json!({"version": version, "chartName": "orion-helm", "chartVersion": format!("{chart}+{hex}"),
           "appVersion": "v1.4.2", "ociDigest": digest(digit), "digest": digest('e'),
           "configDigest": digest('f'), "status": status, "action": "upgrade",
           "firstDeployed": "2026-06-01T09:00:00Z",
           "lastDeployed": format!("2026-06-{version:02}T09:00:00Z"),
           "testHooks": {"smoke": {"phase": "Succeeded"}}})
}

fn helm_release(history: &[Value]) -> Value {
    json!({"apiVersion": "helm.toolkit.fluxcd.io/v2", "kind": "HelmRelease",
           "metadata": {"name": "orion", "namespace": "staging", "uid": "u-5"},
           "status": {"history": history}})
}

fn all(value: &Value, context: &Context) -> Vec<Value> {
    let events = super::all(value, context).unwrap();
    events.iter().for_each(check_admitted);
    events
}

#[test]
fn without_a_history_the_last_release_is_told() {
    let old = |attempted: &str, status: &str| {
        json!({"apiVersion": "helm.toolkit.fluxcd.io/v2beta1", "kind": "HelmRelease",
               "metadata": {"name": "orion-helm", "namespace": "staging", "uid": "u-5"},
               "status": {"lastAppliedRevision": "1.4.2", "lastAttemptedRevision": attempted,
                          "lastReleaseRevision": 3, "conditions": [
                              {"type": "Released", "status": status, "reason": "UpgradeSucceeded",
                               "lastTransitionTime": "2026-06-03T09:00:00Z"}]}})
    };
    let context = Context { digest: Some(digest('a')), ..knowing() };
    let events = all(&old("1.4.2", "True"), &context);
    assert_eq!(
        (&events[0]["deploy_id"], &events[0]["version"], &events[0]["occurred_at"]),
        (&json!("flux:u-5/3"), &json!("1.4.2"), &json!("2026-06-03T09:00:00Z"))
    );
    assert_eq!(events[0]["source"]["format"], "flux-helmrelease/v2beta1");
    assert_eq!(events[1]["outcome"], "succeeded");
    // What was attempted since, or did not succeed, is not what was applied.
    for unclear in [old("1.5.0", "True"), old("1.4.2", "False")] {
        assert!(refusal(&unclear, &context).contains("proves none"));
    }
}

#[test]
fn releases_of_a_chart_are_deploys_oldest_first() {
    let history = [
        release(4, "1.4.2", '2', "failed"),
        release(3, "1.4.2", '2', "deployed"),
        release(2, "1.4.1", '1', "superseded"),
    ];
    let events = all(&helm_release(&history), &knowing());
    let starts: Vec<_> = events.iter().filter(|e| e["kind"] == "deploy.started").collect();
    let ids: Vec<_> = starts.iter().map(|start| &start["deploy_id"]).collect();
    assert_eq!(ids, ["flux:u-5/2", "flux:u-5/3", "flux:u-5/4"]);
    let second = starts[1];
    // Flux adds the digest to the version that was published.
    assert_eq!((&second["version"], &second["digest"]), (&json!("1.4.2"), &json!(digest('2'))));
    assert_eq!(second["labels"]["chart_version"], "1.4.2+222222222222");
    assert_eq!(
        (&second["component"], &second["environment"]),
        (&json!("orion-helm"), &json!("staging"))
    );
    assert_eq!(second["labels"]["test_hooks"], "smoke=Succeeded");
    assert!(second.get("initiated_by").is_none());
    assert_eq!((&second["reason"], &starts[2]["reason"]), (&Value::Null, &json!("redeploy")));
    let last = events.last().unwrap();
    assert_eq!((&last["outcome"], &last["restored"]), (&json!("failed"), &json!(false)));
}

#[test]
fn an_application_in_a_chart_has_another_digest() {
    let api = Context { component: Some("orion-api".into()), ..knowing() };
    let history = [release(3, "1.4.2", '2', "deployed")];
    let mut object = helm_release(&history);
    object["status"]["history"][0]["chartName"] = json!("umbrella");
    let message = refusal(&object, &api);
    assert!(message.contains("no digest of orion-api"), "{message}");
    let given = Context { digest: Some(digest('a')), ..api };
    let events = all(&object, &given);
    assert_eq!(
        (&events[0]["version"], &events[0]["digest"]),
        (&json!("1.4.2"), &json!(digest('a')))
    );
}

#[test]
fn what_is_not_a_release_that_was_made_is_said() {
    let message = refusal(&helm_release(&[]), &knowing());
    assert!(message.contains("no status.history"), "{message}");
    let pending =
        [release(3, "1.4.2", '2', "pending-upgrade"), release(2, "1.4.1", '1', "deployed")];
    let events = all(&helm_release(&pending), &knowing());
    assert_eq!(events.len(), 2);
    assert!(events[0]["labels"]["left_out"].as_str().unwrap().contains("v3: pending-upgrade"));
    let other = Context { digest: Some(digest('9')), ..knowing() };
    let message = refusal(&helm_release(&[release(3, "1.4.2", '2', "deployed")]), &other);
    assert!(message.contains("not sha256:999"), "{message}");
}

#[test]
fn the_other_objects_are_refused_by_name() {
    for (group, kind, word) in [
        ("kustomize.toolkit.fluxcd.io/v1", "Kustomization", "not which artifact runs"),
        ("source.toolkit.fluxcd.io/v1", "GitRepository", "what was fetched"),
        ("source.toolkit.fluxcd.io/v1beta2", "OCIRepository", "what was fetched"),
        ("notification.toolkit.fluxcd.io/v1", "Alert", "HelmRelease is read"),
    ] {
        let object = json!({"apiVersion": group, "kind": kind, "metadata": {"name": "n"}});
        let message = refusal(&object, &knowing());
        assert!(message.contains(word) && message.contains(kind), "{message}");
    }
}
