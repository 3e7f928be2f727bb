//! `approval.*` (0.6): a request, the decisions, the end. Only a decision is an event here.
//!
//! No approval names an artifact: the caller says version or digest and the stage.

use serde_json::{Value, json};

use super::note::Note;
use crate::ingest::error::IngestError;
use crate::ingest::join::{Sought, artifact};

pub(super) fn event(note: &Note<'_>, predicate: &str) -> Result<Vec<Value>, IngestError> {
    let ended = if predicate == "closed" { note.text("status")? } else { None };
    let decision = note.text("decision")?.or(ended);
    let kind = match (predicate, decision) {
        ("updated" | "closed", Some("approved")) => "approval.granted",
        ("updated" | "closed", Some("rejected")) => "approval.rejected",
        ("created", _) => {
            return Err(note.asked.no_event(
                "asks for a decision; ingest approval.updated or approval.closed, which have one",
            ));
        }
        (_, decision) => {
            let decision = decision.unwrap_or("none");
            return Err(note.asked.no_event(format!(
                "has no decision that counts (decision {decision}); approved and rejected do"
            )));
        }
    };
    let Some(responder) = note.text("responder")? else {
        return Err(note.asked.needs(
            "approver",
            "does not name its responder",
            "let its sender write `responder`",
        ));
    };
    let component = note.component()?;
    let context = note.asked.context;
    let stage = context
        .stage
        .clone()
        .ok_or_else(|| note.asked.needs("stage", "names no stage", "say --stage"))?;
    let sought =
        Sought { component: &component, commit: context.commit.as_deref(), ..Sought::default() };
    let joined = artifact(&note.asked, &sought)?;
    if joined.version.is_none() {
        return Err(note.asked.needs("version", "names no version", "say --version"));
    }
    let mut draft = note.draft(kind);
    // The update and the end tell of one decision.
    let id = [note.source, note.subject, responder].join("/");
    draft.key(&["cdevents", "approval", &id, decision.unwrap_or_default()]);
    draft.put("approval_id", json!(id));
    draft.put("component", json!(component));
    joined.put(&mut draft);
    draft.put("stage", json!(stage));
    draft.put("approver", json!(responder));
    draft.put("role", json!(context.role));
    draft.put("comment", json!(note.text("comment")?));
    draft.source("url", json!(note.text("approvalDetailsUrl")?));
    draft.label("resource", note.text("resourceTargetUrl")?);
    Ok(vec![Value::Object(draft.finish())])
}
