//! Transitions and introductions (semantics A.6): what is a production release and what is not.

use relbook_query::question::{Answer, Question};
use relbook_testkit::story::Story;
use serde_json::json;

use crate::ask::{ask, evidence, head, lines, warnings};

const ROW: &str = "n version first_live_at fully_live_at bump";

fn built(targets: &[&str]) -> Story {
    let mut story = Story::of_api(targets);
    for (i, version) in ["1.4.0", "1.4.1", "1.4.2", "1.5.0"].iter().enumerate() {
        story.build(&format!("01T0{i}:00"), version);
    }
    story
}

fn releases(story: &mut Story) -> Vec<String> {
    ask(story).rows("production_releases", ROW)
}

#[test]
fn an_introduction_is_the_first_success_of_a_digest() {
    let mut story = built(&["us"]);
    story.live("02T09:00", "P1", "1.4.0").live("03T09:00", "P2", "1.4.1");
    let expected = ["1 1.4.0 02T09:00 02T09:00 initial", "2 1.4.1 03T09:00 03T09:00 patch"];
    assert_eq!(releases(&mut story), expected);
    let row = "digest commit change_class deploy_id";
    let rows = ask(&mut story).rows("production_releases", row);
    assert_eq!(rows, ["@1.4.0 c1.4.0 normal P1", "@1.4.1 c1.4.1 standard P2"]);
}

#[test]
fn what_is_not_a_release() {
    let mut story = built(&["us"]);
    story.live("02T09:00", "P1", "1.4.0").live("03T09:00", "P2", "1.4.1");
    let before = releases(&mut story);
    // Failed and aborted, restored or not.
    for (i, outcome) in ["failed", "aborted", "failed!"].iter().enumerate() {
        let id = format!("F{i}");
        story.start(&format!("04T0{i}:00"), &id, "production", "1.4.2");
        story.finish(&format!("04T0{i}:05"), &id, "us", outcome);
    }
    // A canary, however it ended and whatever its weight.
    story.start("05T09:00", "C1", "canary", "1.4.2").progress("05T09:01", "C1", "us", 100);
    story.finish("05T09:40", "C1", "us", "succeeded");
    // A deploy under way, with all the traffic already.
    story.start("05T10:00", "P3", "production", "1.5.0").progress("05T10:01", "P3", "us", 100);
    // A redeploy.
    story.live_with("06T09:00", "P4", "1.4.1", json!({"reason": "redeploy"}));
    // A rollback, and the promotion of what was there before.
    let back = json!({"reason": "rollback", "rollback_of": "P2"});
    story.live_with("07T09:00", "P5", "1.4.0", back).live("08T09:00", "P6", "1.4.1");
    assert_eq!(releases(&mut story), before);
}

#[test]
fn a_release_is_first_live_on_one_target_and_fully_live_on_all() {
    let mut story = built(&["us", "eu"]);
    story.start("02T09:00", "P1", "production", "1.4.0");
    story.finish("02T09:05", "P1", "us", "succeeded");
    assert_eq!(releases(&mut story), ["1 1.4.0 02T09:05 - initial"]);
    story.finish("02T09:20", "P1", "eu", "succeeded");
    assert_eq!(releases(&mut story), ["1 1.4.0 02T09:05 02T09:20 initial"]);
}

#[test]
fn a_release_that_never_ran_everywhere_at_once_is_never_fully_live() {
    let mut story = built(&["us", "eu"]);
    story.live("02T09:00", "P1", "1.4.0");
    story.live_with("03T09:00", "P2", "1.4.1", json!({"targets": ["us"]}));
    story.live_with("04T09:00", "P3", "1.4.2", json!({"targets": ["us"]}));
    story.live_with("05T09:00", "P4", "1.4.1", json!({"targets": ["eu"]}));
    let expected = [
        "1 1.4.0 02T09:00 02T09:00 initial",
        "2 1.4.1 03T09:00 - patch",
        "3 1.4.2 04T09:00 - patch",
    ];
    assert_eq!(releases(&mut story), expected);
}

#[test]
fn a_target_that_was_removed_does_not_have_it_any_more() {
    let mut story = built(&["us", "eu"]);
    story.live_with("02T09:00", "P1", "1.4.0", json!({"targets": ["us"]}));
    story.remove("02T10:00", "us");
    story.live_with("02T11:00", "P2", "1.4.0", json!({"targets": ["eu"]}));
    assert_eq!(releases(&mut story), ["1 1.4.0 02T09:00 - initial"]);
    story.live_with("02T12:00", "P3", "1.4.0", json!({"targets": ["us"]}));
    assert_eq!(releases(&mut story), ["1 1.4.0 02T09:00 02T12:00 initial"]);
}

#[test]
fn a_rebuild_of_a_version_is_a_release_of_its_own() {
    let mut story = built(&["us"]);
    story.build_of("02T10:00", "1.4.0", "1.4.0-again", "c1.4.0");
    story.live("02T09:00", "P1", "1.4.0").live("03T09:00", "P2", "1.4.0-again");
    let expected = ["1 1.4.0 02T09:00 02T09:00 initial", "2 1.4.0 03T09:00 03T09:00 rebuild"];
    assert_eq!(releases(&mut story), expected);
}

#[test]
fn each_environment_has_its_own_releases() {
    let mut story = built(&["us"]);
    story.start("02T09:00", "S1", "staging", "1.5.0");
    story.finish("02T09:05", "S1", "stg-1", "succeeded");
    assert_eq!(releases(&mut story), [""; 0]);
    let staging = ask(&mut story).of("staging").rows("production_releases", ROW);
    assert_eq!(staging, ["1 1.5.0 02T09:05 02T09:05 initial"]);
}

#[test]
fn releases_are_counted_by_effective_order() {
    // The finish of 1.4.0 arrives after that of 1.4.1, but is claimed to be earlier.
    let mut story = built(&["us"]);
    story.start("02T09:00", "P1", "production", "1.4.0");
    story.start("03T09:00", "P2", "production", "1.4.1");
    story.finish("03T09:05", "P2", "us", "succeeded").finish("02T09:05", "P1", "us", "succeeded");
    let expected = ["1 1.4.0 02T09:05 02T09:05 initial", "2 1.4.1 03T09:05 03T09:05 patch"];
    assert_eq!(releases(&mut story), expected);
}

#[test]
fn the_last_two_releases_are_the_last_two_introductions() {
    let mut story = built(&["us"]);
    story.live("02T09:00", "P1", "1.4.0").live("03T09:00", "P2", "1.4.1");
    story.start("04T09:00", "P3", "production", "1.4.2").finish("04T09:05", "P3", "us", "failed");
    story.live("05T09:00", "P4", "1.5.0");
    let last = "from_version from_first_live to_version to_first_live bump rolled_back";
    let expected = "1.4.1 03T09:00 1.5.0 05T09:00 minor false";
    assert_eq!(head(&ask(&mut story).diff(), last), expected);
    // Going back and forth introduces nothing.
    let back = json!({"reason": "rollback", "rollback_of": "P4"});
    story.live_with("06T09:00", "P5", "1.4.1", back);
    let expected = "1.4.1 03T09:00 1.5.0 05T09:00 minor true";
    assert_eq!(head(&ask(&mut story).diff(), last), expected);
    assert_eq!(head(&ask(&mut story).diff(), "current_version"), "1.4.1");
    story.live("07T09:00", "P6", "1.5.0");
    let expected = "1.4.1 03T09:00 1.5.0 05T09:00 minor false";
    assert_eq!(head(&ask(&mut story).diff(), last), expected);
}

#[test]
fn a_version_that_was_taken_back_says_so_also_when_it_came_again() {
    let mut story = built(&["us"]);
    story.live("02T09:00", "P1", "1.4.0").live("03T09:00", "P2", "1.4.1");
    let back = json!({"reason": "rollback", "rollback_of": "P2"});
    // One that failed took nothing back, one in another environment not from here.
    story.start("03T10:00", "F", "production", "1.4.0").but(back.clone());
    story.finish("03T10:05", "F", "us", "failed");
    let taken = |story: &mut Story, from: &str, to: &str| {
        let answer = ask(story).between(from, to);
        head(&answer, "to_version current_version rolled_back to_rolled_back_by")
    };
    assert_eq!(taken(&mut story, "1.4.0", "1.4.1"), "1.4.1 1.4.1 false []");
    story.live_with("04T09:00", "P3", "1.4.0", back);
    assert_eq!(taken(&mut story, "1.4.0", "1.4.1"), "1.4.1 1.4.0 true [P3]");
    assert_eq!(taken(&mut story, "1.4.1", "1.4.0"), "1.4.0 1.4.0 true []");
    story.live("05T09:00", "P4", "1.4.1");
    assert_eq!(taken(&mut story, "1.4.0", "1.4.1"), "1.4.1 1.4.1 false [P3]");
    let last = "to_version rolled_back to_rolled_back_by";
    assert_eq!(head(&ask(&mut story).diff(), last), "1.4.1 false [P3]");
}

#[test]
fn a_canary_beside_the_newest_release_does_not_roll_it_back() {
    let mut story = built(&["us"]);
    story.live("02T09:00", "P1", "1.4.0").live("03T09:00", "P2", "1.4.1");
    story.start("04T09:00", "C3", "canary", "1.4.2").progress("04T09:01", "C3", "us", 5);
    let what = "from_version to_version current_version rolled_back";
    assert_eq!(head(&ask(&mut story).diff(), what), "1.4.0 1.4.1 1.4.1 false");
}

#[test]
fn whether_a_mixed_environment_was_rolled_back_cannot_be_told() {
    let mut story = built(&["us", "eu"]);
    story.live("02T09:00", "P1", "1.4.0");
    story.live_with("03T09:00", "P2", "1.4.1", json!({"targets": ["us"]}));
    let what = "from_version to_version current_version rolled_back to_fully_live";
    assert_eq!(head(&ask(&mut story).diff(), what), "1.4.0 1.4.1 - - -");
}

#[test]
fn a_transition_rests_on_the_first_change_of_its_deploy() {
    let mut story = built(&["us", "eu"]);
    story.live("02T09:00", "P1", "1.4.0").start("03T09:00", "P2", "production", "1.4.1");
    story.finish("03T09:05", "P2", "us", "succeeded").finish("03T09:10", "P2", "eu", "succeeded");
    let what = "from_version to_version to_first_live from_deploy_id to_deploy_id";
    let expected = "1.4.0 1.4.1 03T09:05 P1 P2";
    assert_eq!(head(&ask(&mut story).transitions(), what), expected);
}

#[test]
fn the_class_of_a_release_is_that_of_its_deploy_not_of_the_step_between_releases() {
    // From 1.5.0, rolled back to 1.4.1, to 1.4.2: a step down between releases, a patch for the
    // deploy that was made.
    let mut story = built(&["us"]);
    story.live("02T09:00", "P1", "1.4.1").live("03T09:00", "P2", "1.5.0");
    story.live_with("04T09:00", "P3", "1.4.1", json!({"reason": "rollback", "rollback_of": "P2"}));
    story.live("05T09:00", "P4", "1.4.2");
    let rows = ask(&mut story).rows("production_releases", "version bump change_class");
    assert_eq!(rows, ["1.4.1 initial normal", "1.5.0 minor normal", "1.4.2 minor standard"]);
    assert_eq!(ask(&mut story).deploy("P4", "from_version bump"), "1.4.1 patch");
    // The answer has both, so that it does not contradict that of `approvals`.
    let (environment, component) = ("production".to_owned(), "api".to_owned());
    let question = Question::Releases { environment, component };
    let answer = ask(&mut story).answer(&question).unwrap();
    let both = ["1.4.1 initial initial", "1.5.0 minor minor", "1.4.2 minor patch"];
    assert_eq!(lines(&answer.table, "version bump deploy_bump"), both);
}

fn published(story: &mut Story, columns: &str) -> Answer {
    let (environment, component) = ("production".to_owned(), "sdk".to_owned());
    let answer = ask(story).answer(&Question::Releases { environment, component }).unwrap();
    assert!(columns.is_empty() || !lines(&answer.table, columns).is_empty());
    answer
}

#[test]
fn every_publish_is_a_release_of_what_is_published() {
    let mut story = Story::of_api(&["us"]);
    story.component("sdk", json!({"scheme": "semver", "release_model": "published"}));
    assert_eq!(warnings(&published(&mut story, "")), ["no_release"]);
    story.build_of("01T09:00", "2.0.0", "2.0.0", "s1");
    story.publish("02T09:00", "2.0.0").but(json!({"channel": "stable"}));
    story.publish("03T09:00", "2.0.0").but(json!({"channel": "beta"}));
    story.publish("05T09:00", "2.1.0").but(json!({"commit": "s2"}));
    // A backport, recorded last.
    story.publish("04T09:00", "2.0.1").yank("06T09:00", "2.1.0").publish("07T09:00", "2.1.0");
    let columns = "n version commit first_live_at bump channel yanked_at";
    let expected = [
        "1 2.0.0 s1 02T09:00 initial stable -",
        "2 2.0.0 s1 03T09:00 none beta -",
        "3 2.0.1 - 04T09:00 patch - -",
        "4 2.1.0 s2 05T09:00 minor - 06T09:00",
        "5 2.1.0 - 07T09:00 none - -",
    ];
    assert_eq!(lines(&published(&mut story, columns).table, columns), expected);
    let rows = evidence(&published(&mut story, columns).table);
    assert_eq!(rows[0].len(), 2, "publish and build");
    assert_eq!(rows[3].len(), 2, "publish and yank");
}

#[test]
fn a_deployed_component_without_releases_says_so() {
    let mut story = built(&["us"]);
    story.publish("02T09:00", "1.4.0");
    let (environment, component) = ("production".to_owned(), "api".to_owned());
    let question = Question::Releases { environment, component };
    let answer = ask(&mut story).answer(&question).unwrap();
    assert_eq!((warnings(&answer), answer.table.rows.len()), (vec!["no_release"], 0));
    let finish = story.live("03T09:00", "P1", "1.4.0").seq();
    let answer = ask(&mut story).answer(&question).unwrap();
    assert_eq!(lines(&answer.table, "n version channel yanked_at"), ["1 1.4.0 - -"]);
    assert!(evidence(&answer.table)[0].ends_with(&[finish - 1, finish]));
    let other = Question::Releases { environment: "nope".to_owned(), component: "api".to_owned() };
    assert!(ask(&mut story).answer(&other).is_err());
}
