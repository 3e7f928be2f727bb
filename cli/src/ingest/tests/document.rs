//! Which bytes are taken for a document, and what is said of the others.

use std::path::Path;

use super::super::{Document, Fault, IngestError};

fn fault(bytes: &[u8]) -> Fault {
    match Document::from_bytes("f", bytes.to_vec()) {
        Err(IngestError::Document { fault, .. }) => fault,
        other => panic!("not refused: {other:?}"),
    }
}

#[test]
fn a_byte_order_mark_and_crlf_are_taken_and_stay_in_the_digest() {
    let bytes = b"\xef\xbb\xbf{\r\n\"a\": 1\r\n}\r\n".to_vec();
    let hash = format!("blake3:{}", blake3::hash(&bytes).to_hex());
    let document = Document::from_bytes("f", bytes.clone()).unwrap();
    assert_eq!(document.json().unwrap()["a"], 1);
    assert_eq!(document.bytes(), bytes);
    assert_eq!(document.digest(), hash);
}

#[test]
fn nothing_is_refused_as_empty() {
    assert_eq!(fault(b""), Fault::Empty);
    assert_eq!(fault(b" \r\n\t"), Fault::Empty);
    assert_eq!(fault(b"\xef\xbb\xbf"), Fault::Empty);
}

#[test]
fn a_cut_off_report_is_told_from_a_wrong_one() {
    assert_eq!(fault(b"{\"a\": 1,\n \"b\": [1,"), Fault::Truncated { line: 2 });
    assert_eq!(
        fault("{\"a\": \"\u{e9}".as_bytes().split_last().unwrap().1),
        Fault::Truncated { line: 1 }
    );
    assert!(matches!(fault(b"{\"a\": nope}"), Fault::NotJson { .. }));
    assert!(matches!(fault(b"{\"a\": 1} {\"a\": 2}"), Fault::NotJson { .. }));
    assert!(matches!(fault(b"{\"a\": NaN}"), Fault::NotJson { .. }));
}

#[test]
fn other_encodings_are_refused() {
    assert_eq!(fault(b"{\"a\": \"\xe9\"}"), Fault::NotUtf8 { offset: 7 });
    assert_eq!(fault(b"\xff\xfe{\0}\0"), Fault::Utf16);
}

#[test]
fn equal_keys_are_refused_because_readers_differ_on_which_counts() {
    let twice = Fault::DuplicateKey { key: "Results".to_owned(), line: 2 };
    assert_eq!(fault(b"{\"Results\": [1],\n\"Results\": []}"), twice);
    let escaped = fault(br#"{"x": [{"a": 1, "\u0061": 2}]}"#);
    assert_eq!(escaped, Fault::DuplicateKey { key: "a".to_owned(), line: 1 });
}

#[test]
fn nesting_has_a_bound() {
    let nested = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
    assert!(Document::from_bytes("f", nested(Document::DEPTH_MAX).into_bytes()).is_ok());
    assert_eq!(fault(nested(Document::DEPTH_MAX + 1).as_bytes()), Fault::TooDeep);
    assert_eq!(fault("[".repeat(1_000_000).as_bytes()), Fault::TooDeep);
}

#[test]
fn numbers_keep_their_value() {
    let document = Document::from_bytes("f", b"[-1, 18446744073709551615, 0.5]".to_vec()).unwrap();
    assert_eq!(document.json().unwrap().to_string(), "[-1,18446744073709551615,0.5]");
}

#[test]
fn a_missing_file_is_no_refusal() {
    let error = Document::open(Path::new("/nonexistent/report.json")).unwrap_err();
    assert!(error.is_io());
    assert!(error.to_string().contains("/nonexistent/report.json"), "{error}");
}

#[test]
fn lines_of_json_are_parts_and_a_bad_one_is_named() {
    let document = Document::from_bytes("f", b"{\"a\": 1}\n\n{\"a\": 2}\n".to_vec()).unwrap();
    assert!(document.json().is_none());
    let parts = document.parts();
    assert_eq!((parts[0].name(), parts[1].name()), ("f, line 1", "f, line 3"));
    assert_eq!(parts[1].json().unwrap()["a"], 2);
    assert_eq!(parts[1].digest(), document.digest());
    let cut = fault(b"{\"a\": 1}\n{\"a\": \n");
    let Fault::Line { line: 2, fault: inner, .. } = cut else { panic!("line 2") };
    assert_eq!(*inner, Fault::Truncated { line: 2 });
    let wrong = fault(b"{\"a\": 1}\n{bad\n{\"a\": 2}\n").to_string();
    assert!(wrong.starts_with("line 2: not JSON: ") && wrong.contains("at column 2"), "{wrong}");
    assert!(wrong.ends_with("; the other 2 can be read, and nothing of the file was taken"));
    let more = fault(b"{\"a\": 1}\n{bad\n{\"a\": 2}\n{bad\n{bad\n").to_string();
    assert!(more.contains("; bad too: 4, 5; the other 2 can be read"), "{more}");
}

#[test]
fn yaml_keeps_what_a_number_would_lose() {
    let text = b"# a chart\nversion: 1.10\nreplicas: 3\nport: 010\non: true\nname: '5'\n";
    let document = Document::from_bytes("f", text.to_vec()).unwrap();
    let expected = serde_json::json!({
        "version": "1.10", "replicas": 3, "port": "010", "on": true, "name": "5"
    });
    assert_eq!(document.json().unwrap(), &expected);
    let two = Document::from_bytes("f", b"a: 1\n---\na: 2\n".to_vec()).unwrap();
    assert_eq!(two.parts()[1].name(), "f, line 3");
    assert!(matches!(fault(b"a: 1\na: 2\n"), Fault::NotYaml { line: 2, .. }));
    assert!(Document::from_bytes("f", b"# Changelog\n\nWords: and\n".to_vec()).is_ok());
}

#[test]
fn xml_that_is_not_well_formed_is_refused() {
    let of = |inside: &str| fault(format!("<testsuite>{inside}</testsuite>").as_bytes());
    for inside in
        ["\u{1b}[31mred", "<a b='\u{1}'/>", "&#27;", "<!-- \u{c} -->", "<![CDATA[\u{8}]]>"]
    {
        let fault = of(inside);
        assert!(matches!(fault, Fault::XmlCharacter { .. }), "{inside:?}: {fault}");
    }
    let red = of("\u{1b}[31mred").to_string();
    assert!(red.contains("U+001B") && red.contains("NO_COLOR"), "{red}");
    for (inside, says) in [
        ("<1case/>", "`1case` is no name"),
        ("<case 1='a'/>", "`1` is no name"),
        ("<case name='a < b'/>", "`<` in the value"),
        ("a ]]> b", "`]]>` in a text"),
        ("<!-- a -- b -->", "not XML"),
        ("&#0;", "character that does not exist"),
        ("<case name='a & b'/>", "';' after '&'"),
    ] {
        let fault = of(inside).to_string();
        assert!(fault.contains(says), "{inside}: {fault}");
    }
    assert_eq!(of("<case name='&own;'/>"), Fault::Entities);
    let fine = "<testsuite>\t\u{e9} &#10;&lt;<p:case-1.a \u{e9}:x_1='&#xe9;'/></testsuite>";
    assert!(Document::from_bytes("f", fine.as_bytes().to_vec()).is_ok());
}

#[test]
fn a_document_of_yaml_that_says_nothing_is_none() {
    let one = Document::from_bytes("f", b"---\na: 1\n---\n# no more\n".to_vec()).unwrap();
    assert_eq!(one.json().unwrap()["a"], 1);
    let none = Document::from_bytes("f", b"---\n---\n".to_vec()).unwrap();
    assert!(none.json().is_none() && none.parts().is_empty());
}
