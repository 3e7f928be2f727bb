//! A fact is an admitted event with its place in the log; `Facts` finds them by key.
//!
//! The core never scans the log: it asks for the facts under a key (`index.rs`), and whoever
//! implements [`Facts`] keeps that look-up short. Everything that comes out is visible under one
//! [`Lens`]: not later than `as_of`, not beyond `as_known`, and not corrected in that view (A.2).

use std::sync::Arc;

use relbook_ledger::event::{Body, Event};
use relbook_ledger::key::KeyId;
use relbook_ledger::time::Time;

use super::Lens;
use super::index::Key;
use super::live::{History, Transition};

/// A place in effective order: when it is claimed to have happened, then its seq (A.2 rule 1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Moment {
    /// The author's claim.
    pub at: Time,
    /// The place in the log.
    pub seq: u64,
}

impl Moment {
    /// After everything.
    pub const END: Self = Self { at: Time::MAX, seq: u64::MAX };

    /// Tells whether this came before `action` on both clocks: the stricter order that evidence
    /// must keep (A.2 rule 3).
    pub fn supports(self, action: Self) -> bool {
        self.at <= action.at && self.seq < action.seq
    }
}

/// An admitted event with its place in the log.
#[derive(Debug, Clone, PartialEq)]
pub struct Fact {
    /// The place in the log.
    pub seq: u64,
    /// The ledger's clock when it was appended.
    pub recorded_at: Time,
    /// Who signed it.
    pub principal: String,
    /// The key that signed it.
    pub key_id: KeyId,
    /// BLAKE3 of the signed body.
    pub body_digest: [u8; 32],
    /// What it says.
    pub event: Event,
}

impl Fact {
    /// Returns its place in effective order.
    pub fn moment(&self) -> Moment {
        Moment { at: self.event.header.occurred_at, seq: self.seq }
    }

    /// Returns how long after it is claimed to have happened the ledger got it, in seconds.
    pub fn lag_seconds(&self) -> i64 {
        self.recorded_at.micros_since(self.event.header.occurred_at) / 1_000_000
    }

    /// Returns the fields of its kind.
    pub fn body(&self) -> &Body {
        &self.event.body
    }
}

/// Says that facts could not be read: the book or its views failed, not the question.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{message}")]
pub struct FactsError {
    /// What failed.
    pub message: String,
}

impl FactsError {
    /// Wraps what an implementation met.
    pub fn new(error: impl std::fmt::Display) -> Self {
        Self { message: error.to_string() }
    }
}

/// What the core reads.
pub trait Facts {
    /// The two clocks of the view.
    fn lens(&self) -> Lens;

    /// Returns the facts under a key, oldest first in effective order.
    ///
    /// # Errors
    /// [`FactsError`] when they cannot be read.
    fn find(&self, key: &Key) -> Result<Vec<Arc<Fact>>, FactsError>;

    /// Returns the facts under a key one by one, newest first, as long as `take` says so.
    ///
    /// # Errors
    /// [`FactsError`] when they cannot be read.
    fn newest(
        &self,
        key: &Key,
        take: &mut dyn FnMut(&Arc<Fact>) -> bool,
    ) -> Result<(), FactsError> {
        for fact in self.find(key)?.iter().rev() {
            if !take(fact) {
                break;
            }
        }
        Ok(())
    }

    /// Returns the facts under a key one by one, oldest first, from a moment on (included), as
    /// long as `take` says so.
    ///
    /// # Errors
    /// [`FactsError`] when they cannot be read.
    fn oldest(
        &self,
        key: &Key,
        from: Moment,
        take: &mut dyn FnMut(&Arc<Fact>) -> bool,
    ) -> Result<(), FactsError> {
        for fact in self.find(key)?.iter().filter(|fact| fact.moment() >= from) {
            if !take(fact) {
                break;
            }
        }
        Ok(())
    }

    /// Returns the seq of the last event that the ledger had at a time of its own clock.
    ///
    /// # Errors
    /// [`FactsError`] when the log cannot be read.
    fn known_at(&self, recorded: Time) -> Result<u64, FactsError>;

    /// Returns the same facts as another view shows them.
    fn view_at(&self, lens: Lens) -> Box<dyn Facts + '_>;

    /// Returns the fact with a seq, when the view shows it.
    ///
    /// # Errors
    /// [`FactsError`] when it cannot be read.
    fn fact(&self, seq: u64) -> Result<Option<Arc<Fact>>, FactsError>;

    /// Returns the topological level of a commit: higher than that of each known parent.
    ///
    /// # Errors
    /// [`FactsError`] when it cannot be read.
    fn commit_level(&self, commit: &str) -> Result<u64, FactsError>;

    /// Returns what is live of a component in an environment at `until` (A.5).
    ///
    /// # Errors
    /// [`FactsError`] when it cannot be read.
    fn history(
        &self,
        component: &str,
        environment: &str,
        until: Moment,
    ) -> Result<History, FactsError>;

    /// Returns the transitions of a component in an environment, oldest first (A.6).
    ///
    /// # Errors
    /// [`FactsError`] when they cannot be read.
    fn transitions(
        &self,
        component: &str,
        environment: &str,
    ) -> Result<Vec<Transition>, FactsError>;

    /// Returns all registered components, environments and policies of the view.
    ///
    /// # Errors
    /// [`FactsError`] when they cannot be read.
    fn latest(&self, key: &Key) -> Result<Option<Arc<Fact>>, FactsError> {
        let mut latest = None;
        self.newest(key, &mut |fact| {
            latest = Some(Arc::clone(fact));
            false
        })?;
        Ok(latest)
    }
}
