//! Deploys that ran into each other (semantics A.5, C.2 N8): same component, environment, stage
//! and target; what finished last is live, and may be the older build.

use relbook_query::question::Question;
use relbook_query::release::Period;
use relbook_testkit::story::Story;
use serde_json::{Value, json};

use crate::ask::{Ask, ask, lines};
use crate::listing::{evidence, found, found_in, period, ungated};

const COLUMNS: &str = "deploy_a deploy_b target overlap_from overlap_to finished_last downgrade";

fn question() -> Question {
    Question::Overlaps { component: None, period: Period::ALL }
}

fn asked(ask: &Ask) -> Vec<String> {
    lines(&ask.answer(&question()).unwrap().table, COLUMNS)
}

fn overlaps(story: &mut Story) -> Vec<String> {
    asked(&ask(story))
}

fn lived() -> Story {
    built(ungated())
}

fn built(mut story: Story) -> Story {
    for (i, version) in ["1.4.0", "1.4.1", "1.4.2"].iter().enumerate() {
        story.build(&format!("01T0{i}:00"), version);
    }
    story.live("02T09:00", "P0", "1.4.0");
    story
}

/// A starts at 09:00 with one artifact, B at 09:02 with another.
fn two(a: &str, b: &str) -> Story {
    let mut story = lived();
    story.start("03T09:00", "A", "production", a).start("03T09:02", "B", "production", b);
    story
}

#[test]
fn while_both_run_no_end_is_known() {
    assert_eq!(overlaps(&mut two("1.4.1", "1.4.2")), ["A B us 03T09:02 - - -"]);
    let mut story = two("1.4.1", "1.4.2");
    story.finish("03T09:05", "A", "us", "succeeded");
    assert_eq!(overlaps(&mut story), ["A B us 03T09:02 03T09:05 - -"], "one of them runs");
    assert_eq!(overlaps(&mut Story::empty()), [""; 0], "an empty book");
}

#[test]
fn what_finished_last_is_live_and_may_be_older() {
    let after = |a: &str, b: &str, a_at: &str, b_at: &str| {
        let mut story = two(a, b);
        story.finish(a_at, "A", "us", "succeeded").finish(b_at, "B", "us", "succeeded");
        overlaps(&mut story).remove(0).split_off("A B us 03T09:02 ".len())
    };
    assert_eq!(after("1.4.1", "1.4.2", "03T09:05", "03T09:10"), "03T09:05 B false");
    assert_eq!(after("1.4.1", "1.4.2", "03T09:10", "03T09:05"), "03T09:05 A true");
    assert_eq!(after("1.4.2", "1.4.1", "03T09:05", "03T09:10"), "03T09:05 B true");
    assert_eq!(after("1.4.1", "1.4.1", "03T09:05", "03T09:10"), "03T09:05 B false", "the same");
    // At one instant the later seq is the later finish.
    assert_eq!(after("1.4.1", "1.4.2", "03T09:05", "03T09:05"), "03T09:05 B false");
    // Without a build its version is not known, so neither is the downgrade.
    assert_eq!(after("1.4.1", "stranger", "03T09:05", "03T09:10"), "03T09:05 B -");
}

#[test]
fn what_did_not_succeed_overwrote_nothing() {
    let mut story = two("1.4.1", "1.4.2");
    story.finish("03T09:05", "B", "us", "succeeded").finish("03T09:10", "A", "us", "failed");
    assert_eq!(overlaps(&mut story), ["A B us 03T09:02 03T09:05 A false"]);
}

#[test]
fn one_that_began_when_the_other_had_ended_is_no_overlap() {
    let mut story = lived();
    story.start("03T09:00", "A", "production", "1.4.1").finish("03T09:05", "A", "us", "succeeded");
    story.start("03T09:05", "B", "production", "1.4.2");
    assert_eq!(overlaps(&mut story), [""; 0], "at one instant, by seq");
    let mut story = lived();
    story.start("03T09:00", "A", "production", "1.4.1").start(
        "03T09:05",
        "B",
        "production",
        "1.4.2",
    );
    story.finish("03T09:05", "A", "us", "succeeded");
    assert_eq!(overlaps(&mut story), ["A B us 03T09:05 03T09:05 - -"]);
}

#[test]
fn a_finish_that_came_late_ends_the_overlap_when_it_happened() {
    let mut story = two("1.4.1", "1.4.2");
    let known = story.seq();
    // Recorded after B began, and claimed to be before.
    story.finish("03T09:01", "A", "us", "succeeded");
    assert_eq!(overlaps(&mut story), [""; 0]);
    assert_eq!(asked(&ask(&mut story).known(known)).len(), 1, "as it was known then");
    let finish = story.seq();
    story.correct("03T10:00", finish);
    assert_eq!(overlaps(&mut story).len(), 1);
    assert_eq!(asked(&ask(&mut story).at("03T09:01")), [""; 0], "B had not begun");
}

#[test]
fn it_takes_the_same_component_environment_stage_and_target() {
    let other = |fields: Value| {
        let mut story = built(Story::of_api(&["us", "eu"]));
        story.environment("01T00:00", "backup", &["us"]);
        story.start("03T09:00", "A", "production", "1.4.1").but(json!({"targets": ["us"]}));
        story.start("03T09:02", "B", "production", "1.4.2").but(json!({"targets": ["us"]}));
        story.but(fields);
        overlaps(&mut story).len()
    };
    assert_eq!(other(json!({})), 1);
    assert_eq!(other(json!({"targets": ["eu"]})), 0);
    assert_eq!(other(json!({"stage": "canary"})), 0);
    assert_eq!(other(json!({"environment": "backup"})), 0);
    let mut story = lived();
    story.component("web", json!({"scheme": "semver", "release_model": "deployed"}));
    story.build("01T05:00", "2.0.0").start("03T09:00", "A", "production", "2.0.0");
    story.turn_to("api").start("03T09:02", "B", "production", "1.4.2");
    assert_eq!(overlaps(&mut story), [""; 0]);
}

#[test]
fn every_shared_target_is_a_row_and_every_pair_one_exception() {
    let mut story = built(Story::of_api(&["us", "eu"]));
    story.start("03T09:00", "A", "production", "1.4.1").start(
        "03T09:02",
        "B",
        "production",
        "1.4.2",
    );
    story.finish("03T09:03", "A", "us", "succeeded").start("03T09:04", "C", "production", "1.4.2");
    let expected = [
        "A B eu 03T09:02 - - -",
        "A B us 03T09:02 03T09:03 - -",
        "A C eu 03T09:04 - - -",
        "B C eu 03T09:04 - - -",
        "B C us 03T09:04 - - -",
    ];
    assert_eq!(overlaps(&mut story), expected, "A was done on us when C began");
    assert_eq!(found(&mut story, "X08"), ["B 03T09:02", "C 03T09:04", "C 03T09:04"]);
    let details = found_in(&mut story, "X08", Period::ALL, "severity detail");
    assert!(details[0].starts_with("warning B ") && details[0].contains(" A "), "{details:?}");
}

#[test]
fn overlaps_below_production_are_information() {
    let mut story = lived();
    story.start("03T09:00", "A", "staging", "1.4.1").start("03T09:02", "B", "staging", "1.4.2");
    story.start("04T09:00", "C", "canary", "1.4.1").start("04T09:02", "D", "canary", "1.4.2");
    let stages = |story: &mut Story| {
        lines(&ask(story).answer(&question()).unwrap().table, "environment stage deploy_b")
    };
    assert_eq!(stages(&mut story), ["staging staging B", "production canary D"]);
    let severities = found_in(&mut story, "X08", Period::ALL, "change_id severity");
    assert_eq!(severities, ["B info", "D warning"]);
    // A canary replaces a canary: no older build overwrote anything.
    story.finish("04T09:05", "D", "us", "succeeded").finish("04T09:06", "C", "us", "succeeded");
    assert!(overlaps(&mut story)[1].ends_with("C false"));
}

#[test]
fn the_period_is_of_the_later_start_and_half_open() {
    let mut story = two("1.4.1", "1.4.2");
    let count = |story: &mut Story, from: &str, to: &str| {
        let question = Question::Overlaps { component: None, period: period(from, to) };
        ask(story).answer(&question).unwrap().table.rows.len()
    };
    assert_eq!(count(&mut story, "03T09:02", "03T10:00"), 1, "A began before the period");
    assert_eq!(count(&mut story, "03T09:00", "03T09:02"), 0);
    assert_eq!(count(&mut story, "03T09:02:01", "03T10:00"), 0);
    let of = |component: &str, period: Period| Question::Overlaps {
        component: Some(component.to_owned()),
        period,
    };
    let asked = ask(&mut story);
    assert!(asked.answer(&of("moon", Period::ALL)).is_err());
    assert!(asked.answer(&of("api", period("04T00:00", "03T00:00"))).is_err());
}

#[test]
fn a_row_has_the_seqs_of_both_deploys() {
    let mut story = two("1.4.1", "1.4.2");
    let start = story.seq();
    story.finish("03T09:05", "A", "us", "succeeded").finish("03T09:06", "B", "us", "succeeded");
    let rests = evidence(&mut story, &question());
    assert_eq!(rests, [vec![start - 1, start, start + 1, start + 2]]);
}
