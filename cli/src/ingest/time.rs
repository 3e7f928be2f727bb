//! Times as tools write them, and as events carry them (ingest.md 1.7).
//!
//! An event has one spelling, RFC 3339 in UTC with a Z, to the microsecond. The tool's own text,
//! with its offset, is kept beside it. Go writes its zero time for "not set": that is absent.

use relbook_ledger::time::Time;

use super::error::IngestError;
use super::json::Place;

/// A time of a report.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::ingest) struct ReportTime {
    /// In UTC with a Z.
    pub(in crate::ingest) utc: String,
    /// As the tool wrote it.
    pub(in crate::ingest) raw: String,
}

/// Reads the time under a key; `None` when it is missing, empty or Go's zero time.
pub(in crate::ingest) fn at(
    place: &Place<'_>,
    key: &str,
) -> Result<Option<ReportTime>, IngestError> {
    let Some(raw) = place.text(key)? else { return Ok(None) };
    parse(raw).map_err(|()| place.expected_under(key, "a time in RFC 3339"))
}

/// Reads a time in RFC 3339; `None` when it is Go's zero time.
pub(in crate::ingest) fn parse(raw: &str) -> Result<Option<ReportTime>, ()> {
    let stamp: jiff::Timestamp = raw.parse().map_err(drop)?;
    if raw.starts_with("0001-01-01T") {
        return Ok(None);
    }
    let utc = Time::from_micros(stamp.as_microsecond()).to_string();
    Ok(Some(ReportTime { utc, raw: raw.to_owned() }))
}
