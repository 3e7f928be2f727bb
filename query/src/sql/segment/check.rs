//! Kept segments against segments made afresh from the same events.

use std::path::Path;

use relbook_ledger::store::Ledger;

use super::{Manifest, keep_of_this_log, seal};
use crate::book::BookError;
use crate::check::Mismatch;
use crate::release::FactsError;
use crate::sql::log::BookLog;

/// Compares each segment file that is kept of this log with a fresh one; tells how many.
pub(crate) fn check_segments(dir: &Path) -> Result<Result<u64, Mismatch>, BookError> {
    let segments = dir.join("segments");
    let mut manifest = Manifest::read(&segments);
    manifest.ranges.sort_by_key(|range| range.start);
    let log = BookLog::new(Ledger::open(dir)?);
    let failed = |error: &dyn std::fmt::Display| BookError::from(FactsError::new(error));
    keep_of_this_log(&mut manifest, &log, 1).map_err(|error| failed(&error))?;
    let mut count = 0;
    for range in &manifest.ranges {
        let apart = tempfile::tempdir().map_err(|error| failed(&error))?;
        let fresh = seal::seal_range(apart.path(), range.start..range.end, &log, &|_| ());
        let fresh = fresh.map_err(|error| match error {
            seal::SealError::Log(error) => failed(&error),
            seal::SealError::Write => failed(&"there is no room to make segments afresh"),
        })?;
        let names = fresh.files.keys().chain(range.files.keys());
        for table in names {
            let equal = fresh.files.get(table) == range.files.get(table);
            let held = range.files.get(table).is_some_and(|file| file.holds(&segments));
            if !equal || !held {
                let what = format!(
                    "the kept segment of `{table}` from seq {} is not what the log gives",
                    range.start
                );
                return Ok(Err(Mismatch { what, seq: Some(range.start) }));
            }
        }
        count += range.files.len() as u64;
    }
    Ok(Ok(count))
}
