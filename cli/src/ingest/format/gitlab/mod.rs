//! GitLab webhooks, told apart by `object_kind`.
//!
//! Times come in three spellings, and a deployment names its commit by eight digits and an address
//! that holds all of them. A pipeline can succeed while its production job was never started, so
//! no deploy is read from it (ingest.md 3.8).

mod api;
mod approval;
mod check;
mod deploy;
mod hook;
mod push;
mod release;
mod report;

use serde_json::Value;

use crate::ingest::document::Document;
use crate::ingest::error::IngestError;
use crate::ingest::json::Place;
use crate::ingest::{Context, Reader};

pub(super) use api::Deployment;
use hook::Hook;
pub(super) use report::TestReport;

/// The reader of webhooks.
pub(super) struct Gitlab;

impl Reader for Gitlab {
    fn name(&self) -> &'static str {
        "gitlab-webhook"
    }

    fn detect(&self, document: &Document) -> bool {
        document.json().is_some_and(|json| json.get("object_kind").is_some_and(Value::is_string))
    }

    fn read(&self, document: &Document, context: &Context) -> Result<Vec<Value>, IngestError> {
        let top = Place::top(document)?;
        let kind = top.required("object_kind", "the kind of the webhook, `object_kind`")?;
        let what = format!("the webhook `{kind}`");
        let hook = Hook::new(&what, &top, document, context)?;
        match kind {
            "tag_push" => push::tag(&hook),
            "push" => push::branch(&hook),
            "release" => release::release(&hook),
            "deployment" => deploy::deployment(&hook),
            "pipeline" => check::pipeline(&hook),
            "build" => check::job(&hook),
            "merge_request" => push::merge_request(&hook),
            _ => Err(hook.asked.no_event(
                "says nothing that relbook has an event for; it reads push, tag_push, release, \
                 deployment, pipeline, build and merge_request",
            )),
        }
    }
}
