//! CycloneDX 1.x, in JSON and in XML.

use crate::bom;
use serde_json::Value;

use super::kept::Kept;
use crate::ingest::document::Document;
use crate::ingest::error::IngestError;
use crate::ingest::json::Place;
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

    fn streams(&self) -> bool {
        true
    }

    fn read(&self, document: &Document, context: &Context) -> Result<Vec<Value>, IngestError> {
        let bom = match document.xml_source() {
            Some(source) => bom::count_xml(source),
            None => bom::count(&Kept(Place::top(document)?)),
        };
        Ok(vec![super::event(document, context, self.name(), bom)?])
    }
}
