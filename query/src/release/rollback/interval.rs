//! When an artifact was live last, in an environment or on one of its targets.

use std::collections::{BTreeMap, HashMap};

use relbook_ledger::event::Body;
use relbook_ledger::time::Time;

use super::Case;
use crate::release::fact::{FactsError, Moment};
use crate::release::index::Key;

/// The last time during which an artifact was live somewhere.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Interval {
    pub(super) from: Time,
    pub(super) until: Option<Time>,
    /// The seqs that made and ended it.
    pub(super) evidence: Vec<u64>,
}

/// The last interval of every artifact.
#[derive(Debug, Default)]
pub(super) struct Intervals {
    last: HashMap<String, Interval>,
    /// What each artifact took the place of when it came last.
    before: HashMap<String, String>,
    /// Where each artifact is live, while the changes are taken.
    count: HashMap<String, usize>,
}

/// A change of what a target has: to an artifact, or to nothing.
type Change = (Moment, String, Option<String>, Vec<u64>);

impl Intervals {
    /// Takes the changes of an environment, or of one target of it.
    pub(super) fn of(case: &Case<'_>, target: Option<&str>) -> Result<Self, FactsError> {
        let (component, environment) = (&case.component.name, &case.environment.name);
        if case.component.is_published() {
            return Self::of_publishes(case);
        }
        let mut changes: Vec<Change> = Vec::new();
        for t in case.core.transitions(component, environment)?.iter() {
            let seqs = vec![t.start_seq, t.moment.seq];
            changes.push((t.moment, t.target.clone(), Some(t.to_digest.clone()), seqs));
        }
        let key = Key::Removals { component: component.clone(), environment: environment.clone() };
        for fact in case.core.facts().find(&key)? {
            if let Body::DeployRemoved(removed) = fact.body() {
                let target = removed.target.to_string();
                changes.push((fact.moment(), target, None, vec![fact.seq]));
            }
        }
        changes.retain(|(_, at, ..)| target.is_none_or(|target| at == target));
        changes.sort_by_key(|(moment, ..)| *moment);
        let (mut intervals, mut now) = (Self::default(), BTreeMap::new());
        for (moment, target, to, seqs) in changes {
            let from: Option<String> = now.remove(&target);
            if let Some(to) = to {
                if let Some(from) = &from {
                    intervals.before.insert(to.clone(), from.clone());
                }
                intervals.come(&to, moment.at, &seqs);
                now.insert(target, to);
            }
            if let Some(from) = from {
                intervals.go(&from, moment.at, &seqs);
            }
        }
        Ok(intervals)
    }

    /// A published version is offered from its publish to its yank.
    fn of_publishes(case: &Case<'_>) -> Result<Self, FactsError> {
        let mut intervals = Self::default();
        let key = Key::Publishes { component: case.component.name.clone() };
        let mut digests: HashMap<String, String> = HashMap::new();
        for fact in case.core.facts().find(&key)? {
            match fact.body() {
                Body::ReleasePublished(release) => {
                    let (version, digest) =
                        (release.version.to_string(), release.digest.to_string());
                    if digests.insert(version, digest.clone()).as_ref() != Some(&digest) {
                        intervals.come(&digest, fact.moment().at, &[fact.seq]);
                    }
                }
                Body::ReleaseYanked(yank) => {
                    if let Some(digest) = digests.remove(yank.version.as_str()) {
                        intervals.go(&digest, fact.moment().at, &[fact.seq]);
                    }
                }
                _ => {}
            }
        }
        Ok(intervals)
    }

    fn come(&mut self, digest: &str, at: Time, seqs: &[u64]) {
        let count = self.count.entry(digest.to_owned()).or_default();
        *count += 1;
        if *count > 1 {
            return;
        }
        let evidence = seqs.to_vec();
        let fresh = Interval { from: at, until: None, evidence };
        let interval = self.last.entry(digest.to_owned()).or_insert_with(|| fresh.clone());
        // It left one target as it came to the next: it never was away.
        if interval.until == Some(at) {
            interval.until = None;
        } else if interval.until.is_some() {
            *interval = fresh;
        }
    }

    fn go(&mut self, digest: &str, at: Time, seqs: &[u64]) {
        let count = self.count.entry(digest.to_owned()).or_default();
        *count = count.saturating_sub(1);
        if let (0, Some(interval)) = (*count, self.last.get_mut(digest)) {
            interval.until = Some(at);
            interval.evidence.extend_from_slice(seqs);
        }
    }

    /// Returns when an artifact was live last.
    pub(super) fn last(&self, digest: &str) -> Option<&Interval> {
        self.last.get(digest)
    }

    /// Returns what was live immediately before the latest transition to an artifact.
    pub(super) fn before(&self, digest: &str) -> Option<String> {
        self.before.get(digest).cloned()
    }
}
