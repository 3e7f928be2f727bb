//! One scan, from whichever scanner, and the `scan.completed` event that it becomes (contract 2).
//!
//! Four states stay four (ingest.md 1.3): clean, findings, filtered, not scanned. Counts are of
//! vulnerabilities only and of rows as reported; other classes stand apart and are never summed
//! with them. What the report does not tell has no count. Large lists of findings stay in the
//! report itself, which the event names as its evidence.

use std::collections::{BTreeMap, HashSet};

use serde_json::{Map, Value, json};

use super::Context;
use super::digest::{self, Held, Subject};
use super::document::Document;
use super::draft::{Draft, Origin};
use super::error::IngestError;
use super::filter::Filters;
use super::severity::{Severity, Tally};
use super::time::ReportTime;

/// The most bytes of an event: its envelope and the statement around it need the rest of the
/// 61,440 that the ledger takes.
const EVENT_BYTES_MAX: usize = 48 * 1024;

/// One vulnerability row.
#[derive(Debug, Clone, Default)]
pub(in crate::ingest) struct Finding<'a> {
    pub(in crate::ingest) id: &'a str,
    pub(in crate::ingest) severity: Option<&'a str>,
    pub(in crate::ingest) package: Option<&'a str>,
    pub(in crate::ingest) installed: Option<&'a str>,
    pub(in crate::ingest) fixed: Option<String>,
}

impl Finding<'_> {
    /// Returns the same number for the same flaw of the same package.
    fn hash(&self) -> u64 {
        let mut hasher = blake3::Hasher::new();
        for text in [Some(self.id), self.package, self.installed] {
            hasher.update(text.unwrap_or_default().as_bytes()).update(&[0]);
        }
        let mut first = [0; 8];
        hasher.finalize_xof().fill(&mut first);
        u64::from_be_bytes(first)
    }
}

/// What a reader collects from a report.
#[derive(Debug, Default)]
pub(in crate::ingest) struct Scan {
    /// The scanner as the policy names it, such as `trivy`.
    pub(in crate::ingest) scanner: String,
    /// The reader's name.
    pub(in crate::ingest) reader: &'static str,
    /// The format and its version.
    pub(in crate::ingest) format: String,
    pub(in crate::ingest) scanner_version: Option<String>,
    pub(in crate::ingest) db_built_at: Option<ReportTime>,
    pub(in crate::ingest) time: Option<ReportTime>,
    /// Whether anything was scanned for vulnerabilities; when not, there are no counts.
    pub(in crate::ingest) scanned: bool,
    /// The severities that the scanner can report: the others have no count of zero either.
    pub(in crate::ingest) vocabulary: &'static [Severity],
    pub(in crate::ingest) vulnerabilities: Tally,
    pub(in crate::ingest) suppressed: Option<u64>,
    /// Other classes that the report speaks of, by contract name.
    pub(in crate::ingest) other: BTreeMap<&'static str, Tally>,
    pub(in crate::ingest) filters: Filters,
    /// Where filters could be seen: `report`, `command_line`, both, or `none`.
    pub(in crate::ingest) filter_evidence: &'static str,
    pub(in crate::ingest) held: Held,
    labels: BTreeMap<String, String>,
    findings: Vec<Value>,
    /// The bytes of the findings so far; beyond what an event holds they stay in the report.
    findings_bytes: usize,
    /// Hashes of what tells findings apart: a report of 200 MB has millions.
    distinct: HashSet<u64>,
}

impl Scan {
    /// Starts a scan of which nothing is known yet.
    pub(in crate::ingest) fn new(
        scanner: impl Into<String>,
        reader: &'static str,
        format: impl Into<String>,
        vocabulary: &'static [Severity],
    ) -> Self {
        let (scanner, format) = (scanner.into(), format.into());
        Self { scanner, reader, format, vocabulary, filter_evidence: "none", ..Self::default() }
    }

    /// Adds a vulnerability.
    pub(in crate::ingest) fn add(&mut self, finding: Finding<'_>) {
        self.vulnerabilities.add(finding.severity);
        self.distinct.insert(finding.hash());
        if self.findings_bytes > EVENT_BYTES_MAX {
            return;
        }
        let mut row = Map::new();
        row.insert("vulnerability_id".to_owned(), json!(finding.id));
        let severity = finding.severity.map(|word| word.trim().to_ascii_lowercase());
        let severity = severity.filter(|word| !word.is_empty());
        let fields = [
            ("severity", Some(severity.unwrap_or_else(|| "unknown".to_owned()))),
            ("package", finding.package.map(str::to_owned)),
            ("installed_version", finding.installed.map(str::to_owned)),
            ("fixed_version", finding.fixed),
        ];
        for (name, value) in fields {
            if let Some(value) = value {
                row.insert(name.to_owned(), Value::String(value));
            }
        }
        let row = Value::Object(row);
        self.findings_bytes += row.to_string().len();
        self.findings.push(row);
        if self.findings_bytes > EVENT_BYTES_MAX {
            self.findings = Vec::new();
        }
    }

    /// Labels the event; nothing is written for `None`.
    pub(in crate::ingest) fn label(&mut self, name: &str, value: Option<impl Into<String>>) {
        const VALUE_CHARS_MAX: usize = 1024;
        if let Some(value) = value {
            let value: String = value.into().chars().take(VALUE_CHARS_MAX).collect();
            self.labels.insert(name.to_owned(), value);
        }
    }

    /// Makes the event.
    ///
    /// # Errors
    /// What [`digest::subject`] says, [`IngestError::Hidden`] when a filter leaves critical or
    /// high without a count, [`IngestError::TooLarge`].
    pub(in crate::ingest) fn event(
        mut self,
        document: &Document,
        context: &Context,
    ) -> Result<Value, IngestError> {
        self.check_filters(document)?;
        let subject = digest::subject(document, context, &self.held)?;
        self.common_labels(context, &subject);
        let mut event = self.fields(document, context, &subject)?;
        if !self.findings.is_empty() {
            event.insert("findings".to_owned(), Value::Array(std::mem::take(&mut self.findings)));
        }
        event.insert("labels".to_owned(), json!(self.labels));
        let size = |event: &Map<String, Value>| json!(event).to_string().len();
        if self.findings_bytes > EVENT_BYTES_MAX || size(&event) > EVENT_BYTES_MAX {
            event.remove("findings");
            self.label("findings_in", Some("blob"));
            event.insert("labels".to_owned(), json!(self.labels));
        }
        let bytes = size(&event);
        if bytes > EVENT_BYTES_MAX {
            return Err(IngestError::TooLarge { file: document.name().to_owned(), bytes });
        }
        Ok(Value::Object(event))
    }

    fn check_filters(&self, document: &Document) -> Result<(), IngestError> {
        for severity in [Severity::Critical, Severity::High] {
            if self.scanned && !self.filters.shows(severity) {
                return Err(IngestError::Hidden {
                    file: document.name().to_owned(),
                    filter: self.filters.describe(),
                    hidden: severity.as_str(),
                });
            }
        }
        Ok(())
    }

    fn status(&self) -> &'static str {
        let others: u64 = self.other.values().map(Tally::total).sum();
        if !self.scanned {
            "not_scanned"
        } else if !self.filters.is_empty() {
            "filtered"
        } else if self.vulnerabilities.total() + others > 0 {
            "findings"
        } else {
            "clean"
        }
    }

    fn common_labels(&mut self, context: &Context, subject: &Subject) {
        self.label("digest_check", Some(subject.check));
        self.label("version", context.version.clone());
        self.label("stage", context.stage.clone());
        self.label("filter_evidence", Some(self.filter_evidence));
        if !self.filters.is_empty() {
            self.label("filter", Some(self.filters.describe()));
            let keeps = self.filters.keeps_critical_and_high().then_some("critical,high");
            self.label("filter_keeps", keeps);
        }
        if self.scanned {
            self.label("distinct", Some(self.distinct.len().to_string()));
        }
        let strange = self.vulnerabilities.strange();
        self.label("severity_words", strange);
    }

    fn fields(
        &self,
        document: &Document,
        context: &Context,
        subject: &Subject,
    ) -> Result<Map<String, Value>, IngestError> {
        let origin = Origin { system: &self.scanner, reader: self.reader, format: &self.format };
        let mut event = Draft::new("scan.completed", origin, document, context, self.time.as_ref());
        let mut put = |name: &str, value: Value| event.put(name, value);
        put("component", json!(context.component(document)?));
        put("digest", json!(subject.digest));
        put("digest_role", json!(subject.role));
        put("scanner", json!(self.scanner));
        put("scanner_version", json!(self.scanner_version));
        put("db_built_at", json!(self.db_built_at.as_ref().map(|time| &time.utc)));
        put("status", json!(self.status()));
        for severity in Severity::ALL {
            put(severity.as_str(), json!(self.count(severity)));
        }
        put("other_classes", self.other_classes());
        put("suppressed", json!(self.suppressed));
        put("command_line", json!(context.command_line));
        put("exit_code", json!(context.exit_code));
        Ok(event.finish())
    }

    /// Returns the count of a severity, or nothing when the report cannot tell it.
    fn count(&self, severity: Severity) -> Option<u64> {
        let count = self.vulnerabilities.of(severity);
        let told = self.vocabulary.contains(&severity) && self.filters.shows(severity);
        (self.scanned && (told || count > 0)).then_some(count)
    }

    fn other_classes(&self) -> Value {
        let class = |tally: &Tally| -> Map<String, Value> {
            tally.present().map(|(word, count)| (word.as_str().to_owned(), json!(count))).collect()
        };
        let classes: Map<String, Value> = self
            .other
            .iter()
            .map(|(name, tally)| ((*name).to_owned(), Value::Object(class(tally))))
            .collect();
        if classes.is_empty() { Value::Null } else { Value::Object(classes) }
    }
}
