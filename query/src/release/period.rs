//! A half-open period of claimed time, and the lists that it cuts out (contract section 3).

use std::sync::Arc;

use relbook_ledger::time::Time;

use super::fact::{Fact, FactsError, Moment};
use super::index::Key;
use super::{Core, Deploy};

/// From one time (included) to another (not included); open where an end is absent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Period {
    /// The first instant of it.
    pub from: Option<Time>,
    /// The first instant after it.
    pub to: Option<Time>,
}

impl Period {
    /// All of time.
    pub const ALL: Self = Self { from: None, to: None };

    /// Tells whether an instant lies in it.
    pub fn contains(&self, at: Time) -> bool {
        self.from.is_none_or(|from| from <= at) && self.to.is_none_or(|to| at < to)
    }

    /// Returns the place at which it begins.
    pub fn start(&self) -> Moment {
        Moment { at: self.from.unwrap_or(Time::from_micros(i64::MIN)), seq: 0 }
    }

    /// Tells whether an instant lies after it.
    pub fn is_before(&self, at: Time) -> bool {
        self.to.is_some_and(|to| to <= at)
    }
}

impl Core<'_> {
    /// Returns the facts under a key that are claimed to have happened in a period.
    ///
    /// # Errors
    /// [`FactsError`] when the facts cannot be read.
    pub fn within(&self, key: &Key, period: Period) -> Result<Vec<Arc<Fact>>, FactsError> {
        let mut facts = Vec::new();
        self.facts.oldest(key, period.start(), &mut |fact| {
            if period.is_before(fact.moment().at) {
                return false;
            }
            facts.push(Arc::clone(fact));
            true
        })?;
        Ok(facts)
    }

    /// Returns the production-stage deploys of a component that started in a period.
    ///
    /// # Errors
    /// [`FactsError`] when the facts cannot be read.
    pub fn production_deploys(
        &self,
        component: &str,
        period: Period,
    ) -> Result<Vec<Deploy>, FactsError> {
        let key = Key::ProductionStarts { component: component.to_owned() };
        self.deploys_of(&self.within(&key, period)?)
    }
}
