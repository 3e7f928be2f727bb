//! XML as far as every format needs it: one well-formed element, bounded, and with nothing that
//! a parser would have to expand or fetch.
//!
//! Predefined entities and character references are part of XML itself and are taken. An entity
//! that a document declares is refused, not expanded: a few lines of them can stand for gigabytes
//! or for a file of this machine. Nothing that a document type names is ever fetched.

use std::io::BufRead;

use quick_xml::Reader;
use quick_xml::XmlVersion;
use quick_xml::escape::EscapeError;
use quick_xml::events::{BytesStart, Event};

use super::{Document, Fault};

/// The entities that XML itself defines.
const PREDEFINED: [&str; 5] = ["lt", "gt", "amp", "apos", "quot"];

/// Checks a whole document and returns the name of its element, without its prefix.
pub(super) fn check(source: impl BufRead) -> Result<String, Fault> {
    let mut reader = Reader::from_reader(source);
    reader.config_mut().check_comments = true;
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
            Event::GeneralRef(entity) if entity.starts_with('#') => {
                let character = entity.resolve_char_ref().ok().flatten();
                let character = character
                    .ok_or_else(|| wrong("a reference to a character that does not exist"))?;
                characters(character.encode_utf8(&mut [0; 4]), at)?;
                state.outside(at)?;
            }
            Event::GeneralRef(entity) if PREDEFINED.contains(&&*entity) => state.outside(at)?,
            Event::GeneralRef(_) => return Err(Fault::Entities),
            Event::Text(text) => {
                characters(&text, at)?;
                if text.contains("]]>") {
                    return Err(wrong("`]]>` in a text"));
                }
                if !text.trim().is_empty() {
                    state.outside(at)?;
                }
            }
            Event::CData(text) => {
                characters(&text, at)?;
                state.outside(at)?;
            }
            Event::Comment(text) => characters(&text, at)?,
            Event::PI(text) => characters(&text, at)?,
            Event::Decl(_) if at > BOM_BYTES => return Err(wrong("an XML declaration inside")),
            Event::Decl(_) => {}
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
        name(start.name().as_ref(), at)?;
        for attribute in start.attributes() {
            let attribute = attribute
                .map_err(|error| Fault::NotXml { offset: at, message: error.to_string() })?;
            name(attribute.key.as_ref(), at)?;
            if attribute.value.contains('<') {
                let message = "`<` in the value of an attribute".to_owned();
                return Err(Fault::NotXml { offset: at, message });
            }
            let value = attribute.normalized_value(XmlVersion::Implicit1_0);
            characters(&value.map_err(|error| unresolved(&error, at))?, at)?;
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

/// Refuses characters that XML has no place for; what tools print in colour is full of them.
fn characters(text: &str, offset: u64) -> Result<(), Fault> {
    let forbidden = |c: &char| match c {
        '\t' | '\n' | '\r' => false,
        c => *c < ' ' || matches!(c, '\u{fffe}' | '\u{ffff}'),
    };
    match text.chars().find(forbidden) {
        Some(character) => Err(Fault::XmlCharacter { code: u32::from(character), offset }),
        None => Ok(()),
    }
}

/// Refuses the name of an element or attribute that is none.
fn name(name: &str, offset: u64) -> Result<(), Fault> {
    let begins = |c: char| c.is_alphabetic() || matches!(c, '_' | ':') || !c.is_ascii();
    let goes_on = |c: char| begins(c) || c.is_ascii_digit() || matches!(c, '-' | '.');
    if name.starts_with(begins) && name.chars().all(goes_on) {
        return Ok(());
    }
    let shown: String = name.chars().take(40).collect();
    Err(Fault::NotXml { offset, message: format!("`{shown}` is no name") })
}

/// Says why the value of an attribute does not resolve: it names an entity that only the document
/// could declare, or it holds an `&` that is none.
fn unresolved(error: &quick_xml::Error, offset: u64) -> Fault {
    match error {
        quick_xml::Error::Escape(EscapeError::UnrecognizedEntity(..)) => Fault::Entities,
        other => Fault::NotXml { offset, message: other.to_string() },
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
