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

/// The page `docs/policy.md`: each value with its form, default and meaning.
pub fn page() -> String {
    let mut page = PAGE.to_owned();
    for PolicyValue { name, form, .. } in Policy::VALUES {
        let (doc, default) = (Policy::doc_of(name), Policy::default_of(name));
        page.push_str(&format!("| `{name}` | {form} | `{default}` | {doc} |\n"));
    }
    page
}

const PAGE: &str = "\
# Policy values

Made from `ledger/src/policy.rs`: `RELBOOK_BLESS=1 cargo test -p relbook-ledger --test ledger schemas` writes it again.

A policy says what a release needs. The event `policy.set` replaces the values that it names; the others stay as they are, at first the defaults below. Every deploy is judged by the values in force at its place in the log, never by later ones.

    relbook append policy.set --policy-id main --values '{\"approval_sources\": [\"signed\", \"reported\"]}'
    relbook apply orion.yaml            # policy: {quorum: 2, gates: {dev: [unit, lint]}}
    relbook query \"SELECT * FROM policies ORDER BY seq\"

| value | form | default | meaning |
|---|---|---|---|
";

/// What is known of a policy value.
#[derive(Debug, Clone, Copy)]
pub struct PolicyValue {
    /// The name.
    pub name: &'static str,
    /// What it means.
    pub doc: &'static str,
    /// What is written for it.
    pub form: &'static str,
}

/// What is written for values of a type.
trait Form {
    const FORM: &'static str;
}

macro_rules! forms {
    ($( $ty:ty => $form:literal ),+ $(,)?) => {
        $( impl Form for $ty { const FORM: &'static str = $form; } )+
    };
}

forms! {
    Vec<String> => "list of texts",
    u8 => "whole number",
    u32 => "whole number",
    u64 => "whole number",
    f64 => "number",
    Option<String> => "time",
    BTreeMap<String, Vec<String>> => "object of lists",
}

/// Declares the values once: type, names, meanings and defaults.
macro_rules! policy {
    ($( $(#[doc = $doc:literal])+ $name:ident: $ty:ty = $default:expr; )+) => {
        /// The values in force.
        #[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
        #[serde(deny_unknown_fields, default)]
        pub struct Policy {
            $( $(#[doc = $doc])+ pub $name: $ty, )+
        }

        impl Default for Policy {
            fn default() -> Self {
                Self { $( $name: $default, )+ }
            }
        }

        impl Policy {
            /// The names of the values, in the order of the contract.
            pub const NAMES: &'static [&'static str] = &[ $( stringify!($name), )+ ];

            /// What each value means, in the same order.
            pub const VALUES: &'static [PolicyValue] = &[ $( PolicyValue {
                name: stringify!($name),
                doc: concat!($($doc),+),
                form: <$ty as Form>::FORM,
            }, )+ ];

            /// Takes what `values` does not name from the policy before.
            fn keep(&mut self, before: &Self, values: &Map<String, Value>) {
                $( if !values.contains_key(stringify!($name)) {
                    self.$name = before.$name.clone();
                } )+
            }
        }
    };
}

policy! {
    /// The roles whose approval counts.
    approver_roles: Vec<String> = list(&["release_engineer"]);
    /// Where an approval may come from: `signed` by the approver's own key, `reported` by a key
    /// of the role reporter that names the approver, as for a review that was ingested.
    approval_sources: Vec<String> = list(&["signed"]);
    /// How many distinct approvers a deploy needs.
    quorum: u32 = 1;
    /// How long an approval holds when it does not say, in hours.
    approval_ttl_hours: u32 = 168;
    /// The change classes that need an approval: of none, micro, patch, period, minor, major,
    /// rebuild, prerelease, initial. Hotfixes and artifacts that were rolled back from need one
    /// anyway.
    approval_required_for: Vec<String> =
        list(&["minor", "major", "rebuild", "prerelease", "initial", "period"]);
    /// The scanners that must have scanned.
    scanners: Vec<String> = list(&["trivy", "grype"]);
    /// The most critical vulnerabilities that pass.
    scan_max_critical: u64 = 0;
    /// The most high vulnerabilities that pass.
    scan_max_high: u64 = 0;
    /// The smoke check must take less, in seconds.
    smoke_max_s: f64 = 300.0;
    /// The components that bake as a canary.
    canary_components: Vec<String> = list(&["orion-api"]);
    /// The least weight that counts as a canary, in percent.
    canary_weight: u8 = 5;
    /// The least bake, in seconds.
    canary_min_bake_s: u64 = 1800;
    /// The least bake of a hotfix, in seconds.
    hotfix_bake_s: u64 = 300;
    /// The highest error rate delta that passes, in percentage points.
    max_error_rate_delta: f64 = 0.1;
    /// The highest p99 delta that passes, in milliseconds.
    max_p99_delta_ms: f64 = 50.0;
    /// A break-glass deploy must be reviewed within this, in hours.
    breakglass_review_hours: u32 = 48;
    /// An event recorded later than this after it occurred is late, in seconds.
    late_tolerance_s: u64 = 300;
    /// An event that occurred later than this after it is recorded is refused, in seconds.
    future_tolerance_s: u64 = 60;
    /// The witnesses of the book, as verifier keys `name+hash+base64` (C2SP, cosignature/v1).
    witnesses: Vec<String> = Vec::new();
    /// Where witnesses are asked, as URLs before `/add-checkpoint`.
    witness_urls: Vec<String> = Vec::new();
    /// How many witnesses must have cosigned the newest checkpoint; 0 demands none.
    witness_quorum: u32 = 0;
    /// How long `append` waits for witnesses, in seconds; 0: it does not ask them.
    witness_append_wait_s: u32 = 0;
    /// Up to when the ledger's clock may stand still where it ran ahead of the right time, RFC 3339.
    clock_held_until: Option<String> = None;
    /// The gates per stage (dev, staging, canary, production); a stage that is not named keeps
    /// what it has, an empty list switches its gates off.
    gates: BTreeMap<String, Vec<String>> = default_gates();
}

fn list(names: &[&str]) -> Vec<String> {
    names.iter().map(|&name| name.to_owned()).collect()
}

/// Returns the gates of each stage: its own after those of the stages before.
fn default_gates() -> BTreeMap<String, Vec<String>> {
    let mut gates = BTreeMap::new();
    let mut so_far = Vec::new();
    for (stage, more) in [
        (Stage::Dev, &["reviewed_merge", "unit", "lint"][..]),
        (Stage::Staging, &["dev_deployed", "smoke"]),
        (
            Stage::Canary,
            &["staging_deployed", "integration", "contract", "scan:trivy", "scan:grype", "compat"],
        ),
        (Stage::Production, &["canary_bake", "slo", "approval", "same_digest", "no_freeze"]),
    ] {
        so_far.extend(list(more));
        gates.insert(stage.as_str().to_owned(), so_far.clone());
    }
    gates
}

impl Policy {
    /// Returns what a value means, in one line.
    pub fn doc_of(name: &str) -> String {
        let value = Self::VALUES.iter().find(|value| value.name == name);
        value.map_or_else(String::new, |value| value.doc.trim().to_owned())
    }

    /// Returns the default of a value as JSON; `null` where there is none.
    pub fn default_of(name: &str) -> Value {
        let all = serde_json::to_value(Self::default()).unwrap_or_default();
        all.get(name).cloned().unwrap_or_default()
    }

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
