//! What objects are, and what is put together from them.

use serde_json::{Value, json};

use super::gather::Gathered;
use super::order::decided;
use super::shape::{self, Shape};

#[test]
fn pages_and_arrays_are_opened() {
    let page = json!({"total_count": 2, "workflow_runs": [{"id": 1}, {"id": 2}]});
    assert_eq!(shape::objects(&page).len(), 2);
    assert_eq!(shape::objects(&json!([{"id": 1}, [{"id": 2}]])).len(), 2);
    assert_eq!(shape::objects(&json!({"id": 1})).len(), 1);
}

#[test]
fn objects_are_told_by_their_keys() {
    let deployment = json!({"id": 1, "sha": "a", "environment": "x", "created_at": "t"});
    assert_eq!(shape::of(&deployment, None), Shape::Deployment);
    let status = json!({"id": 2, "state": "success", "deployment_url": "https://h/deployments/31"});
    assert_eq!(shape::of(&status, None), Shape::Status { deployment: "31" });
    let review = json!({"id": 3, "state": "APPROVED", "commit_id": "a",
                        "pull_request_url": "https://h/pulls/12"});
    assert_eq!(shape::of(&review, None), Shape::Review { pull: "12" });
    let saved = json!({"event": "release", "payload": {"action": "published"}});
    assert!(matches!(shape::of(&saved, None), Shape::Webhook { event: "release", .. }));
    let decision = json!({"environments": [], "state": "approved", "user": {}});
    assert_eq!(shape::of(&decision, None), Shape::Decision { run: None });
    assert_eq!(shape::of(&json!({"a": 1}), None), Shape::Unknown);
}

fn gathered(values: &[Value]) -> (Vec<super::gather::Body>, Vec<&'static str>) {
    let mut all = Gathered::default();
    for (file, value) in values.iter().enumerate() {
        all.take(value, file, "f");
    }
    let bodies = all.bodies();
    (bodies, all.warnings.iter().map(|warning| warning.code).collect())
}

#[test]
fn states_are_put_with_their_deployment_oldest_first() {
    let deployment = json!({"id": 31, "sha": "a", "environment": "x", "created_at": "t"});
    let state = |id: u64, state: &str, time: &str| {
        json!({"id": id, "state": state, "created_at": time,
               "deployment_url": "https://h/deployments/31"})
    };
    let states = json!([
        state(3, "SUCCESS", "2026-06-03T10:05:00Z"),
        state(2, "in_progress", "2026-06-03T10:01:00Z"),
        state(1, "waiting", "2026-06-03T10:00:00Z")
    ]);
    let (bodies, warnings) = gathered(&[states.clone(), deployment.clone()]);
    let ids: Vec<&Value> =
        bodies.iter().map(|body| &body.value["deployment_status"]["id"]).collect();
    assert_eq!(ids, [&json!(2), &json!(3)]);
    assert_eq!(bodies[0].files, [0, 1]);
    assert!(warnings.is_empty());
    let (bodies, warnings) = gathered(&[states]);
    assert!(bodies.is_empty());
    assert_eq!(warnings, ["not_joined"]);
    // It waited for its rules and nobody said more: it never began.
    let (bodies, warnings) = gathered(&[deployment, state(1, "waiting", "2026-06-03T10:00:00Z")]);
    assert!(bodies.is_empty());
    assert_eq!(warnings, ["no_event"]);
}

#[test]
fn each_reviewers_last_word_counts() {
    let review = |id: u64, state: &str, minute: u64| {
        json!({"user": {"login": format!("u{id}"), "id": id}, "state": state,
               "submitted_at": format!("2026-06-01T10:{minute:02}:00Z")})
    };
    let reviews = [
        review(1, "APPROVED", 5),
        review(1, "CHANGES_REQUESTED", 1),
        review(1, "COMMENTED", 9),
        review(2, "approved", 1),
        review(2, "dismissed", 2),
        json!({"user": {"login": "ghost"}, "state": "APPROVED"}),
    ];
    assert_eq!(decided(reviews.iter()), ["github:u1#1"]);
}

#[test]
fn a_decision_without_its_run_is_not_joined() {
    let decision = json!({"environments": [{"name": "production"}], "state": "approved",
                          "user": {"login": "rita", "id": 99}, "comment": ""});
    assert_eq!(gathered(std::slice::from_ref(&decision)).1, ["not_joined"]);
    let mut with_run = decision;
    with_run["run_id"] = json!(600);
    assert_eq!(gathered(std::slice::from_ref(&with_run)).1, ["not_joined"]);
    let run = json!({"id": 600, "head_sha": "a", "run_number": 1, "conclusion": null,
                     "run_started_at": "2026-06-01T10:00:00Z", "updated_at": "2026-06-09T10:00:00Z"});
    let (bodies, warnings) = gathered(&[with_run, run]);
    assert!(warnings.is_empty());
    assert_eq!((bodies.len(), bodies[0].event), (1, "deployment_review"));
    // The run's last change is after the decision: the earliest bound is its beginning.
    assert!(bodies[0].value["workflow_run"].get("updated_at").is_none());
    assert_eq!(bodies[0].value["since"], "2026-06-01T10:00:00Z");
}
