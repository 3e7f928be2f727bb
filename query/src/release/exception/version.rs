//! X07, X09 and X15: what versions promise, and were made to break.

use std::collections::BTreeSet;
use std::sync::Arc;

use relbook_ledger::event::{Body, Reason, Stage};
use relbook_ledger::version::{ChangeClass, Version};

use super::{Exception, ExceptionCode as X, Severity};
use crate::release::change::merged;
use crate::release::conventional;
use crate::release::fact::{Fact, FactsError};
use crate::release::index::Key;
use crate::release::{Component, Core, Period, start_of};

/// One event of the life of a version.
struct Binding {
    fact: Arc<Fact>,
    /// The artifact that it binds to the version.
    digest: Option<String>,
    /// Whether the version must not change any more after it (A.1 rule 4).
    fixes: bool,
}

impl Core<'_> {
    pub(super) fn reused_versions(
        &self,
        component: &Component,
        period: Period,
        found: &mut Vec<Exception>,
    ) -> Result<(), FactsError> {
        let name = || component.name.clone();
        let mut versions: BTreeSet<String> = BTreeSet::new();
        for key in [
            Key::Builds { component: name() },
            Key::Publishes { component: name() },
            Key::Starts { component: name() },
        ] {
            for fact in self.within(&key, period)? {
                versions.extend(self.version_bound(&fact)?);
            }
        }
        for version in versions {
            for exception in self.rebound(component, &version)? {
                found.push(exception);
            }
        }
        self.moved_tags(component, period, found)
    }

    /// Returns the version that an event binds to an artifact.
    fn version_bound(&self, fact: &Fact) -> Result<Option<String>, FactsError> {
        Ok(match fact.body() {
            Body::BuildCompleted(build) => Some(build.version.to_string()),
            Body::ReleasePublished(release) => Some(release.version.to_string()),
            Body::DeployStarted(start)
                if matches!(start.stage, Stage::Canary | Stage::Production) =>
            {
                start.version.as_ref().map(ToString::to_string)
            }
            _ => None,
        })
    }

    /// Returns a finding for each artifact that a version got after it was fixed to another.
    fn rebound(&self, component: &Component, version: &str) -> Result<Vec<Exception>, FactsError> {
        let mut bindings = self.bindings_of(component, version)?;
        bindings.sort_by_key(|binding| binding.fact.moment());
        let (mut known, mut fixed) = (Vec::<(String, u64)>::new(), false);
        let mut found = Vec::new();
        for binding in bindings {
            if let Some(digest) = &binding.digest
                && !known.iter().any(|(other, _)| other == digest)
            {
                if fixed && let Some((other, seq)) = known.last() {
                    let what = format!("{version} was {other} and became {digest}");
                    let at = binding.fact.moment();
                    let mut exception =
                        Exception::new(X::X07, &component.name, at, what).on([*seq]);
                    exception.digest = Some(digest.clone());
                    exception.change_id = match binding.fact.body() {
                        Body::DeployStarted(start) => Some(start.deploy_id.to_string()),
                        _ => None,
                    };
                    found.push(exception);
                }
                known.push((digest.clone(), binding.fact.seq));
            }
            fixed |= binding.fixes;
        }
        Ok(found)
    }

    fn bindings_of(
        &self,
        component: &Component,
        version: &str,
    ) -> Result<Vec<Binding>, FactsError> {
        let name = || component.name.clone();
        let mut bindings: Vec<Binding> = Vec::new();
        let key = Key::BuildVersion { component: name(), version: version.to_owned() };
        for fact in self.facts.find(&key)? {
            let Body::BuildCompleted(build) = fact.body() else { continue };
            if build.outcome.as_deref().is_none_or(|outcome| outcome == "succeeded") {
                let digest = Some(build.digest.to_string());
                bindings.push(Binding { digest, fixes: false, fact });
            }
        }
        for fact in self.facts.find(&Key::Publishes { component: name() })? {
            let Body::ReleasePublished(release) = fact.body() else { continue };
            if *release.version == *version {
                let digest = Some(release.digest.to_string());
                bindings.push(Binding { digest, fixes: true, fact });
            }
        }
        let prefix = component.spec.tag_prefix.as_deref().unwrap_or_default();
        let tag = Key::Tag { component: name(), tag: format!("{prefix}{version}") };
        let named = Key::TagVersion { component: name(), version: version.to_owned() };
        for key in [tag, named] {
            let tags = self.facts.find(&key)?;
            bindings.extend(tags.into_iter().map(|fact| Binding {
                digest: None,
                fixes: true,
                fact,
            }));
        }
        // What was tried or went live under the version: by its own word, or by that of a build.
        let key = Key::StartVersion { component: name(), version: version.to_owned() };
        let mut starts = self.facts.find(&key)?;
        let digests: BTreeSet<String> = bindings.iter().filter_map(|b| b.digest.clone()).collect();
        for digest in digests {
            let key = Key::StartDigest { component: name(), digest };
            let unnamed = |fact: &Arc<Fact>| start_of(fact).is_some_and(|s| s.version.is_none());
            starts.extend(self.facts.find(&key)?.into_iter().filter(unnamed));
        }
        for fact in starts {
            let Some(start) = start_of(&fact) else { continue };
            if matches!(start.stage, Stage::Canary | Stage::Production) {
                let digest = Some(start.digest.to_string());
                bindings.push(Binding { digest, fixes: true, fact });
            }
        }
        Ok(bindings)
    }

    fn moved_tags(
        &self,
        component: &Component,
        period: Period,
        found: &mut Vec<Exception>,
    ) -> Result<(), FactsError> {
        let all = Key::Tags { component: component.name.clone() };
        for fact in self.within(&all, period)? {
            let (tag, commit, previous) = match fact.body() {
                Body::TagCreated(t) => (&t.tag, &t.commit, &t.previous_commit),
                Body::TagMoved(t) => (&t.tag, &t.commit, &t.previous_commit),
                _ => continue,
            };
            let key = Key::Tag { component: component.name.clone(), tag: tag.to_string() };
            let before: Vec<Arc<Fact>> = self.facts.find(&key)?;
            let before = before.iter().rev().find(|other| other.moment() < fact.moment());
            let was = before.map(|other| match other.body() {
                Body::TagCreated(t) => t.commit.to_string(),
                Body::TagMoved(t) => t.commit.to_string(),
                _ => String::new(),
            });
            let was = was.or_else(|| previous.as_ref().map(ToString::to_string));
            let moved = match &was {
                Some(was) => *was != **commit,
                None => matches!(fact.body(), Body::TagMoved(_)),
            };
            if moved {
                let was = was.unwrap_or_else(|| "an unknown commit".to_owned());
                let what = format!("the tag {tag} moved from {was} to {commit}");
                let exception = Exception::new(X::X07, &component.name, fact.moment(), what);
                found.push(exception.on(before.map(|other| other.seq)));
            }
        }
        Ok(())
    }

    /// X09: a success with a lower version than was stable, and not as a rollback.
    pub(super) fn downgrades(
        &self,
        component: &Component,
        period: Period,
        found: &mut Vec<Exception>,
    ) -> Result<(), FactsError> {
        for environment in self.environments()? {
            let all = self.transitions(&component.name, &environment.name)?;
            let mut done: BTreeSet<&str> = BTreeSet::new();
            for (i, transition) in all.iter().enumerate() {
                if !period.contains(transition.moment.at) || done.contains(&*transition.deploy_id) {
                    continue;
                }
                let Some(from) = &transition.from_digest else { continue };
                let old = self.version_of_digest(component, from)?;
                let new = self.version_of_digest(component, &transition.to_digest)?;
                let (Some(old), Some(new)) = (old, new) else { continue };
                let Some(deploy) = self.deploy(&transition.deploy_id)? else { continue };
                let back = deploy.start.reason == Some(Reason::Rollback)
                    || deploy.start.rollback_of.is_some();
                if new.key() >= old.key() || back || deploy.start.stage != Stage::Production {
                    continue;
                }
                done.insert(&transition.deploy_id);
                let before = all[..i].iter().any(|t| t.to_digest == transition.to_digest);
                let inferred = deploy.start.reason.is_none() && before;
                let tail = if inferred { "; inferred=true: it looks like a rollback" } else { "" };
                let what =
                    format!("{} put {new} on {} over {old}{tail}", deploy.id(), transition.target);
                let at = transition.moment;
                let exception = Exception::new(X::X09, &component.name, at, what).of(&deploy);
                let grave = if inferred { Severity::Info } else { Severity::Violation };
                found.push(exception.grave(grave));
            }
        }
        Ok(())
    }

    fn version_of_digest(
        &self,
        component: &Component,
        digest: &str,
    ) -> Result<Option<Version>, FactsError> {
        let origin = self.origin(&component.name, digest, None)?;
        Ok(origin.and_then(|origin| component.scheme.parse_version(&origin.version).ok()))
    }

    /// X15: a release whose version rose less than its commits say.
    pub(super) fn underbumped(
        &self,
        component: &Component,
        period: Period,
        found: &mut Vec<Exception>,
    ) -> Result<(), FactsError> {
        if !component.scheme.is_semver() {
            return Ok(());
        }
        if component.is_published() {
            return self.underbumped_publishes(component, period, found);
        }
        for environment in self.environments()? {
            if !self.is_production(&environment.name)? {
                continue;
            }
            let releases = self.introductions(component, &environment, usize::MAX)?;
            for pair in releases.windows(2) {
                let [old, new] = pair else { continue };
                if !period.contains(new.first_live_at()) {
                    continue;
                }
                let (Some(a), Some(b)) = (&old.origin, &new.origin) else { continue };
                let step = ((&a.version, &a.commit), (&b.version, &b.commit));
                if let Some((what, seqs)) = self.too_small(component, step)? {
                    let at = new.first.moment;
                    let exception = Exception::new(X::X15, &component.name, at, what);
                    let deploy = self.deploy(&new.first.deploy_id)?;
                    let exception = match &deploy {
                        Some(deploy) => exception.of(deploy),
                        None => exception,
                    };
                    found.push(exception.on(seqs));
                }
            }
        }
        Ok(())
    }

    /// Tells whether production-stage deploys finished in an environment.
    ///
    /// # Errors
    /// [`FactsError`] when the facts cannot be read.
    pub fn is_production(&self, environment: &str) -> Result<bool, FactsError> {
        if environment == "production" {
            return Ok(true);
        }
        let key = Key::Finishes { environment: environment.to_owned() };
        Ok(self.facts.latest(&key)?.is_some())
    }

    fn underbumped_publishes(
        &self,
        component: &Component,
        period: Period,
        found: &mut Vec<Exception>,
    ) -> Result<(), FactsError> {
        let name = component.name.as_str();
        let mut before: Vec<(Version, String)> = Vec::new();
        for fact in self.facts.find(&Key::Publishes { component: name.to_owned() })? {
            let Body::ReleasePublished(release) = fact.body() else { continue };
            let Ok(version) = component.scheme.parse_version(&release.version) else { continue };
            let origin = self.origin(name, &release.digest, Some(&release.version))?;
            let named = release.commit.as_ref().map(ToString::to_string);
            let Some(commit) = origin.map(|origin| origin.commit).or(named) else { continue };
            if before.iter().any(|(known, _)| known.key() == version.key()) {
                continue;
            }
            let lower = before.iter().filter(|(known, _)| known.key() < version.key());
            let full = lower.filter(|(known, _)| !known.is_prerelease());
            let old = full.max_by(|(a, _), (b, _)| a.key().cmp(b.key()));
            if let Some((old, base)) = old
                && period.contains(fact.moment().at)
            {
                let (from, to) = (old.as_str().to_owned(), version.as_str().to_owned());
                let step = ((&from, base), (&to, &commit));
                if let Some((what, seqs)) = self.too_small(component, step)? {
                    let exception = Exception::new(X::X15, name, fact.moment(), what);
                    found.push(exception.on(seqs));
                }
            }
            before.push((version, commit));
        }
        Ok(())
    }

    /// Says why a step between versions is smaller than its commits; nothing when it is not.
    fn too_small(
        &self,
        component: &Component,
        ((old, base), (new, tip)): ((&String, &String), (&String, &String)),
    ) -> Result<Option<(String, Vec<u64>)>, FactsError> {
        let parse = |text: &String| component.scheme.parse_version(text).ok();
        let (Some(from), Some(to)) = (parse(old), parse(new)) else { return Ok(None) };
        let declared = component.scheme.change_class(Some(&from), &to, false);
        let counted = [ChangeClass::Patch, ChangeClass::Minor, ChangeClass::Major];
        if to.key() <= from.key() || !counted.contains(&declared) {
            return Ok(None);
        }
        let mut highest: Option<(ChangeClass, Arc<Fact>)> = None;
        for fact in self.added(&component.name, Some(base), tip)? {
            let Some(merge) = merged(&fact) else { continue };
            if releases_as(merge.body.as_deref(), new) {
                return Ok(None);
            }
            let said = conventional::parse(&merge.subject, merge.body.as_deref());
            let class = match said.kind.as_deref() {
                _ if said.breaking => ChangeClass::Major,
                Some("feat") => ChangeClass::Minor,
                Some("fix") => ChangeClass::Patch,
                _ => continue,
            };
            if highest.as_ref().is_none_or(|(known, _)| class > *known) {
                highest = Some((class, fact));
            }
        }
        let Some((derived, fact)) = highest.filter(|(derived, _)| *derived > declared) else {
            return Ok(None);
        };
        let subject = merged(&fact).map(|m| m.subject.to_string()).unwrap_or_default();
        let what = format!("{old} to {new} is {declared}, `{subject}` asks for {derived}");
        Ok(Some((what, vec![fact.seq])))
    }
}

/// Tells whether a commit message names the version to release as.
fn releases_as(body: Option<&str>, version: &str) -> bool {
    body.into_iter().flat_map(str::lines).any(|line| {
        line.split_once(':').is_some_and(|(token, value)| {
            token.trim().eq_ignore_ascii_case("release-as") && value.trim() == version
        })
    })
}
