//! Which vulnerable artifacts were live, from when to when (semantics C.2 N5, B.3 file 14): the
//! interval that a target had the artifact, what was known since when, and what ended it.

use relbook_query::question::Question;
use relbook_testkit::story::{Story, digest};
use serde_json::{Value, json};

use crate::ask::{Ask, ask, lines, warnings};
use crate::listing::evidence;

const COLUMNS: &str = "version target exposed_from exposed_until flagged_at known_from";
const CVE: &str = "CVE-2026-1";

fn question(subject: &str) -> Question {
    Question::Exposure { environment: None, subject: subject.to_owned() }
}

fn cells(ask: &Ask, subject: &str, columns: &str) -> Vec<String> {
    lines(&ask.answer(&question(subject)).unwrap().table, columns)
}

fn exposed(story: &mut Story) -> Vec<String> {
    cells(&ask(story), CVE, COLUMNS)
}

/// 1.4.0 was live from 02T09:00 to 10T09:00, then 1.4.1; 1.4.2 is built.
fn lived() -> Story {
    let mut story = Story::of_api(&["us"]);
    for (hour, version) in [("00", "1.4.0"), ("01", "1.4.1"), ("02", "1.4.2")] {
        story.build(&format!("01T{hour}:00"), version);
    }
    story.live("02T09:00", "P0", "1.4.0").live("10T09:00", "P1", "1.4.1");
    story
}

fn flag(artifact: &str) -> Value {
    json!({"kind": "artifact.flagged", "component": "api", "digest": digest(artifact),
        "flag": "vulnerable", "cve": CVE, "severity": "high"})
}

fn unflag(artifact: &str) -> Value {
    json!({"kind": "artifact.unflagged", "component": "api", "digest": digest(artifact),
        "flag": "vulnerable", "cve": CVE})
}

fn scan(artifact: &str, critical: u32, high: u32, findings: &Value) -> Value {
    json!({"kind": "scan.completed", "component": "api", "digest": digest(artifact),
        "scanner": "trivy", "critical": critical, "high": high, "findings": findings})
}

#[test]
fn the_exposure_begins_with_the_artifact_and_is_known_with_the_flag() {
    let mut story = lived();
    story.push("05T09:00", flag("1.4.0"));
    let known = story.seq();
    assert_eq!(exposed(&mut story), ["1.4.0 us 02T09:00 10T09:00 05T09:00 05T09:00"]);
    let more = "cve severity role weight hours known_hours fixed_version reported_at";
    let asked = ask(&mut story);
    assert_eq!(cells(&asked, CVE, more), ["CVE-2026-1 high stable 100 192.0 120.0 1.4.1 -"]);
    let seqs = evidence(&mut story, &question(CVE)).remove(0);
    assert!(seqs.contains(&known) && seqs.len() == 5, "flag, build, start, finish, end: {seqs:?}");
}

#[test]
fn what_was_known_before_it_went_live_was_known_from_the_first_moment() {
    let mut story = lived();
    story.push("02T08:00", flag("1.4.1"));
    assert_eq!(exposed(&mut story), ["1.4.1 us 10T09:00 - 02T08:00 10T09:00"]);
    story.push("20T09:00", json!({"kind": "incident.opened", "incident_id": "I"}));
    let hours = "exposed_until hours known_hours";
    assert_eq!(cells(&ask(&mut story), CVE, hours), ["- 240.0 240.0"], "it still runs");
    assert_eq!(cells(&ask(&mut story).at("10T12:00"), CVE, hours), ["- 3.0 3.0"]);
}

#[test]
fn a_flag_after_it_left_is_an_exposure_that_nobody_knew() {
    let mut story = lived();
    story.push("12T09:00", flag("1.4.0"));
    assert_eq!(exposed(&mut story), ["1.4.0 us 02T09:00 10T09:00 12T09:00 12T09:00"]);
    assert_eq!(cells(&ask(&mut story), CVE, "hours known_hours"), ["192.0 0.0"]);
}

#[test]
fn both_clocks_are_kept() {
    let mut story = lived();
    story.push("05T09:00", flag("1.4.0"));
    let seq = story.seq();
    assert_eq!(cells(&ask(&mut story).at("05T08:59"), CVE, COLUMNS), [""; 0]);
    assert_eq!(cells(&ask(&mut story).known(seq - 1), CVE, COLUMNS), [""; 0]);
    let then = cells(&ask(&mut story).at("06T09:00"), CVE, COLUMNS);
    assert_eq!(then, ["1.4.0 us 02T09:00 - 05T09:00 05T09:00"], "its end was not yet");
    // A finish that arrives late moves the end.
    story.live("08T09:00", "P9", "1.4.2");
    assert_eq!(exposed(&mut story), ["1.4.0 us 02T09:00 08T09:00 05T09:00 05T09:00"]);
    story.correct("11T09:00", seq);
    assert_eq!(exposed(&mut story), [""; 0], "a corrected flag was never set");
}

#[test]
fn every_target_and_every_stay_has_its_interval() {
    let mut story = Story::of_api(&["us", "eu"]);
    story.build("01T00:00", "1.4.0").build("01T01:00", "1.4.1");
    story.live_with("02T09:00", "P0", "1.4.0", json!({"targets": ["us"]}));
    story.live_with("03T09:00", "P1", "1.4.0", json!({"targets": ["eu"]}));
    story.live("04T09:00", "P2", "1.4.1");
    story.live_with("05T09:00", "P3", "1.4.0", json!({"targets": ["us"]}));
    story.remove("06T09:00", "us").push("07T09:00", flag("1.4.0"));
    let rows = cells(&ask(&mut story), CVE, "target exposed_from exposed_until fixed_version");
    let expected =
        ["us 02T09:00 04T09:00 1.4.1", "eu 03T09:00 04T09:00 1.4.1", "us 05T09:00 06T09:00 -"];
    assert_eq!(rows, expected, "a removal ends it and fixes nothing");
}

#[test]
fn a_canary_counts_with_its_highest_share() {
    let mut story = lived();
    story.start("11T09:00", "C1", "canary", "1.4.2").progress("11T09:01", "C1", "us", 5);
    story.progress("11T09:10", "C1", "us", 25).finish("11T09:20", "C1", "us", "aborted");
    story.push("12T09:00", flag("1.4.2"));
    let rows = cells(&ask(&mut story), CVE, "role weight exposed_from exposed_until");
    assert_eq!(rows, ["canary 25 11T09:01 11T09:20"]);
    // A preview without traffic exposes nobody.
    story.start("13T09:00", "C2", "canary", "1.4.2").progress("13T09:01", "C2", "us", 0);
    assert_eq!(exposed(&mut story).len(), 1);
}

#[test]
fn an_artifact_that_was_never_live_exposes_nobody() {
    let mut story = lived();
    story.push("05T09:00", flag("1.4.2"));
    story.start("06T09:00", "P9", "production", "1.4.2").finish("06T09:05", "P9", "us", "failed");
    let answer = ask(&mut story).answer(&question(CVE)).unwrap();
    assert_eq!((answer.table.rows.len(), warnings(&answer)), (0, vec!["not_found"]));
    let answer = ask(&mut Story::empty()).answer(&question(CVE)).unwrap();
    assert_eq!(warnings(&answer), ["not_found"], "an empty book says so");
}

#[test]
fn a_successor_with_the_same_hole_fixes_nothing() {
    let mut story = lived();
    story.push("05T09:00", flag("1.4.0")).push("05T09:00", flag("1.4.1"));
    let rows = cells(&ask(&mut story), CVE, "version exposed_until fixed_version");
    assert_eq!(rows, ["1.4.0 10T09:00 -", "1.4.1 - -"]);
}

#[test]
fn a_flag_that_was_taken_back_ends_the_exposure() {
    let mut story = lived();
    story.push("05T09:00", flag("1.4.0")).push("06T09:00", unflag("1.4.0"));
    let withdrawal = story.seq();
    assert_eq!(exposed(&mut story), ["1.4.0 us 02T09:00 06T09:00 05T09:00 05T09:00"]);
    assert!(evidence(&mut story, &question(CVE))[0].contains(&withdrawal));
    story.push("07T09:00", flag("1.4.0"));
    assert_eq!(exposed(&mut story), ["1.4.0 us 02T09:00 10T09:00 05T09:00 05T09:00"]);
}

#[test]
fn taking_back_another_flag_ends_nothing() {
    let full = ["1.4.0 us 02T09:00 10T09:00 05T09:00 05T09:00"];
    for other in [
        json!({"flag": "bad", "cve": null}),
        json!({"cve": "CVE-2026-2"}),
        json!({"digest": digest("1.4.1")}),
    ] {
        let mut story = lived();
        story.push("05T09:00", flag("1.4.0")).push("06T09:00", unflag("1.4.0")).but(other.clone());
        assert_eq!(exposed(&mut story), full, "{other}");
    }
    // What a scan says too is not taken back with the flag.
    let mut story = lived();
    let finding = json!([{"vulnerability_id": CVE, "severity": "high"}]);
    story.push("05T09:00", flag("1.4.0")).push("05T10:00", scan("1.4.0", 0, 1, &finding));
    story.push("06T09:00", unflag("1.4.0"));
    assert_eq!(exposed(&mut story), full);
    // Without a name, all flags of that word are taken back.
    let mut story = lived();
    story.push("05T09:00", flag("1.4.0")).push("06T09:00", unflag("1.4.0"));
    story.but(json!({"cve": null}));
    assert_eq!(exposed(&mut story), ["1.4.0 us 02T09:00 06T09:00 05T09:00 05T09:00"]);
}

#[test]
fn a_withdrawal_before_it_went_live_leaves_no_exposure() {
    let withdrawn = |at: &str| {
        let mut story = lived();
        story.push("03T09:00", flag("1.4.1")).push(at, unflag("1.4.1"));
        exposed(&mut story).len()
    };
    // It went live at 10T09:00.
    assert_eq!([withdrawn("04T09:00"), withdrawn("10T09:00")], [0, 0]);
    assert_eq!(withdrawn("10T09:00:01"), 1);
}

#[test]
fn without_a_name_only_the_flag_vulnerable_counts() {
    let mut story = lived();
    let nameless = json!({"cve": null});
    story.push("05T09:00", flag("1.4.0")).but(nameless.clone());
    story.push("05T10:00", flag("1.4.0")).but(json!({"flag": "bad", "cve": null}));
    story.push("06T09:00", unflag("1.4.0")).but(nameless);
    let rows = cells(&ask(&mut story), "high", "cve flagged_at exposed_until");
    assert_eq!(rows, ["- 05T09:00 06T09:00"], "a bad one is not a vulnerable one");
}

#[test]
fn a_red_scan_exposes_and_names_are_found_in_either_case() {
    let mut story = lived();
    let finding = json!([{"vulnerability_id": "cve-2026-1", "severity": "HIGH"}]);
    story.push("03T09:00", scan("1.4.0", 0, 1, &finding));
    story.push("05T09:00", flag("1.4.0"));
    let full = ["1.4.0 us 02T09:00 10T09:00 03T09:00 03T09:00"];
    assert_eq!(exposed(&mut story), full, "known by the earlier of the two");
    let asked = ask(&mut story);
    assert_eq!(cells(&asked, "cve-2026-1", COLUMNS), full);
    assert_eq!(cells(&asked, "HIGH", COLUMNS), full);
    assert_eq!(cells(&asked, "critical", COLUMNS), [""; 0]);
}

#[test]
fn counts_without_findings_are_an_exposure_without_a_name() {
    let mut story = lived();
    story.push("03T09:00", scan("1.4.0", 2, 0, &json!([])));
    let asked = ask(&mut story);
    assert_eq!(cells(&asked, "critical", "cve severity version"), ["- critical 1.4.0"]);
    assert_eq!(cells(&asked, "high", "cve"), [""; 0], "none is not some");
    assert_eq!(asked.rows("vuln_exposure", "cve severity version target"), ["- critical 1.4.0 us"]);
}

#[test]
fn the_table_has_flags_of_any_severity_and_findings_from_high_up() {
    let mut story = lived();
    let finding = |id: &str, severity: &str| json!({"vulnerability_id": id, "severity": severity});
    let findings = json!([finding("CVE-1", "medium"), finding("CVE-2", "high")]);
    story.push("03T09:00", scan("1.4.0", 0, 1, &findings));
    story.push("04T09:00", flag("1.4.0")).but(json!({"severity": "low", "cve": "CVE-3"}));
    // Bad, but no vulnerability.
    story.push("05T09:00", flag("1.4.0")).but(json!({"flag": "bad", "cve": null}));
    let expected = ["CVE-2 high", "CVE-3 low"];
    assert_eq!(ask(&mut story).rows("vuln_exposure", "cve severity"), expected);
    assert_eq!(ask(&mut story).of("staging").rows("vuln_exposure", "cve"), [""; 0]);
    assert_eq!(cells(&ask(&mut story), "CVE-1", "severity"), ["medium"], "asked by its name");
}

#[test]
fn a_subject_and_an_environment_have_names() {
    let mut story = lived();
    let asked = ask(&mut story);
    for subject in ["", "  "] {
        let error = asked.answer(&question(subject)).unwrap_err().to_string();
        assert!(error.starts_with("name a vulnerability"), "{error}");
    }
    let subject = CVE.to_owned();
    let nowhere = Question::Exposure { environment: Some("moon".to_owned()), subject };
    assert!(asked.answer(&nowhere).unwrap_err().to_string().contains("`moon`"));
}
