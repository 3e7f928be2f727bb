//! What can be wrong with the bytes of a report.

use std::fmt;

use super::Document;

impl Fault {
    /// Says on which line of several it is: a line has no lines of its own.
    pub(super) fn on_line(self, line: usize) -> Self {
        let inner = match self {
            Self::Truncated { .. } => Self::Truncated { line },
            Self::DuplicateKey { key, .. } => Self::DuplicateKey { key, line },
            Self::NotJson { message } => {
                Self::NotJson { message: message.replace(" at line 1 column ", " at column ") }
            }
            other => other,
        };
        Self::Line { line, fault: Box::new(inner), rest: None }
    }
}

/// The lines of a file beside the first bad one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rest {
    /// How many can be read.
    pub good: usize,
    /// The lines that cannot, from 1.
    pub bad: Vec<usize>,
}

impl fmt::Display for Rest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const SHOWN: usize = 5;
        let shown = self.bad.iter().take(SHOWN).map(ToString::to_string);
        match self.bad.len() {
            0 => {}
            1..=SHOWN => write!(f, "; bad too: {}", shown.collect::<Vec<_>>().join(", "))?,
            more => write!(f, "; bad too: {}, ... ({more})", shown.collect::<Vec<_>>().join(", "))?,
        }
        write!(f, "; the other {} can be read, and nothing of the file was taken", self.good)
    }
}

/// What is wrong with the bytes.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Fault {
    /// There is nothing in it.
    #[error("the file is empty; the tool failed or wrote somewhere else: look at its exit code")]
    Empty,
    /// It is larger than any report that is read.
    #[error("larger than {} MiB; scan one artifact per report", Document::BYTES_MAX >> 20)]
    TooLarge,
    /// It is larger than its format is read.
    #[error(
        "larger than {} MiB, which only bills of materials and reports of scans and tests may be; \
         give the one document that is meant",
        Document::WHOLE_MAX >> 20
    )]
    TooLargeHere,
    /// It holds more than is kept of a large report.
    #[error(
        "holds more than a report does outside of its lists, or in one line or object; it is \
         damaged or hostile"
    )]
    TooMuch,
    /// It is UTF-16, as a redirect in Windows PowerShell writes it.
    #[error("UTF-16, not UTF-8; write the report with the tool's own --output, not with >")]
    Utf16,
    /// It is not UTF-8.
    #[error("not UTF-8 at byte {offset}; the file is damaged or was re-encoded")]
    NotUtf8 {
        /// The offset of the first bad byte.
        offset: usize,
    },
    /// It ends in the middle.
    #[error(
        "ends in the middle of line {line}; the tool or the copy was interrupted: run it again"
    )]
    Truncated {
        /// The last line, from 1.
        line: usize,
    },
    /// It is XML that ends before its elements do.
    #[error("ends inside of an element; the tool or the copy was interrupted: run it again")]
    TruncatedXml,
    /// It is packed.
    #[error("{what}; unpack it first and give the report that is in it")]
    Packed {
        /// How it is packed.
        what: &'static str,
    },
    /// It declares or uses entities of its own.
    #[error(
        "the XML declares or uses entities of its own, which are never expanded; write the report \
         without a DTD"
    )]
    Entities,
    /// It begins as XML does and is none.
    #[error("not XML: {message}, near byte {offset}")]
    NotXml {
        /// The offset of where it goes wrong, or a little before.
        offset: u64,
        /// What the parser says.
        message: String,
    },
    /// It has a character that XML forbids, even as a reference.
    #[error(
        "not XML: the control character U+{code:04X}, near byte {offset}; let the tool write \
         without colours (NO_COLOR=1), or escape what tests print"
    )]
    XmlCharacter {
        /// The character.
        code: u32,
        /// The offset of where it stands, or a little before.
        offset: u64,
    },
    /// Arrays and objects are nested deeper than reports are.
    #[error("nested deeper than {} levels; no report is", Document::DEPTH_MAX)]
    TooDeep,
    /// Two values under one key: which one is meant cannot be known.
    #[error("the key `{key}` stands twice in one object near line {line}; refused as ambiguous")]
    DuplicateKey {
        /// The key.
        key: String,
        /// Near this line, from 1.
        line: usize,
    },
    /// It is not JSON.
    #[error("not JSON: {message}")]
    NotJson {
        /// What the parser says, with line and column.
        message: String,
    },
    /// It looks like YAML and is not, or could mean two things.
    #[error("line {line}: {message}")]
    NotYaml {
        /// The line, from 1.
        line: u64,
        /// What is wrong with it.
        message: String,
    },
    /// One line of several is wrong; the others may be right, but a file enters whole.
    #[error("line {line}: {fault}{}", rest.as_ref().map(ToString::to_string).unwrap_or_default())]
    Line {
        /// The line, from 1.
        line: usize,
        /// What is wrong with it.
        fault: Box<Fault>,
        /// What is known of the other lines.
        rest: Option<Rest>,
    },
}
