//! A deployment as GitLab's API gives it: with the decisions about it, which webhooks of the free
//! edition do not tell.
//!
//! Its events have the keys of those that webhooks tell: whichever comes first stands.

use serde_json::Value;

use super::approval::Decision;
use super::deploy::ending;
use super::hook::{Hook, SYSTEM};
use crate::ingest::document::Document;
use crate::ingest::error::IngestError;
use crate::ingest::json::Place;
use crate::ingest::rollout::Rollout;
use crate::ingest::{Context, Reader, person, time};

/// The reader of deployments, one or a list.
pub(in crate::ingest::format) struct Deployment;

fn is_one(json: &Value) -> bool {
    let text = |key: &str| json.get(key).is_some_and(Value::is_string);
    let place = json.pointer("/environment/name").is_some_and(Value::is_string);
    let keys = json.get("iid").is_some() && json.get("deployable").is_some();
    text("sha") && text("status") && place && keys && json.get("object_kind").is_none()
}

impl Reader for Deployment {
    fn name(&self) -> &'static str {
        "gitlab-deployment"
    }

    fn detect(&self, document: &Document) -> bool {
        document.json().is_some_and(|json| match json.as_array() {
            Some(all) => !all.is_empty() && all.iter().all(is_one),
            None => is_one(json),
        })
    }

    fn read(&self, document: &Document, context: &Context) -> Result<Vec<Value>, IngestError> {
        let top = Place::top(document)?;
        let all = if top.value().is_array() { top.items()? } else { vec![top] };
        let events = all.iter().map(|deployment| read(deployment, document, context));
        Ok(events.collect::<Result<Vec<_>, _>>()?.into_iter().flatten().collect())
    }
}

fn read(
    body: &Place<'_>,
    document: &Document,
    context: &Context,
) -> Result<Vec<Value>, IngestError> {
    let id = body.id("id")?.ok_or_else(|| body.expected_under("id", "a number"))?;
    let what = format!("the deployment {id} of GitLab's API");
    let job = body.at("deployable")?;
    let pipeline = body.down(&["deployable", "pipeline"])?;
    let url = job.as_ref().map(|job| job.text("web_url")).transpose()?.flatten();
    let home = url.and_then(|url| url.split_once("/-/")).map(|(home, _)| home);
    let project = pipeline.as_ref().map(|pipeline| pipeline.id("project_id")).transpose()?;
    let hook = Hook::of_api(&what, body, document, context, project.flatten(), home)?;
    let component = hook.component(None)?;
    let environment = body.down(&["environment"])?.map(|place| place.text("name")).transpose()?;
    let environment = environment.flatten();
    let commit = body.required("sha", "a commit")?;
    let run = pipeline.as_ref().map(|pipeline| pipeline.id("id")).transpose()?.flatten();
    let mut events = Vec::new();
    for approval in body.list("approvals")?.unwrap_or_default() {
        let status = approval.required("status", "approved or rejected")?;
        if !matches!(status, "approved" | "rejected") {
            return Err(approval.expected_under("status", "approved or rejected"));
        }
        let decision = Decision {
            status,
            approver: person::under(&approval, "user", SYSTEM, "username")?,
            comment: approval.text("comment")?,
            time: time::spelled(&approval, "created_at")?,
            deployment: &id,
            environment,
            commit,
            run: run.as_deref(),
            component: &component,
            url,
        };
        events.push(decision.event(&hook)?);
    }
    let status = body.required("status", "a status")?;
    if !events.is_empty() && matches!(status, "created" | "blocked" | "skipped") {
        return Ok(events);
    }
    let ending = ending(&hook, status)?;
    let of_job = |key: &str| job.as_ref().map(|job| time::spelled(job, key)).transpose();
    let rollout = Rollout {
        asked: hook.asked,
        origin: hook.origin(),
        deploy_id: format!("{SYSTEM}:{}/{id}", hook.project_id()?),
        component,
        environment,
        commit: Some(commit),
        version: None,
        digest: None,
        run,
        run_attempt: None,
        started: of_job("started_at")?.flatten().or(time::spelled(body, "created_at")?),
        initiated_by: hook.user()?,
        reason: None,
        url,
        source: hook.whence()?,
        labels: Vec::new(),
    };
    match ending {
        None => events.push(rollout.start()?),
        Some(ending) => {
            let project = hook.project_id()?;
            let key = format!("{SYSTEM}/deployment/{project}/{id}/{status}");
            let end = of_job("finished_at")?.flatten().or(time::spelled(body, "updated_at")?);
            events.extend(rollout.end(ending, &key, status, end.as_ref())?);
        }
    }
    Ok(events)
}
