//! `--explain`: the events that an answer rests on, row by row.
//!
//! Why a verdict is what it is stands in the answer itself (`why`, `reasons`, `detail`); here it
//! is put beside the signed events, so that a reader can check each.

use std::collections::BTreeSet;

use relbook_ledger::statement;
use relbook_query::Book;
use relbook_query::question::Answer;
use relbook_query::table::Row;
use serde_json::{Value, json};

use crate::error::Error;
use crate::render;

/// Columns that say why a row is what it is, in the order in which they are told.
const WHY: [&str; 3] = ["why", "reasons", "detail"];

/// Fields that say what an event is about.
const ABOUT: [&str; 4] = ["component", "version", "deploy_id", "target"];

/// What names a row of the gates.
const GATE: [&str; 2] = ["gate", "verdict"];

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
    let cells = || {
        let columns = answer.table.columns.iter().map(|column| column.name.as_str());
        columns.zip(&row.cells).filter(|(_, cell)| !cell.is_null())
    };
    let gate = answer.question == "gate";
    let naming = cells().filter(|(name, _)| match gate {
        true => GATE.contains(name),
        false => !WHY.contains(name),
    });
    let naming = naming.take(NAMING).map(|(name, cell)| {
        let shown = value(name, &cell.to_json());
        if gate { shown } else { format!("{name} {shown}") }
    });
    let mut text = naming.collect::<Vec<_>>().join(if gate { ": " } else { ", " });
    for why in WHY {
        let said =
            cells().find(|(name, _)| *name == why).map(|(name, cell)| (name, cell.to_json()));
        if let Some(said) = said.map(|(name, said)| whole(name, &said)).filter(|s| !s.is_empty()) {
            text.push_str(". ");
            text.push_str(&said);
        }
    }
    text
}

fn fields(event: &Value) -> String {
    let told = event.as_object().into_iter().flatten().filter(|(_, field)| !field.is_object());
    let mut told: Vec<_> = told.collect();
    // What the event is about comes first, then the rest as the author wrote it.
    told.sort_by_key(|(name, _)| {
        ABOUT.iter().position(|about| about == name).unwrap_or(ABOUT.len())
    });
    let field = |(name, field): (&String, &Value)| format!("{name}={}", value(name, field));
    told.into_iter().map(field).collect::<Vec<_>>().join(" ")
}

/// Shows a value without quotes on one line.
fn whole(name: &str, value: &Value) -> String {
    match value {
        Value::String(text) => render::shorten(name, text).replace('\n', " "),
        Value::Array(items) => {
            items.iter().map(|item| whole(name, item)).collect::<Vec<_>>().join(", ")
        }
        other => other.to_string(),
    }
}

/// Shows a value without quotes on one line, cut where it is long.
fn value(name: &str, value: &Value) -> String {
    let whole = whole(name, value);
    match whole.char_indices().nth(FIELD_CHARS) {
        Some((end, _)) => format!("{}...", &whole[..end]),
        None => whole,
    }
}
