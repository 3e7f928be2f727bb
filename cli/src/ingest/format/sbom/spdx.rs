//! SPDX 2.x in JSON and SPDX 3 in JSON-LD.

use crate::bom;
use serde_json::Value;

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

    fn detect(&self, document: &Document) -> bool {
        let is_own = |json: &Value| json["spdxVersion"].is_string() || bom::is_spdx3(json);
        document.json().is_some_and(is_own)
    }

    fn read(&self, document: &Document, context: &Context) -> Result<Vec<Value>, IngestError> {
        let top = Place::top(document)?;
        let bom = bom::read_json(top.value());
        Ok(vec![super::event(document, context, self.name(), bom)?])
    }
}
