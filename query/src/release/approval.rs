//! Approvals: which count for a deploy, and the verdict (semantics A.8).
//!
//! Every reason that holds is given, not only the first. An approval is a signed statement about
//! a digest; who wrote the commits between what was live and what is deployed decides the
//! separation of duties, computed from ancestry.

use std::collections::BTreeSet;
use std::sync::Arc;

use relbook_ledger::event::{Body, Decision, Stage};
use relbook_ledger::policy::Policy;
use relbook_ledger::time::Time;

use super::Core;
use super::deploy::{Deploy, DeployClass};
use super::fact::{Fact, FactsError, Moment};
use super::index::Key;

/// A decision about one version.
#[derive(Debug, Clone)]
pub struct Approval {
    /// The event.
    pub fact: Arc<Fact>,
    /// The id.
    pub id: String,
    /// Granted or rejected.
    pub decision: Decision,
    /// Who decided.
    pub approver: String,
    /// The role that counts: enrolled for the signer, stated in a reported one.
    pub roles: Vec<String>,
    /// `signed` by the approver, or `reported` by somebody else.
    pub source: &'static str,
    /// The version.
    pub version: String,
    /// The artifact.
    pub digest: String,
    /// The stage.
    pub stage: Stage,
    /// When it lapses, where it says so.
    pub expires_at: Option<Time>,
    /// Its revocations, oldest first.
    pub revocations: Vec<Arc<Fact>>,
}

impl Approval {
    /// Returns when it lapses under a policy.
    pub fn lapses_at(&self, policy: &Policy) -> Time {
        let granted = self.fact.event.header.occurred_at;
        let default = granted.plus_seconds(i64::from(policy.approval_ttl_hours) * 3600);
        self.expires_at.unwrap_or(default)
    }

    /// Returns the first revocation, by the time it claims.
    pub fn revoked(&self) -> Option<&Arc<Fact>> {
        self.revocations.first()
    }

    /// Tells whether it was taken back before `action`, on both clocks.
    pub(super) fn revoked_before(&self, action: Moment) -> bool {
        self.revocations.iter().any(|revocation| revocation.moment().supports(action))
    }

    /// Returns the role to show: one that the policy asks for, else the first.
    pub fn role(&self, policy: &Policy) -> Option<&str> {
        let asked = self.roles.iter().find(|role| policy.approver_roles.contains(role));
        asked.or(self.roles.first()).map(String::as_str)
    }
}

/// An approval with the reasons why it does not count for a deploy.
#[derive(Debug, Clone)]
pub struct Judgement {
    /// The approval.
    pub approval: Approval,
    /// The reasons; none when it counts.
    pub reasons: Vec<&'static str>,
}

impl Judgement {
    /// Tells whether the approval counts.
    pub fn valid(&self) -> bool {
        self.reasons.is_empty()
    }
}

/// Whether a deploy had the approval that it needed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs, reason = "the words are those of semantics A.8")]
pub enum Verdict {
    Approved,
    BreakGlass,
    NotRequired,
    Missing,
}

impl Verdict {
    /// Returns the word that answers use.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Approved => "approved",
            Self::BreakGlass => "break_glass",
            Self::NotRequired => "not_required",
            Self::Missing => "missing",
        }
    }
}

impl Core<'_> {
    /// Returns the decisions about a version, by the time they claim, then seq.
    ///
    /// # Errors
    /// [`FactsError`] when the facts cannot be read.
    pub fn approvals_of_version(
        &self,
        component: &str,
        version: &str,
    ) -> Result<Vec<Approval>, FactsError> {
        self.approvals_under(&Key::ApprovalVersion {
            component: component.to_owned(),
            version: version.to_owned(),
        })
    }

    /// Returns all decisions about a component.
    ///
    /// # Errors
    /// [`FactsError`] when the facts cannot be read.
    pub fn approvals(&self, component: &str) -> Result<Vec<Approval>, FactsError> {
        self.approvals_under(&Key::Approvals { component: component.to_owned() })
    }

    fn approvals_under(&self, key: &Key) -> Result<Vec<Approval>, FactsError> {
        let mut approvals = Vec::new();
        for fact in self.facts.find(key)? {
            let (body, decision) = match fact.body() {
                Body::ApprovalGranted(body) => (body.clone(), Decision::Granted),
                Body::ApprovalRejected(r) => (rejected_as_granted(r), Decision::Rejected),
                _ => continue,
            };
            let by_self = body.approver.as_deref().is_none_or(|name| name == fact.principal);
            let roles = if by_self {
                self.roles_of_key(&fact)?
            } else {
                body.role.iter().map(ToString::to_string).collect()
            };
            let same_id =
                self.facts.find(&Key::Approval { approval_id: body.approval_id.to_string() })?;
            let revocations =
                same_id.into_iter().filter(|f| matches!(f.body(), Body::ApprovalRevoked(_)));
            approvals.push(Approval {
                id: body.approval_id.to_string(),
                decision,
                approver: body.approver.as_deref().unwrap_or(&fact.principal).to_owned(),
                roles,
                source: if by_self { "signed" } else { "reported" },
                version: body.version.to_string(),
                digest: body.digest.to_string(),
                stage: body.stage,
                expires_at: body.expires_at,
                revocations: revocations.collect(),
                fact,
            });
        }
        Ok(approvals)
    }

    /// Returns the roles that a fact's key had when it was appended, by log order.
    fn roles_of_key(&self, fact: &Fact) -> Result<Vec<String>, FactsError> {
        let life = self.facts.find(&Key::KeyLife { key_id: fact.key_id.to_string() })?;
        let enrolled = life.iter().filter(|f| f.seq < fact.seq).max_by_key(|f| match f.body() {
            Body::KeyEnrolled(_) => Some(f.seq),
            _ => None,
        });
        Ok(match enrolled.map(|f| f.body()) {
            Some(Body::KeyEnrolled(key)) => {
                let all = key.role.iter().chain(key.roles.iter().flatten());
                all.map(ToString::to_string).collect()
            }
            _ => Vec::new(),
        })
    }

    /// Tells whether a fact was signed by a key that is reported as compromised since before it.
    fn suspect_key(&self, fact: &Fact) -> Result<bool, FactsError> {
        let life = self.facts.find(&Key::KeyLife { key_id: fact.key_id.to_string() })?;
        Ok(life.iter().any(|f| match f.body() {
            // Without a first suspect event, everything that it signed is.
            Body::KeyCompromised(key) => key.from_seq.is_none_or(|from| from <= fact.seq),
            _ => false,
        }))
    }

    /// Judges every decision about the deploy's version.
    ///
    /// # Errors
    /// [`FactsError`] when the facts cannot be read.
    pub fn judge(&self, deploy: &Deploy, version: &str) -> Result<Vec<Judgement>, FactsError> {
        let approvals = self.approvals_of_version(&deploy.component, version)?;
        if approvals.is_empty() {
            return Ok(Vec::new());
        }
        let case = Case {
            authors: self.authors(deploy)?,
            rollbacks: self.rollbacks_away(&deploy.component, &deploy.start.digest)?,
            policy: self.policy_at(deploy.fact.seq)?.0,
            deploy,
        };
        let blocked = approvals.iter().any(|rejection| case.blocks(rejection, &approvals));
        let mut judgements = Vec::with_capacity(approvals.len());
        for approval in &approvals {
            let mut reasons = case.reasons(approval, &approvals, blocked);
            if self.suspect_key(&approval.fact)? {
                reasons.push("bad_signature");
            }
            judgements.push(Judgement { approval: approval.clone(), reasons });
        }
        Ok(judgements)
    }

    /// Returns the verdict of judgements about a deploy of that class.
    ///
    /// # Errors
    /// [`FactsError`] when the facts cannot be read.
    pub fn verdict(
        &self,
        deploy: &Deploy,
        class: &DeployClass,
        judgements: &[Judgement],
    ) -> Result<Verdict, FactsError> {
        let (policy, _) = self.policy_at(deploy.fact.seq)?;
        Ok(if quorum_met(&policy, judgements) {
            Verdict::Approved
        } else if deploy.start.break_glass == Some(true) {
            Verdict::BreakGlass
        } else if !class.approval_required {
            Verdict::NotRequired
        } else {
            Verdict::Missing
        })
    }

    /// Tells whether enough valid approvals stood behind a deploy.
    pub(super) fn approved(&self, deploy: &Deploy) -> Result<bool, FactsError> {
        let digest = deploy.start.digest.as_str();
        let origin = self.origin(&deploy.component, digest, deploy.start.version.as_deref())?;
        let Some(origin) = origin else { return Ok(false) };
        let judgements = self.judge(deploy, &origin.version)?;
        Ok(quorum_met(&self.policy_at(deploy.fact.seq)?.0, &judgements))
    }

    /// Returns who wrote the commits that a deploy brings to any of its targets.
    ///
    /// # Errors
    /// [`FactsError`] when the facts cannot be read.
    pub fn authors(&self, deploy: &Deploy) -> Result<BTreeSet<String>, FactsError> {
        let digest = deploy.start.digest.as_str();
        let named = deploy.start.version.as_deref();
        let mut authors = BTreeSet::new();
        let Some(new) = self.origin(&deploy.component, digest, named)? else {
            return Ok(authors);
        };
        let mut bases = BTreeSet::new();
        for target in &deploy.start.targets {
            let (component, environment) = (&deploy.component, &deploy.start.environment);
            let base =
                self.live_before(component, environment, target, digest, deploy.started())?;
            let commit = match base {
                Some(base) => self.origin(component, &base, None)?.map(|origin| origin.commit),
                None => None,
            };
            bases.insert(commit);
        }
        for base in bases {
            let added = self.added(&deploy.component, base.as_deref(), &new.commit)?;
            for fact in &added {
                if let Body::CommitMerged(commit) = fact.body() {
                    authors.insert(commit.author.to_string());
                }
            }
        }
        Ok(authors)
    }
}

/// What the reasons are judged against.
struct Case<'a> {
    deploy: &'a Deploy,
    policy: Policy,
    authors: BTreeSet<String>,
    rollbacks: Vec<Moment>,
}

impl Case<'_> {
    /// Returns the reasons of A.8 that hold, in its order.
    fn reasons(&self, approval: &Approval, all: &[Approval], blocked: bool) -> Vec<&'static str> {
        let start = self.deploy.started();
        let given = approval.fact.moment();
        let by = approval.approver.as_str();
        // An approval that is dated back to before the rollback did not know better.
        let voided = |away: &Moment| given < *away && away.supports(start);
        let tests = [
            ("digest_mismatch", approval.digest != self.deploy.start.digest.as_str()),
            ("stage_mismatch", approval.stage != self.deploy.start.stage),
            ("role", !self.role_holds(approval)),
            ("source", !self.source_counts(approval)),
            ("sod_author", self.authors.contains(by)),
            ("sod_initiator", by == self.deploy.initiated_by()),
            ("revoked", approval.revoked_before(start)),
            (
                "rejected",
                approval.decision == Decision::Rejected
                    || blocked
                    || self.rejected_later(approval, all),
            ),
            ("expired", approval.lapses_at(&self.policy) <= start.at),
            ("after_start", given.at > start.at),
            ("recorded_late", given.at <= start.at && given.seq > start.seq),
            ("voided_by_rollback", self.rollbacks.iter().any(voided)),
        ];
        tests.into_iter().filter(|(_, holds)| *holds).map(|(reason, _)| reason).collect()
    }

    fn role_holds(&self, approval: &Approval) -> bool {
        approval.roles.iter().any(|role| self.policy.approver_roles.contains(role))
    }

    fn source_counts(&self, approval: &Approval) -> bool {
        self.policy.approval_sources.iter().any(|source| source == approval.source)
    }

    fn concerns(&self, approval: &Approval) -> bool {
        approval.digest == self.deploy.start.digest.as_str()
            && approval.stage == self.deploy.start.stage
            && approval.fact.moment().supports(self.deploy.started())
    }

    /// Returns that approver's latest decision about this artifact and stage before the start.
    fn latest_by<'b>(&self, approver: &str, all: &'b [Approval]) -> Option<&'b Approval> {
        let own = all.iter().filter(|a| a.approver == approver && self.concerns(a));
        own.max_by_key(|a| a.fact.moment())
    }

    fn rejected_later(&self, approval: &Approval, all: &[Approval]) -> bool {
        let latest = self.latest_by(&approval.approver, all);
        latest.is_some_and(|latest| latest.decision == Decision::Rejected)
    }

    /// Tells whether a rejection by an eligible approver, not withdrawn since, blocks the deploy.
    fn blocks(&self, rejection: &Approval, all: &[Approval]) -> bool {
        let start = self.deploy.started();
        rejection.decision == Decision::Rejected
            && self.concerns(rejection)
            && self.role_holds(rejection)
            && self.source_counts(rejection)
            && !rejection.revoked_before(start)
            && self.rejected_later(rejection, all)
    }
}

fn quorum_met(policy: &Policy, judgements: &[Judgement]) -> bool {
    let valid = judgements.iter().filter(|judgement| judgement.valid());
    let approvers: BTreeSet<&str> = valid.map(|j| j.approval.approver.as_str()).collect();
    approvers.len() >= policy.quorum as usize
}

fn rejected_as_granted(
    rejected: &relbook_ledger::event::approval::ApprovalRejected,
) -> relbook_ledger::event::approval::ApprovalGranted {
    let r = rejected.clone();
    relbook_ledger::event::approval::ApprovalGranted {
        approval_id: r.approval_id,
        version: r.version,
        digest: r.digest,
        stage: r.stage,
        approver: r.approver,
        role: r.role,
        expires_at: r.expires_at,
        comment: r.comment,
    }
}
