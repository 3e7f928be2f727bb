//! The tiles of the tree in the database, and the proofs that they give (ledger-format 4).

use rusqlite::{Connection, OptionalExtension as _};

use super::ledger::{Ledger, ReadError};
use crate::checkpoint::SignedCheckpoint;
use crate::receipt::Receipt;
use crate::tree::proof::{self, ProveError, TileSource};
use crate::tree::tile::{Tile, TileEdge, TileId};
use crate::tree::{Hash, leaf_hash};

/// Returns the id under which a tile is stored.
fn row_id(id: TileId) -> i64 {
    (id.index << 3 | u64::from(id.level)).cast_signed()
}

/// Stores tiles; a partial one takes the place of its shorter self.
pub(super) fn store<'a>(
    connection: &Connection,
    tiles: impl Iterator<Item = (TileId, &'a [Hash])>,
) -> rusqlite::Result<()> {
    let mut statement = connection.prepare_cached(
        "INSERT INTO tiles(id, hashes) VALUES (?1, ?2) \
         ON CONFLICT(id) DO UPDATE SET hashes = excluded.hashes",
    )?;
    for (id, hashes) in tiles {
        statement.execute((row_id(id), hashes.as_flattened()))?;
    }
    Ok(())
}

/// Reads a tile, whole or as far as it has grown.
pub(super) fn read(connection: &Connection, id: TileId) -> Result<Option<Tile>, ReadError> {
    let mut statement = connection.prepare_cached("SELECT hashes FROM tiles WHERE id = ?1")?;
    let bytes: Option<Vec<u8>> = statement.query_row([row_id(id)], |row| row.get(0)).optional()?;
    let Some(bytes) = bytes else { return Ok(None) };
    match bytes.as_chunks() {
        (hashes, []) => Ok(Some(hashes.to_vec())),
        _ => {
            let detail = format!("tile {} of level {} is no list of hashes", id.index, id.level);
            Err(ReadError::Damaged { detail })
        }
    }
}

/// Reads the partial tiles at the right edge of a tree of `size` leaves.
pub(super) fn read_partial(
    connection: &Connection,
    size: u64,
) -> Result<Vec<(TileId, Tile)>, ReadError> {
    let tile = |(id, _)| Ok((id, read(connection, id)?.unwrap_or_default()));
    TileEdge::partial_ids(size).map(tile).collect()
}

impl TileSource for Ledger {
    type Error = ReadError;

    fn tile(&self, id: TileId) -> Result<Option<Tile>, ReadError> {
        read(&self.connection, id)
    }
}

impl Ledger {
    /// Proves that an event is in the log of `size` events: hashes from its sibling upwards.
    ///
    /// # Errors
    /// [`ReadError::Damaged`] when the tree does not reach that far, or a tile is missing.
    pub fn prove_inclusion(&self, seq: u64, size: u64) -> Result<Vec<Hash>, ReadError> {
        proof::prove_inclusion(self, seq, size).map_err(read_error)
    }

    /// Proves that the log of `size` events begins with that of `earlier` events.
    ///
    /// # Errors
    /// As [`Ledger::prove_inclusion`].
    pub fn prove_consistency(&self, earlier: u64, size: u64) -> Result<Vec<Hash>, ReadError> {
        proof::prove_consistency(self, earlier, size).map_err(read_error)
    }

    /// Returns the receipt of an event, under the newest checkpoint; that of a change of the
    /// book's key under the checkpoint that both keys signed.
    ///
    /// # Errors
    /// [`ReadError`] when the book holds no such event or cannot be read.
    pub fn receipt(&self, seq: u64) -> Result<Receipt, ReadError> {
        let rotation = self.book_keys().rotations().iter().any(|rotation| rotation.seq == seq);
        let both = if rotation { self.checkpoint_covering(seq)? } else { None };
        match both {
            Some(checkpoint) => self.receipt_under(seq, &checkpoint),
            None => self.receipt_under(seq, &self.checkpoint()?),
        }
    }

    /// Returns the receipt of an event under a checkpoint of this book that covers it.
    ///
    /// # Errors
    /// As [`Ledger::receipt`].
    pub fn receipt_under(
        &self,
        seq: u64,
        checkpoint: &SignedCheckpoint,
    ) -> Result<Receipt, ReadError> {
        let hashes = self.prove_inclusion(seq, checkpoint.size)?;
        let entry = self.entry(seq)?;
        // Whoever keeps a receipt must not learn later that a tile was damaged when it was made.
        let leaf = leaf_hash(entry.as_deref().unwrap_or_default());
        proof::check_inclusion(&leaf, seq, checkpoint.size, &hashes, &checkpoint.root).map_err(
            |error| ReadError::Damaged { detail: format!("seq {seq} cannot be proven: {error}") },
        )?;
        Ok(Receipt { seq, entry, hashes, checkpoint: checkpoint.note.clone() })
    }

    /// Returns the root over the first `size` events.
    ///
    /// # Errors
    /// As [`Ledger::prove_inclusion`].
    pub fn root_at(&self, size: u64) -> Result<Hash, ReadError> {
        proof::root_at(self, size).map_err(read_error)
    }
}

fn read_error(error: ProveError<ReadError>) -> ReadError {
    match error {
        ProveError::Source(error) => error,
        other => ReadError::Damaged { detail: other.to_string() },
    }
}
