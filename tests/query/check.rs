//! What is kept of the projections against a fresh replay: equal when nobody touched it, and found
//! wherever somebody did.

use relbook_ledger::store::Ledger;
use relbook_query::Book;
use relbook_query::check::{Mismatch, check_projections};
use relbook_testkit::history::{History, Shape};
use relbook_testkit::scratch::Scratch;
use rusqlite::Connection;

const SHAPE: Shape = Shape { components: 2, targets: 2, seed: 9 };

fn found(scratch: &Scratch) -> Option<Mismatch> {
    check_projections(&scratch.path(), &|_, _| {}).unwrap().err()
}

fn views(scratch: &Scratch) -> Connection {
    Connection::open(scratch.path().join("views.db")).unwrap()
}

#[test]
fn untouched_views_equal_a_fresh_replay_wherever_they_stand() {
    let mut scratch = Scratch::simulated();
    let applied =
        |scratch: &Scratch| check_projections(&scratch.path(), &|_, _| {}).unwrap().unwrap().views;
    assert_eq!(applied(&scratch), None);
    let events = History::new(SHAPE).take(200);
    for chunk in events.chunks(67) {
        scratch.append(chunk);
        drop(Book::open(&scratch.path(), &|_, _| {}).unwrap());
        let size = Ledger::open(&scratch.path()).unwrap().size();
        assert_eq!(applied(&scratch), Some(size));
    }
    // Views that are behind the log are compared as far as they go.
    let size = Ledger::open(&scratch.path()).unwrap().size();
    scratch.append(&History::new(Shape { seed: 10, ..SHAPE }).take(5));
    assert_eq!(applied(&scratch), Some(size));
}

#[test]
fn every_changed_table_of_the_views_is_found() {
    let mut scratch = Scratch::simulated();
    scratch.append(&History::new(SHAPE).take(200));
    for change in [
        "DELETE FROM entry WHERE seq = 40",
        "UPDATE entry SET at = at + 1 WHERE seq = 40",
        "INSERT INTO entry SELECT key, at, 41 FROM entry WHERE seq = 40 LIMIT 1",
        "DELETE FROM transition",
        "UPDATE transition SET to_version = '9.9.9'",
        "UPDATE snapshot SET state = replace(state, '\"', ' ')",
        "DELETE FROM snapshot",
        "INSERT INTO correction VALUES (40, 0, 41)",
        "UPDATE commit_level SET level = level + 1",
    ] {
        drop(Book::open(&scratch.path(), &|_, _| {}).unwrap());
        assert_eq!(found(&scratch), None);
        let changed = views(&scratch).execute(change, []).unwrap();
        assert!(changed > 0, "{change} changes nothing");
        let mismatch = found(&scratch).unwrap_or_else(|| panic!("{change} was missed"));
        assert!(mismatch.to_string().contains("comes back by replay"), "{mismatch}");
        if change.contains("entry") {
            assert!(mismatch.seq.is_some_and(|seq| seq <= 41), "{mismatch:?}");
        }
        std::fs::remove_file(scratch.path().join("views.db")).unwrap();
        for suffix in ["-wal", "-shm"] {
            drop(std::fs::remove_file(scratch.path().join(format!("views.db{suffix}"))));
        }
    }
}

#[test]
fn views_that_the_next_question_throws_away_are_not_judged() {
    let mut scratch = Scratch::simulated();
    scratch.append(&History::new(SHAPE).take(50));
    drop(Book::open(&scratch.path(), &|_, _| {}).unwrap());
    views(&scratch).pragma_update(None, "user_version", 1).unwrap();
    let check = check_projections(&scratch.path(), &|_, _| {}).unwrap().unwrap();
    assert_eq!(check.views, None);
    std::fs::write(scratch.path().join("views.db"), "no database").unwrap();
    let check = check_projections(&scratch.path(), &|_, _| {}).unwrap().unwrap();
    assert_eq!(check.views, None);
}

#[test]
fn what_does_not_belong_among_the_views_is_found() {
    let mut scratch = Scratch::simulated();
    scratch.append(&History::new(SHAPE).take(50));
    for extra in [
        "CREATE TRIGGER extra AFTER INSERT ON entry BEGIN DELETE FROM transition; END",
        "CREATE TABLE extra(x)",
        "CREATE INDEX extra ON transition(target)",
    ] {
        drop(Book::open(&scratch.path(), &|_, _| {}).unwrap());
        assert_eq!(found(&scratch), None);
        views(&scratch).execute_batch(extra).unwrap();
        let mismatch = found(&scratch).unwrap_or_else(|| panic!("{extra} was missed"));
        assert!(mismatch.what.contains("than relbook makes"), "{mismatch}");
        std::fs::remove_file(scratch.path().join("views.db")).unwrap();
    }
}
