//! Whether the book would take what a dry run shows.

use relbook_ledger::admission::{Refusal, admit};
use relbook_ledger::registry::Registry;
use relbook_ledger::store::{Clock as _, SystemClock};
use serde_json::{Map, Value, json};
use uuid::Uuid;

/// Checks events as the book would, but for what only signing them can tell.
///
/// # Errors
/// The first [`Refusal`].
pub(super) fn check<'e>(
    events: impl Iterator<Item = &'e Map<String, Value>>,
    registry: &Registry,
) -> Result<(), Refusal> {
    let mut registry = registry.clone();
    for event in events {
        let mut whole = event.clone();
        whole.entry("id").or_insert_with(|| json!(Uuid::now_v7().to_string()));
        whole.entry("occurred_at").or_insert_with(|| json!(SystemClock.now().to_string()));
        // What is registered in one event counts for those behind it.
        registry.apply(0, &admit(&Value::Object(whole), &registry)?);
    }
    Ok(())
}
