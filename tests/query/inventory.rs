//! `inventory` (semantics B.3 file 13): what runs where, with its bill of materials, how far its
//! origin is known, and when it was seen last.

use relbook_query::projection::Request;
use relbook_testkit::story::{Story, digest};
use serde_json::json;

use crate::ask::{Ask, ask};
use crate::listing::observe;

fn lived() -> Story {
    let mut story = Story::of_api(&["us", "eu"]);
    story.build("01T00:00", "1.4.0").build("01T01:00", "1.4.1").live("02T09:00", "P0", "1.4.0");
    story
}

fn inventory(ask: &Ask, columns: &str) -> Vec<String> {
    ask.rows("inventory", columns)
}

fn seen(story: &mut Story) -> String {
    inventory(&ask(story), "target last_observed_at").remove(0)
}

#[test]
fn every_share_of_traffic_is_a_row() {
    let mut story = lived();
    story.start("03T09:00", "C1", "canary", "1.4.1").progress("03T09:01", "C1", "eu", 5);
    let columns = "environment target role version digest commit since";
    let expected = [
        "production us stable 1.4.0 @1.4.0 c1.4.0 02T09:00",
        "production eu stable 1.4.0 @1.4.0 c1.4.0 02T09:00",
        "production eu canary 1.4.1 @1.4.1 c1.4.1 03T09:01",
    ];
    assert_eq!(inventory(&ask(&mut story), columns), expected);
    let ask = ask(&mut story);
    let table = ask.book().projection("inventory", &Request::default(), ask.lens()).unwrap();
    assert!(table.rows.iter().all(|row| row.evidence.len() >= 2), "start and finish at least");
}

#[test]
fn what_left_or_never_came_is_no_row() {
    let mut story = lived();
    story.remove("03T09:00", "us");
    assert_eq!(inventory(&ask(&mut story), "target"), ["eu"]);
    assert_eq!(inventory(&ask(&mut story).at("02T12:00"), "target"), ["us", "eu"]);
    assert_eq!(inventory(&ask(&mut story).at("02T08:59"), "target"), [""; 0]);
    assert_eq!(inventory(&ask(&mut Story::of_api(&["us"])), "target"), [""; 0]);
}

#[test]
fn the_bill_of_materials_is_the_last_of_that_artifact() {
    let mut story = lived();
    assert_eq!(inventory(&ask(&mut story), "sbom_digest")[0], "-");
    let sbom = |artifact: &str, blob: &str| {
        json!({"kind": "sbom.recorded", "component": "api", "digest": digest(artifact),
            "blob": digest(blob)})
    };
    story.push("02T10:00", sbom("1.4.0", "one")).push("02T11:00", sbom("1.4.0", "two"));
    // Recorded last, about the time before; and of another artifact.
    story.push("02T09:30", sbom("1.4.0", "old")).push("02T12:00", sbom("1.4.1", "other"));
    assert_eq!(inventory(&ask(&mut story), "sbom_digest"), ["@two", "@two"]);
}

#[test]
fn provenance_is_verified_attested_recorded_or_missing() {
    let mut story = lived();
    let level = |story: &mut Story| inventory(&ask(story), "provenance_level").remove(0);
    assert_eq!(level(&mut story), "recorded");
    let attestation = |artifact: &str| {
        json!({"kind": "attestation.recorded", "component": "api", "digest": digest(artifact),
            "blob": digest("statement")})
    };
    story.push("02T10:00", attestation("1.4.1"));
    assert_eq!(level(&mut story), "recorded", "of another artifact");
    story.push("02T11:00", attestation("1.4.0"));
    assert_eq!(level(&mut story), "attested");
    story.push("02T12:00", attestation("1.4.0")).but(json!({"verified_by": "cosign"}));
    assert_eq!(level(&mut story), "verified");
    story.push("02T13:00", attestation("1.4.0"));
    assert_eq!(level(&mut story), "verified", "one that verifies is enough");
    story.live("03T09:00", "P1", "stranger");
    let columns = "version commit provenance_level";
    assert_eq!(inventory(&ask(&mut story), columns)[0], "- - missing");
}

#[test]
fn it_was_seen_when_that_artifact_was_seen_on_that_target() {
    let mut story = lived();
    assert_eq!(seen(&mut story), "us -", "never seen is not the same as gone");
    observe(&mut story, "03T09:00", "eu", "1.4.0");
    observe(&mut story, "03T09:00", "us", "1.4.1");
    assert_eq!(seen(&mut story), "us -");
    observe(&mut story, "03T10:00", "us", "1.4.0");
    observe(&mut story, "03T11:00", "us", "1.4.1");
    assert_eq!(seen(&mut story), "us 03T10:00");
    // An observation that comes late is not the last.
    observe(&mut story, "03T09:30", "us", "1.4.0");
    assert_eq!(seen(&mut story), "us 03T10:00");
}

#[test]
fn an_observation_of_an_earlier_stay_says_nothing() {
    let mut story = lived();
    observe(&mut story, "03T09:00", "us", "1.4.0");
    story.live("04T09:00", "P1", "1.4.1").live("05T09:00", "P2", "1.4.0");
    assert_eq!(seen(&mut story), "us -");
    // It may be seen while its deploy is under way: P2 started a minute before.
    observe(&mut story, "05T08:58", "us", "1.4.0");
    assert_eq!(seen(&mut story), "us -");
    observe(&mut story, "05T08:59", "us", "1.4.0");
    assert_eq!(seen(&mut story), "us 05T08:59");
    story.live("06T09:00", "P3", "1.4.0");
    assert_eq!(seen(&mut story), "us 05T08:59", "a redeploy is the same stay");
}
