//! The cosignatures of witnesses, kept beside the checkpoints that they are of.
//!
//! They come after the commit, from outside, and prove themselves: so they are stored without the
//! writer's lock, in a transaction of their own, and no append waits for them. Reading a checkpoint
//! gives its note with all lines that are stored of it.

use std::ops::Range;
use std::path::Path;

use rusqlite::Connection;

use super::ledger::ReadError;
use super::open_error::OpenError;
use super::{BookPaths, sqlite};
use crate::checkpoint::SignedCheckpoint;
use crate::note::NoteSignature;

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
