//! A value of a bill of materials, wherever it is kept: in memory, or in a file that is too large
//! for that and is read value by value.

use serde_json::Value;

use super::SbomError;

/// What is done with an element of a list.
pub type Visit<'v> = dyn FnMut(&dyn Node) -> Result<(), SbomError> + 'v;

/// A value and the way to those inside of it.
pub trait Node {
    /// Returns the value; of a large document, without what is long in it.
    fn value(&self) -> &Value;

    /// Returns what stands under a key; `None` when it is missing or null.
    ///
    /// # Errors
    /// [`SbomError`] when this is no object, or cannot be read.
    fn get(&self, key: &str) -> Result<Option<Box<dyn Node + '_>>, SbomError>;

    /// Gives the elements of the list under a key one after the other; tells whether there is such
    /// a list.
    ///
    /// # Errors
    /// What `visit` says, or [`SbomError`] when it is no list, or cannot be read.
    fn each(&self, key: &str, visit: &mut Visit<'_>) -> Result<bool, SbomError>;

    /// Makes the error that something else was expected under a key.
    fn wrong(&self, key: &str, expected: &'static str) -> SbomError {
        SbomError::Shape { place: key.to_owned(), expected }
    }

    /// Returns the text under a key, or the number as it is written; `None` when it is missing,
    /// null or empty.
    ///
    /// # Errors
    /// [`SbomError`] when it is something else.
    fn text(&self, key: &str) -> Result<Option<String>, SbomError> {
        let Some(found) = self.get(key)? else { return Ok(None) };
        match found.value() {
            Value::String(text) => Ok(Some(text.clone()).filter(|text| !text.is_empty())),
            Value::Number(number) => Ok(Some(number.to_string())),
            _ => Err(self.wrong(key, "a text")),
        }
    }
}

impl Node for Value {
    fn value(&self) -> &Value {
        self
    }

    fn get(&self, key: &str) -> Result<Option<Box<dyn Node + '_>>, SbomError> {
        match self.as_object().map(|fields| fields.get(key)) {
            Some(Some(found)) if !found.is_null() => Ok(Some(Box::new(Held(found)))),
            Some(_) => Ok(None),
            None => Err(self.wrong(key, "an object around it")),
        }
    }

    fn each(&self, key: &str, visit: &mut Visit<'_>) -> Result<bool, SbomError> {
        let Some(found) = Node::get(self, key)? else { return Ok(false) };
        let list = found.value().as_array().ok_or_else(|| self.wrong(key, "an array"))?;
        for one in list {
            visit(one)?;
        }
        Ok(true)
    }
}

/// A value that somebody else holds.
struct Held<'a>(&'a Value);

impl Node for Held<'_> {
    fn value(&self) -> &Value {
        self.0
    }

    fn get(&self, key: &str) -> Result<Option<Box<dyn Node + '_>>, SbomError> {
        Node::get(self.0, key)
    }

    fn each(&self, key: &str, visit: &mut Visit<'_>) -> Result<bool, SbomError> {
        Node::each(self.0, key, visit)
    }
}
