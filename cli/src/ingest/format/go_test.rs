//! The lines of `go test -json` (ingest.md 2, row 2).
//!
//! A test is what was run under one name of one package, subtests and their parents alike, as
//! Go's own tools count. The last outcome of a test counts; one that failed before it passed is
//! flaky. A package that failed without a failed test (it did not build, or it crashed) fails the
//! check, and one that never came to an end leaves it inconclusive: the output was cut off.

use std::collections::HashMap;

use serde_json::Value;

use crate::ingest::check::{Cases, Check, Verdict, finished};
use crate::ingest::document::Document;
use crate::ingest::draft::Origin;
use crate::ingest::error::IngestError;
use crate::ingest::json::Place;
use crate::ingest::time::{self, ReportTime};
use crate::ingest::{Context, Reader};

/// The reader of `go test -json`.
pub(super) struct GoTest;

impl Reader for GoTest {
    fn name(&self) -> &'static str {
        "go-test"
    }

    fn takes_lines(&self) -> bool {
        true
    }

    fn streams(&self) -> bool {
        true
    }

    fn detect(&self, document: &Document) -> bool {
        let is_line = |value: &Value| {
            let text = |key: &str| value.get(key).is_some_and(Value::is_string);
            text("Action") && (text("Package") || text("ImportPath"))
        };
        document.first_value().is_some_and(is_line)
    }

    fn read(&self, document: &Document, context: &Context) -> Result<Vec<Value>, IngestError> {
        let mut run = Run::default();
        document.each_line(&mut |line| run.line(&Place::top(line)?))?;
        let (cases, verdict) = run.result();
        let check = Check {
            origin: Origin { system: "go", reader: self.name(), format: "go-test-json" },
            suite: None,
            verdict,
            cases: Some(cases),
            duration_s: run.duration_s(),
            time: run.last.clone(),
        };
        let mut event = check.draft(document, context, "the output of `go test -json`")?;
        event.label("packages", Some(run.packages.len().to_string()));
        let failed = run.packages.values().filter(|package| package.failed).count();
        event.label("packages_failed", (failed > 0).then(|| failed.to_string()));
        Ok(vec![finished(event)])
    }
}

/// What a test came to so far.
#[derive(Debug, Clone, Copy, Default)]
struct Test {
    outcome: Option<Outcome>,
    failed_before: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Outcome {
    Passed,
    Failed,
    Skipped,
}

#[derive(Debug, Default)]
struct Package {
    ended: bool,
    failed: bool,
}

#[derive(Debug, Default)]
struct Run {
    /// By a hash of package and name: a long run has millions.
    tests: HashMap<u64, Test>,
    packages: HashMap<String, Package>,
    first: Option<ReportTime>,
    last: Option<ReportTime>,
}

impl Run {
    fn line(&mut self, line: &Place<'_>) -> Result<(), IngestError> {
        let Some(action) = line.text("Action")? else { return Err(line.expected("an `Action`")) };
        if let Some(time) = time::at(line, "Time")? {
            self.first.get_or_insert_with(|| time.clone());
            self.last = Some(time);
        }
        let Some(package) = line.text("Package")?.or(line.text("ImportPath")?) else {
            return Err(line.expected("a `Package`"));
        };
        let outcome = match action {
            "pass" => Some(Outcome::Passed),
            "fail" | "build-fail" => Some(Outcome::Failed),
            "skip" => Some(Outcome::Skipped),
            _ => None,
        };
        // A build has a name of its own, such as `pkg [pkg.test]`, and never ends otherwise.
        if action.starts_with("build-") {
            if outcome.is_some() {
                let package = self.packages.entry(package.to_owned()).or_default();
                (package.ended, package.failed) = (true, true);
            }
            return Ok(());
        }
        let known = self.packages.entry(package.to_owned()).or_default();
        match line.text("Test")? {
            Some(test) => {
                let test = self.tests.entry(hash(package, test)).or_default();
                test.failed_before |= test.outcome == Some(Outcome::Failed);
                if action == "run" {
                    // A retry: until it ends, it has not.
                    test.outcome = None;
                }
                test.outcome = outcome.or(test.outcome);
            }
            None if outcome.is_some() => {
                known.ended = true;
                known.failed = outcome == Some(Outcome::Failed);
            }
            None => {}
        }
        Ok(())
    }

    fn result(&self) -> (Cases, Verdict) {
        let mut cases = Cases::default();
        let mut unfinished = 0_u64;
        for test in self.tests.values() {
            match (test.outcome, test.failed_before) {
                (Some(Outcome::Failed), _) => cases.failed += 1,
                (Some(Outcome::Passed), true) => cases.flaky += 1,
                (Some(Outcome::Passed), false) => cases.passed += 1,
                (Some(Outcome::Skipped), _) => cases.skipped += 1,
                (None, _) => unfinished += 1,
            }
        }
        let failed = self.packages.values().any(|package| package.failed);
        let cut_off = unfinished > 0 || self.packages.values().any(|package| !package.ended);
        let verdict = match cases.verdict() {
            _ if failed => Verdict::Fail,
            Verdict::Fail => Verdict::Fail,
            _ if cut_off => Verdict::Inconclusive("cut_off"),
            verdict => verdict,
        };
        (cases, verdict)
    }

    fn duration_s(&self) -> Option<f64> {
        let stamp = |time: &Option<ReportTime>| {
            time.as_ref().and_then(|time| time.utc.parse::<jiff::Timestamp>().ok())
        };
        let (first, last) = (stamp(&self.first)?, stamp(&self.last)?);
        let seconds = last.duration_since(first).as_secs_f64();
        (seconds >= 0.0).then_some(seconds)
    }
}

fn hash(package: &str, test: &str) -> u64 {
    let mut first = [0; 8];
    let mut hasher = blake3::Hasher::new();
    hasher.update(package.as_bytes()).update(&[0]).update(test.as_bytes());
    hasher.finalize_xof().fill(&mut first);
    u64::from_be_bytes(first)
}
