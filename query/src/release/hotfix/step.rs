//! The steps of a hotfix up to production: each is done when its evidence is there.

use relbook_ledger::event::Stage;
use relbook_ledger::policy::Policy;
use relbook_ledger::time::Time;

use super::follow_up;
use super::latest;
use super::trail::{Trail, branch_of, merge_of};
use crate::release::fact::{FactsError, Moment};
use crate::release::gate::{GateResult, GateVerdict};
use crate::release::{Core, Deploy, DeployOutcome, Intent};

/// How a step stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs, reason = "the words are those of semantics C.1 Q7")]
pub enum StepStatus {
    Done,
    Open,
    Late,
    Failed,
    Waived,
}

impl StepStatus {
    /// Returns the word that answers use.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Open => "open",
            Self::Late => "late",
            Self::Failed => "failed",
            Self::Waived => "waived",
        }
    }
}

/// One step of a hotfix.
#[derive(Debug, Clone, PartialEq)]
pub struct Step {
    /// Its name.
    pub step: &'static str,
    /// When it must be done, where that is known.
    pub latest_at: Option<Time>,
    /// How it stands.
    pub status: StepStatus,
    /// When it was done.
    pub done_at: Option<Time>,
    /// The latest event that was judged.
    pub evidence_seq: Option<u64>,
    /// The seqs of all that was judged.
    pub evidence: Vec<u64>,
    /// What differs from the standard process.
    pub profile_change: String,
    /// Why it stands so, in a sentence.
    pub why: String,
}

/// The steps up to production: name, latest minute of 30, what differs from the standard process.
pub(super) const STEPS: [(&str, u32, &str); 11] = [
    ("opened", 0, "unchanged"),
    ("branch", 3, "from the commit that is live, not from main"),
    ("merge", 10, "unchanged"),
    ("build", 14, "unchanged"),
    ("checks", 16, "unchanged, never skipped"),
    ("dev_smoke", 18, "unchanged"),
    ("staging_contract", 21, "integration deferred: within 24 h of the production finish"),
    ("approval", 26, "always needed, also for a patch"),
    ("canary_slo", 27, "same thresholds; watched to 30 min after the rollout"),
    ("production_start", 28, "unchanged"),
    ("production_finish", 30, "unchanged"),
];

/// Says what differs from the standard process; the bake has the policy's numbers.
fn changed(policy: &Policy, step: &str, change: &str) -> String {
    match step {
        "canary_slo" => {
            format!("{} s -> {} s, {change}", policy.canary_min_bake_s, policy.hotfix_bake_s)
        }
        _ => change.to_owned(),
    }
}

/// What was found for a step.
pub(super) struct Found {
    pub(super) status: StepStatus,
    pub(super) done: Option<Moment>,
    pub(super) evidence: Vec<u64>,
    pub(super) why: String,
}

impl Found {
    pub(super) fn open(why: impl Into<String>) -> Self {
        Self { status: StepStatus::Open, done: None, evidence: Vec::new(), why: why.into() }
    }

    fn failed(at: Moment, why: impl Into<String>) -> Self {
        let (status, evidence) = (StepStatus::Failed, vec![at.seq]);
        Self { status, done: None, evidence, why: why.into() }
    }

    pub(super) fn done(at: Moment, why: impl Into<String>) -> Self {
        let (status, evidence) = (StepStatus::Done, vec![at.seq]);
        Self { status, done: Some(at), evidence, why: why.into() }
    }

    /// Makes the step; what was done after its time is late, and so is what is open after it
    /// unless it may stay open.
    pub(super) fn step(
        self,
        (step, profile_change): (&'static str, String),
        latest_at: Option<Time>,
        now: Option<Time>,
    ) -> Step {
        let after = |time: Option<Time>| latest_at.zip(time).is_some_and(|(latest, t)| t > latest);
        let status = match self.status {
            StepStatus::Done if after(self.done.map(|moment| moment.at)) => StepStatus::Late,
            StepStatus::Open if after(now) => StepStatus::Late,
            status => status,
        };
        let done_at = match status {
            StepStatus::Done | StepStatus::Late | StepStatus::Waived => self.done.map(|m| m.at),
            StepStatus::Open | StepStatus::Failed => None,
        };
        Step {
            step,
            latest_at,
            status,
            done_at,
            evidence_seq: self.done.map(|moment| moment.seq).or(self
                .evidence
                .iter()
                .max()
                .copied()),
            evidence: self.evidence,
            profile_change,
            why: self.why,
        }
    }
}

/// Returns the steps of a plan that begins now: all of them open.
pub(super) fn planned(policy: &Policy, opened: Time, deadline_minutes: u32) -> Vec<Step> {
    let mut steps: Vec<Step> = STEPS
        .iter()
        .map(|(name, minute, change)| {
            let at = latest(opened, deadline_minutes, *minute);
            Found::open("not begun").step((name, changed(policy, name, change)), Some(at), None)
        })
        .collect();
    steps.extend(follow_up::planned(policy));
    steps
}

/// Returns the steps of a hotfix, with what came of them.
pub(super) fn steps(
    core: &Core<'_>,
    trail: &Trail<'_>,
    deadline_minutes: u32,
) -> Result<Vec<Step>, FactsError> {
    let now = core.facts().lens().as_of;
    let opened = trail.opened.moment();
    let (policy, _) = core.policy_at(u64::MAX)?;
    let mut steps = Vec::with_capacity(STEPS.len() + 3);
    for (name, minute, change) in STEPS {
        let found = match name {
            "opened" => Found::done(opened, "the hotfix was opened"),
            "branch" => branch(trail),
            "merge" => merge(trail),
            "build" => build(trail),
            "approval" => approval(core, trail)?,
            "production_start" | "production_finish" => production(trail, name),
            _ => gates(core, trail, name)?,
        };
        let at = latest(opened.at, deadline_minutes, minute);
        let names = (name, changed(&policy, name, change));
        steps.push(found.step(names, Some(at), Some(now)));
    }
    steps.extend(follow_up::steps(core, trail)?);
    Ok(steps)
}

fn branch(trail: &Trail<'_>) -> Found {
    let Some((fact, branch)) = trail.branch.as_ref().and_then(|f| Some((f, branch_of(f)?))) else {
        return Found::open("no branch was cut for it");
    };
    let (name, from) = (&branch.branch, &branch.base_commit);
    match &trail.base_commit {
        Some(base) if **base != **from => Found::failed(
            fact.moment(),
            format!("{name} was cut from {from}, which is not what was live"),
        ),
        _ => Found::done(fact.moment(), format!("{name} was cut from what was live")),
    }
}

fn merge(trail: &Trail<'_>) -> Found {
    let built = trail.build.as_ref().map(|build| build.commit.as_str());
    let of_build = |fact: &&std::sync::Arc<crate::release::Fact>| {
        merge_of(fact).is_some_and(|merge| Some(merge.commit.as_str()) == built)
    };
    let fact = trail.merges.iter().rev().find(of_build).or(trail.merges.last());
    let Some((fact, merge)) = fact.and_then(|fact| Some((fact, merge_of(fact)?))) else {
        return Found::open("no commit was merged to its branch");
    };
    let mut reviewers = merge.reviewers.iter().flatten();
    if reviewers.any(|reviewer| *reviewer != merge.author) {
        Found::done(fact.moment(), "merged and reviewed by somebody else")
    } else {
        Found::failed(fact.moment(), "merged without a reviewer beside the author")
    }
}

fn build(trail: &Trail<'_>) -> Found {
    match (&trail.build_fact, &trail.build) {
        (Some(fact), Some(build)) => {
            Found::done(fact.moment(), format!("{} was built", build.version))
        }
        _ if trail.build_failed => {
            Found { status: StepStatus::Failed, ..Found::open("its build failed") }
        }
        _ => Found::open("it was not built"),
    }
}

fn production(trail: &Trail<'_>, name: &str) -> Found {
    let Some(deploy) = &trail.deploy else {
        return Found::open("it was not deployed to production");
    };
    let id = deploy.id();
    if name == "production_start" {
        return Found::done(deploy.started(), format!("{id} started"));
    }
    let last = deploy.finished_so_far();
    match (deploy.outcome(), last) {
        (DeployOutcome::Succeeded, Some(last)) => Found::done(last, format!("{id} succeeded")),
        (DeployOutcome::InFlight, _) | (_, None) => Found::open(format!("{id} has not finished")),
        (outcome, Some(last)) => Found::failed(last, format!("{id} came to: {}", outcome.as_str())),
    }
}

/// Returns the deploy by which the gates of the hotfix profile judge, and the evidence's end.
fn judged(core: &Core<'_>, trail: &Trail<'_>) -> Result<Option<(Deploy, Moment)>, FactsError> {
    let Some(build) = &trail.build else { return Ok(None) };
    let started = trail.deploy.as_ref().map(Deploy::started);
    let named = |deploy: &&Deploy| deploy.start.hotfix_id.as_deref() == Some(trail.id);
    if let Some(deploy) = trail.deploy.as_ref().filter(named) {
        return Ok(Some((deploy.clone(), deploy.started())));
    }
    let intended = core.intended(&Intent {
        component: &trail.component.name,
        digest: &build.digest,
        version: Some(&build.version),
        stage: Stage::Production,
        environment: &trail.environment.name,
        targets: &trail.environment.targets,
        hotfix_id: Some(trail.id),
        initiated_by: None,
    })?;
    let until = started.unwrap_or_else(|| intended.started());
    Ok(Some((intended, until)))
}

/// Judges the gates behind a step.
fn gates(core: &Core<'_>, trail: &Trail<'_>, step: &str) -> Result<Found, FactsError> {
    let Some((deploy, until)) = judged(core, trail)? else {
        return Ok(Found::open("it was not built"));
    };
    let (policy, _) = core.policy_at(until.seq)?;
    let scans = policy.scanners.iter().map(|scanner| format!("scan:{scanner}"));
    let list = |names: &[&str]| names.iter().map(|&name| name.to_owned()).collect::<Vec<_>>();
    let names = match step {
        "checks" => list(&["unit", "lint"]).into_iter().chain(scans).collect(),
        "dev_smoke" => list(&["dev_deployed", "smoke"]),
        "staging_contract" => list(&["staging_deployed", "contract"]),
        _ => list(&["canary_bake", "slo"]),
    };
    Ok(together(&core.judge_gates(&deploy, until, &names)?))
}

/// Puts the gates of a step together: one that fails decides, then one that is missing.
fn together(gates: &[GateResult]) -> Found {
    let mut evidence: Vec<u64> = gates.iter().flat_map(|g| g.evidence.iter().copied()).collect();
    evidence.sort_unstable();
    evidence.dedup();
    let last = gates.iter().filter_map(|gate| gate.latest).max();
    let bad = |verdict| gates.iter().find(|g| g.verdict == verdict && g.waiver.is_none());
    let (status, why) = if let Some(gate) = bad(GateVerdict::Fail) {
        (StepStatus::Failed, gate)
    } else if let Some(gate) = bad(GateVerdict::Missing) {
        (StepStatus::Open, gate)
    } else if let Some(gate) = gates.iter().find(|gate| !gate.required) {
        (StepStatus::Waived, gate)
    } else {
        let Some(gate) = gates.iter().max_by_key(|gate| gate.latest) else {
            return Found::open("no gate stands behind it");
        };
        (StepStatus::Done, gate)
    };
    let done = if status == StepStatus::Done { last } else { None };
    Found { status, done, evidence, why: format!("{}: {}", why.gate, why.why) }
}

/// Finds when enough approvals were there.
fn approval(core: &Core<'_>, trail: &Trail<'_>) -> Result<Found, FactsError> {
    let Some((deploy, _)) = judged(core, trail)? else {
        return Ok(Found::open("it was not built"));
    };
    let Some(build) = &trail.build else { return Ok(Found::open("it was not built")) };
    let judgements = core.judge(&deploy, &build.version)?;
    let (policy, _) = core.policy_at(deploy.fact.seq)?;
    let mut given: Vec<(Moment, &str)> = judgements
        .iter()
        .filter(|judgement| judgement.valid())
        .map(|j| (j.approval.fact.moment(), j.approval.approver.as_str()))
        .collect();
    given.sort_unstable();
    let mut approvers: Vec<&str> = Vec::new();
    for (moment, approver) in given {
        if !approvers.contains(&approver) {
            approvers.push(approver);
        }
        if approvers.len() >= policy.quorum as usize {
            return Ok(Found::done(moment, format!("approved by {}", approvers.join(", "))));
        }
    }
    let rejected = judgements.iter().find(|judgement| {
        judgement.approval.decision == relbook_ledger::event::Decision::Rejected
            && judgement.approval.digest == build.digest
    });
    Ok(match rejected {
        Some(j) => {
            Found::failed(j.approval.fact.moment(), format!("rejected by {}", j.approval.approver))
        }
        None => Found::open(format!("{} of {} approvals count", approvers.len(), policy.quorum)),
    })
}
