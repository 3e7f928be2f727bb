//! Which commits touch the component's directory, as `git log -- PATH` sees it.
//!
//! A commit touches the directory when it differs there from every parent. A merge that has it
//! just as one of its parents brings nothing of its own; git follows that parent alone, and which
//! one that is depends on the two releases that are compared. So a merge is given with the parents
//! that it agrees with, and the comparison decides (semantics A.6, `query/src/release/change.rs`).

use std::collections::{HashMap, HashSet};

use super::commit::Commits;
use super::process::{Git, GitError, pathspec, utf8};

/// What the commits do to a directory.
#[derive(Debug, Default)]
pub(super) struct Touch {
    /// The commits that differ there from every parent.
    touching: HashSet<String>,
    /// The merges that are the same there as some parents, with these.
    unchanged_from: HashMap<String, Vec<String>>,
}

impl Touch {
    /// Tells whether a commit changes something in the directory.
    pub(super) fn touches(&self, hash: &str) -> bool {
        self.touching.contains(hash)
    }

    /// Tells whether no commit changes anything there.
    pub(super) fn is_empty(&self) -> bool {
        self.touching.is_empty()
    }

    /// Returns the parents that a merge agrees with; empty for any other commit.
    pub(super) fn unchanged_from(&self, hash: &str) -> &[String] {
        self.unchanged_from.get(hash).map_or(&[], Vec::as_slice)
    }
}

/// Looks at a directory in every commit.
pub(super) fn touch(
    git: &Git,
    tips: &[String],
    commits: &Commits,
    path: &str,
) -> Result<Touch, GitError> {
    // The full history: without it git leaves out whole branches that a merge did not take over.
    let spec = pathspec(path);
    let bytes = git.lines(&["rev-list", "--full-history", "--stdin", "--", &spec], tips)?;
    let differing: HashSet<String> = utf8(bytes).0.lines().map(str::to_owned).collect();
    let mut touch = Touch::default();
    let mut merges = Vec::new();
    for (hash, parents) in commits.with_parents() {
        // At the edge of a shallow clone a parent may not be here to be compared.
        let is_merge = parents.len() > 1 && parents.iter().all(|p| commits.position(p).is_some());
        match (is_merge, differing.contains(hash)) {
            (true, true) => merges.push((hash, parents)),
            (true, false) => {
                touch.unchanged_from.insert(hash.to_owned(), parents.to_vec());
            }
            (false, true) => {
                touch.touching.insert(hash.to_owned());
            }
            (false, false) => {}
        }
    }
    compare_merges(git, path, &merges, &mut touch)?;
    Ok(touch)
}

/// Compares the directory in merges with that in each parent, by the hashes of its trees.
fn compare_merges(
    git: &Git,
    path: &str,
    merges: &[(&str, &[String])],
    touch: &mut Touch,
) -> Result<(), GitError> {
    let mut names = Vec::new();
    for (hash, parents) in merges {
        names.push(format!("{hash}:{path}"));
        names.extend(parents.iter().map(|parent| format!("{parent}:{path}")));
    }
    let bytes = git.lines(&["cat-file", "--batch-check=%(objectname)", "--buffer"], &names)?;
    let text = utf8(bytes).0;
    // Where there is no such directory git repeats the name and says `missing`.
    let mut trees = text.lines().map(|line| Some(line).filter(|line| !line.contains(' ')));
    for (hash, parents) in merges {
        let cut_off =
            || GitError::Output { command: "cat-file".to_owned(), what: "a line is missing" };
        let own = trees.next().ok_or_else(cut_off)?;
        let mut same = Vec::new();
        for parent in *parents {
            if trees.next().ok_or_else(cut_off)? == own {
                same.push(parent.clone());
            }
        }
        if same.is_empty() {
            touch.touching.insert((*hash).to_owned());
        } else {
            touch.unchanged_from.insert((*hash).to_owned(), same);
        }
    }
    Ok(())
}
