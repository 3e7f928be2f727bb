//! Bad input of every sort through the binary: refused with exit 3, a message that says what it is,
//! and nothing appended.

use relbook_testkit::environment::TestEnvironment;

use crate::scratch::{digest, orion, refused, size};

/// Refuses a file and returns the message.
#[track_caller]
fn refuses(env: &TestEnvironment, content: &[u8]) -> String {
    env.file("report", content);
    let digest = digest('a');
    let args = ["ingest", "--component", "api", "--digest", &digest, "--suite", "unit", "report"];
    refused(env, &args)["message"].as_str().expect("as the test made it").to_owned()
}

#[test]
fn what_is_no_report_is_named() {
    let env = orion();
    let before = size(&env);
    let utf16: Vec<u8> = "{\"a\": 1}".encode_utf16().flat_map(u16::to_le_bytes).collect();
    let marked = [b"\xff\xfe", utf16.as_slice()].concat();
    let deep = |open: &str, close: &str| format!("{}{}", open.repeat(5_000), close.repeat(5_000));
    let json = deep("[", "]");
    let xml = deep("<testsuite>", "</testsuite>");
    let cases: [(&[u8], &str); 16] = [
        (b"", "empty"),
        (b"\xef\xbb\xbf\r\n", "empty"),
        (b"\x1f\x8b\x08\0\0\0\0\0", "gzip"),
        (b"PK\x03\x04\x14\0\0\0", "zip"),
        (b"\x28\xb5\x2f\xfd\0\0", "zstd"),
        (&marked, "UTF-16"),
        (&utf16, "UTF-16"),
        (b"{\"a\": \"\xe9\"}", "not UTF-8"),
        (json.as_bytes(), "nested deeper"),
        (xml.as_bytes(), "nested deeper"),
        (b"{\"matches\": [", "ends in the middle"),
        (b"<testsuite><testcase>", "ends inside"),
        (b"{\"Action\":\"run\",\"Package\":\"p\"}\n{bad\n{\"Action\":\"pass\",\"Package\":\"p\"}", "line 2"),
        (b"<!DOCTYPE a [<!ENTITY b \"c\"><!ENTITY d \"&b;&b;\">]><testsuite name=\"&d;\"/>", "entities"),
        (b"<!DOCTYPE a [<!ENTITY b SYSTEM \"/etc/hostname\">]><testsuite>&b;</testsuite>", "entities"),
        (b"{\"version\": \"2.2\", \"runs\": []}", "SARIF of version 2.2"),
    ];
    for (content, says) in cases {
        let message = refuses(&env, content);
        assert!(message.contains(says), "{says}: {message}");
    }
    let refusals = u64::try_from(cases.len()).unwrap();
    assert_eq!(size(&env), before + refusals, "each refusal is recorded, and nothing else");
    assert!(!env.path().join("book/blobs/blake3").exists(), "evidence of nothing is not kept");
}

#[test]
fn a_byte_order_mark_and_crlf_are_no_fault() {
    let env = orion();
    let digest = digest('a');
    for content in [
        "\u{feff}<testsuite>\r\n<testcase name='a'/>\r\n</testsuite>\r\n",
        "\u{feff}{\"Action\":\"run\",\"Package\":\"p\",\"Test\":\"T\"}\r\n\
         {\"Action\":\"pass\",\"Package\":\"p\",\"Test\":\"T\"}\r\n\
         {\"Action\":\"pass\",\"Package\":\"p\"}\r\n",
    ] {
        env.file("report", content);
        let args =
            ["ingest", "--component", "api", "--digest", &digest, "--suite", "unit", "report"];
        let answer = env.run(&[&args[..], &["--format", "json"]].concat()).exits(0).json();
        assert_eq!(answer["files"][0]["events"][0]["cases"]["passed"], 1, "{answer}");
    }
}

#[test]
fn a_check_needs_its_suite_and_a_real_digest() {
    let env = orion();
    env.file("junit.xml", "<testsuite><testcase name='a'/></testsuite>");
    let digest = digest('a');
    let error = refused(&env, &["ingest", "--component", "api", "--digest", &digest, "junit.xml"]);
    assert_eq!((&error["code"], &error["field"]), (&"missing_field".into(), &"suite".into()));
    // An unset variable of a pipeline must not record anything.
    let unset = ["ingest", "--component", "api", "--suite", "unit", "--digest", "", "junit.xml"];
    assert_eq!(refused(&env, &unset)["field"], "digest");
    let unset = ["ingest", "--component", "api", "--suite", "", "--digest", &digest, "junit.xml"];
    assert_eq!(refused(&env, &unset)["field"], "suite");
    let stage = [
        "ingest",
        "--component",
        "api",
        "--suite",
        "unit",
        "--digest",
        &digest,
        "--stage",
        "qa",
        "junit.xml",
    ];
    assert_eq!(refused(&env, &stage)["field"], "stage");
}
