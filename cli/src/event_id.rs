//! Event ids that follow from what an event says, so that a retry makes the same event.
//!
//! A UUIDv7 is a time in milliseconds and random bits; here the bits are a keyed hash. Two events
//! get the same id only when everything that is hashed is the same.

use relbook_ledger::time::Time;
use serde_json::{Map, Value};
use uuid::Uuid;

const CONTEXT: &str = "relbook 2026 derived event id v1";

/// Returns the id of a further event of the command that `first` is the first event of.
pub fn following(first: &Uuid, number: u64) -> Uuid {
    let content = [first.as_bytes().as_slice(), &number.to_be_bytes()].concat();
    let mut time = [0; 6];
    time.copy_from_slice(&first.as_bytes()[..6]);
    build(time, &content)
}

/// Returns the id of an event that happened at `time` and is known by `content`.
pub fn of_content(time: Time, content: &[u8]) -> Uuid {
    let millis = u64::try_from(time.micros() / 1_000).unwrap_or_default().to_be_bytes();
    let mut time = [0; 6];
    time.copy_from_slice(&millis[2..]);
    build(time, content)
}

/// Returns the id of an event that its own system knows by a key (`source.key`): the same whoever
/// tells it and whenever, whatever else is told with it. Its time part is zero.
pub fn of_key(event: &Map<String, Value>) -> Option<Uuid> {
    let text = |name: &str| event.get(name).and_then(Value::as_str).unwrap_or_default();
    let source = event.get("source")?;
    let key = source.get("key")?.as_str()?;
    let system = source.get("system").and_then(Value::as_str).unwrap_or_default();
    // With its length before it, no part can run into the next.
    let mut content = Vec::new();
    for part in [system, text("kind"), text("component"), text("target"), key] {
        content.extend((part.len() as u64).to_be_bytes());
        content.extend(part.as_bytes());
    }
    Some(build([0; 6], &content))
}

fn build(time: [u8; 6], content: &[u8]) -> Uuid {
    let hash = blake3::derive_key(CONTEXT, content);
    let mut bytes = [0; 16];
    bytes[..6].copy_from_slice(&time);
    bytes[6..].copy_from_slice(&hash[..10]);
    bytes[6] = 0x70 | (bytes[6] & 0x0f);
    bytes[8] = 0x80 | (bytes[8] & 0x3f);
    Uuid::from_bytes(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn they_are_uuids_of_version_7_that_follow_from_their_source() {
        let first = Uuid::now_v7();
        let second = following(&first, 1);
        assert_eq!(second, following(&first, 1));
        assert_ne!(second, following(&first, 2));
        assert_eq!(second.as_bytes()[..6], first.as_bytes()[..6]);
        let time = Time::parse("2026-06-10T09:00:00Z").expect("a time");
        let third = of_content(time, b"report");
        assert_ne!(third, of_content(time, b"another report"));
        for id in [second, third] {
            assert_eq!(id.get_version_num(), 7);
            assert_eq!(id.get_variant(), uuid::Variant::RFC4122);
        }
        let (seconds, _) = third.get_timestamp().expect("version 7 has a time").to_unix();
        assert_eq!(i64::try_from(seconds).expect("this century"), time.micros() / 1_000_000);
    }
}
