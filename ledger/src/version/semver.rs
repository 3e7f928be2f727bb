//! The grammar of Semantic Versioning 2.0.0, and nothing looser.
//!
//! Exactly three numbers without leading zeros, then an optional pre-release and optional build
//! metadata. It must never trim, pad or coerce. Numbers may be larger than 64 bits, which is why
//! the text is not handed to a library that stores integers.
//!
//! Rules: semver.org 2.0.0 items 2, 9 and 10; semantics A.1 rule 1.

use super::{MAX_DIGITS, Parts, Span, quoted};

const FIELDS: [&str; 3] = ["major", "minor", "patch"];

/// Splits a SemVer text into its parts, or says what is wrong with it and what to write.
pub(super) fn parse(text: &str) -> Result<Parts, String> {
    let (rest, build) = match text.split_once('+') {
        Some((rest, build)) => (rest, Some(build)),
        None => (text, None),
    };
    let (core, pre) = match rest.split_once('-') {
        Some((core, pre)) => (core, Some(pre)),
        None => (rest, None),
    };
    let numbers = core_numbers(core)?;
    if let Some(pre) = pre {
        pre.split('.').try_for_each(prerelease_identifier)?;
    }
    if let Some(build) = build {
        build.split('.').try_for_each(|id| identifier(id, "build metadata"))?;
    }
    let pre_span = pre.map(|_| Span { start: core.len() + 1, end: rest.len() });
    let build_span = build.map(|_| Span { start: rest.len() + 1, end: text.len() });
    Ok(Parts { numbers, pre: pre_span, build: build_span })
}

/// Reads the numbers before a wildcard: one or two of them, each with its dot (`1.9.`).
pub(super) fn parse_prefix(text: &str) -> Option<Vec<&str>> {
    let numbers: Vec<&str> = text.strip_suffix('.')?.split('.').collect();
    let fits = numbers.len() < FIELDS.len() && numbers.iter().all(|n| number(n, "").is_ok());
    fits.then_some(numbers)
}

fn core_numbers(core: &str) -> Result<Vec<Span>, String> {
    let found = core.split('.').count();
    if found != FIELDS.len() {
        return Err(format!(
            "it has {found} {} where MAJOR.MINOR.PATCH has three; write all three, as in 1.4.0",
            if found == 1 { "part" } else { "parts" }
        ));
    }
    let mut start = 0;
    let mut spans = Vec::with_capacity(FIELDS.len());
    for (digits, field) in core.split('.').zip(FIELDS) {
        number(digits, field)?;
        spans.push(Span { start, end: start + digits.len() });
        start += digits.len() + 1;
    }
    Ok(spans)
}

fn number(digits: &str, field: &str) -> Result<(), String> {
    if digits.is_empty() {
        return Err(format!("the {field} number is empty; write MAJOR.MINOR.PATCH, as in 1.4.0"));
    }
    if !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(format!(
            "the {field} number is {}; write digits only, as in 1.4.0",
            quoted(digits)
        ));
    }
    if digits.len() > 1 && digits.starts_with('0') {
        return Err(format!(
            "the {field} number {} has a leading zero; remove it (a calendar version needs a \
             component registered with a calver scheme)",
            quoted(digits)
        ));
    }
    within_digits(digits, &format!("the {field} number"))
}

fn within_digits(digits: &str, what: &str) -> Result<(), String> {
    if digits.len() > MAX_DIGITS {
        return Err(format!("{what} has {} digits; at most {MAX_DIGITS} are kept", digits.len()));
    }
    Ok(())
}

fn identifier(text: &str, part: &str) -> Result<(), String> {
    if text.is_empty() {
        return Err(format!("the {part} has an empty identifier; put something between the dots"));
    }
    if !text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-') {
        return Err(format!(
            "the {part} identifier {} may hold only letters, digits and hyphens",
            quoted(text)
        ));
    }
    Ok(())
}

fn prerelease_identifier(text: &str) -> Result<(), String> {
    identifier(text, "pre-release")?;
    if !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return Ok(());
    }
    if text.len() > 1 && text.starts_with('0') {
        return Err(format!(
            "the pre-release identifier {} has a leading zero; remove it",
            quoted(text)
        ));
    }
    within_digits(text, "a pre-release number")
}
