//! The CI job that relbook runs in: which run, of which commit, started by whom.
//!
//! What a CI system puts into the environment is its own claim, no proof (ingest.md 3.7): it goes
//! into `source` and fills in fields that were not given. A flag always wins over it, and a flag
//! that was given and is empty is refused, never filled in. `RELBOOK_CI=off` turns it off.

mod provider;
pub mod summary;

use std::collections::BTreeMap;
use std::ffi::OsString;

use relbook_ledger::event::Kind;
use serde_json::{Map, Value, json};

/// A run of a CI system, as far as its environment tells.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Run {
    /// The system, such as `github-actions`.
    pub system: &'static str,
    /// Where the run can be seen.
    pub url: Option<String>,
    /// The run.
    pub run_id: Option<String>,
    /// Which try of the run, from 1.
    pub run_attempt: Option<String>,
    /// The commit that is checked out, where it is one of the history.
    pub commit: Option<String>,
    /// The branch.
    pub branch: Option<String>,
    /// The tag.
    pub tag: Option<String>,
    /// Who started this try.
    pub actor: Option<String>,
    /// The repository.
    pub repository: Option<String>,
}

/// The variables of an environment, by name; an empty one is absent.
pub type Variables = BTreeMap<String, String>;

/// Returns the run that the process is part of, if it is part of one.
pub fn here() -> Option<Run> {
    // A variable of somebody else may hold any bytes; those that are read here are text.
    let text = |(name, value): (OsString, OsString)| {
        Some((name.into_string().ok()?, value.into_string().ok()?))
    };
    let all = std::env::vars_os().filter_map(text);
    detect(&all.filter(|(_, value)| !value.is_empty()).collect())
}

/// Returns the run that an environment describes.
pub fn detect(variables: &Variables) -> Option<Run> {
    let off = variables.get("RELBOOK_CI").is_some_and(|value| value == "off");
    if off { None } else { provider::PROVIDERS.iter().find_map(|provider| provider(variables)) }
}

impl Run {
    /// Fills in what an event does not say: where it came from, and the commit, branch, run and
    /// initiator where its kind has them.
    pub fn fill(&self, event: &mut Map<String, Value>) {
        if is_told(event) {
            return;
        }
        let Some(kind) = event.get("kind").and_then(Value::as_str).and_then(Kind::parse) else {
            return;
        };
        let field = |event: &mut Map<String, Value>, name: &str, value: &Option<String>| {
            if let (Some(value), false) = (value, event.contains_key(name)) {
                event.insert(name.to_owned(), json!(value));
            }
        };
        match kind {
            Kind::BuildCompleted => {
                field(event, "commit", &self.commit);
                field(event, "branch", &self.branch);
                field(event, "run_url", &self.url);
            }
            Kind::TagCreated => {
                field(event, "tag", &self.tag);
                field(event, "commit", &self.commit);
            }
            // A check of an artifact is not about what happens to be checked out.
            Kind::CheckCompleted if !event.contains_key("digest") => {
                field(event, "commit", &self.commit);
            }
            Kind::DeployStarted => field(event, "initiated_by", &self.actor),
            _ => {}
        }
        self.fill_source(event);
    }

    fn fill_source(&self, event: &mut Map<String, Value>) {
        let source = event.entry("source").or_insert_with(|| json!({}));
        let Some(source) = source.as_object_mut() else { return };
        let own = json!(self.system);
        for (name, value) in [
            ("system", &own),
            ("url", &json!(self.url)),
            ("run_id", &json!(self.run_id)),
            ("run_attempt", &json!(self.run_attempt)),
            ("actor", &json!(self.actor)),
            ("repository", &json!(self.repository)),
            ("trust", &json!("asserted")),
        ] {
            if !value.is_null() && !source.contains_key(name) {
                source.insert(name.to_owned(), value.clone());
            }
        }
    }
}

/// Tells whether a service or a cluster tells what happened elsewhere: the run that passes it on
/// neither made nor initiated it.
fn is_told(event: &Map<String, Value>) -> bool {
    const SERVICES: [&str; 3] = ["github", "gitlab", "cdevents"];
    const CLUSTER: [&str; 5] = ["argocd", "argo-rollouts", "flux", "flagger", "kargo"];
    let Some(source) = event.get("source") else { return false };
    let system = source.get("system").and_then(Value::as_str).unwrap_or_default();
    CLUSTER.contains(&system) || (source.get("key").is_some() && SERVICES.contains(&system))
}

#[cfg(test)]
mod tests;
