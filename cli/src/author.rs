//! Turns the JSON object of an event into the event that its author signs (ledger-format 2).
//!
//! Fills in what may be left out (id, ledger, occurred_at), resolves an alias, checks the event
//! against the registry including the earlier lines of the same input, and signs it. An event
//! whose id stands in the book already gets the same filled-in values again, so that a retry signs
//! the same bytes and gets its first receipt. Events that arrive signed are passed on untouched.

use relbook_ledger::admission::{Code, Refusal, admit};
use relbook_ledger::envelope::SignedEvent;
use relbook_ledger::json;
use relbook_ledger::key::SigningKey;
pub use relbook_ledger::ndjson::Input;
use relbook_ledger::registry::Registry;
use relbook_ledger::statement;
use relbook_ledger::store::{Clock as _, SystemClock, Writer};
use relbook_ledger::time::Time;
use serde_json::{Map, Value};
use uuid::Uuid;

use crate::error::Error;
use crate::spool::Away;

/// What an author stands on: the book, or what was known of it when it was last reached.
#[derive(Clone, Copy)]
pub enum Ground<'a> {
    /// The book.
    Book(&'a Writer),
    /// What a spool remembers of it.
    Away(&'a Away),
}

impl<'a> Ground<'a> {
    fn registry(self) -> &'a Registry {
        match self {
            Self::Book(writer) => writer.registry(),
            Self::Away(away) => &away.registry,
        }
    }

    fn origin(self) -> &'a str {
        match self {
            Self::Book(writer) => writer.origin(),
            Self::Away(away) => &away.origin,
        }
    }

    fn size(self) -> u64 {
        match self {
            Self::Book(writer) => writer.ledger().size(),
            Self::Away(away) => away.size,
        }
    }

    /// Returns the clock of a book that is simulated.
    fn simulated_clock(self) -> Option<Time> {
        match self {
            Self::Book(writer) if writer.ledger().simulated_clock() => Some(writer.clock()),
            _ => None,
        }
    }
}

/// Signs the events of one batch with one key.
pub struct Author<'a> {
    ground: Ground<'a>,
    key: Option<&'a SigningKey>,
    registry: Registry,
    next_seq: u64,
    /// What `occurred_at` is when it is left out: one instant for the whole batch, so that a line
    /// that stands there twice has the same bytes.
    now: Time,
}

impl<'a> Author<'a> {
    /// Prepares to sign for a book; without a key only events that are signed already can be
    /// passed on.
    pub fn new(ground: Ground<'a>, key: Option<&'a SigningKey>) -> Self {
        Self {
            ground,
            key,
            registry: ground.registry().clone(),
            next_seq: ground.size(),
            now: ground.simulated_clock().unwrap_or_else(|| SystemClock.now()),
        }
    }

    /// Completes, checks and signs one event.
    ///
    /// # Errors
    /// [`Error::Refused`] for what admission would refuse, [`Error::NotDone`] when the book cannot
    /// be read.
    pub fn sign(&mut self, input: Input) -> Result<SignedEvent, Error> {
        match input {
            Input::Signed(signed) => {
                self.follow(&signed);
                Ok(signed)
            }
            Input::Fields(fields) => {
                let fields = self.complete(fields)?;
                let value = Value::Object(fields);
                let event = admit(&value, &self.registry)?;
                self.registry.apply(self.next_seq, &event);
                self.next_seq += 1;
                self.now = self.clock_after(event.header.recorded_at, event.header.occurred_at);
                let Value::Object(fields) = value else { unreachable!("made an object above") };
                let key = self.key.ok_or_else(|| {
                    Error::Bug("an event to sign, but no key was read".to_owned())
                })?;
                Ok(statement::sign(&fields, key)?)
            }
        }
    }

    /// Lets an event that is signed already define components for the lines after it. What it
    /// breaks, if anything, the writer will say.
    fn follow(&mut self, signed: &SignedEvent) {
        let value = json::parse(&signed.body).ok();
        let value = value.and_then(|value| statement::open(&signed.payload_type, value).ok());
        if let Some(event) = value.and_then(|value| admit(&value, &self.registry).ok()) {
            self.registry.apply(self.next_seq, &event);
            self.now = self.clock_after(event.header.recorded_at, event.header.occurred_at);
        }
        self.next_seq += 1;
    }

    fn clock_after(&self, recorded_at: Option<Time>, occurred_at: Time) -> Time {
        if self.ground.simulated_clock().is_some() {
            self.now.max(recorded_at.unwrap_or(occurred_at))
        } else {
            self.now
        }
    }

    /// Fills in what was left out; the order of the keys is part of the signed bytes.
    fn complete(&self, mut fields: Map<String, Value>) -> Result<Map<String, Value>, Error> {
        let origin = self.ground.origin();
        if let Some(ledger) = fields.get("ledger")
            && ledger.as_str() != Some(origin)
        {
            let message = format!("the event is for another book; this one is `{origin}`");
            let refusal = Refusal::new(Code::WrongBook, message).at("ledger");
            let value = ledger.as_str().map_or_else(|| ledger.to_string(), str::to_owned);
            return Err(refusal.with_value(value).into());
        }
        if let Some(Value::String(name)) = fields.get_mut("component")
            && let Some(registered) = self.registry.resolve(name)
        {
            *name = registered.to_owned();
        }
        let id = fields.shift_remove("id").filter(|id| !id.is_null());
        let occurred_at = fields.shift_remove("occurred_at").filter(|time| !time.is_null());
        let occurred_at = match (occurred_at, &id) {
            (Some(time), _) => time,
            (None, Some(id)) => match self.first_time(id)? {
                Some(time) => time,
                None => self.default_time(&fields),
            },
            (None, None) => self.default_time(&fields),
        };
        let mut whole = Map::new();
        whole.insert("id".to_owned(), id.unwrap_or_else(|| Uuid::now_v7().to_string().into()));
        if let Some(kind) = fields.shift_remove("kind") {
            whole.insert("kind".to_owned(), kind);
        }
        fields.shift_remove("ledger");
        whole.insert("ledger".to_owned(), origin.into());
        whole.insert("occurred_at".to_owned(), occurred_at);
        whole.extend(fields);
        Ok(whole)
    }

    fn default_time(&self, fields: &Map<String, Value>) -> Value {
        // In a simulated book an event that only says when it was recorded occurred then.
        let recorded_at =
            fields.get("recorded_at").filter(|_| self.ground.simulated_clock().is_some());
        recorded_at.cloned().unwrap_or_else(|| self.now.to_string().into())
    }

    /// Returns the `occurred_at` of the event that holds this id in the book.
    fn first_time(&self, id: &Value) -> Result<Option<Value>, Error> {
        let Ground::Book(writer) = self.ground else { return Ok(None) };
        let Some(id) = id.as_str().and_then(|id| Uuid::parse_str(id).ok()) else { return Ok(None) };
        let Some(seq) = writer.find(id)? else { return Ok(None) };
        let Some(record) = writer.record(seq)? else { return Ok(None) };
        let body = json::parse(&record.body).ok();
        let event = body.and_then(|body| statement::open(&record.payload_type, body).ok());
        Ok(event.and_then(|event| event.get("occurred_at").cloned()))
    }
}
