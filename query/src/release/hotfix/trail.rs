//! What a hotfix left in the book: its branch, commits, build and deploys.
//!
//! Commits and deploys may name their hotfix; what does not is recognised by the branch that was
//! cut for it and by the artifact that was built from there.

use std::sync::Arc;

use relbook_ledger::event::source::{BranchCreated, CommitMerged};
use relbook_ledger::event::{Body, Stage};

use super::plan::{MAIN, Plan};
use crate::release::fact::{Fact, FactsError, Moment};
use crate::release::index::{HOTFIX_BRANCH, Key};
use crate::release::product::{Component, Environment};
use crate::release::{Core, Deploy, DeployOutcome, Origin};

/// The events of one hotfix.
pub(super) struct Trail<'a> {
    pub(super) id: &'a str,
    pub(super) component: &'a Arc<Component>,
    pub(super) environment: &'a Environment,
    pub(super) opened: Arc<Fact>,
    pub(super) base_commit: Option<String>,
    pub(super) branch: Option<Arc<Fact>>,
    /// The merges to its branch, oldest first.
    pub(super) merges: Vec<Arc<Fact>>,
    pub(super) build: Option<Origin>,
    pub(super) build_fact: Option<Arc<Fact>>,
    /// Whether only failed builds of it are there.
    pub(super) build_failed: bool,
    /// The deploy that took it to production, else the last that tried.
    pub(super) deploy: Option<Deploy>,
}

/// Returns the fields of a merge.
pub(super) fn merge_of(fact: &Fact) -> Option<&CommitMerged> {
    match fact.body() {
        Body::CommitMerged(merge) => Some(merge),
        _ => None,
    }
}

pub(super) fn branch_of(fact: &Fact) -> Option<&BranchCreated> {
    match fact.body() {
        Body::BranchCreated(branch) => Some(branch),
        _ => None,
    }
}

impl<'a> Trail<'a> {
    /// Finds what belongs to a hotfix.
    pub(super) fn follow(
        core: &Core<'_>,
        component: &'a Arc<Component>,
        environment: &'a Environment,
        opened: &Arc<Fact>,
        id: &'a str,
        plan: &Plan,
    ) -> Result<Self, FactsError> {
        let mut trail = Self {
            id,
            component,
            environment,
            opened: Arc::clone(opened),
            base_commit: plan.base_commit().map(str::to_owned),
            branch: None,
            merges: Vec::new(),
            build: None,
            build_fact: None,
            build_failed: false,
            deploy: None,
        };
        let own = core.facts().find(&Key::OfHotfix { hotfix_id: id.to_owned() })?;
        let own: Vec<Arc<Fact>> =
            own.into_iter().filter(|f| f.event.component() == component.name).collect();
        trail.find_branch(core, &own, plan)?;
        trail.find_merges(core, &own)?;
        trail.find_deploy(core, &own, None)?;
        trail.find_build(core, plan)?;
        if trail.deploy.is_none()
            && let Some(build) = trail.build.clone()
        {
            trail.find_deploy(core, &[], Some(&build.digest))?;
        }
        Ok(trail)
    }

    /// Returns the name of its branch.
    pub(super) fn branch_name(&self) -> Option<&str> {
        self.branch.as_deref().and_then(branch_of).map(|branch| branch.branch.as_str())
    }

    /// Returns the commit that was built, else the last that was merged.
    pub(super) fn commit(&self) -> Option<&str> {
        let built = self.build.as_ref().map(|build| build.commit.as_str());
        let merged = self.merges.last().and_then(|fact| merge_of(fact));
        built.or(merged.map(|merge| merge.commit.as_str()))
    }

    fn after_opening(&self, fact: &Fact) -> bool {
        fact.moment() > self.opened.moment()
    }

    fn find_branch(
        &mut self,
        core: &Core<'_>,
        own: &[Arc<Fact>],
        plan: &Plan,
    ) -> Result<(), FactsError> {
        let named: Vec<&str> = own
            .iter()
            .filter_map(|fact| merge_of(fact))
            .map(|merge| merge.branch.as_str())
            .filter(|branch| *branch != MAIN)
            .collect();
        let rank = |fact: &Arc<Fact>| {
            let branch = branch_of(fact)?;
            let name = branch.branch.as_str();
            let planned = plan.branch.as_deref() == Some(name);
            let from_base = plan.base_commit() == Some(&*branch.base_commit);
            let place = if named.contains(&name) {
                4
            } else if planned {
                3
            } else if !name.starts_with(HOTFIX_BRANCH) || !self.after_opening(fact) {
                return None;
            } else if from_base {
                2
            } else {
                1
            };
            Some((place, fact.moment()))
        };
        let key = Key::Branches { component: self.component.name.clone() };
        let all = core.facts().find(&key)?;
        let best = all.iter().filter_map(|fact| Some((rank(fact)?, fact))).max_by_key(|(r, _)| *r);
        self.branch = best.map(|(_, fact)| Arc::clone(fact));
        Ok(())
    }

    fn find_merges(&mut self, core: &Core<'_>, own: &[Arc<Fact>]) -> Result<(), FactsError> {
        let mut merges: Vec<Arc<Fact>> = Vec::new();
        if let Some(branch) = self.branch_name() {
            let (component, branch) = (self.component.name.clone(), branch.to_owned());
            merges = core.facts().find(&Key::HotfixBranch { component, branch })?;
        }
        let off_main = |fact: &&Arc<Fact>| merge_of(fact).is_some_and(|m| *m.branch != *MAIN);
        merges.extend(own.iter().filter(off_main).cloned());
        merges.sort_by_key(|fact| fact.moment());
        merges.dedup_by_key(|fact| fact.seq);
        self.merges = merges;
        Ok(())
    }

    /// Finds the production deploy: one that names the hotfix, else one of its artifact.
    fn find_deploy(
        &mut self,
        core: &Core<'_>,
        own: &[Arc<Fact>],
        digest: Option<&str>,
    ) -> Result<(), FactsError> {
        let mut deploys = Vec::new();
        for fact in own {
            if let Body::DeployStarted(start) = fact.body()
                && let Some(deploy) = core.deploy(&start.deploy_id)?
            {
                deploys.push(deploy);
            }
        }
        if let Some(digest) = digest {
            deploys = core.deploys_of_digest(&self.component.name, digest)?;
        }
        deploys.retain(|deploy| {
            deploy.start.stage == Stage::Production
                && *deploy.start.environment == *self.environment.name
                && deploy.started() > self.opened.moment()
        });
        let won = deploys.iter().find(|d| d.outcome() == DeployOutcome::Succeeded);
        self.deploy = won.or(deploys.last()).cloned();
        Ok(())
    }

    fn find_build(&mut self, core: &Core<'_>, plan: &Plan) -> Result<(), FactsError> {
        let digest = self.deploy.as_ref().map(|deploy| deploy.start.digest.to_string());
        let commits: Vec<String> = self
            .merges
            .iter()
            .filter_map(|fact| merge_of(fact))
            .map(|merge| merge.commit.to_string())
            .collect();
        let mut found: Option<(bool, Moment, Arc<Fact>, Origin)> = None;
        let key = Key::Builds { component: self.component.name.clone() };
        for fact in core.facts().find(&key)? {
            let Body::BuildCompleted(build) = fact.body() else { continue };
            let shipped = digest.as_deref() == Some(&*build.digest);
            let planned = plan.version.as_deref() == Some(&*build.version);
            let own = commits.iter().any(|commit| **commit == *build.commit);
            if !(shipped || (planned || own) && self.after_opening(&fact)) {
                continue;
            }
            if build.outcome.as_deref().is_some_and(|outcome| outcome != "succeeded") {
                self.build_failed = true;
                continue;
            }
            let origin = Origin {
                version: build.version.to_string(),
                digest: build.digest.to_string(),
                commit: build.commit.to_string(),
                seq: fact.seq,
                ambiguous: false,
            };
            let place = (shipped, fact.moment());
            if found.as_ref().is_none_or(|(shipped, at, ..)| place > (*shipped, *at)) {
                found = Some((shipped, fact.moment(), Arc::clone(&fact), origin));
            }
        }
        if let Some((_, _, fact, origin)) = found {
            self.build_failed = false;
            self.build_fact = Some(fact);
            self.build = Some(origin);
        }
        Ok(())
    }
}
