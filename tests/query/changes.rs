//! What changed between two releases (semantics A.6): by ancestry, never by time.

use std::collections::BTreeSet;

use proptest::prelude::*;
use relbook_testkit::story::Story;
use serde_json::json;

use crate::ask::{ask, cases, head, lines, warnings};

const ROW: &str = "direction commit";

/// A story of commits only: `merge` adds one, `release` builds a version of one and deploys it.
fn repository() -> Story {
    Story::of_api(&["us"])
}

fn merge(story: &mut Story, at: &str, commit: &str, parents: &[&str]) {
    story.commit(at, commit, parents, "al", &format!("fix: {commit}"));
}

fn release(story: &mut Story, at: &str, version: &str, commit: &str) {
    story.build_of(at, version, version, commit).live(at, &format!("P{version}"), version);
}

fn between(story: &mut Story, from: &str, to: &str) -> Vec<String> {
    lines(&ask(story).between(from, to).table, ROW)
}

/// a - b - c - d - e, with 1.0.0 at b and 1.1.0 at e.
fn straight() -> Story {
    let mut story = repository();
    for (i, (commit, parents)) in
        [("a", &[][..]), ("b", &["a"]), ("c", &["b"]), ("d", &["c"]), ("e", &["d"])]
            .into_iter()
            .enumerate()
    {
        merge(&mut story, &format!("01T0{i}:00"), commit, parents);
    }
    release(&mut story, "02T09:00", "1.0.0", "b");
    release(&mut story, "03T09:00", "1.1.0", "e");
    story
}

#[test]
fn a_straight_line() {
    let mut story = straight();
    assert_eq!(between(&mut story, "1.0.0", "1.1.0"), ["added c", "added d", "added e"]);
    assert_eq!(between(&mut story, "1.1.0", "1.0.0"), ["removed c", "removed d", "removed e"]);
    assert_eq!(between(&mut story, "1.1.0", "1.1.0"), [""; 0]);
    let answer = ask(&mut story).diff();
    assert_eq!(lines(&answer.table, ROW), ["added c", "added d", "added e"]);
    let from = "from_version from_digest from_commit from_first_live";
    assert_eq!(head(&answer, from), "1.0.0 @1.0.0 b 02T09:00");
    let to = "to_version to_digest to_commit to_first_live to_fully_live";
    assert_eq!(head(&answer, to), "1.1.0 @1.1.0 e 03T09:00 03T09:00");
    let rest = "component bump current_version rolled_back completeness";
    assert_eq!(head(&answer, rest), "api minor 1.1.0 false complete");
    assert_eq!(warnings(&answer), [""; 0]);
}

#[test]
fn a_version_compared_with_itself_has_not_changed() {
    let answer = ask(&mut straight()).between("1.1.0", "1.1.0");
    assert_eq!(
        head(&answer, "from_version to_version bump completeness"),
        "1.1.0 1.1.0 none complete"
    );
}

#[test]
fn versions_that_were_skipped_in_production_are_in() {
    let mut story = straight();
    story.build_of("02T10:00", "1.0.1", "1.0.1", "c");
    assert_eq!(lines(&ask(&mut story).diff().table, ROW).len(), 3);
    assert_eq!(between(&mut story, "1.0.1", "1.1.0"), ["added d", "added e"]);
}

#[test]
fn what_was_merged_earlier_but_cannot_be_reached_is_not_in() {
    // A tag made long after a merge need not contain it.
    let mut story = repository();
    merge(&mut story, "01T00:00", "a", &[]);
    merge(&mut story, "01T01:00", "main-1", &["a"]);
    merge(&mut story, "01T02:00", "fix-1", &["a"]);
    release(&mut story, "02T09:00", "1.0.0", "a");
    release(&mut story, "03T09:00", "1.0.1", "fix-1");
    assert_eq!(lines(&ask(&mut story).diff().table, ROW), ["added fix-1"]);
}

#[test]
fn what_is_gone_is_removed() {
    let mut story = repository();
    merge(&mut story, "01T00:00", "a", &[]);
    merge(&mut story, "01T01:00", "left", &["a"]);
    merge(&mut story, "01T02:00", "right", &["a"]);
    release(&mut story, "02T09:00", "1.0.0", "left");
    release(&mut story, "03T09:00", "1.1.0", "right");
    assert_eq!(lines(&ask(&mut story).diff().table, ROW), ["removed left", "added right"]);
}

#[test]
fn a_merge_brings_both_sides() {
    let mut story = repository();
    merge(&mut story, "01T00:00", "a", &[]);
    merge(&mut story, "01T01:00", "l1", &["a"]);
    merge(&mut story, "01T02:00", "r1", &["a"]);
    merge(&mut story, "01T03:00", "l2", &["l1"]);
    merge(&mut story, "01T04:00", "m", &["l2", "r1"]);
    release(&mut story, "02T09:00", "1.0.0", "l1");
    release(&mut story, "03T09:00", "1.1.0", "m");
    assert_eq!(lines(&ask(&mut story).diff().table, ROW), ["added r1", "added l2", "added m"]);
}

#[test]
fn oldest_first_as_far_as_parents_allow() {
    // A long branch beside a short one: the short one is younger than most of the long one.
    let mut story = repository();
    merge(&mut story, "01T00:00", "a", &[]);
    release(&mut story, "01T00:30", "1.0.0", "a");
    for (at, commit, parents) in [
        ("01T01:00", "l1", &["a"][..]),
        ("01T02:00", "l2", &["l1"]),
        ("01T03:00", "l3", &["l2"]),
        ("01T04:00", "s1", &["a"]),
        ("01T05:00", "m", &["l3", "s1"]),
    ] {
        merge(&mut story, at, commit, parents);
    }
    release(&mut story, "03T09:00", "1.1.0", "m");
    let rows = lines(&ask(&mut story).diff().table, "commit");
    assert_eq!(rows, ["l1", "l2", "l3", "s1", "m"]);
}

#[test]
fn parents_come_first_whatever_the_clocks_say() {
    let mut story = repository();
    merge(&mut story, "01T00:00", "a", &[]);
    merge(&mut story, "01T09:00", "b", &["a"]);
    merge(&mut story, "01T08:00", "c", &["b"]);
    merge(&mut story, "01T07:00", "d", &["c"]);
    release(&mut story, "02T09:00", "1.0.0", "a");
    release(&mut story, "03T09:00", "1.1.0", "d");
    assert_eq!(lines(&ask(&mut story).diff().table, "commit"), ["b", "c", "d"]);
}

#[test]
fn commits_may_arrive_in_any_order() {
    let mut story = repository();
    merge(&mut story, "01T03:00", "d", &["c"]);
    merge(&mut story, "01T01:00", "b", &["a"]);
    merge(&mut story, "01T00:00", "a", &[]);
    merge(&mut story, "01T02:00", "c", &["b"]);
    release(&mut story, "02T09:00", "1.0.0", "a");
    release(&mut story, "03T09:00", "1.1.0", "d");
    let answer = ask(&mut story).diff();
    assert_eq!(lines(&answer.table, "commit"), ["b", "c", "d"]);
    assert_eq!(head(&answer, "completeness"), "complete");
}

/// 1.4.2 is `b` and a pick of `m`, 1.5.0 is main with `m` itself.
fn picked() -> Story {
    let mut story = repository();
    merge(&mut story, "01T00:00", "b", &[]);
    merge(&mut story, "01T01:00", "m", &["b"]);
    merge(&mut story, "01T02:00", "n", &["m"]);
    merge(&mut story, "01T03:00", "pick", &["b"]);
    story.but(json!({"cherry_picked_from": "m"}));
    release(&mut story, "02T09:00", "1.4.1", "b");
    release(&mut story, "03T09:00", "1.4.2", "pick");
    release(&mut story, "04T09:00", "1.5.0", "n");
    story
}

#[test]
fn a_pick_and_its_original_are_shown_once() {
    let row = "direction commit equivalent_of";
    let mut story = picked();
    let rows = lines(&ask(&mut story).between("1.4.2", "1.5.0").table, row);
    assert_eq!(rows, ["added m pick", "added n -"]);
    // The other way round the pick came and the original went.
    let rows = lines(&ask(&mut story).between("1.5.0", "1.4.2").table, row);
    assert_eq!(rows, ["removed n -", "added pick m"]);
    // A pick whose original is on neither side is itself.
    let rows = lines(&ask(&mut story).between("1.4.1", "1.4.2").table, row);
    assert_eq!(rows, ["added pick -"]);
}

#[test]
fn a_pick_beside_its_original_is_shown_once() {
    let mut story = repository();
    merge(&mut story, "01T00:00", "a", &[]);
    merge(&mut story, "01T01:00", "m", &["a"]);
    merge(&mut story, "01T02:00", "pick", &["a"]);
    story.but(json!({"cherry_picked_from": "m"}));
    merge(&mut story, "01T03:00", "both", &["m", "pick"]);
    release(&mut story, "02T09:00", "1.0.0", "a");
    release(&mut story, "03T09:00", "1.1.0", "both");
    let rows = lines(&ask(&mut story).diff().table, "commit equivalent_of");
    assert_eq!(rows, ["m pick", "both -"]);
}

#[test]
fn the_pair_rests_on_both_merges() {
    let mut story = picked();
    let answer = ask(&mut story).between("1.4.2", "1.5.0");
    // 7 to 10 are the merges of b, m, n and pick.
    assert!([8, 10].iter().all(|seq| answer.table.rows[0].evidence.contains(seq)));
    assert!(!answer.table.rows[1].evidence.contains(&10));
}

#[test]
fn an_unknown_parent_makes_the_list_incomplete_and_says_so() {
    let mut story = repository();
    merge(&mut story, "01T00:00", "a", &[]);
    merge(&mut story, "01T03:00", "d", &["lost"]);
    release(&mut story, "02T09:00", "1.0.0", "a");
    release(&mut story, "03T09:00", "1.1.0", "d");
    let answer = ask(&mut story).diff();
    assert_eq!(lines(&answer.table, ROW), ["removed a", "added d"]);
    assert_eq!(head(&answer, "completeness"), "unknown_ancestry");
    assert_eq!(warnings(&answer), ["unknown_ancestry"]);
    assert!(answer.warnings[0].detail.contains("lost"), "{:?}", answer.warnings);
}

#[test]
fn an_unknown_parent_below_what_both_have_does_not_matter() {
    let mut story = repository();
    merge(&mut story, "01T00:00", "a", &["before the import"]);
    merge(&mut story, "01T01:00", "b", &["a"]);
    release(&mut story, "02T09:00", "1.0.0", "a");
    release(&mut story, "03T09:00", "1.1.0", "b");
    let answer = ask(&mut story).diff();
    assert_eq!(lines(&answer.table, ROW), ["added b"]);
    assert_eq!(head(&answer, "completeness"), "complete");
}

#[test]
fn an_unknown_end_is_never_an_empty_list_that_looks_whole() {
    let mut story = repository();
    merge(&mut story, "01T00:00", "a", &[]);
    release(&mut story, "02T09:00", "1.0.0", "a");
    release(&mut story, "03T09:00", "1.1.0", "never merged");
    let answer = ask(&mut story).diff();
    assert_eq!(head(&answer, "to_commit completeness"), "never merged unknown_ancestry");
}

#[test]
fn a_release_without_a_build_cannot_be_compared() {
    let mut story = straight();
    story.live("04T09:00", "P9", "9.9.9");
    let answer = ask(&mut story).diff();
    let expected = "1.1.0 - @9.9.9 - unknown_ancestry";
    assert_eq!(head(&answer, "from_version to_version to_digest to_commit completeness"), expected);
    assert_eq!(warnings(&answer), ["missing_provenance"]);
    assert_eq!(lines(&answer.table, ROW), [""; 0]);
}

#[test]
fn the_first_release_adds_everything() {
    let mut story = repository();
    merge(&mut story, "01T00:00", "a", &[]);
    merge(&mut story, "01T01:00", "b", &["a"]);
    release(&mut story, "02T09:00", "1.0.0", "b");
    let answer = ask(&mut story).diff();
    assert_eq!(lines(&answer.table, ROW), ["added a", "added b"]);
    let from = "from_version from_digest from_commit from_first_live";
    assert_eq!(head(&answer, from), "- - - -");
    assert_eq!(
        head(&answer, "to_version bump rolled_back completeness"),
        "1.0.0 initial false complete"
    );
    assert_eq!(warnings(&answer), ["first_release"]);
}

#[test]
fn no_release_at_all_is_an_answer_too() {
    let answer = ask(&mut repository()).diff();
    assert_eq!(head(&answer, "component from_version to_version current_version"), "api - - -");
    assert_eq!(warnings(&answer), ["no_release"]);
}

#[test]
fn a_published_component_is_compared_by_what_is_on_offer() {
    use relbook_query::question::Question;
    let mut story = repository();
    story.component("sdk", json!({"scheme": "semver", "release_model": "published"}));
    story.commit("01T00:00", "a", &[], "al", "fix: a").commit(
        "01T01:00",
        "b",
        &["a"],
        "al",
        "fix: b",
    );
    story.publish("02T00:00", "1.0.0").but(json!({"commit": "a"}));
    story.publish("03T00:00", "1.1.0").but(json!({"commit": "b"}));
    let question = |versions| Question::Diff {
        environment: "production".to_owned(),
        component: "sdk".to_owned(),
        versions,
        transitions: false,
    };
    let bare = ask(&mut story).answer(&question(None)).unwrap();
    assert_eq!(head(&bare, "from_version to_version current_version"), "1.0.0 1.1.0 1.1.0");
    assert_eq!(lines(&bare.table, ROW), ["added b"]);
    let named = question(Some(("1.0.0".to_owned(), "1.1.0".to_owned())));
    let named = ask(&mut story).answer(&named).unwrap();
    assert_eq!(lines(&named.table, ROW), ["added b"]);
    assert_eq!(head(&named, "from_commit to_commit bump"), "a b minor");
    // By precedence, not by time; pre-releases and what was yanked do not count.
    story.publish("04T00:00", "1.0.5").but(json!({"commit": "b"}));
    story.publish("05T00:00", "1.2.0-rc.1").but(json!({"commit": "b"}));
    let later = ask(&mut story).answer(&question(None)).unwrap();
    assert_eq!(head(&later, "from_version to_version"), "1.0.5 1.1.0");
    story.yank("06T00:00", "1.0.5");
    let later = ask(&mut story).answer(&question(None)).unwrap();
    assert_eq!(head(&later, "from_version to_version"), "1.0.0 1.1.0");
}

#[test]
fn a_publish_without_a_commit_is_compared_as_far_as_it_is_known() {
    use relbook_query::question::Question;
    let mut story = repository();
    story.component("sdk", json!({"scheme": "semver", "release_model": "published"}));
    story.publish("02T00:00", "1.0.0").publish("03T00:00", "1.1.0");
    let question = Question::Diff {
        environment: "production".to_owned(),
        component: "sdk".to_owned(),
        versions: None,
        transitions: false,
    };
    let answer = ask(&mut story).answer(&question).unwrap();
    let known = "from_version to_version to_digest to_commit bump completeness";
    assert_eq!(head(&answer, known), "1.0.0 1.1.0 @1.1.0 - minor unknown_ancestry");
    assert_eq!(warnings(&answer), ["missing_provenance"]);
    // A tag knows the commit of the version.
    story.commit("01T00:00", "a", &[], "al", "fix: a");
    story.commit("01T01:00", "b", &["a"], "al", "fix: b");
    let tag = |story: &mut Story, version: &str, commit: &str| {
        story.tag("04T00:00", &format!("v{version}"), commit).but(json!({"version": version}));
    };
    tag(&mut story, "1.0.0", "a");
    tag(&mut story, "1.1.0", "b");
    let answer = ask(&mut story).answer(&question).unwrap();
    assert_eq!(head(&answer, known), "1.0.0 1.1.0 @1.1.0 b minor complete");
    assert_eq!(lines(&answer.table, ROW), ["added b"]);
}

#[test]
fn a_message_by_the_convention_is_read() {
    let mut story = repository();
    story.commit("01T00:00", "a", &[], "al", "chore: begin");
    let subjects = [
        ("fix(db): pool leak", "fix db false"),
        ("feat!: new login", "feat - true"),
        ("FEAT(api): list", "feat api false"),
        ("revert: new login", "revert - false"),
        ("Merge branch 'x'", "- - false"),
    ];
    let mut before = "a".to_owned();
    for (i, (subject, _)) in subjects.iter().enumerate() {
        let commit = format!("c{i}");
        story.commit(&format!("01T0{}:00", i + 1), &commit, &[&before], "bo", subject);
        story.but(json!({"pr": 100 + i}));
        before = commit;
    }
    story.commit("01T08:00", "last", &[&before], "cy", "fix: x");
    story.but(json!({"body": "Why.\n\nBREAKING CHANGE: no more y"}));
    release(&mut story, "02T09:00", "1.0.0", "a");
    release(&mut story, "03T09:00", "2.0.0", "last");
    let rows =
        lines(&ask(&mut story).diff().table, "commit type scope breaking pr author committed_at");
    for (i, (row, (_, expected))) in rows.iter().zip(subjects).enumerate() {
        assert_eq!(*row, format!("c{i} {expected} {} bo 01T0{}:00", 100 + i, i + 1));
    }
    assert_eq!(rows[5], "last fix - true - cy 01T08:00");
    let subject = lines(&ask(&mut story).diff().table, "subject");
    assert_eq!(subject[1], "feat!: new login");
}

#[test]
fn a_commit_outside_the_component_keeps_the_ancestry_and_is_not_listed() {
    let mut story = repository();
    merge(&mut story, "01T00:00", "a", &[]);
    merge(&mut story, "01T01:00", "b", &["a"]);
    story.but(json!({"touches_component": false}));
    merge(&mut story, "01T02:00", "c", &["b"]);
    release(&mut story, "02T09:00", "1.0.0", "a");
    release(&mut story, "03T09:00", "1.1.0", "c");
    let answer = ask(&mut story).diff();
    assert_eq!(lines(&answer.table, ROW), ["added c"]);
    assert_eq!(head(&answer, "completeness"), "complete");
}

#[test]
fn transitions_after_a_rollback_list_what_was_removed() {
    let mut story = straight();
    let back = json!({"reason": "rollback", "rollback_of": "P1.1.0"});
    story.live_with("04T09:00", "P3", "1.0.0", back);
    let answer = ask(&mut story).transitions();
    assert_eq!(lines(&answer.table, ROW), ["removed c", "removed d", "removed e"]);
    let what = "from_version from_deploy_id to_version to_deploy_id to_first_live";
    assert_eq!(head(&answer, what), "1.1.0 P1.1.0 1.0.0 P3 04T09:00");
    // The last two releases are still the last two releases.
    let answer = ask(&mut story).diff();
    let what = "from_version to_version current_version rolled_back";
    assert_eq!(head(&answer, what), "1.0.0 1.1.0 1.0.0 true");
}

#[test]
fn transitions_without_a_rollback_are_those_of_the_last_release() {
    let mut story = straight();
    story.live_with("04T09:00", "P3", "1.1.0", json!({"reason": "redeploy"}));
    let answer = ask(&mut story).transitions();
    assert_eq!(lines(&answer.table, ROW), ["added c", "added d", "added e"]);
    assert_eq!(head(&answer, "to_version to_deploy_id to_first_live"), "1.1.0 P1.1.0 03T09:00");
}

#[test]
fn the_table_of_differences_has_every_consecutive_pair() {
    let mut story = picked();
    let rows = ask(&mut story).rows("release_diffs", "from_version to_version direction commit");
    let expected =
        ["- 1.4.1 added b", "1.4.1 1.4.2 added pick", "1.4.2 1.5.0 added m", "1.4.2 1.5.0 added n"];
    assert_eq!(rows, expected);
}

#[test]
fn a_version_that_never_ran_can_be_compared_by_name() {
    let mut story = straight();
    merge(&mut story, "05T00:00", "f", &["e"]);
    story.build_of("05T01:00", "1.2.0", "1.2.0", "f");
    let answer = ask(&mut story).between("1.1.0", "1.2.0");
    assert_eq!(lines(&answer.table, ROW), ["added f"]);
    assert_eq!(head(&answer, "to_version to_commit to_first_live bump"), "1.2.0 f - minor");
}

/// Every commit that can be reached, by the definition.
fn ancestors(parents: &[Vec<usize>], tip: usize) -> BTreeSet<usize> {
    let mut seen = BTreeSet::from([tip]);
    let mut waiting = vec![tip];
    while let Some(commit) = waiting.pop() {
        waiting.extend(parents[commit].iter().filter(|parent| seen.insert(**parent)));
    }
    seen
}

proptest! {
    #![proptest_config(cases(40))]

    #[test]
    fn any_history_gives_the_differences_of_the_ancestors(
        // The parents of each commit, as distances back; the order of arrival; the two ends.
        distances in prop::collection::vec(prop::collection::vec(1_usize..5, 0..3), 2..24),
        arrival in any::<u64>(),
        ends in (any::<prop::sample::Index>(), any::<prop::sample::Index>()),
    ) {
        let count = distances.len();
        let parents: Vec<Vec<usize>> = distances
            .iter()
            .enumerate()
            .map(|(i, back)| back.iter().filter_map(|d| i.checked_sub(*d)).collect::<BTreeSet<_>>()
                .into_iter().collect())
            .collect();
        let mut order: Vec<usize> = (0..count).collect();
        order.sort_by_key(|i| (*i as u64 + 1).wrapping_mul(arrival | 1).rotate_left(17));
        let mut story = repository();
        for i in order {
            let names: Vec<String> = parents[i].iter().map(|p| format!("c{p}")).collect();
            let names: Vec<&str> = names.iter().map(String::as_str).collect();
            merge(&mut story, &format!("01T{:02}:{:02}", i / 60, i % 60), &format!("c{i}"), &names);
        }
        let (old, new) = (ends.0.index(count), ends.1.index(count));
        story.build_of("02T00:00", "1.0.0", "old", &format!("c{old}"));
        story.build_of("02T00:00", "1.1.0", "new", &format!("c{new}"));
        let answer = ask(&mut story).between("1.0.0", "1.1.0");
        let (had, has) = (ancestors(&parents, old), ancestors(&parents, new));
        // Claimed times rise along every edge here, so the order is that of the numbers.
        let expected: Vec<String> = (0..count)
            .filter_map(|i| match (had.contains(&i), has.contains(&i)) {
                (false, true) => Some(format!("added c{i}")),
                (true, false) => Some(format!("removed c{i}")),
                _ => None,
            })
            .collect();
        prop_assert_eq!(lines(&answer.table, ROW), expected);
        prop_assert_eq!(head(&answer, "completeness"), "complete");
    }
}
