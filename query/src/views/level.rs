//! Topological levels of commits: each is higher than those of its parents.
//!
//! A walk over the ancestry goes down the levels, so that it can stop early. Parents mostly come
//! before their children, and then a level costs one write. A cycle is no history, but anybody who
//! may append can put one into the log: its commits keep the levels that they have.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use relbook_ledger::event::Body;
use rusqlite::params;

use super::{Views, sql};
use crate::release::{Fact, Facts, FactsError, Key};

/// The commits whose levels may rise, with their parents.
type Descendants = BTreeMap<String, BTreeSet<String>>;

impl Views {
    /// Gives a commit its topological level, and its descendants theirs when they came first.
    pub(super) fn raise_level(&self, fact: &Arc<Fact>) -> Result<(), FactsError> {
        let Body::CommitMerged(merge) = fact.body() else { return Ok(()) };
        let before = self.uncorrected().commit_level(&merge.commit)?;
        let level = self.level_above(merge.parents.iter().map(|parent| parent.as_str()))?;
        if level <= before {
            return Ok(());
        }
        let descendants = self.descendants(&merge.commit, before, level - before)?;
        self.set_level(&merge.commit, level)?;
        self.raise_in_order(&descendants)
    }

    /// Returns the descendants of a commit that may rise when it rises by so much.
    fn descendants(&self, commit: &str, level: u64, rise: u64) -> Result<Descendants, FactsError> {
        let view = self.uncorrected();
        let mut found = Descendants::new();
        let mut waiting = vec![(commit.to_owned(), level)];
        while let Some((parent, level)) = waiting.pop() {
            for child in view.find(&Key::Children { parent })? {
                let Body::CommitMerged(merge) = child.body() else { continue };
                let own = view.commit_level(&merge.commit)?;
                // High enough already, and so is all that is above it.
                if *merge.commit == *commit || own > level + rise {
                    continue;
                }
                if !found.contains_key(merge.commit.as_str()) {
                    waiting.push((merge.commit.to_string(), own));
                }
                let parents = found.entry(merge.commit.to_string()).or_default();
                parents.extend(merge.parents.iter().map(ToString::to_string));
            }
        }
        Ok(found)
    }

    /// Raises each commit after its parents; those of a cycle never have their turn.
    fn raise_in_order(&self, descendants: &Descendants) -> Result<(), FactsError> {
        let mut waits: BTreeMap<&str, usize> = BTreeMap::new();
        let mut children: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        for (commit, parents) in descendants {
            let first: Vec<&String> =
                parents.iter().filter(|parent| descendants.contains_key(*parent)).collect();
            waits.insert(commit, first.len());
            for parent in first {
                children.entry(parent).or_default().push(commit);
            }
        }
        let free = waits.iter().filter(|(_, waits)| **waits == 0);
        let mut ready: Vec<&str> = free.map(|(commit, _)| *commit).collect();
        while let Some(commit) = ready.pop() {
            let parents = descendants.get(commit).into_iter().flatten();
            let level = self.level_above(parents.map(String::as_str))?;
            if level > self.uncorrected().commit_level(commit)? {
                self.set_level(commit, level)?;
            }
            for child in children.remove(commit).into_iter().flatten() {
                if let Some(left) = waits.get_mut(child) {
                    *left -= 1;
                    if *left == 0 {
                        ready.push(child);
                    }
                }
            }
        }
        Ok(())
    }

    fn level_above<'a>(&self, parents: impl Iterator<Item = &'a str>) -> Result<u64, FactsError> {
        let view = self.uncorrected();
        let mut level = 1;
        for parent in parents {
            level = level.max(view.commit_level(parent)? + 1);
        }
        Ok(level)
    }

    fn set_level(&self, commit: &str, level: u64) -> Result<(), FactsError> {
        self.db
            .prepare_cached("INSERT OR REPLACE INTO commit_level VALUES (?1, ?2)")
            .and_then(|mut s| s.execute(params![commit, sql(level)]))
            .map_err(FactsError::new)?;
        Ok(())
    }
}
