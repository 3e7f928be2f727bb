//! Where a commit is live, since when, and whether it left again (semantics C.2 N1).
//!
//! Containment is ancestry, never time. A commit that was picked is the same change: its picks
//! and its original are looked for too, and marked as such.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use relbook_ledger::event::Body;
use relbook_ledger::time::Time;

use super::change::merged;
use super::contain::Contains;
use super::current::{Offered, offer};
use super::fact::{Fact, FactsError, Moment};
use super::index::Key;
use super::{Component, Core, Environment, Interval, Role};

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
    /// Whether it is live now; absent where a failed deploy left that unknown.
    pub live_now: Option<bool>,
    /// When it left last, where it is not live now.
    pub left_at: Option<Time>,
    /// The artifact that brought it first.
    pub via_digest: Option<String>,
    /// When a canary brought it first, where that was before anything stable did.
    pub canary_first_at: Option<Time>,
    /// When such a canary was last taken back.
    pub canary_left_at: Option<Time>,
    /// Why there is no place, or no certainty.
    pub reason: Option<String>,
    /// The seqs that this rests on.
    pub evidence: Vec<u64>,
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
        for (same, exact) in self.same_change(merge)? {
            let Some(commit) = merged(&same).map(|m| m.commit.to_string()) else { continue };
            let mut contains = Contains::new(self, &component.name, &commit)?;
            let built = self.first_version(&component, &mut contains)?;
            let mut found = Whereabouts {
                component: component.name.clone(),
                commit: commit.clone(),
                exact,
                first_version: None,
                environment: None,
                target: None,
                role: None,
                first_live_at: None,
                live_now: Some(false),
                left_at: None,
                via_digest: None,
                canary_first_at: None,
                canary_left_at: None,
                reason: None,
                evidence: vec![same.seq, merge.seq],
            };
            if let Some((version, seq)) = built {
                found.first_version = Some(version);
                found.evidence.push(seq);
            }
            let before = all.len();
            if component.is_published() {
                self.published_with(&component, &found, &mut contains, &mut all)?;
            } else {
                for environment in self.environments()? {
                    self.live_with(&component, &environment, &found, &mut contains, &mut all)?;
                }
            }
            // That what was asked for is nowhere is said even when a pick of it is somewhere.
            if exact && all.len() == before {
                all.push(self.nowhere(found)?);
            }
        }
        Ok(all)
    }

    /// Returns a merge, then those of the commits that are the same change, picked.
    fn same_change(&self, merge: &Arc<Fact>) -> Result<Vec<(Arc<Fact>, bool)>, FactsError> {
        let name = |fact: &Fact| merged(fact).map(|m| m.commit.to_string());
        let mut same = vec![(Arc::clone(merge), true)];
        let mut known: BTreeSet<Option<String>> = BTreeSet::from([name(merge)]);
        // A pick may be picked again.
        let mut next = 0;
        while let Some((fact, _)) = same.get(next).cloned() {
            next += 1;
            let Some(commit) = merged(&fact) else { continue };
            let own = Key::Picks { commit: commit.commit.to_string() };
            let mut others = self.facts.find(&own)?;
            if let Some(original) = commit.cherry_picked_from.as_deref() {
                others.extend(self.facts.find(&Key::Picks { commit: original.to_owned() })?);
                others.extend(self.facts.find(&Key::Commit { commit: original.to_owned() })?);
            }
            for other in others {
                let own = other.event.component() == merge.event.component();
                if own && known.insert(name(&other)) {
                    same.push((other, false));
                }
            }
        }
        Ok(same)
    }

    /// Returns the version of the first build that contains the commit, and its seq. A build may
    /// come before the merge: a branch is built before it is merged.
    fn first_version(
        &self,
        component: &Component,
        contains: &mut Contains<'_, '_>,
    ) -> Result<Option<(String, u64)>, FactsError> {
        let key = Key::Builds { component: component.name.clone() };
        let (mut first, mut failed) = (None, None);
        self.facts.oldest(&key, Moment::default(), &mut |fact| {
            let Body::BuildCompleted(build) = fact.body() else { return true };
            if build.outcome.as_deref().is_some_and(|outcome| outcome != "succeeded") {
                return true;
            }
            match contains.holds(&build.commit) {
                Ok(true) => first = Some((build.version.to_string(), fact.seq)),
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
        let mut stable: BTreeMap<String, Moment> = BTreeMap::new();
        let row = |target: &str, role: Role| Whereabouts {
            environment: Some(environment.name.clone()),
            target: Some(target.to_owned()),
            role: Some(role),
            ..found.clone()
        };
        for (digest, interval) in self.stable_intervals(&component.name, &environment.name)? {
            let Some(build) = contains.in_digest(&digest)? else { continue };
            let target = interval.target.as_str();
            stable.entry(target.to_owned()).or_insert(interval.from);
            let place =
                places.entry(target.to_owned()).or_insert_with(|| row(target, Role::Stable));
            place.first_live_at.get_or_insert(interval.from.at);
            place.via_digest.get_or_insert(digest);
            place.live_now = Some(interval.until.is_none());
            place.left_at = interval.until.map(|until| until.at);
            place.evidence.extend(interval.evidence);
            place.evidence.push(build);
        }
        let history = self.facts.history(&component.name, &environment.name, Moment::END)?;
        for (target, state) in &history.targets {
            let Some(canary) = state.live_canary() else { continue };
            if places.get(target).is_some_and(|place| place.live_now == Some(true)) {
                continue;
            }
            let Some(build) = contains.in_digest(&canary.share.digest)? else { continue };
            let place = places.entry(target.clone()).or_insert_with(|| row(target, Role::Canary));
            place.first_live_at.get_or_insert(canary.share.since);
            place.via_digest.get_or_insert_with(|| canary.share.digest.clone());
            (place.live_now, place.left_at, place.role) = (Some(true), None, Some(Role::Canary));
            place.evidence.extend([canary.share.start_seq, canary.share.seq, build]);
        }
        for (target, canaries) in self.canaries_before(component, environment, contains, &stable)? {
            let place = places.entry(target.clone()).or_insert_with(|| Whereabouts {
                first_live_at: canaries.first().map(|canary| canary.interval.from.at),
                via_digest: canaries.first().map(|canary| canary.digest.clone()),
                left_at: canaries.iter().filter_map(|c| c.interval.until).max().map(|m| m.at),
                reason: Some("a canary only, in no release".to_owned()),
                ..row(&target, Role::Canary)
            });
            place.canary_first_at = canaries.first().map(|canary| canary.interval.from.at);
            place.canary_left_at = taken_back(&canaries, stable.get(&target).copied());
            for canary in canaries {
                place.evidence.extend(canary.interval.evidence);
                place.evidence.push(canary.build);
            }
        }
        for (target, state) in &history.targets {
            let Some(suspect) = &state.suspect else { continue };
            let build = contains.in_digest(&suspect.digest)?;
            let live = places.get(target).and_then(|place| place.live_now) == Some(true);
            // Both what was there and what may have replaced it have the commit, or neither has.
            if build.is_some() == live {
                continue;
            }
            let place = places.entry(target.clone()).or_insert_with(|| Whereabouts {
                role: None,
                via_digest: Some(suspect.digest.clone()),
                ..row(target, Role::Stable)
            });
            let id = &suspect.deploy_id;
            let why = format!("not known since {id} failed here and nothing was restored");
            (place.live_now, place.reason) = (None, Some(why));
            place.evidence.extend([suspect.start_seq, suspect.seq]);
            place.evidence.extend(build);
        }
        let declared = environment.targets.iter().filter_map(|target| places.remove(target));
        all.extend(declared.collect::<Vec<_>>());
        all.extend(places.into_values());
        Ok(())
    }

    /// Returns, by target, the canaries that had the commit before anything stable had it: users
    /// met it then, in a release or not.
    fn canaries_before(
        &self,
        component: &Component,
        environment: &Environment,
        contains: &mut Contains<'_, '_>,
        stable: &BTreeMap<String, Moment>,
    ) -> Result<BTreeMap<String, Vec<Canary>>, FactsError> {
        // Where every target has had it, no later start matters.
        let firsts = environment.targets.iter().map(|target| stable.get(target).copied());
        let last = firsts.collect::<Option<Vec<_>>>().and_then(|all| all.into_iter().max());
        let mut starts = Vec::new();
        let key = Key::Starts { component: component.name.clone() };
        self.facts.oldest(&key, Moment::default(), &mut |fact| {
            let wanted = last.is_none_or(|last| fact.moment() < last);
            starts.extend(wanted.then(|| Arc::clone(fact)));
            wanted
        })?;
        let (name, place) = (component.name.as_str(), environment.name.as_str());
        let mut digests = BTreeSet::new();
        let mut held: BTreeMap<String, Vec<Canary>> = BTreeMap::new();
        for fact in starts {
            let Body::DeployStarted(start) = fact.body() else { continue };
            if *start.environment != *place || !digests.insert(start.digest.clone()) {
                continue;
            }
            let Some(build) = contains.in_digest(&start.digest)? else { continue };
            for interval in self.canary_intervals(name, place, &start.digest)? {
                let first = stable.get(&interval.target);
                if first.is_none_or(|first| interval.from < *first) {
                    let digest = start.digest.to_string();
                    let canaries = held.entry(interval.target.clone()).or_default();
                    canaries.push(Canary { interval, digest, build });
                }
            }
        }
        held.values_mut().for_each(|canaries| canaries.sort_by_key(|c| c.interval.from));
        Ok(held)
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
        let mut offered = Offered::new();
        let mut channels: BTreeMap<Option<String>, Channel> = BTreeMap::new();
        for fact in &facts {
            offer(&mut offered, fact);
            if let Body::ReleasePublished(release) = fact.body() {
                let origin =
                    self.origin(&component.name, &release.digest, Some(&release.version))?;
                let build = origin.as_ref().map(|origin| origin.seq);
                let named = release.commit.as_ref().map(ToString::to_string);
                let commit = origin.map(|origin| origin.commit).or(named);
                if let Some(commit) = commit
                    && contains.holds(&commit)?
                {
                    let name = release.channel.as_ref().map(ToString::to_string);
                    let channel = channels.entry(name.clone()).or_insert_with(|| Channel {
                        place: Whereabouts { target: name, ..found.clone() },
                        held: BTreeSet::new(),
                    });
                    let version = release.version.to_string();
                    channel.place.first_version.get_or_insert_with(|| version.clone());
                    channel.place.first_live_at.get_or_insert(fact.moment().at);
                    channel.place.via_digest.get_or_insert_with(|| release.digest.to_string());
                    channel.place.evidence.push(fact.seq);
                    channel.place.evidence.extend(build);
                    channel.held.insert((version, release.digest.to_string()));
                }
            }
            channels.values_mut().for_each(|channel| channel.after(fact, &offered));
        }
        all.extend(channels.into_values().map(|channel| channel.place));
        Ok(())
    }

    fn nowhere(&self, found: Whereabouts) -> Result<Whereabouts, FactsError> {
        let merges = self.facts.find(&Key::Commit { commit: found.commit.clone() })?;
        let branches: Vec<&str> =
            merges.iter().filter_map(|f| merged(f)).map(|m| m.branch.as_str()).collect();
        let branch = match branches.iter().find(|branch| ["main", "master"].contains(branch)) {
            Some(main) => main,
            None => branches.first().copied().unwrap_or("no branch"),
        };
        Ok(Whereabouts { reason: Some(format!("on {branch} but in no release")), ..found })
    }
}

/// A canary with the commit, and the seq of the build that says so.
struct Canary {
    interval: Interval,
    digest: String,
    build: u64,
}

/// Returns when a canary last went without another that has the commit, nor a release, in its place.
fn taken_back(canaries: &[Canary], stable: Option<Moment>) -> Option<Time> {
    let covered = |at: Moment| {
        let goes_on = |i: &Interval| i.from <= at && i.until.is_none_or(|until| until > at);
        canaries.iter().any(|canary| goes_on(&canary.interval))
    };
    let ends = canaries.iter().filter_map(|canary| canary.interval.until);
    let gone = ends.filter(|at| stable.is_none_or(|first| first > *at) && !covered(*at));
    gone.max().map(|moment| moment.at)
}

/// A channel with the publishes that have the commit: version and artifact.
struct Channel {
    place: Whereabouts,
    held: BTreeSet<(String, String)>,
}

impl Channel {
    /// Notes whether anything with the commit is on offer after a publish or yank.
    fn after(&mut self, fact: &Fact, offered: &Offered) {
        let held = |(version, digest): &(String, String)| {
            offered.get(version).is_some_and(
                |fact| matches!(fact.body(), Body::ReleasePublished(r) if *r.digest == **digest),
            )
        };
        let (before, now) = (self.place.live_now, self.held.iter().any(held));
        self.place.live_now = Some(now);
        if now {
            self.place.left_at = None;
        } else if before == Some(true) {
            self.place.left_at = Some(fact.moment().at);
            self.place.evidence.push(fact.seq);
        }
    }
}
