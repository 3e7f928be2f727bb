//! Which commits and artifacts contain one commit: by ancestry, never by time (semantics A.6).

use std::collections::{HashMap, HashSet};

use super::Core;
use super::change::merged;
use super::fact::FactsError;

/// Tells what contains one commit; remembers what it walked.
pub(super) struct Contains<'a, 'b> {
    core: &'a Core<'b>,
    component: &'a str,
    wanted: &'a str,
    level: u64,
    known: HashMap<String, bool>,
    met: HashSet<String>,
}

impl<'a, 'b> Contains<'a, 'b> {
    /// Looks for a commit in the ancestry of a component.
    pub(super) fn new(
        core: &'a Core<'b>,
        component: &'a str,
        wanted: &'a str,
    ) -> Result<Self, FactsError> {
        let level = core.facts.commit_level(wanted)?;
        Ok(Self { core, component, wanted, level, known: HashMap::new(), met: HashSet::new() })
    }

    /// Tells whether the wanted commit is `tip` or one of its ancestors.
    pub(super) fn holds(&mut self, tip: &str) -> Result<bool, FactsError> {
        let mut stack = vec![tip.to_owned()];
        while let Some(commit) = stack.last().cloned() {
            if self.known.contains_key(&commit) {
                stack.pop();
                continue;
            }
            // Nothing below the level of the wanted commit can contain it.
            let below = self.core.facts.commit_level(&commit)? <= self.level;
            if commit == self.wanted || below {
                self.known.insert(commit.clone(), commit == self.wanted);
                continue;
            }
            let fact = self.core.commit(self.component, &commit)?;
            let merge = fact.as_deref().and_then(merged);
            let parents = || merge.into_iter().flat_map(|merge| &merge.parents);
            let found = parents().any(|parent| self.known.get(parent.as_str()) == Some(&true));
            // What was met before and is not known yet is its own ancestor: a cycle, which is
            // no history, and must not be walked for ever.
            let open: Vec<String> = parents()
                .map(ToString::to_string)
                .filter(|parent| !self.known.contains_key(parent) && !self.met.contains(parent))
                .collect();
            self.met.insert(commit.clone());
            if found || open.is_empty() {
                self.known.insert(commit, found);
            } else {
                stack.extend(open);
            }
        }
        Ok(self.known.get(tip) == Some(&true))
    }

    /// Returns the seq of the build that says so when an artifact contains it.
    pub(super) fn in_digest(&mut self, digest: &str) -> Result<Option<u64>, FactsError> {
        match self.core.origin(self.component, digest, None)? {
            Some(origin) => Ok(self.holds(&origin.commit)?.then_some(origin.seq)),
            None => Ok(None),
        }
    }
}
