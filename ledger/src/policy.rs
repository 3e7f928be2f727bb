//! Policy values: their names, defaults and limits (contract section 7).
//!
//! `policy.set` replaces the values that it names; a policy is identified by the seq at which it
//! came into force. Which verdict follows from a value is the query crate's matter.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::event::{ShapeError, Stage, read};
use crate::time::Time;
use crate::verifier_key::{SignatureKind, VerifierKey};
use crate::version::ChangeClass;

/// The values in force.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Policy {
    /// The roles whose approval counts.
    pub approver_roles: Vec<String>,
    /// `signed`, `reported`: where an approval may come from.
    pub approval_sources: Vec<String>,
    /// How many distinct approvers a deploy needs.
    pub quorum: u32,
    /// How long an approval holds when it does not say, in hours.
    pub approval_ttl_hours: u32,
    /// The change classes that need an approval.
    pub approval_required_for: Vec<String>,
    /// The scanners that must have scanned.
    pub scanners: Vec<String>,
    /// The most critical vulnerabilities that pass.
    pub scan_max_critical: u64,
    /// The most high vulnerabilities that pass.
    pub scan_max_high: u64,
    /// The smoke check must take less, in seconds.
    pub smoke_max_s: f64,
    /// The components that bake as a canary.
    pub canary_components: Vec<String>,
    /// The least weight that counts as a canary, in percent.
    pub canary_weight: u8,
    /// The least bake, in seconds.
    pub canary_min_bake_s: u64,
    /// The least bake of a hotfix, in seconds.
    pub hotfix_bake_s: u64,
    /// The highest error rate delta that passes, in percentage points.
    pub max_error_rate_delta: f64,
    /// The highest p99 delta that passes, in milliseconds.
    pub max_p99_delta_ms: f64,
    /// A break-glass deploy must be reviewed within this, in hours.
    pub breakglass_review_hours: u32,
    /// An event recorded later than this after it occurred is late, in seconds.
    pub late_tolerance_s: u64,
    /// An event that occurred later than this after it is recorded is refused, in seconds.
    pub future_tolerance_s: u64,
    /// The witnesses of the book, as verifier keys `name+hash+base64` (C2SP, cosignature/v1).
    pub witnesses: Vec<String>,
    /// Where witnesses are asked, as URLs before `/add-checkpoint`.
    pub witness_urls: Vec<String>,
    /// How many witnesses must have cosigned the newest checkpoint; 0 demands none.
    pub witness_quorum: u32,
    /// How long `append` waits for witnesses, in seconds; 0: it does not ask them.
    pub witness_append_wait_s: u32,
    /// Up to when the ledger's clock may stand still where it ran ahead of the right time, RFC 3339.
    pub clock_held_until: Option<String>,
    /// The gates per stage; a stage that is not named keeps its defaults.
    pub gates: BTreeMap<String, Vec<String>>,
}

impl Default for Policy {
    fn default() -> Self {
        let list = |names: &[&str]| names.iter().map(|&name| name.to_owned()).collect::<Vec<_>>();
        let mut gates = BTreeMap::new();
        let mut so_far = Vec::new();
        for (stage, more) in [
            (Stage::Dev, &["reviewed_merge", "unit", "lint"][..]),
            (Stage::Staging, &["dev_deployed", "smoke"]),
            (
                Stage::Canary,
                &[
                    "staging_deployed",
                    "integration",
                    "contract",
                    "scan:trivy",
                    "scan:grype",
                    "compat",
                ],
            ),
            (Stage::Production, &["canary_bake", "slo", "approval", "same_digest", "no_freeze"]),
        ] {
            so_far.extend(list(more));
            gates.insert(stage.as_str().to_owned(), so_far.clone());
        }
        Self {
            approver_roles: list(&["release_engineer"]),
            approval_sources: list(&["signed"]),
            quorum: 1,
            approval_ttl_hours: 168,
            approval_required_for: list(&[
                "minor",
                "major",
                "rebuild",
                "prerelease",
                "initial",
                "period",
            ]),
            scanners: list(&["trivy", "grype"]),
            scan_max_critical: 0,
            scan_max_high: 0,
            smoke_max_s: 300.0,
            canary_components: list(&["orion-api"]),
            canary_weight: 5,
            canary_min_bake_s: 1800,
            hotfix_bake_s: 300,
            max_error_rate_delta: 0.1,
            max_p99_delta_ms: 50.0,
            breakglass_review_hours: 48,
            late_tolerance_s: 300,
            future_tolerance_s: 60,
            witnesses: Vec::new(),
            witness_urls: Vec::new(),
            witness_quorum: 0,
            witness_append_wait_s: 0,
            clock_held_until: None,
            gates,
        }
    }
}

impl Policy {
    /// The names of the values, in the order of the contract.
    pub const NAMES: &'static [&'static str] = &[
        "approver_roles",
        "approval_sources",
        "quorum",
        "approval_ttl_hours",
        "approval_required_for",
        "scanners",
        "scan_max_critical",
        "scan_max_high",
        "smoke_max_s",
        "canary_components",
        "canary_weight",
        "canary_min_bake_s",
        "hotfix_bake_s",
        "max_error_rate_delta",
        "max_p99_delta_ms",
        "breakglass_review_hours",
        "late_tolerance_s",
        "future_tolerance_s",
        "witnesses",
        "witness_urls",
        "witness_quorum",
        "witness_append_wait_s",
        "clock_held_until",
        "gates",
    ];

    /// Replaces the values that `values` names.
    ///
    /// # Errors
    /// [`ShapeError`] naming the first unknown value or the first that cannot hold; the policy is
    /// then unchanged.
    pub fn set(&mut self, values: &Map<String, Value>) -> Result<(), ShapeError> {
        if let Some(name) = values.keys().find(|name| !Self::NAMES.contains(&name.as_str())) {
            return Err(ShapeError {
                field: name.clone(),
                message: format!("is no policy value; there are {}", Self::NAMES.join(", ")),
            });
        }
        let mut next: Self = read(Value::Object(values.clone()))?;
        next.check(values)?;
        for (stage, gates) in &self.gates {
            // A stage that this event does not name keeps what it had.
            let named = values.get("gates").and_then(|named| named.get(stage)).is_some();
            if !named {
                next.gates.insert(stage.clone(), gates.clone());
            }
        }
        next.keep(self, values);
        if next.witness_quorum as usize > next.witnesses.len() {
            let message =
                format!("asks for more than the {} witnesses that there are", next.witnesses.len());
            return Err(ShapeError { field: "witness_quorum".to_owned(), message });
        }
        *self = next;
        Ok(())
    }

    /// Tells whether the ledger's clock may stand still at this time until the right one is past it.
    pub fn holds_clock(&self, at: Time) -> bool {
        let until = self.clock_held_until.as_deref().and_then(|time| Time::parse(time).ok());
        until.is_some_and(|until| at <= until)
    }

    /// Returns the witnesses.
    pub fn witness_keys(&self) -> Vec<VerifierKey> {
        // `set` refused any other text.
        self.witnesses.iter().filter_map(|text| VerifierKey::parse(text).ok()).collect()
    }

    fn check(&self, values: &Map<String, Value>) -> Result<(), ShapeError> {
        let refuse =
            |field: &str, message: String| Err(ShapeError { field: field.to_owned(), message });
        if self.quorum == 0 {
            return refuse("quorum", "must be at least 1".into());
        }
        if self.canary_weight > 100 {
            return refuse("canary_weight", "is a percentage, 0 to 100".into());
        }
        for (name, value) in [
            ("smoke_max_s", self.smoke_max_s),
            ("max_error_rate_delta", self.max_error_rate_delta),
            ("max_p99_delta_ms", self.max_p99_delta_ms),
        ] {
            if !value.is_finite() || value < 0.0 {
                return refuse(name, "must not be negative".into());
            }
        }
        let mut keys: Vec<VerifierKey> = Vec::new();
        for text in &self.witnesses {
            match VerifierKey::parse(text) {
                Err(error) => return refuse("witnesses", format!("`{text}`: {error}")),
                Ok(key) if key.kind != SignatureKind::Cosignature => {
                    return refuse("witnesses", format!("`{text}` is not the key of a witness"));
                }
                // One key under two names would count twice.
                Ok(key) if keys.iter().any(|other| other.key == key.key) => {
                    return refuse("witnesses", format!("`{text}` has the key of another"));
                }
                Ok(key) => keys.push(key),
            }
        }
        for url in &self.witness_urls {
            if !url.starts_with("http://") && !url.starts_with("https://") {
                return refuse("witness_urls", format!("`{url}` is no http or https URL"));
            }
        }
        if let Some(time) = &self.clock_held_until
            && let Err(error) = Time::parse(time)
        {
            return refuse("clock_held_until", format!("`{time}`: {error}"));
        }
        for source in &self.approval_sources {
            if source != "signed" && source != "reported" {
                return refuse("approval_sources", format!("`{source}` is not signed or reported"));
            }
        }
        for class in &self.approval_required_for {
            if ChangeClass::parse(class).is_none() {
                let all = ChangeClass::ALL.map(ChangeClass::as_str).join(", ");
                return refuse(
                    "approval_required_for",
                    format!("`{class}` is no class of change; there are {all}"),
                );
            }
        }
        let named = values.get("gates").and_then(Value::as_object);
        for stage in named.into_iter().flat_map(Map::keys) {
            if Stage::parse(stage).is_none() {
                return refuse(
                    "gates",
                    format!("`{stage}` is no stage; dev, staging, canary, production"),
                );
            }
        }
        Ok(())
    }

    fn keep(&mut self, before: &Self, values: &Map<String, Value>) {
        macro_rules! keep {
            ($( $name:ident ),+) => { $(
                if !values.contains_key(stringify!($name)) {
                    self.$name = before.$name.clone();
                }
            )+ };
        }
        keep!(
            approver_roles,
            approval_sources,
            quorum,
            approval_ttl_hours,
            approval_required_for,
            scanners,
            scan_max_critical,
            scan_max_high,
            smoke_max_s,
            canary_components,
            canary_weight,
            canary_min_bake_s,
            hotfix_bake_s,
            max_error_rate_delta,
            max_p99_delta_ms,
            breakglass_review_hours,
            late_tolerance_s,
            future_tolerance_s,
            witnesses,
            witness_urls,
            witness_quorum,
            witness_append_wait_s,
            clock_held_until
        );
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn set(policy: &mut Policy, values: Value) -> Result<(), ShapeError> {
        policy.set(values.as_object().unwrap())
    }

    #[test]
    fn values_that_are_not_named_stay() {
        let mut policy = Policy::default();
        set(&mut policy, json!({"quorum": 2, "gates": {"dev": []}})).unwrap();
        set(&mut policy, json!({"smoke_max_s": 10, "gates": {"staging": ["smoke"]}})).unwrap();
        assert_eq!((policy.quorum, policy.smoke_max_s), (2, 10.0));
        assert_eq!(policy.gates["dev"], Vec::<String>::new());
        assert_eq!(policy.gates["staging"], ["smoke"]);
        assert_eq!(policy.gates["production"], Policy::default().gates["production"]);
    }

    const WITNESS: &str =
        "witness.example/w1+f1ed8c47+BCFS+NGbeR0kRTJC4V8uq2y3z/p7al7TAJeWDgaYgdsS";

    #[test]
    fn a_quorum_needs_as_many_witnesses() {
        let mut policy = Policy::default();
        let two = json!({"witnesses": [WITNESS], "witness_quorum": 2});
        assert_eq!(set(&mut policy, two).unwrap_err().field, "witness_quorum");
        set(&mut policy, json!({"witnesses": [WITNESS], "witness_quorum": 1})).unwrap();
        assert_eq!(policy.witness_keys()[0].to_string(), WITNESS);
        assert_eq!(set(&mut policy, json!({"witnesses": []})).unwrap_err().field, "witness_quorum");
        set(&mut policy, json!({"witnesses": [], "witness_quorum": 0})).unwrap();
    }

    #[test]
    fn impossible_values_change_nothing() {
        let mut policy = Policy::default();
        for (values, field) in [
            (json!({"quorun": 1}), "quorun"),
            (json!({"quorum": 0}), "quorum"),
            (json!({"quorum": "two"}), "quorum"),
            (json!({"canary_weight": 101}), "canary_weight"),
            (json!({"max_p99_delta_ms": -1}), "max_p99_delta_ms"),
            (json!({"approval_sources": ["hearsay"]}), "approval_sources"),
            (json!({"approval_required_for": ["minor", "huge"]}), "approval_required_for"),
            (json!({"gates": {"prod": []}}), "gates"),
            (json!({"witnesses": ["w1"]}), "witnesses"),
            (json!({"witnesses": [WITNESS, WITNESS]}), "witnesses"),
            (json!({"witness_urls": ["witness.example"]}), "witness_urls"),
            (json!({"witness_quorum": 1}), "witness_quorum"),
            (json!({"clock_held_until": "tomorrow"}), "clock_held_until"),
        ] {
            assert_eq!(set(&mut policy, values).unwrap_err().field, field);
        }
        assert_eq!(policy, Policy::default());
    }
}
