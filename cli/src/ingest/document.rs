//! The bytes of a report and what they parse to (ingest.md 1.1).
//!
//! A UTF-8 byte order mark and CRLF are accepted, because tools on Windows write them. Everything
//! else that is not plain is refused and never repaired: no bytes, a cut-off end, another
//! encoding, two equal keys, nesting without end, more bytes than a report has. The digest is
//! that of the exact bytes as they came, mark included.

use std::cell::RefCell;
use std::fmt;
use std::io::Read;
use std::path::Path;

use serde::de::{DeserializeSeed, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};

use super::error::IngestError;

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
}

/// A report: its name for messages, its bytes, their digest, and the JSON in them.
#[derive(Debug, Clone)]
pub struct Document {
    name: String,
    bytes: Vec<u8>,
    digest: String,
    json: Option<Value>,
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
        match parse(&bytes) {
            Ok(json) => {
                let digest = format!("blake3:{}", blake3::hash(&bytes).to_hex());
                Ok(Self { name, bytes, digest, json })
            }
            Err(fault) => Err(IngestError::Document { file: name, fault }),
        }
    }

    /// Returns the name that messages give it.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Returns the exact bytes, to be kept as a blob.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Returns the digest of the exact bytes, `blake3:<hex>`.
    pub fn digest(&self) -> &str {
        &self.digest
    }

    /// Returns the JSON in it, when that is what it holds.
    pub fn json(&self) -> Option<&Value> {
        self.json.as_ref()
    }

    /// Returns the first character that is not white space.
    pub fn first_char(&self) -> Option<char> {
        let text = std::str::from_utf8(&self.bytes).unwrap_or_default();
        text.trim_start_matches('\u{feff}').trim_start().chars().next()
    }
}

fn parse(bytes: &[u8]) -> Result<Option<Value>, Fault> {
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
    if trimmed.starts_with(['{', '[']) || trimmed == "null" {
        return parse_json(text).map(Some);
    }
    Ok(None)
}

fn line_of(bytes: &[u8], offset: usize) -> usize {
    1 + bytes.iter().take(offset).filter(|byte| **byte == b'\n').count()
}

fn parse_json(text: &str) -> Result<Value, Fault> {
    let refused = RefCell::new(None);
    let mut deserializer = serde_json::Deserializer::from_str(text);
    let strict = Strict { depth: 0, refused: &refused };
    let result = strict.deserialize(&mut deserializer);
    let value = result.and_then(|value| deserializer.end().map(|()| value));
    value.map_err(|error| match refused.take() {
        Some(Refused::TooDeep) => Fault::TooDeep,
        Some(Refused::DuplicateKey(key)) => Fault::DuplicateKey { key, line: error.line() },
        None if error.is_eof() => Fault::Truncated { line: error.line() },
        None => Fault::NotJson { message: error.to_string() },
    })
}

/// A refusal that serde_json has no word for.
enum Refused {
    TooDeep,
    DuplicateKey(String),
}

/// Builds a [`Value`] and refuses what serde_json would let pass: equal keys and deep nesting.
#[derive(Clone, Copy)]
struct Strict<'a> {
    depth: usize,
    refused: &'a RefCell<Option<Refused>>,
}

impl Strict<'_> {
    fn inside<E: serde::de::Error>(self) -> Result<Self, E> {
        let depth = self.depth + 1;
        if depth > Document::DEPTH_MAX {
            self.refused.replace(Some(Refused::TooDeep));
            return Err(E::custom("too deep"));
        }
        Ok(Self { depth, ..self })
    }
}

impl<'de> DeserializeSeed<'de> for Strict<'_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Strict<'_> {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(Value::Number(value.into()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(Value::Number(value.into()))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(Number::from_f64(value).map_or(Value::Null, Value::Number))
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(Value::String(value.to_owned()))
    }

    fn visit_string<E>(self, value: String) -> Result<Value, E> {
        Ok(Value::String(value))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Value, A::Error> {
        let inside = self.inside()?;
        let mut values = Vec::new();
        while let Some(value) = list.next_element_seed(inside)? {
            values.push(value);
        }
        Ok(Value::Array(values))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Value, A::Error> {
        let inside = self.inside()?;
        let mut fields = Map::new();
        while let Some(key) = map.next_key::<String>()? {
            if fields.contains_key(&key) {
                self.refused.replace(Some(Refused::DuplicateKey(key)));
                return Err(A::Error::custom("duplicate key"));
            }
            fields.insert(key, map.next_value_seed(inside)?);
        }
        Ok(Value::Object(fields))
    }
}
