//! Bills of materials: CycloneDX and SPDX become `sbom.recorded`, with the file as what `diff`
//! compares later (ingest.md 3.10).
//!
//! A large one is read value by value. The one parser of them is that of `diff` (`crate::bom`), so that what is recorded can be compared. The
//! vulnerabilities that some carry are somebody's statement, labelled and never counted as a scan;
//! a document of nothing else lists no parts and is recorded as an attestation.

mod cyclonedx;
mod kept;
mod spdx;

pub(super) use cyclonedx::CycloneDx;
pub(super) use spdx::Spdx;

use crate::bom::{Bom, SbomError};
use relbook_ledger::event::Digest;
use serde_json::{Map, Value, json};

use crate::ingest::Context;
use crate::ingest::document::Document;
use crate::ingest::draft::{Draft, Origin};
use crate::ingest::error::IngestError;
use crate::ingest::time;

/// The artifact that a bill is of.
struct Chosen {
    digest: String,
    check: &'static str,
}

/// Makes the event of a bill.
pub(in crate::ingest::format) fn event(
    document: &Document,
    context: &Context,
    reader: &'static str,
    bom: Result<Bom, SbomError>,
) -> Result<Value, IngestError> {
    let bom = bom.map_err(|error| refused(document, error))?;
    let time = match &bom.created {
        None => None,
        Some(raw) => time::parse(raw).map_err(|()| IngestError::Shape {
            file: document.name().to_owned(),
            place: "the time of creation".to_owned(),
            expected: "a time in RFC 3339",
        })?,
    };
    let chosen = choose(document, context, &bom)?;
    let only_statements = bom.components.is_none() && !bom.vulnerabilities.is_empty();
    let kind = if only_statements { "attestation.recorded" } else { "sbom.recorded" };
    let origin = Origin { system: reader, reader, format: &bom.format };
    let mut draft = Draft::new(kind, origin, document, context, time.as_ref());
    draft.put("component", json!(context.component(document)?));
    draft.put("digest", json!(chosen.digest));
    draft.put("blob", json!(document.digest()));
    draft.put("format", json!(bom.format));
    draft.put("content", content(&bom));
    draft.label("digest_check", Some(chosen.check));
    draft.label("version", context.version.clone());
    draft.label("stage", context.stage.clone());
    draft.label("described_name", bom.subject.name.clone());
    draft.label("described_version", bom.subject.version.clone());
    draft.label("components", bom.components.map(|count| count.to_string()));
    if !bom.vulnerabilities.is_empty() {
        let states = bom.vulnerabilities.iter().map(|(state, count)| format!("{state}={count}"));
        draft.label("vulnerability_states", Some(states.collect::<Vec<_>>().join(",")));
    }
    Ok(Value::Object(draft.finish()))
}

fn content(bom: &Bom) -> Value {
    const CHARS_MAX: usize = 1024;
    let text = |text: &Option<String>| {
        json!(text.as_deref().map(|text| text.chars().take(CHARS_MAX).collect::<String>()))
    };
    let fields = [
        ("name", text(&bom.subject.name)),
        ("version", text(&bom.subject.version)),
        ("purl", text(&bom.subject.purl)),
        ("serial", text(&bom.serial)),
        ("document_version", text(&bom.document_version)),
        ("components", json!(bom.components)),
        ("packages", json!(bom.components.map(|_| bom.package_count()))),
    ];
    let mut all: Map<String, Value> = { fields.into_iter() }
        .filter(|(_, value)| !value.is_null())
        .map(|(name, value)| (name.to_owned(), value))
        .collect();
    if !bom.vulnerabilities.is_empty() {
        all.insert("vulnerabilities".to_owned(), json!(bom.vulnerabilities));
    }
    Value::Object(all)
}

/// Decides which artifact a bill is of. A hash of its bytes must be the given one; a digest of an
/// image stands in a role that is not told, so another one says nothing.
fn choose(document: &Document, context: &Context, bom: &Bom) -> Result<Chosen, IngestError> {
    let file = || document.name().to_owned();
    let held: Vec<&String> = bom.subject.hashes.iter().chain(&bom.subject.images).collect();
    let Some(given) = &context.digest else {
        return match held.as_slice() {
            [] => Err(IngestError::NoDigest { file: file() }),
            [one] => Ok(Chosen { digest: (*one).clone(), check: "from_report" }),
            several => Err(IngestError::SeveralDigests {
                file: file(),
                count: several.len(),
                shown: several.iter().map(|one| one.as_str()).collect::<Vec<_>>().join(", "),
            }),
        };
    };
    Digest::parse(given).map_err(|reason| IngestError::BadDigest { reason })?;
    let chosen = |check| Ok(Chosen { digest: given.clone(), check });
    if held.contains(&given) {
        return chosen("equal");
    }
    let algorithm = given.split_once(':').map_or("", |(algorithm, _)| algorithm);
    let rival = { bom.subject.hashes.iter() }
        .find(|hash| hash.split_once(':').is_some_and(|(own, _)| own == algorithm));
    match rival {
        Some(found) => Err(IngestError::OtherDigest {
            file: file(),
            given: given.clone(),
            found: found.clone(),
            place: "the hash of what it describes",
        }),
        None if held.is_empty() => chosen("not_in_report"),
        None => chosen("not_comparable"),
    }
}

fn refused(document: &Document, error: SbomError) -> IngestError {
    let file = document.name().to_owned();
    match error {
        SbomError::Version(what) => IngestError::Unsupported {
            file,
            what,
            reason: "relbook reads CycloneDX 1.x, SPDX 2.x and SPDX 3.0",
        },
        SbomError::Kept(inner) => match inner.downcast() {
            Ok(error) => *error,
            Err(other) => IngestError::Refused { file, reason: other.to_string() },
        },
        SbomError::Shape { place, expected } => IngestError::Shape { file, place, expected },
        other => IngestError::Unsupported {
            file,
            what: format!("a bill of materials, but {other}"),
            reason: "write it again with the tool that made it",
        },
    }
}
