//! Derived state is the same however it came about: in one replay, or event by event.
//!
//! Goal: nothing that `views.db` holds depends on when it was advanced. Method: generated
//! histories with late and corrected events, compared with a fresh replay at prefixes.

use relbook_ledger::store::Ledger;
use relbook_query::Book;
use relbook_query::projection::{PROJECTIONS, Request};
use relbook_testkit::history::{History, Shape};
use relbook_testkit::scratch::Scratch;
use serde_json::{Value, json};

const SHAPE: Shape = Shape { components: 2, targets: 2, seed: 0 };

/// Makes some events late: they are appended after events that are claimed to be later.
fn shuffled(seed: u64, count: usize) -> Vec<Value> {
    let mut events = History::new(Shape { seed, ..SHAPE }).take(count);
    let mut at = 12;
    let mut step = seed as usize % 7 + 3;
    while at + 9 < events.len() {
        let event = events.remove(at);
        events.insert(at + step % 9, event);
        at += step;
        step = step % 11 + 4;
    }
    // A simulated clock never goes back: late events are recorded at the latest time so far.
    events
}

fn corrected(seed: u64, count: usize, receipts: &[u64]) -> Vec<Value> {
    let pick = |i: usize| receipts[(seed as usize * 31 + i * 17) % count];
    (0..4)
        .map(|i| {
            json!({"kind": "event.corrected", "corrects": pick(i),
        "occurred_at": "2020-01-01T00:00:00Z", "reason": "test"})
        })
        .collect()
}

fn rows(book: &Book) -> Vec<String> {
    let lens = book.lens(None, None);
    let table = |name| book.projection(name, &Request::default(), lens).expect("a projection");
    PROJECTIONS.iter().map(|p| format!("{} {:?}", p.name, table(p.name).rows)).collect()
}

#[test]
fn views_advanced_event_by_event_equal_a_fresh_replay() {
    for seed in 1..4 {
        let mut scratch = Scratch::simulated();
        let events = shuffled(seed, 260);
        let mut seqs: Vec<u64> = Vec::new();
        for (i, chunk) in events.chunks(1 + seed as usize * 3).enumerate() {
            seqs.extend(scratch.append(chunk).iter().map(|receipt| receipt.seq));
            if i % 9 == 8 {
                let more = corrected(seed + i as u64, seqs.len().saturating_sub(8), &seqs[8..]);
                // Corrections may be corrected as well.
                seqs.extend(scratch.append(&more).iter().map(|receipt| receipt.seq));
            }
            let advanced = Book::open(&scratch.path(), &|_, _| {}).unwrap();
            let ledger = Ledger::open(&scratch.path()).unwrap();
            let fresh = relbook_query::views::Views::in_memory(ledger, &|_, _| {}).unwrap();
            assert_eq!(
                advanced.views().dump().unwrap(),
                fresh.dump().unwrap(),
                "seed {seed}, chunk {i}"
            );
        }
    }
}

#[test]
fn kept_folds_give_what_a_full_replay_gives_at_every_time() {
    use relbook_query::release::{Core, Facts as _, Lens, Moment, replay};
    let mut scratch = Scratch::simulated();
    let events = shuffled(5, 400);
    scratch.append(&events);
    let book = Book::open(&scratch.path(), &|_, _| {}).unwrap();
    let head = book.ledger().size() - 1;
    for event in events.iter().step_by(7) {
        let as_of =
            relbook_ledger::time::Time::parse(event["occurred_at"].as_str().unwrap()).unwrap();
        for as_known in [head, head / 2] {
            let view = book.views().view(Lens { as_of, as_known });
            let core = Core::new(&view);
            for component in core.components().unwrap() {
                for environment in core.environments().unwrap() {
                    let (name, place) = (&component.name, &environment.name);
                    let (history, transitions) = replay(&view, name, place, Moment::END).unwrap();
                    assert_eq!(view.history(name, place, Moment::END).unwrap(), history);
                    assert_eq!(view.transitions(name, place).unwrap(), transitions);
                }
            }
        }
    }
}

#[test]
fn views_come_back_when_they_are_deleted_or_spoilt() {
    let mut scratch = Scratch::simulated();
    scratch.append(&History::new(SHAPE).take(200));
    let before = rows(&Book::open(&scratch.path(), &|_, _| {}).unwrap());
    let path = scratch.path().join("views.db");
    std::fs::remove_file(&path).unwrap();
    assert_eq!(rows(&Book::open(&scratch.path(), &|_, _| {}).unwrap()), before);
    std::fs::write(&path, "no database at all").unwrap();
    assert_eq!(rows(&Book::open(&scratch.path(), &|_, _| {}).unwrap()), before);
    assert!(std::fs::metadata(&path).unwrap().len() > 1000, "rebuilt on disk");
}

#[test]
fn views_of_another_book_are_not_believed() {
    let (mut one, mut other) = (Scratch::simulated(), Scratch::simulated());
    one.append(&History::new(SHAPE).take(150));
    other.append(&History::new(Shape { seed: 9, ..SHAPE }).take(150));
    let expected = rows(&Book::open(&other.path(), &|_, _| {}).unwrap());
    drop(Book::open(&one.path(), &|_, _| {}).unwrap());
    for suffix in ["-wal", "-shm"] {
        drop(std::fs::remove_file(other.path().join(format!("views.db{suffix}"))));
    }
    std::fs::copy(one.path().join("views.db"), other.path().join("views.db")).unwrap();
    assert_eq!(rows(&Book::open(&other.path(), &|_, _| {}).unwrap()), expected);
}
