//! `artifact.*` and `build.finished`, and what is kept as evidence only.

use serde_json::{Value, json};

use super::note::Note;
use crate::ingest::error::IngestError;
use crate::ingest::join::{Sought, artifact};
use crate::ingest::scope::version_of_tag;

/// Returns the version as the component's scheme spells it.
fn version(note: &Note<'_>, component: &str) -> Result<Option<String>, IngestError> {
    let context = note.asked.context;
    let named = note.artifact()?.and_then(|purl| purl.version);
    let named = named
        .and_then(|raw| version_of_tag(context, component, &raw).or(parsed(note, component, raw)));
    Ok(context.version.clone().or(named))
}

fn parsed(note: &Note<'_>, component: &str, raw: String) -> Option<String> {
    let registered = note.asked.context.registry.component(component)?;
    registered.scheme.parse_version(&raw).ok()?;
    Some(raw)
}

pub(super) fn packaged(note: &Note<'_>) -> Result<Vec<Value>, IngestError> {
    let component = note.component()?;
    let context = note.asked.context;
    let version = version(note, &component)?.ok_or_else(|| {
        note.asked.needs("version", "names no version of the component", "say --version")
    })?;
    let named = note.artifact()?.and_then(|purl| purl.digest);
    let digest = given_or_named(note, named)?;
    let change = note.text_of("change", "id")?.filter(|id| is_hash(id));
    let commit = context
        .commit
        .as_deref()
        .or(change)
        .ok_or_else(|| note.asked.needs("commit", "names no commit", "say --commit"))?;
    let mut draft = note.draft("build.completed");
    draft.put("component", json!(component));
    draft.put("version", json!(version));
    draft.put("digest", json!(digest));
    draft.put("commit", json!(commit));
    draft.put("repository", json!(note.text_of("change", "source")?));
    draft.put("builder", json!(note.source));
    Ok(vec![Value::Object(draft.finish())])
}

/// Returns the digest that was given, checked against the one that the event names.
fn given_or_named(note: &Note<'_>, named: Option<String>) -> Result<String, IngestError> {
    let given = note.asked.context.digest.clone();
    if let (Some(given), Some(named)) = (&given, &named)
        && given != named
    {
        return Err(note.asked.no_event(format!("is about {named}, not {given}")));
    }
    named.or(given).ok_or_else(|| {
        note.asked.needs(
            "digest",
            "names no digest (a package URL carries it as pkg:oci/NAME@sha256%3A...)",
            "say --digest",
        )
    })
}

fn is_hash(text: &str) -> bool {
    matches!(text.len(), 40 | 64) && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

pub(super) fn published(note: &Note<'_>) -> Result<Vec<Value>, IngestError> {
    let component = note.component()?;
    let version = version(note, &component)?;
    let digest = note.artifact()?.and_then(|purl| purl.digest);
    let sought = Sought {
        component: &component,
        version: version.as_deref(),
        digest: digest.as_deref(),
        ..Sought::default()
    };
    let joined = artifact(&note.asked, &sought)?;
    if joined.version.is_none() {
        return Err(note.asked.needs("version", "names no version", "say --version"));
    }
    let mut draft = note.draft("release.published");
    draft.put("component", json!(component));
    joined.put(&mut draft);
    draft.label("user", note.text("user")?);
    Ok(vec![Value::Object(draft.finish())])
}

/// Keeps an event as evidence about an artifact: stored, not mapped.
pub(super) fn kept(note: &Note<'_>, what: &str) -> Result<Vec<Value>, IngestError> {
    let named = note.artifact()?.and_then(|purl| purl.digest);
    let Some(digest) = note.asked.context.digest.clone().or(named.clone()) else {
        return Err(note.asked.needs(
            "digest",
            format!(
                "{what}; relbook keeps it as evidence about an artifact, and it names none by \
                     digest"
            ),
            "say --digest",
        ));
    };
    let digest = given_or_named(note, named.or(Some(digest)))?;
    let mut draft = note.draft("attestation.recorded");
    draft.put("component", json!(note.component()?));
    draft.put("digest", json!(digest));
    draft.put("blob", json!(note.asked.document.digest()));
    draft.put("format", json!(note.format()));
    draft.put("content", json!({"subject": note.subject, "source": note.source}));
    Ok(vec![Value::Object(draft.finish())])
}
