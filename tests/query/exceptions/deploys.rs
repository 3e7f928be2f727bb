//! Exceptions of a deploy that lacked something: an approval (X01, X02), somebody independent (X03),
//! a build (X06). Separation of duties is in `sod`.

use relbook_query::release::Period;
use relbook_testkit::story::digest;
use serde_json::{Value, json};

use super::{lived, regions};
use crate::ask::ask;
use crate::listing::{found, found_in};

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
    let sod = ask(&mut story).rows("sod", "change_id person conflict_kind");
    let expected = [
        "P0 ci-bot none",
        "P0 p_rita none",
        "P1 p_olga author_only_reviewer",
        "P1 p_rita initiator_approves",
    ];
    assert_eq!(sod, expected);
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
fn x01_begins_with_the_first_region_and_was_x02_before() {
    let mut story = regions();
    story.start("03T09:00", "P1", "production", "1.5.0").finish(
        "03T09:05",
        "P1",
        "eu",
        "succeeded",
    );
    let finish = story.seq();
    story.finish("03T09:10", "P1", "us", "failed");
    assert_eq!(found(&mut story, "X01"), ["P1 03T09:05"], "live somewhere is live");
    assert_eq!(found(&mut story, "X02"), [""; 0]);
    let codes = |ask: &crate::ask::Ask| ask.rows("exceptions", "code change_id detected_at");
    assert_eq!(codes(&ask(&mut story).at("03T09:04")), ["X02 P1 03T09:00"]);
    assert_eq!(codes(&ask(&mut story).known(finish - 1)), ["X02 P1 03T09:00"]);
    assert_eq!(codes(&ask(&mut story).at("03T08:59")), [""; 0]);
}

#[test]
fn x01_knows_every_reason_that_makes_an_approval_worthless() {
    let with = |fields: Value| {
        let mut story = lived();
        story.approve("03T08:00", "A1", "p_rita", "1.5.0").but(fields);
        story.live("03T09:00", "P1", "1.5.0");
        found(&mut story, "X01").len()
    };
    assert_eq!(with(json!({})), 0);
    assert_eq!(with(json!({"expires_at": "2026-06-03T08:59:00Z"})), 1, "lapsed at the instant");
    assert_eq!(with(json!({"expires_at": "2026-06-03T08:59:01Z"})), 0);
    assert_eq!(with(json!({"digest": digest("other")})), 1);
    assert_eq!(with(json!({"stage": "staging"})), 1);
    assert_eq!(with(json!({"role": "reader"})), 1);
    assert_eq!(with(json!({"approver": "ci-bot"})), 1);
    assert_eq!(with(json!({"occurred_at": "2026-06-03T08:59:00Z"})), 0, "at the very instant");
    let mut story = lived();
    story.approve("03T08:00", "A1", "p_rita", "1.5.0").revoke("03T08:30", "A1");
    story.live("03T09:00", "P1", "1.5.0");
    assert_eq!(found(&mut story, "X01"), ["P1 03T09:00"]);
    let detail = found_in(&mut story, "X01", Period::ALL, "detail").remove(0);
    assert!(detail.contains("A1 (revoked)"), "{detail}");
}

#[test]
fn x01_is_judged_with_the_policy_of_its_seq() {
    let mut story = lived();
    story.live("03T09:00", "P1", "1.4.1");
    // It claims an earlier time, and was not in force.
    story.policy("03T00:00", json!({"approval_required_for": ["patch", "minor"]}));
    assert_eq!(found(&mut story, "X01"), [""; 0]);
    story.live("04T09:00", "P2", "1.4.2");
    story.policy("05T00:00", json!({"approval_required_for": []}));
    assert_eq!(found(&mut story, "X01"), ["P2 04T09:00"], "and stays what it was");
    story.live("06T09:00", "P3", "1.5.0");
    assert_eq!(found(&mut story, "X01").len(), 1);
}

#[test]
fn x01_is_a_patch_that_was_held_or_that_a_hotfix_brought() {
    let mut story = lived();
    story.live("03T09:00", "P1", "1.4.1");
    story.live_with("04T09:00", "P2", "1.4.0", json!({"reason": "rollback", "rollback_of": "P1"}));
    assert_eq!(found(&mut story, "X01"), [""; 0], "back by a patch needs nobody");
    story.live("05T09:00", "P3", "1.4.1");
    assert_eq!(found(&mut story, "X01"), ["P3 05T09:00"], "it was taken back before");
    let mut story = lived();
    story.live_with("03T09:00", "P1", "1.4.1", json!({"hotfix_id": "HF"}));
    assert_eq!(found(&mut story, "X01"), ["P1 03T09:00"]);
}

#[test]
fn x02_is_not_an_attempt_that_was_approved_or_broke_the_glass() {
    let mut story = lived();
    story.start("03T09:00", "P1", "production", "1.5.0");
    assert_eq!(found(&mut story, "X02"), ["P1 03T09:00"], "under way is an attempt");
    story.finish("03T09:05", "P1", "us", "aborted").approve("03T10:00", "A1", "p_rita", "1.5.0");
    story.start("04T09:00", "P2", "production", "1.5.0").finish("04T09:05", "P2", "us", "failed");
    story.build("04T10:00", "1.6.0").start("05T09:00", "P3", "production", "1.6.0");
    story.but(json!({"break_glass": true})).finish("05T09:05", "P3", "us", "failed!");
    story.start("06T09:00", "S1", "staging", "1.6.0").start("06T09:00", "C1", "canary", "1.6.0");
    assert_eq!(found(&mut story, "X02"), ["P1 03T09:00"]);
    assert_eq!(found(&mut story, "X01"), [""; 0]);
}

#[test]
fn x03_is_an_attempt_too_and_not_below_production() {
    let mut story = lived();
    story.commit("02T10:00", "c1.4.1", &["c1.4.0"], "p_olga", "fix: x");
    story.approve("03T08:00", "A1", "p_olga", "1.4.1");
    story.start("03T09:00", "S1", "staging", "1.4.1");
    assert_eq!(found(&mut story, "X03"), [""; 0]);
    story.start("03T10:00", "P1", "production", "1.4.1").finish("03T10:05", "P1", "us", "failed");
    assert_eq!(found(&mut story, "X03"), ["P1 03T10:00"]);
}

#[test]
fn x06_looks_for_a_build_that_succeeded_and_is_known() {
    let mut story = lived();
    story.build("03T08:00", "2.0.0").but(json!({"outcome": "failed"}));
    story.start("03T09:00", "P1", "production", "2.0.0");
    let known = story.seq();
    assert_eq!(found_in(&mut story, "X06", Period::ALL, "severity"), ["warning"], "not live yet");
    story.finish("03T09:05", "P1", "us", "succeeded");
    assert_eq!(found_in(&mut story, "X06", Period::ALL, "severity"), ["violation"]);
    // Its build is reported late: now it is known, and then it was not.
    story.build("03T08:30", "2.0.0");
    assert_eq!(found(&mut story, "X06"), [""; 0]);
    let then = ask(&mut story).known(known).rows("exceptions", "code");
    assert!(then.contains(&"X06".to_owned()), "{then:?}");
    story
        .start("04T09:00", "S1", "staging", "stranger")
        .start("04T09:00", "C1", "canary", "stranger");
    assert_eq!(found(&mut story, "X06"), [""; 0], "of production deploys");
}
