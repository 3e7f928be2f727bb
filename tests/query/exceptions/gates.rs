//! Exceptions of a deploy that should have been stopped: by a gate (X04), by staging (X13), by a flag
//! (X12), by a freeze (X16); and broken glass (X05), whose reviews are in `emergency`.

use relbook_query::question::Question;
use relbook_query::release::Period;
use relbook_testkit::story::{Story, digest};
use serde_json::{Value, json};

use super::{lived, regions};
use crate::listing::{found, found_in, rows};

#[test]
fn x04_is_a_gate_that_failed_and_a_deploy_that_went_live_anyway() {
    let mut story = lived();
    story.policy("02T10:00", json!({"gates": {"production": ["unit"]}}));
    story.live("03T09:00", "P1", "1.4.1");
    story.start("04T09:00", "P2", "production", "1.4.2").finish("04T09:05", "P2", "us", "failed");
    assert_eq!(found(&mut story, "X04"), ["P1 03T09:00"], "a failed attempt is listed elsewhere");
    story.push(
        "05T08:00",
        json!({"kind": "check.completed", "component": "api", "suite": "unit",
        "result": "pass", "commit": "c1.4.2"}),
    );
    story.live("05T09:00", "P3", "1.4.2");
    assert_eq!(found(&mut story, "X04").len(), 1, "a gate that passes is no exception");
}

#[test]
fn x05_is_a_broken_glass_without_a_review_in_time() {
    let mut story = lived();
    story.commit("02T10:00", "c1.5.0", &["c1.4.0"], "p_olga", "feat: x");
    let glass = json!({"break_glass": true, "incident_id": "I1", "initiated_by": "p_ivan"});
    story.live_with("03T09:01", "P1", "1.5.0", glass);
    let review = |reviewer: &str| {
        json!({"kind": "breakglass.reviewed", "deploy_id": "P1", "reviewer": reviewer,
            "result": "justified"})
    };
    // Who did it, and who wrote it, cannot review it.
    story.push("03T10:00", review("p_ivan")).push("03T11:00", review("p_olga"));
    story.push("05T09:00", json!({"kind": "incident.opened", "incident_id": "I9"}));
    assert_eq!(found(&mut story, "X05"), [""; 0], "it is not due yet");
    story.push("05T09:01", json!({"kind": "incident.opened", "incident_id": "I10"}));
    assert_eq!(found(&mut story, "X05"), ["P1 05T09:00"]);
    let emergency = |story: &mut Story| {
        let question = Question::Emergency { component: None, period: Period::ALL };
        rows(story, &question, "change_id declared_by review_due_at reviewer overdue")
    };
    assert_eq!(emergency(&mut story), ["P1 p_ivan 05T09:00 - true"]);
    // A late review ends the waiting, not the exception.
    story.push("05T10:00", review("p_rita"));
    assert_eq!(emergency(&mut story), ["P1 p_ivan 05T09:00 p_rita false"]);
    assert_eq!(found(&mut story, "X05").len(), 1);
}

#[test]
fn x05_is_not_a_broken_glass_that_was_reviewed_in_time() {
    let mut story = lived();
    story.live_with("03T09:01", "P1", "1.5.0", json!({"break_glass": true}));
    story.push(
        "04T09:00",
        json!({"kind": "breakglass.reviewed", "deploy_id": "P1",
        "reviewer": "p_rita", "result": "justified"}),
    );
    story.push("20T09:00", json!({"kind": "incident.opened", "incident_id": "I1"}));
    assert_eq!(found(&mut story, "X05"), [""; 0]);
}

#[test]
fn x12_is_a_deploy_of_what_was_flagged_or_yanked() {
    let mut story = lived();
    let flag = |kind: &str, artifact: &str| {
        json!({"kind": kind, "component": "api", "digest": digest(artifact),
            "flag": "vulnerable", "cve": "CVE-2026-1"})
    };
    story.push("03T08:00", flag("artifact.flagged", "1.4.1"));
    story.live("03T09:00", "P1", "1.4.1");
    story.push("03T10:00", flag("artifact.unflagged", "1.4.1"));
    story.live("04T09:00", "P2", "1.4.1").live("05T09:00", "P3", "1.4.2");
    // A flag that came after the deploy is not its fault.
    story.push("05T10:00", flag("artifact.flagged", "1.4.2"));
    assert_eq!(found(&mut story, "X12"), ["P1 03T08:59"]);
    story.publish("06T08:00", "1.5.0").yank("06T09:00", "1.5.0").live("06T10:00", "P4", "1.5.0");
    assert_eq!(found(&mut story, "X12"), ["P1 03T08:59", "P4 06T09:59"]);
}

#[test]
fn x13_is_what_was_never_in_staging_where_that_was_asked() {
    let mut story = lived();
    story.live("03T09:00", "P1", "1.4.1");
    assert_eq!(found(&mut story, "X13"), [""; 0], "the gate was not in force");
    story.policy("03T10:00", json!({"gates": {"production": ["staging_deployed"]}}));
    story.start("04T08:00", "S2", "staging", "1.4.2").finish(
        "04T08:05",
        "S2",
        "stg-1",
        "succeeded",
    );
    story.live("04T09:00", "P2", "1.4.2").live("05T09:00", "P3", "1.5.0");
    assert_eq!(found(&mut story, "X13"), ["P3 05T09:00"]);
}

#[test]
fn x16_is_a_deploy_during_a_freeze() {
    let mut story = lived();
    let freeze = |id: &str, more: Value| {
        let mut event = json!({"kind": "freeze.declared", "freeze_id": id});
        event.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        event
    };
    story.push("03T00:00", freeze("F1", json!({"environment": "staging"})));
    story.push("03T00:00", freeze("F2", json!({"until": "2026-06-03T08:59:00Z"})));
    story.live("03T09:00", "P1", "1.4.1");
    assert_eq!(found(&mut story, "X16"), [""; 0], "elsewhere, and over");
    story.push("04T00:00", freeze("F3", json!({"environment": "production"})));
    story.live("04T09:00", "P2", "1.4.2");
    story.push("04T10:00", json!({"kind": "freeze.lifted", "freeze_id": "F3"}));
    story.live("05T09:00", "P3", "1.4.1");
    assert_eq!(found(&mut story, "X16"), ["P2 04T08:59"]);
}

#[test]
fn x04_waits_for_the_last_region_and_counts_a_partial_success() {
    let mut story = regions();
    story.policy("02T10:00", json!({"gates": {"production": ["unit"]}}));
    story.start("03T09:00", "P1", "production", "1.4.1").finish(
        "03T09:05",
        "P1",
        "eu",
        "succeeded",
    );
    assert_eq!(found(&mut story, "X04"), [""; 0], "under way on us");
    story.finish("03T09:10", "P1", "us", "failed");
    assert_eq!(found(&mut story, "X04"), ["P1 03T09:10"]);
    let what = found_in(&mut story, "X04", Period::ALL, "severity detail");
    assert_eq!(what, ["violation P1 went live past unit (missing)"]);
}

#[test]
fn x04_looks_at_what_came_before_on_both_clocks() {
    let check = |result: &str| {
        json!({"kind": "check.completed", "component": "api", "suite": "unit", "result": result,
            "commit": "c1.4.1"})
    };
    let gated = || {
        let mut story = lived();
        story.policy("02T10:00", json!({"gates": {"production": ["unit"]}}));
        story
    };
    let mut story = gated();
    story.push("03T08:59", check("pass")).live("03T09:00", "P1", "1.4.1");
    story.push("03T10:00", check("fail"));
    assert_eq!(found(&mut story, "X04"), [""; 0], "red afterwards does not fail it");
    let mut story = gated();
    story.live("03T09:00", "P1", "1.4.1").push("03T08:00", check("pass"));
    assert_eq!(found(&mut story, "X04"), ["P1 03T09:00"], "dated back");
    let mut story = gated();
    story.push("03T08:00", check("inconclusive")).live("03T09:00", "P1", "1.4.1");
    assert_eq!(found(&mut story, "X04"), ["P1 03T09:00"], "inconclusive is no pass");
}

#[test]
fn x04_is_not_a_gate_that_was_waived_until_after_the_start() {
    let waived = |at: &str, expires: &str, gate: &str| {
        let mut story = lived();
        story.policy("02T10:00", json!({"gates": {"production": ["unit"]}}));
        let waiver = json!({"kind": "waiver.granted", "waiver_id": "W1", "component": "api",
            "gate": gate, "reason": "known", "owner": "p_rita",
            "expires_at": format!("2026-06-{expires}Z")});
        if at < "03T09" {
            story.push(at, waiver).live("03T09:00", "P1", "1.4.1");
        } else {
            story.live("03T09:00", "P1", "1.4.1").push(at, waiver);
        }
        found(&mut story, "X04").len()
    };
    assert_eq!(waived("03T08:00", "03T08:59:01", "unit"), 0);
    assert_eq!(waived("03T08:00", "03T08:59:00", "unit"), 1, "it lapsed as the deploy began");
    assert_eq!(waived("03T08:00", "04T00:00:00", "lint"), 1, "of another gate");
    assert_eq!(waived("03T10:00", "04T00:00:00", "unit"), 1, "granted afterwards");
}

#[test]
fn x12_takes_flags_of_that_artifact_open_at_the_start() {
    let with = |at: &str, fields: Value, after: Value| {
        let mut story = lived();
        let mut flag = json!({"kind": "artifact.flagged", "component": "api", "flag": "bad",
            "digest": digest("1.4.1")});
        flag.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
        story.push(at, flag);
        if !after.is_null() {
            let unflag = json!({"kind": "artifact.unflagged", "component": "api", "flag": "bad",
                "digest": digest("1.4.1")});
            story.push("03T08:30", unflag).but(after);
        }
        story.live("03T09:00", "P1", "1.4.1");
        found(&mut story, "X12").len()
    };
    assert_eq!(with("03T08:00", json!({}), Value::Null), 1);
    assert_eq!(with("03T08:59", json!({}), Value::Null), 1, "at the very instant");
    assert_eq!(with("03T08:59:01", json!({}), Value::Null), 0, "a second after the start");
    assert_eq!(with("03T08:00", json!({"digest": digest("1.4.0")}), Value::Null), 0);
    assert_eq!(with("03T08:00", json!({}), json!({})), 0, "taken back");
    assert_eq!(with("03T08:00", json!({}), json!({"flag": "vulnerable"})), 1, "another flag");
    assert_eq!(with("03T08:00", json!({}), json!({"digest": digest("1.4.0")})), 1);
    let cve = json!({"cve": "CVE-1"});
    assert_eq!(with("03T08:00", cve.clone(), json!({"cve": "CVE-2"})), 1, "another vulnerability");
    assert_eq!(with("03T08:00", cve, json!({})), 0, "all of that flag");
    // Recorded after the start, dated before it.
    let mut story = lived();
    story.live("03T09:00", "P1", "1.4.1").push(
        "03T08:00",
        json!({"kind": "artifact.flagged", "component": "api", "flag": "bad",
            "digest": digest("1.4.1")}),
    );
    assert_eq!(found(&mut story, "X12"), [""; 0], "nobody could know");
}

#[test]
fn x12_of_an_attempt_is_a_warning_and_a_yank_is_of_its_version() {
    let mut story = lived();
    story.publish("03T07:00", "1.4.2").yank("03T08:00", "1.4.2");
    story.start("03T09:00", "P1", "production", "1.4.2").finish("03T09:05", "P1", "us", "failed");
    assert_eq!(found_in(&mut story, "X12", Period::ALL, "change_id severity"), ["P1 warning"]);
    story
        .live("04T09:00", "P2", "1.4.1")
        .publish("05T08:00", "1.4.2")
        .live("05T09:00", "P3", "1.4.2");
    assert_eq!(found(&mut story, "X12").len(), 1, "another version; published again");
    story.yank("05T10:00", "1.4.2");
    assert_eq!(found(&mut story, "X12").len(), 1, "yanked afterwards");
    let other = json!({"digest": digest("other")});
    let mut story = lived();
    story.publish("03T07:00", "1.4.2").yank("03T08:00", "1.4.2").but(other.clone());
    story.live("03T09:00", "P1", "1.4.2");
    assert_eq!(found(&mut story, "X12"), [""; 0], "another artifact of the version was yanked");
    story.yank("04T08:00", "1.4.2").publish("04T08:01", "1.4.2").but(other);
    story.live("04T09:00", "P2", "1.4.2");
    assert_eq!(found(&mut story, "X12"), ["P2 04T08:59"], "another one was published again");
}

#[test]
fn x13_takes_a_success_of_that_artifact_in_staging_before_the_start() {
    let staged = |artifact: &str, outcome: &str, at: &str| {
        let mut story = lived();
        story.policy("02T10:00", json!({"gates": {"production": ["staging_deployed"]}}));
        let stage = |story: &mut Story| {
            story.start("03T07:00", "S1", "staging", artifact).finish(at, "S1", "stg-1", outcome);
        };
        if at < "03T08:59" {
            stage(&mut story);
            story.live("03T09:00", "P1", "1.4.1");
        } else {
            story.live("03T09:00", "P1", "1.4.1");
            stage(&mut story);
        }
        found(&mut story, "X13").len()
    };
    assert_eq!(staged("1.4.1", "succeeded", "03T08:00"), 0);
    assert_eq!(staged("1.4.1", "failed", "03T08:00"), 1);
    assert_eq!(staged("1.4.2", "succeeded", "03T08:00"), 1, "another artifact");
    assert_eq!(staged("1.4.1", "succeeded", "03T09:30"), 1, "afterwards");
    // An attempt that never went live is none.
    let mut story = lived();
    story.policy("02T10:00", json!({"gates": {"production": ["staging_deployed"]}}));
    story.start("03T09:00", "P1", "production", "1.4.1").finish("03T09:05", "P1", "us", "failed");
    assert_eq!(found(&mut story, "X13"), [""; 0]);
}

#[test]
fn x16_lasts_from_the_declaration_to_until_or_the_lift() {
    let frozen = |events: &[(&str, Value)], fields: Value| {
        let mut story = lived();
        for (at, event) in events {
            story.push(at, event.clone());
        }
        story.live_with("03T09:00", "P1", "1.4.1", fields);
        found(&mut story, "X16").len()
    };
    let freeze = |more: Value| {
        let mut event = json!({"kind": "freeze.declared", "freeze_id": "F"});
        event.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        event
    };
    let lift = json!({"kind": "freeze.lifted", "freeze_id": "F"});
    let plain = json!({});
    assert_eq!(frozen(&[("03T08:59", freeze(json!({})))], plain.clone()), 1, "at the instant");
    assert_eq!(frozen(&[("03T08:59:01", freeze(json!({})))], plain.clone()), 0);
    let until = |at: &str| freeze(json!({"until": format!("2026-06-03T{at}Z")}));
    assert_eq!(frozen(&[("03T08:00", until("08:59:01"))], plain.clone()), 1);
    assert_eq!(frozen(&[("03T08:00", until("08:59:00"))], plain.clone()), 0, "it was over");
    let open = ("03T08:00", freeze(json!({})));
    assert_eq!(frozen(&[open.clone(), ("03T08:59", lift.clone())], plain.clone()), 0);
    assert_eq!(frozen(&[open.clone(), ("03T08:59:01", lift)], plain.clone()), 1);
    let of = |component: &str| freeze(json!({"component": component}));
    assert_eq!(frozen(&[("03T08:00", of("api"))], plain.clone()), 1);
    let glass = json!({"break_glass": true});
    assert_eq!(frozen(std::slice::from_ref(&open), glass), 1, "broken glass is listed too");
    assert_eq!(frozen(&[open], json!({"stage": "canary"})), 0, "a canary is no release");
}

#[test]
fn x16_and_its_gate_agree_on_a_freeze_that_was_declared_again() {
    let agreed = |again: Value| {
        let mut story = lived();
        story.policy("02T10:00", json!({"gates": {"production": ["no_freeze"]}}));
        let freeze = json!({"kind": "freeze.declared", "freeze_id": "F"});
        story.push("03T07:00", freeze.clone()).push("03T08:00", freeze).but(again);
        story.live("03T09:00", "P1", "1.4.1");
        let count = found(&mut story, "X16").len();
        assert_eq!(found(&mut story, "X04").len(), count, "the gate");
        count
    };
    assert_eq!(agreed(json!({})), 1);
    assert_eq!(agreed(json!({"environment": "production"})), 1);
    assert_eq!(agreed(json!({"environment": "staging"})), 0, "it was moved");
    assert_eq!(agreed(json!({"until": "2026-06-03T08:30:00Z"})), 0, "it was cut short");
}

#[test]
fn x16_is_not_a_freeze_that_was_recorded_afterwards_or_is_of_another() {
    let mut story = lived();
    story.component("web", json!({"scheme": "semver", "release_model": "deployed"}));
    let freeze = |component: Value| json!({"kind": "freeze.declared", "freeze_id": "F", "component": component});
    story.turn_to("api").push("03T08:00", freeze(json!("web"))).live("03T09:00", "P1", "1.4.1");
    story.push("03T08:00", json!({"kind": "freeze.declared", "freeze_id": "G"}));
    assert_eq!(found(&mut story, "X16"), [""; 0]);
    story.start("04T09:00", "P2", "production", "1.4.2").finish("04T09:05", "P2", "us", "failed");
    let what = found_in(&mut story, "X16", Period::ALL, "change_id severity detail");
    assert_eq!(what, ["P2 warning P2 was started by ci-bot during G"], "an attempt");
}
