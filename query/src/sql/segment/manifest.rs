//! `manifest.json`: which segment files there are, and what each must hold.
//!
//! A manifest that cannot be read, or was written for another layout of the tables, counts as
//! empty. It is replaced by rename, never changed in place. The sum over each block of a file
//! stands here and not in the file: whoever changes a file would have to change both.

use std::collections::BTreeSet;
use std::fs;
use std::io::{self, Write as _};
use std::path::Path;
use std::sync::LazyLock;
use std::time::{Duration, SystemTime};

use relbook_ledger::json;
use serde::{Deserialize, Serialize};

use super::Files;
use super::blocks::Blocks;
use crate::sql::catalog::LOG_TABLES;
use crate::sql::extract::schema;

/// Raised when the same columns would be filled differently.
const VERSION: u32 = 2;

/// Names the layout of all log tables: another set of columns is another cache.
pub(super) static LAYOUT: LazyLock<String> = LazyLock::new(|| {
    let mut hasher = blake3::Hasher::new();
    for table in LOG_TABLES.iter() {
        hasher
            .update(format!("{}\n{:?}\n{:?}\n", table.name, table.kinds, schema(table)).as_bytes());
    }
    hasher.finalize().to_hex()[..16].to_owned()
});

const NAME: &str = "manifest.json";

/// The segments of a book.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(crate) struct Manifest {
    version: u32,
    layout: String,
    pub(crate) ranges: Vec<SealedRange>,
}

/// What is written: a disk that changes one digit of it must not change an answer.
#[derive(Serialize, Deserialize)]
struct Stored<M> {
    /// BLAKE3 of the manifest, in hex.
    sum: String,
    manifest: M,
}

/// A sealed range of seqs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct SealedRange {
    pub(crate) start: u64,
    /// Exclusive.
    pub(crate) end: u64,
    /// The chain value after the last event, in hex: it says of which log this is a part.
    pub(crate) chain: String,
    /// By table; a table without rows in the range has none.
    pub(crate) files: Files,
}

/// A segment file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct SealedFile {
    pub(crate) name: String,
    pub(crate) rows: u64,
    pub(crate) bytes: u64,
    /// The sum over each block of the file.
    pub(crate) blocks: Blocks,
    /// The latest claimed time in it, in microseconds.
    pub(crate) occurred_max: i64,
}

impl Manifest {
    /// Reads the manifest in a directory; anything but a good one counts as empty.
    pub(super) fn read(dir: &Path) -> Self {
        let Ok(bytes) = fs::read(dir.join(NAME)) else { return Self::empty() };
        let read = json::parse(&bytes).ok().and_then(|value| serde_json::from_value(value).ok());
        let Some(Stored::<Self> { sum, manifest }) = read else { return Self::empty() };
        let known = manifest.version == VERSION && manifest.layout == *LAYOUT;
        match known && manifest.sum().is_ok_and(|expected| expected == sum) {
            true => manifest,
            false => Self::empty(),
        }
    }

    fn sum(&self) -> serde_json::Result<String> {
        Ok(blake3::hash(&serde_json::to_vec(self)?).to_hex().to_string())
    }

    fn empty() -> Self {
        Self { version: VERSION, layout: LAYOUT.clone(), ranges: Vec::new() }
    }

    /// Puts the manifest in the place of the one before.
    pub(super) fn write(&self, dir: &Path) -> io::Result<()> {
        let mut file = tempfile::Builder::new().prefix(TEMPORARY).tempfile_in(dir)?;
        let stored = Stored { sum: self.sum()?, manifest: self };
        file.write_all(&serde_json::to_vec(&stored)?)?;
        file.persist(dir.join(NAME))?;
        Ok(())
    }

    /// Removes files that no manifest of this layout can name any more, and what a process that
    /// was killed left behind. It spares the young: another process may be about to name them.
    pub(super) fn clean(&self, dir: &Path) {
        let names = self.ranges.iter().flat_map(|range| range.files.values());
        let named: BTreeSet<&str> = names.map(|file| file.name.as_str()).collect();
        for entry in fs::read_dir(dir).into_iter().flatten().flatten() {
            let name = entry.file_name();
            let Some(name) = name.to_str() else { continue };
            let ours = name.ends_with(".parquet") || name.starts_with(TEMPORARY);
            if ours && !named.contains(name) && is_old(&entry) {
                // What stays is only wasted room.
                let _ignored = fs::remove_file(entry.path());
            }
        }
    }
}

/// How temporary files begin.
pub(super) const TEMPORARY: &str = ".sealing-";

fn is_old(entry: &fs::DirEntry) -> bool {
    let modified = entry.metadata().and_then(|meta| meta.modified());
    #[expect(clippy::disallowed_methods, reason = "the age of a cache file decides no answer")]
    let now = SystemTime::now();
    let age = modified.ok().and_then(|modified| now.duration_since(modified).ok());
    age.is_some_and(|age| age > Duration::from_secs(3600))
}

impl SealedRange {
    /// Tells whether all files are there with the right sizes.
    pub(super) fn is_usable(&self, dir: &Path) -> bool {
        let there = |(table, file): (&String, &SealedFile)| {
            LOG_TABLES.iter().any(|known| known.name == *table)
                && !file.name.contains(['/', '\\'])
                && fs::metadata(dir.join(&file.name)).is_ok_and(|m| m.len() == file.bytes)
        };
        self.files.iter().all(there)
    }
}

impl SealedFile {
    /// Reads the whole file and tells whether it is the one that was sealed.
    pub(super) fn holds(&self, dir: &Path) -> bool {
        self.blocks.read(&dir.join(&self.name), self.bytes, 0..self.bytes).is_ok()
    }

    /// Reads the whole file.
    ///
    /// # Errors
    /// When it cannot be read, or is not the one that was sealed.
    pub(crate) fn read(&self, dir: &Path) -> io::Result<Vec<u8>> {
        self.blocks.read(&dir.join(&self.name), self.bytes, 0..self.bytes)
    }
}
