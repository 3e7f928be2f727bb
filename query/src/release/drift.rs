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
use super::{Component, Core, Environment, TargetState};

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
            rows.extend(
                straggler(intended.as_ref(), state, declared)
                    .map(|(since, evidence)| row(DriftKind::Straggler, Some(since), evidence)),
            );
            if let Some((digest, run)) = observed.get(target)
                && let Some(kind) = seen(state, digest, run)
            {
                let mut evidence: Vec<u64> = run.iter().map(|fact| fact.seq).collect();
                evidence.extend(state.stable.iter().flat_map(|s| [s.start_seq, s.seq]));
                let since = match kind {
                    DriftKind::StaleObservation => state.stable.as_ref().map(|share| share.since),
                    _ => run.first().map(|fact| fact.moment().at),
                };
                rows.push(row(kind, since, evidence));
            }
        }
        Ok(rows)
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
) -> Option<(Time, Vec<u64>)> {
    let intended = intended?;
    if !declared && state.stable.is_none() {
        return None;
    }
    match &state.stable {
        Some(share) if share.digest == intended.digest => None,
        Some(share) => {
            let since = share.since.max(intended.since.at);
            Some((since, vec![share.start_seq, share.seq, intended.since.seq]))
        }
        None => Some((intended.since.at, vec![intended.since.seq])),
    }
}

/// Judges what was seen last on a target.
fn seen(state: &TargetState, digest: &str, run: &[Arc<Fact>]) -> Option<DriftKind> {
    let canary = state.live_canary();
    let Some(stable) = &state.stable else {
        let known = canary.is_some_and(|canary| canary.share.digest == digest);
        return (!known).then_some(DriftKind::Untracked);
    };
    let live = stable.digest == digest || canary.is_some_and(|c| c.share.digest == digest);
    let last = run.last()?.moment();
    if live {
        None
    } else if last.at < stable.since {
        Some(DriftKind::StaleObservation)
    } else {
        Some(DriftKind::Drift)
    }
}
