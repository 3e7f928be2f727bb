//! JSON without a second reading: equal keys and endless nesting are refused.

use std::cell::RefCell;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};

use super::{Document, Fault};

/// Parses one JSON value and nothing behind it.
pub(super) fn parse(text: &str) -> Result<Value, Fault> {
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
