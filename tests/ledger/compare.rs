//! Comparing copies: events are hashed again, so that no copy is called the same for its checkpoint.

use relbook_ledger::store::{CompareError, Comparison, Ledger, compare};

use crate::attack::Attack;
use crate::scratch::*;

#[test]
fn a_copy_whose_events_are_not_those_of_its_checkpoint_is_not_the_same() {
    let (kept, changed) = (tempfile::tempdir().unwrap(), Scratch::new().furnished());
    let changed = changed.with_commits(&[3, 2, 1]);
    let copy = kept.path().join("book");
    std::fs::create_dir(&copy).unwrap();
    for file in ["ledger.db", "pin"] {
        std::fs::copy(changed.paths().dir().join(file), copy.join(file)).unwrap();
    }
    let kept = Ledger::open(&copy).unwrap();
    let compared = || compare(&kept, &changed.ledger(), &|_, _| {});
    assert_eq!(compared().unwrap(), Comparison::Prefix, "the control");
    let attack = Attack::on(&changed);
    attack.change(6, |entry| entry.signature[63] ^= 1);
    attack.cover_tracks();
    let damaged = compared().unwrap_err();
    let dir = changed.paths().dir().display().to_string();
    match damaged {
        CompareError::Damaged { dir: named, .. } => assert_eq!(named, dir),
        other => panic!("{other}"),
    }
}
