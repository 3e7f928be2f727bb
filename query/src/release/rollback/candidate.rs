//! What one may go back to: builds below what is live, and with `--any` all others.

use std::sync::Arc;

use relbook_ledger::event::{Body, Stage};
use relbook_ledger::time::Time;
use relbook_ledger::version::{ChangeClass, Version};

use super::interval::Intervals;
use super::reason::Reasons;
use super::{Base, Case};
use crate::release::fact::FactsError;
use crate::release::index::Key;
use crate::release::{Fact, Intent};

/// A version that one may go back to, or not.
#[derive(Debug, Clone, PartialEq)]
pub struct Candidate {
    /// Its place: the line of what is live first, highest version first.
    pub rank: usize,
    /// The version.
    pub version: String,
    /// The artifact.
    pub digest: String,
    /// The commit, where the build or publish names it.
    pub commit: Option<String>,
    /// When it became live for the last time.
    pub last_live_from: Option<Time>,
    /// When that ended.
    pub last_live_until: Option<Time>,
    /// Why not; none when one may.
    pub reasons: Vec<String>,
    /// Whether it is the one to take.
    pub recommended: bool,
    /// Whether going back needs an approval (A.9).
    pub requires_approval: bool,
    /// How far it is from what is live: `patch`, `minor` or `major`.
    pub crosses: Option<&'static str>,
    /// The seqs that this rests on.
    pub evidence: Vec<u64>,
}

impl Candidate {
    /// Tells whether one may go back to it.
    pub fn eligible(&self) -> bool {
        self.reasons.is_empty()
    }
}

/// A build that may be a candidate.
pub(super) struct Build {
    pub(super) text: String,
    pub(super) version: Option<Version>,
    pub(super) digest: String,
    pub(super) commit: Option<String>,
    pub(super) seq: u64,
    /// Whether it is below what is live, on the same line, and no pre-release.
    pub(super) on_line: bool,
}

impl Case<'_> {
    /// Returns the builds to list: those on the line, then the others, highest version first.
    pub(super) fn listed(&self, base: &Base<'_>, any: bool) -> Result<Vec<Build>, FactsError> {
        let mut builds: Vec<Build> = Vec::new();
        let component = || self.component.name.clone();
        let mut facts = self.core.facts().find(&Key::Builds { component: component() })?;
        if self.component.is_published() {
            // What was published may have been built where nobody told the book.
            facts.extend(self.core.facts().find(&Key::Publishes { component: component() })?);
        }
        for fact in facts {
            let Some(build) = self.build(&fact, base) else { continue };
            let same = |b: &Build| b.text == build.text && b.digest == build.digest;
            let known = builds.iter().position(same).map(|at| builds.remove(at));
            let commit = build.commit.or(known.and_then(|known| known.commit));
            builds.push(Build { commit, ..build });
        }
        builds.retain(|build| build.digest != base.digest && (any || build.on_line));
        let key = |build: &Build| build.version.as_ref().map(|version| version.key().to_vec());
        builds.sort_by_cached_key(|b| std::cmp::Reverse((b.on_line, key(b), b.seq)));
        Ok(builds)
    }

    fn build(&self, fact: &Arc<Fact>, base: &Base<'_>) -> Option<Build> {
        let (text, digest, commit) = match fact.body() {
            Body::BuildCompleted(b) if b.outcome.as_deref().is_none_or(|o| o == "succeeded") => {
                (&b.version, &b.digest, Some(b.commit.to_string()))
            }
            Body::ReleasePublished(r) => {
                (&r.version, &r.digest, r.commit.as_ref().map(ToString::to_string))
            }
            _ => return None,
        };
        let version = self.component.scheme.parse_version(text).ok();
        let on_line = version.as_ref().zip(base.version.as_ref()).is_some_and(|(new, live)| {
            !new.is_prerelease() && new.same_line(live) && new.key() < live.key()
        });
        Some(Build {
            text: text.to_string(),
            version,
            digest: digest.to_string(),
            commit,
            seq: fact.seq,
            on_line,
        })
    }

    /// Judges one build.
    pub(super) fn candidate(
        &self,
        base: &Base<'_>,
        build: &Build,
        rank: usize,
        intervals: &Intervals,
        reasons: &Reasons<'_>,
    ) -> Result<Candidate, FactsError> {
        let deploy = self.core.intended(&Intent {
            component: &self.component.name,
            digest: &build.digest,
            version: Some(&build.text),
            stage: Stage::Production,
            environment: &self.environment.name,
            targets: &base.targets,
            hotfix_id: None,
            initiated_by: None,
        })?;
        let live = intervals.last(&build.digest);
        let mut evidence = vec![build.seq];
        evidence.extend(live.iter().flat_map(|interval| &interval.evidence));
        let bump = match &base.text {
            Some(text) => self.component.change_class(Some(text), &build.text, false),
            None => None,
        };
        let requires_approval = if self.component.is_published() {
            let required = &self.policy.0.approval_required_for;
            bump.is_none_or(|bump| required.iter().any(|class| class == bump.as_str()))
        } else {
            self.core.class(&deploy)?.approval_required
        };
        Ok(Candidate {
            rank,
            version: build.text.clone(),
            digest: build.digest.clone(),
            commit: build.commit.clone(),
            last_live_from: live.map(|interval| interval.from),
            last_live_until: live.and_then(|interval| interval.until),
            reasons: reasons.of_build(build, &deploy, live.is_some(), &mut evidence)?,
            recommended: false,
            requires_approval,
            crosses: bump.and_then(|bump| crosses(bump, base.version.as_ref(), build)),
            evidence,
        })
    }
}

/// Returns how far a step goes, in the words of SemVer.
fn crosses(bump: ChangeClass, live: Option<&Version>, build: &Build) -> Option<&'static str> {
    match bump {
        ChangeClass::Patch | ChangeClass::Micro => return Some("patch"),
        ChangeClass::Minor | ChangeClass::Period => return Some("minor"),
        ChangeClass::Major => return Some("major"),
        _ => {}
    }
    // A rebuild or a pre-release: the first number that differs tells.
    let (from, to) = (live?, build.version.as_ref()?);
    let differs = from.components().zip(to.components()).position(|(a, b)| a != b);
    Some(match differs {
        Some(0) => "major",
        Some(1) => "minor",
        _ => "patch",
    })
}
