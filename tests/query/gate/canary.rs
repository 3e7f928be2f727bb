//! Gates on the canary: bake and objectives, on their limits.

use serde_json::{Value, json};

use super::*;

/// Tells the story with another canary.
fn with_canary(canary: impl Fn(&mut Story)) -> Story {
    let mut story = green();
    let mut events = story.take();
    let at = events.iter().position(|(_, e)| e["deploy_id"] == "CAN").unwrap();
    events.truncate(at);
    story.give(events);
    canary(&mut story);
    deploy(&mut story);
    story
}

fn baked(from: &str, weight: u8, until: &str, outcome: &str) -> String {
    let mut story = with_canary(|story| {
        story.start("08T12:00", "CAN", "canary", "1.4.2").progress(from, "CAN", "us", weight);
        story.finish(until, "CAN", "us", outcome);
    });
    gate(&mut story, "canary_bake")
}

#[test]
fn the_bake_has_a_least_time_and_weight() {
    assert_eq!(baked("08T12:01", 5, "08T12:31", "succeeded"), "true pass 1800 1800");
    assert_eq!(baked("08T12:01", 5, "08T12:30:59", "succeeded"), "true fail 1799 1800");
    assert_eq!(baked("08T12:01", 4, "08T12:31", "succeeded"), "true fail weight=4 1800");
    assert_eq!(baked("08T12:01", 100, "08T12:31", "succeeded"), "true pass 1800 1800");
    assert_eq!(baked("08T12:01", 5, "08T12:31", "failed"), "true fail failed 1800");
}

#[test]
fn the_bake_begins_with_the_first_step_that_is_heavy_enough() {
    let mut story = with_canary(|story| {
        story.start("08T12:00", "CAN", "canary", "1.4.2").progress("08T12:00", "CAN", "us", 1);
        story.progress("08T12:05", "CAN", "us", 5).progress("08T12:20", "CAN", "us", 25);
        story.finish("08T12:34", "CAN", "us", "succeeded");
    });
    assert_eq!(gate(&mut story, "canary_bake"), "true fail 1740 1800");
}

#[test]
fn without_progress_or_finish_nothing_is_known() {
    let mut story = with_canary(|story| {
        story.start("08T12:00", "CAN", "canary", "1.4.2").but(json!({"weight": 5}));
        story.finish("08T12:40", "CAN", "us", "succeeded");
    });
    assert_eq!(gate(&mut story, "canary_bake"), "true missing - 1800", "an intent is no share");
    let mut story = with_canary(|story| {
        story.start("08T12:00", "CAN", "canary", "1.4.2").progress("08T12:01", "CAN", "us", 5);
    });
    assert_eq!(gate(&mut story, "canary_bake"), "true missing - 1800");
    let mut story = with_canary(|_| ());
    assert_eq!(gate(&mut story, "canary_bake"), "true missing - 1800");
}

#[test]
fn any_canary_that_baked_is_enough() {
    let mut story = green();
    story.start("09T12:00", "CAN2", "canary", "1.4.2").progress("09T12:01", "CAN2", "us", 5);
    story.finish("09T12:05", "CAN2", "us", "succeeded");
    deploy(&mut story);
    assert_eq!(gate(&mut story, "canary_bake"), "true pass 1800 1800");
}

/// Measures once more, and returns what the gate then says.
fn measured(fields: Value) -> String {
    let mut story = green();
    slo(&mut story, "08T12:32", fields);
    deploy(&mut story);
    let row = gate(&mut story, "slo");
    let limit = "window_s=1800,error_rate_delta=0.1,p99_delta_ms=50";
    row.strip_suffix(limit).unwrap_or_else(|| panic!("{row}")).trim_end().to_owned()
}

#[test]
fn objectives_hold_up_to_their_limit() {
    let all = "window_s=1800,error_rate_delta=0.1,p99_delta_ms=50";
    assert_eq!(measured(json!({})), format!("true pass {all}"));
    assert_eq!(measured(json!({"error_rate_delta": 0.11})), "true fail error_rate_delta=0.11");
    assert_eq!(measured(json!({"p99_delta_ms": 50.5})), "true fail p99_delta_ms=50.5");
    let better = "window_s=1800,error_rate_delta=-0.2,p99_delta_ms=-3";
    let fields = json!({"error_rate_delta": -0.2, "p99_delta_ms": -3});
    assert_eq!(measured(fields), format!("true pass {better}"));
    assert_eq!(measured(json!({"result": "inconclusive"})), "true fail inconclusive");
    assert_eq!(measured(json!({"result": "fail"})), "true fail fail");
}

#[test]
fn the_window_is_long_enough_and_inside_the_exposure() {
    let start = |time: &str| json!({"window_start": format!("2026-06-08T{time}Z")});
    assert_eq!(measured(start("12:01:01")), "true fail window_s=1799");
    let before = measured(start("12:00:59"));
    assert!(before.starts_with("true fail window=2026-06-08T12:00:59Z/"), "{before}");
    let after = measured(json!({"window_end": "2026-06-08T12:31:01Z"}));
    assert!(after.starts_with("true fail window="), "{after}");
}

#[test]
fn what_was_not_measured_is_missing() {
    for name in ["window_start", "window_end", "error_rate_delta", "p99_delta_ms"] {
        let mut fields = json!({});
        fields[name] = Value::Null;
        assert_eq!(measured(fields), "true missing -", "{name}");
    }
    let elsewhere = json!({"stage": "production", "result": "fail"});
    let all = "window_s=1800,error_rate_delta=0.1,p99_delta_ms=50";
    assert_eq!(measured(elsewhere), format!("true pass {all}"), "of another stage");
    let other = json!({"digest": digest("other"), "result": "fail"});
    assert_eq!(measured(other), format!("true pass {all}"), "of another artifact");
}

#[test]
fn other_components_do_not_bake() {
    for canaries in [json!([]), json!(["web"])] {
        let mut story = green();
        story.policy("09T08:00", json!({"canary_components": canaries}));
        deploy(&mut story);
        assert_eq!(gate(&mut story, "canary_bake"), "false not_applicable - -");
        assert_eq!(gate(&mut story, "slo"), "false not_applicable - -");
        assert_eq!(failed(&mut story), "[]");
    }
}

#[test]
fn a_hotfix_bakes_for_a_shorter_time_when_it_was_opened() {
    let hotfix = json!({"kind": "hotfix.opened", "component": "api", "hotfix_id": "HF"});
    let canary = |story: &mut Story, opened: Option<&str>| {
        if let Some(at) = opened {
            story.push(at, hotfix.clone());
        }
        story.start("08T12:00", "CAN", "canary", "1.4.2").progress("08T12:01", "CAN", "us", 5);
        slo(story, "08T12:06", json!({"window_end": "2026-06-08T12:06:00Z"}));
        story.finish("08T12:06", "CAN", "us", "succeeded");
    };
    let judge = |opened: Option<&str>| {
        let mut story = with_canary(|story| canary(story, opened));
        story.but(json!({"hotfix_id": "HF", "reason": "hotfix"}));
        let answer = asked(&ask(&mut story), D);
        (of_gate(&answer, "canary_bake"), head(&answer, "profile failed"))
    };
    let (bake, open) = judge(Some("08T11:30"));
    assert_eq!((bake.as_str(), open.as_str()), ("true pass 300 300", "hotfix [approval]"));
    let invented = judge(None);
    assert_eq!(invented.0, "true fail 300 1800");
    assert_eq!(invented.1, "standard [canary_bake,slo,approval]");
    assert_eq!(judge(Some("10T09:00:30")).1, "standard [canary_bake,slo,approval]", "opened after");
}
