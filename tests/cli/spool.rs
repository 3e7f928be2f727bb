//! The spool: what is signed while the book is out of reach enters it later, in order, once.

use std::time::Duration;

use relbook_testkit::environment::TestEnvironment;
use serde_json::{Value, json};

use crate::scratch::{COMMIT, digest, orion, size};

/// Appends a build of the api with a spool.
fn build(env: &TestEnvironment, version: &str, digit: char) -> Value {
    let digest = digest(digit);
    let args = ["append", "build", "--component", "api", "--version", version, "--digest"];
    let rest = [digest.as_str(), "--commit", COMMIT, "--spool", "spool", "--format", "json"];
    env.run(&[&args[..], &rest, &["--wait", "0s"]].concat()).exits(0).json()
}

fn flush(env: &TestEnvironment, code: i32) -> Value {
    env.run(&["spool", "flush", "spool", "--format", "json"]).exits(code).json()
}

/// A book that its author can and cannot reach: the admin's key stands outside it.
fn apart() -> TestEnvironment {
    let env = orion();
    std::fs::copy(env.path().join("book/keys/admin.pem"), env.path().join("admin.pem"))
        .expect("as the test made it");
    env
}

fn hide(env: &TestEnvironment) {
    std::fs::rename(env.path().join("book"), env.path().join("away")).expect("as the test made it");
}

fn bring_back(env: &TestEnvironment) {
    std::fs::rename(env.path().join("away"), env.path().join("book")).expect("as the test made it");
}

fn with_key(env: &TestEnvironment, args: &[&str]) -> std::process::Command {
    let mut command = env.command(args);
    command.env("RELBOOK_KEY", env.path().join("admin.pem"));
    command
}

#[test]
fn with_the_book_at_hand_nothing_is_spooled() {
    let env = orion();
    let answer = build(&env, "1.4.2", 'a');
    assert_eq!((&answer["appended"], &answer["spooled"]), (&json!(1), &Value::Null));
    let list = env.run(&["spool", "list", "spool", "--format", "json"]).exits(0).json();
    assert_eq!(list["batches"], json!([]));
}

#[test]
fn what_waited_enters_in_order_once_with_both_times() {
    let env = apart();
    env.run(&["spool", "prepare", "spool"]).exits(0);
    let before = size(&env);
    hide(&env);
    let (first, second) = (digest('a'), digest('b'));
    for (version, digest) in [("1.4.2", &first), ("1.4.3", &second)] {
        let args = ["append", "build", "--component", "api", "--version", version];
        let rest = ["--digest", digest, "--commit", COMMIT, "--spool", "spool"];
        let ran = with_key(&env, &[&args[..], &rest].concat()).output().unwrap();
        assert_eq!(ran.status.code(), Some(0), "{ran:?}");
        assert!(String::from_utf8_lossy(&ran.stderr).contains("spool flush"), "{ran:?}");
    }
    // A deploy needs the targets of its environment: the spool knows them.
    let args = ["append", "deploy", "--component", "api", "--stage", "production", "--digest"];
    let rest = [first.as_str(), "--outcome", "succeeded", "--spool", "spool"];
    let ran = with_key(&env, &[&args[..], &rest].concat()).output().unwrap();
    assert_eq!(ran.status.code(), Some(0), "{ran:?}");
    std::thread::sleep(Duration::from_millis(20));
    bring_back(&env);
    assert_eq!(size(&env), before);
    // A copy delivers the same batches, as after a crash between commit and removal.
    env.copy("spool", "again");
    assert_eq!(flush(&env, 0)["appended"], 5);
    assert_eq!(flush(&env, 0)["appended"], 0);
    let again = env.run(&["spool", "flush", "again", "--format", "json"]).exits(0).json();
    assert_eq!((&again["appended"], &again["batches"]), (&json!(0), &json!(3)));
    assert_eq!(size(&env), before + 5);
    let sql = "SELECT seq, kind, version, occurred_at < recorded_at AS later FROM events \
               WHERE kind LIKE 'build%' OR kind LIKE 'deploy%' ORDER BY seq";
    let rows = env.run(&["query", sql, "--format", "json"]).exits(0).json()["rows"].clone();
    let kinds: Vec<&str> =
        rows.as_array().unwrap().iter().map(|r| r["kind"].as_str().unwrap()).collect();
    let deploy = ["deploy.started", "deploy.finished", "deploy.finished"];
    assert_eq!(kinds, [&["build.completed", "build.completed"][..], &deploy].concat());
    assert_eq!(rows[0]["version"], "1.4.2");
    assert!(rows.as_array().unwrap().iter().all(|row| row["later"] == true), "{rows}");
    env.run(&["verify"]).exits(0);
}

#[test]
fn a_locked_book_is_out_of_reach_too() {
    let env = orion();
    env.run(&["spool", "prepare", "spool"]).exits(0);
    let lock =
        std::fs::File::options().write(true).open(env.path().join("book/writer.lock")).unwrap();
    lock.lock().unwrap();
    assert_eq!(build(&env, "1.4.2", 'a')["spooled"], 1);
    drop(lock);
    assert_eq!(flush(&env, 0)["appended"], 1);
}

#[test]
fn what_the_book_refuses_stops_those_behind_it_unless_set_aside() {
    let env = apart();
    env.run(&["spool", "prepare", "spool"]).exits(0);
    hide(&env);
    env.run(&["key", "new", "stranger.pem"]).exits(0);
    for (key, version) in [("stranger.pem", "1.4.2"), ("admin.pem", "1.4.3")] {
        let digest = digest('a');
        let args = ["append", "build", "--component", "api", "--version", version, "--digest"];
        let rest = [digest.as_str(), "--commit", COMMIT, "--spool", "spool", "--key", key];
        env.run(&[&args[..], &rest].concat()).exits(0);
    }
    bring_back(&env);
    let before = size(&env);
    let error = flush(&env, 3)["error"].clone();
    assert_eq!(error["code"], "unknown_key");
    assert_eq!(size(&env), before, "those behind it wait");
    let answer = env
        .run(&["spool", "flush", "spool", "--set-refused-aside", "--format", "json"])
        .exits(3)
        .json();
    assert_eq!(
        (&answer["appended"], answer["set_aside"].as_array().unwrap().len()),
        (&json!(1), 1)
    );
    assert_eq!(flush(&env, 0)["appended"], 0);
    // A batch that is set aside later takes the place of none before it.
    hide(&env);
    let digest = digest('c');
    let args = ["append", "build", "--component", "api", "--version", "1.4.4", "--digest"];
    let rest = [digest.as_str(), "--commit", COMMIT, "--spool", "spool", "--key", "stranger.pem"];
    env.run(&[&args[..], &rest].concat()).exits(0);
    bring_back(&env);
    env.run(&["spool", "flush", "spool", "--set-refused-aside"]).exits(3);
    let names = std::fs::read_dir(env.path().join("spool")).unwrap();
    let aside = names.filter(|name| {
        name.as_ref().unwrap().path().extension().is_some_and(|end| end == "refused")
    });
    assert_eq!(aside.count(), 2);
}

#[test]
fn what_cannot_hold_is_refused_before_it_is_spooled() {
    let env = apart();
    hide(&env);
    let spool = ["--spool", "spool", "--format", "json", "--key", "admin.pem"];
    let digest = digest('a');
    let good = ["append", "build", "--component", "api", "--version", "1.4.2", "--digest", &digest];
    let args = [&good[..], &["--commit", COMMIT], &spool].concat();
    let error = env.run(&args).exits(4);
    assert!(error.stdout.contains("book.json"), "{error:?}");
    bring_back(&env);
    env.run(&["spool", "prepare", "spool"]).exits(0);
    hide(&env);
    for (flag, value, code) in
        [("--version", "v1.4.2", "version_prefix"), ("--component", "apo", "unknown_component")]
    {
        let mut bad = args.clone();
        let at = bad.iter().position(|word| *word == flag).expect("a flag");
        bad[at + 1] = value;
        assert_eq!(env.run(&bad).exits(3).json()["error"]["code"], code, "{flag}");
    }
    let list = env.run(&["spool", "list", "spool", "--format", "json"]).exits(0).json();
    assert_eq!(list["batches"], json!([]));
}
