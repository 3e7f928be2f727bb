//! Which branch a commit is on, as far as ancestry can tell.
//!
//! A commit does not know its branch. What is reachable from the default branch is on it; of the
//! rest, a release branch that contains it is named before any other branch, and where no branch
//! is left (release branches get deleted) the oldest tag that contains it, as `tags/<name>`.

use std::collections::HashMap;

use super::Import;
use super::commit::Commits;
use super::process::{Git, GitError, records, utf8};
use super::tag::Tag;

/// The line of development that everything is measured against.
#[derive(Debug, Clone)]
pub(super) struct Line {
    /// Its name; `None` when HEAD is detached and nothing says.
    pub(super) name: Option<String>,
    /// Its commits: the local and the remote tip may differ.
    pub(super) tips: Vec<String>,
}

/// Finds the default branch: what `origin/HEAD` says, else HEAD, else a usual name.
pub(super) fn default_line(git: &Git, found: &mut Import) -> Result<Option<Line>, GitError> {
    let head = git.symbolic("HEAD")?;
    let head_name = head.as_deref().and_then(|name| name.strip_prefix("refs/heads/"));
    let remote = git.symbolic("refs/remotes/origin/HEAD")?;
    let remote_name = remote.as_deref().and_then(|name| name.strip_prefix("refs/remotes/origin/"));
    let head_tip = git.commit_of("HEAD")?;
    let (name, tips) = match (remote_name, head_name) {
        (Some(remote), Some(head)) if remote != head => {
            let detail = format!(
                "HEAD is on {head}; imported the default branch {remote} instead, because \
                 commits of {head} may never be merged"
            );
            found.warn("not_default_branch", detail);
            (Some(remote), vec![git.commit_of(&format!("refs/remotes/origin/{remote}"))?])
        }
        (Some(remote), _) => {
            let tip = git.commit_of(&format!("refs/remotes/origin/{remote}"))?;
            (Some(remote), vec![tip, head_tip])
        }
        (None, Some(head)) if head_tip.is_some() => (Some(head), vec![head_tip]),
        (None, _) => return usual_line(git, head_tip, found),
    };
    let line = Line { name: name.map(str::to_owned), tips: tips.into_iter().flatten().collect() };
    found.branch.clone_from(&line.name);
    Ok(Some(line))
}

/// Tries the usual names: a detached HEAD, or one that names a branch without a commit.
fn usual_line(
    git: &Git,
    head_tip: Option<String>,
    found: &mut Import,
) -> Result<Option<Line>, GitError> {
    for name in ["main", "master", "trunk"] {
        for place in ["refs/remotes/origin", "refs/heads"] {
            if let Some(tip) = git.commit_of(&format!("{place}/{name}"))? {
                found.branch = Some(name.to_owned());
                let tips = [Some(tip), head_tip].into_iter().flatten().collect();
                return Ok(Some(Line { name: Some(name.to_owned()), tips }));
            }
        }
    }
    let Some(tip) = head_tip else { return Ok(None) };
    found.warn("no_branch", "HEAD is detached and there is no main or master: branch is unknown");
    Ok(Some(Line { name: None, tips: vec![tip] }))
}

/// The branch of each commit, by its position in [`Commits`].
#[derive(Debug)]
pub(super) struct Branches {
    names: Vec<String>,
    of: Vec<Option<usize>>,
}

impl Branches {
    /// Returns the branch of the commit at a position, `unknown` when nothing tells.
    pub(super) fn of(&self, position: usize) -> &str {
        let name = self.of.get(position).copied().flatten().and_then(|i| self.names.get(i));
        name.map_or("unknown", String::as_str)
    }

    /// Gives a name to everything that is reachable from a commit and has none.
    fn paint(&mut self, commits: &Commits, name: &str, from: impl IntoIterator<Item = usize>) {
        let index = self.names.len();
        self.names.push(name.to_owned());
        let mut stack: Vec<usize> = from.into_iter().collect();
        while let Some(position) = stack.pop() {
            match self.of.get_mut(position) {
                // What has a name has passed it on to all its ancestors.
                Some(slot) if slot.is_none() => *slot = Some(index),
                _ => continue,
            }
            stack.extend(commits.parents_of(position));
        }
    }

    fn is_whole(&self) -> bool {
        self.of.iter().all(Option::is_some)
    }
}

/// Names the branch of every commit.
pub(super) fn branches(
    git: &Git,
    commits: &Commits,
    line: Option<&Line>,
    tips: &[String],
    tags: &[Tag],
) -> Result<Branches, GitError> {
    let mut branches = Branches { names: Vec::new(), of: vec![None; commits.len()] };
    if let Some(Line { name: Some(name), tips }) = line {
        let positions = tips.iter().filter_map(|tip| commits.position(tip));
        branches.paint(commits, name, positions);
    }
    if !branches.is_whole() {
        paint_side_branches(git, commits, tips, &mut branches)?;
    }
    let mut by_time: Vec<&Tag> = tags.iter().collect();
    by_time.sort_by_key(|tag| (tag.when(commits).map(|when| when.recorded), &tag.name));
    for tag in by_time {
        if branches.is_whole() {
            break;
        }
        let name = format!("tags/{}", tag.name);
        branches.paint(commits, &name, commits.position(&tag.commit));
    }
    Ok(branches)
}

/// Paints from the tips of all other branches; what lies between them and the imported commits is
/// walked, but not imported.
fn paint_side_branches(
    git: &Git,
    commits: &Commits,
    tips: &[String],
    branches: &mut Branches,
) -> Result<(), GitError> {
    let mut heads = heads(git)?;
    heads.sort_by_key(|(name, _)| (!is_release_branch(name), name.clone()));
    let mut input: Vec<String> = heads.iter().map(|(_, tip)| tip.clone()).collect();
    input.extend(tips.iter().map(|tip| format!("^{tip}")));
    let bytes = git.lines(&["rev-list", "--parents", "--stdin"], &input)?;
    let text = utf8(bytes).0;
    let mut between: HashMap<&str, Vec<&str>> = text
        .lines()
        .filter_map(|line| {
            let mut hashes = line.split(' ');
            Some((hashes.next()?, hashes.collect()))
        })
        .collect();
    for (name, tip) in &heads {
        let (mut entries, mut stack) = (Vec::new(), vec![tip.as_str()]);
        while let Some(hash) = stack.pop() {
            match commits.position(hash) {
                Some(position) => entries.push(position),
                // Taken out: what it leads to is painted once, by the first branch.
                None => stack.extend(between.remove(hash).unwrap_or_default()),
            }
        }
        branches.paint(commits, name, entries);
    }
    Ok(())
}

/// Returns the branches, local and remote, by their short names.
fn heads(git: &Git) -> Result<Vec<(String, String)>, GitError> {
    let format = "--format=%(refname)%00%(objectname)%00%(symref)%00";
    let bytes = git.lines(&["for-each-ref", "refs/heads", "refs/remotes", format], &[])?;
    let mut heads = Vec::new();
    for [name, tip, symbolic] in records::<3>(&bytes, "for-each-ref")? {
        let name = utf8(name).0;
        let short = match name.strip_prefix("refs/heads/") {
            Some(short) => Some(short),
            None => name.strip_prefix("refs/remotes/").and_then(|n| n.split_once('/')).map(|n| n.1),
        };
        if let Some(short) = short.filter(|_| symbolic.is_empty()) {
            heads.push((short.to_owned(), utf8(tip).0));
        }
    }
    Ok(heads)
}

fn is_release_branch(name: &str) -> bool {
    let last = name.rsplit('/').next().unwrap_or(name).trim_start_matches('v');
    ["release", "hotfix", "stable", "maint"].iter().any(|word| name.starts_with(word))
        || (last.starts_with(|c: char| c.is_ascii_digit()) && last.contains('.'))
}
