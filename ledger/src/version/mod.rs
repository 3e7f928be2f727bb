//! Versions: their schemes, their order, and what a step from one to another means.
//!
//! A version is a label within one component, kept exactly as given (semantics A.1). Order is
//! that of the sort key: plain byte comparison of two keys of one scheme is precedence. Build
//! metadata is no part of it. Versions of different schemes are never compared.

mod calver;
mod class;
pub mod gomod;
mod range;
mod semver;

#[cfg(test)]
mod tests;

pub use class::ChangeClass;
pub use range::{Range, RangeError};

use std::cmp::Ordering;
use std::fmt;

/// Says why a text is no version of a scheme.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum VersionError {
    /// It begins with the `v` of a tag name.
    #[error("`{text}` has the v of a tag name; a version is written without it: `{}`", text.trim_start_matches(['v', 'V']))]
    Prefix {
        /// The version as given.
        text: String,
    },
    /// It is not SemVer 2.0.0.
    #[error("`{text}` is not SemVer: {why}; write MAJOR.MINOR.PATCH, such as 1.4.2 or 1.5.0-rc.1")]
    Semver {
        /// The version as given.
        text: String,
        /// What breaks the rule.
        why: &'static str,
    },
    /// It does not fit the CalVer scheme.
    #[error("`{text}` does not fit {scheme}: {why}; write it as in {example}")]
    Calver {
        /// The version as given.
        text: String,
        /// The scheme as registered.
        scheme: String,
        /// What breaks the rule.
        why: &'static str,
        /// A version that fits.
        example: String,
    },
}

impl VersionError {
    /// Returns the refusal code: `version_prefix`, `not_semver` or `calver_format`.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Prefix { .. } => "version_prefix",
            Self::Semver { .. } => "not_semver",
            Self::Calver { .. } => "calver_format",
        }
    }
}

/// Says why a text is no version scheme.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is no version scheme; write semver, or calver: with parts such as YYYY.0M.MICRO")]
pub struct SchemeError {
    /// The scheme as given.
    pub text: String,
}

/// How a component numbers its versions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scheme {
    text: String,
    form: Form,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Form {
    Semver,
    Calver(Vec<calver::Part>),
}

/// A version: the text, its sort key, and what the classes of change ask of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Version {
    raw: String,
    key: Vec<u8>,
    numbers: Vec<String>,
    pre: Option<String>,
    build: Option<String>,
    /// How many leading numbers make the line: X.Y of SemVer, the date of CalVer.
    line: usize,
    is_semver: bool,
}

impl Scheme {
    /// Reads a scheme: `semver`, or `calver:` with the parts of the CalVer vocabulary
    /// (`mahmoud/calver`): YYYY YY 0Y MM 0M WW 0W DD 0D MAJOR MINOR MICRO.
    ///
    /// # Errors
    /// [`SchemeError`] for anything else.
    pub fn parse(text: &str) -> Result<Self, SchemeError> {
        let error = || SchemeError { text: text.to_owned() };
        let form = match text.strip_prefix("calver:") {
            Some(parts) => Form::Calver(calver::parts(parts).ok_or_else(error)?),
            None if text == "semver" => Form::Semver,
            None => return Err(error()),
        };
        Ok(Self { text: text.to_owned(), form })
    }

    /// Returns the scheme as it was registered.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Tells whether versions are SemVer.
    pub fn is_semver(&self) -> bool {
        self.form == Form::Semver
    }

    /// Reads a version of this scheme.
    ///
    /// # Errors
    /// [`VersionError`] that says which rule it breaks and how to write it.
    pub fn parse_version(&self, text: &str) -> Result<Version, VersionError> {
        let digit_follows = text.as_bytes().get(1).is_some_and(u8::is_ascii_digit);
        if text.starts_with(['v', 'V']) && digit_follows {
            return Err(VersionError::Prefix { text: text.to_owned() });
        }
        match &self.form {
            Form::Semver => semver::parse(text)
                .map_err(|why| VersionError::Semver { text: text.to_owned(), why }),
            Form::Calver(parts) => calver::parse(parts, text).map_err(|why| {
                let example = calver::example(parts);
                VersionError::Calver {
                    text: text.to_owned(),
                    scheme: self.text.clone(),
                    why,
                    example,
                }
            }),
        }
    }

    /// Returns the class of the step from what is live to a new version (semantics A.9).
    pub fn change_class(
        &self,
        live: Option<&Version>,
        new: &Version,
        same_digest: bool,
    ) -> ChangeClass {
        class::change_class(live, new, same_digest)
    }
}

impl fmt::Display for Scheme {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.text)
    }
}

impl Version {
    /// Returns the version as it was given.
    pub fn as_str(&self) -> &str {
        &self.raw
    }

    /// Returns the sort key: byte order of keys is precedence (semantics A.1).
    pub fn key(&self) -> &[u8] {
        &self.key
    }

    /// Compares by precedence; build metadata plays no part.
    pub fn cmp_precedence(&self, other: &Self) -> Ordering {
        self.key.cmp(&other.key)
    }

    /// Tells whether it has a pre-release tag.
    pub fn is_prerelease(&self) -> bool {
        self.pre.is_some()
    }

    /// Returns the build metadata, without the plus sign.
    pub fn build_metadata(&self) -> Option<&str> {
        self.build.as_deref()
    }

    /// Tells whether both have the same X.Y, or the same date part for CalVer.
    pub fn same_line(&self, other: &Self) -> bool {
        self.numbers.get(..self.line) == other.numbers.get(..other.line)
    }

    /// Returns the numbers, as digits: a version may hold numbers beyond 64 bits.
    pub fn numbers(&self) -> &[String] {
        &self.numbers
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.raw)
    }
}

/// Strips a registered prefix from a tag: only there is a `v` no part of the version.
pub fn tag_version<'a>(tag: &'a str, prefix: &str) -> Option<&'a str> {
    tag.strip_prefix(prefix).filter(|rest| !rest.is_empty())
}

/// The longest number that a key can hold: its length is one byte.
const DIGITS_MAX: usize = 255;

/// Appends `num(n)`: the count of digits in one byte, then the digits.
fn push_number(key: &mut Vec<u8>, digits: &str) {
    let digits = match digits.trim_start_matches('0') {
        "" => "0",
        significant => significant,
    };
    key.push(u8::try_from(digits.len()).unwrap_or(u8::MAX));
    key.extend_from_slice(digits.as_bytes());
}
