//! Which targets are not on the intended version, and what was seen running (semantics C.2 N3).
//!
//! Intended is the newest production release that was not rolled back. What was observed never
//! overwrites what the deploys say (A.5): it is held against it.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use relbook_ledger::event::{Body, Reason};
use relbook_ledger::time::Time;

use super::fact::{Fact, FactsError, Moment};
use super::index::Key;
use super::{Component, Core, Environment, History, TargetState};

/// In which way a target is not as intended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[allow(missing_docs, reason = "the words are those of semantics C.2 N3")]
pub enum DriftKind {
    Straggler,
    Drift,
    Untracked,
    StaleObservation,
}

impl DriftKind {
    /// Returns the word that answers use.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Straggler => "straggler",
            Self::Drift => "drift",
            Self::Untracked => "untracked",
            Self::StaleObservation => "stale_observation",
        }
    }
}

/// A target that is not as intended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Drift {
    /// The target.
    pub target: String,
    /// In which way.
    pub kind: DriftKind,
    /// The intended artifact.
    pub intended: Option<String>,
    /// What the deploys left there.
    pub live: Option<String>,
    /// What was seen there last.
    pub observed: Option<String>,
    /// Since when.
    pub since: Option<Time>,
    /// The seqs that it rests on.
    pub evidence: Vec<u64>,
}

/// The artifact that an environment should have, since when, by which finish.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Intended {
    /// The artifact.
    pub digest: String,
    /// Since it is the intended one.
    pub since: Moment,
}

/// The artifact that was seen last on a target, and the first and last time it was seen since.
type Run = (String, Vec<Arc<Fact>>);

impl Core<'_> {
    /// Returns the targets of a component that are not as intended, as declared, then others.
    ///
    /// # Errors
    /// [`FactsError`] when the facts cannot be read.
    pub fn drift(
        &self,
        component: &Component,
        environment: &Environment,
    ) -> Result<Vec<Drift>, FactsError> {
        let (name, place) = (component.name.as_str(), environment.name.as_str());
        let intended = self.intended_release(name, place)?;
        let history = self.facts.history(name, place, Moment::END)?;
        let observed = self.last_observations(name, place)?;
        let mut targets: Vec<&str> = environment.targets.iter().map(String::as_str).collect();
        for other in history.targets.keys().chain(observed.keys()) {
            if !targets.contains(&other.as_str()) {
                targets.push(other);
            }
        }
        let nothing = TargetState::default();
        let mut rows = Vec::new();
        for target in targets {
            let state = history.targets.get(target).unwrap_or(&nothing);
            let row = |kind, since, evidence: Vec<u64>| Drift {
                target: target.to_owned(),
                kind,
                intended: intended.as_ref().map(|i| i.digest.clone()),
                live: state.stable.as_ref().map(|share| share.digest.clone()),
                observed: observed.get(target).map(|(digest, _)| digest.clone()),
                since,
                evidence,
            };
            let declared = environment.targets.iter().any(|known| known == target);
            let gone = || self.removal(name, place, target);
            rows.extend(
                straggler(intended.as_ref(), state, declared, gone)?
                    .map(|(since, evidence)| row(DriftKind::Straggler, Some(since), evidence)),
            );
            let Some((digest, run)) = observed.get(target) else { continue };
            let last = run.last().map(|fact| fact.moment()).unwrap_or_default();
            if self.as_deployed(&history, target, digest, last)? {
                continue;
            }
            let change = self.changed_after(last, name, place, target)?;
            let (kind, since) = match &change {
                Some(change) => (DriftKind::StaleObservation, Some(change.moment().at)),
                None if state.stable.is_none() => (DriftKind::Untracked, None),
                None => (DriftKind::Drift, None),
            };
            let since = since.or(run.first().map(|fact| fact.moment().at));
            let mut evidence: Vec<u64> = run.iter().chain(&change).map(|fact| fact.seq).collect();
            evidence.extend(state.stable.iter().flat_map(|s| [s.start_seq, s.seq]));
            rows.push(row(kind, since, evidence));
        }
        Ok(rows)
    }

    /// Returns the targets of which nobody knows what they run, as a deploy failed there and did
    /// not restore what was there before: target and deploy.
    ///
    /// # Errors
    /// [`FactsError`] when the facts cannot be read.
    pub fn indeterminate(
        &self,
        component: &Component,
        environment: &Environment,
    ) -> Result<Vec<(String, String)>, FactsError> {
        let history = self.facts.history(&component.name, &environment.name, Moment::END)?;
        let suspects = history.targets.iter().filter_map(|(target, state)| {
            Some((target.clone(), state.suspect.as_ref()?.deploy_id.clone()))
        });
        Ok(suspects.collect())
    }

    /// Returns the newest production release that was not rolled back. A rollback takes back
    /// every release after the one that it goes to; a later promotion brings a release back.
    ///
    /// # Errors
    /// [`FactsError`] when the facts cannot be read.
    pub fn intended_release(
        &self,
        component: &str,
        environment: &str,
    ) -> Result<Option<Intended>, FactsError> {
        let mut releases: Vec<(String, bool)> = Vec::new();
        let mut intended: Option<Intended> = None;
        let mut rollbacks: HashMap<String, bool> = HashMap::new();
        for t in self.transitions(component, environment)?.iter() {
            let place = match releases.iter().position(|(digest, _)| *digest == t.to_digest) {
                Some(place) => place,
                None => {
                    releases.push((t.to_digest.clone(), true));
                    releases.len() - 1
                }
            };
            if !rollbacks.contains_key(&t.deploy_id) {
                rollbacks.insert(t.deploy_id.clone(), self.is_rollback(&t.deploy_id)?);
            }
            releases[place].1 = true;
            if rollbacks.get(&t.deploy_id) == Some(&true) {
                releases[place + 1..].iter_mut().for_each(|(_, stands)| *stands = false);
            }
            let newest = releases.iter().rev().find(|(_, stands)| *stands);
            let digest = newest.map_or(&t.to_digest, |(digest, _)| digest);
            if intended.as_ref().is_none_or(|known| known.digest != *digest) {
                intended = Some(Intended { digest: digest.clone(), since: t.moment });
            }
        }
        Ok(intended)
    }

    fn is_rollback(&self, deploy_id: &str) -> Result<bool, FactsError> {
        let deploy = self.deploy(deploy_id)?;
        Ok(deploy.is_some_and(|deploy| {
            deploy.start.reason == Some(Reason::Rollback) || deploy.start.rollback_of.is_some()
        }))
    }

    /// Tells whether the deploys account for an artifact that was seen on a target: it is live
    /// there, or a deploy that was under way when it was seen may have put it there already.
    pub(super) fn as_deployed(
        &self,
        history: &History,
        target: &str,
        digest: &str,
        seen: Moment,
    ) -> Result<bool, FactsError> {
        if let Some(state) = history.targets.get(target) {
            let canary = state.live_canary().map(|canary| &canary.share);
            if state.stable.iter().chain(canary).any(|share| share.digest == digest) {
                return Ok(true);
            }
        }
        for (id, left) in &history.open {
            if left.iter().any(|open| open == target)
                && self.deploy(id)?.is_some_and(|deploy| {
                    *deploy.start.digest == *digest && deploy.started() < seen
                })
            {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Returns the last finish on a target, or removal from it, after a moment: what was seen
    /// before it says nothing of what is there now.
    fn changed_after(
        &self,
        after: Moment,
        component: &str,
        environment: &str,
        target: &str,
    ) -> Result<Option<Arc<Fact>>, FactsError> {
        let key =
            Key::Live { component: component.to_owned(), environment: environment.to_owned() };
        let mut found = None;
        self.facts.newest(&key, &mut |fact| {
            if fact.moment() < after {
                return false;
            }
            let here = match fact.body() {
                Body::DeployFinished(finish) => *finish.target == *target,
                Body::DeployRemoved(removed) => *removed.target == *target,
                _ => false,
            };
            if here {
                found = Some(Arc::clone(fact));
            }
            !here
        })?;
        Ok(found)
    }

    /// Returns the last removal of a component from a target.
    fn removal(
        &self,
        component: &str,
        environment: &str,
        target: &str,
    ) -> Result<Option<Arc<Fact>>, FactsError> {
        let removals = self.facts.find(&Key::Removals {
            component: component.to_owned(),
            environment: environment.to_owned(),
        })?;
        let here = |fact: &&Arc<Fact>| matches!(fact.body(), Body::DeployRemoved(r) if *r.target == *target);
        Ok(removals.iter().rev().find(here).cloned())
    }

    /// Returns what was seen last on each target, with the observations that saw it since.
    fn last_observations(
        &self,
        component: &str,
        environment: &str,
    ) -> Result<BTreeMap<String, Run>, FactsError> {
        let key = Key::Observations {
            component: component.to_owned(),
            environment: environment.to_owned(),
        };
        let mut last: BTreeMap<String, Run> = BTreeMap::new();
        for fact in self.facts.find(&key)? {
            let Body::RuntimeObserved(seen) = fact.body() else { continue };
            let run = last.entry(seen.target.to_string()).or_default();
            if run.0 != *seen.digest {
                *run = (seen.digest.to_string(), Vec::new());
            }
            // The first and the last observation of a run say all that is needed.
            run.1.truncate(1);
            run.1.push(fact);
        }
        Ok(last)
    }
}

fn straggler(
    intended: Option<&Intended>,
    state: &TargetState,
    declared: bool,
    gone: impl FnOnce() -> Result<Option<Arc<Fact>>, FactsError>,
) -> Result<Option<(Time, Vec<u64>)>, FactsError> {
    let Some(intended) = intended else { return Ok(None) };
    if !declared && state.stable.is_none() {
        return Ok(None);
    }
    Ok(match &state.stable {
        Some(share) if share.digest == intended.digest => None,
        Some(share) => {
            let since = share.since.max(intended.since.at);
            Some((since, vec![share.start_seq, share.seq, intended.since.seq]))
        }
        None => {
            let gone = gone()?;
            let since = gone.iter().map(|fact| fact.moment().at).fold(intended.since.at, Time::max);
            let seqs = gone.iter().map(|fact| fact.seq).chain([intended.since.seq]);
            Some((since, seqs.collect()))
        }
    })
}
