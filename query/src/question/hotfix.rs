//! Q7: how does a hotfix get out in time, and how far has this one come (semantics A.11, C.1)?

use relbook_ledger::time::Time;

use super::{AnswerError, Part, component, environment, listed, warning};
use crate::release::hotfix::{DEADLINE_MINUTES, Hotfix, Plan, Step};
use crate::release::{Component, Core, Environment, FactsError};
use crate::table::ColumnType::{Int, Text, Time as Instant};
use crate::table::{Cell, ColumnType, Table};

/// What is asked about a hotfix.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HotfixAsk {
    /// How one would go that began now, in how many minutes.
    Plan(Option<u32>),
    /// How far the hotfix of that id has come.
    Status(String),
}

const COLUMNS: &[(&str, ColumnType)] = &[
    ("no", Int),
    ("step", Text),
    ("latest_at", Instant),
    ("status", Text),
    ("evidence_seq", Int),
    ("done_at", Instant),
    ("profile_change", Text),
    ("detail", Text),
];

pub(super) fn answer(
    core: &Core<'_>,
    environment_name: &str,
    component_name: &str,
    ask: &HotfixAsk,
) -> Result<Part, AnswerError> {
    let component = component(core, component_name)?;
    let environment = environment(core, environment_name)?;
    let mut part = Part { table: Table::new(COLUMNS), ..Part::default() };
    match ask {
        HotfixAsk::Plan(minutes) => {
            let plan = core.hotfix_plan(&component, &environment)?;
            let minutes = minutes.unwrap_or(DEADLINE_MINUTES);
            planned(core, (&component, &environment), &plan, minutes, &mut part)?;
        }
        HotfixAsk::Status(id) => {
            let Some(hotfix) = core.hotfix(&component, &environment, id)? else {
                let known = ids(core, &component)?;
                let known: Vec<&str> = known.iter().map(String::as_str).collect();
                return Err(AnswerError::UnknownHotfix {
                    component: component.name.clone(),
                    id: id.clone(),
                    known: listed(&known),
                });
            };
            begun(core, (&component, &environment), &hotfix, &mut part)?;
        }
    }
    Ok(part)
}

fn ids(core: &Core<'_>, component: &Component) -> Result<Vec<String>, FactsError> {
    let id = |fact: &std::sync::Arc<crate::release::Fact>| match fact.body() {
        relbook_ledger::event::Body::HotfixOpened(opened) => Some(opened.hotfix_id.to_string()),
        _ => None,
    };
    Ok(core.hotfixes(&component.name)?.iter().filter_map(id).collect())
}

/// Writes the part of the header that a plan and a begun hotfix share.
fn head(
    (component, environment): (&Component, &Environment),
    plan: &Plan,
    names: [Option<&str>; 3],
    lacks: &[String],
    part: &mut Part,
) {
    let [branch, version, tag] = names;
    part.head("component", component.name.as_str());
    part.head("environment", environment.name.as_str());
    part.head("base_version", plan.base_version());
    part.head("base_commit", plan.base_commit());
    part.head("base_digest", plan.base.as_ref().map(|base| base.digest.as_str()));
    part.head("branch", branch);
    part.head("version", version);
    part.head("tag", tag);
    let known = plan.base.is_some();
    part.head(
        "lacks_lower_version",
        if known { Cell::Bool(!lacks.is_empty()) } else { Cell::Null },
    );
    part.head("lower_versions", lacks.to_vec());
    if !lacks.is_empty() {
        let detail = format!(
            "{} lies below it and has commits that it lacks: who goes there from it goes back",
            lacks.join(", ")
        );
        part.warnings.push(warning("lacks_lower_version", detail));
    }
}

fn planned(
    core: &Core<'_>,
    place: (&Component, &Environment),
    plan: &Plan,
    minutes: u32,
    part: &mut Part,
) -> Result<(), FactsError> {
    let now = core.facts().lens().as_of;
    let names = [plan.branch.as_deref(), plan.version.as_deref(), plan.tag.as_deref()];
    head(place, plan, names, &plan.lacks, part);
    part.head("deadline_minutes", minutes);
    let refused = plan.refusal.as_ref();
    let deadline = now.plus_seconds(i64::from(minutes) * 60);
    part.head("deadline_at", refused.is_none().then_some(deadline));
    part.head("refused", refused.map(|(code, _)| *code));
    if let Some((code, why)) = refused {
        part.holds = false;
        part.warnings.push(warning(code, why.clone()));
        return Ok(());
    }
    if plan.state == crate::release::State::Canary {
        let detail = "a canary has a share of the traffic; the base is the stable version";
        part.warnings.push(warning("canary", detail));
    }
    rows(core.hotfix_steps(minutes)?, &plan.evidence, part);
    Ok(())
}

fn begun(
    core: &Core<'_>,
    place: (&Component, &Environment),
    hotfix: &Hotfix,
    part: &mut Part,
) -> Result<(), FactsError> {
    let now: Time = core.facts().lens().as_of;
    let plan = &hotfix.plan;
    let prefix = place.0.spec.tag_prefix.as_deref().unwrap_or_default();
    let tag = hotfix.version.as_ref().map(|version| format!("{prefix}{version}"));
    let names = [hotfix.branch.as_deref(), hotfix.version.as_deref(), tag.as_deref()];
    head(place, plan, names, &hotfix.lacks, part);
    part.head("hotfix_id", hotfix.id.as_str());
    part.head("incident_id", hotfix.incident_id.as_deref());
    part.head("opened_at", hotfix.opened_at);
    part.head("deadline_minutes", hotfix.deadline_minutes);
    part.head("deadline_at", hotfix.deadline_at());
    part.head("deploy_id", hotfix.deploy_id.as_deref());
    part.head("finished_at", hotfix.finished.map(|moment| moment.at));
    part.head("total_minutes", hotfix.total_minutes().map(minutes));
    part.head("deadline_met", hotfix.deadline_met(now));
    if let Some((code, why)) = &plan.refusal {
        part.warnings.push(warning(code, format!("when it was opened: {why}")));
    }
    rows(hotfix.steps.clone(), &[], part);
    Ok(())
}

/// Returns minutes as a whole number where they are one.
fn minutes(minutes: f64) -> Cell {
    #[expect(clippy::cast_possible_truncation, reason = "a whole number of minutes")]
    match minutes.fract() == 0.0 {
        true => Cell::Int(minutes as i64),
        false => Cell::Float(minutes),
    }
}

fn rows(steps: Vec<Step>, evidence: &[u64], part: &mut Part) {
    for (place, step) in steps.into_iter().enumerate() {
        let cells = vec![
            (place + 1).into(),
            step.step.into(),
            step.latest_at.into(),
            step.status.as_str().into(),
            step.evidence_seq.into(),
            step.done_at.into(),
            step.profile_change.into(),
            step.why.into(),
        ];
        let mut seqs = step.evidence;
        seqs.extend(evidence);
        part.table.push(cells, seqs);
    }
}
