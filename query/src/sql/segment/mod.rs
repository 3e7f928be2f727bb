//! Sealed segments: Parquet files per log table and range of seqs under `book/segments/`.
//!
//! They are a cache and nothing else. Whoever deletes them, changes them or cannot write them
//! gets the same answers, later: what is missing is read from the ledger. The log only grows, so
//! a range of it, once sealed, never changes; the chain value at its end says of which log it is.
//! Several processes may seal at once: a file's name says what it must hold, and files appear by
//! rename only.

mod blocks;
mod check;
mod manifest;
mod seal;
mod store;

use std::collections::BTreeMap;
use std::fs;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use datafusion::object_store::ObjectStore;
use relbook_ledger::chain;

pub(crate) use check::check_segments;
pub(crate) use manifest::{Manifest, SealedFile, SealedRange};

use super::extract::hex;
use super::log::{LogError, LogSource};

/// How many events a segment holds, and how many the unsealed tail may have.
pub(crate) const SEAL_EVENTS: u64 = 16_384;

/// How many times as many events a range holds when many are sealed at once.
const LARGE: u64 = 16;

/// What a cache is opened for.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Sealing {
    /// How many events a segment holds.
    pub(crate) events: u64,
    /// Whether every file is read whole and compared with its sums before it is used.
    pub(crate) recheck: bool,
}

/// Reports progress: events sealed so far, events to seal.
pub(crate) type SealProgress<'a> = &'a (dyn Fn(u64, u64) + Sync);

/// The sealed part of a log, as far as it can be used.
#[derive(Debug, Default)]
pub(crate) struct Segments {
    dir: PathBuf,
    /// Ascending and disjoint.
    ranges: Vec<SealedRange>,
    size: u64,
}

impl Segments {
    /// Takes no segments: everything is read from the ledger.
    pub(crate) fn none(size: u64) -> Self {
        Self { dir: PathBuf::new(), ranges: Vec::new(), size }
    }

    /// Opens the segments under `dir`, drops what does not fit, and seals what is missing.
    ///
    /// # Errors
    /// [`LogError`] when the log cannot be read; a directory that cannot be written is no error.
    pub(crate) fn open(
        dir: &Path,
        log: &dyn LogSource,
        sealing: Sealing,
        progress: SealProgress<'_>,
    ) -> Result<Self, LogError> {
        let mut manifest = Manifest::read(dir);
        let holds = |range: &SealedRange| range.files.values().all(|file| file.holds(dir));
        manifest.ranges.retain(|range| range.is_usable(dir) && (!sealing.recheck || holds(range)));
        manifest.ranges.sort_by_key(|range| range.start);
        keep_of_this_log(&mut manifest, log, sealing.events)?;
        let size = log.size();
        let missing = missing(&manifest.ranges, size, sealing.events);
        if !missing.is_empty() && fs::create_dir_all(dir).is_ok() {
            let sealed = seal_all(dir, &missing, log, progress)?;
            if !sealed.is_empty() {
                manifest.ranges.extend(sealed);
                manifest.ranges.sort_by_key(|range| range.start);
                // Another process may write its manifest after ours: then ours is sealed again.
                if manifest.write(dir).is_ok() {
                    manifest.clean(dir);
                }
            }
        }
        Ok(Self { dir: dir.to_owned(), ranges: manifest.ranges, size })
    }

    /// Returns the store in which the engine finds the files: these and nothing else.
    pub(crate) fn store(&self) -> Arc<dyn ObjectStore> {
        Arc::new(store::SegmentStore::new(self.dir.clone(), &self.ranges))
    }

    pub(crate) fn dir(&self) -> &Path {
        &self.dir
    }

    pub(crate) fn ranges(&self) -> &[SealedRange] {
        &self.ranges
    }

    /// Returns the ranges of seqs up to `end` that no segment holds.
    pub(crate) fn unsealed(&self, end: u64) -> Vec<Range<u64>> {
        gaps(&self.ranges, self.size.min(end))
    }
}

/// Drops ranges that overlap, and all when the last one ends at another chain value: the chain
/// at a seq commits to everything before it.
fn keep_of_this_log(
    manifest: &mut Manifest,
    log: &dyn LogSource,
    events: u64,
) -> Result<(), LogError> {
    let size = log.size();
    let mut end = 0;
    manifest.ranges.retain(|range| {
        let fits = range.start >= end
            && range.start < range.end
            && range.end <= size
            && range.start % events == 0
            && range.end % events == 0;
        if fits {
            end = range.end;
        }
        fits
    });
    if let Some(last) = manifest.ranges.last() {
        let entries = log.entries(last.end - 1..last.end)?;
        let chain = entries.first().map(|entry| hex(&chain::link(entry)));
        if chain.as_deref() != Some(&last.chain) {
            manifest.ranges.clear();
        }
    }
    Ok(())
}

fn gaps(ranges: &[SealedRange], size: u64) -> Vec<Range<u64>> {
    let mut gaps = Vec::new();
    let mut at = 0;
    for range in ranges {
        if at < range.start.min(size) {
            gaps.push(at..range.start.min(size));
        }
        at = range.end;
    }
    if at < size {
        gaps.push(at..size);
    }
    gaps
}

/// Returns the ranges to seal: whole multiples of `events`, large ones where they fit.
fn missing(ranges: &[SealedRange], size: u64, events: u64) -> Vec<Range<u64>> {
    let mut missing = Vec::new();
    let most = events.saturating_mul(LARGE);
    for gap in gaps(ranges, size - size % events) {
        let mut start = gap.start;
        while start < gap.end {
            let large = start % most == 0 && gap.end - start >= most;
            let end = start + if large { most } else { events };
            missing.push(start..end);
            start = end;
        }
    }
    missing
}

/// What the sealing threads share.
struct Work<'a> {
    next: usize,
    done: u64,
    total: u64,
    sealed: Vec<SealedRange>,
    failed: Option<LogError>,
    progress: SealProgress<'a>,
}

/// Seals ranges on all cores. What cannot be written is left out; a log that cannot be read is an
/// error.
fn seal_all(
    dir: &Path,
    ranges: &[Range<u64>],
    log: &dyn LogSource,
    progress: SealProgress<'_>,
) -> Result<Vec<SealedRange>, LogError> {
    let total = ranges.iter().map(|range| range.end - range.start).sum();
    let work = Work { next: 0, done: 0, total, sealed: Vec::new(), failed: None, progress };
    let work = Mutex::new(work);
    let lock = || work.lock().unwrap_or_else(PoisonError::into_inner);
    let seal_some = || {
        loop {
            let range = {
                let mut work = lock();
                let Some(range) = ranges.get(work.next).filter(|_| work.failed.is_none()) else {
                    return;
                };
                work.next += 1;
                range.clone()
            };
            let result = seal::seal_range(dir, range, log, &|events| {
                let mut work = lock();
                work.done += events;
                (work.progress)(work.done, work.total);
            });
            let mut work = lock();
            match result {
                Ok(range) => work.sealed.push(range),
                Err(seal::SealError::Log(error)) => work.failed = Some(error),
                // A full or read-only directory: stop here, the ledger has it all.
                Err(seal::SealError::Write) => work.next = ranges.len(),
            }
        }
    };
    let threads = std::thread::available_parallelism().map_or(1, usize::from).min(ranges.len());
    std::thread::scope(|scope| {
        for _ in 1..threads {
            scope.spawn(seal_some);
        }
        seal_some();
    });
    let work = work.into_inner().unwrap_or_else(PoisonError::into_inner);
    match work.failed {
        Some(error) => Err(error),
        None => Ok(work.sealed),
    }
}

/// The files of a range by table.
pub(crate) type Files = BTreeMap<String, SealedFile>;

#[cfg(test)]
mod tests {
    use super::*;

    fn range(start: u64, end: u64) -> SealedRange {
        SealedRange { start, end, chain: String::new(), files: Files::new() }
    }

    #[test]
    fn what_no_range_holds_is_unsealed() {
        let ranges = [range(2, 4), range(4, 6), range(8, 10)];
        assert_eq!(gaps(&ranges, 12), [0..2, 6..8, 10..12]);
        assert_eq!(gaps(&ranges, 7), [0..2, 6..7]);
        assert_eq!(gaps(&ranges, 3), vec![0..2]);
        assert_eq!(gaps(&[], 0), []);
    }

    #[test]
    fn whole_multiples_are_sealed_large_ones_where_they_fit() {
        let k = SEAL_EVENTS;
        assert_eq!(missing(&[], k - 1, k), []);
        assert_eq!(missing(&[], 2 * k + 5, k), [0..k, k..2 * k]);
        assert_eq!(missing(&[], 17 * k, k), [0..16 * k, 16 * k..17 * k]);
        assert_eq!(missing(&[range(0, k), range(2 * k, 3 * k)], 3 * k, k), vec![k..2 * k]);
    }
}
