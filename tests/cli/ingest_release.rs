//! `ingest` of what release tools write, through the binary: files that belong together are one
//! batch, and what the book holds already is not appended again.

use relbook_testkit::environment::TestEnvironment;
use serde_json::{Value, json};

use crate::scratch::{COMMIT, book, digest, refused, size};

const PRODUCT: &str = "\
product: orion
components:
  orion-cli: {alias: cli, scheme: semver, release_model: published, tag_prefix: v, artifact: binary}
  orion-helm: {scheme: semver, release_model: published, artifact: helm-chart}
environments:
  production: {targets: [prod-1]}
";

fn start() -> TestEnvironment {
    let env = book();
    env.file("product.yaml", PRODUCT);
    env.run(&["apply", "product.yaml"]).exits(0);
    env
}

fn dist(env: &TestEnvironment, version: &str) {
    let metadata = json!({"project_name": "cli", "tag": "v1.9.0", "previous_tag": "v1.8.3",
        "version": version, "commit": COMMIT, "date": "2026-06-10T09:00:00Z"});
    let artifacts = json!([{"name": "cli.tar.gz", "path": "dist/cli.tar.gz", "goos": "linux",
        "goarch": "amd64", "internal_type": 1, "type": "Archive",
        "extra": {"Checksum": digest('a')}}]);
    env.file("metadata.json", metadata.to_string());
    env.file("artifacts.json", artifacts.to_string());
    env.file("checksums.txt", format!("{}  cli.tar.gz\n", "a".repeat(64)));
}

#[test]
fn a_dist_directory_is_a_build_and_a_publish() {
    let env = start();
    dist(&env, "1.9.0");
    let before = size(&env);
    let args = ["ingest", "metadata.json", "artifacts.json", "checksums.txt", "--format", "json"];
    let answer = env.run(&args).exits(0).json();
    assert_eq!(answer["appended"], 2, "{answer}");
    let build = &answer["files"][0]["events"][0];
    assert_eq!(build["members"][0]["digest"], digest('a'));
    // All three files are kept: what the event names is there.
    for evidence in build["evidence"].as_array().unwrap() {
        let hex = evidence.as_str().unwrap().strip_prefix("blake3:").unwrap();
        let blob = env.path().join("book/blobs/blake3").join(&hex[..2]).join(hex);
        assert!(blob.is_file(), "{}", blob.display());
    }
    let releases = env.run(&["releases", "cli", "--format", "json"]).exits(0).json();
    assert!(releases["rows"].to_string().contains("1.9.0"), "{releases}");
    assert_eq!(env.run(&args).exits(0).json()["appended"], 0);
    assert_eq!(size(&env), before + 2);
}

#[test]
fn a_snapshot_keeps_the_whole_call_out() {
    let env = start();
    dist(&env, "1.9.1-next");
    let error = refused(&env, &["ingest", "metadata.json", "checksums.txt"]);
    assert_eq!(error["code"], "bad_value");
    assert!(error["message"].as_str().unwrap().contains("a snapshot"), "{error}");
}

#[test]
fn a_chart_needs_its_digest() {
    let env = start();
    env.file("Chart.yaml", "apiVersion: v2\nname: orion-helm\nversion: 1.4.2\nappVersion: 0.10\n");
    let error = refused(&env, &["ingest", "Chart.yaml"]);
    assert_eq!((&error["code"], &error["field"]), (&json!("missing_field"), &json!("digest")));
    let digest = digest('d');
    let args = ["ingest", "Chart.yaml", "--digest", &digest, "--format", "json"];
    let answer = env.run(&args).exits(0).json();
    assert_eq!(answer["files"][0]["events"][0]["app_version"], Value::from("0.10"));
    // Chart.yaml has no time: the job that runs again tells nothing new all the same.
    assert_eq!(env.run(&args).exits(0).json()["appended"], 0);
}
