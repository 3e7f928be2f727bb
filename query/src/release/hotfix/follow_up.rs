//! What is owed after a hotfix is in production: the fix on main, integration, the review.
//!
//! A follow-up stays open until it is seen, however late it is; when it was due stands beside it.

use std::sync::Arc;

use relbook_ledger::event::{Body, Stage, TestResult};
use relbook_ledger::policy::Policy;
use relbook_ledger::time::Time;

use super::plan::MAIN;
use super::step::{Found, Step};
use super::trail::{Trail, merge_of};
use crate::release::conventional;
use crate::release::fact::{Fact, FactsError, Moment};
use crate::release::index::Key;
use crate::release::{Core, Deploy, DeployOutcome};

/// How long integration may wait, in seconds.
const INTEGRATION_S: i64 = 24 * 3600;

/// Name of each follow-up, and what differs from the standard process.
fn names(policy: &Policy) -> [(&'static str, String); 3] {
    let hours = policy.breakglass_review_hours;
    [
        ("main_fix", "the fix is picked to main afterwards".to_owned()),
        ("integration", "within 24 h of the production finish".to_owned()),
        ("review", format!("within {hours} h of the production start")),
    ]
}

/// Returns the follow-ups of a plan.
pub(super) fn planned(policy: &Policy) -> [Step; 3] {
    names(policy).map(|names| Found::open("not begun").step(names, None, None))
}

/// Returns the follow-ups, with what came of them.
pub(super) fn steps(core: &Core<'_>, trail: &Trail<'_>) -> Result<[Step; 3], FactsError> {
    let deploy = trail.deploy.as_ref();
    let won = deploy.filter(|deploy| deploy.outcome() == DeployOutcome::Succeeded);
    let integration_due =
        won.and_then(Deploy::finished).map(|finish| finish.at.plus_seconds(INTEGRATION_S));
    let review = match deploy {
        Some(deploy) => core.review_of(deploy)?,
        None => Review { due_at: None, found: Found::open("it is not in production") },
    };
    let [on_main, tested, reviewed] = names(&core.policy_at(u64::MAX)?.0);
    Ok([
        main_fix(core, trail)?.step(on_main, None, None),
        integration(core, trail)?.step(tested, integration_due, None),
        review.found.step(reviewed, review.due_at, None),
    ])
}

/// Tells whether a commit is a change that main needs, not a mere release chore.
fn is_change(fact: &Fact) -> bool {
    let chore = ["chore", "ci", "docs", "test", "build", "style"];
    merge_of(fact).is_some_and(|merge| {
        let conventional = conventional::parse(&merge.subject, merge.body.as_deref());
        conventional.kind.is_none_or(|kind| !chore.contains(&kind.as_str()))
    })
}

/// Every change of the hotfix is on main: picked to it, picked from it, or merged as it is.
fn main_fix(core: &Core<'_>, trail: &Trail<'_>) -> Result<Found, FactsError> {
    let changes: Vec<&Arc<Fact>> = trail.merges.iter().filter(|fact| is_change(fact)).collect();
    let (mut evidence, mut last) = (Vec::new(), None);
    for fact in &changes {
        let Some(merge) = merge_of(fact) else { continue };
        let Some(on_main) = core.on_main_since(&trail.component.name, merge)? else {
            return Ok(Found::open(format!("{} is not on main", merge.commit)));
        };
        evidence.push(on_main.seq);
        last = last.max(Some(on_main));
    }
    Ok(match last {
        Some(last) => Found { evidence, ..Found::done(last, "every change is on main") },
        None => Found::open("no commit of it is known"),
    })
}

impl Core<'_> {
    /// Returns since when main has a change.
    fn on_main_since(
        &self,
        component: &str,
        merge: &relbook_ledger::event::source::CommitMerged,
    ) -> Result<Option<Moment>, FactsError> {
        let commit = merge.commit.to_string();
        let mut candidates = self.facts.find(&Key::Picks { commit: commit.clone() })?;
        candidates.extend(self.facts.find(&Key::Commit { commit: commit.clone() })?);
        candidates.extend(self.facts.find(&Key::Children { parent: commit })?);
        if let Some(original) = &merge.cherry_picked_from {
            candidates.extend(self.facts.find(&Key::Commit { commit: original.to_string() })?);
        }
        let on_main = candidates.iter().filter(|fact| {
            fact.event.component() == component
                && merge_of(fact).is_some_and(|other| *other.branch == *MAIN)
        });
        Ok(on_main.map(|fact| fact.moment()).min())
    }
}

/// The integration check of the artifact in staging passes: first seen since it last did not.
fn integration(core: &Core<'_>, trail: &Trail<'_>) -> Result<Found, FactsError> {
    let Some(build) = &trail.build else { return Ok(Found::open("it was not built")) };
    let key = Key::CheckDigest {
        component: trail.component.name.clone(),
        suite: "integration".to_owned(),
        digest: build.digest.clone(),
    };
    let mut found = Found::open("no integration check of it in staging was recorded");
    for fact in core.facts().find(&key)? {
        let Body::CheckCompleted(check) = fact.body() else { continue };
        if check.stage != Some(Stage::Staging) {
            continue;
        }
        if check.result != TestResult::Pass {
            let word = check.result.as_str();
            found = Found { evidence: vec![fact.seq], ..Found::open(format!("it says {word}")) };
        } else if found.done.is_none() {
            found = Found::done(fact.moment(), "integration passed");
        }
    }
    Ok(found)
}

/// The review of a deploy that took a short cut.
pub(super) struct Review {
    pub(super) due_at: Option<Time>,
    pub(super) found: Found,
}

impl Core<'_> {
    /// Finds the first review of a deploy by somebody who neither started nor wrote it.
    pub(super) fn review_of(&self, deploy: &Deploy) -> Result<Review, FactsError> {
        let (policy, _) = self.policy_at(deploy.fact.seq)?;
        let seconds = i64::from(policy.breakglass_review_hours) * 3600;
        let due_at = Some(deploy.started().at.plus_seconds(seconds));
        let authors = self.authors(deploy)?;
        let mut found = Found::open("nobody has reviewed it");
        for fact in self.facts.find(&Key::Reviews { deploy_id: deploy.id().to_owned() })? {
            let Body::BreakglassReviewed(review) = fact.body() else { continue };
            if fact.moment() < deploy.started() {
                let why = "a review of before its start is none";
                found = Found { evidence: vec![fact.seq], ..Found::open(why) };
                continue;
            }
            let reviewer = review.reviewer.as_str();
            if reviewer == deploy.initiated_by() || authors.contains(reviewer) {
                let why = format!("a review by {reviewer}, who started or wrote it, is none");
                found = Found { evidence: vec![fact.seq], ..Found::open(why) };
                continue;
            }
            let why = format!("reviewed by {reviewer}: {}", review.result);
            return Ok(Review { due_at, found: Found::done(fact.moment(), why) });
        }
        Ok(Review { due_at, found })
    }
}
