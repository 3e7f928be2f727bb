//! Outcomes of tests and runs. The spelling of a failure changed from `fail` (0.3) to `failure`
//! (0.5), and before 0.3 a finished test suite has no outcome: that proves nothing.

use serde_json::{Value, json};

use super::note::Note;
use crate::ingest::error::IngestError;

pub(super) fn tests(note: &Note<'_>) -> Result<Vec<Value>, IngestError> {
    let suite = note.text_of("testSuite", "name")?.or(note.text_of("testSuite", "id")?);
    let case = note.text_of("testCase", "name")?.or(note.text_of("testCase", "id")?);
    let is_case = suite.is_none() && case.is_some();
    if is_case {
        note.asked.not_like_a_gate(case, "one case proves no such suite")?;
    }
    check(note, suite.or(case).or(Some(note.subject)), is_case, note.text("outcome")?)
}

/// Reads tests that were not run: nothing is proven, and that is said.
pub(super) fn skipped(note: &Note<'_>) -> Result<Vec<Value>, IngestError> {
    let suite = note.text_of("testSuite", "name")?.or(note.text_of("testSuite", "id")?);
    let case = note.text_of("testCase", "name")?.or(note.text_of("testCase", "id")?);
    let is_case = suite.is_none() && case.is_some();
    check(note, suite.or(case).or(Some(note.subject)), is_case, Some("skipped"))
}

/// Reads a finished pipeline or task: only the caller knows which suite that stands for.
pub(super) fn run(note: &Note<'_>) -> Result<Vec<Value>, IngestError> {
    check(note, None, false, note.text("outcome")?)
}

fn check(
    note: &Note<'_>,
    name: Option<&str>,
    is_case: bool,
    outcome: Option<&str>,
) -> Result<Vec<Value>, IngestError> {
    let context = note.asked.context;
    let Some(outcome) = outcome else {
        return Err(note.asked.no_event(
            "has no outcome, so it proves nothing; let its sender write CDEvents 0.3 or later",
        ));
    };
    let result = match outcome.to_ascii_lowercase().as_str() {
        "success" | "pass" => "pass",
        "fail" | "failure" | "error" => "fail",
        "cancel" | "cancelled" | "canceled" | "skipped" => "inconclusive",
        other => {
            return Err(note
                .asked
                .no_event(format!("has the outcome `{other}`, which is unknown")));
        }
    };
    let suite = context.suite.as_deref().or(name).ok_or_else(|| {
        note.asked.needs(
            "suite",
            "is of a run, whose outcome stands for no suite by itself",
            "say which with --suite",
        )
    })?;
    let environment = note.text_of("environment", "id")?;
    let stage = environment.and_then(|name| note.asked.stage(name).ok());
    let mut draft = note.draft("check.completed");
    draft.put("component", json!(note.component()?));
    draft.put("suite", json!(suite));
    draft.put("result", json!(result));
    draft.put("stage", json!(context.stage.clone().or(stage)));
    draft.put("digest", json!(context.digest));
    draft.put("commit", json!(context.commit));
    if is_case {
        let count = |word: &str| u64::from(result == word);
        let (passed, failed) = (count("pass"), count("fail"));
        let skipped = u64::from(outcome == "skipped");
        draft.put("cases", json!({"passed": passed, "failed": failed, "skipped": skipped}));
    }
    draft.label("outcome", Some(outcome));
    draft.label("name", name.filter(|name| *name != suite));
    draft.label("environment", environment);
    draft.label("reason", note.text("reason")?.or(note.text("errors")?));
    draft.label("version", context.version.as_deref());
    Ok(vec![Value::Object(draft.finish())])
}
