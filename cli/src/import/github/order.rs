//! The order of what was imported, and who had decided what in the end.

use std::collections::BTreeMap;

use relbook_ledger::time::Time;
use serde_json::{Map, Value};

/// Returns a time of a saved object in microseconds; what has none stands first.
pub(super) fn when(value: &Value, key: &str) -> i64 {
    let text = value.get(key).and_then(Value::as_str).unwrap_or_default();
    text.parse::<jiff::Timestamp>().map_or(i64::MIN, jiff::Timestamp::as_microsecond)
}

/// Sorts events by their time; at one time, what others rest on comes first. Events without a time
/// are of now, the last.
pub(super) fn by_time(events: &mut [Map<String, Value>]) {
    const FIRST: [&str; 8] = [
        "commit.merged",
        "branch.created",
        "tag.created",
        "tag.moved",
        "release.published",
        "check.completed",
        "approval.granted",
        "deploy.started",
    ];
    events.sort_by_key(|event| {
        let text = |name: &str| event.get(name).and_then(Value::as_str).unwrap_or_default();
        let time = Time::parse(text("occurred_at")).map_or(i64::MAX, Time::micros);
        let rank = FIRST.iter().position(|kind| *kind == text("kind")).unwrap_or(FIRST.len());
        (time, rank)
    });
}

/// Returns who approved a pull request and did not take it back: each one's last review counts,
/// a mere comment changes nothing.
pub(super) fn decided<'a>(reviews: impl Iterator<Item = &'a Value>) -> Vec<String> {
    let mut all: Vec<&Value> = reviews.collect();
    all.sort_by_key(|review| when(review, "submitted_at"));
    let mut last: BTreeMap<String, bool> = BTreeMap::new();
    for review in all {
        let state = review.get("state").and_then(Value::as_str).unwrap_or_default();
        let Some(user) = review.get("user") else { continue };
        let login = user.get("login").and_then(Value::as_str);
        let (Some(login), Some(id)) = (login, user.get("id").and_then(Value::as_u64)) else {
            continue;
        };
        let person = format!("github:{login}#{id}");
        // A webhook writes states in lower case, the API in upper case.
        match state.to_ascii_lowercase().as_str() {
            "approved" => drop(last.insert(person, true)),
            "changes_requested" | "dismissed" => drop(last.insert(person, false)),
            _ => {}
        }
    }
    last.into_iter().filter(|(_, approved)| *approved).map(|(person, _)| person).collect()
}
