//! Gates on scans: the latest scan of the artifact by a scanner, in its four states.
//!
//! Nothing scanned is not nothing found, and a filtered report proves a zero only when its filter
//! is known to keep critical and high findings (ingest.md 1.3).

use std::sync::Arc;

use relbook_ledger::event::check::ScanCompleted;
use relbook_ledger::event::{Body, ScanStatus};
use relbook_ledger::policy::Policy;

use super::{Case, Finding};
use crate::release::index::Key;
use crate::release::{Core, Fact, FactsError};

/// What the latest scan by a scanner says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::release) enum ScanVerdict {
    /// As little as the policy allows.
    Clean,
    /// Too many critical or high vulnerabilities.
    Found,
    /// Nothing is known; the text says why.
    Unknown(&'static str),
}

/// Judges the latest scan of an artifact by one scanner.
///
/// # Errors
/// [`FactsError`] when the facts cannot be read.
pub(in crate::release) fn judge_scan(
    core: &Core<'_>,
    policy: &Policy,
    (component, digest, scanner): (&str, &str, &str),
) -> Result<(ScanVerdict, Option<Arc<Fact>>), FactsError> {
    let key = Key::Scans {
        component: component.to_owned(),
        digest: digest.to_owned(),
        scanner: scanner.to_owned(),
    };
    let latest = core.facts().latest(&key)?;
    let verdict = match latest.as_ref().and_then(|fact| Some((fact, scan_of(fact)?))) {
        None => ScanVerdict::Unknown("no scan was recorded before"),
        Some((fact, scan)) => verdict(fact, scan, policy),
    };
    Ok((verdict, latest))
}

fn scan_of(fact: &Fact) -> Option<&ScanCompleted> {
    match fact.body() {
        Body::ScanCompleted(scan) => Some(scan),
        _ => None,
    }
}

fn verdict(fact: &Fact, scan: &ScanCompleted, policy: &Policy) -> ScanVerdict {
    let over = |count: Option<u64>, most: u64| count.is_some_and(|count| count > most);
    let kept = fact.event.header.labels.as_ref().and_then(|labels| labels.get("filter_keeps"));
    let keeps = kept.is_some_and(|kept| kept.as_str() == "critical,high");
    if scan.status == Some(ScanStatus::NotScanned) {
        ScanVerdict::Unknown("the scanner scanned nothing, which is not a clean scan")
    } else if over(scan.critical, policy.scan_max_critical) || over(scan.high, policy.scan_max_high)
    {
        ScanVerdict::Found
    } else if scan.critical.is_none() || scan.high.is_none() {
        ScanVerdict::Unknown("the scan does not count critical and high vulnerabilities")
    } else if scan.status == Some(ScanStatus::Filtered) && !keeps {
        ScanVerdict::Unknown("the report was filtered, so that its zeros prove nothing")
    } else {
        ScanVerdict::Clean
    }
}

/// The latest scan of the artifact by that scanner has no critical and no high vulnerability.
pub(super) fn clean(case: &Case<'_>, scanner: &str) -> Result<Finding, FactsError> {
    let policy = &case.policy;
    let subject = (case.name(), case.digest(), scanner);
    let (verdict, latest) = judge_scan(case.core, policy, subject)?;
    let scan = latest.as_deref().and_then(scan_of);
    let limits = format!("critical={},high={}", policy.scan_max_critical, policy.scan_max_high);
    let counts = |only_over: bool| {
        let scan = scan?;
        let pairs = [
            ("critical", scan.critical, policy.scan_max_critical),
            ("high", scan.high, policy.scan_max_high),
        ];
        let shown = pairs.into_iter().filter_map(|(name, count, most)| {
            let count = count?;
            (!only_over || count > most).then(|| format!("{name}={count}"))
        });
        Some(shown.collect::<Vec<_>>().join(","))
    };
    let finding = match verdict {
        ScanVerdict::Clean => Finding {
            observed: counts(false),
            ..Finding::pass(format!("the latest {scanner} scan is within the limits"))
        },
        ScanVerdict::Found => Finding {
            observed: counts(true),
            ..Finding::fail(format!("the latest {scanner} scan found too much"))
        },
        ScanVerdict::Unknown(why) => Finding {
            observed: scan.and_then(|scan| Some(scan.status?.as_str().to_owned())),
            ..Finding::missing(why)
        },
    };
    let judged = latest.iter().map(|fact| fact.moment());
    Ok(finding.threshold(limits).on_moments(judged))
}
