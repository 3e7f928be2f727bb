//! What changed between two artifacts beyond their commits: vulnerabilities, dependencies,
//! approvals, waivers, policy. What was not recorded is unknown, never unchanged.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use relbook_ledger::event::Body;
use relbook_ledger::event::check::{Finding, ScanCompleted};
use relbook_ledger::time::Time;

use super::fact::{Fact, FactsError};
use super::index::Key;
use super::{Approval, Core};

/// A vulnerability that one of two artifacts has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Vulnerability {
    /// Its id.
    pub id: String,
    /// The scanner's severity.
    pub severity: Option<String>,
    /// The package.
    pub package: Option<String>,
}

/// The vulnerabilities of two artifacts, compared.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Vulnerabilities {
    /// The scanners that named the findings of both.
    pub scanners: Vec<String>,
    /// In the new one only.
    pub introduced: Vec<Vulnerability>,
    /// In the old one only.
    pub fixed: Vec<Vulnerability>,
    /// The seqs of the scans.
    pub evidence: Vec<u64>,
}

/// A scan as far as it can be compared.
struct Scan {
    found: BTreeMap<(String, Option<String>), Vulnerability>,
    seq: u64,
}

impl Scan {
    /// Reads a scan that names all that it found; one that was filtered may hide something, and
    /// one that only counts names nothing.
    fn of(fact: &Fact, scan: &ScanCompleted) -> Option<Self> {
        let status = scan.status.map(|status| status.as_str());
        let findings: &[Finding] = match (status, &scan.findings) {
            (Some("filtered" | "not_scanned"), _) => return None,
            (_, Some(findings)) => findings,
            (Some("clean"), None) => &[],
            _ => return None,
        };
        let found = findings.iter().map(|finding| {
            let key = (finding.vulnerability_id.to_uppercase(), finding.package.clone());
            let vulnerability = Vulnerability {
                id: finding.vulnerability_id.clone(),
                severity: finding.severity.clone(),
                package: finding.package.clone(),
            };
            (key, vulnerability)
        });
        Some(Self { found: found.collect(), seq: fact.seq })
    }
}

impl Core<'_> {
    /// Compares the latest scans of two artifacts by each scanner that named what it found in
    /// both; none when there is no such scanner.
    ///
    /// # Errors
    /// [`FactsError`] when the facts cannot be read.
    pub fn compare_scans(
        &self,
        component: &str,
        from: &str,
        to: &str,
    ) -> Result<Option<Vulnerabilities>, FactsError> {
        let (old, new) = (self.scans(component, from)?, self.scans(component, to)?);
        let both: BTreeSet<&String> = old.keys().filter(|name| new.contains_key(*name)).collect();
        if both.is_empty() {
            return Ok(None);
        }
        let mut compared = Vulnerabilities::default();
        let union = |scans: &BTreeMap<String, Scan>| {
            let of_both = scans.iter().filter(|(name, _)| both.contains(name));
            of_both.flat_map(|(_, scan)| scan.found.clone()).collect::<BTreeMap<_, _>>()
        };
        let (had, has) = (union(&old), union(&new));
        let only = |these: &BTreeMap<_, Vulnerability>, those: &BTreeMap<_, Vulnerability>| {
            let left = these.iter().filter(|(key, _)| !those.contains_key(*key));
            left.map(|(_, vulnerability)| vulnerability.clone()).collect()
        };
        compared.introduced = only(&has, &had);
        compared.fixed = only(&had, &has);
        let seqs = |name: &&String| [&old, &new].map(|scans| scans[*name].seq);
        compared.evidence = both.iter().flat_map(seqs).collect();
        compared.scanners = both.into_iter().cloned().collect();
        Ok(Some(compared))
    }

    /// Returns the latest scan by each scanner; one that cannot be compared counts as none.
    fn scans(&self, component: &str, digest: &str) -> Result<BTreeMap<String, Scan>, FactsError> {
        let (component, digest) = (component.to_owned(), digest.to_owned());
        let mut latest: BTreeMap<String, Arc<Fact>> = BTreeMap::new();
        for fact in self.facts.find(&Key::ScansOf { component, digest })? {
            if let Body::ScanCompleted(scan) = fact.body() {
                latest.insert(scan.scanner.to_string(), Arc::clone(&fact));
            }
        }
        let scan = |(name, fact): (String, Arc<Fact>)| match fact.body() {
            Body::ScanCompleted(scan) => Some((name, Scan::of(&fact, scan)?)),
            _ => None,
        };
        Ok(latest.into_iter().filter_map(scan).collect())
    }

    /// Returns the digest of the latest bill of materials of an artifact, with its seq.
    ///
    /// # Errors
    /// [`FactsError`] when the facts cannot be read.
    pub fn sbom(&self, component: &str, digest: &str) -> Result<Option<(String, u64)>, FactsError> {
        let key = Key::Sboms { component: component.to_owned(), digest: digest.to_owned() };
        let latest = self.facts.latest(&key)?;
        Ok(latest.and_then(|fact| match fact.body() {
            Body::SbomRecorded(sbom) => Some((sbom.blob.to_string(), fact.seq)),
            _ => None,
        }))
    }

    /// Returns the decisions about an artifact.
    ///
    /// # Errors
    /// [`FactsError`] when the facts cannot be read.
    pub fn approvals_of_artifact(
        &self,
        component: &str,
        digest: &str,
    ) -> Result<Vec<Approval>, FactsError> {
        let all = self.approvals(component)?;
        Ok(all.into_iter().filter(|approval| approval.digest == digest).collect())
    }

    /// Returns the waivers about a component that were granted in a time, the end included.
    ///
    /// # Errors
    /// [`FactsError`] when the facts cannot be read.
    pub fn waivers_between(
        &self,
        component: &str,
        from: Option<Time>,
        to: Time,
    ) -> Result<Vec<Arc<Fact>>, FactsError> {
        self.between(&Key::Waivers { component: component.to_owned() }, from, to)
    }

    /// Returns what was set of the policy in a time, the end included.
    ///
    /// # Errors
    /// [`FactsError`] when the facts cannot be read.
    pub fn policies_between(
        &self,
        from: Option<Time>,
        to: Time,
    ) -> Result<Vec<Arc<Fact>>, FactsError> {
        self.between(&Key::Policies {}, from, to)
    }

    fn between(
        &self,
        key: &Key,
        from: Option<Time>,
        to: Time,
    ) -> Result<Vec<Arc<Fact>>, FactsError> {
        let mut facts = self.facts.find(key)?;
        facts.retain(|fact| {
            let at = fact.event.header.occurred_at;
            from.is_none_or(|from| at > from) && at <= to
        });
        Ok(facts)
    }
}
