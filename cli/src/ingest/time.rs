//! Times as tools write them, and as events carry them (ingest.md 1.7).
//!
//! An event has one spelling, RFC 3339 in UTC with a Z, to the microsecond. The tool's own text,
//! with its offset, is kept beside it. Go writes its zero time for "not set": that is absent.

use relbook_ledger::time::Time;
use serde_json::Value;

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

/// Reads a time in one of the forms that reports of tests use, as long as it tells its zone, and
/// adds seconds to it; `None` when it has no zone, is Go's zero time, or is none.
pub(in crate::ingest) fn in_any_form(raw: &str, seconds: f64) -> Option<ReportTime> {
    let text = raw.trim();
    if text.starts_with("0001-01-01") {
        return None;
    }
    let spaced = |text: &str| {
        let form = match text.strip_suffix(" UTC") {
            Some(rest) => return format!("{}Z", rest.replacen(' ', "T", 1)).parse().ok(),
            None => "%Y-%m-%d %H:%M:%S %z",
        };
        jiff::Timestamp::strptime(form, text).ok()
    };
    let stamp: jiff::Timestamp = (text.parse().ok())
        .or_else(|| jiff::fmt::rfc2822::parse(text).ok().map(|zoned| zoned.timestamp()))
        .or_else(|| spaced(text))?;
    let seconds = if seconds.is_finite() && (0.0..1e9).contains(&seconds) { seconds } else { 0.0 };
    #[expect(clippy::cast_possible_truncation, reason = "below 1e15 microseconds")]
    let added = (seconds * 1e6) as i64;
    let utc = Time::from_micros(stamp.as_microsecond().checked_add(added)?).to_string();
    Some(ReportTime { utc, raw: raw.to_owned() })
}

/// Reads milliseconds since 1970 under a key, as a number or as a text.
pub(in crate::ingest) fn millis(
    place: &Place<'_>,
    key: &str,
) -> Result<Option<ReportTime>, IngestError> {
    let Some(raw) = place.word(key)? else { return Ok(None) };
    let stamp = raw.parse().ok().and_then(|ms| jiff::Timestamp::from_millisecond(ms).ok());
    let stamp = stamp.ok_or_else(|| place.expected_under(key, "milliseconds since 1970"))?;
    let utc = Time::from_micros(stamp.as_microsecond()).to_string();
    Ok(Some(ReportTime { utc, raw }))
}

/// Reads the time under a key in any spelling that services use: RFC 3339, `2021-04-28 21:50:00
/// +0200`, `2021-02-25 21:23:34 UTC`, or seconds since the epoch.
pub(in crate::ingest) fn spelled(
    place: &Place<'_>,
    key: &str,
) -> Result<Option<ReportTime>, IngestError> {
    let Some(found) = place.at(key)? else { return Ok(None) };
    let refuse = || place.expected_under(key, "a time");
    if let Some(seconds) = found.value().as_i64() {
        let stamp = jiff::Timestamp::from_second(seconds).map_err(|_| refuse())?;
        let utc = Time::from_micros(stamp.as_microsecond()).to_string();
        return Ok(Some(ReportTime { utc, raw: seconds.to_string() }));
    }
    let Some(raw) = place.text(key)? else { return Ok(None) };
    let Some((day, rest)) = raw.split_once(' ') else { return at(place, key) };
    let numeric = match rest.strip_suffix(" UTC") {
        Some(clock) => format!("{day} {clock} +0000"),
        None => raw.to_owned(),
    };
    let stamp =
        jiff::Timestamp::strptime("%Y-%m-%d %H:%M:%S %z", &numeric).map_err(|_| refuse())?;
    let utc = Time::from_micros(stamp.as_microsecond()).to_string();
    Ok(Some(ReportTime { utc, raw: raw.to_owned() }))
}

/// Reads seconds since 1970, whole or with a fraction; `None` when they are of no year that we write.
pub(in crate::ingest) fn unix_seconds(value: &Value) -> Option<ReportTime> {
    let seconds = value.as_f64().filter(|seconds| (0.0..1e11).contains(seconds))?;
    #[expect(clippy::cast_possible_truncation, reason = "below 1e14 milliseconds")]
    let millis = (seconds * 1e3).round() as i64;
    let stamp = jiff::Timestamp::from_millisecond(millis).ok()?;
    let utc = Time::from_micros(stamp.as_microsecond()).to_string();
    Some(ReportTime { utc, raw: value.to_string() })
}

/// Returns the seconds from one time to another; `None` when one is missing or they run backwards.
pub(in crate::ingest) fn seconds_between(
    start: Option<&ReportTime>,
    end: Option<&ReportTime>,
) -> Option<f64> {
    let micros = |time: &ReportTime| Time::parse(&time.utc).ok().map(Time::micros);
    let span = micros(end?)? - micros(start?)?;
    // Below a second a service's clock says nothing more.
    u32::try_from(span / 1_000_000).ok().map(f64::from)
}
