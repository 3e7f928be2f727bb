//! Bills of materials: what they are about and which packages they list.
//!
//! CycloneDX 1.x in JSON and XML, SPDX 2.x in JSON and as tags and values, SPDX 3 in JSON-LD. A
//! package goes by its purl without version and qualifiers where it has one, else by its group and
//! name, so that two bills of different formats can be compared. A bill that is too large to hold
//! is read value by value ([`Node`]), and then its packages are counted and not kept.

mod cyclonedx;
mod cyclonedx_xml;
mod node;
mod spdx2;
mod spdx3;
mod spdx_tags;
#[cfg(test)]
mod tests;

pub use node::{Node, Visit};
pub use spdx_tags::is_tags;

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::io::BufRead;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use serde_json::Value;

/// The versions of each package.
pub type Packages = BTreeMap<String, BTreeSet<String>>;

/// A bill of materials, as far as it is read.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Bom {
    /// The format and its version, such as `cyclonedx-json/1.5`.
    pub format: String,
    /// The serial number or namespace of the document.
    pub serial: Option<String>,
    /// The version of the document; never that of what it describes.
    pub document_version: Option<String>,
    /// When it was made, as it says.
    pub created: Option<String>,
    /// What it describes.
    pub subject: Subject,
    /// How many components it lists, those inside of others too; absent when it has no list.
    pub components: Option<u64>,
    /// Its packages, unless they are only counted.
    pub packages: Packages,
    /// Hashes of the names of packages that are counted and not kept.
    counted: Option<HashSet<u64>>,
    /// How many vulnerabilities it speaks of, by the state that it gives them.
    pub vulnerabilities: BTreeMap<String, u64>,
}

/// What a bill of materials describes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Subject {
    /// Its name.
    pub name: Option<String>,
    /// Its version, as the tool wrote it: often no version at all.
    pub version: Option<String>,
    /// Its package address.
    pub purl: Option<String>,
    /// Digests of its bytes, `<algorithm>:<hex>`.
    pub hashes: Vec<String>,
    /// Digests by which a registry may know it, in a role that the document does not tell.
    pub images: Vec<String>,
}

/// Says why a bill of materials cannot be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SbomError {
    /// It is not JSON.
    #[error("it is not JSON: {0}")]
    Json(#[from] serde_json::Error),
    /// It is not XML, or XML that is never read: with a document type or entities of its own.
    #[error("it is not XML that is read here: {0}")]
    Xml(String),
    /// It is of another kind.
    #[error("it is neither CycloneDX nor SPDX")]
    Format,
    /// It is of a version that is not known.
    #[error("{0} is not read; CycloneDX 1.x, SPDX 2.x and SPDX 3.0 are")]
    Version(String),
    /// A value has another shape than the format says.
    #[error("{place}: expected {expected}")]
    Shape {
        /// Where.
        place: String,
        /// What should be there.
        expected: &'static str,
    },
    /// It cannot be read, for a reason of whoever keeps it.
    #[error(transparent)]
    Kept(Box<dyn std::error::Error + Send + Sync>),
    /// It has no list of components, which is not the same as an empty one.
    #[error("it lists no components, not even none")]
    NoList,
}

/// Reads a bill of materials.
///
/// # Errors
/// [`SbomError`] when the bytes are in no form that is read here.
pub fn read(bytes: &[u8]) -> Result<Bom, SbomError> {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    if bytes.trim_ascii_start().starts_with(b"<") {
        return cyclonedx_xml::read(bytes, Bom::default());
    }
    match std::str::from_utf8(bytes) {
        Ok(text) if is_tags(text) => spdx_tags::read(text, Bom::default()),
        _ => read_json(&serde_json::from_slice(bytes)?),
    }
}

/// Reads a bill of materials value by value and counts its packages.
///
/// # Errors
/// As [`read()`], and whatever keeps the values from being read.
pub fn count(bom: &dyn Node) -> Result<Bom, SbomError> {
    of_json(bom, Bom::counting())
}

/// Reads a bill of materials in XML piece by piece and counts its packages.
///
/// # Errors
/// As [`read()`].
pub fn count_xml(source: impl BufRead) -> Result<Bom, SbomError> {
    cyclonedx_xml::read(source, Bom::counting())
}

/// Reads a bill of materials of tags and values and counts its packages.
///
/// # Errors
/// As [`read()`].
pub fn count_tags(text: &str) -> Result<Bom, SbomError> {
    spdx_tags::read(text, Bom::counting())
}

/// Tells whether a value is a bill of materials of SPDX, in whichever version, perhaps wrapped.
pub fn is_spdx(bom: &Value) -> bool {
    bom["spdxVersion"].is_string() || is_spdx_graph(bom) || wrapped(bom).is_some()
}

/// Returns the key under which GitHub's dependency graph, or buildx's inspection of an image, has
/// its bill.
fn wrapped(bom: &Value) -> Option<&'static str> {
    ["sbom", "SPDX"].into_iter().find(|key| bom[*key]["spdxVersion"].is_string())
}

/// Reads a bill of materials that was parsed already.
///
/// # Errors
/// As [`read()`].
pub fn read_json(bom: &Value) -> Result<Bom, SbomError> {
    match attested(bom) {
        Some(inner) => read_json(&inner),
        None => of_json(bom, Bom::default()),
    }
}

fn of_json(bom: &dyn Node, found: Bom) -> Result<Bom, SbomError> {
    let value = bom.value();
    if value["bomFormat"] == "CycloneDX" {
        cyclonedx::read(bom, found)
    } else if value["spdxVersion"].is_string() {
        spdx2::read(bom, found)
    } else if is_spdx_graph(value) {
        spdx3::read(bom, found)
    } else if let Some(key) = wrapped(value)
        && let Some(inner) = bom.get(key)?
    {
        spdx2::read(&*inner, found)
    } else {
        Err(SbomError::Format)
    }
}

/// Takes a bill out of the attestation that it came in: the predicate of an in-toto statement, bare,
/// in a DSSE envelope, or in the envelope of a sigstore bundle.
fn attested(value: &Value) -> Option<Value> {
    if value["_type"].as_str().is_some_and(|kind| kind.starts_with("https://in-toto.io/")) {
        let predicate = &value["predicate"];
        return predicate.is_object().then(|| predicate.clone());
    }
    let envelope = if value["dsseEnvelope"].is_object() { &value["dsseEnvelope"] } else { value };
    let payload = envelope["payload"].as_str()?.replace('-', "+").replace('_', "/");
    let bytes = STANDARD_NO_PAD.decode(payload.trim_end_matches('=')).ok()?;
    let statement: Value = serde_json::from_slice(&bytes).ok()?;
    // One level: what a payload holds is a statement, never another envelope.
    if statement["_type"].is_string() { attested(&statement) } else { None }
}

/// What the context of SPDX begins with since its third version.
const SPDX_CONTEXT: &str = "spdx.org/rdf/";

/// Tells whether a value is a graph of SPDX, as it is since the third version.
fn is_spdx_graph(bom: &Value) -> bool {
    let is_own = |value: &Value| value.as_str().is_some_and(|text| text.contains(SPDX_CONTEXT));
    match &bom["@context"] {
        Value::Array(all) => all.iter().any(is_own),
        one => is_own(one),
    }
}

/// Reads the packages of a bill of materials.
///
/// # Errors
/// As [`read()`], and [`SbomError::NoList`] when it has no list that could be compared.
pub fn packages(bytes: &[u8]) -> Result<Packages, SbomError> {
    let bom = read(bytes)?;
    if bom.components.is_some() { Ok(bom.packages) } else { Err(SbomError::NoList) }
}

impl Bom {
    /// Starts a bill whose packages are counted and not kept.
    fn counting() -> Self {
        Self { counted: Some(HashSet::new()), ..Self::default() }
    }

    /// Returns how many packages there are.
    pub fn package_count(&self) -> usize {
        self.counted.as_ref().map_or(self.packages.len(), HashSet::len)
    }

    /// Notes a component of the list.
    fn note(&mut self, purl: Option<&str>, name: Option<String>, version: Option<&str>) {
        *self.components.get_or_insert(0) += 1;
        let plain = purl.map(|purl| purl.split(['?', '#']).next().unwrap_or(purl));
        let (by_purl, purl_version) = match plain.map(|purl| purl.rsplit_once('@')) {
            // An `@` before the last `/` begins a scope, not a version.
            Some(Some((before, version))) if !version.contains('/') => {
                (Some(before.to_owned()), Some(version))
            }
            _ => (plain.map(str::to_owned), None),
        };
        let Some(name) = by_purl.or(name) else { return };
        if let Some(counted) = &mut self.counted {
            let mut hasher = DefaultHasher::new();
            name.hash(&mut hasher);
            counted.insert(hasher.finish());
            return;
        }
        let versions = self.packages.entry(name).or_default();
        versions.extend(version.or(purl_version).map(str::to_owned));
    }
}

impl Subject {
    /// Notes a hash by the name that formats give its algorithm (`SHA-256`, `SHA256`, `sha256`).
    fn hash(&mut self, algorithm: &str, hex: &str) {
        let name: String = { algorithm.chars() }
            .filter(|c| *c != '-' && *c != '_')
            .map(|c| c.to_ascii_lowercase())
            .collect();
        let digits = match name.as_str() {
            "sha256" | "blake3" => 64,
            "sha384" => 96,
            "sha512" => 128,
            _ => return,
        };
        let hex = hex.trim().to_ascii_lowercase();
        if hex.len() == digits && hex.bytes().all(|b| b.is_ascii_hexdigit()) {
            self.hashes.push(format!("{name}:{hex}"));
        }
    }

    /// Notes the digests that a version or a purl of an image is.
    fn image(&mut self) {
        let mut found = Vec::new();
        found.extend(self.version.clone());
        let purl = self.purl.as_deref().filter(|purl| purl.starts_with("pkg:oci/"));
        let version = purl.and_then(|purl| purl.split(['?', '#']).next()?.rsplit_once('@'));
        found.extend(version.map(|(_, version)| version.replace("%3A", ":").replace("%3a", ":")));
        for digest in found {
            let hex = digest.strip_prefix("sha256:").unwrap_or_default();
            let lower = |b: u8| b.is_ascii_digit() || (b'a'..=b'f').contains(&b);
            if hex.len() == 64 && hex.bytes().all(lower) && !self.images.contains(&digest) {
                self.images.push(digest);
            }
        }
    }
}
