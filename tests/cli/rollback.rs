//! `relbook rollback`: exit codes, the shape of the answer, unknown names.

use relbook_testkit::environment::TestEnvironment;
use serde_json::{Value, json};

use crate::scratch::{ORION, ship, simulated};

/// A simulated book of orion-api in which these versions went live, a day each.
fn lived(versions: &[(&str, char)], targets: &str) -> TestEnvironment {
    let product = ORION.replace("[us-east-1, eu-west-1]", targets);
    let product = product.split("matrix:").next().unwrap_or_default().to_owned();
    let env = simulated(&product.replace("quorum: 1,", "quorum: 1, scanners: [],"));
    for (day, (version, digit)) in (1..).zip(versions) {
        ship(&env, version, *digit, day, &[]);
    }
    env
}

fn json(env: &TestEnvironment, args: &[&str], code: i32) -> Value {
    let args: Vec<&str> = args.iter().copied().chain(["--format", "json"]).collect();
    env.run(&args).exits(code).json()
}

#[test]
fn an_eligible_target_is_exit_0() {
    let env =
        lived(&[("1.4.0", 'a'), ("1.4.1", 'b'), ("1.5.0", 'c'), ("1.4.2", 'd')], "[us-east-1]");
    let answer = json(&env, &["rollback", "api"], 0);
    let header = &answer["header"];
    assert_eq!(answer["question"], "rollback");
    assert_eq!(
        (&header["current_version"], &header["recommended"]),
        (&json!("1.4.2"), &json!("1.4.1"))
    );
    assert_eq!(
        (&header["semantic_previous"], &header["temporal_previous"]),
        (&json!("1.4.1"), &json!("1.5.0"))
    );
    let row = answer["rows"][0].as_object().unwrap();
    for name in [
        "rank",
        "version",
        "digest",
        "commit",
        "last_live_from",
        "last_live_until",
        "eligible",
        "reasons",
        "recommended",
        "requires_approval",
        "crosses",
        "evidence",
    ] {
        assert!(row.contains_key(name), "{name}: {row:?}");
    }
    assert_eq!((&row["reasons"], &row["eligible"]), (&json!([]), &json!(true)));
    let all = json(&env, &["rollback", "api", "--any"], 0);
    let versions: Vec<&Value> =
        all["rows"].as_array().unwrap().iter().map(|r| &r["version"]).collect();
    assert_eq!(versions, ["1.4.1", "1.4.0", "1.5.0"]);
    assert_eq!(all["rows"][2]["reasons"], json!(["different_line"]));
    let sql = "SELECT version, recommended FROM rollback_targets WHERE environment = 'production' AND component = 'orion-api' ORDER BY rank";
    let table = json(&env, &["query", sql], 0);
    assert_eq!(table["rows"].as_array().map(Vec::len), Some(3));
    assert_eq!(table["rows"][0]["recommended"], true);
    let text = env.run(&["rollback", "api"]).exits(0).stdout;
    assert!(text.contains("current_version") && text.contains("temporal_previous"), "{text}");
}

#[test]
fn nowhere_to_go_is_exit_1_with_a_row_that_says_why() {
    let env = lived(&[("1.4.0", 'a')], "[us-east-1]");
    let answer = json(&env, &["rollback", "api"], 1);
    assert_eq!(answer["rows"][0]["reasons"], json!(["no_candidate"]));
    assert_eq!(answer["header"]["recommended"], Value::Null);
    let answer = json(&env, &["rollback", "web"], 1);
    assert_eq!(answer["rows"][0]["reasons"], json!(["nothing_live"]));
}

#[test]
fn after_a_minor_release_a_person_is_told_what_was_live_before() {
    let env = lived(&[("1.4.0", 'a'), ("1.5.0", 'b')], "[us-east-1]");
    let ran = env.run(&["rollback", "api"]).exits(1);
    let hint = "1.4.0 was live before it: `relbook rollback api --any`";
    assert!(ran.stderr.contains(hint), "{}", ran.stderr);
    assert_eq!(env.run(&["rollback", "api", "--any"]).exits(1).stderr, "");
    assert_eq!(env.run(&["rollback", "api", "--format", "json"]).exits(1).stderr, "");
    // Nothing was live before, or there is where to go: no hint.
    let env = lived(&[("1.4.0", 'a')], "[us-east-1]");
    assert_eq!(env.run(&["rollback", "api"]).exits(1).stderr, "");
    ship(&env, "1.4.1", 'b', 2, &[]);
    assert_eq!(env.run(&["rollback", "api"]).exits(0).stderr, "");
}

#[test]
fn names_that_are_not_there_are_wrong_usage() {
    let env = lived(&[("1.4.0", 'a')], "[us-east-1]");
    assert!(env.run(&["rollback", "nothing"]).exits(2).stderr.contains("orion-api"));
    assert!(env.run(&["rollback", "api", "--env", "moon"]).exits(2).stderr.contains("production"));
    env.run(&["rollback"]).exits(2);
}
