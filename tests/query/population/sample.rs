//! Samples (semantics B.4, B.3 file 7): anybody can draw them again with sha256sum, and nobody
//! can steer them.

use relbook_query::question::{Question, Sample};
use relbook_query::release::Period;
use relbook_testkit::story::Story;
use serde_json::json;

use super::{lived, on, within};
use crate::ask::{ask, lines};
use crate::listing::{evidence, period};

fn drawn(size: usize, seed: &str, stratified: bool) -> Question {
    let sample = Some(Sample { size, seed: seed.to_owned(), stratified });
    Question::Population { component: None, period: Period::ALL, sample }
}

fn sample(story: &mut Story, question: &Question, columns: &str) -> Vec<String> {
    lines(&ask(story).answer(question).unwrap().table, columns)
}

/// P0 to P4: normal, standard, emergency, rollback, redeploy.
fn five() -> Story {
    let mut story = lived();
    story.live("03T09:00", "P1", "1.4.1");
    story.live_with("04T09:00", "P2", "1.5.0", json!({"break_glass": true, "incident_id": "I"}));
    let back = json!({"reason": "rollback", "rollback_of": "P2"});
    story.live_with("05T09:00", "P3", "1.4.1", back).live("06T09:00", "P4", "1.4.1");
    story
}

#[test]
fn the_order_is_that_of_sha256_of_seed_and_change() {
    // printf '8731:P2' | sha256sum, and so on.
    let expected = [
        "1 P2 0879bb0dfede56863df02e7680428d426914a829cc13b02c6c34d9b1b49f4dc4 true",
        "2 P4 3cc5a941a7e09b8e9e3d8b7814d069ed7a084cef122c508f9a9bfb0168d66a27 true",
        "3 P0 42f0d852dd1733b9f190d2891b2295d41f2a13ccc9c28fe2d386ebb481b79226 false",
        "4 P1 83931b09e025ce063668ae08f17b98c7f4b5262dce22246719c7cceada9d44b8 false",
        "5 P3 e2a47d89b8766f322470e677dc866ce6ba9aef8c9a15e488ad4b7c23e00faec4 false",
    ];
    let columns = "rank change_id selection_hash in_sample";
    assert_eq!(sample(&mut five(), &drawn(2, "8731", false), columns), expected);
}

#[test]
fn a_row_says_how_it_was_drawn() {
    let mut story = five();
    let columns = "stratum seed n population_rows method";
    let rows = sample(&mut story, &drawn(2, "8731", false), columns);
    assert_eq!(rows[0], "all 8731 2 5 sha256(seed + \":\" + change_id), ascending");
    let size = story.seq() + 1;
    let sizes = sample(&mut story, &drawn(2, "8731", false), "checkpoint_size");
    assert_eq!(sizes, vec![size.to_string(); 5]);
    let rests = evidence(&mut story, &drawn(2, "8731", false));
    assert!(rests.iter().all(|seqs| seqs.len() >= 2), "{rests:?}");
}

#[test]
fn another_seed_draws_another_sample_and_the_same_seed_the_same() {
    let mut story = five();
    let ids = |story: &mut Story, seed: &str| sample(story, &drawn(2, seed, false), "change_id");
    let first = ids(&mut story, "8731");
    assert_eq!(ids(&mut story, "8731"), first);
    assert_ne!(ids(&mut story, "8732"), first);
    // What happens elsewhere does not move the order of what was there.
    story.push("07T09:00", json!({"kind": "incident.opened", "incident_id": "I9"}));
    assert_eq!(ids(&mut story, "8731"), first);
}

#[test]
fn a_sample_is_as_large_as_asked_or_as_all() {
    let taken = |size: usize| {
        let rows = sample(&mut five(), &drawn(size, "8731", false), "in_sample");
        assert_eq!(rows.len(), 5, "the others are listed too");
        rows.iter().filter(|row| *row == "true").count()
    };
    assert_eq!([taken(0), taken(1), taken(5), taken(60)], [0, 1, 5, 5]);
    assert_eq!(sample(&mut Story::empty(), &drawn(5, "1", false), "rank"), [""; 0]);
}

#[test]
fn strata_are_drawn_apart_and_every_emergency_is_taken() {
    let mut story = five();
    story.live_with("07T09:00", "P5", "1.5.0", json!({"break_glass": true, "incident_id": "J"}));
    let rows = sample(&mut story, &drawn(1, "8731", true), "rank stratum change_id in_sample");
    let stratum: Vec<&str> = rows.iter().map(|row| row.split(' ').nth(1).unwrap()).collect();
    let expected = ["emergency", "emergency", "rollback", "normal", "standard", "standard"];
    assert_eq!(stratum, expected, "in the order of the book of words");
    assert!(rows[0].ends_with("true") && rows[1].ends_with("true"), "all emergencies: {rows:?}");
    // A redeploy is sampled with the standard changes: P4 comes before P1.
    assert_eq!(rows[4..], ["5 standard P4 true", "6 standard P1 false"]);
    let none = sample(&mut story, &drawn(0, "8731", true), "in_sample");
    assert_eq!(none.iter().filter(|row| *row == "true").count(), 2, "100 % is not a matter of n");
}

#[test]
fn a_sample_is_drawn_from_the_period_and_the_view() {
    let mut story = five();
    let mut question = drawn(9, "8731", false);
    let Question::Population { period: asked, .. } = &mut question else { unreachable!() };
    *asked = period("03T00:00", "05T00:00");
    assert_eq!(sample(&mut story, &question, "change_id population_rows"), ["P2 2", "P1 2"]);
    let all = within(period("03T00:00", "05T00:00"));
    assert_eq!(sample(&mut story, &all, "change_id"), ["P1", "P2"]);
    let then = ask(&mut story).at("03T12:00").answer(&drawn(9, "8731", false)).unwrap();
    assert_eq!(lines(&then.table, "change_id"), ["P0", "P1"]);
    let mut story = lived();
    story.live_with("03T09:00", "P1", "1.4.1", on("us"));
    let known = story.seq() - 2;
    let then = ask(&mut story).known(known).answer(&drawn(9, "8731", false)).unwrap();
    let expected = [format!("P0 1 {}", known + 1)];
    assert_eq!(lines(&then.table, "change_id population_rows checkpoint_size"), expected);
}
