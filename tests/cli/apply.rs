//! `apply`: the product file, its plan, and what it refuses.

use serde_json::json;

use crate::scratch::{ORION, book, orion, refused, size};

#[test]
fn a_second_time_there_is_nothing_to_change() {
    let env = orion();
    let before = size(&env);
    let ran = env.run(&["apply", "orion.yaml"]).exits(0);
    assert_eq!(ran.stdout.trim(), "nothing to change");
    assert_eq!(size(&env), before);
    env.run(&["apply", "orion.yaml", "--check"]).exits(0);
    env.run(&["verify"]).exits(0);
}

#[test]
fn a_check_shows_the_plan_and_changes_nothing() {
    let env = book();
    env.file("orion.yaml", ORION);
    let before = size(&env);
    let plan = env.run(&["apply", "orion.yaml", "--check", "--format", "json"]).exits(1).json();
    assert_eq!(size(&env), before);
    let subjects: Vec<_> = plan["changes"]
        .as_array()
        .unwrap()
        .iter()
        .map(|change| change["subject"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(
        subjects,
        [
            "component orion-api",
            "component orion-web",
            "component orion-sdk-go",
            "environment dev",
            "environment staging",
            "environment production",
            "policy",
            "matrix",
        ]
    );
    let applied = env.run(&["apply", "orion.yaml", "--format", "json"]).exits(0).json();
    assert_eq!(applied["appended"], 8);
    assert_eq!(applied["changes"], plan["changes"]);
}

#[test]
fn only_what_differs_is_appended() {
    let env = orion();
    let before = size(&env);
    let changed = ORION
        .replace("[us-east-1, eu-west-1]", "[us-east-1]")
        .replace("quorum: 1", "quorum: 2")
        .replace("2.1.x", "2.2.x");
    env.file("orion.yaml", changed);
    let applied = env.run(&["apply", "orion.yaml", "--format", "json"]).exits(0).json();
    assert_eq!(applied["appended"], 3, "{applied}");
    assert_eq!(applied["changes"][1]["details"], json!(["quorum: 2"]));
    assert_eq!(applied["changes"][2]["details"], json!(["r1 sdk: 2.1.x -> 2.2.x"]));
    assert_eq!(size(&env), before + 3);
}

#[test]
fn a_markdown_file_holds_the_definition_in_a_fenced_block() {
    let env = book();
    env.file("RELEASES.md", format!("# Releases\n\n```yaml\n{ORION}```\n"));
    env.run(&["apply", "RELEASES.md"]).exits(0);
    env.file("orion.yaml", ORION);
    env.run(&["apply", "orion.yaml", "--check"]).exits(0);
}

#[test]
fn a_version_in_the_matrix_is_never_a_number() {
    let env = book();
    env.file("m.yaml", "orion-compatibility-matrix:\n  - {api: 1.10, cli: 1.1}\n");
    env.run(&["apply", "m.yaml"]).exits(0);
    // 1.10 and 1.1 are two ranges: the file with the one is a change against the other.
    env.file("m.yaml", "orion-compatibility-matrix:\n  - {api: 1.1, cli: 1.1}\n");
    env.run(&["apply", "m.yaml", "--check"]).exits(1);
}

#[test]
fn what_cannot_be_is_refused_with_its_line_and_changes_nothing() {
    for (from, to, code, line, remedy) in [
        (
            "scheme: semver, release_model: deployed",
            "shceme: semver",
            "unknown_field",
            3,
            "`scheme`",
        ),
        ("alias: web, scheme", "alias: api, scheme", "bad_value", 4, "orion-api"),
        ("release_model: published", "release_model: sold", "bad_value", 5, "published"),
        ("quorum: 1", "quorun: 1", "unknown_field", 10, "`quorum`"),
        ("quorum: 1", "quorum: one", "bad_value", 10, "quorum"),
        ("  dev: {", "  dev: &x {", "bad_value", 7, "anchor"),
        ("  staging:", "  dev:", "duplicate_key", 8, "first on line 7"),
        ("matrix:", "matrixes:", "unknown_field", 11, "`matrix`"),
        ("  - {api", "\t- {api", "bad_value", 12, "tab"),
    ] {
        let env = book();
        let before = size(&env);
        let text = ORION.replacen(from, to, 1);
        assert_ne!(text, ORION, "{from}");
        env.file("orion.yaml", text);
        let error = refused(&env, &["apply", "orion.yaml"]);
        assert_eq!((&error["code"], &error["line"]), (&json!(code), &json!(line)), "{error}");
        assert!(error.to_string().contains(remedy), "{to}: {error}");
        assert_eq!(size(&env), before, "{to}");
    }
}

#[test]
fn a_file_that_is_not_there_or_no_text_is_named() {
    let env = book();
    assert!(env.run(&["apply", "missing.yaml"]).exits(4).stderr.contains("missing.yaml"));
    env.file("latin1.yaml", b"product: caf\xe9\n");
    assert!(env.run(&["apply", "latin1.yaml"]).exits(3).stderr.contains("UTF-8"));
}
