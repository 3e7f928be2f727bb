//! AnalysisRuns and Rollouts: a pass needs numbers, and a Rollout is where it is now.

use serde_json::{Value, json};

use super::{check_admitted, digest, knowing, refusal};
use crate::ingest::Context;

fn metric(name: &str, values: &[&str]) -> Value {
    let measurement = |value: &&str| {
        json!({"phase": "Successful", "startedAt": "2026-06-10T09:00:00Z",
               "finishedAt": "2026-06-10T09:30:00Z", "value": value})
    };
    let measurements: Vec<Value> = values.iter().map(measurement).collect();
    json!({"name": name, "phase": "Successful", "successful": values.len(),
           "measurements": measurements})
}

fn run(phase: &str, metrics: &[Value]) -> Value {
    json!({
        "apiVersion": "argoproj.io/v1alpha1", "kind": "AnalysisRun",
        "metadata": {"name": "orion-api-6c6b-2", "namespace": "prod", "uid": "u-9",
            "annotations": {"rollout.argoproj.io/revision": "2"},
            "labels": {"rollouts-pod-template-hash": "6c6b"},
            "ownerReferences": [{"kind": "Rollout", "name": "orion-api", "uid": "u-8"}]},
        "spec": {},
        "status": {"phase": phase, "metricResults": metrics}
    })
}

fn one(value: &Value, context: &Context) -> Value {
    let mut events = super::all(value, context).unwrap();
    assert_eq!(events.len(), 1);
    check_admitted(&events[0]);
    events.remove(0)
}

#[test]
fn a_success_with_numbers_is_a_pass() {
    let context = Context { digest: Some(digest('a')), ..knowing() };
    let check = one(&run("Successful", &[metric("errors", &["[0.01]", "0.02"])]), &context);
    assert_eq!((&check["kind"], &check["suite"]), (&json!("check.completed"), &json!("slo")));
    assert_eq!((&check["component"], &check["result"]), (&json!("orion-api"), &json!("pass")));
    assert_eq!(check["digest"], digest('a'));
    assert_eq!(
        (&check["window_start"], &check["window_end"]),
        (&json!("2026-06-10T09:00:00Z"), &json!("2026-06-10T09:30:00Z"))
    );
    assert_eq!(check["labels"]["revision"], "2");
    assert_eq!(check["labels"]["pod_template_hash"], "6c6b");
    assert_eq!(check["labels"]["measurements"], "errors: finite=2 empty=0 other=0 last=0.02");
}

#[test]
fn a_success_without_numbers_is_not() {
    let dry = {
        let mut dry = metric("dry", &["0.1"]);
        dry["dryRun"] = json!(true);
        dry
    };
    for (metrics, why) in [
        (vec![metric("errors", &["NaN"])], "errors measured no finite value"),
        (vec![metric("errors", &["[NaN]"])], "errors measured no finite value"),
        (vec![metric("errors", &["[]"])], "errors measured no finite value"),
        (vec![metric("errors", &["+Inf"])], "errors measured no finite value"),
        (vec![metric("ok", &["0.1"]), metric("p99", &["NaN"])], "p99 measured no finite value"),
        (vec![metric("web", &["true"])], "no measurement has a finite value"),
        (vec![metric("errors", &[])], "no measurement has a finite value"),
        (vec![dry], "no measurement has a finite value"),
        (vec![], "no measurement has a finite value"),
    ] {
        let check = one(&run("Successful", &metrics), &knowing());
        assert_eq!(check["result"], "inconclusive", "{metrics:?}");
        assert!(check["labels"]["why"].as_str().unwrap().contains(why), "{check}");
    }
    // One gap among numbers is no blindness.
    let check = one(&run("Successful", &[metric("errors", &["NaN", "0.1"])]), &knowing());
    assert_eq!(check["result"], "pass");
}

#[test]
fn a_run_that_was_ended_proves_nothing() {
    let mut ended = run("Successful", &[metric("errors", &["0.1"])]);
    ended["spec"]["terminate"] = json!(true);
    assert_eq!(one(&ended, &knowing())["result"], "inconclusive");
    let mut said = run("Successful", &[metric("errors", &["0.1"])]);
    said["status"]["message"] = json!("Run Terminated");
    assert_eq!(one(&said, &knowing())["result"], "inconclusive");
}

#[test]
fn phases_decide_or_are_refused() {
    let metrics = [metric("errors", &["0.1"])];
    for (phase, result) in
        [("Failed", "fail"), ("Error", "inconclusive"), ("Inconclusive", "inconclusive")]
    {
        assert_eq!(one(&run(phase, &metrics), &knowing())["result"], result, "{phase}");
    }
    for phase in ["Running", "Pending", ""] {
        let message = refusal(&run(phase, &metrics), &knowing());
        assert!(message.contains("not decided"), "{phase}: {message}");
    }
    let mut none = run("Successful", &metrics);
    none.as_object_mut().unwrap().remove("status");
    assert!(refusal(&none, &knowing()).contains("did not run"));
}

fn rollout(status: Value) -> Value {
    json!({
        "apiVersion": "argoproj.io/v1alpha1", "kind": "Rollout",
        "metadata": {"name": "orion-api", "namespace": "us-east-1", "uid": "u-8",
                     "labels": {"env": "production"},
                     "annotations": {"rollout.argoproj.io/revision": "7"}},
        "spec": {
            "strategy": {"canary": {"steps": [{"setWeight": 5}, {"pause": {}}, {"setWeight": 50}]}},
            "template": {"spec": {"containers": [
                {"image": format!("registry.example/orion-api:v1.4.2@{}", digest('a'))},
                {"image": "envoy:1"}]}}
        },
        "status": status
    })
}

fn condition(reason: &str) -> Value {
    json!([{"type": "Progressing", "reason": reason, "message": "m",
            "lastTransitionTime": "2026-06-10T09:00:00Z", "lastUpdateTime": "2026-06-10T09:20:00Z"}])
}

fn all(value: &Value) -> Vec<Value> {
    let events = super::all(value, &knowing()).unwrap();
    events.iter().for_each(check_admitted);
    events
}

#[test]
fn a_rollout_in_progress_is_a_canary() {
    let status = json!({"currentPodHash": "new", "stableRS": "old", "currentStepIndex": 2,
                        "conditions": condition("ReplicaSetUpdated")});
    let events = all(&rollout(status));
    let [start, step] = events.as_slice() else { panic!("{events:?}") };
    assert_eq!(
        (&start["deploy_id"], &start["stage"]),
        (&json!("rollout:u-8/7/canary"), &json!("canary"))
    );
    assert_eq!(
        (&start["environment"], &start["targets"]),
        (&json!("production"), &json!(["us-east-1"]))
    );
    assert_eq!((&start["digest"], &start["version"]), (&json!(digest('a')), &json!("1.4.2")));
    assert_eq!((&step["kind"], &step["weight"]), (&json!("deploy.progressed"), &json!(5)));
    // What the traffic router says goes before what the steps say.
    let routed = json!({"currentPodHash": "new", "stableRS": "old", "currentStepIndex": 2,
        "canary": {"weights": {"canary": {"weight": 4}}}, "conditions": condition("x")});
    assert_eq!(all(&rollout(routed))[1]["weight"], 4);
}

#[test]
fn an_abort_brings_the_stable_version_back() {
    let status = json!({"abort": true, "abortedAt": "2026-06-10T09:10:00Z", "currentPodHash": "new",
        "stableRS": "old", "currentStepIndex": 0, "conditions": condition("RolloutAborted")});
    let events = all(&rollout(status));
    let end = events.last().unwrap();
    assert_eq!((&end["kind"], &end["outcome"]), (&json!("deploy.finished"), &json!("aborted")));
    assert_eq!(
        (&end["restored"], &end["occurred_at"]),
        (&json!(true), &json!("2026-06-10T09:10:00Z"))
    );
    assert_eq!(end["deploy_id"], "rollout:u-8/7/canary");
}

#[test]
fn a_finished_rollout_is_a_deploy() {
    let status = json!({"currentPodHash": "new", "stableRS": "new", "currentStepIndex": 3,
                        "conditions": condition("NewReplicaSetAvailable")});
    let events = all(&rollout(status));
    assert_eq!(
        (&events[0]["deploy_id"], &events[0]["stage"]),
        (&json!("rollout:u-8/7"), &json!("production"))
    );
    assert_eq!(events[1]["outcome"], "succeeded");
    assert_eq!(events[1]["occurred_at"], "2026-06-10T09:20:00Z");
}

#[test]
fn a_preview_has_no_traffic_and_a_tag_is_no_artifact() {
    let status = json!({"currentPodHash": "new", "blueGreen": {"activeSelector": "old"},
                        "conditions": condition("x")});
    let mut preview = rollout(status);
    preview["spec"]["strategy"] = json!({"blueGreen": {}});
    assert!(refusal(&preview, &knowing()).contains("without traffic"));
    preview["status"]["blueGreen"]["activeSelector"] = json!("new");
    assert_eq!(all(&preview)[1]["outcome"], "succeeded");
    preview["spec"]["template"]["spec"]["containers"] =
        json!([{"image": "registry.example/orion-api:v1.4.2"}]);
    assert!(refusal(&preview, &knowing()).contains("a tag only"));
    let template = json!({"apiVersion": "argoproj.io/v1alpha1", "kind": "AnalysisTemplate",
                          "metadata": {"name": "t"}});
    assert!(refusal(&template, &knowing()).contains("AnalysisTemplate t"));
}
