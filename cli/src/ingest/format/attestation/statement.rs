//! In-toto statements: what is attested, about which subjects.
//!
//! A subject goes by its digests; its name is a text that anybody may choose, can repeat, and is
//! often `_`. A digest of an unknown algorithm is kept and compared with its own kind only; forty
//! digits under `sha256` are a commit in the wrong place and no digest.

use std::borrow::Cow;

use relbook_ledger::event::Digest;
use serde_json::Value;

use super::signing::Signing;
use super::{Attestation, Said, record};
use crate::ingest::document::Document;
use crate::ingest::error::IngestError;
use crate::ingest::json::Place;
use crate::ingest::{Context, Reader};

/// The reader of bare statements, which nobody signed.
pub(in crate::ingest::format) struct InToto;

const TYPE: &str = "https://in-toto.io/Statement/";

/// Algorithms from the strongest name of an artifact to the weakest.
const PREFERRED: [&str; 5] = ["sha256", "sha512", "sha384", "blake3", "gitCommit"];

impl Reader for InToto {
    fn name(&self) -> &'static str {
        "in-toto"
    }

    fn detect(&self, document: &Document) -> bool {
        let json = document.json();
        let kind = json.and_then(|json| json.get("_type")).and_then(Value::as_str);
        kind.is_some_and(|kind| kind.starts_with(TYPE))
    }

    fn is_signed(&self) -> bool {
        true
    }

    fn read(&self, document: &Document, context: &Context) -> Result<Vec<Value>, IngestError> {
        record::events(document, vec![(document, read(document, context)?)], context)
    }
}

/// Reads a bare statement.
pub(super) fn read<'a>(
    document: &'a Document,
    context: &Context,
) -> Result<Attestation<'a>, IngestError> {
    if context.verification.asked() {
        return Err(IngestError::NotAuthentic {
            file: document.name().to_owned(),
            reason: "a bare in-toto statement is not signed, so there is nothing to verify; give \
                     the DSSE envelope or bundle that it came in"
                .to_owned(),
        });
    }
    let statement = Statement::read(Cow::Borrowed(document))?;
    Ok(Attestation {
        reader: "in-toto",
        format: format!("in-toto-statement/{}", statement.version),
        system: "in-toto",
        said: Said::Statement(statement),
        signing: Signing::default(),
    })
}

/// A statement.
#[derive(Debug)]
pub(super) struct Statement<'a> {
    /// The document that it is: a file, a line, or a decoded payload.
    pub(super) document: Cow<'a, Document>,
    /// `v0.1` or `v1`.
    pub(super) version: &'static str,
    pub(super) predicate_type: String,
    pub(super) subjects: Vec<Subject>,
}

/// What a statement is about.
#[derive(Debug, Default)]
pub(super) struct Subject {
    pub(super) name: Option<String>,
    pub(super) uri: Option<String>,
    /// Its digests, the preferred one first.
    pub(super) digests: Vec<String>,
    /// What stands where a digest should and is none.
    pub(super) broken: Vec<String>,
}

impl<'a> Statement<'a> {
    /// Reads a statement.
    pub(super) fn read(document: Cow<'a, Document>) -> Result<Self, IngestError> {
        let top = Place::top(&document)?;
        let kind = top.text("_type")?.unwrap_or_default();
        let version = match kind.strip_prefix(TYPE) {
            Some("v0.1") => "v0.1",
            Some("v1") => "v1",
            Some(other) => {
                return Err(IngestError::Unsupported {
                    file: document.name().to_owned(),
                    what: format!("in-toto statement {other}"),
                    reason: "relbook reads v0.1 and v1",
                });
            }
            None => return Err(top.expected("an in-toto statement (`_type`)")),
        };
        let Some(predicate_type) = top.text("predicateType")? else {
            return Err(top.expected("an in-toto statement with a `predicateType`"));
        };
        let predicate_type = predicate_type.to_owned();
        let listed = top.list("subject")?.unwrap_or_default();
        if listed.is_empty() {
            return Err(top.expected("an in-toto statement with a `subject`"));
        }
        let subjects = listed.iter().map(read_subject).collect::<Result<_, _>>()?;
        Ok(Self { document, version, predicate_type, subjects })
    }

    /// Returns which subject has a digest.
    pub(super) fn position(&self, digest: &str) -> Option<usize> {
        self.subjects.iter().position(|one| one.digests.iter().any(|found| found == digest))
    }

    /// Returns where the predicate is.
    pub(super) fn predicate(&self) -> Result<Option<Place<'_>>, IngestError> {
        Place::top(&self.document)?.at("predicate")
    }
}

fn read_subject(place: &Place<'_>) -> Result<Subject, IngestError> {
    let mut subject = Subject {
        name: place.text("name")?.map(str::to_owned),
        uri: place.text("uri")?.map(str::to_owned),
        ..Subject::default()
    };
    let Some(digests) = place.at("digest")? else { return Ok(subject) };
    for (algorithm, _) in digests.object()? {
        let hex = digests.text(algorithm)?.unwrap_or_default();
        let digest = format!("{algorithm}:{hex}");
        match Digest::parse(&digest) {
            Ok(_) => subject.digests.push(digest),
            Err(_) => subject.broken.push(digest),
        }
    }
    let rank = |digest: &String| {
        let name = record::algorithm(digest);
        PREFERRED.iter().position(|known| *known == name).unwrap_or(PREFERRED.len())
    };
    subject.digests.sort_by_key(rank);
    Ok(subject)
}
