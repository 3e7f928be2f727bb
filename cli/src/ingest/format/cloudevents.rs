//! CloudEvents 0.3 and 1.0 in structured JSON, one or a batch.
//!
//! The envelope is read for what it carries: a CDEvent in `data` is read as such. Of any other type
//! only its sender knows what it means: it is kept as evidence about the artifact that `--digest`
//! names, and mapped to nothing.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value, json};

use super::cdevents;
use crate::ingest::document::Document;
use crate::ingest::draft::{Draft, Origin};
use crate::ingest::error::IngestError;
use crate::ingest::json::Place;
use crate::ingest::scope::Asked;
use crate::ingest::{Context, Reader, time};

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
        return kept(place, version, kind, document, context);
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

/// Keeps an event as evidence about an artifact.
fn kept(
    place: &Place<'_>,
    version: &str,
    kind: &str,
    document: &Document,
    context: &Context,
) -> Result<Vec<Value>, IngestError> {
    let what = format!("the CloudEvent `{kind}`");
    let asked = Asked { document, context, what: &what };
    let Some(digest) = &context.digest else {
        return Err(asked.needs(
            "digest",
            "carries what only its sender knows, and relbook keeps such an event as evidence about \
             an artifact only",
            "say --digest (CDEvents, the types dev.cdevents.*, are read for what they say)",
        ));
    };
    let (source, id) = (place.required("source", "a source")?, place.required("id", "an id")?);
    let format = format!("cloudevents/{version}");
    let origin = Origin { system: "cloudevents", reader: "cloudevents", format: &format };
    let at = time::at(place, "time")?;
    let mut draft = Draft::new("attestation.recorded", origin, document, context, at.as_ref());
    draft.key(&[source, id]);
    draft.put("component", json!(asked.component(&[], None)?));
    draft.put("digest", json!(digest));
    draft.put("blob", json!(document.digest()));
    draft.put("format", json!(format));
    let mut content = Map::new();
    for name in ["type", "source", "id", "subject", "dataschema", "datacontenttype"] {
        if let Some(text) = place.text(name)? {
            content.insert(name.to_owned(), json!(text));
        }
    }
    draft.put("content", Value::Object(content));
    draft.label("stage", context.stage.as_deref());
    draft.label("version", context.version.as_deref());
    Ok(vec![Value::Object(draft.finish())])
}
