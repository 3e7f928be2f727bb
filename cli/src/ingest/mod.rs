//! Reads what real tools wrote and turns it into events (contract 3 `ingest`; ingest.md).
//!
//! A reader recognises its format by content, never by file name, and derives events from the
//! exact bytes, which stay the evidence: what a reader misses today can be derived again tomorrow.
//! Nothing here repairs input, and what a report does not say is absent, never zero. Adding a
//! format is one file in `format/` and one line in its list.

mod certificate;
mod check;
mod deploy;
mod digest;
mod document;
mod draft;
mod error;
mod filter;
mod foreign;
mod format;
mod image;
mod join;
mod json;
mod kubernetes;
mod person;
mod pushed;
mod recorded;
mod release;
mod rollout;
mod scan;
mod scope;
mod severity;
mod signature;
mod sigstore;
mod time;
pub mod webhook;

#[cfg(test)]
mod tests;

pub use deploy::History;
pub use document::{Document, Fault, Rest};
pub use error::IngestError;
pub use format::memory;
pub use recorded::{Build, Deploy, Recorded, Run, Tag};
pub use signature::{Verification, VerifyKey};
pub use sigstore::TrustedRoot;

use std::fmt;
use std::rc::Rc;
use std::sync::Arc;

use relbook_ledger::registry::Registry;
use serde_json::Value;

use format::READERS;

/// What the caller knows and the report may not say.
#[derive(Debug, Clone, Default)]
pub struct Context {
    /// What the book has registered: components with their tag prefixes, environments.
    pub registry: Registry,
    /// The component, by its registered name; absent where the file is to tell.
    pub component: Option<String>,
    /// The version that was looked at; kept as a label where the event has no such field.
    pub version: Option<String>,
    /// The digest of the artifact, `<algorithm>:<hex>`; checked against the report.
    pub digest: Option<String>,
    /// The stage that the tool ran for; kept as a label where the event has no such field.
    pub stage: Option<String>,
    /// The environment that the file is about.
    pub environment: Option<String>,
    /// The commit that the file is about.
    pub commit: Option<String>,
    /// The target of the environment, where the file does not name one of them.
    pub target: Option<String>,
    /// The suite of a check, where the format does not settle it.
    pub suite: Option<String>,
    /// The name of the event that a webhook's header carries; bodies are ambiguous without it.
    pub event: Option<String>,
    /// The tool's command line: the only witness of filters that a report does not record.
    pub command_line: Option<String>,
    /// The tool's exit code.
    pub exit_code: Option<u8>,
    /// How long the tool ran, in seconds, as the caller measured it.
    pub duration_s: Option<f64>,
    /// Whether a report of tests may hold other cases than it declares.
    pub any_count: bool,
    /// When it happened, RFC 3339 in UTC; used when the report has no time of its own.
    pub occurred_at: Option<String>,
    /// What signatures are checked against; when anything is, an unsigned file is refused.
    pub verification: Verification,
    /// The parents of a merge, which a webhook does not name.
    pub parents: Vec<String>,
    /// The role in which a reported approver decided.
    pub role: Option<String>,
    /// Whether a deploy that did not succeed left what was there before.
    pub restored: Option<bool>,
    /// The id of the delivery, as the sender's header has it.
    pub delivery: Option<String>,
    /// Whether the channel proved who sent it (a webhook's signature or token).
    pub transport: bool,
    /// What the book has recorded, for joins; nothing when absent.
    pub recorded: Option<Rc<dyn Recorded>>,
    /// The files of the call, for formats whose facts are spread over several of them.
    pub beside: Arc<[Document]>,
    /// The builds that the book has recorded.
    pub builds: Builds,
}

/// Looks up which artifacts a version was built as: the join from a tag to a digest that a file
/// lacks. The default knows nothing.
#[derive(Clone, Default)]
pub struct Builds(Option<Rc<Lookup>>);

/// Returns the digests of the builds of a component's version.
type Lookup = dyn Fn(&str, &str) -> Vec<String>;

impl Builds {
    /// Asks `lookup` for the digests of a component and version.
    pub fn new(lookup: impl Fn(&str, &str) -> Vec<String> + 'static) -> Self {
        Self(Some(Rc::new(lookup)))
    }

    /// Asks what the book has recorded; a book that cannot be read knows nothing.
    pub fn of(recorded: Rc<dyn Recorded>) -> Self {
        Self::new(move |component, version| {
            let builds = recorded.builds_of_version(component, version).unwrap_or_default();
            builds.into_iter().map(|build| build.digest).collect()
        })
    }

    /// Returns the one artifact that the version was built as; none when there are several.
    fn digest(&self, component: &str, version: &str) -> Option<String> {
        let mut found = self.0.as_ref()?(component, version);
        found.sort();
        found.dedup();
        if found.len() == 1 { found.pop() } else { None }
    }
}

impl fmt::Debug for Builds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Builds").field(&self.0.is_some()).finish()
    }
}

impl Context {
    /// Returns the component that the caller named.
    ///
    /// # Errors
    /// [`IngestError::NoComponent`].
    pub fn component(&self, document: &Document) -> Result<&str, IngestError> {
        let file = || document.name().to_owned();
        self.component.as_deref().ok_or_else(|| IngestError::NoComponent { file: file() })
    }

    /// Returns the component that the caller named, or the first registered one that the file
    /// names (component or alias).
    ///
    /// # Errors
    /// [`IngestError::NoComponent`]; [`IngestError::Refused`] when the file names another
    /// registered component than the caller.
    fn component_named<'a>(
        &'a self,
        document: &Document,
        names: &[&str],
    ) -> Result<&'a str, IngestError> {
        let named = names.iter().find_map(|name| self.registry.resolve(name));
        match (self.component.as_deref(), named) {
            (Some(given), Some(named)) if given != named => Err(IngestError::Refused {
                file: document.name().to_owned(),
                reason: format!("the file is about {named}, not {given}; leave --component out"),
            }),
            (Some(given), _) => Ok(given),
            (None, Some(named)) => Ok(named),
            (None, None) => self.component(document),
        }
    }
}

/// Reads one format.
pub trait Reader: Sync {
    /// Returns the name that `--as` takes.
    fn name(&self) -> &'static str;

    /// Tells whether several values in one file are one report, and not one each.
    fn takes_lines(&self) -> bool {
        false
    }

    /// Tells whether it reads a large report part by part: lists with `json::Place::rows`, XML
    /// from its source. Others get all of it at once, up to a limit.
    fn streams(&self) -> bool {
        false
    }

    /// Tells whether the content is of this format, in whichever version.
    fn detect(&self, document: &Document) -> bool;

    /// Tells whether files of the format are signed, so that a signature can be checked.
    fn is_signed(&self) -> bool {
        false
    }

    /// As [`Reader::detect`], for content that only the other files of the call tell apart.
    fn detect_beside(&self, document: &Document, context: &Context) -> bool {
        let _ = context;
        self.detect(document)
    }

    /// Returns the format that files of this one explain: `--as` that format leaves them theirs.
    fn accompanies(&self) -> Option<&'static str> {
        None
    }

    /// Derives the events, without `id` and `ledger`, which the author adds before signing.
    ///
    /// # Errors
    /// [`IngestError`] naming the file, the place in it, and what to do.
    fn read(&self, document: &Document, context: &Context) -> Result<Vec<Value>, IngestError>;
}

/// Turns a document into events with the reader that recognises it, or with the one named.
///
/// The caller keeps [`Document::bytes`] as a blob: each event names it in `evidence`.
///
/// # Errors
/// [`IngestError`] when no reader recognises the content, the named one does not exist, or the
/// content cannot be used.
pub fn read(
    document: &Document,
    format: Option<&str>,
    context: &Context,
) -> Result<Vec<Value>, IngestError> {
    let is_one = |reader: &&dyn Reader| reader.takes_lines() && reader.detect(document);
    if document.is_lines() && !READERS.iter().copied().any(|reader| is_one(&reader)) {
        if document.is_large() {
            return read(&document.whole()?, format, context);
        }
        if format.is_none()
            && let Some(events) = format::read_attestations(document, context)
        {
            return events;
        }
        let events = document.parts().iter().map(|part| read(part, format, context));
        return Ok(events.collect::<Result<Vec<_>, _>>()?.into_iter().flatten().collect());
    }
    if let Some(items) = kubernetes::items(document)? {
        let events = items.iter().map(|item| read(item, format, context));
        return Ok(events.collect::<Result<Vec<_>, _>>()?.into_iter().flatten().collect());
    }
    let file = || document.name().to_owned();
    let Some(name) = format else {
        let found = READERS.iter().find(|reader| reader.detect_beside(document, context));
        let Some(reader) = found else {
            let looks_like = foreign::name(document);
            return Err(IngestError::UnknownFormat { file: file(), looks_like });
        };
        return run(*reader, document, context);
    };
    let Some(reader) = READERS.iter().find(|reader| reader.name() == name) else {
        return Err(IngestError::UnknownReader { name: name.to_owned() });
    };
    if let Some(other) = READERS.iter().find(|reader| reader.detect(document))
        && other.name() != name
    {
        if other.accompanies() == Some(name) {
            return run(*other, document, context);
        }
        let found = other.name();
        return Err(IngestError::OtherFormat { file: file(), asked: reader.name(), found });
    }
    run(*reader, document, context)
}

fn run(
    reader: &dyn Reader,
    document: &Document,
    context: &Context,
) -> Result<Vec<Value>, IngestError> {
    check_signed(document, reader, context)?;
    match document.is_large() && !reader.streams() {
        true => reader.read(&document.whole()?, context),
        false => reader.read(document, context),
    }
}

/// Derives the events of a GitHub webhook whose name is known and whose body was put together from
/// parts of `document`.
///
/// # Errors
/// [`IngestError`], as [`read`].
pub fn read_github(
    event: &str,
    body: &Value,
    document: &Document,
    context: &Context,
) -> Result<Vec<Value>, IngestError> {
    let body = json::Place::inside(document, body, "");
    format::github::event(event, &body, document, context)
}

/// Returns which GitHub webhook a body is of, where it can be of one only.
pub fn github_event_of(body: &Value) -> Option<&'static str> {
    format::github::name_of(body)
}

/// Refuses to read as verified what cannot be.
fn check_signed(
    document: &Document,
    reader: &dyn Reader,
    context: &Context,
) -> Result<(), IngestError> {
    if reader.is_signed() || !context.verification.asked() {
        return Ok(());
    }
    let reason = format!(
        "{} carries no signature, so there is nothing to verify; leave --verify-key out, or give \
         an attestation",
        reader.name()
    );
    Err(IngestError::NotAuthentic { file: document.name().to_owned(), reason })
}

/// Returns the objects of a document: the items of a list of Kubernetes, the documents of a file
/// of several, else itself.
///
/// # Errors
/// [`IngestError`] for an empty list.
pub fn objects(document: &Document) -> Result<Vec<Document>, IngestError> {
    if document.is_large() {
        return objects(&document.whole()?);
    }
    let inner = match kubernetes::items(document)? {
        Some(items) => items,
        None if document.parts().is_empty() => return Ok(vec![document.clone()]),
        None => document.parts().to_vec(),
    };
    let nested = inner.iter().map(objects).collect::<Result<Vec<_>, _>>()?;
    Ok(nested.into_iter().flatten().collect())
}

/// Returns the names of all readers, as messages list them.
pub fn reader_names() -> String {
    READERS.iter().map(|reader| reader.name()).collect::<Vec<_>>().join(", ")
}
