//! Promotion gates as predicates over evidence (semantics A.10).
//!
//! One file per family. A gate says what it found, never more: what was not recorded is `missing`,
//! not zero, and only evidence that came before the deploy on both clocks is seen (`before`). The
//! policy in force at the deploy says which gates a stage has, and their limits; a waiver takes a
//! gate's requirement away and leaves its verdict as it is.

mod approval;
mod artifact;
mod before;
mod canary;
mod check;
mod compat;
mod finding;
mod freeze;
mod order;
mod scan;
mod source;
mod stage;
mod waiver;

use std::sync::Arc;

use relbook_ledger::event::{Body, Stage};
use relbook_ledger::policy::Policy;
use relbook_ledger::time::Time;

pub(in crate::release) use before::Arrivals;
pub(in crate::release) use before::Before;
pub(in crate::release) use finding::Finding;
pub(in crate::release) use order::gates_of;
pub(in crate::release) use scan::{ScanVerdict, judge_scan};
pub use waiver::Waiver;

use super::artifact::Origin;
use super::deploy::Deploy;
use super::fact::{FactsError, Moment};
use super::index::Key;
use super::product::{Component, Environment};
use super::{Core, Fact};

/// What a gate came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs, reason = "the words are those of semantics B.3")]
pub enum GateVerdict {
    Pass,
    Fail,
    Missing,
    Deferred,
    NotApplicable,
}

impl GateVerdict {
    /// Returns the word that answers use.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pass => "pass",
            Self::Fail => "fail",
            Self::Missing => "missing",
            Self::Deferred => "deferred",
            Self::NotApplicable => "not_applicable",
        }
    }
}

/// One gate of a deploy, judged.
#[derive(Debug, Clone, PartialEq)]
pub struct GateResult {
    /// The gate.
    pub gate: String,
    /// Whether it has to pass: not where it does not apply, nor while it is waived.
    pub required: bool,
    /// What it came to.
    pub verdict: GateVerdict,
    /// What was found, with the plain number.
    pub observed: Option<String>,
    /// What was asked for, with the plain number.
    pub threshold: Option<String>,
    /// The latest event that was judged.
    pub latest: Option<Moment>,
    /// The seqs of all that was judged.
    pub evidence: Vec<u64>,
    /// Why, in a sentence.
    pub why: String,
    /// The waiver that takes its requirement away.
    pub waiver: Option<Waiver>,
}

impl GateResult {
    /// Tells whether it closes the way.
    pub fn closes(&self) -> bool {
        self.required && matches!(self.verdict, GateVerdict::Fail | GateVerdict::Missing)
    }
}

/// A deploy as its gates saw it.
#[derive(Debug, Clone)]
pub struct Promotion {
    /// Gate by gate, in the order of A.10.
    pub gates: Vec<GateResult>,
    /// The hotfix whose profile was used.
    pub hotfix: Option<String>,
    /// A hotfix that the deploy names and that nobody opened before it.
    pub unknown_hotfix: Option<String>,
    /// The seq of the policy in force.
    pub policy_seq: Option<u64>,
    /// What the builds before the deploy say of the artifact.
    pub origin: Option<Origin>,
    /// Waivers that do not count, and why.
    pub ignored_waivers: Vec<(Waiver, &'static str)>,
}

impl Promotion {
    /// Returns the names of the gates that close the way.
    pub fn failed(&self) -> Vec<String> {
        self.gates.iter().filter(|gate| gate.closes()).map(|gate| gate.gate.clone()).collect()
    }

    /// Tells whether no gate closes the way.
    pub fn is_open(&self) -> bool {
        !self.gates.iter().any(GateResult::closes)
    }
}

/// What the predicates judge.
pub(in crate::release) struct Case<'a> {
    /// The rules over the evidence: what came before the deploy on both clocks.
    core: &'a Core<'a>,
    /// The rules over the whole view, for what has its own rules of evidence.
    outer: &'a Core<'a>,
    deploy: &'a Deploy,
    component: Arc<Component>,
    environment: Environment,
    policy: Policy,
    origin: Option<Origin>,
    hotfix: Option<String>,
}

impl Case<'_> {
    fn digest(&self) -> &str {
        &self.deploy.start.digest
    }

    fn name(&self) -> &str {
        &self.deploy.component
    }

    fn commit(&self) -> Option<&str> {
        self.origin.as_ref().map(|origin| origin.commit.as_str())
    }

    /// Returns the version: that of the build, else the one that the deploy names.
    fn version(&self) -> Option<&str> {
        let built = self.origin.as_ref().map(|origin| origin.version.as_str());
        built.or(self.deploy.start.version.as_deref())
    }

    /// Tells whether the component bakes as a canary under the policy.
    fn bakes(&self) -> bool {
        self.component.bakes(&self.policy)
    }

    /// Returns the least bake: that of the hotfix profile for a hotfix.
    fn bake_s(&self) -> u64 {
        if self.hotfix.is_some() {
            self.policy.hotfix_bake_s
        } else {
            self.policy.canary_min_bake_s
        }
    }

    fn judge(&self, gate: &str) -> Result<Finding, FactsError> {
        match gate {
            "reviewed_merge" => source::reviewed_merge(self),
            "unit" | "lint" => check::of_commit(self, gate),
            "dev_deployed" => stage::deployed(self, Stage::Dev),
            "smoke" => check::smoke(self),
            "staging_deployed" => stage::deployed(self, Stage::Staging),
            "integration" if self.hotfix.is_some() => check::deferred(self, gate),
            "integration" | "contract" => check::in_staging(self, gate),
            "compat" => compat::holds(self),
            "canary_bake" => canary::bake(self),
            "slo" => canary::slo(self),
            "approval" => approval::given(self),
            "same_digest" => artifact::same_digest(self),
            "no_freeze" => freeze::none_open(self),
            _ => match gate.strip_prefix("scan:") {
                Some(scanner) => scan::clean(self, scanner),
                None => check::own(self, gate),
            },
        }
    }
}

impl Core<'_> {
    /// Judges the gates of a deploy, real or intended.
    ///
    /// # Errors
    /// [`FactsError`] when the facts cannot be read.
    pub fn gates(&self, deploy: &Deploy) -> Result<Promotion, FactsError> {
        self.gates_at(deploy, deploy.started())
    }

    /// Judges the gates of a deploy with the evidence before a moment.
    ///
    /// # Errors
    /// [`FactsError`] when the facts cannot be read.
    pub(in crate::release) fn gates_at(
        &self,
        deploy: &Deploy,
        at: Moment,
    ) -> Result<Promotion, FactsError> {
        let (policy, set_by) = self.policy_at(at.seq)?;
        let stage = deploy.start.stage.as_str();
        let names = gates_of(&policy, stage);
        self.with_case(deploy, at, policy, |case| {
            let mut waivers = waiver::Waivers::of(case)?;
            let mut gates = Vec::with_capacity(names.len());
            for name in &names {
                gates.push(waivers.apply(case.judge(name)?.result(name)));
            }
            Ok(Promotion {
                gates,
                unknown_hotfix: match &case.hotfix {
                    Some(_) => None,
                    None => deploy.start.hotfix_id.as_deref().map(str::to_owned),
                },
                hotfix: case.hotfix.clone(),
                policy_seq: set_by.as_ref().map(|fact| fact.seq),
                origin: case.origin.clone(),
                ignored_waivers: waivers.ignored,
            })
        })
    }

    /// Judges named gates of a deploy with the evidence before a moment, whatever the policy asks
    /// of the stage.
    ///
    /// # Errors
    /// [`FactsError`] when the facts cannot be read.
    pub(in crate::release) fn judge_gates(
        &self,
        deploy: &Deploy,
        at: Moment,
        gates: &[String],
    ) -> Result<Vec<GateResult>, FactsError> {
        let (policy, _) = self.policy_at(at.seq)?;
        self.with_case(deploy, at, policy, |case| {
            let mut waivers = waiver::Waivers::of(case)?;
            gates.iter().map(|gate| Ok(waivers.apply(case.judge(gate)?.result(gate)))).collect()
        })
    }

    fn with_case<T>(
        &self,
        deploy: &Deploy,
        at: Moment,
        policy: Policy,
        judge: impl FnOnce(&Case<'_>) -> Result<T, FactsError>,
    ) -> Result<T, FactsError> {
        let before = Before { outer: self, at };
        let core = Core::new(&before);
        let component = self.component(&deploy.component)?.ok_or_else(|| {
            FactsError::new(format!("the component `{}` is not in the view", deploy.component))
        })?;
        let environment = deploy.start.environment.as_str();
        let environment = self.environment(environment)?.unwrap_or_else(|| Environment {
            targets: deploy.start.targets.iter().map(ToString::to_string).collect(),
            ..Environment::unregistered(environment)
        });
        let named = deploy.start.version.as_deref();
        let origin = core.origin(&deploy.component, &deploy.start.digest, named)?;
        let hotfix = opened_hotfix(&core, deploy)?;
        judge(&Case {
            core: &core,
            outer: self,
            deploy,
            component,
            environment,
            policy,
            origin,
            hotfix,
        })
    }
}

/// Returns the hotfix of a deploy when it was opened before: an invented one shortens nothing.
fn opened_hotfix(core: &Core<'_>, deploy: &Deploy) -> Result<Option<String>, FactsError> {
    let Some(id) = deploy.start.hotfix_id.as_deref() else { return Ok(None) };
    let opened = core.facts.find(&Key::Hotfixes { component: deploy.component.clone() })?;
    let is_it =
        |fact: &Arc<Fact>| matches!(fact.body(), Body::HotfixOpened(h) if *h.hotfix_id == *id);
    Ok(opened.iter().any(is_it).then(|| id.to_owned()))
}

/// Returns the whole and fractional seconds between two instants as a plain number.
fn seconds(from: Time, to: Time) -> f64 {
    // Exact up to centuries: microseconds fit into 53 bits.
    #[expect(clippy::cast_precision_loss, reason = "far below 2^53 microseconds")]
    let micros = to.micros_since(from) as f64;
    micros / 1_000_000.0
}
