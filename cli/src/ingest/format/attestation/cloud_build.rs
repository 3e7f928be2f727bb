//! Provenance of Google Cloud Build, as `gcloud artifacts docker images describe` prints it: a
//! summary of an image with signed envelopes, one per version of SLSA.
//!
//! Only the envelopes are read. What the file repeats outside of them nobody signed.

use serde_json::Value;

use super::envelope::Opened;
use super::signing::Signing;
use super::{Attestation, Said, record};
use crate::ingest::document::Document;
use crate::ingest::error::IngestError;
use crate::ingest::json::Place;
use crate::ingest::{Context, Reader};

/// The reader of provenance of Google Cloud Build.
pub(in crate::ingest::format) struct CloudBuild;

const NAME: &str = "google-cloud-build";

impl Reader for CloudBuild {
    fn name(&self) -> &'static str {
        NAME
    }

    fn detect(&self, document: &Document) -> bool {
        let keys = ["image_summary", "provenance_summary"];
        document.json().is_some_and(|json| keys.iter().all(|key| json.get(key).is_some()))
    }

    fn is_signed(&self) -> bool {
        true
    }

    fn read(&self, document: &Document, context: &Context) -> Result<Vec<Value>, IngestError> {
        let top = Place::top(document)?;
        let mut all = Vec::new();
        let summary = top.at("provenance_summary")?;
        let listed = match summary {
            Some(summary) => summary.list("provenance")?.unwrap_or_default(),
            None => Vec::new(),
        };
        for place in &listed {
            let Some(envelope) = place.at("envelope")? else { continue };
            let opened = Opened::read(&envelope)?;
            let verified_by = opened.verify(document.name(), context)?;
            let signing = Signing { key_ids: opened.key_ids(), verified_by, ..Signing::default() };
            if signing.verified_by.is_none() && context.verification.asked() {
                return Err(IngestError::NotAuthentic {
                    file: document.name().to_owned(),
                    reason: "these envelopes are signed with a key of Google; give it with \
                             --verify-key"
                        .to_owned(),
                });
            }
            let said = Said::Statement(opened.statement(document)?);
            let format = format!("{NAME}/1");
            all.push((document, Attestation { reader: NAME, format, system: NAME, said, signing }));
        }
        if all.is_empty() {
            return Err(top.expected("at least one provenance with its envelope"));
        }
        let mut context = context.clone();
        if let (None, Some(image)) = (&context.digest, top.at("image_summary")?) {
            // An image of several tags is one subject per tag, all of one digest.
            context.digest = image.text("digest")?.map(str::to_owned);
        }
        record::events(document, all, &context)
    }
}
