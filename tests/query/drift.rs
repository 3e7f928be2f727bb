//! Which targets are not on the intended version (semantics C.2 N3): what is intended, each kind
//! of drift beside the nearest case that is none, and since when.

use relbook_query::question::Question;
use relbook_testkit::story::Story;
use serde_json::json;

use crate::ask::{Ask, ask, lines, warnings};
use crate::listing::{evidence, observe};

const COLUMNS: &str = "target kind intended live observed since";

fn question() -> Question {
    Question::Drift { environment: "production".to_owned(), component: None }
}

fn asked(ask: &Ask) -> Vec<String> {
    lines(&ask.answer(&question()).unwrap().table, COLUMNS)
}

fn drift(story: &mut Story) -> Vec<String> {
    asked(&ask(story))
}

/// 1.4.0 is live on us and eu; 1.4.1 and 1.5.0 are built.
fn lived() -> Story {
    let mut story = Story::of_api(&["us", "eu"]);
    for (hour, version) in [("00", "1.4.0"), ("01", "1.4.1"), ("02", "1.5.0")] {
        story.build(&format!("01T{hour}:00"), version);
    }
    story.live("02T09:00", "P0", "1.4.0");
    story
}

fn on(target: &str) -> serde_json::Value {
    json!({"targets": [target]})
}

#[test]
fn nothing_deployed_or_everything_as_intended_is_no_row() {
    let mut story = Story::of_api(&["us"]);
    assert_eq!(drift(&mut story), [""; 0], "nothing is intended yet");
    assert_eq!(drift(&mut lived()), [""; 0]);
    assert_eq!(drift(Story::empty().environment("01T00:00", "production", &["us"])), [""; 0]);
}

#[test]
fn a_target_that_was_left_behind_is_a_straggler_since_the_release() {
    let mut story = lived();
    story.live_with("03T09:00", "P1", "1.4.1", on("us"));
    let release = story.seq();
    assert_eq!(drift(&mut story), ["eu straggler 1.4.1 1.4.0 - 03T09:00"]);
    // The finish that made the intention, and start and finish of what is there.
    let seqs = evidence(&mut story, &question());
    assert!(seqs[0].contains(&release) && seqs[0].len() == 3, "{seqs:?}");
    assert_eq!(asked(&ask(&mut story).at("03T08:59")), [""; 0], "not yet");
    assert_eq!(asked(&ask(&mut story).known(release - 1)), [""; 0], "not known yet");
    story.live_with("04T09:00", "P2", "1.4.1", on("eu"));
    assert_eq!(drift(&mut story), [""; 0]);
}

#[test]
fn a_late_event_counts_when_it_happened() {
    let mut story = lived();
    story.live_with("03T09:00", "P1", "1.5.0", on("us"));
    // A patch that is claimed to have gone out before is not the newest release.
    story.live_with("02T12:00", "P2", "1.4.1", on("us"));
    assert_eq!(drift(&mut story), ["eu straggler 1.5.0 1.4.0 - 03T09:00"]);
}

#[test]
fn a_release_that_was_rolled_back_is_not_intended() {
    let mut story = lived();
    story.live("03T09:00", "P1", "1.5.0");
    let back = json!({"reason": "rollback", "rollback_of": "P1", "targets": ["us"]});
    story.live_with("04T09:00", "P2", "1.4.0", back.clone());
    // Half way back: the other target still has what was taken back.
    assert_eq!(drift(&mut story), ["eu straggler 1.4.0 1.5.0 - 04T09:00"]);
    let mut rest = back;
    rest["targets"] = json!(["eu"]);
    story.live_with("04T10:00", "P3", "1.4.0", rest);
    assert_eq!(drift(&mut story), [""; 0]);
    // Promoted again, it is intended again.
    story.live_with("05T09:00", "P4", "1.5.0", on("us"));
    assert_eq!(drift(&mut story), ["eu straggler 1.5.0 1.4.0 - 05T09:00"]);
}

#[test]
fn a_way_back_keeps_the_release_that_it_goes_to() {
    let mut story = lived();
    story.live("03T09:00", "P1", "1.4.1").live("04T09:00", "P2", "1.5.0");
    let back = json!({"reason": "rollback", "rollback_of": "P2", "targets": ["us"]});
    story.live_with("05T09:00", "P3", "1.4.1", back);
    assert_eq!(drift(&mut story), ["eu straggler 1.4.1 1.5.0 - 05T09:00"], "not the one before");
}

#[test]
fn a_failed_deploy_and_a_canary_intend_nothing() {
    let mut story = lived();
    story.start("03T09:00", "P1", "production", "1.4.1");
    story.finish("03T09:05", "P1", "us", "failed").finish("03T09:05", "P1", "eu", "aborted");
    story.start("04T09:00", "C1", "canary", "1.5.0").progress("04T09:01", "C1", "us", 5);
    assert_eq!(drift(&mut story), [""; 0]);
}

#[test]
fn a_target_without_the_component_is_a_straggler_since_it_left() {
    let mut story = Story::of_api(&["us", "eu"]);
    story.build("01T01:00", "1.4.0").live_with("02T09:00", "P0", "1.4.0", on("us"));
    assert_eq!(drift(&mut story), ["eu straggler 1.4.0 - - 02T09:00"], "it never had it");
    story.live_with("02T10:00", "P1", "1.4.0", on("eu")).remove("03T09:00", "eu");
    let removal = story.seq();
    assert_eq!(drift(&mut story), ["eu straggler 1.4.0 - - 03T09:00"]);
    assert!(evidence(&mut story, &question())[0].contains(&removal));
}

#[test]
fn what_is_seen_as_deployed_is_no_drift() {
    let mut story = lived();
    observe(&mut story, "03T09:00", "us", "1.4.0");
    story.start("04T09:00", "C1", "canary", "1.5.0").progress("04T09:01", "C1", "us", 5);
    observe(&mut story, "04T09:02", "us", "1.5.0");
    assert_eq!(drift(&mut story), [""; 0], "a canary may be seen");
    story.start("05T09:00", "P1", "production", "1.4.1");
    observe(&mut story, "05T09:01", "eu", "1.4.1");
    assert_eq!(drift(&mut story), [""; 0], "a deploy under way has put it there");
    // What was seen before a deploy began is not its doing.
    observe(&mut story, "05T09:00", "us", "1.4.1");
    story.but(json!({"occurred_at": "2026-06-05T08:59:59Z"}));
    assert_eq!(drift(&mut story), ["us drift 1.4.0 1.4.0 1.4.1 05T08:59:59"]);
    observe(&mut story, "05T09:03", "us", "1.4.1");
    assert_eq!(drift(&mut story), [""; 0]);
    observe(&mut story, "05T09:02", "eu", "1.4.9");
    let kind = ["eu drift 1.4.0 1.4.0 - 05T09:02"];
    assert_eq!(drift(&mut story), kind, "what no deploy brings is drift");
}

#[test]
fn drift_is_since_it_was_first_seen_in_a_row() {
    let mut story = lived();
    observe(&mut story, "03T09:00", "us", "1.4.1");
    observe(&mut story, "03T10:00", "us", "1.4.0");
    let first = observe(&mut story, "03T11:00", "us", "1.4.1");
    observe(&mut story, "03T12:00", "us", "1.4.1");
    let last = observe(&mut story, "03T13:00", "us", "1.4.1");
    assert_eq!(drift(&mut story), ["us drift 1.4.0 1.4.0 1.4.1 03T11:00"]);
    let seqs = evidence(&mut story, &question()).remove(0);
    assert!(seqs.contains(&first) && seqs.contains(&last), "{seqs:?}");
    let digests = "intended_digest live_digest observed_digest";
    let answer = ask(&mut story).answer(&question()).unwrap();
    assert_eq!(lines(&answer.table, digests), ["@1.4.0 @1.4.0 @1.4.1"]);
    assert_eq!(asked(&ask(&mut story).at("03T10:30")), [""; 0], "as it was seen then");
}

#[test]
fn an_artifact_without_a_build_has_a_digest_and_no_version() {
    let mut story = lived();
    observe(&mut story, "03T09:00", "us", "stranger");
    let answer = ask(&mut story).answer(&question()).unwrap();
    assert_eq!(lines(&answer.table, "kind observed observed_digest"), ["drift - @stranger"]);
}

#[test]
fn what_was_seen_before_the_last_change_is_stale() {
    let mut story = lived();
    let seen = observe(&mut story, "03T09:00", "us", "1.4.0");
    story.live("03T09:00", "P1", "1.4.1");
    let stale = ["us stale_observation 1.4.1 1.4.1 1.4.0 03T09:00"];
    assert_eq!(drift(&mut story), stale, "at the same instant the earlier seq came first");
    assert!(evidence(&mut story, &question())[0].contains(&seen));
    observe(&mut story, "03T09:00", "us", "1.4.0");
    assert_eq!(drift(&mut story), ["us drift 1.4.1 1.4.1 1.4.0 03T09:00"]);
    observe(&mut story, "03T09:01", "us", "1.4.1");
    assert_eq!(drift(&mut story), [""; 0]);
}

#[test]
fn a_deploy_that_failed_or_came_again_makes_stale_what_was_seen_before() {
    let mut story = lived();
    story.start("03T09:00", "P1", "production", "1.5.0");
    observe(&mut story, "03T09:02", "us", "1.5.0");
    story.finish("03T09:05", "P1", "us", "failed").finish("03T09:05", "P1", "eu", "failed");
    assert_eq!(drift(&mut story), ["us stale_observation 1.4.0 1.4.0 1.5.0 03T09:05"]);
    observe(&mut story, "03T09:06", "us", "1.5.0");
    assert_eq!(drift(&mut story), ["us drift 1.4.0 1.4.0 1.5.0 03T09:02"], "it is still there");
    story.live("04T09:00", "P2", "1.4.0");
    assert_eq!(drift(&mut story), ["us stale_observation 1.4.0 1.4.0 1.5.0 04T09:00"]);
}

#[test]
fn what_runs_where_nothing_was_deployed_is_untracked() {
    let mut story = Story::of_api(&["us", "eu"]);
    story.build("01T01:00", "1.4.0");
    observe(&mut story, "01T09:00", "eu", "1.4.0");
    assert_eq!(drift(&mut story), ["eu untracked - - 1.4.0 01T09:00"], "nothing is intended");
    story.live_with("02T09:00", "P0", "1.4.0", on("us"));
    observe(&mut story, "02T10:00", "old", "1.4.0");
    let expected = [
        "eu straggler 1.4.0 - 1.4.0 02T09:00",
        "eu untracked 1.4.0 - 1.4.0 01T09:00",
        "old untracked 1.4.0 - 1.4.0 02T10:00",
    ];
    assert_eq!(drift(&mut story), expected, "an undeclared target comes last");
    story.live_with("02T11:00", "P1", "1.4.0", on("eu")).remove("03T09:00", "eu");
    let rows = drift(&mut story);
    assert_eq!(rows[1], "eu stale_observation 1.4.0 - 1.4.0 03T09:00", "seen before it left");
}

#[test]
fn a_canary_on_an_empty_target_may_be_seen() {
    let mut story = Story::of_api(&["us"]);
    story.build("01T01:00", "1.4.0");
    story.start("02T09:00", "C1", "canary", "1.4.0").progress("02T09:01", "C1", "us", 5);
    observe(&mut story, "02T09:02", "us", "1.4.0");
    assert_eq!(drift(&mut story), [""; 0]);
    // A preview without traffic is not live, and its deploy is over.
    story.progress("02T09:03", "C1", "us", 0).finish("02T09:04", "C1", "us", "succeeded");
    observe(&mut story, "02T09:05", "us", "1.4.0");
    assert_eq!(drift(&mut story), ["us untracked - - 1.4.0 02T09:02"]);
}

#[test]
fn a_corrected_observation_was_never_made() {
    let mut story = lived();
    let seq = observe(&mut story, "03T09:00", "us", "1.4.1");
    story.correct("03T10:00", seq);
    assert_eq!(drift(&mut story), [""; 0]);
    assert_eq!(asked(&ask(&mut story).known(seq)).len(), 1, "the book knew no better then");
}

#[test]
fn a_target_that_was_left_half_done_is_a_warning_until_it_is_well() {
    let mut story = lived();
    story.start("03T09:00", "P1", "production", "1.4.1");
    story.finish("03T09:05", "P1", "us", "failed!").finish("03T09:05", "P1", "eu", "failed");
    let answer = ask(&mut story).answer(&question()).unwrap();
    assert_eq!((answer.table.rows.len(), warnings(&answer)), (0, vec!["indeterminate"]));
    let detail = &answer.warnings[0].detail;
    assert!(detail.starts_with("P1 failed on us and did not restore"), "{detail}");
    story.live("03T10:00", "P2", "1.4.0");
    assert_eq!(warnings(&ask(&mut story).answer(&question()).unwrap()), [""; 0]);
}

#[test]
fn only_what_is_deployed_can_drift_and_names_are_checked() {
    let mut story = lived();
    story.component("cli", json!({"scheme": "semver", "release_model": "published"}));
    story.publish("03T09:00", "1.9.0");
    assert_eq!(drift(&mut story), [""; 0]);
    let ask = ask(&mut story);
    let of = |environment: &str, component: Option<&str>| {
        let component = component.map(str::to_owned);
        ask.answer(&Question::Drift { environment: environment.to_owned(), component })
    };
    assert!(of("production", Some("api")).is_ok());
    let error = of("production", Some("nothing")).unwrap_err().to_string();
    assert_eq!(error, "`nothing` is not a registered component; there are: api, cli");
    let error = of("moon", None).unwrap_err().to_string();
    assert!(error.starts_with("`moon` is not a registered environment"), "{error}");
}
