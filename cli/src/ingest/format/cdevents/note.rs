//! One CDEvent: its context, its subject, and what every event of it has.

use serde_json::json;

use super::purl::Purl;
use crate::ingest::draft::{Draft, Origin};
use crate::ingest::error::IngestError;
use crate::ingest::json::Place;
use crate::ingest::scope::Asked;
use crate::ingest::time::{self, ReportTime};

/// A CDEvent.
#[derive(Debug, Clone)]
pub(super) struct Note<'a> {
    pub(super) asked: Asked<'a>,
    /// `context.source`.
    pub(super) source: &'a str,
    /// `context.id`.
    pub(super) id: &'a str,
    /// `subject.id`.
    pub(super) subject: &'a str,
    /// `subject.content`.
    pub(super) content: Option<Place<'a>>,
    pub(super) time: Option<ReportTime>,
    /// Subject and predicate of its type, such as `service.deployed`.
    pub(super) word: &'a str,
    pub(super) chain: Option<&'a str>,
    format: String,
}

impl<'a> Note<'a> {
    pub(super) fn new(
        asked: Asked<'a>,
        body: &Place<'a>,
        head: &Place<'a>,
        version: &str,
        word: &'a str,
    ) -> Result<Self, IngestError> {
        let subject = body.must("subject", "an object `subject`")?;
        Ok(Self {
            asked,
            source: head.required("source", "a source")?,
            id: head.required("id", "an id")?,
            subject: subject.required("id", "an id")?,
            content: subject.at("content")?,
            time: time::spelled(head, "timestamp")?,
            word,
            chain: head.text("chainId")?,
            format: format!("cdevents/{version}"),
        })
    }

    pub(super) fn origin(&self) -> Origin<'_> {
        Origin { system: "cdevents", reader: "cdevents", format: &self.format }
    }

    pub(super) fn format(&self) -> &str {
        &self.format
    }

    /// Returns what the CDEvent is known by. An id is one of its source's only, and some senders
    /// give the same to events of several types.
    pub(super) fn key(&self) -> [&str; 4] {
        ["cdevents", self.source, self.id, self.word]
    }

    /// Starts an event; its natural key is the CDEvent's.
    pub(super) fn draft(&self, kind: &str) -> Draft {
        let Asked { document, context, .. } = self.asked;
        let mut draft = Draft::new(kind, self.origin(), document, context, self.time.as_ref());
        draft.key(&self.key());
        draft.source("url", json!(self.source));
        draft.label("chain_id", self.chain);
        draft
    }

    /// Returns a text of the content.
    pub(super) fn text(&self, key: &str) -> Result<Option<&'a str>, IngestError> {
        self.content.as_ref().map(|content| content.text(key)).transpose().map(Option::flatten)
    }

    /// Returns a text two levels down in the content.
    pub(super) fn text_of(&self, key: &str, inner: &str) -> Result<Option<&'a str>, IngestError> {
        let Some(content) = &self.content else { return Ok(None) };
        content.at(key)?.map(|place| place.text(inner)).transpose().map(Option::flatten)
    }

    /// Returns the artifact that the content or, of an artifact, the subject names.
    pub(super) fn artifact(&self) -> Result<Option<Purl>, IngestError> {
        let named = self.text("artifactId")?.or(Some(self.subject));
        Ok(named.and_then(Purl::parse))
    }

    /// Returns the component: only the caller knows it.
    pub(super) fn component(&self) -> Result<String, IngestError> {
        self.asked.component(&[], None)
    }
}
