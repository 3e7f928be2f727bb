//! Reports of the Trivy operator: `VulnerabilityReport` objects of Kubernetes, one or a list.
//!
//! Each is about one image and names its digest since operator 0.2. The summary and the rows say
//! the same; where they differ the larger number stands, because a list can be cut and a count
//! that is too small must not pass a gate. Reports of secrets in an image and of how a workload is
//! configured count in their own class, and nothing was scanned for vulnerabilities there. The
//! operator's other reports are about the cluster and are refused by name.

use serde_json::Value;

use super::trivy::VOCABULARY;
use crate::ingest::digest::Held;
use crate::ingest::document::Document;
use crate::ingest::error::IngestError;
use crate::ingest::json::Place;
use crate::ingest::scan::{Finding, Scan};
use crate::ingest::severity::{Severity, Tally};
use crate::ingest::{Context, Reader, time};

/// The reader of the operator's reports.
pub(super) struct Operator;

const GROUP: &str = "aquasecurity.github.io/";

impl Reader for Operator {
    fn name(&self) -> &'static str {
        "trivy-operator"
    }

    fn detect(&self, document: &Document) -> bool {
        let is_own = |object: &Value| {
            let version = object.get("apiVersion").and_then(Value::as_str);
            version.is_some_and(|version| version.starts_with(GROUP))
        };
        document.json().is_some_and(|json| {
            let items = json.get("items").unwrap_or(json).as_array();
            is_own(json) || items.is_some_and(|items| items.iter().any(is_own))
        })
    }

    fn read(&self, document: &Document, context: &Context) -> Result<Vec<Value>, IngestError> {
        let top = Place::top(document)?;
        // `jq .items` leaves the list alone.
        let items = match top.value().is_array() {
            true => Some(top.items()?),
            false => top.list("items")?,
        };
        let Some(items) = items else {
            return Ok(vec![read_report(document, &top)?.event(document, context)?]);
        };
        let mut scans = Vec::new();
        for item in &items {
            scans.push(read_report(document, item)?);
        }
        let scans = chosen(document, context, scans)?;
        scans.into_iter().map(|scan| scan.event(document, context)).collect()
    }
}

/// Keeps the reports of the image that is meant: a list is of many.
fn chosen(
    document: &Document,
    context: &Context,
    scans: Vec<Scan>,
) -> Result<Vec<Scan>, IngestError> {
    const SHOWN: usize = 3;
    let mut digests: Vec<String> =
        scans.iter().flat_map(|scan| scan.held.registry.iter().cloned()).collect();
    digests.sort();
    digests.dedup();
    let Some(wanted) = &context.digest else {
        if scans.len() == 1 || (digests.len() == 1 && scans.iter().all(names_a_digest)) {
            return Ok(scans);
        }
        if digests.is_empty() {
            return Err(IngestError::NoDigest { file: document.name().to_owned() });
        }
        let (file, count) = (document.name().to_owned(), digests.len());
        let shown = digests.into_iter().take(SHOWN).collect::<Vec<_>>().join(", ");
        return Err(IngestError::SeveralDigests { file, count, shown });
    };
    let (own, rest): (Vec<_>, Vec<_>) =
        scans.into_iter().partition(|scan| scan.held.registry.contains(wanted));
    match (own.is_empty(), rest.len()) {
        (false, _) => Ok(own),
        // One report cannot be confused with another; its own check decides.
        (true, 1) => Ok(rest),
        (true, _) => Err(IngestError::OtherDigest {
            file: document.name().to_owned(),
            given: wanted.clone(),
            found: format!("{} other images", digests.len()),
            place: "report.artifact.digest",
        }),
    }
}

fn names_a_digest(scan: &Scan) -> bool {
    !scan.held.registry.is_empty()
}

fn read_report(document: &Document, object: &Place<'_>) -> Result<Scan, IngestError> {
    let kind = object.text("kind")?.unwrap_or("an object without a kind");
    let class = match kind.strip_prefix("Cluster").unwrap_or(kind) {
        "VulnerabilityReport" => None,
        "ExposedSecretReport" => Some(("secret", "secrets")),
        "ConfigAuditReport" => Some(("misconfiguration", "checks")),
        _ => {
            return Err(IngestError::Unsupported {
                file: document.name().to_owned(),
                what: format!("{kind} of the Trivy operator"),
                reason: "it is about the cluster and no artifact; ingest the VulnerabilityReport \
                         (kubectl get vulnerabilityreports -o json)",
            });
        }
    };
    let Some(report) = object.at("report")? else {
        return Err(object.expected("a `report`"));
    };
    let version = object.text("apiVersion")?.unwrap_or_default().trim_start_matches(GROUP);
    // The items of a list of one kind may leave it to the list.
    if !matches!(version, "" | "v1alpha1") {
        return Err(IngestError::Unsupported {
            file: document.name().to_owned(),
            what: format!("{kind} of the Trivy operator, version {version}"),
            reason: "relbook reads v1alpha1",
        });
    }
    let format = "trivy-operator/v1alpha1";
    let mut scan = Scan::new("trivy", "trivy-operator", format, VOCABULARY);
    scan.time = time::at(&report, "updateTimestamp")?;
    if let Some(scanner) = report.at("scanner")? {
        scan.scanner_version = scanner.text("version")?.map(str::to_owned);
    }
    if let Some(artifact) = report.at("artifact")? {
        let mut held = Held { registry_place: "report.artifact.digest", ..Held::default() };
        held.push_registry(artifact.text("digest")?.unwrap_or_default());
        scan.held = held;
        scan.label("artifact_name", artifact.text("repository")?);
    }
    if let Some((class, key)) = class {
        read_class(&report, class, key, &mut scan)?;
        return Ok(scan);
    }
    let rows = report.list("vulnerabilities")?;
    let summary = report.at("summary")?;
    scan.scanned = rows.is_some() || summary.is_some();
    for row in rows.unwrap_or_default() {
        read_row(&row, &mut scan)?;
    }
    if let Some(summary) = summary {
        let raised = read_summary(&summary, &mut scan.vulnerabilities)?;
        scan.label("summary_differs", raised.then_some("true"));
    }
    Ok(scan)
}

/// Counts what a report of another class found; a check that passed is nothing found.
fn read_class(
    report: &Place<'_>,
    class: &'static str,
    key: &str,
    scan: &mut Scan,
) -> Result<(), IngestError> {
    let mut tally = Tally::default();
    let has_rows = report.rows(key, &mut |row| {
        if !row.is_true("success")? {
            tally.add(row.text("severity")?);
        }
        Ok(())
    })?;
    let summary = report.at("summary")?;
    if !has_rows && summary.is_none() {
        return Err(report.expected("a list of what was found, or a `summary`"));
    }
    if let Some(summary) = summary {
        let raised = read_summary(&summary, &mut tally)?;
        scan.label("summary_differs", raised.then_some("true"));
    }
    scan.other.insert(class, tally);
    Ok(())
}

fn read_row(row: &Place<'_>, scan: &mut Scan) -> Result<(), IngestError> {
    scan.add(Finding {
        id: row.text("vulnerabilityID")?.unwrap_or("unknown"),
        severity: row.text("severity")?,
        package: row.text("resource")?,
        installed: row.text("installedVersion")?,
        fixed: row.text("fixedVersion")?.map(str::to_owned),
    });
    Ok(())
}

/// Raises counts to those of the summary; tells whether it had to.
fn read_summary(summary: &Place<'_>, tally: &mut Tally) -> Result<bool, IngestError> {
    let counts = [
        ("criticalCount", Severity::Critical),
        ("highCount", Severity::High),
        ("mediumCount", Severity::Medium),
        ("lowCount", Severity::Low),
        ("unknownCount", Severity::Unknown),
    ];
    let mut raised = false;
    for (key, severity) in counts {
        if let Some(count) = summary.count(key)? {
            raised |= tally.at_least(severity, count);
        }
    }
    Ok(raised)
}
