//! SPDX 2.x in JSON.
//!
//! What the document describes is its subject and no part of it; where it describes several things
//! nothing tells which one is meant, and they are parts like the others.

use std::collections::BTreeSet;

use super::{Bom, Node, SbomError, Subject};

pub(super) const DOCUMENT: &str = "SPDXRef-DOCUMENT";

pub(super) fn read(bom: &dyn Node, mut found: Bom) -> Result<Bom, SbomError> {
    let version = bom.text("spdxVersion")?.unwrap_or_default();
    found.format = format!("spdx-json/{}", known(&version)?);
    found.serial = bom.text("documentNamespace")?;
    if let Some(creation) = bom.get("creationInfo")? {
        found.created = creation.text("created")?;
    }
    let described = described(bom)?;
    let has_list = bom.each("packages", &mut |package| {
        let id = package.text("SPDXID")?.unwrap_or_default();
        let (purl, name) = (purl(package)?, package.text("name")?);
        if described.len() == 1 && described.contains(&id) {
            found.subject = subject(package, purl)?;
            return Ok(());
        }
        found.note(purl.as_deref(), name, package.text("versionInfo")?.as_deref());
        Ok(())
    })?;
    if has_list {
        found.components.get_or_insert(0);
    }
    Ok(found)
}

/// Returns the number of a version of SPDX 2.
pub(super) fn known(version: &str) -> Result<&str, SbomError> {
    let number = version.strip_prefix("SPDX-").filter(|number| number.starts_with("2."));
    number.ok_or_else(|| SbomError::Version(version.to_owned()))
}

/// Returns the ids of what the document describes, in either of the two ways to say so.
fn described(bom: &dyn Node) -> Result<BTreeSet<String>, SbomError> {
    let mut ids = BTreeSet::new();
    bom.each("documentDescribes", &mut |id| {
        let id = id.value().as_str();
        ids.insert(id.ok_or_else(|| bom.wrong("documentDescribes", "a list of ids"))?.to_owned());
        Ok(())
    })?;
    bom.each("relationships", &mut |relationship| {
        let field = |name: &str| relationship.text(name).map(Option::unwrap_or_default);
        let (from, to) = (field("spdxElementId")?, field("relatedSpdxElement")?);
        ids.extend(of_document(&from, &field("relationshipType")?, &to).map(str::to_owned));
        Ok(())
    })?;
    Ok(ids)
}

/// Returns the id of what the document describes, when a relationship says that.
pub(super) fn of_document<'a>(from: &'a str, kind: &str, to: &'a str) -> Option<&'a str> {
    match kind {
        "DESCRIBES" if from == DOCUMENT => Some(to),
        "DESCRIBED_BY" if to == DOCUMENT => Some(from),
        _ => None,
    }
}

fn purl(package: &dyn Node) -> Result<Option<String>, SbomError> {
    let mut purl = None;
    package.each("externalRefs", &mut |reference| {
        if purl.is_none() && reference.text("referenceType")?.as_deref() == Some("purl") {
            purl = reference.text("referenceLocator")?;
        }
        Ok(())
    })?;
    Ok(purl)
}

fn subject(package: &dyn Node, purl: Option<String>) -> Result<Subject, SbomError> {
    let mut subject = Subject {
        name: package.text("name")?,
        version: package.text("versionInfo")?,
        purl,
        ..Subject::default()
    };
    package.each("checksums", &mut |checksum| {
        let field = |name: &str| checksum.text(name).map(Option::unwrap_or_default);
        subject.hash(&field("algorithm")?, &field("checksumValue")?);
        Ok(())
    })?;
    subject.image();
    Ok(subject)
}
