//! JUnit XML, from whichever tool writes it (ingest.md 3.20).
//!
//! Cases are counted by what stands in them: error or failure, then skipped, then passed. The
//! numbers that a suite declares are only compared: real files declare 173 and hold 2. A case
//! that passed after a retry is flaky and not among the passed. A time of a suite is used only
//! when it tells its zone; a sum of case times is no duration, because cases overlap.

use std::io::BufRead;

use quick_xml::events::{BytesStart, Event};
use quick_xml::{Reader as XmlReader, XmlVersion};
use serde_json::Value;

use crate::ingest::check::{Cases, Check, Verdict, finished};
use crate::ingest::document::Document;
use crate::ingest::draft::Origin;
use crate::ingest::error::IngestError;
use crate::ingest::time::{self, ReportTime};
use crate::ingest::{Context, Reader};

/// The reader of JUnit XML.
pub(super) struct Junit;

impl Reader for Junit {
    fn name(&self) -> &'static str {
        "junit"
    }

    fn streams(&self) -> bool {
        true
    }

    fn detect(&self, document: &Document) -> bool {
        matches!(document.xml_root(), Some("testsuites" | "testsuite"))
    }

    fn read(&self, document: &Document, context: &Context) -> Result<Vec<Value>, IngestError> {
        let Some(source) = document.xml_source() else {
            return Err(damaged(document, "the document", "XML"));
        };
        let report = Walk::default()
            .through(source)
            .map_err(|wrong| damaged(document, &wrong.place, wrong.expected))?;
        let verdict = report.verdict(context);
        let check = Check {
            origin: Origin { system: "junit", reader: self.name(), format: "junit-xml" },
            suite: None,
            verdict,
            cases: Some(report.cases),
            time: report.ended.clone(),
            duration_s: None,
        };
        let mut event = check.draft(document, context, "JUnit XML")?;
        event.label("report_name", report.name.clone());
        event.label("suites", Some(report.suites.to_string()));
        event.label("suite_errors", report.suite_errors_label());
        event.label("declared_tests", report.declared_tests.map(|n| n.to_string()));
        event.label("declared_failures", report.declared_failures.map(|n| n.to_string()));
        event.label("declared_errors", report.declared_errors.map(|n| n.to_string()));
        event.label("declared_time_s", report.declared_time.clone());
        event.label("count_check", Some(report.count_check()));
        event.label("count_differs", report.differs.clone());
        event.label("reported_timestamp", report.local_time.clone());
        Ok(vec![finished(event)])
    }
}

fn damaged(document: &Document, place: &str, expected: &'static str) -> IngestError {
    IngestError::Shape { file: document.name().to_owned(), place: place.to_owned(), expected }
}

/// What a report holds.
#[derive(Debug, Default)]
struct Report {
    name: Option<String>,
    cases: Cases,
    suites: u64,
    /// Errors and failures of suites themselves, such as a set-up that failed.
    suite_errors: u64,
    /// Runs that failed and were repeated; Surefire counts them as tests and failures of their own.
    retries: u64,
    declared_tests: Option<u64>,
    declared_failures: Option<u64>,
    declared_errors: Option<u64>,
    declared_time: Option<String>,
    /// Whether any element declared how many cases it holds.
    declares: bool,
    /// The first suite whose declared numbers are not those of its cases.
    differs: Option<String>,
    ended: Option<ReportTime>,
    /// A time without a zone: somebody's wall clock.
    local_time: Option<String>,
}

impl Report {
    fn verdict(&self, context: &Context) -> Verdict {
        let by_cases = self.cases.verdict();
        if self.suite_errors > 0 {
            Verdict::Fail
        } else if by_cases == Verdict::Pass && self.differs.is_some() && !context.any_count {
            Verdict::Inconclusive("count_differs")
        } else {
            by_cases
        }
    }

    fn count_check(&self) -> &'static str {
        match (&self.differs, self.declares) {
            (Some(_), _) => "differs",
            (None, true) => "equal",
            (None, false) => "not_declared",
        }
    }

    fn suite_errors_label(&self) -> Option<String> {
        (self.suite_errors > 0).then(|| self.suite_errors.to_string())
    }
}

/// Something that is not as the format says.
struct Wrong {
    place: String,
    expected: &'static str,
}

/// A case as far as it was read.
#[derive(Debug, Default)]
struct Case {
    failed: bool,
    skipped: bool,
    retried: bool,
}

/// A suite that is open.
#[derive(Debug, Default)]
struct Suite {
    name: String,
    declared: Declared,
    /// The cases before it began.
    before: Cases,
    suite_errors_before: u64,
    retries_before: u64,
}

#[derive(Debug, Clone, Default)]
struct Declared {
    tests: Option<u64>,
    failures: Option<u64>,
    errors: Option<u64>,
}

/// What an open element is.
#[derive(Debug)]
enum Open {
    Suite(Suite),
    Case(Case),
    Other,
}

#[derive(Debug, Default)]
struct Walk {
    report: Report,
    open: Vec<Open>,
}

impl Walk {
    fn through(mut self, source: impl BufRead) -> Result<Report, Wrong> {
        let mut reader = XmlReader::from_reader(source);
        let mut buffer = Vec::new();
        loop {
            let event = reader.read_event_into(&mut buffer).map_err(|error| Wrong {
                place: format!("near byte {}: {error}", reader.buffer_position()),
                expected: "well-formed XML",
            })?;
            match event {
                Event::Eof => return Ok(self.report),
                Event::Start(start) => self.begin(&start)?,
                Event::Empty(start) => {
                    self.begin(&start)?;
                    self.end();
                }
                Event::End(_) => self.end(),
                _ => {}
            }
            buffer.clear();
        }
    }

    fn begin(&mut self, start: &BytesStart<'_>) -> Result<(), Wrong> {
        let name = start.local_name();
        let open = match name.as_ref() {
            "testsuites" | "testsuite" if !matches!(self.open.last(), Some(Open::Case(_))) => {
                Open::Suite(self.suite(start)?)
            }
            "testcase" if matches!(self.open.last(), Some(Open::Suite(_))) => {
                Open::Case(case(start)?)
            }
            child => {
                match self.open.last_mut() {
                    Some(Open::Case(case)) => {
                        case.child(child);
                        self.report.retries += u64::from(is_retry(child));
                    }
                    Some(Open::Suite(_)) if matches!(child, "error" | "failure") => {
                        self.report.suite_errors += 1;
                    }
                    _ => {}
                }
                Open::Other
            }
        };
        self.open.push(open);
        Ok(())
    }

    fn suite(&mut self, start: &BytesStart<'_>) -> Result<Suite, Wrong> {
        let element = start.local_name();
        let mut suite = Suite {
            before: self.report.cases,
            suite_errors_before: self.report.suite_errors,
            retries_before: self.report.retries,
            ..Suite::default()
        };
        let (mut timestamp, mut seconds) = (None, None);
        for (key, value) in attributes(start)? {
            match key.as_str() {
                "name" => suite.name = value,
                "tests" => suite.declared.tests = number(&value),
                "failures" => suite.declared.failures = number(&value),
                "errors" => suite.declared.errors = number(&value),
                "timestamp" => timestamp = Some(value),
                "time" => seconds = Some(value),
                _ => {}
            }
        }
        if self.open.is_empty() {
            self.report.name = Some(suite.name.clone()).filter(|name| !name.is_empty());
            self.report.declared_tests = suite.declared.tests;
            self.report.declared_failures = suite.declared.failures;
            self.report.declared_errors = suite.declared.errors;
            self.report.declared_time = seconds.clone();
        }
        self.report.suites += u64::from(element.as_ref() == "testsuite");
        self.report.declares |= suite.declared.tests.is_some();
        if let Some(timestamp) = timestamp {
            self.time(timestamp, seconds.as_deref());
        }
        Ok(suite)
    }

    /// Keeps the latest end of a suite.
    fn time(&mut self, timestamp: String, seconds: Option<&str>) {
        let seconds = seconds.and_then(|text| text.parse::<f64>().ok()).unwrap_or_default();
        match time::in_any_form(&timestamp, seconds) {
            Some(time) => {
                if self.report.ended.as_ref().is_none_or(|known| known.utc < time.utc) {
                    self.report.ended = Some(time);
                }
            }
            None if timestamp.starts_with("0001-01-01T") => {}
            None => {
                self.report.local_time.get_or_insert(timestamp);
            }
        }
    }

    fn end(&mut self) {
        match self.open.pop() {
            Some(Open::Case(case)) => case.count(&mut self.report.cases),
            Some(Open::Suite(suite)) => self.compare(&suite),
            _ => {}
        }
    }

    /// Compares what a suite declared with the cases inside of it.
    fn compare(&mut self, suite: &Suite) {
        let (now, before) = (self.report.cases, suite.before);
        let held = now.total() - before.total();
        let skipped = now.skipped - before.skipped;
        let failed =
            (now.failed - before.failed) + (self.report.suite_errors - suite.suite_errors_before);
        // Some tools leave skipped cases out of `tests`, and Surefire counts every run.
        let retries = self.report.retries - suite.retries_before;
        let tests = suite.declared.tests;
        let fits = |tests| [held, held - skipped, held + retries].contains(&tests);
        let other = tests.is_some_and(|tests| !fits(tests));
        let declared = suite.declared.failures.unwrap_or(0).max(suite.declared.errors.unwrap_or(0));
        if self.report.differs.is_none() && (other || declared > failed + retries) {
            let Declared { tests, failures, errors } = &suite.declared;
            let shown = |n: &Option<u64>| n.map_or("-".to_owned(), |n| n.to_string());
            self.report.differs = Some(format!(
                "`{}` declares tests={} failures={} errors={} and holds {held} cases, {failed} of \
                 them failed",
                suite.name,
                shown(tests),
                shown(failures),
                shown(errors),
            ));
        }
    }
}

impl Case {
    fn child(&mut self, name: &str) {
        match name {
            "error" | "failure" => self.failed = true,
            "skipped" => self.skipped = true,
            child => self.retried |= is_retry(child),
        }
    }

    fn count(&self, cases: &mut Cases) {
        let place = match (self.failed, self.skipped, self.retried) {
            (true, ..) => &mut cases.failed,
            (_, true, _) => &mut cases.skipped,
            (.., true) => &mut cases.flaky,
            _ => &mut cases.passed,
        };
        *place += 1;
    }
}

/// Tells whether an element is a run that failed and was repeated.
fn is_retry(element: &str) -> bool {
    matches!(element, "flakyFailure" | "flakyError" | "rerunFailure" | "rerunError" | "rerun")
}

/// Reads a case; tools without child elements write its outcome as an attribute.
fn case(start: &BytesStart<'_>) -> Result<Case, Wrong> {
    let mut case = Case::default();
    for (key, value) in attributes(start)? {
        if matches!(key.as_str(), "status" | "result") {
            match value.to_ascii_lowercase().as_str() {
                "failed" | "failure" | "fail" | "error" | "errored" => case.failed = true,
                "disabled" | "notrun" | "not_run" | "skipped" | "suppressed" | "ignored"
                | "pending" => case.skipped = true,
                _ => {}
            }
        }
    }
    Ok(case)
}

fn attributes(start: &BytesStart<'_>) -> Result<Vec<(String, String)>, Wrong> {
    let wrong = |error: String| Wrong {
        place: format!("<{}>: {error}", start.local_name().as_ref()),
        expected: "readable attributes",
    };
    let mut all = Vec::new();
    for attribute in start.attributes() {
        let attribute = attribute.map_err(|error| wrong(error.to_string()))?;
        let value = attribute
            .normalized_value(XmlVersion::Implicit1_0)
            .map_err(|error| wrong(error.to_string()))?;
        all.push((attribute.key.local_name().as_ref().to_owned(), value.into_owned()));
    }
    Ok(all)
}

/// Reads a count; tools write `12`, and some `12.0`. Anything else declares nothing.
fn number(text: &str) -> Option<u64> {
    let text = text.trim();
    text.strip_suffix(".0").unwrap_or(text).parse().ok()
}
