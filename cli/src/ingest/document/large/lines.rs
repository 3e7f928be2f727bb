//! Lines of JSON, one at a time.

use std::io::{BufRead as _, Read as _};

use serde_json::Value;

use super::super::{Fault, strict};
use super::LINE_BYTES_MAX;
use super::spool::Spool;

/// Gives each line that is not blank, with its number from 1, its text and its value.
pub(in crate::ingest::document) fn lines<E>(
    spool: &Spool,
    unusable: impl Fn(Fault) -> E,
    each: &mut dyn FnMut(usize, String, Value) -> Result<(), E>,
) -> Result<(), E> {
    let mut reader = spool.at(spool.start);
    let mut number = 0_usize;
    loop {
        number += 1;
        let on_line = |fault: Fault| unusable(fault.on_line(number));
        let mut line = Vec::new();
        let read = reader.by_ref().take(LINE_BYTES_MAX + 1).read_until(b'\n', &mut line);
        match read.map(u64::try_from) {
            Ok(Ok(0)) => return Ok(()),
            Ok(Ok(count)) if count <= LINE_BYTES_MAX => {}
            _ => return Err(on_line(Fault::TooMuch)),
        }
        let text = String::from_utf8(line).map_err(|_| on_line(Fault::Truncated { line: 1 }))?;
        if text.trim().is_empty() {
            continue;
        }
        let text = text.trim_end_matches(['\r', '\n']);
        let value = strict::parse(text).map_err(on_line)?;
        each(number, text.to_owned(), value)?;
    }
}
