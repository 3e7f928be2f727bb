//! What GitHub keeps of attestations: the answer of its API for a digest, and what `gh attestation
//! verify --format json` prints. Both wrap sigstore bundles.
//!
//! Only the bundles are read. That `gh` verified them is its caller's word, and nobody signed it.

use serde_json::Value;

use super::{Attestation, bundle, record};
use crate::ingest::document::Document;
use crate::ingest::error::IngestError;
use crate::ingest::json::Place;
use crate::ingest::{Context, Reader};

/// The reader of GitHub's attestations.
pub(in crate::ingest::format) struct Github;

const NAME: &str = "github-attestations";

impl Reader for Github {
    fn name(&self) -> &'static str {
        NAME
    }

    fn detect(&self, document: &Document) -> bool {
        let Some(json) = document.json() else { return false };
        let has = |one: &Value, keys: [&str; 2]| keys.iter().any(|key| one.get(key).is_some());
        let all =
            |list: &[Value], is: &dyn Fn(&Value) -> bool| !list.is_empty() && list.iter().all(is);
        match (json.as_array(), json.get("attestations").and_then(Value::as_array)) {
            (Some(verified), _) => all(verified, &|one| {
                one.get("attestation").is_some_and(|one| has(one, ["bundle", "bundle_url"]))
            }),
            (_, Some(listed)) => all(listed, &|one| has(one, ["bundle", "bundle_url"])),
            _ => false,
        }
    }

    fn is_signed(&self) -> bool {
        true
    }

    fn read(&self, document: &Document, context: &Context) -> Result<Vec<Value>, IngestError> {
        let top = Place::top(document)?;
        let mut listed = Vec::new();
        if top.value().is_array() {
            for one in top.items()? {
                listed.push(one.must("attestation", "an `attestation`")?);
            }
        } else {
            listed = top.list("attestations")?.unwrap_or_default();
        }
        let mut all = Vec::new();
        for place in &listed {
            let what = "an attestation with its `bundle` (fetch it with `gh attestation download`)";
            let inner = bundle::read_at(&place.must("bundle", what)?, document, context)?;
            let format = format!("{NAME}/1");
            all.push((document, Attestation { reader: NAME, format, system: "github", ..inner }));
        }
        record::events(document, all, context)
    }
}
