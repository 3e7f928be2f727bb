//! Which artifact a report is about, and in which role its digest stands (ingest.md 1.5).
//!
//! One image has an index digest, a manifest digest per platform and a config digest (its "image
//! ID"). They are never compared with each other: a digest that was given is checked only against
//! the same role, and a digest that the report holds is used only under its own role.

use relbook_ledger::event::Digest;

use super::Context;
use super::document::Document;
use super::error::IngestError;

/// The digests that a report holds, by role. Texts that are no digest are left out.
#[derive(Debug, Clone, Default)]
pub(in crate::ingest) struct Held {
    /// What the registry calls the image: its index, or its manifest where there is one platform.
    pub(in crate::ingest) registry: Vec<String>,
    /// Where the report says so.
    pub(in crate::ingest) registry_place: &'static str,
    /// The manifest of the platform that was scanned.
    pub(in crate::ingest) manifest: Option<String>,
    /// The image ID.
    pub(in crate::ingest) config: Option<String>,
}

impl Held {
    /// Takes `repository@digest`, or a bare digest, as one that the registry knows.
    pub(in crate::ingest) fn push_registry(&mut self, reference: &str) {
        let digest = reference.rsplit_once('@').map_or(reference, |(_, digest)| digest);
        if Digest::parse(digest).is_ok() && !self.registry.iter().any(|known| known == digest) {
            self.registry.push(digest.to_owned());
        }
    }
}

/// Takes a text when it is a digest: redacted and empty ones are common.
pub(in crate::ingest) fn usable(text: Option<&str>) -> Option<String> {
    text.filter(|text| Digest::parse(text).is_ok()).map(str::to_owned)
}

/// The artifact of an event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::ingest) struct Subject {
    pub(in crate::ingest) digest: String,
    /// `index`, `manifest` or `config`; absent when nothing says which it is.
    pub(in crate::ingest) role: Option<&'static str>,
    /// What is known of the digest: `equal` (given and in the report), `from_report`,
    /// `not_comparable` (the report holds other roles only), `not_in_report`.
    pub(in crate::ingest) check: &'static str,
}

/// Decides which artifact the report is about.
///
/// # Errors
/// [`IngestError::NoDigest`], [`IngestError::SeveralDigests`], [`IngestError::BadDigest`] or
/// [`IngestError::OtherDigest`].
pub(in crate::ingest) fn subject(
    document: &Document,
    context: &Context,
    held: &Held,
) -> Result<Subject, IngestError> {
    match context.digest.as_deref() {
        Some(given) => given_subject(document, given, held),
        None => held_subject(document, held),
    }
}

fn given_subject(document: &Document, given: &str, held: &Held) -> Result<Subject, IngestError> {
    Digest::parse(given).map_err(|reason| IngestError::BadDigest { reason })?;
    let found = |role, check| Ok(Subject { digest: given.to_owned(), role, check });
    if held.manifest.as_deref() == Some(given) {
        return found(Some("manifest"), "equal");
    }
    if held.registry.iter().any(|digest| digest == given) {
        return found(Some("index"), "equal");
    }
    if held.config.as_deref() == Some(given) {
        return found(Some("config"), "equal");
    }
    // What identifies an image in the book is what its registry calls it (semantics A.3).
    let rivals: Vec<&str> = held
        .registry
        .iter()
        .filter(|digest| algorithm(digest) == algorithm(given))
        .map(String::as_str)
        .collect();
    if !rivals.is_empty() {
        return Err(IngestError::OtherDigest {
            file: document.name().to_owned(),
            given: given.to_owned(),
            found: rivals.join(", "),
            place: held.registry_place,
        });
    }
    if held.manifest.is_some() || held.config.is_some() {
        return found(None, "not_comparable");
    }
    found(None, "not_in_report")
}

fn held_subject(document: &Document, held: &Held) -> Result<Subject, IngestError> {
    const SHOWN: usize = 3;
    let found = |digest: &String, role| {
        Ok(Subject { digest: digest.clone(), role: Some(role), check: "from_report" })
    };
    match (held.registry.as_slice(), &held.manifest, &held.config) {
        ([digest], Some(manifest), _) if digest == manifest => found(digest, "manifest"),
        ([digest], ..) => found(digest, "index"),
        ([], Some(manifest), _) => found(manifest, "manifest"),
        ([], None, Some(config)) => found(config, "config"),
        ([], None, None) => Err(IngestError::NoDigest { file: document.name().to_owned() }),
        (several, ..) => Err(IngestError::SeveralDigests {
            file: document.name().to_owned(),
            count: several.len(),
            shown: several.iter().take(SHOWN).cloned().collect::<Vec<_>>().join(", "),
        }),
    }
}

fn algorithm(digest: &str) -> &str {
    digest.split_once(':').map_or("", |(algorithm, _)| algorithm)
}
