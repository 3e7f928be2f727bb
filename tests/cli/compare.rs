//! `compare`: copies of a book that are the same, behind, forked, or of another book.

use relbook_testkit::environment::TestEnvironment;

use crate::scratch::{build_line, orion, size};

/// A book and a copy of it in `copy`.
fn copied() -> TestEnvironment {
    let env = orion();
    env.copy("book", "copy");
    env
}

fn append(env: &TestEnvironment, book: &str, version: &str) {
    let line = build_line(version);
    env.run_with_input(&["--book", book, "append", "--from", "-"], line.as_bytes()).exits(0);
}

#[test]
fn a_copy_is_the_same_until_one_goes_on() {
    let env = copied();
    let result = || env.run(&["compare", "copy", "--format", "json"]).exits(0).json();
    assert_eq!(result()["result"], "same");
    append(&env, "book", "1.4.2");
    let ahead = result();
    assert_eq!((&ahead["result"], &ahead["size"]), (&"ahead".into(), &size(&env).into()));
    append(&env, "copy", "1.4.2");
    std::fs::rename(env.path().join("book"), env.path().join("mine")).unwrap();
    let args = ["--book", "copy", "compare", "copy"];
    assert!(env.run(&args).exits(0).stdout.starts_with("the same"));
}

#[test]
fn a_fork_is_proven_by_two_receipts_of_one_place() {
    let env = copied();
    let seq = size(&env);
    append(&env, "book", "1.4.2");
    append(&env, "copy", "1.4.3");
    append(&env, "copy", "1.4.4");
    let fork = env.run(&["compare", "copy", "-o", "fork", "--format", "json"]).exits(1).json();
    assert_eq!((&fork["result"], &fork["seq"]), (&"fork".into(), &seq.into()));
    assert_ne!(fork["one"]["checkpoint"], fork["other"]["checkpoint"]);
    let version = |name: &str| {
        let file = format!("fork/{name}.tlog-proof");
        let args = ["receipt", "check", &file, "--pub", "book/keys/book.pub", "--format", "json"];
        let answer = env.run(&args).exits(0).json();
        assert_eq!(answer["seq"], seq);
        answer["event"]["version"].as_str().unwrap().to_owned()
    };
    assert_eq!((version("one"), version("other")), ("1.4.2".to_owned(), "1.4.3".to_owned()));
    let shown = env.run(&["compare", "copy"]).exits(1).stdout;
    assert!(shown.starts_with(&format!("FORK at seq {seq}")), "{shown}");
    assert_eq!(shown.matches("\u{2014} ").count(), 2, "both signed notes are shown: {shown}");
}

#[test]
fn another_book_is_no_copy() {
    let env = orion();
    env.run(&["--book", "second", "init"]).exits(0);
    let answer = env.run(&["compare", "second", "--format", "json"]).exits(1).json();
    assert_eq!(answer["result"], "incomparable");
    assert!(answer["message"].as_str().unwrap().contains("two books"));
    env.run(&["compare", "missing"]).exits(4);
}
