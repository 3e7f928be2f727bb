//! The gates (semantics A.10): each on its limit, missing, inconclusive, about something else, and
//! late on either clock; waivers, freezes, the hotfix profile, and which policy judges.
//!
//! Every test begins with the same story, in which 1.4.2 passes every gate of production, and
//! changes one thing in it.

mod approvals;
mod canary;
mod checks;
mod policy;
mod scans;
mod stages;
mod waivers;

use relbook_ledger::event::Stage;
use relbook_query::question::{Answer, GateAsk, GateOf, Question};
use relbook_testkit::story::{Story, digest};
use serde_json::{Value, json};

use crate::ask::{Ask, ask, head, lines};

/// The deploy that is judged, and when it starts.
const D: &str = "P2";
const AT: &str = "10T09:00";

/// 1.4.1 is live, 1.4.2 has passed everything up to production.
fn green() -> Story {
    let mut story = Story::of_api(&["us"]);
    story.policy("01T00:01", json!({"canary_components": ["api"]}));
    matrix(&mut story, "01T00:02", ">=1.4.0, <2.0.0");
    story.build("01T02:00", "1.4.1").live("02T09:00", "P1", "1.4.1");
    source(&mut story);
    story.build("08T09:10", "1.4.2");
    for scanner in ["trivy", "grype"] {
        scan(&mut story, "08T09:20", scanner, 0, 0);
    }
    dev(&mut story);
    staging(&mut story);
    canary(&mut story);
    story
}

fn matrix(story: &mut Story, at: &str, range: &str) {
    story.push(at, json!({"kind": "matrix.published", "rows": [{"api": range}]}));
}

fn source(story: &mut Story) {
    story.commit("08T09:00", "c1.4.2", &[], "al", "fix: it").but(json!({"reviewers": ["bo"]}));
    for suite in ["unit", "lint"] {
        check(story, "08T09:05", suite, json!({"commit": "c1.4.2"}));
    }
}

fn dev(story: &mut Story) {
    story.start("08T10:00", "DEV", "dev", "1.4.2").finish("08T10:05", "DEV", "dev-1", "succeeded");
    let smoke = json!({"stage": "dev", "digest": digest("1.4.2"), "duration_s": 299.5});
    check(story, "08T10:10", "smoke", smoke);
}

fn staging(story: &mut Story) {
    story.start("08T11:00", "STG", "staging", "1.4.2").finish(
        "08T11:05",
        "STG",
        "stg-1",
        "succeeded",
    );
    for suite in ["integration", "contract"] {
        check(story, "08T11:10", suite, json!({"stage": "staging", "digest": digest("1.4.2")}));
    }
}

/// A canary of 1800 seconds, measured for 1800 seconds.
fn canary(story: &mut Story) {
    story.start("08T12:00", "CAN", "canary", "1.4.2").progress("08T12:01", "CAN", "us", 5);
    slo(story, "08T12:31", json!({}));
    story.finish("08T12:31", "CAN", "us", "succeeded");
}

fn slo(story: &mut Story, at: &str, fields: Value) {
    let measured = json!({"stage": "canary", "digest": digest("1.4.2"),
        "window_start": "2026-06-08T12:01:00Z", "window_end": "2026-06-08T12:31:00Z",
        "error_rate_delta": 0.1, "p99_delta_ms": 50});
    check(story, at, "slo", measured);
    story.but(fields);
}

fn check(story: &mut Story, at: &str, suite: &str, fields: Value) {
    story.push(
        at,
        json!({"kind": "check.completed", "component": "api", "suite": suite, "result": "pass"}),
    );
    story.but(fields);
}

fn scan(story: &mut Story, at: &str, scanner: &str, critical: u64, high: u64) {
    story.push(
        at,
        json!({"kind": "scan.completed", "component": "api", "digest": digest("1.4.2"),
            "scanner": scanner, "critical": critical, "high": high, "medium": 3,
            "status": "findings"}),
    );
}

/// Starts the deploy that is judged.
fn deploy(story: &mut Story) -> &mut Story {
    story.start(AT, D, "production", "1.4.2")
}

/// Returns `gate required verdict observed threshold` of one gate of the deploy.
#[track_caller]
fn gate(story: &mut Story, name: &str) -> String {
    of_gate(&asked(&ask(story), D), name)
}

#[track_caller]
fn of_gate(answer: &Answer, name: &str) -> String {
    let rows = lines(&answer.table, "gate required verdict observed threshold");
    let row = rows.iter().find_map(|row| row.strip_prefix(&format!("{name} ")));
    row.unwrap_or_else(|| panic!("no gate {name} in {rows:#?}")).to_owned()
}

/// Asks about a deploy that was started.
fn asked(ask: &Ask, id: &str) -> Answer {
    let of = GateOf::Deploy(id.to_owned());
    ask.answer(&Question::Gate(GateAsk { of, policy_of_today: false })).unwrap()
}

/// Asks whether an artifact may enter a stage.
fn may(ask: &Ask, artifact: &str, stage: &str) -> Answer {
    may_with(ask, artifact, stage, None, None)
}

fn may_with(
    ask: &Ask,
    artifact: &str,
    stage: &str,
    hotfix: Option<&str>,
    by: Option<&str>,
) -> Answer {
    let of = GateOf::Artifact {
        component: "api".to_owned(),
        artifact: artifact.to_owned(),
        stage: Stage::parse(stage).unwrap(),
        environment: None,
        hotfix_id: hotfix.map(str::to_owned),
        initiated_by: by.map(str::to_owned),
    };
    ask.answer(&Question::Gate(GateAsk { of, policy_of_today: false })).unwrap()
}

/// Returns the gates that close the way of the deploy.
fn failed(story: &mut Story) -> String {
    head(&asked(&ask(story), D), "failed")
}

const ALL: [&str; 16] = [
    "reviewed_merge true pass 1 1",
    "unit true pass pass pass",
    "lint true pass pass pass",
    "dev_deployed true pass succeeded succeeded",
    "smoke true pass 299.5 300",
    "staging_deployed true pass succeeded succeeded",
    "integration true pass pass pass",
    "contract true pass pass pass",
    "scan:trivy true pass critical=0,high=0 critical=0,high=0",
    "scan:grype true pass critical=0,high=0 critical=0,high=0",
    "compat true pass r1 supported",
    "canary_bake true pass 1800 1800",
    "slo true pass window_s=1800,error_rate_delta=0.1,p99_delta_ms=50 \
     window_s=1800,error_rate_delta=0.1,p99_delta_ms=50",
    "approval true pass not_required approved",
    "same_digest true pass @1.4.2 @1.4.2",
    "no_freeze true pass none none",
];

#[test]
fn everything_passes_in_the_order_of_a10() {
    let mut story = green();
    deploy(&mut story);
    let ask = ask(&mut story);
    let answer = asked(&ask, D);
    assert_eq!(lines(&answer.table, "gate required verdict observed threshold"), ALL);
    assert!(answer.holds);
    assert_eq!(
        head(&answer, "verdict failed version stage deploy_id"),
        "open [] 1.4.2 production P2"
    );
    assert_eq!(ask.deploy(D, "gates_failed"), "[]");
    let table = ask.rows("gate_results", "deploy_id gate verdict policy_seq");
    let of_deploy = table.iter().filter(|row| row.starts_with("P2 ")).count();
    assert_eq!(of_deploy, 16);
    assert!(table.contains(&"P2 smoke pass 7".to_owned()), "{table:#?}");
}

#[test]
fn an_intended_deploy_is_judged_like_a_real_one() {
    let mut story = green();
    let ask = ask(&mut story).at(AT);
    for artifact in ["1.4.2", &digest("1.4.2")] {
        let answer = may(&ask, artifact, "production");
        assert_eq!(lines(&answer.table, "gate required verdict observed threshold"), ALL);
        assert_eq!(head(&answer, "verdict deploy_id"), "open -");
    }
    let answer = may(&ask, "1.4.2", "staging");
    let gates = ["reviewed_merge", "unit", "lint", "dev_deployed", "smoke"];
    assert_eq!(lines(&answer.table, "gate"), gates);
}

#[test]
fn evidence_seq_is_the_latest_event_that_was_judged() {
    let mut story = green();
    check(&mut story, "08T09:06", "unit", json!({"commit": "c1.4.2", "result": "fail"}));
    let latest = story.seq();
    // Claimed to be earlier, though it came later.
    check(&mut story, "08T09:04", "unit", json!({"commit": "c1.4.2"}));
    deploy(&mut story);
    let answer = asked(&ask(&mut story), D);
    let rows = lines(&answer.table, "gate verdict evidence_seq evidence_at");
    assert_eq!(rows[1], format!("unit fail {latest} 08T09:06"));
    let row = &answer.table.rows[1];
    assert!(row.evidence.contains(&latest), "{row:?}");
}

#[test]
fn nothing_recorded_is_missing_and_closes() {
    let mut story = Story::of_api(&["us"]);
    story.policy("01T00:01", json!({"canary_components": ["api"]}));
    deploy(&mut story);
    let answer = asked(&ask(&mut story), D);
    let verdicts = lines(&answer.table, "gate verdict");
    let (last, missing) = verdicts.split_last().unwrap();
    assert!(missing.iter().all(|row| row.ends_with(" missing")), "{missing:#?}");
    assert_eq!(last, "no_freeze pass");
    assert_eq!(missing.len(), 15);
    assert!(!answer.holds);
    assert_eq!(crate::ask::warnings(&answer), ["missing_provenance"]);
}

/// Moves an event to after the start of the deploy, on one clock or the other.
#[test]
fn evidence_that_came_after_the_start_on_either_clock_is_not_seen() {
    let kinds = [
        ("unit", json!({"kind": "check.completed", "suite": "unit", "commit": "c1.4.2"})),
        ("smoke", json!({"kind": "check.completed", "suite": "smoke", "digest": digest("1.4.2")})),
        ("scan:trivy", json!({"kind": "scan.completed", "scanner": "trivy"})),
        ("dev_deployed", json!({"kind": "deploy.started", "deploy_id": "DEV"})),
        ("staging_deployed", json!({"kind": "deploy.finished", "deploy_id": "STG"})),
        ("compat", json!({"kind": "matrix.published"})),
        ("canary_bake", json!({"kind": "deploy.progressed"})),
        ("slo", json!({"kind": "check.completed", "suite": "slo"})),
        ("reviewed_merge", json!({"kind": "commit.merged"})),
        ("reviewed_merge", json!({"kind": "build.completed", "version": "1.4.2"})),
    ];
    for (name, what) in kinds {
        let is_it = |event: &Value| what.as_object().unwrap().iter().all(|(k, v)| event[k] == *v);
        let mut story = green();
        let mut events = story.take();
        let at = events.iter().position(|(_, event)| is_it(event)).unwrap();
        let (signer, event) = events.remove(at);
        story.give(events);
        deploy(&mut story);
        // Recorded after the start, though claimed to have happened before.
        story.give(vec![(signer.clone(), event.clone())]);
        let late = gate(&mut story, name);
        assert!(!late.contains(" pass "), "{name}: recorded late: {late}");
        // Recorded before the start, though claimed to have happened after.
        let mut story = green();
        let mut events = story.take();
        events[at].1["occurred_at"] = json!("2026-06-10T09:00:30Z");
        story.give(events);
        deploy(&mut story);
        let future = gate(&mut story, name);
        assert!(!future.contains(" pass "), "{name}: dated after: {future}");
    }
}
