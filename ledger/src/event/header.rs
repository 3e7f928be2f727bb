//! What every event has, whatever its kind (contract section 2).

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Map, Value};

use super::field::{Digest, FieldSpec, FieldType, Name, StringMap};
use crate::time::Time;

/// A checkpoint that the author knew when it signed: proves "not before" (ledger-format 6).
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Seen {
    /// The number of entries under the checkpoint.
    pub size: u64,
    /// The RFC 6962 root, in standard base64.
    pub root: String,
}

/// The fields that every event has.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
pub struct Header {
    /// The author's own id, a UUIDv7; the same id with the same bytes is the same event.
    #[schemars(with = "String", extend("format" = "uuid"))]
    pub id: uuid::Uuid,
    /// The origin of the book that the event is for.
    pub ledger: Option<Name>,
    /// When it happened, as the author claims.
    pub occurred_at: Time,
    /// The ledger's clock, only in a book with a simulated clock.
    pub recorded_at: Option<Time>,
    /// The component that the event is about.
    pub component: Option<Name>,
    /// Free labels, text to text.
    pub labels: Option<StringMap>,
    /// Where the event came from: system, url, run_id, run_attempt, format, reader and more.
    pub source: Option<Map<String, Value>>,
    /// The digests of evidence kept as blobs.
    pub evidence: Option<Vec<Digest>>,
    /// A checkpoint that the author knew.
    pub seen: Option<Seen>,
}

/// The fields of [`Header`] and `kind`, as admission and SQL see them.
pub const HEADER_FIELDS: &[FieldSpec] = &[
    spec("id", "The author's own id, a UUIDv7.", true, FieldType::Text),
    spec("kind", "What happened.", true, FieldType::Text),
    spec("ledger", "The origin of the book that the event is for.", false, FieldType::Text),
    spec("occurred_at", "When it happened, as the author claims.", true, FieldType::Time),
    spec("recorded_at", "The ledger's clock, in a simulated book only.", false, FieldType::Time),
    spec("component", "The component that the event is about.", false, FieldType::Text),
    spec("labels", "Free labels, text to text.", false, FieldType::Json),
    spec("source", "Where the event came from.", false, FieldType::Json),
    spec("evidence", "The digests of evidence kept as blobs.", false, FieldType::TextList),
    spec("seen", "A checkpoint that the author knew.", false, FieldType::Json),
];

const fn spec(name: &'static str, doc: &'static str, required: bool, ty: FieldType) -> FieldSpec {
    FieldSpec { name, doc, required, ty, is_prose: false }
}
