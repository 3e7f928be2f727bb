//! The predicate of a vulnerability attestation without its statement, as `trivy image --format
//! cosign-vuln` writes it for `cosign attest`. It names no subject and nobody signed it.

use serde_json::Value;

use super::predicate::{self, Predicate};
use crate::ingest::document::Document;
use crate::ingest::error::IngestError;
use crate::ingest::json::Place;
use crate::ingest::{Context, Reader};

/// The reader of the bare predicate.
pub(in crate::ingest::format) struct BareVuln;

const FORMAT: &str = "cosign-vuln-predicate";

impl Reader for BareVuln {
    fn name(&self) -> &'static str {
        FORMAT
    }

    fn detect(&self, document: &Document) -> bool {
        let Some(json) = document.json() else { return false };
        let has = |pointer: &str| json.pointer(pointer).is_some();
        has("/scanner/uri") && (has("/metadata/scanStartedOn") || has("/metadata/scanFinishedOn"))
    }

    fn read(&self, document: &Document, context: &Context) -> Result<Vec<Value>, IngestError> {
        match predicate::scan(FORMAT, &Place::top(document)?)? {
            Predicate::Scan(mut scan) => {
                scan.reader = FORMAT;
                Ok(vec![scan.event(document, context)?])
            }
            Predicate::Uncounted(why) => Err(IngestError::Refused {
                file: document.name().to_owned(),
                reason: format!("a vulnerability predicate, but {why}; give the scanner's report"),
            }),
            _ => Err(Place::top(document)?.expected("a vulnerability predicate")),
        }
    }
}
