//! `service.*` and `incident.*`: what was deployed, rolled back or removed, and what went wrong.

use serde_json::{Value, json};

use super::note::Note;
use crate::ingest::error::IngestError;
use crate::ingest::rollout::{Ending, Rollout};

pub(super) fn event(note: &Note<'_>, predicate: &str) -> Result<Vec<Value>, IngestError> {
    match predicate {
        "deployed" | "upgraded" => deployed(note, predicate, None),
        // It does not say what ran before.
        "rolledback" => deployed(note, predicate, Some("rollback")),
        "removed" => removed(note),
        "published" => Err(note.asked.no_event(
            "says that a service takes traffic, not that it was deployed; ingest service.deployed \
             or service.upgraded",
        )),
        _ => Err(note.asked.no_event(
            "is no deploy; relbook reads deployed, upgraded, rolledback \
             and removed",
        )),
    }
}

fn deployed(
    note: &Note<'_>,
    word: &str,
    reason: Option<&'static str>,
) -> Result<Vec<Value>, IngestError> {
    let artifact = note.text("artifactId")?.and_then(super::purl::Purl::parse);
    let (digest, version) = artifact.map_or((None, None), |purl| (purl.digest, purl.version));
    let rollout = Rollout {
        asked: note.asked,
        origin: note.origin(),
        deploy_id: deploy_id(note),
        component: note.component()?,
        environment: note.text_of("environment", "id")?,
        commit: None,
        version: version.as_deref(),
        digest: digest.as_deref(),
        run: None,
        run_attempt: None,
        started: note.time.clone(),
        initiated_by: None,
        reason,
        url: Some(note.source),
        source: Vec::new(),
        labels: note.chain.map(|chain| ("chain_id", chain.to_owned())).into_iter().collect(),
    };
    let key = note.key().join("/");
    rollout.end(Ending::Succeeded, &key, word, note.time.as_ref())
}

/// Names the deploy as its CDEvent is known; an id of the book is no longer than a name.
fn deploy_id(note: &Note<'_>) -> String {
    const CHARS_MAX: usize = 200;
    let id = format!("cdevents:{}", note.key()[1..].join("/"));
    match id.chars().count() <= CHARS_MAX {
        true => id,
        false => format!("cdevents:{}", blake3::hash(id.as_bytes()).to_hex()),
    }
}

fn removed(note: &Note<'_>) -> Result<Vec<Value>, IngestError> {
    let component = note.component()?;
    let scene = note.asked.scene(note.text_of("environment", "id")?)?;
    let removal = |target: &String| {
        let mut draft = note.draft("deploy.removed");
        draft.key(&[&note.key()[..], &[target.as_str()]].concat());
        draft.put("component", json!(component));
        draft.put("environment", json!(scene.environment));
        draft.put("target", json!(target));
        Value::Object(draft.finish())
    };
    Ok(scene.targets.iter().map(removal).collect())
}

pub(super) fn incident(note: &Note<'_>, predicate: &str) -> Result<Vec<Value>, IngestError> {
    let kind = match predicate {
        "detected" | "reported" => "incident.opened",
        "resolved" => "incident.resolved",
        _ => {
            return Err(note.asked.no_event(
                "is neither the beginning nor the end of an incident; relbook reads detected, \
                 reported and resolved",
            ));
        }
    };
    let mut draft = note.draft(kind);
    draft.put("incident_id", json!(note.subject));
    draft.label("environment", note.text_of("environment", "id")?);
    draft.label("service", note.text_of("service", "id")?);
    draft.label("artifact", note.text("artifactId")?);
    draft.label("description", note.text("description")?);
    Ok(vec![Value::Object(draft.finish())])
}
