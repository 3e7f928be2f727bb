//! Versions and commits of releases, held against the registry and against what the caller said.

use relbook_ledger::event::Digest;
use relbook_ledger::version::{Scheme, tag_version};

use super::Context;
use super::document::Document;
use super::error::IngestError;

/// Makes a refusal.
pub(in crate::ingest) fn refused(document: &Document, reason: impl Into<String>) -> IngestError {
    IngestError::Refused { file: document.name().to_owned(), reason: reason.into() }
}

/// Makes the error that a field is neither in the file nor given.
pub(in crate::ingest) fn missing(
    document: &Document,
    field: &'static str,
    why: impl Into<String>,
) -> IngestError {
    IngestError::Missing { file: document.name().to_owned(), field, why: why.into() }
}

/// Takes a version of a component, without the prefix that its tags have.
///
/// # Errors
/// [`IngestError::Refused`] when it is none of the component's scheme, or not the one given.
pub(in crate::ingest) fn version(
    document: &Document,
    context: &Context,
    component: &str,
    raw: &str,
) -> Result<String, IngestError> {
    let registered = context.registry.component(component);
    let scheme = registered.map_or(&Scheme::Semver, |component| &component.scheme);
    let prefix = registered.map_or("", |component| component.tag_prefix());
    let bare = if prefix.is_empty() { raw } else { tag_version(raw, prefix).unwrap_or(raw) };
    scheme.parse_version(bare).map_err(|error| refused(document, error.to_string()))?;
    match &context.version {
        Some(given) if given != bare => {
            Err(refused(document, format!("it is version {bare}, not {given} (--version)")))
        }
        _ => Ok(bare.to_owned()),
    }
}

/// Takes the commit that the file names, or the one that was given.
///
/// # Errors
/// [`IngestError::Missing`] for none, [`IngestError::Refused`] for two or for a text that is no
/// full commit id.
pub(in crate::ingest) fn commit(
    document: &Document,
    context: &Context,
    held: Option<&str>,
) -> Result<String, IngestError> {
    let commit = match (held, context.commit.as_deref()) {
        (Some(held), Some(given)) if held != given => {
            return Err(refused(
                document,
                format!("it was built from {held}, not from {given} (--commit)"),
            ));
        }
        (Some(commit), _) | (None, Some(commit)) => commit,
        (None, None) => {
            let why = "the file does not say which commit it was built from; give it with --commit";
            return Err(missing(document, "commit", why));
        }
    };
    let full = matches!(commit.len(), 40 | 64);
    if !full || !commit.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b)) {
        return Err(refused(document, format!("`{commit}` is no full commit id")));
    }
    Ok(commit.to_owned())
}

/// Takes the digest that was given, for a file that holds none.
///
/// # Errors
/// [`IngestError::Missing`] saying why the file holds none, [`IngestError::BadDigest`].
pub(in crate::ingest) fn given_digest(
    document: &Document,
    context: &Context,
    why: &str,
) -> Result<String, IngestError> {
    let Some(given) = &context.digest else { return Err(missing(document, "digest", why)) };
    Digest::parse(given).map_err(|reason| IngestError::BadDigest { reason })?;
    Ok(given.clone())
}

/// Tells what makes a version of a build tool no release: a snapshot, or `git describe`.
pub(in crate::ingest) fn no_release(version: &str) -> Option<&'static str> {
    let upper = version.to_ascii_uppercase();
    let describe = || {
        let (rest, hash) = version.rsplit_once("-g")?;
        let (_, count) = rest.rsplit_once('-')?;
        let is_hash = hash.len() >= 7 && hash.bytes().all(|b| b.is_ascii_hexdigit());
        let is_count = !count.is_empty() && count.bytes().all(|b| b.is_ascii_digit());
        (is_hash && is_count).then_some("a commit after a tag (git describe)")
    };
    if upper.contains("SNAPSHOT") || upper.ends_with("-NEXT") || upper.contains("-NIGHTLY") {
        return Some("a snapshot");
    }
    describe()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn snapshots_and_descriptions_are_no_releases() {
        for version in [
            "2.0.1-next",
            "0.1-SNAPSHOT-025ae2d",
            "1.0.0-SNAPSHOT",
            "0.9.1-6-g575b899",
            "1.0.0-nightly",
        ] {
            assert!(no_release(version).is_some(), "{version}");
        }
        for version in ["1.0.0", "1.0.0-rc.1", "1.0.0-next.1", "1.0.0-gamma", "2026.06.3"] {
            assert!(no_release(version).is_none(), "{version}");
        }
    }
}
