//! Severities: every tool's words in one vocabulary, and how many of each (ingest.md 1.9).
//!
//! A word that is missing or not known counts as `unknown`, never as low, and is remembered so
//! that the event can show it. A severity that a filter hid has no count at all.

use std::collections::BTreeMap;

/// A severity, most severe first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(in crate::ingest) enum Severity {
    Critical,
    High,
    Medium,
    Low,
    Negligible,
    Unknown,
}

impl Severity {
    pub(in crate::ingest) const ALL: [Self; 6] =
        [Self::Critical, Self::High, Self::Medium, Self::Low, Self::Negligible, Self::Unknown];

    pub(in crate::ingest) fn as_str(self) -> &'static str {
        match self {
            Self::Critical => "critical",
            Self::High => "high",
            Self::Medium => "medium",
            Self::Low => "low",
            Self::Negligible => "negligible",
            Self::Unknown => "unknown",
        }
    }

    /// Reads a tool's word in any case.
    pub(in crate::ingest) fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|severity| severity.as_str().eq_ignore_ascii_case(word.trim()))
    }
}

/// Counts by severity.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(in crate::ingest) struct Tally {
    counts: BTreeMap<Severity, u64>,
    /// Words that are in no vocabulary, lower case; the empty word is a missing severity.
    strange: BTreeMap<String, u64>,
}

impl Tally {
    /// Counts one finding by its tool's word.
    pub(in crate::ingest) fn add(&mut self, word: Option<&str>) {
        let word = word.unwrap_or_default();
        let severity = Severity::parse(word);
        *self.counts.entry(severity.unwrap_or(Severity::Unknown)).or_default() += 1;
        if severity.is_none() {
            *self.strange.entry(word.trim().to_ascii_lowercase()).or_default() += 1;
        }
    }

    /// Adds the counts of another tally.
    pub(in crate::ingest) fn merge(&mut self, other: Self) {
        for (severity, count) in other.counts {
            *self.counts.entry(severity).or_default() += count;
        }
        for (word, count) in other.strange {
            *self.strange.entry(word).or_default() += count;
        }
    }

    /// Raises a count to what a summary in the same report says; tells whether it had to.
    pub(in crate::ingest) fn at_least(&mut self, severity: Severity, count: u64) -> bool {
        let mine = self.counts.entry(severity).or_default();
        let raised = *mine < count;
        *mine = (*mine).max(count);
        raised
    }

    pub(in crate::ingest) fn of(&self, severity: Severity) -> u64 {
        self.counts.get(&severity).copied().unwrap_or_default()
    }

    pub(in crate::ingest) fn total(&self) -> u64 {
        self.counts.values().sum()
    }

    /// Returns what is there, without zeros: for classes that have no fixed columns.
    pub(in crate::ingest) fn present(&self) -> impl Iterator<Item = (Severity, u64)> {
        self.counts.iter().filter(|(_, count)| **count > 0).map(|(word, count)| (*word, *count))
    }

    /// Describes the words that were counted as unknown; `None` when there were none.
    pub(in crate::ingest) fn strange(&self) -> Option<String> {
        let show = |(word, count): (&String, &u64)| match word.as_str() {
            "" => format!("missing={count}"),
            word => format!("{word}={count}"),
        };
        let words: Vec<String> = self.strange.iter().map(show).collect();
        (!words.is_empty()).then(|| words.join(","))
    }
}
