//! A checked report on disk, and trees of it that leave out what is long.

use std::collections::HashMap;
use std::io::{BufRead as _, Read as _};
use std::sync::Arc;

use serde_json::{Map, Value};

use super::super::{Fault, strict};
use super::scanner::Scanner;
use super::spool::Spool;
use super::{LINE_BYTES_MAX, TREE_BYTES_MAX};

/// What a large report is.
#[derive(Debug, Clone)]
pub(in crate::ingest::document) enum Large {
    /// One value of JSON.
    Value(Part),
    /// Lines of JSON; the first of them. The others are checked when they are read.
    Lines { spool: Spool, first: Value },
}

/// A value of a large report: a tree without its long lists and texts.
#[derive(Debug, Clone)]
pub(in crate::ingest) struct Part {
    store: Arc<Store>,
    pub(in crate::ingest) tree: Value,
    /// What was left out, by its path as messages spell it: where it begins.
    left_out: HashMap<String, u64>,
}

#[derive(Debug)]
struct Store {
    spool: Spool,
    /// Where long values begin and end.
    long: HashMap<u64, u64>,
}

/// Checks a whole copy of JSON.
pub(in crate::ingest::document) fn open(spool: &Spool) -> Result<Large, Fault> {
    let mut scanner = Scanner::new(spool.raw(spool.start), spool.start);
    let first = scanner.ahead();
    let start = scanner.offset();
    let checked = scanner.value(0);
    let end = scanner.offset();
    if checked.is_ok() && scanner.ahead().is_none() {
        let store = Store { spool: spool.clone(), long: std::mem::take(&mut scanner.long) };
        let mut part = Part::new(Arc::new(store));
        part.tree = match (first, part.store.long.contains_key(&start)) {
            (_, true) => part.long_value(start, "", &mut 0)?,
            // Short, and white space behind it.
            _ => strict::parse(&text(spool, start, end)?)?,
        };
        return Ok(Large::Value(part));
    }
    // Where not even the first line is a value, it is no file of lines.
    let mut line = Vec::new();
    let read = spool.at(spool.start).take(LINE_BYTES_MAX).read_until(b'\n', &mut line);
    let line = read.ok().and_then(|_| String::from_utf8(line).ok()).unwrap_or_default();
    match (strict::parse(line.trim_end()), checked) {
        (Ok(first), _) => Ok(Large::Lines { spool: spool.clone(), first }),
        (Err(_), Err(fault)) => Err(fault),
        (Err(_), Ok(())) => Err(scanner.wrong("something behind the value")),
    }
}

fn text(spool: &Spool, start: u64, end: u64) -> Result<String, Fault> {
    let bytes = spool.between(start, end).map_err(|_| Fault::Truncated { line: 1 })?;
    String::from_utf8(bytes).map_err(|_| Fault::Truncated { line: 1 })
}

/// A child of a long value.
enum Child {
    Short(Vec<u8>),
    Long(u64),
}

impl Part {
    fn new(store: Arc<Store>) -> Self {
        Self { store, tree: Value::Null, left_out: HashMap::new() }
    }

    /// Tells whether what stands at a path was left out.
    pub(in crate::ingest) fn lacks(&self, path: &str) -> bool {
        self.left_out.contains_key(path)
    }

    /// Gives the elements of a list that was left out one after the other, each with its path.
    ///
    /// # Errors
    /// What `each` says, or the fault as `wrap` makes an error of it.
    pub(in crate::ingest) fn each<E>(
        &self,
        path: &str,
        wrap: impl Fn(Fault) -> E,
        each: &mut dyn FnMut(&Self, &str) -> Result<(), E>,
    ) -> Result<(), E> {
        let Some(start) = self.left_out.get(path) else { return Ok(()) };
        let mut failed = None;
        let mut index = 0_usize;
        let walked = self.children(*start, &mut |_, child| {
            let path = format!("{path}[{index}]");
            index += 1;
            let mut part = Self::new(Arc::clone(&self.store));
            part.tree = match child {
                Child::Short(text) => short(&text)?,
                Child::Long(start) => part.long_value(start, &path, &mut 0)?,
            };
            match each(&part, &path) {
                Ok(()) => Ok(true),
                Err(error) => {
                    failed = Some(error);
                    Ok(false)
                }
            }
        });
        match failed {
            Some(error) => Err(error),
            None => walked.map_err(wrap),
        }
    }

    /// Makes the tree of a long value; what is long in it is left out again.
    fn long_value(&mut self, start: u64, path: &str, used: &mut u64) -> Result<Value, Fault> {
        match self.store.spool.between(start, start + 1).unwrap_or_default().first() {
            Some(b'{') => self.long_object(start, path, used),
            Some(b'[') => {
                self.left_out.insert(path.to_owned(), start);
                // The first element tells of what kind the list is.
                self.first_of(start, used).map(|first| Value::Array(first.into_iter().collect()))
            }
            _ => {
                self.left_out.insert(path.to_owned(), start);
                Ok(Value::Null)
            }
        }
    }

    fn long_object(&mut self, start: u64, path: &str, used: &mut u64) -> Result<Value, Fault> {
        let store = Arc::clone(&self.store);
        let mut fields = Map::new();
        Self::new(store).children(start, &mut |key, child| {
            let key = key.unwrap_or_default();
            let value = match child {
                Child::Short(text) => {
                    *used += u64::try_from(text.len()).unwrap_or(u64::MAX);
                    if *used > TREE_BYTES_MAX {
                        return Err(Fault::TooMuch);
                    }
                    short(&text)?
                }
                // Such a key could be taken for the path of another value.
                Child::Long(_) if key.contains(['.', '[']) => Value::Null,
                Child::Long(start) => {
                    let dot = if path.is_empty() { "" } else { "." };
                    self.long_value(start, &format!("{path}{dot}{key}"), used)?
                }
            };
            fields.insert(key, value);
            Ok(true)
        })?;
        Ok(Value::Object(fields))
    }

    /// Returns the first element of a list, on its own.
    fn first_of(&self, start: u64, used: &mut u64) -> Result<Option<Value>, Fault> {
        let mut first = None;
        let mut part = Self::new(Arc::clone(&self.store));
        self.children(start, &mut |_, child| {
            first = Some(match child {
                Child::Short(text) => short(&text)?,
                Child::Long(start) => part.long_value(start, "", used)?,
            });
            Ok(false)
        })?;
        Ok(first)
    }

    /// Walks over the children of a long list or object; `each` tells whether to go on.
    fn children(
        &self,
        start: u64,
        each: &mut dyn FnMut(Option<String>, Child) -> Result<bool, Fault>,
    ) -> Result<(), Fault> {
        let spool = &self.store.spool;
        let mut scanner = Scanner::new(spool.raw(start), start);
        let is_object = scanner.takes(b'{');
        let end = if is_object { b'}' } else { b']' };
        if !is_object {
            scanner.expect(b'[')?;
        }
        if scanner.takes(end) {
            return Ok(());
        }
        loop {
            let key = if is_object { Some(scanner.key()?) } else { None };
            scanner.ahead();
            let at = scanner.offset();
            let child = match self.store.long.get(&at) {
                Some(behind) => {
                    scanner.jump(spool.raw(*behind), *behind);
                    Child::Long(at)
                }
                None => Child::Short(scanner.kept_value(0)?),
            };
            if !each(key, child)? || scanner.takes(end) {
                return Ok(());
            }
            scanner.expect(b',')?;
        }
    }
}

fn short(text: &[u8]) -> Result<Value, Fault> {
    let text = std::str::from_utf8(text).map_err(|_| Fault::Truncated { line: 1 })?;
    strict::parse(text)
}
