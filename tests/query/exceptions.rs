//! Exceptions X01 to X17 (semantics B.3 file 6): each rule finds what it is for, and nothing else.
//!
//! Every test has the case that the rule is about beside the nearest case that it is not about, so
//! it fails when the rule is off and when the rule finds too much.

use relbook_query::question::Question;
use relbook_query::release::Period;
use relbook_testkit::story::{Story, digest};
use serde_json::json;

use crate::listing::{found, found_in, period, rows, ungated};

/// A story in which 1.4.0 is live and approved, and 1.4.1 to 1.5.0 are built.
fn lived() -> Story {
    let mut story = ungated();
    for (i, version) in ["1.4.0", "1.4.1", "1.4.2", "1.5.0"].iter().enumerate() {
        story.build(&format!("01T0{i}:00"), version);
    }
    story.approve("02T08:00", "A0", "p_rita", "1.4.0").live("02T09:00", "P0", "1.4.0");
    story
}

#[test]
fn x01_is_a_deploy_that_is_live_without_its_approval() {
    let mut story = lived();
    // A patch needs none; a minor does.
    story.live("03T09:00", "P1", "1.4.1");
    assert_eq!(found(&mut story, "X01"), [""; 0]);
    story.live("04T09:00", "P2", "1.5.0");
    assert_eq!(found(&mut story, "X01"), ["P2 04T09:00"]);
    assert_eq!(found(&mut story, "X02"), [""; 0]);
    let severity = found_in(&mut story, "X01", Period::ALL, "code name severity component");
    assert_eq!(severity, ["X01 deployed_without_approval violation api"]);
}

#[test]
fn x01_is_not_a_deploy_that_was_approved_or_broke_the_glass() {
    let mut story = lived();
    story.approve("03T08:00", "A2", "p_rita", "1.5.0").live("03T09:00", "P2", "1.5.0");
    let glass = json!({"break_glass": true, "incident_id": "I1"});
    story.live_with("04T09:00", "P3", "1.4.2", glass);
    assert_eq!(found(&mut story, "X01"), [""; 0]);
    // An approval after the start is none.
    story.build("05T01:00", "1.6.0").live("05T09:00", "P4", "1.6.0");
    story.approve("05T10:00", "A4", "p_rita", "1.6.0");
    assert_eq!(found(&mut story, "X01"), ["P4 05T09:00"]);
}

#[test]
fn x02_is_an_unapproved_attempt_that_is_not_live() {
    let mut story = lived();
    story.start("03T09:00", "P1", "production", "1.5.0").finish("03T09:05", "P1", "us", "failed");
    assert_eq!(found(&mut story, "X02"), ["P1 03T09:00"]);
    assert_eq!(found(&mut story, "X01"), [""; 0]);
    // A failed patch needed no approval.
    story.start("04T09:00", "P2", "production", "1.4.1").finish("04T09:05", "P2", "us", "failed");
    assert_eq!(found(&mut story, "X02").len(), 1);
}

#[test]
fn x03_is_a_person_with_duties_that_conflict() {
    let mut story = lived();
    story.commit("02T10:00", "c1.4.1", &["c1.4.0"], "p_olga", "fix: x");
    story.but(json!({"reviewers": ["p_rita"]}));
    story.approve("03T08:00", "A1", "p_rita", "1.4.1").live("03T09:00", "P1", "1.4.1");
    assert_eq!(found(&mut story, "X03"), [""; 0], "a reviewer may approve");
    story.commit("03T10:00", "c1.4.2", &["c1.4.1"], "p_olga", "fix: y");
    story.approve("04T08:00", "A2", "p_olga", "1.4.2").live("04T09:00", "P2", "1.4.2");
    assert_eq!(found(&mut story, "X03"), ["P2 04T08:59"]);
    let detail = found_in(&mut story, "X03", Period::ALL, "detail");
    assert_eq!(detail, ["author_approves: p_olga for P2"]);
}

#[test]
fn x03_knows_initiators_and_lonely_reviewers() {
    let mut story = lived();
    story.commit("02T10:00", "c1.4.1", &["c1.4.0"], "p_olga", "fix: x");
    story.but(json!({"reviewers": ["p_olga"]}));
    story.approve("03T08:00", "A1", "p_rita", "1.4.1");
    story.live_with("03T09:00", "P1", "1.4.1", json!({"initiated_by": "p_rita"}));
    let details = found_in(&mut story, "X03", Period::ALL, "detail");
    let expected = ["author_only_reviewer: p_olga for P1", "initiator_approves: p_rita for P1"];
    assert_eq!(details, expected);
    let sod = crate::ask::ask(&mut story).rows("sod", "change_id person conflict_kind");
    let expected = [
        "P0 ci-bot none",
        "P0 p_rita none",
        "P1 p_olga author_only_reviewer",
        "P1 p_rita initiator_approves",
    ];
    assert_eq!(sod, expected);
}

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
fn x06_is_an_artifact_without_a_build() {
    let mut story = lived();
    story.live("03T09:00", "P1", "1.4.1");
    assert_eq!(found(&mut story, "X06"), [""; 0]);
    story.live("04T09:00", "P2", "stranger");
    assert_eq!(found(&mut story, "X06"), ["P2 04T08:59"]);
}

#[test]
fn x07_is_a_version_that_changed_after_it_was_fixed() {
    let mut story = lived();
    // A candidate that is built again before anybody relies on it is superseded, not reused.
    story.build_of("02T10:00", "1.4.1", "1.4.1b", "c1.4.1");
    assert_eq!(found(&mut story, "X07"), [""; 0]);
    story.tag("03T10:00", "v1.4.1", "c1.4.1");
    assert_eq!(found(&mut story, "X07"), [""; 0]);
    story.build_of("04T10:00", "1.4.1", "1.4.1c", "c1.4.1");
    assert_eq!(found(&mut story, "X07"), ["- 04T10:00"]);
    // 1.4.0 was deployed to production.
    story.build_of("05T10:00", "1.4.0", "1.4.0b", "c1.4.0");
    assert_eq!(found(&mut story, "X07"), ["- 04T10:00", "- 05T10:00"]);
    assert_eq!(found_in(&mut story, "X07", period("05T00:00", "06T00:00"), "seq").len(), 1);
}

#[test]
fn x07_is_a_tag_that_moved() {
    let mut story = lived();
    story.tag("03T10:00", "v1.4.1", "c1.4.1");
    story.push(
        "03T11:00",
        json!({"kind": "tag.moved", "component": "api", "tag": "v1.4.1",
        "commit": "c1.4.1"}),
    );
    assert_eq!(found(&mut story, "X07"), [""; 0], "it points where it pointed");
    story.push(
        "03T12:00",
        json!({"kind": "tag.moved", "component": "api", "tag": "v1.4.1",
        "commit": "c1.4.2", "previous_commit": "c1.4.1"}),
    );
    assert_eq!(found(&mut story, "X07"), ["- 03T12:00"]);
}

#[test]
fn x08_names_the_later_deploy_and_both_in_its_detail() {
    let mut story = lived();
    story.start("03T09:00", "P1", "production", "1.4.1");
    story.start("03T09:02", "P2", "production", "1.4.2");
    story.finish("03T09:05", "P2", "us", "succeeded").finish("03T09:10", "P1", "us", "succeeded");
    story.start("03T09:10", "P3", "production", "1.4.2").finish(
        "03T09:12",
        "P3",
        "us",
        "succeeded",
    );
    assert_eq!(found(&mut story, "X08"), ["P2 03T09:02"]);
    let detail = found_in(&mut story, "X08", Period::ALL, "detail");
    assert!(detail[0].contains("P1") && detail[0].contains("P2"), "{detail:?}");
    let question = Question::Overlaps { component: None, period: Period::ALL };
    let columns = "deploy_a deploy_b target overlap_from overlap_to finished_last downgrade";
    assert_eq!(
        rows(&mut story, &question, columns),
        ["P1 P2 us 03T09:02 03T09:05 P1 true"],
        "the older build finished last"
    );
}

#[test]
fn x08_needs_the_same_stage() {
    let mut story = lived();
    story.start("03T09:00", "C1", "canary", "1.4.1").start("03T09:02", "P2", "production", "1.4.2");
    assert_eq!(found(&mut story, "X08"), [""; 0]);
}

#[test]
fn x09_is_a_lower_version_that_is_no_rollback() {
    let mut story = lived();
    story.live("03T09:00", "P1", "1.4.2").live("04T09:00", "P2", "1.4.1");
    assert_eq!(found(&mut story, "X09"), ["P2 04T09:00"]);
    story.live("05T09:00", "P3", "1.4.2");
    story.live_with("06T09:00", "P4", "1.4.1", json!({"reason": "rollback", "rollback_of": "P3"}));
    assert_eq!(found(&mut story, "X09").len(), 1, "neither up nor a rollback");
}

#[test]
fn x09_without_a_reason_may_be_a_rollback_and_says_so() {
    let mut story = lived();
    story.live("03T09:00", "P1", "1.4.1");
    story.live_with("04T09:00", "P2", "1.4.0", json!({"reason": null}));
    let found = found_in(&mut story, "X09", Period::ALL, "change_id severity detail");
    assert!(found[0].starts_with("P2 info") && found[0].contains("inferred=true"), "{found:?}");
}

fn observe(story: &mut Story, at: &str, target: &str, artifact: &str) {
    story.push(
        at,
        json!({"kind": "runtime.observed", "component": "api",
        "environment": "production", "target": target, "digest": digest(artifact)}),
    );
}

#[test]
fn x10_is_something_else_running_than_was_deployed() {
    let mut story = lived();
    observe(&mut story, "03T09:00", "us", "1.4.0");
    assert_eq!(found(&mut story, "X10"), [""; 0]);
    observe(&mut story, "03T10:00", "us", "1.4.1");
    observe(&mut story, "03T10:05", "us", "1.4.1");
    assert_eq!(found(&mut story, "X10"), ["P0 03T10:00"], "once, when it was first seen");
    // A canary and a deploy under way may be seen.
    story.start("04T09:00", "C1", "canary", "1.4.2").progress("04T09:01", "C1", "us", 5);
    observe(&mut story, "04T09:02", "us", "1.4.2");
    story.start("04T10:00", "P1", "production", "1.5.0");
    observe(&mut story, "04T10:02", "us", "1.5.0");
    assert_eq!(found(&mut story, "X10").len(), 1);
    assert_eq!(found(&mut story, "X14"), [""; 0]);
}

#[test]
fn x11_is_one_finding_for_each_late_event() {
    let mut story = lived();
    story.build("03T10:00", "1.6.0").but(json!({"recorded_at": "2026-06-03T10:05:00Z"}));
    assert_eq!(found(&mut story, "X11"), [""; 0], "300 s are tolerated");
    story.build("03T11:00", "1.6.1").but(json!({"recorded_at": "2026-06-03T11:05:01Z"}));
    assert_eq!(found(&mut story, "X11"), ["- 03T11:00"]);
    let what = found_in(&mut story, "X11", Period::ALL, "severity component");
    assert_eq!(what, ["info api"]);
    // The policy of its time counts, not the one that came later.
    story.policy("04T00:00", json!({"late_tolerance_s": 10}));
    story.build("04T10:00", "1.6.2").but(json!({"recorded_at": "2026-06-04T10:00:11Z"}));
    assert_eq!(found(&mut story, "X11"), ["- 03T11:00", "- 04T10:00"]);
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
fn x14_is_something_running_where_nothing_was_deployed() {
    let mut story = Story::of_api(&["us", "eu"]);
    story.build("01T01:00", "1.4.0").live_with(
        "02T09:00",
        "P0",
        "1.4.0",
        json!({"targets": ["us"]}),
    );
    observe(&mut story, "03T09:00", "us", "1.4.0");
    assert_eq!(found(&mut story, "X14"), [""; 0]);
    observe(&mut story, "03T10:00", "eu", "1.4.0");
    assert_eq!(found(&mut story, "X14"), ["- 03T10:00"]);
    assert_eq!(found(&mut story, "X10"), [""; 0]);
}

#[test]
fn x15_is_a_version_that_rose_less_than_its_commits() {
    let mut story = lived();
    story.commit("01T01:00", "c1.4.0", &[], "p_olga", "feat: begin");
    story.commit("02T10:00", "c1.4.1", &["c1.4.0"], "p_olga", "fix: x");
    story.commit("02T11:00", "c1.4.2", &["c1.4.1"], "p_olga", "feat: y");
    story.commit("02T12:00", "c1.5.0", &["c1.4.2"], "p_olga", "feat: z");
    story.live("03T09:00", "P1", "1.4.1").live("04T09:00", "P2", "1.4.2");
    story.live("05T09:00", "P3", "1.5.0");
    assert_eq!(found(&mut story, "X15"), ["P2 04T09:00"]);
}

#[test]
fn x15_lets_a_commit_name_the_version() {
    let mut story = lived();
    story.commit("01T01:00", "c1.4.0", &[], "p_olga", "feat: begin");
    story.commit("02T10:00", "c1.4.1", &["c1.4.0"], "p_olga", "feat: x");
    story.but(json!({"body": "Release-As: 1.4.1"}));
    story.live("03T09:00", "P1", "1.4.1");
    assert_eq!(found(&mut story, "X15"), [""; 0]);
}

#[test]
fn x16_is_a_deploy_during_a_freeze() {
    let mut story = lived();
    let freeze = |id: &str, more: serde_json::Value| {
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
fn x17_is_the_event_that_broke_the_live_set() {
    let mut story = lived();
    story.component("cli", json!({"scheme": "semver", "release_model": "published", "alias": "c"}));
    story.publish("02T10:00", "1.9.0");
    story.push(
        "02T11:00",
        json!({"kind": "matrix.published",
        "rows": [{"api": ">=1.4.0, <1.5.0", "c": "1.9.x"}]}),
    );
    story.turn_to("api").live("03T09:00", "P1", "1.4.1");
    assert_eq!(found(&mut story, "X17"), [""; 0]);
    story.live("04T09:00", "P2", "1.5.0").live("05T09:00", "P3", "1.5.0");
    assert_eq!(found(&mut story, "X17"), ["P2 04T09:00"], "once, when it broke");
    story.live("06T09:00", "P4", "1.4.1");
    story.turn_to("cli").publish("07T09:00", "2.0.0");
    assert_eq!(found(&mut story, "X17"), ["P2 04T09:00", "- 07T09:00"]);
    // The period sees what was broken before it as broken, not as new.
    let none = found_in(&mut story, "X17", period("05T00:00", "06T00:00"), "change_id");
    assert_eq!(none, [""; 0]);
}

#[test]
fn a_waiver_of_a_code_gives_an_exception_its_owner() {
    let mut story = lived();
    story.live("03T09:00", "P1", "stranger");
    story.push(
        "03T10:00",
        json!({"kind": "waiver.granted", "waiver_id": "W1", "component": "api",
        "gate": "X06", "reason": "imported", "owner": "p_rita",
        "expires_at": "2026-07-01T00:00:00Z"}),
    );
    let columns = "owner disposition";
    assert_eq!(found_in(&mut story, "X06", Period::ALL, columns), ["p_rita waived"]);
    story.live("04T09:00", "P2", "1.5.0");
    // Neither the stranger nor the minor version was approved, and no waiver names that.
    assert_eq!(found_in(&mut story, "X01", Period::ALL, columns), ["- -", "- -"]);
}

#[test]
fn exceptions_stand_by_time_then_code_and_the_period_is_half_open() {
    let mut story = lived();
    story.live("03T09:00", "P1", "stranger").live("04T09:00", "P2", "1.5.0");
    let all = |story: &mut Story, period: Period| {
        let question = Question::Exceptions { component: None, codes: Vec::new(), period };
        rows(story, &question, "detected_at code change_id")
    };
    let expected = ["03T08:59 X06 P1", "03T09:00 X01 P1", "04T09:00 X01 P2"];
    assert_eq!(all(&mut story, Period::ALL), expected);
    assert_eq!(all(&mut story, period("03T08:59", "04T09:00")), expected[..2]);
    assert_eq!(all(&mut story, period("03T09:00", "04T09:01")), expected[1..]);
}
