//! The rules for one event in its place, as appending and verifying both apply them.
//!
//! A rule that the writer enforces and the verifier does not is a rule that nobody can prove, so
//! there is one implementation: `store` calls it before an event enters, `verify` calls it on what
//! a book holds. It sees strictly parsed JSON and the keys and definitions known before the event;
//! signatures, chain and tree are checked by the callers.

use serde_json::Value;

use crate::admission::{Code, Refusal, admit};
use crate::event::{Body, Event};
use crate::json;
use crate::key::{KeyId, PublicKey};
use crate::keyring::Keyring;
use crate::limits::PAE_BYTES_MAX;
use crate::registry::Registry;
use crate::statement;
use crate::time::Time;

/// Refuses signed bytes that are too many.
pub(crate) fn check_size(pae_length: usize) -> Result<(), Refusal> {
    if pae_length <= PAE_BYTES_MAX {
        return Ok(());
    }
    Err(Refusal::new(
        Code::TooLarge,
        format!(
            "the signed event has {pae_length} bytes, at most {PAE_BYTES_MAX} are allowed; keep \
             large evidence as a blob and name its digest under `evidence`"
        ),
    ))
}

/// Parses a payload strictly and returns the event inside.
pub(crate) fn parse_payload(payload_type: &str, body: &[u8]) -> Result<Value, Refusal> {
    let value = json::parse(body).map_err(Refusal::from)?;
    statement::open(payload_type, value)
}

/// Where an event stands, or would stand.
pub(crate) struct Place<'a> {
    pub(crate) origin: &'a str,
    pub(crate) book_key: PublicKey,
    pub(crate) simulated_clock: bool,
    pub(crate) seq: u64,
    /// The keys and definitions before the event.
    pub(crate) registry: &'a Registry,
}

impl Place<'_> {
    /// Returns the key with this id, if it may sign here; the first event brings its own.
    pub(crate) fn key_in_force(&self, key_id: KeyId) -> Option<PublicKey> {
        if self.seq == 0 {
            return Some(self.book_key).filter(|key| key.id() == key_id);
        }
        self.registry.keyring().author(key_id, self.seq).map(|grant| grant.public_key)
    }
}

/// Judges an event by everything but its signature, its id, its time and what it corrects.
///
/// Returns the event and whether the book itself wrote it.
pub(crate) fn judge(
    value: &Value,
    key_id: KeyId,
    place: &Place<'_>,
) -> Result<(Event, bool), Refusal> {
    // An event for another book would also name unknown components: say the cause, not the effect.
    if let Some(ledger) = value.get("ledger").and_then(Value::as_str)
        && ledger != place.origin
    {
        return Err(wrong_book(place.origin).with_value(ledger));
    }
    let event = admit(value, place.registry)?;
    if event.header.ledger.as_deref() != Some(place.origin) {
        return Err(wrong_book(place.origin));
    }
    if event.header.recorded_at.is_some() && !place.simulated_clock {
        return Err(Refusal::new(
            Code::BadValue,
            "the ledger sets its own clock; only a book made with --simulated-clock takes this",
        )
        .at("recorded_at"));
    }
    check_genesis(&event, place)?;
    if place.seq == 0 {
        // The genesis event brings the key that it is signed with.
        let mut registry = Registry::default();
        registry.apply(0, &event);
        registry.keyring().authorise(key_id, 0, &event)?;
        return Ok((event, true));
    }
    let keyring = place.registry.keyring();
    let by_book = keyring.authorise(key_id, place.seq, &event)?.is_book();
    keyring.check(key_id, &event)?;
    Ok((event, by_book))
}

/// Checks that the first event, and no other, makes the book, and makes this one.
fn check_genesis(event: &Event, place: &Place<'_>) -> Result<(), Refusal> {
    let wrong = |message: &str| Err(Refusal::new(Code::Role, message).at("kind"));
    match &event.body {
        Body::BookCreated(spec) if place.seq == 0 => {
            let fits = spec.origin.as_str() == place.origin
                && spec.simulated_clock == place.simulated_clock;
            if fits { Ok(()) } else { wrong("the genesis event is not that of this book") }
        }
        Body::BookCreated(_) => wrong("a book is created once, by its first event"),
        _ if place.seq == 0 => wrong("the first event of a book is book.created"),
        _ => Ok(()),
    }
}

fn wrong_book(origin: &str) -> Refusal {
    Refusal::new(
        Code::WrongBook,
        format!("the event must name the book that it is signed for, `{origin}`"),
    )
    .at("ledger")
}

/// Returns the clock of a simulated book after an event: it moves only by events.
///
/// The event's `recorded_at` counts, else the later of the clock and `occurred_at`; what relbook
/// itself writes takes the clock as it is (contract 3, `init`).
pub(crate) fn simulated_received(
    event: &Event,
    by_book: bool,
    clock: Time,
) -> Result<Time, Refusal> {
    if by_book {
        return Ok(clock);
    }
    let Some(recorded_at) = event.header.recorded_at else {
        return Ok(clock.max(event.header.occurred_at));
    };
    if recorded_at < clock {
        return Err(Refusal::new(
            Code::ClockBackwards,
            format!("{recorded_at} is before the book's simulated clock, {clock}"),
        )
        .at("recorded_at")
        .with_value(recorded_at));
    }
    Ok(recorded_at)
}

/// Refuses an event that claims to lie in the future (semantics A.2.4).
pub(crate) fn check_future(
    event: &Event,
    received: Time,
    registry: &Registry,
) -> Result<(), Refusal> {
    let seconds = registry.policy().future_tolerance_s;
    let tolerance = i64::try_from(seconds).unwrap_or(i64::MAX);
    let occurred_at = event.header.occurred_at;
    if occurred_at <= received.plus_seconds(tolerance) {
        return Ok(());
    }
    Err(Refusal::new(
        Code::FutureTime,
        format!(
            "{occurred_at} is more than {seconds} s after the ledger's clock, {received}; check \
             the clock of the machine that wrote it"
        ),
    )
    .at("occurred_at")
    .with_value(occurred_at))
}

/// What a correction names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Target {
    Seq(u64),
    Id(uuid::Uuid),
}

/// Reads what a correction names; `None` for any other kind.
pub(crate) fn correction_target(event: &Event) -> Result<Option<Target>, Refusal> {
    let Body::EventCorrected(spec) = &event.body else { return Ok(None) };
    let target = match &spec.corrects {
        Value::String(text) => text.parse().ok().map(Target::Id),
        value => value.as_u64().map(Target::Seq),
    };
    target.map(Some).ok_or_else(|| missing_target(event))
}

/// Checks that an author may correct what a correction names.
///
/// `target` is the principal who wrote the named event; `None` when there is no such event.
pub(crate) fn check_correction(
    event: &Event,
    key_id: KeyId,
    place: &Place<'_>,
    target: Option<&str>,
) -> Result<(), Refusal> {
    let target = target.ok_or_else(|| missing_target(event))?;
    match place.registry.keyring().author(key_id, place.seq) {
        Some(grant) => Keyring::check_correction(grant, target),
        // `judge` has refused such an event already.
        None => Ok(()),
    }
}

/// Says that a correction names nothing that stands before it.
fn missing_target(event: &Event) -> Refusal {
    let refusal =
        Refusal::new(Code::BadValue, "there is no such event before this one: give its seq or id")
            .at("corrects");
    match &event.body {
        Body::EventCorrected(spec) => refusal.with_value(&spec.corrects),
        _ => refusal,
    }
}
