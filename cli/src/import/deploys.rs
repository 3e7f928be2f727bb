//! Reads the deploys that Argo CD or Kargo remember from what `kubectl get -o json` wrote.
//!
//! Both forget: Argo CD after ten syncs, Kargo when it collects its garbage. The readers of
//! `ingest` say what an object proves; here are files, directories, and what is said of the rest:
//! an object that proves nothing is a warning, one that is damaged ends the import. Ids follow from
//! the key that the tool itself gives a deploy, so a later export adds what is new.

use std::collections::{BTreeMap, HashSet};
use std::path::{Path, PathBuf};

use relbook_ledger::time::Time;
use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::git::Warning;
use crate::event_id;
use crate::ingest::{Context, Document, History, IngestError, memory, objects};

/// Whose memory is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Memory {
    /// Argo CD's Applications.
    ArgoCd,
    /// Kargo's Promotions and Stages.
    Kargo,
}

impl Memory {
    /// Returns its name.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::ArgoCd => "argocd",
            Self::Kargo => "kargo",
        }
    }
}

/// Where an object belongs whose own name for its place is not registered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// What the tool calls it.
    pub name: String,
    /// The environment.
    pub environment: String,
    /// The target of it, where it has several.
    pub target: Option<String>,
}

impl std::str::FromStr for Place {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || format!("`{text}` is not NAME=ENVIRONMENT or NAME=ENVIRONMENT/TARGET");
        let (name, place) = text.split_once('=').ok_or_else(wrong)?;
        let (environment, target) = match place.split_once('/') {
            Some((environment, target)) => (environment, Some(target)),
            None => (place, None),
        };
        if name.is_empty() || environment.is_empty() || target == Some("") {
            return Err(wrong());
        }
        let target = target.map(str::to_owned);
        Ok(Self { name: name.to_owned(), environment: environment.to_owned(), target })
    }
}

/// What was found.
#[derive(Debug, Default)]
pub struct Found {
    /// The events, oldest first, with their ids.
    pub events: Vec<Map<String, Value>>,
    /// The files, by their digest: evidence of the events.
    pub files: BTreeMap<String, Document>,
    /// How many objects were read.
    pub objects: usize,
    /// How many deploys they tell of.
    pub deploys: usize,
    /// Objects of other kinds, by kind.
    pub ignored: BTreeMap<String, usize>,
    /// What is told and cannot be recorded.
    pub warnings: Vec<Warning>,
}

/// Lists the files of paths: of a directory those that end in json, yaml or yml, also below it.
///
/// # Errors
/// The path that cannot be read.
pub fn files(paths: &[PathBuf]) -> Result<Vec<PathBuf>, IngestError> {
    let mut found = Vec::new();
    for path in paths {
        if path.is_dir() {
            below(path, &mut found)?;
        } else {
            found.push(path.clone());
        }
    }
    Ok(found)
}

fn below(dir: &Path, found: &mut Vec<PathBuf>) -> Result<(), IngestError> {
    let failed = |source| IngestError::Read { file: dir.display().to_string(), source };
    let mut entries = Vec::new();
    for entry in std::fs::read_dir(dir).map_err(failed)? {
        entries.push(entry.map_err(failed)?.path());
    }
    entries.sort();
    for path in entries {
        let extension = path.extension().and_then(|extension| extension.to_str());
        if path.is_dir() && !path.is_symlink() {
            below(&path, found)?;
        } else if matches!(extension, Some("json" | "yaml" | "yml")) {
            found.push(path);
        }
    }
    Ok(())
}

/// Reads the deploys of all documents.
///
/// # Errors
/// [`IngestError`] when a document is damaged.
pub fn read(
    memory: Memory,
    documents: Vec<Document>,
    context: &Context,
    places: &[Place],
) -> Result<Found, IngestError> {
    let mut found = Found::default();
    let mut all = Vec::new();
    for document in documents {
        all.extend(objects(&document)?);
        found.files.insert(document.digest().to_owned(), document);
    }
    let (wanted, rest): (Vec<_>, Vec<_>) = all.into_iter().partition(|o| is_wanted(memory, o));
    let (freight, rest): (Vec<_>, Vec<_>) =
        rest.into_iter().partition(|o| memory == Memory::Kargo && memory::is_freight(o));
    for other in &rest {
        let kind = other.json().and_then(|json| json.get("kind")).and_then(Value::as_str);
        *found.ignored.entry(kind.unwrap_or("no object").to_owned()).or_default() += 1;
    }
    let context = Context { beside: freight.into(), ..context.clone() };
    let mut seen = HashSet::new();
    // A Promotion knows more than a Stage's memory of it: it goes first.
    let (stages, first): (Vec<_>, Vec<_>) = wanted.into_iter().partition(memory::is_stage);
    for object in first.iter().chain(&stages) {
        found.objects += 1;
        let history = match history(memory, object, &placed(&context, object, places)) {
            Ok(history) => history,
            Err(error) => {
                found.warnings.push(left_out(error)?);
                continue;
            }
        };
        found.add(history, &mut seen);
    }
    found.events.sort_by_key(|event| {
        let at = event.get("occurred_at").and_then(Value::as_str);
        at.and_then(|at| Time::parse(at).ok())
    });
    Ok(found)
}

impl Found {
    fn add(&mut self, history: History, seen: &mut HashSet<Uuid>) {
        let gaps = history.gaps.into_iter();
        self.warnings.extend(gaps.map(|detail| Warning { code: "not_provable", detail }));
        let mut starts = 0;
        for event in history.events {
            let Value::Object(mut event) = event else { continue };
            let Some(id) = event_id::of_key(&event) else { continue };
            if seen.insert(id) {
                let kind = event.get("kind").and_then(Value::as_str);
                starts += usize::from(kind == Some("deploy.started"));
                event.insert("id".to_owned(), json!(id.to_string()));
                self.events.push(event);
            }
        }
        self.deploys += starts;
    }
}

fn is_wanted(memory: Memory, object: &Document) -> bool {
    match memory {
        Memory::ArgoCd => memory::is_application(object),
        Memory::Kargo => memory::is_promotion(object) || memory::is_stage(object),
    }
}

fn history(memory: Memory, object: &Document, context: &Context) -> Result<History, IngestError> {
    match memory {
        Memory::ArgoCd => memory::application(object, context),
        Memory::Kargo => memory::promotions(object, context),
    }
}

/// Puts an object where `--map` says that it belongs.
fn placed(context: &Context, object: &Document, places: &[Place]) -> Context {
    let words = memory::places(object);
    let mut placed = context.clone();
    if let Some(place) = places.iter().find(|place| words.contains(&place.name.as_str())) {
        placed.environment = Some(place.environment.clone());
        placed.target = place.target.clone().or_else(|| placed.target.take());
    }
    placed
}

/// Turns what an object does not say into a warning; what is damaged stays an error.
fn left_out(error: IngestError) -> Result<Warning, IngestError> {
    let detail = error.to_string();
    match error {
        IngestError::NoComponent { .. } => Ok(Warning { code: "no_component", detail }),
        IngestError::Missing { field: "digest", .. } | IngestError::Refused { .. } => {
            Ok(Warning { code: "not_provable", detail })
        }
        IngestError::Missing { .. } => Ok(Warning { code: "no_place", detail }),
        other => Err(other),
    }
}
