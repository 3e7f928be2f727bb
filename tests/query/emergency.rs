//! `emergency` (semantics B.3 file 5, C.2 N6): every deploy that broke the glass, what it skipped,
//! who approved it afterwards, and whether somebody looked at it in time.

use relbook_query::question::Question;
use relbook_query::release::Period;
use relbook_testkit::story::Story;
use serde_json::{Value, json};

use crate::ask::{Ask, ask, lines, warnings};
use crate::listing::{evidence, found, found_in, period, ungated};

fn question() -> Question {
    Question::Emergency { component: None, period: Period::ALL }
}

fn asked(ask: &Ask, columns: &str) -> Vec<String> {
    lines(&ask.answer(&question()).unwrap().table, columns)
}

fn emergency(story: &mut Story, columns: &str) -> Vec<String> {
    asked(&ask(story), columns)
}

/// 1.4.0 is live; olga wrote 1.5.0; 1.4.1 is built.
fn lived() -> Story {
    let mut story = ungated();
    story.build("01T01:00", "1.4.0").live("02T09:00", "P0", "1.4.0");
    story.commit("02T10:00", "c1.5.0", &["c1.4.0"], "olga", "feat: x").build("02T11:00", "1.5.0");
    story.build("02T12:00", "1.4.1");
    story
}

fn glass() -> Value {
    json!({"break_glass": true, "incident_id": "I1", "initiated_by": "ivan"})
}

/// P1 broke the glass: started 03T09:00, so that its review is due 05T09:00.
fn broken() -> Story {
    let mut story = lived();
    story.live_with("03T09:01", "P1", "1.5.0", glass());
    story
}

fn review(story: &mut Story, at: &str, reviewer: &str) {
    story.push(
        at,
        json!({"kind": "breakglass.reviewed", "deploy_id": "P1", "reviewer": reviewer,
            "result": "justified"}),
    );
}

const REVIEW: &str = "review_due_at reviewer review_at review_result overdue";

#[test]
fn a_broken_glass_is_a_row_with_why_and_by_whom() {
    let mut story = broken();
    story.live_with("04T09:01", "P2", "1.4.1", glass());
    story.start("06T09:00", "P3", "production", "1.5.0");
    story.but(json!({"break_glass": true, "description": "the disk is full", "reason": "hotfix"}));
    let columns = "change_id declared_by incident_id started_at finished_at outcome";
    let expected = [
        "P1 ivan I1 03T09:00 03T09:01 succeeded",
        "P2 ivan I1 04T09:00 04T09:01 succeeded",
        "P3 ci-bot - 06T09:00 - in_flight",
    ];
    assert_eq!(emergency(&mut story, columns), expected);
    let words = emergency(&mut story, "reason component environment");
    assert_eq!(words[0], "promotion api production", "without a description, the word");
    assert_eq!(words[2], "the disk is full api production");
    let answer = ask(&mut story).answer(&question()).unwrap();
    assert_eq!(warnings(&answer), ["no_incident"], "P3 names none");
    assert!(answer.holds, "a list with findings exits 0");
}

#[test]
fn a_deploy_that_did_not_break_it_is_no_row() {
    let mut story = lived();
    story.live_with("03T09:01", "P1", "1.5.0", json!({"break_glass": false}));
    story.live_with("04T09:01", "P2", "1.4.1", json!({"incident_id": "I1", "reason": "hotfix"}));
    assert_eq!(emergency(&mut story, "change_id"), [""; 0]);
    assert_eq!(emergency(&mut Story::empty(), "change_id"), [""; 0], "an empty book");
}

#[test]
fn the_review_is_due_after_48_hours_and_overdue_one_second_later() {
    let mut story = broken();
    let at = |story: &mut Story, at: &str| asked(&ask(story).at(at), REVIEW).join("");
    assert_eq!(at(&mut story, "05T09:00"), "05T09:00 - - - false");
    assert_eq!(at(&mut story, "05T09:00:01"), "05T09:00 - - - true");
    // In time on the last instant.
    review(&mut story, "05T09:00", "rita");
    story.push("09T09:00", json!({"kind": "incident.opened", "incident_id": "I2"}));
    assert_eq!(emergency(&mut story, REVIEW), ["05T09:00 rita 05T09:00 justified false"]);
    assert_eq!(found(&mut story, "X05"), [""; 0]);
    let mut story = broken();
    review(&mut story, "05T09:00:01", "rita");
    assert_eq!(emergency(&mut story, REVIEW), ["05T09:00 rita 05T09:00:01 justified false"]);
    assert_eq!(found(&mut story, "X05"), ["P1 05T09:00"], "reviewed, and too late");
}

#[test]
fn the_policy_of_the_start_says_how_long() {
    let mut story = lived();
    story.policy("03T00:00", json!({"breakglass_review_hours": 24}));
    story.live_with("03T09:01", "P1", "1.5.0", glass());
    story.policy("03T08:00", json!({"breakglass_review_hours": 1000}));
    assert_eq!(emergency(&mut story, "review_due_at"), ["04T09:00"]);
}

#[test]
fn who_started_or_wrote_it_cannot_review_it() {
    let mut story = broken();
    review(&mut story, "03T10:00", "ivan");
    review(&mut story, "03T11:00", "olga");
    assert_eq!(emergency(&mut story, REVIEW), ["05T09:00 - - - false"]);
    let why = ["[ivan: who started the deploy does not review it,\
        olga: who wrote what it brought does not review it]"];
    assert_eq!(emergency(&mut story, "reviews_not_counted"), why);
    review(&mut story, "03T12:00", "rita");
    review(&mut story, "03T13:00", "zoe");
    assert_eq!(emergency(&mut story, REVIEW), ["05T09:00 rita 03T12:00 justified false"], "first");
}

#[test]
fn a_review_of_before_the_start_is_none() {
    let mut story = broken();
    review(&mut story, "03T08:59", "rita");
    assert_eq!(emergency(&mut story, REVIEW), ["05T09:00 - - - false"]);
    review(&mut story, "03T09:00", "rita");
    assert_eq!(emergency(&mut story, "review_at"), ["03T09:00"], "of the same instant, later");
}

#[test]
fn both_clocks_are_kept() {
    let mut story = broken();
    let before = story.seq();
    review(&mut story, "04T09:00", "rita");
    let seq = story.seq();
    story.push("09T09:00", json!({"kind": "incident.opened", "incident_id": "I2"}));
    assert_eq!(asked(&ask(&mut story).at("04T08:59"), "reviewer overdue"), ["- false"]);
    assert_eq!(asked(&ask(&mut story).known(before), "reviewer overdue"), ["- true"]);
    assert_eq!(asked(&ask(&mut story).at("03T08:59"), "change_id"), [""; 0]);
    story.correct("09T10:00", seq);
    assert_eq!(emergency(&mut story, "reviewer overdue"), ["- true"], "it was never reviewed");
}

#[test]
fn gates_skipped_are_those_that_did_not_pass() {
    let mut story = lived();
    story.policy("02T13:00", json!({"gates": {"production": ["unit", "lint", "approval"]}}));
    let check = |suite: &str, result: &str| {
        json!({"kind": "check.completed", "component": "api", "suite": suite, "result": result,
            "commit": "c1.5.0"})
    };
    story.push("02T14:00", check("unit", "pass")).push("02T14:01", check("lint", "fail"));
    let lint = story.seq();
    story.live_with("03T09:01", "P1", "1.5.0", glass());
    assert_eq!(emergency(&mut story, "gates_skipped"), ["[lint,approval]"]);
    assert!(evidence(&mut story, &question())[0].contains(&lint));
    // Broken glass keeps a failed gate in the list, as a warning.
    let gates = found_in(&mut story, "X04", Period::ALL, "change_id severity");
    assert_eq!(gates, ["P1 warning"]);
    assert_eq!(found(&mut story, "X01"), ["P0 02T09:00"], "P1 is no X01");
}

#[test]
fn an_approval_afterwards_is_named_and_never_makes_it_approved() {
    let columns = "retro_approver retro_approved_at";
    let mut story = broken();
    assert_eq!(emergency(&mut story, columns), ["- -"]);
    // By an author, by the initiator, and without the role.
    story.approve("03T10:00", "A1", "olga", "1.5.0").approve("03T10:01", "A2", "ivan", "1.5.0");
    story.approve("03T10:02", "A3", "eve", "1.5.0").but(json!({"role": "reader"}));
    assert_eq!(emergency(&mut story, columns), ["- -"]);
    story.approve("03T10:03", "A4", "rita", "1.5.0").approve("03T10:04", "A5", "zoe", "1.5.0");
    assert_eq!(emergency(&mut story, columns), ["rita 03T10:03"], "the first that could count");
    assert_eq!(ask(&mut story).deploy("P1", "approval_verdict"), "break_glass");
    // One that counted and was not enough was not given afterwards.
    let mut story = lived();
    story.policy("02T13:00", json!({"quorum": 2})).approve("03T08:00", "A1", "rita", "1.5.0");
    story.live_with("03T09:01", "P1", "1.5.0", glass());
    assert_eq!(emergency(&mut story, columns), ["- -"]);
    // Dated back to before the start: recorded late, still afterwards.
    let mut story = broken();
    story.approve("03T08:00", "A1", "rita", "1.5.0");
    assert_eq!(emergency(&mut story, columns), ["rita 03T08:00"]);
}

#[test]
fn the_period_is_half_open_by_the_start_and_of_one_component() {
    let mut story = broken();
    let of = |story: &mut Story, component: Option<&str>, period: Period| {
        let component = component.map(str::to_owned);
        ask(story).answer(&Question::Emergency { component, period })
    };
    let count = |story: &mut Story, from: &str, to: &str| {
        of(story, Some("api"), period(from, to)).unwrap().table.rows.len()
    };
    assert_eq!(count(&mut story, "03T09:00", "04T00:00"), 1);
    assert_eq!(count(&mut story, "03T00:00", "03T09:00"), 0);
    assert_eq!(count(&mut story, "03T09:00:01", "04T00:00"), 0, "finished within is not begun");
    assert!(of(&mut story, Some("moon"), Period::ALL).is_err());
    assert!(of(&mut story, None, period("04T00:00", "03T00:00")).is_err());
}

#[test]
fn a_row_has_the_seqs_of_deploy_review_and_approval() {
    let mut story = broken();
    let finish = story.seq();
    story.approve("03T10:00", "A1", "rita", "1.5.0");
    review(&mut story, "03T11:00", "zoe");
    let rests = evidence(&mut story, &question());
    assert_eq!(rests, [vec![finish - 1, finish, finish + 1, finish + 2]]);
}
