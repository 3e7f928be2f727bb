//! Where a commit is live (semantics C.2 N1): by ancestry, through picks, with its departure, and
//! never a plain yes or no where a failed deploy left it unknown.

use relbook_query::question::{Answer, AnswerError, Question};
use relbook_testkit::story::Story;
use serde_json::json;

use crate::ask::{Ask, ask, evidence, lines};

const ROW: &str = "commit match first_version environment target role first_live_at live_now left_at \
    via_digest reason";

fn asked(ask: &Ask, subject: &str) -> Result<Answer, AnswerError> {
    ask.answer(&Question::Where { subject: subject.to_owned() })
}

/// Production rows only, without `match`, version and environment.
fn places(ask: &Ask, subject: &str) -> Vec<String> {
    let columns = "environment target role first_live_at live_now left_at via_digest reason";
    let rows = lines(&asked(ask, subject).unwrap().table, columns);
    rows.into_iter().map(|row| row.strip_prefix("production ").unwrap_or(&row).to_owned()).collect()
}

/// c1 <- c2 <- c3, each the commit of a version.
fn chain(targets: &[&str]) -> Story {
    let mut story = Story::of_api(targets);
    for (n, parents) in [("1", vec![]), ("2", vec!["c1"]), ("3", vec!["c2"])] {
        let commit = format!("c{n}");
        story.commit("01T01:00", &commit, &parents, "al", "fix: more").but(json!({"pr": 40}));
        let version = format!("1.4.{n}");
        story.build_of(&format!("01T02:0{n}"), &version, &version, &commit);
    }
    story
}

#[test]
fn a_commit_is_where_an_artifact_has_it_in_its_ancestry() {
    let mut story = chain(&["us", "eu"]);
    story.live_with("02T09:00", "P1", "1.4.2", json!({"targets": ["us"]}));
    story.live_with("02T10:00", "P2", "1.4.2", json!({"targets": ["eu"]}));
    story.live("03T09:00", "P3", "1.4.3");
    let ask = ask(&mut story);
    let rows = [
        "c1 exact 1.4.1 production us stable 02T09:00 true - @1.4.2 -",
        "c1 exact 1.4.1 production eu stable 02T10:00 true - @1.4.2 -",
    ];
    assert_eq!(lines(&asked(&ask, "c1").unwrap().table, ROW), rows);
    let newest = ["us stable 03T09:00 true - @1.4.3 -", "eu stable 03T09:00 true - @1.4.3 -"];
    assert_eq!(places(&ask, "c3"), newest);
    // Before eu had it, and before anything had it.
    let early = "us stable 02T09:00 true - @1.4.2 -";
    assert_eq!(places(&ask.at("02T09:30"), "c2"), [early]);
}

#[test]
fn a_commit_that_is_nowhere_has_a_row_that_says_so() {
    let mut story = chain(&["us"]);
    story.commit("01T03:00", "c4", &["c3"], "al", "fix: unbuilt");
    story.commit("01T03:00", "c5", &[], "al", "fix: aside").but(json!({"branch": "release/v1.3"}));
    story.live("02T09:00", "P1", "1.4.2");
    let ask = ask(&mut story);
    let nowhere = |commit: &str| lines(&asked(&ask, commit).unwrap().table, ROW);
    let built = ["c3 exact 1.4.3 - - - - false - - on main but in no release"];
    assert_eq!(nowhere("c3"), built);
    assert_eq!(nowhere("c4"), ["c4 exact - - - - - false - - on main but in no release"]);
    assert_eq!(nowhere("c5"), ["c5 exact - - - - - false - - on release/v1.3 but in no release"]);
}

#[test]
fn later_than_the_live_build_is_not_in_it() {
    // Merged long before the deploy, beside its ancestry: time does not count (Z11).
    let mut story = chain(&["us"]);
    story.commit("01T00:30", "aside", &["c1"], "al", "fix: beside");
    story.live("02T09:00", "P1", "1.4.3");
    assert_eq!(places(&ask(&mut story), "aside"), ["- - - - false - - on main but in no release"]);
}

#[test]
fn it_leaves_with_a_rollback_and_comes_back() {
    let mut story = chain(&["us"]);
    story.live("02T09:00", "P1", "1.4.1").live("03T09:00", "P2", "1.4.2");
    story.live_with("04T09:00", "P3", "1.4.1", json!({"reason": "rollback", "rollback_of": "P2"}));
    let left = ["us stable 03T09:00 false 04T09:00 @1.4.2 -"];
    assert_eq!(places(&ask(&mut story), "c2"), left);
    assert_eq!(
        places(&ask(&mut story).at("04T08:59"), "c2"),
        ["us stable 03T09:00 true - @1.4.2 -"]
    );
    story.live("05T09:00", "P4", "1.4.3");
    assert_eq!(places(&ask(&mut story), "c2"), ["us stable 03T09:00 true - @1.4.2 -"]);
    story.remove("06T09:00", "us");
    assert_eq!(places(&ask(&mut story), "c2"), ["us stable 03T09:00 false 06T09:00 @1.4.2 -"]);
}

#[test]
fn a_canary_is_live_as_a_canary() {
    let mut story = chain(&["us", "eu"]);
    story.live("02T09:00", "P1", "1.4.1").start("03T09:00", "C2", "canary", "1.4.2");
    story.progress("03T09:05", "C2", "us", 0);
    assert_eq!(places(&ask(&mut story), "c2"), ["- - - - false - - on main but in no release"]);
    story.progress("03T09:10", "C2", "us", 5);
    assert_eq!(places(&ask(&mut story), "c2"), ["us canary 03T09:10 true - @1.4.2 -"]);
    // What is stable there has the older commit anyway.
    let both = ["us stable 02T09:00 true - @1.4.1 -", "eu stable 02T09:00 true - @1.4.1 -"];
    assert_eq!(places(&ask(&mut story), "c1"), both);
    story.finish("03T09:40", "C2", "us", "failed");
    let gone = ["us canary 03T09:10 false 03T09:40 @1.4.2 a canary only, in no release"];
    assert_eq!(places(&ask(&mut story), "c2"), gone);
    // A second try, then the release: the row is about the release.
    story.start("04T09:00", "C3", "canary", "1.4.2").progress("04T09:01", "C3", "us", 5);
    story.live_with("04T10:00", "P3", "1.4.2", json!({"targets": ["us"]}));
    assert_eq!(places(&ask(&mut story), "c2"), ["us stable 04T10:00 true - @1.4.2 -"]);
}

#[test]
fn a_canary_that_was_taken_back_is_not_forgotten_once_the_release_is_out() {
    let canary = |story: &mut Story, commit: &str| {
        let row = "target role first_live_at live_now left_at canary_first_at canary_left_at";
        lines(&asked(&ask(story), commit).unwrap().table, row)
    };
    let mut story = chain(&["us", "eu"]);
    story.live("02T09:00", "P1", "1.4.1").start("03T09:00", "C2", "canary", "1.4.2");
    let start = story.progress("03T09:10", "C2", "us", 5).seq();
    let row = "us canary 03T09:10 true - 03T09:10 -";
    assert_eq!(canary(&mut story, "c2"), [row]);
    let failed = story.finish("03T09:40", "C2", "us", "failed").seq();
    let row = "us canary 03T09:10 false 03T09:40 03T09:10 03T09:40";
    assert_eq!(canary(&mut story, "c2"), [row]);
    // It comes again, with more, as a canary first; then it is released, with no time between.
    story.start("05T09:00", "C3", "canary", "1.4.3").progress("05T09:01", "C3", "us", 5);
    let row = "us canary 05T09:01 true - 03T09:10 03T09:40";
    assert_eq!(canary(&mut story, "c2"), [row]);
    assert_eq!(canary(&mut story, "c3"), ["us canary 05T09:01 true - 05T09:01 -"]);
    story.finish("05T09:40", "C3", "us", "succeeded").live("05T10:00", "P3", "1.4.3");
    let rows = ["us stable 05T10:00 true - 03T09:10 03T09:40", "eu stable 05T10:00 true - - -"];
    assert_eq!(canary(&mut story, "c2"), rows);
    // What was promoted was not taken back.
    let rows = ["us stable 05T10:00 true - 05T09:01 -", "eu stable 05T10:00 true - - -"];
    assert_eq!(canary(&mut story, "c3"), rows);
    // What comes once it is live is nothing new to anybody.
    story.start("06T09:00", "C4", "canary", "1.4.3").progress("06T09:01", "C4", "eu", 5);
    story.finish("06T09:10", "C4", "eu", "failed");
    assert_eq!(canary(&mut story, "c3"), rows);
    let seqs = evidence(&asked(&ask(&mut story), "c2").unwrap().table);
    assert!([start - 1, start, failed].iter().all(|seq| seqs[0].contains(seq)), "{seqs:?}");
}

#[test]
fn half_applied_is_half_live_and_unrestored_is_unknown() {
    let mut story = chain(&["us", "eu"]);
    story.live("02T09:00", "P1", "1.4.1").start("03T09:00", "P2", "production", "1.4.2");
    story.finish("03T09:05", "P2", "us", "succeeded").finish("03T09:05", "P2", "eu", "failed");
    assert_eq!(places(&ask(&mut story), "c2"), ["us stable 03T09:05 true - @1.4.2 -"]);
    // Rolled back on us, but that failed half-way.
    let back = json!({"reason": "rollback", "rollback_of": "P2", "targets": ["us"]});
    story.start("04T09:00", "P3", "production", "1.4.1").but(back);
    story.finish("04T09:05", "P3", "us", "failed!");
    let doubt = "not known since P3 failed here and nothing was restored";
    let row = format!("us stable 03T09:05 - - @1.4.2 {doubt}");
    assert_eq!(places(&ask(&mut story), "c2"), [row]);
    // Both that was there and that may be there have the older one.
    let sure = ["us stable 02T09:00 true - @1.4.1 -", "eu stable 02T09:00 true - @1.4.1 -"];
    assert_eq!(places(&ask(&mut story), "c1"), sure);
    // A newer one that may have been left on eu only.
    story.start("05T09:00", "P4", "production", "1.4.3").but(json!({"targets": ["eu"]}));
    story.finish("05T09:05", "P4", "eu", "aborted!");
    let doubt = "not known since P4 failed here and nothing was restored";
    assert_eq!(places(&ask(&mut story), "c3"), [format!("eu - - - - @1.4.3 {doubt}")]);
    story.live("06T09:00", "P5", "1.4.1");
    assert_eq!(places(&ask(&mut story), "c3"), ["- - - - false - - on main but in no release"]);
}

#[test]
fn picks_of_picks_are_the_same_change() {
    let mut story = chain(&["us"]);
    story.commit("01T04:00", "p1", &["c1"], "al", "fix: more");
    story.but(json!({"cherry_picked_from": "c3", "branch": "release/v1.3"}));
    story.commit("01T05:00", "p2", &["c1"], "al", "fix: more");
    story.but(json!({"cherry_picked_from": "p1", "branch": "hotfix/v1.4.9"}));
    story.build_of("01T06:00", "1.4.9", "1.4.9", "p2").live("02T09:00", "P1", "1.4.9");
    let ask = ask(&mut story);
    let live = "1.4.9 production us stable 02T09:00 true - @1.4.9 -";
    let rows = |subject: &str| lines(&asked(&ask, subject).unwrap().table, ROW);
    let from_main = [
        "c3 exact 1.4.3 - - - - false - - on main but in no release".to_owned(),
        format!("p2 cherry_pick {live}"),
    ];
    assert_eq!(rows("c3"), from_main);
    let middle = "p1 exact - - - - - false - - on release/v1.3 but in no release".to_owned();
    assert_eq!(rows("p1"), [middle, format!("p2 cherry_pick {live}")]);
    assert_eq!(rows("p2"), [format!("p2 exact {live}")]);
}

#[test]
fn a_pull_request_names_all_its_commits() {
    let mut story = chain(&["us"]);
    story.live("02T09:00", "P1", "1.4.2");
    let ask = ask(&mut story);
    for subject in ["40", "#40"] {
        let rows = lines(&asked(&ask, subject).unwrap().table, "commit live_now");
        assert_eq!(rows, ["c1 true", "c2 true", "c3 false"], "{subject}");
    }
    for unknown in ["41", "#41", "c", "", "#", "-40", "4294967296000000000000"] {
        let refused = asked(&ask, unknown).unwrap_err();
        assert!(matches!(refused, AnswerError::UnknownCommit { .. }), "{unknown}");
    }
}

#[test]
fn the_first_version_is_the_first_build_even_before_the_merge() {
    let mut story = Story::of_api(&["us"]);
    // Built on its branch, merged an hour later; a failed build is no version.
    story.build_of("01T01:00", "1.3.0", "1.3.0", "c1").but(json!({"outcome": "failed"}));
    story.build_of("01T02:00", "1.4.0-rc.1", "1.4.0-rc.1", "c1");
    story
        .commit("01T03:00", "c1", &[], "al", "fix: it")
        .build_of("01T04:00", "1.4.0", "1.4.0", "c1");
    let answer = asked(&ask(&mut story), "c1").unwrap();
    assert_eq!(lines(&answer.table, "first_version"), ["1.4.0-rc.1"]);
}

#[test]
fn a_published_commit_is_where_it_is_offered_until_the_last_yank() {
    let mut story = chain(&["us"]);
    story.component("sdk", json!({"scheme": "semver", "release_model": "published"}));
    story.commit("01T01:00", "s1", &[], "al", "fix: sdk").commit(
        "01T01:01",
        "s2",
        &["s1"],
        "al",
        "fix: b",
    );
    story.build_of("01T02:00", "2.0.0", "2.0.0", "s1").build_of("01T03:00", "2.0.1", "2.0.1", "s2");
    story.publish("02T09:00", "2.0.0").but(json!({"channel": "stable"}));
    story.publish("03T09:00", "2.0.1").but(json!({"channel": "stable"}));
    story.publish("03T10:00", "2.0.1").but(json!({"channel": "beta"}));
    let of = |story: &mut Story| {
        lines(
            &asked(&ask(story), "s1").unwrap().table,
            "target role first_live_at live_now left_at via_digest",
        )
    };
    let here = ["beta - 03T10:00 true - @2.0.1", "stable - 02T09:00 true - @2.0.0"];
    assert_eq!(of(&mut story), here);
    story.yank("04T09:00", "2.0.0");
    assert_eq!(of(&mut story), here, "2.0.1 still has it");
    story.yank("05T09:00", "2.0.1");
    let gone = ["beta - 03T10:00 false 05T09:00 @2.0.1", "stable - 02T09:00 false 05T09:00 @2.0.0"];
    assert_eq!(of(&mut story), gone);
    story.publish("06T09:00", "2.0.1").but(json!({"channel": "stable"}));
    let back = ["beta - 03T10:00 true - @2.0.1", "stable - 02T09:00 true - @2.0.0"];
    assert_eq!(of(&mut story), back);
    // Nothing was published with s2 before the second.
    let row =
        lines(&asked(&ask(&mut story).at("02T10:00"), "s2").unwrap().table, "live_now reason");
    assert_eq!(row, ["false on main but in no release"]);
}

#[test]
fn a_late_finish_and_what_was_known_then() {
    let mut story = chain(&["us"]);
    story.live("02T09:00", "P1", "1.4.1").start("03T09:00", "P2", "production", "1.4.2");
    story.live("05T09:00", "P3", "1.4.1");
    let before = story.seq();
    story.finish("04T09:00", "P2", "us", "succeeded");
    let then = ask(&mut story).known(before);
    assert_eq!(places(&then, "c2"), ["- - - - false - - on main but in no release"]);
    let late = ["us stable 04T09:00 false 05T09:00 @1.4.2 -"];
    assert_eq!(places(&ask(&mut story), "c2"), late);
}

#[test]
fn a_row_rests_on_merge_build_start_and_finish() {
    let mut story = Story::of_api(&["us"]);
    let merge = story.commit("01T01:00", "c1", &[], "al", "fix: it").seq();
    let build = story.build_of("01T02:00", "1.4.1", "1.4.1", "c1").seq();
    let finish = story.live("02T09:00", "P1", "1.4.1").seq();
    let gone = story.remove("03T09:00", "us").seq();
    let answer = asked(&ask(&mut story), "c1").unwrap();
    assert_eq!(evidence(&answer.table), [vec![merge, build, finish - 1, finish, gone]]);
    let known = asked(&ask(&mut story).known(build), "c1").unwrap();
    assert_eq!(evidence(&known.table), [vec![merge, build]]);
}

#[test]
fn commits_in_a_cycle_neither_hang_nor_hide_the_others() {
    let mut story = chain(&["us"]);
    for (commit, parent) in [("x1", "x2"), ("x2", "x3"), ("x3", "x1"), ("self", "self")] {
        story.commit("01T03:00", commit, &[parent], "al", "fix: x");
    }
    story.commit("01T03:30", "top", &["x1", "c3"], "al", "fix: above the cycle");
    story.build_of("01T04:00", "1.5.0", "1.5.0", "top").live("02T09:00", "P1", "1.5.0");
    let ask = ask(&mut story);
    for commit in ["c1", "c3", "top", "x1"] {
        assert_eq!(places(&ask, commit), ["us stable 02T09:00 true - @1.5.0 -"], "{commit}");
    }
    assert_eq!(places(&ask, "self"), ["- - - - false - - on main but in no release"]);
}

#[test]
fn children_that_came_before_their_parents_are_found_all_the_same() {
    let mut story = Story::of_api(&["us"]);
    // Two branches of unlike length, newest first.
    story.commit("01T05:00", "m", &["a3", "b1"], "al", "fix: m");
    story.commit("01T04:00", "a3", &["a2"], "al", "fix: a").commit(
        "01T02:00",
        "b1",
        &["r"],
        "al",
        "fix: b",
    );
    story.commit("01T03:00", "a2", &["a1"], "al", "fix: a").commit(
        "01T02:00",
        "a1",
        &["r"],
        "al",
        "fix: a",
    );
    story.commit("01T01:00", "r", &["q"], "al", "fix: r").commit(
        "01T00:30",
        "q",
        &[],
        "al",
        "fix: q",
    );
    story.build_of("01T06:00", "1.4.0", "1.4.0", "m").live("02T09:00", "P1", "1.4.0");
    let ask = ask(&mut story);
    for commit in ["q", "r", "a1", "a2", "a3", "b1", "m"] {
        assert_eq!(places(&ask, commit), ["us stable 02T09:00 true - @1.4.0 -"], "{commit}");
    }
}
