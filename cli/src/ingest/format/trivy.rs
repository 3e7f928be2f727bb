//! Trivy's JSON: schema 2, and schema 1 of 2019 to 2021 (ingest.md 3.1).
//!
//! A report without `Results` says that nothing was scanned; a target without `Vulnerabilities`
//! is clean. Trivy does not record its filters, so only the command line can show them; an ignore
//! file cannot be seen at all. `ArtifactName` is what the user typed and identifies nothing.

use serde_json::Value;

use crate::ingest::digest::{Held, usable};
use crate::ingest::document::Document;
use crate::ingest::error::IngestError;
use crate::ingest::filter::{CommandLine, Filters};
use crate::ingest::json::Place;
use crate::ingest::scan::{Finding, Scan};
use crate::ingest::severity::{Severity, Tally};
use crate::ingest::{Context, Reader, time};

/// What Trivy can report; it has no word for negligible.
pub(super) const VOCABULARY: &[Severity] =
    &[Severity::Critical, Severity::High, Severity::Medium, Severity::Low, Severity::Unknown];

/// The reader of Trivy's JSON.
pub(super) struct Trivy;

impl Reader for Trivy {
    fn name(&self) -> &'static str {
        "trivy"
    }

    fn streams(&self) -> bool {
        true
    }

    fn detect(&self, document: &Document) -> bool {
        match document.json() {
            Some(Value::Null) => true,
            Some(Value::Array(targets)) => {
                !targets.is_empty() && targets.iter().all(|t| t.get("Target").is_some())
            }
            Some(report) => is_schema_2(report),
            None => false,
        }
    }

    fn read(&self, document: &Document, context: &Context) -> Result<Vec<Value>, IngestError> {
        let top = Place::top(document)?;
        let scan = match top.value() {
            Value::Object(_) => schema_2(&top, context)?,
            Value::Null | Value::Array(_) => schema_1(&top, context)?,
            _ => return Err(top.expected("a report of Trivy")),
        };
        Ok(vec![scan.event(document, context)?])
    }
}

fn is_schema_2(report: &Value) -> bool {
    let has = |key: &str| report.get(key).is_some();
    report.get("SchemaVersion").is_some_and(Value::is_u64)
        || (has("ArtifactName") && has("ArtifactType"))
}

/// Reads a report that stands inside of another document; `None` when this is none.
pub(super) fn inside(place: &Place<'_>) -> Result<Option<Scan>, IngestError> {
    is_schema_2(place.value()).then(|| schema_2(place, &Context::default())).transpose()
}

pub(super) fn new_scan(format: &str, context: &Context) -> Scan {
    let mut scan = Scan::new("trivy", "trivy", format, VOCABULARY);
    if let Some(line) = &context.command_line {
        scan.filters = command_line_filters(&CommandLine::split(line));
        scan.filter_evidence = "command_line";
    }
    scan
}

fn schema_2(top: &Place<'_>, context: &Context) -> Result<Scan, IngestError> {
    if let Some(schema) = top.count("SchemaVersion")?
        && schema != 2
    {
        return Err(IngestError::Unsupported {
            file: top.file().to_owned(),
            what: format!("a Trivy report of schema {schema}"),
            reason: "this relbook reads schema 1 and 2; update relbook, and keep the report until \
                     then",
        });
    }
    let mut scan = new_scan("trivy-json/2", context);
    scan.scanner_version = top
        .down(&["Trivy"])?
        .and_then(|t| t.text("Version").transpose())
        .transpose()?
        .map(str::to_owned);
    scan.time = time::at(top, "CreatedAt")?;
    scan.label("report_id", top.text("ReportID")?);
    scan.label("artifact_name", top.text("ArtifactName")?);
    scan.label("artifact_type", top.text("ArtifactType")?);
    if let Some(metadata) = top.at("Metadata")? {
        read_metadata(&metadata, &mut scan)?;
    }
    let mut told = false;
    top.rows("Results", &mut |target| {
        told |= read_target(target, &mut scan)?;
        Ok(())
    })?;
    scan.scanned = told && scans_vulnerabilities(context);
    Ok(scan)
}

fn schema_1(top: &Place<'_>, context: &Context) -> Result<Scan, IngestError> {
    let mut scan = new_scan("trivy-json/1", context);
    let mut told = false;
    if !top.value().is_null() {
        top.elements(&mut |target| {
            if target.text("Target")?.is_none() {
                return Err(target.expected("a `Target`"));
            }
            told |= read_target(target, &mut scan)?;
            Ok(())
        })?;
    }
    scan.scanned = told;
    Ok(scan)
}

fn read_metadata(metadata: &Place<'_>, scan: &mut Scan) -> Result<(), IngestError> {
    let mut held = Held { registry_place: "Metadata.RepoDigests", ..Held::default() };
    for reference in metadata.list("RepoDigests")?.unwrap_or_default() {
        held.push_registry(reference.value().as_str().ok_or_else(|| reference.expected("a text"))?);
    }
    held.config = usable(metadata.text("ImageID")?);
    scan.held = held;
    scan.label("subject_commit", metadata.text("Commit")?);
    if let Some(system) = metadata.at("OS")?
        && system.is_true("EOSL")?
    {
        scan.label("end_of_life", Some("true"));
    }
    Ok(())
}

/// Reads one target; tells whether it was scanned for vulnerabilities.
pub(super) fn read_target(target: &Place<'_>, scan: &mut Scan) -> Result<bool, IngestError> {
    let class = target.text("Class")?;
    let mut others = false;
    others |=
        read_class(target, "Misconfigurations", "misconfiguration", class == Some("config"), scan)?;
    others |= read_class(target, "Secrets", "secret", class == Some("secret"), scan)?;
    let licences = matches!(class, Some("license" | "license-file"));
    others |= read_class(target, "Licenses", "license", licences, scan)?;
    let mut modified = 0_u64;
    let has_modified = target.rows("ExperimentalModifiedFindings", &mut |finding| {
        let is_vulnerability = matches!(finding.text("Type")?, None | Some("vulnerability"));
        modified += u64::from(is_vulnerability);
        Ok(())
    })?;
    if has_modified {
        *scan.suppressed.get_or_insert_default() += modified;
    }
    let told = match class {
        Some("os-pkgs" | "lang-pkgs") => true,
        // Early reports have no class; a target that speaks of nothing else is one of packages.
        None => !others,
        Some(_) => false,
    };
    let vulnerabilities = target.rows("Vulnerabilities", &mut |row| {
        let text = |key| row.text(key);
        scan.add(Finding {
            id: text("VulnerabilityID")?.unwrap_or("unknown"),
            severity: text("Severity")?,
            package: text("PkgName")?,
            installed: text("InstalledVersion")?,
            fixed: text("FixedVersion")?.map(str::to_owned),
        });
        Ok(())
    })?;
    Ok(told || vulnerabilities)
}

/// Counts the rows of a class; tells whether the target speaks of the class at all.
fn read_class(
    target: &Place<'_>,
    key: &str,
    name: &'static str,
    declared: bool,
    scan: &mut Scan,
) -> Result<bool, IngestError> {
    let mut tally = Tally::default();
    let told = target.rows(key, &mut |row| {
        // Only misconfigurations have a status; one that is missing is not a pass.
        let status = if key == "Misconfigurations" { row.text("Status")? } else { None };
        if status.is_none_or(|status| status.eq_ignore_ascii_case("FAIL")) {
            tally.add(row.text("Severity")?);
        }
        Ok(())
    })?;
    if told || declared {
        scan.other.entry(name).or_default().merge(tally);
    }
    Ok(told || declared)
}

/// Tells whether the command line, when there is one, asked for vulnerabilities.
fn scans_vulnerabilities(context: &Context) -> bool {
    let Some(line) = &context.command_line else { return true };
    let line = CommandLine::split(line);
    let scanners = line
        .value("scanners", None, "TRIVY_SCANNERS")
        .or_else(|| line.value("security-checks", None, "TRIVY_SECURITY_CHECKS"));
    scanners.is_none_or(|list| list.split(',').any(|scanner| scanner.trim() == "vuln"))
}

fn command_line_filters(line: &CommandLine) -> Filters {
    let mut filters = Filters::default();
    if let Some(list) = line.value("severity", Some('s'), "TRIVY_SEVERITY") {
        filters.show_only(list, VOCABULARY);
    }
    if line.is_on("ignore-unfixed", "TRIVY_IGNORE_UNFIXED") {
        filters.hide("ignore-unfixed");
    }
    let options = [
        ("ignore-status", "TRIVY_IGNORE_STATUS"),
        ("ignorefile", "TRIVY_IGNOREFILE"),
        ("ignore-policy", "TRIVY_IGNORE_POLICY"),
        ("vex", "TRIVY_VEX"),
        ("vuln-type", "TRIVY_VULN_TYPE"),
        ("pkg-types", "TRIVY_PKG_TYPES"),
        ("pkg-relationships", "TRIVY_PKG_RELATIONSHIPS"),
        ("skip-dirs", "TRIVY_SKIP_DIRS"),
        ("skip-files", "TRIVY_SKIP_FILES"),
    ];
    for (option, variable) in options {
        // Both kinds of packages, in either order, is everything.
        let everything = |list: &str| list.contains("os") && list.contains("library");
        if let Some(value) = line.value(option, None, variable)
            && !everything(value)
        {
            filters.hide(format!("{option}={value}"));
        }
    }
    filters
}
