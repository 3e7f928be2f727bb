//! What is owed: the follow-ups of hotfixes in production, and broken glass that nobody reviewed.

use std::sync::Arc;

use relbook_ledger::time::Time;

use super::opened_of;
use super::step::StepStatus;
use crate::release::fact::FactsError;
use crate::release::index::Key;
use crate::release::product::{Component, Environment};
use crate::release::{Core, start_of};

/// One thing that is owed.
#[derive(Debug, Clone, PartialEq)]
pub struct Debt {
    /// `main_fix`, `integration` or `review`.
    pub kind: &'static str,
    /// The component.
    pub component: String,
    /// The hotfix, or the deploy that broke the glass.
    pub subject: String,
    /// When it was due, where it has a time.
    pub due_at: Option<Time>,
    /// Whether that has passed.
    pub overdue: bool,
    /// What is missing.
    pub detail: String,
    /// The seqs that this rests on.
    pub evidence: Vec<u64>,
}

impl Core<'_> {
    /// Returns what is owed about a component, by the time at which it is due.
    ///
    /// # Errors
    /// [`FactsError`] when the facts cannot be read.
    pub fn debts(
        &self,
        component: &Arc<Component>,
        environment: &Environment,
    ) -> Result<Vec<Debt>, FactsError> {
        let now = self.facts.lens().as_of;
        let (mut debts, mut reviewed) = (Vec::new(), Vec::new());
        for fact in self.hotfixes(&component.name)? {
            let Some(id) = opened_of(&fact).map(|opened| opened.hotfix_id.to_string()) else {
                continue;
            };
            let Some(hotfix) = self.hotfix(component, environment, &id)? else { continue };
            let Some(deploy_id) = &hotfix.deploy_id else { continue };
            reviewed.push(deploy_id.clone());
            for step in &hotfix.steps {
                // The review is owed from the start of the deploy, the rest once it succeeded.
                let owed = match step.step {
                    "review" => true,
                    "main_fix" | "integration" => hotfix.finished.is_some(),
                    _ => false,
                };
                if !owed || step.status != StepStatus::Open {
                    continue;
                }
                let mut evidence = vec![fact.seq];
                evidence.extend(&step.evidence);
                evidence.extend(self.deploy(deploy_id)?.iter().flat_map(|d| d.evidence()));
                debts.push(Debt {
                    kind: step.step,
                    component: component.name.clone(),
                    subject: id.clone(),
                    due_at: step.latest_at,
                    overdue: step.latest_at.is_some_and(|due| now > due),
                    detail: format!("{deploy_id}: {}", step.why),
                    evidence,
                });
            }
        }
        debts.extend(self.reviews_owed(component, environment, &reviewed)?);
        debts.sort_by(|a, b| {
            let key = |d: &Debt| (d.due_at.is_none(), d.due_at);
            (key(a), &a.subject, a.kind).cmp(&(key(b), &b.subject, b.kind))
        });
        Ok(debts)
    }

    /// Returns the deploys of an environment that broke the glass and were not reviewed.
    fn reviews_owed(
        &self,
        component: &Component,
        environment: &Environment,
        known: &[String],
    ) -> Result<Vec<Debt>, FactsError> {
        let now = self.facts.lens().as_of;
        let mut debts = Vec::new();
        for fact in self.facts.find(&Key::BreakGlass { component: component.name.clone() })? {
            let here = start_of(&fact).filter(|start| *start.environment == *environment.name);
            let Some(id) = here.map(|start| start.deploy_id.as_str()) else { continue };
            let first = self.deploy(id)?.filter(|deploy| deploy.fact.seq == fact.seq);
            let Some(deploy) = first.filter(|_| !known.iter().any(|known| known == id)) else {
                continue;
            };
            let review = self.review_of(&deploy)?;
            if review.found.done.is_some() {
                continue;
            }
            let mut evidence = deploy.evidence();
            evidence.extend(&review.found.evidence);
            debts.push(Debt {
                kind: "review",
                component: component.name.clone(),
                subject: id.to_owned(),
                due_at: review.due_at,
                overdue: review.due_at.is_some_and(|due| now > due),
                detail: format!("{id} broke the glass: {}", review.found.why),
                evidence,
            });
        }
        Ok(debts)
    }
}
