//! SPDX 3.0 in JSON-LD: elements of a graph that name each other by id.
//!
//! The graph is walked twice: for the documents and bills with what they have as root, and then
//! for the packages, of which one may be that root.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::{Bom, Node, SbomError, Subject};

/// A document or a bill of the graph.
#[derive(Debug, Default)]
struct Top {
    id: String,
    is_document: bool,
    roots: Vec<String>,
    /// Version and time of creation, or the id of what has them.
    created: Creation,
}

/// How something was created.
#[derive(Debug, Clone, Default)]
enum Creation {
    #[default]
    Unknown,
    Id(String),
    Here(Option<String>, Option<String>),
}

pub(super) fn read(bom: &dyn Node, mut found: Bom) -> Result<Bom, SbomError> {
    if let Some(version) = other_version(&bom.value()["@context"]) {
        return Err(SbomError::Version(format!("SPDX {version}")));
    }
    let (mut tops, mut creations) = (Vec::new(), BTreeMap::new());
    let has_graph = bom.each("@graph", &mut |element| {
        match kind(element)?.as_str() {
            "SpdxDocument" | "software_Sbom" | "Bom" => tops.push(top(element)?),
            "CreationInfo" => {
                creations.insert(id(element)?, here(element)?);
            }
            _ => {}
        }
        Ok(())
    })?;
    if !has_graph {
        return Err(bom.wrong("@graph", "an array"));
    }
    let document = tops.iter().find(|top| top.is_document).or(tops.first());
    let Some(document) = document else {
        return Err(bom.wrong("@graph", "an SpdxDocument or a software_Sbom in it"));
    };
    let creation = match &document.created {
        Creation::Id(id) => creations.get(id).cloned().unwrap_or_default(),
        own => own.clone(),
    };
    let (version, created) = match creation {
        Creation::Here(version, created) => (version, created),
        _ => (None, None),
    };
    let version = version.unwrap_or_else(|| "3.0".to_owned());
    if !version.starts_with("3.0") {
        return Err(SbomError::Version(format!("SPDX {version}")));
    }
    found.format = format!("spdx-jsonld/{version}");
    found.serial = Some(document.id.clone()).filter(|id| !id.is_empty());
    found.created = created;
    let roots = roots(document, &tops);
    bom.each("@graph", &mut |element| {
        if kind(element)? != "software_Package" {
            return Ok(());
        }
        let purl = purl(element)?;
        if roots.len() == 1 && roots.contains(id(element)?.as_str()) {
            found.subject = subject(element, purl)?;
            return Ok(());
        }
        let (name, version) = (element.text("name")?, element.text("software_packageVersion")?);
        found.note(purl.as_deref(), name, version.as_deref());
        Ok(())
    })?;
    // A graph without packages is a list of none: there is no other place for it.
    found.components.get_or_insert(0);
    Ok(found)
}

/// Returns the version that the context names, when it is not 3.0.
fn other_version(context: &Value) -> Option<String> {
    let version = |text: &Value| {
        let (_, rest) = text.as_str()?.split_once(super::SPDX_CONTEXT)?;
        Some(rest.split('/').next().unwrap_or_default().to_owned())
    };
    let named = match context {
        Value::Array(all) => all.iter().find_map(version),
        one => version(one),
    };
    named.filter(|version| !version.starts_with("3.0"))
}

fn top(element: &dyn Node) -> Result<Top, SbomError> {
    let mut roots = Vec::new();
    match element.get("rootElement")? {
        Some(one) if one.value().is_string() => roots.extend(element.text("rootElement")?),
        Some(_) => {
            element.each("rootElement", &mut |root| {
                roots.extend(root.value().as_str().map(str::to_owned));
                Ok(())
            })?;
        }
        None => {}
    }
    let created = match element.get("creationInfo")? {
        Some(one) if one.value().is_object() => here(&*one)?,
        Some(_) => Creation::Id(element.text("creationInfo")?.unwrap_or_default()),
        None => Creation::Unknown,
    };
    let is_document = kind(element)? == "SpdxDocument";
    Ok(Top { id: id(element)?, is_document, roots, created })
}

fn here(creation: &dyn Node) -> Result<Creation, SbomError> {
    Ok(Creation::Here(creation.text("specVersion")?, creation.text("created")?))
}

/// Returns the ids at the root: those of the document, and of the bills that it has as root.
fn roots<'a>(document: &'a Top, tops: &'a [Top]) -> BTreeSet<&'a str> {
    let mut ids = BTreeSet::new();
    for id in &document.roots {
        match tops.iter().find(|top| !top.is_document && top.id == *id) {
            Some(bill) => ids.extend(bill.roots.iter().map(String::as_str)),
            None => ids.extend([id.as_str()]),
        }
    }
    ids
}

fn kind(element: &dyn Node) -> Result<String, SbomError> {
    let own = element.text("type")?;
    let kind = if own.is_none() { element.text("@type")? } else { own };
    Ok(kind.unwrap_or_default())
}

fn id(element: &dyn Node) -> Result<String, SbomError> {
    let own = element.text("spdxId")?;
    let id = if own.is_none() { element.text("@id")? } else { own };
    Ok(id.unwrap_or_default())
}

fn purl(package: &dyn Node) -> Result<Option<String>, SbomError> {
    let mut purl = package.text("software_packageUrl")?;
    package.each("externalIdentifier", &mut |one| {
        if purl.is_none() && one.text("externalIdentifierType")?.as_deref() == Some("packageUrl") {
            purl = one.text("identifier")?;
        }
        Ok(())
    })?;
    Ok(purl)
}

fn subject(package: &dyn Node, purl: Option<String>) -> Result<Subject, SbomError> {
    let mut subject = Subject {
        name: package.text("name")?,
        version: package.text("software_packageVersion")?,
        purl,
        ..Subject::default()
    };
    package.each("verifiedUsing", &mut |hash| {
        let field = |name: &str| hash.text(name).map(Option::unwrap_or_default);
        subject.hash(&field("algorithm")?, &field("hashValue")?);
        Ok(())
    })?;
    subject.image();
    Ok(subject)
}
