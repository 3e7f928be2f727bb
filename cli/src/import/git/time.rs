//! The times that commits and tags claim, within what the book can take.
//!
//! Clocks of developers are wrong in both directions, and git writes down whatever it is told: a
//! year beyond 9999, a time before 1970 (which git itself can not read), tomorrow. Such a commit
//! is part of the history all the same. It is recorded at the nearest time that can be, and what
//! it claims is kept in a label: nothing is repaired in silence.

use relbook_ledger::time::Time;

/// When something happened: what git says, and what the book can record.
#[derive(Debug, Clone)]
pub(super) struct When {
    /// What git says, in seconds since the epoch; ids are made of it.
    pub(super) claimed: i64,
    /// What is recorded.
    pub(super) recorded: Time,
    /// The claim as text, when it is not what is recorded.
    pub(super) label: Option<String>,
}

impl When {
    /// Reads the seconds that git prints; `latest` is the last time that the book takes.
    pub(super) fn read(text: &str, latest: Time) -> Self {
        let Ok(claimed) = text.parse::<i64>() else {
            // Git prints nothing for a date before 1970 or one that is none.
            let label = if text.is_empty() { "unreadable" } else { text };
            return Self { claimed: 0, recorded: Time::EPOCH, label: Some(label.to_owned()) };
        };
        let time = Time::from_micros(claimed.saturating_mul(1_000_000));
        let recorded = time.clamp(Time::EPOCH, latest);
        let label = (recorded != time).then(|| match time <= Time::MAX {
            true => time.to_string(),
            false => text.to_owned(),
        });
        Self { claimed, recorded, label }
    }
}
