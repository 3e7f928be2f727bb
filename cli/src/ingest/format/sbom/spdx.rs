//! SPDX 2.x in JSON or as tags and values, and SPDX 3 in JSON-LD.

use crate::bom;
use serde_json::Value;

use super::kept::Kept;
use crate::ingest::document::Document;
use crate::ingest::error::IngestError;
use crate::ingest::json::Place;
use crate::ingest::{Context, Reader};

/// The reader of SPDX.
pub(in crate::ingest::format) struct Spdx;

impl Reader for Spdx {
    fn name(&self) -> &'static str {
        "spdx"
    }

    fn streams(&self) -> bool {
        true
    }

    fn detect(&self, document: &Document) -> bool {
        match document.json() {
            Some(json) => bom::is_spdx(json),
            None => document.xml_root().is_none() && bom::is_tags(document.text()),
        }
    }

    fn read(&self, document: &Document, context: &Context) -> Result<Vec<Value>, IngestError> {
        let bom = match document.json() {
            Some(_) => bom::count(&Kept(Place::top(document)?)),
            None => bom::count_tags(document.text()),
        };
        Ok(vec![super::event(document, context, self.name(), bom)?])
    }
}
