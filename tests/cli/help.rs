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
fn the_help_of_a_policy_lists_its_values_with_defaults_and_meanings() {
    let help = empty().run(&["append", "policy.set", "--help"]).exits(0).stdout;
    let help = help.split_whitespace().collect::<Vec<_>>().join(" ");
    let page = include_str!("../../docs/policy.md");
    let rows = page.lines().filter_map(|line| line.strip_prefix("| `"));
    let mut count = 0;
    for row in rows {
        let cells: Vec<&str> = row.trim_end_matches(" |").split(" | ").collect();
        let [name, form, default, meaning] = cells.as_slice() else { panic!("{row}") };
        let name = name.trim_end_matches('`');
        let default = default.trim_matches('`').replace("null", "none");
        let entry = format!(" {name}: {form}, default {default} {meaning}");
        assert!(help.contains(&entry), "{entry}: {help}");
        count += 1;
    }
    assert!(count > 20 && help.contains("`reported`"), "{help}");
}

#[test]
fn help_names_no_document_that_a_reader_does_not_have() {
    let env = empty();
    let names = |help: &str| -> Vec<String> {
        let commands =
            help.lines().skip_while(|line| !line.ends_with(':') || line.starts_with("Ex"));
        let names = commands.filter_map(|line| line.strip_prefix("  "));
        let word = |line: &str| line.split(' ').next().map(str::to_owned);
        names.filter_map(word).filter(|word| !word.is_empty() && !word.starts_with('-')).collect()
    };
    let mut helps = vec![env.run(&["--help"]).exits(0).stdout];
    for command in COMMANDS {
        helps.push(env.run(&[command, "--help"]).exits(0).stdout);
    }
    let append = env.run(&["append", "--help"]).exits(0).stdout;
    let kinds: Vec<String> = names(&append).into_iter().filter(|name| name.contains('.')).collect();
    assert!(kinds.len() > 30, "{kinds:?}");
    for kind in &kinds {
        helps.push(env.run(&["append", kind, "--help"]).exits(0).stdout);
    }
    for help in helps {
        for word in ["semantics", "contract section", "contract.md", "ingest.md", "layout.md"] {
            assert!(!help.contains(word), "{word}: {help}");
        }
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
