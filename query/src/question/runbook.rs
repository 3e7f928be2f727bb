//! `runbook`: the way of each component to its users under the policy in force.

use serde_json::{Value, json};

use super::{AnswerError, Part, components};
use crate::release::hotfix::DEADLINE_MINUTES;
use crate::release::{Component, Core};
use crate::table::ColumnType::{Bool, Text, TextList};
use crate::table::{Cell, ColumnType, Table};

const COLUMNS: &[(&str, ColumnType)] = &[
    ("component", Text),
    ("stage", Text),
    ("gate", Text),
    ("new", Bool),
    ("requirement", Text),
    ("hotfix", Text),
    ("owners", TextList),
];

pub(super) fn answer(core: &Core<'_>, only: Option<&str>) -> Result<Part, AnswerError> {
    let components = components(core, only)?;
    let mut part = Part { table: Table::new(COLUMNS), ..Part::default() };
    let (policy, set_by) = core.policy_at(u64::MAX)?;
    let roles: Vec<&str> = policy.approver_roles.iter().map(String::as_str).collect();
    let mut described = Vec::new();
    for component in &components {
        let approvers = core.holders(&roles, &component.name)?;
        described.push(describe(component, component.bakes(&policy), &approvers.principals));
        for step in core.runbook(component)? {
            let cells: Vec<Cell> = vec![
                component.name.as_str().into(),
                step.stage.into(),
                step.gate.into(),
                step.new.into(),
                step.requirement.into(),
                step.hotfix.into(),
                step.owners.into(),
            ];
            part.table.push(cells, step.evidence);
        }
    }
    part.head("policy_seq", set_by.map(|fact| fact.seq));
    part.head("policy", Cell::Json(json!(policy)));
    part.head("components", Cell::Json(Value::Array(described)));
    let environments = core.environments()?;
    let listed = environments.iter().map(|e| json!({"name": e.name, "targets": e.targets}));
    part.head("environments", Cell::Json(listed.collect()));
    part.head("hotfix", Cell::Json(hotfix(core)?));
    Ok(part)
}

fn describe(component: &Component, canary: bool, approvers: &[String]) -> Value {
    let spec = &component.spec;
    json!({
        "name": component.name,
        "alias": spec.alias.as_deref().unwrap_or(&component.name),
        "scheme": &*spec.scheme,
        "release_model": if component.is_published() { "published" } else { "deployed" },
        "artifact": spec.artifact.as_deref(),
        "repository": spec.repository.as_deref(),
        "tag_prefix": spec.tag_prefix.as_deref(),
        "cadence": spec.cadence.as_deref(),
        "canary": canary,
        "approvers": approvers,
    })
}

/// Returns the steps of a hotfix with their last minute.
fn hotfix(core: &Core<'_>) -> Result<Value, AnswerError> {
    let opened = core.facts().lens().as_of;
    let steps = core.hotfix_steps(DEADLINE_MINUTES)?;
    let minute = |at: relbook_ledger::time::Time| at.micros_since(opened) / 60_000_000;
    let step = steps.iter().map(|step| {
        json!({
            "step": step.step,
            "latest_minute": step.latest_at.map(minute),
            "change": step.profile_change,
        })
    });
    Ok(json!({ "deadline_minutes": DEADLINE_MINUTES, "steps": step.collect::<Vec<_>>() }))
}
