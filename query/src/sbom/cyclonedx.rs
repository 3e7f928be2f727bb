//! CycloneDX 1.x in JSON.

use super::{Bom, Node, SbomError, Subject};

pub(super) fn read(bom: &dyn Node, mut found: Bom) -> Result<Bom, SbomError> {
    let version = bom.text("specVersion")?.unwrap_or_default();
    found.format = format!("cyclonedx-json/{}", known(&version)?);
    found.serial = bom.text("serialNumber")?;
    found.document_version = bom.text("version")?;
    if let Some(metadata) = bom.get("metadata")? {
        found.created = metadata.text("timestamp")?;
        if let Some(component) = metadata.get("component")? {
            found.subject = subject(&*component)?;
        }
    }
    if bom.each("components", &mut |component| note(component, &mut found))? {
        found.components.get_or_insert(0);
    }
    bom.each("vulnerabilities", &mut |vulnerability| {
        let state = match vulnerability.get("analysis")? {
            Some(analysis) => analysis.text("state")?,
            None => None,
        };
        let state = state.unwrap_or_else(|| "not_analysed".to_owned());
        *found.vulnerabilities.entry(state).or_default() += 1;
        Ok(())
    })?;
    Ok(found)
}

/// Returns the version when it is one of CycloneDX 1.
pub(super) fn known(version: &str) -> Result<&str, SbomError> {
    match version.strip_prefix("1.") {
        Some(minor) if !minor.is_empty() && minor.bytes().all(|b| b.is_ascii_digit()) => {
            Ok(version)
        }
        _ if version.is_empty() => {
            Err(SbomError::Version("CycloneDX without a `specVersion`".to_owned()))
        }
        _ => Err(SbomError::Version(format!("CycloneDX `{version}`"))),
    }
}

fn subject(component: &dyn Node) -> Result<Subject, SbomError> {
    let mut subject = Subject {
        name: component.text("name")?,
        version: component.text("version")?,
        purl: component.text("purl")?,
        ..Subject::default()
    };
    component.each("hashes", &mut |hash| {
        let field = |name: &str| hash.text(name).map(Option::unwrap_or_default);
        subject.hash(&field("alg")?, &field("content")?);
        Ok(())
    })?;
    subject.image();
    Ok(subject)
}

/// Notes a component and those inside of it; the depth of JSON is bounded by its reader.
fn note(component: &dyn Node, found: &mut Bom) -> Result<(), SbomError> {
    let (group, name) = (component.text("group")?, component.text("name")?);
    let name = name.map(|name| grouped(group.as_deref(), &name));
    let (purl, version) = (component.text("purl")?, component.text("version")?);
    found.note(purl.as_deref(), name, version.as_deref());
    component.each("components", &mut |inner| note(inner, found))?;
    Ok(())
}

/// Puts a group before a name.
pub(super) fn grouped(group: Option<&str>, name: &str) -> String {
    match group {
        Some(group) if !group.is_empty() => format!("{group}/{name}"),
        _ => name.to_owned(),
    }
}
