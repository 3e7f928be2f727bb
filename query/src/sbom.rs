//! Bills of materials, read as far as two of them can be compared: names and versions.
//!
//! CycloneDX 1.x and SPDX 2.x in JSON. A package goes by its purl without version and qualifiers
//! where it has one, else by its group and name.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

/// The versions of each package.
pub type Packages = BTreeMap<String, BTreeSet<String>>;

/// Says why a bill of materials cannot be compared.
#[derive(Debug, thiserror::Error)]
pub enum SbomError {
    /// It is not JSON.
    #[error("it is not JSON: {0}")]
    Json(#[from] serde_json::Error),
    /// It is JSON of another kind.
    #[error("it is neither CycloneDX nor SPDX 2 in JSON")]
    Format,
}

/// Reads the packages of a bill of materials.
///
/// # Errors
/// [`SbomError`] when the bytes are in no form that is read here.
pub fn packages(bytes: &[u8]) -> Result<Packages, SbomError> {
    let bom: Value = serde_json::from_slice(bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes))?;
    let mut packages = Packages::new();
    if bom["bomFormat"] == "CycloneDX" {
        cyclonedx(&bom["components"], &mut packages);
    } else if bom["spdxVersion"].as_str().is_some_and(|version| version.starts_with("SPDX-2")) {
        for package in bom["packages"].as_array().into_iter().flatten() {
            let purl = package["externalRefs"].as_array().into_iter().flatten();
            let purl = { purl }.find(|reference| reference["referenceType"] == "purl");
            let purl = purl.and_then(|reference| reference["referenceLocator"].as_str());
            let name = package["name"].as_str().map(str::to_owned);
            note(purl, name, package["versionInfo"].as_str(), &mut packages);
        }
    } else {
        return Err(SbomError::Format);
    }
    Ok(packages)
}

/// Notes components and those inside them; the depth of JSON is bounded by its reader.
fn cyclonedx(components: &Value, packages: &mut Packages) {
    for component in components.as_array().into_iter().flatten() {
        let name = component["name"].as_str().map(|name| match component["group"].as_str() {
            Some(group) if !group.is_empty() => format!("{group}/{name}"),
            _ => name.to_owned(),
        });
        note(component["purl"].as_str(), name, component["version"].as_str(), packages);
        cyclonedx(&component["components"], packages);
    }
}

fn note(purl: Option<&str>, name: Option<String>, version: Option<&str>, packages: &mut Packages) {
    let plain = purl.map(|purl| purl.split(['?', '#']).next().unwrap_or(purl));
    let (by_purl, purl_version) = match plain.map(|purl| purl.rsplit_once('@')) {
        // An `@` before the last `/` begins a scope, not a version.
        Some(Some((before, version))) if !version.contains('/') => {
            (Some(before.to_owned()), Some(version))
        }
        _ => (plain.map(str::to_owned), None),
    };
    let Some(name) = by_purl.or(name) else { return };
    let versions = packages.entry(name).or_default();
    versions.extend(version.or(purl_version).map(str::to_owned));
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn read(bom: &Value) -> Vec<String> {
        let packages = packages(bom.to_string().as_bytes()).expect("a bill of materials");
        let line = |(name, versions): (&String, &BTreeSet<String>)| {
            format!("{name} {}", versions.iter().cloned().collect::<Vec<_>>().join(","))
        };
        packages.iter().map(line).collect()
    }

    #[test]
    fn cyclonedx_components_go_by_purl_else_by_group_and_name() {
        let bom = json!({"bomFormat": "CycloneDX", "specVersion": "1.5", "components": [
            {"name": "core", "group": "@orion", "version": "1.0", "purl": "pkg:npm/%40orion/core@1.0?arch=x#sub"},
            {"name": "zlib", "version": "1.3", "components": [{"name": "inner", "group": "g", "version": "2"}]},
            {"name": "zlib", "version": "1.2"},
            {"name": "scoped", "purl": "pkg:npm/@orion/scoped", "version": "3"},
            {"name": "nameless version"},
            {"version": "1"},
        ]});
        assert_eq!(
            read(&bom),
            [
                "g/inner 2",
                "nameless version ",
                "pkg:npm/%40orion/core 1.0",
                "pkg:npm/@orion/scoped 3",
                "zlib 1.2,1.3",
            ]
        );
    }

    #[test]
    fn spdx_packages_too() {
        let bom = json!({"spdxVersion": "SPDX-2.3", "packages": [
            {"name": "a", "versionInfo": "1", "externalRefs": [
                {"referenceType": "cpe23Type", "referenceLocator": "cpe:2.3:a"},
                {"referenceType": "purl", "referenceLocator": "pkg:golang/example.org/a@v1"}]},
            {"name": "b", "versionInfo": "2"}]});
        assert_eq!(read(&bom), ["b 2", "pkg:golang/example.org/a 1"]);
    }

    #[test]
    fn what_is_no_bill_of_materials_is_said_to_be_none() {
        for bytes in [&b""[..], b"{", b"[]", b"{}", b"{\"spdxVersion\": \"SPDX-3.0\"}", b"<bom/>"] {
            assert!(packages(bytes).is_err(), "{}", String::from_utf8_lossy(bytes));
        }
    }
}
