//! Webhooks through the binary: the proof of their channel, their delivery twice, and a release
//! that is known from webhooks alone.

use hmac::{Hmac, KeyInit as _, Mac as _};
use relbook_testkit::environment::TestEnvironment;
use serde_json::{Value, json};
use sha2::Sha256;

use crate::scratch::{COMMIT, book, digest, refused, size};

const SECRET: &str = "correct horse";

/// A book of one component that lives in the repository orion/api.
fn product() -> TestEnvironment {
    let env = book();
    env.file(
        "product.yaml",
        "product: orion\ncomponents:\n  orion-api: {alias: api, scheme: semver, \
         release_model: deployed, tag_prefix: v, repository: github.com/orion/api}\n\
         environments:\n  production: {targets: [us, eu]}\n\
         policy: {approval_sources: [reported], gates: {production: [approval]}}\n",
    );
    env.run(&["apply", "product.yaml"]).exits(0);
    env
}

fn hook(fields: Value) -> String {
    let mut body = json!({
        "repository": {"id": 5, "full_name": "orion/api", "html_url": "https://github.com/orion/api"},
        "sender": {"login": "max", "id": 12},
    });
    if let (Value::Object(body), Value::Object(fields)) = (&mut body, fields) {
        body.extend(fields);
    }
    body.to_string()
}

fn deployment() -> Value {
    json!({"id": 31, "sha": COMMIT, "environment": "production", "created_at": "2026-06-03T10:00:00Z",
           "creator": {"login": "max", "id": 12}})
}

fn requested() -> String {
    hook(json!({"action": "created", "deployment": deployment()}))
}

fn status(state: &str) -> String {
    let status = json!({"id": 77, "state": state, "created_at": "2026-06-03T10:05:00Z"});
    hook(json!({"action": "created", "deployment": deployment(), "deployment_status": status}))
}

fn review() -> String {
    hook(json!({"action": "approved", "since": "2026-06-03T09:00:00Z",
        "workflow_run": {"id": 600, "run_attempt": 1, "head_sha": COMMIT},
        "workflow_job_runs": [{"environment": "production"}],
        "approver": {"login": "rita", "id": 99}}))
}

fn build(env: &TestEnvironment) {
    let digest = digest('a');
    let args = ["append", "build", "--component", "api", "--version", "1.4.2", "--digest", &digest];
    let time = ["--commit", COMMIT, "--occurred-at", "2026-06-03T08:00:00Z"];
    env.run(&[&args[..], &time].concat()).exits(0);
}

fn signature(body: &str, secret: &str) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).expect("any key length");
    mac.update(body.as_bytes());
    let bytes = mac.finalize().into_bytes();
    format!("sha256={}", bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>())
}

#[test]
fn a_signed_delivery_is_of_class_transport_and_a_wrong_signature_records_nothing() {
    let env = product();
    build(&env);
    let before = size(&env);
    let body = requested();
    env.file("body.json", &body);
    env.file("secret", format!("{SECRET}\n"));
    let ingest = |signature: &str| {
        let args = ["ingest", "--event", "deployment", "--github-secret", "secret"];
        let rest = ["--delivery", "d-1", "--signature", signature, "body.json"];
        [&args[..], &rest].concat().iter().map(|arg| (*arg).to_owned()).collect::<Vec<_>>()
    };
    let wrong = ingest(&signature(&body, "another"));
    let wrong: Vec<&str> = wrong.iter().map(String::as_str).collect();
    let error = refused(&env, &wrong);
    assert_eq!(error["code"], "bad_signature");
    assert!(!error.to_string().contains(SECRET));
    assert_eq!(size(&env), before + 1, "only the refusal is recorded");
    let mut right = ingest(&signature(&body, SECRET));
    right.extend(["--format".to_owned(), "json".to_owned()]);
    let answer = env.run(&right).exits(0).json();
    let source = &answer["files"][0]["events"][0]["source"];
    assert_eq!((&source["trust"], &source["delivery"]), (&json!("transport"), &json!("d-1")));
    // The artifact was joined, the channel proves nothing of it.
    assert_eq!(source["field_trust"]["digest"], "asserted");
    env.run(&["ingest", "--signature", "sha256=00", "body.json"]).exits(2);
    env.run(&["ingest", "--github-secret", "env:NO_SUCH", "--signature", "x", "body.json"])
        .exits(2);
}

#[test]
fn a_delivery_that_comes_again_gets_its_first_receipt() {
    let env = product();
    build(&env);
    env.file("first.json", requested());
    let run = |args: &[&str]| {
        let args = [&["--format", "json", "ingest"], args].concat();
        env.run(&args).exits(0).json()
    };
    let first = run(&["--event", "deployment", "first.json"]);
    assert_eq!(first["appended"], 1, "{first}");
    // Other bytes and another delivery of the same deployment.
    let pretty = serde_json::from_str::<Value>(&requested()).unwrap();
    env.file("again.json", serde_json::to_string_pretty(&pretty).unwrap());
    let again = run(&["--event", "deployment", "--delivery", "d-2", "again.json"]);
    assert_eq!(again["appended"], 0, "{again}");
    assert_eq!(again["receipts"][0]["seq"], first["receipts"][0]["seq"]);
    // Its status tells the start too, which is known; then the same status again.
    env.file("status.json", status("success"));
    assert_eq!(run(&["status.json"])["appended"], 2);
    assert_eq!(run(&["status.json"])["appended"], 0);
    // Something else under the same id is a conflict.
    env.file("other.json", status("failure"));
    let error = refused(&env, &["ingest", "--restored", "true", "other.json"]);
    assert_eq!(error["code"], "id_conflict", "{error}");
    env.run(&["verify"]).exits(0);
}

#[test]
fn files_that_tell_the_same_start_tell_it_once() {
    let env = product();
    build(&env);
    env.file("a.json", requested());
    env.file("b.json", status("success"));
    let args = ["--format", "json", "ingest", "a.json", "b.json"];
    assert_eq!(env.run(&args).exits(0).json()["appended"], 3);
    let live = env.run(&["status", "--format", "json"]).exits(0).json();
    assert!(live.to_string().contains("\"1.4.2\""), "{live}");
}

#[test]
fn an_approval_is_known_from_its_review_through_the_recorded_build() {
    let env = product();
    env.file("review.json", review());
    let error = refused(&env, &["ingest", "--event", "deployment_review", "review.json"]);
    let message = error["message"].as_str().unwrap();
    assert!(message.contains(&format!("no build of commit {COMMIT} is recorded")), "{message}");
    build(&env);
    // CI may not tell what others approve; a reporter may, and nothing else.
    for (name, role) in [("ci", "ci"), ("hooks", "reporter")] {
        env.run(&["key", "new", &format!("{name}.pem")]).exits(0);
        env.run(&["key", "enroll", name, &format!("{name}.pem.pub"), "--role", role]).exits(0);
    }
    let args = ["ingest", "--role", "release_engineer", "review.json", "--key"];
    let error = refused(&env, &[&args[..], &["ci.pem"]].concat());
    assert_eq!(error["code"], "role");
    env.run(&[&args[..], &["hooks.pem"]].concat()).exits(0);
    env.file("deploy.json", requested());
    env.file("done.json", status("success"));
    env.run(&["ingest", "deploy.json", "done.json"]).exits(0);
    let answer = env.run(&["approvals", "api", "--deploy", "github:31", "--format", "json"]);
    let answer = answer.exits(0).json();
    let row = &answer["rows"][0];
    assert_eq!((&row["approver"], &row["source"]), (&json!("github:rita#99"), &json!("reported")));
    assert_eq!((&row["valid"], &row["reasons"]), (&json!(true), &json!([])), "{answer}");
}

#[test]
fn what_is_no_event_says_why_and_changes_nothing() {
    let env = product();
    let before = size(&env);
    env.file("ping.json", hook(json!({"zen": "x", "hook_id": 1, "hook": {}})));
    let error = refused(&env, &["ingest", "ping.json"]);
    assert_eq!(error["code"], "bad_value");
    assert!(error["message"].as_str().unwrap().contains("`ping` only tries the hook"));
    assert_eq!(size(&env), before + 1, "the refusal");
    assert!(!env.path().join("book/blobs").exists());
}
