//! Finds a member of a JSON object by skipping over the rest, without building a tree.
//!
//! It reads only what admission has parsed strictly (ledger-format 2): on anything else it may
//! return nothing, but never reads out of bounds or panics. The value of a member is returned as
//! the bytes that were signed.

use relbook_ledger::envelope::IN_TOTO_TYPE;

/// Returns the JSON text of the event inside a payload: the predicate of an in-toto Statement, or
/// the payload itself.
pub(crate) fn event_of<'a>(payload_type: &str, body: &'a [u8]) -> Option<&'a [u8]> {
    if payload_type == IN_TOTO_TYPE { member(body, "predicate") } else { Some(body) }
}

/// Returns the bytes of the value under `key` in a JSON object.
pub(crate) fn member<'a>(object: &'a [u8], key: &str) -> Option<&'a [u8]> {
    let mut reader = Reader { bytes: object, at: 0 };
    reader.take(b'{')?;
    if reader.peek()? == b'}' {
        return None;
    }
    loop {
        let name = reader.string()?;
        reader.take(b':')?;
        let value = reader.value()?;
        if is_key(name, key) {
            return Some(value);
        }
        match reader.next()? {
            b',' => {}
            _ => return None,
        }
    }
}

/// Compares a string literal, with its quotes, to a key.
fn is_key(literal: &[u8], key: &str) -> bool {
    let inner = &literal[1..literal.len() - 1];
    // An escape may spell any letter; it is rare enough to leave to the real parser.
    inner == key.as_bytes()
        || (inner.contains(&b'\\')
            && relbook_ledger::json::parse(literal).is_ok_and(|name| name.as_str() == Some(key)))
}

struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Reader<'a> {
    fn peek(&mut self) -> Option<u8> {
        while let Some(byte) = self.bytes.get(self.at) {
            if !matches!(byte, b' ' | b'\t' | b'\n' | b'\r') {
                return Some(*byte);
            }
            self.at += 1;
        }
        None
    }

    fn next(&mut self) -> Option<u8> {
        let byte = self.peek()?;
        self.at += 1;
        Some(byte)
    }

    fn take(&mut self, expected: u8) -> Option<()> {
        (self.next()? == expected).then_some(())
    }

    /// Reads a string literal and returns it with its quotes.
    fn string(&mut self) -> Option<&'a [u8]> {
        self.take(b'"')?;
        let start = self.at - 1;
        loop {
            match self.bytes.get(self.at)? {
                b'"' => break,
                b'\\' => self.at += 2,
                _ => self.at += 1,
            }
        }
        self.at += 1;
        self.bytes.get(start..self.at)
    }

    fn value(&mut self) -> Option<&'a [u8]> {
        let first = self.peek()?;
        let start = self.at;
        match first {
            b'"' => {
                self.string()?;
            }
            b'{' | b'[' => self.skip_nested()?,
            _ => {
                let rest = self.bytes.get(self.at..)?;
                let end = rest.iter().position(|byte| b",}] \t\r\n".contains(byte));
                self.at += end.unwrap_or(rest.len());
            }
        }
        self.bytes.get(start..self.at)
    }

    /// Skips an object or array; brackets balance in what admission parsed.
    fn skip_nested(&mut self) -> Option<()> {
        let mut depth = 0_usize;
        loop {
            match *self.bytes.get(self.at)? {
                b'"' => {
                    self.string()?;
                    continue;
                }
                b'{' | b'[' => depth += 1,
                b'}' | b']' => depth = depth.checked_sub(1)?,
                _ => {}
            }
            self.at += 1;
            if depth == 0 {
                return Some(());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn find(object: &str, key: &str) -> Option<String> {
        member(object.as_bytes(), key).map(|bytes| String::from_utf8(bytes.to_vec()).unwrap())
    }

    #[test]
    fn a_member_is_found_at_the_top_level_only() {
        let text =
            r#" {"a" : {"kind":"no","x":[1,{"kind":2}]}, "s":"}\"{", "kind": "b.c" , "n":-1.5e3}"#;
        assert_eq!(find(text, "kind").as_deref(), Some("\"b.c\""));
        assert_eq!(find(text, "n").as_deref(), Some("-1.5e3"));
        assert_eq!(find(text, "a").as_deref(), Some(r#"{"kind":"no","x":[1,{"kind":2}]}"#));
        assert_eq!(find(text, "x"), None);
        assert_eq!(find("{}", "x"), None);
    }

    #[test]
    fn escaped_keys_are_the_same_keys() {
        assert_eq!(find(r#"{"\u006bind":1}"#, "kind").as_deref(), Some("1"));
        assert_eq!(find(r#"{"k\\ind":1}"#, "kind"), None);
    }

    #[test]
    fn what_is_no_object_gives_nothing() {
        for text in
            ["", "{", "[1]", "{\"a", "{\"a\"", "{\"a\":", "{\"a\":[", "{\"a\\", "null", "{]"]
        {
            assert_eq!(find(text, "a"), None, "{text}");
        }
    }
}
