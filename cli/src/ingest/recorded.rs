//! What the book has recorded, as far as readers join through it (ingest.md 4).
//!
//! Sources name a run, a commit or a tag, hardly ever an artifact. What leads from one to the
//! other is an event that somebody recorded: a reader asks for it here and lists its seq, or says
//! which link is missing. Whoever reads a book implements this.

use std::fmt;

/// A recorded build.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Build {
    /// Its place in the log.
    pub seq: u64,
    /// The component.
    pub component: String,
    /// The version.
    pub version: String,
    /// The artifact.
    pub digest: String,
    /// The commit that it was built from.
    pub commit: String,
    /// The CI run that made it, where it says so.
    pub run_id: Option<String>,
}

/// Something that was recorded of a CI run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Run {
    /// Its place in the log.
    pub seq: u64,
    /// The commit that the run was of, where it says so.
    pub commit: Option<String>,
}

/// A recorded start of a deploy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Deploy {
    /// Its place in the log.
    pub seq: u64,
    /// The component.
    pub component: String,
    /// Where it goes.
    pub targets: Vec<String>,
    /// Whether an end of it is recorded, on any target.
    pub ended: bool,
}

/// A recorded tag, where it points to now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tag {
    /// Its place in the log.
    pub seq: u64,
    /// The commit.
    pub commit: String,
}

/// Finds recorded events. An error is what failed, for a message.
pub trait Recorded: fmt::Debug {
    /// Returns the builds of a commit, of any component, oldest first.
    ///
    /// # Errors
    /// What failed when the book cannot be read; so for all of these.
    fn builds_of_commit(&self, commit: &str) -> Result<Vec<Build>, String>;

    /// Returns the builds of a version.
    ///
    /// # Errors
    /// As above.
    fn builds_of_version(&self, component: &str, version: &str) -> Result<Vec<Build>, String>;

    /// Returns the builds of an artifact.
    ///
    /// # Errors
    /// As above.
    fn builds_of_digest(&self, component: &str, digest: &str) -> Result<Vec<Build>, String>;

    /// Returns what was recorded of a CI run.
    ///
    /// # Errors
    /// As above.
    fn run(&self, run_id: &str) -> Result<Vec<Run>, String>;

    /// Returns the start of a deploy.
    ///
    /// # Errors
    /// As above.
    fn deploy(&self, deploy_id: &str) -> Result<Option<Deploy>, String>;

    /// Returns where a tag of a component points to.
    ///
    /// # Errors
    /// As above.
    fn tag(&self, component: &str, tag: &str) -> Result<Option<Tag>, String>;

    /// Returns where a commit of a component is recorded as merged.
    ///
    /// # Errors
    /// As above.
    fn commit(&self, component: &str, commit: &str) -> Result<Option<u64>, String>;
}
