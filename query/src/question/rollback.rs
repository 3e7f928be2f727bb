//! Q4: where can a component be rolled back to (semantics A.7, C.1)?

use super::{AnswerError, Part, component, environment, warning};
use crate::projection::{projection, rollback_row};
use crate::release::{Block, Component, Core, Environment, FactsError, Rollback, State};
use crate::table::{Cell, Table};

pub(super) fn answer(
    core: &Core<'_>,
    environment_name: &str,
    component_name: &str,
    any: bool,
) -> Result<Part, AnswerError> {
    let component = component(core, component_name)?;
    let environment = environment(core, environment_name)?;
    let rollback = core.rollback(&component, &environment, any)?;
    let columns = projection("rollback_targets").map_or(&[][..], |p| p.columns);
    let mut part = Part { table: Table::new(columns), ..Part::default() };
    head(core, &component, &environment, &rollback, any, &mut part)?;
    let (name, place) = (component.name.as_str(), environment.name.as_str());
    for block in &rollback.blocks {
        for candidate in &block.candidates {
            let mut evidence = candidate.evidence.clone();
            evidence.extend(&rollback.current.evidence);
            part.table.push(rollback_row(name, place, block, candidate), evidence);
        }
        if block.candidates.is_empty() {
            let row = nothing(&part, name, place, block);
            part.table.push(row, rollback.current.evidence.clone());
        }
    }
    part.holds = rollback.blocks.iter().any(|block| block.recommended().is_some());
    warnings(&rollback, &mut part);
    Ok(part)
}

/// Returns the row of a block without candidates: null, and why.
fn nothing(part: &Part, component: &str, environment: &str, block: &Block) -> Vec<Cell> {
    let reason = if block.digest.is_none() { "nothing_live" } else { "no_candidate" };
    let cell = |name: &str| match name {
        "component" => component.into(),
        "environment" => environment.into(),
        "eligible" | "recommended" => false.into(),
        "reasons" => Cell::TextList(vec![reason.to_owned()]),
        "target" => block.target.as_deref().into(),
        "current_version" => block.version.as_deref().into(),
        _ => Cell::Null,
    };
    part.table.columns.iter().map(|column| cell(&column.name)).collect()
}

fn head(
    core: &Core<'_>,
    component: &Component,
    environment: &Environment,
    rollback: &Rollback,
    any: bool,
    part: &mut Part,
) -> Result<(), FactsError> {
    let one = match rollback.blocks.as_slice() {
        [block] if block.target.is_none() => Some(block),
        _ => None,
    };
    let of = |get: fn(&Block) -> Option<&str>| Cell::from(one.and_then(get));
    part.head("component", component.name.as_str());
    part.head("environment", environment.name.as_str());
    part.head("line", if any { "any" } else { "same_patch_line" });
    part.head("state", rollback.current.state.as_str());
    part.head("current_version", of(|block| block.version.as_deref()));
    part.head("current_digest", of(|block| block.digest.as_deref()));
    part.head("semantic_previous", of(|block| block.semantic_previous.as_deref()));
    part.head("temporal_previous", of(|block| block.temporal_previous.as_deref()));
    part.head("recommended", of(|block| block.recommended().map(|c| c.version.as_str())));
    let mut untouched: Vec<String> = Vec::new();
    for other in core.components()?.iter().filter(|other| other.name != component.name) {
        let current = core.current(other, environment)?;
        untouched.extend(current.versions.iter().map(|v| format!("{}={v}", other.name)));
    }
    part.head("untouched", untouched);
    Ok(())
}

fn warnings(rollback: &Rollback, part: &mut Part) {
    let current = &rollback.current;
    match current.state {
        State::Mixed => part.warnings.push(warning(
            "mixed",
            "the targets run different versions: one block of rows for each target",
        )),
        State::Indeterminate => {
            for (target, share) in &current.suspects {
                let what = share.version.as_deref().unwrap_or(&share.digest);
                let detail = format!(
                    "{} left {what} on {target} in doubt: one block of rows for each target",
                    share.deploy_id
                );
                part.warnings.push(warning("indeterminate", detail));
            }
        }
        State::None | State::AllYanked => {
            part.warnings.push(warning("nothing_live", "there is nothing to go back from"));
        }
        State::Canary => part.warnings.push(warning(
            "canary",
            "a canary has a share of the traffic; these rows are about the stable version",
        )),
        State::Live | State::Published => {}
    }
    let live = rollback.blocks.iter().any(|block| block.digest.is_some());
    let unknown = rollback.blocks.iter().any(|b| b.digest.is_some() && b.version.is_none());
    if unknown {
        let detail = "what is live has no build, so that nothing is known to be below it";
        part.warnings.push(warning("missing_provenance", detail));
    }
    if live && !part.holds {
        let detail = "there is no version that one may go back to; each row says why";
        part.warnings.push(warning("no_eligible_target", detail));
    }
}
