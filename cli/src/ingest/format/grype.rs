//! Grype's JSON, from 0.7 of 2021 to current (ingest.md 3.2).
//!
//! `descriptor.configuration` records the filters, except the ignore rules that Grype ships,
//! which hide nothing but kernel headers and are no choice of the user. The severity is that of
//! the match (the distribution's); where the related one (NVD) is higher, a label says how often.
//! A report without a source names nothing that was scanned: without a match it is not clean.

use serde_json::Value;

use crate::ingest::digest::{Held, usable};
use crate::ingest::document::Document;
use crate::ingest::error::IngestError;
use crate::ingest::filter::CommandLine;
use crate::ingest::json::Place;
use crate::ingest::scan::{Finding, Scan};
use crate::ingest::severity::Severity;
use crate::ingest::{Context, Reader, time};

/// The reader of Grype's JSON.
pub(super) struct Grype;

impl Reader for Grype {
    fn name(&self) -> &'static str {
        "grype"
    }

    fn streams(&self) -> bool {
        true
    }

    fn detect(&self, document: &Document) -> bool {
        document.json().is_some_and(is_report)
    }

    fn read(&self, document: &Document, context: &Context) -> Result<Vec<Value>, IngestError> {
        Ok(vec![report(&Place::top(document)?, context)?.event(document, context)?])
    }
}

fn is_report(json: &Value) -> bool {
    let Some(matches) = json.get("matches").and_then(Value::as_array) else { return false };
    let is_match = |m: &Value| m.get("vulnerability").is_some() && m.get("artifact").is_some();
    match json.pointer("/descriptor/name") {
        Some(name) => name == "grype",
        // An empty list is of Grype too: nothing else has it on top.
        None => matches.iter().all(is_match),
    }
}

/// Reads a report that stands inside of another document; `None` when this is none.
pub(super) fn inside(place: &Place<'_>) -> Result<Option<Scan>, IngestError> {
    is_report(place.value()).then(|| report(place, &Context::default())).transpose()
}

fn report(top: &Place<'_>, context: &Context) -> Result<Scan, IngestError> {
    let mut scan = Scan::new("grype", "grype", "grype-json", &Severity::ALL);
    if let Some(descriptor) = top.at("descriptor")? {
        read_descriptor(&descriptor, &mut scan)?;
    }
    if let Some(line) = &context.command_line {
        read_command_line(&CommandLine::split(line), &mut scan);
    }
    let has_source = read_source(top, &mut scan)?;
    let (mut rows, mut related_higher) = (0_u64, 0_u64);
    let has_matches = top.rows("matches", &mut |row| {
        rows += 1;
        related_higher += u64::from(read_match(row, &mut scan)?);
        Ok(())
    })?;
    if !has_matches {
        return Err(top.expected("an array `matches`"));
    }
    scan.scanned = has_source || rows > 0;
    let higher = (related_higher > 0).then(|| related_higher.to_string());
    scan.label("related_severity_higher", higher);
    let mut ignored = 0_u64;
    let has_ignored = top.rows("ignoredMatches", &mut |_| {
        ignored += 1;
        Ok(())
    })?;
    scan.suppressed = has_ignored.then_some(ignored);
    Ok(scan)
}

fn read_descriptor(descriptor: &Place<'_>, scan: &mut Scan) -> Result<(), IngestError> {
    // A build without version information says so in brackets.
    let version = descriptor.text("version")?.filter(|version| !version.starts_with('['));
    scan.scanner_version = version.map(str::to_owned);
    scan.time = time::at(descriptor, "timestamp")?;
    if let Some(database) = descriptor.at("db")? {
        scan.db_built_at = time::at(&database, "built")?;
        if let (None, Some(status)) = (&scan.db_built_at, database.at("status")?) {
            scan.db_built_at = time::at(&status, "built")?;
        }
    }
    if let Some(configuration) = descriptor.at("configuration")? {
        scan.filter_evidence = "report";
        read_configuration(&configuration, scan)?;
    }
    Ok(())
}

fn read_configuration(configuration: &Place<'_>, scan: &mut Scan) -> Result<(), IngestError> {
    for switch in ["only-fixed", "only-notfixed"] {
        if configuration.is_true(switch)? {
            scan.filters.hide(switch);
        }
    }
    if let Some(states) = configuration.text("ignore-wontfix")? {
        scan.filters.hide(format!("ignore-states={states}"));
    }
    let mut rules = 0_usize;
    for rule in configuration.list("ignore")?.unwrap_or_default() {
        rules += usize::from(!is_shipped(rule.value()));
    }
    if rules > 0 {
        scan.filters.hide(format!("ignore={rules} rules"));
    }
    for list in ["exclude", "vex-documents"] {
        let entries = configuration.list(list)?.unwrap_or_default().len();
        if entries > 0 {
            scan.filters.hide(format!("{list}={entries} entries"));
        }
    }
    scan.label("fail_on", configuration.text("fail-on-severity")?);
    let by_cve = configuration.is_true("by-cve")?;
    scan.label("by_cve", by_cve.then_some("true"));
    Ok(())
}

/// Recognises the ignore rules that Grype itself brings: indirect matches of kernel
/// headers, by package only.
fn is_shipped(rule: &Value) -> bool {
    let text = |pointer: &str| rule.pointer(pointer).and_then(Value::as_str).unwrap_or_default();
    let (name, kernel) = (text("/package/name"), text("/package/upstream-name"));
    let headers = matches!(
        (name, kernel),
        ("kernel-headers", "kernel")
            | ("linux(-.*)?-headers-.*", "linux.*")
            | ("linux-libc-dev", "linux")
    );
    headers
        && text("/match-type") == "exact-indirect-match"
        && text("/vulnerability").is_empty()
        && text("/fix-state").is_empty()
}

fn read_command_line(line: &CommandLine, scan: &mut Scan) {
    scan.filter_evidence = match scan.filter_evidence {
        "report" => "report,command_line",
        _ => "command_line",
    };
    for (switch, variable) in
        [("only-fixed", "GRYPE_ONLY_FIXED"), ("only-notfixed", "GRYPE_ONLY_NOTFIXED")]
    {
        if line.is_on(switch, variable) {
            scan.filters.hide(switch);
        }
    }
    if scan.filter_evidence == "command_line" {
        for (option, variable) in [
            ("ignore-states", "GRYPE_IGNORE_STATES"),
            ("exclude", "GRYPE_EXCLUDE"),
            ("vex", "GRYPE_VEX_DOCUMENTS"),
        ] {
            if let Some(value) = line.value(option, None, variable) {
                scan.filters.hide(format!("{option}={value}"));
            }
        }
    }
}

/// Reads what was scanned; tells whether the report names it at all.
fn read_source(top: &Place<'_>, scan: &mut Scan) -> Result<bool, IngestError> {
    let Some(source) = top.at("source")? else {
        scan.label("subject", Some("absent"));
        return Ok(false);
    };
    scan.label("artifact_type", source.text("type")?);
    let Some(target) = source.at("target")? else { return Ok(true) };
    // A directory or file is a plain text; an image is an object.
    if let Some(path) = target.value().as_str() {
        scan.label("artifact_name", Some(path));
        return Ok(true);
    }
    if !target.value().is_object() {
        return Err(target.expected("a text or an object"));
    }
    scan.label("artifact_name", target.text("userInput")?);
    let mut held = Held { registry_place: "source.target.repoDigests", ..Held::default() };
    for reference in target.list("repoDigests")?.unwrap_or_default() {
        held.push_registry(reference.value().as_str().ok_or_else(|| reference.expected("a text"))?);
    }
    held.manifest = usable(target.text("manifestDigest")?);
    held.config = usable(target.text("imageID")?);
    scan.held = held;
    Ok(true)
}

/// Reads one match; tells whether a related record rates it higher.
fn read_match(row: &Place<'_>, scan: &mut Scan) -> Result<bool, IngestError> {
    let Some(vulnerability) = row.at("vulnerability")? else {
        return Err(row.expected("a `vulnerability`"));
    };
    let Some(artifact) = row.at("artifact")? else {
        return Err(row.expected("an `artifact`"));
    };
    let severity = vulnerability.text("severity")?;
    scan.add(Finding {
        id: vulnerability.text("id")?.unwrap_or("unknown"),
        severity,
        package: artifact.text("name")?,
        installed: artifact.text("version")?,
        fixed: fixed_in(&vulnerability)?,
    });
    let own = severity.and_then(Severity::parse).unwrap_or(Severity::Unknown);
    let mut higher = false;
    for related in row.list("relatedVulnerabilities")?.unwrap_or_default() {
        let related = related.text("severity")?.and_then(Severity::parse);
        // The order of the type is most severe first.
        higher |= related.is_some_and(|related| related < own && related != Severity::Unknown);
    }
    Ok(higher)
}

/// Returns the versions that fix it: a list since 0.13, one text before.
fn fixed_in(vulnerability: &Place<'_>) -> Result<Option<String>, IngestError> {
    let Some(fix) = vulnerability.at("fix")? else {
        for key in ["fixedInVersion", "fixed-in-version"] {
            if let Some(version) = vulnerability.text(key)? {
                return Ok(Some(version.to_owned()));
            }
        }
        return Ok(None);
    };
    let mut versions = Vec::new();
    for version in fix.list("versions")?.unwrap_or_default() {
        versions.push(version.value().as_str().ok_or_else(|| version.expected("a text"))?);
    }
    Ok((!versions.is_empty()).then(|| versions.join(", ")))
}
