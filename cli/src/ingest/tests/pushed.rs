//! Pushes of one commit: whose parent is known, and whose is not.

use serde_json::{Value, json};

use super::github::hook;
use super::product::{COMMIT, check_admitted, one_build};
use super::{all, gitlab, refusal};
use crate::ingest::Context;

const BEFORE: &str = "2222222222222222222222222222222222222222";

fn commit() -> Value {
    json!({"id": COMMIT, "timestamp": "2026-06-01T10:00:00+02:00", "url": "https://h.example/c/1",
           "message": "feat: a thing (#12)\n\nSigned-off-by: Max <max@h.example>",
           "author": {"name": "Max", "email": "max@h.example", "username": "max"}})
}

fn push() -> Value {
    hook(json!({"ref": "refs/heads/main", "before": BEFORE, "after": COMMIT, "created": false,
                "deleted": false, "forced": false, "commits": [commit()],
                "head_commit": commit()}))
}

fn one(body: &Value, context: &Context) -> Value {
    let events = all(body, context).unwrap();
    check_admitted(&events);
    assert_eq!(events.len(), 1);
    events[0].clone()
}

#[test]
fn one_commit_on_top_of_the_branch_has_it_as_its_parent() {
    let event = one(&push(), &one_build());
    assert_eq!((&event["kind"], &event["commit"]), (&json!("commit.merged"), &json!(COMMIT)));
    assert_eq!((&event["parents"], &event["branch"]), (&json!([BEFORE]), &json!("main")));
    assert_eq!((&event["subject"], &event["pr"]), (&json!("feat: a thing (#12)"), &json!(12)));
    assert_eq!((&event["author"], &event["body"]), (&json!("Max"), &json!("Signed-off-by: Max")));
    assert_eq!(event["occurred_at"], "2026-05-28T20:26:40Z", "when it was pushed");
    // The pull request tells of the same merge.
    assert_eq!(event["source"]["key"], format!("github/merge/{COMMIT}"));
}

#[test]
fn a_parent_that_is_not_settled_is_asked_for() {
    let mut forced = push();
    forced["forced"] = json!(true);
    let mut unsaid = push();
    unsaid.as_object_mut().unwrap().remove("forced");
    let mut fresh = push();
    fresh["created"] = json!(true);
    let gitlab = gitlab::hook(
        "push",
        json!({"ref": "refs/heads/main", "before": BEFORE, "after": COMMIT,
               "total_commits_count": 1, "commits": [commit()]}),
    );
    for body in [forced, unsaid, fresh, gitlab] {
        assert!(refusal(&body, &one_build()).contains("--parent"), "{body}");
        let parents = vec!["3".repeat(40), "4".repeat(40)];
        let event = one(&body, &Context { parents: parents.clone(), ..one_build() });
        assert_eq!(event["parents"], json!(parents));
    }
}

#[test]
fn of_several_commits_nothing_is_guessed() {
    let mut body = push();
    body["commits"] = json!([{"id": BEFORE}, commit()]);
    let context = Context { parents: vec!["3".repeat(40)], ..one_build() };
    assert!(refusal(&body, &context).contains("import git"));
    body["commits"] = json!([{"id": BEFORE}]);
    assert!(refusal(&body, &context).contains("import git"), "not what the branch is at");
}
