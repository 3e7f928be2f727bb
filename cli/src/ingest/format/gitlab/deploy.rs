//! `deployment`: its status tells a beginning or an end.

use serde_json::Value;

use super::hook::{Hook, SYSTEM};
use crate::ingest::error::IngestError;
use crate::ingest::rollout::{Ending, Rollout};
use crate::ingest::time;

pub(super) fn deployment(hook: &Hook<'_>) -> Result<Vec<Value>, IngestError> {
    let body = &hook.body;
    let status = body.required("status", "a status")?;
    let ending = match status {
        "running" => None,
        "success" => Some(Ending::Succeeded),
        "failed" => Some(Ending::Failed),
        "canceled" => Some(Ending::Aborted),
        "approved" | "rejected" => {
            return Err(hook.asked.no_event(format!(
                "with the status `{status}` does not say for certain who decided; record the \
                 decision with `relbook append approval` in its approver's name"
            )));
        }
        other => {
            return Err(hook.asked.no_event(format!(
                "with the status `{other}` is neither a beginning nor an outcome; ingest the one \
                 with running, success, failed or canceled"
            )));
        }
    };
    let id = body.id("deployment_id")?;
    let id = id.ok_or_else(|| body.expected_under("deployment_id", "a number"))?;
    let project = hook.project_id()?;
    let time = time::spelled(body, "status_changed_at")?;
    let rollout = Rollout {
        asked: hook.asked,
        origin: hook.origin(),
        deploy_id: format!("{SYSTEM}:{project}/{id}"),
        component: hook.component(None)?,
        environment: body.text("environment")?,
        commit: Some(commit(hook)?),
        version: None,
        digest: None,
        run: None,
        run_attempt: None,
        // Its end is the only time that it brings; the beginning was not later.
        started: time.clone(),
        initiated_by: hook.user()?,
        reason: None,
        url: body.text("deployable_url")?,
    };
    match ending {
        None => Ok(vec![rollout.start()?]),
        Some(ending) => {
            let key = format!("{SYSTEM}/deployment/{project}/{id}/{status}");
            rollout.end(ending, &key, status, time.as_ref())
        }
    }
}

/// Returns the whole commit: eight digits are no identity, the address holds all of them.
fn commit<'a>(hook: &Hook<'a>) -> Result<&'a str, IngestError> {
    let short = hook.body.required("short_sha", "the beginning of a commit")?;
    let address = hook.body.text("commit_url")?.unwrap_or_default();
    let whole = address.rsplit('/').next().unwrap_or_default();
    let is_hash =
        matches!(whole.len(), 40 | 64) && whole.bytes().all(|byte| byte.is_ascii_hexdigit());
    if is_hash && whole.starts_with(short) {
        return Ok(whole);
    }
    match &hook.asked.context.commit {
        // The context outlives the hook's body in every caller.
        Some(given) if given.starts_with(short) => Ok(given),
        _ => Err(hook.asked.needs(
            "commit",
            format!("names its commit by `{short}` only, and commit_url does not complete it"),
            "say --commit",
        )),
    }
}
