//! SARIF 2.1.0: one scan per run (ingest.md 3.3).
//!
//! The severity is the `security-severity` of the rule in GitHub's bands (9, 7, 4), or its word
//! where a tool writes one. Only a result without any is counted by its effective level: an error
//! as high, because a level cannot tell critical from high, a warning as medium, a note as low.
//! In SARIF of Trivy and Grype the level is the scanner's own severity and the score is CVSS, so
//! there an error is never counted below high. What is suppressed, absent since the baseline, or
//! no failure is no finding. A run that did not end well hid something: it is `filtered`, and
//! without any finding `not_scanned`.

use serde_json::Value;

use super::sarif_rules::{Level, Rule, Rules};
use crate::ingest::digest::{Held, usable};
use crate::ingest::document::Document;
use crate::ingest::error::IngestError;
use crate::ingest::json::Place;
use crate::ingest::scan::{Finding, Scan};
use crate::ingest::severity::Severity;
use crate::ingest::{Context, Reader, time};

/// The severities of which SARIF can say that there are none.
const VOCABULARY: &[Severity] =
    &[Severity::Critical, Severity::High, Severity::Medium, Severity::Low];

/// The reader of SARIF.
pub(super) struct Sarif;

impl Reader for Sarif {
    fn name(&self) -> &'static str {
        "sarif"
    }

    fn streams(&self) -> bool {
        true
    }

    fn detect(&self, document: &Document) -> bool {
        let Some(json) = document.json() else { return false };
        let text = |key: &str| json.get(key).and_then(Value::as_str).unwrap_or_default();
        let named = text("$schema").contains("sarif") || json.get("version").is_some();
        json.get("runs").is_some() && named
    }

    fn read(&self, document: &Document, context: &Context) -> Result<Vec<Value>, IngestError> {
        let top = Place::top(document)?;
        let refuse = |what: &str, reason| IngestError::Unsupported {
            file: document.name().to_owned(),
            what: what.to_owned(),
            reason,
        };
        match top.text("version")? {
            Some("2.1.0") => {}
            version => {
                let version = version.unwrap_or("no version").chars().take(40).collect::<String>();
                return Err(refuse(
                    &format!("SARIF of version {version}"),
                    "relbook reads 2.1.0, which is the standard; let the tool write that",
                ));
            }
        }
        let elsewhere =
            top.rows("inlineExternalProperties", &mut |part| match part.at("results")? {
                Some(_) => Err(part.expected("no results outside of a run")),
                None => Ok(()),
            });
        elsewhere?;
        let mut events = Vec::new();
        let has_runs = top.rows("runs", &mut |run| {
            if run.down(&["externalPropertyFileReferences", "results"])?.is_some() {
                return Err(refuse(
                    "SARIF whose results stand in other files",
                    "let the tool write one file",
                ));
            }
            events.push(read_run(run)?.event(document, context)?);
            Ok(())
        })?;
        if !has_runs || events.is_empty() {
            return Err(refuse(
                "SARIF without a run",
                "nothing was run, which is not a clean scan; look at the tool's exit code",
            ));
        }
        Ok(events)
    }
}

/// What a run says beside its findings.
#[derive(Default)]
struct Notes {
    by_level: u64,
    raised: u64,
    suppressed: u64,
    absent: u64,
    no_failure: u64,
    results: u64,
}

fn read_run(run: &Place<'_>) -> Result<Scan, IngestError> {
    let Some(driver) = run.down(&["tool", "driver"])? else {
        return Err(run.expected("a `tool` with a `driver`"));
    };
    let Some(tool) = driver.text("name")? else { return Err(driver.expected("a `name`")) };
    let tool = tool.trim().to_lowercase();
    // Their level is their own severity; others mean by it how sure or how bad the code is.
    let level_is_severity = matches!(tool.as_str(), "trivy" | "grype");
    let mut scan = Scan::new(tool.as_str(), "sarif", "sarif/2.1.0", VOCABULARY);
    let version = driver.text("version")?.or(driver.text("semanticVersion")?);
    // A build without version information says so in brackets.
    scan.scanner_version = version.filter(|text| !text.starts_with('[')).map(str::to_owned);
    let rules = Rules::of(run)?;
    let mut notes = Notes::default();
    let has_results = run.rows("results", &mut |result| {
        notes.results += 1;
        let rule = rules.of_result(result)?;
        read_result(result, &rule, level_is_severity, &mut scan, &mut notes)
    })?;
    scan.scanned = has_results;
    read_invocations(run, &mut scan, notes.results)?;
    read_subject(run, &mut scan)?;
    scan.suppressed = has_results.then_some(notes.suppressed);
    let count = |n: u64| (n > 0).then(|| n.to_string());
    scan.label("severity_by_level", count(notes.by_level));
    let not_apart = notes.by_level > 0 || notes.raised > 0;
    scan.label("critical_or_high", not_apart.then_some("errors count as high; may be critical"));
    scan.label("raised_by_level", count(notes.raised));
    scan.label("baseline_absent", count(notes.absent));
    scan.label("not_failures", count(notes.no_failure));
    Ok(scan)
}

fn read_result(
    result: &Place<'_>,
    rule: &Rule,
    level_is_severity: bool,
    scan: &mut Scan,
    notes: &mut Notes,
) -> Result<(), IngestError> {
    if result.text("kind")?.is_some_and(|kind| kind != "fail") {
        notes.no_failure += 1;
        return Ok(());
    }
    if result.text("baselineState")? == Some("absent") {
        notes.absent += 1;
        return Ok(());
    }
    if is_suppressed(result)? {
        notes.suppressed += 1;
        return Ok(());
    }
    let level = match result.text("level")? {
        Some(word) => Level::parse(word)
            .ok_or_else(|| result.expected_under("level", "none, note, warning or error"))?,
        None => rule.level.unwrap_or(Level::Warning),
    };
    let score = match rule.severity.clone() {
        Some(score) => Some(score),
        None => super::sarif_rules::security_severity(result)?,
    };
    let word = match score {
        None => {
            notes.by_level += 1;
            level.severity().as_str().to_owned()
        }
        Some(word) => {
            let known = Severity::parse(&word);
            let raise = level_is_severity
                && level == Level::Error
                && known.is_none_or(|known| known > Severity::High);
            notes.raised += u64::from(raise);
            if raise { Severity::High.as_str().to_owned() } else { word }
        }
    };
    scan.add(Finding {
        id: rule.id.as_deref().or(result.text("ruleId")?).unwrap_or("unknown"),
        severity: Some(&word),
        package: location(result),
        ..Finding::default()
    });
    Ok(())
}

/// Tells whether a result was suppressed and nobody said no to that, or not yet.
fn is_suppressed(result: &Place<'_>) -> Result<bool, IngestError> {
    let mut all = 0_usize;
    for suppression in result.list("suppressions")?.unwrap_or_default() {
        all += 1;
        if matches!(suppression.text("status")?, Some("underReview" | "rejected")) {
            return Ok(false);
        }
    }
    Ok(all > 0)
}

/// Returns the file that a result is about; SARIF knows no packages.
fn location<'a>(result: &Place<'a>) -> Option<&'a str> {
    let uri = "/locations/0/physicalLocation/artifactLocation/uri";
    result.value().pointer(uri).and_then(Value::as_str)
}

/// Reads how the tool ran: when it ended, and whether it did its work.
fn read_invocations(run: &Place<'_>, scan: &mut Scan, results: u64) -> Result<(), IngestError> {
    for invocation in run.list("invocations")?.unwrap_or_default() {
        if let Some(time) = time::at(&invocation, "endTimeUtc")? {
            scan.time = Some(time);
        }
        let failed = invocation.value().get("executionSuccessful") == Some(&Value::Bool(false));
        if failed {
            scan.label("execution", Some("failed"));
            match results {
                0 => scan.scanned = false,
                _ => scan.filters.hide("executionSuccessful=false"),
            }
        }
    }
    Ok(())
}

/// Reads what was scanned, where a tool says so: a commit, or Trivy's image.
fn read_subject(run: &Place<'_>, scan: &mut Scan) -> Result<(), IngestError> {
    if let Some(sources) = run.list("versionControlProvenance")?
        && let Some(source) = sources.first()
    {
        scan.label("subject_commit", source.text("revisionId")?);
        scan.label("subject_repository", source.text("repositoryUri")?);
    }
    let Some(properties) = run.at("properties")?.filter(|place| place.value().is_object()) else {
        return Ok(());
    };
    let text = |key: &str| properties.value().get(key).and_then(Value::as_str);
    let mut held = Held { registry_place: "runs[].properties.repoDigests", ..Held::default() };
    let references = properties.value().get("repoDigests").and_then(Value::as_array);
    for reference in references.into_iter().flatten().filter_map(Value::as_str) {
        held.push_registry(reference);
    }
    held.config = usable(text("imageID"));
    scan.held = held;
    scan.label("artifact_name", text("imageName"));
    Ok(())
}
