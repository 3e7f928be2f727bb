//! `current_versions`: one row per registered component and environment (semantics A.5, Q1).

use super::{Projection, Request, pairs, text};
use crate::release::{Core, Current, FactsError, Role, State};
use crate::table::ColumnType::{Bool, Int, Text, TextList, Time};
use crate::table::{Cell, Table};

pub(super) const PROJECTION: Projection = Projection {
    name: "current_versions",
    columns: &[
        ("component", Text),
        ("environment", Text),
        ("release_model", Text),
        ("state", Text),
        ("version", Text),
        ("versions", TextList),
        ("digest", Text),
        ("targets_live", Int),
        ("targets_total", Int),
        ("canary_weight", Int),
        ("since", Time),
        ("last_deployed_at", Time),
        ("in_flight", Int),
        ("suspect", Text),
        ("tie", Bool),
        ("warnings", TextList),
    ],
    rows,
};

fn rows(core: &Core<'_>, request: &Request) -> Result<Table, FactsError> {
    let mut table = Table::new(PROJECTION.columns);
    for (component, environment) in pairs(core, request)? {
        let current = core.current(&component, &environment)?;
        table.push(row_of(&current), current.evidence);
    }
    Ok(table)
}

/// Returns the cells of a row, in the order of the columns.
pub(crate) fn row_of(current: &Current) -> Vec<Cell> {
    let live = |target: &&String| current.shares.iter().any(|share| share.target == **target);
    let declared = current.targets.iter().take(current.targets_total);
    let published = current.component.is_published();
    let count = |n: usize| if published { Cell::Null } else { n.into() };
    let canaries = current.shares.iter().filter(|share| share.role == Role::Canary);
    let mut suspects: Vec<&str> = Vec::new();
    for (_, share) in &current.suspects {
        let name = share.version.as_deref().unwrap_or(&share.digest);
        if !suspects.contains(&name) {
            suspects.push(name);
        }
    }
    vec![
        current.component.name.as_str().into(),
        current.environment.as_str().into(),
        current.component.spec.release_model.as_str().into(),
        current.state.as_str().into(),
        text(current.version.as_deref()),
        current.versions.clone().into(),
        text(current.digest.as_deref()),
        count(declared.filter(live).count()),
        count(current.targets_total),
        canaries.map(|share| share.weight).max().into(),
        current.since.into(),
        current.last_deployed_at.into(),
        current.in_flight.into(),
        if suspects.is_empty() { Cell::Null } else { suspects.join(", ").into() },
        current.tie.into(),
        warnings(current).into(),
    ]
}

fn warnings(current: &Current) -> Vec<String> {
    let mut warnings = Vec::new();
    match current.state {
        State::Mixed => warnings.push("the targets run different versions".to_owned()),
        State::Indeterminate => {
            warnings.push("a deploy failed and its target was not restored".to_owned());
        }
        State::None if current.component.is_published() => {
            warnings.push("nothing was published that is not a pre-release".to_owned());
        }
        State::None => warnings.push("nothing was deployed here".to_owned()),
        State::AllYanked => warnings.push("every published version was yanked".to_owned()),
        State::Canary | State::Live | State::Published => {}
    }
    if current.shares.iter().any(|share| share.origins.is_empty()) {
        warnings.push("a live digest has no build: version and commit are unknown".to_owned());
    }
    if current.shares.iter().any(|share| share.origins.len() > 1) {
        warnings.push("builds disagree about a live digest".to_owned());
    }
    if current.tie {
        warnings.push(
            "another version on offer has equal precedence; the later one is shown".to_owned(),
        );
    }
    warnings.extend(current.misdated.iter().map(|told| format!("calver_date_mismatch: {told}")));
    warnings
}
