//! Predicates that say more than that something is attested: scans, tests, releases, verdicts.
//!
//! They are second-hand: somebody's word about what a tool found. A scan counts severities only
//! when its rows have them; a result without rows that could prove it stays what it is.

use crate::bom::{self, Bom, SbomError};
use serde_json::{Map, Value, json};

use super::statement::Statement;
use crate::ingest::digest::Held;
use crate::ingest::error::IngestError;
use crate::ingest::format::{grype, trivy};
use crate::ingest::json::Place;
use crate::ingest::scan::{Finding, Scan};
use crate::ingest::severity::Severity;
use crate::ingest::time::{self, ReportTime};

/// What a predicate says beyond provenance.
#[derive(Debug)]
pub(super) enum Predicate {
    Scan(Box<Scan>),
    /// A scan whose rows cannot be counted by severity, and why.
    Uncounted(&'static str),
    Test(Test),
    /// The version that a package was published under.
    Release(Option<String>),
    /// The verdict of a verifier, for the event's content, and when it was given.
    Verdict(Value, Option<ReportTime>),
    /// A bill of materials.
    Sbom(Box<Result<Bom, SbomError>>),
    Other,
}

/// The result of tests.
#[derive(Debug)]
pub(super) struct Test {
    /// `pass`, `fail` or `inconclusive`.
    pub(super) result: &'static str,
    /// As the predicate has it.
    pub(super) reported: String,
    pub(super) passed: Option<usize>,
    pub(super) failed: Option<usize>,
    pub(super) warned: Option<usize>,
    pub(super) url: Option<String>,
}

/// Reads a predicate.
pub(super) fn read(statement: &Statement<'_>) -> Result<Predicate, IngestError> {
    let Some(predicate) = statement.predicate()? else { return Ok(Predicate::Other) };
    match statement.predicate_type.as_str() {
        "https://in-toto.io/attestation/vulns/v0.1"
        | "https://in-toto.io/attestation/vulns/v0.2"
        | "https://cosign.sigstore.dev/attestation/vuln/v1" => {
            let mut found = scan(&statement.predicate_type, &predicate)?;
            if let Predicate::Scan(scan) = &mut found {
                // The subjects tell which artifact was scanned, not the report inside.
                scan.held = Held::default();
            }
            Ok(found)
        }
        "https://in-toto.io/attestation/test-result/v0.1" => test(&predicate).map(Predicate::Test),
        "https://in-toto.io/attestation/release/v0.1"
        | "https://in-toto.io/attestation/release/v0.2" => {
            let version = predicate.text("purl")?.and_then(purl_version);
            Ok(Predicate::Release(version))
        }
        "https://github.com/npm/attestation/tree/main/specs/publish/v0.1" => {
            Ok(Predicate::Release(predicate.text("version")?.map(str::to_owned)))
        }
        kind if is_sbom(kind) => Ok(Predicate::Sbom(Box::new(bom::read_json(predicate.value())))),
        // Version 0.2 has other names for the same.
        "https://slsa.dev/verification_summary/v0.2" => verdict(
            &predicate,
            "time_verified",
            &["verification_result", "policy_level", "resource_uri"],
        ),
        kind if kind.starts_with("https://slsa.dev/verification_summary/") => verdict(
            &predicate,
            "timeVerified",
            &["verificationResult", "verifiedLevels", "resourceUri", "slsaVersion"],
        ),
        kind if kind.starts_with("https://in-toto.io/attestation/svr/") => {
            verdict(&predicate, "timeCreated", &["properties"])
        }
        _ => Ok(Predicate::Other),
    }
}

fn is_sbom(kind: &str) -> bool {
    ["https://cyclonedx.org/bom", "https://spdx.dev/Document"].iter().any(|known| {
        kind.strip_prefix(known).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    })
}

/// Keeps the fields of a verdict as they are, and who gave it.
fn verdict(predicate: &Place<'_>, when: &str, names: &[&str]) -> Result<Predicate, IngestError> {
    let mut all = Map::new();
    if let Some(verifier) = predicate.at("verifier")? {
        all.insert("verifier".to_owned(), json!(verifier.text("id")?));
    }
    if let Some(policy) = predicate.at("policy")?
        && policy.value().is_object()
    {
        all.insert("policy".to_owned(), json!(policy.text("uri")?));
    }
    for name in names {
        let found = predicate.at(name)?.map(|place| place.value().clone());
        let is_text = |value: &Value| value.is_string();
        match found {
            Some(Value::Array(list)) if list.iter().all(is_text) => {
                all.insert((*name).to_owned(), Value::Array(list));
            }
            Some(Value::String(text)) => {
                all.insert((*name).to_owned(), Value::String(text));
            }
            Some(_) => return Err(predicate.expected_under(name, "a text or a list of texts")),
            None => {}
        }
    }
    let time = time::at(predicate, when)?;
    all.insert("time".to_owned(), json!(time.as_ref().map(|time| &time.utc)));
    Ok(Predicate::Verdict(Value::Object(all), time))
}

/// Reads what a scanner is said to have found: a list of flaws, or its own report.
pub(super) fn scan(format: &str, predicate: &Place<'_>) -> Result<Predicate, IngestError> {
    let Some(scanner) = predicate.at("scanner")? else {
        return Err(predicate.expected("a predicate with its `scanner`"));
    };
    let uri = scanner.text("uri")?.unwrap_or("unknown");
    let mut scan = Scan::new(scanner_name(uri), "in-toto", format, &Severity::ALL);
    scan.scanner_version = scanner.text("version")?.map(str::to_owned);
    scan.label("scanner_uri", Some(uri));
    if let Some(db) = scanner.at("db")? {
        scan.db_built_at = time::at(&db, "lastUpdate")?;
        scan.label("db_version", db.text("version")?);
    }
    if let Some(metadata) = predicate.at("metadata")? {
        scan.time = time::at(&metadata, "scanFinishedOn")?;
        if scan.time.is_none() {
            scan.time = time::at(&metadata, "scanStartedOn")?;
        }
    }
    let rows = scanner.at("result")?;
    let Some(rows) = rows else {
        // The scanner is named and no list of what it found: nothing says that it ran.
        return Ok(Predicate::Scan(Box::new(scan)));
    };
    if !rows.value().is_array() {
        let own = match trivy::inside(&rows)? {
            None => grype::inside(&rows)?,
            found => found,
        };
        return Ok(match own {
            Some(own) => Predicate::Scan(Box::new(of_report(scan, own, uri))),
            None => Predicate::Uncounted("the result is a report that is not read here"),
        });
    }
    scan.scanned = true;
    let rows = rows.items()?;
    let mut told = 0_usize;
    for row in &rows {
        let severity = severity(row)?;
        told += usize::from(severity.is_some());
        let id = row.text("id")?.or(row.text("vulnerability_id")?);
        scan.add(Finding {
            id: id.unwrap_or("unknown"),
            severity: severity.map(Severity::as_str),
            ..Finding::default()
        });
    }
    if told == 0 && !rows.is_empty() {
        return Ok(Predicate::Uncounted("no finding has a severity"));
    }
    Ok(Predicate::Scan(Box::new(scan)))
}

/// Takes the counts of the scanner's own report, and what the predicate says beside it.
fn of_report(said: Scan, mut own: Scan, uri: &str) -> Scan {
    own.format = said.format;
    own.scanner_version = said.scanner_version.or(own.scanner_version);
    own.db_built_at = said.db_built_at.or(own.db_built_at);
    own.time = said.time.or(own.time);
    own.label("scanner_uri", Some(uri));
    own
}

/// Returns the name of a scanner as policies have it, where its address tells.
fn scanner_name(uri: &str) -> String {
    const KNOWN: [&str; 2] = ["trivy", "grype"];
    let plain = uri.split(['@', '?', '#']).next().unwrap_or(uri).trim_end_matches('/');
    let last = plain.rsplit('/').next().unwrap_or(plain).to_ascii_lowercase();
    match KNOWN.iter().find(|known| **known == last) {
        Some(known) => (*known).to_owned(),
        None => plain.chars().take(128).collect(),
    }
}

/// The severity of a row: the first rating that is a word, else the first CVSS score.
fn severity(row: &Place<'_>) -> Result<Option<Severity>, IngestError> {
    let mut by_score = None;
    for rating in row.list("severity")?.unwrap_or_default() {
        let score = match rating.at("score")?.map(|place| place.value().clone()) {
            Some(Value::String(text)) => text,
            Some(Value::Number(number)) => number.to_string(),
            _ => continue,
        };
        if let Some(found) = Severity::parse(&score) {
            return Ok(Some(found));
        }
        let method = rating.text("method")?.unwrap_or_default().to_ascii_lowercase();
        if method.contains("cvss") && by_score.is_none() {
            by_score = score.parse::<f64>().ok().and_then(band);
        }
    }
    Ok(by_score)
}

/// The qualitative rating of a CVSS base score.
fn band(score: f64) -> Option<Severity> {
    match score {
        9.0..=10.0 => Some(Severity::Critical),
        7.0..9.0 => Some(Severity::High),
        4.0..7.0 => Some(Severity::Medium),
        0.1..4.0 => Some(Severity::Low),
        _ => None,
    }
}

fn test(predicate: &Place<'_>) -> Result<Test, IngestError> {
    let count = |name: &str| Ok(predicate.list(name)?.map(|list| list.len()));
    let (passed, failed, warned) =
        (count("passedTests")?, count("failedTests")?, count("warnedTests")?);
    let reported = predicate.text("result")?.unwrap_or_default();
    // Lists that are there and empty say that nothing ran.
    let nothing_ran = passed == Some(0) && warned.unwrap_or(0) == 0;
    let result = match reported {
        "FAILED" => "fail",
        _ if failed.unwrap_or(0) > 0 => "fail",
        "PASSED" if nothing_ran => "inconclusive",
        "PASSED" => "pass",
        "WARNED" => "inconclusive",
        _ => return Err(predicate.expected_under("result", "PASSED, WARNED or FAILED")),
    };
    let url = predicate.text("url")?.map(str::to_owned);
    Ok(Test { result, reported: reported.to_owned(), passed, failed, warned, url })
}

/// Returns the version of a purl, decoded.
pub(super) fn purl_version(purl: &str) -> Option<String> {
    let plain = purl.split(['?', '#']).next()?;
    let (_, version) = plain.rsplit_once('@')?;
    if version.is_empty() || version.contains('/') {
        return None;
    }
    let mut bytes = Vec::new();
    let mut rest = version.as_bytes();
    while let Some((first, tail)) = rest.split_first() {
        let code = tail.get(..2).and_then(|pair| hex::decode(pair).ok());
        match (first, code.as_deref()) {
            (b'%', Some([byte])) => {
                bytes.push(*byte);
                rest = tail.get(2..).unwrap_or_default();
            }
            _ => {
                bytes.push(*first);
                rest = tail;
            }
        }
    }
    String::from_utf8(bytes).ok()
}
