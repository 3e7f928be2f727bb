//! `inventory`: what runs where, with its bill of materials and provenance (semantics B.3
//! file 13).

use relbook_ledger::event::Body;

use super::{Projection, Request, pairs, text};
use crate::release::{Core, FactsError, Key, LiveShare, Role, Transition};
use crate::table::ColumnType::{Text, Time};
use crate::table::{Cell, Table};

pub(super) const PROJECTION: Projection = Projection {
    name: "inventory",
    columns: &[
        ("component", Text),
        ("environment", Text),
        ("target", Text),
        ("version", Text),
        ("digest", Text),
        ("commit", Text),
        ("sbom_digest", Text),
        ("provenance_level", Text),
        ("since", Time),
        ("last_observed_at", Time),
        ("role", Text),
    ],
    rows,
};

fn rows(core: &Core<'_>, request: &Request) -> Result<Table, FactsError> {
    let mut table = Table::new(PROJECTION.columns);
    for (component, environment) in pairs(core, request)? {
        let current = core.current(&component, &environment)?;
        for share in &current.shares {
            let mut evidence = share.evidence();
            let place = (component.name.as_str(), environment.name.as_str());
            let cells = row_of(core, place, share, &mut evidence)?;
            table.push(cells, evidence);
        }
    }
    Ok(table)
}

fn row_of(
    core: &Core<'_>,
    (component, environment): (&str, &str),
    share: &LiveShare,
    evidence: &mut Vec<u64>,
) -> Result<Vec<Cell>, FactsError> {
    let name = || component.to_owned();
    let digest = share.share.digest.clone();
    let sbom = core.facts().latest(&Key::Sboms { component: name(), digest: digest.clone() })?;
    evidence.extend(sbom.iter().map(|fact| fact.seq));
    let blob = sbom.as_ref().and_then(|fact| match fact.body() {
        Body::SbomRecorded(sbom) => Some(sbom.blob.to_string()),
        _ => None,
    });
    let since = begun(core, (component, environment), share)?;
    let mut seen = None;
    let key = Key::Observations { component: name(), environment: environment.to_owned() };
    core.facts().newest(&key, &mut |fact| {
        // Before its deploy began it cannot have been seen there: that was an earlier stay.
        if fact.moment().at < since {
            return false;
        }
        let here = matches!(fact.body(), Body::RuntimeObserved(o)
            if *o.target == *share.target && *o.digest == *digest);
        if here {
            seen = Some((fact.moment().at, fact.seq));
        }
        !here
    })?;
    evidence.extend(seen.map(|(_, seq)| seq));
    let level = provenance(core, component, share, evidence)?;
    Ok(vec![
        component.into(),
        environment.into(),
        share.target.as_str().into(),
        text(share.version()),
        digest.as_str().into(),
        text(share.origins.first().map(|origin| origin.commit.as_str())),
        text(blob.as_deref()),
        level.into(),
        share.share.since.into(),
        seen.map(|(at, _)| at).into(),
        share.role.as_str().into(),
    ])
}

/// Returns when the deploy began that brought a share: the first of its stay, before redeploys.
fn begun(
    core: &Core<'_>,
    (component, environment): (&str, &str),
    share: &LiveShare,
) -> Result<relbook_ledger::time::Time, FactsError> {
    let transitions = core.transitions(component, environment)?;
    let brought = |t: &&Transition| t.target == share.target && t.to_digest == share.share.digest;
    let start = match (share.role, transitions.iter().rev().find(brought)) {
        (Role::Stable, Some(transition)) => transition.start_seq,
        _ => share.share.start_seq,
    };
    let start = core.facts().fact(start)?.map(|fact| fact.moment().at);
    Ok(start.unwrap_or(share.share.since).min(share.share.since))
}

/// Returns how far the origin of an artifact is known: verified, attested, recorded, missing.
fn provenance(
    core: &Core<'_>,
    component: &str,
    share: &LiveShare,
    evidence: &mut Vec<u64>,
) -> Result<&'static str, FactsError> {
    let key =
        Key::Attestations { component: component.to_owned(), digest: share.share.digest.clone() };
    let attestations = core.facts().find(&key)?;
    evidence.extend(attestations.iter().map(|fact| fact.seq));
    let verified = attestations
        .iter()
        .any(|fact| matches!(fact.body(), Body::AttestationRecorded(a) if a.verified_by.is_some()));
    Ok(match (verified, attestations.is_empty(), share.origins.is_empty()) {
        (true, ..) => "verified",
        (false, false, _) => "attested",
        (false, true, false) => "recorded",
        (false, true, true) => "missing",
    })
}
