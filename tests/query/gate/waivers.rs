//! Waivers: for a gate, for a while, perhaps for one artifact; never for an approval.

use serde_json::{Value, json};

use super::*;

/// Fails unit, waives it, and returns the gate and what closes the way.
fn waived(fields: Value) -> (String, String) {
    let mut story = green();
    check(&mut story, "08T09:06", "unit", json!({"commit": "c1.4.2", "result": "fail"}));
    waive(&mut story, "09T08:00", "unit").but(fields);
    deploy(&mut story);
    (gate(&mut story, "unit"), failed(&mut story))
}

fn waive<'a>(story: &'a mut Story, at: &str, gate: &str) -> &'a mut Story {
    story.push(
        at,
        json!({"kind": "waiver.granted", "waiver_id": "W1", "component": "api", "gate": gate,
            "reason": "flaky", "owner": "olga", "expires_at": "2026-06-10T09:00:01Z"}),
    )
}

#[test]
fn a_waived_gate_keeps_its_verdict_and_is_not_required() {
    let open = ("false fail fail pass".to_owned(), "[]".to_owned());
    assert_eq!(waived(json!({})), open);
    assert_eq!(waived(json!({"digest": digest("1.4.2")})), open);
}

#[test]
fn a_waiver_that_does_not_hold_changes_nothing() {
    let closed = ("true fail fail pass".to_owned(), "[unit]".to_owned());
    for fields in [
        json!({"digest": digest("other")}),
        json!({"gate": "lint"}),
        json!({"expires_at": "2026-06-10T09:00:00Z"}),
        json!({"expires_at": "2026-06-09T09:00:00Z"}),
        json!({"occurred_at": "2026-06-10T09:00:30Z"}),
    ] {
        assert_eq!(waived(fields.clone()), closed, "{fields}");
    }
}

#[test]
fn a_waiver_recorded_after_the_start_is_too_late() {
    let mut story = green();
    check(&mut story, "08T09:06", "unit", json!({"commit": "c1.4.2", "result": "fail"}));
    deploy(&mut story);
    waive(&mut story, "09T08:00", "unit");
    assert_eq!(failed(&mut story), "[unit]");
}

#[test]
fn a_gate_that_passes_needs_no_waiver() {
    let mut story = green();
    waive(&mut story, "09T08:00", "unit");
    deploy(&mut story);
    assert_eq!(gate(&mut story, "unit"), "true pass pass pass");
}

#[test]
fn the_answer_names_the_waiver_and_its_owner() {
    let mut story = green();
    check(&mut story, "08T09:06", "unit", json!({"commit": "c1.4.2", "result": "fail"}));
    waive(&mut story, "09T08:00", "unit");
    let seq = story.seq();
    deploy(&mut story);
    let answer = asked(&ask(&mut story), D);
    let [warning] = answer.warnings.as_slice() else { panic!("{:?}", answer.warnings) };
    assert_eq!(warning.code, "waived");
    for word in ["W1", "olga", "unit", "2026-06-10T09:00:01Z"] {
        assert!(warning.detail.contains(word), "{warning:?}");
    }
    assert!(answer.table.rows[1].evidence.contains(&seq));
}

#[test]
fn an_approval_cannot_be_waived() {
    let mut story = green();
    story.build("09T08:02", "1.5.0");
    story.policy("09T08:00", json!({"gates": {"production": ["approval"]}}));
    waive(&mut story, "09T08:03", "approval");
    story.start(AT, D, "production", "1.5.0");
    let answer = asked(&ask(&mut story), D);
    assert_eq!(head(&answer, "verdict failed"), "closed [approval]");
    assert_eq!(crate::ask::warnings(&answer), ["waiver_ignored"]);
}
