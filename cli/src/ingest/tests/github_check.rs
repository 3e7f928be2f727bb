//! GitHub webhooks that tell how a check came out, and claims of an OIDC token.

use serde_json::{Value, json};

use super::github::hook;
use super::product::{COMMIT, check_admitted, one_build};
use super::{all, digest, refusal};
use crate::ingest::Context;

fn check_run(conclusion: Value) -> Value {
    hook(json!({"action": "completed", "check_run": {"id": 8, "name": "Lint", "head_sha": COMMIT,
        "status": "completed", "conclusion": conclusion, "started_at": "2026-06-01T10:00:00Z",
        "completed_at": "2026-06-01T10:02:05Z"}}))
}

fn result(body: &Value, context: &Context) -> Value {
    let events = all(body, context).unwrap();
    check_admitted(&events);
    events[0].clone()
}

#[test]
fn each_conclusion_is_what_it_is() {
    for (conclusion, wanted) in [
        ("success", "pass"),
        ("failure", "fail"),
        ("timed_out", "fail"),
        ("cancelled", "inconclusive"),
        ("skipped", "inconclusive"),
        ("neutral", "inconclusive"),
    ] {
        let event = result(&check_run(json!(conclusion)), &one_build());
        assert_eq!(event["result"], wanted, "{conclusion}");
    }
    for open in [Value::Null, json!("action_required")] {
        assert!(refusal(&check_run(open), &one_build()).contains("is not over"));
    }
}

#[test]
fn a_check_has_its_name_its_commit_and_its_time() {
    let event = result(&check_run(json!("success")), &one_build());
    assert_eq!((&event["suite"], &event["commit"]), (&json!("Lint"), &json!(COMMIT)));
    assert_eq!(event["duration_s"], 125.0);
    assert_eq!(event["occurred_at"], "2026-06-01T10:02:05Z");
    let context = Context { suite: Some("lint".to_owned()), ..one_build() };
    let event = result(&check_run(json!("success")), &context);
    assert_eq!((&event["suite"], &event["labels"]["name"]), (&json!("lint"), &json!("Lint")));
    let other = Context { commit: Some("6".repeat(40)), ..one_build() };
    assert!(refusal(&check_run(json!("success")), &other).contains(COMMIT));
}

fn workflow_run(name: &str, action: &str, conclusion: Value) -> Value {
    hook(json!({"action": action, "workflow": {"name": name}, "workflow_run": {"id": 600,
        "name": name, "run_attempt": 2, "head_sha": COMMIT, "status": "completed",
        "conclusion": conclusion, "run_started_at": "2026-06-01T10:00:00Z",
        "updated_at": "2026-06-01T10:10:00Z"}}))
}

#[test]
fn a_workflow_that_is_called_like_a_gate_proves_no_gate() {
    let event = result(&workflow_run("CI", "completed", json!("success")), &one_build());
    assert_eq!((&event["suite"], &event["result"]), (&json!("CI"), &json!("pass")));
    assert_eq!(
        (&event["source"]["run_id"], &event["source"]["run_attempt"]),
        (&json!("600"), &json!("2"))
    );
    assert_eq!(event["source"]["key"], "github/workflow_run/600/2");
    let smoke = workflow_run("Smoke", "completed", json!("success"));
    assert!(refusal(&smoke, &one_build()).contains("proves no such suite"));
    let context = Context { suite: Some("smoke".to_owned()), ..one_build() };
    assert_eq!(result(&smoke, &context)["suite"], "smoke");
    // A run that was only requested can have a conclusion already.
    let early = workflow_run("CI", "requested", json!("action_required"));
    assert!(refusal(&early, &one_build()).contains("is not over"));
}

#[test]
fn jobs_suites_and_statuses_are_checks_too() {
    let job = hook(json!({"action": "completed", "workflow_job": {"id": 1, "run_id": 600,
        "name": "unit", "head_sha": COMMIT, "conclusion": "failure"}}));
    assert_eq!(result(&job, &one_build())["result"], "fail");
    let suite = hook(json!({"action": "completed", "check_suite": {"id": 2, "head_sha": COMMIT,
        "conclusion": "success", "app": {"name": "octo"}}}));
    assert_eq!(result(&suite, &one_build())["suite"], "octo");
    let status = |state: &str| {
        hook(json!({"id": 3, "sha": COMMIT, "state": state, "context": "ci/lint",
                    "branches": [], "updated_at": "2026-06-01T10:00:00+00:00"}))
    };
    assert_eq!(result(&status("success"), &one_build())["suite"], "ci/lint");
    assert!(refusal(&status("pending"), &one_build()).contains("status pending"));
}

#[test]
fn what_is_asked_for_again_has_the_conclusion_of_before() {
    let mut run = check_run(json!("success"));
    run["action"] = json!("rerequested");
    let suite = |action: &str, time: &str| {
        hook(json!({"action": action, "check_suite": {"id": 2, "head_sha": COMMIT,
            "conclusion": "success", "updated_at": time, "app": {"name": "octo"}}}))
    };
    for body in [run, suite("rerequested", "2026-06-01T10:00:00Z")] {
        assert!(refusal(&body, &one_build()).contains("`rerequested` is not over"));
    }
    // Under one id it completes again.
    let key = |body: &Value| result(body, &one_build())["source"]["key"].clone();
    assert_ne!(
        key(&suite("completed", "2026-06-01T10:00:00Z")),
        key(&suite("completed", "2026-06-01T11:00:00Z"))
    );
    let mut again = check_run(json!("failure"));
    again["check_run"]["completed_at"] = json!("2026-06-01T11:00:00Z");
    assert_ne!(key(&check_run(json!("success"))), key(&again));
}

#[test]
fn claims_say_who_acted_and_are_evidence_of_an_artifact_that_is_given() {
    let claims = json!({"iss": "https://token.actions.githubusercontent.com", "aud": "relbook", "jti": "1",
        "sub": "repo:orion@1/app@2:environment:Production%3AV1", "repository": "orion/app",
        "run_id": "600", "run_attempt": "2", "environment": "production",
        "job_workflow_ref": "orion/app/.github/workflows/release.yml@refs/heads/main",
        "iat": 1_780_000_000, "exp": 1_780_000_900, "actor": "max"});
    assert!(refusal(&claims, &one_build()).contains("names no artifact; say --digest"));
    let event = result(&claims, &Context { digest: Some(digest('a')), ..one_build() });
    assert_eq!(
        (&event["kind"], &event["component"]),
        (&json!("attestation.recorded"), &json!("app"))
    );
    assert_eq!(event["signer"], claims["job_workflow_ref"]);
    assert!(event.get("verified_by").is_none());
    assert_eq!(event["content"]["sub"], claims["sub"]);
    assert!(event["content"].get("actor").is_none(), "a login without an id names nobody");
}
