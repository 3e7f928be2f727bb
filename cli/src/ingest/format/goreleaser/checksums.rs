//! checksums.txt, as `sha256sum` writes it: a digest and a name on each line.

use std::collections::BTreeMap;

use super::artifacts::Artifact;
use super::{Document, IngestError, refused};

/// The files that are listed, and the digest of the list itself.
pub(super) struct Sums {
    /// Name to digest.
    pub(super) files: BTreeMap<String, String>,
    /// The SHA-256 of the exact bytes of the list.
    pub(super) digest: String,
}

impl Sums {
    /// Reads the list.
    pub(super) fn read(document: &Document) -> Result<Self, IngestError> {
        use sha2::Digest as _;

        let mut files = BTreeMap::new();
        for line in lines(document) {
            let Some((digest, name)) = line else {
                return Err(refused(document, "a line is no checksum and name"));
            };
            if files.insert(name.to_owned(), digest).is_some() {
                return Err(refused(document, format!("`{name}` is listed twice")));
            }
        }
        let digest = format!("sha256:{}", hex::encode(sha2::Sha256::digest(document.bytes())));
        Ok(Self { files, digest })
    }

    /// Holds the list against artifacts.json: a file must not have two digests.
    pub(super) fn check(
        &self,
        document: &Document,
        artifacts: &[Artifact],
    ) -> Result<(), IngestError> {
        for artifact in artifacts {
            let (Some(listed), Some(held)) = (self.files.get(&artifact.name), &artifact.digest)
            else {
                continue;
            };
            let algorithm = |digest: &str| digest.split(':').next().map(str::to_owned);
            if listed != held && algorithm(listed) == algorithm(held) {
                return Err(refused(
                    document,
                    format!("{} is {listed} here and {held} in artifacts.json", artifact.name),
                ));
            }
        }
        Ok(())
    }
}

/// Tells whether every line is a checksum and a name.
pub(super) fn detect(document: &Document) -> bool {
    if document.json().is_some() || document.xml().is_some() || !document.parts().is_empty() {
        return false;
    }
    let mut lines = lines(document).peekable();
    lines.peek().is_some() && lines.all(|line| line.is_some())
}

fn lines(document: &Document) -> impl Iterator<Item = Option<(String, &str)>> {
    let lines = document.text().lines().filter(|line| !line.trim().is_empty());
    lines.map(|line| {
        let (hex, name) = line.trim_end().split_once(' ')?;
        let name = name.strip_prefix([' ', '*'])?;
        let algorithm = match hex.len() {
            40 => "sha1",
            64 => "sha256",
            96 => "sha384",
            128 => "sha512",
            _ => return None,
        };
        let is_hex = hex.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b));
        (is_hex && !name.is_empty()).then(|| (format!("{algorithm}:{hex}"), name))
    })
}
