//! The questions: forms of the answer, the two clocks, exit codes.

use relbook_testkit::environment::TestEnvironment;
use serde_json::json;

use crate::scratch::{ORION, orion, ship, simulated};

/// A simulated book in which orion-api 1.4.1 went live and 1.4.2 after it.
fn lived() -> TestEnvironment {
    let env = simulated(ORION);
    ship(&env, "1.4.1", 'a', 1, &[]);
    ship(&env, "1.4.2", 'b', 10, &[]);
    env
}

#[test]
fn json_is_the_envelope_of_the_contract() {
    let env = lived();
    let answer = env.run(&["status", "--format", "json"]).exits(0).json();
    let names: Vec<_> = answer.as_object().unwrap().keys().cloned().collect();
    for name in ["question", "as_of", "as_known", "checkpoint", "header", "rows", "warnings"] {
        assert!(names.contains(&name.to_owned()), "{name}: {names:?}");
    }
    assert_eq!(answer["question"], "status");
    assert_eq!(answer["rows"].as_array().map(Vec::len), Some(3));
    let row = &answer["rows"][0];
    assert_eq!((&row["component"], &row["version"]), (&json!("orion-api"), &json!("1.4.2")));
    assert_eq!(row["versions"], json!(["1.4.2"]));
    assert!(row["evidence"].as_array().is_some_and(|seqs| !seqs.is_empty()));
}

#[test]
fn every_form_has_the_same_rows() {
    let env = lived();
    let ndjson = env.run(&["--format", "ndjson", "commit", "api"]).exits(0).stdout;
    let rows: Vec<serde_json::Value> =
        ndjson.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(rows.len(), 2, "one row per target");
    let csv = env.run(&["commit", "api", "--format=csv"]).exits(0).stdout;
    assert_eq!(csv.lines().count(), 3);
    let names: Vec<&str> = csv.lines().next().unwrap().split(',').collect();
    let keys: Vec<&String> = rows[0].as_object().unwrap().keys().collect();
    assert_eq!(names, keys);
    let table = env.run(&["commit", "api"]).exits(0).stdout;
    for word in ["us-east-1", "1.4.2", "checkpoint size", "simulated clock"] {
        assert!(table.contains(word), "{word}: {table}");
    }
    let shared = table.lines().filter(|line| line.contains("-east-1") || line.contains("-west-1"));
    assert_eq!(shared.count(), 2, "a row is a line where nobody looks at a terminal: {table}");
    let commit = rows[0]["commit"].as_str().unwrap();
    assert!(table.contains(&commit[..12]) && !table.contains(&commit[..13]), "{table}");
}

#[test]
fn both_clocks_are_taken_before_and_after_the_command() {
    let env = lived();
    let version = |args: &[&str]| {
        let args: Vec<&str> = args.iter().copied().chain(["--format", "json"]).collect();
        env.run(&args).exits(0).json()["rows"][0]["version"].clone()
    };
    assert_eq!(version(&["status", "--as-of", "2026-06-05"]), "1.4.1");
    assert_eq!(version(&["--as-of", "2026-06-05T00:00:00Z", "status"]), "1.4.1");
    assert_eq!(version(&["status"]), "1.4.2");
    let known = env.run(&["--as-known", "13", "status", "--format", "json"]).exits(0).json();
    assert_eq!(known["as_known"], 13);
    env.run(&["status", "--as-of", "yesterday"]).exits(2);
    env.run(&["status", "--as-known", "-1"]).exits(2);
}

#[test]
fn a_name_that_is_not_registered_is_wrong_usage() {
    let env = lived();
    let ran = env.run(&["diff", "nothing"]).exits(2);
    assert!(ran.stderr.contains("orion-api"), "{}", ran.stderr);
    let ran = env.run(&["status", "--env", "moon"]).exits(2);
    assert!(ran.stderr.contains("production"), "{}", ran.stderr);
    env.run(&["diff", "api", "1.4.1"]).exits(2);
    env.run(&["diff", "api", "1.4.1", "9.9.9"]).exits(2);
    env.run(&["approvals", "--deploy", "none"]).exits(2);
}

#[test]
fn ask_gives_all_seven() {
    let env = lived();
    let asked = env.run(&["ask", "--format", "json"]).exits(0).json();
    let questions: Vec<_> = asked["answers"]
        .as_array()
        .unwrap()
        .iter()
        .map(|answer| answer["question"].as_str().unwrap().to_owned())
        .collect();
    let all = ["status", "commit", "diff", "rollback", "compat", "approvals", "hotfix"];
    assert_eq!(questions, all);
    for at in [2, 3, 6] {
        assert_eq!(asked["answers"][at]["header"]["component"], "orion-api");
    }
    assert_eq!(asked["answers"][6]["header"]["base_version"], "1.4.2");
    let text = env.run(&["ask"]).exits(0).stdout;
    assert!(text.contains("7. How does a hotfix get out in time?\ncomponent"), "{text}");
    env.run(&["ask", "--format", "csv"]).exits(2);
}

#[test]
fn an_empty_book_answers_too() {
    let env = orion();
    for question in ["status", "commit", "approvals", "ask"] {
        env.run(&[question]).exits(0);
    }
    env.run(&["diff", "api"]).exits(0);
}
