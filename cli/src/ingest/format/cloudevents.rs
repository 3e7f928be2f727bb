//! CloudEvents 0.3 and 1.0 in structured JSON, one or a batch.
//!
//! The envelope is read for what it carries: a CDEvent in `data` is read as such. Any other type is
//! refused by its name, because only its sender knows what it means.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

use super::cdevents;
use crate::ingest::document::Document;
use crate::ingest::error::IngestError;
use crate::ingest::json::Place;
use crate::ingest::{Context, Reader};

/// The reader of CloudEvents.
pub(super) struct CloudEvents;

impl Reader for CloudEvents {
    fn name(&self) -> &'static str {
        "cloudevents"
    }

    fn detect(&self, document: &Document) -> bool {
        let is_one = |json: &Value| {
            let text = |key: &str| json.get(key).is_some_and(Value::is_string);
            ["specversion", "id", "source", "type"].iter().all(|key| text(key))
        };
        document.json().is_some_and(|json| match json.as_array() {
            Some(batch) => !batch.is_empty() && batch.iter().all(is_one),
            None => is_one(json),
        })
    }

    fn read(&self, document: &Document, context: &Context) -> Result<Vec<Value>, IngestError> {
        let top = Place::top(document)?;
        if !top.value().is_array() {
            return event(&top, document, context);
        }
        let events = top.items()?.into_iter().map(|place| event(&place, document, context));
        Ok(events.collect::<Result<Vec<_>, _>>()?.into_iter().flatten().collect())
    }
}

fn event(
    place: &Place<'_>,
    document: &Document,
    context: &Context,
) -> Result<Vec<Value>, IngestError> {
    let version = place.required("specversion", "a version")?;
    let kind = place.required("type", "a type")?;
    let refuse = |reason: String| IngestError::NoEvent {
        file: document.name().to_owned(),
        what: format!("the CloudEvent `{kind}`"),
        reason,
    };
    if !matches!(version, "0.3" | "1.0") {
        return Err(refuse(format!("is of CloudEvents {version}; relbook reads 0.3 and 1.0")));
    }
    if !cdevents::is_cdevent(kind) {
        return Err(refuse(
            "carries what only its sender knows; relbook reads CDEvents (types dev.cdevents.*) \
             out of CloudEvents"
                .to_owned(),
        ));
    }
    if let Some(data) = place.at("data")?
        && data.value().is_object()
    {
        return cdevents::event(&data, document, context);
    }
    // Some senders write the CDEvent as a text, or as base64 of one.
    let text = match place.text("data")? {
        Some(text) => text.as_bytes().to_vec(),
        None => {
            let encoded = place.required("data_base64", "a CDEvent in `data`")?;
            STANDARD.decode(encoded).map_err(|_| place.expected_under("data_base64", "base64"))?
        }
    };
    let inner = Document::from_bytes(document.name(), text)?;
    let value = inner.json().ok_or_else(|| refuse("carries no JSON in `data`".to_owned()))?;
    cdevents::event(&Place::inside(document, value, "data"), document, context)
}
