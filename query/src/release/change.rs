//! What changed between two commits: by ancestry, never by time (semantics A.6).
//!
//! The walk goes from both ends down the topological levels and stops where everything left is an
//! ancestor of both, so its cost is that of the difference, not of the history.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::sync::Arc;

use relbook_ledger::event::Body;
use relbook_ledger::event::source::CommitMerged;
use relbook_ledger::time::Time;

use super::Core;
use super::conventional::{self, Conventional};
use super::fact::{Fact, FactsError};
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
        let (sides, unknown) = self.sides(component, old, new)?;
        let side = |wanted| {
            let of_side = sides.iter().filter(move |(_, (_, side))| *side == wanted);
            of_side.map(|((level, commit), (fact, _))| (commit.as_str(), (*level, fact))).collect()
        };
        let (added, removed): (Side<'_>, Side<'_>) = (side(NEW), side(OLD));
        let mut list = Vec::new();
        for (direction, side, tip, other) in [
            (Direction::Added, &added, Some(new), old),
            (Direction::Removed, &removed, old, Some(new)),
        ] {
            let listed = tip.map(|tip| listed(component, side, (tip, other))).unwrap_or_default();
            let rows = listed.into_iter().filter(|(_, fact)| fact.event.component() == component);
            list.extend(rows.map(|(level, fact)| (level, direction, Arc::clone(fact))));
        }
        // Topological, oldest first: the level puts parents first; time and seq settle the rest.
        list.sort_by_key(|(level, direction, fact)| (*level, fact.moment(), *direction));
        Ok(ChangeList { changes: pair(list), unknown })
    }

    /// Returns who wrote what `new` has and `old` has not. Nothing is left out here: neither a
    /// commit whose effect a merge dropped, nor one that another row stands for.
    ///
    /// # Errors
    /// [`FactsError`] when the facts cannot be read.
    pub fn authors_between(
        &self,
        component: &str,
        old: Option<&str>,
        new: &str,
    ) -> Result<BTreeSet<String>, FactsError> {
        let (sides, _) = self.sides(component, old, new)?;
        let added = sides.values().filter(|(_, side)| *side == NEW);
        let own = added.filter(|(fact, _)| fact.event.component() == component);
        let merges = own.filter_map(|(fact, _)| merged(fact));
        let touching = merges.filter(|merge| merge.touches_component != Some(false));
        Ok(touching.map(|merge| merge.author.to_string()).collect())
    }

    /// Paints the commits down from both ends; also returns the parents that the log lacks.
    fn sides(
        &self,
        component: &str,
        old: Option<&str>,
        new: &str,
    ) -> Result<(Painted, BTreeSet<String>), FactsError> {
        let mut paint: BTreeMap<String, u8> = BTreeMap::new();
        let mut queue: BTreeSet<(u64, String)> = BTreeSet::new();
        for (tip, side) in [(old, OLD), (Some(new), NEW)] {
            let Some(tip) = tip else { continue };
            *paint.entry(tip.to_owned()).or_default() |= side;
            queue.insert((self.facts.commit_level(tip)?, tip.to_owned()));
        }
        // When no queued commit is one-sided, all that is left is common to both.
        let mut one_sided = paint.values().filter(|side| **side != OLD | NEW).count();
        let (mut sides, mut unknown) = (BTreeMap::new(), BTreeSet::new());
        while one_sided > 0
            && let Some((level, commit)) = queue.pop_last()
        {
            let side = paint.get(&commit).copied().unwrap_or_default();
            one_sided -= usize::from(side != OLD | NEW);
            let Some(fact) = self.commit(component, &commit)? else {
                if side != OLD | NEW {
                    unknown.insert(commit);
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
            sides.insert((level, commit), (fact, side));
        }
        Ok((sides, unknown))
    }
}

/// The commits under either end and whose they are, keyed by level and commit.
type Painted = BTreeMap<(u64, String), (Arc<Fact>, u8)>;

/// The commits of one side, with their levels.
type Side<'a> = BTreeMap<&'a str, (u64, &'a Arc<Fact>)>;

/// Returns the commits of one side that touch the component, as `git log other..tip -- path` lists
/// them: where a merge took the component over from one parent as it was, what the other parents
/// did to it did not get through, and that parent alone is followed.
fn listed<'a>(
    component: &str,
    side: &Side<'a>,
    (tip, other): (&str, Option<&str>),
) -> Vec<(u64, &'a Arc<Fact>)> {
    let (mut list, mut seen, mut stack) = (Vec::new(), HashSet::new(), vec![tip.to_owned()]);
    while let Some(commit) = stack.pop() {
        let Some(&(level, fact)) = side.get(commit.as_str()) else { continue };
        let Some(merge) = merged(fact).filter(|_| seen.insert(commit)) else { continue };
        // Parents beyond the other end say nothing of this comparison.
        let here = |parent: &&str| side.contains_key(parent) || other == Some(parent);
        let parents = merge.parents.iter().map(|parent| &**parent);
        let inside: Vec<&str> = parents.filter(here).collect();
        // Another component has another path.
        let own = merge.unchanged_from.as_deref().filter(|_| fact.event.component() == component);
        let same = own.unwrap_or_default();
        let is_same = |parent: &&str| same.iter().any(|same| **same == **parent);
        if let Some(parent) = inside.iter().copied().find(is_same) {
            stack.push(parent.to_owned());
            continue;
        }
        let differs = if same.is_empty() {
            merge.touches_component != Some(false)
        } else {
            !inside.is_empty() || same.len() < merge.parents.len()
        };
        if differs {
            list.push((level, fact));
        }
        stack.extend(inside.into_iter().map(str::to_owned));
    }
    list
}

fn merged(fact: &Fact) -> Option<&CommitMerged> {
    match fact.body() {
        Body::CommitMerged(merge) => Some(merge),
        _ => None,
    }
}

/// Shows a commit and its pick once, with the other as `equivalent_of`.
fn pair(list: Vec<(u64, Direction, Arc<Fact>)>) -> Vec<Change> {
    let mut changes: Vec<Change> = list
        .into_iter()
        .map(|(_, direction, fact)| {
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
