//! `status --at`: what ran where at a time, and what changed in the time before (semantics C.2 N2).
//!
//! Two views of the same moment stand side by side: what is known today of it, and what the book
//! knew then. A row says in which of them it is.

use std::collections::BTreeSet;
use std::sync::Arc;

use relbook_ledger::event::Body;
use relbook_ledger::time::Time;

use super::{AnswerError, Part, environment};
use crate::release::{
    Component, Core, Environment, Fact, FactsError, Key, Lens, LiveShare, Period, Published,
};
use crate::table::ColumnType::{Int, Text, Time as Instant};
use crate::table::{Cell, ColumnType, Table};

const COLUMNS: &[(&str, ColumnType)] = &[
    ("row", Text),
    ("at", Instant),
    ("kind", Text),
    ("component", Text),
    ("target", Text),
    ("role", Text),
    ("weight", Int),
    ("version", Text),
    ("digest", Text),
    ("from_version", Text),
    ("from_digest", Text),
    ("since", Instant),
    ("deploy_id", Text),
    ("detail", Text),
    ("known", Text),
];

/// A row on its way into the table.
#[derive(Default)]
struct Line {
    row: &'static str,
    at: Option<Time>,
    kind: String,
    component: Option<String>,
    target: Option<String>,
    role: Option<&'static str>,
    weight: Option<u8>,
    version: Option<String>,
    digest: Option<String>,
    from: Option<(Option<String>, String)>,
    since: Option<Time>,
    deploy_id: Option<String>,
    detail: Option<String>,
    known: &'static str,
    evidence: Vec<u64>,
}

pub(super) fn answer(
    core: &Core<'_>,
    environment_name: &str,
    at: Time,
    window_seconds: i64,
) -> Result<Part, AnswerError> {
    let Lens { as_of, as_known } = core.facts().lens();
    let at = at.min(as_of);
    let then = core.facts().known_at(at)?.min(as_known);
    let now_view = core.facts().view_at(Lens { as_of: at, as_known });
    let then_view = core.facts().view_at(Lens { as_of: at, as_known: then });
    let (now, before) = (Core::new(now_view.as_ref()), Core::new(then_view.as_ref()));
    let environment = environment(&now, environment_name)?;
    let mut part = Part { table: Table::new(COLUMNS), ..Part::default() };
    part.head("environment", environment_name);
    part.head("at", at);
    part.head("known_then", then);
    part.head("window_from", at.plus_seconds(-window_seconds));
    for line in shares(&now, &before, &environment)? {
        push(&mut part.table, line);
    }
    // The window ends with the moment itself.
    let period = Period { from: Some(at.plus_seconds(-window_seconds)), to: None };
    for line in all_changes(&now, &before, &environment, period)? {
        push(&mut part.table, line);
    }
    Ok(part)
}

fn push(table: &mut Table, line: Line) {
    let (from_version, from_digest) = match line.from {
        Some((version, digest)) => (version, Some(digest)),
        None => (None, None),
    };
    let cells: Vec<Cell> = vec![
        line.row.into(),
        line.at.into(),
        line.kind.into(),
        line.component.into(),
        line.target.into(),
        line.role.into(),
        line.weight.into(),
        line.version.into(),
        line.digest.into(),
        from_version.into(),
        from_digest.into(),
        line.since.into(),
        line.deploy_id.into(),
        line.detail.into(),
        line.known.into(),
    ];
    table.push(cells, line.evidence);
}

/// Returns the live shares at the moment: as known now, then those that were believed then only.
fn shares(
    now: &Core<'_>,
    then: &Core<'_>,
    environment: &Environment,
) -> Result<Vec<Line>, FactsError> {
    let mut lines = Vec::new();
    for component in now.components()? {
        let today = now.current(&component, environment)?;
        let (mut believed, mut offered) = (Vec::new(), None);
        if let Some(component) = then.component(&component.name)?
            && let Some(environment) = then.environment(&environment.name)?
        {
            let current = then.current(&component, &environment)?;
            (believed, offered) = (current.shares, current.published);
        }
        let before = lines.len();
        let same = |a: &LiveShare, b: &LiveShare| {
            (&a.target, a.role, a.weight, &a.share.digest)
                == (&b.target, b.role, b.weight, &b.share.digest)
        };
        for share in &today.shares {
            let both = believed.iter().any(|other| same(share, other));
            lines.push(share_line(&component, share, if both { "both" } else { "now" }));
        }
        for share in believed.iter().filter(|b| !today.shares.iter().any(|s| same(s, b))) {
            lines.push(share_line(&component, share, "then"));
        }
        let same = match (&today.published, &offered) {
            (Some(a), Some(b)) => a.version == b.version && a.digest == b.digest,
            _ => false,
        };
        if let Some(published) = &today.published {
            lines.push(published_line(&component, published, if same { "both" } else { "now" }));
        }
        if let Some(published) = offered.filter(|_| !same) {
            lines.push(published_line(&component, &published, "then"));
        }
        if lines.len() == before {
            // A registered component always has a row: null, and why.
            lines.push(Line {
                row: "live",
                kind: "none".to_owned(),
                component: Some(component.name.clone()),
                detail: Some(today.state.as_str().to_owned()),
                known: "now",
                evidence: today.evidence.clone(),
                ..Line::default()
            });
        }
    }
    Ok(lines)
}

fn published_line(component: &Component, published: &Published, known: &'static str) -> Line {
    Line {
        row: "live",
        kind: "published".to_owned(),
        component: Some(component.name.clone()),
        version: Some(published.version.clone()),
        digest: Some(published.digest.clone()),
        since: Some(published.since),
        known,
        evidence: published.evidence.clone(),
        ..Line::default()
    }
}

fn share_line(component: &Component, share: &LiveShare, known: &'static str) -> Line {
    Line {
        row: "live",
        kind: "share".to_owned(),
        component: Some(component.name.clone()),
        target: Some(share.target.clone()),
        role: Some(share.role.as_str()),
        weight: Some(share.weight),
        version: share.version().map(str::to_owned),
        digest: Some(share.share.digest.clone()),
        since: Some(share.share.since),
        deploy_id: Some(share.share.deploy_id.clone()),
        known,
        evidence: share.evidence(),
        ..Line::default()
    }
}

/// Returns what happened in the window, in effective order: as known now, and what was believed
/// then and corrected since.
fn all_changes(
    now: &Core<'_>,
    then: &Core<'_>,
    environment: &Environment,
    period: Period,
) -> Result<Vec<Line>, FactsError> {
    let then_lines = changes(then, environment, period, "then")?;
    let mut lines = changes(now, environment, period, "now")?;
    let seqs = |lines: &[Line]| -> BTreeSet<u64> {
        lines.iter().filter_map(|line| line.evidence.first().copied()).collect()
    };
    let (known, still) = (seqs(&then_lines), seqs(&lines));
    let is_in = |line: &Line, seqs: &BTreeSet<u64>| {
        line.evidence.first().is_some_and(|seq| seqs.contains(seq))
    };
    for line in lines.iter_mut().filter(|line| is_in(line, &known)) {
        line.known = "both";
    }
    lines.extend(then_lines.into_iter().filter(|line| !is_in(line, &still)));
    lines.sort_by_key(|line| (line.at, line.evidence.first().copied()));
    Ok(lines)
}

/// Returns what happened in the window as one view shows it.
fn changes(
    core: &Core<'_>,
    environment: &Environment,
    period: Period,
    known: &'static str,
) -> Result<Vec<Line>, FactsError> {
    let mut facts: Vec<(Arc<Fact>, Option<String>)> = Vec::new();
    for key in [
        Key::Components {},
        Key::Environments {},
        Key::Policies {},
        Key::Matrices {},
        Key::Freezes {},
    ] {
        facts.extend(core.within(&key, period)?.into_iter().map(|fact| (fact, None)));
    }
    for component in core.components()? {
        let name = || component.name.clone();
        let place = environment.name.clone();
        for key in [
            Key::Live { component: name(), environment: place },
            Key::FlagsOf { component: name() },
            Key::Publishes { component: name() },
        ] {
            let found = core.within(&key, period)?;
            facts.extend(found.into_iter().map(|fact| (fact, Some(name()))));
        }
    }
    facts.sort_by_key(|(fact, _)| fact.moment());
    let mut lines = Vec::new();
    for (fact, component) in facts {
        if elsewhere(&fact, environment) {
            continue;
        }
        let mut line = Line {
            row: "change",
            at: Some(fact.moment().at),
            kind: fact.event.kind().as_str().to_owned(),
            component: component.or_else(|| Some(fact.event.component().to_owned())),
            known,
            evidence: vec![fact.seq],
            ..Line::default()
        };
        line.component = line.component.filter(|name| !name.is_empty());
        told(core, environment, &fact, &mut line)?;
        lines.push(line);
    }
    Ok(lines)
}

/// Tells whether an event is about another environment.
fn elsewhere(fact: &Fact, environment: &Environment) -> bool {
    match fact.body() {
        Body::FreezeDeclared(freeze) => {
            freeze.environment.as_ref().is_some_and(|name| **name != *environment.name)
        }
        Body::EnvironmentRegistered(spec) => *spec.environment != *environment.name,
        _ => false,
    }
}

/// Fills in what an event of the window says.
fn told(
    core: &Core<'_>,
    environment: &Environment,
    fact: &Fact,
    line: &mut Line,
) -> Result<(), FactsError> {
    match fact.body() {
        Body::DeployStarted(start) => {
            line.deploy_id = Some(start.deploy_id.to_string());
            line.digest = Some(start.digest.to_string());
            line.detail = Some(format!("stage {}", start.stage.as_str()));
        }
        Body::DeployProgressed(step) => {
            line.kind = "canary_step".to_owned();
            line.deploy_id = Some(step.deploy_id.to_string());
            line.target = Some(step.target.to_string());
            line.weight = Some(step.weight);
        }
        Body::DeployFinished(finish) => {
            line.deploy_id = Some(finish.deploy_id.to_string());
            line.target = Some(finish.target.to_string());
            line.detail = Some(finish.outcome.as_str().to_owned());
            transition(core, environment, fact, line)?;
        }
        Body::DeployRemoved(removed) => line.target = Some(removed.target.to_string()),
        Body::ArtifactFlagged(flag) => {
            line.digest = Some(flag.digest.to_string());
            line.detail = Some(named(&flag.flag, flag.cve.as_deref()));
        }
        Body::ArtifactUnflagged(flag) => {
            line.digest = Some(flag.digest.to_string());
            line.detail = Some(named(&flag.flag, flag.cve.as_deref()));
        }
        Body::ReleasePublished(release) => {
            line.version = Some(release.version.to_string());
            line.digest = Some(release.digest.to_string());
        }
        Body::ReleaseYanked(yank) => line.version = Some(yank.version.to_string()),
        Body::EnvironmentRegistered(spec) => line.detail = Some(spec.environment.to_string()),
        Body::PolicySet(policy) => {
            let names: Vec<&str> = policy.values.keys().map(String::as_str).collect();
            line.detail = Some(names.join(", "));
        }
        Body::FreezeDeclared(freeze) => line.detail = Some(freeze.freeze_id.to_string()),
        Body::FreezeLifted(freeze) => line.detail = Some(freeze.freeze_id.to_string()),
        _ => {}
    }
    if line.digest.is_none()
        && let Some(id) = &line.deploy_id
        && let Some(deploy) = core.deploy(id)?
    {
        line.digest = Some(deploy.start.digest.to_string());
    }
    if line.version.is_none()
        && let (Some(component), Some(digest)) = (&line.component, &line.digest)
    {
        line.version = core.origin(component, digest, None)?.map(|origin| origin.version);
    }
    Ok(())
}

fn named(flag: &str, cve: Option<&str>) -> String {
    cve.map_or_else(|| flag.to_owned(), |cve| format!("{flag} {cve}"))
}

/// Says what a finish changed, where it changed something.
fn transition(
    core: &Core<'_>,
    environment: &Environment,
    fact: &Fact,
    line: &mut Line,
) -> Result<(), FactsError> {
    let Some(component) = line.component.clone() else { return Ok(()) };
    let all = core.transitions(&component, &environment.name)?;
    let Some(made) = all.iter().find(|t| t.moment == fact.moment()) else { return Ok(()) };
    line.kind = "transition".to_owned();
    line.digest = Some(made.to_digest.clone());
    if let Some(from) = &made.from_digest {
        let version = core.origin(&component, from, None)?.map(|origin| origin.version);
        line.from = Some((version, from.clone()));
    }
    Ok(())
}
