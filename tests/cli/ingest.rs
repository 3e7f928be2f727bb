//! `ingest` through the binary: what it appends, keeps, shows and refuses. What each format means
//! is tested beside its reader.

use relbook_testkit::environment::TestEnvironment;
use serde_json::{Value, json};

use crate::scratch::{digest, orion, refused, size};

/// A Trivy report with one critical and two high vulnerabilities.
fn trivy() -> Value {
    let found = |id: &str, severity: &str| {
        json!({"VulnerabilityID": id, "PkgName": "libfoo", "InstalledVersion": "1.0",
               "Severity": severity})
    };
    json!({
        "SchemaVersion": 2,
        "CreatedAt": "2026-06-10T09:00:00Z",
        "ArtifactName": "registry.example/orion-api:1.4.2",
        "ArtifactType": "container_image",
        "Results": [{
            "Target": "registry.example/orion-api:1.4.2 (alpine 3.20)",
            "Class": "os-pkgs",
            "Type": "alpine",
            "Vulnerabilities": [
                found("CVE-2026-0001", "CRITICAL"),
                found("CVE-2026-0002", "HIGH"),
                found("CVE-2026-0003", "HIGH"),
            ],
        }],
    })
}

fn grype() -> Value {
    json!({
        "matches": [],
        "source": {"type": "image", "target": {"userInput": "registry.example/orion-api:1.4.2"}},
        "descriptor": {"name": "grype", "version": "0.94.0",
                       "timestamp": "2026-06-10T09:01:00Z"},
    })
}

fn blobs(env: &TestEnvironment) -> Vec<std::path::PathBuf> {
    let dir = env.path().join("book/blobs/blake3");
    let Ok(prefixes) = std::fs::read_dir(dir) else { return Vec::new() };
    prefixes
        .flatten()
        .flat_map(|prefix| std::fs::read_dir(prefix.path()).into_iter().flatten().flatten())
        .map(|blob| blob.path())
        .collect()
}

#[test]
fn reports_become_events_and_stay_as_evidence() {
    let env = orion();
    let before = size(&env);
    let text = trivy().to_string();
    env.file("trivy.json", &text);
    env.file("grype.json", grype().to_string());
    let digest = digest('a');
    let args = [
        "ingest",
        "--component",
        "api",
        "--digest",
        &digest,
        "trivy.json",
        "grype.json",
        "--format",
        "json",
    ];
    let answer = env.run(&args).exits(0).json();
    assert_eq!(answer["appended"], 2, "{answer}");
    let scan = &answer["files"][0]["events"][0];
    assert_eq!((&scan["critical"], &scan["high"]), (&json!(1), &json!(2)));
    assert_eq!(scan["component"], "orion-api");
    assert_eq!(answer["files"][0]["format"], "trivy-json/2");
    assert_eq!(answer["files"][1]["events"][0]["status"], "clean");
    // The exact bytes are kept under the digest that the event names.
    let evidence = scan["evidence"][0].as_str().unwrap();
    let kept = blobs(&env);
    assert_eq!(kept.len(), 2);
    let hex = evidence.strip_prefix("blake3:").unwrap();
    let blob = kept.iter().find(|path| path.ends_with(hex)).unwrap();
    assert_eq!(std::fs::read_to_string(blob).unwrap(), text);
    // The job runs again: nothing is appended twice.
    let again = env.run(&args).exits(0).json();
    assert_eq!(again["appended"], 0, "{again}");
    assert_eq!(size(&env), before + 2);
    env.run(&["verify"]).exits(0);
}

#[test]
fn a_dry_run_shows_the_events_and_changes_nothing() {
    let env = orion();
    let before = size(&env);
    env.file("trivy.json", trivy().to_string());
    let digest = digest('a');
    let args = ["ingest", "--component", "api", "--digest", &digest, "--dry-run", "trivy.json"];
    let shown = env.run(&[&args[..], &["--format", "ndjson"]].concat()).exits(0).json();
    assert_eq!((&shown["kind"], &shown["critical"]), (&json!("scan.completed"), &json!(1)));
    let text = env.run(&args).exits(0).stdout;
    assert!(text.contains("\"critical\": 1"), "{text}");
    // What the book would not take is no success of a dry run either.
    env.file("junit.xml", "<testsuite><testcase name='a'/></testsuite>");
    let check = ["ingest", "--component", "api", "--suite", "unit", "--dry-run", "junit.xml"];
    env.run(&[&check[..], &["--stage", "dev"]].concat()).exits(0);
    env.run(&[&check[..], &["--stage", "qa"]].concat()).exits(3);
    assert_eq!(size(&env), before);
    assert!(blobs(&env).is_empty());
}

#[test]
fn one_bad_report_keeps_all_of_them_out() {
    let env = orion();
    let before = size(&env);
    let text = trivy().to_string();
    env.file("good.json", &text);
    env.file("cut.json", &text[..text.len() / 2]);
    env.file("other.json", "{\"hello\": 1}");
    env.file("empty.json", "");
    let digest = digest('a');
    for (file, code) in [("cut.json", "json"), ("empty.json", "json"), ("other.json", "bad_value")]
    {
        let error = refused(
            &env,
            &["ingest", "--component", "api", "--digest", &digest, "good.json", file],
        );
        assert_eq!(error["code"], code, "{error}");
        assert!(error["message"].as_str().unwrap().contains(file), "{error}");
    }
    assert_eq!(size(&env), before + 3, "three refusals are recorded");
    assert!(blobs(&env).is_empty(), "evidence of nothing is not kept");
}

#[test]
fn what_only_the_caller_knows_must_be_said() {
    let env = orion();
    env.file("trivy.json", trivy().to_string());
    let error = refused(&env, &["ingest", "--component", "api", "trivy.json"]);
    assert_eq!((&error["code"], &error["field"]), (&json!("missing_field"), &json!("digest")));
    let digest = digest('a');
    let error =
        refused(&env, &["ingest", "--component", "nothing", "--digest", &digest, "trivy.json"]);
    assert_eq!(error["code"], "unknown_component");
    assert!(blobs(&env).is_empty(), "evidence of nothing is not kept");
    let error =
        refused(&env, &["ingest", "--component", "api", "--digest", "latest", "trivy.json"]);
    assert_eq!((&error["code"], &error["field"]), (&json!("bad_value"), &json!("digest")));
    env.run(&["ingest", "trivy.json"]).exits(3);
    env.run(&["ingest", "--component", "api", "--as", "frobnicate", "trivy.json"]).exits(2);
    env.run(&["ingest", "--component", "api", "--digest", &digest, "missing.json"]).exits(4);
}

#[test]
fn standard_input_is_a_report_too() {
    let env = orion();
    let digest = digest('a');
    let args = ["ingest", "--component", "api", "--digest", &digest, "-", "--format", "json"];
    let answer = env.run_with_input(&args, trivy().to_string().as_bytes()).exits(0).json();
    assert_eq!(answer["appended"], 1);
}
