//! Strict JSON admission: one parser for everything that is signed (ledger-format 2).
//!
//! Two parsers that resolve a duplicate key differently would read two events out of one signed
//! byte string, so whatever is ambiguous is refused here: duplicate keys (after unescaping), lone
//! surrogates, a byte order mark, NaN and infinities, integers beyond 2^53 - 1 either way, depth
//! beyond 32, trailing bytes, and anything that is not UTF-8. This module must never repair input.

use serde_json::{Map, Number, Value};

use crate::limits::{JSON_DEPTH_MAX, JSON_INTEGER_MAX};

/// Says what is wrong with a JSON text, and where.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{kind} (at byte {offset})")]
pub struct JsonError {
    /// What is wrong.
    pub kind: JsonErrorKind,
    /// The offset of the offending byte, from 0.
    pub offset: usize,
}

impl JsonError {
    /// Returns the refusal code of the contract: `duplicate_key` or `json`.
    pub fn code(&self) -> &'static str {
        match self.kind {
            JsonErrorKind::DuplicateKey { .. } => "duplicate_key",
            _ => "json",
        }
    }
}

/// What can be wrong with a JSON text.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum JsonErrorKind {
    /// There is nothing but white space.
    #[error("there is no JSON here, only white space")]
    Empty,
    /// The bytes are not UTF-8; the file was saved in another encoding.
    #[error("not UTF-8; save the file as UTF-8")]
    NotUtf8,
    /// The text begins with U+FEFF.
    #[error("a byte order mark; save the file as UTF-8 without BOM")]
    ByteOrderMark,
    /// The text ends in the middle of a value.
    #[error("the text ends before {expected}")]
    End {
        /// What should have come.
        expected: &'static str,
    },
    /// Another character was expected.
    #[error("found `{}` where {expected} was expected", found.escape_default())]
    Unexpected {
        /// The character that is there.
        found: char,
        /// What should have come.
        expected: &'static str,
    },
    /// A key occurs twice in one object, as written or after unescaping.
    #[error("the key `{key}` occurs twice in one object")]
    DuplicateKey {
        /// The key, unescaped.
        key: String,
    },
    /// An escape names half of a surrogate pair.
    #[error("a lone surrogate escape; write both halves of the pair, or the character itself")]
    LoneSurrogate,
    /// A backslash is followed by something that JSON does not know.
    #[error("an escape that JSON does not have")]
    Escape,
    /// A control character stands in a text as it is.
    #[error("a control character inside a text; escape it")]
    Control,
    /// A number that JSON cannot spell, such as `NaN`, `01` or `1.`.
    #[error("not a JSON number; NaN, infinities, leading zeros and bare points are refused")]
    Number,
    /// An integer that not every language reads exactly.
    #[error("the integer is beyond 2^53 - 1; write it as a text")]
    IntegerRange,
    /// A number too large for a 64-bit float.
    #[error("the number is too large")]
    NumberRange,
    /// Arrays and objects are nested too deep.
    #[error("nested deeper than {JSON_DEPTH_MAX} levels")]
    Depth,
    /// Something follows the value.
    #[error("found `{}` after the end of the value; only one JSON value may stand here", found.escape_default())]
    Trailing {
        /// The first character after the value.
        found: char,
    },
}

/// Parses exactly one JSON value, strictly.
///
/// # Errors
/// [`JsonError`] for the first thing that is not plain, unambiguous JSON.
pub fn parse(bytes: &[u8]) -> Result<Value, JsonError> {
    let text = std::str::from_utf8(bytes)
        .map_err(|error| JsonError { kind: JsonErrorKind::NotUtf8, offset: error.valid_up_to() })?;
    if text.starts_with('\u{feff}') {
        return Err(JsonError { kind: JsonErrorKind::ByteOrderMark, offset: 0 });
    }
    let mut parser = Parser { text, at: 0 };
    parser.skip_space();
    if parser.at == text.len() {
        return Err(parser.error(JsonErrorKind::Empty));
    }
    let value = parser.value(0)?;
    parser.skip_space();
    match parser.peek_char() {
        Some(found) => Err(parser.error(JsonErrorKind::Trailing { found })),
        None => Ok(value),
    }
}

/// The state of a parse: the text and how far it has been read.
struct Parser<'a> {
    text: &'a str,
    at: usize,
}

impl Parser<'_> {
    fn error(&self, kind: JsonErrorKind) -> JsonError {
        JsonError { kind, offset: self.at }
    }

    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn peek_char(&self) -> Option<char> {
        self.text.get(self.at..).and_then(|rest| rest.chars().next())
    }

    fn skip_space(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\n' | b'\r')) {
            self.at += 1;
        }
    }

    /// Says that something else was expected here.
    fn unexpected(&self, expected: &'static str) -> JsonError {
        self.error(match self.peek_char() {
            Some(found) => JsonErrorKind::Unexpected { found, expected },
            None => JsonErrorKind::End { expected },
        })
    }

    /// Reads a value inside `depth` arrays and objects.
    fn value(&mut self, depth: usize) -> Result<Value, JsonError> {
        match self.peek() {
            Some(b'{') => self.object(depth),
            Some(b'[') => self.array(depth),
            Some(b'"') => self.string().map(Value::String),
            Some(b'-' | b'0'..=b'9') => self.number(),
            Some(b't') => self.word("true", Value::Bool(true)),
            Some(b'f') => self.word("false", Value::Bool(false)),
            Some(b'n') => self.word("null", Value::Null),
            Some(b'N' | b'I') => Err(self.error(JsonErrorKind::Number)),
            _ => Err(self.unexpected("a value")),
        }
    }

    fn word(&mut self, word: &'static str, value: Value) -> Result<Value, JsonError> {
        if self.text.get(self.at..).is_some_and(|rest| rest.starts_with(word)) {
            self.at += word.len();
            return Ok(value);
        }
        Err(self.unexpected("a value"))
    }

    /// Enters an array or object that stands inside `depth` others.
    fn enter(&mut self, depth: usize) -> Result<(), JsonError> {
        if depth >= JSON_DEPTH_MAX {
            return Err(self.error(JsonErrorKind::Depth));
        }
        self.at += 1;
        self.skip_space();
        Ok(())
    }

    fn array(&mut self, depth: usize) -> Result<Value, JsonError> {
        self.enter(depth)?;
        let mut items = Vec::new();
        if self.peek() == Some(b']') {
            self.at += 1;
            return Ok(Value::Array(items));
        }
        loop {
            items.push(self.value(depth + 1)?);
            self.skip_space();
            match self.peek() {
                Some(b',') => self.at += 1,
                Some(b']') => {
                    self.at += 1;
                    return Ok(Value::Array(items));
                }
                _ => return Err(self.unexpected("`,` or `]`")),
            }
            self.skip_space();
        }
    }

    fn object(&mut self, depth: usize) -> Result<Value, JsonError> {
        self.enter(depth)?;
        let mut fields = Map::new();
        if self.peek() == Some(b'}') {
            self.at += 1;
            return Ok(Value::Object(fields));
        }
        loop {
            let key_at = self.at;
            if self.peek() != Some(b'"') {
                return Err(self.unexpected("a key in double quotes"));
            }
            let key = self.string()?;
            // The comparison is of unescaped keys: "a" and "\u0061" are one key.
            if fields.contains_key(&key) {
                return Err(JsonError {
                    kind: JsonErrorKind::DuplicateKey { key },
                    offset: key_at,
                });
            }
            self.skip_space();
            if self.peek() != Some(b':') {
                return Err(self.unexpected("`:`"));
            }
            self.at += 1;
            self.skip_space();
            let value = self.value(depth + 1)?;
            fields.insert(key, value);
            self.skip_space();
            match self.peek() {
                Some(b',') => self.at += 1,
                Some(b'}') => {
                    self.at += 1;
                    return Ok(Value::Object(fields));
                }
                _ => return Err(self.unexpected("`,` or `}`")),
            }
            self.skip_space();
        }
    }

    /// Reads a text whose opening quote is next.
    fn string(&mut self) -> Result<String, JsonError> {
        self.at += 1;
        let mut text = String::new();
        loop {
            let start = self.at;
            while self.peek().is_some_and(|byte| byte != b'"' && byte != b'\\' && byte >= 0x20) {
                self.at += 1;
            }
            // The run ends at an ASCII byte or at the end, so both ends lie between characters.
            text.push_str(self.text.get(start..self.at).unwrap_or_default());
            match self.peek() {
                Some(b'"') => {
                    self.at += 1;
                    return Ok(text);
                }
                Some(b'\\') => text.push(self.escape()?),
                Some(_) => return Err(self.error(JsonErrorKind::Control)),
                None => return Err(self.unexpected("the closing quote of a text")),
            }
        }
    }

    /// Reads an escape whose backslash is next.
    fn escape(&mut self) -> Result<char, JsonError> {
        let start = self.at;
        let error = |kind| JsonError { kind, offset: start };
        self.at += 2;
        Ok(match self.text.as_bytes().get(start + 1) {
            Some(b'"') => '"',
            Some(b'\\') => '\\',
            Some(b'/') => '/',
            Some(b'b') => '\u{8}',
            Some(b'f') => '\u{c}',
            Some(b'n') => '\n',
            Some(b'r') => '\r',
            Some(b't') => '\t',
            Some(b'u') => {
                let first = self.hex4(start)?;
                let code = match first {
                    0xd800..=0xdbff => {
                        let pair = self.text.as_bytes().get(self.at..self.at + 2);
                        if pair != Some(b"\\u".as_slice()) {
                            return Err(error(JsonErrorKind::LoneSurrogate));
                        }
                        self.at += 2;
                        let second = self.hex4(start)?;
                        if !(0xdc00..=0xdfff).contains(&second) {
                            return Err(error(JsonErrorKind::LoneSurrogate));
                        }
                        0x10000 + ((first - 0xd800) << 10) + (second - 0xdc00)
                    }
                    _ => first,
                };
                // What is left without a character is the second half of a pair on its own.
                char::from_u32(code).ok_or_else(|| error(JsonErrorKind::LoneSurrogate))?
            }
            _ => return Err(error(JsonErrorKind::Escape)),
        })
    }

    fn hex4(&mut self, escape_at: usize) -> Result<u32, JsonError> {
        let digits = self.text.as_bytes().get(self.at..self.at + 4).unwrap_or_default();
        let error = JsonError { kind: JsonErrorKind::Escape, offset: escape_at };
        if digits.len() != 4 {
            return Err(error);
        }
        self.at += 4;
        digits.iter().try_fold(0, |code, &byte| {
            char::from(byte)
                .to_digit(16)
                .map(|digit| code << 4 | digit)
                .ok_or_else(|| error.clone())
        })
    }

    fn digits(&mut self) -> usize {
        let start = self.at;
        while matches!(self.peek(), Some(b'0'..=b'9')) {
            self.at += 1;
        }
        self.at - start
    }

    fn number(&mut self) -> Result<Value, JsonError> {
        let start = self.at;
        let error = |kind| JsonError { kind, offset: start };
        if self.peek() == Some(b'-') {
            self.at += 1;
        }
        let leading_zero = self.peek() == Some(b'0');
        let whole = self.digits();
        if whole == 0 || (leading_zero && whole > 1) {
            return Err(error(JsonErrorKind::Number));
        }
        let mut integer = true;
        if self.peek() == Some(b'.') {
            self.at += 1;
            integer = false;
            if self.digits() == 0 {
                return Err(error(JsonErrorKind::Number));
            }
        }
        if matches!(self.peek(), Some(b'e' | b'E')) {
            self.at += 1;
            integer = false;
            if matches!(self.peek(), Some(b'+' | b'-')) {
                self.at += 1;
            }
            if self.digits() == 0 {
                return Err(error(JsonErrorKind::Number));
            }
        }
        let literal = self.text.get(start..self.at).unwrap_or_default();
        if integer {
            return match literal.parse::<i64>() {
                Ok(n) if (-JSON_INTEGER_MAX..=JSON_INTEGER_MAX).contains(&n) => Ok(n.into()),
                _ => Err(error(JsonErrorKind::IntegerRange)),
            };
        }
        let float: f64 = literal.parse().map_err(|_| error(JsonErrorKind::Number))?;
        // `from_f64` has no answer for an infinity, which is what 1e999 reads as.
        let number = Number::from_f64(float).ok_or_else(|| error(JsonErrorKind::NumberRange))?;
        Ok(Value::Number(number))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[track_caller]
    fn refused(text: &str) -> JsonErrorKind {
        parse(text.as_bytes()).unwrap_err().kind
    }

    #[test]
    fn plain_json_is_read_in_order() {
        let value =
            parse(br#" {"b": [1, -2, 0.5, 1e3], "a": {"x": null}, "t": true, "f": false} "#);
        let text = value.unwrap().to_string();
        assert_eq!(text, r#"{"b":[1,-2,0.5,1000.0],"a":{"x":null},"t":true,"f":false}"#);
    }

    #[test]
    fn duplicate_keys_are_refused_after_unescaping_and_at_every_level() {
        for text in [r#"{"a":1,"a":1}"#, r#"{"a":1,"\u0061":2}"#, r#"[{"x":{"k":1,"k":2}}]"#] {
            let error = parse(text.as_bytes()).unwrap_err();
            assert!(matches!(error.kind, JsonErrorKind::DuplicateKey { .. }), "{text}");
            assert_eq!(error.code(), "duplicate_key");
        }
        let error = parse(br#"{"a":1,"a":2}"#).unwrap_err();
        assert_eq!(error.to_string(), "the key `a` occurs twice in one object (at byte 7)");
        assert!(parse(br#"[{"a":1},{"a":1}]"#).is_ok());
    }

    #[test]
    fn lone_surrogates_are_refused_and_pairs_are_read() {
        for text in [
            r#""\ud800""#,
            r#""\udc00""#,
            r#""\ud800x""#,
            r#""\ud800\n""#,
            r#""\ud800\ud800""#,
            r#""\udc00\ud800""#,
        ] {
            assert_eq!(refused(text), JsonErrorKind::LoneSurrogate, "{text}");
        }
        assert_eq!(parse(br#""\ud83d\ude00""#).unwrap(), "\u{1f600}");
        assert_eq!(parse(br#""\u0041\/\b\f\n\r\t\"\\""#).unwrap(), "A/\u{8}\u{c}\n\r\t\"\\");
    }

    #[test]
    fn other_encodings_are_refused() {
        assert_eq!(parse(b"\xef\xbb\xbf{}").unwrap_err().kind, JsonErrorKind::ByteOrderMark);
        assert_eq!(parse(b"\"\xff\"").unwrap_err().kind, JsonErrorKind::NotUtf8);
        assert_eq!(parse(b"\"\xed\xa0\x80\"").unwrap_err().kind, JsonErrorKind::NotUtf8);
        assert_eq!(parse(b"\"\xc0\xaf\"").unwrap_err().kind, JsonErrorKind::NotUtf8);
    }

    #[test]
    fn numbers_are_exact_or_refused() {
        for text in ["NaN", "Infinity", "-Infinity", "-", "01", "-01", "1.", "1e", "1e+"] {
            assert_eq!(refused(text), JsonErrorKind::Number, "{text}");
        }
        for text in ["9007199254740992", "-9007199254740992", "18446744073709551616"] {
            assert_eq!(refused(text), JsonErrorKind::IntegerRange, "{text}");
        }
        assert_eq!(refused("1e999"), JsonErrorKind::NumberRange);
        assert_eq!(parse(b"9007199254740991").unwrap(), JSON_INTEGER_MAX);
        assert_eq!(parse(b"-9007199254740991").unwrap(), -JSON_INTEGER_MAX);
        assert_eq!(parse(b"-0").unwrap(), 0);
        assert_eq!(parse(b"0.1").unwrap(), 0.1);
    }

    #[test]
    fn depth_32_is_read_and_33_is_not() {
        let nest = |depth: usize| "[".repeat(depth) + &"]".repeat(depth);
        assert!(parse(nest(32).as_bytes()).is_ok());
        assert_eq!(refused(&nest(33)), JsonErrorKind::Depth);
        assert_eq!(refused(&"[".repeat(1_000_000)), JsonErrorKind::Depth);
        assert_eq!(refused(&r#"{"a":"#.repeat(40)), JsonErrorKind::Depth);
    }

    #[test]
    fn what_is_not_one_value_is_refused() {
        assert_eq!(refused(" \n"), JsonErrorKind::Empty);
        assert_eq!(refused("{} {}"), JsonErrorKind::Trailing { found: '{' });
        assert_eq!(refused("{}\0"), JsonErrorKind::Trailing { found: '\0' });
        for text in ["{", "[1", "\"a", "{\"a\"", "{\"a\":", "tru", "{\"a\":1,", "[1,"] {
            let kind = refused(text);
            let end = matches!(kind, JsonErrorKind::End { .. } | JsonErrorKind::Unexpected { .. });
            assert!(end, "{text}: {kind:?}");
        }
        for text in ["{a:1}", "{'a':1}", "[1,]", "{\"a\":1,}", "[1 2]", "// x\n1", "+1", ".5"] {
            assert!(matches!(refused(text), JsonErrorKind::Unexpected { .. }), "{text}");
        }
        assert_eq!(refused("\"a\nb\""), JsonErrorKind::Control);
        for text in [r#""\x""#, r#""\u12""#, r#""\u12g4""#, "\"\\"] {
            assert_eq!(refused(text), JsonErrorKind::Escape, "{text}");
        }
    }

    fn values() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::Bool),
            (-JSON_INTEGER_MAX..=JSON_INTEGER_MAX).prop_map(Value::from),
            (-1e9..1e9f64).prop_map(Value::from),
            ".{0,8}".prop_map(Value::String),
        ];
        leaf.prop_recursive(4, 32, 6, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..6).prop_map(Value::Array),
                prop::collection::vec((".{0,4}", inner), 0..6)
                    .prop_map(|fields| Value::Object(fields.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn what_serde_json_writes_comes_back(value in values()) {
            let text = serde_json::to_string_pretty(&value).unwrap();
            prop_assert_eq!(parse(text.as_bytes()).unwrap(), value);
        }

        #[test]
        fn no_input_panics_and_what_is_accepted_serde_json_accepts(
            text in r#"[\[\]{}:,"\\ud80c0-9eE.+\-tfnrals \PC]{0,24}"#,
        ) {
            if let Ok(value) = parse(text.as_bytes()) {
                let peer: Value = text.parse().unwrap();
                prop_assert_eq!(value.to_string().replace(".0", ""), peer.to_string().replace(".0", ""));
            }
        }

        #[test]
        fn no_bytes_panic(bytes in prop::collection::vec(any::<u8>(), 0..64)) {
            let _ = parse(&bytes);
        }
    }
}
