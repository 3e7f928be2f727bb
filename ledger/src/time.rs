//! Instants, as every part of relbook counts them: microseconds since the Unix epoch, UTC.
//!
//! The text form is RFC 3339 with a capital `Z` and nothing else (semantics.md A.2.4): an offset
//! would let two events claim the same instant in two spellings. Digits beyond the microsecond
//! are dropped; the author's own spelling stays in the signed bytes. This module reads no clock.

use std::borrow::Cow;
use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// An instant: microseconds since 1970-01-01T00:00:00Z, between the years 1 and 9999.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct Time(i64);

/// Says why a text is not an instant.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not a time; write RFC 3339 in UTC with a Z, such as 2026-06-10T09:05:00Z")]
pub struct TimeError {
    /// The text as given.
    pub text: String,
}

impl Time {
    /// 1970-01-01T00:00:00Z, where a simulated clock starts.
    pub const EPOCH: Self = Self(0);
    /// The latest instant that this type can spell.
    pub const MAX: Self = Self(253_402_207_200_999_999);

    /// Makes an instant from microseconds since the epoch.
    pub const fn from_micros(micros: i64) -> Self {
        Self(micros)
    }

    /// Returns the microseconds since the epoch.
    pub const fn micros(self) -> i64 {
        self.0
    }

    /// Reads RFC 3339 with a capital `T` and `Z`.
    ///
    /// # Errors
    /// [`TimeError`] when the text has another form, another offset or names no real instant.
    pub fn parse(text: &str) -> Result<Self, TimeError> {
        let error = || TimeError { text: text.to_owned() };
        let form =
            text.len() >= 20 && text.ends_with('Z') && text.as_bytes().get(10) == Some(&b'T');
        if !form {
            return Err(error());
        }
        let stamp: jiff::Timestamp = text.parse().map_err(|_| error())?;
        Ok(Self(stamp.as_microsecond()))
    }

    /// Reads an instant, or a date, which stands for its first moment in UTC.
    ///
    /// # Errors
    /// [`TimeError`] when the text is neither.
    pub fn parse_or_date(text: &str) -> Result<Self, TimeError> {
        if text.len() == 10 {
            return Self::parse(&format!("{text}T00:00:00Z"))
                .map_err(|_| TimeError { text: text.to_owned() });
        }
        Self::parse(text)
    }

    /// Returns the instant `seconds` later; it stops at the ends of the range.
    #[must_use]
    pub const fn plus_seconds(self, seconds: i64) -> Self {
        Self(self.0.saturating_add(seconds.saturating_mul(1_000_000)))
    }

    /// Returns how many whole microseconds lie between `earlier` and this instant.
    pub const fn micros_since(self, earlier: Self) -> i64 {
        self.0.saturating_sub(earlier.0)
    }

    /// Returns the calendar year and month (1 to 12) in UTC.
    pub fn year_month(self) -> (i32, u32) {
        let (year, month, _) = self.year_month_day();
        (year, month)
    }

    /// Returns the calendar year, month (1 to 12) and day (1 to 31) in UTC.
    pub fn year_month_day(self) -> (i32, u32, u32) {
        let date = jiff::tz::TimeZone::UTC.to_datetime(self.stamp()).date();
        (
            date.year().into(),
            u32::from(date.month().unsigned_abs()),
            u32::from(date.day().unsigned_abs()),
        )
    }

    fn stamp(self) -> jiff::Timestamp {
        jiff::Timestamp::from_microsecond(self.0).unwrap_or(jiff::Timestamp::MAX)
    }
}

impl fmt::Display for Time {
    /// Writes the shortest RFC 3339 form: no fraction where there is none.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.stamp())
    }
}

impl Serialize for Time {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Time {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = Cow::<'de, str>::deserialize(deserializer)?;
        Self::parse(&text).map_err(serde::de::Error::custom)
    }
}

impl JsonSchema for Time {
    fn schema_name() -> Cow<'static, str> {
        "Time".into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "string",
            "format": "date-time",
            "pattern": r"^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d+)?Z$"
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shortest_form_comes_back() {
        for text in ["1970-01-01T00:00:00Z", "2026-06-10T09:05:00Z", "2026-06-10T09:05:00.000001Z"]
        {
            assert_eq!(Time::parse(text).unwrap().to_string(), text);
        }
    }

    #[test]
    fn only_utc_with_a_capital_z_is_read() {
        for text in [
            "2026-06-10T09:05:00",
            "2026-06-10T09:05:00+00:00",
            "2026-06-10T09:05:00z",
            "2026-06-10 09:05:00Z",
            "2026-02-30T00:00:00Z",
            "2026-06-10",
            "",
            "now",
        ] {
            assert!(Time::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_date_is_its_first_moment() {
        assert_eq!(Time::parse_or_date("2026-06-10"), Time::parse("2026-06-10T00:00:00Z"));
        assert!(Time::parse_or_date("2026-6-10").is_err());
    }
}
