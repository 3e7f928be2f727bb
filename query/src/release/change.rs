//! What changed between two commits: by ancestry, never by time (semantics A.6).
//!
//! The walk goes from both ends down the topological levels and stops where everything left is an
//! ancestor of both, so its cost is that of the difference, not of the history.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use relbook_ledger::event::Body;
use relbook_ledger::event::source::CommitMerged;
use relbook_ledger::time::Time;

use super::Core;
use super::conventional::{self, Conventional};
use super::fact::{Fact, FactsError, Moment};
use super::index::Key;

/// Whether a commit came or went.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Direction {
    /// In the new one only.
    Added,
    /// In the old one only.
    Removed,
}

impl Direction {
    /// Returns the word that answers use.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Added => "added",
            Self::Removed => "removed",
        }
    }
}

/// One commit of a change list.
#[derive(Debug, Clone, PartialEq)]
pub struct Change {
    /// Whether it came or went.
    pub direction: Direction,
    /// The merge.
    pub fact: Arc<Fact>,
    /// What its message says of it.
    pub conventional: Conventional,
    /// The commit of the other side that is the same change, picked.
    pub equivalent_of: Option<String>,
    /// The seqs that the row rests on.
    pub evidence: Vec<u64>,
}

impl Change {
    /// Returns the fields of the merge.
    pub fn commit(&self) -> Option<&CommitMerged> {
        merged(&self.fact)
    }

    /// Returns when it was merged, as claimed.
    pub fn committed_at(&self) -> Time {
        self.fact.event.header.occurred_at
    }
}

/// A change list and whether it is whole.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct ChangeList {
    /// The commits, in topological order, oldest first.
    pub changes: Vec<Change>,
    /// The commits that the walk needed and the log does not have.
    pub unknown: BTreeSet<String>,
}

impl ChangeList {
    /// Returns `complete` or `unknown_ancestry`.
    pub fn completeness(&self) -> &'static str {
        if self.unknown.is_empty() { "complete" } else { "unknown_ancestry" }
    }
}

/// Commits with the ends from which they can be reached.
type Painted = BTreeMap<String, (Arc<Fact>, u8)>;

/// The names of the branch that releases come from.
const MAIN: [&str; 2] = ["main", "master"];

const OLD: u8 = 1;
const NEW: u8 = 2;

impl Core<'_> {
    /// Returns the merge of a commit: that of `component` where several components have it.
    ///
    /// # Errors
    /// [`FactsError`] when the facts cannot be read.
    pub fn commit(&self, component: &str, commit: &str) -> Result<Option<Arc<Fact>>, FactsError> {
        let all = self.facts.find(&Key::Commit { commit: commit.to_owned() })?;
        let own = all.iter().find(|fact| fact.event.component() == component);
        Ok(own.or(all.first()).cloned())
    }

    /// Returns what `new` has and `old` has not, and the other way round. Without `old`,
    /// everything under `new` is added.
    ///
    /// # Errors
    /// [`FactsError`] when the facts cannot be read.
    pub fn changes(
        &self,
        component: &str,
        old: Option<&str>,
        new: &str,
    ) -> Result<ChangeList, FactsError> {
        let (painted, unknown) = self.painted(component, old.as_slice(), new)?;
        let unknown = unknown.into_keys().collect();
        let mut listed = listed(component, &painted, NEW, new, old);
        if let Some(old) = old {
            listed.extend(self::listed(component, &painted, OLD, old, Some(new)));
        }
        let is_listed =
            |fact: &Fact| merged(fact).is_some_and(|m| listed.contains(m.commit.as_str()));
        let list = oldest_first(&painted).filter(|(_, fact)| is_listed(fact)).collect();
        Ok(ChangeList { changes: pair(list), unknown })
    }

    /// Returns every commit that `new` has and `old` has not, in topological order: who wrote any
    /// of them had a hand in `new`. Nothing is left out here: neither a commit whose effect a
    /// merge dropped, nor one that another row stands for.
    ///
    /// # Errors
    /// [`FactsError`] when the facts cannot be read.
    pub fn added(
        &self,
        component: &str,
        old: Option<&str>,
        new: &str,
    ) -> Result<Vec<Arc<Fact>>, FactsError> {
        self.added_beyond(component, old.as_slice(), new)
    }

    /// Returns every commit that `new` has and none of `old` has.
    ///
    /// # Errors
    /// [`FactsError`] when the facts cannot be read.
    pub(super) fn added_beyond(
        &self,
        component: &str,
        old: &[&str],
        new: &str,
    ) -> Result<Vec<Arc<Fact>>, FactsError> {
        Ok(self.added_or_unknown(component, old, new)?.0)
    }

    /// Returns the same, and the commits of `new` that the log does not have: what is under them
    /// is not known.
    pub(super) fn added_or_unknown(
        &self,
        component: &str,
        old: &[&str],
        new: &str,
    ) -> Result<(Vec<Arc<Fact>>, Vec<String>), FactsError> {
        let (painted, unknown) = self.painted(component, old, new)?;
        let list = oldest_first(&painted).filter(|(_, fact)| counts(component, fact));
        let added = list.filter(|(direction, _)| *direction == Direction::Added);
        let unknown = unknown.into_iter().filter(|(_, side)| *side == NEW);
        let unknown = unknown.map(|(commit, _)| commit).collect();
        Ok((added.map(|(_, fact)| fact).collect(), unknown))
    }

    /// Tells whether a commit reached main: merged there itself, or under what was. Nothing when
    /// the log has no merge of it.
    pub(super) fn on_main(&self, commit: &str) -> Result<Option<bool>, FactsError> {
        let mut merges = self.facts.find(&Key::Commit { commit: commit.to_owned() })?;
        if merges.is_empty() {
            return Ok(None);
        }
        let mut seen: BTreeSet<String> = BTreeSet::new();
        while let Some(fact) = merges.pop() {
            let Some(merge) = merged(&fact) else { continue };
            if MAIN.contains(&merge.branch.as_str()) {
                return Ok(Some(true));
            }
            if seen.insert(merge.commit.to_string()) {
                merges
                    .extend(self.facts.find(&Key::Children { parent: merge.commit.to_string() })?);
            }
        }
        Ok(Some(false))
    }

    /// Paints the commits down from both ends; what the walk needed and the log has not is
    /// unknown.
    fn painted(
        &self,
        component: &str,
        old: &[&str],
        new: &str,
    ) -> Result<(Painted, BTreeMap<String, u8>), FactsError> {
        let mut paint: BTreeMap<String, u8> = BTreeMap::new();
        let mut queue: BTreeSet<(u64, String)> = BTreeSet::new();
        for (tip, side) in old.iter().map(|tip| (*tip, OLD)).chain([(new, NEW)]) {
            *paint.entry(tip.to_owned()).or_default() |= side;
            queue.insert((self.facts.commit_level(tip)?, tip.to_owned()));
        }
        // When no queued commit is one-sided, all that is left is common to both.
        let mut one_sided = paint.values().filter(|side| **side != OLD | NEW).count();
        let (mut painted, mut unknown) = (Painted::new(), BTreeMap::new());
        while one_sided > 0
            && let Some((_, commit)) = queue.pop_last()
        {
            let side = paint.get(&commit).copied().unwrap_or_default();
            one_sided -= usize::from(side != OLD | NEW);
            let Some(fact) = self.commit(component, &commit)? else {
                if side != OLD | NEW {
                    unknown.insert(commit, side);
                }
                continue;
            };
            for parent in merged(&fact).into_iter().flat_map(|merge| &merge.parents) {
                let paint = paint.entry(parent.to_string()).or_default();
                let (before, after) = (*paint, *paint | side);
                *paint = after;
                if before == 0 {
                    queue.insert((self.facts.commit_level(parent)?, parent.to_string()));
                    one_sided += usize::from(after != OLD | NEW);
                } else if before != after {
                    one_sided = one_sided.saturating_sub(1);
                }
            }
            painted.insert(commit, (fact, side));
        }
        Ok((painted, unknown))
    }
}

pub(super) fn merged(fact: &Fact) -> Option<&CommitMerged> {
    match fact.body() {
        Body::CommitMerged(merge) => Some(merge),
        _ => None,
    }
}

/// Tells whether a commit is one of the component's, and not here for its ancestry only.
fn counts(component: &str, fact: &Fact) -> bool {
    let listed = merged(fact).is_some_and(|merge| merge.touches_component != Some(false));
    listed && fact.event.component() == component
}

/// Returns the commits of one side that touch the component, as `git log other..tip -- path` lists
/// them: where a merge took the component over from one parent as it was, what the other parents
/// did to it did not get through, and that parent alone is followed.
fn listed<'a>(
    component: &str,
    painted: &'a Painted,
    side: u8,
    tip: &'a str,
    other: Option<&str>,
) -> BTreeSet<&'a str> {
    let of_side = |commit: &str| painted.get(commit).filter(|(_, painted)| *painted == side);
    let (mut list, mut seen, mut stack) = (BTreeSet::new(), BTreeSet::new(), vec![tip]);
    while let Some(commit) = stack.pop() {
        let Some((fact, _)) = of_side(commit) else { continue };
        let Some(merge) = merged(fact).filter(|_| seen.insert(commit)) else { continue };
        let own = fact.event.component() == component;
        // Parents beyond the other end say nothing of this comparison.
        let here = |parent: &&str| of_side(parent).is_some() || other == Some(*parent);
        let parents = merge.parents.iter().map(|parent| &**parent);
        let inside: Vec<&str> = parents.filter(here).collect();
        // Another component has another path.
        let same = merge.unchanged_from.as_deref().filter(|_| own).unwrap_or_default();
        let is_same = |parent: &&str| same.iter().any(|same| **same == **parent);
        if let Some(parent) = inside.iter().copied().find(is_same) {
            stack.push(parent);
            continue;
        }
        let differs = if same.is_empty() {
            merge.touches_component != Some(false)
        } else {
            !inside.is_empty() || same.len() < merge.parents.len()
        };
        if differs && own {
            list.insert(commit);
        }
        stack.extend(inside);
    }
    list
}

/// Orders the commits of one side only: parents first, and among those that may come next the
/// oldest.
fn oldest_first(painted: &Painted) -> impl Iterator<Item = (Direction, Arc<Fact>)> {
    let one_sided = |commit: &str| painted.get(commit).filter(|(_, side)| *side != OLD | NEW);
    let mut waits: BTreeMap<&str, usize> = BTreeMap::new();
    let mut children: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for (commit, (fact, side)) in painted {
        if *side == OLD | NEW {
            continue;
        }
        let parents = merged(fact).into_iter().flat_map(|merge| &merge.parents);
        let known: Vec<&str> =
            parents.map(|p| p.as_str()).filter(|p| one_sided(p).is_some()).collect();
        waits.insert(commit, known.len());
        for parent in known {
            children.entry(parent).or_default().push(commit);
        }
    }
    let place = |commit: &'_ str| one_sided(commit).map(|(fact, _)| fact.moment());
    let mut ready: BTreeSet<(Option<Moment>, &str)> = BTreeSet::new();
    let free = waits.iter().filter(|(_, waits)| **waits == 0);
    ready.extend(free.map(|(commit, _)| (place(commit), *commit)));
    let mut ordered = Vec::new();
    while let Some((_, commit)) = ready.pop_first() {
        for child in children.remove(commit).into_iter().flatten() {
            if let Some(left) = waits.get_mut(child) {
                *left -= 1;
                if *left == 0 {
                    ready.insert((place(child), child));
                }
            }
        }
        waits.remove(commit);
        ordered.push(commit);
    }
    // A cycle is no history, but what it holds must not vanish.
    let mut rest: Vec<&str> = waits.into_keys().collect();
    rest.sort_by_key(|commit| place(commit));
    ordered.extend(rest);
    let found: Vec<(Direction, Arc<Fact>)> = ordered
        .into_iter()
        .filter_map(one_sided)
        .map(|(fact, side)| {
            let direction = if *side == NEW { Direction::Added } else { Direction::Removed };
            (direction, Arc::clone(fact))
        })
        .collect();
    found.into_iter()
}

/// Shows a commit and its pick once, with the other as `equivalent_of`.
fn pair(list: Vec<(Direction, Arc<Fact>)>) -> Vec<Change> {
    let mut changes: Vec<Change> = list
        .into_iter()
        .map(|(direction, fact)| {
            let conventional = merged(&fact)
                .map(|m| conventional::parse(&m.subject, m.body.as_deref()))
                .unwrap_or_default();
            let evidence = vec![fact.seq];
            Change { direction, fact, conventional, equivalent_of: None, evidence }
        })
        .collect();
    let picks: Vec<(String, String)> = changes
        .iter()
        .filter_map(Change::commit)
        .filter_map(|m| Some((m.commit.to_string(), m.cherry_picked_from.as_ref()?.to_string())))
        .collect();
    for (pick, original) in picks {
        let at = |commit: &str, changes: &[Change]| {
            changes.iter().position(|c| c.commit().is_some_and(|m| *m.commit == *commit))
        };
        let (Some(p), Some(o)) = (at(&pick, &changes), at(&original, &changes)) else { continue };
        // What came stays; between two that came, the original.
        let stays_pick =
            changes[p].direction == Direction::Added && changes[o].direction == Direction::Removed;
        let (stays, goes, other) = if stays_pick { (p, o, original) } else { (o, p, pick) };
        changes[stays].equivalent_of = Some(other);
        let seq = changes[goes].fact.seq;
        changes[stays].evidence.push(seq);
        changes.remove(goes);
    }
    changes
}
