//! Versions: what a version text means under the scheme of its component, and how versions order.
//!
//! A version is kept exactly as given. It is only ever compared with a version of the same scheme;
//! there is no `Ord` on [`Version`], because neither text order nor the derived order of a SemVer
//! library (which looks at build metadata) is precedence. Nothing here coerces: `1.4` is refused,
//! never read as `1.4.0`, and a leading `v` belongs to tag names, not to versions.
//!
//! Rules: semantics A.1 (schemes and sort key), A.9 (change class), A.13 (ranges).

mod calver;
mod class;
mod extent;
pub mod gomod;
mod number;
mod range;
mod semver;

#[cfg(test)]
mod tests;

use std::cmp::Ordering;
use std::fmt;

pub use calver::Pattern as CalverPattern;
pub use class::ChangeClass;
pub use range::{Range, RangeError};

use number::{Identifier, Number};

/// The most decimal digits that one number of a version may have: the sort key counts them in
/// one byte.
pub const MAX_DIGITS: usize = 255;

/// How the versions of a component are written and ordered; a registered property of it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Scheme {
    /// Semantic Versioning 2.0.0.
    Semver,
    /// Calendar versioning with the registered pattern.
    Calver(CalverPattern),
}

impl Scheme {
    /// Reads a scheme as it is registered: `semver`, or `calver:` and tokens such as
    /// `YYYY.0M.MICRO`.
    ///
    /// # Errors
    /// [`SchemeError`] when the text names no scheme, or its CalVer tokens make no order in time.
    ///
    /// ```
    /// use relbook_ledger::version::Scheme;
    /// let scheme = Scheme::parse("calver:YYYY.0M.MICRO")?;
    /// assert!(scheme.parse_version("2026.06.10").is_ok());
    /// assert_eq!(scheme.as_str(), "calver:YYYY.0M.MICRO");
    /// # Ok::<(), relbook_ledger::version::SchemeError>(())
    /// ```
    pub fn parse(text: &str) -> Result<Scheme, SchemeError> {
        let refuse = |reason: String| SchemeError { value: text.to_owned(), reason };
        if text == "semver" {
            return Ok(Scheme::Semver);
        }
        if text.starts_with("calver:") {
            return CalverPattern::parse(text).map(Scheme::Calver).map_err(refuse);
        }
        Err(refuse(match text.trim().to_ascii_lowercase().as_str() {
            "semver" => "write semver, in small letters and without spaces".to_owned(),
            "calver" => "name the pattern too, as in calver:YYYY.0M.MICRO".to_owned(),
            other if other.starts_with("calver:") => {
                "write calver: in small letters and without spaces before it".to_owned()
            }
            _ => "write semver, or calver: and a pattern such as calver:YYYY.0M.MICRO".to_owned(),
        }))
    }

    /// Returns the scheme as it was registered.
    pub fn as_str(&self) -> &str {
        match self {
            Scheme::Semver => "semver",
            Scheme::Calver(pattern) => pattern.as_str(),
        }
    }

    /// Returns whether versions of this scheme are SemVer.
    pub fn is_semver(&self) -> bool {
        matches!(self, Scheme::Semver)
    }

    /// Reads a version under this scheme.
    ///
    /// # Errors
    /// [`VersionError`] with the code `version_prefix` when the text starts with a `v`, else
    /// `not_semver` or `calver_format`.
    pub fn parse_version(&self, text: &str) -> Result<Version, VersionError> {
        let parts = match self {
            Scheme::Semver => semver::parse(text),
            Scheme::Calver(pattern) => pattern.parse_version(text),
        };
        match parts {
            Ok(Parts { numbers, pre, build }) => {
                let (scheme, raw) = (self.clone(), text.to_owned());
                let mut version = Version { scheme, raw, numbers, pre, build, key: Vec::new() };
                version.key = version.build_key();
                Ok(version)
            }
            Err(reason) => Err(self.explain(text, reason)),
        }
    }

    /// Chooses the code and the remedy for a text that is no version of this scheme.
    fn explain(&self, text: &str, reason: String) -> VersionError {
        let parses = |part: &str| match self {
            Scheme::Semver => semver::parse(part).is_ok(),
            Scheme::Calver(pattern) => pattern.parse_version(part).is_ok(),
        };
        let value = text.to_owned();
        let scheme = self.as_str().to_owned();
        // semantics A.1 rule 5: a small v is always a tag's; a capital one only looks like it
        // before a digit.
        let capital = text.starts_with('V') && text[1..].starts_with(|c: char| c.is_ascii_digit());
        if text.starts_with('v') || capital {
            let rest = &text[1..];
            let reason = if parses(rest) {
                format!("write {rest} (tag names carry the v, versions do not)")
            } else {
                "leave the v out (tag names carry it, versions do not); the rest is no version \
                 of this scheme either"
                    .to_owned()
            };
            return VersionError { fault: VersionFault::VersionPrefix, value, scheme, reason };
        }
        let fault = match self {
            Scheme::Semver => VersionFault::NotSemver,
            Scheme::Calver(_) => VersionFault::CalverFormat,
        };
        let trimmed = text.trim();
        let after_prefix = text.rsplit(['/', '@']).next().unwrap_or(text);
        let after_prefix = after_prefix.strip_prefix('v').unwrap_or(after_prefix);
        let reason = if trimmed != text && parses(trimmed) {
            format!("remove the white space: write {trimmed}")
        } else if after_prefix != text && parses(after_prefix) {
            format!("write {after_prefix} (tag names carry the prefix, versions do not)")
        } else {
            reason
        };
        VersionError { fault, value, scheme, reason }
    }
}

impl fmt::Display for Scheme {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// Where a number or an identifier stands in the text of a version, in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Span {
    start: usize,
    end: usize,
}

impl Span {
    fn of(self, text: &str) -> &str {
        &text[self.start..self.end]
    }
}

/// What a parser found in the text of a version.
#[derive(Debug, PartialEq, Eq)]
struct Parts {
    /// The numbers, without leading zeros, most significant first.
    numbers: Vec<Span>,
    pre: Option<Span>,
    build: Option<Span>,
}

/// A version of one scheme, exactly as it was written.
///
/// `==` compares scheme and text, so `1.4.2+a` and `1.4.2+b` differ although neither is higher;
/// order comes from [`Version::cmp_precedence`] or [`Version::key`] only.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Version {
    scheme: Scheme,
    raw: String,
    numbers: Vec<Span>,
    pre: Option<Span>,
    build: Option<Span>,
    key: Vec<u8>,
}

impl Version {
    /// Returns the version as it was given.
    pub fn as_str(&self) -> &str {
        &self.raw
    }

    /// Returns the scheme that the version was read under.
    pub fn scheme(&self) -> &Scheme {
        &self.scheme
    }

    /// Returns the sort key: comparing keys byte by byte is precedence within one scheme.
    ///
    /// `1.4.2` is `01 31 01 34 01 32 FF`; build metadata is not in the key.
    pub fn key(&self) -> &[u8] {
        &self.key
    }

    fn build_key(&self) -> Vec<u8> {
        // A pre-release sorts below its release because 00, 01 and 02 are below FF, and a longer
        // list of identifiers above its prefix because 00 ends the list.
        let mut key = Vec::with_capacity(self.raw.len() + self.numbers.len() + 2);
        for number in self.numbers() {
            number.push_key(&mut key);
        }
        match self.pre {
            None => key.push(0xFF),
            Some(_) => {
                for identifier in self.identifiers() {
                    identifier.push_key(&mut key);
                }
                key.push(0x00);
            }
        }
        key
    }

    /// Compares by precedence; build metadata does not count.
    ///
    /// # Errors
    /// [`SchemeMismatch`] when the two were read under different schemes: such versions have no
    /// order.
    pub fn cmp_precedence(&self, other: &Version) -> Result<Ordering, SchemeMismatch> {
        if self.scheme != other.scheme {
            return Err(SchemeMismatch {
                left: format!("{} ({})", self.raw, self.scheme),
                right: format!("{} ({})", other.raw, other.scheme),
            });
        }
        Ok(self.precedence_in_scheme(other))
    }

    /// Compares by precedence; the caller has made sure that both have one scheme.
    fn precedence_in_scheme(&self, other: &Version) -> Ordering {
        self.numbers().cmp(other.numbers()).then_with(|| match (self.pre, other.pre) {
            (None, None) => Ordering::Equal,
            (None, Some(_)) => Ordering::Greater,
            (Some(_), None) => Ordering::Less,
            (Some(_), Some(_)) => self.identifiers().cmp(other.identifiers()),
        })
    }

    /// Returns whether the version is a SemVer pre-release; a CalVer version never is.
    pub fn is_prerelease(&self) -> bool {
        self.pre.is_some()
    }

    /// Returns the pre-release part without its hyphen.
    pub fn prerelease(&self) -> Option<&str> {
        self.pre.map(|span| span.of(&self.raw))
    }

    /// Returns the build metadata without its plus sign.
    pub fn build_metadata(&self) -> Option<&str> {
        self.build.map(|span| span.of(&self.raw))
    }

    /// Returns the numbers of the version as decimal digits without leading zeros, most
    /// significant first. They may be larger than any integer type.
    pub fn components(&self) -> impl ExactSizeIterator<Item = &str> + Clone {
        self.numbers.iter().map(|span| span.of(&self.raw))
    }

    /// Returns whether both are on one line, on which the policy lets versions follow each other
    /// freely: the same X.Y for SemVer, the same YYYY.0M for CalVer (in general, everything but
    /// MICRO and the day). Versions of different schemes never are.
    pub fn same_line(&self, other: &Version) -> bool {
        if self.scheme != other.scheme {
            return false;
        }
        self.components().zip(other.components()).enumerate().all(|(index, (mine, theirs))| {
            mine == theirs
                || match &self.scheme {
                    Scheme::Semver => index >= 2,
                    Scheme::Calver(pattern) => !pattern.is_line_segment(index),
                }
        })
    }

    /// Returns year and month as a CalVer version states them, to compare with the date of its
    /// build; nothing for SemVer and for patterns without a month.
    pub fn year_month(&self) -> Option<(u32, u32)> {
        match &self.scheme {
            Scheme::Semver => None,
            Scheme::Calver(pattern) => pattern.year_month(self.components()),
        }
    }

    fn numbers(&self) -> impl Iterator<Item = Number<'_>> {
        self.components().map(Number::new)
    }

    fn identifiers(&self) -> impl Iterator<Item = Identifier<'_>> {
        self.prerelease().into_iter().flat_map(|pre| pre.split('.')).map(Identifier::new)
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.raw)
    }
}

/// Returns the version that a tag names: the tag without the registered prefix.
///
/// Nothing when the tag does not carry the prefix or carries nothing else. A capital V as the
/// version mark is never taken, not even when it is registered (semantics A.1 rule 5).
pub fn tag_version<'a>(tag: &'a str, prefix: &str) -> Option<&'a str> {
    let word = prefix.strip_suffix('V');
    if word.is_some_and(|before| !before.ends_with(|c: char| c.is_ascii_alphanumeric())) {
        return None;
    }
    tag.strip_prefix(prefix).filter(|version| !version.is_empty())
}

/// Two versions of different schemes were to be compared.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{left}` and `{right}` have no order: they are versions of different schemes")]
pub struct SchemeMismatch {
    left: String,
    right: String,
}

/// A text that names no version scheme.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{} is not a version scheme: {reason}", quoted(.value))]
pub struct SchemeError {
    value: String,
    reason: String,
}

/// Which rule a refused version breaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum VersionFault {
    /// The text is not SemVer 2.0.0.
    NotSemver,
    /// The text does not fit the CalVer pattern of its component.
    CalverFormat,
    /// The text is a tag name: it starts with the version mark `v`.
    VersionPrefix,
}

impl VersionFault {
    /// Returns the refusal code (contract section 2).
    pub fn as_str(self) -> &'static str {
        match self {
            VersionFault::NotSemver => "not_semver",
            VersionFault::CalverFormat => "calver_format",
            VersionFault::VersionPrefix => "version_prefix",
        }
    }
}

/// A text that is no version of its scheme, and what to write instead.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VersionError {
    fault: VersionFault,
    value: String,
    scheme: String,
    reason: String,
}

impl VersionError {
    /// Returns which rule is broken.
    pub fn fault(&self) -> VersionFault {
        self.fault
    }

    /// Returns the refusal code: `not_semver`, `calver_format` or `version_prefix`.
    pub fn code(&self) -> &'static str {
        self.fault.as_str()
    }

    /// Returns the text that was refused.
    pub fn value(&self) -> &str {
        &self.value
    }

    /// Returns what is wrong and what to write, without the value.
    pub fn reason(&self) -> &str {
        &self.reason
    }
}

impl fmt::Display for VersionError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let value = quoted(&self.value);
        let reason = &self.reason;
        match self.fault {
            VersionFault::NotSemver => write!(f, "version {value} is not SemVer: {reason}"),
            VersionFault::CalverFormat => {
                write!(f, "version {value} does not fit {}: {reason}", self.scheme)
            }
            VersionFault::VersionPrefix => {
                write!(f, "version {value} starts with the mark of a tag: {reason}")
            }
        }
    }
}

impl std::error::Error for VersionError {}

/// Quotes a value for a message: escaped, and cut when it is long, so that input cannot take
/// over the terminal.
fn quoted(value: &str) -> String {
    const SHOWN: usize = 64;
    let head: String = value.chars().take(SHOWN).collect();
    let cut = if head.len() < value.len() { "..." } else { "" };
    format!("`{}{cut}`", head.escape_debug())
}
