//! Which vulnerable artifacts were live where, from when to when (semantics C.2 N5, B.3 file 14).
//!
//! The exposure began when the artifact went live, known or not, and ends when it leaves; what
//! was known since when stands beside it. A canary counts, with its share of the traffic.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use relbook_ledger::event::Body;
use relbook_ledger::event::check::ScanCompleted;
use relbook_ledger::time::Time;

use super::fact::{Fact, FactsError};
use super::index::Key;
use super::{Component, Core, Interval, Role};

/// What is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Exposed {
    /// One vulnerability.
    Cve(String),
    /// Everything of a severity.
    Severity(String),
    /// Everything that is flagged, or red in a scan.
    All,
}

/// A time during which a target served a vulnerable artifact.
#[derive(Debug, Clone, PartialEq)]
pub struct Exposure {
    /// The vulnerability, where it has a name.
    pub cve: Option<String>,
    /// How bad it is, as far as it is said.
    pub severity: Option<String>,
    /// The component.
    pub component: String,
    /// The version.
    pub version: Option<String>,
    /// The artifact.
    pub digest: String,
    /// The environment.
    pub environment: String,
    /// Where and when.
    pub interval: Interval,
    /// When it was known first.
    pub flagged_at: Time,
    /// When it ended: the artifact left, or what was said of it was taken back.
    pub until: Option<Time>,
    /// The version that ended it, when it has not the same vulnerability.
    pub fixed_version: Option<String>,
    /// The seqs that it rests on.
    pub evidence: Vec<u64>,
}

impl Exposure {
    /// Returns since when the exposure was known.
    pub fn known_from(&self) -> Time {
        self.flagged_at.max(self.interval.from.at)
    }

    /// Returns as what the artifact was live.
    pub fn role(&self) -> Role {
        self.interval.role
    }
}

/// What is known of one artifact and one vulnerability.
#[derive(Debug, Clone)]
struct Known {
    severity: Option<String>,
    since: Time,
    withdrawn: Option<Time>,
    evidence: Vec<u64>,
}

/// By component, vulnerability and artifact.
type Vulnerabilities = BTreeMap<(String, Option<String>, String), Known>;

impl Core<'_> {
    /// Returns the exposures of production, by vulnerability, component, start and target.
    ///
    /// # Errors
    /// [`FactsError`] when the facts cannot be read.
    pub fn exposures(
        &self,
        asked: &Exposed,
        environment: Option<&str>,
    ) -> Result<Vec<Exposure>, FactsError> {
        let mut known = Vulnerabilities::new();
        match asked {
            Exposed::Cve(cve) => {
                self.note(&Key::Cve { cve: cve.to_uppercase() }, asked, &mut known)?;
            }
            Exposed::Severity(severity) => {
                let key = Key::Severity { severity: severity.to_lowercase() };
                self.note(&key, asked, &mut known)?;
            }
            Exposed::All => {
                for component in self.components()? {
                    let key = Key::Vulnerable { component: component.name.clone() };
                    self.note(&key, asked, &mut known)?;
                }
            }
        }
        self.withdraw(&mut known)?;
        let mut exposures = Vec::new();
        for place in self.environments()? {
            let wanted = match environment {
                Some(name) => name == place.name,
                None => self.is_production(&place.name)?,
            };
            if !wanted {
                continue;
            }
            for ((component, cve, digest), said) in &known {
                let Some(component) = self.component(component)? else { continue };
                for interval in self.live_intervals(&component.name, &place.name, digest)? {
                    let what = (cve.as_deref(), digest.as_str());
                    let place = place.name.as_str();
                    let exposure =
                        self.exposure(&component, place, what, said, interval, &known)?;
                    exposures.extend(exposure);
                }
            }
        }
        exposures.sort_by(|a, b| {
            let key = |e: &Exposure| {
                let place = (e.environment.clone(), e.interval.target.clone());
                (e.cve.clone(), e.component.clone(), e.interval.from, place, e.digest.clone())
            };
            key(a).cmp(&key(b))
        });
        Ok(exposures)
    }

    /// Reads what flags and scans under a key say.
    fn note(
        &self,
        key: &Key,
        asked: &Exposed,
        known: &mut Vulnerabilities,
    ) -> Result<(), FactsError> {
        for fact in self.facts.find(key)? {
            let component = fact.event.component().to_owned();
            let (digest, said) = match fact.body() {
                Body::ArtifactFlagged(flag) => {
                    let cve = flag.cve.as_ref().map(|cve| cve.to_uppercase());
                    let severity = flag.severity.as_ref().map(|s| s.to_lowercase());
                    (flag.digest.to_string(), vec![(cve, severity)])
                }
                Body::ScanCompleted(scan) => (scan.digest.to_string(), scanned(scan)),
                _ => continue,
            };
            for (cve, severity) in said {
                let wanted = match asked {
                    Exposed::Cve(name) => {
                        cve.as_deref().is_some_and(|cve| cve.eq_ignore_ascii_case(name))
                    }
                    Exposed::Severity(name) => {
                        severity.as_deref().is_some_and(|s| s.eq_ignore_ascii_case(name))
                    }
                    Exposed::All => {
                        cve.is_none()
                            || !matches!(fact.body(), Body::ScanCompleted(_))
                            || matches!(severity.as_deref(), Some("critical" | "high"))
                    }
                };
                if wanted {
                    let key = (component.clone(), cve, digest.clone());
                    add(known, key, severity, &fact);
                }
            }
        }
        Ok(())
    }

    /// Notes the flags that were taken back, where no scan says the same.
    fn withdraw(&self, known: &mut Vulnerabilities) -> Result<(), FactsError> {
        for ((component, cve, digest), said) in known.iter_mut() {
            let key = Key::Flags { component: component.clone(), digest: digest.clone() };
            let flags = self.facts.find(&key)?;
            let ended = taken_back(&flags, cve.as_deref());
            let by_flags = said.evidence.iter().all(|seq| flags.iter().any(|f| f.seq == *seq));
            if let Some((seq, at)) = ended
                && by_flags
            {
                said.withdrawn = Some(at);
                said.evidence.push(seq);
            }
        }
        Ok(())
    }

    fn exposure(
        &self,
        component: &Arc<Component>,
        environment: &str,
        (cve, digest): (Option<&str>, &str),
        said: &Known,
        interval: Interval,
        known: &Vulnerabilities,
    ) -> Result<Option<Exposure>, FactsError> {
        let left = interval.until.map(|until| until.at);
        let until = [left, said.withdrawn].into_iter().flatten().min();
        if until.is_some_and(|until| until <= interval.from.at) {
            return Ok(None);
        }
        let name = component.name.clone();
        let affected = |other: &String| {
            let key = (name.clone(), cve.map(str::to_owned), other.clone());
            known.contains_key(&key)
        };
        let fixed = interval.next.as_ref().filter(|next| *next != digest && !affected(next));
        let fixed_version = match fixed {
            Some(next) => self.origin(&name, next, None)?.map(|origin| origin.version),
            None => None,
        };
        let origin = self.origin(&name, digest, None)?;
        let mut evidence = said.evidence.clone();
        evidence.extend(&interval.evidence);
        evidence.extend(origin.iter().map(|origin| origin.seq));
        Ok(Some(Exposure {
            cve: cve.map(str::to_owned),
            severity: said.severity.clone(),
            component: name.clone(),
            version: origin.map(|origin| origin.version),
            digest: digest.to_owned(),
            environment: environment.to_owned(),
            interval,
            flagged_at: said.since,
            until,
            fixed_version,
            evidence,
        }))
    }
}

/// Returns when the last flag that says that an artifact has a vulnerability was taken back, by
/// seq and time; nothing while one stands.
fn taken_back(flags: &[Arc<Fact>], cve: Option<&str>) -> Option<(u64, Time)> {
    let (mut open, mut ended) = (BTreeSet::<&str>::new(), None);
    for fact in flags {
        match fact.body() {
            // Without a name, only this flag says that it is vulnerable.
            Body::ArtifactFlagged(f)
                if same(f.cve.as_deref(), cve) && (cve.is_some() || *f.flag == *"vulnerable") =>
            {
                open.insert(&f.flag);
                ended = None;
            }
            // Without a name, a flag is taken back for every vulnerability.
            Body::ArtifactUnflagged(f)
                if (f.cve.is_none() || same(f.cve.as_deref(), cve)) && open.remove(&*f.flag) =>
            {
                ended = open.is_empty().then(|| (fact.seq, fact.moment().at));
            }
            _ => {}
        }
    }
    ended
}

/// Tells whether two vulnerabilities have the same name, or none.
fn same(one: Option<&str>, other: Option<&str>) -> bool {
    match (one, other) {
        (Some(one), Some(other)) => one.eq_ignore_ascii_case(other),
        (None, None) => true,
        _ => false,
    }
}

fn add(
    known: &mut Vulnerabilities,
    key: (String, Option<String>, String),
    severity: Option<String>,
    fact: &Fact,
) {
    let at = fact.moment().at;
    let said = known.entry(key).or_insert_with(|| Known {
        severity: severity.clone(),
        since: at,
        withdrawn: None,
        evidence: Vec::new(),
    });
    said.since = said.since.min(at);
    said.severity = said.severity.take().or(severity);
    said.evidence.push(fact.seq);
}

/// Returns the vulnerabilities that a scan found: by name, else by severity alone.
fn scanned(scan: &ScanCompleted) -> Vec<(Option<String>, Option<String>)> {
    let mut said: BTreeSet<(Option<String>, Option<String>)> = BTreeSet::new();
    for finding in scan.findings.iter().flatten() {
        let severity = finding.severity.as_ref().map(|s| s.to_lowercase());
        said.insert((Some(finding.vulnerability_id.to_uppercase()), severity));
    }
    for (count, name) in [(scan.critical, "critical"), (scan.high, "high")] {
        let named = said.iter().any(|(_, severity)| severity.as_deref() == Some(name));
        if count.is_some_and(|count| count > 0) && !named {
            said.insert((None, Some(name.to_owned())));
        }
    }
    said.into_iter().collect()
}
