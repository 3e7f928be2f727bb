//! Reads the tags and commits of an existing repository as events (contract 3 `import git`).
//!
//! The repository is read through the `git` program: it is on every machine that has a
//! repository, and nothing else agrees with it on shallow clones, alternates, worktrees, packs
//! and the coming reftable and SHA-256 formats. The layer is thin (`process.rs`): `git -C DIR`,
//! plumbing where there is some, a clean environment, NUL-separated output, never a shell, never
//! the network. Nothing is written to the repository.
//!
//! Containment is ancestry (semantics A.6), so every commit that a release can contain becomes a
//! `commit.merged`, parents before children, also those outside `--path`: they carry
//! `touches_component: false`. Ids are made of component and commit or tag: the same repository
//! gives the same bytes, and the caller drops events whose id the book already holds.

mod branch;
mod commit;
mod id;
mod path;
mod process;
mod signature;
mod tag;
mod time;

#[cfg(test)]
mod tests;

use std::collections::HashSet;
use std::path::Path;

use relbook_ledger::time::Time;
use relbook_ledger::version::Scheme;
use serde_json::{Map, Value};

pub use process::GitError;
pub use tag::{Before, PatternError, SkippedTag, TagPattern, moved};

use path::Touch;
use process::Git;

/// What to import, and for whom.
#[derive(Debug, Clone)]
pub struct Options<'a> {
    /// The component, by its registered name.
    pub component: &'a str,
    /// Its version scheme: a tag whose version does not parse is skipped and reported.
    pub scheme: &'a Scheme,
    /// Which tags are releases of the component.
    pub pattern: TagPattern,
    /// The directory of the component, relative to the top of the repository.
    pub path: Option<&'a str>,
    /// The latest time that the book takes: a commit from later is recorded then.
    pub latest: Time,
}

/// Something that the user should know, though the import went on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Warning {
    /// A stable word for scripts.
    pub code: &'static str,
    /// What it is and what to do.
    pub detail: String,
}

/// What an import found.
#[derive(Debug, Clone, Default)]
pub struct Import {
    /// `commit.merged`, parents before children, then `tag.created` by time. All have ids.
    pub events: Vec<Map<String, Value>>,
    /// How many of them are commits.
    pub commits: usize,
    /// How many of them are tags.
    pub tags: usize,
    /// The default branch, when it has a name.
    pub branch: Option<String>,
    /// Tags that match the pattern and were left out.
    pub skipped: Vec<SkippedTag>,
    /// What else the user should know.
    pub warnings: Vec<Warning>,
}

impl Import {
    fn warn(&mut self, code: &'static str, detail: impl Into<String>) {
        self.warnings.push(Warning { code, detail: detail.into() });
    }
}

/// Reads a repository; `progress` is called with commits done and their total.
///
/// # Errors
/// [`GitError`] when git is missing or old, the directory is no repository or has no commit, the
/// path is none of the repository, or git fails.
pub fn import(
    dir: &Path,
    options: &Options<'_>,
    progress: &dyn Fn(u64, u64),
) -> Result<Import, GitError> {
    let git = Git::open(dir)?;
    let path = options.path.map(component_path).transpose()?.flatten();
    let mut found = Import::default();
    if let Some(prefix) = git.prefix()?
        && path.is_none()
    {
        let detail = format!(
            "this is the directory {prefix} of a larger repository; all of it was read; \
             --path {prefix} marks the commits that touch it"
        );
        found.warn("subdirectory", detail);
    }
    let all_tags = tag::read(&git, options, &mut found)?;
    let line = branch::default_line(&git, &mut found)?;
    let mut tips: Vec<String> = line.iter().flat_map(|line| line.tips.clone()).collect();
    tips.extend(all_tags.iter().map(|tag| tag.commit.clone()));
    let mut seen = HashSet::new();
    tips.retain(|tip| seen.insert(tip.clone()));
    if tips.is_empty() {
        return Err(GitError::Empty { dir: dir.display().to_string() });
    }
    let commits = commit::read(&git, &tips, options.latest, progress, &mut found)?;
    let touch = path.map(|path| path::touch(&git, &tips, &commits, &path)).transpose()?;
    if touch.as_ref().is_some_and(Touch::is_empty) {
        let path = options.path.unwrap_or_default().to_owned();
        return Err(GitError::Untouched { path });
    }
    let branches = branch::branches(&git, &commits, line.as_ref(), &tips, &all_tags)?;
    commit::events(options, &commits, &branches, touch.as_ref(), &mut found);
    tag::events(options, all_tags, &commits, &mut found);
    Ok(found)
}

/// Takes a path below the top of the repository in the one form that git compares; `None` is all
/// of it.
fn component_path(path: &str) -> Result<Option<String>, GitError> {
    let parts: Vec<&str> = path.split('/').filter(|part| !matches!(*part, "" | ".")).collect();
    let outside = path.is_empty() || path.starts_with('/') || parts.contains(&"..");
    if outside || path.contains(char::is_control) {
        return Err(GitError::Path { path: path.to_owned() });
    }
    Ok(Some(parts.join("/")).filter(|path| !path.is_empty()))
}
