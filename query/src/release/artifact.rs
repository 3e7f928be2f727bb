//! Which version and commit an artifact is, and which tag names it (semantics A.3).
//!
//! Identity is the digest. The commit of a digest is that of its successful build, never the
//! present target of a tag, because tags move; both are reported.

use relbook_ledger::event::Body;

use super::Core;
use super::fact::FactsError;
use super::index::Key;

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
        let origin = |fact: &std::sync::Arc<super::Fact>| match fact.body() {
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

    /// Returns where the tag of a version points.
    ///
    /// # Errors
    /// [`FactsError`] when the facts cannot be read.
    pub fn tag_of(&self, component: &str, version: &str) -> Result<Option<TagTarget>, FactsError> {
        let key = Key::TagVersion { component: component.to_owned(), version: version.to_owned() };
        Ok(self.facts.latest(&key)?.and_then(|fact| match fact.body() {
            Body::TagCreated(t) => Some(TagTarget {
                tag: t.tag.to_string(),
                commit: t.commit.to_string(),
                seq: fact.seq,
            }),
            Body::TagMoved(t) => Some(TagTarget {
                tag: t.tag.to_string(),
                commit: t.commit.to_string(),
                seq: fact.seq,
            }),
            _ => None,
        }))
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
