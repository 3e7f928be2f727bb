//! `dora`: the five metrics of each component, or the commits and recoveries behind them
//! (semantics A.14, C.2 N9).

use super::{AnswerError, Part, Warning, component, environment, warning};
use crate::release::{Component, Core, Dora, Metric, Period, Unmeasured};
use crate::table::ColumnType::{Float, Int, Text, TextList, Time};
use crate::table::{Cell, ColumnType, Table};

const COLUMNS: &[(&str, ColumnType)] = &[
    ("component", Text),
    ("metric", Text),
    ("numerator", Int),
    ("denominator", Int),
    ("value", Float),
    ("deploy_ids", TextList),
    ("unit", Text),
];

const DETAIL: &[(&str, ColumnType)] = &[
    ("component", Text),
    ("metric", Text),
    ("commit", Text),
    ("deploy_id", Text),
    ("from_at", Time),
    ("to_at", Time),
    ("value", Float),
    ("ended_by", Text),
    ("unit", Text),
];

pub(super) fn answer(
    core: &Core<'_>,
    environment_name: &str,
    only: Option<&str>,
    period: Period,
    detail: bool,
) -> Result<Part, AnswerError> {
    let environment = environment(core, environment_name)?;
    let components = match only {
        Some(name) => vec![component(core, name)?],
        None => core.components()?.into_iter().filter(|c| !c.is_published()).collect(),
    };
    let columns = if detail { DETAIL } else { COLUMNS };
    let mut part = Part { table: Table::new(columns), ..Part::default() };
    part.period(period)?;
    part.head("environment", environment_name);
    for component in &components {
        if component.is_published() {
            let what = format!("{} is published, not deployed", component.name);
            part.warnings.push(warning("published", what));
        }
        let dora = core.dora(&component.name, &environment.name, period)?;
        part.warnings.extend(dora.unmeasured.iter().map(|gap| unmeasured(&component.name, gap)));
        match detail {
            true => details(&component.name, &dora, &mut part.table),
            false => metrics(component, environment.seq, &dora, &mut part.table),
        }
    }
    Ok(part)
}

/// Says which commits the lead time leaves out.
fn unmeasured(component: &str, gap: &Unmeasured) -> Warning {
    let id = &gap.deploy_id;
    match &gap.commit {
        Some(commit) => {
            let what = "the log has no merge of";
            let detail =
                format!("{component}: {what} {commit}, which {id} brought; it is not measured");
            warning("unknown_ancestry", detail)
        }
        None => {
            let what = "the log has no build of what it deployed; its commits are not measured";
            warning("missing_provenance", format!("{component}: {id}: {what}"))
        }
    }
}

fn metrics(component: &Component, environment: u64, dora: &Dora, table: &mut Table) {
    for measured in &dora.metrics {
        // Where nothing is ever deployed, no deploys is no measurement.
        let value = measured.value.filter(|_| !component.is_published());
        let cells = vec![
            component.name.as_str().into(),
            measured.metric.as_str().into(),
            measured.numerator.into(),
            measured.denominator.into(),
            value.into(),
            measured.deploy_ids.clone().into(),
            measured.metric.unit().into(),
        ];
        // That there is nothing rests on what was asked about.
        let mut evidence = measured.evidence.clone();
        if evidence.is_empty() {
            evidence.extend([component.seq, environment]);
        }
        table.push(cells, evidence);
    }
}

fn details(component: &str, dora: &Dora, table: &mut Table) {
    for lead in &dora.commits {
        let commit = match lead.merge.body() {
            relbook_ledger::event::Body::CommitMerged(merge) => Some(merge.commit.to_string()),
            _ => None,
        };
        let cells = vec![
            component.into(),
            Metric::ChangeLeadTime.as_str().into(),
            commit.into(),
            lead.deploy_id.as_str().into(),
            lead.merge.moment().at.into(),
            lead.live_at.into(),
            lead.seconds().into(),
            Cell::Null,
            "seconds".into(),
        ];
        table.push(cells, lead.evidence.clone());
    }
    for recovery in &dora.recoveries {
        let cells = vec![
            component.into(),
            Metric::FailedDeploymentRecoveryTime.as_str().into(),
            Cell::Null,
            recovery.deploy_id.as_str().into(),
            recovery.failed_at.into(),
            recovery.recovered_at.into(),
            recovery.seconds().into(),
            recovery.recovered_by.clone().into(),
            "seconds".into(),
        ];
        table.push(cells, recovery.evidence.clone());
    }
}
