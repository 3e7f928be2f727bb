//! The compatibility matrix: rows of ranges, and whether one row holds a set of versions.
//!
//! A row that has a value which is no range, or a range that holds nothing, supports nothing.
//! Rows are never combined: each is tested by itself, as somebody tested it (semantics A.13).

use std::sync::Arc;

use relbook_ledger::version::{Range, Version};
use serde_json::{Map, Value};

use crate::release::product::Component;

/// A value of a matrix as it was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Written {
    /// A text: the only thing that can be a range.
    Text(String),
    /// Something else, such as the unquoted number `1.10`; shown as it was written.
    Other(String),
}

/// Why a value is no range of its component.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fault {
    /// It is not a text (M13).
    NotText,
    /// It does not follow the grammar (M01); says where and what to write.
    Syntax(String),
    /// No component has this name or alias (M02).
    UnknownKey,
    /// No version can be in it (M03).
    Empty,
}

/// One value of a row.
#[derive(Debug, Clone)]
pub struct Cell {
    /// The alias (or name) that the row uses.
    pub key: String,
    /// The value as it was written.
    pub text: String,
    /// The component that the key names.
    pub component: Option<Arc<Component>>,
    /// The versions, or why there are none.
    pub range: Result<Range, Fault>,
}

impl Cell {
    fn new(key: &str, written: &Written, component: Option<Arc<Component>>) -> Self {
        let (text, is_text) = match written {
            Written::Text(text) => (text, true),
            Written::Other(text) => (text, false),
        };
        let range = match &component {
            _ if !is_text => Err(Fault::NotText),
            None => Err(Fault::UnknownKey),
            Some(component) => match Range::parse_in(&component.scheme, text) {
                Err(error) => Err(Fault::Syntax(error.to_string())),
                Ok(range) if range.is_empty() => Err(Fault::Empty),
                Ok(range) => Ok(range),
            },
        };
        Self { key: key.to_owned(), text: text.clone(), component, range }
    }

    /// Tells whether the value is about a component.
    pub fn is_of(&self, component: &str) -> bool {
        self.component.as_ref().is_some_and(|c| c.name == component)
    }

    /// Tells whether a version of its component is in the range.
    pub fn holds(&self, version: &str) -> bool {
        let Some(component) = &self.component else { return false };
        component.scheme.parse_version(version).is_ok_and(|version| self.has(&version))
    }

    /// Tells whether a version that was read already is in the range.
    pub fn has(&self, version: &Version) -> bool {
        self.range.as_ref().is_ok_and(|range| range.matches(version))
    }
}

/// One row.
#[derive(Debug, Clone)]
pub struct MatrixRow {
    /// `r1`, `r2`, ... by position.
    pub id: String,
    /// Its values, in the order in which they were written.
    pub cells: Vec<Cell>,
}

impl MatrixRow {
    /// Returns the value about a component.
    pub fn cell(&self, component: &str) -> Option<&Cell> {
        self.cells.iter().find(|cell| cell.is_of(component))
    }

    /// Tells whether every value is a range of a component: else the row supports nothing.
    pub fn is_sound(&self) -> bool {
        self.cells.iter().all(|cell| cell.range.is_ok())
    }

    /// Tells whether the row supports a version of a component.
    pub fn holds(&self, component: &str, version: &str) -> bool {
        self.is_sound() && self.cell(component).is_some_and(|cell| cell.holds(version))
    }
}

/// A matrix.
#[derive(Debug, Clone)]
pub struct Matrix {
    /// The seq of the event that published it; absent for one that is not in the book.
    pub seq: Option<u64>,
    /// Its rows.
    pub rows: Vec<MatrixRow>,
}

impl Matrix {
    /// Reads the rows as they were written; `component` finds a component by name or alias.
    pub fn new<'a>(
        seq: Option<u64>,
        rows: impl IntoIterator<Item = Vec<(&'a str, Written)>>,
        component: impl Fn(&str) -> Option<Arc<Component>>,
    ) -> Self {
        let row = |(number, cells): (usize, Vec<(&str, Written)>)| MatrixRow {
            id: format!("r{}", number + 1),
            cells: cells.iter().map(|(key, text)| Cell::new(key, text, component(key))).collect(),
        };
        Self { seq, rows: rows.into_iter().enumerate().map(row).collect() }
    }

    /// Returns the components that the rows are about, in the order of their first appearance.
    pub fn components(&self) -> Vec<Arc<Component>> {
        let mut components: Vec<Arc<Component>> = Vec::new();
        for cell in self.rows.iter().flat_map(|row| &row.cells) {
            if let Some(component) = &cell.component
                && !components.iter().any(|known| known.name == component.name)
            {
                components.push(Arc::clone(component));
            }
        }
        components
    }

    /// Tells whether any row says something of a component.
    pub fn covers(&self, component: &str) -> bool {
        self.rows.iter().any(|row| row.cell(component).is_some())
    }

    /// Returns the rows that support every one of the versions (component, version). A version
    /// that is unknown is in no row.
    pub fn rows_with<'m, 'a>(
        &'m self,
        set: impl Iterator<Item = (&'a str, Option<&'a str>)> + Clone + 'm,
    ) -> impl Iterator<Item = &'m MatrixRow>
    where
        'a: 'm,
    {
        self.rows.iter().filter(move |row| {
            let held = |(component, version): (&str, Option<&str>)| {
                version.is_some_and(|version| row.holds(component, version))
            };
            set.clone().all(held)
        })
    }
}

/// Returns the cells of a row of `matrix.published`.
pub(super) fn written(row: &Map<String, Value>) -> Vec<(&str, Written)> {
    let value = |value: &Value| match value {
        Value::String(text) => Written::Text(text.clone()),
        other => Written::Other(other.to_string()),
    };
    row.iter().map(|(key, cell)| (key.as_str(), value(cell))).collect()
}
