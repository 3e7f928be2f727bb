//! `deployment` and `deployment_status`.
//!
//! `deployment.payload`, `description` and `target_url` are whatever their author wrote and are not
//! read. The artifact follows from the commit through its recorded build, or is given.

use serde_json::Value;

use super::hook::{Hook, SYSTEM};
use crate::ingest::error::IngestError;
use crate::ingest::json::Place;
use crate::ingest::rollout::{Ending, Rollout};
use crate::ingest::time;

pub(super) fn requested(hook: &Hook<'_>) -> Result<Vec<Value>, IngestError> {
    let deployment = hook.body.must("deployment", "an object `deployment`")?;
    let run = hook.body.at("workflow_run")?;
    if let Some(run) = &run
        && run.text("status")? == Some("waiting")
    {
        return Err(hook.asked.no_event(
            "waits for its environment's rules and has not begun; ingest the deployment_status \
             `in_progress`, or the one that tells how it ended",
        ));
    }
    Ok(vec![rollout(hook, &deployment)?.start()?])
}

fn rollout<'a>(hook: &'a Hook<'a>, deployment: &Place<'a>) -> Result<Rollout<'a>, IngestError> {
    let id = deployment.id("id")?.ok_or_else(|| deployment.expected_under("id", "a number"))?;
    let run = hook.body.at("workflow_run")?;
    let of_run = |key: &str| run.as_ref().map(|run| run.id(key)).transpose();
    let url = run.as_ref().map(|run| run.text("html_url")).transpose()?.flatten();
    Ok(Rollout {
        asked: hook.asked,
        origin: hook.origin(),
        deploy_id: format!("{SYSTEM}:{id}"),
        component: hook.component(None)?,
        environment: deployment.text("environment")?,
        commit: Some(deployment.required("sha", "a commit")?),
        version: None,
        digest: None,
        run: of_run("id")?.flatten(),
        run_attempt: of_run("run_attempt")?.flatten(),
        started: time::spelled(deployment, "created_at")?,
        initiated_by: hook.person(deployment, "creator")?,
        reason: None,
        url,
        source: hook.whence()?,
        labels: Vec::new(),
    })
}

pub(super) fn status(hook: &Hook<'_>) -> Result<Vec<Value>, IngestError> {
    let status = hook.body.must("deployment_status", "an object `deployment_status`")?;
    let deployment = hook.body.must("deployment", "an object `deployment`")?;
    let id = status.id("id")?.ok_or_else(|| status.expected_under("id", "a number"))?;
    let word = status.required("state", "a state")?;
    // The API spells states in upper case.
    let state = word.to_ascii_lowercase();
    let ending = match state.as_str() {
        "success" => Ending::Succeeded,
        "failure" | "error" => Ending::Failed,
        "in_progress" => {
            let mut rollout = rollout(hook, &deployment)?;
            rollout.started = time::spelled(&status, "created_at")?;
            return Ok(vec![rollout.start()?]);
        }
        "inactive" => {
            return Err(hook.asked.no_event(
                "with the state `inactive` says that a later deployment took over; that one is \
                 recorded by itself, and nothing was removed",
            ));
        }
        other => {
            return Err(hook.asked.no_event(format!(
                "with the state `{other}` is neither a beginning nor an outcome; ingest the one \
                 with in_progress, success, failure or error"
            )));
        }
    };
    let rollout = rollout(hook, &deployment)?;
    let time = time::spelled(&status, "created_at")?;
    let key = format!("{SYSTEM}/deployment_status/{id}");
    rollout.end(ending, &key, &state, time.as_ref())
}
