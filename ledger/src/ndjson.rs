//! NDJSON as `append --from` reads it: one event per line, strictly, in bounded memory.
//!
//! Blank lines are skipped but counted, CRLF is tolerated. A line longer than 1 MiB is refused
//! without being read to its end, so a file of one endless line costs one buffer.

use std::io::{BufRead, Read as _};

use serde_json::{Map, Value};

use crate::admission::{Code, Refusal};
use crate::envelope::SignedEvent;
use crate::json;

/// One event as it came in.
#[derive(Debug, Clone)]
pub enum Input {
    /// Fields, to be completed and signed.
    Fields(Map<String, Value>),
    /// An event that its author signed elsewhere.
    Signed(SignedEvent),
}

/// Says why the next event cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum NdjsonError {
    /// The line is no strict JSON object, is too long or is cut off.
    #[error(transparent)]
    Refused(Box<Refusal>),
    /// The input cannot be read.
    #[error("cannot read `{name}`: {source}")]
    Read {
        /// The input.
        name: String,
        /// Why.
        source: std::io::Error,
    },
}

impl From<Refusal> for NdjsonError {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(Box::new(refusal))
    }
}

/// The most bytes that a line may have. An event has at most 60 KiB; the rest is room for escapes.
pub const LINE_BYTES_MAX: usize = 1 << 20;

/// The lines of an input that hold events, each with its number from 1.
pub struct Lines<R> {
    input: R,
    name: String,
    number: u64,
    buffer: Vec<u8>,
}

impl<R: BufRead> Lines<R> {
    /// Reads from `input`; `name` stands in messages.
    pub fn new(input: R, name: impl Into<String>) -> Self {
        Self { input, name: name.into(), number: 0, buffer: Vec::new() }
    }

    /// Returns the next event and its line, or `None` at the end.
    ///
    /// # Errors
    /// [`NdjsonError`] naming the line.
    pub fn next_event(&mut self) -> Result<Option<(u64, Input)>, NdjsonError> {
        loop {
            self.buffer.clear();
            let limit = LINE_BYTES_MAX as u64 + 1;
            let read = self.input.by_ref().take(limit).read_until(b'\n', &mut self.buffer);
            let read =
                read.map_err(|source| NdjsonError::Read { name: self.name.clone(), source })?;
            if read == 0 {
                return Ok(None);
            }
            self.number += 1;
            if self.buffer.len() > LINE_BYTES_MAX {
                return Err(self.too_long().into());
            }
            let whole = self.buffer.last() == Some(&b'\n');
            let line = self.buffer.trim_ascii();
            if !line.is_empty() {
                let input = event_of(line).map_err(|refusal| self.place(refusal, whole))?;
                return Ok(Some((self.number, input)));
            }
        }
    }

    /// Returns the number of the last line that was read.
    pub fn number(&self) -> u64 {
        self.number
    }

    fn too_long(&self) -> Refusal {
        Refusal::new(
            Code::TooLarge,
            format!(
                "the line is longer than {LINE_BYTES_MAX} bytes; one event per line, large \
                 evidence is kept as a blob and named by its digest"
            ),
        )
        .on_line(self.number)
    }

    fn place(&self, mut refusal: Refusal, whole: bool) -> Refusal {
        // A last line without a line feed that is no JSON was most likely cut off on its way.
        if !whole && refusal.code == Code::Json {
            refusal.message.push_str("; the last line does not end, is the file cut off?");
        }
        refusal.on_line(self.number)
    }
}

/// Reads one event: an object with its fields, or a DSSE envelope.
///
/// # Errors
/// A [`Refusal`] without a line: `json`, `duplicate_key`.
pub fn event_of(line: &[u8]) -> Result<Input, Refusal> {
    let value = json::parse(line).map_err(Refusal::from)?;
    match value {
        Value::Object(fields) if fields.contains_key("payloadType") => {
            let signed = SignedEvent::from_dsse_json(line)
                .map_err(|error| Refusal::new(Code::Json, error.to_string()))?;
            Ok(Input::Signed(signed))
        }
        Value::Object(fields) => Ok(Input::Fields(fields)),
        Value::Array(_) => Err(Refusal::new(
            Code::Json,
            "an array; write one event per line, without brackets and commas around them",
        )),
        other => Err(Refusal::new(Code::Json, "an event is a JSON object").with_value(other)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(bytes: &[u8]) -> (Vec<u64>, Option<Refusal>) {
        let mut lines = Lines::new(bytes, "test");
        let mut numbers = Vec::new();
        loop {
            match lines.next_event() {
                Ok(Some((number, _))) => numbers.push(number),
                Ok(None) => return (numbers, None),
                Err(NdjsonError::Refused(refusal)) => return (numbers, Some(*refusal)),
                Err(error) => panic!("{error}"),
            }
        }
    }

    #[test]
    fn blank_lines_are_skipped_but_counted_and_crlf_is_tolerated() {
        assert_eq!(read(b"\n{\"a\":1}\r\n  \r\n{\"a\":1}").0, [2, 4]);
    }

    #[test]
    fn what_is_no_event_is_refused_with_its_line() {
        let cases: [(&[u8], Code, &str); 7] = [
            (b"{\"a\":1}\n{\"a\":", Code::Json, "cut off"),
            (b"{\"a\":1}\n{\"a\":1,\"a\":2}\n", Code::DuplicateKey, "twice"),
            (b"{\"a\":1}\n{\"a\":\"\xff\"}\n", Code::Json, "UTF-8"),
            (b"{\"a\":1}\n[{}]\n", Code::Json, "array"),
            (b"{\"a\":1}\n7\n", Code::Json, "object"),
            (b"{\"a\":1}\n\xef\xbb\xbf{\"a\":1}\n", Code::Json, "byte order mark"),
            (b"{\"a\":1}\n{\"payloadType\":1}\n", Code::Json, "payloadType"),
        ];
        for (bytes, code, word) in cases {
            let (numbers, refusal) = read(bytes);
            let refusal = refusal.expect("refused");
            assert_eq!((numbers, refusal.line, refusal.code), (vec![1], Some(2), code));
            assert!(refusal.message.contains(word), "{refusal}");
        }
    }

    #[test]
    fn an_endless_line_is_refused_without_being_read() {
        let endless = std::io::BufReader::new(std::io::repeat(b' '));
        let mut lines = Lines::new(endless, "endless");
        let Err(NdjsonError::Refused(refusal)) = lines.next_event() else { panic!("refused") };
        assert_eq!((refusal.code, refusal.line), (Code::TooLarge, Some(1)));
    }
}
