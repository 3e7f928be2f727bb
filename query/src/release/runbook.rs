//! The way to production as the policy in force asks for it: per component its stages and gates,
//! what each asks, what a hotfix changes, and who answers for it (semantics A.10 to A.12).

use relbook_ledger::event::Stage;
use relbook_ledger::policy::Policy;

use super::fact::FactsError;
use super::gate::gates_of;
use super::{Component, Core};

/// One thing to do on the way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunbookStep {
    /// `dev`, `staging`, `canary`, `production`; `train` for a component that is published.
    pub stage: &'static str,
    /// The gate, or the rule of the train.
    pub gate: String,
    /// Whether the stage before did not ask for it.
    pub new: bool,
    /// What it asks for.
    pub requirement: String,
    /// What a hotfix changes; none where it is the same.
    pub hotfix: Option<String>,
    /// Who answers for it: the holders of the roles that can.
    pub owners: Vec<String>,
    /// The seqs that it rests on.
    pub evidence: Vec<u64>,
}

/// The rules of a release train, as a person keeps them.
const TRAIN: [(&str, &str); 9] = [
    ("T1", "The branch release/vX.Y is cut on the first day of a month (UTC)."),
    ("T2", "It is cut from main."),
    ("T3", "Up to the tag it takes fixes only, none of them breaking."),
    ("T4", "Every fix is on main first and picked from there."),
    ("T5", "The tag comes seven days after the cut or later."),
    ("T6", "The tag is vX.Y.0 of the branch."),
    ("T7", "The tag points to the head of the branch."),
    ("T8", "What is published was built from the tagged commit."),
    ("T9", "The module path has the major version, for Go from version 2 on."),
];

/// The stages on the way to production, in order.
const STAGES: [Stage; 4] = [Stage::Dev, Stage::Staging, Stage::Canary, Stage::Production];

impl Component {
    /// Tells whether a policy wants it to bake as a canary.
    pub fn bakes(&self, policy: &Policy) -> bool {
        let alias = self.spec.alias.as_deref();
        policy.canary_components.iter().any(|name| *name == self.name || alias == Some(name))
    }

    /// Tells whether it leaves by train: it says so, or did so.
    fn has_train(&self, trains: usize) -> bool {
        trains > 0 || self.spec.cadence.as_deref() == Some("monthly")
    }
}

impl Core<'_> {
    /// Returns the way of a component to its users under the policy at the end of the view.
    ///
    /// # Errors
    /// [`FactsError`] when the facts cannot be read.
    pub fn runbook(&self, component: &Component) -> Result<Vec<RunbookStep>, FactsError> {
        if component.is_published() {
            return self.train_rules(component);
        }
        let (policy, set_by) = self.policy_at(u64::MAX)?;
        let base: Vec<u64> = set_by.iter().map(|fact| fact.seq).chain([component.seq]).collect();
        let mut before: Vec<String> = Vec::new();
        let mut steps = Vec::new();
        for stage in STAGES {
            if stage == Stage::Canary && !component.bakes(&policy) {
                continue;
            }
            let gates = gates_of(&policy, stage.as_str());
            for gate in &gates {
                let canary_only = matches!(gate.as_str(), "canary_bake" | "slo");
                if canary_only && !component.bakes(&policy) {
                    continue;
                }
                let holders = self.holders(&roles(&policy, gate), &component.name)?;
                steps.push(RunbookStep {
                    stage: stage.as_str(),
                    gate: gate.clone(),
                    new: !before.contains(gate),
                    requirement: requirement(&policy, gate),
                    hotfix: hotfix(&policy, gate),
                    owners: holders.principals,
                    evidence: base.iter().copied().chain(holders.evidence).collect(),
                });
            }
            before = gates;
        }
        Ok(steps)
    }

    fn train_rules(&self, component: &Component) -> Result<Vec<RunbookStep>, FactsError> {
        if !component.has_train(self.trains(component)?.len()) {
            return Ok(Vec::new());
        }
        let holders = self.holders(&["ci"], &component.name)?;
        let go = component.spec.go_module.is_some();
        let rules = TRAIN.iter().filter(|(rule, _)| *rule != "T9" || go);
        let step = |(rule, requirement): &(&str, &str)| RunbookStep {
            stage: "train",
            gate: (*rule).to_owned(),
            new: true,
            requirement: (*requirement).to_owned(),
            hotfix: None,
            owners: holders.principals.clone(),
            evidence: [component.seq].into_iter().chain(holders.evidence.clone()).collect(),
        };
        Ok(rules.map(step).collect())
    }
}

/// Returns the roles whose holders can bring what a gate asks for.
fn roles<'a>(policy: &'a Policy, gate: &str) -> Vec<&'a str> {
    match gate {
        "approval" => policy.approver_roles.iter().map(String::as_str).collect(),
        "compat" | "no_freeze" => vec!["admin"],
        _ => vec!["ci"],
    }
}

/// Says in a sentence what a gate asks for, with the policy's numbers.
fn requirement(policy: &Policy, gate: &str) -> String {
    let p = policy;
    match gate {
        "reviewed_merge" => "The commit was merged to main, release/* or hotfix/* and reviewed by \
            somebody who is not its author."
            .to_owned(),
        "unit" | "lint" => format!("The latest {gate} check of the commit passed."),
        "dev_deployed" => "The artifact was deployed to dev with success.".to_owned(),
        "staging_deployed" => "The artifact was deployed to staging with success.".to_owned(),
        "smoke" => {
            format!("The latest smoke check in dev passed in less than {} s.", p.smoke_max_s)
        }
        "integration" | "contract" => format!("The latest {gate} check in staging passed."),
        "compat" => {
            "One row of the compatibility matrix holds every set that would be live.".to_owned()
        }
        "canary_bake" => format!(
            "A canary with at least {} % of the traffic baked for at least {} s.",
            p.canary_weight, p.canary_min_bake_s
        ),
        "slo" => format!(
            "Over at least {} s of the canary, the error rate rose by at most {} percentage points \
             and p99 by at most {} ms.",
            p.canary_min_bake_s, p.max_error_rate_delta, p.max_p99_delta_ms
        ),
        "approval" => approval(p),
        "same_digest" => "Every stage before had this very artifact, by digest.".to_owned(),
        "no_freeze" => "No freeze is open.".to_owned(),
        _ => match gate.strip_prefix("scan:") {
            Some(scanner) => format!(
                "The latest {scanner} scan of the artifact found at most {} critical and {} high \
                 vulnerabilities.",
                p.scan_max_critical, p.scan_max_high
            ),
            None => format!("The latest {gate} check passed."),
        },
    }
}

fn approval(policy: &Policy) -> String {
    let count = match policy.quorum {
        1 => "One approval".to_owned(),
        more => format!("{more} approvals by different people"),
    };
    format!(
        "{count} ({}), not by the author of a change nor by who starts the deploy; holds for {} h; \
         needed for: {}.",
        policy.approver_roles.join(" or "),
        policy.approval_ttl_hours,
        policy.approval_required_for.join(", ")
    )
}

/// Says what a hotfix changes about a gate (A.11).
fn hotfix(policy: &Policy, gate: &str) -> Option<String> {
    match gate {
        "integration" => Some("may wait: within 24 h of the production finish".to_owned()),
        "canary_bake" | "slo" => {
            Some(format!("{} s instead of {} s", policy.hotfix_bake_s, policy.canary_min_bake_s))
        }
        "approval" => Some("always needed, also for a patch".to_owned()),
        _ => None,
    }
}
