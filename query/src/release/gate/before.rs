//! The events that may be evidence for a deploy: before it on both clocks (semantics A.2 rule 3).
//!
//! A core over [`Before`] cannot see anything else, so no predicate of a gate has to remember the
//! rule. The registry counts by log order, as it does for admission: a component that was
//! registered late in a claimed history is registered all the same.

use std::sync::Arc;

use relbook_ledger::time::Time;

use crate::release::{
    Core, Fact, Facts, FactsError, History, Key, Lens, Moment, Transition, replay,
};

/// The facts of a view that came before a moment on both clocks.
pub(in crate::release) struct Before<'a> {
    pub(in crate::release) outer: &'a Core<'a>,
    pub(in crate::release) at: Moment,
}

/// The order in which what changes the live state of one place arrived: finds out quickly whether
/// something that is claimed to be earlier came later.
#[derive(Debug, Default)]
pub(in crate::release) struct Arrivals {
    /// By seq: the earliest claimed time from here on.
    earliest: Vec<(u64, Time)>,
}

impl Arrivals {
    fn new(facts: &[Arc<Fact>]) -> Self {
        let mut earliest: Vec<(u64, Time)> =
            facts.iter().map(|fact| (fact.seq, fact.moment().at)).collect();
        earliest.sort_unstable();
        let mut so_far = Time::MAX;
        for (_, at) in earliest.iter_mut().rev() {
            so_far = so_far.min(*at);
            *at = so_far;
        }
        Self { earliest }
    }

    /// Tells whether something arrived after a moment that is claimed to be earlier.
    fn late_for(&self, moment: Moment) -> bool {
        let next = self.earliest.partition_point(|(seq, _)| *seq <= moment.seq);
        self.earliest.get(next).is_some_and(|(_, at)| *at < moment.at)
    }
}

impl Before<'_> {
    fn shows(&self, key: &Key, fact: &Fact) -> bool {
        match key {
            Key::Components {} | Key::Environments {} | Key::Policies {} => fact.seq < self.at.seq,
            _ => fact.moment().supports(self.at),
        }
    }

    fn arrivals(&self, component: &str, environment: &str) -> Result<Arc<Arrivals>, FactsError> {
        let place = (component.to_owned(), environment.to_owned());
        if let Some(known) = self.outer.cache.borrow().arrivals.get(&place) {
            return Ok(Arc::clone(known));
        }
        let (component, environment) = place.clone();
        let facts = self.outer.facts.find(&Key::Live { component, environment })?;
        let arrivals = Arc::new(Arrivals::new(&facts));
        self.outer.cache.borrow_mut().arrivals.insert(place, Arc::clone(&arrivals));
        Ok(arrivals)
    }
}

impl Facts for Before<'_> {
    fn lens(&self) -> Lens {
        let Lens { as_of, as_known } = self.outer.facts.lens();
        Lens { as_of: as_of.min(self.at.at), as_known: as_known.min(self.at.seq.saturating_sub(1)) }
    }

    fn find(&self, key: &Key) -> Result<Vec<Arc<Fact>>, FactsError> {
        let mut facts = self.outer.facts.find(key)?;
        facts.retain(|fact| self.shows(key, fact));
        Ok(facts)
    }

    fn newest(
        &self,
        key: &Key,
        take: &mut dyn FnMut(&Arc<Fact>) -> bool,
    ) -> Result<(), FactsError> {
        self.outer.facts.newest(key, &mut |fact| !self.shows(key, fact) || take(fact))
    }

    fn fact(&self, seq: u64) -> Result<Option<Arc<Fact>>, FactsError> {
        Ok(self.outer.facts.fact(seq)?.filter(|fact| fact.seq < self.at.seq))
    }

    fn known_at(&self, recorded: Time) -> Result<u64, FactsError> {
        Ok(self.outer.facts.known_at(recorded)?.min(self.lens().as_known))
    }

    fn view_at(&self, lens: Lens) -> Box<dyn Facts + '_> {
        self.outer.facts.view_at(lens)
    }

    fn commit_level(&self, commit: &str) -> Result<u64, FactsError> {
        self.outer.facts.commit_level(commit)
    }

    fn history(
        &self,
        component: &str,
        environment: &str,
        until: Moment,
    ) -> Result<History, FactsError> {
        let until = until.min(self.at);
        if self.arrivals(component, environment)?.late_for(self.at) {
            return Ok(replay(self, component, environment, until)?.0);
        }
        self.outer.facts.history(component, environment, until)
    }

    fn transitions(
        &self,
        component: &str,
        environment: &str,
    ) -> Result<Vec<Transition>, FactsError> {
        Ok(replay(self, component, environment, Moment::END)?.1)
    }
}
