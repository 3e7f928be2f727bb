//! What a version meant: every artifact that it was bound to, since when and until when
//! (semantics A.3, C.2 N4).

use std::collections::BTreeSet;
use std::sync::Arc;

use relbook_ledger::event::{Body, FinishOutcome, Stage};
use relbook_ledger::time::Time;

use super::fact::{Fact, FactsError, Moment};
use super::index::Key;
use super::{Component, Core};

/// One artifact that a version was bound to.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct VersionBinding {
    /// The artifact; absent for a version that only a tag names.
    pub digest: Option<String>,
    /// The commit that it was built from.
    pub commit: Option<String>,
    /// When it was built first.
    pub built_at: Option<Time>,
    /// Since when the version meant this artifact.
    pub valid_from: Option<Time>,
    /// Until when; absent for what it means now.
    pub valid_until: Option<Time>,
    /// Where the tag of the version points now.
    pub tag_target: Option<String>,
    /// When the tag last moved.
    pub tag_moved_at: Option<Time>,
    /// When the artifact was live in production, or published, first.
    pub first_live_at: Option<Time>,
    /// What is in conflict: `rebuilt`, `tag_moved`, `tag_mismatch`.
    pub conflicts: Vec<String>,
    /// The seqs that it rests on.
    pub evidence: Vec<u64>,
}

/// The artifact and commit that one event says a version is.
type Said = (String, Option<String>, Arc<Fact>);

impl Core<'_> {
    /// Returns the artifacts that a version was bound to, oldest first.
    ///
    /// # Errors
    /// [`FactsError`] when the facts cannot be read.
    pub fn version_bindings(
        &self,
        component: &Component,
        version: &str,
    ) -> Result<Vec<VersionBinding>, FactsError> {
        let said = self.said_of(component, version)?;
        let tags = self.tags_of_version(component, version)?;
        let target = tags.last().and_then(|fact| tagged(fact));
        let moved = tags.windows(2).rev().find_map(|pair| {
            let [before, after] = pair else { return None };
            (tagged(before)? != tagged(after)?).then(|| after.moment().at)
        });
        let moved = moved.or_else(|| {
            tags.last()
                .filter(|fact| matches!(fact.body(), Body::TagMoved(_)))
                .map(|f| f.moment().at)
        });
        let digests: BTreeSet<&String> = said.iter().map(|(digest, ..)| digest).collect();
        let rebuilt = digests.len() > 1;
        let mut bindings: Vec<VersionBinding> = Vec::new();
        for (digest, commit, fact) in &said {
            let built = matches!(fact.body(), Body::BuildCompleted(_)).then(|| fact.moment().at);
            let same = |known: &VersionBinding| known.digest.as_ref() == Some(digest);
            // A deploy of an artifact that is known uses it; a build or publish binds it again.
            let uses = matches!(fact.body(), Body::DeployStarted(_));
            let current = match bindings.last().is_some_and(same) || uses {
                true => bindings.iter_mut().rev().find(|known| same(known)),
                false => None,
            };
            if let Some(known) = current {
                known.commit = known.commit.take().or_else(|| commit.clone());
                known.built_at = known.built_at.or(built);
                known.evidence.push(fact.seq);
                continue;
            }
            let at = fact.moment().at;
            if let Some(last) = bindings.last_mut() {
                last.valid_until = Some(at);
            }
            let mut evidence = vec![fact.seq];
            let first_live = self.first_live(component, digest)?;
            evidence.extend(first_live.iter().flat_map(|(_, seqs)| seqs));
            bindings.push(VersionBinding {
                digest: Some(digest.clone()),
                commit: commit.clone(),
                built_at: built,
                valid_from: Some(at),
                valid_until: None,
                tag_target: target.clone(),
                tag_moved_at: moved,
                first_live_at: first_live.map(|(moment, _)| moment.at),
                conflicts: Vec::new(),
                evidence,
            });
        }
        if bindings.is_empty() && target.is_some() {
            bindings.push(VersionBinding {
                tag_target: target.clone(),
                tag_moved_at: moved,
                ..VersionBinding::default()
            });
        }
        for binding in &mut bindings {
            let mismatch = match (&target, &binding.commit) {
                (Some(target), Some(commit)) => target != commit,
                _ => false,
            };
            for (holds, word) in
                [(rebuilt, "rebuilt"), (moved.is_some(), "tag_moved"), (mismatch, "tag_mismatch")]
            {
                binding.conflicts.extend(holds.then(|| word.to_owned()));
            }
            binding.evidence.extend(tags.iter().map(|fact| fact.seq));
        }
        Ok(bindings)
    }

    /// Returns what builds, publishes and deploys say of a version: artifact and commit.
    fn said_of(&self, component: &Component, version: &str) -> Result<Vec<Said>, FactsError> {
        let name = || component.name.clone();
        let mut facts = self
            .facts
            .find(&Key::BuildVersion { component: name(), version: version.to_owned() })?;
        facts.extend(self.facts.find(&Key::Publishes { component: name() })?);
        let starts = Key::StartVersion { component: name(), version: version.to_owned() };
        facts.extend(self.facts.find(&starts)?);
        facts.sort_by_key(|fact| fact.moment());
        let mut said = Vec::new();
        for fact in facts {
            let (digest, commit) = match fact.body() {
                Body::BuildCompleted(b)
                    if b.outcome.as_deref().is_none_or(|o| o == "succeeded") =>
                {
                    (b.digest.to_string(), Some(b.commit.to_string()))
                }
                Body::ReleasePublished(r) if *r.version == *version => {
                    (r.digest.to_string(), r.commit.as_ref().map(ToString::to_string))
                }
                Body::DeployStarted(s) if s.version.as_deref() == Some(version) => {
                    (s.digest.to_string(), None)
                }
                _ => continue,
            };
            said.push((digest, commit, fact));
        }
        Ok(said)
    }

    /// Returns the makings and moves of the tag of a version, oldest first.
    fn tags_of_version(
        &self,
        component: &Component,
        version: &str,
    ) -> Result<Vec<Arc<Fact>>, FactsError> {
        let name = || component.name.clone();
        let prefix = component.spec.tag_prefix.as_deref().unwrap_or_default();
        let by_name = Key::Tag { component: name(), tag: format!("{prefix}{version}") };
        let by_version = Key::TagVersion { component: name(), version: version.to_owned() };
        let mut tags = self.facts.find(&by_name)?;
        tags.extend(self.facts.find(&by_version)?);
        // A tag may say itself which version it is, whatever its name looks like.
        tags.retain(|fact| named(fact).is_none_or(|named| named == version));
        tags.sort_by_key(|fact| fact.moment());
        tags.dedup_by_key(|fact| fact.seq);
        Ok(tags)
    }

    /// Returns when an artifact was live first, and the seqs that say so.
    fn first_live(
        &self,
        component: &Component,
        digest: &str,
    ) -> Result<Option<(Moment, Vec<u64>)>, FactsError> {
        let mut first: Option<(Moment, Vec<u64>)> = None;
        for deploy in self.deploys_of_digest(&component.name, digest)? {
            if deploy.start.stage == Stage::Production {
                let done =
                    deploy.targets.iter().filter(|t| t.outcome == Some(FinishOutcome::Succeeded));
                let done = done.filter_map(|target| target.finished).min();
                let done = done.map(|moment| (moment, vec![deploy.fact.seq, moment.seq]));
                first = [first, done].into_iter().flatten().min();
            }
        }
        if component.is_published() {
            let key = Key::Publishes { component: component.name.clone() };
            let published = self.facts.find(&key)?.into_iter().find(
                |fact| matches!(fact.body(), Body::ReleasePublished(r) if *r.digest == *digest),
            );
            let published = published.map(|fact| (fact.moment(), vec![fact.seq]));
            first = [first, published].into_iter().flatten().min();
        }
        Ok(first)
    }
}

fn tagged(fact: &Fact) -> Option<String> {
    match fact.body() {
        Body::TagCreated(t) => Some(t.commit.to_string()),
        Body::TagMoved(t) => Some(t.commit.to_string()),
        _ => None,
    }
}

/// Returns the version that the event of a tag names.
fn named(fact: &Fact) -> Option<&str> {
    match fact.body() {
        Body::TagCreated(t) => t.version.as_deref(),
        Body::TagMoved(t) => t.version.as_deref(),
        _ => None,
    }
}
