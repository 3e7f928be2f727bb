//! What a key signed, and what rests on it: the extent of a compromise (ledger-format 6).
//!
//! One walk over the log. What the key signed since it is suspect is the first part. The second is
//! what others signed later and what rests on the first: deploys, publications and approvals of an
//! artifact that it built, checked, scanned, tagged or approved; gates decided on its evidence or
//! under its policy; what came from keys that it let in. An event rests only on what stands before
//! it in the log.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::ops::ControlFlow;

use relbook_ledger::event::Kind;
use relbook_ledger::json;
use relbook_ledger::key::KeyId;
use relbook_ledger::statement;
use relbook_ledger::store::{Ledger, ReadError, Record};
use serde_json::Value;

use crate::table::ColumnType::{Int, IntList, Text, Time};
use crate::table::{Cell, ColumnType, Table};

const COLUMNS: &[(&str, ColumnType)] = &[
    ("relation", Text),
    ("seq", Int),
    ("kind", Text),
    ("component", Text),
    ("subject", Text),
    ("principal", Text),
    ("recorded_at", Time),
    ("because", IntList),
];

/// The extent of a compromise.
#[derive(Debug)]
pub struct Report {
    /// One row per event, in the order of the log.
    pub table: Table,
    /// How many events the keys signed.
    pub signed: u64,
    /// How many others rest on these.
    pub depends: u64,
}

/// Reports what keys signed, each from a seq on, and what rests on it.
///
/// # Errors
/// [`ReadError`] when the book cannot be read.
pub fn report(ledger: &Ledger, keys: &[(KeyId, u64)]) -> Result<Report, ReadError> {
    let mut walk = Walk::default();
    let mut report = Report { table: Table::new(COLUMNS), signed: 0, depends: 0 };
    // Builds before the first suspect event still say which commit an artifact is of.
    ledger.scan(0..ledger.size(), |record| {
        let fields = Fields::of(&record);
        let suspect = keys.iter().any(|(key, from)| record.key_id == *key && record.seq >= *from);
        let because =
            if suspect { BTreeSet::new() } else { walk.because(ledger, &record, &fields) };
        walk.learn(&record, &fields, suspect, &because);
        let relation = match (suspect, because.is_empty()) {
            (true, _) => "signed",
            (false, false) => "depends",
            (false, true) => return ControlFlow::Continue(()),
        };
        report.signed += u64::from(suspect);
        report.depends += u64::from(!suspect);
        let list = because.iter().map(|seq| seq.cast_signed()).collect();
        let evidence = because.iter().copied().chain([record.seq]).collect();
        let cells = vec![
            relation.into(),
            record.seq.into(),
            record.event.kind().as_str().into(),
            text_cell(record.event.component()),
            fields.subject().map_or(Cell::Null, |subject| text_cell(&subject)),
            record.principal.as_str().into(),
            record.received.into(),
            if suspect { Cell::Null } else { Cell::IntList(list) },
        ];
        report.table.push(cells, evidence);
        ControlFlow::Continue(())
    })?;
    Ok(report)
}

fn text_cell(text: &str) -> Cell {
    if text.is_empty() { Cell::Null } else { text.into() }
}

/// The fields of an event, as signed.
struct Fields(Value);

impl Fields {
    fn of(record: &Record) -> Self {
        let value = json::parse(&record.body).ok();
        let opened = value.and_then(|value| statement::open(&record.payload_type, value).ok());
        Self(opened.unwrap_or_default())
    }

    fn text(&self, name: &str) -> Option<&str> {
        self.0.get(name)?.as_str()
    }

    fn numbers(&self, name: &str) -> Vec<u64> {
        match self.0.get(name) {
            Some(Value::Array(list)) => list.iter().filter_map(Value::as_u64).collect(),
            Some(value) => value.as_u64().into_iter().collect(),
            None => Vec::new(),
        }
    }

    /// Names what the event is about.
    fn subject(&self) -> Option<String> {
        const NAMES: [&str; 14] = [
            "deploy_id",
            "approval_id",
            "waiver_id",
            "freeze_id",
            "incident_id",
            "hotfix_id",
            "policy_id",
            "matrix_id",
            "version",
            "tag",
            "suite",
            "digest",
            "commit",
            "key_id",
        ];
        NAMES.iter().find_map(|name| self.text(name)).map(str::to_owned)
    }
}

type Place = (String, String);

/// What the walk has learnt so far.
#[derive(Default)]
struct Walk {
    /// All that the keys signed.
    suspects: HashSet<u64>,
    /// Suspect builds of an artifact, and all suspect evidence about it.
    builds: HashMap<Place, BTreeSet<u64>>,
    evidence: HashMap<Place, BTreeSet<u64>>,
    /// Suspect evidence about a commit, and about a version.
    commits: HashMap<Place, BTreeSet<u64>>,
    versions: HashMap<Place, BTreeSet<u64>>,
    /// The commit and the version that an artifact was built of, whoever says so.
    origins: HashMap<Place, Vec<Place>>,
    /// Deploys that are suspect or rest on what is: the event that began them.
    deploys: HashMap<String, u64>,
    /// Keys that suspect enrolments let in.
    let_in: HashMap<KeyId, u64>,
}

impl Walk {
    /// Returns the suspect events that an event rests on.
    fn because(&self, ledger: &Ledger, record: &Record, fields: &Fields) -> BTreeSet<u64> {
        use Kind as K;
        let mut found = BTreeSet::new();
        let component = record.event.component().to_owned();
        let of = |map: &HashMap<Place, BTreeSet<u64>>, word: Option<&str>| {
            let place = word.map(|word| (component.clone(), word.to_owned()));
            place.and_then(|place| map.get(&place).cloned()).unwrap_or_default()
        };
        let digest = fields.text("digest");
        match record.event.kind() {
            K::DeployStarted
            | K::ReleasePublished
            | K::ApprovalGranted
            | K::ApprovalRejected
            | K::GateDecided => {
                found.extend(of(&self.evidence, digest));
                found.extend(of(&self.versions, fields.text("version")));
                let place = digest.map(|digest| (component.clone(), digest.to_owned()));
                for (commit, version) in
                    place.and_then(|p| self.origins.get(&p)).into_iter().flatten()
                {
                    found.extend(of(&self.commits, Some(commit)));
                    found.extend(of(&self.versions, Some(version)));
                }
                let named = fields.numbers("evidence_seqs").into_iter();
                let named = named.chain(fields.numbers("policy_seq"));
                found.extend(named.filter(|seq| self.suspects.contains(seq)));
            }
            // They are about the artifact: when its build is suspect, so is what they looked at.
            K::CheckCompleted | K::ScanCompleted | K::AttestationRecorded | K::SbomRecorded => {
                found.extend(of(&self.builds, digest));
            }
            K::DeployProgressed | K::DeployFinished | K::BreakglassReviewed => {
                let begun = fields.text("deploy_id").and_then(|id| self.deploys.get(id));
                found.extend(begun);
            }
            _ => {}
        }
        // A key that was let in by a suspect event, and by no other that still held.
        if let Some(&enrolled) = self.let_in.get(&record.key_id)
            && ledger
                .registry()
                .keyring()
                .author(record.key_id, record.seq)
                .is_some_and(|grant| grant.add_seq == enrolled)
        {
            found.insert(enrolled);
        }
        found
    }

    /// Takes in an event.
    fn learn(&mut self, record: &Record, fields: &Fields, suspect: bool, because: &BTreeSet<u64>) {
        use Kind as K;
        let (seq, kind) = (record.seq, record.event.kind());
        let component = record.event.component().to_owned();
        let place = |word: Option<&str>| Some((component.clone(), word?.to_owned()));
        let (digest, commit) = (fields.text("digest"), fields.text("commit"));
        let version = fields.text("version");
        if kind == K::BuildCompleted
            && let (Some(place), Some(commit), Some(version)) = (place(digest), commit, version)
        {
            self.origins.entry(place).or_default().push((commit.to_owned(), version.to_owned()));
        }
        if kind == K::DeployStarted
            && (suspect || !because.is_empty())
            && let Some(id) = fields.text("deploy_id")
        {
            self.deploys.insert(id.to_owned(), seq);
        }
        // What a key signed that a suspect key let in is as suspect as the key.
        let through = self.let_in.get(&record.key_id).is_some_and(|seq| because.contains(seq));
        if !suspect && !through {
            return;
        }
        self.suspects.insert(seq);
        let mut add = |map: fn(&mut Self) -> &mut HashMap<Place, BTreeSet<u64>>, word| {
            if let Some(place) = place(word) {
                map(self).entry(place).or_default().insert(seq);
            }
        };
        match kind {
            K::BuildCompleted => {
                add(|walk| &mut walk.builds, digest);
                add(|walk| &mut walk.evidence, digest);
            }
            K::CheckCompleted => {
                add(|walk| &mut walk.evidence, digest);
                add(|walk| &mut walk.commits, commit);
            }
            K::CommitMerged => add(|walk| &mut walk.commits, commit),
            K::TagCreated | K::TagMoved => add(|walk| &mut walk.versions, version),
            K::ScanCompleted
            | K::ApprovalGranted
            | K::ApprovalRejected
            | K::WaiverGranted
            | K::AttestationRecorded
            | K::SbomRecorded
            | K::ArtifactUnflagged => add(|walk| &mut walk.evidence, digest),
            K::KeyEnrolled => {
                if let Some(key) = fields.text("key_id").and_then(KeyId::parse) {
                    self.let_in.insert(key, seq);
                }
            }
            _ => {}
        }
    }
}
