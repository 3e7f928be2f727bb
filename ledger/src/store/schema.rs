//! The tables of `ledger.db`, and the check that a database has these and nothing else.
//!
//! `events` is the log. `registry` lists the seqs of the events that build the registry, so that
//! opening a book need not read the log; `verify` proves the list. `tiles` holds the inner hashes
//! of the tree; the last tile of each level is partial and is replaced as it grows.
//! The triggers are seat belts against mistakes, not proof: whoever can write the file can drop
//! them, which is why the whole schema is compared with what is compiled in.

use rusqlite::Connection;

/// The application id in the header of the database file: `RBK1`.
pub const APPLICATION_ID: i64 = 0x5242_4b31;

/// The format of the database and of the entries in it.
pub const FORMAT_VERSION: i64 = 1;

/// Everything that a ledger database holds, in the order of its making.
const STATEMENTS: &[&str] = &[
    "CREATE TABLE meta(key TEXT PRIMARY KEY, value BLOB) STRICT",
    "CREATE TABLE events(seq INTEGER PRIMARY KEY, id BLOB NOT NULL, entry BLOB NOT NULL) STRICT",
    "CREATE UNIQUE INDEX events_id ON events(id)",
    "CREATE TABLE registry(seq INTEGER PRIMARY KEY) STRICT",
    "CREATE TABLE checkpoints(size INTEGER PRIMARY KEY, note TEXT NOT NULL) STRICT",
    // Lines of witnesses, which come after the commit; each size has one of the checkpoints above.
    "CREATE TABLE cosignatures(size INTEGER NOT NULL, line TEXT NOT NULL, \
     PRIMARY KEY(size, line)) STRICT, WITHOUT ROWID",
    // The id is 8 x index + level.
    "CREATE TABLE tiles(id INTEGER PRIMARY KEY, hashes BLOB NOT NULL) STRICT",
    "CREATE TRIGGER tiles_no_delete BEFORE DELETE ON tiles BEGIN \
     SELECT RAISE(ABORT, 'the ledger is append-only'); END",
    "CREATE TRIGGER tiles_no_update BEFORE UPDATE ON tiles WHEN length(OLD.hashes) = 8192 BEGIN \
     SELECT RAISE(ABORT, 'the ledger is append-only'); END",
];

/// The tables whose rows are written once.
const APPEND_ONLY: &[&str] = &["meta", "events", "registry", "checkpoints", "cosignatures"];

/// One row of `sqlite_schema`: type, name, table and SQL text.
pub(super) type SchemaRow = (String, String, String, Option<String>);

/// Makes the tables in an empty database.
pub(super) fn create(connection: &Connection) -> rusqlite::Result<()> {
    for statement in STATEMENTS {
        connection.execute_batch(statement)?;
    }
    for table in APPEND_ONLY {
        for change in ["UPDATE", "DELETE"] {
            let name = format!("{table}_no_{}", change.to_lowercase());
            connection.execute_batch(&format!(
                "CREATE TRIGGER {name} BEFORE {change} ON {table} BEGIN \
                 SELECT RAISE(ABORT, 'the ledger is append-only'); END"
            ))?;
        }
    }
    connection.pragma_update(None, "application_id", APPLICATION_ID)?;
    connection.pragma_update(None, "user_version", FORMAT_VERSION)
}

/// Reads what a database holds.
pub(super) fn read(connection: &Connection) -> rusqlite::Result<Vec<SchemaRow>> {
    let mut statement = connection
        .prepare("SELECT type, name, tbl_name, sql FROM sqlite_schema ORDER BY type, name")?;
    let rows =
        statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?)))?;
    rows.collect()
}

/// Returns what a database must hold.
pub(super) fn expected() -> rusqlite::Result<Vec<SchemaRow>> {
    let connection = Connection::open_in_memory()?;
    create(&connection)?;
    read(&connection)
}

/// Returns the application id and the format version in the file's header.
pub(super) fn header(connection: &Connection) -> rusqlite::Result<(i64, i64)> {
    let number = |name| connection.pragma_query_value(None, name, |row| row.get(0));
    Ok((number("application_id")?, number("user_version")?))
}
