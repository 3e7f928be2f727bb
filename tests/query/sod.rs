//! `sod` (semantics B.3 file 4): who did what for every production-stage deploy, each conflict
//! beside the nearest case that is none, by ids and ancestry alone.

use relbook_testkit::story::{Story, digest};
use serde_json::json;

use crate::ask::ask;
use crate::listing::{found, ungated};

const DUTIES: &str = "person is_author is_reviewer is_approver is_initiator conflict_kind";

/// 1.4.0 by old is live; al wrote 1.4.1 and rob reviewed it.
fn lived() -> Story {
    lived_on(ungated())
}

fn lived_on(mut story: Story) -> Story {
    story.commit("01T01:00", "c1.4.0", &[], "old", "feat: begin").build("01T02:00", "1.4.0");
    story.live("02T09:00", "P0", "1.4.0");
    story.commit("02T10:00", "c1.4.1", &["c1.4.0"], "al", "fix: x");
    story.but(json!({"reviewers": ["rob"]})).build("02T11:00", "1.4.1");
    story
}

/// Returns the duties of the deploy P1.
fn duties(story: &mut Story) -> Vec<String> {
    let rows = ask(story).rows("sod", &format!("change_id {DUTIES}"));
    rows.iter().filter_map(|row| row.strip_prefix("P1 ")).map(str::to_owned).collect()
}

fn started_by(person: &str) -> serde_json::Value {
    json!({"initiated_by": person})
}

#[test]
fn everybody_has_one_row_with_all_their_duties() {
    let mut story = lived();
    story.approve("03T08:00", "A1", "eve", "1.4.1").live("03T09:00", "P1", "1.4.1");
    let expected = [
        "al true false false false none",
        "ci-bot false false false true none",
        "eve false false true false none",
        "rob false true false false none",
    ];
    assert_eq!(duties(&mut story), expected);
    assert_eq!(found(&mut story, "X03"), [""; 0]);
}

#[test]
fn an_author_may_not_approve_and_a_reviewer_may() {
    let mut story = lived();
    story.approve("03T08:00", "A1", "rob", "1.4.1").approve("03T08:30", "A2", "al", "1.4.1");
    story.live("03T09:00", "P1", "1.4.1");
    let expected = [
        "al true false true false author_approves",
        "ci-bot false false false true none",
        "rob false true true false none",
    ];
    assert_eq!(duties(&mut story), expected);
    assert_eq!(found(&mut story, "X03"), ["P1 03T08:59"]);
    assert_eq!(ask(&mut story).rows("sod", "conflict").iter().filter(|c| *c == "true").count(), 1);
}

#[test]
fn who_starts_it_may_not_approve_it_and_an_author_may_start_it() {
    let mut story = lived();
    story.approve("03T08:00", "A1", "eve", "1.4.1");
    story.live_with("03T09:00", "P1", "1.4.1", started_by("eve"));
    let kinds = |story: &mut Story| -> Vec<String> {
        let rows = duties(story);
        rows.iter().map(|row| row.rsplit(' ').next().unwrap().to_owned()).collect()
    };
    assert_eq!(kinds(&mut story), ["none", "initiator_approves", "none"], "al, eve, rob");
    let mut story = lived();
    story.approve("03T08:00", "A1", "eve", "1.4.1");
    story.live_with("03T09:00", "P1", "1.4.1", started_by("al"));
    assert_eq!(kinds(&mut story), ["none"; 3], "to start one's own change is no approval");
}

#[test]
fn the_gravest_conflict_is_the_one_that_is_named() {
    let mut story = lived();
    story.commit("02T12:00", "cx", &["c1.4.1"], "al", "fix: z").but(json!({"reviewers": ["al"]}));
    story.build_of("02T13:00", "1.4.2", "1.4.2", "cx").approve("03T08:00", "A1", "al", "1.4.2");
    story.live_with("03T09:00", "P1", "1.4.2", started_by("al"));
    assert_eq!(duties(&mut story)[0], "al true true true true author_approves");
}

#[test]
fn the_only_reviewer_is_somebody_else() {
    let reviewed = |reviewers: serde_json::Value| {
        let mut story = lived();
        story.commit("02T12:00", "cx", &["c1.4.1"], "al", "fix: z");
        story.but(json!({"reviewers": reviewers})).build_of("02T13:00", "1.4.2", "1.4.2", "cx");
        story.live("03T09:00", "P1", "1.4.2");
        duties(&mut story).remove(0)
    };
    let alone = "al true true false false author_only_reviewer";
    assert_eq!(reviewed(json!(["al"])), alone);
    assert_eq!(reviewed(json!(["al", "al"])), alone, "twice is not two");
    assert_eq!(reviewed(json!(["al", "amy"])), "al true true false false none");
    assert_eq!(reviewed(json!([])), "al true false false false none", "nobody reviewed it");
}

#[test]
fn an_approval_counts_when_it_came_before_on_both_clocks() {
    let approver = |story: &mut Story| {
        let rows = duties(story);
        rows.iter().find_map(|row| row.strip_prefix("al ")).unwrap().to_owned()
    };
    let (yes, no) = ("true false true false author_approves", "true false false false none");
    let mut story = lived();
    // At the very instant of the start, and before it in the log.
    story.approve("03T08:59", "A1", "al", "1.4.1").live("03T09:00", "P1", "1.4.1");
    assert_eq!(approver(&mut story), yes);
    let mut story = lived();
    story.approve("03T08:59:01", "A1", "al", "1.4.1").live("03T09:00", "P1", "1.4.1");
    assert_eq!(approver(&mut story), no, "after the start");
    let mut story = lived();
    story.live("03T09:00", "P1", "1.4.1").approve("03T08:00", "A1", "al", "1.4.1");
    assert_eq!(approver(&mut story), no, "dated back");
    let mut story = lived();
    story.approve("03T08:00", "A1", "al", "1.4.1").but(json!({"stage": "canary"}));
    story.approve("03T08:00", "A2", "al", "1.4.1").but(json!({"digest": digest("other")}));
    story.reject("03T08:00", "A3", "al", "1.4.1").live("03T09:00", "P1", "1.4.1");
    assert_eq!(approver(&mut story), no, "of another stage, of another artifact, a rejection");
}

#[test]
fn an_approval_that_was_taken_back_in_time_is_none() {
    let conflict = |at: &str| {
        let mut story = lived();
        story.approve("03T08:00", "A1", "al", "1.4.1");
        if at < "03T08:59" {
            story.revoke(at, "A1").live("03T09:00", "P1", "1.4.1");
        } else {
            story.live("03T09:00", "P1", "1.4.1").revoke(at, "A1");
        }
        duties(&mut story).remove(0).split_off("al true false ".len())
    };
    assert_eq!(conflict("03T08:30"), "false false none");
    assert_eq!(conflict("03T09:30"), "true false author_approves", "after the start");
}

#[test]
fn the_base_is_the_last_other_artifact() {
    let mut story = lived();
    story.live("03T09:00", "P2", "1.4.1").approve("03T10:00", "A1", "al", "1.4.1");
    story.live("04T09:00", "P1", "1.4.1");
    let conflict = "al true false true false author_approves";
    assert_eq!(duties(&mut story)[0], conflict, "a redeploy brings what it brought at first");
    // Back to what was there before: nothing new comes.
    let mut story = lived();
    story.live("03T09:00", "P2", "1.4.1").approve("03T10:00", "A1", "old", "1.4.0");
    story.live_with("04T09:00", "P1", "1.4.0", json!({"reason": "rollback"}));
    let expected = ["ci-bot false false false true none", "old false false true false none"];
    assert_eq!(duties(&mut story), expected);
}

#[test]
fn several_regions_bring_what_any_of_them_lacks() {
    let mut story = lived_on(Story::of_api(&["us", "eu"]));
    story.live_with("03T09:00", "P2", "1.4.1", json!({"targets": ["us"]}));
    story.commit("03T10:00", "c1.4.2", &["c1.4.1"], "zoe", "fix: z").build("03T11:00", "1.4.2");
    story.approve("03T12:00", "A1", "al", "1.4.2").live("04T09:00", "P1", "1.4.2");
    let rows = duties(&mut story);
    assert_eq!(rows[0], "al true false true false author_approves", "eu still lacks it");
    assert_eq!(rows.last().unwrap(), "zoe true false false false none");
}

#[test]
fn without_a_build_nobody_is_known_to_have_written_it() {
    let mut story = lived();
    story.live("03T09:00", "P1", "stranger");
    assert_eq!(duties(&mut story), ["ci-bot false false false true none"]);
}

#[test]
fn rows_stand_by_change_and_person_with_their_evidence() {
    let mut story = lived();
    story.approve("03T08:00", "A1", "al", "1.4.1");
    let approval = story.seq();
    story.start("03T09:00", "P1", "production", "1.4.1").start("03T09:00", "C1", "canary", "1.4.1");
    let ask = ask(&mut story);
    let expected = ["P0 ci-bot", "P0 old", "P1 al", "P1 ci-bot", "P1 rob"];
    assert_eq!(ask.rows("sod", "change_id person"), expected, "attempts too, canaries not");
    let request = relbook_query::projection::Request::default();
    let table = ask.book().projection("sod", &request, ask.lens()).unwrap();
    let al = &table.rows[2].evidence;
    // The commit, the approval and the start.
    assert!(al.contains(&approval) && al.contains(&(approval + 1)) && al.len() == 3, "{al:?}");
    assert!(table.rows.iter().all(|row| !row.evidence.is_empty()));
}

#[test]
fn both_clocks_are_kept_and_an_empty_book_has_nobody() {
    let mut story = lived();
    story.approve("03T08:00", "A1", "al", "1.4.1").live("03T09:00", "P1", "1.4.1");
    let known = story.seq();
    assert_eq!(ask(&mut story).at("03T08:58").rows("sod", "change_id"), ["P0", "P0"]);
    story.correct("04T09:00", known - 2);
    let conflicts = |ask: &crate::ask::Ask| {
        ask.rows("sod", "conflict").iter().filter(|cell| *cell == "true").count()
    };
    assert_eq!(conflicts(&ask(&mut story)), 0, "it was never approved");
    assert_eq!(conflicts(&ask(&mut story).known(known)), 1, "as it was known then");
    assert_eq!(ask(&mut Story::of_api(&["us"])).rows("sod", "person"), [""; 0]);
}
