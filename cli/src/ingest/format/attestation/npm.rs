//! What npm's registry answers for the attestations of a package version: a list of sigstore
//! bundles, one of the registry about the publication and one of the build.

use serde_json::Value;

use super::{Attestation, Said, bundle, record};
use crate::ingest::document::Document;
use crate::ingest::error::IngestError;
use crate::ingest::json::Place;
use crate::ingest::{Context, Reader};

/// The reader of npm's attestations.
pub(in crate::ingest::format) struct Npm;

impl Reader for Npm {
    fn name(&self) -> &'static str {
        "npm-attestations"
    }

    fn detect(&self, document: &Document) -> bool {
        let json = document.json();
        let list = json.and_then(|json| json.get("attestations")).and_then(Value::as_array);
        let is_own =
            |one: &Value| one.get("predicateType").is_some() && one.get("bundle").is_some();
        list.is_some_and(|list| !list.is_empty() && list.iter().all(is_own))
    }

    fn is_signed(&self) -> bool {
        true
    }

    fn read(&self, document: &Document, context: &Context) -> Result<Vec<Value>, IngestError> {
        let top = Place::top(document)?;
        let mut all = Vec::new();
        for place in top.list("attestations")?.unwrap_or_default() {
            let Some(at) = place.at("bundle")? else {
                return Err(place.expected("an attestation with its `bundle`"));
            };
            let inner = bundle::read_at(&at, document, context)?;
            let listed = place.text("predicateType")?.unwrap_or_default();
            if let Said::Statement(statement) = &inner.said
                && statement.predicate_type != listed
            {
                return Err(place.expected_under("predicateType", "what the statement says"));
            }
            let format = "npm-attestations/1".to_owned();
            let reader = "npm-attestations";
            all.push((document, Attestation { reader, format, system: "npm", ..inner }));
        }
        record::events(document, all, context)
    }
}
