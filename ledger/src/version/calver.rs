//! CalVer (the vocabulary of `mahmoud/calver`): numeric parts, Gregorian, UTC.

use super::{DIGITS_MAX, Version, push_number};

/// A part of a scheme, with the separator that stands before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Part {
    name: &'static str,
    separator: Option<char>,
}

const NAMES: [&str; 12] =
    ["YYYY", "YY", "0Y", "MM", "0M", "WW", "0W", "DD", "0D", "MAJOR", "MINOR", "MICRO"];

/// Reads the parts of a scheme, such as `YYYY.0M.MICRO`.
pub(super) fn parts(text: &str) -> Option<Vec<Part>> {
    let mut parts = Vec::new();
    let (mut rest, mut separator) = (text, None);
    loop {
        let end = rest.find(['.', '-', '_']).unwrap_or(rest.len());
        let name = NAMES.into_iter().find(|name| *name == &rest[..end])?;
        if parts.iter().any(|part: &Part| part.name == name) {
            return None;
        }
        parts.push(Part { name, separator });
        if end == rest.len() {
            break;
        }
        separator = rest[end..].chars().next();
        rest = &rest[end + 1..];
    }
    parts.iter().any(Part::is_date).then_some(parts)
}

impl Part {
    fn is_date(&self) -> bool {
        !matches!(self.name, "MAJOR" | "MINOR" | "MICRO")
    }

    /// Says what is wrong with the digits of this part.
    fn check(&self, digits: &str) -> Result<(), &'static str> {
        let within = |from: u32, to: u32, why| match digits.parse::<u32>() {
            Ok(n) if (from..=to).contains(&n) => Ok(()),
            _ => Err(why),
        };
        let padded = |why| if digits.len() == 2 { Ok(()) } else { Err(why) };
        let plain = |why| {
            if digits == "0" || !digits.starts_with('0') { Ok(()) } else { Err(why) }
        };
        match self.name {
            "YYYY" if digits.len() == 4 && !digits.starts_with('0') => Ok(()),
            "YYYY" => Err("the year has four digits"),
            "YY" => plain("the short year has no leading zero"),
            "0Y" if digits.len() >= 2 => Ok(()),
            "0Y" => Err("the short year has two digits"),
            "0M" => padded("the month has two digits")
                .and_then(|()| within(1, 12, "the month is 01 to 12")),
            "MM" => plain("the month has no leading zero")
                .and_then(|()| within(1, 12, "the month is 1 to 12")),
            "0W" => padded("the week has two digits")
                .and_then(|()| within(1, 53, "the week is 01 to 53")),
            "WW" => plain("the week has no leading zero")
                .and_then(|()| within(1, 53, "the week is 1 to 53")),
            "0D" => {
                padded("the day has two digits").and_then(|()| within(1, 31, "the day is 01 to 31"))
            }
            "DD" => plain("the day has no leading zero")
                .and_then(|()| within(1, 31, "the day is 1 to 31")),
            _ => plain("a number has no leading zero"),
        }
    }

    fn example(&self) -> &'static str {
        match self.name {
            "YYYY" => "2026",
            "YY" | "0Y" => "26",
            "0M" => "06",
            "MM" => "6",
            "WW" | "0W" => "23",
            "DD" | "0D" => "10",
            _ => "3",
        }
    }
}

/// Returns a version that fits.
pub(super) fn example(parts: &[Part]) -> String {
    let mut text = String::new();
    for part in parts {
        text.extend(part.separator);
        text.push_str(part.example());
    }
    text
}

/// Reads a version, or says which rule it breaks.
pub(super) fn parse(parts: &[Part], text: &str) -> Result<Version, &'static str> {
    let (mut rest, mut numbers, mut key) = (text, Vec::new(), Vec::new());
    for (i, part) in parts.iter().enumerate() {
        if let Some(separator) = part.separator {
            rest = rest.strip_prefix(separator).ok_or("it needs every part of the scheme")?;
        }
        let end = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
        let digits = &rest[..end];
        if digits.is_empty() {
            return Err("every part is a number");
        }
        if digits.len() > DIGITS_MAX {
            return Err("a number has at most 255 digits");
        }
        part.check(digits)?;
        push_number(&mut key, digits);
        numbers.push(digits.to_owned());
        rest = &rest[end..];
        if i + 1 == parts.len() && !rest.is_empty() {
            return Err("something follows the last part");
        }
    }
    key.push(0xFF);
    let line = parts.iter().rposition(Part::is_date).map_or(0, |last| last + 1);
    Ok(Version {
        raw: text.to_owned(),
        key,
        numbers,
        pre: None,
        build: None,
        line,
        is_semver: false,
    })
}
