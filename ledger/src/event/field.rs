//! The types that fields have, and how they show in SQL and in JSON Schema.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer};
use serde_json::Value;

use super::prose::{Prose, Sealed};
use crate::time::Time;

/// What is known of a field without an event that has it.
#[derive(Debug, Clone, Copy)]
pub struct FieldSpec {
    /// The name.
    pub name: &'static str,
    /// What it says, in a sentence.
    pub doc: &'static str,
    /// Whether an event of the kind must have it.
    pub required: bool,
    /// Its type.
    pub ty: FieldType,
    /// Whether it is free text, which may be sealed.
    pub is_prose: bool,
}

/// The type of a field, as a column of a log table shows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FieldType {
    /// UTF-8 text.
    Text,
    /// A signed 64-bit number.
    Int,
    /// A 64-bit floating-point number.
    Float,
    /// True or false.
    Bool,
    /// An instant.
    Time,
    /// A list of texts.
    TextList,
    /// Anything nested: shown as JSON text.
    Json,
}

/// Links a Rust type to its [`FieldType`], and finds the free text in its values.
pub(crate) trait FieldValue {
    const TYPE: FieldType;

    /// Whether it is free text, which may be sealed.
    const IS_PROSE: bool = false;

    /// Adds the seals in the value, each with the path to it.
    fn seals(&self, _: &str, _: &mut Vec<(String, Sealed)>) {}

    /// Calls `visit` with each free text of the value, to change what is shown.
    fn prose_mut(&mut self, _: &mut dyn FnMut(&mut Prose)) {}
}

impl FieldValue for Prose {
    const TYPE: FieldType = FieldType::Text;
    const IS_PROSE: bool = true;

    fn seals(&self, path: &str, seals: &mut Vec<(String, Sealed)>) {
        seals.extend(self.sealed().map(|seal| (path.to_owned(), seal.clone())));
    }

    fn prose_mut(&mut self, visit: &mut dyn FnMut(&mut Prose)) {
        visit(self);
    }
}

impl FieldValue for StringMap {
    const TYPE: FieldType = FieldType::Json;

    fn seals(&self, path: &str, seals: &mut Vec<(String, Sealed)>) {
        for (key, value) in self {
            seals.extend(value.sealed().map(|seal| (format!("{path}.{key}"), seal.clone())));
        }
    }

    fn prose_mut(&mut self, visit: &mut dyn FnMut(&mut Prose)) {
        self.values_mut().for_each(visit);
    }
}

macro_rules! field_values {
    ($( $ty:ty => $variant:ident ),+ $(,)?) => {
        $( impl FieldValue for $ty { const TYPE: FieldType = FieldType::$variant; } )+
    };
}

field_values! {
    String => Text,
    Name => Text,
    Digest => Text,
    u8 => Int,
    u32 => Int,
    u64 => Int,
    f64 => Float,
    bool => Bool,
    Time => Time,
    Vec<String> => TextList,
    Vec<Name> => TextList,
    Value => Json,
    serde_json::Map<String, Value> => Json,
}

/// A map from text to free text, such as `labels`.
pub type StringMap = BTreeMap<String, Prose>;

/// A name or id: one to 256 characters, none of them white space at an end or a control.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Name(String);

impl Name {
    const CHARS_MAX: usize = 256;

    /// Returns the text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl std::ops::Deref for Name {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl<'de> Deserialize<'de> for Name {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        if text.is_empty() {
            return Err(serde::de::Error::custom("must not be empty"));
        }
        if text.chars().count() > Self::CHARS_MAX {
            return Err(serde::de::Error::custom("is longer than 256 characters"));
        }
        if text.trim() != text || text.chars().any(char::is_control) {
            return Err(serde::de::Error::custom(
                "must not begin or end with white space, nor hold control characters",
            ));
        }
        Ok(Self(text))
    }
}

impl JsonSchema for Name {
    fn schema_name() -> Cow<'static, str> {
        "Name".into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "minLength": 1, "maxLength": Self::CHARS_MAX })
    }
}

/// A digest: `<algorithm>:<lower-case hex>`, with the length that a known algorithm has.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Digest(String);

impl Digest {
    /// Reads a digest.
    ///
    /// # Errors
    /// A sentence that says what is wrong and what to write instead.
    pub fn parse(text: &str) -> Result<Self, String> {
        let Some((algorithm, hex)) = text.split_once(':') else {
            return Err(format!(
                "`{text}` is not a digest; write <algorithm>:<hex>, such as sha256:..."
            ));
        };
        if algorithm.is_empty()
            || !algorithm.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
        {
            return Err(format!("`{text}` names no digest algorithm before the colon"));
        }
        if hex.is_empty() || !hex.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b))
        {
            return Err(format!("`{text}` is not lower-case hex after the colon"));
        }
        let expected = match algorithm {
            "sha256" | "blake3" | "sha3_256" => Some(64),
            "sha384" => Some(96),
            "sha512" => Some(128),
            "sha1" | "gitCommit" => Some(40),
            _ => None,
        };
        match expected {
            // A repository in SHA-256 object format has commits of 64 digits.
            Some(digits)
                if hex.len() != digits && !(algorithm == "gitCommit" && hex.len() == 64) =>
            {
                Err(format!("`{text}` has {} hex digits; {algorithm} has {digits}", hex.len()))
            }
            _ => Ok(Self(text.to_owned())),
        }
    }

    /// Returns the whole text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns the algorithm's name.
    pub fn algorithm(&self) -> &str {
        self.0.split_once(':').map_or("", |(algorithm, _)| algorithm)
    }

    /// Returns the hex digits.
    pub fn hex(&self) -> &str {
        self.0.split_once(':').map_or("", |(_, hex)| hex)
    }
}

impl std::ops::Deref for Digest {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl<'de> Deserialize<'de> for Digest {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::parse(&String::deserialize(deserializer)?).map_err(serde::de::Error::custom)
    }
}

impl JsonSchema for Digest {
    fn schema_name() -> Cow<'static, str> {
        "Digest".into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "pattern": "^[A-Za-z0-9_]+:[0-9a-f]+$" })
    }
}
