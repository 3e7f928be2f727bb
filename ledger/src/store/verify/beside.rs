//! What the database keeps beside the log: facts, index, lists, lines of witnesses, tiles.
//!
//! All of it follows from the entries, so a wrong piece leads readers astray but proves nothing
//! about an event; what is wrong with the log itself is therefore told first.

use rusqlite::Connection;
use uuid::Uuid;

use super::{VerifyFailure, VerifyOptions, numbers};
use crate::key::PublicKey;
use crate::store::ledger::ReadError;
use crate::store::{FORMAT_VERSION, cosignature, tile};
use crate::tree::Hash;
use crate::tree::tile::{TileEdge, TileId};
use crate::verify::{Verifier, VerifyError, Witnessed};

/// Checks the facts that are stored beside the log.
pub(super) fn check_meta(
    connection: &Connection,
    origin: &str,
    key: PublicKey,
) -> Result<(), VerifyFailure> {
    let mut statement = connection.prepare("SELECT key, value FROM meta NOT INDEXED")?;
    let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?;
    let found: Vec<(String, Vec<u8>)> = rows.collect::<rusqlite::Result<_>>()?;
    let expected = [
        ("format", FORMAT_VERSION.to_string().into_bytes()),
        ("origin", origin.as_bytes().to_vec()),
        ("book_key", key.as_bytes().to_vec()),
    ];
    let known = |name: &str, value: &[u8]| {
        expected.iter().any(|(key, expected)| *key == name && expected == value)
    };
    if let Some((key, _)) = found.iter().find(|(name, value)| !known(name, value)) {
        return Err(VerifyError::Meta { key: key.clone() }.into());
    }
    match expected.iter().find(|(key, _)| !found.iter().any(|(name, _)| name == key)) {
        Some((key, _)) => Err(VerifyError::Meta { key: (*key).to_owned() }.into()),
        None => Ok(()),
    }
}

/// Checks the index of the ids, the list of registry events and the lines of witnesses.
pub(super) fn check(
    connection: &Connection,
    verifier: &Verifier,
    stored: &[(u64, String)],
    options: &VerifyOptions,
) -> Result<Witnessed, VerifyFailure> {
    check_id_index(connection, verifier)?;
    let listed = numbers(connection, "SELECT seq FROM registry NOT INDEXED ORDER BY seq")?;
    verifier.check_registry_list(&listed)?;
    let lines = cosignature::read(connection, i64::MIN..i64::MAX)?;
    let (named, quorum) = (&options.witnesses, options.quorum);
    Ok(verifier.check_cosignatures(stored, &lines, named, quorum)?)
}

/// Checks the partial tiles, and that there are no others than those of the tree.
pub(super) fn check_tiles(
    connection: &Connection,
    verifier: &Verifier,
) -> Result<(), VerifyFailure> {
    let mut expected = TileEdge::whole_tiles(verifier.size());
    for (id, hashes) in verifier.partial_tiles() {
        check_tile(connection, id, hashes)?;
        expected += 1;
    }
    let found = numbers(connection, "SELECT count(*) FROM tiles NOT INDEXED")?;
    if found == [expected] { Ok(()) } else { Err(VerifyError::SpareTile.into()) }
}

pub(super) fn check_tile(
    connection: &Connection,
    id: TileId,
    hashes: &[Hash],
) -> Result<(), VerifyFailure> {
    match tile::read(connection, id) {
        Ok(Some(stored)) if stored == hashes => Ok(()),
        Ok(_) | Err(ReadError::Damaged { .. }) => {
            Err(VerifyError::Tile { level: id.level, index: id.index }.into())
        }
        Err(ReadError::Database { source }) => Err(source.into()),
        Err(other) => Err(other.into()),
    }
}

/// Checks that the index finds each event where the log has it, and nothing more.
fn check_id_index(connection: &Connection, verifier: &Verifier) -> Result<(), VerifyFailure> {
    let mut statement =
        connection.prepare("SELECT id, seq FROM events INDEXED BY events_id ORDER BY id")?;
    let mut rows = statement.query([])?;
    let mut count = 0;
    while let Some(row) = rows.next()? {
        let (id, seq) = (row.get::<_, Vec<u8>>(0)?, row.get::<_, i64>(1)?.cast_unsigned());
        let found = Uuid::from_slice(&id).ok().and_then(|id| verifier.seq_of(&id));
        if found != Some(seq) {
            return Err(VerifyError::IdIndex { seq }.into());
        }
        count += 1;
    }
    // Ids are unique in the index, so an equal number means the same events.
    if count == verifier.size() { Ok(()) } else { Err(VerifyError::IdIndex { seq: count }.into()) }
}
