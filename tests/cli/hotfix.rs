//! `relbook hotfix` and `relbook debt`: plan, opening, status, refusals, unknown names.

use relbook_testkit::environment::TestEnvironment;
use serde_json::{Value, json};

use crate::scratch::{COMMIT, ORION, ship, simulated, size};

/// A simulated book in which orion-api 1.4.1 is live.
fn lived() -> TestEnvironment {
    let env = simulated(ORION);
    ship(&env, "1.4.1", 'a', 1, &[]);
    env
}

fn json(env: &TestEnvironment, args: &[&str], code: i32) -> Value {
    let args: Vec<&str> = args.iter().copied().chain(["--format", "json"]).collect();
    env.run(&args).exits(code).json()
}

#[test]
fn the_plan_has_header_and_steps() {
    let env = lived();
    let before = size(&env);
    let answer = json(&env, &["hotfix", "api", "--deadline", "60"], 0);
    let header = &answer["header"];
    assert_eq!(header["base_version"], "1.4.1");
    assert_eq!(header["base_commit"], json!(COMMIT.replace('9', "a")));
    assert_eq!(
        (&header["branch"], &header["version"], &header["tag"]),
        (&json!("hotfix/v1.4.2"), &json!("1.4.2"), &json!("v1.4.2"))
    );
    assert_eq!(
        (&header["lacks_lower_version"], &header["deadline_at"]),
        (&json!(false), &json!("2026-06-01T10:00:00Z"))
    );
    let rows = answer["rows"].as_array().unwrap();
    assert_eq!(rows.len(), 14);
    assert_eq!(
        (&rows[1]["step"], &rows[1]["latest_at"]),
        (&json!("branch"), &json!("2026-06-01T09:06:00Z"))
    );
    for name in ["no", "step", "latest_at", "status", "evidence_seq", "done_at", "profile_change"] {
        assert!(rows[0].get(name).is_some(), "{name}");
    }
    assert_eq!(size(&env), before, "a plan writes nothing");
}

#[test]
fn opening_appends_one_event_and_shows_the_status() {
    let env = lived();
    let before = size(&env);
    let answer = json(&env, &["hotfix", "api", "--open", "--incident", "INC-9"], 0);
    assert_eq!(size(&env), before + 1);
    let header = &answer["header"];
    assert_eq!(
        (&header["hotfix_id"], &header["incident_id"]),
        (&json!("HF-orion-api-1.4.2"), &json!("INC-9"))
    );
    assert_eq!((&header["deadline_minutes"], &header["deadline_met"]), (&json!(30), &Value::Null));
    assert_eq!(
        (&answer["rows"][0]["status"], &answer["rows"][1]["status"]),
        (&json!("done"), &json!("open"))
    );
    assert_eq!(answer["rows"][0]["evidence_seq"], before);
    let opened = json(&env, &["query", "SELECT opened_by, deadline_minutes FROM hotfixes"], 0);
    assert_eq!(opened["rows"], json!([{"opened_by": "admin", "deadline_minutes": 30}]));
    // The same once more would be another hotfix under one name.
    let ran = env.run(&["hotfix", "api", "--open"]).exits(2);
    assert!(ran.stderr.contains("--status HF-orion-api-1.4.2"), "{}", ran.stderr);
    assert_eq!(size(&env), before + 1);
    json(&env, &["hotfix", "api", "--open", "--id", "HF-2", "--deadline", "45"], 0);
    let status = json(&env, &["hotfix", "api", "--status", "HF-2"], 0);
    assert_eq!(status["header"]["deadline_at"], "2026-06-01T09:45:00Z");
}

#[test]
fn what_is_shipped_leaves_debt_behind() {
    let env = lived();
    json(&env, &["hotfix", "api", "--open", "--id", "HF"], 0);
    let none = json(&env, &["debt"], 0);
    assert_eq!(none["rows"], json!([]));
    let more = ["--hotfix-id", "HF", "--reason", "hotfix", "--initiated-by", "ci"];
    ship(&env, "1.4.2", 'b', 2, &more);
    let debt = json(&env, &["debt", "api"], 0);
    let rows = debt["rows"].as_array().unwrap();
    let kinds: Vec<&Value> = rows.iter().map(|row| &row["kind"]).collect();
    assert_eq!(kinds, ["integration", "review", "main_fix"]);
    assert_eq!(
        (&rows[0]["subject"], &rows[0]["due_at"]),
        (&json!("HF"), &json!("2026-06-03T09:00:00Z"))
    );
    assert_eq!((&rows[0]["overdue"], &rows[2]["due_at"]), (&json!(false), &Value::Null));
    let later = json(&env, &["debt", "--as-of", "2026-06-30"], 0);
    assert_eq!(later["header"]["overdue"], 2);
    let status = json(&env, &["hotfix", "api", "--status", "HF"], 0);
    assert_eq!(
        (&status["header"]["total_minutes"], &status["header"]["deadline_met"]),
        (&json!(1440), &json!(false))
    );
    assert_eq!(status["rows"][10]["status"], "late");
}

#[test]
fn without_one_live_commit_it_is_refused_and_nothing_is_appended() {
    let env = lived();
    let before = size(&env);
    let refused = json(&env, &["hotfix", "web"], 1);
    assert_eq!((&refused["header"]["refused"], &refused["rows"]), (&json!("none"), &json!([])));
    json(&env, &["hotfix", "web", "--open"], 1);
    assert_eq!(size(&env), before);
    ship(&env, "1.4.2", 'b', 2, &["--targets", "us-east-1"]);
    assert_eq!(json(&env, &["hotfix", "api"], 1)["header"]["refused"], "mixed");
}

#[test]
fn names_that_are_not_there_are_wrong_usage() {
    let env = lived();
    for args in [
        &["hotfix", "nothing"][..],
        &["hotfix", "api", "--env", "moon"],
        &["hotfix", "api", "--status", "HF-9"],
        &["hotfix", "api", "--status", "HF-9", "--open"],
        &["hotfix", "api", "--deadline", "0"],
        &["hotfix", "api", "--deadline", "soon"],
        &["hotfix", "api", "--incident", "INC"],
        &["hotfix", "api", "--open", "--as-of", "2026-06-01"],
        &["hotfix"],
        &["debt", "nothing"],
    ] {
        let ran = env.run(args).exits(2);
        assert!(!ran.stderr.is_empty(), "{args:?}");
    }
}
