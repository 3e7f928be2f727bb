//! GitLab webhooks and test reports.

use serde_json::{Value, json};

use super::product::{COMMIT, Records, check_admitted, knowing, one_build};
use super::{all, digest, refusal};
use crate::ingest::Context;

pub(super) fn hook(kind: &str, fields: Value) -> Value {
    let mut body = json!({
        "object_kind": kind,
        "project": {"id": 15, "web_url": "https://github.com/orion/app",
                    "path_with_namespace": "orion/app"},
        "user": {"id": 42, "username": "olga"},
    });
    if let (Value::Object(body), Value::Object(fields)) = (&mut body, fields) {
        body.extend(fields);
    }
    body
}

fn read(body: &Value, context: &Context) -> Vec<Value> {
    let events = all(body, context).unwrap();
    check_admitted(&events);
    events
}

const ZERO: &str = "0000000000000000000000000000000000000000";

#[test]
fn the_commit_of_a_tag_is_checkout_sha() {
    let body = hook(
        "tag_push",
        json!({"ref": "refs/tags/v1.4.2", "before": ZERO,
        "after": "1".repeat(40), "checkout_sha": COMMIT, "user_username": "olga", "user_id": 42}),
    );
    let event = &read(&body, &one_build())[0];
    assert_eq!((&event["kind"], &event["commit"]), (&json!("tag.created"), &json!(COMMIT)));
    assert_eq!(event["labels"]["tag_object"], "1".repeat(40));
    assert_eq!(event["labels"]["sender"], "gitlab:olga#42");
    assert!(event.get("occurred_at").is_none(), "no field says when");
    let mut gone = body;
    gone["after"] = json!(ZERO);
    gone["checkout_sha"] = Value::Null;
    assert!(refusal(&gone, &one_build()).contains("was deleted"));
}

#[test]
fn pushed_commits_have_no_parents() {
    let body = hook(
        "push",
        json!({"ref": "refs/heads/main", "before": "2".repeat(40),
        "after": COMMIT, "total_commits_count": 1, "commits": [{"id": COMMIT}]}),
    );
    let message = refusal(&body, &one_build());
    assert!(message.contains("import git") && message.contains("--parent"), "{message}");
}

#[test]
fn a_release_has_the_spelling_of_time_that_gitlab_likes() {
    let body = hook(
        "release",
        json!({"id": 3, "tag": "v1.4.2", "action": "create",
        "released_at": "2026-02-25 21:23:34 UTC", "commit": {"id": COMMIT}}),
    );
    let event = &read(&body, &one_build())[0];
    assert_eq!(event["occurred_at"], "2026-02-25T21:23:34Z");
    assert_eq!((&event["version"], &event["digest"]), (&json!("1.4.2"), &json!(digest('a'))));
    let mut other = body.clone();
    other["action"] = json!("update");
    assert!(refusal(&other, &one_build()).contains("changes the text"));
    other["action"] = json!("delete");
    assert_eq!(read(&other, &one_build())[0]["kind"], "release.yanked");
    let given = Context { version: Some("1.4.3".to_owned()), ..one_build() };
    assert!(refusal(&body, &given).contains("--version is 1.4.3"));
}

pub(super) fn deployment(status: &str) -> Value {
    hook(
        "deployment",
        json!({"status": status, "status_changed_at": "2026-04-28 21:50:00 +0200",
        "deployment_id": 15, "environment": "production", "short_sha": &COMMIT[..8],
        "commit_url": format!("https://gitlab.example/x/-/commit/{COMMIT}"),
        "deployable_url": "https://gitlab.example/x/-/jobs/1"}),
    )
}

#[test]
fn a_deployment_has_its_whole_commit_in_an_address() {
    let events = read(&deployment("success"), &one_build());
    assert_eq!(events.len(), 3);
    assert_eq!(events[0]["occurred_at"], "2026-04-28T19:50:00Z");
    assert_eq!(
        (&events[0]["deploy_id"], &events[0]["digest"]),
        (&json!("gitlab:15/15"), &json!(digest('a')))
    );
    assert_eq!(events[0]["initiated_by"], "gitlab:olga#42");
    let mut other = deployment("success");
    other["commit_url"] = json!("https://gitlab.example/x/-/commit/ffff");
    assert!(refusal(&other, &one_build()).contains("say --commit"));
    for status in ["created", "blocked"] {
        assert!(refusal(&deployment(status), &one_build()).contains(status));
    }
    let context = Context { restored: Some(true), ..one_build() };
    assert_eq!(read(&deployment("canceled"), &context)[1]["outcome"], "aborted");
    assert!(
        refusal(&deployment("success"), &knowing(Records::default()))
            .contains("no build of commit")
    );
}

#[test]
fn a_pipeline_is_a_check_and_no_deploy() {
    let body = hook(
        "pipeline",
        json!({
        "object_attributes": {"id": 31, "sha": COMMIT, "status": "success", "duration": 63,
                              "finished_at": "2026-08-12 15:26:29 UTC"},
        "builds": [{"name": "production", "stage": "deploy", "status": "manual"},
                   {"name": "test", "stage": "test", "status": "success"}]}),
    );
    let events = read(&body, &one_build());
    assert_eq!((events.len(), &events[0]["kind"]), (1, &json!("check.completed")));
    assert_eq!((&events[0]["suite"], &events[0]["result"]), (&json!("pipeline"), &json!("pass")));
    assert_eq!(events[0]["labels"]["not_run"], "production (manual)");
    let mut again = body.clone();
    again["object_attributes"]["finished_at"] = json!("2026-08-12 16:00:00 UTC");
    // A job of it was tried again: the pipeline ended twice.
    assert_ne!(read(&again, &one_build())[0]["source"]["key"], events[0]["source"]["key"]);
    let job = |status: &str| {
        hook(
            "build",
            json!({"build_id": 1, "build_name": "lint", "build_status": status,
            "sha": COMMIT, "build_finished_at": null, "pipeline_id": 31}),
        )
    };
    assert_eq!(read(&job("failed"), &one_build())[0]["result"], "fail");
    assert!(refusal(&job("running"), &one_build()).contains("is not over"));
}

#[test]
fn an_approved_merge_request_approves_no_deploy() {
    for action in ["approval", "approved", "open"] {
        let body = hook("merge_request", json!({"object_attributes": {"action": action}}));
        assert!(refusal(&body, &one_build()).contains(&format!("`{action}`")));
    }
}

fn report(declared: u64, cases: &[&str]) -> Value {
    let cases: Vec<Value> = cases.iter().map(|status| json!({"status": status})).collect();
    json!({"total_time": 1.5, "total_count": declared, "success_count": declared,
           "failed_count": 0, "error_count": 0, "skipped_count": 0,
           "test_suites": [{"name": "unit", "suite_error": null, "test_cases": cases}]})
}

#[test]
fn cases_are_counted_and_a_report_that_was_cut_does_not_pass() {
    let context = Context { component: Some("app".to_owned()), ..one_build() };
    let event = &read(&report(2, &["success", "success"]), &context)[0];
    assert_eq!((&event["suite"], &event["result"]), (&json!("unit"), &json!("pass")));
    assert_eq!(event["cases"], json!({"passed": 2, "failed": 0, "skipped": 0}));
    let cut = &read(&report(9, &["success"]), &context)[0];
    assert_eq!(cut["result"], "inconclusive");
    assert!(cut["labels"]["declared"].as_str().unwrap().starts_with("9 passed"));
    assert_eq!(read(&report(1, &["success", "error"]), &context)[0]["result"], "fail");
    assert_eq!(read(&report(0, &[]), &context)[0]["result"], "inconclusive");
}
