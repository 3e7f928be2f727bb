//! What deployment tools remember, for importers: the same readers, object by object.

use super::argo::application;
use super::kargo;
use crate::ingest::{Context, Document, History, IngestError};

/// Tells whether an object is an Application of Argo CD.
pub fn is_application(document: &Document) -> bool {
    application::is(document)
}

/// Tells whether an object is a Promotion of Kargo.
pub fn is_promotion(document: &Document) -> bool {
    kargo::is(document, &["Promotion"])
}

/// Tells whether an object is a Stage of Kargo.
pub fn is_stage(document: &Document) -> bool {
    kargo::is(document, &["Stage"])
}

/// Tells whether an object is a Freight of Kargo.
pub fn is_freight(document: &Document) -> bool {
    kargo::is(document, &["Freight"])
}

/// Reads the deploys of an Application.
///
/// # Errors
/// [`IngestError`] when nothing of it can be read.
pub fn application(document: &Document, context: &Context) -> Result<History, IngestError> {
    application::history(document, context)
}

/// Reads the deploys of a Promotion or a Stage.
///
/// # Errors
/// [`IngestError`] when nothing of it can be read.
pub fn promotions(document: &Document, context: &Context) -> Result<History, IngestError> {
    kargo::history(document, context)
}

/// Returns the words by which an object can be mapped to a place: the Stage of Kargo; name,
/// cluster and namespace of an Application.
pub fn places(document: &Document) -> Vec<&str> {
    if !is_application(document) {
        return kargo::stage(document).into_iter().collect();
    }
    let text = |pointer| document.json().and_then(|json| json.pointer(pointer)?.as_str());
    ["/metadata/name", "/spec/destination/name", "/spec/destination/namespace"]
        .into_iter()
        .filter_map(text)
        .collect()
}
