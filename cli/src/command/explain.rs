//! `--explain`: the events that an answer rests on, row by row.
//!
//! Why a verdict is what it is stands in the answer itself (`why`, `reasons`, `detail`); here it
//! is put beside the signed events, so that a reader can check each.

use std::collections::BTreeSet;

use relbook_ledger::statement;
use relbook_query::Book;
use relbook_query::question::Answer;
use relbook_query::table::{Cell, Row};
use serde_json::{Value, json};

use crate::error::Error;

/// Columns that say why a row is what it is, in the order in which they are told.
const WHY: [&str; 3] = ["why", "reasons", "detail"];

/// Fields that say what an event is about.
const ABOUT: [&str; 4] = ["component", "version", "deploy_id", "target"];

/// How many cells name a row.
const NAMING: usize = 4;

/// How long a field of an event may be shown.
const FIELD_CHARS: usize = 48;

/// Returns the explanation for people: each row, then its events.
pub(super) fn lines(book: &Book, answer: &Answer) -> Result<Vec<String>, Error> {
    let mut lines = Vec::new();
    for row in &answer.table.rows {
        lines.push(String::new());
        lines.push(named(answer, row));
        for seq in &row.evidence {
            let Some(event) = event(book, *seq)? else { continue };
            let text = |name: &str| event[name].as_str().unwrap_or_default().to_owned();
            lines.push(format!(
                "  seq {seq:<6} {}  {} by {}: {}",
                text("occurred_at"),
                text("kind"),
                text("principal"),
                fields(&event["fields"])
            ));
        }
    }
    Ok(lines)
}

/// Returns the events of all rows, each once, in the order of the log.
pub(super) fn events(book: &Book, answer: &Answer) -> Result<Vec<Value>, Error> {
    let seqs: BTreeSet<u64> =
        answer.table.rows.iter().flat_map(|row| row.evidence.iter().copied()).collect();
    let events: Result<Vec<_>, Error> = seqs.into_iter().map(|seq| event(book, seq)).collect();
    Ok(events?.into_iter().flatten().collect())
}

fn event(book: &Book, seq: u64) -> Result<Option<Value>, Error> {
    let Some(record) = book.ledger().record(seq)? else { return Ok(None) };
    let damaged = |error| Error::not_done("damaged", format!("the event at seq {seq}: {error}"));
    let payload =
        serde_json::from_slice(&record.body).map_err(|error| damaged(error.to_string()))?;
    let opened = statement::open(&record.payload_type, payload);
    let mut fields = opened.map_err(|refusal| damaged(refusal.to_string()))?;
    let mut take = |name: &str| fields.as_object_mut().and_then(|fields| fields.remove(name));
    let (kind, at, id) = (take("kind"), take("occurred_at"), take("id"));
    drop(take("ledger"));
    Ok(Some(json!({
        "seq": seq,
        "id": id,
        "kind": kind,
        "occurred_at": at,
        "recorded_at": record.received,
        "principal": record.principal,
        "fields": fields,
    })))
}

/// Names a row by its first cells, and says why it is what it is.
fn named(answer: &Answer, row: &Row) -> String {
    let columns = || answer.table.columns.iter().zip(&row.cells);
    let why = |name: &str| WHY.contains(&name);
    let naming = columns()
        .filter(|(column, cell)| !why(&column.name) && !cell.is_null())
        .take(NAMING)
        .map(|(column, cell)| format!("{} {}", column.name, shown(cell)));
    let mut text = naming.collect::<Vec<_>>().join(", ");
    for name in WHY {
        let said = columns().find(|(column, cell)| column.name == name && !cell.is_null());
        match said.map(|(_, cell)| shown(cell)) {
            Some(said) if !said.is_empty() => {
                text.push_str(": ");
                text.push_str(&said);
            }
            _ => {}
        }
    }
    text
}

fn shown(cell: &Cell) -> String {
    value(&cell.to_json())
}

fn fields(event: &Value) -> String {
    let told = event.as_object().into_iter().flatten().filter(|(_, field)| !field.is_object());
    let mut told: Vec<_> = told.collect();
    // What the event is about comes first, then the rest as the author wrote it.
    told.sort_by_key(|(name, _)| {
        ABOUT.iter().position(|about| about == name).unwrap_or(ABOUT.len())
    });
    told.into_iter()
        .map(|(name, field)| format!("{name}={}", value(field)))
        .collect::<Vec<_>>()
        .join(" ")
}

/// Shows a value without quotes, shortened.
fn value(value: &Value) -> String {
    let whole = match value {
        Value::String(text) => text.clone(),
        Value::Array(items) => items.iter().map(self::value).collect::<Vec<_>>().join(", "),
        other => other.to_string(),
    };
    match whole.char_indices().nth(FIELD_CHARS) {
        Some((end, _)) => format!("{}...", &whole[..end]),
        None => whole,
    }
}
