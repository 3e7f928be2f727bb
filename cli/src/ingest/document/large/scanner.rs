//! A pass over JSON that keeps nothing but where long values lie.
//!
//! It accepts what RFC 8259 does and refuses what the reading of small reports refuses too: equal
//! keys, deep nesting, a cut-off end. Small values are parsed by serde_json; this pass only has to
//! know where a value ends.

use std::collections::{HashMap, HashSet};
use std::hash::{DefaultHasher, Hasher as _};
use std::io::{ErrorKind, Read};

use super::super::{Document, Fault};
use super::LONG;

/// The most keys of one object.
const KEYS_MAX: usize = 1 << 20;

/// The most bytes of a key.
const KEY_BYTES_MAX: usize = 64 << 10;

/// How much is read at once.
const CHUNK: usize = 256 << 10;

/// Reads JSON from a place on. It has its own buffer, because it looks at every byte.
pub(super) struct Scanner<R> {
    reader: R,
    buffer: Vec<u8>,
    /// The next byte in the buffer.
    next: usize,
    /// Where the buffer begins in the file.
    base: u64,
    ended: bool,
    line: usize,
    /// The bytes of the value that is being read, when somebody wants them, and from where in the
    /// buffer on they are not copied yet.
    kept: Option<(Vec<u8>, usize)>,
    /// Where long values begin and end.
    pub(super) long: HashMap<u64, u64>,
}

impl<R: Read> Scanner<R> {
    pub(super) fn new(reader: R, offset: u64) -> Self {
        Self {
            reader,
            buffer: Vec::new(),
            next: 0,
            base: offset,
            ended: false,
            line: 1,
            kept: None,
            long: HashMap::new(),
        }
    }

    /// Continues elsewhere in the same file.
    pub(super) fn jump(&mut self, reader: R, offset: u64) {
        let ahead = offset.checked_sub(self.base).and_then(|ahead| usize::try_from(ahead).ok());
        match ahead.filter(|ahead| *ahead <= self.buffer.len()) {
            Some(ahead) => self.next = ahead,
            None => {
                (self.reader, self.base, self.ended) = (reader, offset, false);
                self.buffer.clear();
                self.next = 0;
            }
        }
    }

    /// Returns where it is in the file.
    pub(super) fn offset(&self) -> u64 {
        self.base + u64::try_from(self.next).unwrap_or_default()
    }

    /// Reads over white space; tells what comes next.
    pub(super) fn ahead(&mut self) -> Option<u8> {
        loop {
            match self.peek() {
                Some(b'\n') => {
                    self.line += 1;
                    self.bump();
                }
                Some(b' ' | b'\t' | b'\r') => self.bump(),
                other => return other,
            }
        }
    }

    /// Reads one character that must be there.
    pub(super) fn expect(&mut self, wanted: u8) -> Result<(), Fault> {
        match self.ahead() {
            Some(byte) if byte == wanted => {
                self.bump();
                Ok(())
            }
            Some(_) => Err(self.wrong(&format!("`{}` is missing", char::from(wanted)))),
            None => Err(self.cut_off()),
        }
    }

    /// Takes the next character when it is this one.
    pub(super) fn takes(&mut self, wanted: u8) -> bool {
        let found = self.ahead() == Some(wanted);
        if found {
            self.bump();
        }
        found
    }

    /// Reads over one value.
    pub(super) fn value(&mut self, depth: usize) -> Result<(), Fault> {
        let first = self.ahead();
        let start = self.offset();
        match first {
            Some(b'{') => self.object(depth + 1)?,
            Some(b'[') => self.array(depth + 1)?,
            Some(b'"') => self.string(None)?,
            Some(b'-' | b'0'..=b'9') => return self.number(),
            Some(b't') => return self.word(b"true"),
            Some(b'f') => return self.word(b"false"),
            Some(b'n') => return self.word(b"null"),
            Some(_) => return Err(self.wrong("a value is missing")),
            None => return Err(self.cut_off()),
        }
        let end = self.offset();
        if end - start >= LONG {
            self.long.insert(start, end);
        }
        Ok(())
    }

    /// Reads over one value and returns its bytes.
    pub(super) fn kept_value(&mut self, depth: usize) -> Result<Vec<u8>, Fault> {
        self.ahead();
        self.kept = Some((Vec::new(), self.next));
        let read = self.value(depth);
        let (mut kept, from) = self.kept.take().unwrap_or_default();
        kept.extend_from_slice(self.buffer.get(from..self.next).unwrap_or_default());
        read.map(|()| kept)
    }

    /// Reads a key and the colon behind it.
    pub(super) fn key(&mut self) -> Result<String, Fault> {
        if self.ahead() != Some(b'"') {
            return Err(match self.peek() {
                Some(_) => self.wrong("a key is missing"),
                None => self.cut_off(),
            });
        }
        let mut key = Vec::new();
        self.string(Some(&mut key))?;
        self.expect(b':')?;
        let plain = if key.contains(&b'\\') { None } else { key.get(1..key.len() - 1) };
        match plain {
            Some(plain) => String::from_utf8(plain.to_vec()).ok(),
            None => serde_json::from_slice(&key).ok(),
        }
        .ok_or_else(|| self.wrong("a key is no text"))
    }

    fn object(&mut self, depth: usize) -> Result<(), Fault> {
        self.deeper(depth)?;
        self.bump();
        if self.takes(b'}') {
            return Ok(());
        }
        let mut keys = Keys::default();
        loop {
            let key = self.key()?;
            if !keys.insert(&key) {
                return Err(Fault::DuplicateKey { key, line: self.line });
            }
            if keys.count > KEYS_MAX {
                return Err(Fault::TooMuch);
            }
            self.value(depth)?;
            if self.takes(b'}') {
                return Ok(());
            }
            self.expect(b',')?;
        }
    }

    fn array(&mut self, depth: usize) -> Result<(), Fault> {
        self.deeper(depth)?;
        self.bump();
        if self.takes(b']') {
            return Ok(());
        }
        loop {
            self.value(depth)?;
            if self.takes(b']') {
                return Ok(());
            }
            self.expect(b',')?;
        }
    }

    fn deeper(&self, depth: usize) -> Result<(), Fault> {
        match depth > Document::DEPTH_MAX {
            true => Err(Fault::TooDeep),
            false => Ok(()),
        }
    }

    /// Reads over a text, and copies it with its quotes if wanted.
    fn string(&mut self, mut copy: Option<&mut Vec<u8>>) -> Result<(), Fault> {
        self.bump();
        if let Some(copy) = &mut copy {
            copy.push(b'"');
        }
        loop {
            let rest = self.buffer.get(self.next..).unwrap_or_default();
            let special = |byte: &u8| matches!(*byte, b'"' | b'\\' | 0..=0x1f);
            let plain = rest.iter().position(special).unwrap_or(rest.len());
            if let Some(copy) = &mut copy {
                copy.extend_from_slice(rest.get(..plain).unwrap_or_default());
                if copy.len() > KEY_BYTES_MAX {
                    return Err(Fault::TooMuch);
                }
            }
            self.next += plain;
            if self.next == self.buffer.len() && self.fill() {
                continue;
            }
            let Some(byte) = self.peek() else { return Err(self.cut_off()) };
            if byte == b'"' {
                self.bump();
                if let Some(copy) = &mut copy {
                    copy.push(b'"');
                }
                return Ok(());
            } else if byte == b'\\' {
                self.escape(&mut copy)?;
            } else if byte < 0x20 {
                return Err(self.wrong("a control character in a text"));
            }
        }
    }

    fn escape(&mut self, copy: &mut Option<&mut Vec<u8>>) -> Result<(), Fault> {
        let first = self.escaped(copy)?;
        match first {
            // The first half of a pair needs the second.
            Some(0xd800..=0xdbff) => match self.peek() {
                Some(b'\\') => match self.escaped(copy)? {
                    Some(0xdc00..=0xdfff) => Ok(()),
                    _ => Err(self.wrong("half a character in a text")),
                },
                Some(_) => Err(self.wrong("half a character in a text")),
                None => Err(self.cut_off()),
            },
            Some(0xdc00..=0xdfff) => Err(self.wrong("half a character in a text")),
            _ => Ok(()),
        }
    }

    /// Reads one escape; returns the number of `\u`.
    fn escaped(&mut self, copy: &mut Option<&mut Vec<u8>>) -> Result<Option<u32>, Fault> {
        self.bump();
        let Some(kind) = self.peek() else { return Err(self.cut_off()) };
        self.bump();
        if let Some(copy) = copy {
            copy.extend([b'\\', kind]);
        }
        match kind {
            b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't' => Ok(None),
            b'u' => {
                let mut number = 0;
                for _ in 0..4 {
                    let Some(byte) = self.peek() else { return Err(self.cut_off()) };
                    let Some(digit) = char::from(byte).to_digit(16) else {
                        return Err(self.wrong("a wrong escape in a text"));
                    };
                    number = number * 16 + digit;
                    self.bump();
                    if let Some(copy) = copy {
                        copy.push(byte);
                    }
                }
                Ok(Some(number))
            }
            _ => Err(self.wrong("a wrong escape in a text")),
        }
    }

    fn number(&mut self) -> Result<(), Fault> {
        if self.peek() == Some(b'-') {
            self.bump();
        }
        match self.peek() {
            Some(b'0') => self.bump(),
            Some(b'1'..=b'9') => self.digits()?,
            Some(_) => return Err(self.wrong("a number without digits")),
            None => return Err(self.cut_off()),
        }
        if self.peek() == Some(b'.') {
            self.bump();
            self.digits()?;
        }
        if matches!(self.peek(), Some(b'e' | b'E')) {
            self.bump();
            if matches!(self.peek(), Some(b'+' | b'-')) {
                self.bump();
            }
            self.digits()?;
        }
        match self.peek() {
            Some(byte) if byte.is_ascii_alphanumeric() => Err(self.wrong("a wrong number")),
            _ => Ok(()),
        }
    }

    fn digits(&mut self) -> Result<(), Fault> {
        let mut any = false;
        while self.peek().is_some_and(|byte| byte.is_ascii_digit()) {
            self.bump();
            any = true;
        }
        match (any, self.peek()) {
            (true, _) => Ok(()),
            (false, Some(_)) => Err(self.wrong("a number without digits")),
            (false, None) => Err(self.cut_off()),
        }
    }

    fn word(&mut self, word: &[u8]) -> Result<(), Fault> {
        for wanted in word {
            match self.peek() {
                Some(byte) if byte == *wanted => self.bump(),
                Some(_) => return Err(self.wrong("a value is missing")),
                None => return Err(self.cut_off()),
            }
        }
        Ok(())
    }

    /// Reads more; tells whether there was any.
    fn fill(&mut self) -> bool {
        if self.ended {
            return false;
        }
        if let Some((kept, from)) = &mut self.kept {
            kept.extend_from_slice(self.buffer.get(*from..).unwrap_or_default());
            *from = 0;
        }
        self.base = self.offset();
        self.next = 0;
        self.buffer.resize(CHUNK, 0);
        let read = loop {
            match self.reader.read(&mut self.buffer) {
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                // The copy is our own file: that it cannot be read is the same as that it ends.
                other => break other.unwrap_or_default(),
            }
        };
        self.buffer.truncate(read);
        self.ended = read == 0;
        read > 0
    }

    fn peek(&mut self) -> Option<u8> {
        let byte = self.buffer.get(self.next).copied();
        match byte {
            None if self.fill() => self.buffer.first().copied(),
            byte => byte,
        }
    }

    fn bump(&mut self) {
        self.next += 1;
    }

    fn cut_off(&self) -> Fault {
        Fault::Truncated { line: self.line }
    }

    pub(super) fn wrong(&self, message: &str) -> Fault {
        Fault::NotJson { message: format!("{message} at line {}", self.line) }
    }
}

/// The keys of one object, by their hashes.
#[derive(Default)]
struct Keys {
    few: Vec<u64>,
    many: HashSet<u64>,
    count: usize,
}

impl Keys {
    /// Tells whether the key is new.
    fn insert(&mut self, key: &str) -> bool {
        const FEW: usize = 32;
        let mut hasher = DefaultHasher::new();
        hasher.write(key.as_bytes());
        let hash = hasher.finish();
        self.count += 1;
        if self.few.contains(&hash) {
            return false;
        }
        if self.few.len() < FEW {
            self.few.push(hash);
            return true;
        }
        self.many.insert(hash)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scan(text: &str) -> Result<(), Fault> {
        let mut scanner = Scanner::new(text.as_bytes(), 0);
        scanner.value(0)?;
        match scanner.ahead() {
            None => Ok(()),
            Some(_) => Err(scanner.wrong("something behind the value")),
        }
    }

    #[test]
    fn it_takes_and_refuses_what_the_parser_of_small_reports_does() {
        let texts = [
            "{}",
            "[]",
            "[1,2]",
            "{\"a\":{\"b\":[true,false,null]}}",
            "-0.5e+10",
            "0",
            "1E5",
            "\"\\u00e9\\ud83d\\ude00\\n\"",
            " [ 1 , 2 ] ",
            "{\"a\" : 1 , \"b\":2}",
            "[[],{}]",
            "",
            "{",
            "[",
            "[1",
            "[1,",
            "{\"a\"",
            "{\"a\":",
            "{\"a\":1",
            "\"a",
            "\"\\",
            "\"\\u12",
            "tru",
            "[1,]",
            "{,}",
            "{\"a\":1,}",
            "01",
            "1.",
            "-",
            "1e",
            ".5",
            "+1",
            "nul",
            "nope",
            "[1 2]",
            "{\"a\" 1}",
            "{a:1}",
            "'a'",
            "\"\u{1}\"",
            "\"\\x\"",
            "\"\\ud83d\"",
            "\"\\ude00\"",
            "\"\\ud83dx\"",
            "1x",
            "truex",
            "[]]",
            "{\"a\":1,\"a\":2}",
            "{\"a\":1,\"\\u0061\":2}",
            "NaN",
            "[1]\u{b}",
            "\u{a0}1",
        ];
        for text in texts {
            let small = super::super::super::strict::parse(text);
            let large = scan(text);
            assert_eq!(small.is_ok(), large.is_ok(), "{text:?}: {small:?}, {large:?}");
            let kind = |fault: &Fault| std::mem::discriminant(fault);
            if let (Err(small), Err(large)) = (&small, &large) {
                assert_eq!(kind(small), kind(large), "{text:?}: {small:?}, {large:?}");
            }
        }
        let nested = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
        assert!(scan(&nested(Document::DEPTH_MAX)).is_ok());
        assert_eq!(scan(&nested(Document::DEPTH_MAX + 1)), Err(Fault::TooDeep));
    }

    #[test]
    fn long_values_are_remembered_by_their_place() {
        let long = "x".repeat(usize::try_from(LONG).expect("it is small"));
        let text = format!("{{\"a\": [1], \"b\": [\"{long}\"]}}");
        let mut scanner = Scanner::new(text.as_bytes(), 0);
        scanner.value(0).expect("it is JSON");
        let end = u64::try_from(text.len()).expect("it is small");
        let mut found: Vec<_> = scanner.long.into_iter().collect();
        found.sort_unstable();
        assert_eq!(found, [(0, end), (16, end - 1), (17, end - 2)]);
    }
}
