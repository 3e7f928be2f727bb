//! CycloneDX 1.x, in JSON and in XML.

use crate::bom;
use serde_json::Value;

use crate::ingest::document::Document;
use crate::ingest::error::IngestError;
use crate::ingest::{Context, Reader};

/// The reader of CycloneDX.
pub(in crate::ingest::format) struct CycloneDx;

impl Reader for CycloneDx {
    fn name(&self) -> &'static str {
        "cyclonedx"
    }

    fn detect(&self, document: &Document) -> bool {
        match document.json() {
            Some(json) => json["bomFormat"] == "CycloneDX",
            None => document.xml_root() == Some("bom"),
        }
    }

    fn read(&self, document: &Document, context: &Context) -> Result<Vec<Value>, IngestError> {
        let bom = match document.json() {
            Some(json) => bom::read_json(json),
            None => bom::read(document.bytes()),
        };
        Ok(vec![super::event(document, context, self.name(), bom)?])
    }
}
