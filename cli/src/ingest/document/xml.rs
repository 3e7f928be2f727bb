//! XML as far as every format needs it: one well-formed element, bounded, and with nothing that
//! a parser would have to expand or fetch.
//!
//! Predefined entities and character references are part of XML itself and are taken. An entity
//! that a document declares is refused, not expanded: a few lines of them can stand for gigabytes
//! or for a file of this machine. Nothing that a document type names is ever fetched.

use std::io::BufRead;

use quick_xml::Reader;
use quick_xml::XmlVersion;
use quick_xml::events::{BytesStart, Event};

use super::{Document, Fault};

/// The entities that XML itself defines.
const PREDEFINED: [&str; 5] = ["lt", "gt", "amp", "apos", "quot"];

/// Checks a whole document and returns the name of its element, without its prefix.
pub(super) fn check(source: impl BufRead) -> Result<String, Fault> {
    let mut reader = Reader::from_reader(source);
    let mut buffer = Vec::new();
    let mut state = State::default();
    loop {
        let at = reader.buffer_position();
        let event = reader.read_event_into(&mut buffer).map_err(|error| fault(&error, at))?;
        let wrong = |message: &str| Fault::NotXml { offset: at, message: message.to_owned() };
        match event {
            Event::Eof => break,
            Event::Start(start) => {
                state.open(&start, at)?;
                state.depth += 1;
                if state.depth > Document::DEPTH_MAX {
                    return Err(Fault::TooDeep);
                }
            }
            Event::Empty(start) => state.open(&start, at)?,
            Event::End(_) => state.depth -= 1,
            Event::DocType(text) if text.contains("<!ENTITY") || text.contains('%') => {
                return Err(Fault::Entities);
            }
            Event::DocType(_) => {}
            Event::GeneralRef(entity) => {
                let known = PREDEFINED.contains(&&*entity);
                if !known && entity.resolve_char_ref().ok().flatten().is_none() {
                    return Err(Fault::Entities);
                }
                state.outside(at)?;
            }
            Event::Text(text) if !text.trim().is_empty() => state.outside(at)?,
            Event::CData(_) => state.outside(at)?,
            Event::Decl(_) if at > BOM_BYTES => return Err(wrong("an XML declaration inside")),
            _ => {}
        }
        buffer.clear();
    }
    match state {
        State { depth: 0, root: Some(root) } => Ok(root),
        State { depth: 0, root: None } => {
            Err(Fault::NotXml { offset: 0, message: "there is no element".to_owned() })
        }
        _ => Err(Fault::TruncatedXml),
    }
}

/// A byte order mark may stand before the declaration.
const BOM_BYTES: u64 = 3;

/// Where in a document the check is.
#[derive(Debug, Default)]
struct State {
    depth: usize,
    root: Option<String>,
}

impl State {
    /// An element begins: its attributes must be readable, and it must be the only one on top.
    fn open(&mut self, start: &BytesStart<'_>, at: u64) -> Result<(), Fault> {
        if self.depth == 0 {
            if self.root.is_some() {
                let message = "a second element after the first; is this two files?".to_owned();
                return Err(Fault::NotXml { offset: at, message });
            }
            self.root = Some(start.local_name().as_ref().to_owned());
        }
        for attribute in start.attributes() {
            let attribute = attribute
                .map_err(|error| Fault::NotXml { offset: at, message: error.to_string() })?;
            // A value that does not resolve names an entity that only the document could declare.
            attribute.normalized_value(XmlVersion::Implicit1_0).map_err(|_| Fault::Entities)?;
        }
        Ok(())
    }

    /// There is text: it must stand in an element.
    fn outside(&self, at: u64) -> Result<(), Fault> {
        match self.depth {
            0 => {
                let message = "text outside of the element".to_owned();
                Err(Fault::NotXml { offset: at, message })
            }
            _ => Ok(()),
        }
    }
}

/// Tells a document that was cut off from one that is wrong.
fn fault(error: &quick_xml::Error, offset: u64) -> Fault {
    use quick_xml::errors::SyntaxError;
    match error {
        quick_xml::Error::Syntax(syntax) if *syntax != SyntaxError::InvalidBangMarkup => {
            Fault::TruncatedXml
        }
        other => Fault::NotXml { offset, message: other.to_string() },
    }
}
