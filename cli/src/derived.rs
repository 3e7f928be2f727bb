//! Events that were derived from what others wrote: their ids, and what the book has of them.
//!
//! An event that its source knows by a key (`source.key`) is the same event however often and in
//! whatever bytes it is told: a webhook that is delivered again, or comes from the API later. The
//! first telling stands. One that says something else under the same key is another event under a
//! known id, which the ledger refuses.

use std::collections::HashMap;

use relbook_ledger::event::HEADER_FIELDS;
use relbook_ledger::json;
use relbook_ledger::statement;
use relbook_ledger::store::Ledger;
use relbook_ledger::time::Time;
use serde_json::{Map, Value};
use uuid::Uuid;

use crate::error::Error;
use crate::event_id;

/// Gives an event an id that follows from its author and from what it says, or, where its source
/// knows it by a key, from that key.
pub fn give_id(event: &mut Map<String, Value>, author: &str) {
    let text = |name: &str| event.get(name).and_then(Value::as_str).unwrap_or_default();
    let time = Time::parse(text("occurred_at")).ok();
    let of_source = |name: &str| event.get("source").and_then(|source| source.get(name));
    let (id_time, content) = match of_source("key").and_then(Value::as_str) {
        Some(key) => {
            // The time of the command must not make another event of it.
            let own = of_source("reported_at").and(time).unwrap_or(Time::from_micros(0));
            (own, format!("{author}\n{}\n{}\n{key}", text("kind"), text("component")))
        }
        None => match time {
            // Without a time of its own the event is as new as the command: another run is
            // another event.
            None => return,
            Some(time) => (time, format!("{author}\n{}", Value::Object(event.clone()))),
        },
    };
    let id = event_id::of_content(id_time, content.as_bytes());
    event.insert("id".to_owned(), Value::String(id.to_string()));
}

/// Takes the first telling of each event that its source knows by a key: the one in the book, else
/// the first of this batch. Returns how many of the batch the book has.
///
/// # Errors
/// [`Error::NotDone`] when the book cannot be read.
pub fn first_tellings(
    batch: &mut [Vec<Map<String, Value>>],
    ledger: &Ledger,
) -> Result<usize, Error> {
    let mut seen: HashMap<String, Map<String, Value>> = HashMap::new();
    let mut known = 0;
    for events in batch {
        let mut kept = Vec::with_capacity(events.len());
        for event in events.drain(..) {
            let Some(id) = keyed_id(&event) else {
                kept.push(event);
                continue;
            };
            match seen.get(&id) {
                // Twice in one batch is told once.
                Some(first) if same(first, &event) => continue,
                Some(_) => {}
                None => drop(seen.insert(id.clone(), event.clone())),
            }
            match recorded(ledger, &id)? {
                Some(first) if same(&first, &event) => {
                    known += 1;
                    kept.push(first);
                }
                _ => kept.push(event),
            }
        }
        *events = kept;
    }
    Ok(known)
}

fn keyed_id(event: &Map<String, Value>) -> Option<String> {
    event.get("source")?.get("key")?;
    event.get("id")?.as_str().map(str::to_owned)
}

/// Tells whether two events of one key say the same: when, where from and by which bytes may
/// differ.
fn same(first: &Map<String, Value>, second: &Map<String, Value>) -> bool {
    let is_own = |name: &str| {
        name == "kind" || name == "component" || HEADER_FIELDS.iter().all(|f| f.name != name)
    };
    let own = |event: &Map<String, Value>| {
        let fields = event.iter().filter(|(name, value)| is_own(name) && !value.is_null());
        fields.map(|(name, value)| (name.clone(), value.clone())).collect::<Map<_, _>>()
    };
    own(first) == own(second)
}

/// Returns the event of the book that has this id.
fn recorded(ledger: &Ledger, id: &str) -> Result<Option<Map<String, Value>>, Error> {
    let Ok(id) = Uuid::parse_str(id) else { return Ok(None) };
    let Some(seq) = ledger.find(id)? else { return Ok(None) };
    let Some(record) = ledger.record(seq)? else { return Ok(None) };
    let body = json::parse(&record.body).ok();
    let event = body.and_then(|body| statement::open(&record.payload_type, body).ok());
    Ok(match event {
        Some(Value::Object(fields)) => Some(fields),
        _ => None,
    })
}
