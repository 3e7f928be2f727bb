//! The class of a change and whether it needs an approval (semantics A.9).

use relbook_testkit::story::Story;
use serde_json::{Value, json};

use crate::ask::{ask, head};

const CLASS: &str = "from_version bump change_class approval_required approval_verdict";

fn semver(targets: &[&str], versions: &[&str]) -> Story {
    let mut story = Story::of_api(targets);
    for (i, version) in versions.iter().enumerate() {
        story.build(&format!("01T{i:02}:00"), version);
    }
    story
}

/// Puts one version live, then starts another, and returns its class.
fn step(from: &str, to: &str) -> String {
    let mut story = semver(&["us"], &[from, to]);
    story.live("02T09:00", "P1", from).start("03T09:00", "P2", "production", to);
    ask(&mut story).deploy("P2", CLASS)
}

#[test]
fn semver_steps() {
    for (from, to, class) in [
        // Another patch, either direction.
        ("1.4.1", "1.4.2", "patch standard false not_required"),
        ("1.4.2", "1.4.1", "patch standard false not_required"),
        ("1.4.9", "1.4.10", "patch standard false not_required"),
        // Another minor or major, either direction.
        ("1.4.1", "1.5.0", "minor normal true missing"),
        ("1.5.0", "1.4.1", "minor normal true missing"),
        ("1.4.1", "2.0.0", "major normal true missing"),
        ("2.0.0", "1.4.1", "major normal true missing"),
        ("1.4.1", "2.4.1", "major normal true missing"),
        // Before 1.0 a patch may change anything, a minor is a major.
        ("0.4.1", "0.4.2", "minor normal true missing"),
        ("0.4.2", "0.4.1", "minor normal true missing"),
        ("0.4.1", "0.5.0", "major normal true missing"),
        ("0.9.0", "1.0.0", "major normal true missing"),
        ("1.0.0", "0.9.0", "major normal true missing"),
        // To a pre-release, whatever the distance.
        ("1.4.1", "1.4.2-rc.1", "prerelease normal true missing"),
        ("1.4.2-rc.1", "1.4.2-rc.2", "prerelease normal true missing"),
        ("1.4.1", "2.0.0-rc.1", "prerelease normal true missing"),
        ("1.4.2", "1.4.2-rc.1", "prerelease normal true missing"),
        // Away from a live pre-release.
        ("1.4.2-rc.1", "1.4.2", "minor normal true missing"),
        ("1.4.2-rc.1", "1.4.3", "minor normal true missing"),
        ("1.4.2-rc.1", "2.0.0", "major normal true missing"),
        // Equal precedence, another digest.
        ("1.4.1", "1.4.1+second", "rebuild normal true missing"),
    ] {
        assert_eq!(step(from, to), format!("{from} {class}"), "{from} to {to}");
    }
}

#[test]
fn the_first_deploy_is_initial() {
    let mut story = semver(&["us"], &["1.4.1"]);
    story.start("02T09:00", "P1", "production", "1.4.1");
    assert_eq!(ask(&mut story).deploy("P1", CLASS), "- initial normal true missing");
    // Even of a pre-release: the highest class counts.
    let mut story = semver(&["us"], &["1.4.1-rc.1"]);
    story.start("02T09:00", "P1", "production", "1.4.1-rc.1");
    assert_eq!(ask(&mut story).deploy("P1", "bump"), "initial");
}

#[test]
fn the_first_deploy_is_initial_also_without_provenance() {
    let mut story = semver(&["us"], &["1.4.1"]);
    story.live("02T09:00", "P1", "unbuilt").live("03T09:00", "P2", "1.4.1");
    let ask = ask(&mut story);
    assert_eq!(ask.deploy("P1", CLASS), "- initial normal true missing");
    // What is unknown is unknown only where there is something to compare with.
    assert_eq!(ask.deploy("P2", "bump"), "-");
    assert_eq!(ask.rows("production_releases", "n bump"), ["1 initial", "2 -"]);
    assert_eq!(head(&ask.at("02T10:00").diff(), "bump from_version"), "initial -");
}

#[test]
fn the_same_digest_is_none() {
    let mut story = semver(&["us"], &["1.4.1"]);
    story.live("02T09:00", "P1", "1.4.1").start("03T09:00", "P2", "production", "1.4.1");
    let expected = "1.4.1 none redeploy false not_required";
    assert_eq!(ask(&mut story).deploy("P2", CLASS), expected);
}

#[test]
fn the_same_version_from_another_build_is_a_rebuild() {
    let mut story = semver(&["us"], &["1.4.1"]);
    story.build_of("01T10:00", "1.4.1", "again", "c1.4.1").live("02T09:00", "P1", "1.4.1");
    story.start("03T09:00", "P2", "production", "again");
    let expected = "1.4.1 rebuild normal true missing";
    assert_eq!(ask(&mut story).deploy("P2", CLASS), expected);
}

#[test]
fn the_measure_is_what_is_live_not_the_last_tag() {
    let mut story = semver(&["us"], &["1.4.3", "1.5.0", "1.5.1"]);
    story.live("02T09:00", "P1", "1.4.3").tag("02T10:00", "v1.5.0", "c1.5.0");
    story.start("03T09:00", "P2", "production", "1.5.1");
    assert_eq!(ask(&mut story).deploy("P2", "from_version bump"), "1.4.3 minor");
}

#[test]
fn a_failed_deploy_and_a_canary_are_not_what_is_live() {
    let mut story = semver(&["us"], &["1.4.1", "1.4.2", "1.5.0"]);
    story.live("02T09:00", "P1", "1.4.1");
    story.start("03T09:00", "P2", "production", "1.5.0").finish("03T09:05", "P2", "us", "failed!");
    story.start("04T09:00", "C3", "canary", "1.5.0").progress("04T09:01", "C3", "us", 5);
    story.start("05T09:00", "P4", "production", "1.4.2");
    assert_eq!(ask(&mut story).deploy("P4", "from_version bump"), "1.4.1 patch");
}

#[test]
fn what_became_live_after_the_start_is_not_the_measure() {
    let mut story = semver(&["us"], &["1.4.1", "1.4.2", "1.5.0"]);
    story.live("02T09:00", "P1", "1.4.1").start("03T09:00", "P2", "production", "1.4.2");
    story.live("03T10:00", "P3", "1.5.0").finish("03T11:00", "P2", "us", "succeeded");
    let ask = ask(&mut story);
    assert_eq!(ask.deploy("P2", "from_version bump outcome"), "1.4.1 patch succeeded");
    assert_eq!(ask.deploy("P3", "from_version bump"), "1.4.1 minor");
}

#[test]
fn a_component_that_was_removed_is_initial_again() {
    let mut story = semver(&["us"], &["1.4.1", "1.4.2"]);
    story.live("02T09:00", "P1", "1.4.1").remove("03T09:00", "us");
    story.start("04T09:00", "P2", "production", "1.4.2");
    assert_eq!(ask(&mut story).deploy("P2", "from_version bump"), "- initial");
}

#[test]
fn of_several_targets_the_highest_class_decides_and_names_what_was_there() {
    let mut story = semver(&["us", "eu", "ap"], &["1.4.1", "1.4.2", "1.5.0", "1.5.1"]);
    story.live_with("02T09:00", "P1", "1.4.1", json!({"targets": ["us"]}));
    story.live_with("02T10:00", "P2", "1.5.0", json!({"targets": ["eu", "ap"]}));
    for (targets, expected) in [
        (json!(["us"]), "1.4.1 minor"),
        (json!(["eu"]), "1.5.0 patch"),
        (json!(["eu", "us"]), "1.4.1 minor"),
        (json!(["eu", "ap"]), "1.5.0 patch"),
        // Nothing is live on the last.
        (json!(["eu", "us", "sa"]), "- initial"),
    ] {
        story.start("03T09:00", "P3", "production", "1.5.1").but(json!({"targets": targets}));
        let id = format!("P3-{}", story.seq());
        story.but(json!({"deploy_id": id}));
        assert_eq!(ask(&mut story).deploy(&id, "from_version bump"), expected, "{targets}");
    }
}

#[test]
fn a_tie_is_named_by_the_first_declared_target() {
    let mut story = semver(&["us", "eu"], &["1.4.1", "1.4.2", "1.4.3"]);
    story.live_with("02T09:00", "P1", "1.4.1", json!({"targets": ["us"]}));
    story.live_with("02T10:00", "P2", "1.4.2", json!({"targets": ["eu"]}));
    story.start("03T09:00", "P3", "production", "1.4.3");
    assert_eq!(ask(&mut story).deploy("P3", "from_version bump"), "1.4.1 patch");
}

#[test]
fn an_unknown_version_has_no_class_and_needs_an_approval() {
    // What is deployed is unknown.
    let mut story = semver(&["us"], &["1.4.1"]);
    story.live("02T09:00", "P1", "1.4.1").start("03T09:00", "P2", "production", "9.9.9");
    let expected = "1.4.1 - normal true missing";
    assert_eq!(ask(&mut story).deploy("P2", CLASS), expected);
    // What is live is unknown.
    let mut story = semver(&["us"], &["1.4.2"]);
    story.live("02T09:00", "P1", "9.9.9").start("03T09:00", "P2", "production", "1.4.2");
    assert_eq!(ask(&mut story).deploy("P2", CLASS), "- - normal true missing");
}

#[test]
fn an_unknown_version_on_one_target_is_not_outvoted_by_a_patch_on_another() {
    let mut story = semver(&["us", "eu"], &["1.4.1", "1.4.2"]);
    story.live_with("02T09:00", "P1", "1.4.1", json!({"targets": ["us"]}));
    story.live_with("02T10:00", "P2", "9.9.9", json!({"targets": ["eu"]}));
    story.start("03T09:00", "P3", "production", "1.4.2");
    let what = "from_digest bump approval_required";
    assert_eq!(ask(&mut story).deploy("P3", what), "@9.9.9 - true");
    // Nothing is above initial, so one unknown target cannot change it.
    let mut story = semver(&["us", "eu"], &["1.4.2"]);
    story.live_with("02T10:00", "P2", "9.9.9", json!({"targets": ["eu"]}));
    story.start("03T09:00", "P3", "production", "1.4.2");
    assert_eq!(ask(&mut story).deploy("P3", what), "- initial true");
}

#[test]
fn calver_steps() {
    for (from, to, class) in [
        ("2026.06.3", "2026.06.4", "micro standard false not_required"),
        ("2026.06.10", "2026.06.9", "micro standard false not_required"),
        ("2026.06.3", "2026.07.0", "period normal true missing"),
        ("2026.07.0", "2026.06.3", "period normal true missing"),
        ("2026.12.1", "2027.01.0", "period normal true missing"),
    ] {
        let mut story = Story::of_api(&["us"]);
        let scheme = "calver:YYYY.0M.MICRO";
        story.component("web", json!({"scheme": scheme, "release_model": "deployed"}));
        story.build("01T00:00", from).build("01T01:00", to);
        story.live("02T09:00", "P1", from).start("03T09:00", "P2", "production", to);
        let rows = ask(&mut story).rows_of("web", "deploys", &format!("deploy_id {CLASS}"));
        assert_eq!(rows[1], format!("P2 {from} {class}"), "{from} to {to}");
    }
}

#[test]
fn which_classes_need_an_approval_is_a_policy_value() {
    let mut story = semver(&["us"], &["1.4.1", "1.4.2", "1.5.0"]);
    story.policy("01T20:00", json!({"approval_required_for": ["patch"]}));
    story.live("02T09:00", "P1", "1.4.1");
    story.start("03T09:00", "P2", "production", "1.4.2");
    story.start("03T09:01", "P3", "production", "1.5.0");
    let ask = ask(&mut story);
    assert_eq!(ask.deploy("P2", "bump approval_required"), "patch true");
    assert_eq!(ask.deploy("P3", "bump approval_required"), "minor false");
}

#[test]
fn the_kind_of_change_follows_from_why_it_was_made() {
    let cases: [(Value, &str); 6] = [
        (json!({}), "standard"),
        (json!({"reason": "rollback"}), "rollback"),
        (json!({"reason": null, "rollback_of": "P0"}), "rollback"),
        (json!({"hotfix_id": "H1", "reason": "rollback"}), "hotfix"),
        (json!({"break_glass": true, "hotfix_id": "H1"}), "emergency"),
        (json!({"break_glass": false}), "standard"),
    ];
    for (fields, expected) in cases {
        let mut story = semver(&["us"], &["1.4.1", "1.4.2"]);
        story.live("02T09:00", "P1", "1.4.1");
        story.start("03T09:00", "P2", "production", "1.4.2").but(fields.clone());
        assert_eq!(ask(&mut story).deploy("P2", "change_class"), expected, "{fields}");
    }
}

#[test]
fn a_hotfix_always_needs_an_approval() {
    let mut story = semver(&["us"], &["1.4.1", "1.4.2"]);
    story.live("02T09:00", "P1", "1.4.1");
    story.start("03T09:00", "P2", "production", "1.4.2").but(json!({"hotfix_id": "H1"}));
    let expected = "1.4.1 patch hotfix true missing";
    assert_eq!(ask(&mut story).deploy("P2", CLASS), expected);
}

/// 1.4.2 went live with P2 and was rolled back by P3.
fn rolled_back() -> Story {
    let mut story = semver(&["us"], &["1.4.1", "1.4.2", "1.4.3"]);
    story.live("02T09:00", "P1", "1.4.1").live("03T09:00", "P2", "1.4.2");
    let back = json!({"reason": "rollback", "rollback_of": "P2"});
    story.live_with("04T09:00", "P3", "1.4.1", back);
    story
}

const HELD: &str = "bump held approval_required approval_verdict";

#[test]
fn a_digest_that_was_rolled_back_is_held() {
    let mut story = rolled_back();
    story.start("05T09:00", "P4", "production", "1.4.2");
    story.start("05T09:01", "P5", "production", "1.4.3");
    let ask = ask(&mut story);
    assert_eq!(ask.deploy("P4", HELD), "patch true true missing");
    // Another digest is not, nor what was live before.
    assert_eq!(ask.deploy("P5", HELD), "patch false false not_required");
    assert_eq!(ask.deploy("P2", HELD), "patch false false not_required");
    assert_eq!(ask.deploy("P3", HELD), "patch false false not_required");
}

#[test]
fn a_rollback_that_names_no_deploy_holds_what_it_replaced() {
    let mut story = semver(&["us", "eu"], &["1.4.1", "1.4.2", "1.4.3"]);
    story.live("02T09:00", "P1", "1.4.1").live("03T09:00", "P2", "1.4.2");
    story.live_with("03T10:00", "P3", "1.4.3", json!({"targets": ["us"]}));
    let back = json!({"reason": "rollback", "targets": ["us"]});
    story.live_with("04T09:00", "P4", "1.4.1", back);
    story.start("05T09:00", "P5", "production", "1.4.3");
    story.start("05T09:01", "P6", "production", "1.4.2");
    let ask = ask(&mut story);
    assert_eq!(ask.deploy("P5", "held approval_required"), "true true");
    // What ran elsewhere, or on the same target before, is not meant.
    assert_eq!(ask.deploy("P6", "held approval_required"), "false false");
}

#[test]
fn a_held_digest_may_come_back_with_an_approval_and_is_then_free() {
    let mut story = rolled_back();
    story.approve("05T08:00", "A1", "rita", "1.4.2").live("05T09:00", "P4", "1.4.2");
    story.start("06T09:00", "P5", "production", "1.4.2");
    let ask = ask(&mut story);
    assert_eq!(ask.deploy("P4", HELD), "patch true true approved");
    assert_eq!(ask.deploy("P5", HELD), "none false false approved");
}

#[test]
fn a_held_digest_that_came_back_without_an_approval_stays_held() {
    let mut story = rolled_back();
    story.live("05T09:00", "P4", "1.4.2").start("06T09:00", "P5", "production", "1.4.2");
    assert_eq!(ask(&mut story).deploy("P5", HELD), "none true true missing");
}

#[test]
fn a_rollback_recorded_after_the_start_holds_nothing_yet() {
    let mut story = semver(&["us"], &["1.4.1", "1.4.2"]);
    story.live("02T09:00", "P1", "1.4.1").live("03T09:00", "P2", "1.4.2");
    story.start("05T09:00", "P4", "production", "1.4.2");
    story.start("04T09:00", "P3", "production", "1.4.1");
    story.but(json!({"reason": "rollback", "rollback_of": "P2"}));
    assert_eq!(ask(&mut story).deploy("P4", "held"), "false");
}

#[test]
fn a_second_rollback_holds_again() {
    let mut story = rolled_back();
    story.approve("05T08:00", "A1", "rita", "1.4.2").live("05T09:00", "P4", "1.4.2");
    let back = json!({"reason": "rollback", "rollback_of": "P4"});
    story.live_with("06T09:00", "P5", "1.4.1", back);
    story.start("07T09:00", "P6", "production", "1.4.2");
    assert_eq!(ask(&mut story).deploy("P6", HELD), "patch true true missing");
}
