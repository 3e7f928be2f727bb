//! When an artifact was live on which target (semantics A.5, C.2 N1 and N5).
//!
//! Stable intervals are read from the kept transitions. A canary is found by folding from its
//! first step until it is gone, which is a short walk however long the history is.

use std::collections::BTreeMap;
use std::sync::Arc;

use relbook_ledger::event::Body;

use super::fact::{Fact, FactsError, Moment};
use super::index::Key;
use super::{Core, History, Replay, Role, Transition};

/// A time during which a target served an artifact.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Interval {
    /// Where.
    pub target: String,
    /// As what.
    pub role: Role,
    /// The highest part of the traffic that it had, in percent.
    pub weight: u8,
    /// Since when, and by which event.
    pub from: Moment,
    /// Until when; absent while it is live.
    pub until: Option<Moment>,
    /// The artifact that took the target over, where one did.
    pub next: Option<String>,
    /// The seqs that it rests on.
    pub evidence: Vec<u64>,
}

impl Core<'_> {
    /// Returns when an artifact was live, by start and target.
    ///
    /// # Errors
    /// [`FactsError`] when the facts cannot be read.
    pub fn live_intervals(
        &self,
        component: &str,
        environment: &str,
        digest: &str,
    ) -> Result<Vec<Interval>, FactsError> {
        let mut intervals: Vec<Interval> = self
            .stable_intervals(component, environment)?
            .into_iter()
            .filter(|(held, _)| held == digest)
            .map(|(_, interval)| interval)
            .collect();
        intervals.extend(self.canary_intervals(component, environment, digest)?);
        intervals.sort_by(|a, b| (a.from, &a.target, a.role).cmp(&(b.from, &b.target, b.role)));
        Ok(intervals)
    }

    /// Returns what was stable where and when, with the artifact, by start.
    ///
    /// # Errors
    /// [`FactsError`] when the facts cannot be read.
    pub fn stable_intervals(
        &self,
        component: &str,
        environment: &str,
    ) -> Result<Vec<(String, Interval)>, FactsError> {
        let removals = self.facts.find(&Key::Removals {
            component: component.to_owned(),
            environment: environment.to_owned(),
        })?;
        let transitions = self.transitions(component, environment)?;
        let mut intervals: Vec<(String, Interval)> = Vec::new();
        let mut open: BTreeMap<&str, usize> = BTreeMap::new();
        let mut removals = removals.iter().peekable();
        for transition in transitions.iter() {
            while let Some(removal) = removals.next_if(|r| r.moment() < transition.moment) {
                close(&mut intervals, &mut open, removal);
            }
            let target = transition.target.as_str();
            if let Some(before) = open.insert(target, intervals.len()) {
                let ended = &mut intervals[before].1;
                ended.until = Some(transition.moment);
                ended.next = Some(transition.to_digest.clone());
                ended.evidence.push(transition.moment.seq);
            }
            intervals.push((transition.to_digest.clone(), begun(transition)));
        }
        removals.for_each(|removal| close(&mut intervals, &mut open, removal));
        Ok(intervals)
    }

    /// Returns when an artifact was a canary, by first step.
    pub(super) fn canary_intervals(
        &self,
        component: &str,
        environment: &str,
        digest: &str,
    ) -> Result<Vec<Interval>, FactsError> {
        let mut firsts: Vec<Moment> = Vec::new();
        for deploy in self.deploys_of_digest(component, digest)? {
            if *deploy.start.environment == *environment {
                let steps = deploy.events.iter();
                let given =
                    |f: &&Arc<Fact>| matches!(f.body(), Body::DeployProgressed(p) if p.weight > 0);
                firsts.extend(steps.filter(given).map(|fact| fact.moment()).min());
            }
        }
        firsts.sort_unstable();
        let (mut intervals, mut walked) = (Vec::new(), None);
        for first in firsts {
            if walked.is_none_or(|walked| walked < first) {
                let last = self.follow((component, environment), digest, first, &mut intervals)?;
                walked = Some(last);
            }
        }
        Ok(intervals)
    }

    /// Folds from a step on until no target has the artifact as canary; returns how far.
    fn follow(
        &self,
        (component, environment): (&str, &str),
        digest: &str,
        first: Moment,
        intervals: &mut Vec<Interval>,
    ) -> Result<Moment, FactsError> {
        let mut history = self.facts.history(component, environment, first)?;
        let mut replay = Replay::new(self.facts, component, environment);
        let mut open: BTreeMap<String, Interval> = BTreeMap::new();
        let (mut last, mut failed) = (first, None);
        let key =
            Key::Live { component: component.to_owned(), environment: environment.to_owned() };
        self.facts.oldest(&key, first, &mut |fact| {
            last = fact.moment();
            if let Err(error) = replay.take(&mut history, fact) {
                failed = Some(error);
                return false;
            }
            step(&history, digest, fact, &mut open, intervals);
            !open.is_empty()
        })?;
        intervals.extend(open.into_values());
        failed.map_or(Ok(last), Err)
    }
}

fn begun(transition: &Transition) -> Interval {
    Interval {
        target: transition.target.clone(),
        role: Role::Stable,
        weight: 100,
        from: transition.moment,
        until: None,
        next: None,
        evidence: vec![transition.start_seq, transition.moment.seq],
    }
}

fn close(
    intervals: &mut [(String, Interval)],
    open: &mut BTreeMap<&str, usize>,
    removal: &Arc<Fact>,
) {
    let Body::DeployRemoved(removed) = removal.body() else { return };
    if let Some(at) = open.remove(removed.target.as_str()) {
        intervals[at].1.until = Some(removal.moment());
        intervals[at].1.evidence.push(removal.seq);
    }
}

/// Notes which targets have the artifact as canary after a step of the fold.
fn step(
    history: &History,
    digest: &str,
    fact: &Fact,
    open: &mut BTreeMap<String, Interval>,
    intervals: &mut Vec<Interval>,
) {
    for (target, state) in &history.targets {
        let canary = state.live_canary().filter(|canary| canary.share.digest == digest);
        match (canary, open.get_mut(target)) {
            (Some(canary), Some(interval)) => interval.weight = interval.weight.max(canary.weight),
            (Some(canary), None) => {
                let interval = Interval {
                    target: target.clone(),
                    role: Role::Canary,
                    weight: canary.weight,
                    from: fact.moment(),
                    until: None,
                    next: None,
                    evidence: vec![canary.share.start_seq, fact.seq],
                };
                open.insert(target.clone(), interval);
            }
            (None, Some(_)) => {
                if let Some(mut interval) = open.remove(target) {
                    interval.until = Some(fact.moment());
                    interval.next = state.stable.as_ref().map(|share| share.digest.clone());
                    interval.evidence.push(fact.seq);
                    intervals.push(interval);
                }
            }
            (None, None) => {}
        }
    }
}
