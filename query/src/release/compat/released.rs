//! The released versions of a component: what a range of the matrix is held against.
//!
//! A published component has released what was published and not yanked; a deployed one what was
//! built. Building is releasing there: promotion is judged elsewhere (semantics C.1 Q5).

use std::collections::BTreeMap;

use relbook_ledger::event::Body;
use relbook_ledger::version::Version;

use crate::release::current::offered;
use crate::release::index::Key;
use crate::release::product::Component;
use crate::release::{Core, Fact, FactsError};

/// A released version.
#[derive(Debug, Clone, PartialEq)]
pub struct Released {
    /// The version, as it was given.
    pub text: String,
    /// The version, in the scheme of its component.
    pub version: Version,
    /// The artifact.
    pub digest: String,
    /// The commit, where the build or publish names it.
    pub commit: Option<String>,
    /// The version of the application that a chart installs.
    pub app_version: Option<String>,
    /// The seq of the build or publish.
    pub seq: u64,
}

impl Core<'_> {
    /// Returns the released versions of a component, lowest first.
    ///
    /// # Errors
    /// [`FactsError`] when the facts cannot be read.
    pub fn released(&self, component: &Component) -> Result<Vec<Released>, FactsError> {
        let name = component.name.clone();
        let mut by_text: BTreeMap<String, Released> = BTreeMap::new();
        let mut add = |fact: &Fact| by_text.extend(released(component, fact));
        let publishes = self.facts().find(&Key::Publishes { component: name.clone() })?;
        let offered = offered(&publishes);
        if !component.is_published() {
            let yanked = |version: &str| {
                !offered.contains_key(version)
                    && publishes.iter().any(|fact| {
                        matches!(fact.body(), Body::ReleaseYanked(y) if *y.version == *version)
                    })
            };
            for fact in self.facts().find(&Key::Builds { component: name })? {
                if let Body::BuildCompleted(b) = fact.body()
                    && b.outcome.as_deref().is_none_or(|outcome| outcome == "succeeded")
                    && !yanked(&b.version)
                {
                    add(&fact);
                }
            }
        }
        offered.values().for_each(|fact| add(fact));
        let mut released: Vec<Released> = by_text.into_values().collect();
        released.sort_by(|a, b| (a.version.key(), &a.text).cmp(&(b.version.key(), &b.text)));
        Ok(released)
    }
}

/// Reads a build or a publish; none when the version was admitted under an earlier scheme.
fn released(component: &Component, fact: &Fact) -> Option<(String, Released)> {
    let (text, digest, commit, app_version) = match fact.body() {
        Body::BuildCompleted(b) => (&b.version, &b.digest, Some(b.commit.to_string()), None),
        Body::ReleasePublished(r) => {
            let commit = r.commit.as_ref().map(ToString::to_string);
            (&r.version, &r.digest, commit, r.app_version.as_ref().map(ToString::to_string))
        }
        _ => return None,
    };
    let version = component.scheme.parse_version(text).ok()?;
    let released = Released {
        text: text.to_string(),
        version,
        digest: digest.to_string(),
        commit,
        app_version,
        seq: fact.seq,
    };
    Some((text.to_string(), released))
}
