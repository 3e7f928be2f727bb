//! Where one can roll back to: the versions below what is live, and why one of them may not be
//! gone back to (semantics A.7).
//!
//! An environment whose targets differ, or of which one is indeterminate, has no one version to
//! go back from: it gets a block for each target. Every reason that holds is given.

mod candidate;
mod interval;
mod reason;

use std::sync::Arc;

use relbook_ledger::version::Version;

pub use candidate::Candidate;

use super::compat::Compatibility;
use super::current::{Current, State};
use super::fact::{FactsError, Moment};
use super::live::{History, Share};
use super::product::{Component, Environment};
use super::{Core, PolicyInForce};
use interval::Intervals;

/// What one may go back to from one version: of the environment, or of one target.
#[derive(Debug, Clone, PartialEq)]
pub struct Block {
    /// The target, where the targets differ.
    pub target: Option<String>,
    /// What one goes back from; on an indeterminate target, what the failed deploy may have left.
    pub version: Option<String>,
    /// Its artifact.
    pub digest: Option<String>,
    /// The highest version of the same line below it, whether one may go back to it or not.
    pub semantic_previous: Option<String>,
    /// What was live immediately before it.
    pub temporal_previous: Option<String>,
    /// What one may go back to, by rank.
    pub candidates: Vec<Candidate>,
}

impl Block {
    /// Returns the candidate to take.
    pub fn recommended(&self) -> Option<&Candidate> {
        self.candidates.iter().find(|candidate| candidate.recommended)
    }
}

/// Where a component can be rolled back to.
#[derive(Debug, Clone, PartialEq)]
pub struct Rollback {
    /// What is current.
    pub current: Current,
    /// One block, or one for each target.
    pub blocks: Vec<Block>,
}

/// What a block starts from.
struct Base<'a> {
    target: Option<&'a str>,
    targets: Vec<String>,
    digest: String,
    text: Option<String>,
    version: Option<Version>,
    /// What is live while a failed deploy left this in doubt.
    last_good: Option<String>,
}

/// Target and base of each block; no base where nothing is live.
type Bases<'a> = Vec<(Option<String>, Option<Base<'a>>)>;

/// What the reasons of all candidates are read from.
struct Case<'a> {
    core: &'a Core<'a>,
    component: Arc<Component>,
    environment: &'a Environment,
    current: &'a Current,
    history: History,
    policy: PolicyInForce,
    compatibility: Option<Compatibility>,
}

impl Core<'_> {
    /// Returns where a component can be rolled back to; with `any`, builds off the line of what is
    /// live are listed too.
    ///
    /// # Errors
    /// [`FactsError`] when the facts cannot be read.
    pub fn rollback(
        &self,
        component: &Arc<Component>,
        environment: &Environment,
        any: bool,
    ) -> Result<Rollback, FactsError> {
        let current = self.current(component, environment)?;
        let history = match component.is_published() {
            true => History::default(),
            false => self.facts.history(&component.name, &environment.name, Moment::END)?,
        };
        let case = Case {
            core: self,
            component: Arc::clone(component),
            environment,
            current: &current,
            history,
            policy: self.policy_at(u64::MAX)?,
            compatibility: self.compatibility(environment)?,
        };
        let mut blocks = Vec::new();
        for base in case.bases()? {
            blocks.push(match base {
                (target, None) => Block { target, ..NOWHERE },
                (target, Some(base)) => Block { target, ..case.block(&base, any)? },
            });
        }
        Ok(Rollback { blocks, current })
    }
}

const NOWHERE: Block = Block {
    target: None,
    version: None,
    digest: None,
    semantic_previous: None,
    temporal_previous: None,
    candidates: Vec::new(),
};

impl<'a> Case<'a> {
    /// Returns what is gone back from: once for the environment, or target by target.
    fn bases(&'a self) -> Result<Bases<'a>, FactsError> {
        let current = self.current;
        match current.state {
            State::None | State::AllYanked => Ok(vec![(None, None)]),
            State::Live | State::Canary | State::Published => {
                let digest = current.digest.clone().unwrap_or_default();
                let targets = match self.environment.targets.is_empty() {
                    true => current.targets.clone(),
                    false => self.environment.targets.clone(),
                };
                let base = self.base(None, targets, digest, current.version.clone(), None)?;
                Ok(vec![(None, Some(base))])
            }
            State::Mixed | State::Indeterminate => {
                let mut bases = Vec::new();
                for target in &current.targets {
                    let state = self.history.targets.get(target);
                    let stable = state.and_then(|state| state.stable.as_ref());
                    let suspect = state.and_then(|state| state.suspect.as_ref());
                    let base = match suspect.or(stable) {
                        Some(share) => Some(self.base_of(target, share, stable)?),
                        None => None,
                    };
                    bases.push((Some(target.clone()), base));
                }
                Ok(bases)
            }
        }
    }

    fn base_of(
        &self,
        target: &'a str,
        share: &Share,
        stable: Option<&Share>,
    ) -> Result<Base<'a>, FactsError> {
        let last_good = stable.filter(|stable| stable.digest != share.digest);
        let last_good = match last_good {
            Some(stable) => self.version_of(&stable.digest, stable.version.as_deref())?,
            None => None,
        };
        let (digest, named) = (share.digest.clone(), share.version.clone());
        self.base(Some(target), vec![target.to_owned()], digest, named, last_good)
    }

    fn base(
        &self,
        target: Option<&'a str>,
        targets: Vec<String>,
        digest: String,
        named: Option<String>,
        last_good: Option<String>,
    ) -> Result<Base<'a>, FactsError> {
        let text = match self.component.is_published() {
            true => named.clone(),
            false => self.version_of(&digest, named.as_deref())?,
        };
        let version = text.as_deref().and_then(|t| self.component.scheme.parse_version(t).ok());
        Ok(Base { target, targets, digest, text, version, last_good })
    }

    fn version_of(&self, digest: &str, named: Option<&str>) -> Result<Option<String>, FactsError> {
        let origin = self.core.origin(&self.component.name, digest, named)?;
        Ok(origin.map(|origin| origin.version))
    }

    fn block(&self, base: &Base<'_>, any: bool) -> Result<Block, FactsError> {
        let intervals = Intervals::of(self, base.target)?;
        let listed = self.listed(base, any)?;
        let previous = listed.iter().find(|build| build.on_line);
        let semantic_previous = previous.map(|build| build.text.clone());
        let reasons = reason::Reasons::of(self, base)?;
        let mut candidates = Vec::with_capacity(listed.len());
        for (place, build) in listed.into_iter().enumerate() {
            candidates.push(self.candidate(base, &build, place + 1, &intervals, &reasons)?);
        }
        if let Some(first) = candidates.iter_mut().find(|candidate| candidate.eligible()) {
            first.recommended = true;
        }
        let temporal_previous = match &base.last_good {
            Some(version) => Some(version.clone()),
            None => match intervals.before(&base.digest) {
                Some(digest) => self.version_of(&digest, None)?,
                None => None,
            },
        };
        Ok(Block {
            target: base.target.map(str::to_owned),
            version: base.text.clone(),
            digest: Some(base.digest.clone()),
            semantic_previous,
            temporal_previous,
            candidates,
        })
    }
}
