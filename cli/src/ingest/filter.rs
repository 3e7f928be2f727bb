//! Filters: what a scan was told not to show, so that "none shown" is not read as "none there".
//!
//! Evidence comes from the report's own configuration where it has one, and from the command line
//! that the caller gives. What neither shows (an ignore file in the directory, a configuration
//! file) cannot be seen, which is why the event says where the evidence came from.

use super::severity::Severity;

/// The filters of one scan.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(in crate::ingest) struct Filters {
    /// Each filter in the tool's own words.
    found: Vec<String>,
    /// The severities that are shown, when some are not.
    shown: Option<Vec<Severity>>,
    /// Whether a filter hides findings of any severity.
    any_severity: bool,
}

impl Filters {
    /// Notes a filter that may hide findings of any severity.
    pub(in crate::ingest) fn hide(&mut self, description: impl Into<String>) {
        let description = description.into();
        if !self.found.contains(&description) {
            self.found.push(description);
        }
        self.any_severity = true;
    }

    /// Notes a list of severities: what is not on it is not shown. A list of `all` is no filter.
    pub(in crate::ingest) fn show_only(&mut self, list: &str, all: &[Severity]) {
        let shown: Vec<Severity> = list.split(',').filter_map(Severity::parse).collect();
        if shown.is_empty() || all.iter().all(|severity| shown.contains(severity)) {
            return;
        }
        self.found.push(format!("severity={}", list.trim()));
        self.shown = Some(shown);
    }

    pub(in crate::ingest) fn is_empty(&self) -> bool {
        self.found.is_empty()
    }

    /// Tells whether findings of a severity could be seen at all.
    pub(in crate::ingest) fn shows(&self, severity: Severity) -> bool {
        self.shown.as_ref().is_none_or(|shown| shown.contains(&severity))
    }

    /// Tells whether every critical and high finding is still shown.
    pub(in crate::ingest) fn keeps_critical_and_high(&self) -> bool {
        !self.any_severity && self.shows(Severity::Critical) && self.shows(Severity::High)
    }

    /// Describes the filters in the tool's words.
    pub(in crate::ingest) fn describe(&self) -> String {
        self.found.join("; ")
    }
}

/// The words of a command line.
#[derive(Debug, Clone, Default)]
pub(in crate::ingest) struct CommandLine(Vec<String>);

impl CommandLine {
    /// Splits as a shell would: white space, single and double quotes, backslash.
    pub(in crate::ingest) fn split(line: &str) -> Self {
        let (mut words, mut word, mut open) = (Vec::new(), String::new(), false);
        let mut quote = None;
        let mut chars = line.chars();
        while let Some(c) = chars.next() {
            match (quote, c) {
                (Some(q), c) if c == q => quote = None,
                (None, '"' | '\'') => (quote, open) = (Some(c), true),
                (None | Some('"'), '\\') => word.extend(chars.next()),
                (None, c) if c.is_whitespace() => {
                    if open || !word.is_empty() {
                        words.push(std::mem::take(&mut word));
                    }
                    open = false;
                }
                (_, c) => word.push(c),
            }
        }
        if open || !word.is_empty() {
            words.push(word);
        }
        Self(words)
    }

    /// Returns the last value of an option: `--name value`, `--name=value`, `-n value`, `-nvalue`,
    /// or `VARIABLE=value` before the command. `variable` is never empty.
    pub(in crate::ingest) fn value(
        &self,
        long: &str,
        short: Option<char>,
        variable: &str,
    ) -> Option<&str> {
        let mut found = None;
        for (i, word) in self.0.iter().enumerate() {
            let next = || self.0.get(i + 1).map(String::as_str);
            if let Some(rest) = word.strip_prefix("--").and_then(|w| w.strip_prefix(long)) {
                match rest.strip_prefix('=') {
                    Some(value) => found = Some(value),
                    None if rest.is_empty() => found = next().or(found),
                    None => {}
                }
            } else if let Some(rest) = short.and_then(|short| short_option(word, short)) {
                found = if rest.is_empty() { next().or(found) } else { Some(rest) };
            } else if let Some(value) = variable_value(word, variable) {
                // An option beats its variable, and the variable stands first.
                found = found.or(Some(value));
            }
        }
        found
    }

    /// Tells whether a switch is on: `--name`, `--name=true`, or `VARIABLE=true` before.
    pub(in crate::ingest) fn is_on(&self, long: &str, variable: &str) -> bool {
        let mut on = false;
        for word in &self.0 {
            if let Some(rest) = word.strip_prefix("--").and_then(|w| w.strip_prefix(long)) {
                match rest {
                    "" => on = true,
                    rest if rest.starts_with('=') => on = truth(&rest[1..]),
                    _ => {}
                }
            } else if let Some(value) = variable_value(word, variable) {
                on = on || truth(value);
            }
        }
        on
    }
}

fn short_option(word: &str, short: char) -> Option<&str> {
    let rest = word.strip_prefix('-').filter(|rest| !rest.starts_with('-'))?;
    rest.strip_prefix(short).map(|rest| rest.strip_prefix('=').unwrap_or(rest))
}

fn variable_value<'a>(word: &'a str, variable: &str) -> Option<&'a str> {
    word.strip_prefix(variable).and_then(|rest| rest.strip_prefix('='))
}

fn truth(text: &str) -> bool {
    matches!(text, "1" | "t" | "T" | "true" | "TRUE" | "True")
}
