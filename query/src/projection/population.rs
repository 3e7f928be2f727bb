//! `population`: every production-stage deploy, whatever came of it (semantics B.3 file 1).

use std::collections::BTreeMap;

use relbook_ledger::event::Body;
use relbook_ledger::time::Time;

use super::{Projection, Request, components, text};
use crate::release::{
    Component, Core, Deploy, DeployClass, ExceptionCode, Fact, FactsError, GateVerdict, Judgement,
    Period, Promotion,
};
use crate::table::ColumnType::{Bool, Float, Int, Text, TextList, Time as Instant};
use crate::table::{Cell, Table};

pub(super) const PROJECTION: Projection = Projection {
    name: "population",
    columns: &[
        ("change_id", Text),
        ("component", Text),
        ("environment", Text),
        ("targets", TextList),
        ("from_version", Text),
        ("from_digest", Text),
        ("to_version", Text),
        ("to_digest", Text),
        ("commit", Text),
        ("repo", Text),
        ("bump", Text),
        ("change_class", Text),
        ("reason", Text),
        ("description", Text),
        ("ticket", Text),
        ("security_impact", Text),
        ("requested_by", Text),
        ("initiated_by", Text),
        ("authors", TextList),
        ("reviewers", TextList),
        ("approval_required", Bool),
        ("approval_verdict", Text),
        ("approvers", TextList),
        ("first_approved_at", Instant),
        ("started_at", Instant),
        ("finished_at", Instant),
        ("outcome", Text),
        ("tests_verdict", Text),
        ("scan_verdict", Text),
        ("scan_at", Instant),
        ("canary_minutes", Float),
        ("gates_failed", TextList),
        ("rollback_target", Text),
        ("break_glass", Bool),
        ("incident_id", Text),
        ("review_result", Text),
        ("review_at", Instant),
        ("exceptions", TextList),
        ("seq_start", Int),
        ("seq_finish", Int),
        ("event_hash_start", Text),
        ("event_hash_finish", Text),
        ("checkpoint_size", Int),
    ],
    rows,
};

/// The gates that are tests; the others are scans, stages, people and promises.
const TESTS: &[&str] = &["unit", "lint", "smoke", "integration", "contract", "slo"];

fn rows(core: &Core<'_>, request: &Request) -> Result<Table, FactsError> {
    rows_in(core, request, Period::ALL)
}

/// Returns the rows of a period, by start and deploy.
pub(crate) fn rows_in(
    core: &Core<'_>,
    request: &Request,
    period: Period,
) -> Result<Table, FactsError> {
    let mut deploys: Vec<(std::sync::Arc<Component>, Deploy)> = Vec::new();
    for component in components(core, request)? {
        for deploy in core.production_deploys(&component.name, period)? {
            let environment = deploy.start.environment.as_str();
            if request.environment.as_deref().is_none_or(|asked| asked == environment) {
                deploys.push((std::sync::Arc::clone(&component), deploy));
            }
        }
    }
    deploys.sort_by(|(_, a), (_, b)| {
        (a.started().at, a.id(), a.fact.seq).cmp(&(b.started().at, b.id(), b.fact.seq))
    });
    let mut exceptions: BTreeMap<String, Vec<String>> = BTreeMap::new();
    if request.needs(&["exceptions"]) {
        // A finding about a deploy may come long after its start.
        let since = Period { from: period.from, to: None };
        let only = request.component.as_deref();
        for found in core.exceptions(only, ExceptionCode::ALL, since)? {
            let Some(id) = found.change_id else { continue };
            let codes = exceptions.entry(id).or_default();
            let code = found.code.as_str().to_owned();
            if !codes.contains(&code) {
                codes.push(code);
                codes.sort();
            }
        }
    }
    let mut table = Table::new(PROJECTION.columns);
    for (component, deploy) in &deploys {
        let codes = exceptions.get(deploy.id()).cloned().unwrap_or_default();
        let (cells, evidence) = row_of(core, component, deploy, codes)?;
        table.push(cells, evidence);
    }
    Ok(table)
}

/// What stands behind the cells of one row.
struct Behind {
    class: DeployClass,
    judgements: Vec<Judgement>,
    promotion: Promotion,
}

fn row_of(
    core: &Core<'_>,
    component: &Component,
    deploy: &Deploy,
    exceptions: Vec<String>,
) -> Result<(Vec<Cell>, Vec<u64>), FactsError> {
    let class = core.class(deploy)?;
    let named = deploy.start.version.as_deref();
    let version = class.origin.as_ref().map(|o| o.version.clone()).or(named.map(str::to_owned));
    let judgements = match &version {
        Some(version) => core.judge(deploy, version)?,
        None => Vec::new(),
    };
    let behind = Behind { judgements, promotion: core.gates(deploy)?, class };
    let mut evidence = deploy.evidence();
    evidence.extend(behind.class.origin.iter().map(|origin| origin.seq));
    evidence.extend(behind.judgements.iter().map(|j| j.approval.fact.seq));
    evidence.extend(behind.promotion.gates.iter().flat_map(|gate| &gate.evidence));
    evidence.extend(core.review(deploy)?.map(|review| review.seq));
    let mut cells = what(core, deploy, &behind, version.as_deref())?;
    cells.extend(who(core, deploy, &behind)?);
    cells.extend(how(core, component, deploy, &behind)?);
    cells.extend(after(core, deploy, exceptions)?);
    Ok((cells, evidence))
}

/// Returns the cells up to `security_impact`.
fn what(
    core: &Core<'_>,
    deploy: &Deploy,
    behind: &Behind,
    version: Option<&str>,
) -> Result<Vec<Cell>, FactsError> {
    let (start, class) = (&deploy.start, &behind.class);
    let build = match &class.origin {
        Some(origin) => core.facts().fact(origin.seq)?,
        None => None,
    };
    let repo = build.as_ref().and_then(|fact| match fact.body() {
        Body::BuildCompleted(build) => build.repository.clone(),
        _ => None,
    });
    Ok(vec![
        deploy.id().into(),
        deploy.component.as_str().into(),
        start.environment.as_str().into(),
        Cell::TextList(start.targets.iter().map(ToString::to_string).collect()),
        text(class.from_version.as_deref()),
        text(class.from_digest.as_deref()),
        text(version),
        start.digest.as_str().into(),
        text(class.origin.as_ref().map(|origin| origin.commit.as_str())),
        text(repo.as_deref()),
        text(class.bump.map(|bump| bump.as_str())),
        class.change_class.into(),
        text(start.reason.map(|reason| reason.as_str())),
        text(start.description.as_deref()),
        text(start.ticket.as_deref()),
        text(start.security_impact.as_deref()),
    ])
}

/// Returns the cells from `requested_by` to `first_approved_at`.
fn who(core: &Core<'_>, deploy: &Deploy, behind: &Behind) -> Result<Vec<Cell>, FactsError> {
    let verdict = core.verdict(deploy, &behind.class, &behind.judgements)?;
    let valid = || behind.judgements.iter().filter(|judgement| judgement.valid());
    let approvers = valid().map(|judgement| judgement.approval.approver.clone());
    let first = valid().map(|judgement| judgement.approval.fact.moment().at).min();
    let merges: Vec<_> = core.brought(deploy)?;
    let commits = || {
        merges.iter().filter_map(|fact| match fact.body() {
            Body::CommitMerged(commit) => Some(commit),
            _ => None,
        })
    };
    let reviewers = commits().flat_map(|c| c.reviewers.iter().flatten());
    let labels = deploy.fact.event.header.labels.as_ref();
    let asked = labels.and_then(|labels| labels.get("requested_by"));
    Ok(vec![
        text(asked.map(|asked| asked.as_str())),
        deploy.initiated_by().into(),
        people(commits().map(|commit| commit.author.to_string())),
        people(reviewers.map(ToString::to_string)),
        behind.class.approval_required.into(),
        verdict.as_str().into(),
        people(approvers),
        first.into(),
    ])
}

fn people(names: impl Iterator<Item = String>) -> Cell {
    let mut names: Vec<String> = names.collect();
    names.sort();
    names.dedup();
    names.into()
}

/// Returns the cells from `started_at` to `rollback_target`.
fn how(
    core: &Core<'_>,
    component: &Component,
    deploy: &Deploy,
    behind: &Behind,
) -> Result<Vec<Cell>, FactsError> {
    let gates = &behind.promotion.gates;
    let summary = |wanted: &dyn Fn(&str) -> bool| -> Cell {
        let judged: Vec<GateVerdict> =
            gates.iter().filter(|g| wanted(&g.gate)).map(|g| g.verdict).collect();
        let has = |verdict| judged.contains(&verdict);
        if has(GateVerdict::Fail) {
            "fail".into()
        } else if has(GateVerdict::Missing) {
            "missing".into()
        } else if has(GateVerdict::Deferred) {
            "deferred".into()
        } else if has(GateVerdict::Pass) {
            "pass".into()
        } else {
            Cell::Null
        }
    };
    let scans = gates.iter().filter(|gate| gate.gate.starts_with("scan:"));
    let scan_at = scans.filter_map(|gate| gate.latest).map(|moment| moment.at).max();
    Ok(vec![
        deploy.started().at.into(),
        deploy.finished().map(|moment| moment.at).into(),
        deploy.outcome().as_str().into(),
        summary(&|gate| TESTS.contains(&gate)),
        summary(&|gate| gate.starts_with("scan:")),
        scan_at.into(),
        canary_minutes(core, component, deploy)?,
        behind.promotion.failed().into(),
        // What one could have gone back to is what was live before.
        text(behind.class.from_version.as_deref()),
    ])
}

/// Returns how long the artifact was a canary before the deploy, on the target that had it
/// longest.
fn canary_minutes(
    core: &Core<'_>,
    component: &Component,
    deploy: &Deploy,
) -> Result<Cell, FactsError> {
    let place = deploy.start.environment.as_str();
    let mut by_target: BTreeMap<String, i64> = BTreeMap::new();
    for interval in core.live_intervals(&component.name, place, &deploy.start.digest)? {
        let start = deploy.started().at;
        if interval.role == crate::release::Role::Canary && interval.from.at < start {
            let until = interval.until.map_or(start, |until| until.at).min(start);
            *by_target.entry(interval.target).or_default() += until.micros_since(interval.from.at);
        }
    }
    #[expect(clippy::cast_precision_loss, reason = "far below 2^53 microseconds")]
    Ok(by_target.into_values().max().map(|micros| micros as f64 / 6e7).into())
}

/// Returns the cells from `break_glass` on.
fn after(
    core: &Core<'_>,
    deploy: &Deploy,
    exceptions: Vec<String>,
) -> Result<Vec<Cell>, FactsError> {
    let review = core.review(deploy)?;
    let result = review.as_ref().and_then(|fact| match fact.body() {
        Body::BreakglassReviewed(review) => Some(review.result.to_string()),
        _ => None,
    });
    let finish = match deploy.finished() {
        Some(moment) => core.facts().fact(moment.seq)?,
        None => None,
    };
    let at: Option<Time> = review.map(|fact| fact.moment().at);
    Ok(vec![
        (deploy.start.break_glass == Some(true)).into(),
        text(deploy.start.incident_id.as_deref()),
        result.into(),
        at.into(),
        exceptions.into(),
        deploy.fact.seq.into(),
        deploy.finished().map(|moment| moment.seq).into(),
        hash(&deploy.fact).into(),
        finish.map(|fact| hash(&fact)).into(),
        (core.facts().lens().as_known + 1).into(),
    ])
}

/// Returns the digest of the signed body of an event.
fn hash(fact: &Fact) -> String {
    let hex: String = fact.body_digest.iter().map(|byte| format!("{byte:02x}")).collect();
    format!("blake3:{hex}")
}
