//! Hotfixes (semantics A.11): the plan from what is live, the number that nothing has used, each
//! step by its evidence, and what is owed afterwards.

use relbook_query::question::{Answer, AnswerError, HotfixAsk, Question};
use relbook_testkit::story::{Story, digest};
use serde_json::{Value, json};

use crate::ask::{Ask, ask, head, lines, warnings};

fn asked(ask: &Ask, component: &str, what: HotfixAsk) -> Result<Answer, AnswerError> {
    let (environment, component) = ("production".to_owned(), component.to_owned());
    ask.answer(&Question::Hotfix { environment, component, ask: what })
}

fn plan(ask: &Ask) -> Answer {
    asked(ask, "api", HotfixAsk::Plan(None)).unwrap()
}

fn status(ask: &Ask) -> Answer {
    asked(ask, "api", HotfixAsk::Status("HF".to_owned())).unwrap()
}

/// 1.4.1 is live; 1.4.2 and 1.4.3 were built from main and never shipped.
fn lived() -> Story {
    let mut story = Story::of_api(&["us"]);
    story.policy("01T00:01", json!({"canary_components": ["api"]}));
    let mut parent: Option<String> = None;
    for version in ["1.4.0", "1.4.1", "1.4.2", "1.4.3"] {
        let commit = format!("c{version}");
        let parents: Vec<&str> = parent.iter().map(String::as_str).collect();
        story.commit("01T01:00", &commit, &parents, "al", "fix: more");
        story.build("01T02:00", version);
        parent = Some(commit);
    }
    story.live("02T09:00", "P0", "1.4.0").live("03T09:00", "P1", "1.4.1");
    story
}

const NAMES: &str = "base_version base_commit branch version tag lacks_lower_version";

#[test]
fn the_plan_starts_from_what_is_live() {
    let mut story = lived();
    let answer = plan(&ask(&mut story).at("10T14:00"));
    assert_eq!(head(&answer, NAMES), "1.4.1 c1.4.1 hotfix/v1.4.4 1.4.4 v1.4.4 true");
    assert_eq!(head(&answer, "lower_versions deadline_at"), "[1.4.2,1.4.3] 10T14:30");
    assert_eq!(warnings(&answer), ["lacks_lower_version"]);
    let steps = [
        "1 opened 10T14:00 open",
        "2 branch 10T14:03 open",
        "3 merge 10T14:10 open",
        "4 build 10T14:14 open",
        "5 checks 10T14:16 open",
        "6 dev_smoke 10T14:18 open",
        "7 staging_contract 10T14:21 open",
        "8 approval 10T14:26 open",
        "9 canary_slo 10T14:27 open",
        "10 production_start 10T14:28 open",
        "11 production_finish 10T14:30 open",
        "12 main_fix - open",
        "13 integration - open",
        "14 review - open",
    ];
    assert_eq!(lines(&answer.table, "no step latest_at status"), steps);
    assert!(answer.holds);
}

#[test]
fn another_deadline_moves_every_step() {
    let mut story = lived();
    let ask = ask(&mut story).at("10T14:00");
    let answer = asked(&ask, "api", HotfixAsk::Plan(Some(45))).unwrap();
    let latest = lines(&answer.table, "latest_at");
    assert_eq!((latest[1].as_str(), latest[10].as_str()), ("10T14:04:30", "10T14:45"));
    assert_eq!(head(&answer, "deadline_minutes deadline_at"), "45 10T14:45");
}

#[test]
fn a_number_is_burnt_by_any_build_tag_or_publish() {
    let next = |change: &dyn Fn(&mut Story)| {
        let mut story = lived();
        change(&mut story);
        head(&plan(&ask(&mut story).at("10T14:00")), "version")
    };
    assert_eq!(next(&|_| ()), "1.4.4");
    assert_eq!(next(&|s| _ = s.tag("04T09:00", "v1.4.7", "cx")), "1.4.8");
    assert_eq!(next(&|s| _ = s.tag("04T09:00", "other-1.4.7", "cx")), "1.4.4");
    assert_eq!(next(&|s| _ = s.publish("04T09:00", "1.4.5")), "1.4.6");
    let failed = json!({"outcome": "failed"});
    assert_eq!(next(&|s| _ = s.build("04T09:00", "1.4.9").but(failed.clone())), "1.4.10");
    assert_eq!(next(&|s| _ = s.build("04T09:00", "1.4.4-rc.1")), "1.4.5");
    assert_eq!(next(&|s| _ = s.build("04T09:00", "1.5.9")), "1.4.4", "of another line");
    assert_eq!(next(&|s| _ = s.build("11T09:00", "1.4.9")), "1.4.4", "after the view");
}

#[test]
fn only_versions_from_main_are_missed() {
    let mut story = lived();
    let mut events = story.take();
    for (_, event) in &mut events {
        let skipped = event["commit"] == "c1.4.2" || event["commit"] == "c1.4.3";
        if skipped && event["kind"] == "commit.merged" {
            event["branch"] = json!("release/v1.4");
        }
    }
    story.give(events);
    let answer = plan(&ask(&mut story).at("10T14:00"));
    assert_eq!(head(&answer, "lacks_lower_version lower_versions"), "false []");
}

#[test]
fn calver_takes_the_month_of_now() {
    let mut story = Story::of_api(&["us"]);
    let scheme = json!({"scheme": "calver:YYYY.0M.MICRO", "release_model": "deployed",
        "tag_prefix": "web/"});
    story.component("web", scheme);
    story.commit("01T01:00", "w7", &[], "al", "fix: web");
    story.build_of("01T02:00", "2026.05.7", "2026.05.7", "w7").live("02T09:00", "W1", "2026.05.7");
    let names = "version branch tag base_version";
    let web = |ask: &Ask| asked(ask, "web", HotfixAsk::Plan(None)).unwrap();
    let first = head(&web(&ask(&mut story).at("10T14:00")), names);
    assert_eq!(first, "2026.06.0 hotfix/v2026.06.0 web/2026.06.0 2026.05.7");
    story.build("03T09:00", "2026.06.0").tag("03T09:00", "web/2026.06.3", "cx");
    assert_eq!(head(&web(&ask(&mut story).at("10T14:00")), "version"), "2026.06.4");
    let later = ask(&mut story).at("2026-07-01T00:00:00Z");
    assert_eq!(head(&web(&later), "version"), "2026.07.0");
}

#[test]
fn without_one_live_commit_there_is_no_plan() {
    let refused = |change: &dyn Fn(&mut Story)| {
        let mut story = Story::of_api(&["us", "eu"]);
        story.build("01T02:00", "1.4.1").build("01T02:00", "1.4.2");
        change(&mut story);
        let answer = plan(&ask(&mut story).at("10T14:00"));
        assert!(!answer.holds && answer.table.rows.is_empty());
        assert_eq!(head(&answer, "base_commit version deadline_at"), "- - -");
        assert_eq!(warnings(&answer), [head(&answer, "refused")]);
        head(&answer, "refused")
    };
    assert_eq!(refused(&|_| ()), "none");
    let mixed = |s: &mut Story| {
        s.live("02T09:00", "P1", "1.4.1");
        s.live_with("03T09:00", "P2", "1.4.2", json!({"targets": ["us"]}));
    };
    assert_eq!(refused(&mixed), "mixed");
    let doubt = |s: &mut Story| {
        s.live("02T09:00", "P1", "1.4.1").start("03T09:00", "P2", "production", "1.4.2");
        s.finish("03T09:05", "P2", "us", "failed!");
    };
    assert_eq!(refused(&doubt), "indeterminate");
    assert_eq!(refused(&|s| _ = s.live("02T09:00", "P1", "unbuilt")), "missing_provenance");
}

#[test]
fn a_canary_does_not_change_the_base() {
    let mut story = lived();
    story.start("04T09:00", "C", "canary", "1.4.2").progress("04T09:01", "C", "us", 5);
    let answer = plan(&ask(&mut story).at("10T14:00"));
    assert_eq!(head(&answer, "base_version"), "1.4.1");
    assert!(warnings(&answer).contains(&"canary"));
}

/// A hotfix that was in production after 27 minutes.
fn shipped() -> Story {
    let mut story = lived();
    let about = |fields: Value| {
        let mut event = json!({"component": "api"});
        event.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
        event
    };
    story.push(
        "10T14:00",
        about(json!({"kind": "hotfix.opened", "hotfix_id": "HF",
        "incident_id": "INC", "deadline_minutes": 30})),
    );
    story.push(
        "10T14:02",
        about(json!({"kind": "branch.created", "branch": "hotfix/v1.4.4",
        "base_commit": "c1.4.1"})),
    );
    story.commit("10T14:06", "cf", &["c1.4.1"], "al", "fix: leak").but(json!({
        "branch": "hotfix/v1.4.4", "reviewers": ["bo"]}));
    story.build_of("10T14:08", "1.4.4", "1.4.4", "cf");
    for suite in ["unit", "lint"] {
        story.push(
            "10T14:09",
            about(json!({"kind": "check.completed", "suite": suite,
            "commit": "cf", "result": "pass"})),
        );
    }
    for scanner in ["trivy", "grype"] {
        story.push(
            "10T14:10",
            about(json!({"kind": "scan.completed", "digest": digest("1.4.4"),
            "scanner": scanner, "critical": 0, "high": 0})),
        );
    }
    let hotfix = json!({"hotfix_id": "HF", "reason": "hotfix"});
    let check = |suite: &str, stage: &str, seconds: f64| {
        about(json!({"kind": "check.completed", "suite": suite, "stage": stage, "result": "pass",
            "digest": digest("1.4.4"), "duration_s": seconds}))
    };
    story.start("10T14:11", "DEV", "dev", "1.4.4").but(hotfix.clone());
    story
        .finish("10T14:12", "DEV", "dev-1", "succeeded")
        .push("10T14:13", check("smoke", "dev", 40.0));
    story.start("10T14:14", "STG", "staging", "1.4.4").but(hotfix.clone());
    story.finish("10T14:15", "STG", "stg-1", "succeeded");
    story.push("10T14:16", check("contract", "staging", 9.0));
    story.approve("10T14:17", "A", "rita", "1.4.4");
    story.start("10T14:17:30", "CAN", "canary", "1.4.4").but(hotfix.clone());
    story.progress("10T14:18", "CAN", "us", 5);
    let slo = json!({"window_start": "2026-06-10T14:18:00Z", "window_end": "2026-06-10T14:23:00Z",
        "error_rate_delta": 0.0, "p99_delta_ms": 1});
    story.push("10T14:23", check("slo", "canary", 300.0)).but(slo);
    story.finish("10T14:23", "CAN", "us", "succeeded");
    story.start("10T14:25", "PRD", "production", "1.4.4").but(hotfix);
    story.finish("10T14:27", "PRD", "us", "succeeded");
    story
}

const STEP: &str = "step status done_at latest_at";

#[test]
fn a_hotfix_in_time() {
    let mut story = shipped();
    let answer = status(&ask(&mut story));
    let steps = [
        "opened done 10T14:00 10T14:00",
        "branch done 10T14:02 10T14:03",
        "merge done 10T14:06 10T14:10",
        "build done 10T14:08 10T14:14",
        "checks done 10T14:10 10T14:16",
        "dev_smoke done 10T14:13 10T14:18",
        "staging_contract done 10T14:16 10T14:21",
        "approval done 10T14:17 10T14:26",
        "canary_slo done 10T14:23 10T14:27",
        "production_start done 10T14:25 10T14:28",
        "production_finish done 10T14:27 10T14:30",
        "main_fix open - -",
        "integration open - 11T14:27",
        "review open - 12T14:25",
    ];
    assert_eq!(lines(&answer.table, STEP), steps);
    assert_eq!(head(&answer, "total_minutes deadline_met deadline_at"), "27 true 10T14:30");
    assert_eq!(head(&answer, NAMES), "1.4.1 c1.4.1 hotfix/v1.4.4 1.4.4 v1.4.4 true");
    assert_eq!(head(&answer, "hotfix_id incident_id deploy_id"), "HF INC PRD");
    assert!(answer.table.rows[..11].iter().all(|row| !row.evidence.is_empty()));
    assert_eq!(ask(&mut story).deploy("PRD", "gates_failed"), "[]");
}

#[test]
fn looked_at_on_the_way_the_rest_is_open_or_late() {
    let mut story = shipped();
    let at = |story: &mut Story, time: &str| {
        let answer = status(&ask(story).at(time));
        let steps = lines(&answer.table, "step status");
        (
            steps[3..].iter().take(8).cloned().collect::<Vec<_>>().join(" "),
            head(&answer, "total_minutes deadline_met"),
        )
    };
    let (steps, times) = at(&mut story, "10T14:09:30");
    assert_eq!(
        steps,
        "build done checks open dev_smoke open staging_contract open approval open \
         canary_slo open production_start open production_finish open"
    );
    assert_eq!(times, "- -");
    // Another book, which ends at the staging deploy.
    let mut short = shipped();
    let mut events = short.take();
    let cut = events.iter().position(|(_, e)| e["suite"] == "contract").unwrap();
    events.truncate(cut);
    short.give(events).commit("10T15:00", "z", &[], "al", "chore: later");
    let (steps, times) = at(&mut short, "10T14:22");
    assert!(steps.contains("staging_contract late approval open"), "{steps}");
    assert_eq!(times, "- -");
    let (steps, times) = at(&mut short, "10T14:31");
    assert!(steps.ends_with("production_start late production_finish late"), "{steps}");
    assert_eq!(times, "- false");
}

/// Tells the shipped story with one event changed and returns one step.
fn changed(what: Value, fields: Value, step: &str) -> String {
    let mut story = shipped();
    let mut events = story.take();
    let is_it = |event: &Value| what.as_object().unwrap().iter().all(|(k, v)| event[k] == *v);
    let found = events.iter_mut().filter(|(_, event)| is_it(event));
    let mut count = 0;
    for (_, event) in found {
        event.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
        count += 1;
    }
    assert!(count > 0, "{what}");
    story.give(events);
    let rows = lines(&status(&ask(&mut story)).table, "step status");
    rows.iter().find_map(|row| row.strip_prefix(&format!("{step} "))).unwrap().to_owned()
}

#[test]
fn a_step_whose_evidence_says_no_has_failed() {
    let cases = [
        (json!({"kind": "branch.created"}), json!({"base_commit": "c1.4.3"}), "branch"),
        (json!({"commit": "cf", "kind": "commit.merged"}), json!({"reviewers": ["al"]}), "merge"),
        (
            json!({"version": "1.4.4", "kind": "build.completed"}),
            json!({"outcome": "failed"}),
            "build",
        ),
        (json!({"suite": "lint"}), json!({"result": "inconclusive"}), "checks"),
        (json!({"scanner": "grype", "digest": digest("1.4.4")}), json!({"high": 1}), "checks"),
        (json!({"suite": "smoke"}), json!({"duration_s": 300}), "dev_smoke"),
        (json!({"suite": "contract"}), json!({"result": "fail"}), "staging_contract"),
        (json!({"approval_id": "A"}), json!({"kind": "approval.rejected"}), "approval"),
        (json!({"suite": "slo"}), json!({"p99_delta_ms": 51}), "canary_slo"),
        (
            json!({"kind": "deploy.finished", "deploy_id": "PRD"}),
            json!({"outcome": "failed", "restored": true}),
            "production_finish",
        ),
    ];
    for (what, fields, step) in cases {
        assert_eq!(changed(what.clone(), fields, step), "failed", "{what}");
    }
}

#[test]
fn a_step_whose_evidence_is_not_there_is_open_until_it_is_late() {
    let gone = json!({"component": "api", "suite": "other"});
    assert_eq!(changed(json!({"suite": "smoke"}), gone, "dev_smoke"), "late");
    let early = json!({"window_start": "2026-06-10T14:18:01Z"});
    assert_eq!(changed(json!({"suite": "slo"}), early, "canary_slo"), "failed", "299 seconds");
    let author = json!({"approver": "al"});
    assert_eq!(changed(json!({"approval_id": "A"}), author, "approval"), "late");
}

#[test]
fn a_step_after_its_time_is_late() {
    let late = json!({"occurred_at": "2026-06-10T14:30:30Z"});
    let finish = json!({"kind": "deploy.finished", "deploy_id": "PRD"});
    assert_eq!(changed(finish, late, "production_finish"), "late");
    let mut story = shipped();
    let mut events = story.take();
    let (_, last) = events.last_mut().unwrap();
    last["occurred_at"] = json!("2026-06-10T14:30:30Z");
    story.give(events);
    assert_eq!(head(&status(&ask(&mut story)), "total_minutes deadline_met"), "30.5 false");
}

#[test]
fn a_component_without_a_canary_waives_that_step() {
    let mut story = shipped();
    let mut events = story.take();
    let policy = events.iter_mut().find(|(_, e)| e["values"]["canary_components"].is_array());
    policy.unwrap().1["values"]["canary_components"] = json!([]);
    story.give(events);
    let rows = lines(&status(&ask(&mut story)).table, STEP);
    assert_eq!(rows[8], "canary_slo waived - 10T14:27");
}

fn follow_ups(story: &mut Story) -> Vec<String> {
    lines(&status(&ask(story)).table, STEP)[11..].to_vec()
}

fn debts(ask: &Ask) -> Vec<String> {
    let environment = "production".to_owned();
    let answer = ask.answer(&Question::Debt { environment, component: None }).unwrap();
    assert!(answer.holds, "a list with findings exits 0");
    lines(&answer.table, "kind component subject due_at overdue")
}

#[test]
fn follow_ups_are_owed_until_they_are_seen() {
    let mut story = shipped();
    let owed = [
        "integration api HF 11T14:27 false",
        "review api HF 12T14:25 false",
        "main_fix api HF - false",
    ];
    assert_eq!(debts(&ask(&mut story).at("10T15:00")), owed);
    let later = ask(&mut story).at("12T14:25");
    assert_eq!(
        debts(&later)[..2],
        ["integration api HF 11T14:27 true", "review api HF 12T14:25 false"]
    );
    assert_eq!(
        debts(&ask(&mut story).at("10T14:26")),
        ["review api HF 12T14:25 false"],
        "in flight"
    );
    assert_eq!(debts(&ask(&mut story).at("10T14:24")), [""; 0]);
    story
        .commit("11T09:00", "cm", &["c1.4.3"], "al", "fix: leak")
        .but(json!({"cherry_picked_from": "cf"}));
    story.push(
        "11T10:00",
        json!({"kind": "check.completed", "component": "api", "stage": "staging",
        "suite": "integration", "digest": digest("1.4.4"), "result": "pass"}),
    );
    story.push(
        "12T15:00",
        json!({"kind": "breakglass.reviewed", "deploy_id": "PRD",
        "reviewer": "olga", "result": "justified"}),
    );
    let done = [
        "main_fix done 11T09:00 -",
        "integration done 11T10:00 11T14:27",
        "review late 12T15:00 12T14:25",
    ];
    assert_eq!(follow_ups(&mut story), done);
    assert_eq!(debts(&ask(&mut story)), [""; 0]);
}

#[test]
fn a_follow_up_that_does_not_count_stays_open() {
    let mut story = shipped();
    story.commit("11T09:00", "cm", &["c1.4.3"], "al", "fix: leak").but(json!({"branch": "develop",
        "cherry_picked_from": "cf"}));
    story.push(
        "11T10:00",
        json!({"kind": "check.completed", "component": "api", "stage": "staging",
        "suite": "integration", "digest": digest("1.4.4"), "result": "fail"}),
    );
    // By who wrote it, and by who started it.
    for (at, reviewer) in [("12T09:00", "al"), ("12T09:01", "ci-bot")] {
        story.push(
            at,
            json!({"kind": "breakglass.reviewed", "deploy_id": "PRD",
            "reviewer": reviewer, "result": "fine"}),
        );
    }
    let open = ["main_fix open - -", "integration open - 11T14:27", "review open - 12T14:25"];
    assert_eq!(follow_ups(&mut story), open);
    assert_eq!(debts(&ask(&mut story)).len(), 3);
}

#[test]
fn a_fix_that_was_on_main_first_is_paid() {
    let mut story = shipped();
    let mut events = story.take();
    let fix = events.iter_mut().find(|(_, e)| e["commit"] == "cf" && e["kind"] == "commit.merged");
    fix.unwrap().1["cherry_picked_from"] = json!("c1.4.3");
    story.give(events);
    assert_eq!(follow_ups(&mut story)[0], "main_fix done 01T01:00 -");
}

#[test]
fn broken_glass_is_owed_a_review() {
    let mut story = lived();
    story
        .start("10T09:00", "BG", "production", "1.4.2")
        .but(json!({"break_glass": true, "incident_id": "I"}));
    story.finish("10T09:05", "BG", "us", "succeeded");
    assert_eq!(debts(&ask(&mut story)), ["review api BG 12T09:00 false"]);
    assert_eq!(debts(&ask(&mut story).at("12T09:00:01")), ["review api BG 12T09:00 true"]);
    story.push(
        "12T09:00",
        json!({"kind": "breakglass.reviewed", "deploy_id": "BG",
        "reviewer": "olga", "result": "fine"}),
    );
    assert_eq!(debts(&ask(&mut story)), [""; 0]);
}

#[test]
fn a_hotfix_that_nobody_opened_is_named_with_those_that_there_are() {
    let mut story = shipped();
    let error = asked(&ask(&mut story), "api", HotfixAsk::Status("HF-9".to_owned())).unwrap_err();
    assert_eq!(error.to_string(), "api has no hotfix `HF-9`; there are: HF");
}

#[test]
fn what_was_live_when_it_was_opened_stays_the_base() {
    let mut story = shipped();
    story.build("15T09:00", "1.5.0").live("16T09:00", "P9", "1.5.0");
    assert_eq!(head(&status(&ask(&mut story)), "base_version version"), "1.4.1 1.4.4");
}
