//! artifacts.json: the files and images of a release. It is not signed; checksums.txt is.

use std::collections::BTreeMap;

use relbook_ledger::event::Digest;
use serde_json::{Value, json};

use super::checksums::Sums;
use super::{Document, IngestError, Place, refused};

/// A file or an image.
pub(super) struct Artifact {
    pub(super) name: String,
    /// The word of goreleaser, such as `Archive`.
    pub(super) kind: String,
    platform: Option<String>,
    /// The checksum of a file, the digest of an image.
    pub(super) digest: Option<String>,
}

impl Artifact {
    /// Tells whether users fetch it, as opposed to what stays in `dist/`.
    pub(super) fn is_for_users(&self) -> bool {
        !matches!(self.kind.as_str(), "Binary" | "Metadata" | "Universal Binary" | "Checksum")
    }

    /// A file that stands for a platform: an archive or package, or a binary that is uploaded.
    fn is_member(&self) -> bool {
        self.is_for_users() && !matches!(self.kind.as_str(), "Signature" | "SBOM" | "Certificate")
    }
}

/// Reads the list.
pub(super) fn read(document: &Document) -> Result<Vec<Artifact>, IngestError> {
    Place::top(document)?.items()?.iter().map(artifact).collect()
}

fn artifact(entry: &Place<'_>) -> Result<Artifact, IngestError> {
    let name = entry.text("name")?.ok_or_else(|| entry.expected_under("name", "a name"))?;
    let kind = entry.text("type")?.ok_or_else(|| entry.expected_under("type", "a word"))?;
    let platform = match (entry.text("goos")?, entry.text("goarch")?) {
        (Some(os), Some(arch)) => {
            let variant = entry.text("goarm")?.map(|arm| format!("/v{arm}")).unwrap_or_default();
            Some(format!("{os}/{arch}{variant}"))
        }
        _ => None,
    };
    let extra = entry.at("extra")?;
    let of = |key: &str| extra.as_ref().map_or(Ok(None), |extra| extra.text(key));
    let digest = match of("Checksum")? {
        Some(checksum) => Some(checksum),
        None => of("Digest")?,
    };
    let digest = digest.filter(|digest| Digest::parse(digest).is_ok()).map(str::to_owned);
    Ok(Artifact { name: name.to_owned(), kind: kind.to_owned(), platform, digest })
}

/// Returns one member per platform; where several files are for one, the archive stands for it.
pub(super) fn members(artifacts: &[Artifact], sums: Option<&Sums>) -> Vec<Value> {
    let mut found: BTreeMap<&str, (&Artifact, String)> = BTreeMap::new();
    for artifact in artifacts.iter().filter(|artifact| artifact.is_member()) {
        let Some(platform) = artifact.platform.as_deref() else { continue };
        let listed = || sums.and_then(|sums| sums.files.get(&artifact.name).cloned());
        let Some(digest) = artifact.digest.clone().or_else(listed) else { continue };
        let better = found
            .get(platform)
            .is_none_or(|(held, _)| held.kind != "Archive" && artifact.kind == "Archive");
        if better {
            found.insert(platform, (artifact, digest));
        }
    }
    let member = |(platform, (_, digest)): (&str, (&Artifact, String))| json!({ "platform": platform, "digest": digest });
    found.into_iter().map(member).collect()
}

/// Returns the digest of the image: of its manifest list, else of its only image.
pub(super) fn image(
    document: &Document,
    artifacts: &[Artifact],
) -> Result<Option<String>, IngestError> {
    let of = |kinds: &[&str]| {
        let own = artifacts.iter().filter(|artifact| kinds.contains(&artifact.kind.as_str()));
        let mut digests: Vec<String> = own.filter_map(|artifact| artifact.digest.clone()).collect();
        digests.sort();
        digests.dedup();
        digests
    };
    let mut digests = of(&["Docker Manifest", "Docker Image v2"]);
    if digests.is_empty() {
        digests = of(&["Docker Image", "Published Docker Image"]);
    }
    if digests.len() > 1 {
        let count = digests.len();
        return Err(refused(
            document,
            format!("artifacts.json has {count} images without one manifest over them"),
        ));
    }
    Ok(digests.pop())
}

/// Returns how many there are of each kind.
pub(super) fn kinds(artifacts: &[Artifact]) -> String {
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for artifact in artifacts {
        *counts.entry(&artifact.kind).or_default() += 1;
    }
    let counts = counts.iter().map(|(kind, count)| format!("{kind}={count}"));
    counts.collect::<Vec<_>>().join(", ")
}
