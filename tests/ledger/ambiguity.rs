//! JSON that two parsers could read as two events: each case gets one verdict, and whatever we
//! read a second parser reads as the same value.
//!
//! Method: a hole in an otherwise good, signed event is filled with each fragment, and the event
//! is sent to a book. The verdict that a case must get is written beside it. Then serde_json, and
//! Python where it is installed, read the same bytes.

use std::io::Write as _;
use std::process::{Command, Stdio};

use relbook_ledger::admission::Code;
use relbook_ledger::envelope::{EVENT_TYPE, SignedEvent};
use relbook_ledger::store::{AppendError, Writer};
use serde_json::Value;

use crate::report;
use crate::scratch::*;

/// What becomes of a case.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Verdict {
    Accepted,
    Refused(Code),
}

use Verdict::{Accepted, Refused};

const JSON: Verdict = Refused(Code::Json);
const DUPLICATE: Verdict = Refused(Code::DuplicateKey);

struct Case {
    name: String,
    body: Vec<u8>,
    expected: Verdict,
}

#[derive(Default)]
struct Cases(Vec<Case>);

/// The start of an event of this book, up to where its last fields go.
fn head(kind: &str) -> String {
    let id = new_id();
    format!(
        r#"{{"id":"{id}","kind":"{kind}","ledger":"{ORIGIN}","occurred_at":"2026-05-31T00:00:00Z","#
    )
}

impl Cases {
    fn add(&mut self, name: String, body: impl Into<Vec<u8>>, expected: Verdict) {
        self.0.push(Case { name, body: body.into(), expected });
    }

    /// An incident whose labels hold these fields.
    fn labels(&mut self, fields: &[u8], expected: Verdict) {
        let start = head("incident.opened") + r#""incident_id":"i1","labels":{"#;
        let body = [start.as_bytes(), fields, b"}}"].concat();
        self.add(format!("labels {}", String::from_utf8_lossy(fields)), body, expected);
    }

    /// An incident whose one label is this text, between its quotes.
    fn text(&mut self, text: &[u8], expected: Verdict) {
        self.labels(&[b"\"k\":\"", text, b"\""].concat(), expected);
    }

    /// A check whose duration is this number.
    fn number(&mut self, number: &str, expected: Verdict) {
        let fields = format!(
            r#""component":"api","suite":"unit","result":"pass","commit":"c0ffee","duration_s":{number}}}"#
        );
        self.add(format!("number {number}"), head("check.completed") + &fields, expected);
    }

    /// An incident with these further fields at its top.
    fn top(&mut self, fields: &str, expected: Verdict) {
        let body = head("incident.opened") + r#""incident_id":"i1""# + fields + "}";
        self.add(format!("top {fields}"), body, expected);
    }
}

fn duplicate_keys(cases: &mut Cases) {
    // The same key in two spellings, as written in JSON.
    let same = [
        ("a", "a"),
        ("a", r"\u0061"),
        (r"\u0061", r"\u0061"),
        ("é", r"\u00e9"),
        ("é", r"\u00E9"),
        (r"\u00e9", r"\u00E9"),
        ("😀", r"\ud83d\ude00"),
        (r"\uD83D\uDE00", r"\ud83d\ude00"),
        ("", ""),
        ("/", r"\/"),
        (r"\/", r"\u002f"),
        (r#"\""#, r"\u0022"),
        (r"\\", r"\u005c"),
        (r"\b", r"\u0008"),
        (r"\f", r"\u000c"),
        (r"\n", r"\u000A"),
        (r"\r", r"\u000d"),
        (r"\t", r"\u0009"),
        (r"\u0000", r"\u0000"),
        ("ab", r"\u0061\u0062"),
        ("__proto__", "__proto__"),
    ];
    for (one, other) in same {
        for (first, second) in [(one, other), (other, one)] {
            cases.labels(format!(r#""{first}":"1","{second}":"2""#).as_bytes(), DUPLICATE);
        }
        cases.labels(format!(r#""{one}":"1","x":"","{other}":"1""#).as_bytes(), DUPLICATE);
    }
    // Keys that only look alike are two keys, for everybody.
    let different = [
        ("a", "A"),
        ("a", "a "),
        ("a", r"a\u0000"),
        ("a", "ä"),
        ("é", "e\u{301}"),
        ("a", "\u{430}"),
        ("a", "\u{ff41}"),
        ("a\u{200b}", "a"),
        ("ß", "ss"),
        ("İ", "i"),
        (r"\\u0061", "a"),
        ("1", "1.0"),
        ("", " "),
        ("\u{feff}a", "a"),
        ("\u{2028}", "\u{2029}"),
    ];
    for (one, other) in different {
        cases.labels(format!(r#""{one}":"1","{other}":"2""#).as_bytes(), Accepted);
    }
    for field in ["id", "kind", "ledger", "occurred_at", "incident_id"] {
        let escaped = format!(r"\u{:04x}{}", u32::from(field.as_bytes()[0]), &field[1..]);
        for spelling in [field, escaped.as_str()] {
            cases.top(&format!(r#","{spelling}":"x""#), DUPLICATE);
        }
    }
    cases.top(r#","labels":{},"labels":{}"#, DUPLICATE);
    cases.top(r#","labels":{"x":{"y":1,"y":2}}"#, DUPLICATE);
    cases.top(r#","labels":{"x":[{"y":1,"\u0079":2}]}"#, DUPLICATE);
    cases.top(r#","Kind":"x""#, Refused(Code::UnknownField));
    cases.top(r#","kind ":"x""#, Refused(Code::UnknownField));
}

fn numbers(cases: &mut Cases) {
    for good in [
        "0",
        "-0",
        "-0.0",
        "0.0",
        "1",
        "1.5",
        "1e2",
        "1E2",
        "1e+2",
        "1e-2",
        "1.0e0",
        "0e0",
        "0.1",
        "9007199254740991",
        "1e22",
        "123456789.125",
        "5e-324",
        "1e-400",
        "1.7976931348623157e308",
        "0.30000000000000004",
        "1e308",
    ] {
        cases.number(good, Accepted);
    }
    // Read by everybody, then refused for what it says: nothing lasts less than no time.
    for negative in ["-1", "-1.5", "-9007199254740991", "-5e-324"] {
        cases.number(negative, Refused(Code::BadValue));
    }
    for bad in [
        "01",
        "-01",
        "00",
        "+1",
        ".5",
        "-.5",
        "1.",
        "-1.",
        "1e",
        "1e+",
        "1.e1",
        "1e1.5",
        "0x10",
        "0b1",
        "0o7",
        "1_000",
        "1,000",
        "1d",
        "1f",
        "1n",
        "NaN",
        "-NaN",
        "nan",
        "Infinity",
        "-Infinity",
        "inf",
        "--1",
        "-",
        "∞",
        "１",
        "٣",
        "1 0",
        "9007199254740992",
        "-9007199254740992",
        "9223372036854775808",
        "18446744073709551615",
        "18446744073709551616",
        "1e309",
        "-1e309",
        "1e99999",
        "123456789012345678901234567890",
    ] {
        cases.number(bad, JSON);
    }
}

fn texts(cases: &mut Cases) {
    for good in [
        r"\u0041",
        r#"\"\\\/\b\f\n\r\t"#,
        r"\ud83d\ude00",
        r"\uD83D\uDE00",
        r"\uffff",
        r"\ufeff",
        r"\u0000",
        "\u{7f}",
        "\u{80}",
        "\u{2028}\u{2029}",
        "\u{feff}",
        "\u{fffd}",
        "\u{10ffff}",
        "\u{202e}abc",
        "😀",
        r"\\u0041",
        r"\udbff\udfff",
        r"\ud800\udc00",
        "'",
        "//",
        "/**/",
    ] {
        cases.text(good.as_bytes(), Accepted);
    }
    let lone = [
        r"\ud800",
        r"\udbff",
        r"\udc00",
        r"\udfff",
        r"\uD800",
        r"\ud800x",
        r"\ud800\n",
        r"\ud800\u0041",
        r"\ud800\ud800",
        r"\udc00\ud800",
        r"\ud83d\ude",
        r"\ud83d\\ude00",
        r"\ud83d \ude00",
        r"x\udc00x",
        r"\ud800\udc00\ud800",
        r"\ude00\ud83d",
    ];
    for bad in lone {
        cases.text(bad.as_bytes(), JSON);
        cases.labels(format!(r#""{bad}":"v""#).as_bytes(), JSON);
    }
    for bad in [
        r"\x41", r"\u12", r"\u12g4", r"\U0041", r"\'", r"\a", r"\v", r"\0", r"\u", r"\u+041",
        r"\u 041", r"\u{41}", r"\N", "\\\n", r"\1",
    ] {
        cases.text(bad.as_bytes(), JSON);
    }
    for control in 0..0x20_u8 {
        cases.text(&[control], JSON);
    }
    let no_utf8: [&[u8]; 18] = [
        b"\x80",
        b"\xbf",
        b"\xc0\x80",
        b"\xc0\xaf",
        b"\xc1\xbf",
        b"\xe0\x80\xaf",
        b"\xe0\x9f\xbf",
        b"\xf0\x80\x80\xaf",
        b"\xf0\x8f\xbf\xbf",
        b"\xed\xa0\x80",
        b"\xed\xbf\xbf",
        b"\xf4\x90\x80\x80",
        b"\xf5\x80\x80\x80",
        b"\xfe",
        b"\xff",
        b"\xc3",
        b"\xe2\x82",
        b"\xe9",
    ];
    for bad in no_utf8 {
        cases.text(bad, JSON);
    }
}

fn structure(cases: &mut Cases) {
    let good = head("incident.opened") + r#""incident_id":"i1"}"#;
    let around = |before: &[u8], after: &[u8]| [before, good.as_bytes(), after].concat();
    let whole: [(&str, Vec<u8>, Verdict); 20] = [
        ("white space around", around(b" \t\r\n", b"\n\n "), Accepted),
        ("a byte order mark", around(b"\xef\xbb\xbf", b""), JSON),
        ("UTF-16", good.encode_utf16().flat_map(u16::to_be_bytes).collect(), JSON),
        ("NUL after", around(b"", b"\0"), JSON),
        ("text after", around(b"", b"x"), JSON),
        ("a second value", around(b"", good.as_bytes()), JSON),
        ("a comma after", around(b"", b","), JSON),
        ("a comment before", around(b"/**/", b""), JSON),
        ("a comment after", around(b"", b"// x"), JSON),
        ("a record separator", around(b"\x1e", b""), JSON),
        ("a no-break space", around("\u{a0}".as_bytes(), b""), JSON),
        ("a vertical tab", around(b"\x0b", b""), JSON),
        ("a form feed", around(b"", b"\x0c"), JSON),
        ("a line separator", around("\u{2028}".as_bytes(), b""), JSON),
        ("an XSSI guard", around(b")]}'\n", b""), JSON),
        ("an array", around(b"[", b"]"), JSON),
        ("nothing", Vec::new(), JSON),
        ("white space", b" \n".to_vec(), JSON),
        ("null", b"null".to_vec(), JSON),
        ("a text", b"\"x\"".to_vec(), JSON),
    ];
    for (name, body, expected) in whole {
        cases.add(name.to_owned(), body, expected);
    }
    for length in [1, good.len() / 2, good.len() - 1] {
        cases.add(format!("cut at {length}"), good.as_bytes()[..length].to_vec(), JSON);
    }
    for bad in [
        r#""a":"1","#,
        r#","a":"1""#,
        r#""a":"1",,"b":"2""#,
        r#""a" "1""#,
        r#""a"="1""#,
        r#"a:"1""#,
        r#"'a':"1""#,
        r#""a":'1'"#,
        r#""a":"1" "b":"2""#,
        r#""a":"1";"b":"2""#,
        r#"1:"1""#,
        r#"null:"1""#,
        r#""a"::"1""#,
        r#""a":"#,
        r#""a""#,
        r#""a":"1"/**/"#,
        r#""a":`1`"#,
        r#""a":True"#,
        r#""a":TRUE"#,
        r#""a":nul"#,
        r#""a":nulll"#,
        r#""a":undefined"#,
        r#""a":None"#,
        r#""a":truefalse"#,
        r#""a":[1,]"#,
        r#""a":[,1]"#,
        r#""a":[1 2]"#,
        r#""a":[1}"#,
        r#""a":{"b":1]"#,
        r#""a":{,}"#,
        r#""a":{"b"}"#,
        r#""a":\u0031"#,
        "\"a\u{a0}\"\u{a0}:\"1\"",
        r#""a":"1"b"#,
    ] {
        cases.labels(bad.as_bytes(), JSON);
    }
    // Read by everybody, then refused for what it says: labels are texts.
    for other in ["1", "null", "true", "false", "[]", "{}", "[[]]", r#"{"b":null}"#] {
        cases.labels(format!(r#""a":{other}"#).as_bytes(), Refused(Code::BadValue));
    }
    // The event and its labels are two levels of the 32.
    for (levels, expected) in [(30, Refused(Code::BadValue)), (31, JSON), (64, JSON), (5_000, JSON)]
    {
        let arrays = format!("{}{}", "[".repeat(levels), "]".repeat(levels));
        let objects = format!("{}1{}", r#"{"x":"#.repeat(levels), "}".repeat(levels));
        for nested in [arrays, objects] {
            cases.labels(format!(r#""a":{nested}"#).as_bytes(), expected);
        }
    }
}

fn cases() -> Vec<Case> {
    let mut cases = Cases::default();
    duplicate_keys(&mut cases);
    numbers(&mut cases);
    texts(&mut cases);
    structure(&mut cases);
    cases.0
}

fn verdict(writer: &mut Writer, body: &[u8]) -> Verdict {
    let signed = SignedEvent::sign(EVENT_TYPE, body.to_vec(), &key(1));
    match writer.append(&[signed]) {
        Ok(_) => Accepted,
        Err(AppendError::Refused(refusal)) => Refused(refusal.code),
        Err(error) => panic!("{error}"),
    }
}

/// Tells whether two values are the same to a reader of either; `-0` and `0.0` are one number.
fn agree(ours: &Value, theirs: &Value) -> bool {
    match (ours, theirs) {
        (Value::Number(one), Value::Number(other)) => one.as_f64() == other.as_f64(),
        (Value::Array(one), Value::Array(other)) => {
            one.len() == other.len() && one.iter().zip(other).all(|(one, other)| agree(one, other))
        }
        (Value::Object(one), Value::Object(other)) => {
            one.len() == other.len()
                && one
                    .iter()
                    .all(|(key, one)| other.get(key).is_some_and(|other| agree(one, other)))
        }
        _ => ours == theirs,
    }
}

#[test]
fn ambiguous_json_gets_one_verdict_and_a_second_parser_reads_the_same() {
    let book = Scratch::new().furnished();
    let mut writer = book.writer();
    let cases = cases();
    let (mut accepted, mut agreed, mut only_theirs) = (0, 0, 0);
    for case in &cases {
        assert_eq!(verdict(&mut writer, &case.body), case.expected, "{}", case.name);
        // The same bytes once more get the same verdict, also as a retry.
        assert_eq!(verdict(&mut writer, &case.body), case.expected, "again: {}", case.name);
        accepted += usize::from(case.expected == Accepted);
        let theirs = serde_json::from_slice::<Value>(&case.body);
        match relbook_ledger::json::parse(&case.body) {
            Ok(ours) => {
                let theirs = theirs.unwrap_or_else(|error| panic!("{}: {error}", case.name));
                assert!(agree(&ours, &theirs), "{}: {ours} is {theirs}", case.name);
                agreed += 1;
            }
            Err(_) => only_theirs += usize::from(theirs.is_ok()),
        }
    }
    report::line(&format!(
        "JSON ambiguity: {} cases, one verdict each, {accepted} accepted; read by us {agreed}, by \
         serde_json the same; refused by us and read by serde_json {only_theirs}",
        cases.len()
    ));
    assert!(cases.len() >= 200 && accepted >= 50);
    assert!(only_theirs >= 20, "no case is ambiguous");
}

/// Reads one case per line, in hex, and writes what it means as JSON that only has ASCII.
const PYTHON: &str = r#"
import json, sys
for line in sys.stdin:
    try:
        print(json.dumps(json.loads(bytes.fromhex(line).decode("utf-8"))))
    except ValueError:
        print("refused")
"#;

#[test]
fn what_we_read_python_reads_as_the_same() {
    let mut read: Vec<(String, Vec<u8>, Value)> = Vec::new();
    for case in cases() {
        if let Ok(value) = relbook_ledger::json::parse(&case.body) {
            read.push((case.name, case.body, value));
        }
    }
    let python = std::env::var("RELBOOK_PYTHON").unwrap_or_else(|_| "python3".to_owned());
    let child = Command::new(python)
        .args(["-c", PYTHON])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn();
    let Ok(mut child) = child else { return report::skip("JSON against Python", "python3") };
    let lines: String = read.iter().map(|(_, body, _)| hex::encode(body) + "\n").collect();
    child.stdin.take().unwrap().write_all(lines.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    assert_eq!(text.lines().count(), read.len());
    for ((name, _, ours), line) in read.iter().zip(text.lines()) {
        assert_ne!(line, "refused", "{name}");
        let theirs: Value = serde_json::from_str(line).unwrap();
        assert!(agree(ours, &theirs), "{name}: {ours} is {line}");
    }
    report::line(&format!("JSON ambiguity: {} read by us, by Python the same", read.len()));
}
