//! `population` (semantics B.3 file 1): every production-stage deploy of a period, whatever came
//! of it, with what stood behind it. What is not known is null, never zero and never a guess.

mod sample;

use relbook_query::question::{Answer, Question};
use relbook_query::release::Period;
use relbook_testkit::story::{Story, digest};
use serde_json::{Value, json};

use crate::ask::{Ask, ask, lines};
use crate::listing::{evidence, period, ungated};

fn question() -> Question {
    within(Period::ALL)
}

fn within(period: Period) -> Question {
    Question::Population { component: None, period, sample: None }
}

fn population(ask: &Ask, columns: &str) -> Vec<String> {
    lines(&answer(ask).table, columns)
}

fn answer(ask: &Ask) -> Answer {
    ask.answer(&question()).unwrap()
}

/// Returns these columns of the last row.
fn last(story: &mut Story, columns: &str) -> String {
    population(&ask(story), columns).pop().unwrap()
}

/// 1.4.0 is live and approved; 1.4.1, 1.5.0 and 1.6.0 are built.
fn lived() -> Story {
    lived_on(ungated())
}

fn lived_on(mut story: Story) -> Story {
    for (i, version) in ["1.4.0", "1.4.1", "1.5.0", "1.6.0"].iter().enumerate() {
        story.build(&format!("01T0{i}:00"), version);
    }
    story.approve("02T08:00", "A0", "p_rita", "1.4.0").live("02T09:00", "P0", "1.4.0");
    story
}

fn on(target: &str) -> Value {
    json!({"targets": [target]})
}

#[test]
fn every_production_deploy_is_a_row_whatever_came_of_it() {
    let mut story = lived_on(Story::of_api(&["us", "eu"]));
    story.start("03T09:00", "P1", "production", "1.4.1").finish("03T09:05", "P1", "us", "failed");
    story.finish("03T09:06", "P1", "eu", "aborted");
    story.start("04T09:00", "P2", "production", "1.4.1").finish("04T09:05", "P2", "us", "aborted");
    story.finish("04T09:06", "P2", "eu", "aborted");
    story.start("05T09:00", "P3", "production", "1.4.1").finish("05T09:05", "P3", "us", "failed");
    story.finish("05T09:06", "P3", "eu", "succeeded");
    story.start("06T09:00", "P4", "production", "1.4.1").finish(
        "06T09:05",
        "P4",
        "us",
        "succeeded",
    );
    story.start("07T09:00", "C1", "canary", "1.5.0").start("07T09:00", "S1", "staging", "1.5.0");
    let expected = [
        "P0 02T08:59 02T09:00 succeeded",
        "P1 03T09:00 03T09:06 failed",
        "P2 04T09:00 04T09:06 aborted",
        "P3 05T09:00 05T09:06 partial",
        "P4 06T09:00 - in_flight",
    ];
    let columns = "change_id started_at finished_at outcome";
    assert_eq!(population(&ask(&mut story), columns), expected);
    assert_eq!(population(&ask(&mut Story::empty()), columns), [""; 0], "an empty book");
}

#[test]
fn rows_stand_by_start_then_id() {
    let mut story = lived();
    for id in ["PZ", "PA"] {
        story.start("03T09:00", id, "production", "1.4.1").finish("03T09:05", id, "us", "failed");
    }
    // Recorded last, claimed to be before.
    story.start("02T10:00", "PM", "production", "1.4.1").finish("02T10:05", "PM", "us", "failed");
    assert_eq!(population(&ask(&mut story), "change_id"), ["P0", "PM", "PA", "PZ"]);
}

#[test]
fn the_period_is_half_open_by_the_start() {
    let mut story = lived();
    story.live("03T09:01", "P1", "1.4.1").live("04T09:01", "P2", "1.4.0");
    let ids = |story: &mut Story, from: &str, to: &str| {
        let asked = ask(story).answer(&within(period(from, to))).unwrap();
        lines(&asked.table, "change_id").join(" ")
    };
    assert_eq!(ids(&mut story, "03T09:00", "04T09:00"), "P1", "from the first instant on");
    assert_eq!(ids(&mut story, "03T09:00:01", "04T09:00:01"), "P2", "finished within is not begun");
    assert_eq!(ids(&mut story, "03T09:00", "03T09:00"), "", "a period of no length");
    let error = ask(&mut story).answer(&within(period("04T09:00", "03T09:00"))).unwrap_err();
    assert!(error.to_string().contains("exchange --from and --to"), "{error}");
}

#[test]
fn both_clocks_are_kept() {
    let mut story = lived();
    story.start("03T09:00", "P1", "production", "1.4.1").finish(
        "03T09:05",
        "P1",
        "us",
        "succeeded",
    );
    let finish = story.seq();
    let columns = "outcome finished_at seq_finish event_hash_finish checkpoint_size";
    let size = finish + 1;
    let then = population(&ask(&mut story).at("03T09:04"), columns).pop();
    assert_eq!(then.unwrap(), format!("in_flight - - - {size}"));
    let known = population(&ask(&mut story).known(finish - 1), columns).pop();
    assert_eq!(known.unwrap(), format!("in_flight - - - {finish}"));
    let seqs = last(&mut story, "outcome finished_at seq_start seq_finish");
    assert_eq!(seqs, format!("succeeded 03T09:05 {} {finish}", finish - 1));
    story.correct("03T10:00", finish - 1);
    assert_eq!(population(&ask(&mut story), "change_id"), ["P0"], "it never started");
}

#[test]
fn hashes_are_those_of_the_signed_events() {
    let mut story = lived();
    let hashes = last(&mut story, "event_hash_start event_hash_finish");
    let hashes: Vec<&str> = hashes.split(' ').collect();
    assert!(
        hashes.iter().all(|hash| hash.starts_with("blake3:") && hash.len() == 71),
        "{hashes:?}"
    );
    assert_ne!(hashes[0], hashes[1]);
    assert_eq!(last(&mut story, "event_hash_start"), hashes[0], "and stay the same");
}

#[test]
fn the_target_that_decides_the_bump_gives_where_it_came_from() {
    let columns = "from_version from_digest to_version bump targets";
    let mut story = lived_on(Story::of_api(&["us", "eu"]));
    story.live_with("03T09:00", "P1", "1.5.0", on("eu"));
    story.live("04T09:00", "P2", "1.4.1");
    assert_eq!(last(&mut story, columns), "1.5.0 @1.5.0 1.4.1 minor [us,eu]", "minor over patch");
    story.live_with("05T09:00", "P3", "1.5.0", on("us"));
    story.live_with("05T10:00", "P4", "1.4.0", on("eu")).live("06T09:00", "P5", "1.6.0");
    assert_eq!(last(&mut story, columns), "1.5.0 @1.5.0 1.6.0 minor [us,eu]", "the first on a tie");
    story.remove("07T09:00", "eu").live("08T09:00", "P6", "1.6.0");
    assert_eq!(last(&mut story, columns), "- - 1.6.0 initial [us,eu]", "nothing is not a version");
}

#[test]
fn an_artifact_without_a_build_has_no_version_commit_or_bump() {
    let mut story = lived();
    story.live("03T09:00", "P1", "stranger");
    let columns = "to_version to_digest commit repo bump approval_verdict";
    assert_eq!(last(&mut story, columns), "- @stranger - - - missing");
    story.live_with("04T09:00", "P2", "other", json!({"version": "1.4.9"}));
    assert_eq!(last(&mut story, columns), "1.4.9 @other - - - missing", "its own word at least");
}

#[test]
fn each_class_of_change_wins_over_those_after_it() {
    let mut story = lived();
    story.push("02T10:00", json!({"kind": "hotfix.opened", "component": "api", "hotfix_id": "HF"}));
    let mut class = |artifact: &str, at: &str, id: &str, fields: Value| {
        story.live_with(at, id, artifact, fields);
        last(&mut story, "change_class")
    };
    let all = json!({"break_glass": true, "incident_id": "I", "hotfix_id": "HF",
        "reason": "rollback", "rollback_of": "P0"});
    assert_eq!(class("1.4.0", "03T09:00", "P1", all.clone()), "emergency");
    let without = |names: &[&str]| {
        let mut fields = all.clone();
        fields.as_object_mut().unwrap().retain(|name, _| !names.contains(&name.as_str()));
        fields
    };
    assert_eq!(class("1.4.0", "03T10:00", "P2", without(&["break_glass"])), "hotfix");
    let plain = without(&["break_glass", "hotfix_id"]);
    assert_eq!(class("1.4.0", "03T11:00", "P3", plain), "rollback");
    assert_eq!(class("1.4.0", "03T12:00", "P4", json!({})), "redeploy");
    assert_eq!(class("1.5.0", "03T13:00", "P5", json!({})), "normal");
    assert_eq!(class("1.4.1", "03T14:00", "P6", json!({"reason": "rollback"})), "rollback");
    assert_eq!(class("1.4.0", "03T15:00", "P7", json!({})), "standard", "a patch needs nobody");
}

#[test]
fn the_people_are_those_of_what_it_brings() {
    let mut story = lived();
    story.commit("01T01:00", "c1.4.0", &[], "old", "feat: begin");
    story.commit("02T10:00", "cx", &["c1.4.0"], "zoe", "fix: x").but(json!({"reviewers": ["rob"]}));
    story.commit("02T11:00", "c1.4.1", &["cx"], "al", "fix: y");
    story.but(json!({"reviewers": ["rob", "amy"]}));
    let fields = json!({"labels": {"requested_by": "p_boss"}, "initiated_by": null});
    story.live_with("03T09:00", "P1", "1.4.1", fields);
    let columns = "authors reviewers requested_by initiated_by";
    assert_eq!(last(&mut story, columns), "[al,zoe] [amy,rob] p_boss admin");
    story.live("04T09:00", "P2", "1.4.1");
    assert_eq!(last(&mut story, columns), "[al,zoe] [amy,rob] - ci-bot", "a redeploy too");
}

#[test]
fn only_approvals_that_count_are_named() {
    let columns = "approval_required approval_verdict approvers first_approved_at";
    let mut story = lived();
    story.approve("03T07:00", "A1", "ci-bot", "1.5.0").approve("03T08:00", "A2", "p_zoe", "1.5.0");
    story.approve("03T08:30", "A3", "p_amy", "1.5.0").live("03T09:00", "P1", "1.5.0");
    // Dated back to before the start, recorded after it.
    story.approve("03T06:00", "A4", "p_late", "1.5.0");
    assert_eq!(last(&mut story, columns), "true approved [p_amy,p_zoe] 03T08:00");
    story.live("04T09:00", "P2", "1.6.0");
    assert_eq!(last(&mut story, columns), "true missing [] -");
    story.live_with("05T09:00", "P3", "1.5.0", json!({"break_glass": true}));
    story.approve("05T10:00", "A5", "p_eve", "1.5.0");
    // By the next deploy, the one that was dated back had come.
    assert_eq!(last(&mut story, columns), "true approved [p_amy,p_late,p_zoe] 03T06:00");
    story.live("06T09:00", "P4", "1.5.0");
    assert!(last(&mut story, columns).starts_with("false approved"), "more than was needed");
}

#[test]
fn the_policy_of_its_time_decides() {
    let mut story = lived();
    story.live("03T09:00", "P1", "1.4.1");
    // Recorded after the deploy, whatever time it claims.
    story.policy("03T00:00", json!({"approval_required_for": ["patch"]}));
    assert_eq!(last(&mut story, "approval_required approval_verdict"), "false not_required");
    story.build("04T08:00", "1.4.2").live("04T09:00", "P2", "1.4.2");
    assert_eq!(last(&mut story, "approval_required approval_verdict"), "true missing");
}

#[test]
fn tests_and_scans_say_the_worst_of_the_gates() {
    let columns = "tests_verdict scan_verdict scan_at gates_failed";
    let mut story = lived();
    assert_eq!(last(&mut story, columns), "- - - []", "nothing was asked, so nothing passed");
    let gates = json!(["unit", "contract", "scan:trivy", "scan:grype"]);
    story.policy("02T10:00", json!({"gates": {"production": gates}}));
    story.live("03T09:00", "P1", "1.4.1");
    let missing = "missing missing - [unit,contract,scan:trivy,scan:grype]";
    assert_eq!(last(&mut story, columns), missing);
    let scan = |scanner: &str, high: u32| {
        json!({"kind": "scan.completed", "component": "api", "digest": digest("1.4.0"),
            "scanner": scanner, "critical": 0, "high": high})
    };
    let check = |suite: &str, result: &str| {
        json!({"kind": "check.completed", "component": "api", "suite": suite, "stage": "staging",
            "digest": digest("1.4.0"), "commit": "c1.4.0", "result": result})
    };
    story.push("03T10:00", scan("trivy", 1)).push("03T11:00", scan("grype", 0));
    story.push("03T11:00", check("unit", "fail"));
    story.live("04T09:00", "P2", "1.4.0");
    let failed = "fail fail 03T11:00 [unit,contract,scan:trivy]";
    assert_eq!(last(&mut story, columns), failed, "a failure is worse than nothing");
    story.push("05T10:00", scan("trivy", 0)).push("05T10:00", check("unit", "pass"));
    story.push("05T10:00", check("contract", "pass")).live("06T09:00", "P3", "1.4.0");
    assert_eq!(last(&mut story, columns), "pass pass 05T10:00 []");
    // What comes after the start changes nothing.
    story.push("06T10:00", check("unit", "fail")).push("06T10:00", scan("trivy", 9));
    assert_eq!(last(&mut story, columns), "pass pass 05T10:00 []");
}

#[test]
fn canary_minutes_are_of_that_artifact_before_the_start() {
    let mut story = lived_on(Story::of_api(&["us", "eu"]));
    assert_eq!(last(&mut story, "canary_minutes"), "-", "none is not zero minutes");
    story.start("03T09:00", "C1", "canary", "1.4.1").progress("03T09:10", "C1", "us", 5);
    story.progress("03T09:20", "C1", "eu", 5);
    // The other artifact's canary does not count.
    story.live_with("03T09:31", "P1", "1.5.0", on("eu"));
    assert_eq!(last(&mut story, "canary_minutes"), "-");
    story.live("03T09:41", "P2", "1.4.1");
    assert_eq!(last(&mut story, "canary_minutes"), "30.0", "of the target that had it longest");
    // What comes after the start is of another change.
    story.start("04T09:00", "C2", "canary", "1.4.1").progress("04T09:10", "C2", "us", 5);
    story.start("04T09:00", "C3", "canary", "1.5.0").progress("04T09:10", "C3", "eu", 5);
    assert_eq!(population(&ask(&mut story), "canary_minutes"), ["-", "-", "30.0"]);
}

#[test]
fn a_review_stands_with_its_deploy() {
    let mut story = lived();
    story.live_with("03T09:00", "P1", "1.5.0", json!({"break_glass": true, "incident_id": "I1"}));
    let columns = "break_glass incident_id review_result review_at";
    assert_eq!(last(&mut story, columns), "true I1 - -");
    let review = |who: &str| json!({"kind": "breakglass.reviewed", "deploy_id": "P1", "reviewer": who, "result": "ok"});
    story.push("03T10:00", review("ci-bot")).push("03T11:00", review("p_rita"));
    assert_eq!(last(&mut story, columns), "true I1 ok 03T11:00");
    assert_eq!(population(&ask(&mut story), columns)[0], "false - - -");
}

#[test]
fn exceptions_of_a_deploy_stand_with_it_sorted_and_once() {
    let mut story = lived();
    // Both its start and its finish came late.
    story.start("03T09:00", "P1", "production", "stranger");
    story.but(json!({"recorded_at": "2026-06-03T09:30:00Z"}));
    story.finish("03T09:01", "P1", "us", "succeeded");
    story.but(json!({"recorded_at": "2026-06-03T10:00:00Z"}));
    assert_eq!(last(&mut story, "exceptions"), "[X01,X06,X11]");
    assert_eq!(population(&ask(&mut story), "exceptions")[0], "[]");
    // The same for one component, and when it was found after the period.
    let component = Some("api".to_owned());
    let june = period("03T00:00", "03T09:01");
    let only = Question::Population { component, period: june, sample: None };
    let answer = ask(&mut story).answer(&only).unwrap();
    assert_eq!(lines(&answer.table, "change_id exceptions"), ["P1 [X01,X06,X11]"]);
}

#[test]
fn a_row_has_the_seqs_of_all_that_it_says() {
    let mut story = lived();
    story.policy("02T10:00", json!({"gates": {"production": ["unit"]}}));
    let mut seqs = Vec::new();
    story.push(
        "02T11:00",
        json!({"kind": "check.completed", "component": "api", "suite": "unit", "result": "pass",
            "commit": "c1.5.0"}),
    );
    seqs.push(story.seq());
    story.approve("03T08:00", "A1", "p_rita", "1.5.0");
    seqs.push(story.seq());
    story.start("03T09:00", "P1", "production", "1.5.0").but(json!({"break_glass": true}));
    seqs.push(story.seq());
    story.finish("03T09:05", "P1", "us", "succeeded");
    seqs.push(story.seq());
    story.push(
        "03T10:00",
        json!({"kind": "breakglass.reviewed", "deploy_id": "P1", "reviewer": "p_amy",
            "result": "ok"}),
    );
    seqs.push(story.seq());
    let rests = evidence(&mut story, &question()).pop().unwrap();
    assert!(seqs.iter().all(|seq| rests.contains(seq)), "{seqs:?} in {rests:?}");
    assert_eq!(rests.len(), 6, "and of the build: {rests:?}");
}

#[test]
fn one_component_by_name_and_none_by_another() {
    let mut story = lived();
    story.component("web", json!({"scheme": "semver", "release_model": "deployed", "alias": "w"}));
    story.build("01T05:00", "2.0.0").live("03T09:00", "W1", "2.0.0");
    let of = |story: &mut Story, name: &str| {
        let component = Some(name.to_owned());
        ask(story).answer(&Question::Population { component, period: Period::ALL, sample: None })
    };
    assert_eq!(lines(&of(&mut story, "w").unwrap().table, "change_id component"), ["W1 web"]);
    assert_eq!(lines(&of(&mut story, "api").unwrap().table, "change_id"), ["P0"]);
    let error = of(&mut story, "nothing").unwrap_err().to_string();
    assert_eq!(error, "`nothing` is not a registered component; there are: api, web");
}
