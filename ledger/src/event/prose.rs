//! Text that people wrote, which may be personal data: plain, or sealed (semantics B.5).
//!
//! A sealed text leaves in the log what proves it and nothing that tells it: a commitment, the
//! digest of the ciphertext, and whom it is about, as an opaque id. It reads as that id, so that
//! no count, verdict or order can depend on what is sealed: before its erasure as little as after.

use std::borrow::Cow;
use std::fmt;
use std::ops::Deref;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::Value;

use super::field::{Digest, Name};
use crate::time::Time;

/// Free text, plain or sealed. It reads as a text either way.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Prose {
    shown: String,
    sealed: Option<Box<Sealed>>,
}

/// What stands in the log for a sealed text.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Sealed {
    /// How it was sealed, such as `relbook-seal-v1`.
    pub alg: Name,
    /// Keyed BLAKE3 over the canonical JSON of the text; the key is a fresh salt.
    pub commitment: Digest,
    /// The digest of the blob with the ciphertext.
    pub ciphertext_ref: Digest,
    /// Whom it is about, as an opaque id: letters, digits and any of `._@-`.
    pub subject: Name,
}

impl Prose {
    /// Makes a plain text.
    pub fn plain(text: impl Into<String>) -> Self {
        Self { shown: text.into(), sealed: None }
    }

    /// Returns the text, or what is shown in its place.
    pub fn as_str(&self) -> &str {
        &self.shown
    }

    /// Returns the seal, where it is sealed.
    pub fn sealed(&self) -> Option<&Sealed> {
        self.sealed.as_deref()
    }

    /// Shows from now on that a sealed text was erased.
    pub fn show_erased(&mut self, at: Time) {
        if let Some(sealed) = &self.sealed {
            let date = at.to_string();
            let date = date.split_once('T').map_or(date.as_str(), |(date, _)| date);
            self.shown = format!("{} (erased {date})", sealed.subject);
        }
    }
}

impl Deref for Prose {
    type Target = str;

    fn deref(&self) -> &str {
        &self.shown
    }
}

impl fmt::Display for Prose {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.shown)
    }
}

impl Serialize for Prose {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.shown)
    }
}

/// Returns what is shown for a value of free text: the text, or whom a sealed one is about.
pub fn shown(value: &Value) -> Option<Cow<'_, str>> {
    match value {
        Value::String(text) => Some(Cow::Borrowed(text)),
        Value::Object(seal) => {
            Some(Cow::Owned(format!("{} (sealed)", seal.get("subject")?.as_str()?)))
        }
        _ => None,
    }
}

/// Tells whether a text can name whom sealed data is about.
pub fn is_subject(text: &str) -> bool {
    (1..=128).contains(&text.len())
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"._@-".contains(&b))
}

impl<'de> Deserialize<'de> for Prose {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        use serde::de::Error as _;
        match Value::deserialize(deserializer)? {
            Value::String(text) => Ok(Self::plain(text)),
            value @ Value::Object(_) => {
                let sealed: Sealed = serde_json::from_value(value)
                    .map_err(|error| D::Error::custom(format!("is no sealed text: {error}")))?;
                if !is_subject(&sealed.subject) {
                    return Err(D::Error::custom(
                        "is sealed for no subject: up to 128 letters, digits and any of `._@-`",
                    ));
                }
                let shown = format!("{} (sealed)", sealed.subject);
                Ok(Self { shown, sealed: Some(Box::new(sealed)) })
            }
            Value::Null => Err(D::Error::custom("invalid type: null, expected a text")),
            other => Err(D::Error::custom(format!(
                "invalid type: {other}, expected a text, plain or sealed"
            ))),
        }
    }
}

impl JsonSchema for Prose {
    fn schema_name() -> Cow<'static, str> {
        "Prose".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let sealed = generator.subschema_for::<Sealed>();
        json_schema!({
            "description": "Free text, plain or sealed.",
            "anyOf": [{ "type": "string" }, sealed],
        })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn sealed(subject: &str) -> Value {
        let digest = format!("blake3:{}", "0".repeat(64));
        json!({"alg": "relbook-seal-v1", "commitment": digest, "ciphertext_ref": digest, "subject": subject})
    }

    #[test]
    fn a_sealed_text_shows_whom_it_is_about_and_when_it_was_erased() {
        let mut prose: Prose = serde_json::from_value(sealed("p_olga")).unwrap();
        assert_eq!(&*prose, "p_olga (sealed)");
        prose.show_erased(Time::parse("2027-01-04T10:00:00Z").unwrap());
        assert_eq!(&*prose, "p_olga (erased 2027-01-04)");
        let mut plain = Prose::plain("fine");
        plain.show_erased(Time::EPOCH);
        assert_eq!(plain.as_str(), "fine");
    }

    #[test]
    fn only_a_text_or_a_whole_seal_is_taken() {
        let mut more = sealed("p_olga");
        more["value"] = json!("plain beside it");
        let mut less = sealed("p_olga");
        less.as_object_mut().unwrap().remove("commitment");
        // A subject with a colon would read as a conventional commit.
        for bad in [json!(7), json!(null), json!([]), more, less, sealed("fix: x"), sealed("")] {
            assert!(serde_json::from_value::<Prose>(bad.clone()).is_err(), "{bad}");
        }
    }
}
