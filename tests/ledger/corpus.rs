//! The fuzzers' corpus, file by file, in every test run: what they once found stays found, and
//! what they reached stays reached. (`tests/fuzz` is the crate that the fuzzer runs.)

use std::path::PathBuf;

use crate::report;

#[path = "../fuzz/judge.rs"]
#[allow(unreachable_pub, reason = "the file is a crate of its own when it is fuzzed")]
mod judge;

/// Runs the judge of a target on each of its files.
fn replay(target: &str, judge: fn(&[u8])) {
    let dir = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../tests/fuzz/corpus").join(target);
    let mut count = 0;
    for file in std::fs::read_dir(&dir).unwrap() {
        let path = file.unwrap().path();
        let bytes = std::fs::read(&path).unwrap();
        let outcome = std::panic::catch_unwind(|| judge(&bytes));
        assert!(outcome.is_ok(), "{} does not pass", path.display());
        count += 1;
    }
    report::line(&format!("corpus of {target}: {count} files replayed"));
    assert!(count >= 5, "{} has lost its files", dir.display());
}

#[test]
fn leaf() {
    replay("leaf", judge::leaf);
}

#[test]
fn note() {
    replay("note", judge::note);
}

#[test]
fn proof() {
    replay("proof", judge::proof);
}

#[test]
fn json() {
    replay("json", judge::json);
}

#[test]
fn envelope() {
    replay("envelope", judge::envelope);
}

#[test]
fn ndjson() {
    replay("ndjson", judge::ndjson);
}

#[test]
fn database() {
    replay("database", judge::database);
}
