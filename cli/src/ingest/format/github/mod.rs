//! GitHub webhooks, and the same bodies as GitHub Actions keeps them in `GITHUB_EVENT_PATH`.
//!
//! The event's name stands in a header, not in the body: `--event` gives it, and without it only a
//! body that cannot be of another event is read (ingest.md 3.6). Nothing is invented: what a body
//! does not prove (a merge's parents, an artifact) is joined through recorded evidence or asked for.

mod check;
mod deploy;
mod hook;
mod merge;
mod name;
mod release;
mod review;
mod tag;

use serde_json::Value;

use crate::ingest::document::Document;
use crate::ingest::error::IngestError;
use crate::ingest::json::Place;
use crate::ingest::{Context, Reader};

use hook::Hook;

/// The reader of webhooks.
pub(super) struct Github;

impl Reader for Github {
    fn name(&self) -> &'static str {
        "github-webhook"
    }

    fn detect(&self, document: &Document) -> bool {
        document.json().is_some_and(|json| {
            let from_somebody = json.pointer("/sender/login").is_some_and(Value::is_string)
                && (json.get("repository").is_some() || json.get("organization").is_some());
            let no_other = ["object_kind", "specversion", "apiVersion"];
            !no_other.iter().any(|key| json.get(key).is_some())
                && (from_somebody || name::of_body(json).is_some() || wrapped(json).is_some())
        })
    }

    fn read(&self, document: &Document, context: &Context) -> Result<Vec<Value>, IngestError> {
        let top = Place::top(document)?;
        if let Some((name, payload)) = wrapped(top.value()) {
            let body = Place::inside(document, payload, "github_event_payload");
            return event(name, &body, document, context);
        }
        let by_body = name::of_body(top.value());
        let name = match (context.event.as_deref(), by_body) {
            // GitHub Actions has this name for the same body.
            (Some("pull_request_target"), _) => "pull_request",
            (Some(given), Some(found)) if given != found => {
                return Err(IngestError::NoEvent {
                    file: document.name().to_owned(),
                    what: format!("the webhook `{given}`"),
                    reason: format!(
                        "has another body: this one is of `{found}`; give the name that came with \
                         it in X-GitHub-Event"
                    ),
                });
            }
            (Some(given), _) => given,
            (None, Some(found)) => found,
            (None, None) => {
                return Err(IngestError::Needs {
                    file: document.name().to_owned(),
                    what: "the webhook".to_owned(),
                    missing: "does not tell by its body which event it is of".to_owned(),
                    remedy: "give the header X-GitHub-Event (or $GITHUB_EVENT_NAME) with --event"
                        .to_owned(),
                    field: "event",
                });
            }
        };
        event(name, &top, document, context)
    }
}

/// Returns the event that BuildKit and others keep of the run: its name and its body.
fn wrapped(json: &Value) -> Option<(&str, &Value)> {
    let name = json.get("github_event_name")?.as_str()?;
    Some((name, json.get("github_event_payload")?))
}

/// Returns which event a body is of, where it can be of one only.
pub(in crate::ingest) fn name_of(body: &Value) -> Option<&'static str> {
    name::of_body(body)
}

/// Derives the events of a webhook whose name is known.
///
/// # Errors
/// [`IngestError`], as every reader.
pub(in crate::ingest) fn event(
    name: &str,
    body: &Place<'_>,
    document: &Document,
    context: &Context,
) -> Result<Vec<Value>, IngestError> {
    let what = format!("the webhook `{name}`");
    let hook = Hook::new(&what, body, document, context)?;
    match name {
        "push" => tag::push(&hook),
        "create" => tag::create(&hook),
        "delete" => tag::delete(&hook),
        "release" => release::release(&hook),
        "registry_package" | "package" => release::package(&hook, name),
        "deployment" => deploy::requested(&hook),
        "deployment_status" => deploy::status(&hook),
        "deployment_review" => review::of_deployment(&hook),
        "pull_request_review" => Err(review::of_code(&hook)?),
        "pull_request" => merge::merged(&hook),
        "workflow_run" => check::workflow_run(&hook),
        "workflow_job" => check::job(&hook),
        "check_run" => check::check_run(&hook),
        "check_suite" => check::check_suite(&hook),
        "status" => check::status(&hook),
        "ping" => Err(hook
            .asked
            .no_event("only tries the hook: nothing happened, so there is nothing to record")),
        "workflow_dispatch" | "repository_dispatch" => Err(hook.asked.no_event(
            "asks for a run; what the run does is told by its own events, such as workflow_run",
        )),
        _ => Err(hook.asked.no_event(
            "says nothing that relbook has an event for; it reads push, create, release, \
             deployment, deployment_status, deployment_review, pull_request, workflow_run, \
             workflow_job, check_run, check_suite, status and registry_package",
        )),
    }
}
