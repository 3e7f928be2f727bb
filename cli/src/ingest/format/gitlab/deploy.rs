//! `deployment`: its status tells a beginning, an end, or a decision about it.

use serde_json::Value;

use super::approval::Decision;
use super::hook::{Hook, SYSTEM};
use crate::ingest::error::IngestError;
use crate::ingest::person;
use crate::ingest::rollout::{Ending, Rollout};
use crate::ingest::time;

pub(super) fn deployment(hook: &Hook<'_>) -> Result<Vec<Value>, IngestError> {
    let body = &hook.body;
    let status = body.required("status", "a status")?;
    let id = body.id("deployment_id")?;
    let id = id.ok_or_else(|| body.expected_under("deployment_id", "a number"))?;
    if matches!(status, "approved" | "rejected") {
        return Ok(vec![decided(hook, status, &id)?]);
    }
    let ending = ending(hook, status)?;
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
        source: hook.whence()?,
        labels: Vec::new(),
    };
    match ending {
        None => Ok(vec![rollout.start()?]),
        Some(ending) => {
            let key = format!("{SYSTEM}/deployment/{project}/{id}/{status}");
            rollout.end(ending, &key, status, time.as_ref())
        }
    }
}

/// Returns how a deployment ended; nothing while it runs.
pub(super) fn ending(hook: &Hook<'_>, status: &str) -> Result<Option<Ending>, IngestError> {
    match status {
        "running" => Ok(None),
        "success" => Ok(Some(Ending::Succeeded)),
        "failed" => Ok(Some(Ending::Failed)),
        "canceled" => Ok(Some(Ending::Aborted)),
        other => Err(hook.asked.no_event(format!(
            "with the status `{other}` is neither a beginning nor an outcome nor a decision; \
             ingest the one with running, success, failed, canceled, approved or rejected"
        ))),
    }
}

/// Reads a decision: its `user` is who deploys, `approver` is who decided.
fn decided(hook: &Hook<'_>, status: &str, id: &str) -> Result<Value, IngestError> {
    let body = &hook.body;
    let approval = body.at("approval")?;
    let of = |key: &str| approval.as_ref().map(|place| place.text(key)).transpose();
    let decided_at = match &approval {
        Some(approval) => time::spelled(approval, "created_at")?,
        None => None,
    };
    let time = match decided_at {
        Some(time) => Some(time),
        None => time::spelled(body, "status_changed_at")?,
    };
    let component = hook.component(None)?;
    let decision = Decision {
        status,
        approver: person::under(body, "approver", SYSTEM, "username")?,
        comment: of("comment")?.flatten(),
        time,
        deployment: id,
        environment: body.text("environment")?,
        commit: commit(hook)?,
        run: None,
        component: &component,
        url: body.text("deployable_url")?,
    };
    decision.event(hook)
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
