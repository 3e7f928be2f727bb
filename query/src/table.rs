//! The one shape of every answer: typed columns, rows of cells, and the seqs each row rests on.
//!
//! Commands print a [`Table`], SQL shows the same table, so the two cannot disagree. A cell is
//! null where a fact is missing; an empty list says that there is none.

use relbook_ledger::time::Time;
use serde_json::Value;

/// The type of a column, in answers and in SQL.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ColumnType {
    /// UTF-8 text.
    Text,
    /// A signed 64-bit number.
    Int,
    /// A 64-bit floating-point number.
    Float,
    /// True or false.
    Bool,
    /// An instant: microseconds, UTC.
    Time,
    /// A list of texts.
    TextList,
    /// A list of numbers.
    IntList,
    /// Nested JSON: an object in JSON answers, JSON text in SQL.
    Json,
    /// 32 bytes or more, shown as lower-case hex text in JSON and as binary in SQL.
    Bytes,
}

/// A column: its name is a public interface.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Column {
    /// The name.
    pub name: String,
    /// The type.
    pub ty: ColumnType,
}

/// Makes the columns of a table from names and types.
pub fn columns(spec: &[(&str, ColumnType)]) -> Vec<Column> {
    spec.iter().map(|&(name, ty)| Column { name: name.to_owned(), ty }).collect()
}

/// One value of an answer.
#[derive(Debug, Clone, PartialEq, Default)]
pub enum Cell {
    /// Nothing is known.
    #[default]
    Null,
    /// A text.
    Text(String),
    /// A number.
    Int(i64),
    /// A floating-point number.
    Float(f64),
    /// True or false.
    Bool(bool),
    /// An instant.
    Time(Time),
    /// Texts.
    TextList(Vec<String>),
    /// Numbers.
    IntList(Vec<i64>),
    /// Nested JSON.
    Json(Value),
    /// Bytes.
    Bytes(Vec<u8>),
}

impl Cell {
    /// Returns the value as the JSON answers show it.
    pub fn to_json(&self) -> Value {
        match self {
            Self::Null => Value::Null,
            Self::Text(text) => Value::from(text.as_str()),
            Self::Int(number) => Value::from(*number),
            Self::Float(number) => Value::from(*number),
            Self::Bool(flag) => Value::from(*flag),
            Self::Time(time) => Value::from(time.to_string()),
            Self::TextList(texts) => Value::from(texts.as_slice()),
            Self::IntList(numbers) => Value::from(numbers.as_slice()),
            Self::Json(value) => value.clone(),
            Self::Bytes(bytes) => {
                Value::from(bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>())
            }
        }
    }

    /// Returns the text of a text cell.
    pub fn as_text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }

    /// Tells whether nothing is known.
    pub fn is_null(&self) -> bool {
        matches!(self, Self::Null)
    }
}

macro_rules! cells {
    ($( $from:ty => |$value:ident| $cell:expr ),+ $(,)?) => {
        $( impl From<$from> for Cell { fn from($value: $from) -> Self { $cell } } )+
    };
}

cells! {
    &str => |value| Self::Text(value.to_owned()),
    String => |value| Self::Text(value),
    i64 => |value| Self::Int(value),
    u64 => |value| i64::try_from(value).map_or(Self::Null, Self::Int),
    u32 => |value| Self::Int(value.into()),
    u8 => |value| Self::Int(value.into()),
    usize => |value| i64::try_from(value).map_or(Self::Null, Self::Int),
    f64 => |value| Self::Float(value),
    bool => |value| Self::Bool(value),
    Time => |value| Self::Time(value),
    Vec<String> => |value| Self::TextList(value),
    Vec<i64> => |value| Self::IntList(value),
    Value => |value| Self::Json(value),
}

impl<T: Into<Self>> From<Option<T>> for Cell {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Null, Into::into)
    }
}

/// One row of an answer.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Row {
    /// The values, one per column.
    pub cells: Vec<Cell>,
    /// The seqs of the events that the row rests on, ascending.
    pub evidence: Vec<u64>,
}

/// Columns and rows.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Table {
    /// The columns.
    pub columns: Vec<Column>,
    /// The rows, in the order that the contract gives.
    pub rows: Vec<Row>,
}

impl Table {
    /// Makes an empty table.
    pub fn new(spec: &[(&str, ColumnType)]) -> Self {
        Self { columns: columns(spec), rows: Vec::new() }
    }

    /// Adds a row; `evidence` is sorted and freed of repetitions.
    pub fn push(&mut self, cells: Vec<Cell>, mut evidence: Vec<u64>) {
        assert_eq!(cells.len(), self.columns.len(), "a row has one cell per column");
        evidence.sort_unstable();
        evidence.dedup();
        self.rows.push(Row { cells, evidence });
    }

    /// Returns the position of a column.
    pub fn position(&self, name: &str) -> Option<usize> {
        self.columns.iter().position(|column| column.name == name)
    }

    /// Returns a cell by row and column name.
    pub fn cell(&self, row: usize, name: &str) -> Option<&Cell> {
        self.rows.get(row)?.cells.get(self.position(name)?)
    }
}
