//! The plan of a hotfix: from which commit, on which branch, as which version.

use std::sync::Arc;

use relbook_ledger::event::Body;
use relbook_ledger::event::source::CommitMerged;

use crate::release::fact::FactsError;
use crate::release::index::{HOTFIX_BRANCH, Key};
use crate::release::product::{Component, Environment};
use crate::release::{Core, Direction, State};

/// What a hotfix starts from: what is live in production.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Base {
    /// The version.
    pub version: String,
    /// The artifact.
    pub digest: String,
    /// The commit.
    pub commit: String,
}

/// How a hotfix would go.
#[derive(Debug, Clone, PartialEq)]
pub struct Plan {
    /// The state of the component.
    pub state: State,
    /// What it starts from.
    pub base: Option<Base>,
    /// Why there is nothing to start from: a word, and a sentence.
    pub refusal: Option<(&'static str, String)>,
    /// The branch to make.
    pub branch: Option<String>,
    /// The version to build.
    pub version: Option<String>,
    /// The tag to make.
    pub tag: Option<String>,
    /// The versions below it with commits that it would lack.
    pub lacks: Vec<String>,
    /// The seqs that it rests on.
    pub evidence: Vec<u64>,
}

impl Plan {
    /// Returns the commit that it starts from.
    pub fn base_commit(&self) -> Option<&str> {
        self.base.as_ref().map(|base| base.commit.as_str())
    }

    /// Returns the version that it starts from.
    pub fn base_version(&self) -> Option<&str> {
        self.base.as_ref().map(|base| base.version.as_str())
    }
}

/// The branch that releases come from.
pub(super) const MAIN: &str = "main";

impl Core<'_> {
    /// Plans a hotfix of what is live at the end of the view.
    ///
    /// # Errors
    /// [`FactsError`] when the facts cannot be read.
    pub fn hotfix_plan(
        &self,
        component: &Arc<Component>,
        environment: &Environment,
    ) -> Result<Plan, FactsError> {
        let current = self.current(component, environment)?;
        let mut plan = Plan {
            state: current.state,
            base: None,
            refusal: None,
            branch: None,
            version: None,
            tag: None,
            lacks: Vec::new(),
            evidence: current.evidence.clone(),
        };
        let reason = match current.state {
            State::Mixed => Some("the targets run different versions: which commit is the base?"),
            State::Indeterminate => {
                Some("a failed deploy left a target in doubt: which commit is the base?")
            }
            State::None => Some("nothing is live, so that there is nothing to fix"),
            State::AllYanked => Some("every published version was yanked"),
            State::Canary | State::Live | State::Published => None,
        };
        if let Some(reason) = reason {
            plan.refusal = Some((current.state.as_str(), reason.to_owned()));
            return Ok(plan);
        }
        let commit = match &current.published {
            Some(published) => published.commit.clone(),
            None => match &current.digest {
                Some(digest) => {
                    let version = current.version.as_deref();
                    self.origin(&component.name, digest, version)?.map(|origin| origin.commit)
                }
                None => None,
            },
        };
        let (Some(version), Some(digest), Some(commit)) = (current.version, current.digest, commit)
        else {
            let why = "what is live has no build: its version and commit are unknown";
            plan.refusal = Some(("missing_provenance", why.to_owned()));
            return Ok(plan);
        };
        self.name_hotfix(component, Base { version, digest, commit }, &mut plan)?;
        Ok(plan)
    }

    /// Gives a plan its version, branch and tag.
    fn name_hotfix(
        &self,
        component: &Component,
        base: Base,
        plan: &mut Plan,
    ) -> Result<(), FactsError> {
        let parsed = component.scheme.parse_version(&base.version).ok();
        let now = self.facts.lens().as_of;
        plan.version = match &parsed {
            Some(parsed) => self.next_version(component, parsed, now)?,
            None => None,
        };
        let Some(version) = plan.version.clone() else {
            let why = format!("the scheme {} has no next number for it", component.spec.scheme);
            plan.refusal = Some(("no_version", why));
            plan.base = Some(base);
            return Ok(());
        };
        plan.branch = Some(format!("{HOTFIX_BRANCH}v{version}"));
        let prefix = component.spec.tag_prefix.as_deref().unwrap_or_default();
        plan.tag = Some(format!("{prefix}{version}"));
        plan.lacks = self.lacks_lower(component, &base.commit, Some(&base.version), &version)?;
        plan.base = Some(base);
        Ok(())
    }

    /// Returns the versions below `version`, built from main, with commits that `commit` lacks:
    /// those of its line, and those between `base` and it.
    pub(super) fn lacks_lower(
        &self,
        component: &Component,
        commit: &str,
        base: Option<&str>,
        version: &str,
    ) -> Result<Vec<String>, FactsError> {
        let parse = |text: &str| component.scheme.parse_version(text).ok();
        let (Some(own), base) = (parse(version), base.and_then(parse)) else {
            return Ok(Vec::new());
        };
        let mut lacking = Vec::new();
        for fact in self.facts.find(&Key::Builds { component: component.name.clone() })? {
            let Body::BuildCompleted(build) = fact.body() else { continue };
            let good = build.outcome.as_deref().is_none_or(|outcome| outcome == "succeeded");
            let Some(lower) = parse(&build.version).filter(|lower| good && lower.key() < own.key())
            else {
                continue;
            };
            let above = base.as_ref().is_some_and(|base| lower.key() > base.key());
            if !(above || lower.same_line(&own)) || *build.commit == *commit {
                continue;
            }
            let named = build.branch.as_deref() == Some(MAIN);
            if !named && !self.is_on_main(&component.name, &build.commit)? {
                continue;
            }
            let list = self.changes(&component.name, Some(commit), &build.commit)?;
            let lacks = |c: &crate::release::Change| {
                c.direction == Direction::Added && c.equivalent_of.is_none()
            };
            if list.changes.iter().any(lacks) {
                lacking.push((lower.key().to_vec(), build.version.to_string()));
            }
        }
        lacking.sort();
        lacking.dedup();
        Ok(lacking.into_iter().map(|(_, version)| version).collect())
    }

    /// Tells whether a commit was merged to main.
    pub(super) fn is_on_main(&self, component: &str, commit: &str) -> Result<bool, FactsError> {
        let merges = self.facts.find(&Key::Commit { commit: commit.to_owned() })?;
        Ok(merges.iter().any(|fact| {
            let on_main = |merge: &CommitMerged| *merge.branch == *MAIN;
            fact.event.component() == component
                && matches!(fact.body(), Body::CommitMerged(merge) if on_main(merge))
        }))
    }
}
