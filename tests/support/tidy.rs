//! Rules of the tree that a compiler does not hold: layers, file headers, documented codes.
//!
//! Goal: what ARCHITECTURE.md and CONTRIBUTING.md promise about files stays true. Method: read the
//! sources as text.

use std::path::{Path, PathBuf};

use relbook_ledger::admission::Code;

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn sources(below: &str) -> Vec<(String, String)> {
    let mut found = Vec::new();
    let mut waiting = vec![root().join(below)];
    while let Some(dir) = waiting.pop() {
        for entry in std::fs::read_dir(&dir).unwrap_or_else(|e| panic!("{}: {e}", dir.display())) {
            let path = entry.expect("a readable directory").path();
            if path.is_dir() {
                waiting.push(path);
            } else if path.extension().is_some_and(|ext| ext == "rs") {
                let text = std::fs::read_to_string(&path).expect("UTF-8");
                found.push((name(&path), text));
            }
        }
    }
    found.sort();
    found
}

fn name(path: &Path) -> String {
    path.strip_prefix(root()).unwrap_or(path).display().to_string()
}

fn all() -> Vec<(String, String)> {
    ["ledger", "query", "cli", "tests", "benches"].iter().flat_map(|dir| sources(dir)).collect()
}

fn none(what: &str, bad: Vec<String>) {
    assert!(bad.is_empty(), "{what}:\n{}", bad.join("\n"));
}

#[test]
fn every_file_says_what_it_is() {
    let bad = all().into_iter().filter(|(_, text)| !text.starts_with("//! "));
    none("files that do not open with //!", bad.map(|(name, _)| name).collect());
}

#[test]
fn files_can_be_read_in_one_go() {
    let long = all().into_iter().filter(|(_, text)| text.lines().count() > 700);
    none("files over 700 lines", long.map(|(name, _)| name).collect());
}

#[test]
fn nothing_is_left_for_later_in_the_code() {
    // Spelt apart, or this file would find itself.
    let marks = [["TO", "DO"].concat(), ["FIX", "ME"].concat()];
    let marked = all().into_iter().filter(|(_, text)| marks.iter().any(|mark| text.contains(mark)));
    none("marks", marked.map(|(name, _)| name).collect());
}

#[test]
fn layers_hold() {
    let refuse = |below: &str, words: &[&str]| {
        let mut bad = Vec::new();
        for (name, text) in sources(below) {
            for word in words {
                let used = text.lines().any(|line| {
                    let line = line.trim_start();
                    !line.starts_with("//") && line.contains(word)
                });
                if used {
                    bad.push(format!("{name} uses {word}"));
                }
            }
        }
        none("layers", bad);
    };
    refuse("ledger/src", &["relbook_query", "datafusion", "tokio", "clap::"]);
    refuse(
        "query/src/release",
        &["rusqlite", "datafusion", "arrow::", "tokio", "std::fs", "SystemTime"],
    );
    refuse("query/src/projection", &["rusqlite", "datafusion", "std::fs"]);
    refuse("query/src/sql", &["rusqlite", "println!"]);
    refuse("cli/src/ingest", &["clap::", "relbook_query"]);
}

#[test]
fn every_refusal_code_is_documented() {
    let page = std::fs::read_to_string(root().join("docs/errors.md")).expect("docs/errors.md");
    let missing = Code::ALL.iter().filter(|code| !page.contains(&format!("- `{code}`:")));
    none("refusal codes", missing.map(ToString::to_string).collect());
}

#[test]
fn every_finding_of_verify_is_documented() {
    let page = std::fs::read_to_string(root().join("docs/errors.md")).expect("docs/errors.md");
    let source =
        std::fs::read_to_string(root().join("ledger/src/verify/error.rs")).expect("source");
    let codes: Vec<&str> = source
        .lines()
        .filter_map(|line| line.split_once("=> \"")?.1.split_once('"'))
        .map(|(code, _)| code)
        .filter(|code| !code.contains(' '))
        .collect();
    assert!(codes.len() > 20, "the codes are where this test looks for them");
    let missing = codes.into_iter().filter(|code| !page.contains(&format!("`{code}`")));
    none("codes of verify", missing.map(str::to_owned).collect());
}

#[test]
fn architecture_names_tests_that_exist() {
    let page = std::fs::read_to_string(root().join("ARCHITECTURE.md")).expect("ARCHITECTURE.md");
    let invariants = page.split("## Invariants").nth(1).expect("a section of invariants");
    let tests: String = all().into_iter().map(|(_, text)| text).collect();
    let named = invariants
        .split('`')
        .skip(1)
        .step_by(2)
        .filter(|word| word.contains('_') && !word.contains(['/', '.', '(', ' ']));
    let missing: Vec<String> = named
        .filter(|word| *word != "occurred_at" && *word != "recorded_at")
        .filter(|word| !tests.contains(&format!("fn {word}()")))
        .map(str::to_owned)
        .collect();
    none("tests that ARCHITECTURE.md names", missing);
}
