//! GitHub webhooks: tags, releases, deploys, reviews, merges.

use serde_json::{Value, json};

use super::product::{COMMIT, Records, build, check_admitted, knowing, one_build};
use super::{all, digest, refusal};
use crate::ingest::{Context, Deploy, Run, Tag};

/// A webhook of the repository orion/app.
pub(super) fn hook(fields: Value) -> Value {
    let mut body = json!({
        "repository": {"id": 5, "full_name": "orion/app", "html_url": "https://github.com/orion/app",
                       "pushed_at": 1_780_000_000},
        "sender": {"login": "olga", "id": 4711},
    });
    if let (Value::Object(body), Value::Object(fields)) = (&mut body, fields) {
        body.extend(fields);
    }
    body
}

pub(super) fn named(event: &str, context: Context) -> Context {
    Context { event: Some(event.to_owned()), ..context }
}

fn read(body: &Value, context: &Context) -> Vec<Value> {
    let events = all(body, context).unwrap();
    check_admitted(&events);
    events
}

fn push(tag: &str, before: &str, after: &str) -> Value {
    hook(json!({"ref": format!("refs/tags/{tag}"), "before": before, "after": after,
                "created": before.starts_with("000"), "deleted": false, "commits": [],
                "head_commit": {"id": COMMIT, "timestamp": "2026-01-01T10:00:00+02:00"}}))
}

const ZERO: &str = "0000000000000000000000000000000000000000";
const OBJECT: &str = "1111111111111111111111111111111111111111";

#[test]
fn the_commit_of_an_annotated_tag_is_its_head_commit() {
    let event = &read(&push("v1.4.2", ZERO, OBJECT), &one_build())[0];
    assert_eq!(event["kind"], "tag.created");
    assert_eq!((&event["tag"], &event["version"]), (&json!("v1.4.2"), &json!("1.4.2")));
    assert_eq!(event["commit"], COMMIT);
    assert_eq!(event["labels"]["tag_object"], OBJECT);
    assert_eq!(event["labels"]["sender"], "github:olga#4711");
    // When it was pushed, not when the commit was made.
    assert_eq!(event["occurred_at"], "2026-05-28T20:26:40Z");
    assert_eq!(event["source"]["key"], format!("github/push/5/refs/tags/v1.4.2/{ZERO}/{OBJECT}"));
}

#[test]
fn a_tag_that_moved_names_what_the_book_had_not_the_tag_object() {
    let tag = Tag { seq: 3, commit: "2".repeat(40) };
    let tags = vec![("v1.4.2".to_owned(), tag)];
    let context = knowing(Records { tags, ..Records::default() });
    let event = &read(&push("v1.4.2", OBJECT, COMMIT), &context)[0];
    assert_eq!(
        (&event["kind"], &event["previous_commit"]),
        (&json!("tag.moved"), &json!("2".repeat(40)))
    );
}

#[test]
fn what_is_deleted_or_has_no_parents_is_no_event() {
    let mut gone = push("v1.4.2", OBJECT, ZERO);
    gone["deleted"] = json!(true);
    gone["head_commit"] = Value::Null;
    assert!(refusal(&gone, &one_build()).contains("`v1.4.2` was deleted"));
    let branch = hook(json!({"ref": "refs/heads/main", "before": OBJECT, "after": COMMIT,
        "commits": [{"id": OBJECT}, {"id": COMMIT}], "head_commit": {"id": COMMIT}}));
    assert!(refusal(&branch, &one_build()).contains("without their parents"));
    let mut made = branch;
    made["created"] = json!(true);
    made["commits"] = json!([]);
    let event = &read(&made, &one_build())[0];
    assert_eq!((&event["kind"], &event["base_commit"]), (&json!("branch.created"), &json!(COMMIT)));
}

#[test]
fn a_tag_without_a_commit_asks_for_it() {
    let body = hook(json!({"ref": "v1.4.2", "ref_type": "tag", "pusher_type": "user",
                           "master_branch": "main"}));
    assert!(refusal(&body, &one_build()).contains("say --commit"));
    let context = Context { commit: Some(COMMIT.to_owned()), ..one_build() };
    assert_eq!(read(&body, &context)[0]["version"], "1.4.2");
}

#[test]
fn the_component_follows_from_repository_and_tag_or_is_asked_for() {
    let mut body = push("cli/v1.0.0", ZERO, COMMIT);
    body["repository"] = json!({"id": 6, "full_name": "orion/mono"});
    assert_eq!(read(&body, &one_build())[0]["component"], "mono-cli");
    let given = Context { component: Some("app".to_owned()), ..one_build() };
    assert!(refusal(&body, &given).contains("registered for mono-api, mono-cli, not for app"));
    let release = hook(json!({"action": "completed", "check_run": {"id": 1, "name": "lint",
        "head_sha": COMMIT, "conclusion": "success"}}));
    let mut other = release.clone();
    other["repository"] = json!({"id": 6, "full_name": "orion/mono"});
    assert!(refusal(&other, &one_build()).contains("could be about mono-api, mono-cli"));
    other["repository"] = json!({"id": 7, "full_name": "orion/else"});
    assert!(refusal(&other, &one_build()).contains("--component"));
    assert_eq!(read(&release, &one_build())[0]["component"], "app");
}

fn release(action: &str) -> Value {
    hook(json!({"action": action, "release": {"id": 9, "tag_name": "v1.4.2", "draft": false,
        "prerelease": false, "target_commitish": "main", "created_at": "2026-06-01T09:00:00Z",
        "published_at": "2026-06-02T09:00:00Z", "author": {"login": "olga", "id": 4711}}}))
}

#[test]
fn only_a_published_release_is_one_and_its_artifact_is_joined() {
    let event = &read(&release("published"), &one_build())[0];
    assert_eq!((&event["version"], &event["digest"]), (&json!("1.4.2"), &json!(digest('a'))));
    assert_eq!(event["occurred_at"], "2026-06-02T09:00:00Z");
    assert_eq!(event["source"]["joined"][0]["seq"], 7);
    assert!(event.get("commit").is_none(), "a branch is no commit");
    assert!(refusal(&release("created"), &one_build()).contains("action `published`"));
    let message = refusal(&release("published"), &knowing(Records::default()));
    assert!(message.contains("no build of version 1.4.2 is recorded for `app`"), "{message}");
    assert_eq!(read(&release("deleted"), &one_build())[0]["kind"], "release.yanked");
}

#[test]
fn a_version_that_was_given_must_be_that_of_the_tag() {
    let other = Context { version: Some("1.4.3".to_owned()), ..one_build() };
    for action in ["published", "deleted"] {
        let message = refusal(&release(action), &other);
        assert!(message.contains("--version is 1.4.3") && message.contains("1.4.2"), "{message}");
    }
    let mut unprefixed = release("published");
    unprefixed["release"]["tag_name"] = json!("nightly");
    let app = Some("app".to_owned());
    let given = Context { component: app, version: Some("1.4.2".to_owned()), ..one_build() };
    assert_eq!(read(&unprefixed, &given)[0]["version"], "1.4.2");
}

#[test]
fn a_package_is_known_by_its_name_where_it_has_no_id() {
    let package = hook(json!({"action": "published", "package": {"name": "app",
        "package_version": {"container_metadata": {"tag": {"name": "v1.4.2"}}}}}));
    let event = &read(&package, &one_build())[0];
    assert_eq!((&event["version"], &event["digest"]), (&json!("1.4.2"), &json!(digest('a'))));
    assert_eq!(event["source"]["key"], "github/package/app//v1.4.2/published");
    let other = Context { version: Some("1.4.3".to_owned()), ..one_build() };
    assert!(refusal(&package, &other).contains("--version is 1.4.3"));
}

#[test]
fn a_package_with_two_digests_is_ambiguous() {
    let package = |tag: Value| {
        hook(json!({"action": "published", "registry_package": {"id": 1, "name": "app",
            "package_version": {"id": 2, "version": digest('a'),
                                "created_at": "0001-01-01T00:00:00Z",
                                "container_metadata": {"tag": tag}}}}))
    };
    let two = package(json!({"name": "v1.4.2", "digest": digest('b')}));
    assert!(refusal(&two, &one_build()).contains("names two digests"));
    let choose = |digit: char| Context { digest: Some(digest(digit)), ..one_build() };
    assert_eq!(read(&two, &choose('b'))[0]["digest"], digest('b'));
    assert!(refusal(&two, &choose('c')).contains("not sha256:ccc"));
    let one = package(json!({"name": "v1.4.2", "digest": digest('a')}));
    let event = &read(&one, &one_build())[0];
    assert_eq!((&event["version"], &event["digest"]), (&json!("1.4.2"), &json!(digest('a'))));
    assert!(event.get("occurred_at").is_none(), "Go's zero time is no time");
    let unnamed = package(json!({"name": "", "digest": digest('a')}));
    assert!(refusal(&unnamed, &knowing(Records::default())).contains("say --version"));
}

fn deployment(state: Option<&str>) -> Value {
    let mut body = hook(json!({"action": "created", "deployment": {
        "id": 31, "sha": COMMIT, "ref": "main", "task": "deploy", "environment": "Production",
        "payload": {"digest": digest('f'), "environment": "dev"},
        "creator": {"login": "max", "id": 12}, "created_at": "2026-06-03T10:00:00Z"}}));
    if let Some(state) = state {
        body["deployment_status"] =
            json!({"id": 77, "state": state, "created_at": "2026-06-03T10:05:00Z"});
    }
    body
}

#[test]
fn a_deployment_is_joined_by_its_commit_and_its_payload_is_not_believed() {
    let event = &read(&deployment(None), &one_build())[0];
    assert_eq!(event["kind"], "deploy.started");
    assert_eq!(event["deploy_id"], "github:31");
    assert_eq!(
        (&event["environment"], &event["stage"]),
        (&json!("production"), &json!("production"))
    );
    assert_eq!(event["targets"], json!(["us", "eu"]));
    assert_eq!(event["digest"], digest('a'));
    assert_eq!(event["initiated_by"], "github:max#12");
    let joined = &event["source"]["joined"][0];
    assert_eq!((&joined["from"], &joined["seq"]), (&json!(format!("commit {COMMIT}")), &json!(7)));
    let message = refusal(&deployment(None), &knowing(Records::default()));
    assert!(message.contains(&format!("no build of commit {COMMIT} is recorded")), "{message}");
    let two = vec![build(7, 'a', None), build(8, 'b', None)];
    let message =
        refusal(&deployment(None), &knowing(Records { builds: two, ..Records::default() }));
    assert!(message.contains("(seq 7)") && message.contains("(seq 8)"), "{message}");
    // A digest that was built from another commit is not taken either.
    let wrong = vec![crate::ingest::Build { commit: "3".repeat(40), ..build(9, 'c', None) }];
    let context = knowing(Records { builds: wrong, ..Records::default() });
    let message = refusal(&deployment(None), &Context { digest: Some(digest('c')), ..context });
    assert!(message.contains("of commit 333"), "{message}");
}

#[test]
fn only_an_end_is_an_outcome() {
    let context = || named("deployment_status", one_build());
    for state in ["pending", "queued", "waiting", "inactive"] {
        assert!(refusal(&deployment(Some(state)), &context()).contains(state), "{state}");
    }
    let begun = read(&deployment(Some("in_progress")), &context());
    assert_eq!((begun.len(), &begun[0]["kind"]), (1, &json!("deploy.started")));
    assert_eq!(begun[0]["occurred_at"], "2026-06-03T10:05:00Z");
    let ended = read(&deployment(Some("success")), &context());
    let kinds: Vec<&Value> = ended.iter().map(|event| &event["kind"]).collect();
    assert_eq!(kinds, ["deploy.started", "deploy.finished", "deploy.finished"]);
    assert_eq!((&ended[2]["target"], &ended[2]["outcome"]), (&json!("eu"), &json!("succeeded")));
    // What is recorded already is not told again, and its own targets count.
    let start = Deploy {
        seq: 4,
        component: "app".to_owned(),
        targets: vec!["us".to_owned()],
        ended: false,
    };
    let deploys = vec![("github:31".to_owned(), start)];
    let ended =
        read(&deployment(Some("success")), &knowing(Records { deploys, ..Records::default() }));
    assert_eq!((ended.len(), &ended[0]["target"]), (1, &json!("us")));
}

#[test]
fn a_failed_deploy_must_be_said_to_have_been_restored_or_not() {
    assert!(refusal(&deployment(Some("failure")), &one_build()).contains("--restored"));
    let context = Context { restored: Some(false), ..one_build() };
    let events = read(&deployment(Some("error")), &context);
    assert_eq!((&events[1]["outcome"], &events[1]["restored"]), (&json!("failed"), &json!(false)));
}

#[test]
fn a_deployment_that_waits_for_its_rules_has_not_begun() {
    let mut body = deployment(None);
    body["workflow_run"] = json!({"id": 1, "status": "waiting"});
    assert!(refusal(&body, &named("deployment", one_build())).contains("has not begun"));
}

fn review(action: &str) -> Value {
    hook(json!({"action": action, "since": "2026-06-03T09:00:00Z", "comment": "go",
        "workflow_run": {"id": 600, "run_attempt": 2, "head_sha": COMMIT,
                         "updated_at": "2026-06-03T09:30:00Z"},
        "workflow_job_runs": [{"id": 1, "environment": "production",
                               "updated_at": "2026-06-03T09:31:00Z"}],
        "reviewers": [{"type": "Team", "reviewer": {"id": 3, "slug": "releasers"}}],
        "approver": {"login": "rita", "id": 99}}))
}

#[test]
fn a_deployment_review_is_joined_through_run_commit_and_build() {
    let run = Run { seq: 5, commit: Some(COMMIT.to_owned()) };
    // Two builds of one commit: the run that was reviewed made one of them.
    let builds = vec![build(7, 'a', Some("600")), build(8, 'b', Some("601"))];
    let runs = vec![("600".to_owned(), run)];
    let context = Context {
        role: Some("release_engineer".to_owned()),
        ..knowing(Records { builds, runs, ..Records::default() })
    };
    let event = &read(&review("approved"), &context)[0];
    assert_eq!(event["kind"], "approval.granted");
    assert_eq!(event["approver"], "github:rita#99");
    assert_eq!(event["digest"], digest('a'));
    assert_eq!((&event["version"], &event["stage"]), (&json!("1.4.2"), &json!("production")));
    assert_eq!(event["role"], "release_engineer");
    assert_eq!(event["occurred_at"], "2026-06-03T09:31:00Z");
    assert_eq!(event["labels"]["occurred_at"], "not before");
    assert_eq!(event["labels"]["reviewers"], "releasers");
    let joined = &event["source"]["joined"];
    assert_eq!((&joined[0]["seq"], &joined[1]["seq"]), (&json!(5), &json!(7)));
    assert_eq!(read(&review("rejected"), &context)[0]["kind"], "approval.rejected");
    assert!(refusal(&review("requested"), &context).contains("asks for a decision"));
}

#[test]
fn a_missing_link_of_a_review_is_named() {
    let message = refusal(&review("approved"), &knowing(Records::default()));
    assert!(message.contains(&format!("no build of commit {COMMIT} is recorded for `app`")));
    let other = Run { seq: 5, commit: Some("4".repeat(40)) };
    let runs = vec![("600".to_owned(), other)];
    let builds = vec![build(7, 'a', None)];
    let context = knowing(Records { builds, runs, ..Records::default() });
    let message = refusal(&review("approved"), &context);
    assert!(message.contains("the run 600 is recorded as of commit 444"), "{message}");
    let mut nobody = review("approved");
    nobody["approver"] = json!({"login": "rita"});
    assert!(refusal(&nobody, &one_build()).contains("no approver with login and id"));
}

#[test]
fn a_review_of_code_approves_no_deploy() {
    let body = hook(json!({"action": "submitted", "pull_request": {"number": 1},
        "review": {"id": 1, "state": "approved", "user": {"login": "rita", "id": 99}}}));
    assert!(refusal(&body, &one_build()).contains("approves a change, not a deploy"));
}

#[test]
fn a_merge_needs_its_parents() {
    let body = hook(json!({"action": "closed", "number": 12, "pull_request": {
        "number": 12, "merged": true, "merged_at": "2026-06-01T08:00:00Z", "title": "feat: x",
        "merge_commit_sha": COMMIT, "user": {"login": "max", "id": 12}, "base": {"ref": "main"}}}));
    assert!(refusal(&body, &one_build()).contains("--parent"));
    let parents = vec!["5".repeat(40)];
    let event = &read(&body, &Context { parents, ..one_build() })[0];
    assert_eq!((&event["kind"], &event["pr"]), (&json!("commit.merged"), &json!(12)));
    assert_eq!((&event["author"], &event["branch"]), (&json!("github:max#12"), &json!("main")));
    let mut closed = body;
    closed["pull_request"]["merged"] = json!(false);
    closed["pull_request"]["merged_at"] = Value::Null;
    assert!(refusal(&closed, &one_build()).contains("without a merge"));
}

#[test]
fn an_ambiguous_body_asks_for_the_name_and_a_wrong_name_is_refused() {
    let body = hook(json!({"action": "requested", "deployment": {"id": 1}, "environment": "x"}));
    assert!(refusal(&body, &one_build()).contains("--event"));
    let message = refusal(&deployment(Some("success")), &named("deployment", one_build()));
    assert!(message.contains("this one is of `deployment_status`"), "{message}");
    assert!(refusal(&body, &named("issues", one_build())).contains("`issues` says nothing"));
    let ping = hook(json!({"zen": "x", "hook_id": 1, "hook": {}}));
    assert!(refusal(&ping, &one_build()).contains("only tries the hook"));
}

#[test]
fn what_a_run_keeps_of_its_event_is_read_as_that_event() {
    let body = json!({"github_event_name": "push",
                      "github_event_payload": push("v1.4.2", ZERO, COMMIT)});
    assert_eq!(read(&body, &one_build())[0]["tag"], "v1.4.2");
}
