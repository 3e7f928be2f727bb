//! Hotfixes: from what is live to production in half an hour, and what is owed afterwards
//! (semantics A.11).
//!
//! The base is the commit that is live in production, never main and never the newest tag. A step
//! is done when its evidence is in the book, judged by the same gates as every promotion, under
//! the hotfix profile. What may wait until later stays open until it is seen.

mod debt;
mod follow_up;
mod number;
mod plan;
mod step;
mod trail;

use std::sync::Arc;

use relbook_ledger::event::Body;
use relbook_ledger::event::incident::HotfixOpened;
use relbook_ledger::time::Time;

pub use debt::Debt;
pub use plan::{Base, Plan};
pub use step::{Step, StepStatus};

use super::fact::{Fact, FactsError, Moment};
use super::gate::Before;
use super::index::Key;
use super::product::{Component, Environment};
use super::{Core, DeployOutcome};
use trail::Trail;

/// How long a hotfix may take when nobody says, in minutes.
pub const DEADLINE_MINUTES: u32 = 30;

/// How far a hotfix has come.
#[derive(Debug, Clone, PartialEq)]
pub struct Hotfix {
    /// Its id.
    pub id: String,
    /// The incident.
    pub incident_id: Option<String>,
    /// When it was opened.
    pub opened_at: Time,
    /// How long it may take, in minutes.
    pub deadline_minutes: u32,
    /// What was planned when it was opened, from what was live then.
    pub plan: Plan,
    /// The branch that was made, else the planned one.
    pub branch: Option<String>,
    /// The version that was built, else the planned one.
    pub version: Option<String>,
    /// The versions below it with commits that it lacks.
    pub lacks: Vec<String>,
    /// The steps, in their order.
    pub steps: Vec<Step>,
    /// The deploy that took it to production.
    pub deploy_id: Option<String>,
    /// When that succeeded.
    pub finished: Option<Moment>,
}

impl Hotfix {
    /// Returns when it must be in production.
    pub fn deadline_at(&self) -> Time {
        latest(self.opened_at, self.deadline_minutes, 30)
    }

    /// Returns how long it took, in minutes.
    pub fn total_minutes(&self) -> Option<f64> {
        let finished = self.finished?;
        #[expect(clippy::cast_precision_loss, reason = "far below 2^53 microseconds")]
        let micros = finished.at.micros_since(self.opened_at) as f64;
        Some(micros / 60_000_000.0)
    }

    /// Tells whether it was in time; unknown while it may still be.
    pub fn deadline_met(&self, now: Time) -> Option<bool> {
        match self.finished {
            Some(finished) => Some(finished.at <= self.deadline_at()),
            None => (now > self.deadline_at()).then_some(false),
        }
    }
}

/// Returns when something must be done that a hotfix of 30 minutes does `minutes` after its start.
fn latest(opened: Time, deadline_minutes: u32, minutes: u32) -> Time {
    // 60 seconds times the part of 30 minutes: whole seconds for every deadline.
    opened.plus_seconds(i64::from(minutes) * 2 * i64::from(deadline_minutes))
}

fn opened_of(fact: &Fact) -> Option<&HotfixOpened> {
    match fact.body() {
        Body::HotfixOpened(opened) => Some(opened),
        _ => None,
    }
}

impl Core<'_> {
    /// Returns the steps of a hotfix that would be opened at the end of the view.
    ///
    /// # Errors
    /// [`FactsError`] when the facts cannot be read.
    pub fn hotfix_steps(&self, deadline_minutes: u32) -> Result<Vec<Step>, FactsError> {
        let (policy, _) = self.policy_at(u64::MAX)?;
        Ok(step::planned(&policy, self.facts.lens().as_of, deadline_minutes))
    }

    /// Returns the openings of a component's hotfixes, oldest first; the first of an id counts.
    ///
    /// # Errors
    /// [`FactsError`] when the facts cannot be read.
    pub fn hotfixes(&self, component: &str) -> Result<Vec<Arc<Fact>>, FactsError> {
        let mut all: Vec<Arc<Fact>> = Vec::new();
        for fact in self.facts.find(&Key::Hotfixes { component: component.to_owned() })? {
            let id = opened_of(&fact).map(|opened| opened.hotfix_id.clone());
            let known = |f: &Arc<Fact>| opened_of(f).map(|opened| opened.hotfix_id.clone()) == id;
            if !all.iter().any(known) {
                all.push(fact);
            }
        }
        Ok(all)
    }

    /// Returns how far a hotfix has come; none when it was never opened.
    ///
    /// # Errors
    /// [`FactsError`] when the facts cannot be read.
    pub fn hotfix(
        &self,
        component: &Arc<Component>,
        environment: &Environment,
        id: &str,
    ) -> Result<Option<Hotfix>, FactsError> {
        let all = self.hotfixes(&component.name)?;
        let own = |fact: &&Arc<Fact>| opened_of(fact).is_some_and(|o| *o.hotfix_id == *id);
        let Some(opened) = all.iter().find(own) else { return Ok(None) };
        let Some(spec) = opened_of(opened) else { return Ok(None) };
        // What was live when it was opened, as far as the book knew: the start of it all.
        let before = Before { outer: self, at: opened.moment() };
        let plan = Core::new(&before).hotfix_plan(component, environment)?;
        let trail = Trail::follow(self, component, environment, opened, id, &plan)?;
        let deadline_minutes = spec.deadline_minutes.unwrap_or(DEADLINE_MINUTES);
        let steps = step::steps(self, &trail, deadline_minutes)?;
        let version = trail.build.as_ref().map(|build| build.version.clone());
        let version = version.or_else(|| plan.version.clone());
        let lacks = match (trail.commit().or(plan.base_commit()), &version) {
            (Some(commit), Some(version)) => {
                self.lacks_lower(component, commit, plan.base_version(), version)?
            }
            _ => Vec::new(),
        };
        let deploy = trail.deploy.as_ref();
        let won = deploy.filter(|deploy| deploy.outcome() == DeployOutcome::Succeeded);
        Ok(Some(Hotfix {
            id: id.to_owned(),
            incident_id: spec.incident_id.as_ref().map(ToString::to_string),
            opened_at: opened.moment().at,
            deadline_minutes,
            branch: trail.branch_name().map(str::to_owned).or_else(|| plan.branch.clone()),
            version,
            lacks,
            steps,
            deploy_id: deploy.map(|deploy| deploy.id().to_owned()),
            finished: won.and_then(|deploy| deploy.finished()),
            plan,
        }))
    }
}
