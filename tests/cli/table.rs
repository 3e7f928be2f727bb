//! Tables for people, without a terminal: a row is a line, with what one needs to know of it; what
//! the other forms say stays theirs.

use relbook_testkit::environment::TestEnvironment;
use serde_json::{Value, json};

use crate::scratch::{COMMIT, ORION, digest, ship, simulated};

fn append(env: &TestEnvironment, event: &Value) {
    env.run_with_input(&["append", "--from", "-"], format!("{event}\n").as_bytes()).exits(0);
}

/// Returns the lines of a table that have this word, each with its cells.
fn rows(text: &str, word: &str) -> Vec<Vec<String>> {
    let cells = |line: &str| {
        let inner = line.trim_start_matches('|').trim_end_matches('|');
        inner.split("  ").map(|cell| cell.trim().to_owned()).filter(|c| !c.is_empty()).collect()
    };
    text.lines().filter(|line| line.contains(word)).map(cells).collect()
}

/// A simulated book with one target, in which 1.4.0 and 1.4.1 went live.
fn lived() -> TestEnvironment {
    let product = ORION.replace("[us-east-1, eu-west-1]", "[us-east-1]");
    let product = product.split("matrix:").next().unwrap_or_default().to_owned();
    let env = simulated(&product);
    ship(&env, "1.4.0", 'a', 1, &[]);
    ship(&env, "1.4.1", 'b', 2, &[]);
    env
}

#[test]
fn a_finding_is_one_line_however_much_it_says() {
    let env = lived();
    let found = env.run(&["exceptions"]).exits(0).stdout;
    let lines = found.lines().filter(|line| line.starts_with("| X")).count();
    let counted = env.run(&["exceptions", "--format", "json"]).exits(0).json();
    let wanted = counted["rows"].as_array().unwrap().len();
    assert!(wanted > 1);
    assert_eq!(lines, wanted, "{found}");
    for row in counted["rows"].as_array().unwrap() {
        let words: Vec<&str> = row["detail"].as_str().unwrap().split(' ').skip(1).take(3).collect();
        assert!(found.contains(&words.join(" ")), "{words:?}: {found}");
    }
}

#[test]
fn a_moment_shows_what_changed_where_and_from_what() {
    let env = lived();
    let at = ["status", "--at", "2026-06-02T09:30:00Z", "--window", "1h"];
    let text = env.run(&at).exits(0).stdout;
    let header = text.lines().find(|line| line.contains("deploy_id")).unwrap_or_default();
    for column in ["row", "kind", "component", "target", "version", "from_version", "since"] {
        assert!(header.split_whitespace().any(|word| word == column), "{column}: {text}");
    }
    assert!(text.lines().any(|l| l.contains("1.4.0") && l.contains("1.4.1")), "{text}");
}

#[test]
fn a_closed_gate_says_why_in_the_table_too() {
    let env = lived();
    let build = json!({"kind": "build.completed", "component": "orion-api", "version": "1.5.0",
        "digest": digest('c'), "commit": COMMIT.replace('9', "c"),
        "occurred_at": "2026-06-03T09:00:00Z"});
    append(&env, &build);
    let (public, key) = ("reporter.pem.pub", "reporter.pem");
    env.run(&["key", "new", key]).exits(0);
    env.run(&["key", "enroll", "reporter-ci", public, "--role", "reporter"]).exits(0);
    let approval = json!({"kind": "approval.granted", "approval_id": "A1", "version": "1.5.0",
        "component": "orion-api", "digest": digest('c'), "stage": "production",
        "approver": "p_paul", "role": "release_engineer", "occurred_at": "2026-06-03T10:00:00Z"});
    let line = format!("{approval}\n");
    env.run_with_input(&["--key", key, "append", "--from", "-"], line.as_bytes()).exits(0);
    let gate = ["gate", "api", "1.5.0", "--to", "production"];
    let text = env.run(&gate).exits(1).stdout;
    let why = "A1 by p_paul does not count: source (the policy value approval_sources)";
    assert!(text.lines().any(|l| l.contains("approval") && l.contains(why)), "{text}");
    // The help names the value, with what allows it; then the gate lets it pass.
    let help = env.run(&["append", "policy.set", "--help"]).exits(0).stdout;
    assert!(help.contains("approval_sources") && help.contains("`reported`"), "{help}");
    let values = r#"{"approval_sources": ["signed", "reported"]}"#;
    let set = ["append", "policy.set", "--policy-id", "main", "--values", values];
    env.run(&set).exits(0);
    let answer = env.run(&[&gate[..], &["--format", "json"]].concat()).exits(1).json();
    let rows = answer["rows"].as_array().unwrap();
    let approval = rows.iter().find(|row| row["gate"] == "approval").unwrap();
    assert_eq!(approval["verdict"], "pass", "{approval}");
}

#[test]
fn an_emergency_names_the_component_and_the_review_that_does_not_count() {
    let env = lived();
    let deploy = ["--break-glass", "--initiated-by", "ivan", "--description", "the disk is full"];
    ship(&env, "1.4.2", 'd', 3, &deploy);
    let review = json!({"kind": "breakglass.reviewed", "deploy_id": "1.4.2", "reviewer": "ivan",
        "result": "justified", "occurred_at": "2026-06-03T10:00:00Z"});
    append(&env, &review);
    let text = env.run(&["emergency"]).exits(0).stdout;
    let row = rows(&text, "the disk is full").remove(0).join(" | ");
    assert!(row.contains("orion-api"), "{text}");
    assert!(row.contains("ivan: who started the deploy does not review it"), "{text}");
}

#[test]
fn a_book_that_has_not_come_that_far_says_so() {
    let env = lived();
    let warned = |args: &[&str]| {
        let answer = env.run(&[args, &["--format", "json"]].concat()).exits(0).json();
        let warnings = answer["warnings"].as_array().unwrap();
        warnings.iter().any(|warning| warning["code"] == "as_known_beyond_end")
    };
    for asked in [&["status"][..], &["query", "SELECT count(*) FROM events"]] {
        assert!(warned(&[asked, &["--as-known", "4000"]].concat()));
        assert!(!warned(&[asked, &["--as-known", "3"]].concat()));
        let text = env.run(&[asked, &["--as-known", "4000"]].concat()).exits(0).stdout;
        assert!(text.contains("warning as_known_beyond_end"), "{asked:?}: {text}");
    }
    let last = env.run(&["status", "--format", "json"]).exits(0).json()["as_known"].to_string();
    assert!(!warned(&["status", "--as-known", &last]));
}

#[test]
fn a_hotfix_of_nothing_says_that_nothing_is_live() {
    let env = simulated(ORION);
    let text = env.run(&["hotfix", "api"]).exits(1).stdout;
    assert!(text.lines().any(|l| l.starts_with("refused") && l.ends_with("nothing is live")));
    let answer = env.run(&["hotfix", "api", "--format", "json"]).exits(1).json();
    assert_eq!(answer["header"]["refused"], "none");
}

#[test]
fn one_thing_is_not_told_as_several() {
    let env = lived();
    let text = env.run(&["verify"]).exits(0).stdout;
    assert!(!text.contains(" 1 events") && !text.contains(" 1 receipts"), "{text}");
    env.run(&["append", "incident.opened", "--incident-id", "I1", "--severity", "high"]).exits(0);
    env.run(&["receipt", "0", "-o", "first.tlog-proof"]).exits(0);
    let text = env.run(&["verify", "--receipt", "first.tlog-proof"]).exits(0).stdout;
    assert!(text.contains("1 receipt kept elsewhere"), "{text}");
}
