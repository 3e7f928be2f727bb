//! SLSA provenance without its statement: the predicate that is given to `cosign attest`, or what
//! `docker buildx imagetools inspect --format '{{json .Provenance}}'` prints. It names no subject
//! and nobody signed it; of which artifact it is, the caller says.

use std::borrow::Cow;

use serde_json::{Value, json};

use super::signing::Signing;
use super::statement::Statement;
use super::{Attestation, Said, record};
use crate::ingest::document::Document;
use crate::ingest::error::IngestError;
use crate::ingest::{Context, Reader};

/// The reader of the bare predicate.
pub(in crate::ingest::format) struct BareSlsa;

const NAME: &str = "slsa-predicate";

/// Returns the predicate and the version of SLSA that it is of.
fn predicate(json: &Value) -> Option<(&Value, &'static str)> {
    let inner = json.get("SLSA").unwrap_or(json);
    let has = |key: &str| inner.get(key).is_some();
    if has("buildDefinition") && has("runDetails") {
        Some((inner, "v1"))
    } else if has("builder")
        && has("buildType")
        && ["invocation", "metadata", "materials"].into_iter().any(has)
    {
        Some((inner, "v0.2"))
    } else {
        None
    }
}

impl Reader for BareSlsa {
    fn name(&self) -> &'static str {
        NAME
    }

    fn detect(&self, document: &Document) -> bool {
        document.json().is_some_and(|json| predicate(json).is_some())
    }

    fn read(&self, document: &Document, context: &Context) -> Result<Vec<Value>, IngestError> {
        let Some((predicate, version)) = document.json().and_then(predicate) else {
            let (file, place) = (document.name().to_owned(), "the document".to_owned());
            let expected = "a SLSA predicate (`buildDefinition` or `builder`)";
            return Err(IngestError::Shape { file, place, expected });
        };
        let statement = json!({
            "_type": "https://in-toto.io/Statement/v1", "subject": [{}],
            "predicateType": format!("https://slsa.dev/provenance/{version}"),
            "predicate": predicate,
        });
        let statement = document.inner(document.name().to_owned(), statement);
        let attestation = Attestation {
            reader: NAME,
            format: format!("{NAME}/{version}"),
            system: "slsa",
            said: Said::Statement(Statement::read(Cow::Owned(statement))?),
            signing: Signing::default(),
        };
        record::events(document, vec![(document, attestation)], context)
    }
}
