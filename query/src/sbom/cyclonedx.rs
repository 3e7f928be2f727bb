//! CycloneDX 1.x in JSON.

use serde_json::Value;

use super::{Bom, SbomError, Subject, list, text};

pub(super) fn read(bom: &Value) -> Result<Bom, SbomError> {
    let version = bom["specVersion"].as_str().unwrap_or_default();
    let mut found = Bom {
        format: format!("cyclonedx-json/{}", known(version)?),
        serial: text(&bom["serialNumber"]),
        document_version: text(&bom["version"]),
        created: text(&bom["metadata"]["timestamp"]),
        subject: subject(&bom["metadata"]["component"]),
        ..Bom::default()
    };
    if let Some(components) = list(bom, "components")? {
        found.components = Some(0);
        note(components, &mut found)?;
    }
    for vulnerability in list(bom, "vulnerabilities")?.into_iter().flatten() {
        let state = vulnerability["analysis"]["state"].as_str().unwrap_or("not_analysed");
        *found.vulnerabilities.entry(state.to_owned()).or_default() += 1;
    }
    Ok(found)
}

/// Returns the version when it is one of CycloneDX 1.
pub(super) fn known(version: &str) -> Result<&str, SbomError> {
    match version.strip_prefix("1.") {
        Some(minor) if !minor.is_empty() && minor.bytes().all(|b| b.is_ascii_digit()) => {
            Ok(version)
        }
        _ => Err(SbomError::Version(format!("CycloneDX `{version}`"))),
    }
}

fn subject(component: &Value) -> Subject {
    let mut subject = Subject {
        name: text(&component["name"]),
        version: text(&component["version"]),
        purl: text(&component["purl"]),
        ..Subject::default()
    };
    for hash in component["hashes"].as_array().into_iter().flatten() {
        let field = |name: &str| hash[name].as_str().unwrap_or_default();
        subject.hash(field("alg"), field("content"));
    }
    subject.image();
    subject
}

/// Notes components and those inside them; the depth of JSON is bounded by its reader.
fn note(components: &[Value], found: &mut Bom) -> Result<(), SbomError> {
    for component in components {
        let group = component["group"].as_str();
        let name = component["name"].as_str().map(|name| grouped(group, name));
        found.note(component["purl"].as_str(), name, component["version"].as_str());
        if let Some(inner) = list(component, "components")? {
            note(inner, found)?;
        }
    }
    Ok(())
}

/// Puts a group before a name.
pub(super) fn grouped(group: Option<&str>, name: &str) -> String {
    match group {
        Some(group) if !group.is_empty() => format!("{group}/{name}"),
        _ => name.to_owned(),
    }
}
