//! A book of the Orion product in a directory of its own, and short ways to look at it.

use relbook_testkit::environment::TestEnvironment;
use serde_json::{Value, json};

/// A product with one component of each kind.
pub(crate) const ORION: &str = "\
product: orion
components:
  orion-api: {alias: api, scheme: semver, release_model: deployed, tag_prefix: v}
  orion-web: {alias: web, scheme: \"calver:YYYY.0M.MICRO\", release_model: deployed}
  orion-sdk-go: {alias: sdk, scheme: semver, release_model: published, tag_prefix: v}
environments:
  dev: {targets: [dev-1]}
  staging: {targets: [stg-1]}
  production: {targets: [us-east-1, eu-west-1]}
policy: {quorum: 1, gates: {dev: [unit, lint]}}
matrix:
  - {api: \">=1.4.0, <2.0.0\", sdk: \"2.1.x\"}
";

pub(crate) const COMMIT: &str = "9c5bd90ef73464414575f9903a0ab22a31eda54f";

/// Makes an empty directory.
pub(crate) fn empty() -> TestEnvironment {
    TestEnvironment::new(env!("CARGO_BIN_EXE_relbook"))
}

/// Makes a directory with a new book.
pub(crate) fn book() -> TestEnvironment {
    let env = empty();
    env.run(&["init", "--origin", "test.example/orion"]).exits(0);
    env
}

/// Makes a directory with a book that knows the Orion product.
pub(crate) fn orion() -> TestEnvironment {
    let env = book();
    env.file("orion.yaml", ORION);
    env.run(&["apply", "orion.yaml"]).exits(0);
    env
}

/// Makes a directory with a book whose clock the events set, in which the product was applied.
pub(crate) fn simulated(product: &str) -> TestEnvironment {
    let env = empty();
    env.run(&["init", "--simulated-clock"]).exits(0);
    env.file("orion.yaml", product);
    env.run(&["apply", "orion.yaml"]).exits(0);
    env
}

/// Builds a version of the API and deploys it to production, on a day of June 2026 at 9:00.
pub(crate) fn ship(env: &TestEnvironment, version: &str, digit: char, day: u8, more: &[&str]) {
    let at = format!("2026-06-{day:02}T09:00:00Z");
    let (digest, commit) = (digest(digit), COMMIT.replace('9', &digit.to_string()));
    let of =
        |what| ["append", what, "--component", "api", "--digest", &digest, "--occurred-at", &at];
    let build = ["--version", version, "--commit", &commit];
    env.run(&[&of("build")[..], &build].concat()).exits(0);
    let deploy = ["--stage", "production", "--outcome", "succeeded", "--deploy-id", version];
    env.run(&[&of("deploy")[..], &deploy, more].concat()).exits(0);
}

/// Returns a digest that is the digit over and over.
pub(crate) fn digest(digit: char) -> String {
    format!("sha256:{}", digit.to_string().repeat(64))
}

/// Returns the number of events in the book.
#[track_caller]
pub(crate) fn size(env: &TestEnvironment) -> u64 {
    let point = env.run(&["--format", "json", "checkpoint"]).exits(0).json();
    point["size"].as_u64().expect("a checkpoint has a size")
}

/// Runs with `--format json`, checks that the input is refused, and returns the `error` object.
#[track_caller]
pub(crate) fn refused(env: &TestEnvironment, args: &[&str]) -> Value {
    let args: Vec<&str> = args.iter().copied().chain(["--format", "json"]).collect();
    env.run(&args).exits(3).json()["error"].clone()
}

/// As [`refused`], for NDJSON on standard input.
#[track_caller]
pub(crate) fn refused_lines(env: &TestEnvironment, lines: &[u8]) -> Value {
    let args = ["--format", "json", "append", "--from", "-"];
    env.run_with_input(&args, lines).exits(3).json()["error"].clone()
}

/// Returns a build of orion-api as an NDJSON line.
pub(crate) fn build_line(version: &str) -> String {
    json!({
        "kind": "build.completed",
        "component": "orion-api",
        "version": version,
        "digest": digest('a'),
        "commit": COMMIT,
    })
    .to_string()
        + "\n"
}

/// Holds the book as another writer does, until it is dropped.
pub(crate) fn hold(env: &TestEnvironment) -> std::fs::File {
    let path = env.path().join("book/writer.lock");
    let mut file = std::fs::OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .open(path)
        .expect("the lock's file can be written");
    file.lock().expect("nobody else holds it");
    let holder = "process 4711 (other) on another-host since 2026-06-01T00:00:00Z\n";
    std::io::Write::write_all(&mut file, holder.as_bytes()).expect("there is room");
    file
}
