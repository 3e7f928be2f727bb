//! The typed vocabulary: what may be written into a book (contract section 2).
//!
//! Every kind is declared once, in the file of its family, by the macro in `macros.rs`; the Rust
//! type, the field table that admission and SQL read, and the JSON Schema all come from that
//! declaration, so they cannot disagree. Reading an event checks its shape and nothing else:
//! whether it may be appended is `admission`, whether it counts is a verdict of the query crate.

#[macro_use]
mod macros;
mod field;
mod header;
mod prose;
mod schema;
mod word;

pub mod approval;
pub mod artifact;
pub mod check;
pub mod deploy;
pub mod incident;
pub mod release;
pub mod source;
pub mod trust;

pub use field::{Digest, FieldSpec, FieldType, Name, StringMap};
pub use header::{HEADER_FIELDS, Header, Seen};
pub use prose::{Prose, Sealed, is_subject, shown};
pub use schema::{schema, schema_files};
pub use word::{Decision, FinishOutcome, Reason, ReleaseModel, ScanStatus, Stage, TestResult};

use serde_json::{Map, Value};

/// Says which field of an event has the wrong shape, and why.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{field}: {message}")]
pub struct ShapeError {
    /// The path of the field, such as `cases.passed`.
    pub field: String,
    /// What is wrong with its value.
    pub message: String,
}

/// An event as its author wrote it: what every event has, and what its kind adds.
#[derive(Debug, Clone, PartialEq)]
pub struct Event {
    /// The fields that every event has.
    pub header: Header,
    /// The fields of its kind.
    pub body: Body,
}

impl Event {
    /// Returns the component, or the empty text for kinds that have none.
    pub fn component(&self) -> &str {
        self.header.component.as_deref().unwrap_or_default()
    }

    /// Returns the kind.
    pub fn kind(&self) -> Kind {
        self.body.kind()
    }

    /// Calls `visit` with each free text, to change what is shown.
    pub fn prose_mut(&mut self, mut visit: impl FnMut(&mut Prose)) {
        if let Some(labels) = &mut self.header.labels {
            field::FieldValue::prose_mut(labels, &mut visit);
        }
        self.body.prose_mut(&mut visit);
    }

    /// Returns the sealed fields: path and seal.
    pub fn sealed(&self) -> Vec<(String, Sealed)> {
        let mut seals = Vec::new();
        if let Some(labels) = &self.header.labels {
            field::FieldValue::seals(labels, "labels", &mut seals);
        }
        self.body.seals(&mut seals);
        seals
    }

    /// Returns the digests of all blobs that the event names.
    pub fn blobs(&self) -> Vec<Digest> {
        let mut blobs: Vec<Digest> = self.header.evidence.clone().unwrap_or_default();
        match &self.body {
            Body::AttestationRecorded(spec) => blobs.push(spec.blob.clone()),
            Body::SbomRecorded(spec) => blobs.push(spec.blob.clone()),
            _ => {}
        }
        blobs.extend(self.sealed().into_iter().map(|(_, seal)| seal.ciphertext_ref));
        blobs
    }

    /// Reads the fields of an event whose field names were checked already.
    ///
    /// # Errors
    /// [`ShapeError`] naming the first field whose value has the wrong type or form.
    pub fn from_fields(kind: Kind, fields: &Map<String, Value>) -> Result<Self, ShapeError> {
        let (mut head, mut rest) = (Map::new(), Map::new());
        for (name, value) in fields {
            let side =
                if HEADER_FIELDS.iter().any(|f| f.name == name) { &mut head } else { &mut rest };
            side.insert(name.clone(), value.clone());
        }
        Ok(Self {
            header: read(Value::Object(head))?,
            body: Body::read(kind, Value::Object(rest))?,
        })
    }
}

pub(crate) fn read<T: serde::de::DeserializeOwned>(value: Value) -> Result<T, ShapeError> {
    serde_path_to_error::deserialize(value).map_err(|error| ShapeError {
        field: error.path().to_string(),
        message: in_words(&error.inner().to_string()),
    })
}

/// Says without names of Rust types what serde says of a value.
fn in_words(message: &str) -> String {
    if message.starts_with("UUID parsing failed") {
        return "must be a UUIDv7 (leave it out and relbook makes one)".to_owned();
    }
    let Some((found, expected)) = message.rsplit_once(", expected ") else {
        return message.to_owned();
    };
    let kinds = ["invalid type: ", "invalid value: ", "unknown variant "];
    let Some(found) = kinds.iter().find_map(|kind| found.strip_prefix(kind)) else {
        return message.to_owned();
    };
    let expected = match expected {
        "u8" => "a whole number from 0 to 255",
        "u32" | "u64" | "usize" => "a whole number, 0 or more",
        "f64" => "a number",
        "a boolean" => "true or false",
        "a sequence" => "a list",
        "a map" => "an object",
        other => other,
    };
    format!("must be {expected}, not {found}")
}

/// What is known of a kind without an event of it.
#[derive(Debug, Clone, Copy)]
pub struct KindSpec {
    /// The kind.
    pub kind: Kind,
    /// The name, such as `build.completed`.
    pub name: &'static str,
    /// What it records, in a sentence.
    pub doc: &'static str,
    /// Whether `component` must be given.
    pub needs_component: bool,
    /// The fields of the kind; those of every event are [`HEADER_FIELDS`].
    pub fields: &'static [FieldSpec],
}

kinds! {
    trust::BookCreated,
    release::ComponentRegistered,
    release::EnvironmentRegistered,
    release::PolicySet,
    release::MatrixPublished,
    source::BranchCreated,
    source::CommitMerged,
    artifact::BuildCompleted,
    source::TagCreated,
    source::TagMoved,
    check::CheckCompleted,
    check::ScanCompleted,
    approval::ApprovalGranted,
    approval::ApprovalRejected,
    approval::ApprovalRevoked,
    deploy::DeployStarted,
    deploy::DeployProgressed,
    deploy::DeployFinished,
    deploy::DeployRemoved,
    artifact::ReleasePublished,
    artifact::ReleaseYanked,
    artifact::ArtifactFlagged,
    artifact::ArtifactUnflagged,
    deploy::RuntimeObserved,
    incident::IncidentOpened,
    incident::IncidentResolved,
    incident::HotfixOpened,
    incident::BreakglassReviewed,
    approval::WaiverGranted,
    approval::FreezeDeclared,
    approval::FreezeLifted,
    artifact::AttestationRecorded,
    artifact::SbomRecorded,
    approval::GateDecided,
    trust::BookRotated,
    trust::KeyEnrolled,
    trust::KeyRevoked,
    trust::KeyCompromised,
    trust::EventCorrected,
    trust::RedactionApplied,
    trust::AppendRefused,
}

impl Kind {
    /// Finds a kind by its name.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|kind| kind.as_str() == name)
    }

    /// Returns the name, such as `build.completed`.
    pub fn as_str(self) -> &'static str {
        self.spec().name
    }

    /// Tells whether events of this kind build the registry (components, environments, policy,
    /// keys), which admission must know before it can judge the next event.
    pub fn is_registry(self) -> bool {
        matches!(
            self,
            Self::BookCreated
                | Self::BookRotated
                | Self::ComponentRegistered
                | Self::EnvironmentRegistered
                | Self::PolicySet
                | Self::KeyEnrolled
                | Self::KeyRevoked
                | Self::KeyCompromised
        )
    }

    /// Tells whether only relbook itself writes this kind.
    pub fn is_written_by_book(self) -> bool {
        matches!(
            self,
            Self::BookCreated | Self::BookRotated | Self::GateDecided | Self::AppendRefused
        )
    }
}

impl std::fmt::Display for Kind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_is_wrong_with_a_value_is_said_without_names_of_types() {
        let said = |value: Value| read::<u32>(value).unwrap_err().message;
        assert_eq!(said(json!("two")), "must be a whole number, 0 or more, not string \"two\"");
        assert_eq!(said(json!(-1)), "must be a whole number, 0 or more, not integer `-1`");
        let stage = read::<Stage>(json!("prod")).unwrap_err().message;
        assert!(
            stage.starts_with("must be one of `dev`, ") && stage.ends_with("not `prod`"),
            "{stage}"
        );
        let id = read::<uuid::Uuid>(json!("unset")).unwrap_err().message;
        assert!(id.contains("UUIDv7"), "{id}");
    }
}
