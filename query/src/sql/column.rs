//! A column of a log table: its name, its type, and where in an event its value stands.
//!
//! Fields of events come from `KindSpec`, so a field that a kind gains is a column the next
//! moment; only what is no field of an event is spelled out in `catalog.rs`.

use relbook_ledger::event::{FieldSpec, FieldType, Kind};

use crate::table::ColumnType;

/// A column of a log table.
#[derive(Debug, Clone)]
pub(crate) struct LogColumn {
    pub(crate) name: &'static str,
    pub(crate) ty: ColumnType,
    /// What it says, in a sentence.
    pub(crate) doc: &'static str,
    pub(crate) source: Source,
    /// Whether every row has it.
    pub(crate) required: bool,
}

/// Where the value of a column stands.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Source {
    Seq,
    OccurredAt,
    RecordedAt,
    /// Who held the signing key.
    Principal,
    Kind,
    /// A word for the kind, such as `granted`.
    Word(fn(Kind) -> &'static str),
    KeyId,
    Payload,
    PayloadType,
    /// The statement around the event.
    Statement,
    ChainHash,
    LeafHash,
    Signature,
    /// A field of the event.
    Field(&'static str),
    /// A field whose absence means the signer.
    FieldOrSigner(&'static str),
    /// A field whose absence means a word.
    FieldOr(&'static str, &'static str),
    /// A member of an object field.
    Inside(&'static str, &'static str),
    /// A part of the commit message by Conventional Commits.
    Message(MessagePart),
    /// The seq of the event that a field names by id or seq.
    SeqOf(&'static str),
    /// A member of the item, in a table with one row per item.
    Item(&'static str),
    /// The whole item, as JSON text.
    WholeItem,
    /// The position of the item, from 1.
    ItemNumber,
    /// `r` and the position of the item, from 1.
    ItemRowId,
}

/// A part of a commit message (Conventional Commits 1.0.0).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum MessagePart {
    Type,
    Scope,
    Breaking,
}

impl LogColumn {
    pub(crate) const fn new(
        name: &'static str,
        ty: ColumnType,
        source: Source,
        doc: &'static str,
    ) -> Self {
        Self { name, ty, doc, source, required: false }
    }

    pub(crate) const fn required(mut self) -> Self {
        self.required = true;
        self
    }

    pub(crate) fn of_field(field: &FieldSpec) -> Self {
        Self::new(field.name, column_type(field.ty), Source::Field(field.name), field.doc.trim())
    }
}

/// Returns the type of the column that shows a field.
pub(crate) fn column_type(ty: FieldType) -> ColumnType {
    match ty {
        FieldType::Text => ColumnType::Text,
        FieldType::Int => ColumnType::Int,
        FieldType::Float => ColumnType::Float,
        FieldType::Bool => ColumnType::Bool,
        FieldType::Time => ColumnType::Time,
        FieldType::TextList => ColumnType::TextList,
        FieldType::Json => ColumnType::Json,
    }
}
