//! CycloneDX 1.x in XML.
//!
//! A document type is refused, and so is every entity that is not XML's own: nothing is expanded
//! and nothing is fetched. The nesting is bounded.

use std::io::BufRead;

use quick_xml::Reader;
use quick_xml::XmlVersion;
use quick_xml::events::{BytesStart, Event};

use super::cyclonedx::{grouped, known};
use super::{Bom, SbomError, Subject};

const NAMESPACE: &str = "http://cyclonedx.org/schema/bom/";
const DEPTH_MAX: usize = 64;

/// A component that is being read.
#[derive(Debug, Default)]
struct Component {
    group: Option<String>,
    name: Option<String>,
    version: Option<String>,
    purl: Option<String>,
}

/// Where the reader is and what it has found.
#[derive(Debug, Default)]
struct State {
    /// The names of the open elements.
    path: Vec<String>,
    /// The text of the innermost one.
    text: String,
    /// The algorithm of the open hash.
    algorithm: String,
    /// The open components of the list.
    open: Vec<Component>,
    /// The state of the open vulnerability.
    analysis: Option<String>,
    subject: Subject,
    bom: Bom,
}

pub(super) fn read(source: impl BufRead, found: Bom) -> Result<Bom, SbomError> {
    let mut reader = Reader::from_reader(source);
    let mut buffer = Vec::new();
    let mut state = State { bom: found, ..State::default() };
    let mut closed = false;
    loop {
        buffer.clear();
        let event = reader.read_event_into(&mut buffer);
        let event = event.map_err(|error| SbomError::Xml(error.to_string()))?;
        match event {
            Event::Eof => break,
            Event::DocType(_) => return Err(refused("it has a document type")),
            Event::Start(start) => state.start(&start)?,
            Event::Empty(start) => {
                state.start(&start)?;
                state.end();
            }
            Event::End(_) => {
                state.end();
                closed = state.path.is_empty();
            }
            Event::Text(text) => state.text.push_str(&text),
            Event::CData(text) => state.text.push_str(&text),
            Event::GeneralRef(entity) => {
                let character = match &*entity {
                    "lt" => '<',
                    "gt" => '>',
                    "amp" => '&',
                    "apos" => '\'',
                    "quot" => '"',
                    _ => { entity.resolve_char_ref().ok().flatten() }
                        .ok_or_else(|| refused("it uses an entity that is not XML's own"))?,
                };
                state.text.push(character);
            }
            Event::Decl(_) | Event::PI(_) | Event::Comment(_) => {}
        }
    }
    if !closed || !state.path.is_empty() {
        return Err(refused("it ends inside of an element"));
    }
    state.subject.image();
    state.bom.subject = state.subject;
    Ok(state.bom)
}

fn refused(why: &str) -> SbomError {
    SbomError::Xml(why.to_owned())
}

impl State {
    fn start(&mut self, start: &BytesStart<'_>) -> Result<(), SbomError> {
        let name = start.local_name().as_ref().to_owned();
        if self.path.is_empty() {
            if name != "bom" || !self.bom.format.is_empty() {
                return Err(SbomError::Format);
            }
            self.root(start)?;
        }
        if self.path.len() >= DEPTH_MAX {
            return Err(refused("it is nested too deep"));
        }
        if name == "components" && self.path == ["bom"] {
            self.bom.components = Some(0);
        }
        if name == "component" && self.in_list() {
            self.open.push(Component::default());
        }
        if name == "hash" {
            self.algorithm = attribute(start, "alg")?.unwrap_or_default();
        }
        self.path.push(name);
        self.text.clear();
        Ok(())
    }

    fn root(&mut self, start: &BytesStart<'_>) -> Result<(), SbomError> {
        let mut namespace = None;
        for found in start.attributes() {
            let found = found.map_err(|error| SbomError::Xml(error.to_string()))?;
            let value = found
                .normalized_value(XmlVersion::Implicit1_0)
                .map_err(|error| SbomError::Xml(error.to_string()))?;
            if let Some(version) = value.strip_prefix(NAMESPACE) {
                namespace = Some(version.to_owned());
            }
        }
        let Some(version) = namespace else { return Err(SbomError::Format) };
        self.bom.format = format!("cyclonedx-xml/{}", known(&version)?);
        self.bom.serial = attribute(start, "serialNumber")?;
        self.bom.document_version = attribute(start, "version")?;
        Ok(())
    }

    /// Tells whether a component that begins here is one of the list: not a part of a pedigree.
    fn in_list(&self) -> bool {
        let Some((first, rest)) = self.path.split_first() else { return false };
        let expected = |(i, name): (usize, &String)| {
            name == if i % 2 == 0 { "components" } else { "component" }
        };
        first == "bom" && rest.len() % 2 == 1 && rest.iter().enumerate().all(expected)
    }

    fn end(&mut self) {
        let text = std::mem::take(&mut self.text).trim().to_owned();
        let Some(name) = self.path.pop() else { return };
        let path: Vec<&str> = self.path.iter().map(String::as_str).collect();
        let value = Some(text).filter(|text| !text.is_empty());
        match (path.as_slice(), name.as_str()) {
            (["bom", "metadata"], "timestamp") => self.bom.created = value,
            (["bom", "metadata", "component"], "name") => self.subject.name = value,
            (["bom", "metadata", "component"], "version") => self.subject.version = value,
            (["bom", "metadata", "component"], "purl") => self.subject.purl = value,
            (["bom", "metadata", "component", "hashes"], "hash") => {
                self.subject.hash(&self.algorithm, &value.unwrap_or_default());
            }
            (["bom", "vulnerabilities", "vulnerability", "analysis"], "state") => {
                self.analysis = value;
            }
            (["bom", "vulnerabilities"], "vulnerability") => {
                let state = self.analysis.take().unwrap_or_else(|| "not_analysed".to_owned());
                *self.bom.vulnerabilities.entry(state).or_default() += 1;
            }
            ([.., "components"], "component") if self.in_list() => {
                let Some(own) = self.open.pop() else { return };
                let full = own.name.as_deref().map(|name| grouped(own.group.as_deref(), name));
                self.bom.note(own.purl.as_deref(), full, own.version.as_deref());
            }
            ([.., "component"], field) => {
                // The fields of a component of the list, not of one in its pedigree.
                self.path.pop();
                let own = if self.in_list() { self.open.last_mut() } else { None };
                if let Some(own) = own {
                    match field {
                        "group" => own.group = value,
                        "name" => own.name = value,
                        "version" => own.version = value,
                        "purl" => own.purl = value,
                        _ => {}
                    }
                }
                self.path.push("component".to_owned());
            }
            _ => {}
        }
    }
}

fn attribute(start: &BytesStart<'_>, name: &str) -> Result<Option<String>, SbomError> {
    let wrong = |error: &dyn std::fmt::Display| SbomError::Xml(error.to_string());
    let Some(found) = start.try_get_attribute(name).map_err(|error| wrong(&error))? else {
        return Ok(None);
    };
    let value = found.normalized_value(XmlVersion::Implicit1_0).map_err(|error| wrong(&error))?;
    Ok(Some(value.into_owned()))
}
