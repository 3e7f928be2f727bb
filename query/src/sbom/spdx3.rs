//! SPDX 3.0 in JSON-LD: elements of a graph that name each other by id.

use std::collections::BTreeSet;

use serde_json::Value;

use super::{Bom, SbomError, Subject, list, text};

pub(super) fn read(bom: &Value) -> Result<Bom, SbomError> {
    let Some(graph) = list(bom, "@graph")? else {
        return Err(SbomError::Shape { place: "@graph".to_owned(), expected: "an array" });
    };
    let of = |kinds: &[&str]| graph.iter().find(|one| kinds.contains(&kind(one)));
    let document = of(&["SpdxDocument"]);
    let Some(top) = document.or_else(|| of(&["software_Sbom", "Bom"])) else {
        let expected = "an SpdxDocument or a software_Sbom";
        return Err(SbomError::Shape { place: "@graph".to_owned(), expected });
    };
    let creation = match &top["creationInfo"] {
        Value::String(id) => graph.iter().find(|one| has_id(one, id)),
        inline => Some(inline),
    };
    let creation = creation.unwrap_or(&Value::Null);
    let version = creation["specVersion"].as_str().unwrap_or("3.0");
    if !version.starts_with("3.0") {
        return Err(SbomError::Version(format!("SPDX {version}")));
    }
    let mut found = Bom {
        format: format!("spdx-jsonld/{version}"),
        serial: text(&top["spdxId"]),
        created: text(&creation["created"]),
        ..Bom::default()
    };
    let roots = roots(graph, top);
    for package in graph.iter().filter(|one| kind(one) == "software_Package") {
        let purl = purl(package);
        if roots.iter().any(|id| has_id(package, id)) {
            if roots.len() == 1 {
                found.subject = subject(package, purl);
            }
            continue;
        }
        let name = package["name"].as_str().map(str::to_owned);
        found.note(purl, name, package["software_packageVersion"].as_str());
    }
    // A graph without packages is a list of none: there is no other place for it.
    found.components.get_or_insert(0);
    Ok(found)
}

/// Returns the ids at the root: those of the document, and of the bills that it has as root.
fn roots<'a>(graph: &'a [Value], top: &'a Value) -> BTreeSet<&'a str> {
    let named = |one: &'a Value| match &one["rootElement"] {
        Value::Array(all) => all.iter().filter_map(Value::as_str).collect::<Vec<_>>(),
        Value::String(id) => vec![id.as_str()],
        _ => Vec::new(),
    };
    let mut ids = BTreeSet::new();
    for id in named(top) {
        let inner = graph.iter().find(|one| has_id(one, id));
        match inner {
            Some(one) if matches!(kind(one), "software_Sbom" | "Bom") => ids.extend(named(one)),
            _ => ids.extend([id]),
        }
    }
    ids
}

fn kind(element: &Value) -> &str {
    element["type"].as_str().or(element["@type"].as_str()).unwrap_or_default()
}

fn has_id(element: &Value, id: &str) -> bool {
    element["spdxId"] == id || element["@id"] == id
}

fn purl(package: &Value) -> Option<&str> {
    let own = package["software_packageUrl"].as_str();
    let identifiers = package["externalIdentifier"].as_array().into_iter().flatten();
    let listed = { identifiers }.find(|one| one["externalIdentifierType"] == "packageUrl");
    own.or_else(|| listed?["identifier"].as_str())
}

fn subject(package: &Value, purl: Option<&str>) -> Subject {
    let mut subject = Subject {
        name: text(&package["name"]),
        version: text(&package["software_packageVersion"]),
        purl: purl.map(str::to_owned),
        ..Subject::default()
    };
    for hash in package["verifiedUsing"].as_array().into_iter().flatten() {
        let field = |name: &str| hash[name].as_str().unwrap_or_default();
        subject.hash(field("algorithm"), field("hashValue"));
    }
    subject.image();
    subject
}
