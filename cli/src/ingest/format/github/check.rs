//! Outcomes of checks: `workflow_run`, `workflow_job`, `check_run`, `check_suite`, `status`.
//!
//! Only a final conclusion is a check. A workflow's success alone proves no suite that a gate
//! knows (ingest.md 4): one that is merely called like it is refused unless `--suite` says so.

use serde_json::{Value, json};

use super::hook::Hook;
use crate::ingest::error::IngestError;
use crate::ingest::json::Place;
use crate::ingest::time::{self, ReportTime, seconds_between};

/// Why a workflow is no suite of a gate by its name.
const NO_SUITE: &str = "that all of it ended well proves no such suite";

/// What a check came to, in whichever event it is told.
struct Outcome<'a> {
    /// The event, the id of what was checked, and which try of it this is.
    key: [String; 3],
    name: Option<&'a str>,
    conclusion: Option<&'a str>,
    commit: &'a str,
    start: Option<ReportTime>,
    end: Option<ReportTime>,
    run: Option<String>,
    attempt: Option<String>,
    url: Option<&'a str>,
}

pub(super) fn workflow_run(hook: &Hook<'_>) -> Result<Vec<Value>, IngestError> {
    let run = hook.body.must("workflow_run", "an object `workflow_run`")?;
    is_over(hook, &run)?;
    let workflow = hook.body.at("workflow")?;
    let of_workflow = workflow.as_ref().map(|workflow| workflow.text("name")).transpose()?;
    let name = run.text("name")?.or(of_workflow.flatten());
    hook.asked.not_like_a_gate(name, NO_SUITE)?;
    let id = id(&run)?;
    let attempt = run.id("run_attempt")?;
    check(
        hook,
        &run,
        Outcome {
            key: ["workflow_run".to_owned(), id.clone(), attempt.clone().unwrap_or_default()],
            name,
            conclusion: run.text("conclusion")?,
            commit: run.required("head_sha", "a commit")?,
            start: time::at(&run, "run_started_at")?,
            end: time::at(&run, "updated_at")?,
            run: Some(id),
            attempt,
            url: run.text("html_url")?,
        },
    )
}

pub(super) fn job(hook: &Hook<'_>) -> Result<Vec<Value>, IngestError> {
    let job = hook.body.must("workflow_job", "an object `workflow_job`")?;
    is_over(hook, &job)?;
    check(
        hook,
        &job,
        Outcome {
            key: ["workflow_job".to_owned(), id(&job)?, String::new()],
            name: job.text("name")?,
            conclusion: job.text("conclusion")?,
            commit: job.required("head_sha", "a commit")?,
            start: time::at(&job, "started_at")?,
            end: time::at(&job, "completed_at")?,
            run: job.id("run_id")?,
            attempt: job.id("run_attempt")?,
            url: job.text("html_url")?,
        },
    )
}

pub(super) fn check_run(hook: &Hook<'_>) -> Result<Vec<Value>, IngestError> {
    let run = hook.body.must("check_run", "an object `check_run`")?;
    is_over(hook, &run)?;
    check(
        hook,
        &run,
        Outcome {
            // It may be asked for again and complete again under one id.
            key: ["check_run".to_owned(), id(&run)?, word(&run, "completed_at")?],
            name: run.text("name")?,
            conclusion: run.text("conclusion")?,
            commit: run.required("head_sha", "a commit")?,
            start: time::at(&run, "started_at")?,
            end: time::at(&run, "completed_at")?,
            run: None,
            attempt: None,
            url: run.text("html_url")?,
        },
    )
}

pub(super) fn check_suite(hook: &Hook<'_>) -> Result<Vec<Value>, IngestError> {
    let suite = hook.body.must("check_suite", "an object `check_suite`")?;
    is_over(hook, &suite)?;
    let name = suite.down(&["app"])?.map(|app| app.text("name")).transpose()?.flatten();
    hook.asked.not_like_a_gate(name, NO_SUITE)?;
    check(
        hook,
        &suite,
        Outcome {
            key: ["check_suite".to_owned(), id(&suite)?, word(&suite, "updated_at")?],
            name,
            conclusion: suite.text("conclusion")?,
            commit: suite.required("head_sha", "a commit")?,
            start: None,
            end: time::at(&suite, "updated_at")?,
            run: None,
            attempt: None,
            url: suite.text("url")?,
        },
    )
}

pub(super) fn status(hook: &Hook<'_>) -> Result<Vec<Value>, IngestError> {
    let body = &hook.body;
    let outcome = Outcome {
        key: ["status".to_owned(), id(body)?, String::new()],
        name: body.text("context")?,
        conclusion: body.text("state")?.filter(|state| *state != "pending"),
        commit: body.required("sha", "a commit")?,
        start: None,
        end: time::spelled(body, "updated_at")?,
        run: None,
        attempt: None,
        url: body.text("target_url")?,
    };
    check(hook, body, outcome)
}

fn word(place: &Place<'_>, key: &str) -> Result<String, IngestError> {
    Ok(place.text(key)?.unwrap_or_default().to_owned())
}

/// Refuses what asks for a check, or tells of its beginning: the conclusion that stands in it is the
/// one before.
fn is_over(hook: &Hook<'_>, place: &Place<'_>) -> Result<(), IngestError> {
    match hook.action()? {
        "" | "completed" => Ok(()),
        action => {
            let status = place.text("status")?.unwrap_or("no status");
            let word = place.text("conclusion")?.unwrap_or("none");
            Err(hook.asked.no_event(format!(
                "with the action `{action}` is not over (status {status}, conclusion {word}); \
                 ingest the one with the action `completed`"
            )))
        }
    }
}

fn id(place: &Place<'_>) -> Result<String, IngestError> {
    place.id("id")?.ok_or_else(|| place.expected_under("id", "a number"))
}

fn check(
    hook: &Hook<'_>,
    place: &Place<'_>,
    outcome: Outcome<'_>,
) -> Result<Vec<Value>, IngestError> {
    let word = outcome.conclusion.map(str::to_ascii_lowercase).unwrap_or_default();
    let result = match word.as_str() {
        "success" => "pass",
        "failure" | "error" | "timed_out" | "startup_failure" => "fail",
        "cancelled" | "neutral" | "skipped" | "stale" => "inconclusive",
        _ => {
            let status = place.text("status")?.or(place.text("state")?).unwrap_or("no status");
            let word = if word.is_empty() { "none" } else { &word };
            return Err(hook.asked.no_event(format!(
                "is not over (status {status}, conclusion {word}); ingest the one that comes when \
                 it is"
            )));
        }
    };
    let suite = hook.asked.context.suite.as_deref().or(outcome.name.map(str::trim));
    let suite = suite.filter(|name| !name.is_empty()).ok_or_else(|| {
        hook.asked.needs("suite", "has no name", "say which suite it is with --suite")
    })?;
    if let Some(given) = &hook.asked.context.commit
        && given != outcome.commit
    {
        return Err(hook.asked.no_event(format!(
            "is of the commit {}, not {given}; leave --commit out, or ingest the right one",
            outcome.commit
        )));
    }
    let mut draft = hook.draft("check.completed", outcome.end.as_ref())?;
    let [event, id, try_of_it] = &outcome.key;
    let parts = ["github", event, id, try_of_it];
    draft.key(&parts[..if try_of_it.is_empty() { 3 } else { 4 }]);
    draft.put("component", json!(hook.component(None)?));
    draft.put("suite", json!(suite));
    draft.put("result", json!(result));
    draft.put("stage", json!(hook.asked.context.stage));
    draft.put("digest", json!(hook.asked.context.digest));
    draft.put("commit", json!(outcome.commit));
    let seconds = seconds_between(outcome.start.as_ref(), outcome.end.as_ref());
    draft.put("duration_s", json!(seconds));
    draft.source("run_id", json!(outcome.run));
    draft.source("run_attempt", json!(outcome.attempt));
    draft.source("url", json!(outcome.url));
    draft.label("conclusion", Some(word));
    draft.label("name", outcome.name.filter(|name| *name != suite));
    draft.label("version", hook.asked.context.version.as_deref());
    Ok(vec![Value::Object(draft.finish())])
}
