//! Which commit and version an artifact is (semantics A.3): by its build, never by a tag.

use relbook_testkit::story::Story;
use serde_json::json;

use crate::ask::ask;

const ROW: &str = "version commit commit_source tag tag_commit tag_matches ambiguous";

fn live() -> Story {
    let mut story = Story::of_api(&["us"]);
    story.build("01T01:00", "1.4.1").tag("01T01:01", "v1.4.1", "c1.4.1");
    story.live("02T09:00", "P1", "1.4.1");
    story
}

fn commits(story: &mut Story) -> Vec<String> {
    ask(story).rows("commit_in_prod", ROW)
}

#[test]
fn the_commit_is_that_of_the_build_and_the_tag_agrees() {
    let mut story = live();
    assert_eq!(commits(&mut story), ["1.4.1 c1.4.1 build v1.4.1 c1.4.1 true false"]);
    let row = "target role weight digest since";
    let rows = ask(&mut story).rows("commit_in_prod", row);
    assert_eq!(rows, ["us stable 100 @1.4.1 02T09:00"]);
}

#[test]
fn a_tag_that_moved_changes_the_tag_not_the_commit() {
    let mut story = live();
    story.tag("03T09:00", "v1.4.1", "other").but(json!({"kind": "tag.moved"}));
    assert_eq!(commits(&mut story), ["1.4.1 c1.4.1 build v1.4.1 other false false"]);
    // Before it moved, it agreed.
    let before = ask(&mut story).at("02T12:00").rows("commit_in_prod", "tag_commit tag_matches");
    assert_eq!(before, ["c1.4.1 true"]);
}

#[test]
fn a_tag_may_name_its_version_or_leave_it_to_the_prefix() {
    for (component, prefix, tag, version) in [
        ("api", "v", "v1.4.1", None),
        ("api", "v", "v1.4.1", Some("1.4.1")),
        ("cli", "cli/v", "cli/v1.4.1", None),
        ("web", "", "1.4.1", None),
    ] {
        let mut story = Story::of_api(&["us"]);
        let spec = json!({"scheme": "semver", "release_model": "deployed", "tag_prefix": prefix});
        story.component(component, spec).build("01T01:00", "1.4.1");
        story.tag("01T01:01", tag, "c1.4.1").but(json!({"version": version}));
        story.live("02T09:00", "P1", "1.4.1");
        let rows = ask(&mut story).rows_of(component, "commit_in_prod", "tag tag_matches");
        assert_eq!(rows, [format!("{tag} true")], "{component} {version:?}");
    }
}

#[test]
fn a_tag_of_another_prefix_or_version_is_not_its_tag() {
    let mut story = Story::of_api(&["us"]);
    story.build("01T01:00", "1.4.1").live("02T09:00", "P1", "1.4.1");
    story.tag("01T01:01", "w1.4.1", "x").tag("01T01:02", "v1.4.10", "y");
    story.tag("01T01:03", "1.4.1", "z");
    assert_eq!(commits(&mut story), ["1.4.1 c1.4.1 build - - - false"]);
}

#[test]
fn without_a_tag_nothing_is_said_of_it() {
    let mut story = Story::of_api(&["us"]);
    story.build("01T01:00", "1.4.1").live("02T09:00", "P1", "1.4.1");
    assert_eq!(commits(&mut story), ["1.4.1 c1.4.1 build - - - false"]);
}

#[test]
fn without_a_build_version_and_commit_are_unknown() {
    let mut story = Story::of_api(&["us"]);
    story.live("02T09:00", "P1", "1.4.1");
    assert_eq!(commits(&mut story), ["- - missing - - - false"]);
    // The deploy's own word for it is no provenance.
    let mut story = Story::of_api(&["us"]);
    story.live_with("02T09:00", "P1", "1.4.1", json!({"version": "1.4.1"}));
    assert_eq!(commits(&mut story), ["- - missing - - - false"]);
}

#[test]
fn a_failed_build_makes_nothing() {
    let mut story = Story::of_api(&["us"]);
    story.build("01T01:00", "1.4.1").but(json!({"outcome": "failed"}));
    story.live("02T09:00", "P1", "1.4.1");
    assert_eq!(commits(&mut story), ["- - missing - - - false"]);
}

#[test]
fn a_build_of_another_component_is_not_its_build() {
    let mut story = Story::of_api(&["us"]);
    story.component("web", json!({"scheme": "semver", "release_model": "deployed"}));
    story.build("01T01:00", "1.4.1").turn_to("api").live("02T09:00", "P1", "1.4.1");
    assert_eq!(commits(&mut story), ["- - missing - - - false"]);
}

#[test]
fn several_commits_of_one_digest_are_all_shown() {
    let mut story = Story::of_api(&["us"]);
    story.build_of("01T01:00", "1.4.1", "same", "c1").build_of("01T02:00", "1.4.2", "same", "c2");
    story.live("02T09:00", "P1", "same");
    let expected = ["1.4.1 c1 build - - - true", "1.4.2 c2 build - - - true"];
    assert_eq!(commits(&mut story), expected);
}

#[test]
fn the_build_whose_version_was_deployed_is_preferred() {
    let mut story = Story::of_api(&["us"]);
    story.build_of("01T01:00", "1.4.1", "same", "c1").build_of("01T02:00", "1.4.2", "same", "c2");
    story.live_with("02T09:00", "P1", "same", json!({"version": "1.4.2"}));
    assert_eq!(commits(&mut story), ["1.4.2 c2 build - - - false"]);
    assert_eq!(ask(&mut story).status("version versions"), "1.4.2 [1.4.2]");
}

#[test]
fn a_build_that_is_recorded_twice_is_one_build() {
    let mut story = Story::of_api(&["us"]);
    story.build("01T01:00", "1.4.1").build("01T02:00", "1.4.1").live("02T09:00", "P1", "1.4.1");
    assert_eq!(commits(&mut story), ["1.4.1 c1.4.1 build - - - false"]);
}

#[test]
fn a_version_that_was_built_twice_is_told_apart_by_digest() {
    let mut story = Story::of_api(&["us"]);
    story
        .build_of("01T01:00", "1.4.1", "first", "c1")
        .build_of("01T02:00", "1.4.1", "second", "c2");
    story.live("02T09:00", "P1", "first");
    assert_eq!(commits(&mut story), ["1.4.1 c1 build - - - false"]);
}

#[test]
fn a_canary_has_a_row_of_its_own() {
    let mut story = live();
    story.build("03T01:00", "1.4.2").start("03T09:00", "C2", "canary", "1.4.2");
    story.progress("03T09:02", "C2", "us", 5);
    let rows = ask(&mut story).rows("commit_in_prod", "target role weight version commit since");
    let expected = ["us stable 95 1.4.1 c1.4.1 02T09:00", "us canary 5 1.4.2 c1.4.2 03T09:02"];
    assert_eq!(rows, expected);
}

#[test]
fn a_published_component_has_its_channel_for_a_target() {
    let mut story = Story::of_api(&["us"]);
    let spec = json!({"scheme": "semver", "release_model": "published", "tag_prefix": "v"});
    story.component("sdk", spec).build("01T01:00", "2.1.0").tag("01T01:01", "v2.1.0", "c2.1.0");
    story.publish("02T09:00", "2.1.0").but(json!({"channel": "stable"}));
    let row = "target role weight version digest commit commit_source tag_matches since";
    let rows = ask(&mut story).rows_of("sdk", "commit_in_prod", row);
    assert_eq!(rows, ["stable - - 2.1.0 @2.1.0 c2.1.0 build true 02T09:00"]);
}

#[test]
fn a_publish_may_name_its_commit_where_no_build_does() {
    let mut story = Story::of_api(&["us"]);
    story.component("sdk", json!({"scheme": "semver", "release_model": "published"}));
    story.publish("02T09:00", "2.1.0").but(json!({"commit": "c7"}));
    let rows = ask(&mut story).rows_of("sdk", "commit_in_prod", "target commit commit_source");
    assert_eq!(rows, ["- c7 publish"]);
}

#[test]
fn the_question_has_a_row_for_every_component_with_a_reason() {
    use relbook_query::question::Question;
    let mut story = live();
    story.component("web", json!({"scheme": "semver", "release_model": "deployed"}));
    let question = Question::Commit { environment: "production".to_owned(), component: None };
    let answer = ask(&mut story).answer(&question).unwrap();
    let rows = crate::ask::lines(&answer.table, "component commit reason");
    assert_eq!(rows, ["api c1.4.1 -", "web - nothing was deployed here"]);
}
