//! `release`: created, updated or deleted.

use serde_json::{Value, json};

use super::hook::Hook;
use crate::ingest::error::IngestError;
use crate::ingest::join::{Sought, artifact};
use crate::ingest::time;

pub(super) fn release(hook: &Hook<'_>) -> Result<Vec<Value>, IngestError> {
    let body = &hook.body;
    let tag = body.required("tag", "a tag")?;
    let action = body.required("action", "create, update or delete")?;
    let id = body.id("id")?.ok_or_else(|| body.expected_under("id", "a number"))?;
    if !matches!(action, "create" | "delete") {
        return Err(hook.asked.no_event(format!(
            "with the action `{action}` changes the text of {tag}, which is published already"
        )));
    }
    let component = hook.component(Some(tag))?;
    let version = hook.asked.version_of(&component, tag)?;
    if action == "delete" {
        let mut draft = hook.draft("release.yanked", None)?;
        draft.key(&["gitlab", "release", &id, "delete"]);
        draft.put("component", json!(component));
        draft.put("version", json!(version));
        draft.put("reason", json!("the release was deleted on GitLab"));
        draft.source("url", json!(body.text("url")?));
        return Ok(vec![Value::Object(draft.finish())]);
    }
    let commit = body.at("commit")?.map(|commit| commit.text("id")).transpose()?.flatten();
    let joined = artifact(
        &hook.asked,
        &Sought { component: &component, version: Some(&version), commit, ..Sought::default() },
    )?;
    let mut draft =
        hook.draft("release.published", time::spelled(body, "released_at")?.as_ref())?;
    draft.key(&["gitlab", "release", &id, "create"]);
    joined.put(&mut draft);
    draft.put("component", json!(component));
    draft.put("version", json!(version));
    draft.put("commit", json!(commit));
    draft.source("url", json!(body.text("url")?));
    draft.label("tag", Some(tag));
    Ok(vec![Value::Object(draft.finish())])
}
