//! Pact: the broker's answer to `can-i-deploy` and its matrix, and a provider's verification
//! (ingest.md 3.20).
//!
//! The broker says yes, no, or nothing: `deployable: null` is not proven, and so is a yes beside
//! failed or unknown verifications. What it was told to ignore and what it warns of stand in
//! labels, because they make the proof weaker. A pact itself proves nothing: only the consumer
//! wrote it.

use serde_json::Value;

use crate::ingest::check::{Cases, Check, Verdict, finished};
use crate::ingest::document::Document;
use crate::ingest::draft::{Draft, Origin};
use crate::ingest::error::IngestError;
use crate::ingest::json::Place;
use crate::ingest::{Context, Reader};

/// The reader of Pact.
pub(super) struct Pact;

impl Reader for Pact {
    fn name(&self) -> &'static str {
        "pact"
    }

    fn detect(&self, document: &Document) -> bool {
        document.json().is_some_and(|json| Form::of(json).is_some())
    }

    fn read(&self, document: &Document, context: &Context) -> Result<Vec<Value>, IngestError> {
        let top = Place::top(document)?;
        match Form::of(top.value()) {
            Some(Form::Answer) => answer(&top, document, context),
            Some(Form::Recorded) => match top.down(&["response", "body"])? {
                Some(body) => answer(&body, document, context),
                None => Err(top.expected("a recorded answer with a body")),
            },
            Some(Form::Verification) => verification(&top, document, context),
            Some(Form::Pact) => Err(refuse(
                document,
                "a pact",
                "it says what a consumer expects, not that a provider does it; record the answer \
                 of `pact-broker can-i-deploy --output json`",
            )),
            Some(Form::Several) => Err(refuse(
                document,
                "several answers of a Pact broker under names",
                "an event is about one; give the answer of one `pact-broker can-i-deploy \
                 --output json`",
            )),
            None => Err(top.expected("an answer of a Pact broker or a verification")),
        }
    }
}

/// What a file of Pact can be.
enum Form {
    /// What the broker answers.
    Answer,
    /// A request with its answer, as a proxy or a test records it.
    Recorded,
    /// What a provider's verification wrote.
    Verification,
    /// The contract itself.
    Pact,
    /// Answers by name.
    Several,
}

impl Form {
    fn of(json: &Value) -> Option<Self> {
        let has = |pointer: &str| json.pointer(pointer).is_some();
        if has("/summary/deployable") {
            Some(Self::Answer)
        } else if has("/response/body/summary/deployable") && has("/request") {
            Some(Self::Recorded)
        } else if has("/providerApplicationVersion") && has("/success") {
            Some(Self::Verification)
        } else if has("/consumer/name")
            && has("/provider/name")
            && (has("/interactions") || has("/messages") || has("/metadata/pactSpecification"))
        {
            Some(Self::Pact)
        } else {
            let one = |value: &Value| {
                value.pointer("/summary/deployable").is_some()
                    || (value.get("deployable").is_some() && value.get("reasons").is_some())
            };
            json.as_object().is_some_and(|map| map.values().any(one)).then_some(Self::Several)
        }
    }
}

fn refuse(document: &Document, what: &str, reason: &'static str) -> IngestError {
    IngestError::Unsupported { file: document.name().to_owned(), what: what.to_owned(), reason }
}

fn check<'a>(format: &'a str, verdict: Verdict, cases: Cases) -> Check<'a> {
    Check {
        origin: Origin { system: "pact", reader: "pact", format },
        suite: Some("contract"),
        verdict,
        cases: Some(cases),
        time: None,
        duration_s: None,
    }
}

fn answer(
    answer: &Place<'_>,
    document: &Document,
    context: &Context,
) -> Result<Vec<Value>, IngestError> {
    let Some(summary) = answer.at("summary")? else {
        return Err(answer.expected("a `summary`"));
    };
    let count = |key: &str| summary.count(key).map(Option::unwrap_or_default);
    let (success, failed, unknown) = (count("success")?, count("failed")?, count("unknown")?);
    let ignored = count("ignored")?;
    let verdict = match summary.value().get("deployable") {
        Some(Value::Bool(true)) if failed > 0 => Verdict::Inconclusive("deployable_but_failed"),
        Some(Value::Bool(true)) if unknown > 0 => Verdict::Inconclusive("deployable_but_unknown"),
        Some(Value::Bool(true)) => Verdict::Pass,
        Some(Value::Bool(false)) => Verdict::Fail,
        Some(Value::Null) => Verdict::Inconclusive("deployable_null"),
        _ => return Err(summary.expected("`deployable` with true, false or null")),
    };
    // Ignored ones were not judged, unknown ones were not verified.
    let cases = Cases { passed: success, failed, skipped: ignored + unknown, flaky: 0 };
    let check = check("pact-can-i-deploy", verdict, cases);
    let mut event = check.draft(document, context, "the answer of a Pact broker")?;
    event.label("pact_reason", summary.text("reason")?);
    event.label("pact_unknown", (unknown > 0).then(|| unknown.to_string()));
    event.label("pact_ignored", (ignored > 0).then(|| ignored.to_string()));
    event.label("pact_warnings", warnings(answer, &summary)?);
    pairs(answer, &mut event)?;
    Ok(vec![finished(event)])
}

/// Returns what the broker warns of: lines of the reason, and notices.
fn warnings(answer: &Place<'_>, summary: &Place<'_>) -> Result<Option<String>, IngestError> {
    let reason = summary.text("reason")?.unwrap_or_default();
    let mut all: Vec<&str> =
        reason.lines().filter_map(|line| line.strip_prefix("WARN:")).map(str::trim).collect();
    for notice in answer.list("notices")?.unwrap_or_default() {
        let text = notice.text("text")?.unwrap_or_default();
        let text = text.strip_prefix("WARN:").unwrap_or(text).trim();
        let warns = matches!(notice.text("type")?, Some("warning" | "danger"));
        if warns && !text.is_empty() && !all.contains(&text) {
            all.push(text);
        }
    }
    Ok((!all.is_empty()).then(|| all.join(" | ")))
}

/// Labels the event with the pairs of versions that the matrix holds.
fn pairs(answer: &Place<'_>, event: &mut Draft) -> Result<(), IngestError> {
    let mut pairs = Vec::new();
    for row in answer.list("matrix")?.unwrap_or_default() {
        let side = |key: &str| -> Result<String, IngestError> {
            let Some(side) = row.at(key)? else { return Ok("?".to_owned()) };
            let version = match side.at("version")? {
                Some(version) => version.text("number")?,
                None => None,
            };
            Ok(format!("{} {}", side.text("name")?.unwrap_or("?"), version.unwrap_or("?")))
        };
        let outcome = match row.at("verificationResult")? {
            Some(result) if result.is_true("success")? => "verified",
            Some(_) => "failed",
            None => "unknown",
        };
        let ignored = if row.is_true("ignored")? { ", ignored" } else { "" };
        pairs.push(format!("{} / {}: {outcome}{ignored}", side("consumer")?, side("provider")?));
    }
    event.label("pact_pairs", (!pairs.is_empty()).then(|| pairs.join("; ")));
    Ok(())
}

fn verification(
    top: &Place<'_>,
    document: &Document,
    context: &Context,
) -> Result<Vec<Value>, IngestError> {
    let success = top.is_true("success")?;
    let mut cases = Cases::default();
    let mut counted = false;
    if let Some(results) = top.at("testResults")? {
        // A list of tests with a status (Ruby), or of interactions with a success (Rust, JVM).
        let tests = match results.value().is_array() {
            true => results.items()?,
            false => results.list("tests")?.unwrap_or_default(),
        };
        for test in tests {
            counted = true;
            match test.text("status")? {
                Some("passed") => cases.passed += 1,
                Some("pending") => cases.skipped += 1,
                None if test.is_true("success")? => cases.passed += 1,
                _ => cases.failed += 1,
            }
        }
    }
    let verdict = match cases.verdict() {
        _ if !success => Verdict::Fail,
        // A success that lists no tests does not say that any ran.
        Verdict::Inconclusive(_) if !counted => Verdict::Inconclusive("no_cases"),
        verdict => verdict,
    };
    let mut check = check("pact-verification", verdict, cases);
    if !counted {
        check.cases = None;
    }
    let mut event = check.draft(document, context, "a verification of Pact")?;
    event.label("provider_version", top.text("providerApplicationVersion")?);
    Ok(vec![finished(event)])
}
