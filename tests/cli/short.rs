//! The short forms of `append`: what they fill in.

use serde_json::json;

use crate::scratch::{COMMIT, digest, orion, refused, size};

#[test]
fn a_deploy_with_an_outcome_is_started_and_finished_on_every_target() {
    let env = orion();
    let digest = digest('a');
    env.run(&[
        "append",
        "build",
        "--component",
        "api",
        "--version",
        "1.4.2",
        "--digest",
        &digest,
        "--commit",
        COMMIT,
    ])
    .exits(0);
    let args = [
        "append",
        "deploy",
        "--component",
        "api",
        "--stage",
        "production",
        "--digest",
        &digest,
        "--id",
        "019eb0c2-8a80-700e-a7fb-3f86c95cc290",
        "--outcome",
        "succeeded",
        "--format",
        "json",
    ];
    let receipt = env.run(&args).exits(0).json();
    assert_eq!(receipt["appended"], 3, "one start and two targets");
    // A retry is the same three events.
    assert_eq!(env.run(&args).exits(0).json()["appended"], 0);
    let status = env.run(&["status", "--format", "json"]).exits(0).json();
    let row = &status["rows"][0];
    assert_eq!((&row["component"], &row["version"]), (&json!("orion-api"), &json!("1.4.2")));
    assert_eq!(row["state"], "live");
    assert_eq!(row["targets_live"], 2);
}

#[test]
fn a_failed_deploy_must_say_whether_it_was_restored() {
    let env = orion();
    let digest = digest('a');
    let args = [
        "append",
        "deploy",
        "--component",
        "api",
        "--stage",
        "dev",
        "--digest",
        &digest,
        "--outcome",
        "failed",
    ];
    let before = size(&env);
    let error = refused(&env, &args);
    assert_eq!((&error["code"], &error["field"]), (&json!("missing_field"), &json!("restored")));
    // Only the record of the refusal was added: the start did not come in without its end.
    assert_eq!(size(&env), before + 1);
    let args: Vec<&str> = args.iter().copied().chain(["--restored", "true"]).collect();
    env.run(&args).exits(0);
    let error = refused(
        &env,
        &[
            "append",
            "deploy",
            "--component",
            "api",
            "--stage",
            "dev",
            "--digest",
            &digest,
            "--outcome",
            "splendid",
        ],
    );
    assert_eq!((&error["code"], &error["field"]), (&json!("bad_value"), &json!("outcome")));
}

#[test]
fn a_tag_brings_its_version() {
    let env = orion();
    env.run(&["append", "tag", "--component", "api", "--tag", "v1.4.2", "--commit", COMMIT])
        .exits(0);
    // A tag that is no version is still a tag.
    env.run(&["append", "tag", "--component", "api", "--tag", "nightly", "--commit", COMMIT])
        .exits(0);
}

#[test]
fn an_approval_needs_no_id_of_its_own() {
    let env = orion();
    env.run(&["key", "new", "olga.pem"]).exits(0);
    let roles = ["--role", "approver", "--role", "release_engineer"];
    let enroll = ["key", "enroll", "p_olga", "olga.pem.pub"];
    env.run(&enroll.iter().copied().chain(roles).collect::<Vec<_>>()).exits(0);
    env.run(&[
        "append",
        "approval",
        "--component",
        "api",
        "--version",
        "1.5.0",
        "--digest",
        &digest('a'),
        "--stage",
        "production",
        "--key",
        "olga.pem",
    ])
    .exits(0);
}

#[test]
fn checks_scans_and_publishes_are_one_line_each() {
    let env = orion();
    let digest = digest('a');
    for args in [
        vec![
            "check",
            "--suite",
            "unit",
            "--result",
            "pass",
            "--commit",
            COMMIT,
            "--component",
            "api",
        ],
        vec![
            "scan",
            "--component",
            "api",
            "--digest",
            &digest,
            "--scanner",
            "trivy",
            "--critical",
            "0",
            "--high",
            "2",
        ],
        vec!["publish", "--component", "sdk", "--version", "2.1.0", "--digest", &digest],
    ] {
        let args: Vec<&str> = std::iter::once("append").chain(args).collect();
        env.run(&args).exits(0);
    }
    // Missing is never zero.
    let error = refused(
        &env,
        &[
            "append",
            "scan",
            "--component",
            "api",
            "--digest",
            &digest,
            "--scanner",
            "trivy",
            "--critical",
            "0",
        ],
    );
    assert_eq!((&error["code"], &error["field"]), (&json!("missing_field"), &json!("high")));
}
