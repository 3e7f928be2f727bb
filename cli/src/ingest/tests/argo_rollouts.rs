//! AnalysisRuns and Rollouts: a pass needs numbers, and a Rollout is where it is now.

use std::rc::Rc;

use serde_json::{Value, json};

use super::product::Records;
use super::{check_admitted, digest, knowing, refusal};
use crate::ingest::{Context, Deploy};

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
        (vec![metric("errors", &["null"])], "errors measured no finite value"),
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
fn a_status_of_another_spec_tells_nothing_of_this_one() {
    let done = |conditions: Value| {
        json!({"currentPodHash": "new", "stableRS": "new", "observedGeneration": "3",
               "conditions": conditions})
    };
    let good = condition("NewReplicaSetAvailable");
    let mut stale = rollout(done(good.clone()));
    stale["metadata"]["generation"] = json!(4);
    let message = refusal(&stale, &knowing());
    assert!(message.contains("generation 3") && message.contains("not rolled out"), "{message}");
    stale["metadata"]["generation"] = json!(3);
    assert_eq!(all(&stale).len(), 2);
    // A hash, as versions before 0.10 wrote, is no generation.
    stale["status"]["observedGeneration"] = json!("6c6b");
    assert_eq!(all(&stale).len(), 2);
    stale["metadata"]["annotations"]["rollout.argoproj.io/workload-generation"] = json!("2");
    stale["status"]["workloadObservedGeneration"] = json!("1");
    assert!(refusal(&stale, &knowing()).contains("generation 1"));
    let mut conditions = good;
    conditions.as_array_mut().unwrap().push(json!({"type": "InvalidSpec", "status": "True"}));
    assert!(refusal(&rollout(done(conditions)), &knowing()).contains("invalid"));
}

#[test]
fn what_serves_and_is_not_well_is_not_done() {
    let status = |phase: &str, holds: &str, reason: &str| {
        let mut conditions = condition(reason);
        conditions[0]["status"] = json!(holds);
        json!({"currentPodHash": "new", "stableRS": "new", "phase": phase, "conditions": conditions})
    };
    for (phase, holds, reason, word) in [
        ("Degraded", "True", "NewReplicaSetAvailable", "Degraded"),
        ("Progressing", "True", "ReplicaSetUpdated", "Progressing"),
        ("", "False", "ProgressDeadlineExceeded", "ProgressDeadlineExceeded"),
        ("", "True", "ReplicaSetUpdated", "Progressing"),
    ] {
        let message = refusal(&rollout(status(phase, holds, reason)), &knowing());
        assert!(message.contains(&format!("is {word}, not Healthy")), "{message}");
    }
    assert_eq!(all(&rollout(status("Healthy", "True", "NewReplicaSetAvailable"))).len(), 2);
}

#[test]
fn what_was_aborted_and_tried_again_is_not_of_the_time_of_the_abort() {
    let status = json!({"abortedAt": "2026-06-10T09:10:00Z", "currentPodHash": "new",
        "stableRS": "old", "currentStepIndex": 2, "conditions": condition("x")});
    assert_eq!(all(&rollout(status))[1]["occurred_at"], "2026-06-10T09:20:00Z");
}

#[test]
fn a_canary_that_was_recorded_ends_with_its_promotion() {
    let status = json!({"currentPodHash": "new", "stableRS": "new", "currentStepIndex": 3,
                        "conditions": condition("NewReplicaSetAvailable")});
    let events = |ended: bool| {
        let start = Deploy { seq: 4, component: "orion-api".into(), targets: vec![], ended };
        let deploys = vec![("rollout:u-8/7/canary".to_owned(), start)];
        let recorded = Records { deploys, ..Records::default() };
        let context = Context { recorded: Some(Rc::new(recorded)), ..knowing() };
        super::all(&rollout(status.clone()), &context).unwrap()
    };
    let with_end = events(false);
    check_admitted(&with_end[0]);
    assert_eq!(
        (&with_end[0]["kind"], &with_end[0]["deploy_id"], &with_end[0]["outcome"]),
        (&json!("deploy.finished"), &json!("rollout:u-8/7/canary"), &json!("succeeded"))
    );
    assert_eq!((with_end.len(), events(true).len()), (3, 2));
}

#[test]
fn runs_without_a_uid_are_told_apart_by_what_they_say() {
    let keyed = |value: &Value| one(value, &knowing())["source"]["key"].clone();
    let mut first = run("Failed", &[metric("errors", &["0.1"])]);
    let with_uid = keyed(&first);
    first["metadata"].as_object_mut().unwrap().remove("uid");
    let mut second = first.clone();
    second["status"]["message"] = json!("another cluster");
    assert_ne!(keyed(&first), keyed(&second));
    assert_eq!(keyed(&first), keyed(&first.clone()));
    let mut told_again = run("Failed", &[metric("errors", &["0.1"])]);
    told_again["status"]["message"] = json!("said later");
    assert_eq!(keyed(&told_again), with_uid);
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
