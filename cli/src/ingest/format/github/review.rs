//! `deployment_review` and `pull_request_review`.
//!
//! A deployment review names a run and environments, not an artifact: run, commit and build lead
//! to it, each through the source itself or through recorded evidence, and a missing link is named
//! (ingest.md 4). The body has no time of the decision; the latest time in it is the earliest that
//! it can have been. A review of code approves a change, never a deploy.

use serde_json::{Value, json};

use super::hook::Hook;
use crate::ingest::error::IngestError;
use crate::ingest::join::{Sought, artifact};
use crate::ingest::json::Place;
use crate::ingest::time::{self, ReportTime};

pub(super) fn of_deployment(hook: &Hook<'_>) -> Result<Vec<Value>, IngestError> {
    let action = hook.action()?;
    let kind = match action {
        "approved" => "approval.granted",
        "rejected" => "approval.rejected",
        other => {
            return Err(hook.asked.no_event(format!(
                "with the action `{other}` asks for a decision; ingest the one with the action \
                 approved or rejected"
            )));
        }
    };
    let run = hook.body.must("workflow_run", "an object `workflow_run`")?;
    let run_id = run.id("id")?.ok_or_else(|| run.expected_under("id", "a number"))?;
    let attempt = run.id("run_attempt")?.unwrap_or_else(|| "1".to_owned());
    let commit = run.required("head_sha", "a commit")?;
    let Some(approver) = hook.person(&hook.body, "approver")? else {
        return Err(hook.asked.needs(
            "approver",
            "names no approver with login and id",
            "a sender or actor is not the approver: get the delivery again",
        ));
    };
    let component = hook.component(None)?;
    let joined = artifact(
        &hook.asked,
        &Sought {
            component: &component,
            commit: Some(commit),
            run: Some(&run_id),
            ..Sought::default()
        },
    )?;
    if joined.version.is_none() {
        return Err(hook.asked.needs(
            "version",
            "is joined with an artifact that no build is recorded of",
            "record the build, or say --version",
        ));
    }
    let time = earliest(hook, &run)?;
    let mut events = Vec::new();
    for environment in environments(hook)? {
        let scene = hook.asked.scene(Some(environment))?;
        let mut draft = hook.draft(kind, time.as_ref())?;
        let id = ["github", "review", &run_id, &attempt, environment, &approver];
        draft.key(&[&id[..], &[action]].concat());
        draft.put("approval_id", json!(id.join("/")));
        draft.put("component", json!(component));
        joined.put(&mut draft);
        draft.put("stage", json!(hook.asked.stage(&scene.environment)?));
        draft.put("approver", json!(approver));
        draft.put("role", json!(hook.asked.context.role));
        draft.put("comment", json!(hook.body.text("comment")?));
        draft.source("run_id", json!(run_id));
        draft.source("run_attempt", json!(attempt));
        draft.source("url", json!(run.text("html_url")?));
        draft.label("environment", Some(environment));
        draft.label("commit", Some(commit));
        draft.label("occurred_at", time.as_ref().map(|_| "not before"));
        draft.label("reviewers", reviewers(&hook.body)?);
        events.push(Value::Object(draft.finish()));
    }
    Ok(events)
}

/// Returns the environments that were decided on: each run of a job names one.
fn environments<'a>(hook: &Hook<'a>) -> Result<Vec<&'a str>, IngestError> {
    if let Some(given) = &hook.asked.context.environment {
        return Ok(vec![given]);
    }
    let mut found: Vec<&str> = Vec::new();
    let one = hook.body.at("workflow_job_run")?;
    let many = hook.body.list("workflow_job_runs")?.unwrap_or_default();
    for job in many.iter().chain(&one) {
        found.extend(job.text("environment")?);
    }
    found.extend(hook.body.text("environment")?);
    found.sort_unstable();
    found.dedup();
    if found.is_empty() {
        return Err(hook.asked.needs(
            "environment",
            "names no environment",
            "name it with --environment",
        ));
    }
    Ok(found)
}

/// Returns the latest time of the body: the decision is not older.
fn earliest(hook: &Hook<'_>, run: &Place<'_>) -> Result<Option<ReportTime>, IngestError> {
    let mut times = vec![time::at(&hook.body, "since")?, time::at(run, "updated_at")?];
    for job in hook.body.list("workflow_job_runs")?.unwrap_or_default() {
        times.push(time::at(&job, "updated_at")?);
    }
    Ok(times.into_iter().flatten().max_by(|a, b| a.utc.cmp(&b.utc)))
}

/// Names who was asked: teams by their slug, people by login and id.
fn reviewers(body: &Place<'_>) -> Result<Option<String>, IngestError> {
    let mut names = Vec::new();
    for asked in body.list("reviewers")?.unwrap_or_default() {
        let Some(reviewer) = asked.at("reviewer")? else { continue };
        let name = reviewer.text("slug")?.or(reviewer.text("login")?);
        names.extend(name.map(str::to_owned));
    }
    Ok(Some(names.join(", ")).filter(|names| !names.is_empty()))
}

/// Says why a review of code is no event of its own.
pub(super) fn of_code(hook: &Hook<'_>) -> Result<IngestError, IngestError> {
    let state = hook.body.down(&["review"])?.map(|review| review.text("state")).transpose()?;
    let state = state.flatten().unwrap_or("no state").to_ascii_lowercase();
    Ok(hook.asked.no_event(format!(
        "({state}) is a review of code: it approves a change, not a deploy; \
         `relbook import github` names the reviewer in the commit.merged of its pull request"
    )))
}
