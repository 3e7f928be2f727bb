//! The bytes of a report and what they parse to (ingest.md 1.1).
//!
//! A UTF-8 byte order mark and CRLF are accepted, because tools on Windows write them. Everything
//! else that is not plain is refused and never repaired: no bytes, a cut-off end, another
//! encoding, two equal keys, nesting without end, more bytes than a report has. The digest is
//! that of the exact bytes as they came, mark included. A large file is never held in memory: see
//! `large/`.

mod fault;
mod large;
mod plain_yaml;
mod strict;
mod xml;

use std::io::{BufRead, Read};
use std::path::Path;

use serde_json::Value;

pub use fault::{Fault, Rest};
pub(in crate::ingest) use large::Part as LargePart;

use super::error::IngestError;
use large::{Large, NoSpool, Spool};

/// A report: its name for messages, its bytes, their digest, and what they parse to.
#[derive(Debug, Clone)]
pub struct Document {
    name: String,
    /// Empty for a large one.
    bytes: Vec<u8>,
    /// The copy of a large one.
    spool: Option<Spool>,
    digest: String,
    content: Content,
}

/// What the bytes parse to.
#[derive(Debug, Clone)]
enum Content {
    /// JSON, or YAML as JSON.
    Value(Value),
    /// Several values: lines of JSON, or documents of YAML.
    Parts(Vec<Document>),
    /// JSON that is too large to hold.
    Large(Large),
    /// XML, well-formed and without entities of its own; the name of its element.
    Xml { root: String },
    /// Anything else.
    Text,
}

/// One of several values in a file.
struct Part<'a> {
    /// The line that it begins on, from 1.
    line: usize,
    text: &'a str,
    value: Value,
}

impl Document {
    /// The most bytes that are read.
    pub const BYTES_MAX: usize = 256 << 20;

    /// The most bytes that are held in memory; what is larger is read part by part.
    const HELD_MAX: u64 = 4 << 20;

    /// The most bytes of a format that is not read part by part.
    const WHOLE_MAX: u64 = 64 << 20;

    /// The deepest nesting that is read; the deepest report seen has 14 levels.
    pub const DEPTH_MAX: usize = 64;

    /// Reads a file.
    ///
    /// # Errors
    /// [`IngestError::Read`] when it cannot be read, [`IngestError::Document`] when its bytes
    /// cannot be used.
    pub fn open(path: &Path) -> Result<Self, IngestError> {
        let name = path.display().to_string();
        match std::fs::File::open(path) {
            Ok(file) => Self::from_reader(name, file),
            Err(source) => Err(IngestError::Read { file: name, source }),
        }
    }

    /// Reads a stream, such as the standard input, to its end.
    ///
    /// # Errors
    /// As [`Document::open`].
    pub fn from_reader(name: impl Into<String>, reader: impl Read) -> Result<Self, IngestError> {
        let name = name.into();
        let mut reader = reader;
        let mut bytes = Vec::new();
        // One byte more than is held tells a full file from a larger one.
        match reader.by_ref().take(Self::HELD_MAX + 1).read_to_end(&mut bytes) {
            Ok(count) if u64::try_from(count).is_ok_and(|count| count > Self::HELD_MAX) => {
                Self::from_large(name, bytes, reader)
            }
            Ok(_) => Self::from_bytes(name, bytes),
            Err(source) => Err(IngestError::Read { file: name, source }),
        }
    }

    /// Copies a large stream to disk and checks it there.
    fn from_large(name: String, head: Vec<u8>, rest: impl Read) -> Result<Self, IngestError> {
        let unusable = |fault| IngestError::Document { file: name.clone(), fault };
        encoding(&head).map_err(unusable)?;
        let spool = large::spool(head, rest).map_err(|error| match error {
            NoSpool::Io(source) => IngestError::Read { file: name.clone(), source },
            NoSpool::Fault(fault) => unusable(fault),
        })?;
        let first = spool.first_char();
        let first = first.map_err(|source| IngestError::Read { file: name.clone(), source })?;
        let content = match first {
            Some('{' | '[') => Content::Large(large::open(&spool).map_err(unusable)?),
            Some('<') => {
                let root = xml::check(spool.at(spool.start)).map_err(unusable)?;
                Content::Xml { root }
            }
            _ if spool.len > Self::WHOLE_MAX => return Err(unusable(Fault::TooLargeHere)),
            _ => match spool.bytes() {
                Ok(bytes) => return Self::from_bytes(name, bytes),
                Err(source) => return Err(IngestError::Read { file: name, source }),
            },
        };
        let digest = spool.digest.clone();
        Ok(Self { name, bytes: Vec::new(), spool: Some(spool), digest, content })
    }

    /// Takes bytes as they came.
    ///
    /// # Errors
    /// [`IngestError::Document`] when they cannot be used.
    pub fn from_bytes(name: impl Into<String>, bytes: Vec<u8>) -> Result<Self, IngestError> {
        let name = name.into();
        let digest = format!("blake3:{}", blake3::hash(&bytes).to_hex());
        match parse(&bytes, &name, &digest) {
            Ok(content) => Ok(Self { name, bytes, spool: None, digest, content }),
            Err(fault) => Err(IngestError::Document { file: name, fault }),
        }
    }

    /// Makes a document of a value inside this one, such as an item of a list.
    pub(in crate::ingest) fn inner(&self, name: String, value: Value) -> Self {
        let (bytes, digest) = (value.to_string().into_bytes(), self.digest.clone());
        Self { name, bytes, spool: None, digest, content: Content::Value(value) }
    }

    /// Returns the name that messages give it.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Returns the exact bytes; of a part, its own. None of a large file, which only the readers
    /// that read part by part see: see [`Document::whole`].
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Returns how many bytes there are.
    pub fn size(&self) -> u64 {
        let held = u64::try_from(self.bytes.len()).unwrap_or(u64::MAX);
        self.spool.as_ref().map_or(held, |spool| spool.len)
    }

    /// Returns the exact bytes to be read from the beginning, to be kept as a blob.
    pub fn evidence(&self) -> Box<dyn Read + '_> {
        match &self.spool {
            Some(spool) => Box::new(spool.at(0)),
            None => Box::new(self.bytes.as_slice()),
        }
    }

    /// Tells whether it is too large to hold, so that it is read part by part.
    pub fn is_large(&self) -> bool {
        self.spool.is_some()
    }

    /// Returns a large file as one that is held, for a reader that needs all of it at once.
    ///
    /// # Errors
    /// [`IngestError::Document`] when it is too large for that.
    pub fn whole(&self) -> Result<Self, IngestError> {
        let Some(spool) = &self.spool else { return Ok(self.clone()) };
        let file = || self.name.clone();
        if spool.len > Self::WHOLE_MAX {
            return Err(IngestError::Document { file: file(), fault: Fault::TooLargeHere });
        }
        match spool.bytes() {
            Ok(bytes) => Self::from_bytes(file(), bytes),
            Err(source) => Err(IngestError::Read { file: file(), source }),
        }
    }

    /// Returns the digest of the exact bytes of the file, `blake3:<hex>`; a part's is the file's,
    /// because the file is what is kept.
    pub fn digest(&self) -> &str {
        &self.digest
    }

    /// Returns the one JSON or YAML value that it holds; of a large file one that has only the
    /// first element of a long list. A scalar of YAML is a text, except a whole
    /// number, true, false and null: the version `1.10` stays what it is.
    pub fn json(&self) -> Option<&Value> {
        match &self.content {
            Content::Value(value) => Some(value),
            Content::Large(Large::Value(part)) => Some(&part.tree),
            _ => None,
        }
    }

    /// Returns the tree of a large file and what was left out of it.
    pub(in crate::ingest) fn large(&self) -> Option<&LargePart> {
        match &self.content {
            Content::Large(Large::Value(part)) => Some(part),
            _ => None,
        }
    }

    /// Tells whether the file holds several values.
    pub fn is_lines(&self) -> bool {
        matches!(self.content, Content::Parts(_) | Content::Large(Large::Lines { .. }))
    }

    /// Returns the values of a file that holds several: lines of JSON, documents of YAML. Each is
    /// named by the file and its line, and has a value of its own.
    pub fn parts(&self) -> &[Self] {
        match &self.content {
            Content::Parts(parts) => parts,
            _ => &[],
        }
    }

    /// Returns the text of an XML document that is held, without a byte order mark.
    pub fn xml(&self) -> Option<&str> {
        let held = matches!(self.content, Content::Xml { .. }) && !self.is_large();
        held.then(|| self.text())
    }

    /// Returns the one value, or the first of several.
    pub fn first_value(&self) -> Option<&Value> {
        match &self.content {
            Content::Large(Large::Lines { first, .. }) => Some(first),
            _ => self.json().or_else(|| self.parts().first()?.json()),
        }
    }

    /// Gives the values of the file one after the other, whether there is one or several.
    ///
    /// # Errors
    /// What `each` says.
    pub fn each_line(
        &self,
        each: &mut dyn FnMut(&Self) -> Result<(), IngestError>,
    ) -> Result<(), IngestError> {
        if let Content::Large(Large::Lines { spool, .. }) = &self.content {
            let unusable = |fault| IngestError::Document { file: self.name.clone(), fault };
            return large::lines(spool, unusable, &mut |line, text, value| {
                let name = format!("{}, line {line}", self.name);
                let (bytes, digest) = (text.into_bytes(), self.digest.clone());
                each(&Self { name, bytes, spool: None, digest, content: Content::Value(value) })
            });
        }
        match self.parts() {
            [] => each(self),
            parts => parts.iter().try_for_each(each),
        }
    }

    /// Returns the name of the one element of an XML document, without its prefix.
    pub fn xml_root(&self) -> Option<&str> {
        match &self.content {
            Content::Xml { root } => Some(root),
            _ => None,
        }
    }

    /// Returns an XML document to be read from its beginning; it is well-formed and bounded.
    pub fn xml_source(&self) -> Option<Box<dyn BufRead + '_>> {
        self.xml_root()?;
        Some(match &self.spool {
            Some(spool) => Box::new(spool.at(spool.start)),
            None => Box::new(self.text().as_bytes()),
        })
    }

    /// Returns the text, without a byte order mark.
    pub fn text(&self) -> &str {
        let text = std::str::from_utf8(&self.bytes).unwrap_or_default();
        text.strip_prefix('\u{feff}').unwrap_or(text)
    }

    /// Returns the first character that is not white space.
    pub fn first_char(&self) -> Option<char> {
        if let Some(spool) = &self.spool {
            return spool.first_char().ok().flatten();
        }
        self.text().trim_start().chars().next()
    }
}

fn parse(bytes: &[u8], name: &str, digest: &str) -> Result<Content, Fault> {
    if bytes.len() > Document::BYTES_MAX {
        return Err(Fault::TooLarge);
    }
    encoding(bytes)?;
    let text = std::str::from_utf8(bytes).map_err(|error| {
        // An incomplete character at the very end is a cut, not another encoding.
        match error.error_len() {
            None => Fault::Truncated { line: line_of(bytes, bytes.len()) },
            Some(_) => Fault::NotUtf8 { offset: error.valid_up_to() },
        }
    })?;
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let trimmed = text.trim();
    if trimmed.is_empty() {
        return Err(Fault::Empty);
    }
    let mut values = if trimmed.starts_with(['{', '[']) || trimmed == "null" {
        json_lines(text)?
    } else if is_xml(trimmed) {
        return Ok(Content::Xml { root: xml::check(text.as_bytes())? });
    } else {
        plain_yaml::documents(text)?
    };
    Ok(match values.len() {
        0 => Content::Text,
        1 => values.pop().map_or(Content::Text, |part| Content::Value(part.value)),
        _ => Content::Parts(values.into_iter().map(|part| part.named(name, digest)).collect()),
    })
}

/// Tells XML from Markdown, which may begin with a comment too.
fn is_xml(text: &str) -> bool {
    let mut rest = text;
    while let Some((_, behind)) = rest.strip_prefix("<!--").and_then(|rest| rest.split_once("-->"))
    {
        rest = behind.trim_start();
    }
    rest.starts_with('<') || rest.is_empty()
}

/// Refuses what is no text at all, by its first bytes.
fn encoding(bytes: &[u8]) -> Result<(), Fault> {
    if bytes.starts_with(&[0xff, 0xfe]) || bytes.starts_with(&[0xfe, 0xff]) {
        return Err(Fault::Utf16);
    }
    // Without a mark, every second byte of its first characters is zero.
    if matches!(bytes, [0, b'{' | b'[' | b'<', ..] | [b'{' | b'[' | b'<', 0, ..]) {
        return Err(Fault::Utf16);
    }
    match packed(bytes) {
        Some(what) => Err(Fault::Packed { what }),
        None => Ok(()),
    }
}

/// Recognises packed files, by their first bytes.
fn packed(bytes: &[u8]) -> Option<&'static str> {
    const SIGNS: [(&[u8], &str); 6] = [
        (b"\x1f\x8b", "packed with gzip"),
        (b"PK\x03\x04", "a zip archive"),
        (b"PK\x05\x06", "an empty zip archive"),
        (b"\x28\xb5\x2f\xfd", "packed with zstd"),
        (b"BZh", "packed with bzip2"),
        (b"\xfd7zXZ\0", "packed with xz"),
    ];
    SIGNS.iter().find(|(sign, _)| bytes.starts_with(sign)).map(|(_, what)| *what)
}

impl Part<'_> {
    fn named(self, file: &str, digest: &str) -> Document {
        Document {
            name: format!("{file}, line {}", self.line),
            bytes: self.text.as_bytes().to_vec(),
            spool: None,
            digest: digest.to_owned(),
            content: Content::Value(self.value),
        }
    }
}

/// Parses one JSON value, or one on each of several lines.
fn json_lines(text: &str) -> Result<Vec<Part<'_>>, Fault> {
    let first = match strict::parse(text) {
        Ok(value) => return Ok(vec![Part { line: 1, text, value }]),
        Err(fault) => fault,
    };
    let lines = text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
    let mut parts = Vec::new();
    let mut wrong: Option<(Fault, Vec<usize>)> = None;
    for (index, text) in lines {
        match (strict::parse(text), &mut wrong) {
            (Ok(value), _) => parts.push(Part { line: index + 1, text, value }),
            // Where not even the first line is a value, it is no file of lines.
            (Err(_), _) if parts.is_empty() => return Err(first),
            (Err(_), Some((_, more))) => more.push(index + 1),
            (Err(fault), none) => *none = Some((fault.on_line(index + 1), Vec::new())),
        }
    }
    match wrong {
        None => Ok(parts),
        Some((Fault::Line { line, fault, .. }, bad)) => {
            Err(Fault::Line { line, fault, rest: Some(Rest { good: parts.len(), bad }) })
        }
        Some((other, _)) => Err(other),
    }
}

fn line_of(bytes: &[u8], offset: usize) -> usize {
    1 + bytes.iter().take(offset).filter(|byte| **byte == b'\n').count()
}
