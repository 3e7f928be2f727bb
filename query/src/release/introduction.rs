//! Production releases: the first time that an environment got an artifact (semantics A.6).

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

use relbook_ledger::event::Body;
use relbook_ledger::time::Time;
use relbook_ledger::version::ChangeClass;

use super::Core;
use super::artifact::Origin;
use super::fact::{Fact, FactsError, Moment};
use super::index::Key;
use super::live::Transition;
use super::product::{Component, Environment};

/// A production release: the first transition to a digest in an environment.
#[derive(Debug, Clone, PartialEq)]
pub struct Introduction {
    /// 1 is the oldest.
    pub n: usize,
    /// The artifact.
    pub digest: String,
    /// What the builds say of it.
    pub origin: Option<Origin>,
    /// The first transition.
    pub first: Transition,
    /// When every declared target had it at once for the first time.
    pub fully_live_at: Option<Time>,
    /// The class of the step from the release before.
    pub bump: Option<ChangeClass>,
    /// The seqs that the row rests on.
    pub evidence: Vec<u64>,
}

impl Introduction {
    /// Returns the version, where a build names one.
    pub fn version(&self) -> Option<&str> {
        self.origin.as_ref().map(|origin| origin.version.as_str())
    }

    /// Returns when the first target had it.
    pub fn first_live_at(&self) -> Time {
        self.first.moment.at
    }
}

impl Core<'_> {
    /// Returns the `newest` production releases of a component in an environment, oldest first.
    ///
    /// # Errors
    /// [`FactsError`] when the facts cannot be read.
    pub fn introductions(
        &self,
        component: &Component,
        environment: &Environment,
        newest: usize,
    ) -> Result<Vec<Introduction>, FactsError> {
        let transitions = self.transitions(&component.name, &environment.name)?;
        let mut seen = HashSet::new();
        let firsts: Vec<&Transition> =
            transitions.iter().filter(|t| seen.insert(t.to_digest.as_str())).collect();
        let removals = self.facts.find(&Key::Removals {
            component: component.name.clone(),
            environment: environment.name.clone(),
        })?;
        let mut fully = fully_live(&transitions, &removals, &environment.targets);
        let mut releases: Vec<Introduction> = Vec::new();
        // One more than asked for: the step into the first of them needs the one before.
        let skip = firsts.len().saturating_sub(newest.saturating_add(1));
        for (i, first) in firsts.iter().enumerate().skip(skip) {
            let origin =
                self.origin(&component.name, &first.to_digest, first.to_version.as_deref())?;
            let before = releases.last().map(Introduction::version);
            let bump = match (before, &origin) {
                // Nothing was live before it, whatever its version.
                (None, _) => Some(ChangeClass::Initial),
                (Some(before), Some(origin)) => before.and_then(|before| {
                    component.change_class(Some(before), &origin.version, false)
                }),
                (Some(_), None) => None,
            };
            let mut evidence = vec![first.start_seq, first.moment.seq];
            evidence.extend(origin.iter().map(|origin| origin.seq));
            releases.push(Introduction {
                n: i + 1,
                digest: first.to_digest.clone(),
                fully_live_at: fully.remove(&first.to_digest),
                origin,
                first: (*first).clone(),
                bump,
                evidence,
            });
        }
        Ok(releases.split_off(releases.len().saturating_sub(newest)))
    }

    /// Returns the digest that was live on a target before `until` and is not `digest`.
    ///
    /// # Errors
    /// [`FactsError`] when the facts cannot be read.
    pub fn live_before(
        &self,
        component: &str,
        environment: &str,
        target: &str,
        digest: &str,
        until: Moment,
    ) -> Result<Option<String>, FactsError> {
        let transitions = self.transitions(component, environment)?;
        let before = transitions.iter().rev().filter(|t| t.target == target && t.moment < until);
        Ok(before.map(|t| t.to_digest.clone()).find(|live| live != digest))
    }
}

/// Returns, per digest, the first moment at which every declared target had it at once.
fn fully_live(
    transitions: &[Transition],
    removals: &[Arc<Fact>],
    declared: &[String],
) -> BTreeMap<String, Time> {
    let mut fully = BTreeMap::new();
    let mut now: BTreeMap<&str, &str> = BTreeMap::new();
    let mut removals = removals.iter().peekable();
    for transition in transitions {
        while let Some(removal) = removals.next_if(|fact| fact.moment() < transition.moment) {
            if let Body::DeployRemoved(removed) = removal.body() {
                now.remove(removed.target.as_str());
            }
        }
        now.insert(&transition.target, &transition.to_digest);
        let everywhere = !declared.is_empty()
            && declared.iter().all(|t| now.get(t.as_str()) == Some(&transition.to_digest.as_str()));
        if everywhere {
            fully.entry(transition.to_digest.clone()).or_insert(transition.moment.at);
        }
    }
    fully
}
