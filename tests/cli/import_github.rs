//! `import github` through the binary: a directory of saved answers and webhooks becomes the
//! history of a component, once.

use relbook_testkit::environment::TestEnvironment;
use serde_json::{Value, json};

use crate::scratch::{COMMIT, book, digest, refused, size};

fn product() -> TestEnvironment {
    let env = book();
    env.file(
        "product.yaml",
        "product: orion\ncomponents:\n  orion-api: {alias: api, scheme: semver, \
         release_model: deployed, tag_prefix: v}\n\
         environments:\n  production: {targets: [us, eu]}\n\
         policy: {approval_sources: [reported], gates: {production: [approval]}}\n",
    );
    env.run(&["apply", "product.yaml"]).exits(0);
    env
}

fn build(env: &TestEnvironment, version: &str, digit: char, commit: &str) {
    let digest = digest(digit);
    let args = ["append", "build", "--component", "api", "--version", version, "--digest", &digest];
    let time = ["--commit", commit, "--occurred-at", "2026-06-01T08:00:00Z"];
    env.run(&[&args[..], &time].concat()).exits(0);
}

fn person(login: &str, id: u64) -> Value {
    json!({"login": login, "id": id, "type": "User"})
}

fn deployment(id: u64, sha: &str, time: &str) -> Value {
    json!({"id": id, "sha": sha, "ref": "main", "task": "deploy", "environment": "production",
           "payload": {}, "creator": person("max", 12), "created_at": time,
           "statuses_url": format!("https://api.example/deployments/{id}/statuses")})
}

fn state(id: u64, of: u64, state: &str, time: &str) -> Value {
    json!({"id": id, "state": state, "environment": "production", "created_at": time,
           "creator": person("max", 12),
           "deployment_url": format!("https://api.example/deployments/{of}")})
}

/// Two deploys, the second of which failed; a release, a reviewed merge, a run and its approval.
fn save(env: &TestEnvironment) {
    let other = "5".repeat(40);
    std::fs::create_dir_all(env.path().join("saved/more")).expect("a directory");
    let deployments = json!([
        deployment(32, &other, "2026-06-09T10:00:00Z"),
        deployment(31, COMMIT, "2026-06-03T10:00:00Z"),
    ]);
    env.file("saved/a.json", deployments.to_string());
    let states = json!([
        state(73, 31, "inactive", "2026-06-09T10:05:00Z"),
        state(72, 31, "SUCCESS", "2026-06-03T10:20:00Z"),
        state(71, 31, "in_progress", "2026-06-03T10:10:00Z"),
        state(70, 31, "waiting", "2026-06-03T10:00:01Z"),
    ]);
    env.file("saved/b.json", states.to_string());
    env.file("saved/c", state(74, 32, "failure", "2026-06-09T10:05:00Z").to_string());
    let release = json!([{"id": 9, "tag_name": "v1.4.2", "draft": false, "prerelease": false,
        "target_commitish": "main", "published_at": "2026-06-02T09:00:00Z", "assets": []}]);
    env.file("saved/more/d.json", release.to_string());
    let pull = json!({"number": 12, "title": "feat: x", "merged_at": "2026-06-01T07:00:00Z",
        "merge_commit_sha": COMMIT, "user": person("max", 12), "base": {"ref": "main"},
        "head": {"sha": "8".repeat(40)}});
    let review = json!({"id": 1, "user": person("rita", 99), "state": "APPROVED",
        "commit_id": "8".repeat(40), "submitted_at": "2026-06-01T06:00:00Z",
        "pull_request_url": "https://api.example/pulls/12"});
    let commit = json!({"sha": COMMIT, "parents": [{"sha": "7".repeat(40)}],
                        "commit": {"message": "feat: x (#12)"}});
    // Lines, as `gh api --paginate --jq '.[]'` writes them.
    env.file("saved/e.ndjson", format!("{pull}\n{review}\n{commit}\n"));
    let approved = json!({"event": "deployment_review", "payload": {
        "action": "approved", "since": "2026-06-03T10:00:01Z", "approver": person("rita", 99),
        "workflow_run": {"id": 600, "run_attempt": 1, "head_sha": COMMIT,
                         "updated_at": "2026-06-03T10:08:00Z"},
        "workflow_job_runs": [{"environment": "production"}],
        "repository": {"id": 5, "full_name": "orion/api"}, "sender": person("rita", 99)}});
    env.file("saved/f.json", approved.to_string());
    let runs = json!({"total_count": 1, "workflow_runs": [{"id": 600, "name": "CI",
        "run_number": 4, "run_attempt": 1, "head_sha": COMMIT, "status": "completed",
        "conclusion": "success", "run_started_at": "2026-06-03T09:50:00Z",
        "updated_at": "2026-06-03T10:20:00Z", "repository": {"id": 5, "full_name": "orion/api"}}]});
    env.file("saved/g.json", runs.to_string());
    env.file("saved/README", "How these were saved.");
}

fn import(env: &TestEnvironment, more: &[&str]) -> Value {
    let args = ["--format", "json", "import", "github", "saved", "--component", "api"];
    env.run(&[&args[..], more].concat()).exits(0).json()
}

const GIVEN: [&str; 4] = ["--restored", "true", "--role", "release_engineer"];

#[test]
fn a_saved_history_is_put_together_and_enters_once() {
    let env = product();
    build(&env, "1.4.2", 'a', COMMIT);
    build(&env, "1.5.0", 'b', &"5".repeat(40));
    save(&env);
    let before = size(&env);
    let first = import(&env, &GIVEN);
    let kinds = json!({"approval.granted": 1, "check.completed": 1, "commit.merged": 1,
                       "deploy.finished": 4, "deploy.started": 2, "release.published": 1});
    assert_eq!(first["kinds"], kinds, "{first}");
    assert_eq!((&first["appended"], &first["files"]), (&json!(10), &json!(7)));
    let codes: Vec<&Value> =
        first["warnings"].as_array().unwrap().iter().map(|warning| &warning["code"]).collect();
    assert_eq!(codes, ["skipped_file"], "{first}");
    assert_eq!(size(&env), before + 10);
    let again = import(&env, &GIVEN);
    assert_eq!((&again["appended"], size(&env)), (&json!(0), before + 10), "{again}");

    // The second deploy failed and left the first: that is what runs.
    let status = env.run(&["--format", "json", "status"]).exits(0).json();
    assert_eq!(status["rows"][0]["version"], "1.4.2", "{status}");
    // The deploy began when it was let through, after its approval.
    let args = ["--format", "json", "approvals", "api", "--deploy", "github:31"];
    let row = env.run(&args).exits(0).json()["rows"][0].clone();
    assert_eq!(
        (&row["approver"], &row["valid"]),
        (&json!("github:rita#99"), &json!(true)),
        "{row}"
    );
    let sql = "select reviewers from commits";
    let commits = env.run(&["--format", "json", "query", sql]).exits(0).json();
    assert_eq!(commits["rows"][0]["reviewers"], json!(["github:rita#99"]), "{commits}");
    env.run(&["verify"]).exits(0);
}

#[test]
fn what_cannot_be_joined_is_a_warning_and_nothing_is_guessed() {
    let env = product();
    build(&env, "1.4.2", 'a', COMMIT);
    save(&env);
    let found = import(&env, &["--dry-run"]);
    let details: Vec<&str> = found["warnings"]
        .as_array()
        .unwrap()
        .iter()
        .map(|warning| warning["detail"].as_str().unwrap())
        .collect();
    let says = |text: &str| details.iter().any(|detail| detail.contains(text));
    assert!(says("say --restored"), "{details:?}");
    assert_eq!(found["kinds"]["deploy.started"], 1, "{found}");
    // With --restored, the missing build is what is left.
    let found = import(&env, &["--dry-run", "--restored", "true"]);
    assert!(found["warnings"].to_string().contains("no build of commit 5555"), "{found}");
    assert_eq!(found["appended"], 0);
}

#[test]
fn a_damaged_file_keeps_all_of_them_out() {
    let env = product();
    build(&env, "1.4.2", 'a', COMMIT);
    save(&env);
    let before = size(&env);
    env.file("saved/z.json", "[{\"id\": 1,");
    let args = ["import", "github", "saved", "--component", "api", "--restored", "true"];
    let error = refused(&env, &args);
    assert_eq!(error["code"], "json");
    assert!(error["message"].as_str().unwrap().contains("z.json"), "{error}");
    env.file("saved/z.json", "");
    assert!(refused(&env, &args)["message"].as_str().unwrap().contains("is empty"));
    assert_eq!(size(&env), before + 2, "two refusals");
    assert_eq!(
        refused(&env, &["import", "github", "saved", "--component", "x"])["code"],
        "unknown_component"
    );
    env.run(&["import", "github", "nowhere", "--component", "api"]).exits(4);
}
