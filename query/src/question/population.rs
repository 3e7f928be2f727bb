//! `population`: every production change of a period, or a sample of it that anyone can draw again
//! (semantics B.3 files 1 and 7, B.4).

use std::collections::BTreeMap;

use sha2::{Digest as _, Sha256};

use super::{AnswerError, Part, component};
use crate::projection::{Request, population_in};
use crate::release::{Core, Period};
use crate::table::ColumnType::{Bool, Int, Text};
use crate::table::{Cell, ColumnType, Table};

/// How to draw a sample.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sample {
    /// How many rows.
    pub size: usize,
    /// What the auditor gives after the checkpoint is fixed.
    pub seed: String,
    /// Whether emergency, hotfix, rollback, normal and standard changes are drawn apart.
    pub stratified: bool,
}

const COLUMNS: &[(&str, ColumnType)] = &[
    ("rank", Int),
    ("change_id", Text),
    ("stratum", Text),
    ("selection_hash", Text),
    ("in_sample", Bool),
    ("seed", Text),
    ("method", Text),
    ("n", Int),
    ("population_rows", Int),
    ("checkpoint_size", Int),
];

pub(super) fn answer(
    core: &Core<'_>,
    only: Option<&str>,
    period: Period,
    sample: Option<&Sample>,
) -> Result<Part, AnswerError> {
    let only = only.map(|name| component(core, name)).transpose()?;
    let mut request = Request { component: only.map(|c| c.name.clone()), ..Request::default() };
    if sample.is_some() {
        request.columns = Some(vec!["change_id".to_owned(), "change_class".to_owned()]);
    }
    let all = population_in(core, &request, period)?;
    let table = match sample {
        Some(sample) => drawn(&all, sample, core.facts().lens().as_known + 1),
        None => all,
    };
    let mut part = Part { table, ..Part::default() };
    part.period(period)?;
    Ok(part)
}

/// One change on its way into a sample.
struct Drawn {
    change_id: String,
    stratum: String,
    hash: String,
    evidence: Vec<u64>,
}

fn drawn(all: &Table, sample: &Sample, checkpoint_size: u64) -> Table {
    let text = |row: usize, name: &str| {
        all.cell(row, name).and_then(Cell::as_text).unwrap_or_default().to_owned()
    };
    let mut strata: BTreeMap<usize, Vec<Drawn>> = BTreeMap::new();
    for (row, known) in all.rows.iter().enumerate() {
        let change_id = text(row, "change_id");
        let class = text(row, "change_class");
        let (place, stratum) = if sample.stratified { stratum(&class) } else { (0, "all") };
        strata.entry(place).or_default().push(Drawn {
            hash: selection_hash(&sample.seed, &change_id),
            stratum: stratum.to_owned(),
            evidence: known.evidence.clone(),
            change_id,
        });
    }
    let mut table = Table::new(COLUMNS);
    let method = "sha256(seed + \":\" + change_id), ascending";
    for mut changes in strata.into_values() {
        changes.sort_by(|a, b| (&a.hash, &a.change_id).cmp(&(&b.hash, &b.change_id)));
        // Emergencies are looked at one and all.
        let whole = sample.stratified && changes.iter().any(|c| c.stratum == "emergency");
        let take = if whole { changes.len() } else { sample.size };
        for (at, change) in changes.into_iter().enumerate() {
            let cells = vec![
                (table.rows.len() + 1).into(),
                change.change_id.into(),
                change.stratum.into(),
                change.hash.into(),
                (at < take).into(),
                sample.seed.as_str().into(),
                method.into(),
                sample.size.into(),
                all.rows.len().into(),
                checkpoint_size.into(),
            ];
            table.push(cells, change.evidence);
        }
    }
    table
}

/// Returns the stratum of a change class: a redeploy is sampled with the standard changes.
fn stratum(class: &str) -> (usize, &'static str) {
    match class {
        "emergency" => (1, "emergency"),
        "hotfix" => (2, "hotfix"),
        "rollback" => (3, "rollback"),
        "normal" => (4, "normal"),
        _ => (5, "standard"),
    }
}

fn selection_hash(seed: &str, change_id: &str) -> String {
    let digest = Sha256::digest(format!("{seed}:{change_id}"));
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}
