//! Where one can roll back to (semantics A.7): every reason alone, the two previous versions,
//! ping-pong, mixed and indeterminate targets.

use relbook_query::question::{Answer, Question};
use relbook_testkit::story::{Story, digest};
use serde_json::{Value, json};

use crate::ask::{Ask, ask, head, lines, warnings};

const ROW: &str = "rank version eligible recommended reasons";

fn rollback(ask: &Ask, any: bool) -> Answer {
    let (environment, component) = ("production".to_owned(), "api".to_owned());
    ask.answer(&Question::Rollback { environment, component, any }).unwrap()
}

fn rows(story: &mut Story) -> Vec<String> {
    lines(&rollback(&ask(story), false).table, ROW)
}

fn scan(story: &mut Story, at: &str, artifact: &str, scanner: &str, fields: Value) {
    story
        .push(
            at,
            json!({"kind": "scan.completed", "component": "api", "digest": digest(artifact),
            "scanner": scanner, "critical": 0, "high": 0, "status": "clean"}),
        )
        .but(fields);
}

/// Builds and scans versions; the commits follow each other.
fn built(targets: &[&str], versions: &[&str]) -> Story {
    let mut story = Story::of_api(targets);
    let mut parent: Option<String> = None;
    for version in versions {
        let commit = format!("c{version}");
        let parents: Vec<&str> = parent.iter().map(String::as_str).collect();
        story.commit("01T01:00", &commit, &parents, "al", "fix: more");
        story.build("01T02:00", version);
        for scanner in ["trivy", "grype"] {
            scan(&mut story, "01T03:00", version, scanner, json!({}));
        }
        parent = Some(commit);
    }
    story
}

/// 1.4.0, 1.4.1 and 1.4.2 were live one after the other.
fn lived() -> Story {
    let mut story = built(&["us"], &["1.4.0", "1.4.1", "1.4.2"]);
    story.live("02T09:00", "P0", "1.4.0").live("03T09:00", "P1", "1.4.1");
    story.live("04T09:00", "P2", "1.4.2");
    story
}

#[test]
fn the_best_eligible_version_of_the_line_is_recommended() {
    let mut story = lived();
    let answer = rollback(&ask(&mut story), false);
    assert_eq!(lines(&answer.table, ROW), ["1 1.4.1 true true []", "2 1.4.0 true false []"]);
    let more = "commit last_live_from last_live_until requires_approval crosses";
    let first = &lines(&answer.table, more)[0];
    assert_eq!(first, "c1.4.1 03T09:00 04T09:00 false patch");
    let names = "current_version semantic_previous temporal_previous recommended untouched";
    assert_eq!(head(&answer, names), "1.4.2 1.4.1 1.4.1 1.4.1 []");
    assert!(answer.holds && answer.warnings.is_empty(), "{:?}", answer.warnings);
    assert!(answer.table.rows.iter().all(|row| row.evidence.len() > 5));
}

/// Changes one thing about 1.4.1 and returns its reasons, and what is recommended then.
#[track_caller]
fn reasons(change: impl FnOnce(&mut Story)) -> String {
    let mut story = lived();
    change(&mut story);
    let answer = rollback(&ask(&mut story), false);
    let rows = lines(&answer.table, "version reasons");
    let own = rows.iter().find_map(|row| row.strip_prefix("1.4.1 "));
    let own = own.unwrap_or_else(|| panic!("{rows:?}"));
    format!("{own} {}", head(&answer, "recommended"))
}

fn flag(story: &mut Story, at: &str, artifact: &str, fields: Value) {
    let kind = "artifact.flagged";
    story
        .push(
            at,
            json!({"kind": kind, "component": "api", "digest": digest(artifact), "flag": "bad"}),
        )
        .but(fields);
}

#[test]
fn flags_scans_and_deploys_in_flight_are_in_the_way() {
    let unflag = json!({"kind": "artifact.unflagged"});
    assert_eq!(reasons(|s| flag(s, "05T09:00", "1.4.1", json!({}))), "[flagged:bad] 1.4.0");
    assert_eq!(
        reasons(|s| {
            flag(s, "05T09:00", "1.4.1", json!({}));
            flag(s, "05T09:01", "1.4.1", unflag.clone());
        }),
        "[] 1.4.1"
    );
    assert_eq!(
        reasons(|s| {
            flag(s, "05T09:00", "1.4.1", json!({"flag": "vulnerable", "cve": "CVE-1"}));
            flag(s, "05T09:01", "1.4.1", json!({"flag": "vulnerable", "cve": "CVE-2"}));
            flag(
                s,
                "05T09:02",
                "1.4.1",
                json!({"flag": "vulnerable", "cve": "CVE-1",
                "kind": "artifact.unflagged"}),
            );
        }),
        "[flagged:vulnerable] 1.4.0"
    );
    let red = |s: &mut Story| scan(s, "05T09:00", "1.4.1", "trivy", json!({"high": 1}));
    assert_eq!(reasons(red), "[scan:trivy] 1.4.0");
    let nothing = json!({"status": "not_scanned"});
    let unscanned = |s: &mut Story| scan(s, "05T09:00", "1.4.1", "grype", nothing);
    assert_eq!(reasons(unscanned), "[scan_missing:grype] 1.4.0");
    let gone = |s: &mut Story| flag(s, "05T09:00", "1.4.1", json!({"flag": "deleted"}));
    assert_eq!(reasons(gone), "[flagged:deleted,artifact_missing] 1.4.0");
    let open = |s: &mut Story| _ = s.start("05T09:00", "P3", "production", "1.4.2");
    assert_eq!(reasons(open), "[in_flight] -");
}

#[test]
fn a_version_that_was_never_scanned_or_never_live() {
    let mut story = lived();
    story.build("01T02:00", "1.4.1-x").but(json!({"version": "1.4.1"}));
    let expected = [
        "1 1.4.1 false false [never_live,scan_missing:trivy,scan_missing:grype]",
        "2 1.4.1 true true []",
        "3 1.4.0 true false []",
    ];
    assert_eq!(rows(&mut story), expected, "each build is a row");
}

#[test]
fn a_canary_alone_or_a_failure_does_not_count_as_live() {
    for (stage, outcome) in [("canary", "succeeded"), ("production", "failed")] {
        let mut story = built(&["us"], &["1.4.0", "1.4.1", "1.4.2"]);
        story.live("02T09:00", "P0", "1.4.0").start("03T09:00", "X", stage, "1.4.1");
        story.finish("03T10:00", "X", "us", outcome).live("04T09:00", "P2", "1.4.2");
        let expected = ["1 1.4.1 false false [never_live]", "2 1.4.0 true true []"];
        assert_eq!(rows(&mut story), expected, "{stage} {outcome}");
        let answer = rollback(&ask(&mut story), false);
        assert_eq!(head(&answer, "semantic_previous temporal_previous"), "1.4.1 1.4.0");
    }
}

#[test]
fn a_yanked_build_is_none_to_go_back_to() {
    let yank = |s: &mut Story| _ = s.publish("02T10:00", "1.4.1").yank("05T09:00", "1.4.1");
    assert_eq!(reasons(yank), "[yanked] 1.4.0");
    let again = |s: &mut Story| _ = s.yank("05T09:00", "1.4.1").publish("05T10:00", "1.4.1");
    assert_eq!(reasons(again), "[] 1.4.1");
}

#[test]
fn the_matrix_must_hold_with_everything_else_unchanged() {
    let matrix = |rows: Value| {
        move |story: &mut Story| {
            story.component("cli", json!({"scheme": "semver", "release_model": "published"}));
            story.publish("02T08:00", "1.9.0").turn_to("api");
            story.push("05T09:00", json!({"kind": "matrix.published", "rows": rows}));
        }
    };
    let only_new = json!([{"api": ">=1.4.2", "cli": "1.9.x"}, {"api": "1.4.0", "cli": "1.9.x"}]);
    assert_eq!(reasons(matrix(only_new.clone())), "[matrix] 1.4.0");
    let other_cli = json!([{"api": ">=1.4.2", "cli": "1.9.x"}, {"api": "1.x", "cli": "1.8.x"}]);
    assert_eq!(reasons(matrix(other_cli)), "[matrix] -");
    assert_eq!(reasons(matrix(json!([{"cli": "1.9.x"}]))), "[] 1.4.1", "not of this component");
    let mut story = lived();
    matrix(only_new)(&mut story);
    let answer = rollback(&ask(&mut story), false);
    assert_eq!(head(&answer, "untouched"), "[cli=1.9.0]");
}

#[test]
fn there_is_no_way_back_over_a_barrier() {
    let barrier = json!({"flag": "migration_barrier"});
    let on = |artifact: &'static str| {
        let barrier = barrier.clone();
        move |s: &mut Story| flag(s, "05T09:00", artifact, barrier)
    };
    assert_eq!(reasons(on("1.4.2")), "[migration_barrier] -");
    // One may go back to a version that brought one, not past it.
    assert_eq!(reasons(on("1.4.1")), "[flagged:migration_barrier] -");
    assert_eq!(reasons(on("1.4.0")), "[] 1.4.1");
}

/// 1.4.2 was rolled back to 1.4.1; then 1.4.3 came.
fn rolled_back(fields: Value) -> Story {
    let mut story = built(&["us"], &["1.4.0", "1.4.1", "1.4.2", "1.4.3"]);
    story.live("02T09:00", "P0", "1.4.0").live("03T09:00", "P1", "1.4.1");
    story.live("04T09:00", "P2", "1.4.2").live_with("04T12:00", "P3", "1.4.1", fields);
    story
}

#[test]
fn asking_again_does_not_go_back_and_forth() {
    let back = json!({"reason": "rollback", "rollback_of": "P2"});
    let mut story = rolled_back(back.clone());
    // 1.4.1 is live: what is below it, never what it was rolled back from.
    assert_eq!(rows(&mut story), ["1 1.4.0 true true []"]);
    let answer = rollback(&ask(&mut story), true);
    let names = "current_version semantic_previous temporal_previous recommended";
    assert_eq!(head(&answer, names), "1.4.1 1.4.0 1.4.2 1.4.0");
    let bad = lines(&answer.table, "version eligible reasons requires_approval");
    assert!(
        bad.contains(&"1.4.2 false [rolled_back_from,different_line] true".to_owned()),
        "{bad:?}"
    );
    story.live("05T09:00", "P4", "1.4.3");
    let expected =
        ["1 1.4.2 false false [rolled_back_from]", "2 1.4.1 true true []", "3 1.4.0 true false []"];
    assert_eq!(rows(&mut story), expected);
    let mut unnamed = rolled_back(json!({"reason": "rollback"}));
    unnamed.live("05T09:00", "P4", "1.4.3");
    assert_eq!(rows(&mut unnamed), expected, "a rollback that names no deploy counts too");
}

#[test]
fn an_approval_since_the_rollback_lifts_it() {
    let story = |approved_at: &str, by: &str| {
        let mut story = rolled_back(json!({"reason": "rollback", "rollback_of": "P2"}));
        if approved_at < "04T11:59" {
            let mut events = story.take();
            let at = events.iter().position(|(_, e)| e["deploy_id"] == "P3").unwrap();
            let after = events.split_off(at);
            story.give(events).approve(approved_at, "A", by, "1.4.2").give(after);
        } else {
            story.approve(approved_at, "A", by, "1.4.2");
        }
        story.live("05T09:00", "P4", "1.4.3");
        rows(&mut story).remove(0)
    };
    assert_eq!(story("04T13:00", "rita"), "1 1.4.2 true true []");
    let still = "1 1.4.2 false false [rolled_back_from]";
    assert_eq!(story("04T10:00", "rita"), still, "approved before the rollback");
    // Going back from 1.4.3 to 1.4.2 brings no commit of al's, so only the role can be wrong.
    let mut story = rolled_back(json!({"reason": "rollback", "rollback_of": "P2"}));
    story.approve("04T13:00", "A", "eve", "1.4.2").but(json!({"role": "developer"}));
    story.live("05T09:00", "P4", "1.4.3");
    assert_eq!(rows(&mut story)[0], still);
}

#[test]
fn an_approval_that_lapsed_counts_when_the_artifact_came_back_with_it() {
    let mut story = rolled_back(json!({"reason": "rollback", "rollback_of": "P2"}));
    story.approve("04T13:00", "A", "rita", "1.4.2").live("05T09:00", "P4", "1.4.2");
    story.live("06T09:00", "P5", "1.4.3");
    let row = |ask: Ask| lines(&rollback(&ask, false).table, ROW).remove(0);
    assert_eq!(row(ask(&mut story)), "1 1.4.2 true true []");
    assert_eq!(row(ask(&mut story).at("20T09:00")), "1 1.4.2 true true []");
}

#[test]
fn other_lines_are_listed_on_demand_and_never_eligible() {
    let mut story = built(&["us"], &["1.3.9", "1.4.0", "1.4.1", "1.4.2", "1.5.0", "2.0.0-rc.1"]);
    story.live("02T08:00", "P", "1.3.9").live("02T09:00", "P0", "1.4.0");
    story.live("03T09:00", "P1", "1.4.1");
    assert_eq!(rows(&mut story), ["1 1.4.0 true true []"]);
    let answer = rollback(&ask(&mut story), true);
    let expected = [
        "1 1.4.0 true patch [] false",
        "2 2.0.0-rc.1 false major [never_live,different_line] true",
        "3 1.5.0 false minor [never_live,different_line] true",
        "4 1.4.2 false patch [never_live,different_line] false",
        "5 1.3.9 false minor [different_line] true",
    ];
    let shown = "rank version eligible crosses reasons requires_approval";
    assert_eq!(lines(&answer.table, shown), expected);
    let table = ask(&mut story).rows("rollback_targets", "rank version eligible recommended");
    assert_eq!(table.len(), 5);
    assert_eq!(table[0], "1 1.4.0 true true");
}

#[test]
fn nothing_eligible_holds_not_and_says_why() {
    let mut story = built(&["us"], &["1.4.0", "1.4.1"]);
    story.live("03T09:00", "P1", "1.4.1");
    let answer = rollback(&ask(&mut story), false);
    assert_eq!(lines(&answer.table, ROW), ["1 1.4.0 false false [never_live]"]);
    assert_eq!((answer.holds, warnings(&answer)), (false, vec!["no_eligible_target"]));
    assert_eq!(head(&answer, "recommended semantic_previous temporal_previous"), "- 1.4.0 -");
}

#[test]
fn a_component_without_a_candidate_has_a_row_all_the_same() {
    let mut story = built(&["us"], &["1.4.0"]);
    let answer = rollback(&ask(&mut story), false);
    assert_eq!(lines(&answer.table, ROW), ["- - false false [nothing_live]"]);
    assert!(!answer.holds);
    story.live("03T09:00", "P1", "1.4.0");
    let answer = rollback(&ask(&mut story), false);
    assert_eq!(lines(&answer.table, ROW), ["- - false false [no_candidate]"]);
    assert_eq!(ask(&mut story).rows("rollback_targets", "version"), [""; 0]);
}

#[test]
fn mixed_targets_get_a_block_each() {
    let mut story = built(&["us", "eu"], &["1.4.0", "1.4.1", "1.4.2"]);
    story.live("02T09:00", "P0", "1.4.0").live("03T09:00", "P1", "1.4.1");
    story.live_with("04T09:00", "P2", "1.4.2", json!({"targets": ["us"]}));
    let answer = rollback(&ask(&mut story), false);
    let expected =
        ["us 1.4.2 1 1.4.1 true true", "us 1.4.2 2 1.4.0 true false", "eu 1.4.1 1 1.4.0 true true"];
    let shown = "target current_version rank version eligible recommended";
    assert_eq!(lines(&answer.table, shown), expected);
    assert_eq!(head(&answer, "state current_version recommended"), "mixed - -");
    assert_eq!(warnings(&answer), ["mixed"]);
    assert!(answer.holds);
}

#[test]
fn an_indeterminate_target_goes_back_from_what_may_be_there() {
    let mut story = built(&["us", "eu"], &["1.4.0", "1.4.1", "1.4.2"]);
    story.live("02T09:00", "P0", "1.4.0").live("03T09:00", "P1", "1.4.1");
    story.start("04T09:00", "P2", "production", "1.4.2").but(json!({"targets": ["us"]}));
    story.finish("04T09:05", "P2", "us", "failed!");
    let answer = rollback(&ask(&mut story), false);
    let expected =
        ["us 1.4.2 1 1.4.1 true true", "us 1.4.2 2 1.4.0 true false", "eu 1.4.1 1 1.4.0 true true"];
    let shown = "target current_version rank version eligible recommended";
    assert_eq!(lines(&answer.table, shown), expected);
    assert_eq!(
        (head(&answer, "state"), warnings(&answer)),
        ("indeterminate".into(), vec!["indeterminate"])
    );
}

#[test]
fn a_deploy_in_flight_stands_in_the_way_of_its_own_targets() {
    let mut story = built(&["us", "eu"], &["1.4.0", "1.4.1", "1.4.2"]);
    story.live("02T09:00", "P0", "1.4.0").live("03T09:00", "P1", "1.4.1");
    story.live_with("04T09:00", "P2", "1.4.2", json!({"targets": ["us"]}));
    story.start("04T10:00", "P3", "production", "1.4.2").but(json!({"targets": ["eu"]}));
    let answer = rollback(&ask(&mut story), false);
    let shown = lines(&answer.table, "target version reasons");
    assert_eq!(shown, ["us 1.4.1 []", "us 1.4.0 []", "eu 1.4.0 [in_flight]"]);
}

#[test]
fn intervals_are_those_of_the_last_stay() {
    let mut story = lived();
    story.live("05T09:00", "P3", "1.4.1").live("06T09:00", "P4", "1.4.2");
    let answer = rollback(&ask(&mut story), false);
    let shown = lines(&answer.table, "version last_live_from last_live_until");
    assert_eq!(shown, ["1.4.1 05T09:00 06T09:00", "1.4.0 02T09:00 03T09:00"]);
    assert_eq!(head(&answer, "temporal_previous"), "1.4.1");
    // Under the lens of the day before, 1.4.1 was live itself.
    let before = rollback(&ask(&mut story).at("05T10:00"), false);
    assert_eq!(head(&before, "current_version temporal_previous"), "1.4.1 1.4.2");
}

#[test]
fn calver_goes_back_within_its_month() {
    let mut story = Story::of_api(&["us"]);
    story.component("web", json!({"scheme": "calver:YYYY.0M.MICRO", "release_model": "deployed"}));
    for (at, id, version) in [
        ("02T09:00", "W1", "2026.05.7"),
        ("03T09:00", "W2", "2026.06.9"),
        ("04T09:00", "W3", "2026.06.10"),
    ] {
        story.build("01T02:00", version).live(at, id, version);
        for scanner in ["trivy", "grype"] {
            scan(&mut story, "01T03:00", version, scanner, json!({"component": "web"}));
        }
    }
    let (environment, component) = ("production".to_owned(), "web".to_owned());
    let question = Question::Rollback { environment, component, any: true };
    let answer = ask(&mut story).answer(&question).unwrap();
    let expected = ["2026.06.9 true patch false []", "2026.05.7 false minor true [different_line]"];
    assert_eq!(
        lines(&answer.table, "version eligible crosses requires_approval reasons"),
        expected
    );
}

#[test]
fn a_published_component_goes_back_to_what_it_published() {
    let mut story = Story::of_api(&["us"]);
    story.component("cli", json!({"scheme": "semver", "release_model": "published"}));
    for version in ["1.9.0", "1.9.1", "1.9.2", "1.9.3"] {
        // 1.9.0 and 1.9.3 are known from their publish alone.
        if version == "1.9.1" || version == "1.9.2" {
            story.build("01T02:00", version);
        }
        for scanner in ["trivy", "grype"] {
            scan(&mut story, "01T03:00", version, scanner, json!({"component": "cli"}));
        }
    }
    story.publish("02T09:00", "1.9.0").but(json!({"commit": "c0"}));
    story.publish("03T09:00", "1.9.1").publish("04T09:00", "1.9.3");
    story.yank("05T09:00", "1.9.1");
    let (environment, component) = ("production".to_owned(), "cli".to_owned());
    let question = Question::Rollback { environment, component, any: false };
    let answer = ask(&mut story).answer(&question).unwrap();
    let expected =
        ["1.9.2 - - [never_live]", "1.9.1 03T09:00 05T09:00 [yanked]", "1.9.0 02T09:00 - []"];
    assert_eq!(lines(&answer.table, "version last_live_from last_live_until reasons"), expected);
    assert_eq!(head(&answer, "current_version recommended"), "1.9.3 1.9.0");
}
