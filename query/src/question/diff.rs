//! Q3: what changed between two releases of a component (semantics A.6, C.1).

use super::beyond::{self, Between, ReadBlob};
use super::{AnswerError, Part, component, environment, warning};
use crate::projection::{change_cells, projection};
use crate::release::{
    Component, Core, DeployOutcome, Environment, FactsError, Introduction, Key, State, Transition,
};
use crate::table::{Cell, Table};
use relbook_ledger::event::Body;
use relbook_ledger::time::Time;
use relbook_ledger::version::ChangeClass;

/// One side of a difference.
#[derive(Debug, Clone, Default)]
struct Side {
    version: Option<String>,
    digest: Option<String>,
    commit: Option<String>,
    built_at: Option<Time>,
    first_live: Option<Time>,
    fully_live: Option<Time>,
    deploy_id: Option<String>,
    evidence: Vec<u64>,
}

impl Side {
    /// Returns when it came: live first, else when it was built or published.
    fn came(&self) -> Option<Time> {
        self.first_live.or(self.built_at)
    }
}

impl From<&Introduction> for Side {
    fn from(release: &Introduction) -> Self {
        Self {
            version: release.version().map(str::to_owned),
            digest: Some(release.digest.clone()),
            commit: release.origin.as_ref().map(|origin| origin.commit.clone()),
            built_at: None,
            first_live: Some(release.first_live_at()),
            fully_live: release.fully_live_at,
            deploy_id: Some(release.first.deploy_id.clone()),
            evidence: release.evidence.clone(),
        }
    }
}

pub(super) fn answer(
    core: &Core<'_>,
    environment_name: &str,
    component_name: &str,
    versions: Option<(&str, &str)>,
    transitions: bool,
    read: ReadBlob<'_>,
) -> Result<Part, AnswerError> {
    let component = component(core, component_name)?;
    let environment = environment(core, environment_name)?;
    let columns = projection("release_diffs").map_or(&[][..], |p| p.columns);
    let mut part = Part { table: Table::new(&columns[4..]), ..Part::default() };
    let releases = core.introductions(&component, &environment, usize::MAX)?;
    let (from, to) = match versions {
        Some((from, to)) => (
            Some(named(core, &component, &releases, from)?),
            Some(named(core, &component, &releases, to)?),
        ),
        None if component.is_published() => last_published(core, &component, &releases)?,
        None if transitions => last_transition(core, &component, &environment)?,
        None => last_two(&releases),
    };
    head(core, &component, &environment, (&from, &to), &releases, &mut part)?;
    let completeness = rows(core, &component, &from, to.as_ref(), &mut part)?;
    part.head("completeness", completeness);
    if let Some((to, digest)) = to.as_ref().and_then(|to| Some((to, to.digest.as_deref()?))) {
        let between = Between {
            component: &component.name,
            from: from.as_ref().and_then(|from| from.digest.as_deref()),
            to: digest,
            since: from.as_ref().and_then(Side::came),
            until: to.came(),
        };
        beyond::head(core, &between, read, &mut part)?;
    }
    Ok(part)
}

/// Returns the two highest versions on offer: what is published has no releases in an environment.
fn last_published(
    core: &Core<'_>,
    component: &Component,
    releases: &[Introduction],
) -> Result<(Option<Side>, Option<Side>), AnswerError> {
    let mut offered = core.offered_versions(component)?;
    let mut highest = || match offered.pop() {
        Some(version) => named(core, component, releases, &version).map(Some),
        None => Ok(None),
    };
    let (to, from) = (highest()?, highest()?);
    Ok((from, to))
}

fn last_two(releases: &[Introduction]) -> (Option<Side>, Option<Side>) {
    let side = |back: usize| releases.len().checked_sub(back).and_then(|i| releases.get(i));
    (side(2).map(Side::from), side(1).map(Side::from))
}

/// Returns what is known of a version by its name: its build, else its publish or tag.
fn named(
    core: &Core<'_>,
    component: &Component,
    releases: &[Introduction],
    version: &str,
) -> Result<Side, AnswerError> {
    if let Some(release) = releases.iter().rev().find(|r| r.version() == Some(version)) {
        return Ok(Side::from(release));
    }
    let of_build =
        Key::BuildVersion { component: component.name.clone(), version: version.to_owned() };
    if let Some(build) = core.builds_of_version(&component.name, version)?.pop() {
        return Ok(Side {
            version: Some(version.to_owned()),
            digest: Some(build.digest),
            commit: Some(build.commit),
            built_at: claimed_at(core, &of_build, build.seq)?,
            evidence: vec![build.seq],
            ..Side::default()
        });
    }
    let tag = core.tag_of(&component.name, version)?;
    let tagged = tag.as_ref().map(|tag| tag.commit.clone());
    let of_publish = Key::Publishes { component: component.name.clone() };
    if let Some((digest, commit, seq)) = core.publish_of(&component.name, version)? {
        let by_tag = if commit.is_none() { tag.map(|tag| tag.seq) } else { None };
        return Ok(Side {
            version: Some(version.to_owned()),
            digest: Some(digest),
            commit: commit.or(tagged),
            built_at: claimed_at(core, &of_publish, seq)?,
            evidence: [seq].into_iter().chain(by_tag).collect(),
            ..Side::default()
        });
    }
    match tag {
        Some(tag) => Ok(Side {
            version: Some(version.to_owned()),
            commit: tagged,
            evidence: vec![tag.seq],
            ..Side::default()
        }),
        None => Err(AnswerError::UnknownVersion {
            component: component.name.clone(),
            version: version.to_owned(),
        }),
    }
}

/// Returns when the event at a seq, which has a key, claims to have happened.
fn claimed_at(core: &Core<'_>, key: &Key, seq: u64) -> Result<Option<Time>, FactsError> {
    let facts = core.facts().find(key)?;
    Ok(facts.iter().find(|fact| fact.seq == seq).map(|fact| fact.event.header.occurred_at))
}

/// Returns the last two live states: what the last transition left, and what it brought.
fn last_transition(
    core: &Core<'_>,
    component: &Component,
    environment: &Environment,
) -> Result<(Option<Side>, Option<Side>), AnswerError> {
    let all = core.transitions(&component.name, &environment.name)?;
    let Some(last) = all.last() else { return Ok((None, None)) };
    // The same deploy may have changed several targets: the state began at the first.
    let first = all.iter().find(|t| t.deploy_id == last.deploy_id).unwrap_or(last);
    let before = last.from_digest.as_ref().and_then(|digest| {
        all.iter()
            .rev()
            .find(|t| t.target == last.target && t.to_digest == *digest && t.moment < last.moment)
    });
    let side = |t: &Transition| -> Result<Side, AnswerError> {
        let origin = core.origin(&component.name, &t.to_digest, t.to_version.as_deref())?;
        let mut evidence = vec![t.start_seq, t.moment.seq];
        evidence.extend(origin.iter().map(|origin| origin.seq));
        Ok(Side {
            version: origin.as_ref().map(|origin| origin.version.clone()),
            digest: Some(t.to_digest.clone()),
            commit: origin.map(|origin| origin.commit),
            built_at: None,
            first_live: Some(t.moment.at),
            fully_live: None,
            deploy_id: Some(t.deploy_id.clone()),
            evidence,
        })
    };
    Ok((before.map(side).transpose()?, Some(side(first)?)))
}

fn head(
    core: &Core<'_>,
    component: &std::sync::Arc<Component>,
    environment: &Environment,
    (from, to): (&Option<Side>, &Option<Side>),
    releases: &[Introduction],
    part: &mut Part,
) -> Result<(), AnswerError> {
    let current = core.current(component, environment)?;
    let newest = releases.last().map(|release| release.digest.as_str());
    let bump = to.as_ref().and_then(|to| {
        let Some(from) = from else { return Some(ChangeClass::Initial) };
        let same = from.digest == to.digest && from.commit == to.commit;
        component.change_class(Some(from.version.as_deref()?), to.version.as_deref()?, same)
    });
    let rolled_back = match (newest, current.state) {
        (None, _) | (_, State::Mixed | State::Indeterminate | State::None) => Cell::Null,
        (Some(newest), _) => Cell::Bool(current.digest.as_deref() != Some(newest)),
    };
    part.head("component", component.name.as_str());
    part.head("environment", environment.name.as_str());
    for (prefix, side) in [("from", from), ("to", to)] {
        let side = side.clone().unwrap_or_default();
        part.head(&format!("{prefix}_version"), side.version);
        part.head(&format!("{prefix}_digest"), side.digest);
        part.head(&format!("{prefix}_commit"), side.commit);
        part.head(&format!("{prefix}_first_live"), side.first_live);
        if prefix == "to" {
            part.head("to_fully_live", side.fully_live);
        }
        part.head(&format!("{prefix}_deploy_id"), side.deploy_id);
    }
    part.head("bump", bump.map(|bump| bump.as_str()));
    part.head("current_version", current.version);
    part.head("rolled_back", rolled_back);
    let taken_back = match to.as_ref().and_then(|to| to.digest.as_deref()) {
        Some(digest) => taken_back(core, component, environment, digest)?,
        None => Vec::new(),
    };
    part.head("to_rolled_back_by", taken_back);
    Ok(())
}

/// Returns the rollbacks that took an artifact out of an environment, whatever came after them.
fn taken_back(
    core: &Core<'_>,
    component: &Component,
    environment: &Environment,
    digest: &str,
) -> Result<Vec<String>, FactsError> {
    let mut starts = core.rollback_starts(&component.name, digest)?;
    starts.sort_by_key(|fact| fact.moment());
    let mut ids: Vec<String> = Vec::new();
    for fact in starts {
        let Body::DeployStarted(start) = fact.body() else { continue };
        let Some(deploy) = core.deploy(&start.deploy_id)? else { continue };
        let worked = matches!(deploy.outcome(), DeployOutcome::Succeeded | DeployOutcome::Partial);
        let here = *start.environment == *environment.name;
        if worked && here && !ids.iter().any(|id| id == deploy.id()) {
            ids.push(deploy.id().to_owned());
        }
    }
    Ok(ids)
}

fn rows(
    core: &Core<'_>,
    component: &Component,
    from: &Option<Side>,
    to: Option<&Side>,
    part: &mut Part,
) -> Result<&'static str, AnswerError> {
    let Some(to) = to else {
        let detail = match component.is_published() {
            true => "nothing of it was published yet",
            false => "nothing of it was released here yet",
        };
        part.warnings.push(warning("no_release", detail));
        return Ok("complete");
    };
    if from.is_none() {
        let detail = "there is no release before: everything it contains is listed as added";
        part.warnings.push(warning("first_release", detail));
    }
    let old = from.as_ref().map(|from| from.commit.as_deref());
    let (Some(new), false) = (to.commit.as_deref(), old == Some(None)) else {
        let detail = "a digest has no build, so its commit is unknown and nothing can be compared";
        part.warnings.push(warning("missing_provenance", detail));
        return Ok("unknown_ancestry");
    };
    let list = core.changes(&component.name, old.flatten(), new)?;
    for change in &list.changes {
        let mut evidence = change.evidence.clone();
        evidence.extend(from.iter().flat_map(|from| &from.evidence));
        evidence.extend(&to.evidence);
        part.table.push(change_cells(change), evidence);
    }
    if !list.unknown.is_empty() {
        let names: Vec<&str> = list.unknown.iter().take(5).map(String::as_str).collect();
        let more = list.unknown.len().saturating_sub(5);
        let tail = if more > 0 { format!(" and {more} more") } else { String::new() };
        let detail =
            format!("the log has no merge of {}{tail}: the list may be short", names.join(", "));
        part.warnings.push(warning("unknown_ancestry", detail));
    }
    Ok(list.completeness())
}
