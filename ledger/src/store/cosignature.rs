//! The cosignatures of witnesses, kept beside the checkpoints that they are of.
//!
//! They come after the commit, from outside, and prove themselves: so they are stored without the
//! writer's lock, in a transaction of their own, and no append waits for them. Reading a checkpoint
//! gives its note with all lines that are stored of it.

use std::ops::Range;
use std::path::Path;

use rusqlite::Connection;

use super::ledger::{Ledger, ReadError};
use super::open_error::OpenError;
use super::{BookPaths, sqlite};
use crate::checkpoint::SignedCheckpoint;
use crate::cosignature::cosigners;
use crate::note::{Note, NoteSignature};
use crate::verifier_key::VerifierKey;

/// Stores lines of witnesses for the checkpoint of a size, durably; those that are there already
/// are left as they are. Returns how many are new.
///
/// The caller has checked them; `verify` checks them again.
///
/// # Errors
/// [`OpenError`] when there is no such book or it cannot be written.
pub fn store_cosignatures(
    dir: &Path,
    size: u64,
    lines: &[NoteSignature],
) -> Result<usize, OpenError> {
    let paths = BookPaths::new(dir);
    let connection = sqlite::open_write(&paths.database())?;
    insert(&connection, size, lines).map_err(OpenError::database(&paths.database()))
}

fn insert(connection: &Connection, size: u64, lines: &[NoteSignature]) -> rusqlite::Result<usize> {
    let transaction = connection.unchecked_transaction()?;
    let mut new = 0;
    for line in lines {
        new += transaction.execute(
            "INSERT INTO cosignatures(size, line) VALUES (?1, ?2) ON CONFLICT DO NOTHING",
            (size.cast_signed(), line.to_string()),
        )?;
    }
    transaction.commit()?;
    Ok(new)
}

/// Reads the lines whose size lies in a range, in the order of the sizes.
pub(super) fn read(
    connection: &Connection,
    sizes: Range<i64>,
) -> rusqlite::Result<Vec<(u64, String)>> {
    let mut statement = connection.prepare_cached(
        "SELECT size, line FROM cosignatures WHERE size >= ?1 AND size < ?2 ORDER BY size, line",
    )?;
    let rows = statement.query_map((sizes.start, sizes.end), |row| {
        Ok((row.get::<_, i64>(0)?.cast_unsigned(), row.get(1)?))
    })?;
    rows.collect()
}

/// Adds to each checkpoint the lines that are stored of it.
pub(super) fn attach(
    connection: &Connection,
    checkpoints: &mut [SignedCheckpoint],
) -> Result<(), ReadError> {
    let (Some(first), Some(last)) = (checkpoints.first(), checkpoints.last()) else {
        return Ok(());
    };
    let sizes = first.size.cast_signed()..last.size.cast_signed() + 1;
    let mut lines = read(connection, sizes)?.into_iter().peekable();
    for checkpoint in checkpoints {
        while let Some((_, line)) = lines.next_if(|(size, _)| *size <= checkpoint.size) {
            // A line break in it would end the note; `verify` names such a line.
            if NoteSignature::parse(&line).is_ok() {
                checkpoint.note.push_str(&line);
                checkpoint.note.push('\n');
            }
        }
    }
    Ok(())
}

impl Ledger {
    /// Returns the size of the newest checkpoint that any line of a witness is stored of.
    ///
    /// # Errors
    /// [`ReadError`] when the database cannot be read.
    pub fn newest_cosigned_size(&self) -> Result<Option<u64>, ReadError> {
        let mut statement = self.connection.prepare_cached("SELECT max(size) FROM cosignatures")?;
        let size: Option<i64> = statement.query_row([], |row| row.get(0))?;
        Ok(size.map(i64::cast_unsigned).filter(|&size| size <= self.size))
    }

    /// Returns the newest checkpoint that covers an event and that at least `quorum`, and one, of
    /// these witnesses cosigned.
    ///
    /// # Errors
    /// [`ReadError`] when the database cannot be read.
    pub fn checkpoint_cosigned(
        &self,
        seq: u64,
        witnesses: &[VerifierKey],
        quorum: u32,
    ) -> Result<Option<SignedCheckpoint>, ReadError> {
        let mut statement = self.connection.prepare_cached(
            "SELECT DISTINCT size FROM cosignatures WHERE size > ?1 AND size <= ?2 \
             ORDER BY size DESC",
        )?;
        let mut rows = statement.query((seq.cast_signed(), self.size.cast_signed()))?;
        while let Some(row) = rows.next()? {
            let size = row.get::<_, i64>(0)?.cast_unsigned();
            let Some(checkpoint) = self.checkpoints(size..size + 1)?.pop() else { continue };
            let note = Note::parse(&checkpoint.note).ok();
            let by = note.and_then(|note| cosigners(&note, witnesses).ok()).unwrap_or_default();
            if by.len() >= quorum.max(1) as usize {
                return Ok(Some(checkpoint));
            }
        }
        Ok(None)
    }
}
