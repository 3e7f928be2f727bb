//! Exceptions X01 to X17 (semantics B.3 file 6): each rule finds what it is for, and nothing else.
//!
//! Every test has the case that the rule is about beside the nearest case that it is not about, so
//! it fails when the rule is off and when the rule finds too much.

mod deploys;
mod gates;
mod runtime;
mod versions;

use relbook_query::question::Question;
use relbook_query::release::{ExceptionCode, Period};
use relbook_testkit::story::Story;
use serde_json::json;

use crate::ask::{ask, lines};
use crate::listing::{answer, evidence, found_in, observe, period, rows, ungated};

/// A story in which 1.4.0 is live and approved, and 1.4.1 to 1.5.0 are built.
fn lived() -> Story {
    let mut story = ungated();
    for (i, version) in ["1.4.0", "1.4.1", "1.4.2", "1.5.0"].iter().enumerate() {
        story.build(&format!("01T0{i}:00"), version);
    }
    story.approve("02T08:00", "A0", "p_rita", "1.4.0").live("02T09:00", "P0", "1.4.0");
    story
}

/// A story on us and eu in which 1.4.0 is live and approved.
fn regions() -> Story {
    let mut story = Story::of_api(&["us", "eu"]);
    story.policy("01T00:00", json!({"gates": {"production": []}}));
    for (i, version) in ["1.4.0", "1.4.1", "1.5.0"].iter().enumerate() {
        story.build(&format!("01T0{i}:00"), version);
    }
    story.approve("02T08:00", "A0", "p_rita", "1.4.0").live("02T09:00", "P0", "1.4.0");
    story
}

#[test]
fn a_waiver_of_a_code_gives_an_exception_its_owner() {
    let mut story = lived();
    story.live("03T09:00", "P1", "stranger");
    story.push(
        "03T10:00",
        json!({"kind": "waiver.granted", "waiver_id": "W1", "component": "api",
        "gate": "X06", "reason": "imported", "owner": "p_rita",
        "expires_at": "2026-07-01T00:00:00Z"}),
    );
    let columns = "owner disposition";
    assert_eq!(found_in(&mut story, "X06", Period::ALL, columns), ["p_rita waived"]);
    story.live("04T09:00", "P2", "1.5.0");
    // Neither the stranger nor the minor version was approved, and no waiver names that.
    assert_eq!(found_in(&mut story, "X01", Period::ALL, columns), ["- -", "- -"]);
}

#[test]
fn exceptions_stand_by_time_then_code_and_the_period_is_half_open() {
    let mut story = lived();
    story.live("03T09:00", "P1", "stranger").live("04T09:00", "P2", "1.5.0");
    let all = |story: &mut Story, period: Period| {
        let question = Question::Exceptions { component: None, codes: Vec::new(), period };
        rows(story, &question, "detected_at code change_id")
    };
    let expected = ["03T08:59 X06 P1", "03T09:00 X01 P1", "04T09:00 X01 P2"];
    assert_eq!(all(&mut story, Period::ALL), expected);
    assert_eq!(all(&mut story, period("03T08:59", "04T09:00")), expected[..2]);
    assert_eq!(all(&mut story, period("03T09:00", "04T09:01")), expected[1..]);
}

#[test]
fn a_waiver_answers_for_what_it_names_until_it_lapses() {
    let waived = |fields: serde_json::Value| {
        let mut story = lived();
        story.live("03T09:00", "P1", "stranger").push(
            "03T10:00",
            json!({"kind": "waiver.granted", "waiver_id": "W1", "component": "api",
                "gate": "X06", "reason": "imported", "owner": "p_rita",
                "expires_at": "2026-07-01T00:00:00Z"}),
        );
        story.but(fields);
        found_in(&mut story, "X06", Period::ALL, "owner disposition").remove(0)
    };
    assert_eq!(waived(json!({})), "p_rita waived");
    assert_eq!(waived(json!({"gate": "x06_missing_provenance"})), "p_rita waived");
    assert_eq!(waived(json!({"gate": "X07"})), "- -");
    assert_eq!(waived(json!({"gate": "unit"})), "- -", "a gate is no code");
    // X06 stands at the start of the deploy, 03T08:59.
    assert_eq!(waived(json!({"expires_at": "2026-06-03T08:59:00Z"})), "- -", "over at the instant");
    assert_eq!(waived(json!({"expires_at": "2026-06-03T08:59:01Z"})), "p_rita waived");
    let of = |artifact: &str| json!({"digest": relbook_testkit::story::digest(artifact)});
    assert_eq!(waived(of("stranger")), "p_rita waived");
    assert_eq!(waived(of("1.4.0")), "- -", "for another artifact");
}

#[test]
fn the_last_waiver_owns_an_exception_and_stands_in_its_evidence() {
    let mut story = lived();
    story.live("03T09:00", "P1", "stranger");
    let waiver = |id: &str, owner: &str| {
        json!({"kind": "waiver.granted", "waiver_id": id, "component": "api", "gate": "X06",
            "reason": "imported", "owner": owner, "expires_at": "2026-07-01T00:00:00Z"})
    };
    story.push("03T10:00", waiver("W1", "p_rita")).push("03T11:00", waiver("W2", "p_zoe"));
    let seq = story.seq();
    let expected = [format!("p_zoe {seq}")];
    assert_eq!(found_in(&mut story, "X06", Period::ALL, "owner disposition_seq"), expected);
    let codes = vec![ExceptionCode::X06];
    let question = Question::Exceptions { component: None, codes, period: Period::ALL };
    assert!(evidence(&mut story, &question)[0].contains(&seq));
    story.correct("03T12:00", seq);
    assert_eq!(found_in(&mut story, "X06", Period::ALL, "owner"), ["p_rita"]);
}

/// A story with as many kinds of exceptions as one can have.
fn messy() -> Story {
    let mut story = lived();
    story.policy("02T10:00", json!({"gates": {"production": ["unit", "staging_deployed"]}}));
    story.commit("02T10:01", "c1.4.0", &[], "al", "feat: begin");
    story.commit("02T10:02", "c1.4.1", &["c1.4.0"], "al", "feat: x");
    story.push("02T11:00", json!({"kind": "freeze.declared", "freeze_id": "F"}));
    story.approve("03T07:00", "A1", "al", "1.4.1").live("03T09:00", "P1", "1.4.1");
    story.live_with("04T09:00", "P2", "1.4.0", json!({"break_glass": true}));
    story.start("05T09:00", "P3", "production", "1.5.0").start("05T09:01", "P4", "production", "x");
    story.finish("05T09:02", "P4", "us", "succeeded").build_of("06T09:00", "1.4.0", "b", "c1.4.0");
    observe(&mut story, "07T09:00", "us", "1.4.2");
    observe(&mut story, "07T09:00", "eu", "1.4.2");
    story.build("06T10:00", "1.9.0").push(
        "20T09:00",
        json!({"kind": "incident.opened",
        "incident_id": "I"}),
    );
    story
}

#[test]
fn every_exception_has_a_component_a_time_and_its_evidence() {
    let mut story = messy();
    let question = Question::Exceptions { component: None, codes: Vec::new(), period: Period::ALL };
    let mut codes = rows(&mut story, &question, "code");
    codes.sort();
    codes.dedup();
    let expected = [
        "X01", "X02", "X03", "X04", "X05", "X06", "X07", "X08", "X09", "X10", "X11", "X13", "X14",
        "X15", "X16",
    ];
    assert_eq!(codes, expected);
    let table = answer(&mut story, &question).table;
    for (row, seqs) in table.rows.iter().enumerate().map(|(i, row)| (i, &row.evidence)) {
        let seq = lines(&table, "seq")[row].parse::<u64>().unwrap();
        assert!(seqs.contains(&seq), "{}: {seqs:?}", lines(&table, "code detail")[row]);
    }
    // One component asked for, or all, or none: the same list, as every event has its component.
    let api = ask(&mut story).rows("exceptions", "code change_id seq");
    assert_eq!(api, rows(&mut story, &question, "code change_id seq"));
}

#[test]
fn codes_and_components_choose_and_periods_cut() {
    let mut story = messy();
    let asked = |story: &mut Story, codes: &[&str], period: Period| {
        let codes = codes.iter().map(|code| ExceptionCode::parse(code).unwrap()).collect();
        rows(story, &Question::Exceptions { component: None, codes, period }, "code seq")
    };
    let all = asked(&mut story, &[], Period::ALL);
    let mut by_code: Vec<String> = Vec::new();
    for code in ExceptionCode::ALL {
        by_code.extend(asked(&mut story, &[code.as_str()], Period::ALL));
    }
    let sorted = |mut rows: Vec<String>| {
        rows.sort();
        rows
    };
    assert_eq!(sorted(by_code), sorted(all.clone()), "each code alone finds what all find");
    // Days laid end to end give the whole list: nothing stands twice, nothing falls between.
    let mut by_day =
        asked(&mut story, &[], Period { to: period("02T00:00", "02T00:00").to, ..Period::ALL });
    for day in 2..30 {
        let cut = period(&format!("{day:02}T00:00"), &format!("{:02}T00:00", day + 1));
        by_day.extend(asked(&mut story, &[], cut));
    }
    assert_eq!(by_day, all);
}

#[test]
fn codes_are_read_in_any_spelling_of_theirs() {
    for text in ["X07", "x07", "X07_version_reused", "x07_"] {
        assert_eq!(ExceptionCode::parse(text), Some(ExceptionCode::X07), "{text}");
    }
    for text in ["", "X7", "X18", "X00", "07", "version_reused", " X07", "_X07"] {
        assert_eq!(ExceptionCode::parse(text), None, "{text:?}");
    }
}

#[test]
fn an_empty_book_and_names_that_are_none() {
    let question = |component: Option<&str>, period: Period| Question::Exceptions {
        component: component.map(str::to_owned),
        codes: Vec::new(),
        period,
    };
    assert_eq!(rows(&mut Story::empty(), &question(None, Period::ALL), "code"), [""; 0]);
    let mut story = lived();
    let ask = ask(&mut story);
    assert!(ask.answer(&question(Some("moon"), Period::ALL)).is_err());
    assert!(ask.answer(&question(None, period("04T00:00", "03T00:00"))).is_err());
}
