//! `init`: what it makes, what it says, and that it never touches what exists.

use crate::scratch::{book, empty};

#[test]
fn a_new_book_has_its_keys_and_holds() {
    let env = empty();
    let made =
        env.run(&["--format", "json", "init", "--origin", "orion.example/r"]).exits(0).json();
    assert_eq!(made["origin"], "orion.example/r");
    for name in ["book", "admin"] {
        assert_eq!(made[format!("{name}_key_id")].as_str().map(str::len), Some(64));
    }
    // The key that checks the book, and the key that signs: files to hand on.
    let file = |name: &str| env.path().join(made[name].as_str().unwrap());
    let read = |name: &str| std::fs::read_to_string(file(name)).unwrap();
    assert!(read("book_key").contains("BEGIN PUBLIC KEY"));
    assert!(read("admin_key").contains("BEGIN PRIVATE KEY"));
    for name in ["ledger.db", "pin", "keys/book.pem", "keys/book.pub", "keys/admin.pem"] {
        assert!(env.path().join("book").join(name).exists(), "{name}");
    }
    env.run(&["verify"]).exits(0);
    let note = env.run(&["checkpoint"]).exits(0).stdout;
    assert!(note.starts_with("orion.example/r\n2\n"), "{note}");
}

#[cfg(unix)]
#[test]
fn private_keys_can_be_read_by_their_owner_only() {
    use std::os::unix::fs::PermissionsExt as _;
    let env = book();
    for name in ["book", "admin"] {
        let path = env.path().join(format!("book/keys/{name}.pem"));
        let mode = std::fs::metadata(path).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{name}");
    }
}

#[test]
fn without_a_name_every_book_gets_another_one() {
    let names: Vec<String> = (0..2)
        .map(|_| {
            let made = empty().run(&["init", "--format", "json"]).exits(0).json();
            made["origin"].as_str().unwrap().to_owned()
        })
        .collect();
    assert!(names[0].starts_with("book-"), "{names:?}");
    assert_ne!(names[0], names[1]);
}

#[test]
fn a_book_is_never_made_over_another() {
    let env = book();
    let key = std::fs::read(env.path().join("book/keys/admin.pem")).unwrap();
    let ran = env.run(&["init"]).exits(4);
    assert!(ran.stderr.contains("never overwritten"), "{}", ran.stderr);
    assert_eq!(std::fs::read(env.path().join("book/keys/admin.pem")).unwrap(), key);
}

#[test]
fn a_name_that_cannot_sign_checkpoints_is_wrong_usage() {
    let env = empty();
    let ran = env.run(&["init", "--origin", "two words"]).exits(2);
    assert!(ran.stderr.contains("origin"), "{}", ran.stderr);
    assert!(!env.path().join("book").exists());
}

#[test]
fn a_simulated_clock_is_told_in_every_report() {
    let env = empty();
    let ran = env.run(&["init", "--simulated-clock"]).exits(0);
    assert!(ran.stdout.contains("simulated"), "{}", ran.stdout);
    assert!(env.run(&["verify"]).exits(0).stdout.contains("simulated clock"));
    let report = env.run(&["verify", "--format", "json"]).exits(0).json();
    assert_eq!(report["simulated_clock"], true);
}

#[test]
fn the_book_is_named_by_option_or_environment() {
    let env = empty();
    env.run(&["--book", "a", "init"]).exits(0);
    let mut command = env.command(&["init"]);
    relbook_testkit::environment::Ran::of(command.env("RELBOOK_BOOK", "b")).exits(0);
    assert!(env.path().join("a/ledger.db").exists() && env.path().join("b/ledger.db").exists());
    // The option stands above the variable, before and after the command.
    for args in [["--book", "a", "checkpoint"], ["checkpoint", "--book", "a"]] {
        let mut command = env.command(&args);
        relbook_testkit::environment::Ran::of(command.env("RELBOOK_BOOK", "missing")).exits(0);
    }
}
