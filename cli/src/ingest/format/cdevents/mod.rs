//! CDEvents 0.2 to 0.6, bare or as the data of a CloudEvent (ingest.md 3.9).
//!
//! `context.version` became `specversion` in 0.5.0 and each type carries a version of its own. An
//! unknown minor version is read as far as it is known; an unknown major one is refused. No deploy
//! event names who did it: that is for the transport to say.

mod approval;
mod artifact;
mod check;
mod note;
mod place;
mod purl;
mod service;

use serde_json::Value;

use crate::ingest::document::Document;
use crate::ingest::error::IngestError;
use crate::ingest::json::Place;
use crate::ingest::scope::Asked;
use crate::ingest::{Context, Reader};

use note::Note;

/// The reader of bare CDEvents.
pub(super) struct Cdevents;

impl Reader for Cdevents {
    fn name(&self) -> &'static str {
        "cdevents"
    }

    fn detect(&self, document: &Document) -> bool {
        let kind = document.json().and_then(|json| json.pointer("/context/type")?.as_str());
        kind.is_some_and(is_cdevent)
    }

    fn read(&self, document: &Document, context: &Context) -> Result<Vec<Value>, IngestError> {
        event(&Place::top(document)?, document, context)
    }
}

/// Tells whether a type is one of CDEvents, or of somebody's own beside them.
pub(super) fn is_cdevent(name: &str) -> bool {
    name.starts_with("dev.cdevents.") || name.starts_with("dev.cdeventsx.")
}

/// Derives the events of one CDEvent.
///
/// # Errors
/// [`IngestError`], as every reader.
pub(super) fn event(
    body: &Place<'_>,
    document: &Document,
    context: &Context,
) -> Result<Vec<Value>, IngestError> {
    let head = body.must("context", "an object `context`")?;
    let kind = head.required("type", "a type")?;
    let version = match head.text("specversion")? {
        Some(version) => version,
        None => head.required("version", "the version of CDEvents")?,
    };
    let what = format!("the CDEvent `{kind}`");
    let asked = Asked { document, context, what: &what };
    if version.split('.').next() != Some("0") {
        return Err(IngestError::NoEvent {
            file: document.name().to_owned(),
            what: format!("CDEvents {version}"),
            reason: "is a version that relbook does not know; it reads 0.2 to 0.6".to_owned(),
        });
    }
    let name = kind.strip_prefix("dev.cdevents.").unwrap_or(kind);
    // `service.deployed.0.3.0`: the type has a version of its own behind.
    let word = match name.match_indices('.').nth(1) {
        Some((end, _)) if name.len() < kind.len() => &name[..end],
        _ => name,
    };
    let note = Note::new(asked, body, &head, version, word)?;
    if let Some(name) = kind.strip_prefix("dev.cdeventsx.") {
        return artifact::kept(&note, &format!("is somebody's own event, `{name}`"));
    }
    let (subject, predicate) = word.split_once('.').unwrap_or((word, ""));
    match (subject, predicate) {
        ("service", _) => service::event(&note, predicate),
        ("artifact", "packaged") | ("build", "finished") => artifact::packaged(&note),
        ("artifact", "published") => artifact::published(&note),
        ("artifact", "signed") => artifact::kept(&note, "says that an artifact was signed"),
        ("testsuiterun" | "testsuite" | "testcaserun" | "testcase", "finished") => {
            check::tests(&note)
        }
        ("testsuiterun" | "testsuite" | "testcaserun" | "testcase", "skipped") => {
            check::skipped(&note)
        }
        ("pipelinerun" | "taskrun", "finished") => check::run(&note),
        ("approval", _) => approval::event(&note, predicate),
        ("incident", _) => service::incident(&note, predicate),
        ("branch", "created") => place::branch(&note),
        ("environment", "created" | "modified") => place::environment(&note),
        ("change", _) => Err(note.asked.no_event(
            "names no parents and no author of a commit, and ancestry decides what a release \
             contains; record commits with `relbook import git DIR --component NAME`",
        )),
        _ => Err(note.asked.no_event(
            "says nothing that relbook has an event for; it reads service.*, artifact.*, \
             build.finished, testsuiterun.*, testcaserun.*, pipelinerun.finished, approval.*, \
             branch.created, environment.created and incident.*",
        )),
    }
}
