//! The two clocks (semantics A.2): what had happened by then, and what the book knew then.

use proptest::prelude::*;
use relbook_ledger::time::Time;
use relbook_query::Book;
use relbook_query::projection::{PROJECTIONS, Request};
use relbook_testkit::history::{History, Shape};
use relbook_testkit::scratch::{self, Scratch};
use relbook_testkit::story::{self, Story};
use serde_json::{Value, json};

use crate::ask::{ask, cases, head, lines};

const STATE: &str = "state version versions since in_flight";

fn built() -> Story {
    let mut story = Story::of_api(&["us"]);
    story.build("01T01:00", "1.4.1").build("01T02:00", "1.4.2").build("01T03:00", "1.4.3");
    story.live("02T09:00", "P1", "1.4.1");
    story
}

#[test]
fn a_late_finish_does_not_overwrite_a_later_one() {
    let mut story = built();
    story.start("03T09:00", "P2", "production", "1.4.2");
    story.start("03T10:00", "P3", "production", "1.4.3");
    story.finish("03T10:05", "P3", "us", "succeeded");
    let before = story.seq();
    story.finish("03T09:05", "P2", "us", "succeeded");
    assert_eq!(ask(&mut story).status(STATE), "live 1.4.3 [1.4.3] 03T10:05 0");
    // The book now knows that 1.4.2 was live for an hour; before, it did not.
    let then = "03T09:30";
    assert_eq!(ask(&mut story).at(then).status(STATE), "live 1.4.2 [1.4.2] 03T09:05 0");
    let known = ask(&mut story).at(then).known(before);
    assert_eq!(known.status(STATE), "live 1.4.1 [1.4.1] 02T09:00 1");
}

#[test]
fn a_late_redeploy_does_not_change_since() {
    let mut story = built();
    story.live("04T09:00", "P3", "1.4.1").live("03T09:00", "P2", "1.4.1");
    let row = ask(&mut story).status("version since last_deployed_at");
    assert_eq!(row, "1.4.1 02T09:00 04T09:00");
}

#[test]
fn a_finish_that_arrives_before_its_start_counts_once_the_start_is_there() {
    let mut story = built();
    story.finish("03T09:05", "P2", "us", "succeeded");
    assert_eq!(ask(&mut story).status(STATE), "live 1.4.1 [1.4.1] 02T09:00 0");
    story.start("03T09:00", "P2", "production", "1.4.2");
    assert_eq!(ask(&mut story).status(STATE), "live 1.4.2 [1.4.2] 03T09:05 0");
    assert_eq!(ask(&mut story).deploy("P2", "outcome started_at"), "succeeded 03T09:00");
}

#[test]
fn progress_that_arrives_before_its_start_counts_once_the_start_is_there() {
    let mut story = built();
    story.progress("03T09:02", "C2", "us", 5);
    assert_eq!(ask(&mut story).shares("role weight"), ["stable 100"]);
    story.start("03T09:00", "C2", "canary", "1.4.2");
    assert_eq!(ask(&mut story).shares("role weight"), ["stable 95", "canary 5"]);
}

#[test]
fn events_at_the_same_moment_are_ordered_by_the_log() {
    for (first, second, expected) in [("P2", "P3", "1.4.3"), ("P3", "P2", "1.4.2")] {
        let mut story = built();
        story.start("03T09:00", "P2", "production", "1.4.2");
        story.start("03T09:00", "P3", "production", "1.4.3");
        story.finish("03T09:05", first, "us", "succeeded");
        story.finish("03T09:05", second, "us", "succeeded");
        assert_eq!(ask(&mut story).status("version"), expected);
    }
}

#[test]
fn as_of_includes_its_own_moment_and_nothing_later() {
    let mut story = built();
    story.live("03T09:00", "P2", "1.4.2");
    for (at, expected) in [
        ("02T08:58", "none - [] - 0"),
        ("02T08:59", "none - [] - 1"),
        ("02T09:00", "live 1.4.1 [1.4.1] 02T09:00 0"),
        ("03T08:59:30", "live 1.4.1 [1.4.1] 02T09:00 1"),
        ("03T09:00", "live 1.4.2 [1.4.2] 03T09:00 0"),
    ] {
        assert_eq!(ask(&mut story).at(at).status(STATE), expected, "{at}");
    }
}

#[test]
fn as_known_includes_its_own_seq_and_nothing_later() {
    let mut story = built();
    let finish = story.seq();
    let ask = |story: &mut Story, seq| ask(story).known(seq).status(STATE);
    assert_eq!(ask(&mut story, finish - 1), "none - [] - 1");
    assert_eq!(ask(&mut story, finish), "live 1.4.1 [1.4.1] 02T09:00 0");
}

#[test]
fn what_was_known_when_it_was_deployed() {
    // The approval is recorded after the deploy, dated before it.
    let mut story = built();
    story.build("03T00:00", "1.5.0").live("04T09:00", "P2", "1.5.0");
    let deployed = story.seq();
    story.approve("03T12:00", "A1", "rita", "1.5.0");
    let now = ask(&mut story).approvals("P2");
    assert_eq!(lines(&now.table, "approval_id valid reasons"), ["A1 false [recorded_late]"]);
    let then = ask(&mut story).at("04T09:00").known(deployed).approvals("P2");
    assert_eq!(lines(&then.table, "approval_id"), [""; 0]);
    assert_eq!(head(&then, "verdict"), "missing");
}

#[test]
fn the_verdict_on_a_deploy_does_not_change_with_what_comes_later() {
    let mut story = built();
    story.build("03T00:00", "1.5.0").approve("03T12:00", "A1", "rita", "1.5.0");
    story.start("04T09:00", "P2", "production", "1.5.0");
    let started = story.seq();
    let before = ask(&mut story).deploy("P2", "bump held approval_required approval_verdict");
    story.finish("04T09:05", "P2", "us", "succeeded").revoke("05T09:00", "A1");
    story.live_with("06T09:00", "P3", "1.4.1", json!({"reason": "rollback", "rollback_of": "P2"}));
    story.policy("07T09:00", json!({"quorum": 3}));
    let row = "bump held approval_required approval_verdict";
    assert_eq!(before, "minor false true approved");
    assert_eq!(ask(&mut story).deploy("P2", row), before);
    assert_eq!(ask(&mut story).known(started).deploy("P2", row), before);
}

#[test]
fn a_component_is_there_from_its_registration_on() {
    let mut story = built();
    story.push(
        "05T00:00",
        json!({"kind": "component.registered", "component": "web", "scheme": "semver",
            "release_model": "deployed"}),
    );
    assert_eq!(ask(&mut story).rows_of("web", "current_versions", "state"), ["none"]);
    let before = ask(&mut story).at("04T00:00");
    assert_eq!(before.rows_of("web", "current_versions", "state"), [""; 0]);
}

#[test]
fn a_corrected_event_is_gone_from_the_views_that_include_the_correction() {
    let mut story = built();
    story.live("03T09:00", "P2", "1.4.2");
    let finish = story.seq();
    story.correct("05T09:00", finish);
    let correction = story.seq();
    assert_eq!(ask(&mut story).status(STATE), "live 1.4.1 [1.4.1] 02T09:00 1");
    assert_eq!(ask(&mut story).deploy("P2", "outcome"), "in_flight");
    // Not yet known, or not yet made: the event still counts.
    let with = "live 1.4.2 [1.4.2] 03T09:00 0";
    assert_eq!(ask(&mut story).known(correction - 1).status(STATE), with);
    assert_eq!(ask(&mut story).at("05T08:59").status(STATE), with);
    assert_eq!(ask(&mut story).at("05T09:00").status(STATE), "live 1.4.1 [1.4.1] 02T09:00 1");
}

#[test]
fn a_correction_may_name_the_id_of_the_event() {
    let mut story = built();
    story.live("03T09:00", "P2", "1.4.2");
    let id = "019e0000-0000-7000-8000-000000000001";
    story.but(json!({"id": id})).correct("05T09:00", 0).but(json!({"corrects": id}));
    assert_eq!(ask(&mut story).status("version in_flight"), "1.4.1 1");
}

#[test]
fn every_kind_of_evidence_can_be_corrected() {
    // A build: its version and commit are unknown again.
    let mut story = Story::of_api(&["us"]);
    story.build("01T01:00", "1.4.1");
    let build = story.seq();
    story.live("02T09:00", "P1", "1.4.1").correct("03T09:00", build);
    assert_eq!(ask(&mut story).shares("version commit"), ["- -"]);
    // An approval.
    let mut story = built();
    story.build("03T00:00", "1.5.0").approve("03T12:00", "A1", "rita", "1.5.0");
    let approval = story.seq();
    story.live("04T09:00", "P2", "1.5.0").correct("05T09:00", approval);
    assert_eq!(head(&ask(&mut story).approvals("P2"), "verdict"), "missing");
    // A revocation.
    let mut story = built();
    story.build("03T00:00", "1.5.0").approve("03T12:00", "A1", "rita", "1.5.0");
    story.revoke("03T13:00", "A1");
    let revocation = story.seq();
    story.live("04T09:00", "P2", "1.5.0").correct("05T09:00", revocation);
    assert_eq!(head(&ask(&mut story).approvals("P2"), "verdict"), "approved");
    // A commit: the ancestry is unknown again.
    let mut story = Story::of_api(&["us"]);
    story.commit("01T00:00", "a", &[], "al", "fix: a").commit(
        "01T01:00",
        "b",
        &["a"],
        "al",
        "fix: b",
    );
    let commit = story.seq();
    story.commit("01T02:00", "c", &["b"], "al", "fix: c");
    story.build_of("01T03:00", "1.0.0", "1.0.0", "a").build_of("01T03:00", "1.1.0", "1.1.0", "c");
    story.correct("03T09:00", commit);
    let answer = ask(&mut story).between("1.0.0", "1.1.0");
    assert_eq!(head(&answer, "completeness"), "unknown_ancestry");
    // A policy.
    let mut story = built();
    story.policy("02T12:00", json!({"approval_required_for": ["patch"]}));
    let policy = story.seq();
    story.live("04T09:00", "P2", "1.4.2").correct("05T09:00", policy);
    assert_eq!(ask(&mut story).deploy("P2", "approval_required"), "false");
    // A removal, and the declaration of an environment.
    let mut story = built();
    story.remove("03T09:00", "us");
    let removal = story.seq();
    story.environment("03T10:00", "production", &["us", "eu"]);
    let declaration = story.seq();
    story.correct("05T09:00", removal).correct("05T09:01", declaration);
    assert_eq!(ask(&mut story).status("state version targets_total"), "live 1.4.1 1");
}

#[test]
fn a_correction_that_is_corrected_has_no_effect() {
    let mut story = built();
    story.live("03T09:00", "P2", "1.4.2");
    let finish = story.seq();
    story.correct("05T09:00", finish);
    let correction = story.seq();
    story.correct("06T09:00", correction);
    let now = ask(&mut story);
    assert_eq!(now.status(STATE), "live 1.4.2 [1.4.2] 03T09:00 0");
    assert_eq!(now.rows("production_releases", "version"), ["1.4.1", "1.4.2"]);
    // Between the two it had one.
    let between = ask(&mut story).at("05T12:00");
    assert_eq!(between.status(STATE), "live 1.4.1 [1.4.1] 02T09:00 1");
    assert_eq!(between.rows("production_releases", "version"), ["1.4.1"]);
    assert_eq!(ask(&mut story).known(correction).status("version"), "1.4.1");
}

#[test]
fn what_arrives_after_a_correction_counts_in_the_views_before_it() {
    // The start is corrected, then its finish arrives late: who looks from before the correction
    // sees both.
    let mut story = built();
    story.start("03T09:00", "P2", "production", "1.4.2");
    let start = story.seq();
    story.correct("05T09:00", start).finish("03T09:05", "P2", "us", "succeeded");
    assert_eq!(ask(&mut story).status(STATE), "live 1.4.1 [1.4.1] 02T09:00 0");
    let before = ask(&mut story).at("04T00:00");
    assert_eq!(before.status(STATE), "live 1.4.2 [1.4.2] 03T09:05 0");
    // And once the correction is taken back, everybody does.
    let correction = story.seq() - 1;
    story.correct("06T09:00", correction);
    assert_eq!(ask(&mut story).status(STATE), "live 1.4.2 [1.4.2] 03T09:05 0");
}

/// The registrations of a generated history, and the rest.
fn generated(seed: u64, components: usize) -> (Vec<Value>, Vec<Value>) {
    let mut events = History::new(Shape { components, targets: 2, seed }).take(160);
    let rest = events.split_off(components + 4);
    (events, rest)
}

fn shuffled(mut events: Vec<Value>, seed: u64) -> Vec<Value> {
    let mut random = seed | 1;
    for i in (1..events.len()).rev() {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        events.swap(i, (random % (i as u64 + 1)) as usize);
    }
    events
}

/// Puts corrections into a history, some of them of corrections; each names an event before it in
/// the log and is dated after it.
fn corrected(events: Vec<Value>, seed: u64) -> Vec<Value> {
    let time = |event: &Value| Time::parse(event["occurred_at"].as_str().unwrap()).unwrap();
    let mut log: Vec<Value> = Vec::new();
    for (i, mut event) in events.into_iter().enumerate() {
        event["id"] = json!(scratch::uuid(time(&event), i as u64));
        log.push(event);
        if i % 6 == 5 {
            let random = (seed | 1).wrapping_mul(i as u64 + 77).rotate_left(23);
            let target = &log[log.len() - 1 - random as usize % log.len().min(20)];
            let at = time(target).plus_seconds(1 + (random >> 8) as i64 % 400_000);
            let id = scratch::uuid(at, 1_000_000 + i as u64);
            log.push(json!({"id": id, "kind": "event.corrected", "corrects": target["id"],
                "occurred_at": at, "reason": "wrong"}));
        }
    }
    log
}

fn book(parts: &[&[Value]]) -> (Scratch, Book) {
    let mut scratch = Scratch::simulated();
    scratch.append(&parts.concat());
    let book = Book::open(&scratch.path(), &|_, _| {}).unwrap();
    (scratch, book)
}

/// What depends on the log's order by its own rules: evidence (A.2 rule 3), and the seqs.
const EVIDENCE: &[&str] =
    &["held", "approval_required", "approval_verdict", "approvers", "change_class", "gates_failed"];
const JUDGED: &[&str] =
    &["approver_history", "gate_results", "population", "exceptions", "sod", "emergency"];
const PLACES: &[&str] = &[
    "seq",
    "seq_start",
    "seq_finish",
    "recorded_at",
    "evidence_seq",
    "policy_seq",
    "disposition_seq",
    "event_hash_start",
    "event_hash_finish",
    "checkpoint_size",
];

/// Whether an event came late (X11) is a matter of the clock of the book, which other events move.
const LATE: &str = "exceptions [Text(\"X11\")";

/// Returns every row of every projection, without some columns and tables.
fn everything(
    book: &Book,
    lens: relbook_query::release::Lens,
    component: Option<&str>,
    without: &[&[&str]],
) -> Vec<String> {
    let request = Request { component: component.map(str::to_owned), ..Request::default() };
    let mut all = Vec::new();
    for projection in PROJECTIONS {
        if without.concat().contains(&projection.name) {
            continue;
        }
        let table = book.projection(projection.name, &request, lens).unwrap();
        let late = |name: &str| (projection.name, name) == ("population", "exceptions");
        let kept = |i: &usize| {
            let name = table.columns[*i].name.as_str();
            let left_out = late(name) && without.contains(&PLACES);
            !left_out && !without.concat().contains(&name)
        };
        let columns: Vec<usize> = (0..table.columns.len()).filter(kept).collect();
        for row in &table.rows {
            let cells: Vec<_> = columns.iter().map(|i| &row.cells[*i]).collect();
            all.push(format!("{} {cells:?}", projection.name));
        }
    }
    if without.contains(&PLACES) {
        all.retain(|row| !row.starts_with(LATE));
    }
    all
}

proptest! {
    #![proptest_config(cases(8))]

    #[test]
    fn the_order_of_arrival_does_not_matter(seed in 1_u64..1000, order in any::<u64>()) {
        let (registrations, events) = generated(seed, 2);
        let (_kept, one) = book(&[&registrations, &events]);
        let (_kept, other) = book(&[&registrations, &shuffled(events, order)]);
        let without: &[&[&str]] = &[EVIDENCE, PLACES, JUDGED];
        prop_assert_eq!(
            everything(&one, one.lens(None, None), None, without),
            everything(&other, other.lens(None, None), None, without)
        );
    }

    #[test]
    fn as_known_is_what_the_book_was_then(
        seed in 1_u64..1000,
        order in any::<u64>(),
        cut in any::<prop::sample::Index>(),
    ) {
        let (registrations, events) = generated(seed, 1);
        let events = corrected(shuffled(events, order), order);
        let cut = cut.index(events.len());
        let (_kept, whole) = book(&[&registrations, &events]);
        let (_kept, part) = book(&[&registrations, &events[..cut]]);
        let head = part.ledger().size() - 1;
        let now = whole.lens(None, None);
        let then = part.lens(Some(now.as_of), None);
        prop_assert_eq!(
            everything(&whole, whole.lens(None, Some(head)), None, &[]),
            everything(&part, then, None, &[])
        );
    }

    #[test]
    fn as_of_is_the_book_without_what_came_later(
        seed in 1_u64..1000,
        order in any::<u64>(),
        cut in any::<prop::sample::Index>(),
    ) {
        let (registrations, events) = generated(seed, 1);
        let time = |event: &Value| Time::parse(event["occurred_at"].as_str().unwrap()).unwrap();
        let at = time(&events[cut.index(events.len())]);
        let events = corrected(shuffled(events, order), order);
        let until = |event: &&Value| time(event) <= at;
        let earlier: Vec<Value> = events.iter().filter(until).cloned().collect();
        let (_kept, whole) = book(&[&registrations, &events]);
        let (_kept, part) = book(&[&registrations, &earlier]);
        prop_assert_eq!(
            everything(&whole, whole.lens(Some(at), None), None, &[PLACES]),
            everything(&part, part.lens(Some(at), None), None, &[PLACES])
        );
    }

    #[test]
    fn another_component_changes_nothing(seed in 1_u64..1000, order in any::<u64>()) {
        let (registrations, events) = generated(seed, 3);
        let events = shuffled(events, order);
        // Progress and finish name a deploy: those of the component's starts are its own.
        let name = "service-00";
        let own: Vec<&str> = events
            .iter()
            .filter(|event| event["component"] == name)
            .filter_map(|event| event["deploy_id"].as_str())
            .collect();
        let about = |event: &&Value| match event["component"].as_str() {
            Some(component) => component == name,
            None => event["deploy_id"].as_str().is_none_or(|id| own.contains(&id)),
        };
        let alone: Vec<Value> = events.iter().filter(about).cloned().collect();
        let (_kept, whole) = book(&[&registrations, &events]);
        let (_kept, part) = book(&[&registrations, &alone]);
        let now = whole.lens(None, None);
        let same = part.lens(Some(now.as_of), None);
        prop_assert_eq!(
            everything(&whole, now, Some(name), &[PLACES]),
            everything(&part, same, Some(name), &[PLACES])
        );
    }

    #[test]
    fn a_corrected_event_might_as_well_not_be_there(
        seed in 1_u64..1000,
        order in any::<u64>(),
        picked in prop::collection::vec(any::<prop::sample::Index>(), 1..4),
    ) {
        let (registrations, events) = generated(seed, 1);
        let events = shuffled(events, order);
        let wrong: std::collections::BTreeSet<usize> =
            picked.iter().map(|i| i.index(events.len())).collect();
        let rest: Vec<Value> = (0..events.len())
            .filter(|i| !wrong.contains(i))
            .map(|i| events[i].clone())
            .collect();
        let first = 2 + registrations.len();
        let corrections: Vec<Value> = wrong
            .iter()
            .map(|i| json!({"kind": "event.corrected", "corrects": first + i,
                "reason": "wrong", "occurred_at": story::time("01T00:00")}))
            .collect();
        let (_kept, corrected) = book(&[&registrations, &events, &corrections]);
        let (_kept, without) = book(&[&registrations, &rest]);
        let now = corrected.lens(None, None);
        let same = without.lens(Some(now.as_of), None);
        prop_assert_eq!(
            everything(&corrected, now, None, &[PLACES]),
            everything(&without, same, None, &[PLACES])
        );
    }
}
