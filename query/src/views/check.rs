//! The kept views against views made afresh from the same events.

use std::path::Path;

use relbook_ledger::store::Ledger;
use rusqlite::types::ValueRef;
use rusqlite::{Connection, Row};

use super::{Progress, Views, schema};
use crate::book::BookError;
use crate::check::Mismatch;

/// Compares the views of the book in `dir` with a fresh replay of the events that they had
/// applied; tells how many those are, or nothing where no views of this log and version are kept.
pub(crate) fn check(
    dir: &Path,
    progress: Progress<'_>,
) -> Result<Result<Option<u64>, Mismatch>, BookError> {
    let Some(kept) = schema::open_kept(&dir.join("views.db")) else { return Ok(Ok(None)) };
    // The views are held before the log is opened: the log then has all that they have.
    let Ok(reading) = kept.unchecked_transaction() else { return Ok(Ok(None)) };
    let Ok(applied) = schema::applied(&reading) else { return Ok(Err(unreadable())) };
    let ledger = Ledger::open(dir)?;
    if applied == 0 || !schema::good(&reading, &ledger).unwrap_or(false) {
        // What the next question throws away proves nothing and spoils nothing.
        return Ok(Ok(None));
    }
    let mut fresh = Views::over(schema::apart()?, ledger);
    // A trigger or view among the tables would lead the next replay, or whoever reads, astray.
    match (schema::objects(&reading), schema::objects(&fresh.db)) {
        (Ok(kept), Ok(made)) if kept == made => {}
        (Ok(_), Ok(_)) => return Ok(Err(strange())),
        _ => return Ok(Err(unreadable())),
    }
    fresh.limit = applied;
    fresh.advance(progress)?;
    for table in schema::NAMES {
        match compare(table, &reading, &fresh.db) {
            Ok(None) => {}
            Ok(Some(mismatch)) => return Ok(Err(mismatch)),
            Err(_) => return Ok(Err(unreadable())),
        }
    }
    Ok(Ok(Some(applied)))
}

fn unreadable() -> Mismatch {
    Mismatch { what: "the kept views in views.db cannot be read".to_owned(), seq: None }
}

fn strange() -> Mismatch {
    let what = "views.db has other tables, indexes, views or triggers than relbook makes";
    Mismatch { what: what.to_owned(), seq: None }
}

/// Compares two tables row by row; both give their rows in the order of the primary key.
fn compare(
    table: &str,
    kept: &Connection,
    fresh: &Connection,
) -> rusqlite::Result<Option<Mismatch>> {
    let order = match table {
        "applied" | "commit_level" => "1",
        _ => "1, 2, 3",
    };
    let sql = format!("SELECT * FROM {table} ORDER BY {order}");
    let (mut one, mut other) = (kept.prepare(&sql)?, fresh.prepare(&sql)?);
    let width = other.column_count();
    if one.column_count() != width {
        return Ok(Some(differs(table, None)));
    }
    let (mut one, mut other) = (one.query([])?, other.query([])?);
    loop {
        let (kept, fresh) = (one.next()?, other.next()?);
        let (kept, fresh) = match (kept, fresh) {
            (None, None) => return Ok(None),
            (Some(kept), Some(fresh)) => (kept, fresh),
            (Some(row), None) | (None, Some(row)) => return Ok(Some(differs(table, seq(row)))),
        };
        for column in 0..width {
            if kept.get_ref(column)? != fresh.get_ref(column)? {
                return Ok(Some(differs(table, seq(fresh))));
            }
        }
    }
}

fn seq(row: &Row<'_>) -> Option<u64> {
    match row.get_ref("seq").ok()? {
        ValueRef::Integer(seq) => u64::try_from(seq).ok(),
        _ => None,
    }
}

fn differs(table: &str, seq: Option<u64>) -> Mismatch {
    let what = format!("the kept views in views.db are not a replay of the log: table `{table}`");
    Mismatch { what, seq }
}
