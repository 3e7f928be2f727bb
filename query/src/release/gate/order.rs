//! Which gates a stage has under a policy, in the order of A.10.

use relbook_ledger::policy::Policy;

/// The order of A.10; the scanners stand in that of the policy, gates of a team's own at the end.
const ORDER: [&str; 14] = [
    "reviewed_merge",
    "unit",
    "lint",
    "dev_deployed",
    "smoke",
    "staging_deployed",
    "integration",
    "contract",
    "scan:",
    "compat",
    "canary_bake",
    "slo",
    "approval",
    "same_digest",
];

fn rank(gate: &str) -> usize {
    let place = |known: &str| match known.strip_suffix(':') {
        Some(prefix) => gate.split_once(':').is_some_and(|(before, _)| before == prefix),
        None => known == gate,
    };
    match gate {
        "no_freeze" => ORDER.len(),
        _ => ORDER.iter().position(|known| place(known)).unwrap_or(ORDER.len() + 1),
    }
}

/// Returns the gates of a stage, in order, each once. A stage that keeps its default gates asks
/// for a scan by each scanner of the policy.
pub(in crate::release) fn gates_of(policy: &Policy, stage: &str) -> Vec<String> {
    let named = policy.gates.get(stage).cloned().unwrap_or_default();
    let mut gates: Vec<String> = Vec::new();
    let default = Policy::default().gates.get(stage) == Some(&named);
    let is_scan = |gate: &String| gate.starts_with("scan:");
    let scans = policy.scanners.iter().map(|scanner| format!("scan:{scanner}"));
    let all = match default && named.iter().any(is_scan) {
        true => named.into_iter().filter(|gate| !is_scan(gate)).chain(scans).collect(),
        false => named,
    };
    for gate in all {
        if !gates.contains(&gate) {
            gates.push(gate);
        }
    }
    gates.sort_by_key(|gate| rank(gate));
    gates
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn with(values: serde_json::Value) -> Policy {
        let mut policy = Policy::default();
        policy.set(values.as_object().unwrap()).unwrap();
        policy
    }

    #[test]
    fn the_default_order_is_that_of_a10() {
        let all = gates_of(&Policy::default(), "production");
        assert_eq!(all, Policy::default().gates["production"]);
        assert_eq!(all.len(), 16);
        assert_eq!(gates_of(&Policy::default(), "dev"), ["reviewed_merge", "unit", "lint"]);
    }

    #[test]
    fn named_gates_are_put_in_order_and_own_ones_come_last() {
        let names = ["load", "no_freeze", "scan:b", "unit", "scan:a", "approval", "unit"];
        let policy = with(json!({"gates": {"canary": names}}));
        let sorted = ["unit", "scan:b", "scan:a", "approval", "no_freeze", "load"];
        assert_eq!(gates_of(&policy, "canary"), sorted);
        assert_eq!(gates_of(&with(json!({"gates": {"dev": []}})), "dev"), [""; 0]);
    }

    #[test]
    fn scanners_of_the_policy_are_those_of_the_default_gates() {
        let policy = with(json!({"scanners": ["snyk"]}));
        let scans: Vec<String> =
            gates_of(&policy, "canary").into_iter().filter(|g| g.starts_with("scan:")).collect();
        assert_eq!(scans, ["scan:snyk"]);
        assert!(!gates_of(&policy, "staging").iter().any(|gate| gate.starts_with("scan:")));
    }
}
