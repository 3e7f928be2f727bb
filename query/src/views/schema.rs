//! The tables of `views.db`, when they are still good, and how they are dropped when not.

use std::path::Path;
use std::time::Duration;

use relbook_ledger::store::Ledger;
use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags, OptionalExtension, params};

use super::sql;
use crate::release::FactsError;

/// Changes with every change of the tables, the keys or the fold: other versions are rebuilt.
const VERSION: i64 = 11;

const TABLES: &str = "
CREATE TABLE applied (id INTEGER PRIMARY KEY CHECK (id = 0), next INTEGER NOT NULL, chain BLOB NOT NULL) STRICT;
CREATE TABLE entry (key BLOB NOT NULL, at INTEGER NOT NULL, seq INTEGER NOT NULL,
    PRIMARY KEY (key, at, seq)) STRICT, WITHOUT ROWID;
CREATE TABLE correction (target INTEGER NOT NULL, at INTEGER NOT NULL, seq INTEGER NOT NULL,
    PRIMARY KEY (target, at, seq)) STRICT, WITHOUT ROWID;
CREATE TABLE commit_level (hash TEXT PRIMARY KEY, level INTEGER NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE snapshot (fold BLOB NOT NULL, at INTEGER NOT NULL, seq INTEGER NOT NULL,
    state TEXT NOT NULL, PRIMARY KEY (fold, at, seq)) STRICT, WITHOUT ROWID;
CREATE TABLE transition (fold BLOB NOT NULL, at INTEGER NOT NULL, seq INTEGER NOT NULL,
    target TEXT NOT NULL, from_digest TEXT, to_digest TEXT NOT NULL, to_version TEXT,
    deploy_id TEXT NOT NULL, start_seq INTEGER NOT NULL,
    PRIMARY KEY (fold, at, seq)) STRICT, WITHOUT ROWID;
";

pub(super) const NAMES: [&str; 6] =
    ["applied", "entry", "correction", "commit_level", "snapshot", "transition"];

/// Opens the file, or starts it anew when it is not what this version made from this book.
pub(super) fn open(path: &Path, ledger: &Ledger) -> Result<Connection, FactsError> {
    if let Ok(db) = connect(path)
        && good(&db, ledger).unwrap_or(false)
    {
        return Ok(db);
    }
    for suffix in ["", "-wal", "-shm"] {
        let mut name = path.as_os_str().to_owned();
        name.push(suffix);
        // Absent is as good as removed; a file that stays makes the next step fail.
        drop(std::fs::remove_file(name));
    }
    let db = connect(path).map_err(FactsError::new)?;
    make(&db)?;
    Ok(db)
}

/// Makes empty tables in memory.
pub(super) fn in_memory() -> Result<Connection, FactsError> {
    let db = Connection::open_in_memory().map_err(FactsError::new)?;
    stable_plans(&db).map_err(FactsError::new)?;
    make(&db)?;
    Ok(db)
}

/// Makes empty tables in a file of their own, which SQLite removes with the connection.
pub(super) fn apart() -> Result<Connection, FactsError> {
    let db = Connection::open("").map_err(FactsError::new)?;
    let set = || -> rusqlite::Result<()> {
        db.pragma_update_and_check(None, "journal_mode", "OFF", |_| Ok(()))?;
        db.pragma_update(None, "synchronous", "OFF")?;
        db.pragma_update(None, "cache_size", -CACHE_KIB)?;
        stable_plans(&db)
    };
    set().map_err(FactsError::new)?;
    make(&db)?;
    Ok(db)
}

/// Opens the file for reading, when there is one of this version.
pub(super) fn open_kept(path: &Path) -> Option<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let db = Connection::open_with_flags(path, flags).ok()?;
    db.busy_timeout(Duration::from_secs(30)).ok()?;
    stable_plans(&db).ok()?;
    let version: i64 = db.pragma_query_value(None, "user_version", |row| row.get(0)).ok()?;
    (version == VERSION).then_some(db)
}

/// Returns what the database is made of: the type, name and text of each object.
pub(super) fn objects(db: &Connection) -> rusqlite::Result<Vec<(String, String, Option<String>)>> {
    let mut statement = db.prepare("SELECT type, name, sql FROM sqlite_schema ORDER BY 1, 2")?;
    let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?;
    rows.collect()
}

/// How much of the views SQLite may keep in memory.
const CACHE_KIB: i64 = 32 * 1024;

fn connect(path: &Path) -> rusqlite::Result<Connection> {
    let db = Connection::open(path)?;
    db.busy_timeout(Duration::from_secs(30))?;
    db.pragma_update(None, "journal_mode", "WAL")?;
    // A cache: losing its tail costs a replay, not a fact.
    db.pragma_update(None, "synchronous", "NORMAL")?;
    db.pragma_update(None, "cache_size", -CACHE_KIB)?;
    stable_plans(&db)?;
    db.set_prepared_statement_cache_capacity(64);
    Ok(db)
}

/// Keeps a statement's plan whatever is bound to it: without this, SQLite plans anew at every bind.
fn stable_plans(db: &Connection) -> rusqlite::Result<()> {
    db.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true).map(drop)
}

fn make(db: &Connection) -> Result<(), FactsError> {
    let run = || -> rusqlite::Result<()> {
        db.execute_batch(&format!("BEGIN IMMEDIATE;{TABLES}"))?;
        db.execute("INSERT INTO applied VALUES (0, 0, ?1)", [[].as_slice()])?;
        db.pragma_update(None, "user_version", VERSION)?;
        db.execute_batch("COMMIT")
    };
    run().map_err(FactsError::new)
}

/// Tells whether the tables are of this version and what they hold is still in the log.
pub(super) fn good(db: &Connection, ledger: &Ledger) -> Result<bool, FactsError> {
    let version: i64 =
        db.pragma_query_value(None, "user_version", |row| row.get(0)).map_err(FactsError::new)?;
    if version != VERSION {
        return Ok(false);
    }
    let applied: Option<(i64, Vec<u8>)> = db
        .query_row("SELECT next, chain FROM applied", [], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()
        .map_err(FactsError::new)?;
    let Some((next, chain)) = applied else { return Ok(false) };
    if next == 0 {
        return Ok(true);
    }
    let last = ledger.record(super::seq_of(next - 1)).map_err(FactsError::new)?;
    Ok(last.is_some_and(|record| record.chain_hash.as_slice() == chain))
}

/// Notes how far the log was applied.
pub(super) fn set_applied(db: &Connection, next: u64, chain: &[u8; 32]) -> rusqlite::Result<()> {
    let mut statement = db.prepare_cached("UPDATE applied SET next = ?1, chain = ?2")?;
    statement.execute(params![sql(next), chain.as_slice()]).map(drop)
}

/// Returns the first seq that was not applied.
pub(super) fn applied(db: &Connection) -> rusqlite::Result<u64> {
    db.query_row("SELECT next FROM applied", [], |row| row.get(0)).map(super::seq_of)
}

pub(super) fn dump(db: &Connection) -> Result<Vec<String>, FactsError> {
    let mut lines = Vec::new();
    for name in NAMES {
        let mut rows = db.prepare(&format!("SELECT * FROM {name}")).map_err(FactsError::new)?;
        let width = rows.column_count();
        let texts = rows
            .query_map([], |row| {
                let cells: rusqlite::Result<Vec<String>> =
                    (0..width).map(|i| row.get_ref(i).map(|cell| format!("{cell:?}"))).collect();
                Ok(format!("{name} {}", cells?.join(" ")))
            })
            .map_err(FactsError::new)?;
        for text in texts {
            lines.push(text.map_err(FactsError::new)?);
        }
    }
    lines.sort();
    Ok(lines)
}
