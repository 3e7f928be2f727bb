//! Objects of Kubernetes, as `kubectl get -o json|yaml` writes them: one, or a list of any kinds.

use serde_json::{Value, json};

use super::Context;
use super::document::Document;
use super::error::IngestError;
use super::json::Place;

/// Readers of these take a whole list, to choose among its items.
const WHOLE: &[&str] = &["aquasecurity.github.io/"];

/// An object and its metadata.
#[derive(Debug, Clone)]
pub(in crate::ingest) struct Object<'a> {
    /// The object.
    pub(in crate::ingest) top: Place<'a>,
    metadata: Option<Place<'a>>,
}

impl<'a> Object<'a> {
    /// Takes a document as an object.
    pub(in crate::ingest) fn of(document: &'a Document) -> Result<Self, IngestError> {
        let top = Place::top(document)?;
        let metadata = top.at("metadata")?;
        Ok(Self { top, metadata })
    }

    /// Returns the kind.
    pub(in crate::ingest) fn kind(&self) -> Result<&'a str, IngestError> {
        Ok(self.top.text("kind")?.unwrap_or_default())
    }

    /// Returns a text of the metadata, such as `name` or `uid`.
    pub(in crate::ingest) fn meta(&self, key: &str) -> Result<Option<&'a str>, IngestError> {
        self.metadata.as_ref().map_or(Ok(None), |metadata| metadata.text(key))
    }

    /// Returns a label or annotation; `which` is `labels` or `annotations`.
    pub(in crate::ingest) fn note(
        &self,
        which: &str,
        key: &str,
    ) -> Result<Option<&'a str>, IngestError> {
        let Some(metadata) = &self.metadata else { return Ok(None) };
        metadata.at(which)?.map_or(Ok(None), |notes| notes.text(key))
    }

    /// Returns the metadata.
    pub(in crate::ingest) fn metadata(&self) -> Option<&Place<'a>> {
        self.metadata.as_ref()
    }

    /// Returns `namespace/name`.
    pub(in crate::ingest) fn path(&self) -> Result<String, IngestError> {
        let name = self.meta("name")?.unwrap_or("unnamed");
        Ok(match self.meta("namespace")? {
            Some(namespace) => format!("{namespace}/{name}"),
            None => name.to_owned(),
        })
    }

    /// Returns what identifies the object: its uid, else namespace and name.
    pub(in crate::ingest) fn identity(&self) -> Result<String, IngestError> {
        Ok(match self.meta("uid")? {
            Some(uid) => uid.to_owned(),
            None => self.path()?,
        })
    }

    /// Makes the refusal of a kind of the same group that proves nothing here.
    pub(in crate::ingest) fn unsupported(
        &self,
        document: &Document,
        tool: &str,
        reason: &'static str,
    ) -> Result<IngestError, IngestError> {
        let file = document.name().to_owned();
        let what = format!("{tool} {} {}", self.kind()?, self.path()?);
        Ok(IngestError::Unsupported { file, what, reason })
    }
}

/// Tells whether the document is an object of an API group (`argoproj.io`) and of one of the
/// kinds; no kinds are any.
pub(in crate::ingest) fn is(document: &Document, group: &str, kinds: &[&str]) -> bool {
    let Some(json) = document.json() else { return false };
    let text = |key: &str| json.get(key).and_then(Value::as_str).unwrap_or_default();
    let own = text("apiVersion").strip_prefix(group).is_some_and(|rest| rest.starts_with('/'));
    own && !text("kind").is_empty() && (kinds.is_empty() || kinds.contains(&text("kind")))
}

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
    if document.is_large() {
        return self::items(&document.whole()?);
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

/// Returns the names of registered environments and targets that an object's name begins or ends
/// with, such as `production` of `orion-api-production`, with what is left of the name.
pub(in crate::ingest) fn affixes<'a>(
    context: &'a Context,
    name: &'a str,
) -> Vec<(&'a str, &'a str)> {
    let places = context.registry.environments().flat_map(|(environment, targets)| {
        std::iter::once(environment).chain(targets.iter().map(String::as_str))
    });
    let split = |place: &'a str| {
        let behind = name.strip_suffix(place).and_then(|rest| rest.strip_suffix('-'));
        let before = || name.strip_prefix(place).and_then(|rest| rest.strip_prefix('-'));
        behind.or_else(before).filter(|rest| !rest.is_empty()).map(|rest| (place, rest))
    };
    places.filter_map(split).collect()
}

/// Returns what an object calls its place: its labels, its name, and the parts of the name that
/// are registered.
pub(in crate::ingest) fn place_words<'a>(
    context: &'a Context,
    object: &Object<'a>,
) -> Result<Vec<&'a str>, IngestError> {
    const LABELS: &[&str] =
        &["environment", "env", "app.kubernetes.io/environment", "stage", "cluster", "region"];
    let mut words = Vec::new();
    for label in LABELS {
        words.extend(object.note("labels", label)?);
    }
    if let Some(name) = object.meta("name")? {
        words.push(name);
        words.extend(affixes(context, name).into_iter().map(|(place, _)| place));
    }
    words.extend(object.meta("namespace")?);
    Ok(words)
}

/// Returns what an object calls its component: its labels and its name, also without its place.
pub(in crate::ingest) fn component_words<'a>(
    context: &'a Context,
    object: &Object<'a>,
) -> Result<Vec<&'a str>, IngestError> {
    let mut words = Vec::new();
    for label in ["app.kubernetes.io/name", "app"] {
        words.extend(object.note("labels", label)?);
    }
    if let Some(name) = object.meta("name")? {
        words.push(name);
        words.extend(affixes(context, name).into_iter().map(|(_, rest)| rest));
    }
    Ok(words)
}
