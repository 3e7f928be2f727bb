//! Q6: who approved a deploy, and when (semantics A.8, A.9, C.1).

use super::{AnswerError, Part, WhichDeploy, component, environment, warning};
use crate::projection::judgement_cells;
use crate::release::{Core, Deploy, DeployOutcome, FactsError, Key, Verdict};
use crate::table::ColumnType::{Bool, Int, Text, TextList, Time};
use crate::table::{Cell, ColumnType, Table};
use relbook_ledger::event::Body;

const COLUMNS: &[(&str, ColumnType)] = &[
    ("approval_id", Text),
    ("decision", Text),
    ("approver", Text),
    ("role", Text),
    ("stage", Text),
    ("digest", Text),
    ("granted_at", Time),
    ("recorded_at", Time),
    ("seq", Int),
    ("source", Text),
    ("valid", Bool),
    ("reasons", TextList),
];

const HEADER: &[&str] = &[
    "deploy_id",
    "component",
    "version",
    "digest",
    "bump",
    "approval_required",
    "held",
    "verdict",
    "outcome",
    "initiated_by",
    "started_at",
    "finished_at",
    "break_glass",
    "policy_digest",
    "policy_seq",
    "gates",
];

pub(super) fn answer(
    core: &Core<'_>,
    environment_name: &str,
    only: Option<&str>,
    which: &WhichDeploy,
) -> Result<Part, AnswerError> {
    let environment = environment(core, environment_name)?;
    let only = match only {
        Some(name) => Some(component(core, name)?),
        None => None,
    };
    let only = only.as_ref().map(|component| component.name.as_str());
    let deploy = match which {
        WhichDeploy::LastSucceeded => core.last_deploy(only, &environment.name, true)?,
        WhichDeploy::LastAny => core.last_deploy(only, &environment.name, false)?,
        WhichDeploy::Id(id) => {
            let found = core.deploy(id)?.filter(|d| only.is_none_or(|name| d.component == name));
            Some(found.ok_or_else(|| AnswerError::UnknownDeploy {
                id: id.clone(),
                environment: environment.name.clone(),
            })?)
        }
    };
    let mut part = Part { table: Table::new(COLUMNS), ..Part::default() };
    match deploy {
        Some(deploy) => judged(core, &deploy, &mut part)?,
        None => {
            for name in HEADER {
                let value = if *name == "component" { only.into() } else { Cell::Null };
                part.head(name, value);
            }
            let detail = format!("no production deploy in {} yet", environment.name);
            part.warnings.push(warning("no_deploy", detail));
        }
    }
    Ok(part)
}

fn judged(core: &Core<'_>, deploy: &Deploy, part: &mut Part) -> Result<(), FactsError> {
    let class = core.class(deploy)?;
    let version = class.origin.as_ref().map(|origin| origin.version.clone());
    let version = version.or_else(|| deploy.start.version.as_deref().map(str::to_owned));
    let judgements = match &version {
        Some(version) => core.judge(deploy, version)?,
        None => Vec::new(),
    };
    let verdict = core.verdict(deploy, &class, &judgements)?;
    let (policy, set_by) = core.policy_at(deploy.fact.seq)?;
    let gates = policy.gates.get(deploy.start.stage.as_str()).cloned().unwrap_or_default();
    let digest = set_by.as_ref().map(|fact| {
        let hex: String = fact.body_digest.iter().map(|byte| format!("{byte:02x}")).collect();
        format!("blake3:{hex}")
    });
    let finished = match deploy.outcome() {
        DeployOutcome::InFlight => None,
        _ => deploy.finished(),
    };
    let cells: Vec<Cell> = vec![
        deploy.id().into(),
        deploy.component.as_str().into(),
        version.into(),
        deploy.start.digest.as_str().into(),
        class.bump.map(|bump| bump.as_str()).into(),
        class.approval_required.into(),
        class.held.into(),
        verdict.as_str().into(),
        deploy.outcome().as_str().into(),
        deploy.initiated_by().into(),
        deploy.started().at.into(),
        finished.map(|moment| moment.at).into(),
        (deploy.start.break_glass == Some(true)).into(),
        digest.into(),
        set_by.map(|fact| fact.seq).into(),
        gates.into(),
    ];
    for (name, cell) in HEADER.iter().zip(cells) {
        part.head(name, cell);
    }
    for judgement in &judgements {
        let (cells, mut evidence) = judgement_cells(judgement, &policy);
        evidence.extend(deploy.evidence());
        part.table.push(cells, evidence);
    }
    match verdict {
        Verdict::NotRequired => part.warnings.push(warning(
            "not_required",
            "no approval was needed; the gates of the header stood in its place",
        )),
        Verdict::Missing => part.warnings.push(warning(
            "missing",
            "an approval was needed and no valid one was there when the deploy started",
        )),
        Verdict::Approved | Verdict::BreakGlass => {}
    }
    unknown_references(core, deploy, part)
}

/// Warns of deploys and of a hotfix that the deploy names and that the book does not hold.
fn unknown_references(core: &Core<'_>, deploy: &Deploy, part: &mut Part) -> Result<(), FactsError> {
    let mut tell = |field: &str, id: &str| {
        let detail = format!("{} names {field} {id}, which was not recorded", deploy.id());
        part.warnings.push(warning("unknown_reference", detail));
    };
    for (field, id) in [("rollback_of", &deploy.start.rollback_of), ("fixes", &deploy.start.fixes)]
    {
        if let Some(id) = id
            && core.deploy(id)?.is_none()
        {
            tell(field, id);
        }
    }
    if let Some(id) = &deploy.start.hotfix_id {
        let key = Key::Hotfixes { component: deploy.component.clone() };
        let opened = core.facts().find(&key)?;
        let is_it = |body: &Body| matches!(body, Body::HotfixOpened(h) if h.hotfix_id == *id);
        if !opened.iter().any(|fact| is_it(fact.body())) {
            tell("hotfix_id", id);
        }
    }
    Ok(())
}
