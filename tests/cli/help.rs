//! Help that teaches, completions, the manual, and wrong usage.

use crate::scratch::{empty, orion};

const COMMANDS: [&str; 37] = [
    "init",
    "key",
    "apply",
    "append",
    "ingest",
    "import",
    "status",
    "commit",
    "diff",
    "rollback",
    "compat",
    "approvals",
    "hotfix",
    "ask",
    "gate",
    "slo-gate",
    "debt",
    "train",
    "dora",
    "population",
    "exceptions",
    "emergency",
    "overlaps",
    "bindings",
    "releases",
    "runbook",
    "where",
    "drift",
    "exposure",
    "query",
    "verify",
    "checkpoint",
    "receipt",
    "compare",
    "demo",
    "completions",
    "man",
];

#[test]
fn relbook_alone_lists_the_seven_questions() {
    let ran = empty().run::<&str>(&[]).exits(0);
    for word in ["relbook status", "relbook diff", "relbook rollback", "relbook hotfix", "7."] {
        assert!(ran.stdout.contains(word), "{word}: {}", ran.stdout);
    }
}

#[test]
fn every_command_has_help_with_an_example() {
    let env = empty();
    let all = env.run(&["--help"]).exits(0).stdout;
    for command in COMMANDS {
        assert!(all.contains(command), "{command}");
        let help = env.run(&[command, "--help"]).exits(0).stdout;
        assert!(help.contains("Example"), "{command}: {help}");
        assert!(help.contains(&format!("relbook {command}")), "{command}: {help}");
    }
}

#[test]
fn wrong_usage_is_exit_2_and_says_what_to_write() {
    let env = orion();
    for args in [
        &["frobnicate"][..],
        &["status", "--frobnicate"],
        &["append"],
        &["append", "--batch", "3"],
        &["append", "--from", "-", "--batch", "0"],
        &["append", "build", "--frobnicate", "1"],
        &["key"],
        &["key", "enroll", "p_olga"],
        &["--format", "xml", "status"],
        &["apply"],
        &["completions", "tcsh"],
        &["man", "frobnicate"],
    ] {
        let ran = env.run(args).exits(2);
        assert_eq!(ran.stdout, "", "{args:?}");
        assert!(!ran.stderr.is_empty(), "{args:?}");
    }
    let error = env.run(&["status", "--frobnicate", "--format", "json"]).exits(2).json();
    assert_eq!(error["error"]["code"], "usage");
}

#[test]
fn completions_and_manual_are_printed() {
    let env = empty();
    for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
        let script = env.run(&["completions", shell]).exits(0).stdout;
        assert!(script.contains("relbook") && script.contains("append"), "{shell}");
    }
    let page = env.run(&["man"]).exits(0).stdout;
    assert!(page.starts_with(".ie") || page.contains(".TH relbook"), "{page}");
    let page = env.run(&["man", "append", "build.completed"]).exits(0).stdout;
    assert!(page.contains("\\-\\-digest"), "{page}");
}

#[test]
fn without_a_terminal_there_is_no_colour() {
    let env = orion();
    for args in [&["status"][..], &["--help"], &["frobnicate"], &["diff", "nothing"]] {
        let ran = env.run(args);
        assert!(!ran.stdout.contains('\u{1b}') && !ran.stderr.contains('\u{1b}'), "{args:?}");
    }
}
