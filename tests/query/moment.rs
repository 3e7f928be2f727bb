//! What ran where at a moment, and what changed before it (semantics C.2 N2): as known now, as
//! believed then, and the limits of the window.

use relbook_ledger::time::Time;
use relbook_query::question::{Answer, AnswerError, Question};
use relbook_testkit::story::{self, Story, digest};
use serde_json::json;

use crate::ask::{Ask, ask, evidence, head, lines};

const HOUR: i64 = 3600;

fn asked(ask: &Ask, at: &str, window_seconds: i64) -> Answer {
    let at = Time::parse(&story::time(at)).unwrap();
    let environment = "production".to_owned();
    ask.answer(&Question::At { environment, at, window_seconds }).unwrap()
}

fn of(answer: &Answer, row: &str, columns: &str) -> Vec<String> {
    let all = lines(&answer.table, &format!("row {columns}"));
    all.iter().filter_map(|line| line.strip_prefix(&format!("{row} "))).map(str::to_owned).collect()
}

fn live(ask: &Ask, at: &str) -> Vec<String> {
    of(&asked(ask, at, HOUR), "live", "kind target role weight version known")
}

fn changes(ask: &Ask, at: &str, window: i64) -> Vec<String> {
    of(&asked(ask, at, window), "change", "at kind known")
}

fn built(targets: &[&str]) -> Story {
    let mut story = Story::of_api(targets);
    story.build("01T01:00", "1.4.1").build("01T02:00", "1.4.2").build("01T03:00", "1.4.3");
    story
}

#[test]
fn the_shares_of_a_moment() {
    let mut story = built(&["us", "eu"]);
    story.live("02T09:00", "P1", "1.4.1").start("03T09:00", "C2", "canary", "1.4.2");
    story.progress("03T09:10", "C2", "eu", 5);
    let ask = ask(&mut story);
    let stable = ["share us stable 100 1.4.1 both", "share eu stable 100 1.4.1 both"];
    assert_eq!(live(&ask, "02T09:00"), stable, "on the instant");
    let canary = [
        "share us stable 100 1.4.1 both",
        "share eu stable 95 1.4.1 both",
        "share eu canary 5 1.4.2 both",
    ];
    assert_eq!(live(&ask, "03T09:10"), canary);
    assert_eq!(live(&ask, "03T09:09:59"), stable);
    assert_eq!(live(&ask, "02T08:59:59"), ["none - - - - now"], "a row, and why");
}

#[test]
fn the_window_holds_both_of_its_ends() {
    let mut story = built(&["us"]);
    story.start("02T08:00", "P1", "production", "1.4.1").finish(
        "02T09:00",
        "P1",
        "us",
        "succeeded",
    );
    story.publish("03T00:00", "9.9.9");
    let ask = ask(&mut story);
    let start = "02T08:00 deploy.started both";
    let finish = "02T09:00 transition both";
    assert_eq!(changes(&ask, "02T09:00", HOUR), [start, finish]);
    assert_eq!(changes(&ask, "02T09:00", HOUR - 1), [finish]);
    assert_eq!(changes(&ask, "02T09:00", 0), [finish]);
    assert_eq!(changes(&ask, "02T08:59:59", HOUR), [start]);
    assert_eq!(changes(&ask, "02T10:00:01", HOUR), [""; 0]);
    let answer = asked(&ask, "02T09:00", HOUR);
    assert_eq!(head(&answer, "environment at window_from"), "production 02T09:00 02T08:00");
}

#[test]
fn a_finish_is_a_transition_only_when_it_changed_something() {
    let mut story = built(&["us", "eu"]);
    story.live("02T08:00", "P1", "1.4.1").start("02T09:00", "P2", "production", "1.4.2");
    story.finish("02T09:10", "P2", "us", "succeeded").finish("02T09:20", "P2", "eu", "failed!");
    story.live_with("02T09:30", "P3", "1.4.2", json!({"targets": ["us"], "reason": "redeploy"}));
    story.remove("02T09:40", "eu");
    let answer = asked(&ask(&mut story), "02T09:45", 46 * 60);
    let columns = "kind target version from_version deploy_id detail";
    let expected = [
        "deploy.started - 1.4.2 - P2 stage production",
        "transition us 1.4.2 1.4.1 P2 succeeded",
        "deploy.finished eu 1.4.2 - P2 failed",
        "deploy.started - 1.4.2 - P3 stage production",
        "deploy.finished us 1.4.2 - P3 succeeded",
        "deploy.removed eu - - - -",
    ];
    assert_eq!(of(&answer, "change", columns), expected);
}

#[test]
fn flags_freezes_and_configuration_are_changes_in_effective_order() {
    let mut story = built(&["us"]);
    story.policy("02T09:30", json!({"quorum": 2}));
    let freeze = json!({"kind": "freeze.declared", "freeze_id": "F1", "reason": "fair"});
    story.push("02T09:20", freeze.clone());
    story
        .push("02T09:21", freeze.clone())
        .but(json!({"freeze_id": "F2", "environment": "staging"}));
    let flag = json!({"kind": "artifact.flagged", "component": "api", "digest": digest("1.4.1"),
        "flag": "vulnerable", "cve": "CVE-2026-1", "reason": "x"});
    story.push("02T09:10", flag);
    story.environment("02T09:40", "production", &["us", "eu"]);
    story.environment("02T09:41", "staging", &["stg-1", "stg-2"]);
    let answer = asked(&ask(&mut story), "02T10:00", HOUR);
    let expected = [
        "artifact.flagged api 1.4.1 vulnerable CVE-2026-1",
        "freeze.declared - - F1",
        "policy.set - - quorum",
        "environment.registered - - production",
    ];
    assert_eq!(of(&answer, "change", "kind component version detail"), expected);
}

#[test]
fn what_came_late_is_known_now_and_was_not_then() {
    let mut story = built(&["us"]);
    story.live("02T09:00", "P1", "1.4.1").start("03T09:00", "P2", "production", "1.4.2");
    // The clock of the book stands at the start of the flag when the finish arrives.
    story.push(
        "04T00:00",
        json!({"kind": "artifact.flagged", "component": "api", "flag": "bad",
        "digest": digest("1.4.3"), "reason": "x"}),
    );
    let late = story.finish("03T09:05", "P2", "us", "succeeded").seq();
    let ask_now = ask(&mut story);
    let rows = ["share us stable 100 1.4.2 now", "share us stable 100 1.4.1 then"];
    assert_eq!(live(&ask_now, "03T10:00"), rows);
    let moved = ["03T09:00 deploy.started both", "03T09:05 transition now"];
    assert_eq!(changes(&ask_now, "03T10:00", HOUR), moved);
    assert_eq!(head(&asked(&ask_now, "03T10:00", HOUR), "known_then"), (late - 2).to_string());
    // From what the book knew before the late event there is one view only.
    let before = ask(&mut story).known(late - 1);
    assert_eq!(live(&before, "03T10:00"), ["share us stable 100 1.4.1 both"]);
    // Once it has arrived, a later moment is the same in both.
    assert_eq!(live(&ask_now, "05T00:00"), ["share us stable 100 1.4.2 both"]);
}

#[test]
fn what_was_corrected_since_was_believed_then() {
    let mut story = built(&["us"]);
    story.live("02T09:00", "P1", "1.4.1");
    let wrong = story.live("03T09:00", "P2", "1.4.2").seq();
    // Claimed to be from before the moment, recorded after it.
    story.publish("04T00:00", "9.9.9").correct("03T09:20", wrong);
    let ask = ask(&mut story);
    let rows = ["share us stable 100 1.4.1 now", "share us stable 100 1.4.2 then"];
    assert_eq!(live(&ask, "03T09:30"), rows);
    let kinds = ["03T08:59 deploy.started both", "03T09:00 transition then"];
    assert_eq!(changes(&ask, "03T09:30", HOUR), kinds);
}

#[test]
fn published_components_are_compared_too() {
    let mut story = built(&["us"]);
    story.live("01T09:00", "P1", "1.4.1");
    story.component("sdk", json!({"scheme": "semver", "release_model": "published"}));
    story.publish("02T09:00", "2.0.0").yank("05T00:00", "9.9.9");
    story.publish("03T09:00", "2.1.0");
    let ask = ask(&mut story);
    let sdk = |at: &str| {
        let rows = of(&asked(&ask, at, 0), "live", "component kind version since known");
        rows.into_iter()
            .filter_map(|row| Some(row.strip_prefix("sdk ")?.to_owned()))
            .collect::<Vec<_>>()
    };
    assert_eq!(sdk("02T10:00"), ["published 2.0.0 02T09:00 both"]);
    assert_eq!(sdk("04T00:00"), ["published 2.1.0 03T09:00 now", "published 2.0.0 02T09:00 then"]);
    assert_eq!(sdk("01T10:00"), ["none - - now"]);
}

#[test]
fn a_moment_after_as_of_is_cut_to_it() {
    let mut story = built(&["us"]);
    story.live("02T09:00", "P1", "1.4.1").live("03T09:00", "P2", "1.4.2");
    let ask = ask(&mut story).at("02T12:00");
    assert_eq!(live(&ask, "04T00:00"), ["share us stable 100 1.4.1 both"]);
    assert_eq!(head(&asked(&ask, "04T00:00", HOUR), "at"), "02T12:00");
}

#[test]
fn every_row_rests_on_its_events() {
    let mut story = built(&["us"]);
    let finish = story.live("02T09:00", "P1", "1.4.1").seq();
    let answer = asked(&ask(&mut story), "02T09:00", HOUR);
    let build = 7;
    let expected = [vec![build, finish - 1, finish], vec![finish - 1], vec![finish]];
    assert_eq!(evidence(&answer.table), expected);
    let nothing = asked(&ask(&mut story), "02T08:00", 0);
    assert_eq!(evidence(&nothing.table), [vec![2, 5]]);
}

#[test]
fn before_the_environment_was_registered_nothing_ran_there() {
    let mut story = built(&["us"]);
    let at = Time::parse("2026-05-01T00:00:00Z").unwrap();
    let environment = "production".to_owned();
    let question = Question::At { environment, at, window_seconds: HOUR };
    let answer = ask(&mut story).at("01T00:00").answer(&question).unwrap();
    assert!(answer.table.rows.is_empty());
    // Another name than the default may be a slip.
    let environment = "produktion".to_owned();
    let question = Question::At { environment, at, window_seconds: HOUR };
    let refused = ask(&mut story).answer(&question);
    assert!(matches!(refused, Err(AnswerError::UnknownEnvironment { .. })));
}
