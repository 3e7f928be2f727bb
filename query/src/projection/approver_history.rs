//! `approver_history`: every decision beside every production deploy of its version (Q6, A.8).

use std::collections::BTreeMap;

use super::{Projection, Request, components, text};
use crate::release::{Approval, Core, Deploy, FactsError};
use crate::table::ColumnType::{Bool, Int, Text, TextList, Time};
use crate::table::{Cell, Table};
use relbook_ledger::event::{Decision, Stage};
use relbook_ledger::policy::Policy;

pub(super) const PROJECTION: Projection = Projection {
    name: "approver_history",
    columns: &[
        ("approval_id", Text),
        ("decision", Text),
        ("approver", Text),
        ("role", Text),
        ("component", Text),
        ("version", Text),
        ("digest", Text),
        ("stage", Text),
        ("granted_at", Time),
        ("recorded_at", Time),
        ("seq", Int),
        ("expires_at", Time),
        ("revoked_at", Time),
        ("source", Text),
        ("deploy_id", Text),
        ("valid", Bool),
        ("reasons", TextList),
    ],
    rows,
};

fn rows(core: &Core<'_>, request: &Request) -> Result<Table, FactsError> {
    let mut table = Table::new(PROJECTION.columns);
    for component in components(core, request)? {
        let approvals = core.approvals(&component.name)?;
        if approvals.is_empty() {
            continue;
        }
        let deploys = production_deploys(core, &component.name)?;
        let mut judged = BTreeMap::new();
        for approval in &approvals {
            let of_version = deploys.get(&approval.version).map_or(&[][..], Vec::as_slice);
            if of_version.is_empty() {
                let (policy, _) = core.policy_at(approval.fact.seq)?;
                let mut cells = approval_cells(approval, &policy, None);
                cells.extend([Cell::Null, Cell::Null, Cell::Null]);
                table.push(cells, evidence(approval));
            }
            for deploy in of_version {
                if !judged.contains_key(deploy.id()) {
                    let judgements = core.judge(deploy, &approval.version)?;
                    judged.insert(deploy.id().to_owned(), judgements);
                }
                let all = judged.get(deploy.id()).map_or(&[][..], Vec::as_slice);
                let Some(own) = all.iter().find(|j| j.approval.fact.seq == approval.fact.seq)
                else {
                    continue;
                };
                let (policy, _) = core.policy_at(deploy.fact.seq)?;
                let mut cells = approval_cells(approval, &policy, Some(deploy));
                cells.push(deploy.id().into());
                cells.push(own.valid().into());
                cells.push(reasons(&own.reasons));
                let mut seqs = evidence(approval);
                seqs.extend(deploy.evidence());
                table.push(cells, seqs);
            }
        }
    }
    Ok(table)
}

fn production_deploys(
    core: &Core<'_>,
    component: &str,
) -> Result<BTreeMap<String, Vec<Deploy>>, FactsError> {
    let mut by_version: BTreeMap<String, Vec<Deploy>> = BTreeMap::new();
    for deploy in core.deploys(component)? {
        if deploy.start.stage != Stage::Production {
            continue;
        }
        let named = deploy.start.version.as_deref();
        let origin = core.origin(component, &deploy.start.digest, named)?;
        let version = origin.map(|o| o.version).or_else(|| named.map(str::to_owned));
        if let Some(version) = version {
            by_version.entry(version).or_default().push(deploy);
        }
    }
    Ok(by_version)
}

fn reasons(reasons: &[&str]) -> Cell {
    Cell::TextList(reasons.iter().map(|&reason| reason.to_owned()).collect())
}

fn evidence(approval: &Approval) -> Vec<u64> {
    let mut seqs = vec![approval.fact.seq];
    seqs.extend(approval.revocations.iter().map(|fact| fact.seq));
    seqs
}

fn approval_cells(approval: &Approval, policy: &Policy, deploy: Option<&Deploy>) -> Vec<Cell> {
    let component = deploy.map_or(approval.fact.event.component(), |d| d.component.as_str());
    vec![
        approval.id.as_str().into(),
        approval.decision.as_str().into(),
        approval.approver.as_str().into(),
        text(approval.role(policy)),
        component.into(),
        approval.version.as_str().into(),
        approval.digest.as_str().into(),
        approval.stage.as_str().into(),
        approval.fact.event.header.occurred_at.into(),
        approval.fact.recorded_at.into(),
        approval.fact.seq.into(),
        match approval.decision {
            Decision::Granted => approval.lapses_at(policy).into(),
            _ => approval.expires_at.into(),
        },
        approval.revoked().map(|fact| fact.event.header.occurred_at).into(),
        approval.source.into(),
    ]
}

/// Returns the columns and cells of Q6's detail for one judged approval.
pub(crate) fn judgement_cells(
    judgement: &crate::release::Judgement,
    policy: &Policy,
) -> (Vec<Cell>, Vec<u64>) {
    let approval = &judgement.approval;
    let cells = vec![
        approval.id.as_str().into(),
        approval.decision.as_str().into(),
        approval.approver.as_str().into(),
        text(approval.role(policy)),
        approval.stage.as_str().into(),
        approval.digest.as_str().into(),
        approval.fact.event.header.occurred_at.into(),
        approval.fact.recorded_at.into(),
        approval.fact.seq.into(),
        approval.source.into(),
        judgement.valid().into(),
        reasons(&judgement.reasons),
    ];
    (cells, evidence(approval))
}
