//! `relbook gate`: exit codes, the columns of the contract, recording, wrong usage.

use relbook_testkit::environment::TestEnvironment;
use serde_json::{Value, json};

use crate::scratch::{COMMIT, digest, empty, size};

const PRODUCT: &str = "\
product: orion
components:
  orion-api: {alias: api, scheme: semver, release_model: deployed, tag_prefix: v}
environments:
  dev: {targets: [dev-1]}
  staging: {targets: [stg-1]}
  production: {targets: [us-east-1]}
policy: {approval_sources: [signed, reported], gates: {production: [unit, smoke, approval]}}
";

/// A simulated book in which 1.4.1 is live and 1.4.2 was built.
fn lived() -> TestEnvironment {
    let env = empty();
    env.run(&["init", "--simulated-clock"]).exits(0);
    env.file("orion.yaml", PRODUCT);
    env.run(&["apply", "orion.yaml"]).exits(0);
    let component = "orion-api";
    let build = |version: &str, digit: char, at: &str| {
        json!({"kind": "build.completed", "component": component, "version": version,
            "digest": digest(digit), "commit": COMMIT.replace('9', &digit.to_string()),
            "occurred_at": at})
    };
    let lines = [
        build("1.4.1", 'a', "2026-06-01T08:00:00Z"),
        json!({"kind": "deploy.started", "component": component, "deploy_id": "P1",
            "stage": "production", "environment": "production", "targets": ["us-east-1"],
            "digest": digest('a'), "occurred_at": "2026-06-01T09:00:00Z"}),
        json!({"kind": "deploy.finished", "deploy_id": "P1", "target": "us-east-1",
            "outcome": "succeeded", "occurred_at": "2026-06-01T09:05:00Z"}),
        build("1.4.2", 'b', "2026-06-02T08:00:00Z"),
        json!({"kind": "check.completed", "component": component, "suite": "unit",
            "commit": COMMIT.replace('9', "b"), "result": "pass",
            "occurred_at": "2026-06-02T08:10:00Z"}),
    ];
    append(&env, &lines);
    env
}

fn append(env: &TestEnvironment, events: &[Value]) {
    let lines: String = events.iter().map(|event| format!("{event}\n")).collect();
    env.run_with_input(&["append", "--from", "-"], lines.as_bytes()).exits(0);
}

fn smoke(seconds: u32) -> Value {
    json!({"kind": "check.completed", "component": "orion-api", "suite": "smoke", "stage": "dev",
        "digest": digest('b'), "result": "pass", "duration_s": seconds,
        "occurred_at": "2026-06-02T09:00:00Z"})
}

const GATE: [&str; 5] = ["gate", "api", "1.4.2", "--to", "production"];

fn json(env: &TestEnvironment, args: &[&str], code: i32) -> Value {
    let args: Vec<&str> = args.iter().copied().chain(["--format", "json"]).collect();
    env.run(&args).exits(code).json()
}

#[test]
fn a_closed_gate_is_exit_1_and_answers_all_the_same() {
    let env = lived();
    let answer = json(&env, &GATE, 1);
    assert_eq!(answer["question"], "gate");
    assert_eq!(answer["header"]["verdict"], "closed");
    assert_eq!(answer["header"]["failed"], json!(["smoke"]));
    let row = answer["rows"][1].as_object().unwrap();
    let names: Vec<&str> = row.keys().map(String::as_str).collect();
    let contract = [
        "deploy_id",
        "component",
        "stage",
        "gate",
        "required",
        "verdict",
        "observed",
        "threshold",
        "evidence_seq",
        "evidence_at",
        "policy_seq",
    ];
    assert_eq!(names[..11], contract);
    assert_eq!(
        (&row["gate"], &row["verdict"], &row["threshold"]),
        (&json!("smoke"), &json!("missing"), &json!("300"))
    );
    assert_eq!((&row["deploy_id"], &row["evidence_seq"]), (&Value::Null, &Value::Null));
}

#[test]
fn an_open_gate_is_exit_0() {
    let env = lived();
    append(&env, &[smoke(299)]);
    let answer = json(&env, &GATE, 0);
    assert_eq!(answer["header"]["verdict"], "open");
    let by_digest = json(&env, &["gate", "orion-api", &digest('b'), "--to", "production"], 0);
    assert_eq!(by_digest["rows"], answer["rows"]);
    append(&env, &[smoke(300)]);
    assert_eq!(json(&env, &GATE, 1)["rows"][1]["observed"], "300");
    // As it was known before, it was open.
    let known = (size(&env) - 2).to_string();
    json(&env, &[&GATE[..], &["--as-known", &known]].concat(), 0);
}

#[test]
fn explain_names_the_events() {
    let env = lived();
    let text = env.run(&[&GATE[..], &["--explain"]].concat()).exits(1).stdout;
    assert!(text.contains("unit: pass. the latest unit check passed"), "{text}");
    assert!(text.contains("check.completed by admin"), "{text}");
    assert!(text.contains("smoke: missing. no smoke check"), "{text}");
}

#[test]
fn a_decision_is_recorded_with_its_evidence() {
    let env = lived();
    let before = size(&env);
    let answer = json(&env, &[&GATE[..], &["--record"]].concat(), 1);
    assert_eq!(answer["recorded_seq"], before);
    assert_eq!(size(&env), before + 1);
    let found = json(&env, &["query", "SELECT payload FROM events WHERE kind = 'gate.decided'"], 0);
    let payload: Value =
        serde_json::from_str(found["rows"][0]["payload"].as_str().unwrap()).unwrap();
    let event = payload.get("predicate").unwrap_or(&payload);
    assert_eq!(
        (&event["verdict"], &event["stage"], &event["version"]),
        (&json!("closed"), &json!("production"), &json!("1.4.2"))
    );
    assert_eq!(event["results"].as_array().map(Vec::len), Some(3));
    assert_eq!(event["results"][1]["verdict"], "missing");
    assert!(event["policy_seq"].is_u64(), "{event}");
    assert!(event["evidence_seqs"].as_array().is_some_and(|seqs| !seqs.is_empty()));
    env.run(&["verify"]).exits(0);
    // The decision changes nothing about the gates.
    assert_eq!(json(&env, &GATE, 1)["rows"], answer["rows"]);
}

#[test]
fn a_key_that_may_not_decide_records_nothing() {
    let env = lived();
    env.run(&["key", "new", "reader.pem"]).exits(0);
    env.run(&["key", "enroll", "p_reader", "reader.pem.pub", "--role", "auditor"]).exits(0);
    let before = size(&env);
    env.run(&[&GATE[..], &["--record", "--key", "reader.pem"]].concat()).exits(3);
    let found =
        json(&env, &["query", "SELECT count(*) AS n FROM events WHERE kind = 'gate.decided'"], 0);
    assert_eq!(found["rows"][0]["n"], 0);
    assert!(size(&env) <= before + 1, "at most the refusal");
}

#[test]
fn an_old_deploy_is_judged_by_the_policy_of_its_time() {
    let env = lived();
    append(
        &env,
        &[
            smoke(250),
            json!({"kind": "deploy.started", "component": "orion-api", "deploy_id": "P2",
            "stage": "production", "environment": "production", "targets": ["us-east-1"],
            "digest": digest('b'), "occurred_at": "2026-06-02T10:00:00Z"}),
            json!({"kind": "policy.set", "policy_id": "p", "values": {"smoke_max_s": 200},
            "occurred_at": "2026-06-03T10:00:00Z"}),
        ],
    );
    json(&env, &["gate", "--deploy", "P2"], 0);
    let now = json(&env, &["gate", "--deploy", "P2", "--policy", "now"], 1);
    assert_eq!(now["header"]["failed"], json!(["smoke"]));
    assert_eq!(now["rows"][0]["deploy_id"], "P2");
    let table =
        json(&env, &["query", "SELECT gate, verdict FROM gate_results WHERE deploy_id = 'P2'"], 0);
    assert_eq!(table["rows"].as_array().map(Vec::len), Some(3));
    let failed =
        json(&env, &["query", "SELECT gates_failed FROM deploys WHERE deploy_id = 'P1'"], 0);
    assert_eq!(failed["rows"][0]["gates_failed"], json!(["unit", "smoke", "approval"]));
}

#[test]
fn names_that_are_not_there_are_wrong_usage() {
    let env = lived();
    for args in [
        &["gate", "nothing", "1.4.2", "--to", "production"][..],
        &["gate", "api", "9.9.9", "--to", "production"],
        &["gate", "api", "sha256:12", "--to", "production"],
        &["gate", "api", "1.4.2", "--to", "moon"],
        &["gate", "api", "1.4.2", "--to", "production", "--env", "moon"],
        &["gate", "api", "1.4.2"],
        &["gate", "api", "--to", "production"],
        &["gate"],
        &["gate", "--deploy", "none"],
        &["gate", "--deploy", "P1", "--to", "production"],
        &["gate", "--deploy", "P1", "--record"],
        &["gate", "api", "1.4.2", "--to", "production", "--record", "--as-known", "3"],
        &["gate", "api", "1.4.2", "--to", "production", "--record", "--policy", "now"],
    ] {
        let ran = env.run(args).exits(2);
        assert!(!ran.stderr.is_empty(), "{args:?}");
    }
}
