//! Where a commit is live, since when, and whether it left again (semantics C.2 N1).
//!
//! Containment is ancestry, never time. A commit that was picked is the same change: its picks
//! and its original are looked for too, and marked as such.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use relbook_ledger::event::Body;
use relbook_ledger::time::Time;

use super::change::merged;
use super::fact::{Fact, FactsError, Moment};
use super::index::Key;
use super::{Component, Core, Environment, Role};

/// A place where a commit is or was live, or that there is none.
#[derive(Debug, Clone, PartialEq)]
pub struct Whereabouts {
    /// The component.
    pub component: String,
    /// The commit: the one that was asked for, or the same change under another name.
    pub commit: String,
    /// Whether it is the one that was asked for.
    pub exact: bool,
    /// The first version that contains it.
    pub first_version: Option<String>,
    /// The environment; absent for what is published or nowhere.
    pub environment: Option<String>,
    /// The target, or the channel of what is published.
    pub target: Option<String>,
    /// As what it is live, for what is deployed.
    pub role: Option<Role>,
    /// When it came first.
    pub first_live_at: Option<Time>,
    /// Whether it is live now.
    pub live_now: bool,
    /// When it left last, where it is not live now.
    pub left_at: Option<Time>,
    /// The artifact that brought it first.
    pub via_digest: Option<String>,
    /// Why there is no place.
    pub reason: Option<String>,
    /// The seqs that this rests on.
    pub evidence: Vec<u64>,
}

/// Tells which commits contain one commit; remembers what it walked.
struct Contains<'a, 'b> {
    core: &'a Core<'b>,
    component: &'a str,
    wanted: &'a str,
    level: u64,
    known: HashMap<String, bool>,
}

impl Contains<'_, '_> {
    /// Tells whether the wanted commit is `tip` or one of its ancestors.
    fn holds(&mut self, tip: &str) -> Result<bool, FactsError> {
        let mut stack = vec![tip.to_owned()];
        while let Some(commit) = stack.last().cloned() {
            if self.known.contains_key(&commit) {
                stack.pop();
                continue;
            }
            let below = self.core.facts.commit_level(&commit)? <= self.level;
            if commit == self.wanted || below {
                self.known.insert(commit.clone(), commit == self.wanted);
                continue;
            }
            let fact = self.core.commit(self.component, &commit)?;
            let merge = fact.as_deref().and_then(merged);
            let parents = || merge.into_iter().flat_map(|merge| &merge.parents);
            let found = parents().any(|parent| self.known.get(parent.as_str()) == Some(&true));
            let unknown: Vec<String> = parents()
                .map(ToString::to_string)
                .filter(|parent| !self.known.contains_key(parent))
                .collect();
            if found || unknown.is_empty() {
                self.known.insert(commit, found);
            } else {
                stack.extend(unknown);
            }
        }
        Ok(self.known.get(tip) == Some(&true))
    }

    /// Tells whether an artifact contains it.
    fn in_digest(&mut self, digest: &str) -> Result<bool, FactsError> {
        match self.core.origin(self.component, digest, None)? {
            Some(origin) => self.holds(&origin.commit),
            None => Ok(false),
        }
    }
}

impl Core<'_> {
    /// Returns the merges that a commit or the number of a pull request names.
    ///
    /// # Errors
    /// [`FactsError`] when the facts cannot be read.
    pub fn named_commits(&self, subject: &str) -> Result<Vec<Arc<Fact>>, FactsError> {
        let mut merges = self.facts.find(&Key::Commit { commit: subject.to_owned() })?;
        let number = subject.strip_prefix('#').unwrap_or(subject);
        if merges.is_empty()
            && let Ok(pr) = number.parse::<u64>()
        {
            merges = self.facts.find(&Key::PullRequest { pr: pr.to_string() })?;
        }
        // The same commit may have been merged to several branches.
        let mut seen = Vec::new();
        merges.retain(|fact| {
            let name = merged(fact).map(|m| m.commit.to_string());
            let this = (fact.event.component().to_owned(), name);
            let new = !seen.contains(&this);
            seen.push(this);
            new
        });
        Ok(merges)
    }

    /// Returns where a commit is or was live: itself first, then its picks.
    ///
    /// # Errors
    /// [`FactsError`] when the facts cannot be read.
    pub fn whereabouts(&self, merge: &Arc<Fact>) -> Result<Vec<Whereabouts>, FactsError> {
        let Some(component) = self.component(merge.event.component())? else {
            return Ok(Vec::new());
        };
        let mut all = Vec::new();
        let mut built = None;
        for (same, exact) in self.same_change(merge)? {
            let Some(commit) = merged(&same).map(|m| m.commit.to_string()) else { continue };
            let mut contains = Contains {
                core: self,
                component: &component.name,
                level: self.facts.commit_level(&commit)?,
                wanted: &commit,
                known: HashMap::new(),
            };
            let first = self.first_version(&component, &same, &mut contains)?;
            if exact {
                built.clone_from(&first);
            }
            let found = Whereabouts {
                component: component.name.clone(),
                commit: commit.clone(),
                exact,
                first_version: first,
                environment: None,
                target: None,
                role: None,
                first_live_at: None,
                live_now: false,
                left_at: None,
                via_digest: None,
                reason: None,
                evidence: vec![same.seq, merge.seq],
            };
            if component.is_published() {
                self.published_with(&component, &found, &mut contains, &mut all)?;
                continue;
            }
            for environment in self.environments()? {
                self.live_with(&component, &environment, &found, &mut contains, &mut all)?;
            }
        }
        if all.is_empty() {
            all.push(self.nowhere(merge, &component, built)?);
        }
        Ok(all)
    }

    /// Returns a merge, then those of the commits that are the same change, picked.
    fn same_change(&self, merge: &Arc<Fact>) -> Result<Vec<(Arc<Fact>, bool)>, FactsError> {
        let component = merge.event.component();
        let mut same = vec![(Arc::clone(merge), true)];
        let Some(commit) = merged(merge) else { return Ok(same) };
        let original = commit.cherry_picked_from.as_deref();
        let mut others = Vec::new();
        for source in [Some(commit.commit.as_str()), original].into_iter().flatten() {
            others.extend(self.facts.find(&Key::Picks { commit: source.to_owned() })?);
        }
        if let Some(original) = original {
            others.extend(self.facts.find(&Key::Commit { commit: original.to_owned() })?);
        }
        for other in others {
            let name = |fact: &Fact| merged(fact).map(|m| m.commit.to_string());
            let known = same.iter().any(|(fact, _)| name(fact) == name(&other));
            if !known && other.event.component() == component {
                same.push((other, false));
            }
        }
        Ok(same)
    }

    /// Returns the version of the first build after the merge that contains it.
    fn first_version(
        &self,
        component: &Component,
        merge: &Fact,
        contains: &mut Contains<'_, '_>,
    ) -> Result<Option<String>, FactsError> {
        let key = Key::Builds { component: component.name.clone() };
        let from = Moment { at: merge.moment().at, seq: 0 };
        let (mut first, mut failed) = (None, None);
        self.facts.oldest(&key, from, &mut |fact| {
            let Body::BuildCompleted(build) = fact.body() else { return true };
            if build.outcome.as_deref().is_some_and(|outcome| outcome != "succeeded") {
                return true;
            }
            match contains.holds(&build.commit) {
                Ok(true) => first = Some(build.version.to_string()),
                Ok(false) => return true,
                Err(error) => failed = Some(error),
            }
            false
        })?;
        failed.map_or(Ok(first), Err)
    }

    /// Adds one row for each target of an environment that has or had the commit.
    fn live_with(
        &self,
        component: &Arc<Component>,
        environment: &Environment,
        found: &Whereabouts,
        contains: &mut Contains<'_, '_>,
        all: &mut Vec<Whereabouts>,
    ) -> Result<(), FactsError> {
        let mut places: BTreeMap<String, Whereabouts> = BTreeMap::new();
        let row = |target: &str, role: Role| Whereabouts {
            environment: Some(environment.name.clone()),
            target: Some(target.to_owned()),
            role: Some(role),
            ..found.clone()
        };
        for (digest, interval) in self.stable_intervals(&component.name, &environment.name)? {
            if !contains.in_digest(&digest)? {
                continue;
            }
            let target = interval.target.as_str();
            let place =
                places.entry(target.to_owned()).or_insert_with(|| row(target, Role::Stable));
            place.first_live_at.get_or_insert(interval.from.at);
            place.via_digest.get_or_insert(digest);
            place.live_now = interval.until.is_none();
            place.left_at = interval.until.map(|until| until.at);
            place.evidence.extend(interval.evidence);
        }
        let history = self.facts.history(&component.name, &environment.name, Moment::END)?;
        for (target, state) in &history.targets {
            let Some(canary) = state.live_canary() else { continue };
            if places.get(target).is_some_and(|place| place.live_now)
                || !contains.in_digest(&canary.share.digest)?
            {
                continue;
            }
            let place = places.entry(target.clone()).or_insert_with(|| row(target, Role::Canary));
            place.first_live_at.get_or_insert(canary.share.since);
            place.via_digest.get_or_insert_with(|| canary.share.digest.clone());
            (place.live_now, place.left_at, place.role) = (true, None, Some(Role::Canary));
            place.evidence.extend([canary.share.start_seq, canary.share.seq]);
        }
        let declared = environment.targets.iter().filter_map(|target| places.remove(target));
        all.extend(declared.collect::<Vec<_>>());
        all.extend(places.into_values());
        Ok(())
    }

    /// Adds one row for each channel that offers or offered the commit.
    fn published_with(
        &self,
        component: &Arc<Component>,
        found: &Whereabouts,
        contains: &mut Contains<'_, '_>,
        all: &mut Vec<Whereabouts>,
    ) -> Result<(), FactsError> {
        let facts = self.facts.find(&Key::Publishes { component: component.name.clone() })?;
        let offered = super::current::offered(&facts);
        let mut channels: BTreeMap<Option<String>, Whereabouts> = BTreeMap::new();
        for fact in &facts {
            let Body::ReleasePublished(release) = fact.body() else { continue };
            let origin = self.origin(&component.name, &release.digest, Some(&release.version))?;
            let named = release.commit.as_ref().map(ToString::to_string);
            let Some(commit) = origin.map(|origin| origin.commit).or(named) else { continue };
            if !contains.holds(&commit)? {
                continue;
            }
            let channel = release.channel.as_ref().map(ToString::to_string);
            let place = channels
                .entry(channel.clone())
                .or_insert_with(|| Whereabouts { target: channel, ..found.clone() });
            place.first_version.get_or_insert_with(|| release.version.to_string());
            place.first_live_at.get_or_insert(fact.moment().at);
            place.via_digest.get_or_insert_with(|| release.digest.to_string());
            place.live_now |= offered.get(release.version.as_str()).is_some_and(|held| {
                matches!(held.body(), Body::ReleasePublished(r) if r.digest == release.digest)
            });
            place.evidence.push(fact.seq);
        }
        all.extend(channels.into_values());
        Ok(())
    }

    fn nowhere(
        &self,
        merge: &Arc<Fact>,
        component: &Component,
        first_version: Option<String>,
    ) -> Result<Whereabouts, FactsError> {
        let commit = merged(merge).map(|m| m.commit.to_string()).unwrap_or_default();
        let merges = self.facts.find(&Key::Commit { commit: commit.clone() })?;
        let branches: Vec<&str> =
            merges.iter().filter_map(|f| merged(f)).map(|m| m.branch.as_str()).collect();
        let branch = match branches.iter().find(|branch| ["main", "master"].contains(branch)) {
            Some(main) => main,
            None => branches.first().copied().unwrap_or("no branch"),
        };
        Ok(Whereabouts {
            component: component.name.clone(),
            commit,
            exact: true,
            first_version,
            environment: None,
            target: None,
            role: None,
            first_live_at: None,
            live_now: false,
            left_at: None,
            via_digest: None,
            reason: Some(format!("on {branch} but in no release")),
            evidence: vec![merge.seq],
        })
    }
}
