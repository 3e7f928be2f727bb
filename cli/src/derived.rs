//! Events that were derived from what others wrote: their ids, and what is known of them already.
//!
//! An event that its source knows by a key (`source.key`) is the same event however often, by whom
//! and in whatever bytes it is told: a webhook that is delivered again, or an export that is read
//! again later. The first telling stands. One that contradicts it is another event under a known
//! id, which the ledger refuses.

use std::collections::HashMap;

use relbook_ledger::envelope::SignedEvent;
use relbook_ledger::json;
use relbook_ledger::statement;
use relbook_ledger::store::{Ledger, Record};
use relbook_ledger::time::Time;
use serde_json::{Map, Value};
use uuid::Uuid;

use crate::error::Error;
use crate::event_id;

/// What a source itself says of an event: two of these cannot both be true.
const TOLD: [&str; 5] = ["outcome", "result", "commit", "tag", "approver"];

/// The fields of an event.
type Fields = Map<String, Value>;

/// What has been told so far: by the book, and by the events before.
#[derive(Debug)]
pub struct Told<'a> {
    ledger: &'a Ledger,
    author: &'a str,
    seen: HashMap<Uuid, Fields>,
}

impl<'a> Told<'a> {
    /// Starts with what the book has; `author` is the id of the key that will sign.
    pub fn new(ledger: &'a Ledger, author: &'a str) -> Self {
        Self { ledger, author, seen: HashMap::new() }
    }

    /// Gives events their ids and returns those that are new, and what the book has of the others.
    ///
    /// # Errors
    /// [`Error::NotDone`] when the book cannot be read.
    pub fn first(&mut self, events: Vec<Fields>) -> Result<(Vec<Fields>, Vec<SignedEvent>), Error> {
        let (mut new, mut known) = (Vec::new(), Vec::new());
        for mut event in events {
            let Some(id) = event_id::of_key(&event) else {
                give_id(&mut event, self.author);
                new.push(event);
                continue;
            };
            event.insert("id".to_owned(), Value::String(id.to_string()));
            match self.seen.get(&id) {
                Some(first) if !contradicts(first, &event) => continue,
                Some(_) => {}
                None => drop(self.seen.insert(id, event.clone())),
            }
            match self.recorded(id)? {
                Some((first, signed)) if !contradicts(&first, &event) => known.push(signed),
                _ => new.push(event),
            }
        }
        Ok((new, known))
    }

    /// Returns the event of the book that has this id.
    fn recorded(&self, id: Uuid) -> Result<Option<(Fields, SignedEvent)>, Error> {
        let Some(seq) = self.ledger.find(id)? else { return Ok(None) };
        let Some(record) = self.ledger.record(seq)? else { return Ok(None) };
        let body = json::parse(&record.body).ok();
        let event = body.and_then(|body| statement::open(&record.payload_type, body).ok());
        let Some(Value::Object(fields)) = event else { return Ok(None) };
        let Record { payload_type, body, key_id, signature, .. } = record;
        Ok(Some((fields, SignedEvent { payload_type, body, key_id, signature })))
    }
}

fn contradicts(first: &Fields, second: &Fields) -> bool {
    TOLD.iter().any(|name| match (first.get(*name), second.get(*name)) {
        (Some(first), Some(second)) => first != second,
        _ => false,
    })
}

/// Gives an event an id that follows from its author and from what it says.
fn give_id(event: &mut Fields, author: &str) {
    // Without a time of its own the event is as new as the command: another run is another event.
    let time = event.get("occurred_at").and_then(Value::as_str).and_then(|t| Time::parse(t).ok());
    if let Some(time) = time {
        let content = format!("{author}\n{}", Value::Object(event.clone()));
        let id = event_id::of_content(time, content.as_bytes());
        event.insert("id".to_owned(), Value::String(id.to_string()));
    }
}
