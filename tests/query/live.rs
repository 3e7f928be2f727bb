//! What is live where (semantics A.5): every row of the table of events, every state.

use relbook_testkit::story::Story;
use serde_json::json;

use crate::ask::ask;

const STATE: &str = "state version versions since in_flight";
const SHARE: &str = "target role weight version since suspect";

/// 1.4.1 is live on every target since the 2nd; 1.4.2 and 1.4.3 are built.
fn live_on(targets: &[&str]) -> Story {
    let mut story = Story::of_api(targets);
    story.build("01T01:00", "1.4.1").build("01T02:00", "1.4.2").build("01T03:00", "1.4.3");
    story.live("02T09:00", "P1", "1.4.1");
    story
}

#[test]
fn a_component_without_a_deploy_is_none_and_has_a_row() {
    let mut story = Story::of_api(&["us"]);
    story.build("01T01:00", "1.4.1");
    let ask = ask(&mut story);
    assert_eq!(ask.status(STATE), "none - [] - 0");
    assert_eq!(ask.status("digest targets_live targets_total canary_weight"), "- 0 1 -");
    assert_eq!(ask.status("last_deployed_at suspect"), "- -");
    assert_eq!(ask.shares(SHARE), [""; 0]);
}

#[test]
fn a_success_in_production_is_live() {
    let ask = ask(&mut live_on(&["us"]));
    assert_eq!(ask.status(STATE), "live 1.4.1 [1.4.1] 02T09:00 0");
    assert_eq!(ask.status("digest targets_live targets_total"), "@1.4.1 1 1");
    assert_eq!(ask.shares(SHARE), ["us stable 100 1.4.1 02T09:00 -"]);
    assert_eq!(ask.shares("digest commit deploy_id"), ["@1.4.1 c1.4.1 P1"]);
}

#[test]
fn an_environment_shows_only_its_own_deploys() {
    let mut story = live_on(&["us"]);
    story.start("03T09:00", "S1", "staging", "1.4.2");
    story.finish("03T09:05", "S1", "stg-1", "succeeded");
    let seen = ask(&mut story);
    assert_eq!(seen.status(STATE), "live 1.4.1 [1.4.1] 02T09:00 0");
    assert_eq!(seen.of("staging").status(STATE), "live 1.4.2 [1.4.2] 03T09:05 0");
    assert_eq!(ask(&mut story).of("dev").status(STATE), "none - [] - 0");
}

#[test]
fn a_start_changes_nothing_but_in_flight() {
    let mut story = live_on(&["us"]);
    story.start("03T09:00", "P2", "production", "1.4.2").but(json!({"weight": 50}));
    let ask = ask(&mut story);
    assert_eq!(ask.status(STATE), "live 1.4.1 [1.4.1] 02T09:00 1");
    assert_eq!(ask.shares(SHARE), ["us stable 100 1.4.1 02T09:00 -"]);
}

#[test]
fn a_first_deploy_under_way_is_none_with_one_in_flight() {
    let mut story = Story::of_api(&["us"]);
    story.build("01T01:00", "1.4.1").start("02T09:00", "P1", "production", "1.4.1");
    assert_eq!(ask(&mut story).status(STATE), "none - [] - 1");
}

#[test]
fn progress_makes_a_canary_beside_the_stable_version() {
    let mut story = live_on(&["us"]);
    story.start("03T09:00", "C2", "canary", "1.4.2").progress("03T09:02", "C2", "us", 5);
    let ask = ask(&mut story);
    assert_eq!(ask.status(STATE), "canary 1.4.1 [1.4.1,1.4.2] 02T09:00 1");
    assert_eq!(ask.status("digest canary_weight"), "@1.4.1 5");
    let shares = ["us stable 95 1.4.1 02T09:00 -", "us canary 5 1.4.2 03T09:02 -"];
    assert_eq!(ask.shares(SHARE), shares);
}

#[test]
fn a_finished_canary_stays_at_its_weight() {
    let mut story = live_on(&["us"]);
    story.start("03T09:00", "C2", "canary", "1.4.2").progress("03T09:02", "C2", "us", 5);
    story.finish("03T09:40", "C2", "us", "succeeded");
    let ask = ask(&mut story);
    assert_eq!(ask.status(STATE), "canary 1.4.1 [1.4.1,1.4.2] 02T09:00 0");
    assert_eq!(ask.shares("role weight since"), ["stable 95 02T09:00", "canary 5 03T09:02"]);
    assert_eq!(ask.deploy("C2", "outcome"), "succeeded");
}

#[test]
fn a_failed_or_aborted_canary_leaves_the_stable_version() {
    for outcome in ["failed", "failed!", "aborted", "aborted!"] {
        let mut story = live_on(&["us"]);
        story.start("03T09:00", "C2", "canary", "1.4.2").progress("03T09:02", "C2", "us", 5);
        story.finish("03T09:20", "C2", "us", outcome);
        let ask = ask(&mut story);
        assert_eq!(ask.status(STATE), "live 1.4.1 [1.4.1] 02T09:00 0", "{outcome}");
        assert_eq!(ask.shares(SHARE), ["us stable 100 1.4.1 02T09:00 -"], "{outcome}");
    }
}

#[test]
fn the_weight_of_the_start_is_only_intent() {
    let mut story = live_on(&["us"]);
    story.start("03T09:00", "C2", "canary", "1.4.2").but(json!({"weight": 5}));
    story.finish("03T09:40", "C2", "us", "succeeded");
    let ask = ask(&mut story);
    assert_eq!(ask.status(STATE), "live 1.4.1 [1.4.1] 02T09:00 0");
}

#[test]
fn steps_of_a_rollout_change_the_weight_and_keep_since() {
    let mut story = live_on(&["us"]);
    story.start("03T09:00", "P2", "production", "1.4.2");
    for (at, weight) in [("03T09:02", 5), ("03T09:10", 25), ("03T09:20", 50)] {
        story.progress(at, "P2", "us", weight);
    }
    let half = ["stable 50 1.4.1 02T09:00", "canary 50 1.4.2 03T09:02"];
    assert_eq!(ask(&mut story).shares("role weight version since"), half);
    story.progress("03T09:30", "P2", "us", 100);
    let whole = ask(&mut story);
    assert_eq!(whole.shares("role weight version since"), ["canary 100 1.4.2 03T09:02"]);
    assert_eq!(whole.status(STATE), "canary 1.4.1 [1.4.2] 02T09:00 1");
    story.finish("03T09:40", "P2", "us", "succeeded");
    let done = ask(&mut story);
    assert_eq!(done.shares("role weight version since"), ["stable 100 1.4.2 03T09:40"]);
    assert_eq!(done.status(STATE), "live 1.4.2 [1.4.2] 03T09:40 0");
}

#[test]
fn a_preview_of_weight_zero_is_not_live() {
    let mut story = live_on(&["us"]);
    story.start("03T09:00", "C2", "canary", "1.4.2").progress("03T09:02", "C2", "us", 0);
    let preview = ask(&mut story);
    assert_eq!(preview.status(STATE), "live 1.4.1 [1.4.1] 02T09:00 1");
    assert_eq!(preview.shares(SHARE), ["us stable 100 1.4.1 02T09:00 -"]);
    // It is live from the moment at which it has traffic, not from the preview on.
    story.progress("03T09:10", "C2", "us", 5);
    let shares = ["stable 95 02T09:00", "canary 5 03T09:10"];
    assert_eq!(ask(&mut story).shares("role weight since"), shares);
    // And not again once it has none.
    story.progress("03T09:20", "C2", "us", 0);
    assert_eq!(ask(&mut story).shares("role weight since"), ["stable 100 02T09:00"]);
}

#[test]
fn progress_of_a_second_deploy_replaces_the_first_canary() {
    let mut story = live_on(&["us"]);
    story.start("03T09:00", "C2", "canary", "1.4.2").progress("03T09:02", "C2", "us", 5);
    story.start("03T09:05", "C3", "canary", "1.4.3").progress("03T09:07", "C3", "us", 10);
    let both = ask(&mut story);
    assert_eq!(both.status(STATE), "canary 1.4.1 [1.4.1,1.4.3] 02T09:00 2");
    assert_eq!(both.shares("role weight version"), ["stable 90 1.4.1", "canary 10 1.4.3"]);
    // The end of the first is not the end of the second.
    story.finish("03T09:20", "C2", "us", "failed");
    let one = ask(&mut story);
    assert_eq!(one.shares("role weight version"), ["stable 90 1.4.1", "canary 10 1.4.3"]);
    assert_eq!(one.status(STATE), "canary 1.4.1 [1.4.1,1.4.3] 02T09:00 1");
}

#[test]
fn promotion_clears_the_canary_of_the_same_digest_only() {
    for (artifact, left) in
        [("1.4.2", "live 1.4.2 [1.4.2]"), ("1.4.3", "canary 1.4.3 [1.4.3,1.4.2]")]
    {
        let mut story = live_on(&["us"]);
        story.start("03T09:00", "C2", "canary", "1.4.2").progress("03T09:02", "C2", "us", 5);
        story.finish("03T09:40", "C2", "us", "succeeded");
        story.live("03T10:00", "P2", artifact);
        assert_eq!(ask(&mut story).status(STATE), format!("{left} 03T10:00 0"));
    }
}

#[test]
fn a_failed_but_restored_deploy_changes_nothing() {
    for outcome in ["failed", "aborted"] {
        let mut story = live_on(&["us"]);
        story.start("03T09:00", "P2", "production", "1.4.2");
        story.progress("03T09:02", "P2", "us", 25);
        story.finish("03T09:05", "P2", "us", outcome);
        let ask = ask(&mut story);
        assert_eq!(ask.status(STATE), "live 1.4.1 [1.4.1] 02T09:00 0");
        assert_eq!(ask.status("last_deployed_at suspect"), "02T09:00 -");
        assert_eq!(ask.deploy("P2", "outcome finished_at"), format!("{outcome} 03T09:05"));
    }
}

#[test]
fn a_failed_and_unrestored_deploy_makes_the_target_indeterminate_until_the_next_success() {
    let mut story = live_on(&["us"]);
    story.start("03T09:00", "P2", "production", "1.4.2");
    story.finish("03T09:05", "P2", "us", "failed!");
    let doubt = ask(&mut story);
    assert_eq!(doubt.status(STATE), "indeterminate - [1.4.1] - 0");
    assert_eq!(doubt.status("digest since suspect"), "- - 1.4.2");
    // The last known good version is still shown, with what may have taken its place.
    assert_eq!(doubt.shares(SHARE), ["us stable 100 1.4.1 02T09:00 1.4.2"]);
    // Another failure, restored or not, does not settle it.
    story.start("03T10:00", "P3", "production", "1.4.3");
    story.finish("03T10:05", "P3", "us", "failed");
    assert_eq!(ask(&mut story).status("state suspect"), "indeterminate 1.4.2");
    story.live("03T11:00", "P4", "1.4.1");
    let settled = ask(&mut story);
    assert_eq!(settled.status(STATE), "live 1.4.1 [1.4.1] 02T09:00 0");
    assert_eq!(settled.status("last_deployed_at suspect"), "03T11:00 -");
    assert_eq!(settled.shares(SHARE), ["us stable 100 1.4.1 02T09:00 -"]);
}

#[test]
fn a_first_deploy_that_failed_unrestored_is_indeterminate_not_none() {
    let mut story = Story::of_api(&["us"]);
    story.build("01T01:00", "1.4.1").start("02T09:00", "P1", "production", "1.4.1");
    story.finish("02T09:05", "P1", "us", "aborted!");
    let ask = ask(&mut story);
    assert_eq!(ask.status(STATE), "indeterminate - [] - 0");
    assert_eq!(ask.status("suspect"), "1.4.1");
}

#[test]
fn one_indeterminate_target_makes_the_environment_indeterminate() {
    let mut story = live_on(&["us", "eu"]);
    story.start("03T09:00", "P2", "production", "1.4.2");
    story.finish("03T09:05", "P2", "us", "succeeded").finish("03T09:06", "P2", "eu", "failed!");
    let ask = ask(&mut story);
    assert_eq!(ask.status(STATE), "indeterminate - [1.4.2,1.4.1] - 0");
    let shares = ["us stable 100 1.4.2 03T09:05 -", "eu stable 100 1.4.1 02T09:00 1.4.2"];
    assert_eq!(ask.shares(SHARE), shares);
}

#[test]
fn a_suspect_is_named_once_and_several_in_the_order_of_targets() {
    let mut story = live_on(&["us", "eu"]);
    story.start("03T09:00", "P2", "production", "1.4.2");
    story.finish("03T09:05", "P2", "us", "failed!").finish("03T09:06", "P2", "eu", "failed!");
    assert_eq!(ask(&mut story).status("state suspect"), "indeterminate 1.4.2");
    story.start("03T10:00", "P3", "production", "1.4.3").finish("03T10:05", "P3", "us", "failed!");
    assert_eq!(ask(&mut story).status("state suspect"), "indeterminate 1.4.3, 1.4.2");
}

#[test]
fn a_half_applied_deploy_is_mixed_and_has_no_version() {
    let mut story = live_on(&["us", "eu"]);
    story.start("03T09:00", "P2", "production", "1.4.2");
    story.finish("03T09:05", "P2", "us", "succeeded");
    let half = ask(&mut story);
    assert_eq!(half.status(STATE), "mixed - [1.4.2,1.4.1] - 1");
    assert_eq!(half.status("digest since targets_live targets_total"), "- - 2 2");
    let shares = ["us stable 100 1.4.2 03T09:05 -", "eu stable 100 1.4.1 02T09:00 -"];
    assert_eq!(half.shares(SHARE), shares);
    story.finish("03T09:09", "P2", "eu", "succeeded");
    // Since is when the last target got it.
    assert_eq!(ask(&mut story).status(STATE), "live 1.4.2 [1.4.2] 03T09:09 0");
}

#[test]
fn a_target_with_nothing_makes_the_environment_mixed() {
    let mut story = Story::of_api(&["us", "eu"]);
    story.build("01T01:00", "1.4.1");
    story.live_with("02T09:00", "P1", "1.4.1", json!({"targets": ["eu"]}));
    let ask = ask(&mut story);
    assert_eq!(ask.status(STATE), "mixed - [1.4.1] - 0");
    assert_eq!(ask.status("targets_live targets_total"), "1 2");
}

#[test]
fn mixed_comes_before_canary() {
    let mut story = live_on(&["us", "eu"]);
    story.live_with("03T09:00", "P2", "1.4.2", json!({"targets": ["eu"]}));
    story.start("03T10:00", "C3", "canary", "1.4.3").progress("03T10:02", "C3", "us", 5);
    let ask = ask(&mut story);
    assert_eq!(ask.status(STATE), "mixed - [1.4.1,1.4.3,1.4.2] - 1");
}

#[test]
fn the_same_version_from_another_build_is_mixed() {
    let mut story = live_on(&["us", "eu"]);
    story.build_of("02T10:00", "1.4.1", "1.4.1-again", "c1.4.1");
    story.live_with("03T09:00", "P2", "1.4.1-again", json!({"targets": ["eu"]}));
    // Identity is the digest: one version, two artifacts.
    assert_eq!(ask(&mut story).status(STATE), "mixed - [1.4.1] - 0");
}

#[test]
fn a_canary_on_one_of_several_targets_makes_a_canary_state() {
    let mut story = live_on(&["us", "eu"]);
    story.start("03T09:00", "C2", "canary", "1.4.2").but(json!({"targets": ["eu"]}));
    story.progress("03T09:02", "C2", "eu", 5);
    let ask = ask(&mut story);
    assert_eq!(ask.status(STATE), "canary 1.4.1 [1.4.1,1.4.2] 02T09:00 1");
    let shares = [
        "us stable 100 1.4.1 02T09:00 -",
        "eu stable 95 1.4.1 02T09:00 -",
        "eu canary 5 1.4.2 03T09:02 -",
    ];
    assert_eq!(ask.shares(SHARE), shares);
}

#[test]
fn versions_follow_declared_targets_stable_before_canary_first_occurrence() {
    let mut story = live_on(&["us", "eu", "ap"]);
    story.live_with("03T09:00", "P2", "1.4.2", json!({"targets": ["us"]}));
    story.start("03T10:00", "C3", "canary", "1.4.3").but(json!({"targets": ["eu", "us"]}));
    story.progress("03T10:02", "C3", "eu", 5).progress("03T10:03", "C3", "us", 5);
    assert_eq!(ask(&mut story).status("versions"), "[1.4.2,1.4.3,1.4.1]");
}

#[test]
fn a_canary_without_a_stable_version_has_no_version() {
    let mut story = Story::of_api(&["us"]);
    story.build("01T01:00", "1.4.1").start("02T09:00", "C1", "canary", "1.4.1");
    story.progress("02T09:02", "C1", "us", 5);
    let ask = ask(&mut story);
    assert_eq!(ask.status(STATE), "canary - [1.4.1] - 1");
    assert_eq!(ask.shares("role weight version"), ["canary 5 1.4.1"]);
}

#[test]
fn a_redeploy_moves_last_deployed_at_only() {
    let mut story = live_on(&["us"]);
    story.live_with("03T09:00", "P2", "1.4.1", json!({"reason": "redeploy"}));
    let ask = ask(&mut story);
    assert_eq!(ask.status("version since last_deployed_at"), "1.4.1 02T09:00 03T09:00");
    assert_eq!(ask.shares("since deploy_id"), ["02T09:00 P2"]);
}

#[test]
fn a_rollback_is_a_deploy_like_any_other() {
    let mut story = live_on(&["us"]);
    story.live("03T09:00", "P2", "1.4.2");
    let back = json!({"reason": "rollback", "rollback_of": "P2"});
    story.live_with("04T09:00", "P3", "1.4.1", back);
    // The old version came back at the time of the rollback.
    assert_eq!(ask(&mut story).status(STATE), "live 1.4.1 [1.4.1] 04T09:00 0");
}

#[test]
fn a_removed_component_is_none() {
    let mut story = live_on(&["us"]);
    story.remove("03T09:00", "us");
    let gone = ask(&mut story);
    assert_eq!(gone.status(STATE), "none - [] - 0");
    assert_eq!(gone.shares(SHARE), [""; 0]);
    // What happened before still happened.
    assert_eq!(gone.status("last_deployed_at targets_live"), "02T09:00 0");
    story.live("04T09:00", "P2", "1.4.1");
    assert_eq!(ask(&mut story).status(STATE), "live 1.4.1 [1.4.1] 04T09:00 0");
}

#[test]
fn removed_from_one_of_two_targets_is_mixed() {
    let mut story = live_on(&["us", "eu"]);
    story.remove("03T09:00", "eu");
    assert_eq!(ask(&mut story).status(STATE), "mixed - [1.4.1] - 0");
}

#[test]
fn a_new_declaration_of_targets_counts_from_then_on() {
    let mut story = live_on(&["us"]);
    story.environment("05T00:00", "production", &["us", "eu"]);
    assert_eq!(ask(&mut story).status("state version targets_total"), "mixed - 2");
    assert_eq!(ask(&mut story).at("04T00:00").status("state targets_total"), "live 1");
    story.environment("06T00:00", "production", &["us"]);
    assert_eq!(ask(&mut story).status("state version targets_total"), "live 1.4.1 1");
}

#[test]
fn what_an_undeclared_target_serves_is_shown_but_decides_nothing() {
    let mut story = live_on(&["us", "eu"]);
    story.live_with("03T09:00", "P2", "1.4.2", json!({"targets": ["us"]}));
    story.environment("04T00:00", "production", &["us"]);
    let ask = ask(&mut story);
    assert_eq!(ask.status(STATE), "live 1.4.2 [1.4.2,1.4.1] 03T09:00 0");
    assert_eq!(ask.shares("target version"), ["us 1.4.2", "eu 1.4.1"]);
}

#[test]
fn a_deploy_is_in_flight_until_every_target_has_a_finish() {
    let mut story = live_on(&["us", "eu"]);
    story.start("03T09:00", "P2", "production", "1.4.2");
    story.start("03T09:01", "P3", "production", "1.4.3");
    assert_eq!(ask(&mut story).status("in_flight"), "2");
    story.finish("03T09:05", "P2", "us", "failed").finish("03T09:06", "P3", "us", "succeeded");
    assert_eq!(ask(&mut story).status("in_flight"), "2");
    story.finish("03T09:07", "P2", "eu", "failed").finish("03T09:08", "P3", "eu", "succeeded");
    assert_eq!(ask(&mut story).status(STATE), "live 1.4.3 [1.4.3] 03T09:08 0");
}

#[test]
fn the_last_finish_is_live_when_deploys_overlap() {
    let mut story = live_on(&["us"]);
    story.start("03T09:00", "P2", "production", "1.4.2");
    story.start("03T09:01", "P3", "production", "1.4.3");
    story.finish("03T09:05", "P3", "us", "succeeded").finish("03T09:09", "P2", "us", "succeeded");
    assert_eq!(ask(&mut story).status(STATE), "live 1.4.2 [1.4.2] 03T09:09 0");
}

#[test]
fn the_outcome_of_a_deploy_is_derived_from_its_targets() {
    let cases: [(&[&str], &str); 8] = [
        (&["succeeded", "succeeded"], "succeeded 03T09:01"),
        (&["succeeded", "failed"], "partial 03T09:01"),
        (&["failed!", "succeeded"], "partial 03T09:01"),
        (&["succeeded", "aborted"], "partial 03T09:01"),
        (&["failed", "failed!"], "failed 03T09:01"),
        (&["aborted", "aborted"], "aborted 03T09:01"),
        (&["succeeded"], "in_flight -"),
        (&[], "in_flight -"),
    ];
    for (outcomes, expected) in cases {
        let mut story = live_on(&["us", "eu"]);
        story.start("03T08:00", "P2", "production", "1.4.2");
        for (i, (target, outcome)) in ["us", "eu"].iter().zip(outcomes).enumerate() {
            story.finish(&format!("03T09:0{i}"), "P2", target, outcome);
        }
        let got = ask(&mut story).deploy("P2", "outcome finished_at");
        assert_eq!(got, expected, "{outcomes:?}");
    }
}

#[test]
fn a_digest_without_a_build_is_live_without_a_version() {
    let mut story = live_on(&["us"]);
    story.live("03T09:00", "P2", "9.9.9");
    let ask = ask(&mut story);
    assert_eq!(ask.status("state version digest since"), "live - @9.9.9 -");
    assert_eq!(ask.shares("weight version digest commit since"), ["100 - @9.9.9 - 03T09:00"]);
}

#[test]
fn observing_something_else_does_not_change_what_is_live() {
    let mut story = live_on(&["us"]);
    story.push(
        "03T09:00",
        json!({"kind": "runtime.observed", "component": "api", "environment": "production",
            "target": "us", "digest": relbook_testkit::story::digest("1.4.2")}),
    );
    assert_eq!(ask(&mut story).status(STATE), "live 1.4.1 [1.4.1] 02T09:00 0");
}

#[test]
fn a_row_rests_on_the_events_that_made_it() {
    let mut story = live_on(&["us"]);
    story.start("03T09:00", "C2", "canary", "1.4.2").progress("03T09:02", "C2", "us", 5);
    let ask = ask(&mut story);
    let table = ask
        .book()
        .projection("live_shares", &relbook_query::projection::Request::default(), ask.lens())
        .unwrap();
    let evidence: Vec<&[u64]> = table.rows.iter().map(|row| row.evidence.as_slice()).collect();
    // 2 component, 3 to 5 environments, 6 policy, 7 to 9 builds, 10 start, 11 finish, 12 start.
    assert_eq!(evidence, [&[7, 10, 11][..], &[8, 12, 13]]);
}
