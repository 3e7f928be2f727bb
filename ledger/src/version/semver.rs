//! SemVer 2.0.0 (semver.org): grammar and sort key.

use super::{DIGITS_MAX, Version, push_number};

/// Reads a version, or says which rule it breaks.
pub(super) fn parse(text: &str) -> Result<Version, &'static str> {
    let (rest, build) = match text.split_once('+') {
        Some((rest, build)) => (rest, Some(build)),
        None => (text, None),
    };
    let (core, pre) = match rest.split_once('-') {
        Some((core, pre)) => (core, Some(pre)),
        None => (rest, None),
    };
    let numbers: Vec<&str> = core.split('.').collect();
    if numbers.len() != 3 {
        return Err("it needs exactly three numbers");
    }
    for number in &numbers {
        check_number(number)?;
    }
    if let Some(pre) = pre {
        for identifier in pre.split('.') {
            check_identifier(identifier)?;
            if is_number(identifier) {
                check_number(identifier)?;
            }
        }
    }
    if let Some(build) = build {
        build.split('.').try_for_each(check_identifier)?;
    }
    let mut key = Vec::new();
    numbers.iter().for_each(|number| push_number(&mut key, number));
    match pre {
        None => key.push(0xFF),
        Some(pre) => {
            for identifier in pre.split('.') {
                if is_number(identifier) {
                    key.push(0x01);
                    push_number(&mut key, identifier);
                } else {
                    key.push(0x02);
                    key.extend_from_slice(identifier.as_bytes());
                    key.push(0x00);
                }
            }
            key.push(0x00);
        }
    }
    Ok(Version {
        raw: text.to_owned(),
        key,
        numbers: numbers.into_iter().map(str::to_owned).collect(),
        pre: pre.map(str::to_owned),
        build: build.map(str::to_owned),
        line: 2,
        is_semver: true,
    })
}

fn is_number(identifier: &str) -> bool {
    identifier.bytes().all(|byte| byte.is_ascii_digit())
}

fn check_number(number: &str) -> Result<(), &'static str> {
    if number.is_empty() || !is_number(number) {
        return Err("major, minor and patch are plain numbers");
    }
    if number.len() > 1 && number.starts_with('0') {
        return Err("a number has no leading zero");
    }
    if number.len() > DIGITS_MAX {
        return Err("a number has at most 255 digits");
    }
    Ok(())
}

fn check_identifier(identifier: &str) -> Result<(), &'static str> {
    let legal = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
    if identifier.is_empty() || !identifier.bytes().all(legal) {
        return Err("pre-release and build identifiers are letters, digits and hyphens, not empty");
    }
    Ok(())
}
