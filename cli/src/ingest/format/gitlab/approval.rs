//! Decisions about a deployment: one a webhook (Enterprise Edition), or all of them in what the API
//! says of the deployment.
//!
//! A decision names a deployment, which has a commit; the artifact is joined through its build. An
//! approval of a merge request is another thing and approves no deploy.

use serde_json::{Value, json};

use super::hook::{Hook, SYSTEM};
use crate::ingest::error::IngestError;
use crate::ingest::join::{Sought, artifact};
use crate::ingest::time::ReportTime;

/// A decision.
#[derive(Debug)]
pub(super) struct Decision<'a> {
    /// `approved` or `rejected`.
    pub(super) status: &'a str,
    pub(super) approver: Option<String>,
    pub(super) comment: Option<&'a str>,
    pub(super) time: Option<ReportTime>,
    /// The id of the deployment.
    pub(super) deployment: &'a str,
    pub(super) environment: Option<&'a str>,
    pub(super) commit: &'a str,
    pub(super) run: Option<&'a str>,
    pub(super) component: &'a str,
    pub(super) url: Option<&'a str>,
}

impl Decision<'_> {
    /// Makes the event.
    ///
    /// # Errors
    /// What is missing: the approver, the stage, the build of the commit.
    pub(super) fn event(self, hook: &Hook<'_>) -> Result<Value, IngestError> {
        let kind = if self.status == "approved" { "approval.granted" } else { "approval.rejected" };
        let Some(approver) = self.approver else {
            return Err(hook.asked.needs(
                "approver",
                format!(
                    "with the status `{}` does not name its approver with username and id; who \
                     deployed is somebody else",
                    self.status
                ),
                "ingest what the API says of the deployment (it has `approvals`), or record the \
                 decision with `relbook append approval` in its approver's name",
            ));
        };
        let scene = hook.asked.scene(self.environment)?;
        let sought = Sought {
            component: self.component,
            commit: Some(self.commit),
            run: self.run,
            ..Sought::default()
        };
        let joined = artifact(&hook.asked, &sought)?;
        if joined.version.is_none() {
            return Err(hook.asked.needs(
                "version",
                "is joined with an artifact that no build is recorded of",
                "record the build, or say --version",
            ));
        }
        let project = hook.project_id()?;
        let id = [SYSTEM, "deployment", &project, self.deployment, self.status, &approver];
        let mut draft = hook.draft(kind, self.time.as_ref())?;
        draft.key(&id);
        draft.put("approval_id", json!(id.join("/")));
        draft.put("component", json!(self.component));
        joined.put(&mut draft);
        draft.put("stage", json!(hook.asked.stage(&scene.environment)?));
        draft.put("approver", json!(approver));
        draft.put("role", json!(hook.asked.context.role));
        draft.put("comment", json!(self.comment));
        draft.source("run_id", json!(self.run));
        draft.source("url", json!(self.url));
        draft.label("environment", self.environment);
        draft.label("commit", Some(self.commit));
        draft.label("deployment", Some(self.deployment));
        Ok(Value::Object(draft.finish()))
    }
}
