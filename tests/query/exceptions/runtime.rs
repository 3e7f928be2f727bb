//! Exceptions that take more than one deploy to see: X08 overlap, X10 drift, X11 late, X14
//! untracked, X17 incoherent set. The overlaps themselves are in `overlaps`.

use relbook_query::question::Question;
use relbook_query::release::Period;
use relbook_testkit::story::Story;
use serde_json::json;

use super::lived;
use crate::ask::ask;
use crate::listing::{found, found_in, observe, period, rows};

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
fn x10_is_found_once_whatever_the_period() {
    let mut story = lived();
    observe(&mut story, "03T09:00", "us", "1.4.1");
    observe(&mut story, "04T09:00", "us", "1.4.1");
    let in_june = |story: &mut Story, from: &str, to: &str| {
        found_in(story, "X10", period(from, to), "detected_at")
    };
    assert_eq!(found(&mut story, "X10"), ["P0 03T09:00"]);
    assert_eq!(in_june(&mut story, "03T09:00", "03T09:01"), ["03T09:00"]);
    assert_eq!(in_june(&mut story, "04T00:00", "05T00:00"), [""; 0], "it was found before");
    assert_eq!(in_june(&mut story, "03T00:00", "03T09:00"), [""; 0], "half-open");
    // Once it was well again, it is a new finding; so is another artifact.
    observe(&mut story, "05T09:00", "us", "1.4.0");
    observe(&mut story, "06T09:00", "us", "1.4.1");
    observe(&mut story, "07T09:00", "us", "1.4.2");
    assert_eq!(found(&mut story, "X10"), ["P0 03T09:00", "P0 06T09:00", "P0 07T09:00"]);
    assert_eq!(in_june(&mut story, "06T00:00", "08T00:00"), ["06T09:00", "07T09:00"]);
}

#[test]
fn x10_is_judged_by_what_was_live_at_that_moment() {
    let mut story = lived();
    observe(&mut story, "03T09:00", "us", "1.4.1");
    let seen = story.seq();
    // The deploy is reported late: it had been there.
    story.live("03T08:00", "P1", "1.4.1");
    assert_eq!(found(&mut story, "X10"), [""; 0]);
    let then = ask(&mut story).known(seen).rows("exceptions", "code");
    assert!(then.contains(&"X10".to_owned()), "{then:?}");
    story.live("04T09:00", "P2", "1.4.2");
    observe(&mut story, "04T09:00", "us", "1.4.1");
    assert_eq!(found(&mut story, "X10"), ["P2 04T09:00"], "at one instant, by seq");
    let seq = story.seq();
    story.correct("04T10:00", seq);
    assert_eq!(found(&mut story, "X10"), [""; 0]);
}

#[test]
fn x10_is_each_target_for_itself() {
    let mut story = Story::of_api(&["us", "eu"]);
    story.build("01T01:00", "1.4.0").build("01T02:00", "1.4.1").live("02T09:00", "P0", "1.4.0");
    story.live_with("03T09:00", "P1", "1.4.1", json!({"targets": ["eu"]}));
    observe(&mut story, "04T09:00", "us", "1.4.1");
    observe(&mut story, "04T09:00", "eu", "1.4.1");
    observe(&mut story, "04T09:00", "eu", "1.4.0");
    let details = found_in(&mut story, "X10", Period::ALL, "change_id detail");
    assert!(details[0].starts_with("P0 us in production runs"), "{details:?}");
    assert!(details[1].starts_with("P1 eu in production runs"), "{details:?}");
    assert_eq!(details.len(), 2);
}

#[test]
fn x10_is_a_deploy_that_failed_and_stayed() {
    let mut story = lived();
    story.start("03T09:00", "P1", "production", "1.4.1");
    observe(&mut story, "03T09:01", "us", "1.4.1");
    story.finish("03T09:05", "P1", "us", "failed");
    assert_eq!(found(&mut story, "X10"), [""; 0], "under way");
    observe(&mut story, "03T09:06", "us", "1.4.1");
    assert_eq!(found(&mut story, "X10"), ["P0 03T09:06"], "it should have been taken away");
    // A preview of weight 0 has no traffic, but its deploy is under way.
    story.start("04T09:00", "C1", "canary", "1.4.2").progress("04T09:01", "C1", "us", 0);
    observe(&mut story, "04T09:02", "us", "1.4.2");
    assert_eq!(found(&mut story, "X10").len(), 1);
}

#[test]
fn x11_is_about_the_component_of_its_deploy() {
    let mut story = lived();
    story.start("03T09:00", "P1", "production", "1.4.1").finish(
        "03T09:05",
        "P1",
        "us",
        "succeeded",
    );
    story.but(json!({"recorded_at": "2026-06-03T09:10:01Z"}));
    let columns = "change_id component detected_at severity";
    let expected = ["P1 api 03T09:05 info"];
    assert_eq!(found_in(&mut story, "X11", Period::ALL, columns), expected);
    let question = Question::Exceptions {
        component: Some("api".to_owned()),
        codes: Vec::new(),
        period: Period::ALL,
    };
    assert_eq!(rows(&mut story, &question, "code change_id"), ["X11 P1"]);
}

#[test]
fn x11_is_neither_on_time_nor_corrected_nor_of_another_period() {
    let mut story = lived();
    let late = json!({"recorded_at": "2026-06-03T11:05:00.000001Z"});
    story.build("03T11:00", "1.6.0").but(late);
    let seq = story.seq();
    assert_eq!(found(&mut story, "X11"), ["- 03T11:00"], "a microsecond more than 300 s");
    assert_eq!(found_in(&mut story, "X11", period("03T11:00:01", "04T00:00"), "seq"), [""; 0]);
    assert_eq!(found_in(&mut story, "X11", period("03T11:00", "03T11:01"), "seq").len(), 1);
    // A clock ahead of the book's is not late.
    story.build("03T11:06:30", "1.6.1").but(json!({"recorded_at": "2026-06-03T11:06:00Z"}));
    assert_eq!(found(&mut story, "X11").len(), 1);
    story.correct("04T10:00", seq);
    assert_eq!(found(&mut story, "X11"), [""; 0]);
}

#[test]
fn x14_ends_with_the_deploy_and_begins_with_the_removal() {
    let mut story = Story::of_api(&["us"]);
    story.build("01T01:00", "1.4.0");
    observe(&mut story, "01T09:00", "us", "1.4.0");
    assert_eq!(found(&mut story, "X14"), ["- 01T09:00"], "nothing was ever deployed");
    story.live("02T09:00", "P0", "1.4.0");
    observe(&mut story, "02T10:00", "us", "1.4.0");
    assert_eq!(found(&mut story, "X14").len(), 1);
    story.remove("03T09:00", "us");
    observe(&mut story, "03T10:00", "us", "1.4.0");
    assert_eq!(found(&mut story, "X14"), ["- 01T09:00", "- 03T10:00"]);
    observe(&mut story, "03T11:00", "us", "1.4.0");
    let later = period("03T10:30", "04T00:00");
    assert_eq!(found_in(&mut story, "X14", later, "seq"), [""; 0], "it was found before");
    // A first deploy under way, and a canary on an empty target, may be seen.
    story.start("04T09:00", "P1", "production", "1.4.0");
    observe(&mut story, "04T09:01", "us", "1.4.0");
    story.finish("04T09:02", "P1", "us", "failed");
    story.start("05T09:00", "C1", "canary", "1.4.0").progress("05T09:01", "C1", "us", 5);
    story.finish("05T09:02", "C1", "us", "succeeded");
    observe(&mut story, "05T09:03", "us", "1.4.0");
    assert_eq!(found(&mut story, "X14").len(), 2);
}

#[test]
fn x14_is_found_where_no_environment_was_registered() {
    let mut story = lived();
    observe(&mut story, "03T09:00", "us", "1.4.0");
    story.but(json!({"environment": "moon"}));
    observe(&mut story, "03T10:00", "us", "1.4.0");
    observe(&mut story, "03T11:00", "us", "1.4.0");
    story.but(json!({"environment": "moon"}));
    assert_eq!(found(&mut story, "X14"), ["- 03T09:00"], "one for moon, none for production");
}

/// An api at 1.4.0 and a cli at 1.9.0 that the matrix allows together.
fn product() -> Story {
    let mut story = lived();
    story.component("cli", json!({"scheme": "semver", "release_model": "published", "alias": "c"}));
    story.publish("02T10:00", "1.9.0").turn_to("api");
    matrix(&mut story, "02T11:00", ">=1.4.0, <1.5.0");
    story
}

fn matrix(story: &mut Story, at: &str, api: &str) {
    story.push(at, json!({"kind": "matrix.published", "rows": [{"api": api, "c": "1.9.x"}]}));
}

#[test]
fn x17_takes_a_matrix_and_a_set() {
    let mut story = lived();
    story.live("03T09:00", "P1", "1.5.0");
    assert_eq!(found(&mut story, "X17"), [""; 0], "nothing was promised");
    let mut story = product();
    story.live("03T09:00", "P1", "1.4.2");
    assert_eq!(found(&mut story, "X17"), [""; 0]);
    matrix(&mut story, "04T09:00", ">=1.4.0, <1.4.2");
    assert_eq!(found(&mut story, "X17"), ["- 04T09:00"], "a narrower matrix breaks it too");
    matrix(&mut story, "05T09:00", ">=1.4.0, <1.5.0");
    story.live("06T09:00", "P2", "1.5.0");
    assert_eq!(found(&mut story, "X17"), ["- 04T09:00", "P2 06T09:00"]);
}

#[test]
fn x17_counts_a_canary_and_not_an_attempt_or_a_way_back() {
    let mut story = product();
    story.start("03T09:00", "P1", "production", "1.5.0").finish("03T09:05", "P1", "us", "failed");
    assert_eq!(found(&mut story, "X17"), [""; 0]);
    story.start("04T09:00", "C1", "canary", "1.5.0").progress("04T09:01", "C1", "us", 5);
    assert_eq!(found(&mut story, "X17"), ["C1 04T09:01"]);
    story.progress("04T09:02", "C1", "us", 25).finish("04T09:03", "C1", "us", "aborted");
    assert_eq!(found(&mut story, "X17").len(), 1, "more of the same, and its end");
    let detail = found_in(&mut story, "X17", Period::ALL, "severity component detail");
    assert_eq!(detail, ["violation api no row of the matrix has api=1.5.0, c=1.9.0"]);
}

#[test]
fn x17_is_judged_with_what_was_there_at_that_moment() {
    let mut story = product();
    story.live("03T09:00", "P1", "1.5.0");
    let known = story.seq();
    // The wider matrix had been published, and is recorded afterwards.
    matrix(&mut story, "03T08:00", ">=1.4.0, <2.0.0");
    assert_eq!(found(&mut story, "X17"), [""; 0]);
    let then = ask(&mut story).known(known).rows("exceptions", "code change_id");
    assert!(then.contains(&"X17 P1".to_owned()), "{then:?}");
    assert_eq!(found_in(&mut story, "X17", period("04T00:00", "05T00:00"), "seq"), [""; 0]);
}
