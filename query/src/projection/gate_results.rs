//! `gate_results`: every gate of every deploy, as the evidence before it and the policy in force
//! then had it (semantics A.10).

use super::{Projection, Request, components, text};
use crate::release::{Core, Deploy, FactsError, GateResult, Promotion};
use crate::table::ColumnType::{Bool, Int, Text, Time};
use crate::table::{Cell, Table};

pub(super) const PROJECTION: Projection = Projection {
    name: "gate_results",
    columns: &[
        ("deploy_id", Text),
        ("component", Text),
        ("stage", Text),
        ("gate", Text),
        ("required", Bool),
        ("verdict", Text),
        ("observed", Text),
        ("threshold", Text),
        ("evidence_seq", Int),
        ("evidence_at", Time),
        ("policy_seq", Int),
    ],
    rows,
};

fn rows(core: &Core<'_>, request: &Request) -> Result<Table, FactsError> {
    let mut table = Table::new(PROJECTION.columns);
    for component in components(core, request)? {
        for deploy in core.deploys(&component.name)? {
            let environment = deploy.start.environment.as_str();
            if request.environment.as_deref().is_some_and(|asked| asked != environment) {
                continue;
            }
            let promotion = core.gates(&deploy)?;
            for gate in &promotion.gates {
                let (cells, mut evidence) = row_of(&deploy, Some(deploy.id()), &promotion, gate);
                evidence.push(deploy.fact.seq);
                table.push(cells, evidence);
            }
        }
    }
    Ok(table)
}

/// Returns the cells of one gate, and the seqs that it rests on.
pub(crate) fn row_of(
    deploy: &Deploy,
    deploy_id: Option<&str>,
    promotion: &Promotion,
    gate: &GateResult,
) -> (Vec<Cell>, Vec<u64>) {
    let cells = vec![
        text(deploy_id),
        deploy.component.as_str().into(),
        deploy.start.stage.as_str().into(),
        gate.gate.as_str().into(),
        gate.required.into(),
        gate.verdict.as_str().into(),
        text(gate.observed.as_deref()),
        text(gate.threshold.as_deref()),
        gate.latest.map(|moment| moment.seq).into(),
        gate.latest.map(|moment| moment.at).into(),
        promotion.policy_seq.into(),
    ];
    let mut evidence = gate.evidence.clone();
    evidence.extend(promotion.policy_seq);
    (cells, evidence)
}
