//! The keys of the lists and findings: what happened in a period, to whom, how late.
//!
//! A part of the index (`index.rs`), apart because these keys also need to know how late the
//! ledger got an event. It must not decide anything: a finding is the core's matter.

use relbook_ledger::event::artifact::ArtifactFlagged;
use relbook_ledger::event::check::ScanCompleted;
use relbook_ledger::event::deploy::DeployStarted;
use relbook_ledger::event::source::CommitMerged;
use relbook_ledger::event::{Body, Event, Stage};

use super::fact::Fact;
use super::index::Key;

/// What the name of a train's branch begins with (semantics A.12).
pub(super) const TRAIN_BRANCH: &str = "release/v";

/// Returns the keys under which the lists find a fact.
pub fn listing_keys(fact: &Fact) -> Vec<Key> {
    let mut keys = by_kind(&fact.event);
    keys.extend(run_of(&fact.event).map(|run_id| Key::Run { run_id }));
    keys.extend(late_bucket(fact.lag_seconds()).map(late_key));
    keys
}

/// Returns the CI run that an event says it comes from.
fn run_of(event: &Event) -> Option<String> {
    let run = event.header.source.as_ref()?.get("run_id")?;
    run.as_str().map(str::to_owned).or_else(|| run.as_u64().map(|run| run.to_string()))
}

/// Returns the bucket of a lag: buckets double, so that a tolerance needs only the later ones.
/// An event that is not late by a second stands in none.
pub(super) fn late_bucket(lag_seconds: i64) -> Option<u32> {
    let lag = u64::try_from(lag_seconds).ok().filter(|lag| *lag > 0)?;
    Some(lag.ilog2())
}

/// Returns the key of a bucket.
pub(super) fn late_key(bucket: u32) -> Key {
    Key::Late { bucket: bucket.to_string() }
}

fn by_kind(event: &Event) -> Vec<Key> {
    let component = || event.component().to_owned();
    match &event.body {
        Body::DeployStarted(d) => start(component(), d),
        Body::CommitMerged(c) => commit(component(), c),
        Body::IncidentOpened(i) => incident(&i.incident_id, i.caused_by.as_deref()),
        Body::IncidentResolved(i) => incident(&i.incident_id, i.caused_by.as_deref()),
        Body::RuntimeObserved(o) => vec![
            Key::Observations { component: component(), environment: o.environment.to_string() },
            Key::Sightings { component: component() },
        ],
        Body::ArtifactFlagged(f) => flagged(component(), f),
        Body::ScanCompleted(s) => scan(component(), s),
        Body::SbomRecorded(s) => {
            vec![Key::Sboms { component: component(), digest: s.digest.to_string() }]
        }
        Body::AttestationRecorded(a) => {
            vec![Key::Attestations { component: component(), digest: a.digest.to_string() }]
        }
        _ => Vec::new(),
    }
}

fn start(component: String, d: &DeployStarted) -> Vec<Key> {
    let mut keys = Vec::new();
    if d.stage == Stage::Production {
        keys.push(Key::ProductionStarts { component: component.clone() });
    }
    let version = d.version.as_deref().map(str::to_owned);
    keys.extend(version.map(|version| Key::StartVersion { component, version }));
    keys.extend(d.fixes.as_deref().map(|id| Key::FixesOf { deploy_id: id.to_owned() }));
    keys
}

fn commit(component: String, c: &CommitMerged) -> Vec<Key> {
    let mut keys = Vec::new();
    keys.extend(c.pr.map(|pr| Key::PullRequest { pr: pr.to_string() }));
    if c.branch.starts_with(TRAIN_BRANCH) {
        keys.push(Key::TrainCommits { component, branch: c.branch.to_string() });
    }
    keys
}

fn incident(id: &str, caused_by: Option<&str>) -> Vec<Key> {
    let mut keys = vec![Key::Incident { incident_id: id.to_owned() }];
    keys.extend(caused_by.map(|id| Key::IncidentsOf { deploy_id: id.to_owned() }));
    keys
}

fn flagged(component: String, flag: &ArtifactFlagged) -> Vec<Key> {
    let mut keys = Vec::new();
    if flag.cve.is_some() || *flag.flag == *"vulnerable" {
        keys.push(Key::Vulnerable { component });
        keys.extend(flag.cve.as_deref().map(cve));
        keys.extend(flag.severity.as_deref().map(severity));
    }
    keys
}

fn scan(component: String, scan: &ScanCompleted) -> Vec<Key> {
    let mut keys = Vec::new();
    for (count, name) in [(scan.critical, "critical"), (scan.high, "high")] {
        if count.is_some_and(|count| count > 0) {
            keys.push(severity(name));
        }
    }
    for finding in scan.findings.iter().flatten() {
        keys.push(cve(&finding.vulnerability_id));
        keys.extend(finding.severity.as_deref().map(severity));
    }
    if !keys.is_empty() {
        keys.push(Key::Vulnerable { component });
    }
    keys.sort();
    keys.dedup();
    keys
}

fn cve(id: &str) -> Key {
    Key::Cve { cve: id.to_uppercase() }
}

fn severity(name: &str) -> Key {
    Key::Severity { severity: name.to_lowercase() }
}
