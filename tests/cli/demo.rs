//! The demo: every question answered on its book, in every form, with the events behind it.

use std::sync::LazyLock;

use relbook_testkit::environment::TestEnvironment;
use serde_json::Value;

use crate::scratch::empty;

/// The demo's book; read-only for all tests here.
static DEMO: LazyLock<(TestEnvironment, String)> = LazyLock::new(|| {
    let env = empty();
    let shown = env.run(&["--book", "book", "demo"]).exits(0).stdout;
    (env, shown)
});

/// Every question, on something that the demo has, and the exit code.
const QUESTIONS: [(&[&str], i32); 25] = [
    (&["status"], 0),
    (&["status", "--at", "2026-06-09T10:30:00Z"], 0),
    (&["commit"], 0),
    (&["diff", "orion-api"], 0),
    (&["diff", "orion-api", "1.4.0", "1.5.1"], 0),
    (&["rollback", "orion-api"], 0),
    (&["compat", "--check"], 0),
    (&["compat", "--with", "api=1.5.0"], 0),
    (&["approvals"], 0),
    (&["hotfix", "orion-api"], 0),
    (&["gate", "orion-api", "1.5.1", "--to", "production"], 1),
    (&["debt"], 0),
    (&["train"], 0),
    (&["dora"], 0),
    (&["population"], 0),
    (&["population", "--sample", "3", "--seed", "7"], 0),
    (&["exceptions"], 0),
    (&["emergency"], 0),
    (&["overlaps"], 0),
    (&["bindings", "orion-api", "1.4.1"], 0),
    (&["releases", "orion-api"], 0),
    (&["runbook"], 0),
    (&["where", "#102"], 0),
    (&["drift"], 0),
    (&["exposure", "CVE-2026-1337"], 0),
];

fn run(args: &[&str], more: &[&str]) -> relbook_testkit::environment::Ran {
    DEMO.0.run(&[&["--book", "book"], args, more].concat())
}

#[test]
fn it_tells_the_month_answers_all_seven_and_verifies() {
    let shown = &DEMO.1;
    for told in ["June 2026, event by event", "canary analysis, fail", "rolled back", "hotfix"] {
        assert!(shown.contains(told), "{told}: {shown}");
    }
    for number in 1..=7 {
        assert!(shown.contains(&format!("\n{number}. ")), "{number}: {shown}");
    }
    run(&["verify"], &[]).exits(0);
    let asked = run(&["ask", "--format", "json"], &[]).exits(0).json();
    for answer in asked["answers"].as_array().unwrap() {
        assert!(answer["not_answered"].is_null(), "{answer}");
        assert!(answer["rows"].as_array().is_some_and(|rows| !rows.is_empty()), "{answer}");
    }
}

#[test]
fn a_second_demo_never_overwrites_the_first() {
    let ran = run(&["demo"], &[]).exits(4);
    assert!(ran.stderr.contains("never overwritten"), "{}", ran.stderr);
}

#[test]
fn every_question_has_the_envelope_and_its_evidence() {
    for (args, code) in QUESTIONS {
        let answer = run(args, &["--format", "json"]).exits(code).json();
        for name in ["question", "as_of", "as_known", "checkpoint", "header", "rows", "warnings"] {
            assert!(answer.get(name).is_some(), "{args:?}: {name}");
        }
        assert_eq!(answer["simulated_clock"], true, "{args:?}");
        for row in answer["rows"].as_array().unwrap() {
            assert!(row["evidence"].is_array(), "{args:?}: {row}");
        }
    }
}

#[test]
fn every_question_has_every_form() {
    for (args, code) in QUESTIONS {
        let rows = run(args, &["--format", "json"]).exits(code).json()["rows"].clone();
        let rows = rows.as_array().map_or(0, Vec::len);
        let lines = |form| run(args, &["--format", form]).exits(code).stdout.lines().count();
        assert_eq!(lines("ndjson"), rows, "{args:?}");
        assert!(lines("csv") > rows, "{args:?}");
        for (form, magic) in [("parquet", &b"PAR1"[..]), ("arrow", b"ARROW1")] {
            let written = DEMO.0.command(&[&["--book", "book", "--format", form], args].concat());
            let written = { written }.output().unwrap().stdout;
            assert!(written.starts_with(magic), "{args:?}: {form}");
        }
    }
}

#[test]
fn explain_shows_the_events_that_the_rows_name() {
    for (args, code) in QUESTIONS {
        let whole = run(args, &["--format", "json", "--explain"]).exits(code).json();
        let mut named: Vec<u64> = Vec::new();
        for row in whole["rows"].as_array().unwrap() {
            named.extend(row["evidence"].as_array().unwrap().iter().filter_map(Value::as_u64));
        }
        named.sort_unstable();
        named.dedup();
        let shown = whole["events"].as_array().unwrap();
        let seqs: Vec<u64> = shown.iter().filter_map(|event| event["seq"].as_u64()).collect();
        assert_eq!(seqs, named, "{args:?}");
        let table = run(args, &["--explain"]).exits(code).stdout;
        for event in shown {
            let (seq, kind) = (&event["seq"], event["kind"].as_str().unwrap());
            let told = table.lines().any(|line| {
                line.trim_start().starts_with(&format!("seq {seq} ")) && line.contains(kind)
            });
            assert!(told, "{args:?}: seq {seq}: {table}");
        }
    }
    let event = run(&["approvals", "--format", "json"], &["--explain"]).exits(0).json();
    let approval = event["events"].as_array().unwrap().iter();
    let approval = { approval }.find(|event| event["kind"] == "approval.granted").unwrap();
    assert!(approval["fields"]["digest"].is_string(), "{approval}");
    assert!(approval["principal"].is_string() && approval["recorded_at"].is_string());
    run(&["status", "--format", "csv"], &["--explain"]).exits(2);
}
