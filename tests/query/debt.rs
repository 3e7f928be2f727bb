//! `debt` (semantics A.8, A.11): what is owed until it is paid, by when, and in which environment.
//! The follow-ups of a hotfix, step by step, are in `hotfix`.

use relbook_query::question::{Answer, Question};
use relbook_testkit::story::Story;
use serde_json::{Value, json};

use crate::ask::{Ask, ask, head, lines};
use crate::listing::ungated;

const COLUMNS: &str = "kind component subject due_at overdue";

fn owed_in(ask: &Ask, environment: &str, component: Option<&str>) -> Answer {
    let (environment, component) = (environment.to_owned(), component.map(str::to_owned));
    ask.answer(&Question::Debt { environment, component }).unwrap()
}

fn debts(ask: &Ask) -> Vec<String> {
    lines(&owed_in(ask, "production", None).table, COLUMNS)
}

fn glass() -> Value {
    json!({"break_glass": true, "incident_id": "I1"})
}

/// 1.4.0 is live; P1 broke the glass at 03T09:00 with 1.4.1, which al wrote.
fn broken() -> Story {
    let mut story = ungated();
    story.commit("01T00:30", "c1.4.1", &[], "al", "fix: x");
    story.build("01T01:00", "1.4.0").build("01T02:00", "1.4.1").live("02T09:00", "P0", "1.4.0");
    story.live_with("03T09:01", "P1", "1.4.1", glass());
    story
}

fn review(story: &mut Story, at: &str, deploy: &str, reviewer: &str) {
    story.push(
        at,
        json!({"kind": "breakglass.reviewed", "deploy_id": deploy, "reviewer": reviewer,
            "result": "fine"}),
    );
}

#[test]
fn a_review_is_owed_from_the_start_until_it_came() {
    let mut story = broken();
    let seq = story.seq();
    let at = |story: &mut Story, at: &str| debts(&ask(story).at(at)).join("");
    assert_eq!(at(&mut story, "03T08:59"), "", "nothing was broken yet");
    assert_eq!(at(&mut story, "03T09:00"), "review api P1 05T09:00 false");
    assert_eq!(at(&mut story, "05T09:00"), "review api P1 05T09:00 false", "on the last instant");
    assert_eq!(at(&mut story, "05T09:00:01"), "review api P1 05T09:00 true");
    review(&mut story, "09T09:00", "P1", "rita");
    assert_eq!(debts(&ask(&mut story)), [""; 0], "late, and paid");
    assert_eq!(at(&mut story, "08T09:00"), "review api P1 05T09:00 true");
    assert_eq!(debts(&ask(&mut story).known(seq)), ["review api P1 05T09:00 true"]);
}

#[test]
fn a_review_that_does_not_count_pays_nothing() {
    let mut story = broken();
    review(&mut story, "03T10:00", "P1", "ci-bot");
    review(&mut story, "03T10:00", "P1", "al");
    review(&mut story, "03T10:00", "P0", "rita");
    review(&mut story, "03T08:59", "P1", "rita");
    let due = ["review api P1 05T09:00 false"];
    assert_eq!(debts(&ask(&mut story)), due, "initiator, author, another deploy, before the start");
    let answer = owed_in(&ask(&mut story), "production", None);
    let row = &answer.table.rows[0];
    assert!(row.evidence.len() >= 3, "start, finish and the review that was none");
    review(&mut story, "03T11:00", "P1", "rita");
    let seq = story.seq();
    assert_eq!(debts(&ask(&mut story)), [""; 0]);
    story.correct("03T12:00", seq);
    assert_eq!(debts(&ask(&mut story)), due);
}

#[test]
fn a_failed_deploy_that_broke_the_glass_is_reviewed_too() {
    let mut story = broken();
    review(&mut story, "03T10:00", "P1", "rita");
    story.start("04T09:00", "P2", "production", "1.4.0").but(glass());
    story.finish("04T09:05", "P2", "us", "failed");
    assert_eq!(debts(&ask(&mut story)), ["review api P2 06T09:00 false"]);
}

#[test]
fn what_is_due_first_comes_first_and_the_header_counts() {
    let mut story = broken();
    story.component("web", json!({"scheme": "semver", "release_model": "deployed", "alias": "w"}));
    story.build("01T05:00", "2.0.0").live_with("03T08:01", "W1", "2.0.0", glass());
    story.turn_to("api").live_with("05T08:31", "P2", "1.4.0", glass());
    let now = ask(&mut story).at("05T08:30");
    let expected = [
        "review web W1 05T08:00 true",
        "review api P1 05T09:00 false",
        "review api P2 07T08:30 false",
    ];
    assert_eq!(debts(&now), expected);
    assert_eq!(
        head(&owed_in(&now, "production", None), "environment open overdue"),
        "production 3 1"
    );
    assert_eq!(lines(&owed_in(&now, "production", Some("w")).table, "subject"), ["W1"]);
    let empty = owed_in(&ask(&mut Story::of_api(&["us"])), "production", None);
    assert_eq!(head(&empty, "open overdue"), "0 0");
}

#[test]
fn debts_are_those_of_the_environment() {
    let mut story = broken();
    story.start("04T09:00", "S1", "staging", "1.4.1").but(glass());
    assert_eq!(debts(&ask(&mut story)), ["review api P1 05T09:00 false"]);
    let staging = owed_in(&ask(&mut story), "staging", None);
    assert_eq!(lines(&staging.table, "subject due_at"), ["S1 06T09:00"]);
    assert_eq!(owed_in(&ask(&mut story), "dev", None).table.rows.len(), 0);
    let ask = ask(&mut story);
    let of = |environment: &str, component: &str| {
        let (environment, component) = (environment.to_owned(), Some(component.to_owned()));
        ask.answer(&Question::Debt { environment, component }).unwrap_err().to_string()
    };
    assert!(of("moon", "api").contains("`moon` is not a registered environment"));
    assert!(of("production", "moon").contains("`moon` is not a registered component"));
}

#[test]
fn the_policy_of_the_start_says_when_it_is_due() {
    let mut story = ungated();
    story.build("01T01:00", "1.4.0").policy("02T00:00", json!({"breakglass_review_hours": 1}));
    story.live_with("02T09:01", "P0", "1.4.0", glass());
    story.policy("02T08:00", json!({"breakglass_review_hours": 72}));
    assert_eq!(debts(&ask(&mut story)), ["review api P0 02T10:00 false"]);
}
