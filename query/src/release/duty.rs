//! Who did what for a deploy, and where one person did too much (semantics A.8, B.3 file 4).
//!
//! Computed from ids and ancestry, never from names, so that erasing names changes no verdict.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use relbook_ledger::event::Decision;

use super::approval::Approval;
use super::change::merged;
use super::fact::{Fact, FactsError};
use super::{Core, Deploy};

/// What one person did for a deploy.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Duty {
    /// The person.
    pub person: String,
    /// Wrote a commit that the deploy brings.
    pub is_author: bool,
    /// Reviewed one.
    pub is_reviewer: bool,
    /// Approved the artifact for the stage before the deploy started.
    pub is_approver: bool,
    /// Started the deploy.
    pub is_initiator: bool,
    /// Was the only reviewer of a commit of their own.
    pub own_reviewer: bool,
    /// The seqs that this rests on.
    pub evidence: Vec<u64>,
}

impl Duty {
    /// Returns which duties conflict: the first that holds, or `none`.
    pub fn conflict_kind(&self) -> &'static str {
        if self.is_author && self.is_approver {
            "author_approves"
        } else if self.is_initiator && self.is_approver {
            "initiator_approves"
        } else if self.own_reviewer {
            "author_only_reviewer"
        } else {
            "none"
        }
    }

    /// Tells whether two duties conflict.
    pub fn conflicts(&self) -> bool {
        self.conflict_kind() != "none"
    }
}

impl Core<'_> {
    /// Returns the merges that a deploy brings to any of its targets, by the base rule of A.8.
    ///
    /// # Errors
    /// [`FactsError`] when the facts cannot be read.
    pub fn brought(&self, deploy: &Deploy) -> Result<Vec<Arc<Fact>>, FactsError> {
        let digest = deploy.start.digest.as_str();
        let named = deploy.start.version.as_deref();
        let (component, place) = (&deploy.component, &deploy.start.environment);
        let Some(new) = self.origin(component, digest, named)? else { return Ok(Vec::new()) };
        let mut bases = BTreeSet::new();
        for target in &deploy.start.targets {
            let base = self.live_before(component, place, target, digest, deploy.started())?;
            bases.insert(match base {
                Some(base) => self.origin(component, &base, None)?.map(|origin| origin.commit),
                None => None,
            });
        }
        let mut brought: Vec<Arc<Fact>> = Vec::new();
        for base in bases {
            for merge in self.added(component, base.as_deref(), &new.commit)? {
                if !brought.iter().any(|known| known.seq == merge.seq) {
                    brought.push(merge);
                }
            }
        }
        Ok(brought)
    }

    /// Returns the approvals of a deploy's artifact and stage that came before its start and were
    /// not taken back by then, whether they count or not.
    ///
    /// # Errors
    /// [`FactsError`] when the facts cannot be read.
    pub fn approvals_before(&self, deploy: &Deploy) -> Result<Vec<Approval>, FactsError> {
        let named = deploy.start.version.as_deref();
        let origin = self.origin(&deploy.component, &deploy.start.digest, named)?;
        let version = origin.map(|o| o.version).or_else(|| named.map(str::to_owned));
        let Some(version) = version else { return Ok(Vec::new()) };
        let mut approvals = self.approvals_of_version(&deploy.component, &version)?;
        approvals.retain(|approval| {
            approval.decision == Decision::Granted
                && approval.digest == deploy.start.digest.as_str()
                && approval.stage == deploy.start.stage
                && approval.fact.moment().supports(deploy.started())
                && !approval.revoked_before(deploy.started())
        });
        Ok(approvals)
    }

    /// Returns who did what for a deploy, by person.
    ///
    /// # Errors
    /// [`FactsError`] when the facts cannot be read.
    pub fn duties(&self, deploy: &Deploy) -> Result<Vec<Duty>, FactsError> {
        let mut people: BTreeMap<String, Duty> = BTreeMap::new();
        let mut note = |person: &str, seq: u64, what: fn(&mut Duty)| {
            let duty = people.entry(person.to_owned()).or_default();
            person.clone_into(&mut duty.person);
            duty.evidence.extend([seq, deploy.fact.seq]);
            what(duty);
        };
        for fact in self.brought(deploy)? {
            let Some(commit) = merged(&fact) else { continue };
            note(&commit.author, fact.seq, |duty| duty.is_author = true);
            let reviewers = commit.reviewers.as_deref().unwrap_or_default();
            for reviewer in reviewers {
                note(reviewer, fact.seq, |duty| duty.is_reviewer = true);
            }
            if !reviewers.is_empty() && reviewers.iter().all(|name| *name == commit.author) {
                note(&commit.author, fact.seq, |duty| duty.own_reviewer = true);
            }
        }
        for approval in self.approvals_before(deploy)? {
            note(&approval.approver, approval.fact.seq, |duty| duty.is_approver = true);
        }
        note(deploy.initiated_by(), deploy.fact.seq, |duty| duty.is_initiator = true);
        Ok(people.into_values().collect())
    }
}
