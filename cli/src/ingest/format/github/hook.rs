//! A webhook's body, with what every event of it has: repository, sender, context.

use serde_json::{Value, json};

use crate::ingest::Context;
use crate::ingest::document::Document;
use crate::ingest::draft::{Draft, Origin};
use crate::ingest::error::IngestError;
use crate::ingest::json::Place;
use crate::ingest::person;
use crate::ingest::scope::Asked;
use crate::ingest::time::ReportTime;

pub(super) const SYSTEM: &str = "github";

/// A webhook.
#[derive(Debug, Clone)]
pub(super) struct Hook<'a> {
    pub(super) asked: Asked<'a>,
    pub(super) body: Place<'a>,
    pub(super) repository: Option<Place<'a>>,
}

impl<'a> Hook<'a> {
    pub(super) fn new(
        what: &'a str,
        body: &Place<'a>,
        document: &'a Document,
        context: &'a Context,
    ) -> Result<Self, IngestError> {
        let repository = body.at("repository")?;
        Ok(Self { asked: Asked { document, context, what }, body: body.clone(), repository })
    }

    pub(super) fn origin(&self) -> Origin<'static> {
        Origin { system: SYSTEM, reader: "github-webhook", format: "github-webhook" }
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
        draft.label("sender", self.person(&self.body, "sender")?);
        Ok(draft)
    }

    /// Returns what `source` says of the repository.
    pub(super) fn whence(&self) -> Result<Vec<(&'static str, Value)>, IngestError> {
        let Some(repository) = &self.repository else { return Ok(Vec::new()) };
        Ok(vec![
            ("repository", json!(repository.text("full_name")?)),
            ("repository_id", json!(repository.id("id")?)),
        ])
    }

    /// Names somebody by login and id.
    pub(super) fn person(
        &self,
        place: &Place<'_>,
        key: &str,
    ) -> Result<Option<String>, IngestError> {
        person::under(place, key, SYSTEM, "login")
    }

    /// Returns the component that the webhook is about.
    pub(super) fn component(&self, tag: Option<&str>) -> Result<String, IngestError> {
        let mut names = Vec::new();
        if let Some(repository) = &self.repository {
            names.extend(repository.text("full_name")?);
            names.extend(repository.text("html_url")?);
        }
        self.asked.component(&names, tag)
    }

    /// Returns the id of the repository, for natural keys.
    pub(super) fn repository_id(&self) -> Result<String, IngestError> {
        let id = self.repository.as_ref().map(|repository| repository.id("id")).transpose()?;
        Ok(id.flatten().unwrap_or_default())
    }

    pub(super) fn action(&self) -> Result<&'a str, IngestError> {
        Ok(self.body.text("action")?.unwrap_or_default())
    }
}
