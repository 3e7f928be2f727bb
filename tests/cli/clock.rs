//! A machine whose clock jumps, by `faketime`: the book's clock never goes back, and a jump that
//! would make it lie is refused until the clock is right again.

use std::process::Command;

use relbook_testkit::environment::{Ran, TestEnvironment};
use relbook_testkit::report;

use crate::scratch::{book, size};

/// Appends an incident on a machine whose clock is wrong by `offset`.
fn append(env: &TestEnvironment, offset: &str) -> Option<Ran> {
    run(env, offset, &["append", "incident.opened", "--incident-id", "INC-1", "--format", "json"])
}

/// Runs on a machine whose clock is wrong by `offset`.
fn run(env: &TestEnvironment, offset: &str, args: &[&str]) -> Option<Ran> {
    let mut command = Command::new("faketime");
    command.args(["-f", offset, env!("CARGO_BIN_EXE_relbook")]).args(args);
    let output = command.current_dir(env.path()).env("HOME", env.path()).output().ok()?;
    Some(Ran {
        code: output.status.code().unwrap_or(255),
        stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
        stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
    })
}

#[test]
fn a_clock_that_jumps_is_waited_for_or_refused_and_never_followed_back() {
    let env = book();
    // (offset of the machine's clock, whether the book takes the event)
    let jumps = [
        ("+0s", true),
        ("-30s", true),
        ("-2h", false),
        ("-10y", false),
        ("+0s", true),
        ("+2h", true),
        // The book's clock went ahead with it: the right clock is now behind.
        ("+0s", false),
        ("+100m", false),
        ("+3h", true),
    ];
    let (mut taken, mut refused) = (0, 0);
    for (offset, takes) in jumps {
        let before = size(&env);
        let Some(ran) = append(&env, offset) else {
            return report::skip("clock jumps", "faketime");
        };
        if takes {
            ran.exits(0);
            assert_eq!(size(&env), before + 1, "{offset}");
            taken += 1;
        } else {
            let error = ran.exits(3).json();
            assert_eq!(error["error"]["code"], "clock_backwards", "{offset}");
            refused += 1;
        }
    }
    env.run(&["verify"]).exits(0);
    let mut last = String::new();
    for seq in 0..size(&env) {
        env.run(&["receipt", &seq.to_string(), "-o", "one.tlog-proof"]).exits(0);
        let check = ["receipt", "check", "one.tlog-proof", "--pub", "book/keys/book.pub"];
        let shown = env.run(&[&check[..], &["--format", "json"]].concat()).exits(0).json();
        let recorded = shown["recorded_at"].as_str().unwrap().to_owned();
        assert!(recorded >= last, "seq {seq}: {recorded} after {last}");
        last = recorded;
    }
    report::line(&format!("clock jumps: {taken} taken, {refused} refused, never backwards"));
}

#[test]
fn after_a_jump_ahead_an_admin_lets_the_clock_stand_still() {
    let env = book();
    let Some(ahead) = append(&env, "+30d") else {
        return report::skip("a clock that ran ahead", "faketime");
    };
    ahead.exits(0);
    let error = append(&env, "+0s").unwrap().exits(3).json();
    let message = error["error"]["message"].as_str().unwrap();
    // The message holds the very command that helps.
    let (_, remedy) = message.split_once("`relbook ").expect("a command");
    let (remedy, _) = remedy.split_once('`').expect("the end of the command");
    let args: Vec<&str> = remedy.split_whitespace().collect();
    let before = size(&env);
    run(&env, "+0s", &args).unwrap().exits(0);
    for _ in 0..2 {
        append(&env, "+0s").unwrap().exits(0);
    }
    assert_eq!(size(&env), before + 3);
    let sql = "SELECT count(DISTINCT recorded_at) AS n FROM events WHERE seq >= 2";
    let told = env.run(&["query", sql, "--format", "json"]).exits(0).json();
    assert_eq!(told["rows"][0]["n"], 1, "the clock stands still: {told}");
    // Past that time it goes on, and a clock that falls back then is refused as ever.
    append(&env, "+31d").unwrap().exits(0);
    append(&env, "+0s").unwrap().exits(3);
    env.run(&["verify"]).exits(0);
}
