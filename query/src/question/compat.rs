//! Q5 and N10: which versions go together, and what breaks if one of them changes (semantics
//! A.13, C.1, C.2).
//!
//! Without a matrix nothing is known: a verdict is null and does not hold.

use std::sync::Arc;

use super::{AnswerError, Part, component, environment, warning};
use crate::projection::{Against, Request, compat_table};
use crate::release::compat::{
    Code, Compat, Compatibility, LiveSet, Matrix, MatrixRow, Severity, Written, short_name,
};
use crate::release::{CompatVerdict, Component, Core, Environment, FactsError, State};
use crate::table::ColumnType::{Bool, Text, TextList};
use crate::table::{Cell, ColumnType, Table};

/// What is asked about compatibility.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CompatAsk {
    /// Whether what is live goes together.
    Live,
    /// Which versions of two components go together.
    Pair(String, String),
    /// Whether exactly these versions (component, version) go together.
    Set(Vec<(String, String)>),
    /// What if a component went to a version.
    With(String, String),
    /// Whether a matrix is coherent.
    Check {
        /// The rows of another matrix than that of the book: keys and values as written.
        rows: Option<Vec<Vec<(String, Written)>>>,
        /// A version to suppose in place of what is live of a component.
        with: Option<(String, String)>,
        /// Which findings count.
        codes: Codes,
    },
}

/// Which findings of a check count.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Codes {
    /// All of them.
    #[default]
    All,
    /// Only these.
    Only(Vec<Code>),
    /// All but these.
    Except(Vec<Code>),
}

impl Codes {
    fn has(&self, code: Code) -> bool {
        match self {
            Self::All => true,
            Self::Only(codes) => codes.contains(&code),
            Self::Except(codes) => !codes.contains(&code),
        }
    }
}

const SET: &[(&str, ColumnType)] =
    &[("row_id", Text), ("supported", Bool), ("failing_keys", TextList)];
const SUPPOSED: &[(&str, ColumnType)] = &[("row_id", Text), ("still_supported", Bool)];
const CHECK: &[(&str, ColumnType)] =
    &[("code", Text), ("severity", Text), ("row", Text), ("key", Text), ("detail", Text)];

pub(super) fn answer(
    core: &Core<'_>,
    environment_name: &str,
    ask: &CompatAsk,
) -> Result<Part, AnswerError> {
    let environment = environment(core, environment_name)?;
    let mut part = Part::default();
    part.head("environment", environment_name);
    match ask {
        CompatAsk::Live => live(core, &environment, &mut part)?,
        CompatAsk::Pair(one, other) => pair(core, &environment, [one, other], &mut part)?,
        CompatAsk::Set(members) => set(core, members, &mut part)?,
        CompatAsk::With(name, version) => {
            supposed(core, &environment, (name, version), &mut part)?;
        }
        CompatAsk::Check { rows, with, codes } => {
            let with = with.as_ref().map(|(name, version)| (name.as_str(), version.as_str()));
            check(core, &environment, rows.as_deref(), with, codes, &mut part)?;
        }
    }
    Ok(part)
}

fn live(core: &Core<'_>, environment: &Environment, part: &mut Part) -> Result<(), AnswerError> {
    let Some(compatibility) = core.compatibility(environment)? else {
        part.table = Table::new(&[("row_id", Text), ("contains_live", Bool)]);
        verdict(part, None, &[], None);
        part.head("live_sets", Vec::<String>::new());
        no_matrix(part);
        return Ok(());
    };
    let sets = compatibility.sets();
    let compat = compatibility.judge();
    // Nothing live is no verdict.
    let supported = (!sets.is_empty()).then_some(compat.verdict == CompatVerdict::Holds);
    let failing = compat.failing.first();
    let failing = failing.and_then(|set| first_failing_key(&compatibility.matrix, set));
    verdict(part, supported, &compat.row_ids, failing);
    part.head("live_sets", texts(&sets));
    live_warnings(&compatibility, &compat, part);
    let components = compatibility.matrix.components();
    let request = Request::default();
    part.table = compat_table(core, &compatibility, &components, Against::Live, &request)?;
    Ok(())
}

fn pair(
    core: &Core<'_>,
    environment: &Environment,
    names: [&String; 2],
    part: &mut Part,
) -> Result<(), AnswerError> {
    let pair = [component(core, names[0])?, component(core, names[1])?];
    once(&pair[1], names[1], &pair[..1])?;
    let matrix = core.matrix()?;
    let known = matrix.is_some();
    let empty = || Matrix { seq: None, rows: Vec::new() };
    let matrix = matrix.unwrap_or_else(empty);
    let covered = [&pair[0], &pair[1]].map(|c| matrix.covers(&c.name));
    let live = core.live_components(&pair, environment)?;
    let compatibility = Compatibility { matrix, live };
    part.head("live_sets", texts(&compatibility.sets()));
    if known {
        for (component, covered) in pair.iter().zip(covered) {
            if !covered {
                not_in_matrix(component, part);
            }
        }
        live_warnings(&compatibility, &compatibility.judge(), part);
    } else {
        no_matrix(part);
    }
    let request = Request::default();
    part.table = compat_table(core, &compatibility, &pair, Against::LivePair, &request)?;
    Ok(())
}

fn set(core: &Core<'_>, asked: &[(String, String)], part: &mut Part) -> Result<(), AnswerError> {
    let mut components: Vec<Arc<Component>> = Vec::new();
    let mut members: Vec<(Arc<Component>, &str)> = Vec::new();
    for (name, version) in asked {
        let component = version_of(core, name, version, part)?;
        once(&component, name, &components)?;
        components.push(Arc::clone(&component));
        members.push((component, version));
    }
    part.table = Table::new(SET);
    let Some(matrix) = core.matrix()? else {
        verdict(part, None, &[], None);
        no_matrix(part);
        return Ok(());
    };
    for (component, _) in members.iter().filter(|(c, _)| !matrix.covers(&c.name)) {
        not_in_matrix(component, part);
    }
    let keyed: Vec<(&str, &str, Option<&str>)> =
        members.iter().map(|(c, v)| (short_name(c), c.name.as_str(), Some(*v))).collect();
    let mut row_ids = Vec::new();
    for row in &matrix.rows {
        let failing = failing_keys(row, &keyed);
        if failing.is_empty() {
            row_ids.push(row.id.clone());
        }
        let cells = vec![row.id.as_str().into(), failing.is_empty().into(), failing.into()];
        part.table.push(cells, matrix.seq.into_iter().collect());
    }
    let failing = narrowed_to_none(&matrix, &keyed);
    verdict(part, Some(!row_ids.is_empty()), &row_ids, failing);
    Ok(())
}

fn supposed(
    core: &Core<'_>,
    environment: &Environment,
    (name, version): (&str, &str),
    part: &mut Part,
) -> Result<(), AnswerError> {
    let component = version_of(core, name, version, part)?;
    part.head("component", component.name.as_str());
    part.head("version", version);
    part.table = Table::new(SUPPOSED);
    let compatibility = core.compatibility(environment)?;
    let supposition = match &compatibility {
        Some(now) => core.suppose(now, &component.name, version)?,
        None => None,
    };
    let (ok, row_ids, failing, lost, gained) = match (&compatibility, supposition) {
        (Some(_), Some(supposition)) => {
            for (row, holds) in &supposition.rows {
                let cells = vec![row.as_str().into(), (*holds).into()];
                part.table.push(cells, supposition.evidence.clone());
            }
            let compat = supposition.compat;
            let ok = compat.verdict == CompatVerdict::Holds;
            absent(&compat, part);
            let failing = texts(&compat.failing);
            (Some(ok), compat.row_ids, failing, supposition.lost, supposition.gained)
        }
        (Some(now), None) => {
            not_in_matrix(&component, part);
            for row in &now.matrix.rows {
                let evidence = now.matrix.seq.into_iter().collect();
                part.table.push(vec![row.id.as_str().into(), Cell::Null], evidence);
            }
            // The matrix says nothing of it, so nothing changes.
            let compat = now.judge();
            let ok = (!now.sets().is_empty()).then_some(compat.verdict == CompatVerdict::Holds);
            (ok, compat.row_ids, texts(&compat.failing), Vec::new(), Vec::new())
        }
        (None, _) => {
            no_matrix(part);
            (None, Vec::new(), Vec::new(), Vec::new(), Vec::new())
        }
    };
    part.head("live_set_ok", ok);
    part.head("row_ids", row_ids);
    part.head("failing_sets", failing);
    part.head("lost_versions", lost);
    part.head("gained_versions", gained);
    Ok(())
}

fn check(
    core: &Core<'_>,
    environment: &Environment,
    rows: Option<&[Vec<(String, Written)>]>,
    with: Option<(&str, &str)>,
    codes: &Codes,
    part: &mut Part,
) -> Result<(), AnswerError> {
    let supposing = match with {
        Some((name, version)) => Some((version_of(core, name, version, part)?, version)),
        None => None,
    };
    let (in_force, earlier) = core.matrices()?;
    let (matrix, before) = match rows {
        Some(rows) => (Some(given(core, rows)?), in_force),
        None => (in_force, earlier),
    };
    part.table = Table::new(CHECK);
    part.head("matrix_seq", matrix.as_ref().and_then(|matrix| matrix.seq));
    part.head("before_seq", before.as_ref().and_then(|matrix| matrix.seq));
    let Some(matrix) = matrix else {
        part.head("coherent", Cell::Null);
        no_matrix(part);
        part.holds = false;
        return Ok(());
    };
    let supposing = supposing.as_ref().map(|(component, version)| (&*component.name, *version));
    let checked = core.check_matrix(matrix, before, environment, supposing)?;
    let (mut errors, mut warnings) = (0_usize, 0_usize);
    for finding in checked.findings.iter().filter(|finding| codes.has(finding.code)) {
        match finding.code.severity() {
            Severity::Error => errors += 1,
            Severity::Warning => warnings += 1,
        }
        let cells = vec![
            finding.code.as_str().into(),
            finding.code.severity().as_str().into(),
            finding.row.clone().into(),
            finding.key.clone().into(),
            finding.detail.as_str().into(),
        ];
        part.table.push(cells, finding.evidence.clone());
    }
    part.head("coherent", errors == 0);
    part.head("errors", errors);
    part.head("warnings", warnings);
    part.holds = errors == 0;
    let unchecked = checked.unchecked.into_iter();
    part.warnings.extend(unchecked.map(|(code, detail)| warning(code, detail)));
    Ok(())
}

/// Reads the rows of a file.
fn given(core: &Core<'_>, rows: &[Vec<(String, Written)>]) -> Result<Matrix, FactsError> {
    let rows = rows.iter().map(|row| {
        row.iter().map(|(key, written)| (key.as_str(), written.clone())).collect::<Vec<_>>()
    });
    core.matrix_from(None, rows)
}

/// Finds a component, and says when it has not released the version.
fn version_of(
    core: &Core<'_>,
    name: &str,
    version: &str,
    part: &mut Part,
) -> Result<Arc<Component>, AnswerError> {
    let component = component(core, name)?;
    let asked =
        component.scheme.parse_version(version).map_err(|error| AnswerError::BadVersion {
            component: component.name.clone(),
            version: version.to_owned(),
            reason: error.reason().to_owned(),
        })?;
    if !core.builds_of_version(&component.name, version)?.is_empty() && !component.is_published() {
        return Ok(component);
    }
    let released = core.released(&component)?;
    if !released.iter().any(|r| r.version.key() == asked.key()) {
        let last: Vec<&str> = released.iter().rev().take(5).map(|r| r.text.as_str()).collect();
        let last = if last.is_empty() { "none yet".to_owned() } else { last.join(", ") };
        let name = &component.name;
        let detail =
            format!("{name} has not released {version}; released were, newest first: {last}");
        part.warnings.push(warning("unknown_version", detail));
    }
    Ok(component)
}

/// Refuses a component that was named before.
fn once(component: &Component, name: &str, earlier: &[Arc<Component>]) -> Result<(), AnswerError> {
    match earlier.iter().any(|known| known.name == component.name) {
        false => Ok(()),
        true => Err(AnswerError::SameComponent {
            name: name.to_owned(),
            component: component.name.clone(),
        }),
    }
}

/// Returns the keys of a set that a row does not hold.
fn failing_keys(row: &MatrixRow, keyed: &[(&str, &str, Option<&str>)]) -> Vec<String> {
    let fails = |(_, component, version): &&(&str, &str, Option<&str>)| {
        !version.is_some_and(|version| row.holds(component, version))
    };
    keyed.iter().filter(fails).map(|(key, ..)| (*key).to_owned()).collect()
}

/// Returns the key at which the rows that hold all keys before it run out.
fn narrowed_to_none(matrix: &Matrix, keyed: &[(&str, &str, Option<&str>)]) -> Option<String> {
    let out = |count: &usize| {
        let some = &keyed[..=*count];
        !matrix.rows.iter().any(|row| failing_keys(row, some).is_empty())
    };
    (0..keyed.len()).find(out).map(|at| keyed[at].0.to_owned())
}

fn first_failing_key(matrix: &Matrix, set: &LiveSet) -> Option<String> {
    // In the order in which the matrix names them, as somebody reads a row.
    let order: Vec<String> = matrix.components().iter().map(|c| c.name.clone()).collect();
    let mut members: Vec<_> = set.members.iter().collect();
    members.sort_by_key(|member| order.iter().position(|name| *name == member.component));
    let keyed: Vec<_> = members
        .iter()
        .map(|m| (m.key.as_str(), m.component.as_str(), m.version.as_deref()))
        .collect();
    narrowed_to_none(matrix, &keyed)
}

fn verdict(part: &mut Part, supported: Option<bool>, row_ids: &[String], failing: Option<String>) {
    part.head("supported", supported);
    part.head("row_ids", row_ids.to_vec());
    part.head("first_failing_key", failing);
    part.holds = supported == Some(true);
}

fn texts(sets: &[LiveSet]) -> Vec<String> {
    sets.iter().map(ToString::to_string).collect()
}

fn no_matrix(part: &mut Part) {
    let detail = "no matrix was published: `relbook apply` takes one from a product file";
    part.warnings.push(warning("no_matrix", detail));
}

fn not_in_matrix(component: &Component, part: &mut Part) {
    let detail = format!("the matrix says nothing of {}", component.name);
    part.warnings.push(warning("not_in_matrix", detail));
}

fn live_warnings(compatibility: &Compatibility, compat: &Compat, part: &mut Part) {
    absent(compat, part);
    for live in &compatibility.live {
        if matches!(live.state, State::Mixed | State::Canary | State::Indeterminate) {
            let detail = format!(
                "{} is {}: every live version must be in the row",
                live.key(),
                live.state.as_str()
            );
            part.warnings.push(warning(live.state.as_str(), detail));
        }
    }
    let unknown = compatibility.live.iter().flat_map(|live| &live.members);
    for member in unknown.filter(|member| member.version.is_none()) {
        let detail = format!("{member} has no build: its version is unknown and in no row");
        part.warnings.push(warning("unknown_live_version", detail));
    }
}

fn absent(compat: &Compat, part: &mut Part) {
    for key in &compat.absent {
        let detail = format!("nothing of {key} is live: it is in no live set");
        part.warnings.push(warning("not_live", detail));
    }
}
