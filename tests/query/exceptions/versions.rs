//! Exceptions of versions: what they promise (X07 reused, X09 lower, X15 risen too little).

use relbook_query::release::Period;
use relbook_testkit::story::{Story, digest};
use serde_json::{Value, json};

use super::lived;
use crate::listing::{found, found_in, period, ungated};

#[test]
fn x07_is_a_version_that_changed_after_it_was_fixed() {
    let mut story = lived();
    // A candidate that is built again before anybody relies on it is superseded, not reused.
    story.build_of("02T10:00", "1.4.1", "1.4.1b", "c1.4.1");
    assert_eq!(found(&mut story, "X07"), [""; 0]);
    story.tag("03T10:00", "v1.4.1", "c1.4.1");
    assert_eq!(found(&mut story, "X07"), [""; 0]);
    story.build_of("04T10:00", "1.4.1", "1.4.1c", "c1.4.1");
    assert_eq!(found(&mut story, "X07"), ["- 04T10:00"]);
    // 1.4.0 was deployed to production.
    story.build_of("05T10:00", "1.4.0", "1.4.0b", "c1.4.0");
    assert_eq!(found(&mut story, "X07"), ["- 04T10:00", "- 05T10:00"]);
    assert_eq!(found_in(&mut story, "X07", period("05T00:00", "06T00:00"), "seq").len(), 1);
}

#[test]
fn x07_is_a_tag_that_moved() {
    let mut story = lived();
    story.tag("03T10:00", "v1.4.1", "c1.4.1");
    story.push(
        "03T11:00",
        json!({"kind": "tag.moved", "component": "api", "tag": "v1.4.1",
        "commit": "c1.4.1"}),
    );
    assert_eq!(found(&mut story, "X07"), [""; 0], "it points where it pointed");
    story.push(
        "03T12:00",
        json!({"kind": "tag.moved", "component": "api", "tag": "v1.4.1",
        "commit": "c1.4.2", "previous_commit": "c1.4.1"}),
    );
    assert_eq!(found(&mut story, "X07"), ["- 03T12:00"]);
}

#[test]
fn x09_is_a_lower_version_that_is_no_rollback() {
    let mut story = lived();
    story.live("03T09:00", "P1", "1.4.2").live("04T09:00", "P2", "1.4.1");
    assert_eq!(found(&mut story, "X09"), ["P2 04T09:00"]);
    story.live("05T09:00", "P3", "1.4.2");
    story.live_with("06T09:00", "P4", "1.4.1", json!({"reason": "rollback", "rollback_of": "P3"}));
    assert_eq!(found(&mut story, "X09").len(), 1, "neither up nor a rollback");
}

#[test]
fn x09_without_a_reason_may_be_a_rollback_and_says_so() {
    let mut story = lived();
    story.live("03T09:00", "P1", "1.4.1");
    story.live_with("04T09:00", "P2", "1.4.0", json!({"reason": null}));
    let found = found_in(&mut story, "X09", Period::ALL, "change_id severity detail");
    assert!(found[0].starts_with("P2 info") && found[0].contains("inferred=true"), "{found:?}");
}

#[test]
fn x15_is_a_version_that_rose_less_than_its_commits() {
    let mut story = lived();
    story.commit("01T01:00", "c1.4.0", &[], "p_olga", "feat: begin");
    story.commit("02T10:00", "c1.4.1", &["c1.4.0"], "p_olga", "fix: x");
    story.commit("02T11:00", "c1.4.2", &["c1.4.1"], "p_olga", "feat: y");
    story.commit("02T12:00", "c1.5.0", &["c1.4.2"], "p_olga", "feat: z");
    story.live("03T09:00", "P1", "1.4.1").live("04T09:00", "P2", "1.4.2");
    story.live("05T09:00", "P3", "1.5.0");
    assert_eq!(found(&mut story, "X15"), ["P2 04T09:00"]);
}

#[test]
fn x15_lets_a_commit_name_the_version() {
    let mut story = lived();
    story.commit("01T01:00", "c1.4.0", &[], "p_olga", "feat: begin");
    story.commit("02T10:00", "c1.4.1", &["c1.4.0"], "p_olga", "feat: x");
    story.but(json!({"body": "Release-As: 1.4.1"}));
    story.live("03T09:00", "P1", "1.4.1");
    assert_eq!(found(&mut story, "X15"), [""; 0]);
}

#[test]
fn x07_takes_a_tag_a_publish_or_a_deploy_from_canary_up_to_fix_a_version() {
    let fixed_by = |fix: &dyn Fn(&mut Story)| {
        let mut story = lived();
        fix(&mut story);
        story.build_of("04T10:00", "1.4.1", "1.4.1b", "c1.4.1");
        found(&mut story, "X07")
    };
    let reused = ["- 04T10:00"];
    assert_eq!(fixed_by(&|_| ()), [""; 0], "a superseded candidate");
    assert_eq!(fixed_by(&|s| _ = s.tag("03T10:00", "v1.4.1", "c1.4.1")), reused);
    assert_eq!(fixed_by(&|s| _ = s.publish("03T10:00", "1.4.1")), reused);
    assert_eq!(fixed_by(&|s| _ = s.start("03T10:00", "C", "canary", "1.4.1")), reused);
    assert_eq!(fixed_by(&|s| _ = s.live("03T10:00", "P", "1.4.1")), reused);
    assert_eq!(fixed_by(&|s| _ = s.start("03T10:00", "S", "staging", "1.4.1")), [""; 0]);
    assert_eq!(
        fixed_by(&|s| _ = s.tag("03T10:00", "v1.4.2", "c1.4.2")),
        [""; 0],
        "another version"
    );
    assert_eq!(fixed_by(&|s| _ = s.tag("05T10:00", "v1.4.1", "c1.4.1")), [""; 0], "afterwards");
}

#[test]
fn x07_is_not_the_same_artifact_again_nor_a_build_that_failed() {
    let mut story = lived();
    story.tag("03T10:00", "v1.4.1", "c1.4.1").build("04T10:00", "1.4.1");
    story.build_of("04T11:00", "1.4.1", "other", "c1.4.1").but(json!({"outcome": "failed"}));
    story
        .publish("04T12:00", "1.4.1")
        .live("05T10:00", "P1", "1.4.1")
        .live("06T10:00", "P2", "1.4.1");
    assert_eq!(found(&mut story, "X07"), [""; 0]);
}

#[test]
fn x07_is_a_publish_or_a_deploy_that_calls_something_else_by_the_version() {
    let mut story = lived();
    story.tag("03T10:00", "v1.4.1", "c1.4.1").publish("04T10:00", "1.4.1");
    story.but(json!({"digest": digest("other")}));
    assert_eq!(found(&mut story, "X07"), ["- 04T10:00"]);
    let mut story = lived();
    story.tag("03T10:00", "v1.4.1", "c1.4.1");
    story.live_with("04T10:00", "P1", "stranger", json!({"version": "1.4.1"}));
    assert_eq!(found(&mut story, "X07"), ["P1 04T09:59"]);
    let detail = found_in(&mut story, "X07", Period::ALL, "detail").remove(0);
    assert!(detail.contains(&digest("1.4.1")) && detail.contains(&digest("stranger")), "{detail}");
}

#[test]
fn x07_counts_by_the_time_that_is_claimed() {
    let mut story = lived();
    story.build_of("04T10:00", "1.4.1", "1.4.1b", "c1.4.1");
    let seq = story.seq();
    assert_eq!(found(&mut story, "X07"), [""; 0]);
    // The tag is reported late: it was there before the second build.
    story.tag("03T10:00", "v1.4.1", "c1.4.1");
    assert_eq!(found(&mut story, "X07"), ["- 04T10:00"]);
    story.correct("05T10:00", seq);
    assert_eq!(found(&mut story, "X07"), [""; 0]);
}

#[test]
fn x07_is_a_tag_that_was_made_again_somewhere_else() {
    let mut story = lived();
    story.tag("03T10:00", "v1.4.1", "c1.4.1").tag("03T11:00", "v1.4.1", "c1.4.1");
    story.tag("03T12:00", "other", "c1.4.2");
    assert_eq!(found(&mut story, "X07"), [""; 0]);
    story.tag("03T13:00", "v1.4.1", "c1.4.2").tag("03T14:00", "v1.4.1", "c1.4.2");
    assert_eq!(found(&mut story, "X07"), ["- 03T13:00"], "once, when it moved");
    assert_eq!(found_in(&mut story, "X07", period("03T13:30", "04T00:00"), "seq"), [""; 0]);
    // A move is told by the event alone where nothing was known before.
    let moved = json!({"kind": "tag.moved", "component": "api", "tag": "v9", "commit": "c1.4.2"});
    story.push("03T15:00", moved);
    assert_eq!(found(&mut story, "X07").len(), 2);
}

#[test]
fn x09_is_a_success_in_production_over_something_higher() {
    let over = |outcome: &str, stage: &str, fields: Value| {
        let mut story = lived();
        story.live("03T09:00", "P1", "1.4.2");
        story.start("04T09:00", "P2", stage, "1.4.1").but(fields);
        story.finish("04T09:05", "P2", "us", outcome);
        found(&mut story, "X09")
    };
    assert_eq!(over("succeeded", "production", json!({})), ["P2 04T09:05"]);
    assert_eq!(over("failed", "production", json!({})), [""; 0], "it never was there");
    assert_eq!(over("failed!", "production", json!({})), [""; 0]);
    assert_eq!(over("succeeded", "canary", json!({})), [""; 0], "beside, not instead");
    assert_eq!(over("succeeded", "production", json!({"reason": "rollback"})), [""; 0]);
    assert_eq!(over("succeeded", "production", json!({"rollback_of": "P1"})), [""; 0]);
    assert_eq!(over("succeeded", "production", json!({"reason": "hotfix"})), ["P2 04T09:05"]);
    // Never deployed before, so it cannot be a way back.
    let silent = json!({"reason": null});
    let mut story = lived();
    story.live("03T09:00", "P1", "1.4.2").live_with("04T09:00", "P2", "1.4.1", silent);
    let what = found_in(&mut story, "X09", Period::ALL, "severity detail");
    assert_eq!(what, ["violation P2 put 1.4.1 on us over 1.4.2"]);
}

#[test]
fn x09_compares_precedence_of_what_is_known() {
    let step = |old: &str, new: &str| {
        let mut story = ungated();
        story.build("01T01:00", old).build("01T02:00", new);
        story.live("02T09:00", "P0", old).live("03T09:00", "P1", new);
        found(&mut story, "X09").len()
    };
    assert_eq!(step("1.9.0", "1.10.0"), 0, "numbers, not text");
    assert_eq!(step("1.10.0", "1.9.0"), 1);
    assert_eq!(step("1.4.0", "1.4.0-rc.1"), 1);
    assert_eq!(step("1.4.0-rc.1", "1.4.0"), 0);
    assert_eq!(step("1.4.0+b", "1.4.0+a"), 0, "build metadata has no precedence");
    let mut story = lived();
    story.live("03T09:00", "P1", "stranger").live("04T09:00", "P2", "1.4.0");
    assert_eq!(found(&mut story, "X09"), [""; 0], "over something unknown");
    for (day, version) in [("05", "1.4.2"), ("06", "1.4.1")] {
        story.start(&format!("{day}T09:00"), day, "staging", version);
        story.finish(&format!("{day}T09:05"), day, "stg-1", "succeeded");
    }
    assert_eq!(found(&mut story, "X09"), [""; 0], "in staging one may go up and down");
}

#[test]
fn x09_is_one_finding_for_a_deploy_and_by_the_claimed_order() {
    let mut story = Story::of_api(&["us", "eu"]);
    story.build("01T01:00", "1.4.0").build("01T02:00", "1.4.1");
    story.live("02T09:00", "P0", "1.4.1").live("03T09:00", "P1", "1.4.0");
    assert_eq!(found(&mut story, "X09"), ["P1 03T09:00"]);
    // Recorded last, and claimed to have been before: nothing went down.
    let mut story = lived();
    story.live("03T09:00", "P1", "1.4.2").live("02T12:00", "P2", "1.4.1");
    assert_eq!(found(&mut story, "X09"), [""; 0]);
    assert_eq!(found_in(&mut story, "X09", period("01T00:00", "03T00:00"), "seq"), [""; 0]);
}

/// From 1.4.0 at c0 to a version at a commit with this subject and body.
fn bumped(from: &str, to: &str, subject: &str, body: &str) -> usize {
    let mut story = ungated();
    story.commit("01T01:00", "c0", &[], "al", "feat: begin").build_of("01T02:00", from, from, "c0");
    story.commit("01T03:00", "c1", &["c0"], "al", subject).but(json!({"body": body}));
    story.build_of("01T04:00", to, to, "c1");
    story.live("02T09:00", "P0", from).live("03T09:00", "P1", to);
    found(&mut story, "X15").len()
}

#[test]
fn x15_reads_conventional_commits() {
    let cases = [
        ("1.4.1", "fix: x", "", 0),
        ("1.4.1", "feat: x", "", 1),
        ("1.5.0", "feat: x", "", 0),
        ("1.4.1", "FEAT(api): x", "", 1),
        ("1.4.1", "feature: x", "", 0),
        ("1.4.1", "just words", "", 0),
        ("1.5.0", "fix!: x", "", 1),
        ("2.0.0", "fix!: x", "", 0),
        ("1.5.0", "fix: x", "BREAKING CHANGE: gone", 1),
        ("1.5.0", "fix: x", "BREAKING-CHANGE: gone", 1),
        ("1.5.0", "fix: x", "breaking change: gone", 0),
        ("1.4.1", "revert: feat: x", "", 0),
        ("1.4.1", "feat: x", "Release-As: 1.4.1", 0),
        ("1.4.1", "feat: x", "release-as: 1.4.1", 0),
        ("1.4.1", "feat: x", "Release-As: 1.4.2", 1),
        ("1.4.1-rc.1", "feat: x", "", 0),
    ];
    for (to, subject, body, count) in cases {
        assert_eq!(bumped("1.4.0", to, subject, body), count, "{to} {subject} {body}");
    }
    assert_eq!(bumped("0.4.0", "0.4.1", "feat: x", ""), 0, "0.y.z rises by a minor at least");
    assert_eq!(bumped("0.4.0", "0.4.1", "feat!: x", ""), 1);
    assert_eq!(bumped("0.4.0", "0.5.0", "feat!: x", ""), 0);
}

#[test]
fn x15_looks_at_releases_and_not_at_ways_back_or_attempts() {
    let mut story = lived();
    story.commit("01T01:00", "c1.4.0", &[], "al", "feat: begin");
    story.commit("01T02:00", "c1.4.1", &["c1.4.0"], "al", "feat: x");
    story.commit("01T03:00", "c1.4.2", &["c1.4.1"], "al", "fix: y");
    story.start("03T09:00", "P1", "production", "1.4.1").finish("03T09:05", "P1", "us", "failed");
    assert_eq!(found(&mut story, "X15"), [""; 0], "it is no release");
    // What was skipped comes with the next one.
    story.live("04T09:00", "P2", "1.4.2");
    assert_eq!(found(&mut story, "X15"), ["P2 04T09:00"]);
    let detail = found_in(&mut story, "X15", Period::ALL, "severity detail");
    assert_eq!(detail, ["warning 1.4.0 to 1.4.2 is patch, `feat: x` asks for minor"]);
    let back = json!({"reason": "rollback", "rollback_of": "P2"});
    story.live_with("05T09:00", "P3", "1.4.0", back).live("06T09:00", "P4", "1.4.2");
    assert_eq!(found(&mut story, "X15").len(), 1, "each release once");
}

#[test]
fn x15_of_what_is_published_takes_the_highest_release_below() {
    let mut story = Story::empty();
    story.component("sdk", json!({"scheme": "semver", "release_model": "published"}));
    story.environment("01T00:00", "production", &["us"]);
    story.commit("01T01:00", "c1.0.0", &[], "al", "feat: begin").build("01T02:00", "1.0.0");
    story.commit("01T03:00", "c1.1.0", &["c1.0.0"], "al", "feat: x").build("01T04:00", "1.1.0");
    story.commit("01T05:00", "c1.0.1", &["c1.0.0"], "al", "fix: y").build("01T06:00", "1.0.1");
    story.commit("01T07:00", "c1.1.1", &["c1.1.0"], "al", "feat: z").build("01T08:00", "1.1.1");
    for (day, version) in [("02", "1.0.0"), ("03", "1.1.0"), ("04", "1.0.1"), ("05", "1.1.1")] {
        story.publish(&format!("{day}T09:00"), version);
    }
    assert_eq!(found(&mut story, "X15"), ["- 05T09:00"]);
}

#[test]
fn x15_of_a_release_skips_its_own_candidates() {
    let mut story = Story::empty();
    story.component("sdk", json!({"scheme": "semver", "release_model": "published"}));
    let mut before: Vec<String> = Vec::new();
    for (i, (version, subject)) in
        [("1.0.0", "feat: begin"), ("1.1.0-rc.1", "feat!: gone"), ("1.1.0", "fix: y")]
            .into_iter()
            .enumerate()
    {
        let (commit, day) = (format!("c{version}"), i + 2);
        let parents: Vec<&str> = before.iter().map(String::as_str).collect();
        story.commit("01T01:00", &commit, &parents, "al", subject).build("01T02:00", version);
        story.publish(&format!("0{day}T09:00"), version);
        before = vec![commit];
    }
    assert_eq!(found(&mut story, "X15"), ["- 04T09:00"], "what is new since 1.0.0");
}

#[test]
fn x15_has_no_opinion_on_calver() {
    let mut story = Story::of_api(&["us"]);
    let web = json!({"scheme": "calver:YYYY.0M.MICRO", "release_model": "deployed"});
    story.component("web", web);
    story.commit("01T01:00", "w0", &[], "al", "feat: begin");
    story.commit("01T03:00", "w1", &["w0"], "al", "feat!: x");
    for (version, commit, day) in [("2026.06.0", "w0", "02"), ("2026.06.1", "w1", "03")] {
        story.build_of("01T04:00", version, version, commit);
        story.live(&format!("{day}T09:00"), version, version);
    }
    assert_eq!(found(&mut story, "X15"), [""; 0]);
}
