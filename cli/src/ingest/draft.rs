//! An event in the making: what every event that comes from a file has, whichever its kind.
//!
//! Each says which bytes it was derived from, by which reader, and how far its fields are to be
//! believed (ingest.md 1.2): `source.trust` is the class of the whole, `source.field_trust` names
//! the fields of another class. relbook's own signature proves who appended, never that the
//! content is true.

use serde_json::{Map, Value, json};

use super::Context;
use super::document::Document;
use super::time::ReportTime;

/// The version of all readers: raised when one derives something else from the same bytes.
const READER_VERSION: u32 = 1;

/// The most characters of a label's value.
const LABEL_CHARS_MAX: usize = 1024;

/// How far a field is to be believed, weakest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::ingest) enum Trust {
    /// The file says so.
    Asserted,
    /// It came over a channel that proved who sent it.
    Transport,
    /// A signature over these bytes was checked against a key or identity that was given.
    Verified,
}

impl Trust {
    fn as_str(self) -> &'static str {
        match self {
            Self::Asserted => "asserted",
            Self::Transport => "transport",
            Self::Verified => "verified",
        }
    }
}

/// Where an event comes from.
#[derive(Debug, Clone, Copy)]
pub(in crate::ingest) struct Origin<'a> {
    /// The tool or service that wrote the file.
    pub(in crate::ingest) system: &'a str,
    /// The name of the reader.
    pub(in crate::ingest) reader: &'a str,
    /// The format and its version, such as `trivy-json/2`.
    pub(in crate::ingest) format: &'a str,
}

/// An event without `id` and `ledger`, which its author adds.
#[derive(Debug)]
pub(in crate::ingest) struct Draft {
    fields: Map<String, Value>,
    source: Map<String, Value>,
    field_trust: Map<String, Value>,
    labels: Map<String, Value>,
    documents: Vec<String>,
}

impl Draft {
    /// Starts an event of a kind; `time` is the file's own, else the caller's counts.
    pub(in crate::ingest) fn new(
        kind: &str,
        origin: Origin<'_>,
        document: &Document,
        context: &Context,
        time: Option<&ReportTime>,
    ) -> Self {
        let mut source = Map::new();
        source.insert("system".to_owned(), json!(origin.system));
        source.insert("format".to_owned(), json!(origin.format));
        source.insert("reader".to_owned(), json!(format!("{}/{READER_VERSION}", origin.reader)));
        let trust = if context.transport { Trust::Transport } else { Trust::Asserted };
        source.insert("trust".to_owned(), json!(trust.as_str()));
        source.insert("bytes".to_owned(), json!(document.size()));
        if let Some(delivery) = &context.delivery {
            source.insert("delivery".to_owned(), json!(delivery));
        }
        if let Some(time) = time {
            source.insert("reported_at".to_owned(), json!(time.raw));
        }
        let mut draft = Self {
            fields: Map::new(),
            source,
            field_trust: Map::new(),
            labels: Map::new(),
            documents: vec![document.digest().to_owned()],
        };
        draft.put("kind", json!(kind));
        let when = time.map(|time| time.utc.as_str());
        draft.put("occurred_at", json!(when.or(context.occurred_at.as_deref())));
        draft
    }

    /// Sets a field of the kind; null is absent.
    pub(in crate::ingest) fn put(&mut self, name: &str, value: Value) {
        if !value.is_null() {
            self.fields.insert(name.to_owned(), value);
        }
    }

    /// Sets a field of `source`, such as `url` or `run_id`; null is absent.
    pub(in crate::ingest) fn source(&mut self, name: &str, value: Value) {
        if !value.is_null() {
            self.source.insert(name.to_owned(), value);
        }
    }

    /// Names what the event is about as its source knows it: told again, in other bytes or by
    /// another delivery, it is the same event.
    pub(in crate::ingest) fn key(&mut self, parts: &[&str]) {
        self.source("key", json!(parts.join("/")));
    }

    /// Makes an event without a time of its own the same however often the same bytes are read for
    /// the same subject: a job that runs again tells nothing new. A time that was given decides.
    pub(in crate::ingest) fn once(&mut self, document: &Document, subject: &[&str]) {
        if !self.fields.contains_key("occurred_at") {
            let parts: Vec<&str> =
                std::iter::once(document.digest()).chain(subject.iter().copied()).collect();
            self.key(&parts);
        }
    }

    /// Names further files that the event was derived from.
    pub(in crate::ingest) fn also_from(&mut self, document: &Document) {
        let digest = document.digest().to_owned();
        if !self.documents.contains(&digest) {
            self.documents.push(digest);
        }
    }

    /// Says how far the whole event is to be believed; `asserted` otherwise.
    pub(in crate::ingest) fn trust(&mut self, trust: Trust) {
        self.source("trust", json!(trust.as_str()));
    }

    /// Says how far one field is to be believed, where that differs from the whole.
    pub(in crate::ingest) fn trust_field(&mut self, field: &str, trust: Trust) {
        self.field_trust.insert(field.to_owned(), json!(trust.as_str()));
    }

    /// Labels the event; nothing is written for `None`.
    pub(in crate::ingest) fn label(&mut self, name: &str, value: Option<impl Into<String>>) {
        if let Some(value) = value {
            let value: String = value.into().chars().take(LABEL_CHARS_MAX).collect();
            self.labels.insert(name.to_owned(), json!(value));
        }
    }

    /// Returns the fields of the event.
    pub(in crate::ingest) fn finish(mut self) -> Map<String, Value> {
        if !self.field_trust.is_empty() {
            self.source.insert("field_trust".to_owned(), Value::Object(self.field_trust));
        }
        self.fields.insert("source".to_owned(), Value::Object(self.source));
        self.fields.insert("evidence".to_owned(), json!(self.documents));
        if !self.labels.is_empty() {
            self.fields.insert("labels".to_owned(), Value::Object(self.labels));
        }
        self.fields
    }
}
