//! YAML as texts, lists and maps, each with its line, and nothing that could mean two things.
//!
//! YAML's guessing of types turns the version `1.10` into the number 1.1; here every scalar stays
//! the text that stands in the file. Anchors, aliases, tags, duplicate keys, several documents and
//! deep nesting are refused: a definition that is signed afterwards must have one reading.

use relbook_ledger::admission::{Code, Refusal};
use saphyr_parser::{Event, Parser, ScalarStyle, Span};

/// A value and the line that it begins on, from 1.
#[derive(Debug, Clone, PartialEq)]
pub struct Node {
    /// The line.
    pub line: u64,
    /// The value.
    pub value: Yaml,
}

/// What stands in the file.
#[derive(Debug, Clone, PartialEq)]
pub enum Yaml {
    /// Nothing, `~` or `null`.
    Nothing,
    /// A scalar; `plain` when it has no quotes.
    Text {
        /// The text.
        text: String,
        /// Whether it stands without quotes.
        plain: bool,
    },
    /// A sequence.
    List(Vec<Node>),
    /// A mapping, in the order of the file.
    Map(Vec<Entry>),
}

/// A key of a mapping with its value.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    /// The key.
    pub key: String,
    /// The line of the key.
    pub line: u64,
    /// The value.
    pub node: Node,
}

/// Kubernetes objects nest deepest: about twenty levels.
const DEPTH_MAX: usize = 32;

/// Reads one YAML document; `skipped` lines stand before it in the file.
///
/// # Errors
/// A [`Refusal`] that names the line: `duplicate_key` or `bad_value`.
pub fn parse(text: &str, skipped: u64) -> Result<Node, Refusal> {
    let mut documents = read(text, skipped)?;
    if let Some(second) = documents.get(1) {
        let message = "a second document; keep one per file";
        return Err(Refusal::new(Code::BadValue, message).on_line(second.line));
    }
    let nothing = || Refusal::new(Code::BadValue, "there is nothing in the file").on_line(1);
    documents.pop().ok_or_else(nothing)
}

/// Reads the documents of a file, as tools write them one after another.
///
/// # Errors
/// As [`parse`].
pub fn parse_all(text: &str) -> Result<Vec<Node>, Refusal> {
    read(text, 0)
}

fn read(text: &str, skipped: u64) -> Result<Vec<Node>, Refusal> {
    let mut reader = Reader { parser: Parser::new_from_str(text), skipped };
    let mut documents = Vec::new();
    loop {
        let (event, span) = reader.next()?;
        match event {
            Event::StreamEnd => return Ok(documents),
            Event::StreamStart | Event::DocumentStart(_) | Event::DocumentEnd | Event::Nothing => {}
            event => documents.push(reader.node(event, span, 0)?),
        }
    }
}

struct Reader<'a> {
    parser: Parser<'a, saphyr_parser::StrInput<'a>>,
    skipped: u64,
}

impl<'a> Reader<'a> {
    fn line(&self, span: Span) -> u64 {
        u64::try_from(span.start.line()).unwrap_or_default() + self.skipped
    }

    fn refuse(&self, span: Span, message: impl Into<String>) -> Refusal {
        Refusal::new(Code::BadValue, message).on_line(self.line(span))
    }

    fn next(&mut self) -> Result<(Event<'a>, Span), Refusal> {
        match self.parser.next_event() {
            Some(Ok(event)) => Ok(event),
            Some(Err(error)) => {
                let line = u64::try_from(error.marker().line()).unwrap_or_default() + self.skipped;
                let message = format!("not YAML: {}", error.info());
                Err(Refusal::new(Code::BadValue, message).on_line(line))
            }
            None => Ok((Event::StreamEnd, Span::default())),
        }
    }

    fn node(&mut self, event: Event<'a>, span: Span, depth: usize) -> Result<Node, Refusal> {
        if depth > DEPTH_MAX {
            return Err(self.refuse(span, format!("nested deeper than {DEPTH_MAX} levels")));
        }
        let line = self.line(span);
        let value = match event {
            Event::Scalar(text, style, anchor, tag) => {
                self.plainly(anchor, tag.is_some(), span)?;
                scalar(&text, style)
            }
            Event::SequenceStart(anchor, tag) => {
                self.plainly(anchor, tag.is_some(), span)?;
                self.list(depth)?
            }
            Event::MappingStart(anchor, tag) => {
                self.plainly(anchor, tag.is_some(), span)?;
                self.map(depth)?
            }
            Event::Alias(_) => {
                return Err(self.refuse(span, "an alias (*name); write the value out"));
            }
            _ => return Err(self.refuse(span, "not a value")),
        };
        Ok(Node { line, value })
    }

    fn plainly(&self, anchor: usize, tagged: bool, span: Span) -> Result<(), Refusal> {
        if anchor != 0 {
            return Err(
                self.refuse(span, "an anchor (&name); write the value out where it is used")
            );
        }
        if tagged {
            return Err(self.refuse(span, "a tag (!name); write the value without it"));
        }
        Ok(())
    }

    fn list(&mut self, depth: usize) -> Result<Yaml, Refusal> {
        let mut items = Vec::new();
        loop {
            match self.next()? {
                (Event::SequenceEnd, _) => return Ok(Yaml::List(items)),
                (event, span) => items.push(self.node(event, span, depth + 1)?),
            }
        }
    }

    fn map(&mut self, depth: usize) -> Result<Yaml, Refusal> {
        let mut entries: Vec<Entry> = Vec::new();
        loop {
            let (event, span) = self.next()?;
            if event == Event::MappingEnd {
                return Ok(Yaml::Map(entries));
            }
            let line = self.line(span);
            let Event::Scalar(key, _, 0, None) = event else {
                return Err(self.refuse(span, "a key must be a plain text"));
            };
            let key = key.into_owned();
            if let Some(first) = entries.iter().find(|entry| entry.key == key) {
                let message =
                    format!("the key `{key}` stands here again; first on line {}", first.line);
                return Err(Refusal::new(Code::DuplicateKey, message).at(key).on_line(line));
            }
            let (event, span) = self.next()?;
            let node = self.node(event, span, depth + 1)?;
            entries.push(Entry { key, line, node });
        }
    }
}

fn scalar(text: &str, style: ScalarStyle) -> Yaml {
    let plain = style == ScalarStyle::Plain;
    if plain && matches!(text, "" | "~" | "null") {
        return Yaml::Nothing;
    }
    Yaml::Text { text: text.to_owned(), plain }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(text: &str) -> Refusal {
        parse(text, 0).expect_err(text)
    }

    #[test]
    fn a_version_stays_the_text_that_it_is() {
        let node = parse("v: 1.10\nyes: 0x10\n", 0).expect("plain YAML");
        let Yaml::Map(entries) = node.value else { panic!("a map") };
        let texts: Vec<_> = entries.iter().map(|entry| entry.node.value.clone()).collect();
        let text = |text: &str| Yaml::Text { text: text.to_owned(), plain: true };
        assert_eq!(texts, [text("1.10"), text("0x10")]);
        assert_eq!((entries[1].key.as_str(), entries[1].line), ("yes", 2));
    }

    #[test]
    fn what_could_mean_two_things_is_refused_with_its_line() {
        for (text, line) in [
            ("a: 1\na: 2\n", 2),
            ("a: &x 1\nb: *x\n", 1),
            ("a: !!str 1\n", 1),
            ("a: 1\n---\nb: 2\n", 3),
            ("a:\n\t- b\n", 2),
            ("a: [1\n", 2),
            ("? [a]\n: b\n", 1),
            ("", 1),
        ] {
            let refusal = refused(text);
            assert_eq!(refusal.line, Some(line), "{text:?}: {refusal}");
        }
        assert_eq!(refused("a: 1\na: 2\n").code, Code::DuplicateKey);
        assert!(refused(&"- ".repeat(40)).message.contains("nested"));
    }

    #[test]
    fn lines_before_the_document_count() {
        let node = parse("a: 1\n", 10).expect("plain YAML");
        assert_eq!(node.line, 11);
    }
}
