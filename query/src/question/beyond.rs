//! What `diff` says beyond commits: one header each, and a reason where nothing can be compared.

use std::collections::{BTreeMap, BTreeSet};

use relbook_ledger::event::Body;
use relbook_ledger::time::Time;
use serde_json::{Map, Value, json};

use super::{AnswerError, Part};
use crate::release::{Core, Vulnerability};
use crate::sbom::{Packages, packages};
use crate::table::Cell;

/// Reads a blob by its digest, or says why it cannot.
pub(crate) type ReadBlob<'a> = &'a dyn Fn(&str) -> Result<Vec<u8>, String>;

/// Two artifacts of a component and the time between them.
pub(super) struct Between<'a> {
    pub(super) component: &'a str,
    /// None when there was nothing before.
    pub(super) from: Option<&'a str>,
    pub(super) to: &'a str,
    pub(super) since: Option<Time>,
    /// None when nothing says when the new one came.
    pub(super) until: Option<Time>,
}

/// Adds the headers.
pub(super) fn head(
    core: &Core<'_>,
    between: &Between<'_>,
    read: ReadBlob<'_>,
    part: &mut Part,
) -> Result<(), AnswerError> {
    part.head("vulnerabilities", Cell::Json(vulnerabilities(core, between)?));
    part.head("dependencies", Cell::Json(dependencies(core, between, read)?));
    part.head("approvals", Cell::Json(approvals(core, between)?));
    let Some(until) = between.until else {
        part.head("waivers", Cell::Null);
        part.head("policy_changes", Cell::Null);
        return Ok(());
    };
    let waivers = core.waivers_between(between.component, between.since, until)?;
    let waivers = waivers.iter().filter_map(|fact| match fact.body() {
        Body::WaiverGranted(w) => Some(json!({"waiver_id": &*w.waiver_id, "gate": &*w.gate,
            "digest": w.digest.as_deref(), "reason": w.reason, "owner": &*w.owner, "seq": fact.seq,
            "granted_at": fact.event.header.occurred_at, "expires_at": w.expires_at})),
        _ => None,
    });
    part.head("waivers", Cell::Json(waivers.collect()));
    let policies = core.policies_between(between.since, until)?;
    let policies = policies.iter().filter_map(|fact| match fact.body() {
        Body::PolicySet(p) => Some(json!({"policy_id": &*p.policy_id, "values": p.values,
            "set_at": fact.event.header.occurred_at, "seq": fact.seq})),
        _ => None,
    });
    part.head("policy_changes", Cell::Json(policies.collect()));
    Ok(())
}

/// Nothing can be compared, and why.
fn unknown(why: impl Into<String>) -> Value {
    json!({"state": "unknown", "why": why.into()})
}

fn vulnerabilities(core: &Core<'_>, between: &Between<'_>) -> Result<Value, AnswerError> {
    let Some(from) = between.from else { return Ok(unknown("there is no release before")) };
    let Some(compared) = core.compare_scans(between.component, from, between.to)? else {
        return Ok(unknown("no scanner named what it found in both artifacts"));
    };
    let shown = |all: &[Vulnerability]| -> Value {
        let one = |v: &Vulnerability| json!({"vulnerability_id": v.id, "severity": v.severity, "package": v.package});
        all.iter().map(one).collect()
    };
    Ok(json!({
        "state": "compared",
        "scanners": compared.scanners,
        "introduced": shown(&compared.introduced),
        "fixed": shown(&compared.fixed),
        "evidence": compared.evidence,
    }))
}

fn approvals(core: &Core<'_>, between: &Between<'_>) -> Result<Value, AnswerError> {
    let all = core.approvals_of_artifact(between.component, between.to)?;
    let one = all.iter().map(|a| {
        json!({"approval_id": a.id, "decision": a.decision.as_str(), "approver": a.approver,
            "stage": a.stage.as_str(), "decided_at": a.fact.event.header.occurred_at,
            "revoked": a.revoked().is_some(), "seq": a.fact.seq})
    });
    Ok(one.collect())
}

fn dependencies(
    core: &Core<'_>,
    between: &Between<'_>,
    read: ReadBlob<'_>,
) -> Result<Value, AnswerError> {
    let Some(from) = between.from else { return Ok(unknown("there is no release before")) };
    let mut evidence = Vec::new();
    let mut sides: Vec<Packages> = Vec::new();
    for (digest, side) in [(from, "old"), (between.to, "new")] {
        let Some((blob, seq)) = core.sbom(between.component, digest)? else {
            return Ok(unknown(format!("no SBOM of the {side} artifact was recorded")));
        };
        evidence.push(seq);
        let listed = read(&blob).and_then(|bytes| packages(&bytes).map_err(|e| e.to_string()));
        match listed {
            Ok(listed) => sides.push(listed),
            Err(why) => {
                return Ok(unknown(format!("the SBOM of the {side} artifact ({blob}): {why}")));
            }
        }
    }
    let [old, new] = sides.as_slice() else { return Ok(unknown("an SBOM is missing")) };
    let mut whole = compare(old, new);
    whole.insert("state".to_owned(), json!("compared"));
    whole.insert("evidence".to_owned(), json!(evidence));
    Ok(Value::Object(whole))
}

fn compare(old: &Packages, new: &Packages) -> Map<String, Value> {
    let names: BTreeSet<&String> = old.keys().chain(new.keys()).collect();
    let mut lists: BTreeMap<&str, Vec<Value>> =
        [("added", vec![]), ("removed", vec![]), ("changed", vec![])].into();
    for name in names {
        let (list, entry) = match (old.get(name), new.get(name)) {
            (None, Some(versions)) => ("added", json!({"name": name, "versions": versions})),
            (Some(versions), None) => ("removed", json!({"name": name, "versions": versions})),
            (Some(from), Some(to)) if from != to => {
                ("changed", json!({"name": name, "from": from, "to": to}))
            }
            _ => continue,
        };
        lists.entry(list).or_default().push(entry);
    }
    lists.into_iter().map(|(name, list)| (name.to_owned(), Value::Array(list))).collect()
}
