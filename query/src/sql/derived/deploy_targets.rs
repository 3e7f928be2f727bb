//! `deploy_targets`: how each deploy went on each of its targets (semantics A.5).
//!
//! The targets are those of the start. The weight is the last that was reported, not the intended
//! one; the last finish in effective order is the one that stands. Corrected events do not count.

use std::collections::{HashMap, HashSet};

use relbook_ledger::time::Time;

use super::Derived;
use crate::sql::log::LogError;
use crate::sql::logs::Logs;
use crate::sql::rows::Rows;
use crate::table::ColumnType::{self, Bool, Int, Text};
use crate::table::{Cell, Table};

pub(super) const TABLE: Derived = Derived {
    name: "deploy_targets",
    doc: "How each deploy went on each of its targets.",
    fixed: COLUMNS,
    columns: None,
    rows,
    docs: &[
        ("seq", "The seq of the start."),
        ("occurred_at", "When the deploy started, as claimed."),
        ("recorded_at", "The ledger's clock when the start came."),
        ("principal", "Who signed the start."),
        ("deploy_id", "The deploy."),
        ("target", "The target."),
        ("weight", "The last reported share of traffic, in percent."),
        ("outcome", "How it ended; null while it has not."),
        ("restored", "Whether the previous state came back."),
        ("finished_at", "When it ended there."),
        ("component", "The component."),
        ("environment", "The environment."),
        ("stage", "The stage."),
        ("seq_start", "The seq of the start."),
        ("seq_finish", "The seq of the finish."),
    ],
};

const COLUMNS: &[(&str, ColumnType)] = &[
    ("seq", Int),
    ("occurred_at", ColumnType::Time),
    ("recorded_at", ColumnType::Time),
    ("principal", Text),
    ("deploy_id", Text),
    ("target", Text),
    ("weight", Int),
    ("outcome", Text),
    ("restored", Bool),
    ("finished_at", ColumnType::Time),
    ("component", Text),
    ("environment", Text),
    ("stage", Text),
    ("seq_start", Int),
    ("seq_finish", Int),
];

const READ: &[&str] = &[
    "seq",
    "occurred_at",
    "recorded_at",
    "principal",
    "kind",
    "component",
    "deploy_id",
    "stage",
    "environment",
    "targets",
    "target",
    "weight",
    "outcome",
    "restored",
];

/// A deploy as it started, and what was reported since.
struct Started {
    seq: u64,
    occurred_at: Cell,
    recorded_at: Cell,
    principal: Cell,
    component: Cell,
    environment: Cell,
    stage: Cell,
    targets: Vec<(String, OnTarget)>,
}

/// What was reported of one target. The moments are (occurred_at, seq).
#[derive(Default)]
struct OnTarget {
    weight: Option<((i64, u64), Cell)>,
    finish: Option<((i64, u64), Cell, Cell)>,
}

fn rows(logs: &Logs) -> Result<Table, LogError> {
    let corrected = corrected(logs)?;
    let mut deploys: Vec<Started> = Vec::new();
    let mut by_id: HashMap<String, usize> = HashMap::new();
    let batches = logs.read("deploy_events", READ)?;
    // A progress or finish may stand before its start in the log, so the starts come first.
    for starts in [true, false] {
        for batch in &batches {
            let events = Rows::new(batch);
            for row in 0..batch.num_rows() {
                let Some(seq) = events.seq(row, "seq").filter(|seq| !corrected.contains(seq))
                else {
                    continue;
                };
                let Some(id) = events.text(row, "deploy_id") else { continue };
                let is_start = events.text(row, "kind") == Some("deploy.started");
                if starts && is_start && !by_id.contains_key(id) {
                    by_id.insert(id.to_owned(), deploys.len());
                    deploys.push(started(&events, row, seq));
                } else if !starts
                    && !is_start
                    && let Some(deploy) = by_id.get(id).and_then(|&at| deploys.get_mut(at))
                {
                    report(deploy, &events, row, seq);
                }
            }
        }
    }
    let mut ids: Vec<(String, usize)> = by_id.into_iter().collect();
    ids.sort_unstable_by_key(|(_, position)| *position);
    let mut table = Table::new(COLUMNS);
    for ((id, _), deploy) in ids.iter().zip(&deploys) {
        for (target, on) in &deploy.targets {
            table.push(cells(id, deploy, target, on), vec![]);
        }
    }
    Ok(table)
}

/// Returns the seqs of the corrected events. A corrected correction takes nothing out; it names an
/// earlier event, so one pass from the last to the first settles all.
fn corrected(logs: &Logs) -> Result<HashSet<u64>, LogError> {
    let mut corrections = Vec::new();
    for batch in logs.read("corrections", &["seq", "corrects_seq"])? {
        let events = Rows::new(&batch);
        corrections.extend(
            (0..batch.num_rows())
                .filter_map(|row| events.seq(row, "seq").zip(events.seq(row, "corrects_seq"))),
        );
    }
    corrections.sort_unstable();
    let mut seqs = HashSet::new();
    for (correction, corrects) in corrections.into_iter().rev() {
        if !seqs.contains(&correction) {
            seqs.insert(corrects);
        }
    }
    Ok(seqs)
}

fn started(events: &Rows<'_>, row: usize, seq: u64) -> Started {
    let text = |column| events.text(row, column).into();
    let time = |column| events.int(row, column).map(Time::from_micros).into();
    let targets = events.texts(row, "targets").into_iter();
    Started {
        seq,
        occurred_at: time("occurred_at"),
        recorded_at: time("recorded_at"),
        principal: text("principal"),
        component: text("component"),
        environment: text("environment"),
        stage: text("stage"),
        targets: targets.map(|target| (target, OnTarget::default())).collect(),
    }
}

fn report(deploy: &mut Started, events: &Rows<'_>, row: usize, seq: u64) {
    let target = events.text(row, "target");
    let Some((_, on)) = deploy.targets.iter_mut().find(|(name, _)| Some(name.as_str()) == target)
    else {
        return;
    };
    let moment = (events.int(row, "occurred_at").unwrap_or_default(), seq);
    match events.text(row, "kind") {
        Some("deploy.progressed") if on.weight.as_ref().is_none_or(|(at, _)| *at < moment) => {
            on.weight = Some((moment, events.int(row, "weight").into()));
        }
        Some("deploy.finished") if on.finish.as_ref().is_none_or(|(at, ..)| *at < moment) => {
            let outcome = events.text(row, "outcome").into();
            on.finish = Some((moment, outcome, events.bool(row, "restored").into()));
        }
        _ => {}
    }
}

fn cells(id: &str, deploy: &Started, target: &str, on: &OnTarget) -> Vec<Cell> {
    let finish = on.finish.as_ref();
    vec![
        deploy.seq.into(),
        deploy.occurred_at.clone(),
        deploy.recorded_at.clone(),
        deploy.principal.clone(),
        id.into(),
        target.into(),
        on.weight.as_ref().map(|(_, weight)| weight.clone()).unwrap_or_default(),
        finish.map(|(_, outcome, _)| outcome.clone()).unwrap_or_default(),
        finish.map(|(.., restored)| restored.clone()).unwrap_or_default(),
        finish.map(|((at, _), ..)| Time::from_micros(*at)).into(),
        deploy.component.clone(),
        deploy.environment.clone(),
        deploy.stage.clone(),
        deploy.seq.into(),
        finish.map(|((_, seq), ..)| *seq).into(),
    ]
}
