//! SQL from outside: tables, functions, clocks, the cache under them, and what they refuse.
//!
//! Goal: contract section 4 holds to the letter, whoever asks and however the log is cached.
//! Method: told stories and generated histories are asked through `Session`, as a command or a
//! server asks them.

mod every;
mod fences;
mod functions;
mod lens;
mod proof;
mod pushdown;
mod rows;
mod segments;
mod shapes;
mod sharing;

use std::path::Path;
use std::sync::Arc;

use relbook_query::Book;
use relbook_query::release::Lens;
use relbook_query::sql::{Limits, QueryResult, Session, SharedBook, SqlError};
use relbook_testkit::story;
use serde_json::Value;

/// Opens a session over the whole book in a directory, as it is now.
pub(crate) fn session(dir: &Path) -> Session {
    session_with(dir, Limits::default(), |lens| lens)
}

/// Opens a session with other limits, under a changed lens.
pub(crate) fn session_with(dir: &Path, limits: Limits, look: impl FnOnce(Lens) -> Lens) -> Session {
    let book = Book::open(dir, &|_, _| {}).unwrap();
    let lens = look(book.lens(None, None));
    Session::open_with(dir, Arc::new(SharedBook::new(book)), lens, limits).unwrap()
}

/// Runs a statement that must succeed.
#[track_caller]
pub(crate) fn run(session: &Session, sql: &str) -> QueryResult {
    session.run(sql).unwrap_or_else(|error| panic!("{sql}: {error}"))
}

/// Runs a statement that must fail.
#[track_caller]
pub(crate) fn fails(session: &Session, sql: &str) -> SqlError {
    match session.run(sql) {
        Err(error) => error,
        Ok(result) => panic!("{sql}: gave {} rows", result.rows()),
    }
}

/// Runs a statement and shows each row as a line: `-` for NULL, times as stories write them,
/// digests as `@` and their label, everything else as JSON has it.
#[track_caller]
pub(crate) fn lines(session: &Session, sql: &str) -> Vec<String> {
    let rows = run(session, sql).to_json_rows();
    let line = |row: &Value| {
        let cells: Vec<String> = row.as_object().unwrap().values().map(cell).collect();
        cells.join(" ")
    };
    rows.iter().map(line).collect()
}

/// Runs a statement with one row and shows it.
#[track_caller]
pub(crate) fn line(session: &Session, sql: &str) -> String {
    let mut lines = lines(session, sql);
    assert_eq!(lines.len(), 1, "{sql}: {lines:?}");
    lines.remove(0)
}

fn cell(value: &Value) -> String {
    match value {
        Value::Null => "-".to_owned(),
        Value::String(text) => match story::label(text) {
            Some(label) => format!("@{label}"),
            None => story::short(text).to_owned(),
        },
        Value::Array(items) => {
            format!("[{}]", items.iter().map(cell).collect::<Vec<_>>().join(","))
        }
        other => other.to_string(),
    }
}
