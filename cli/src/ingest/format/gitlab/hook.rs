//! A webhook's body, with what every event of it has: project, user, context.

use serde_json::{Value, json};

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
    /// Of an answer of the API, which has no object `project`: the project's id and address.
    api: Option<(Option<String>, Option<&'a str>)>,
}

impl<'a> Hook<'a> {
    pub(super) fn new(
        what: &'a str,
        body: &Place<'a>,
        document: &'a Document,
        context: &'a Context,
    ) -> Result<Self, IngestError> {
        let project = body.at("project")?;
        let asked = Asked { document, context, what };
        Ok(Self { asked, body: body.clone(), project, api: None })
    }

    /// Takes an answer of the API as if a webhook had told it.
    pub(super) fn of_api(
        what: &'a str,
        body: &Place<'a>,
        document: &'a Document,
        context: &'a Context,
        project: Option<String>,
        address: Option<&'a str>,
    ) -> Result<Self, IngestError> {
        let hook = Self::new(what, body, document, context)?;
        Ok(Self { project: None, api: Some((project, address)), ..hook })
    }

    pub(super) fn origin(&self) -> Origin<'static> {
        match self.api {
            Some(_) => Origin {
                system: SYSTEM,
                reader: "gitlab-deployment",
                format: "gitlab-deployment/v4",
            },
            None => Origin { system: SYSTEM, reader: "gitlab-webhook", format: "gitlab-webhook" },
        }
    }

    /// Starts an event that this webhook tells of.
    pub(super) fn draft(
        &self,
        kind: &str,
        time: Option<&ReportTime>,
    ) -> Result<Draft, IngestError> {
        let Asked { document, context, .. } = self.asked;
        let mut draft = Draft::new(kind, self.origin(), document, context, time);
        for (name, value) in self.whence()? {
            draft.source(name, value);
        }
        draft.label("sender", self.user()?);
        Ok(draft)
    }

    /// Returns what `source` says of the project.
    pub(super) fn whence(&self) -> Result<Vec<(&'static str, Value)>, IngestError> {
        let path = |project: &Place<'a>| project.text("path_with_namespace");
        let path = self.project.as_ref().map(path).transpose()?.flatten();
        Ok(vec![("repository", json!(path)), ("repository_id", json!(self.project_id()?))])
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
        if let Some((_, address)) = &self.api {
            names.extend(*address);
        } else if let Some(project) = &self.project {
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
        if let Some((id, address)) = &self.api {
            return Ok(id.as_deref().or(*address).unwrap_or_default().to_owned());
        }
        let own = self.project.as_ref().map(|project| project.id("id")).transpose()?.flatten();
        Ok(match own {
            Some(id) => id,
            None => self.body.id("project_id")?.unwrap_or_default(),
        })
    }
}
