//! Reports that are larger than memory should hold: counted exactly, in bounded memory.
//!
//! The reports are generated here, `RELBOOK_LARGE_MB` megabytes each (12 without it). The run has a
//! limit on its address space, far below what holding such a report would take: as a tree of
//! values it is six and more times its size.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::process::Command;

use relbook_testkit::environment::{Ran, TestEnvironment};
use serde_json::{Value, json};

use crate::scratch::{digest, orion};

/// The address space that a run may take, in KiB; without any file it takes a third of it.
const LIMIT_KIB: u64 = 300 << 10;

fn megabytes() -> u64 {
    let wanted = std::env::var("RELBOOK_LARGE_MB").ok().and_then(|text| text.parse().ok());
    wanted.unwrap_or(12)
}

/// Writes rows between a head and a tail until the file is large; returns how many.
fn generate(
    env: &TestEnvironment,
    name: &str,
    (head, tail): (&str, &str),
    row: impl Fn(u64) -> String,
    between: &str,
) -> u64 {
    let mut file =
        BufWriter::new(File::create(env.path().join(name)).expect("as the test made it"));
    let (mut written, mut rows) = (0, 0);
    file.write_all(head.as_bytes()).expect("as the test made it");
    while written < megabytes() << 20 {
        let mut text = row(rows);
        if rows > 0 {
            text.insert_str(0, between);
        }
        file.write_all(text.as_bytes()).expect("as the test made it");
        written += u64::try_from(text.len()).expect("as the test made it");
        rows += 1;
    }
    file.write_all(tail.as_bytes()).expect("as the test made it");
    file.flush().expect("as the test made it");
    rows
}

/// Ingests under the limit.
fn ingest(env: &TestEnvironment, file: &str, more: &[&str]) -> Ran {
    let mut command = Command::new("sh");
    let limited = format!("ulimit -v {LIMIT_KIB} && exec \"$0\" \"$@\"");
    command.args(["-c", &limited]).arg(env!("CARGO_BIN_EXE_relbook"));
    command.args(["ingest", "--component", "api", "--digest", &digest('a'), "--format", "json"]);
    command.args(more).arg(file).current_dir(env.path()).env("HOME", env.path());
    command.env_remove("RELBOOK_BOOK").env_remove("RELBOOK_KEY");
    Ran::of(&mut command)
}

fn event(env: &TestEnvironment, file: &str, more: &[&str]) -> Value {
    let answer = ingest(env, file, more).exits(0).json();
    let event = answer["files"][0]["events"][0].clone();
    assert_eq!(answer["appended"], 1, "{answer}");
    // The whole file is the evidence.
    let hex = event["evidence"][0]
        .as_str()
        .expect("as the test made it")
        .strip_prefix("blake3:")
        .expect("as the test made it");
    let blob = env.path().join("book/blobs/blake3").join(&hex[..2]).join(hex);
    let kept = std::fs::metadata(blob).expect("as the test made it").len();
    assert_eq!(kept, std::fs::metadata(env.path().join(file)).expect("as the test made it").len());
    assert_eq!(event["source"]["bytes"], kept);
    event
}

const SEVERITIES: [&str; 4] = ["CRITICAL", "HIGH", "MEDIUM", "LOW"];

/// How many of so many rows have the severity of that index, when they take turns.
fn share(rows: u64, index: u64) -> u64 {
    (rows + 3 - index) / 4
}

fn severity(n: u64) -> &'static str {
    SEVERITIES[usize::try_from(n % 4).expect("as the test made it")]
}

#[track_caller]
fn counted(event: &Value, rows: u64) {
    for (index, name) in ["critical", "high", "medium", "low"].into_iter().enumerate() {
        assert_eq!(
            event[name],
            share(rows, u64::try_from(index).expect("as the test made it")),
            "{name} of {rows}"
        );
    }
    assert_eq!(event["labels"]["distinct"], rows.to_string());
    assert_eq!(event["labels"]["findings_in"], "blob");
}

#[test]
fn trivy_of_many_rows() {
    let env = orion();
    let row = |n: u64| {
        format!(
            "{{\"VulnerabilityID\":\"CVE-{n}\",\"PkgName\":\"p\",\"Severity\":\"{}\"}}",
            severity(n)
        )
    };
    let head = "{\"SchemaVersion\":2,\"ArtifactName\":\"a\",\"Results\":[{\"Target\":\"a\",\
                \"Class\":\"os-pkgs\",\"Vulnerabilities\":[";
    let rows = generate(
        &env,
        "trivy.json",
        (head, "]},{\"Target\":\"b\",\"Class\":\"config\"}]}"),
        row,
        ",",
    );
    counted(&event(&env, "trivy.json", &[]), rows);
    // The oldest form is a list at the top.
    let head = "[{\"Target\":\"a\",\"Vulnerabilities\":[";
    let rows = generate(&env, "old.json", (head, "]},{\"Target\":\"b\"}]"), row, ",");
    counted(&event(&env, "old.json", &[]), rows);
}

#[test]
fn grype_of_rows_with_long_texts() {
    let env = orion();
    let long = "words \\\"and\\\" more \\u00e9 ".repeat(4_000);
    let row = |n: u64| {
        let text = if n.is_multiple_of(50) { &long } else { "short" };
        json!({"vulnerability": {"id": format!("CVE-{n}"), "severity": severity(n),
                "urls": ["https://example.org/1"]},
            "relatedVulnerabilities": [], "artifact": {"name": "p", "version": "1"}})
        .to_string()
        .replacen("\"urls\"", &format!("\"description\":\"{text}\",\"urls\""), 1)
    };
    let tail = "],\"source\":{\"type\":\"image\",\"target\":{\"userInput\":\"a\"}},\
                \"descriptor\":{\"name\":\"grype\",\"version\":\"0.94.0\"}}";
    let rows = generate(&env, "grype.json", ("{\"matches\":[", tail), row, ",\r\n");
    counted(&event(&env, "grype.json", &[]), rows);
}

#[test]
fn sarif_of_many_results() {
    let env = orion();
    let scores = ["9.8", "7.5", "5.0", "2.0"];
    let rules: Vec<Value> = (0..4)
        .map(|n| json!({"id": format!("r{n}"), "properties": {"security-severity": scores[n]}}))
        .collect();
    let head = format!(
        "{{\"version\":\"2.1.0\",\"runs\":[{{\"tool\":{{\"driver\":{{\"name\":\"lint\",\
         \"rules\":{}}}}},\"results\":[",
        json!(rules)
    );
    let row = |n: u64| {
        let uri = json!([{"physicalLocation": {"artifactLocation": {"uri": format!("f{n}")}}}]);
        format!("{{\"ruleId\":\"r{}\",\"locations\":{uri}}}", n % 4)
    };
    let rows = generate(&env, "scan.sarif", (&head, "]}]}"), row, ",");
    counted(&event(&env, "scan.sarif", &[]), rows);
}

#[test]
fn junit_of_many_cases() {
    let env = orion();
    let row = |n: u64| match n % 4 {
        0 => format!("<testcase name='t{n}'><failure>no &lt;{n}&gt;</failure></testcase>\n"),
        1 => format!("<testcase name='t{n}'><skipped/></testcase>\n"),
        _ => format!("<testcase name='t{n}' time='0.1'/>\n"),
    };
    let head = "\u{feff}<?xml version='1.0'?><testsuites><testsuite name='s'>";
    let rows = generate(&env, "junit.xml", (head, "</testsuite></testsuites>"), row, "");
    let event = event(&env, "junit.xml", &["--suite", "unit"]);
    let cases = json!({"passed": share(rows, 2) + share(rows, 3), "failed": share(rows, 0),
        "skipped": share(rows, 1), "flaky": 0});
    assert_eq!(event["cases"], cases);
}

#[test]
fn go_test_of_many_lines() {
    let env = orion();
    let row = |n: u64| {
        let line = |action: &str| {
            format!("{{\"Action\":\"{action}\",\"Package\":\"p\",\"Test\":\"T{n}\"}}\n")
        };
        format!("{}{}", line("run"), line("pass"))
    };
    let ends =
        ("{\"Action\":\"start\",\"Package\":\"p\"}\n", "{\"Action\":\"pass\",\"Package\":\"p\"}\n");
    let rows = generate(&env, "go.json", ends, row, "");
    let event = event(&env, "go.json", &["--suite", "unit"]);
    assert_eq!((&event["result"], &event["cases"]["passed"]), (&json!("pass"), &json!(rows)));
}

/// Checks what the event of a bill says of its parts.
#[track_caller]
fn listed(event: &Value, format: &str, components: u64) {
    assert_eq!((&event["kind"], &event["format"]), (&json!("sbom.recorded"), &json!(format)));
    let content = &event["content"];
    assert_eq!((&content["name"], &content["version"]), (&json!("app"), &json!("1.4.2")));
    assert_eq!(
        (&content["components"], &content["packages"]),
        (&json!(components), &json!(components))
    );
}

#[test]
fn cyclonedx_of_many_components() {
    let env = orion();
    let row = |n: u64| {
        format!(
            "{{\"type\":\"library\",\"name\":\"p{n}\",\"version\":\"1\",\"purl\":\"pkg:npm/p{n}@1\",\
             \"licenses\":[{{\"license\":{{\"id\":\"MIT\"}}}}]}}"
        )
    };
    let described = "\"metadata\":{\"component\":{\"name\":\"app\",\"version\":\"1.4.2\"}}";
    let head = format!(
        "{{\"bomFormat\":\"CycloneDX\",\"specVersion\":\"1.6\",{described},\"components\":["
    );
    let rows = generate(&env, "bom.json", (&head, "]}"), row, ",");
    listed(&event(&env, "bom.json", &[]), "cyclonedx-json/1.6", rows);
    // All of them inside of one, and the metadata behind them.
    let head = "{\"bomFormat\":\"CycloneDX\",\"specVersion\":\"1.6\",\"components\":[\
                {\"name\":\"whole\",\"components\":[";
    let rows = generate(&env, "nested.json", (head, &format!("]}}],{described}}}")), row, ",");
    listed(&event(&env, "nested.json", &[]), "cyclonedx-json/1.6", rows + 1);
}

#[test]
fn cyclonedx_xml_of_many_components() {
    let env = orion();
    let row = |n: u64| {
        format!("<component type='library'><name>p{n}</name><version>1</version></component>\n")
    };
    let head = "<?xml version='1.0'?><bom xmlns='http://cyclonedx.org/schema/bom/1.5'><metadata>\
                <component><name>app</name><version>1.4.2</version></component></metadata>\
                <components>";
    let rows = generate(&env, "bom.xml", (head, "</components></bom>"), row, "");
    listed(&event(&env, "bom.xml", &[]), "cyclonedx-xml/1.5", rows);
}

#[test]
fn spdx_of_many_packages_whose_root_is_named_behind_them() {
    let env = orion();
    let row =
        |n: u64| format!("{{\"SPDXID\":\"SPDXRef-{n}\",\"name\":\"p{n}\",\"versionInfo\":\"1\"}}");
    let head = "{\"spdxVersion\":\"SPDX-2.3\",\"packages\":[\
                {\"SPDXID\":\"SPDXRef-app\",\"name\":\"app\",\"versionInfo\":\"1.4.2\"},";
    let tail = "],\"relationships\":[{\"spdxElementId\":\"SPDXRef-DOCUMENT\",\
                \"relationshipType\":\"DESCRIBES\",\"relatedSpdxElement\":\"SPDXRef-app\"}]}";
    let rows = generate(&env, "bom.spdx.json", (head, tail), row, ",");
    listed(&event(&env, "bom.spdx.json", &[]), "spdx-json/2.3", rows);
    let row = |n: u64| {
        format!("{{\"type\":\"software_Package\",\"spdxId\":\"urn:{n}\",\"name\":\"p{n}\"}}")
    };
    let head = "{\"@context\":\"https://spdx.org/rdf/3.0.1/spdx-context.jsonld\",\"@graph\":[";
    let tail = ",{\"type\":\"software_Package\",\"spdxId\":\"urn:app\",\"name\":\"app\",\
                \"software_packageVersion\":\"1.4.2\"},{\"type\":\"SpdxDocument\",\
                \"spdxId\":\"urn:doc\",\"rootElement\":[\"urn:app\"]}]}";
    let rows = generate(&env, "graph.json", (head, tail), row, ",");
    listed(&event(&env, "graph.json", &[]), "spdx-jsonld/3.0", rows);
}

#[test]
fn a_part_of_a_large_bill_that_is_none_is_named_by_its_place() {
    let env = orion();
    let filler = "{\"name\":\"a\",\"version\":\"1\"},".repeat(200_000);
    let head = "{\"bomFormat\":\"CycloneDX\",\"specVersion\":\"1.6\",\"components\":[";
    env.file("bom.json", format!("{head}{filler}{{\"name\":[]}}]}}"));
    let ran = ingest(&env, "bom.json", &[]).exits(3);
    assert!(ran.stdout.contains("components[200000].name: expected a text"), "{}", ran.stdout);
}

#[test]
fn what_is_wrong_in_a_large_report_is_found_wherever_it_stands() {
    let env = orion();
    let filler = "{\"VulnerabilityID\":\"CVE-1\",\"Severity\":\"LOW\"},".repeat(120_000);
    let head = "{\"SchemaVersion\":2,\"Results\":[{\"Target\":\"a\",\"Vulnerabilities\":[";
    let deep = format!("{}{}", "[".repeat(70), "]".repeat(70));
    for (end, says) in [
        ("{\"Severity\":\"LOW\"}]}]}", ""),
        ("{\"Severity\":\"LOW\"", "ends in the middle"),
        ("{\"Severity\":\"LOW\"}]}]} x", "not JSON"),
        ("{\"Severity\":\"LOW\",\"Severity\":\"HIGH\"}]}]}", "stands twice"),
        (&format!("{{\"x\":{deep}}}]}}]}}"), "nested deeper"),
        ("7]}]}", "Results[0].Vulnerabilities[120000]: expected an object"),
        ("{\"Severity\":\"\\ud800\"}]}]}", "half a character"),
    ] {
        env.file("large.json", format!("{head}{filler}{end}"));
        let ran = ingest(&env, "large.json", &["--dry-run"]);
        assert_eq!(ran.code, if says.is_empty() { 0 } else { 3 }, "{says}: {}", ran.stdout);
        assert!(ran.stdout.contains(says), "{says}: {}", ran.stdout);
    }
    let mut bytes = format!("{head}{filler}{{\"x\":\"").into_bytes();
    bytes.extend(b"\xe9\"}]}]}");
    env.file("large.json", bytes);
    assert!(ingest(&env, "large.json", &[]).exits(3).stdout.contains("not UTF-8"));
    // Too large for a format that is read at once, or for anything.
    let lines = "{\"specversion\":\"1.0\"}\n".repeat(4_000_000);
    env.file("large.json", lines);
    assert!(ingest(&env, "large.json", &[]).exits(3).stdout.contains("larger than 64 MiB"));
    let file = File::create(env.path().join("huge.json")).unwrap();
    (&file).write_all(b"[1").unwrap();
    file.set_len((256 << 20) + 1).unwrap();
    assert!(ingest(&env, "huge.json", &[]).exits(3).stdout.contains("larger than 256 MiB"));
}
