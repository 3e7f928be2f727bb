//! Deploys: their outcome, what they changed, whether they needed an approval (A.5, A.9, B.3).

use std::sync::Arc;

use relbook_ledger::event::deploy::DeployStarted;
use relbook_ledger::event::{Body, FinishOutcome, Reason, Stage};
use relbook_ledger::version::ChangeClass;

use super::Core;
use super::artifact::Origin;
use super::fact::{Fact, FactsError, Moment};
use super::index::Key;
use super::product::Component;
use super::replay::start_of;

/// How a deploy went on one target.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TargetOutcome {
    /// Where.
    pub target: String,
    /// How it ended; absent while it has not.
    pub outcome: Option<FinishOutcome>,
    /// Whether the previous state came back.
    pub restored: Option<bool>,
    /// When, and by which event.
    pub finished: Option<Moment>,
}

/// How a deploy went as a whole (A.5).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs, reason = "the words are those of semantics A.5")]
pub enum DeployOutcome {
    Succeeded,
    Partial,
    Failed,
    Aborted,
    InFlight,
}

impl DeployOutcome {
    /// Returns the word that answers use.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Succeeded => "succeeded",
            Self::Partial => "partial",
            Self::Failed => "failed",
            Self::Aborted => "aborted",
            Self::InFlight => "in_flight",
        }
    }
}

/// A deploy with its finishes.
#[derive(Debug, Clone)]
pub struct Deploy {
    /// The start.
    pub fact: Arc<Fact>,
    /// What the start says.
    pub start: DeployStarted,
    /// The component.
    pub component: String,
    /// Target by target, as started.
    pub targets: Vec<TargetOutcome>,
    /// The events after the start.
    pub events: Vec<Arc<Fact>>,
}

impl Deploy {
    /// Returns the place of the start in effective order.
    pub fn started(&self) -> Moment {
        self.fact.moment()
    }

    /// Returns the id.
    pub fn id(&self) -> &str {
        &self.start.deploy_id
    }

    /// Returns who started it: the signer where the event names nobody.
    pub fn initiated_by(&self) -> &str {
        self.start.initiated_by.as_deref().unwrap_or(&self.fact.principal)
    }

    /// Returns how it went as a whole.
    pub fn outcome(&self) -> DeployOutcome {
        let count = |outcome| self.targets.iter().filter(|t| t.outcome == Some(outcome)).count();
        let succeeded = count(FinishOutcome::Succeeded);
        if self.targets.iter().any(|t| t.outcome.is_none()) {
            DeployOutcome::InFlight
        } else if succeeded == self.targets.len() {
            DeployOutcome::Succeeded
        } else if succeeded > 0 {
            DeployOutcome::Partial
        } else if count(FinishOutcome::Failed) > 0 {
            DeployOutcome::Failed
        } else {
            DeployOutcome::Aborted
        }
    }

    /// Returns when the last target finished, once every target has.
    pub fn finished(&self) -> Option<Moment> {
        let moments: Option<Vec<Moment>> = self.targets.iter().map(|t| t.finished).collect();
        moments?.into_iter().max()
    }

    /// Returns when the last target finished so far.
    pub fn finished_so_far(&self) -> Option<Moment> {
        self.targets.iter().filter_map(|t| t.finished).max()
    }

    /// Returns the seqs of its events.
    pub fn evidence(&self) -> Vec<u64> {
        let mut seqs = vec![self.fact.seq];
        seqs.extend(self.targets.iter().filter_map(|t| t.finished).map(|moment| moment.seq));
        seqs
    }
}

/// What a deploy set out to change, at its start.
#[derive(Debug, Clone, PartialEq)]
pub struct DeployClass {
    /// What the build says of the artifact.
    pub origin: Option<Origin>,
    /// The version that was live on the target that decides.
    pub from_version: Option<String>,
    /// The artifact that was live there.
    pub from_digest: Option<String>,
    /// The class of the step; absent where a version is unknown.
    pub bump: Option<ChangeClass>,
    /// Whether the artifact had been rolled back from.
    pub held: bool,
    /// Whether the policy in force asks for an approval.
    pub approval_required: bool,
    /// `emergency`, `hotfix`, `rollback`, `redeploy`, `normal` or `standard` (B.3).
    pub change_class: &'static str,
}

impl Core<'_> {
    /// Returns a deploy by its id; the first start in the log makes it.
    ///
    /// # Errors
    /// [`FactsError`] when the facts cannot be read.
    pub fn deploy(&self, id: &str) -> Result<Option<Deploy>, FactsError> {
        let facts = self.facts.find(&Key::Deploy { deploy_id: id.to_owned() })?;
        let starts = facts.iter().filter(|f| matches!(f.body(), Body::DeployStarted(_)));
        let Some(fact) = starts.min_by_key(|fact| fact.seq) else { return Ok(None) };
        let Body::DeployStarted(start) = fact.body() else { return Ok(None) };
        let mut targets: Vec<TargetOutcome> = start
            .targets
            .iter()
            .map(|target| TargetOutcome {
                target: target.to_string(),
                outcome: None,
                restored: None,
                finished: None,
            })
            .collect();
        for event in &facts {
            if let Body::DeployFinished(finish) = event.body()
                && let Some(target) = targets.iter_mut().find(|t| t.target == *finish.target)
            {
                // The last finish in effective order is the one that stands.
                target.outcome = Some(finish.outcome);
                target.restored = finish.restored;
                target.finished = Some(event.moment());
            }
        }
        let events = facts.iter().filter(|event| event.seq != fact.seq).cloned().collect();
        Ok(Some(Deploy {
            component: fact.event.component().to_owned(),
            start: start.clone(),
            fact: Arc::clone(fact),
            targets,
            events,
        }))
    }

    /// Returns the deploys of a component, in the order of their starts.
    ///
    /// # Errors
    /// [`FactsError`] when the facts cannot be read.
    pub fn deploys(&self, component: &str) -> Result<Vec<Deploy>, FactsError> {
        let starts = self.facts.find(&Key::Starts { component: component.to_owned() })?;
        self.deploys_of(&starts)
    }

    /// Returns the deploys of one artifact, in the order of their starts.
    ///
    /// # Errors
    /// [`FactsError`] when the facts cannot be read.
    pub fn deploys_of_digest(
        &self,
        component: &str,
        digest: &str,
    ) -> Result<Vec<Deploy>, FactsError> {
        let key = Key::StartDigest { component: component.to_owned(), digest: digest.to_owned() };
        self.deploys_of(&self.facts.find(&key)?)
    }

    pub(super) fn deploys_of(&self, starts: &[Arc<Fact>]) -> Result<Vec<Deploy>, FactsError> {
        let mut deploys = Vec::new();
        for fact in starts {
            if let Body::DeployStarted(start) = fact.body()
                && let Some(deploy) = self.deploy(&start.deploy_id)?
                && deploy.fact.seq == fact.seq
            {
                deploys.push(deploy);
            }
        }
        Ok(deploys)
    }

    /// Returns the last production-stage deploy by its finish in effective order (Q6).
    ///
    /// # Errors
    /// [`FactsError`] when the facts cannot be read.
    pub fn last_deploy(
        &self,
        component: Option<&str>,
        environment: &str,
        succeeded_only: bool,
    ) -> Result<Option<Deploy>, FactsError> {
        let environment = environment.to_owned();
        let key = match component {
            Some(component) => Key::FinishesOf { component: component.to_owned(), environment },
            None => Key::Finishes { environment },
        };
        let (mut found, mut error) = (None, None);
        self.facts.newest(&key, &mut |fact| {
            let Body::DeployFinished(finish) = fact.body() else { return true };
            match self.deploy(&finish.deploy_id) {
                Ok(Some(deploy)) => {
                    let fits = if succeeded_only {
                        deploy.outcome() == DeployOutcome::Succeeded
                    } else {
                        true
                    };
                    // Only its last finish ranks a deploy.
                    let last = deploy.finished_so_far().is_some_and(|m| m.seq == fact.seq);
                    if fits && last {
                        found = Some(deploy);
                        return false;
                    }
                    true
                }
                Ok(None) => true,
                Err(met) => {
                    error = Some(met);
                    false
                }
            }
        })?;
        match error {
            Some(error) => Err(error),
            None => Ok(found),
        }
    }

    /// Judges what a deploy set out to change, with what was live when it started (A.9).
    ///
    /// # Errors
    /// [`FactsError`] when the facts cannot be read.
    pub fn class(&self, deploy: &Deploy) -> Result<DeployClass, FactsError> {
        let digest = deploy.start.digest.as_str();
        let named = deploy.start.version.as_deref();
        let origin = self.origin(&deploy.component, digest, named)?;
        let component = self.component(&deploy.component)?;
        let history =
            self.facts.history(&deploy.component, &deploy.start.environment, deploy.started())?;
        let mut deciding: Option<(Option<ChangeClass>, Option<String>, Option<String>)> = None;
        for target in &deploy.start.targets {
            let live = history.targets.get(target.as_str()).and_then(|t| t.stable.as_ref());
            let from_version = match live {
                Some(share) => self.version_of(&deploy.component, share)?,
                None => None,
            };
            let from_digest = live.map(|share| share.digest.clone());
            let class = component.as_ref().and_then(|component| {
                class_on(
                    component,
                    live.is_some(),
                    from_version.as_deref(),
                    from_digest.as_deref(),
                    digest,
                    origin.as_ref(),
                )
            });
            // The highest class decides; the first declared target on a tie.
            if deciding.as_ref().is_none_or(|(highest, ..)| rank(class) > rank(*highest)) {
                deciding = Some((class, from_version, from_digest));
            }
        }
        let (bump, from_version, from_digest) = deciding.unwrap_or_default();
        let held = self.held(deploy)?;
        let (policy, _) = self.policy_at(deploy.fact.seq)?;
        let by_class = bump.is_none_or(|bump| {
            policy.approval_required_for.iter().any(|class| class == bump.as_str())
        });
        let approval_required = by_class || held || deploy.start.hotfix_id.is_some();
        let same = from_digest.as_deref() == Some(digest);
        Ok(DeployClass {
            change_class: change_class(&deploy.start, same, approval_required),
            origin,
            from_version,
            from_digest,
            bump,
            held,
            approval_required,
        })
    }

    fn version_of(
        &self,
        component: &str,
        share: &super::Share,
    ) -> Result<Option<String>, FactsError> {
        let origin = self.origin(component, &share.digest, share.version.as_deref())?;
        Ok(origin.map(|origin| origin.version))
    }

    /// Returns when rollbacks away from an artifact started.
    ///
    /// # Errors
    /// [`FactsError`] when the facts cannot be read.
    pub fn rollbacks_away(&self, component: &str, digest: &str) -> Result<Vec<Moment>, FactsError> {
        let starts = self.rollback_starts(component, digest)?;
        Ok(starts.iter().map(|fact| fact.moment()).collect())
    }

    /// Returns the starts of rollbacks away from an artifact: those that name one of its deploys,
    /// and those that name none and took its place on a target.
    ///
    /// # Errors
    /// [`FactsError`] when the facts cannot be read.
    pub fn rollback_starts(
        &self,
        component: &str,
        digest: &str,
    ) -> Result<Vec<Arc<Fact>>, FactsError> {
        let away = |fact: &Fact| start_of(fact).is_some_and(|start| *start.digest != *digest);
        let mut starts = Vec::new();
        for deploy in self.deploys_of_digest(component, digest)? {
            let key = Key::RollbackOf { deploy_id: deploy.id().to_owned() };
            starts.extend(self.facts.find(&key)?.into_iter().filter(|fact| away(fact)));
        }
        let key = Key::UnnamedRollbacks { component: component.to_owned() };
        for fact in self.facts.find(&key)?.into_iter().filter(|fact| away(fact)) {
            let Some(start) = start_of(&fact) else { continue };
            let before = self.facts.history(component, &start.environment, fact.moment())?;
            let had_it = |target: &relbook_ledger::event::Name| {
                let stable = before.targets.get(target.as_str()).and_then(|t| t.stable.as_ref());
                stable.is_some_and(|share| share.digest == digest)
            };
            if start.targets.iter().any(had_it) {
                starts.push(fact);
            }
        }
        Ok(starts)
    }

    /// Tells whether the artifact of a deploy had been rolled back from before it started, and
    /// did not come back with an approval since (A.7, A.9).
    fn held(&self, deploy: &Deploy) -> Result<bool, FactsError> {
        let away = self.rollbacks_away(&deploy.component, &deploy.start.digest)?;
        let held_since = away.into_iter().filter(|m| m.supports(deploy.started())).max();
        let Some(since) = held_since else { return Ok(false) };
        let deploys = self.deploys_of_digest(&deploy.component, &deploy.start.digest)?;
        for between in deploys.iter().filter(|d| {
            d.started() > since && d.started().supports(deploy.started()) && d.id() != deploy.id()
        }) {
            if between.start.stage == Stage::Production && self.approved(between)? {
                return Ok(false);
            }
        }
        Ok(true)
    }
}

/// Ranks the class of one target. An unknown one may be any but the highest, so that no lower one
/// decides in its place.
fn rank(class: Option<ChangeClass>) -> (u8, Option<ChangeClass>) {
    match class {
        Some(ChangeClass::Initial) => (2, class),
        None => (1, class),
        Some(_) => (0, class),
    }
}

fn class_on(
    component: &Component,
    live: bool,
    from_version: Option<&str>,
    from_digest: Option<&str>,
    digest: &str,
    origin: Option<&Origin>,
) -> Option<ChangeClass> {
    if from_digest == Some(digest) {
        return Some(ChangeClass::None);
    }
    if !live {
        // The first of a target is that whatever its version, also without provenance.
        return Some(ChangeClass::Initial);
    }
    component.change_class(Some(from_version?), origin?.version.as_str(), false)
}

fn change_class(start: &DeployStarted, same: bool, approval_required: bool) -> &'static str {
    if start.break_glass == Some(true) {
        "emergency"
    } else if start.hotfix_id.is_some() {
        "hotfix"
    } else if start.reason == Some(Reason::Rollback) || start.rollback_of.is_some() {
        "rollback"
    } else if same {
        "redeploy"
    } else if approval_required {
        "normal"
    } else {
        "standard"
    }
}
