//! A place in a report: a value together with the path that leads to it.
//!
//! Readers ask for the shape that their format promises; a value of another shape is an error
//! that names the place. `null` and a missing key are the same: tools in Go write either.

use serde_json::{Map, Value};

use super::document::{Document, LargePart};
use super::error::IngestError;

/// A value and where it stands.
#[derive(Debug, Clone)]
pub(in crate::ingest) struct Place<'a> {
    value: &'a Value,
    path: String,
    file: &'a str,
    /// Of a large report: the tree that the value is of, which lacks what is long.
    large: Option<&'a LargePart>,
}

impl<'a> Place<'a> {
    /// Starts at the top of a document.
    ///
    /// # Errors
    /// [`IngestError::Shape`] when the document is not JSON.
    pub(in crate::ingest) fn top(document: &'a Document) -> Result<Self, IngestError> {
        match document.json() {
            Some(value) => Ok(Self {
                value,
                path: String::new(),
                file: document.name(),
                large: document.large(),
            }),
            None => Err(IngestError::Shape {
                file: document.name().to_owned(),
                place: "the document".to_owned(),
                expected: "JSON",
            }),
        }
    }

    /// Returns the name of the file.
    pub(in crate::ingest) fn file(&self) -> &'a str {
        self.file
    }

    /// Starts at a value that stands inside a document, at a path of it.
    pub(in crate::ingest) fn inside(
        document: &'a Document,
        value: &'a Value,
        path: impl Into<String>,
    ) -> Self {
        Self { value, path: path.into(), file: document.name(), large: None }
    }

    pub(in crate::ingest) fn value(&self) -> &'a Value {
        self.value
    }

    /// Makes the error that says what should be here.
    pub(in crate::ingest) fn expected(&self, expected: &'static str) -> IngestError {
        let place = if self.path.is_empty() { "the document" } else { &self.path };
        IngestError::Shape { file: self.file.to_owned(), place: place.to_owned(), expected }
    }

    /// Makes the error that says what should be under a key.
    pub(in crate::ingest) fn expected_under(
        &self,
        key: &str,
        expected: &'static str,
    ) -> IngestError {
        match self.at(key) {
            Ok(Some(place)) => place.expected(expected),
            _ => {
                let dot = if self.path.is_empty() { "" } else { "." };
                Self { path: format!("{}{dot}{key}", self.path), ..*self }.expected(expected)
            }
        }
    }

    pub(in crate::ingest) fn object(&self) -> Result<&'a Map<String, Value>, IngestError> {
        self.value.as_object().ok_or_else(|| self.expected("an object"))
    }

    /// Goes to a key; `None` when it is missing or null.
    pub(in crate::ingest) fn at(&self, key: &str) -> Result<Option<Self>, IngestError> {
        let Some(value) = self.object()?.get(key) else { return Ok(None) };
        let dot = if self.path.is_empty() { "" } else { "." };
        let place = Self { value, path: format!("{}{dot}{key}", self.path), ..*self };
        match value.is_null() {
            true if place.is_left_out() => Err(place.too_long()),
            true => Ok(None),
            false => Ok(Some(place)),
        }
    }

    /// Tells whether what stands here is only the beginning of something long.
    fn is_left_out(&self) -> bool {
        self.large.is_some_and(|part| part.lacks(&self.path))
    }

    fn too_long(&self) -> IngestError {
        IngestError::TooLong { file: self.file.to_owned(), place: self.path.clone() }
    }

    /// Follows several keys; `None` when one is missing or null.
    pub(in crate::ingest) fn down(&self, keys: &[&str]) -> Result<Option<Self>, IngestError> {
        let mut place = self.clone();
        for key in keys {
            match place.at(key)? {
                Some(next) => place = next,
                None => return Ok(None),
            }
        }
        Ok(Some(place))
    }

    /// Returns the elements of the array that stands here.
    pub(in crate::ingest) fn items(&self) -> Result<Vec<Self>, IngestError> {
        let list = self.value.as_array().ok_or_else(|| self.expected("an array"))?;
        if self.is_left_out() {
            return Err(self.too_long());
        }
        let item = |(i, value)| Self { value, path: format!("{}[{i}]", self.path), ..*self };
        Ok(list.iter().enumerate().map(item).collect())
    }

    /// Returns the elements under a key; `None` when the key is missing or null.
    pub(in crate::ingest) fn list(&self, key: &str) -> Result<Option<Vec<Self>>, IngestError> {
        self.at(key)?.map(|place| place.items()).transpose()
    }

    /// Gives the elements under a key one after the other, however many there are; tells whether there is such a list.
    ///
    /// # Errors
    /// What `each` says, [`IngestError::Shape`] when it is no array.
    pub(in crate::ingest) fn rows(
        &self,
        key: &str,
        each: &mut dyn FnMut(&Place<'_>) -> Result<(), IngestError>,
    ) -> Result<bool, IngestError> {
        let Some(list) = self.at(key)? else { return Ok(false) };
        list.elements(each)?;
        Ok(true)
    }

    /// Gives the elements of the array that stands here one after the other.
    ///
    /// # Errors
    /// What `each` says, [`IngestError::Shape`] when it is no array.
    pub(in crate::ingest) fn elements(
        &self,
        each: &mut dyn FnMut(&Place<'_>) -> Result<(), IngestError>,
    ) -> Result<(), IngestError> {
        let Some(part) = self.large.filter(|_| self.is_left_out()) else {
            return self.items()?.iter().try_for_each(each);
        };
        let file = self.file;
        let unusable = |fault| IngestError::Document { file: file.to_owned(), fault };
        part.each(&self.path, unusable, &mut |part, path| {
            each(&Place { value: &part.tree, path: path.to_owned(), file, large: Some(part) })
        })
    }

    /// Returns the text under a key; `None` when it is missing, null or empty.
    pub(in crate::ingest) fn text(&self, key: &str) -> Result<Option<&'a str>, IngestError> {
        let Some(place) = self.at(key)? else { return Ok(None) };
        let text = place.value.as_str().ok_or_else(|| place.expected("a text"))?;
        Ok(Some(text).filter(|text| !text.is_empty()))
    }

    /// Returns the identifier under a key, which some write as a number and some as a text; `None`
    /// when it is missing, null or empty.
    pub(in crate::ingest) fn id(&self, key: &str) -> Result<Option<String>, IngestError> {
        let Some(place) = self.at(key)? else { return Ok(None) };
        match place.value {
            Value::Number(number) => Ok(Some(number.to_string())),
            Value::String(text) => Ok(Some(text.clone()).filter(|text| !text.is_empty())),
            _ => Err(place.expected("a number or a text")),
        }
    }

    /// Returns the text that must stand under a key.
    pub(in crate::ingest) fn required(
        &self,
        key: &str,
        expected: &'static str,
    ) -> Result<&'a str, IngestError> {
        self.text(key)?.ok_or_else(|| self.expected_under(key, expected))
    }

    /// Goes to what must stand under a key.
    pub(in crate::ingest) fn must(
        &self,
        key: &str,
        expected: &'static str,
    ) -> Result<Self, IngestError> {
        self.at(key)?.ok_or_else(|| self.expected(expected))
    }

    /// Returns the scalar under a key as text: YAML reads an unquoted `2` as a number.
    pub(in crate::ingest) fn word(&self, key: &str) -> Result<Option<String>, IngestError> {
        let Some(place) = self.at(key)? else { return Ok(None) };
        match place.value {
            Value::String(text) => Ok(Some(text.clone()).filter(|text| !text.is_empty())),
            Value::Number(_) | Value::Bool(_) => Ok(Some(place.value.to_string())),
            _ => Err(place.expected("a text")),
        }
    }

    /// Returns the number under a key; `None` when it is missing or null.
    pub(in crate::ingest) fn count(&self, key: &str) -> Result<Option<u64>, IngestError> {
        let Some(place) = self.at(key)? else { return Ok(None) };
        place.value.as_u64().map(Some).ok_or_else(|| place.expected("a whole number"))
    }

    /// Tells whether the switch under a key is on; missing is off.
    pub(in crate::ingest) fn is_true(&self, key: &str) -> Result<bool, IngestError> {
        let Some(place) = self.at(key)? else { return Ok(false) };
        place.value.as_bool().ok_or_else(|| place.expected("true or false"))
    }
}
