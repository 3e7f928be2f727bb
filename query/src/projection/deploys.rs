//! `deploys`: one row per deploy, with its outcome and its approval verdict (A.5, A.8, A.9).

use super::{Projection, Request, components, text};
use crate::release::{Core, Deploy, DeployClass, FactsError, Judgement};
use crate::table::ColumnType::{Bool, Int, Text, TextList, Time};
use crate::table::{Cell, Table};

pub(super) const PROJECTION: Projection = Projection {
    name: "deploys",
    columns: &[
        // As every log table: here the event is the start.
        ("seq", Int),
        ("occurred_at", Time),
        ("recorded_at", Time),
        ("principal", Text),
        ("deploy_id", Text),
        ("component", Text),
        ("version", Text),
        ("digest", Text),
        ("commit", Text),
        ("stage", Text),
        ("environment", Text),
        ("targets", TextList),
        ("reason", Text),
        ("initiated_by", Text),
        ("rollback_of", Text),
        ("fixes", Text),
        ("hotfix_id", Text),
        ("break_glass", Bool),
        ("incident_id", Text),
        ("started_at", Time),
        ("finished_at", Time),
        ("outcome", Text),
        ("from_version", Text),
        ("from_digest", Text),
        ("bump", Text),
        ("change_class", Text),
        ("approval_required", Bool),
        ("held", Bool),
        ("approval_verdict", Text),
        ("approvers", TextList),
        ("gates_failed", TextList),
        ("seq_start", Int),
        ("seq_finish", Int),
    ],
    rows,
};

const CLASS: &[&str] =
    &["from_version", "from_digest", "bump", "change_class", "approval_required", "held"];
const VERDICT: &[&str] = &["approval_verdict", "approvers"];

fn rows(core: &Core<'_>, request: &Request) -> Result<Table, FactsError> {
    let mut table = Table::new(PROJECTION.columns);
    for component in components(core, request)? {
        for deploy in core.deploys(&component.name)? {
            let environment = deploy.start.environment.as_str();
            if request.environment.as_deref().is_some_and(|asked| asked != environment) {
                continue;
            }
            let (cells, evidence) = row_of(core, request, &deploy)?;
            table.push(cells, evidence);
        }
    }
    Ok(table)
}

fn row_of(
    core: &Core<'_>,
    request: &Request,
    deploy: &Deploy,
) -> Result<(Vec<Cell>, Vec<u64>), FactsError> {
    let start = &deploy.start;
    let named = start.version.as_deref();
    let origin = core.origin(&deploy.component, &start.digest, named)?;
    let version = origin.as_ref().map(|origin| origin.version.as_str());
    let mut evidence = deploy.evidence();
    evidence.extend(origin.iter().map(|origin| origin.seq));
    let mut cells = vec![
        deploy.fact.seq.into(),
        deploy.started().at.into(),
        deploy.fact.recorded_at.into(),
        deploy.fact.principal.as_str().into(),
        deploy.id().into(),
        deploy.component.as_str().into(),
        text(version.or(named)),
        start.digest.as_str().into(),
        text(origin.as_ref().map(|origin| origin.commit.as_str())),
        start.stage.as_str().into(),
        start.environment.as_str().into(),
        Cell::TextList(start.targets.iter().map(ToString::to_string).collect()),
        text(start.reason.map(|reason| reason.as_str())),
        deploy.initiated_by().into(),
        text(start.rollback_of.as_deref()),
        text(start.fixes.as_deref()),
        text(start.hotfix_id.as_deref()),
        (start.break_glass == Some(true)).into(),
        text(start.incident_id.as_deref()),
        deploy.started().at.into(),
        deploy.finished().map(|moment| moment.at).into(),
        deploy.outcome().as_str().into(),
    ];
    let verdict_needed = request.needs(VERDICT);
    let class = match verdict_needed || request.needs(CLASS) {
        true => Some(core.class(deploy)?),
        false => None,
    };
    cells.extend(class_cells(class.as_ref()));
    let judgements = match version.or(named) {
        Some(version) if verdict_needed => core.judge(deploy, version)?,
        _ => Vec::new(),
    };
    evidence.extend(judgements.iter().map(|j| j.approval.fact.seq));
    cells.extend(match (&class, verdict_needed) {
        (Some(class), true) => verdict_cells(core, deploy, class, &judgements)?,
        _ => [Cell::Null, Cell::Null],
    });
    cells.push(match request.needs(&["gates_failed"]) {
        true => core.gates(deploy)?.failed().into(),
        false => Cell::Null,
    });
    cells.push(deploy.fact.seq.into());
    cells.push(deploy.finished().map(|moment| moment.seq).into());
    Ok((cells, evidence))
}

fn class_cells(class: Option<&DeployClass>) -> [Cell; 6] {
    let Some(class) = class else { return Default::default() };
    [
        text(class.from_version.as_deref()),
        text(class.from_digest.as_deref()),
        text(class.bump.map(|bump| bump.as_str())),
        class.change_class.into(),
        class.approval_required.into(),
        class.held.into(),
    ]
}

fn verdict_cells(
    core: &Core<'_>,
    deploy: &Deploy,
    class: &DeployClass,
    judgements: &[Judgement],
) -> Result<[Cell; 2], FactsError> {
    let verdict = core.verdict(deploy, class, judgements)?;
    let mut approvers: Vec<String> = judgements
        .iter()
        .filter(|judgement| judgement.valid())
        .map(|judgement| judgement.approval.approver.clone())
        .collect();
    approvers.sort();
    approvers.dedup();
    Ok([verdict.as_str().into(), approvers.into()])
}
