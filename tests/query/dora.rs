//! The DORA metrics (semantics A.14): what counts, in which period, and that a metric of nothing
//! is unknown and not zero.

use relbook_ledger::time::Time;
use relbook_query::question::{Answer, AnswerError, Question};
use relbook_query::release::Period;
use relbook_testkit::story::{self, Story};
use serde_json::{Value, json};

use crate::ask::{Ask, ask, evidence, lines, warnings};

const SHORT: [&str; 5] = ["frequency", "lead", "fail", "rework", "recovery"];

fn question(period: Option<(&str, &str)>, component: Option<&str>, detail: bool) -> Question {
    let time = |at: &str| Some(Time::parse(&story::time(at)).unwrap());
    let period = period.map_or(Period::ALL, |(from, to)| Period { from: time(from), to: time(to) });
    let component = component.map(str::to_owned);
    Question::Dora { environment: "production".to_owned(), component, period, detail }
}

fn asked(ask: &Ask, period: Option<(&str, &str)>) -> Answer {
    ask.answer(&question(period, Some("api"), false)).unwrap()
}

/// One metric: numerator, denominator, value, deploys.
fn metric(answer: &Answer, name: &str) -> String {
    let row = SHORT.iter().position(|short| *short == name).unwrap();
    lines(&answer.table, "numerator denominator value deploy_ids")[row].clone()
}

fn detail(ask: &Ask) -> Vec<String> {
    let columns = "metric commit deploy_id from_at to_at value ended_by";
    let rows = lines(&ask.answer(&question(None, Some("api"), true)).unwrap().table, columns);
    let short = |row: String| {
        row.replace("change_lead_time ", "lead ")
            .replace("failed_deployment_recovery_time ", "recovery ")
    };
    rows.into_iter().map(short).collect()
}

/// c1 <- c2 <- c3 <- c4, merged an hour apart from 01T01:00 on, each the commit of a version.
fn chain(targets: &[&str]) -> Story {
    let mut story = Story::of_api(targets);
    for n in 1..=4 {
        let parent = format!("c{}", n - 1);
        let parents: &[&str] = if n == 1 { &[] } else { &[&parent] };
        story.commit(&format!("01T0{n}:00"), &format!("c{n}"), parents, "al", "fix: more");
        let version = format!("1.4.{n}");
        story.build_of(&format!("01T0{n}:30"), &version, &version, &format!("c{n}"));
    }
    story
}

fn incident(story: &mut Story, kind: &str, at: &str, id: &str, fields: Value) {
    story.push(at, json!({"kind": kind, "incident_id": id})).but(fields);
}

#[test]
fn nothing_deployed_is_a_count_of_none_and_no_measurement() {
    let mut story = chain(&["us"]);
    let answer = asked(&ask(&mut story), None);
    let rows = [
        "api deployment_frequency 0 1 0.0 []",
        "api change_lead_time 0 0 - []",
        "api change_fail_rate 0 0 - []",
        "api deployment_rework_rate 0 0 - []",
        "api failed_deployment_recovery_time 0 0 - []",
    ];
    let columns = "component metric numerator denominator value deploy_ids";
    assert_eq!(lines(&answer.table, columns), rows);
    let units = [
        "deploys per period",
        "seconds, median",
        "share of deploys, 0 to 1",
        "share of deploys, 0 to 1",
        "seconds, median",
    ];
    assert_eq!(lines(&answer.table, "unit"), units);
    // The registrations of the component and of production.
    assert!(evidence(&answer.table).iter().all(|seqs| *seqs == [2, 5]));
    assert_eq!(detail(&ask(&mut story)), [""; 0]);
}

#[test]
fn what_is_published_is_not_measured_as_if_it_were_never_deployed() {
    let mut story = chain(&["us"]);
    story.component("sdk", json!({"scheme": "semver", "release_model": "published"}));
    story.publish("02T09:00", "2.0.0");
    let ask = ask(&mut story);
    let answer = ask.answer(&question(None, Some("sdk"), false)).unwrap();
    assert_eq!(lines(&answer.table, "value"), ["-"; 5]);
    assert_eq!(warnings(&answer), ["published"]);
    let all = ask.answer(&question(None, None, false)).unwrap();
    assert_eq!(lines(&all.table, "component"), ["api"; 5]);
}

#[test]
fn only_full_successes_of_the_production_stage_count() {
    let mut story = chain(&["us", "eu"]);
    story.live("02T09:00", "P1", "1.4.1");
    for (id, us, eu) in
        [("F1", "failed", "failed"), ("F2", "aborted", "aborted!"), ("F3", "succeeded", "failed")]
    {
        story.start("03T09:00", id, "production", "1.4.2");
        story.finish("03T09:05", id, "us", us).finish("03T09:05", id, "eu", eu);
    }
    story.start("03T10:00", "S1", "staging", "1.4.2").finish(
        "03T10:05",
        "S1",
        "stg-1",
        "succeeded",
    );
    story.start("03T11:00", "C1", "canary", "1.4.2").finish("03T11:30", "C1", "us", "succeeded");
    story.start("03T12:00", "O1", "production", "1.4.2").finish(
        "03T12:05",
        "O1",
        "us",
        "succeeded",
    );
    let answer = asked(&ask(&mut story), None);
    assert_eq!(metric(&answer, "frequency"), "1 1 1.0 [P1]");
    // Redeploys and rollbacks count; the last target makes O1 a success.
    story.live_with("04T09:00", "P2", "1.4.1", json!({"reason": "redeploy"}));
    story.live_with("05T09:00", "P3", "1.4.1", json!({"reason": "rollback"}));
    story.finish("06T09:00", "O1", "eu", "succeeded");
    let answer = asked(&ask(&mut story), None);
    assert_eq!(metric(&answer, "frequency"), "4 1 4.0 [P1,P2,P3,O1]");
    assert_eq!(metric(&answer, "rework"), "1 4 0.25 [P3]");
    assert_eq!(metric(&answer, "fail"), "0 4 0.0 []");
}

#[test]
fn a_deploy_belongs_to_the_period_of_its_last_finish() {
    let mut story = chain(&["us", "eu"]);
    story.start("01T23:50", "P1", "production", "1.4.1");
    story.finish("01T23:55", "P1", "us", "succeeded").finish("02T00:00", "P1", "eu", "succeeded");
    let ask = ask(&mut story);
    let count = |from, to| metric(&asked(&ask, Some((from, to))), "frequency");
    assert_eq!(count("02T00:00", "03T00:00"), "1 1 1.0 [P1]", "on the first instant");
    assert_eq!(count("01T00:00", "02T00:00"), "0 1 0.0 []", "on the first instant after");
    assert_eq!(count("01T00:00", "02T00:00:01"), "1 1 1.0 [P1]");
    assert_eq!(count("02T00:00:01", "03T00:00"), "0 1 0.0 []");
    // By the last finish, lead times too.
    let lead = metric(&asked(&ask, Some(("02T00:00", "03T00:00"))), "lead");
    assert_eq!(lead, format!("1 1 {:.1} [P1]", 23.0 * 3600.0));
}

#[test]
fn weeks_and_months_are_what_the_period_says_in_utc() {
    let mut story = chain(&["us"]);
    // Sunday's last second and Monday's first.
    story.live("07T23:59:59", "P1", "1.4.1").live("08T00:00", "P2", "1.4.2");
    let ask = ask(&mut story);
    let week = |from, to| metric(&asked(&ask, Some((from, to))), "frequency");
    assert_eq!(week("01T00:00", "08T00:00"), "1 1 1.0 [P1]");
    assert_eq!(week("08T00:00", "15T00:00"), "1 1 1.0 [P2]");
}

#[test]
fn lead_time_is_from_the_merge_to_the_first_success_with_it() {
    let mut story = chain(&["us"]);
    story.live("01T06:00", "P1", "1.4.1");
    story.start("01T07:00", "F1", "production", "1.4.2").finish("01T07:05", "F1", "us", "failed");
    // 1.4.2 was never live, so 1.4.3 brings both; then back and forth, which brings nothing.
    story
        .live("01T08:00", "P2", "1.4.3")
        .live("01T09:00", "P3", "1.4.1")
        .live("01T10:00", "P4", "1.4.3");
    let ask = ask(&mut story);
    let rows = [
        "lead c1 P1 01T01:00 01T06:00 18000.0 -",
        "lead c2 P2 01T02:00 01T08:00 21600.0 -",
        "lead c3 P2 01T03:00 01T08:00 18000.0 -",
    ];
    assert_eq!(detail(&ask), rows);
    assert_eq!(metric(&asked(&ask, None), "lead"), "3 3 18000.0 [P1,P2]");
    // Of two, the mean of both; the commits of before the period are no news in it.
    let period = Some(("01T07:00", "02T00:00"));
    assert_eq!(metric(&asked(&ask, period), "lead"), "2 2 19800.0 [P2]");
    assert_eq!(metric(&asked(&ask, Some(("01T08:30", "02T00:00"))), "lead"), "0 0 - []");
}

#[test]
fn a_commit_is_counted_once_whatever_lines_were_live() {
    // 1.5.0 from main, then 1.4.9 from a branch of 1.4.1, then a merge of both.
    let mut story = chain(&["us"]);
    story
        .commit("01T05:00", "h1", &["c1"], "al", "fix: hot")
        .build_of("01T05:30", "1.4.9", "1.4.9", "h1");
    story
        .commit("01T06:00", "m1", &["c4", "h1"], "al", "fix: both")
        .build_of("01T06:30", "1.5.0", "1.5.0", "m1");
    story
        .live("02T01:00", "P1", "1.4.4")
        .live("02T02:00", "P2", "1.4.9")
        .live("02T03:00", "P3", "1.5.0");
    let counted: Vec<String> =
        detail(&ask(&mut story)).iter().map(|row| row[..10].to_owned()).collect();
    assert_eq!(
        counted,
        ["lead c1 P1", "lead c2 P1", "lead c3 P1", "lead c4 P1", "lead h1 P2", "lead m1 P3"]
    );
}

#[test]
fn what_cannot_be_measured_is_said() {
    let mut story = chain(&["us"]);
    story.live("02T01:00", "P1", "unbuilt");
    story.build_of("02T02:00", "1.9.0", "1.9.0", "zz").live("02T03:00", "P2", "1.9.0");
    story
        .commit("02T04:00", "c9", &["c8"], "al", "fix: x")
        .build_of("02T05:00", "1.9.1", "1.9.1", "c9");
    story.live("02T06:00", "P3", "1.9.1").live("02T07:00", "P4", "1.4.1");
    let answer = asked(&ask(&mut story), None);
    assert_eq!(metric(&answer, "lead"), format!("2 2 {:.1} [P3,P4]", (2.0 + 30.0) * 1800.0));
    assert_eq!(warnings(&answer), ["missing_provenance", "unknown_ancestry", "unknown_ancestry"]);
    let period = Some(("02T06:30", "03T00:00"));
    assert_eq!(warnings(&asked(&ask(&mut story), period)), [""; 0]);
}

#[test]
fn a_change_failed_when_a_success_takes_it_back_or_fixes_it_or_an_incident_names_it() {
    let rate = |tell: &dyn Fn(&mut Story)| {
        let mut story = chain(&["us"]);
        story.live("02T09:00", "P1", "1.4.1").live("03T09:00", "P2", "1.4.2");
        tell(&mut story);
        let rows = asked(&ask(&mut story), Some(("01T00:00", "03T12:00")));
        format!("{} / {}", metric(&rows, "fail"), metric(&rows, "recovery"))
    };
    let rolled = json!({"reason": "rollback", "rollback_of": "P2"});
    let none = "0 2 0.0 [] / 0 0 - []";
    assert_eq!(rate(&|_| ()), none);
    let hour = "1 2 0.5 [P2] / 1 1 86400.0 [P2]";
    assert_eq!(rate(&|s| _ = s.live_with("04T09:00", "P3", "1.4.1", rolled.clone())), hour);
    let fixed = json!({"fixes": "P2"});
    assert_eq!(rate(&|s| _ = s.live_with("04T09:00", "P3", "1.4.3", fixed.clone())), hour);
    // A rollback that failed shows nothing yet; neither does a reason that names no deploy.
    let failed = |s: &mut Story| {
        s.start("04T08:00", "P3", "production", "1.4.1").but(rolled.clone());
        s.finish("04T09:00", "P3", "us", "failed");
    };
    assert_eq!(rate(&failed), none);
    assert_eq!(
        rate(&|s| _ = s.live_with("04T09:00", "P3", "1.4.1", json!({"reason": "rollback"}))),
        none
    );
    // An incident: open, then resolved.
    let opened = |s: &mut Story| {
        incident(s, "incident.opened", "03T10:00", "I1", json!({"caused_by": "P2"}));
    };
    assert_eq!(rate(&opened), "1 2 0.5 [P2] / 0 1 - [P2]");
    let resolved = |s: &mut Story| {
        opened(s);
        incident(s, "incident.resolved", "03T11:00", "I1", json!({}));
    };
    assert_eq!(rate(&resolved), "1 2 0.5 [P2] / 1 1 7200.0 [P2]");
    let other = |s: &mut Story| {
        incident(s, "incident.opened", "03T10:00", "I1", json!({"caused_by": "zz"}))
    };
    assert_eq!(rate(&other), none);
}

#[test]
fn recovery_is_the_first_resolution_else_the_first_remedy_in_production() {
    let recovery = |tell: &dyn Fn(&mut Story)| {
        let mut story = chain(&["us", "eu"]);
        story.live("03T09:00", "P2", "1.4.2");
        tell(&mut story);
        let rows = detail(&ask(&mut story));
        let row = rows.iter().find_map(|row| row.strip_prefix("recovery - P2 03T09:00 "));
        row.unwrap_or("none").to_owned()
    };
    let rolled = |s: &mut Story, at: &str, id: &str| {
        s.live_with(at, id, "1.4.1", json!({"rollback_of": "P2", "reason": "rollback"}));
    };
    let opened = |s: &mut Story, id: &str| {
        incident(s, "incident.opened", "03T09:30", id, json!({"caused_by": "P2"}));
    };
    let resolved = |s: &mut Story, at: &str, id: &str| {
        incident(s, "incident.resolved", at, id, json!({}));
    };
    assert_eq!(
        recovery(&|s| {
            rolled(s, "03T12:00", "P4");
            rolled(s, "03T11:00", "P3")
        }),
        "03T11:00 7200.0 P3"
    );
    let both = |s: &mut Story| {
        opened(s, "I1");
        rolled(s, "03T10:00", "P3");
        resolved(s, "03T11:00", "I1");
    };
    assert_eq!(
        recovery(&both),
        "03T11:00 7200.0 I1",
        "what users saw end counts before the remedy"
    );
    let open = |s: &mut Story| {
        opened(s, "I1");
        rolled(s, "03T10:00", "P3")
    };
    assert_eq!(recovery(&open), "03T10:00 3600.0 P3");
    let two = |s: &mut Story| {
        opened(s, "I1");
        opened(s, "I2");
        resolved(s, "03T12:00", "I1");
        resolved(s, "03T11:00", "I2");
    };
    assert_eq!(recovery(&two), "03T11:00 7200.0 I2");
    // A fix passes staging and the canary first: users are helped when production has it.
    let fix = |s: &mut Story| {
        s.start("03T09:40", "S3", "staging", "1.4.3").but(json!({"fixes": "P2"}));
        s.finish("03T09:45", "S3", "stg-1", "succeeded");
        s.start("03T09:50", "C3", "canary", "1.4.3").but(json!({"fixes": "P2"}));
        s.finish("03T09:55", "C3", "us", "succeeded").finish("03T09:55", "C3", "eu", "succeeded");
    };
    assert_eq!(recovery(&fix), "- - -");
    let shipped = |s: &mut Story| {
        fix(s);
        s.live_with("03T10:00", "P3", "1.4.3", json!({"fixes": "P2"}));
    };
    assert_eq!(recovery(&shipped), "03T10:00 3600.0 P3");
    // Before the last target had it, nothing can have ended.
    let early = |s: &mut Story| rolled(s, "03T08:30", "P3");
    assert_eq!(recovery(&early), "- - -");
    let instant = |s: &mut Story| rolled(s, "03T09:00", "P3");
    assert_eq!(recovery(&instant), "03T09:00 0.0 P3");
}

#[test]
fn the_median_is_over_what_recovered() {
    let mut story = chain(&["us"]);
    for (n, hour) in [(1, "10"), (2, "13"), (3, "11")] {
        story.live(&format!("0{n}T09:00"), &format!("P{n}"), "1.4.2");
        let back = json!({"rollback_of": format!("P{n}")});
        story.live_with(&format!("0{n}T{hour}:00"), &format!("R{n}"), "1.4.1", back);
    }
    story.live("04T09:00", "P4", "1.4.3");
    incident(&mut story, "incident.opened", "04T10:00", "I1", json!({"caused_by": "P4"}));
    let answer = asked(&ask(&mut story), None);
    assert_eq!(metric(&answer, "recovery"), "3 4 7200.0 [P1,P2,P3,P4]");
    assert_eq!(metric(&answer, "fail"), format!("4 7 {} [P1,P2,P3,P4]", 4.0 / 7.0));
    assert_eq!(
        metric(&answer, "rework"),
        "0 7 0.0 []",
        "rollback_of without a reason is no rework"
    );
    story.live_with("05T09:00", "H1", "1.4.4", json!({"reason": "hotfix"}));
    assert_eq!(metric(&asked(&ask(&mut story), None), "rework"), "1 8 0.125 [H1]");
}

#[test]
fn late_and_corrected_events_move_the_numbers_for_those_who_know_them() {
    let mut story = chain(&["us"]);
    story.start("02T08:00", "P1", "production", "1.4.1").live("04T09:00", "P2", "1.4.2");
    let before = story.seq();
    // P1 had finished long before P2, which the book learns after it.
    let late = story.finish("02T09:00", "P1", "us", "succeeded").seq();
    let frequency = |ask: &Ask| metric(&asked(ask, None), "frequency");
    assert_eq!(frequency(&ask(&mut story)), "2 1 2.0 [P1,P2]");
    assert_eq!(frequency(&ask(&mut story).known(before)), "1 1 1.0 [P2]");
    assert_eq!(frequency(&ask(&mut story).at("03T00:00")), "1 1 1.0 [P1]");
    assert_eq!(&detail(&ask(&mut story))[0][..10], "lead c1 P1");
    assert_eq!(&detail(&ask(&mut story).known(before))[0][..10], "lead c1 P2");
    story.correct("05T00:00", late);
    assert_eq!(frequency(&ask(&mut story)), "1 1 1.0 [P2]");
    assert_eq!(frequency(&ask(&mut story).known(late)), "2 1 2.0 [P1,P2]");
}

#[test]
fn every_row_rests_on_its_events() {
    let mut story = Story::of_api(&["us"]);
    let merge = story.commit("01T01:00", "c1", &[], "al", "fix: it").seq();
    let build = story.build_of("01T02:00", "1.4.1", "1.4.1", "c1").seq();
    let finish = story.live("02T09:00", "P1", "1.4.1").seq();
    incident(&mut story, "incident.opened", "02T10:00", "I1", json!({"caused_by": "P1"}));
    incident(&mut story, "incident.resolved", "02T11:00", "I1", json!({}));
    let (deploy, opened) = (vec![finish - 1, finish], finish + 1);
    let lead = vec![merge, build, finish - 1, finish];
    let recovery = vec![finish - 1, finish, opened, opened + 1];
    let ask = ask(&mut story);
    let rows = evidence(&asked(&ask, None).table);
    assert_eq!(rows, [deploy.clone(), lead.clone(), recovery.clone(), deploy, recovery.clone()]);
    let rows = evidence(&ask.answer(&question(None, Some("api"), true)).unwrap().table);
    assert_eq!(rows, [lead, recovery]);
}

#[test]
fn what_is_not_registered_is_refused() {
    let mut story = chain(&["us"]);
    let ask = ask(&mut story);
    let unknown = ask.answer(&question(None, Some("nope"), false));
    assert!(matches!(unknown, Err(AnswerError::UnknownComponent { .. })));
    let environment = "nope".to_owned();
    let place = Question::Dora { environment, component: None, period: Period::ALL, detail: false };
    assert!(matches!(ask.answer(&place), Err(AnswerError::UnknownEnvironment { .. })));
    // A period that ends before it begins would look like one in which nothing happened.
    let turned = ask.answer(&question(Some(("03T00:00", "02T23:59:59")), None, false));
    assert!(matches!(turned, Err(AnswerError::EmptyPeriod { .. })));
    assert!(ask.answer(&question(Some(("03T00:00", "03T00:00")), None, false)).is_ok());
}
