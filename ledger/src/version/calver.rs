//! Calendar versions: patterns such as `YYYY.0M.MICRO`, and versions that fit them.
//!
//! Every segment is a number; order is the order of the numbers from left to right, so a pattern
//! is refused when that would not be order in time. A version must be written exactly as its
//! pattern says (`0M` is `06`, `MM` is `6`); it must never be read as SemVer or padded silently.
//!
//! Rules: semantics A.1 (CalVer); the tokens are those of calver.org.

use std::sync::Arc;

use super::{MAX_DIGITS, Parts, Span, quoted};

/// What a segment counts, coarse to fine within the calendar and within the plain numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
enum Unit {
    Year,
    Month,
    Week,
    Day,
    Major,
    Minor,
    Micro,
}

/// How a segment is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Style {
    /// Exactly four digits.
    Four,
    /// No leading zero.
    Plain,
    /// At least two digits, filled up with a zero.
    Padded,
}

/// One token of a pattern.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Segment {
    token: &'static str,
    unit: Unit,
    style: Style,
    /// What stands here in the example version of a message.
    example: &'static str,
}

const SEGMENTS: [Segment; 12] = [
    segment("YYYY", Unit::Year, Style::Four, "2026"),
    segment("YY", Unit::Year, Style::Plain, "26"),
    segment("0Y", Unit::Year, Style::Padded, "26"),
    segment("MM", Unit::Month, Style::Plain, "6"),
    segment("0M", Unit::Month, Style::Padded, "06"),
    segment("WW", Unit::Week, Style::Plain, "9"),
    segment("0W", Unit::Week, Style::Padded, "09"),
    segment("DD", Unit::Day, Style::Plain, "3"),
    segment("0D", Unit::Day, Style::Padded, "03"),
    segment("MAJOR", Unit::Major, Style::Plain, "1"),
    segment("MINOR", Unit::Minor, Style::Plain, "4"),
    segment("MICRO", Unit::Micro, Style::Plain, "2"),
];

const fn segment(token: &'static str, unit: Unit, style: Style, example: &'static str) -> Segment {
    Segment { token, unit, style, example }
}

impl Segment {
    /// Checks one run of digits against the token.
    fn check(self, digits: &str) -> Result<(), String> {
        let refuse = |rule: &str| Err(format!("{} is {rule}, not {}", self.token, quoted(digits)));
        let leading_zero = digits.len() > 1 && digits.starts_with('0');
        let (low, high, what) = match self.unit {
            Unit::Major | Unit::Minor | Unit::Micro => {
                return match digits.len() {
                    _ if leading_zero => refuse("a number without leading zeros"),
                    0..=MAX_DIGITS => Ok(()),
                    _ => refuse("a number of at most 255 digits"),
                };
            }
            Unit::Year => return self.check_year(digits),
            Unit::Month => (1, 12, "month"),
            Unit::Week => (1, 53, "week"),
            Unit::Day => (1, 31, "day"),
        };
        let written = match self.style {
            Style::Padded => digits.len() == 2,
            Style::Plain | Style::Four => !leading_zero,
        };
        let in_range = digits.parse::<u32>().is_ok_and(|value| (low..=high).contains(&value));
        if written && in_range {
            return Ok(());
        }
        let padded = self.style == Style::Padded;
        let (low, zeros) = if padded { ("01", "with two digits") } else { ("1", "unpadded") };
        refuse(&format!("a {what} from {low} to {high} {zeros}"))
    }

    fn check_year(self, digits: &str) -> Result<(), String> {
        // YY and 0Y count from the year 2000: 6 or 06, 16, 106.
        let (fits, rule) = match self.style {
            Style::Four => (digits.len() == 4 && !digits.starts_with('0'), "a four-digit year"),
            Style::Plain => (
                digits.len() <= 3 && (digits.len() == 1 || !digits.starts_with('0')),
                "a short year without leading zeros, as in 6 or 26",
            ),
            Style::Padded => (
                digits.len() == 2 || (digits.len() == 3 && !digits.starts_with('0')),
                "a short year with two digits, as in 06 or 26",
            ),
        };
        if fits { Ok(()) } else { Err(format!("{} is {rule}, not {}", self.token, quoted(digits))) }
    }

    /// Writes a number the way the token wants it.
    fn write(self, digits: &str) -> String {
        let number = without_leading_zeros(digits);
        match self.style {
            Style::Padded => format!("{number:0>2}"),
            Style::Plain | Style::Four => number.to_owned(),
        }
    }
}

/// What may stand between two tokens.
const SEPARATORS: [char; 3] = ['.', '-', '_'];

/// A CalVer pattern as registered, for example `calver:YYYY.0M.MICRO`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Pattern(Arc<Inner>);

#[derive(Debug, PartialEq, Eq, Hash)]
struct Inner {
    text: String,
    segments: Vec<Segment>,
    /// What stands between the segments; one fewer than these.
    separators: Vec<char>,
}

impl Pattern {
    /// Reads a pattern with its `calver:` in front, or says what is wrong with it.
    pub(super) fn parse(text: &str) -> Result<Pattern, String> {
        let tokens = text.strip_prefix("calver:").unwrap_or(text);
        let mut segments: Vec<Segment> = Vec::new();
        for token in tokens.split(SEPARATORS) {
            let Some(segment) = SEGMENTS.iter().find(|segment| segment.token == token) else {
                return Err(unknown_token(token));
            };
            segments.push(*segment);
        }
        check_order(&segments)?;
        let separators = tokens.chars().filter(|c| SEPARATORS.contains(c)).collect();
        Ok(Pattern(Arc::new(Inner { text: text.to_owned(), segments, separators })))
    }

    /// Returns the pattern as registered, with its `calver:` in front.
    pub fn as_str(&self) -> &str {
        &self.0.text
    }

    /// Returns a version that fits the pattern, for messages.
    pub fn example(&self) -> String {
        self.join(self.0.segments.iter().map(|segment| segment.example.to_owned()))
    }

    /// Returns the version of a day with that number in its last place; the other plain numbers
    /// are those of `like`. Nothing for a pattern that counts weeks or has no number at its end.
    pub fn dated(
        &self,
        (year, month, day): (i32, u32, u32),
        like: &super::Version,
        number: u64,
    ) -> Option<String> {
        let last = self.len().checked_sub(1)?;
        let mut parts = Vec::with_capacity(self.len());
        for (index, segment) in self.0.segments.iter().enumerate() {
            let digits = match segment.unit {
                Unit::Year if segment.style == Style::Four => year.to_string(),
                Unit::Year => year.checked_sub(2000)?.to_string(),
                Unit::Month => month.to_string(),
                Unit::Day if index != last => day.to_string(),
                Unit::Week | Unit::Day => return None,
                Unit::Major | Unit::Minor | Unit::Micro if index == last => number.to_string(),
                Unit::Major | Unit::Minor | Unit::Micro => like.components().nth(index)?.to_owned(),
            };
            parts.push(segment.write(&digits));
        }
        Some(self.join(parts.into_iter()))
    }

    /// Splits a version into its numbers, or says what is wrong with it and what to write.
    pub(super) fn parse_version(&self, text: &str) -> Result<Parts, String> {
        let spans = self.split(text).ok_or_else(|| format!("write it like {}", self.example()))?;
        for (segment, span) in self.0.segments.iter().zip(&spans) {
            segment.check(span.of(text)).map_err(|reason| self.with_remedy(text, &reason))?;
        }
        self.check_date(spans.iter().map(|span| span.of(text)))?;
        let numbers = spans.iter().map(|span| strip(*span, text)).collect();
        Ok(Parts { numbers, pre: None, build: None })
    }

    /// Reads the numbers before a wildcard, each with its separator (`2026.06.`).
    pub(super) fn parse_prefix<'a>(&self, text: &'a str) -> Option<Vec<&'a str>> {
        let mut rest = text;
        let mut numbers = Vec::new();
        for (segment, separator) in self.0.segments.iter().zip(&self.0.separators) {
            if rest.is_empty() {
                break;
            }
            let end = rest.find(*separator)?;
            let digits = all_digits(&rest[..end])?;
            segment.check(digits).ok()?;
            numbers.push(without_leading_zeros(digits));
            rest = &rest[end + separator.len_utf8()..];
        }
        (rest.is_empty() && !numbers.is_empty()).then_some(numbers)
    }

    /// Returns whether two versions of one line must agree in this segment: all but MICRO and the
    /// day, so that every other change counts as a new period (semantics A.9).
    pub(super) fn is_line_segment(&self, index: usize) -> bool {
        let unit = self.0.segments.get(index).map(|segment| segment.unit);
        !matches!(unit, Some(Unit::Micro | Unit::Day))
    }

    /// Returns how many numbers a version has.
    pub(super) fn len(&self) -> usize {
        self.0.segments.len()
    }

    /// Returns year and month of a version, when the pattern has both.
    pub(super) fn year_month<'a>(
        &self,
        numbers: impl Iterator<Item = &'a str>,
    ) -> Option<(u32, u32)> {
        let (year, month, _) = self.date(numbers);
        year.zip(month)
    }

    fn date<'a>(
        &self,
        numbers: impl Iterator<Item = &'a str>,
    ) -> (Option<u32>, Option<u32>, Option<u32>) {
        let (mut year, mut month, mut day) = (None, None, None);
        for (segment, digits) in self.0.segments.iter().zip(numbers) {
            match segment.unit {
                Unit::Year => {
                    let base = if segment.style == Style::Four { 0 } else { 2000 };
                    year = digits.parse::<u32>().ok().map(|value| value + base);
                }
                Unit::Month => month = digits.parse().ok(),
                Unit::Day => day = digits.parse().ok(),
                Unit::Week | Unit::Major | Unit::Minor | Unit::Micro => {}
            }
        }
        (year, month, day)
    }

    /// Refuses a day that its month does not have.
    fn check_date<'a>(&self, numbers: impl Iterator<Item = &'a str>) -> Result<(), String> {
        let (Some(year), Some(month), Some(day)) = self.date(numbers) else {
            return Ok(());
        };
        let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
        let days = match month {
            4 | 6 | 9 | 11 => 30,
            2 if leap => 29,
            2 => 28,
            _ => 31,
        };
        if day > days {
            return Err(format!("month {month} of {year} has {days} days, not {day}"));
        }
        Ok(())
    }

    /// Finds the digits of each segment; nothing when the text has another shape.
    fn split(&self, text: &str) -> Option<Vec<Span>> {
        let mut start = 0;
        let mut spans = Vec::with_capacity(self.len());
        for index in 0..self.len() {
            let rest = text.get(start..)?;
            let end = match self.0.separators.get(index) {
                Some(separator) => start + rest.find(*separator)?,
                None => text.len(),
            };
            all_digits(&text[start..end])?;
            spans.push(Span { start, end });
            start = end + 1;
        }
        Some(spans)
    }

    /// Adds the spelling that would fit, when there is one, to a reason.
    fn with_remedy(&self, text: &str, reason: &str) -> String {
        let rewritten = self.split(text).map(|spans| {
            let parts = self.0.segments.iter().zip(spans);
            self.join(parts.map(|(segment, span)| segment.write(span.of(text))))
        });
        match rewritten {
            Some(better) if better != text && self.parse_version(&better).is_ok() => {
                format!("{reason}; write {better}")
            }
            _ => format!("{reason}; write it like {}", self.example()),
        }
    }

    fn join(&self, parts: impl Iterator<Item = String>) -> String {
        let mut text = String::new();
        let separators = self.0.separators.iter().map(Some).chain([None]);
        for (part, separator) in parts.zip(separators) {
            text.push_str(&part);
            text.extend(separator);
        }
        text
    }
}

fn unknown_token(token: &str) -> String {
    let upper = token.to_ascii_uppercase();
    if let Some(known) = SEGMENTS.iter().find(|segment| segment.token == upper) {
        return format!("write the token {} as {}", quoted(token), known.token);
    }
    let hint = if upper == "PATCH" { "; write MICRO for the last number" } else { "" };
    let tokens: Vec<&str> = SEGMENTS.iter().map(|segment| segment.token).collect();
    format!(
        "{} is no CalVer token{hint}; the tokens are {}, separated by . - or _",
        quoted(token),
        tokens.join(" ")
    )
}

/// Refuses patterns whose order from left to right would not be order in time.
fn check_order(segments: &[Segment]) -> Result<(), String> {
    let has = |unit: Unit| segments.iter().any(|segment| segment.unit == unit);
    if !has(Unit::Year) {
        return Err("it has no year; add YYYY, YY or 0Y".to_owned());
    }
    if has(Unit::Week) && (has(Unit::Month) || has(Unit::Day)) {
        return Err("a week cannot stand beside a month or a day; keep one of them".to_owned());
    }
    if has(Unit::Day) && !has(Unit::Month) {
        return Err("a day needs its month; add MM or 0M before it".to_owned());
    }
    for calendar in [true, false] {
        let group = segments.iter().filter(|segment| (segment.unit <= Unit::Day) == calendar);
        let mut before: Option<&Segment> = None;
        for segment in group {
            if let Some(earlier) = before.filter(|earlier| earlier.unit >= segment.unit) {
                return Err(format!(
                    "{} cannot come after {}; write year, month, day and MAJOR, MINOR, MICRO in \
                     this order, each once",
                    segment.token, earlier.token
                ));
            }
            before = Some(segment);
        }
    }
    Ok(())
}

fn all_digits(text: &str) -> Option<&str> {
    (!text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())).then_some(text)
}

fn without_leading_zeros(digits: &str) -> &str {
    let significant = digits.trim_start_matches('0');
    if significant.is_empty() { &digits[digits.len().saturating_sub(1)..] } else { significant }
}

/// Narrows a span of digits to the number without its leading zeros.
fn strip(span: Span, text: &str) -> Span {
    Span { start: span.end - without_leading_zeros(span.of(text)).len(), end: span.end }
}
