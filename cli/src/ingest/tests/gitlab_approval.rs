//! Decisions about deployments of GitLab, by webhook and by the API.

use serde_json::{Value, json};

use super::gitlab::deployment;
use super::product::{COMMIT, Records, check_admitted, knowing, one_build};
use super::{all, digest, refusal};
use crate::ingest::Context;

fn read(body: &Value, context: &Context) -> Vec<Value> {
    let events = all(body, context).unwrap();
    check_admitted(&events);
    events
}

/// A decision as the Enterprise Edition tells it; `user` is who deploys.
fn decided(status: &str) -> Value {
    let mut body = deployment(status);
    body["approver"] = json!({"id": 99, "username": "rita", "name": "Rita"});
    body["approval"] = json!({"status": status, "comment": "go",
                              "created_at": "2026-04-28 21:40:00 +0200"});
    body
}

fn answer(status: &str) -> Value {
    json!({
        "id": 15, "iid": 2, "ref": "main", "sha": COMMIT, "status": status,
        "created_at": "2026-04-28T19:30:00Z", "updated_at": "2026-04-28T19:51:00Z",
        "user": {"id": 42, "username": "olga"}, "environment": {"id": 9, "name": "production"},
        "deployable": {"id": 1, "web_url": "https://github.com/orion/app/-/jobs/1",
            "started_at": "2026-04-28T19:45:00Z", "finished_at": "2026-04-28T19:50:00Z",
            "pipeline": {"id": 600, "project_id": 15}},
        "approvals": [
            {"user": {"id": 99, "username": "rita"}, "status": "approved", "comment": "go",
             "created_at": "2026-04-28T19:40:00Z"},
            {"user": {"id": 7, "username": "max"}, "status": "rejected", "comment": "",
             "created_at": "2026-04-28T19:39:00Z"}]
    })
}

#[test]
fn a_decision_is_by_its_approver_and_about_the_build_of_its_commit() {
    let event = &read(&decided("approved"), &one_build())[0];
    assert_eq!(
        (&event["kind"], &event["approver"], &event["stage"]),
        (&json!("approval.granted"), &json!("gitlab:rita#99"), &json!("production"))
    );
    assert_eq!((&event["version"], &event["digest"]), (&json!("1.4.2"), &json!(digest('a'))));
    assert_eq!(
        (&event["comment"], &event["occurred_at"]),
        (&json!("go"), &json!("2026-04-28T19:40:00Z"))
    );
    assert_eq!(event["source"]["joined"][0]["seq"], 7);
    assert_eq!(read(&decided("rejected"), &one_build())[0]["kind"], "approval.rejected");
    let message = refusal(&decided("approved"), &knowing(Records::default()));
    assert!(message.contains("no build of commit"), "{message}");
}

#[test]
fn who_deploys_is_not_who_approved() {
    let message = refusal(&deployment("approved"), &one_build());
    assert!(message.contains("approver") && message.contains("API"), "{message}");
}

#[test]
fn the_api_tells_the_same_decisions_and_the_deploy() {
    let told = read(&answer("success"), &one_build());
    let kinds: Vec<&str> = told.iter().filter_map(|event| event["kind"].as_str()).collect();
    assert_eq!(
        kinds,
        [
            "approval.granted",
            "approval.rejected",
            "deploy.started",
            "deploy.finished",
            "deploy.finished"
        ]
    );
    let hook = &read(&decided("approved"), &one_build())[0];
    assert_eq!(told[0]["source"]["key"], hook["source"]["key"]);
    assert_eq!(told[0]["approval_id"], hook["approval_id"]);
    assert_eq!(told[1]["approver"], "gitlab:max#7");
    let hook = read(&deployment("success"), &one_build());
    for (api, hook) in told[2..].iter().zip(&hook) {
        assert_eq!(api["source"]["key"], hook["source"]["key"]);
    }
    assert_eq!(
        (&told[2]["occurred_at"], &told[3]["occurred_at"]),
        (&json!("2026-04-28T19:45:00Z"), &json!("2026-04-28T19:50:00Z"))
    );
    // Of one that waits, the decisions are all that is known.
    assert_eq!(read(&answer("blocked"), &one_build()).len(), 2);
    let mut nothing = answer("blocked");
    nothing["approvals"] = json!([]);
    assert!(refusal(&nothing, &one_build()).contains("`blocked`"));
    assert_eq!(read(&json!([answer("blocked"), answer("running")]), &one_build()).len(), 5);
}
