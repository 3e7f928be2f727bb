//! `environment.*` and `branch.created`: where things are, with what only the caller knows of it.

use serde_json::{Value, json};

use super::note::Note;
use crate::ingest::error::IngestError;

/// Reads an environment. Its targets are the caller's, and what is registered is not replaced.
pub(super) fn environment(note: &Note<'_>) -> Result<Vec<Value>, IngestError> {
    let context = note.asked.context;
    let name = context.environment.as_deref().unwrap_or(note.subject);
    let registered = context.registry.environments().find(|(held, _)| *held == name);
    if let Some((_, targets)) = registered {
        return Err(note.asked.no_event(format!(
            "is about the environment `{name}`, which is registered already with the targets {}; \
             change it with `relbook apply`",
            targets.join(", ")
        )));
    }
    let Some(target) = &context.target else {
        return Err(note.asked.needs(
            "targets",
            format!("does not name the targets of the environment `{name}`"),
            "say --target, or declare the environment with `relbook apply`",
        ));
    };
    let mut draft = note.draft("environment.registered");
    draft.put("environment", json!(name));
    draft.put("targets", json!([target]));
    draft.label("name", note.text("name")?.filter(|shown| *shown != name));
    draft.label("uri", note.text("uri")?.or(note.text("url")?));
    Ok(vec![Value::Object(draft.finish())])
}

/// Reads a branch, on the commit that the caller names.
pub(super) fn branch(note: &Note<'_>) -> Result<Vec<Value>, IngestError> {
    let context = note.asked.context;
    let Some(commit) = &context.commit else {
        return Err(note.asked.needs(
            "commit",
            format!("says that the branch `{}` was made, and not on which commit", note.subject),
            "say --commit",
        ));
    };
    let mut draft = note.draft("branch.created");
    draft.put("component", json!(note.component()?));
    draft.put("branch", json!(note.subject));
    draft.put("base_commit", json!(commit));
    draft.label("commit_from", Some("--commit"));
    Ok(vec![Value::Object(draft.finish())])
}
