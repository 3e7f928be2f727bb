//! Reads what GitHub knows of past releases: API answers and webhooks, saved in a directory.
//!
//! GitHub forgets deliveries after days and shows a deployment's states one call at a time. What
//! was saved is put together by id (states with their deployment, reviews with their pull request
//! or run) into the bodies that webhooks have, and read as those are (`ingest`). What does not say
//! what an event needs becomes a warning, never a guess; a file that is damaged refuses the import.

mod gather;
mod order;
mod shape;

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, HashSet};
use std::path::{Path, PathBuf};

use serde_json::{Map, Value};

use super::git::Warning;
use crate::ingest::{Context, Document, IngestError, read_github};

use gather::{Body, Gathered};

/// What an import found.
#[derive(Debug, Default)]
pub struct Import {
    /// The events, by time; without ids.
    pub events: Vec<Map<String, Value>>,
    /// The files, whose bytes the events name as evidence.
    pub documents: Vec<Document>,
    /// How many commits and tags the book has already, whoever recorded them.
    pub known: usize,
    /// How many objects of each kind there were.
    pub objects: BTreeMap<&'static str, usize>,
    /// What gave no event, and why.
    pub warnings: Vec<Warning>,
}

/// Reads a directory.
///
/// # Errors
/// [`IngestError`] when a file cannot be read or is damaged.
pub fn import(dir: &Path, context: &Context) -> Result<Import, IngestError> {
    let mut found = Import::default();
    for path in files(dir)? {
        if is_json(&path)? {
            found.documents.push(Document::open(&path)?);
        } else {
            let detail = format!("{} is no JSON and was left out", path.display());
            found.warnings.push(Warning { code: "skipped_file", detail });
        }
    }
    let mut gathered = Gathered::default();
    for (file, document) in found.documents.iter().enumerate() {
        let parts = if document.parts().is_empty() {
            std::slice::from_ref(document)
        } else {
            document.parts()
        };
        for part in parts {
            if let Some(value) = part.json() {
                gathered.take(value, file, part.name());
            }
        }
    }
    found.warnings.append(&mut gathered.warnings);
    let bodies = gathered.bodies();
    found.objects = gathered.counts;
    let mut seen = HashSet::new();
    for body in bodies {
        events_of(&body, context, &mut found, &mut seen)?;
    }
    order::by_time(&mut found.events);
    Ok(found)
}

/// Adds the events of one body; the first that tells of something is the one that counts.
fn events_of(
    body: &Body,
    context: &Context,
    found: &mut Import,
    seen: &mut HashSet<String>,
) -> Result<(), IngestError> {
    let context = Context { parents: body.parents.clone(), ..context.clone() };
    let Some(document) = body.files.first().and_then(|file| found.documents.get(*file)) else {
        return Ok(());
    };
    let events = match read_github(body.event, &body.value, document, &context) {
        Ok(events) => events,
        Err(error) => {
            found.warnings.push(warning(body, error)?);
            return Ok(());
        }
    };
    for event in events {
        let Value::Object(mut event) = event else { continue };
        let text = |name: &str| event.get(name).and_then(Value::as_str).unwrap_or_default();
        let key = event.get("source").and_then(|source| source.get("key")?.as_str());
        let name = [key.unwrap_or_default(), text("kind"), text("target")].join("\n");
        if key.is_some() && !seen.insert(name) {
            continue;
        }
        if is_known(&event, &context)? {
            found.known += 1;
            continue;
        }
        let mut digests: Vec<Value> = Vec::new();
        for file in body.files.iter().filter_map(|file| found.documents.get(*file)) {
            let digest = Value::from(file.digest());
            if !digests.contains(&digest) {
                digests.push(digest);
            }
        }
        event.insert("evidence".to_owned(), Value::Array(digests));
        found.events.push(event);
    }
    Ok(())
}

/// Tells whether the book has a commit or tag already: it may come from `import git`.
fn is_known(event: &Map<String, Value>, context: &Context) -> Result<bool, IngestError> {
    let Some(book) = &context.recorded else { return Ok(false) };
    let text = |name: &str| event.get(name).and_then(Value::as_str).unwrap_or_default();
    let (component, commit) = (text("component"), text("commit"));
    let known = match text("kind") {
        "commit.merged" => book.commit(component, commit).map(|seq| seq.is_some()),
        "tag.created" => {
            book.tag(component, text("tag")).map(|tag| tag.is_some_and(|tag| tag.commit == commit))
        }
        _ => Ok(false),
    };
    known.map_err(|reason| IngestError::Book { file: "the import".to_owned(), reason })
}

/// Turns what gave no event into a warning; damage stays an error.
fn warning(body: &Body, error: IngestError) -> Result<Warning, IngestError> {
    let code = match &error {
        IngestError::NoEvent { .. } => "no_event",
        IngestError::MissingLink { .. } => "not_joined",
        IngestError::Needs { .. }
        | IngestError::NoComponent { .. }
        | IngestError::SeveralComponents { .. } => "incomplete",
        _ => return Err(error),
    };
    let text = error.to_string();
    // The place in the file says more than the file alone.
    let text = match body.files.first() {
        Some(_) => text.split_once(": ").map_or(text.as_str(), |(_, rest)| rest).to_owned(),
        None => text,
    };
    Ok(Warning { code, detail: format!("{}: {text}", body.place) })
}

/// Returns the files of a directory and below, by name; links are not followed.
fn files(dir: &Path) -> Result<Vec<PathBuf>, IngestError> {
    let failed = |source| IngestError::Read { file: dir.display().to_string(), source };
    let mut found = Vec::new();
    for entry in std::fs::read_dir(dir).map_err(failed)? {
        let entry = entry.map_err(failed)?;
        let kind = entry.file_type().map_err(failed)?;
        if kind.is_dir() {
            found.extend(files(&entry.path())?);
        } else if kind.is_file() {
            found.push(entry.path());
        }
    }
    found.sort();
    Ok(found)
}

/// Tells by the first character whether a file is meant to be JSON; an empty one is, because a
/// call that failed leaves it behind.
fn is_json(path: &Path) -> Result<bool, IngestError> {
    use std::io::Read as _;
    const ENOUGH: usize = 64;
    let failed = |source| IngestError::Read { file: path.display().to_string(), source };
    let mut file = std::fs::File::open(path).map_err(failed)?;
    let mut start = [0; ENOUGH];
    let count = file.read(&mut start).map_err(failed)?;
    let start = start[..count].strip_prefix(b"\xef\xbb\xbf").unwrap_or(&start[..count]);
    let first = start.iter().find(|byte| !byte.is_ascii_whitespace());
    Ok(matches!(first, None | Some(b'{' | b'[')))
}
