//! Which version of a published component is current (semantics A.5, the last two states).

use relbook_testkit::story::{Story, digest};
use serde_json::json;

use crate::ask::ask;

const STATE: &str = "state version versions since in_flight";

fn sdk() -> Story {
    let mut story = Story::of_api(&["us"]);
    let spec = json!({"scheme": "semver", "release_model": "published", "tag_prefix": "v"});
    story.component("sdk", spec);
    story
}

fn status(story: &mut Story) -> String {
    ask(story).status_of("sdk", STATE)
}

#[test]
fn nothing_was_published_yet() {
    let ask = ask(&mut sdk());
    assert_eq!(ask.status_of("sdk", STATE), "none - [] - 0");
    let targets = "release_model targets_live targets_total canary_weight digest";
    assert_eq!(ask.status_of("sdk", targets), "published - - - -");
    assert_eq!(ask.rows_of("sdk", "live_shares", "target"), [""; 0]);
}

#[test]
fn the_highest_version_by_precedence_is_current_not_the_latest() {
    let mut story = sdk();
    story.publish("02T09:00", "2.0.4").publish("03T09:00", "2.1.0").publish("04T09:00", "2.0.5");
    let ask = ask(&mut story);
    assert_eq!(ask.status_of("sdk", STATE), "published 2.1.0 [2.1.0] 03T09:00 0");
    assert_eq!(ask.status_of("sdk", "digest last_deployed_at"), "@2.1.0 04T09:00");
}

#[test]
fn numbers_are_compared_as_numbers() {
    let mut story = sdk();
    story.publish("02T09:00", "2.10.0").publish("03T09:00", "2.9.0");
    assert_eq!(status(&mut story), "published 2.10.0 [2.10.0] 02T09:00 0");
}

#[test]
fn a_pre_release_is_never_current() {
    let mut story = sdk();
    story.publish("02T09:00", "2.0.0").publish("03T09:00", "2.1.0-rc.1");
    assert_eq!(status(&mut story), "published 2.0.0 [2.0.0] 02T09:00 0");
}

#[test]
fn only_pre_releases_are_none() {
    let mut story = sdk();
    story.publish("03T09:00", "2.1.0-rc.1");
    assert_eq!(status(&mut story), "none - [] - 0");
}

#[test]
fn a_yank_falls_back_to_the_next_highest() {
    let mut story = sdk();
    story.publish("02T09:00", "2.0.0").publish("03T09:00", "2.1.0").yank("04T09:00", "2.1.0");
    assert_eq!(status(&mut story), "published 2.0.0 [2.0.0] 02T09:00 0");
    let before = ask(&mut story).at("03T12:00").status_of("sdk", STATE);
    assert_eq!(before, "published 2.1.0 [2.1.0] 03T09:00 0");
}

#[test]
fn nothing_is_left_when_every_version_was_yanked() {
    let mut story = sdk();
    story.publish("02T09:00", "2.0.0").publish("03T09:00", "2.1.0");
    story.yank("04T09:00", "2.1.0").yank("04T09:01", "2.0.0");
    assert_eq!(status(&mut story), "all_yanked - [] - 0");
}

#[test]
fn a_pre_release_that_is_left_does_not_hide_that_all_was_yanked() {
    let mut story = sdk();
    story.publish("02T09:00", "2.0.0").publish("03T09:00", "2.1.0-rc.1").yank("04T09:00", "2.0.0");
    assert_eq!(status(&mut story), "all_yanked - [] - 0");
}

#[test]
fn a_yank_of_one_artifact_leaves_another_of_the_same_version() {
    let mut story = sdk();
    story.publish("02T09:00", "2.0.0");
    story.publish("03T09:00", "2.0.0").but(json!({"digest": digest("2.0.0-again")}));
    story.yank("04T09:00", "2.0.0").but(json!({"digest": digest("2.0.0")}));
    let now = ask(&mut story).status_of("sdk", "state version digest since");
    assert_eq!(now, "published 2.0.0 @2.0.0-again 03T09:00");
}

#[test]
fn a_version_published_again_after_its_yank_is_offered_again() {
    let mut story = sdk();
    story.publish("02T09:00", "2.0.0").yank("03T09:00", "2.0.0").publish("04T09:00", "2.0.0");
    assert_eq!(ask(&mut story).status_of("sdk", "state version"), "published 2.0.0");
}

#[test]
fn a_yank_that_arrives_before_its_publish_takes_nothing_out_that_came_later() {
    // Effective order decides: the publish is claimed to be later than the yank.
    let mut story = sdk();
    story.yank("02T09:00", "2.0.0").publish("03T09:00", "2.0.0");
    assert_eq!(ask(&mut story).status_of("sdk", "state version"), "published 2.0.0");
    // And a publish that arrives late, claimed before the yank, is taken out by it.
    let mut story = sdk();
    story.publish("01T09:00", "1.0.0").yank("03T09:00", "2.0.0").publish("02T09:00", "2.0.0");
    assert_eq!(ask(&mut story).status_of("sdk", "state version"), "published 1.0.0");
}

#[test]
fn a_published_component_stands_in_every_environment_once() {
    let mut story = sdk();
    story.publish("02T09:00", "2.0.0");
    for environment in ["dev", "staging", "production"] {
        let ask = ask(&mut story).of(environment);
        assert_eq!(ask.status_of("sdk", STATE), "published 2.0.0 [2.0.0] 02T09:00 0");
    }
}

#[test]
fn calver_is_compared_by_number() {
    let mut story = Story::of_api(&["us"]);
    let scheme = "calver:YYYY.0M.MICRO";
    story.component("docs", json!({"scheme": scheme, "release_model": "published"}));
    story.publish("02T09:00", "2026.06.10").publish("03T09:00", "2026.06.9");
    assert_eq!(ask(&mut story).status_of("docs", "version"), "2026.06.10");
}

#[test]
fn equal_precedence_is_settled_by_the_log() {
    let mut story = sdk();
    story.publish("02T09:00", "2.0.0+b").publish("03T09:00", "2.0.0+a");
    assert_eq!(ask(&mut story).status_of("sdk", "version"), "2.0.0+a");
}

#[test]
fn equal_precedence_is_told() {
    let mut story = Story::of_api(&["us"]);
    story.component("sdk", json!({"scheme": "semver", "release_model": "published"}));
    story.publish("02T00:00", "1.0.0+a").publish("03T00:00", "1.1.0+a");
    assert_eq!(ask(&mut story).status_of("sdk", "version tie"), "1.1.0+a false");
    story.publish("04T00:00", "1.0.0+b");
    assert_eq!(ask(&mut story).status_of("sdk", "version tie"), "1.1.0+a false", "not the highest");
    story.publish("05T00:00", "1.1.0+b");
    assert_eq!(ask(&mut story).status_of("sdk", "version tie"), "1.1.0+b true");
    story.yank("06T00:00", "1.1.0+a");
    assert_eq!(ask(&mut story).status_of("sdk", "version tie"), "1.1.0+b false");
}

#[test]
fn versions_of_an_earlier_scheme_are_below_those_of_the_next() {
    let mut story = Story::of_api(&["us"]);
    let scheme = |scheme: &str| json!({"scheme": scheme, "release_model": "published"});
    story.component("sdk", scheme("calver:YYYY.0M.MICRO")).publish("02T00:00", "2026.10.1");
    story.component("sdk", scheme("semver")).but(json!({"occurred_at": "2026-06-03T00:00:00Z"}));
    // Nothing of the new scheme yet: what was published stays what is current.
    assert_eq!(ask(&mut story).status_of("sdk", "state version"), "published 2026.10.1");
    story.publish("04T00:00", "1.0.0");
    assert_eq!(ask(&mut story).status_of("sdk", "state version"), "published 1.0.0");
    assert_eq!(ask(&mut story).at("02T12:00").status_of("sdk", "version"), "2026.10.1");
}

#[test]
fn a_deploy_into_another_scheme_is_major() {
    let mut story = Story::of_api(&["us"]);
    let scheme = |scheme: &str| json!({"scheme": scheme, "release_model": "deployed"});
    story.component("web", scheme("semver")).build("01T01:00", "1.4.2");
    story.live("02T09:00", "W1", "1.4.2");
    story.component("web", scheme("calver:YYYY.0M.MICRO"));
    story.but(json!({"occurred_at": "2026-06-03T00:00:00Z"}));
    story.build("03T01:00", "2026.06.1").live("04T09:00", "W2", "2026.06.1");
    let rows = ask(&mut story).rows_of("web", "deploys", "deploy_id from_version bump");
    assert_eq!(rows, ["W1 - initial", "W2 1.4.2 major"]);
}
