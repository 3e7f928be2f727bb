//! SPDX 2.x in JSON.

use std::collections::BTreeSet;

use serde_json::Value;

use super::{Bom, SbomError, Subject, list, text};

const DOCUMENT: &str = "SPDXRef-DOCUMENT";

pub(super) fn read(bom: &Value, version: &str) -> Result<Bom, SbomError> {
    let Some(number) = version.strip_prefix("SPDX-").filter(|number| number.starts_with("2."))
    else {
        return Err(SbomError::Version(version.to_owned()));
    };
    let mut found = Bom {
        format: format!("spdx-json/{number}"),
        serial: text(&bom["documentNamespace"]),
        created: text(&bom["creationInfo"]["created"]),
        ..Bom::default()
    };
    let described = described(bom)?;
    let Some(packages) = list(bom, "packages")? else { return Ok(found) };
    found.components = Some(0);
    for package in packages {
        let id = package["SPDXID"].as_str().unwrap_or_default();
        let references = package["externalRefs"].as_array().into_iter().flatten();
        let purl = { references }.find(|reference| reference["referenceType"] == "purl");
        let purl = purl.and_then(|reference| reference["referenceLocator"].as_str());
        if described.contains(id) {
            // Of several nothing tells which one is meant.
            if described.len() == 1 {
                found.subject = subject(package, purl);
            }
            continue;
        }
        let name = package["name"].as_str().map(str::to_owned);
        found.note(purl, name, package["versionInfo"].as_str());
    }
    Ok(found)
}

/// Returns the ids of what the document describes, in either of the two ways to say so.
fn described(bom: &Value) -> Result<BTreeSet<&str>, SbomError> {
    let mut ids = BTreeSet::new();
    ids.extend(list(bom, "documentDescribes")?.into_iter().flatten().filter_map(Value::as_str));
    for relationship in list(bom, "relationships")?.into_iter().flatten() {
        let field = |name: &str| relationship[name].as_str().unwrap_or_default();
        let (from, to) = (field("spdxElementId"), field("relatedSpdxElement"));
        match field("relationshipType") {
            "DESCRIBES" if from == DOCUMENT => ids.insert(to),
            "DESCRIBED_BY" if to == DOCUMENT => ids.insert(from),
            _ => false,
        };
    }
    Ok(ids)
}

fn subject(package: &Value, purl: Option<&str>) -> Subject {
    let mut subject = Subject {
        name: text(&package["name"]),
        version: text(&package["versionInfo"]),
        purl: purl.map(str::to_owned),
        ..Subject::default()
    };
    for checksum in package["checksums"].as_array().into_iter().flatten() {
        let field = |name: &str| checksum[name].as_str().unwrap_or_default();
        subject.hash(field("algorithm"), field("checksumValue"));
    }
    subject.image();
    subject
}
