//! The bytes of a report and what they parse to (ingest.md 1.1).
//!
//! A UTF-8 byte order mark and CRLF are accepted, because tools on Windows write them. Everything
//! else that is not plain is refused and never repaired: no bytes, a cut-off end, another
//! encoding, two equal keys, nesting without end, more bytes than a report has. The digest is
//! that of the exact bytes as they came, mark included.

mod fault;
mod plain_yaml;
mod strict;

use std::io::Read;
use std::path::Path;

use serde_json::Value;

pub use fault::Fault;

use super::error::IngestError;

/// A report: its name for messages, its bytes, their digest, and what they parse to.
#[derive(Debug, Clone)]
pub struct Document {
    name: String,
    bytes: Vec<u8>,
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
    /// XML by its first character, not parsed yet.
    Xml,
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
        let mut bytes = Vec::new();
        // One byte more than is allowed tells a full file from a larger one.
        let limit = u64::try_from(Self::BYTES_MAX).unwrap_or(u64::MAX).saturating_add(1);
        match reader.take(limit).read_to_end(&mut bytes) {
            Ok(_) => Self::from_bytes(name, bytes),
            Err(source) => Err(IngestError::Read { file: name, source }),
        }
    }

    /// Takes bytes as they came.
    ///
    /// # Errors
    /// [`IngestError::Document`] when they cannot be used.
    pub fn from_bytes(name: impl Into<String>, bytes: Vec<u8>) -> Result<Self, IngestError> {
        let name = name.into();
        let digest = format!("blake3:{}", blake3::hash(&bytes).to_hex());
        match parse(&bytes, &name, &digest) {
            Ok(content) => Ok(Self { name, bytes, digest, content }),
            Err(fault) => Err(IngestError::Document { file: name, fault }),
        }
    }

    /// Makes a document of a value inside this one, such as an item of a list.
    pub(in crate::ingest) fn inner(&self, name: String, value: Value) -> Self {
        let (bytes, digest) = (value.to_string().into_bytes(), self.digest.clone());
        Self { name, bytes, digest, content: Content::Value(value) }
    }

    /// Returns the name that messages give it.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Returns the exact bytes, to be kept as a blob; of a part, its own.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Returns the digest of the exact bytes of the file, `blake3:<hex>`; a part's is the file's,
    /// because the file is what is kept.
    pub fn digest(&self) -> &str {
        &self.digest
    }

    /// Returns the one JSON or YAML value that it holds. A scalar of YAML is a text, except a whole
    /// number, true, false and null: the version `1.10` stays what it is.
    pub fn json(&self) -> Option<&Value> {
        match &self.content {
            Content::Value(value) => Some(value),
            _ => None,
        }
    }

    /// Returns the values of a file that holds several: lines of JSON, documents of YAML. Each is
    /// named by the file and its line, and has a value of its own.
    pub fn parts(&self) -> &[Self] {
        match &self.content {
            Content::Parts(parts) => parts,
            _ => &[],
        }
    }

    /// Returns the text of an XML document, without a byte order mark.
    pub fn xml(&self) -> Option<&str> {
        matches!(self.content, Content::Xml).then(|| self.text())
    }

    /// Returns the text, without a byte order mark.
    pub fn text(&self) -> &str {
        let text = std::str::from_utf8(&self.bytes).unwrap_or_default();
        text.strip_prefix('\u{feff}').unwrap_or(text)
    }

    /// Returns the first character that is not white space.
    pub fn first_char(&self) -> Option<char> {
        self.text().trim_start().chars().next()
    }
}

fn parse(bytes: &[u8], name: &str, digest: &str) -> Result<Content, Fault> {
    if bytes.len() > Document::BYTES_MAX {
        return Err(Fault::TooLarge);
    }
    if bytes.starts_with(&[0xff, 0xfe]) || bytes.starts_with(&[0xfe, 0xff]) {
        return Err(Fault::Utf16);
    }
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
    } else if trimmed.starts_with('<') {
        return Ok(Content::Xml);
    } else {
        plain_yaml::documents(text)?
    };
    Ok(match values.len() {
        0 => Content::Text,
        1 => values.pop().map_or(Content::Text, |part| Content::Value(part.value)),
        _ => Content::Parts(values.into_iter().map(|part| part.named(name, digest)).collect()),
    })
}

impl Part<'_> {
    fn named(self, file: &str, digest: &str) -> Document {
        Document {
            name: format!("{file}, line {}", self.line),
            bytes: self.text.as_bytes().to_vec(),
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
    for (index, text) in lines {
        match strict::parse(text) {
            Ok(value) => parts.push(Part { line: index + 1, text, value }),
            // Where not even the first line is a value, it is no file of lines.
            Err(_) if parts.is_empty() => return Err(first),
            Err(fault) => return Err(Fault::Line { line: index + 1, fault: Box::new(fault) }),
        }
    }
    Ok(parts)
}

fn line_of(bytes: &[u8], offset: usize) -> usize {
    1 + bytes.iter().take(offset).filter(|byte| **byte == b'\n').count()
}
