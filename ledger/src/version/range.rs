//! Version ranges of the compatibility matrix: a list of conditions that must all hold.
//!
//! `range := item ("," item)*`, `item := "*" | N.x | N.N.x | [>=|<=|>|<|=] X.Y.Z[-pre]`. A bare
//! version is exact. The grammars of Cargo, npm and Helm differ from it and from each other, so
//! their operators are refused and never guessed at.
//!
//! Rules: semantics A.13. The same grammar serves CalVer, with versions as its pattern writes them.

use std::cmp::Ordering;
use std::fmt;

use super::extent::Extent;
use super::number::Number;
use super::{Scheme, Version, quoted, semver};

/// How a version compares with the operand of a condition.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Op {
    Exact,
    Greater,
    GreaterEq,
    Less,
    LessEq,
}

/// One condition of a range.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Item {
    Any,
    /// The version starts with these numbers.
    Line(Vec<Number<'static>>),
    Compare(Op, Version),
}

/// A set of versions of one scheme, as a matrix row writes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Range {
    text: String,
    scheme: Scheme,
    items: Vec<Item>,
}

impl Range {
    /// Reads a range of SemVer versions.
    ///
    /// ```
    /// use relbook_ledger::version::{Range, Scheme};
    /// let range = Range::parse(">=1.4.0, <2.0.0")?;
    /// assert!(range.matches(&Scheme::Semver.parse_version("1.10.0")?));
    /// assert!(!range.matches(&Scheme::Semver.parse_version("2.0.0-rc.1")?));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// [`RangeError`] with the place of the first fault.
    pub fn parse(text: &str) -> Result<Range, RangeError> {
        Range::parse_in(&Scheme::Semver, text)
    }

    /// Reads a range of versions of a scheme.
    ///
    /// # Errors
    /// [`RangeError`] with the place of the first fault.
    pub fn parse_in(scheme: &Scheme, text: &str) -> Result<Range, RangeError> {
        let refuse = |position: usize, reason: String| RangeError {
            position,
            text: text.to_owned(),
            reason,
        };
        if text.trim().is_empty() {
            return Err(refuse(0, "it is empty; write * for any version".to_owned()));
        }
        if let Some(position) = text.find('|') {
            return Err(refuse(position, "there is no \"or\"; write one row for each".to_owned()));
        }
        let mut items = Vec::new();
        let mut start = 0;
        for piece in text.split(',') {
            let item = piece.trim_start_matches(BLANK);
            let position = start + piece.len() - item.len();
            let item = item.trim_end_matches(BLANK);
            if item.is_empty() {
                let last = start + piece.len() == text.len();
                let reason =
                    if last { "remove the trailing comma" } else { "a comma joins nothing here" };
                return Err(refuse(position.min(text.len()), reason.to_owned()));
            }
            let parsed = parse_item(scheme, item)
                .map_err(|(offset, reason)| refuse(position + offset, reason))?;
            items.push(parsed);
            start += piece.len() + 1;
        }
        Ok(Range { text: text.to_owned(), scheme: scheme.clone(), items })
    }

    /// Returns the range as it was written.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Returns the scheme of the versions in the range.
    pub fn scheme(&self) -> &Scheme {
        &self.scheme
    }

    /// Returns whether the version is in the range.
    ///
    /// A pre-release is in the range only if one of the conditions names a pre-release of the
    /// same X.Y.Z, and never beside a wildcard such as `1.4.x`. A version of another scheme is in
    /// no range.
    pub fn matches(&self, version: &Version) -> bool {
        if *version.scheme() != self.scheme {
            return false;
        }
        let named = !version.is_prerelease()
            || self.items.iter().any(|item| match item {
                Item::Compare(_, operand) => {
                    operand.is_prerelease() && operand.numbers().eq(version.numbers())
                }
                Item::Any | Item::Line(_) => false,
            });
        named && self.items.iter().all(|item| item.holds(version))
    }

    /// Returns whether no version at all can be in the range, as in `>=2.0.0, <1.0.0`.
    pub fn is_empty(&self) -> bool {
        self.extent().is_empty()
    }

    /// Returns whether some version can be in both ranges. Ranges of different schemes never
    /// overlap.
    pub fn overlaps(&self, other: &Range) -> bool {
        self.scheme == other.scheme && !self.extent().intersection(&other.extent()).is_empty()
    }

    /// Returns whether every version that can be in `other` is in this range too. An empty range
    /// is covered by every range of its scheme.
    pub fn covers(&self, other: &Range) -> bool {
        self.scheme == other.scheme && self.extent().covers(&other.extent())
    }

    pub(super) fn extent(&self) -> Extent {
        let length = match &self.scheme {
            Scheme::Semver => 3,
            Scheme::Calver(pattern) => pattern.len(),
        };
        Extent::of(&self.items, length)
    }
}

impl fmt::Display for Range {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.text)
    }
}

impl Item {
    fn holds(&self, version: &Version) -> bool {
        match self {
            Item::Any => true,
            // As in Cargo, a wildcard holds releases only.
            Item::Line(numbers) => {
                let on_line = |(number, fixed): (Number<'_>, &Number<'_>)| number == *fixed;
                !version.is_prerelease() && version.numbers().zip(numbers).all(on_line)
            }
            Item::Compare(op, operand) => {
                let order = version.precedence_in_scheme(operand);
                match op {
                    Op::Exact => order == Ordering::Equal,
                    Op::Greater => order == Ordering::Greater,
                    Op::GreaterEq => order != Ordering::Less,
                    Op::Less => order == Ordering::Less,
                    Op::LessEq => order != Ordering::Greater,
                }
            }
        }
    }
}

/// The white space that may stand around conditions and after an operator.
const BLANK: [char; 2] = [' ', '\t'];

/// Longest first, so that `>=` is not read as `>`.
const OPERATORS: [(&str, Op); 5] = [
    (">=", Op::GreaterEq),
    ("<=", Op::LessEq),
    (">", Op::Greater),
    ("<", Op::Less),
    ("=", Op::Exact),
];

/// A fault of one condition: the offset within it, and what to write.
type Fault = (usize, String);

fn parse_item(scheme: &Scheme, item: &str) -> Result<Item, Fault> {
    if item == "*" {
        return Ok(Item::Any);
    }
    if item.starts_with(['^', '~']) {
        let reason =
            format!("{} is not known; write both bounds, as in >=1.4.0, <2.0.0", &item[..1]);
        return Err((0, reason));
    }
    let operator = OPERATORS.into_iter().find(|(sign, _)| item.starts_with(sign));
    let rest = operator.map_or(item, |(sign, _)| item[sign.len()..].trim_start_matches(BLANK));
    let offset = item.len() - rest.len();
    parse_operand(scheme, operator.map(|(_, op)| op), rest)
        .map_err(|(within, reason)| (offset + within, reason))
}

fn parse_operand(scheme: &Scheme, op: Option<Op>, operand: &str) -> Result<Item, Fault> {
    if operand.is_empty() {
        return Err((0, "the operator has no version; write one after it".to_owned()));
    }
    if operand.starts_with(['<', '>', '=', '!', '^', '~']) {
        return Err((0, "that is no operator; the operators are >= <= > < =".to_owned()));
    }
    if let Some(position) = operand.find(char::is_whitespace) {
        let after = operand[position..].trim_start();
        let reason = if after.is_empty() {
            "remove the white space at the end"
        } else if after.starts_with('-') {
            "there are no hyphen ranges; write >=1.4.0, <=1.6.0"
        } else {
            "join conditions with a comma, not with a space"
        };
        return Err((position, reason.to_owned()));
    }
    if operand.starts_with(['v', 'V']) {
        return Err((0, "leave the v out (tag names carry it, versions do not)".to_owned()));
    }
    match scheme.parse_version(operand) {
        Ok(version) => match version.build {
            None => Ok(Item::Compare(op.unwrap_or(Op::Exact), version)),
            Some(build) => {
                let position = build.start - 1;
                Err((position, "build metadata has no order; leave it out".to_owned()))
            }
        },
        Err(error) => parse_line(scheme, op, operand).unwrap_or_else(|| {
            let completed = if *scheme == Scheme::Semver { partial(operand) } else { None };
            Err((0, completed.unwrap_or_else(|| error.reason().to_owned())))
        }),
    }
}

/// Reads a wildcard; nothing when the text is none.
fn parse_line(scheme: &Scheme, op: Option<Op>, operand: &str) -> Option<Result<Item, Fault>> {
    let head = operand.strip_suffix(['x', 'X', '*'])?;
    if !(head.is_empty() || head.ends_with(['.', '-', '_'])) {
        return None;
    }
    let mark = operand.len() - 1;
    if op.is_some() {
        return Some(Err((mark, "a wildcard stands without an operator".to_owned())));
    }
    if head.is_empty() {
        return Some(Err((0, "write * for any version".to_owned())));
    }
    let numbers = match scheme {
        Scheme::Semver => semver::parse_prefix(head),
        Scheme::Calver(pattern) => pattern.parse_prefix(head),
    };
    let Some(numbers) = numbers else {
        let shorter = head.trim_end_matches(['.', 'x', 'X', '*']);
        let fits =
            *scheme == Scheme::Semver && semver::parse_prefix(&format!("{shorter}.")).is_some();
        return fits.then(|| Err((0, format!("one wildcard ends a range; write {shorter}.x"))));
    };
    if !operand.ends_with('x') {
        return Some(Err((mark, format!("write the wildcard as x: {head}x"))));
    }
    let numbers = numbers.into_iter().map(|digits| Number::new(digits).into_owned());
    Some(Ok(Item::Line(numbers.collect())))
}

/// Returns the remedy for a SemVer version that stops early, which other tools complete.
fn partial(operand: &str) -> Option<String> {
    let head = format!("{operand}.");
    let numbers = semver::parse_prefix(&head)?;
    let zeros = ".0".repeat(3 - numbers.len());
    Some(format!(
        "{operand} is a part of a version; write {operand}.x for all of it or {operand}{zeros} \
         for that version"
    ))
}

/// A text that is no range: where it stops being one, and what to write.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RangeError {
    /// The place of the fault, in bytes from the start of the range.
    pub position: usize,
    text: String,
    reason: String,
}

impl RangeError {
    /// Returns the text that was refused.
    pub fn value(&self) -> &str {
        &self.text
    }

    /// Returns what is wrong and what to write.
    pub fn reason(&self) -> &str {
        &self.reason
    }
}

impl fmt::Display for RangeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let before = self.text.get(..self.position).unwrap_or(&self.text);
        let character = before.chars().count() + 1;
        let text = quoted(&self.text);
        write!(f, "range {text} is wrong at character {character}: {}", self.reason)
    }
}

impl std::error::Error for RangeError {}
