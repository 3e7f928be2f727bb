//! Objects of Kubernetes, as `kubectl get -o json|yaml` writes them: one, or a list of any kinds.

use serde_json::{Value, json};

use super::document::Document;
use super::error::IngestError;

/// Readers of these take a whole list, to choose among its items.
const WHOLE: &[&str] = &["aquasecurity.github.io/"];

/// Returns the items of a list; `None` when the document is none.
///
/// # Errors
/// [`IngestError::Refused`] for an empty one.
pub(in crate::ingest) fn items(document: &Document) -> Result<Option<Vec<Document>>, IngestError> {
    let Some(json) = document.json() else { return Ok(None) };
    let text = |key: &str| json.get(key).and_then(Value::as_str).unwrap_or_default();
    let Some(kind) = text("kind").strip_suffix("List") else { return Ok(None) };
    let Some(items) = json.get("items").and_then(Value::as_array) else { return Ok(None) };
    let whole = |value: &Value| {
        let version = value.get("apiVersion").and_then(Value::as_str).unwrap_or_default();
        WHOLE.iter().any(|group| version.starts_with(group))
    };
    if whole(json) || items.iter().any(whole) {
        return Ok(None);
    }
    if items.is_empty() {
        let reason = "the list has no items: kubectl found no such object (see --namespace, -A)";
        let (file, reason) = (document.name().to_owned(), reason.to_owned());
        return Err(IngestError::Refused { file, reason });
    }
    let item = |(i, item): (usize, &Value)| {
        let mut item = item.clone();
        // The API leaves out of the items what the list says of all of them.
        if let Some(fields) = item.as_object_mut()
            && !kind.is_empty()
        {
            fields.entry("apiVersion").or_insert_with(|| json!(text("apiVersion")));
            fields.entry("kind").or_insert_with(|| json!(kind));
        }
        document.inner(format!("{}, item {}", document.name(), i + 1), item)
    };
    Ok(Some(items.iter().enumerate().map(item).collect()))
}
