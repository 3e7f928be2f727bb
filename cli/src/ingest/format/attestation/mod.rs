//! Attestations: in-toto statements, bare, in DSSE envelopes, in sigstore bundles, and in the files
//! that npm and Google Cloud Build wrap around those (ingest.md 3.4, 3.5).
//!
//! Each becomes one `attestation.recorded`, with the file as its evidence; a predicate that says
//! what a build, scan, check or publication came to becomes that event too, when everything that
//! it needs is there. What is missing is named in a label, never guessed. Nothing is called
//! verified unless a signature was checked here against a key that the caller gave.

mod bare_slsa;
mod bare_vuln;
mod bundle;
mod cloud_build;
mod derived;
mod envelope;
mod github;
mod log_entry;
mod npm;
mod predicate;
mod provenance;
mod record;
mod signing;
mod statement;

pub(super) use bare_slsa::BareSlsa;
pub(super) use bare_vuln::BareVuln;
pub(super) use bundle::Bundle;
pub(super) use cloud_build::CloudBuild;
pub(super) use envelope::Envelope;
pub(super) use github::Github as GithubAttestations;
pub(super) use npm::Npm;
pub(super) use statement::InToto;

use serde_json::Value;

use crate::ingest::document::Document;
use crate::ingest::error::IngestError;
use crate::ingest::{Context, Reader};
use signing::Signing;
use statement::Statement;

/// One attestation of a file.
#[derive(Debug)]
struct Attestation<'a> {
    /// The name of the reader.
    reader: &'static str,
    /// The format and its version.
    format: String,
    /// What wrote the file around it.
    system: &'static str,
    said: Said<'a>,
    signing: Signing,
}

/// What was signed.
#[derive(Debug)]
#[expect(
    clippy::large_enum_variant,
    reason = "one per attestation, and it is a statement nearly always"
)]
enum Said<'a> {
    Statement(Statement<'a>),
    /// The digest of some bytes, which are not here.
    Bytes(Option<String>),
}

impl Attestation<'_> {
    /// Tells whether a digest is one of those that it is about.
    fn names(&self, digest: &str) -> bool {
        match &self.said {
            Said::Statement(statement) => statement.position(digest).is_some(),
            Said::Bytes(found) => found.as_deref() == Some(digest),
        }
    }
}

/// Reads a file of lines when at least one of them is an attestation; others are left alone, and
/// so is their order: such a file is not signed as a whole (in-toto bundles).
pub(in crate::ingest) fn read_lines(
    document: &Document,
    context: &Context,
) -> Option<Result<Vec<Value>, IngestError>> {
    let mut all = Vec::new();
    for line in document.parts() {
        let Some(read) = read_one(line, context) else { continue };
        match read {
            Ok(found) => all.extend(found.into_iter().map(|one| (line, one))),
            Err(error) => return Some(Err(error)),
        }
    }
    (!all.is_empty()).then(|| record::events(document, all, context))
}

type Found<'a> = Result<Vec<Attestation<'a>>, IngestError>;

fn read_one<'a>(line: &'a Document, context: &Context) -> Option<Found<'a>> {
    if Bundle.detect(line) {
        Some(bundle::read(line, context).map(|one| vec![one]))
    } else if Envelope.detect(line) {
        Some(envelope::read(line, context).map(|one| vec![one]))
    } else if InToto.detect(line) {
        Some(statement::read(line, context).map(|one| vec![one]))
    } else {
        None
    }
}
