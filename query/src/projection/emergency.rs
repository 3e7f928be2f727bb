//! `emergency`: every deploy that broke the glass, and its review (semantics B.3 file 5).

use relbook_ledger::event::Body;

use super::{Projection, Request, components, text};
use crate::release::{Core, Emergency, FactsError, Period};
use crate::table::ColumnType::{Bool, Text, TextList, Time};
use crate::table::{Cell, Table};

pub(super) const PROJECTION: Projection = Projection {
    name: "emergency",
    columns: &[
        ("change_id", Text),
        ("declared_by", Text),
        ("incident_id", Text),
        ("reason", Text),
        ("gates_skipped", TextList),
        ("started_at", Time),
        ("finished_at", Time),
        ("outcome", Text),
        ("retro_approver", Text),
        ("retro_approved_at", Time),
        ("review_due_at", Time),
        ("reviewer", Text),
        ("review_at", Time),
        ("review_result", Text),
        ("overdue", Bool),
        ("component", Text),
        ("environment", Text),
    ],
    rows,
};

fn rows(core: &Core<'_>, request: &Request) -> Result<Table, FactsError> {
    let mut table = Table::new(PROJECTION.columns);
    for emergency in emergencies_in(core, request, Period::ALL)? {
        table.push(emergency_row(core, &emergency), emergency.evidence());
    }
    Ok(table)
}

/// Returns the deploys of a period that broke the glass, by start.
pub(crate) fn emergencies_in(
    core: &Core<'_>,
    request: &Request,
    period: Period,
) -> Result<Vec<Emergency>, FactsError> {
    let mut all = Vec::new();
    for component in components(core, request)? {
        all.extend(core.emergencies(&component.name, period)?);
    }
    all.retain(|emergency| {
        let environment = emergency.deploy.start.environment.as_str();
        request.environment.as_deref().is_none_or(|asked| asked == environment)
    });
    all.sort_by(|a, b| {
        (a.deploy.started(), a.deploy.id()).cmp(&(b.deploy.started(), b.deploy.id()))
    });
    Ok(all)
}

/// Returns the cells of one row.
pub(crate) fn emergency_row(core: &Core<'_>, emergency: &Emergency) -> Vec<Cell> {
    let deploy = &emergency.deploy;
    let word = deploy.start.reason.map(|reason| reason.as_str());
    let review = emergency.review.as_ref().and_then(|fact| match fact.body() {
        Body::BreakglassReviewed(review) => Some(review.clone()),
        _ => None,
    });
    let retro = emergency.retro.as_ref();
    vec![
        deploy.id().into(),
        deploy.initiated_by().into(),
        text(deploy.start.incident_id.as_deref()),
        // The glass wants a reason in words; `hotfix` says what, not why.
        text(deploy.start.description.as_deref().or(word)),
        emergency.gates_skipped.clone().into(),
        deploy.started().at.into(),
        deploy.finished().map(|moment| moment.at).into(),
        deploy.outcome().as_str().into(),
        text(retro.map(|approval| approval.approver.as_str())),
        retro.map(|approval| approval.fact.moment().at).into(),
        emergency.review_due_at.into(),
        text(review.as_ref().map(|review| review.reviewer.as_str())),
        emergency.reviewed_at().into(),
        text(review.as_ref().map(|review| review.result.as_str())),
        emergency.is_overdue(core.facts().lens().as_of).into(),
        deploy.component.as_str().into(),
        deploy.start.environment.as_str().into(),
    ]
}
