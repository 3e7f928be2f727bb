//! `compat`: its forms, exit codes and JSON; what a file says, as it was written.

use relbook_testkit::environment::TestEnvironment;
use serde_json::{Value, json};

use crate::scratch::{digest, empty, orion};

const PRODUCT: &str = "\
product: orion
components:
  orion-api: {alias: api, scheme: semver, release_model: deployed, tag_prefix: v}
  orion-cli: {alias: cli, scheme: semver, release_model: published, tag_prefix: v}
  orion-helm: {alias: helm, scheme: semver, release_model: published}
environments:
  production: {targets: [us-east-1]}
matrix:
  - {cli: \"1.9.x\", api: \">=1.4.0, <2.0.0\", helm: \"1.4.x\"}
  - {cli: \"1.8.x\", api: \">=1.3.0, <1.5.0\", helm: \"1.3.x\"}
";

fn event(kind: &str, at: u32, fields: Value) -> String {
    let mut event = json!({"kind": kind, "occurred_at": format!("2026-06-01T{at:02}:00:00Z")});
    let fields = fields.as_object().expect("the shape of an answer").clone();
    event.as_object_mut().expect("a good book").extend(fields);
    event.to_string() + "\n"
}

/// A book with three versions of the API and the CLI; API 1.4.2 and CLI 1.9.0 are live.
fn lived() -> TestEnvironment {
    let env = empty();
    env.run(&["init", "--simulated-clock"]).exits(0);
    env.file("orion.yaml", PRODUCT);
    env.run(&["apply", "orion.yaml"]).exits(0);
    let mut lines = String::new();
    for (digit, version) in [('3', "1.3.5"), ('4', "1.4.2"), ('5', "1.5.0")] {
        let commit = digit.to_string().repeat(40);
        lines += &event(
            "build.completed",
            1,
            json!({"component": "orion-api", "version": version, "digest": digest(digit),
                "commit": commit}),
        );
    }
    for version in ["1.8.0", "1.8.3", "1.9.0"] {
        let digest = digest('9');
        let fields = json!({"component": "orion-cli", "version": version, "digest": digest});
        lines += &event("release.published", 2, fields);
    }
    for (version, app) in [("1.3.2", "1.3.5"), ("1.4.0", "1.4.2")] {
        let fields = json!({"component": "orion-helm", "version": version, "digest": digest('8'),
            "app_version": app});
        lines += &event("release.published", 3, fields);
    }
    let started = json!({"deploy_id": "P1", "component": "api", "environment": "production",
        "stage": "production", "targets": ["us-east-1"], "digest": digest('4')});
    lines += &event("deploy.started", 4, started);
    let finished = json!({"deploy_id": "P1", "target": "us-east-1", "outcome": "succeeded"});
    lines += &event("deploy.finished", 5, finished);
    lines = lines.replace("\"api\"", "\"orion-api\"");
    env.run_with_input(&["append", "--from", "-"], lines.as_bytes()).exits(0);
    env
}

#[track_caller]
fn answer(env: &TestEnvironment, code: i32, args: &[&str]) -> Value {
    let args: Vec<&str> =
        ["compat"].iter().chain(args).copied().chain(["--format", "json"]).collect();
    env.run(&args).exits(code).json()
}

fn column(answer: &Value, name: &str) -> Vec<Value> {
    answer["rows"]
        .as_array()
        .expect("the shape of an answer")
        .iter()
        .map(|row| row[name].clone())
        .collect()
}

#[test]
fn the_exit_code_is_the_verdict() {
    let env = lived();
    for (args, code) in [
        (&[][..], 0),
        (&["cli=1.9.0", "api=1.4.2"], 0),
        (&["orion-cli=1.8.3", "api=1.4.2"], 0),
        (&["cli=1.8.3", "api=1.5.0"], 1),
        (&["cli=1.9.0", "api=2.0.0-rc.1"], 1),
        (&["cli", "api"], 0),
        (&["--with", "api=1.5.0"], 0),
        (&["--with", "api=2.0.0"], 0),
        (&["--check"], 0),
        (&["--check", "--with", "api=2.0.0"], 1),
        (&["--check", "--with", "api=2.0.0", "--ignore", "M09"], 0),
        (&["--check", "orion.yaml"], 0),
    ] {
        let answer = answer(&env, code, args);
        assert_eq!(answer["question"], "compat", "{args:?}");
    }
}

#[test]
fn a_set_says_which_rows_and_where_it_fails() {
    let env = lived();
    let held = answer(&env, 0, &["cli=1.8.3", "api=1.4.2"]);
    let header = &held["header"];
    assert_eq!((&header["supported"], &header["row_ids"]), (&json!(true), &json!(["r2"])));
    assert_eq!(header["first_failing_key"], json!(null));
    assert_eq!(column(&held, "failing_keys"), [json!(["cli"]), json!([])]);
    let none = answer(&env, 1, &["cli=1.8.3", "api=1.5.0"]);
    let header = &none["header"];
    assert_eq!((&header["supported"], &header["row_ids"]), (&json!(false), &json!([])));
    assert_eq!(header["first_failing_key"], "api");
}

#[test]
fn a_pair_and_a_what_if_have_the_columns_of_the_contract() {
    let env = lived();
    let pair = answer(&env, 0, &["cli", "api"]);
    let mut row = pair["rows"][0].as_object().unwrap().clone();
    assert!(
        row.remove("evidence").is_some_and(|seqs| seqs.as_array().is_some_and(|s| s.len() > 3))
    );
    assert_eq!(
        Value::Object(row),
        json!({"row_id": "r1", "cli_range": "1.9.x", "api_range": ">=1.4.0, <2.0.0",
            "cli_versions": ["1.9.0"], "api_versions": ["1.4.2", "1.5.0"],
            "contains_live_pair": true})
    );
    let what_if = answer(&env, 0, &["--with", "orion-api=1.5.0"]);
    assert_eq!(column(&what_if, "still_supported"), [true, false]);
    let header = &what_if["header"];
    assert_eq!(header["live_set_ok"], true);
    let lost = json!(["orion-cli=1.8.0", "orion-cli=1.8.3", "orion-helm=1.3.2"]);
    assert_eq!((&header["lost_versions"], &header["gained_versions"]), (&lost, &json!([])));
    let csv = env.run(&["compat", "--with", "cli=1.8.3", "--format", "csv"]).exits(0).stdout;
    assert_eq!(csv.lines().next(), Some("row_id,still_supported,evidence"));
}

#[test]
fn a_file_is_checked_as_it_is_written() {
    let env = lived();
    env.file(
        "other.md",
        "# Orion\n\n```yaml\nmatrix:\n  - {cli: \"1.9.x\", api: \">=1.4.0, <2.0.0\", helm: \"1.4.x\"}\n  \
         - {cli: 1.10, api: '1.6.x', helm: \"1.5.x\"}\n  - {cli: 1.8.x, api: v1.4.x, helm: 1.3.x}\n```\n",
    );
    let checked = answer(&env, 1, &["--check", "other.md", "--only", "M01,m13"]);
    let found: Vec<_> = column(&checked, "code")
        .into_iter()
        .zip(column(&checked, "row"))
        .zip(column(&checked, "key"))
        .map(|((code, row), key)| json!([code, row, key]))
        .collect();
    assert_eq!(found, [json!(["M13", "r2", "cli"]), json!(["M01", "r3", "api"])]);
    assert_eq!(column(&checked, "severity"), ["E", "E"]);
    let detail = checked["rows"][0]["detail"].as_str().unwrap();
    assert!(detail.contains("\"1.10\""), "it stays 1.10, and what to write: {detail}");
    assert_eq!(checked["header"]["coherent"], false);
    // Quoted, the same characters are a range that is wrong in another way.
    env.file("quoted.yaml", "- {cli: \"1.10\", api: \"1.6.x\", helm: \"1.5.x\"}\n");
    let checked = answer(&env, 1, &["--check", "quoted.yaml", "--only", "M01,M13"]);
    assert_eq!(column(&checked, "code"), ["M01"]);
    assert!(checked["rows"][0]["detail"].as_str().unwrap().contains("1.10.x"), "{checked}");
    // Nothing was appended by any of it.
    assert_eq!(checked["checkpoint"], answer(&env, 0, &["--check"])["checkpoint"]);
}

#[test]
fn a_file_is_held_against_the_matrix_in_force() {
    let env = lived();
    env.file("narrow.yaml", PRODUCT.replace("<2.0.0", "<1.6.0"));
    let checked = answer(&env, 1, &["--check", "narrow.yaml", "--ignore", "M11"]);
    assert_eq!(column(&checked, "code"), ["M14"]);
    env.file("wide.yaml", PRODUCT.replace("<2.0.0", "<3.0.0"));
    let checked = answer(&env, 0, &["--check", "wide.yaml", "--ignore", "M11"]);
    assert_eq!(column(&checked, "code"), Vec::<Value>::new());
}

#[test]
fn what_cannot_be_asked_is_wrong_usage_and_says_what_to_write() {
    let env = lived();
    for (args, told) in [
        (&["cli"][..], "relbook compat cli api"),
        (&["cli", "api", "helm"], "relbook compat cli api"),
        (&["cli=1.9.0", "api"], "relbook compat cli api"),
        (&["cli=", "api=1.4.2"], "component=version"),
        (&["moon=1.0.0", "api=1.4.2"], "orion-api, orion-cli, orion-helm"),
        (&["cli", "moon"], "orion-api, orion-cli, orion-helm"),
        (&["cli", "orion-cli"], "once"),
        (&["cli=v1.9.0"], "write 1.9.0"),
        (&["cli=1.9"], "1.9"),
        (&["--with", "api"], "component=version"),
        (&["--with", "moon=1.0.0"], "orion-api"),
        (&["--check", "--only", "M99"], "M01"),
        (&["--only", "M01"], "--check"),
        (&["--check", "--only", "M01", "--ignore", "M02"], "--ignore"),
        (&["cli", "api", "--with", "api=1.5.0"], "--with"),
        (&["--env", "moon"], "production"),
    ] {
        let args: Vec<&str> = ["compat"].iter().chain(args).copied().collect();
        let ran = env.run(&args).exits(2);
        assert!(ran.stderr.contains(told), "{args:?}: {}", ran.stderr);
    }
    env.run(&["compat", "--check", "absent.yaml"]).exits(4);
    env.file("none.yaml", "product: orion\n");
    env.run(&["compat", "--check", "none.yaml"]).exits(3);
    env.file("broken.yaml", "matrix: [\n");
    env.run(&["compat", "--check", "broken.yaml"]).exits(3);
}

#[test]
fn a_book_without_a_matrix_or_live_versions_gives_no_verdict() {
    let env = empty();
    env.run(&["init", "--simulated-clock"]).exits(0);
    env.file("orion.yaml", PRODUCT.split("matrix:").next().unwrap());
    env.run(&["apply", "orion.yaml"]).exits(0);
    for args in [&[][..], &["cli=1.9.0", "api=1.4.2"], &["--check"]] {
        let answer = answer(&env, 1, args);
        assert_eq!(answer["warnings"].as_array().unwrap().last().unwrap()["code"], "no_matrix");
        let verdict = if args == ["--check"] { "coherent" } else { "supported" };
        assert_eq!(answer["header"][verdict], json!(null), "{args:?}");
    }
    // A matrix, and nothing live: no set to judge.
    let answer = answer(&orion(), 1, &[]);
    assert_eq!(answer["header"]["supported"], json!(null));
    assert_eq!(answer["header"]["live_sets"], json!([]));
}

#[test]
fn sql_sees_the_rows_of_the_matrix() {
    let env = lived();
    let sql = "SELECT row_id FROM compat WHERE version_matches(cli_range, '1.8.3') \
               AND version_matches(api_range, '1.4.2') AND NOT contains_live";
    let rows = env.run(&["query", sql, "--format", "json"]).exits(0).json()["rows"].clone();
    assert_eq!(rows, json!([{"row_id": "r2"}]));
    let sql = "SELECT row_id, api_versions, contains_live FROM compat ORDER BY row_id";
    let rows = env.run(&["query", sql, "--format", "json"]).exits(0).json()["rows"].clone();
    assert_eq!(rows[1]["api_versions"], json!(["1.3.5", "1.4.2"]));
    assert_eq!(
        (&rows[0]["contains_live"], &rows[1]["contains_live"]),
        (&json!(true), &json!(false))
    );
}
