//! Which version and commit an artifact is, and which tag names it (semantics A.3).
//!
//! Identity is the digest. The commit of a digest is that of its successful build, never the
//! present target of a tag, because tags move; both are reported.

use std::collections::BTreeSet;

use relbook_ledger::event::Body;
use relbook_ledger::version::Version;

use super::Core;
use super::fact::{Fact, FactsError, Moment};
use super::index::Key;
use super::product::Component;

/// What a build says of a digest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin {
    /// The version.
    pub version: String,
    /// The artifact.
    pub digest: String,
    /// The commit.
    pub commit: String,
    /// The seq of the build.
    pub seq: u64,
    /// Whether another build of the same digest says something else.
    pub ambiguous: bool,
}

/// Where a version's tag points now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TagTarget {
    /// The tag.
    pub tag: String,
    /// The commit that it points to.
    pub commit: String,
    /// The seq of the event that says so.
    pub seq: u64,
}

impl Core<'_> {
    /// Returns what the builds say of a digest: empty without provenance, several when they
    /// disagree and none of them has the version that was deployed.
    ///
    /// # Errors
    /// [`FactsError`] when the facts cannot be read.
    pub fn origins(
        &self,
        component: &str,
        digest: &str,
        deployed_as: Option<&str>,
    ) -> Result<Vec<Origin>, FactsError> {
        let key = Key::BuildDigest { component: component.to_owned(), digest: digest.to_owned() };
        let mut all = self.builds(&key)?;
        if let Some(version) = deployed_as
            && all.iter().any(|origin| origin.version == version)
        {
            all.retain(|origin| origin.version == version);
        }
        let mut distinct: Vec<Origin> = Vec::new();
        for origin in all {
            let same = |o: &Origin| o.version == origin.version && o.commit == origin.commit;
            if !distinct.iter().any(same) {
                distinct.push(origin);
            }
        }
        let ambiguous = distinct.len() > 1;
        distinct.iter_mut().for_each(|origin| origin.ambiguous = ambiguous);
        Ok(distinct)
    }

    /// Returns the first of [`Core::origins`].
    ///
    /// # Errors
    /// [`FactsError`] when the facts cannot be read.
    pub fn origin(
        &self,
        component: &str,
        digest: &str,
        deployed_as: Option<&str>,
    ) -> Result<Option<Origin>, FactsError> {
        Ok(self.origins(component, digest, deployed_as)?.into_iter().next())
    }

    /// Says when a build's CalVer version names another month than that of the build (A.1).
    ///
    /// # Errors
    /// [`FactsError`] when the facts cannot be read.
    pub fn misdated(
        &self,
        component: &Component,
        origin: &Origin,
    ) -> Result<Option<String>, FactsError> {
        let version = component.scheme.parse_version(&origin.version).ok();
        let named = version.as_ref().and_then(Version::year_month);
        let (Some(named), Some(build)) = (named, self.facts.fact(origin.seq)?) else {
            return Ok(None);
        };
        let (year, month, _) = build.moment().at.year_month_day();
        let same = (i64::from(named.0), named.1) == (i64::from(year), month);
        let told = || {
            format!("{} {} was built in {year}-{month:02} (UTC)", component.name, origin.version)
        };
        Ok((!same).then(told))
    }

    /// Returns the successful builds of a version, oldest first.
    ///
    /// # Errors
    /// [`FactsError`] when the facts cannot be read.
    pub fn builds_of_version(
        &self,
        component: &str,
        version: &str,
    ) -> Result<Vec<Origin>, FactsError> {
        self.builds(&Key::BuildVersion {
            component: component.to_owned(),
            version: version.to_owned(),
        })
    }

    fn builds(&self, key: &Key) -> Result<Vec<Origin>, FactsError> {
        let facts = self.facts.find(key)?;
        let origin = |fact: &std::sync::Arc<Fact>| match fact.body() {
            Body::BuildCompleted(b) if b.outcome.as_deref().is_none_or(|o| o == "succeeded") => {
                Some(Origin {
                    version: b.version.to_string(),
                    digest: b.digest.to_string(),
                    commit: b.commit.to_string(),
                    seq: fact.seq,
                    ambiguous: false,
                })
            }
            _ => None,
        };
        Ok(facts.iter().filter_map(origin).collect())
    }

    /// Returns where the tag of a version points: the tag that says so, or that has the version
    /// behind the component's prefix (A.1 rule 5).
    ///
    /// # Errors
    /// [`FactsError`] when the facts cannot be read.
    pub fn tag_of(&self, component: &str, version: &str) -> Result<Option<TagTarget>, FactsError> {
        let registered = self.component(component)?;
        let prefix = registered.as_ref().and_then(|c| c.spec.tag_prefix.as_deref());
        let mut names = BTreeSet::from([format!("{}{version}", prefix.unwrap_or_default())]);
        let key = Key::TagVersion { component: component.to_owned(), version: version.to_owned() };
        for fact in self.facts.find(&key)? {
            names.extend(tagging(&fact).map(|tag| tag.name.to_owned()));
        }
        let mut last: Option<(Moment, TagTarget)> = None;
        for name in names {
            let key = Key::Tag { component: component.to_owned(), tag: name };
            self.facts.newest(&key, &mut |fact| {
                let Some(tag) = tagging(fact) else { return true };
                if tag.version.is_some_and(|named| named != version) {
                    return true;
                }
                if last.as_ref().is_none_or(|(moment, _)| fact.moment() > *moment) {
                    let (tag, commit) = (tag.name.to_owned(), tag.commit.to_owned());
                    last = Some((fact.moment(), TagTarget { tag, commit, seq: fact.seq }));
                }
                false
            })?;
        }
        Ok(last.map(|(_, target)| target))
    }

    /// Returns the digest, commit and seq of the last publish of a version.
    ///
    /// # Errors
    /// [`FactsError`] when the facts cannot be read.
    pub fn publish_of(
        &self,
        component: &str,
        version: &str,
    ) -> Result<Option<(String, Option<String>, u64)>, FactsError> {
        let facts = self.facts.find(&Key::Publishes { component: component.to_owned() })?;
        Ok(facts.iter().rev().find_map(|fact| match fact.body() {
            Body::ReleasePublished(release) if *release.version == *version => Some((
                release.digest.to_string(),
                release.commit.as_deref().map(str::to_owned),
                fact.seq,
            )),
            _ => None,
        }))
    }
}

/// What an event says of a tag.
struct Tagging<'a> {
    name: &'a str,
    version: Option<&'a str>,
    commit: &'a str,
}

fn tagging(fact: &Fact) -> Option<Tagging<'_>> {
    let (name, version, commit) = match fact.body() {
        Body::TagCreated(t) => (&t.tag, &t.version, &t.commit),
        Body::TagMoved(t) => (&t.tag, &t.version, &t.commit),
        _ => return None,
    };
    Some(Tagging { name, version: version.as_deref(), commit })
}
