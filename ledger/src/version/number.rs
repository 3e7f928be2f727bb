//! The two things that version order is made of: numbers of any size, and identifiers.
//!
//! Numbers are decimal digits without leading zeros, compared by length and then by text, so no
//! integer type can overflow. This file must never look at build metadata or at whole versions.
//!
//! Order and key bytes: semantics A.1 ("Sort key"), which is SemVer 2.0.0 rule 11.

use std::borrow::Cow;
use std::cmp::Ordering;

/// A natural number as decimal digits without leading zeros.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Number<'a>(Cow<'a, str>);

impl<'a> Number<'a> {
    /// Takes digits that a parser has checked.
    pub(super) fn new(digits: &'a str) -> Self {
        Number(Cow::Borrowed(digits))
    }

    pub(super) fn zero() -> Self {
        Number(Cow::Borrowed("0"))
    }

    pub(super) fn into_owned(self) -> Number<'static> {
        Number(Cow::Owned(self.0.into_owned()))
    }

    /// Returns the next higher number.
    pub(super) fn successor(&self) -> Number<'static> {
        let kept = self.0.trim_end_matches('9');
        let nines = self.0.len() - kept.len();
        let (head, last) = kept.split_at(kept.len().saturating_sub(1));
        let raised = last.bytes().next().map_or('1', |digit| char::from(digit + 1));
        Number(Cow::Owned(format!("{head}{raised}{}", "0".repeat(nines))))
    }

    /// Appends the key of the number: the count of its digits, then the digits.
    pub(super) fn push_key(&self, key: &mut Vec<u8>) {
        // The parsers refuse longer numbers, so the count is exact.
        key.push(u8::try_from(self.0.len()).unwrap_or(u8::MAX));
        key.extend_from_slice(self.0.as_bytes());
    }

    #[cfg(test)]
    pub(super) fn digits(&self) -> &str {
        &self.0
    }
}

impl Ord for Number<'_> {
    fn cmp(&self, other: &Self) -> Ordering {
        self.0.len().cmp(&other.0.len()).then_with(|| self.0.cmp(&other.0))
    }
}

impl PartialOrd for Number<'_> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// One dot-separated identifier of a pre-release. The order of the variants is precedence:
/// numeric identifiers are lower than all others.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Identifier<'a> {
    Numeric(Number<'a>),
    Text(Cow<'a, str>),
}

impl<'a> Identifier<'a> {
    /// Takes an identifier that the parser has checked.
    pub(super) fn new(text: &'a str) -> Self {
        if text.bytes().all(|byte| byte.is_ascii_digit()) {
            Identifier::Numeric(Number::new(text))
        } else {
            Identifier::Text(Cow::Borrowed(text))
        }
    }

    pub(super) fn into_owned(self) -> Identifier<'static> {
        match self {
            Identifier::Numeric(number) => Identifier::Numeric(number.into_owned()),
            Identifier::Text(text) => Identifier::Text(Cow::Owned(text.into_owned())),
        }
    }

    /// Appends the key of the identifier; a text ends in a zero byte, which no identifier holds.
    pub(super) fn push_key(&self, key: &mut Vec<u8>) {
        match self {
            Identifier::Numeric(number) => {
                key.push(0x01);
                number.push_key(key);
            }
            Identifier::Text(text) => {
                key.push(0x02);
                key.extend_from_slice(text.as_bytes());
                key.push(0x00);
            }
        }
    }
}
