//! Ranges of the compatibility matrix (semantics A.13, grammar v1). A bare version is exact.

use std::cmp::Ordering;
use std::fmt;

use super::{Scheme, Version};

/// Says where a range breaks the grammar.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{item}` in range `{range}`: {why}")]
pub struct RangeError {
    /// The whole range.
    pub range: String,
    /// The item.
    pub item: String,
    /// What is wrong and what to write.
    pub why: &'static str,
}

/// A set of versions: all items must hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Range {
    text: String,
    items: Vec<Item>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Item {
    Any,
    /// The leading numbers are these.
    Prefix(Vec<String>),
    Compare(Operator, Version),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Operator {
    AtLeast,
    AtMost,
    Above,
    Below,
    Exactly,
}

impl Range {
    /// Reads a range: items separated by commas, each `*`, `N.x`, `N.N.x` or `[op]X.Y.Z[-pre]`
    /// with the operators `>= <= > < =`.
    ///
    /// # Errors
    /// [`RangeError`] naming the item.
    pub fn parse(text: &str) -> Result<Self, RangeError> {
        let items = text.split(',').map(|item| {
            parse_item(item.trim()).map_err(|why| RangeError {
                range: text.to_owned(),
                item: item.trim().to_owned(),
                why,
            })
        });
        Ok(Self { text: text.to_owned(), items: items.collect::<Result<_, _>>()? })
    }

    /// Tells whether a version is in the range. A pre-release is only when an item with the same
    /// X.Y.Z names a pre-release.
    pub fn matches(&self, version: &Version) -> bool {
        let named = |item: &Item| match item {
            Item::Compare(_, bound) => bound.is_prerelease() && bound.numbers == version.numbers,
            _ => false,
        };
        (!version.is_prerelease() || self.items.iter().any(named))
            && self.items.iter().all(|item| item.matches(version))
    }
}

impl fmt::Display for Range {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.text)
    }
}

impl Item {
    fn matches(&self, version: &Version) -> bool {
        match self {
            Self::Any => true,
            Self::Prefix(numbers) => version.numbers.starts_with(numbers),
            Self::Compare(operator, bound) => {
                let order = version.cmp_precedence(bound);
                match operator {
                    Operator::AtLeast => order != Ordering::Less,
                    Operator::AtMost => order != Ordering::Greater,
                    Operator::Above => order == Ordering::Greater,
                    Operator::Below => order == Ordering::Less,
                    Operator::Exactly => order == Ordering::Equal,
                }
            }
        }
    }
}

fn parse_item(item: &str) -> Result<Item, &'static str> {
    if item.is_empty() {
        return Err("an item is missing; a comma stands between two items");
    }
    if item == "*" {
        return Ok(Item::Any);
    }
    let operators = [
        (">=", Operator::AtLeast),
        ("<=", Operator::AtMost),
        (">", Operator::Above),
        ("<", Operator::Below),
        ("=", Operator::Exactly),
    ];
    let found = operators.into_iter().find_map(|(sign, op)| Some((op, item.strip_prefix(sign)?)));
    let (operator, version) = match found {
        Some((operator, rest)) => (Some(operator), rest.trim_start()),
        None => (None, item),
    };
    if version.split('.').any(|part| matches!(part, "x" | "X" | "*")) {
        return wildcard(operator, version);
    }
    let semver = Scheme::parse("semver").map_err(|_| "is no version")?;
    match semver.parse_version(version) {
        Ok(version) => Ok(Item::Compare(operator.unwrap_or(Operator::Exactly), version)),
        Err(_) if item.starts_with(['~', '^']) => {
            Err("~ and ^ are not read; write >=1.4.0, <2.0.0")
        }
        Err(_) if item.contains("||") => {
            Err("|| is not read; write one matrix row per alternative")
        }
        Err(_) if item.contains(' ') => Err("a comma, not a space, stands between two items"),
        Err(_) => Err("is no full version; write X.Y.Z, or a wildcard such as 1.4.x"),
    }
}

fn wildcard(operator: Option<Operator>, text: &str) -> Result<Item, &'static str> {
    let parts: Vec<&str> = text.split('.').collect();
    let (last, numbers) = parts.split_last().ok_or("is no wildcard")?;
    if operator.is_some() || *last != "x" || numbers.is_empty() || numbers.len() > 2 {
        return Err("a wildcard is N.x or N.N.x, last and without an operator");
    }
    let plain = |n: &&str| {
        !n.is_empty() && n.bytes().all(|b| b.is_ascii_digit()) && (*n == "0" || !n.starts_with('0'))
    };
    if !numbers.iter().all(plain) {
        return Err("a wildcard is N.x or N.N.x, last and without an operator");
    }
    Ok(Item::Prefix(numbers.iter().map(|n| (*n).to_owned()).collect()))
}
