//! What is kept of the projections against a fresh replay of the log (ledger-format 7).
//!
//! Views and segments are caches: a wrong one would give wrong answers until it is made anew. This
//! makes them anew apart, and compares row by row and file by file. It costs what making them
//! costs; nothing that is kept is changed.

use std::path::Path;

use crate::book::BookError;
use crate::views;

/// What was compared, all of it equal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ProjectionCheck {
    /// How many events the kept views had applied; none when no views of this version and of this
    /// log are kept.
    pub views: Option<u64>,
    /// How many kept segment files there are.
    pub segments: u64,
}

/// A projection that a fresh replay gives otherwise.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "{what}; remove it, it comes back by replay, and every answer since it was kept is suspect"
)]
pub struct Mismatch {
    /// What differs.
    pub what: String,
    /// The first event that it differs about, where it is about one.
    pub seq: Option<u64>,
}

/// Compares what is kept of the projections of the book in `dir` with a fresh replay; `progress`
/// hears of events replayed and in all.
///
/// # Errors
/// [`BookError`] when the log cannot be read.
pub fn check_projections(
    dir: &Path,
    progress: views::Progress<'_>,
) -> Result<Result<ProjectionCheck, Mismatch>, BookError> {
    let views = match views::check(dir, progress)? {
        Ok(views) => views,
        Err(mismatch) => return Ok(Err(mismatch)),
    };
    #[cfg(feature = "sql")]
    let segments = match crate::sql::check_segments(dir)? {
        Ok(segments) => segments,
        Err(mismatch) => return Ok(Err(mismatch)),
    };
    #[cfg(not(feature = "sql"))]
    let segments = 0;
    Ok(Ok(ProjectionCheck { views, segments }))
}
