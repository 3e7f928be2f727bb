//! relbook inside a CI job: what the environment fills in, what it must never fill in, and the
//! summary that the job shows.

use relbook_testkit::environment::{Ran, TestEnvironment};
use serde_json::{Value, json};

use crate::scratch::{COMMIT, digest, orion, size};

/// The variables of a job on a tag, as GitHub Actions sets them.
pub(crate) const GITHUB: [(&str, &str); 10] = [
    ("GITHUB_ACTIONS", "true"),
    ("GITHUB_ACTOR", "olga"),
    ("GITHUB_EVENT_NAME", "push"),
    ("GITHUB_REF_NAME", "v1.4.2"),
    ("GITHUB_REF_TYPE", "tag"),
    ("GITHUB_REPOSITORY", "orion/orion-api"),
    ("GITHUB_RUN_ATTEMPT", "1"),
    ("GITHUB_RUN_ID", "9001"),
    ("GITHUB_SERVER_URL", "https://git.example"),
    ("GITHUB_SHA", COMMIT),
];

fn run(env: &TestEnvironment, args: &[&str]) -> Ran {
    let mut command = env.command(args);
    command.envs(GITHUB).env("GITHUB_STEP_SUMMARY", env.path().join("summary.md"));
    Ran::of(&mut command)
}

fn payload(env: &TestEnvironment, kind: &str) -> Value {
    let sql = format!("SELECT payload FROM events WHERE kind = '{kind}' ORDER BY seq DESC LIMIT 1");
    let rows = env.run(&["query", &sql, "--format", "json"]).exits(0).json()["rows"].clone();
    serde_json::from_str(rows[0]["payload"].as_str().expect("an event")).expect("JSON")
}

#[test]
fn the_job_says_commit_tag_run_and_who_started_it() {
    let env = orion();
    let digest = digest('a');
    run(&env, &["append", "tag", "--component", "api"]).exits(0);
    let tag = payload(&env, "tag.created");
    assert_eq!((&tag["tag"], &tag["version"]), (&json!("v1.4.2"), &json!("1.4.2")));
    let build =
        ["append", "build", "--component", "api", "--version", "1.4.2", "--digest", &digest];
    run(&env, &build).exits(0);
    let build = payload(&env, "build.completed");
    assert_eq!(build["commit"], COMMIT);
    let url = "https://git.example/orion/orion-api/actions/runs/9001/attempts/1";
    assert_eq!((&build["run_url"], &build["source"]["url"]), (&json!(url), &json!(url)));
    let deploy = ["append", "deploy", "--component", "api", "--stage", "dev", "--digest", &digest];
    run(&env, &deploy).exits(0);
    assert_eq!(payload(&env, "deploy.started")["initiated_by"], "olga");
    let summary = std::fs::read_to_string(env.path().join("summary.md")).expect("a summary");
    assert_eq!(summary.matches("### Recorded in test.example/orion").count(), 3);
    assert!(summary.contains("| build.completed | api | version 1.4.2"), "{summary}");
}

#[test]
fn an_unset_variable_never_records_anything() {
    let env = orion();
    let digest = digest('a');
    let before = size(&env);
    fn of<'a>(kind: &'a str, rest: &[&'a str]) -> Vec<&'a str> {
        [&["append", kind, "--component", "api"], rest].concat()
    }
    env.file("junit.xml", "<testsuite name=\"s\" tests=\"1\"><testcase name=\"a\"/></testsuite>");
    for flag in [
        "--version",
        "--digest",
        "--stage",
        "--environment",
        "--commit",
        "--target",
        "--event",
        "--role",
        "--parent",
        "--delivery",
        "--command-line",
        "--as",
        "--duration",
        "--exit-code",
    ] {
        let args = ["ingest", "--component", "api", "--suite", "unit", flag, "", "junit.xml"];
        let ran = run(&env, &args);
        assert!([2, 3].contains(&ran.code), "{flag}: {ran:?}");
    }
    for args in [
        of("check", &["--suite", "unit", "--result", ""]),
        of("check", &["--suite", "unit", "--result"]),
        of("check", &["--suite", "unit"]),
        of("check", &["--suite", "", "--result", "pass"]),
        of("check", &["--suite", "unit", "--result", "pass", "--commit", ""]),
        of("build", &["--version", "", "--digest", &digest]),
        of("build", &["--version", "1.4.2", "--digest", ""]),
        of("build", &["--version", "1.4.2", "--digest", &digest, "--commit", ""]),
        of("build", &["--version", "1.4.2", "--digest", &digest, "--outcome", ""]),
        of("deploy", &["--stage", "dev", "--digest", &digest, "--outcome", ""]),
        of("deploy", &["--stage", "dev", "--digest", &digest, "--outcome"]),
        of("deploy", &["--stage", "", "--digest", &digest, "--outcome", "succeeded"]),
        of(
            "deploy",
            &["--stage", "dev", "--digest", &digest, "--outcome", "succeeded", "--targets", ""],
        ),
        of("approval", &["--version", "1.4.2", "--digest", &digest, "--stage", ""]),
        vec!["append", "check", "--component", "", "--suite", "unit", "--result", "pass"],
        vec!["ingest", "--component", "", "report.json"],
        vec!["gate", "api", "", "--to", "production"],
        vec!["gate", "api", "1.4.2", "--to", ""],
        vec!["append", "--from", ""],
    ] {
        let ran = run(&env, &args);
        assert!([2, 3, 4].contains(&ran.code), "{args:?}: {ran:?}");
    }
    let sql = "SELECT count(*) AS n FROM events WHERE kind <> 'append.refused'";
    let rows = env.run(&["query", sql, "--format", "json"]).exits(0).json()["rows"].clone();
    assert_eq!(rows[0]["n"], json!(before));
}

#[cfg(unix)]
#[test]
fn a_variable_that_is_no_text_stops_nothing() {
    use std::os::unix::ffi::OsStrExt as _;

    let env = orion();
    let args = ["append", "check", "--component", "api", "--suite", "unit", "--result", "pass"];
    let mut command = env.command(&args);
    command.envs(GITHUB).env("SOMEBODYS", std::ffi::OsStr::from_bytes(b"\xff\xfe"));
    Ran::of(&mut command).exits(0);
}

#[test]
fn a_closed_gate_stands_in_the_summary() {
    let env = orion();
    let digest = digest('a');
    let build =
        ["append", "build", "--component", "api", "--version", "1.4.2", "--digest", &digest];
    run(&env, &build).exits(0);
    run(&env, &["gate", "api", "1.4.2", "--to", "dev"]).exits(1);
    let summary = std::fs::read_to_string(env.path().join("summary.md")).expect("a summary");
    assert!(summary.contains("### Gate closed: orion-api 1.4.2 to dev"), "{summary}");
    assert!(summary.contains("| unit | missing |"), "{summary}");
}

#[test]
fn what_was_recorded_is_no_markup_in_the_summary() {
    let env = orion();
    let digest = digest('a');
    let build =
        ["append", "build", "--component", "api", "--version", "1.4.2", "--digest", &digest];
    run(&env, &build).exits(0);
    let reject = ["append", "check", "--component", "api", "--result", "fail", "--suite"];
    run(&env, &[&reject[..], &["a|b<script>"]].concat());
    let summary = std::fs::read_to_string(env.path().join("summary.md")).expect("a summary");
    assert!(!summary.contains("<script>"), "{summary}");
}
