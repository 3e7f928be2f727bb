//! `pipeline` and `build` (a job): what they came to.
//!
//! A pipeline is `success` while jobs of it were skipped or wait for somebody: they are listed, and
//! no deploy is read from it.

use serde_json::{Value, json};

use super::hook::Hook;
use crate::ingest::draft::Draft;
use crate::ingest::error::IngestError;
use crate::ingest::time;

pub(super) fn pipeline(hook: &Hook<'_>) -> Result<Vec<Value>, IngestError> {
    let run = hook.body.must("object_attributes", "an object `object_attributes`")?;
    let id = run.id("id")?.ok_or_else(|| run.expected_under("id", "a number"))?;
    let status = run.required("status", "a status")?;
    let result = result(hook, status)?;
    let suite = hook.asked.context.suite.as_deref().unwrap_or("pipeline");
    let commit = run.required("sha", "a commit")?;
    let mut draft = hook.draft("check.completed", time::spelled(&run, "finished_at")?.as_ref())?;
    // Jobs that are tried again end the same pipeline again.
    let end = run.text("finished_at")?.unwrap_or_default();
    draft.key(&["gitlab", "pipeline", &hook.project_id()?, &id, status, end]);
    put(hook, &mut draft, suite, result, commit)?;
    draft.put("duration_s", number(run.at("duration")?.map(|place| place.value())));
    let mut idle = Vec::new();
    for job in hook.body.list("builds")?.unwrap_or_default() {
        let state = job.text("status")?.unwrap_or_default();
        if !matches!(state, "success" | "failed" | "canceled") {
            idle.push(format!("{} ({state})", job.text("name")?.unwrap_or("a job")));
        }
    }
    draft.label("not_run", Some(idle.join(", ")).filter(|idle| !idle.is_empty()));
    draft.label("status", Some(status));
    draft.source("run_id", json!(id));
    draft.source("url", json!(run.text("url")?));
    Ok(vec![Value::Object(draft.finish())])
}

pub(super) fn job(hook: &Hook<'_>) -> Result<Vec<Value>, IngestError> {
    let body = &hook.body;
    let id = body.id("build_id")?.ok_or_else(|| body.expected_under("build_id", "a number"))?;
    let status = body.required("build_status", "a status")?;
    let result = result(hook, status)?;
    let name = body.required("build_name", "a name")?;
    let suite = hook.asked.context.suite.as_deref().unwrap_or(name);
    let commit = body.required("sha", "a commit")?;
    let time = time::spelled(body, "build_finished_at")?;
    let mut draft = hook.draft("check.completed", time.as_ref())?;
    draft.key(&["gitlab", "build", &hook.project_id()?, &id, status]);
    put(hook, &mut draft, suite, result, commit)?;
    draft.put("duration_s", number(body.at("build_duration")?.map(|place| place.value())));
    draft.label("name", Some(name).filter(|name| *name != suite));
    draft.label("status", Some(status));
    draft.label("failure_reason", body.text("build_failure_reason")?.filter(|_| result == "fail"));
    draft.source("run_id", json!(body.id("pipeline_id")?));
    Ok(vec![Value::Object(draft.finish())])
}

fn number(value: Option<&Value>) -> Value {
    let seconds = value.and_then(Value::as_f64).filter(|seconds| *seconds >= 0.0);
    json!(seconds)
}

fn result(hook: &Hook<'_>, status: &str) -> Result<&'static str, IngestError> {
    match status {
        "success" => Ok("pass"),
        "failed" => Ok("fail"),
        "canceled" | "skipped" => Ok("inconclusive"),
        other => Err(hook.asked.no_event(format!(
            "is not over (status {other}); ingest the one that comes when it is"
        ))),
    }
}

/// Puts what both have in common.
fn put(
    hook: &Hook<'_>,
    draft: &mut Draft,
    suite: &str,
    result: &str,
    commit: &str,
) -> Result<(), IngestError> {
    draft.put("component", json!(hook.component(None)?));
    draft.put("suite", json!(suite));
    draft.put("result", json!(result));
    draft.put("stage", json!(hook.asked.context.stage));
    draft.put("digest", json!(hook.asked.context.digest));
    draft.put("commit", json!(commit));
    draft.label("version", hook.asked.context.version.as_deref());
    Ok(())
}
