//! Deploys that broke the glass, and whether somebody looked at them in time (semantics A.8,
//! B.3 file 5, C.2 N6).
//!
//! A review by who started the deploy, or by who wrote what it brought, is none.

use std::sync::Arc;

use relbook_ledger::event::{Body, Decision};
use relbook_ledger::time::Time;

use super::approval::Approval;
use super::fact::{Fact, FactsError};
use super::index::Key;
use super::{Core, Deploy, Period};

/// A deploy that broke the glass.
#[derive(Debug, Clone)]
pub struct Emergency {
    /// The deploy.
    pub deploy: Deploy,
    /// The gates that did not let it pass.
    pub gates_skipped: Vec<String>,
    /// The seqs of what they judged.
    pub gates_seqs: Vec<u64>,
    /// The first approval afterwards by somebody who may approve.
    pub retro: Option<Approval>,
    /// When the review was due.
    pub review_due_at: Time,
    /// The first review that counts.
    pub review: Option<Arc<Fact>>,
    /// The reviews that do not, each with why.
    pub not_counted: Vec<(Arc<Fact>, &'static str)>,
}

impl Emergency {
    /// Returns when it was reviewed.
    pub fn reviewed_at(&self) -> Option<Time> {
        self.review.as_ref().map(|fact| fact.moment().at)
    }

    /// Tells whether the review is due and there is none.
    pub fn is_overdue(&self, now: Time) -> bool {
        now > self.review_due_at && self.review.is_none()
    }

    /// Tells whether the review did not come in time.
    pub fn missed(&self, now: Time) -> bool {
        match self.reviewed_at() {
            Some(at) => at > self.review_due_at,
            None => now > self.review_due_at,
        }
    }

    /// Returns the seqs that it rests on.
    pub fn evidence(&self) -> Vec<u64> {
        let mut seqs = self.deploy.evidence();
        seqs.extend(&self.gates_seqs);
        seqs.extend(self.review.iter().map(|fact| fact.seq));
        seqs.extend(self.not_counted.iter().map(|(fact, _)| fact.seq));
        seqs.extend(self.retro.iter().map(|approval| approval.fact.seq));
        seqs
    }
}

/// A review, and why it does not count where it does not.
type JudgedReview = (Arc<Fact>, Option<&'static str>);

impl Core<'_> {
    /// Returns the production-stage deploys of a component that broke the glass in a period.
    ///
    /// # Errors
    /// [`FactsError`] when the facts cannot be read.
    pub fn emergencies(
        &self,
        component: &str,
        period: Period,
    ) -> Result<Vec<Emergency>, FactsError> {
        let key = Key::BreakGlass { component: component.to_owned() };
        let mut emergencies = Vec::new();
        for deploy in self.deploys_of(&self.within(&key, period)?)? {
            if deploy.start.stage == relbook_ledger::event::Stage::Production {
                emergencies.push(self.emergency(deploy)?);
            }
        }
        Ok(emergencies)
    }

    /// Looks at one deploy that broke the glass.
    ///
    /// # Errors
    /// [`FactsError`] when the facts cannot be read.
    pub fn emergency(&self, deploy: Deploy) -> Result<Emergency, FactsError> {
        let (policy, _) = self.policy_at(deploy.fact.seq)?;
        let hours = i64::from(policy.breakglass_review_hours);
        let gates = self.gates(&deploy)?;
        let skipped = gates.gates.iter().filter(|gate| gate.closes());
        let reviews = self.reviews(&deploy)?;
        let (counted, not_counted): (Vec<_>, Vec<_>) =
            reviews.into_iter().partition(|(_, why)| why.is_none());
        Ok(Emergency {
            gates_seqs: skipped.flat_map(|gate| gate.evidence.clone()).collect(),
            gates_skipped: gates.failed(),
            retro: self.retro_approval(&deploy)?,
            review_due_at: deploy.started().at.plus_seconds(hours * 3600),
            review: counted.into_iter().next().map(|(fact, _)| fact),
            not_counted: not_counted.into_iter().filter_map(|(f, why)| Some((f, why?))).collect(),
            deploy,
        })
    }

    /// Returns the first review of a deploy that counts.
    ///
    /// # Errors
    /// [`FactsError`] when the facts cannot be read.
    pub fn review(&self, deploy: &Deploy) -> Result<Option<Arc<Fact>>, FactsError> {
        let reviews = self.reviews(deploy)?;
        Ok(reviews.into_iter().find(|(_, why)| why.is_none()).map(|(fact, _)| fact))
    }

    /// Returns the reviews of a deploy, each with why it does not count where it does not.
    fn reviews(&self, deploy: &Deploy) -> Result<Vec<JudgedReview>, FactsError> {
        let key = Key::Reviews { deploy_id: deploy.id().to_owned() };
        let reviews = self.facts.find(&key)?;
        if reviews.is_empty() {
            return Ok(Vec::new());
        }
        let authors = self.authors(deploy)?;
        let judged = reviews.into_iter().filter_map(|fact| {
            let Body::BreakglassReviewed(review) = fact.body() else { return None };
            let reviewer = review.reviewer.as_str();
            let why = if fact.moment() <= deploy.started() {
                Some("it came before the deploy")
            } else if reviewer == deploy.initiated_by() {
                Some("who started the deploy does not review it")
            } else if authors.contains(reviewer) {
                Some("who wrote what it brought does not review it")
            } else {
                None
            };
            Some((fact, why))
        });
        Ok(judged.collect())
    }

    /// Returns the first approval after the start by somebody who may approve.
    fn retro_approval(&self, deploy: &Deploy) -> Result<Option<Approval>, FactsError> {
        let named = deploy.start.version.as_deref();
        let origin = self.origin(&deploy.component, &deploy.start.digest, named)?;
        let version = origin.map(|o| o.version).or_else(|| named.map(str::to_owned));
        let Some(version) = version else { return Ok(None) };
        let only_late =
            |reasons: &[&str]| reasons.iter().all(|r| ["after_start", "recorded_late"].contains(r));
        let judgements = self.judge(deploy, &version)?;
        Ok(judgements
            .into_iter()
            .find(|j| {
                j.approval.decision == Decision::Granted
                    && !j.reasons.is_empty()
                    && only_late(&j.reasons)
            })
            .map(|judgement| judgement.approval))
    }
}
