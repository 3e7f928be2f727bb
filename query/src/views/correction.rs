//! Which events the corrections of a view take out (semantics A.2 rule 5).
//!
//! A correction is an event like any other: one that is itself corrected takes nothing out. It
//! can name an earlier event only, so one pass from the last correction to the first settles all.

use std::cell::RefCell;
use std::collections::HashSet;
use std::sync::Arc;

use relbook_ledger::time::Time;

use crate::release::{Lens, Moment};

/// A correction: what it takes out, and since when a view includes it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Correction {
    pub(super) target: u64,
    pub(super) moment: Moment,
}

/// The corrections of a book, in the order of the log.
#[derive(Debug, Default)]
pub(super) struct Corrections {
    all: Vec<Correction>,
    last_at: Option<Time>,
    /// What all of them together take out; made when first asked for.
    hidden: RefCell<Option<Arc<HashSet<u64>>>>,
}

impl Corrections {
    /// Adds the next correction of the log.
    pub(super) fn push(&mut self, correction: Correction) {
        self.last_at = self.last_at.max(Some(correction.moment.at));
        self.all.push(correction);
        *self.hidden.borrow_mut() = None;
    }

    /// Tells whether a view that looks from `as_of` has all of them, as far as time goes.
    pub(super) fn are_before(&self, as_of: Time) -> bool {
        self.last_at.is_none_or(|last| last <= as_of)
    }

    /// Returns the seqs of the events that a view does not show.
    pub(super) fn hidden(&self, lens: Lens) -> Arc<HashSet<u64>> {
        let last = self.all.last().map_or(0, |correction| correction.moment.seq);
        if !self.are_before(lens.as_of) || last > lens.as_known {
            let included =
                |c: &Correction| c.moment.at <= lens.as_of && c.moment.seq <= lens.as_known;
            return Arc::new(hidden(self.all.iter().copied().filter(included)));
        }
        let mut kept = self.hidden.borrow_mut();
        Arc::clone(kept.get_or_insert_with(|| Arc::new(hidden(self.all.iter().copied()))))
    }
}

fn hidden(included: impl DoubleEndedIterator<Item = Correction>) -> HashSet<u64> {
    let mut hidden = HashSet::new();
    for correction in included.rev() {
        if !hidden.contains(&correction.moment.seq) {
            hidden.insert(correction.target);
        }
    }
    hidden
}
