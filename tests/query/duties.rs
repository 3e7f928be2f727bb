//! Separation of duties (semantics A.8, `sod_author`): who wrote what a deploy brings.
//!
//! The base is the last live digest that is not the deployed one, so that a redeploy still has
//! the authors of what it ships.

use relbook_testkit::story::Story;
use serde_json::json;

use crate::ask::{ask, lines};

/// c1 by al, c2 by bo, c3 by cy, in a row; 1.4.1, 1.5.0 and 1.6.0 are built from them.
fn three() -> Story {
    three_on(&["us"])
}

fn three_on(targets: &[&str]) -> Story {
    let mut story = Story::of_api(targets);
    story.commit("01T01:00", "c1", &[], "al", "feat: one");
    story.commit("01T02:00", "c2", &["c1"], "bo", "feat: two");
    story.commit("01T03:00", "c3", &["c2"], "cy", "feat: three");
    for (version, commit) in [("1.4.1", "c1"), ("1.5.0", "c2"), ("1.6.0", "c3")] {
        story.build_of("01T04:00", version, version, commit);
    }
    story
}

/// Lets everybody approve a version, starts its deploy, and returns who may not for `sod_author`.
fn conflicted(story: &mut Story, version: &str) -> Vec<String> {
    for (id, who) in [("A1", "al"), ("A2", "bo"), ("A3", "cy"), ("A4", "di")] {
        story.approve("20T09:00", id, who, version);
    }
    story.start("20T10:00", "PX", "production", version);
    let rows = lines(&ask(story).approvals("PX").table, "approver reasons");
    assert_eq!(rows.len(), 4);
    let conflict = |row: &String| Some(row.strip_suffix(" [sod_author]")?.to_owned());
    rows.iter().filter_map(conflict).collect()
}

#[test]
fn the_first_deploy_brings_every_ancestor() {
    assert_eq!(conflicted(&mut three(), "1.5.0"), ["al", "bo"]);
}

#[test]
fn an_upgrade_brings_what_is_between() {
    let mut story = three();
    story.live("02T09:00", "P1", "1.4.1");
    assert_eq!(conflicted(&mut story, "1.6.0"), ["bo", "cy"]);
}

#[test]
fn a_redeploy_has_the_authors_of_what_it_ships() {
    let mut story = three();
    story.live("02T09:00", "P1", "1.4.1").live("03T09:00", "P2", "1.5.0");
    assert_eq!(conflicted(&mut story, "1.5.0"), ["bo"]);
}

#[test]
fn the_base_is_the_last_other_digest_not_the_one_before_it() {
    let mut story = three();
    story.live("02T09:00", "P1", "1.4.1").live("03T09:00", "P2", "1.5.0");
    story.live("04T09:00", "P3", "1.6.0").live("05T09:00", "P4", "1.5.0");
    // 1.5.0 is live, 1.6.0 was before it.
    assert_eq!(conflicted(&mut story, "1.5.0"), [""; 0]);
}

#[test]
fn a_way_back_brings_nothing_new() {
    let mut story = three();
    story.live("02T09:00", "P1", "1.4.1").live("03T09:00", "P2", "1.6.0");
    assert_eq!(conflicted(&mut story, "1.4.1"), [""; 0]);
}

#[test]
fn a_failed_deploy_is_no_base() {
    let mut story = three();
    story.live("02T09:00", "P1", "1.4.1");
    story.start("03T09:00", "P2", "production", "1.5.0").finish("03T09:05", "P2", "us", "failed");
    assert_eq!(conflicted(&mut story, "1.6.0"), ["bo", "cy"]);
}

#[test]
fn several_targets_bring_what_any_of_them_lacks() {
    let mut story = three_on(&["us", "eu"]);
    story.live("02T09:00", "P1", "1.4.1");
    story.live_with("03T09:00", "P2", "1.5.0", json!({"targets": ["us"]}));
    assert_eq!(conflicted(&mut story, "1.6.0"), ["bo", "cy"]);
}

#[test]
fn who_picked_a_commit_is_an_author_beside_who_wrote_it() {
    let mut story = Story::of_api(&["us"]);
    story.commit("01T01:00", "c1", &[], "al", "feat: one");
    story.commit("01T02:00", "c2", &["c1"], "bo", "fix: two");
    story
        .commit("01T03:00", "c3", &["c1"], "cy", "fix: two")
        .but(json!({"cherry_picked_from": "c2"}));
    story.commit("01T04:00", "c4", &["c2", "c3"], "di", "Merge");
    story.build_of("01T05:00", "1.4.1", "1.4.1", "c1").build_of("01T05:00", "1.5.0", "1.5.0", "c4");
    story.live("02T09:00", "P1", "1.4.1");
    assert_eq!(conflicted(&mut story, "1.5.0"), ["bo", "cy", "di"]);
}

#[test]
fn a_commit_that_left_with_the_deploy_has_no_author_in_it() {
    // 1.5.0 has c2, 1.6.0 has c3 beside it: going over, bo's commit is removed.
    let mut story = Story::of_api(&["us"]);
    story.commit("01T01:00", "c1", &[], "al", "feat: one");
    story.commit("01T02:00", "c2", &["c1"], "bo", "feat: two");
    story.commit("01T03:00", "c3", &["c1"], "cy", "feat: three");
    story.build_of("01T05:00", "1.5.0", "1.5.0", "c2").build_of("01T05:00", "1.6.0", "1.6.0", "c3");
    story.live("02T09:00", "P1", "1.5.0");
    assert_eq!(conflicted(&mut story, "1.6.0"), ["cy"]);
}

#[test]
fn the_signer_is_the_initiator_where_the_start_names_nobody() {
    let mut story = three();
    story.approve("20T09:00", "A1", "admin", "1.5.0").but(json!({"approver": "admin"}));
    story.start("20T10:00", "PX", "production", "1.5.0").but(json!({"initiated_by": null}));
    let answer = ask(&mut story).approvals("PX");
    assert_eq!(crate::ask::head(&answer, "initiated_by"), "admin");
    assert_eq!(lines(&answer.table, "approver reasons"), ["admin [role,sod_initiator]"]);
}
