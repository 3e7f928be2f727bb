//! A webhook's body, with what every event of it has: project, user, context.

use serde_json::json;

use crate::ingest::Context;
use crate::ingest::document::Document;
use crate::ingest::draft::{Draft, Origin};
use crate::ingest::error::IngestError;
use crate::ingest::json::Place;
use crate::ingest::person;
use crate::ingest::scope::Asked;
use crate::ingest::time::ReportTime;

pub(super) const SYSTEM: &str = "gitlab";

/// A webhook.
#[derive(Debug, Clone)]
pub(super) struct Hook<'a> {
    pub(super) asked: Asked<'a>,
    pub(super) body: Place<'a>,
    project: Option<Place<'a>>,
}

impl<'a> Hook<'a> {
    pub(super) fn new(
        what: &'a str,
        body: &Place<'a>,
        document: &'a Document,
        context: &'a Context,
    ) -> Result<Self, IngestError> {
        let project = body.at("project")?;
        Ok(Self { asked: Asked { document, context, what }, body: body.clone(), project })
    }

    pub(super) fn origin(&self) -> Origin<'static> {
        Origin { system: SYSTEM, reader: "gitlab-webhook", format: "gitlab-webhook" }
    }

    /// Starts an event that this webhook tells of.
    pub(super) fn draft(
        &self,
        kind: &str,
        time: Option<&ReportTime>,
    ) -> Result<Draft, IngestError> {
        let Asked { document, context, .. } = self.asked;
        let mut draft = Draft::new(kind, self.origin(), document, context, time);
        if let Some(project) = &self.project {
            draft.source("repository", json!(project.text("path_with_namespace")?));
        }
        draft.source("repository_id", json!(self.project_id()?));
        draft.label("sender", self.user()?);
        Ok(draft)
    }

    /// Names who did it; pushes spell the person in fields of their own.
    pub(super) fn user(&self) -> Result<Option<String>, IngestError> {
        if let Some(user) = person::under(&self.body, "user", SYSTEM, "username")? {
            return Ok(Some(user));
        }
        let (name, id) = (self.body.text("user_username")?, self.body.id("user_id")?);
        Ok(name.zip(id).map(|(name, id)| format!("{SYSTEM}:{name}#{id}")))
    }

    /// Returns the component that the webhook is about.
    pub(super) fn component(&self, tag: Option<&str>) -> Result<String, IngestError> {
        let mut names = Vec::new();
        if let Some(project) = &self.project {
            for key in ["path_with_namespace", "web_url", "git_http_url"] {
                names.extend(project.text(key)?);
            }
        } else if let Some(repository) = self.body.at("repository")? {
            names.extend(repository.text("homepage")?);
        }
        self.asked.component(&names, tag)
    }

    /// Returns the id of the project, for natural keys.
    pub(super) fn project_id(&self) -> Result<String, IngestError> {
        let own = self.project.as_ref().map(|project| project.id("id")).transpose()?.flatten();
        Ok(match own {
            Some(id) => id,
            None => self.body.id("project_id")?.unwrap_or_default(),
        })
    }
}
