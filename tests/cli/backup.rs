//! `backup` and `restore`: what they say, what they refuse, and what a stale one leads to.

use crate::scratch::{build_line, orion, size};

#[test]
fn a_book_moves_to_another_machine_and_says_what_it_lacks() {
    let env = orion();
    let saved = env.run(&["backup", "copy", "--format", "json"]).exits(0).json();
    assert_eq!(saved["checkpoint"]["size"], size(&env));
    assert_eq!(
        (&saved["private_keys"], saved["left_out"].as_array().unwrap().len()),
        (&false.into(), 1)
    );
    env.run(&["backup", "copy"]).exits(4);
    let args = ["restore", "copy", "--to", "elsewhere", "--pub", "book/keys/book.pub"];
    let ran = env.run(&args).exits(0);
    for words in ["restored the book test.example/orion", "book.pem", "checkpoint size", "newest"] {
        assert!(ran.stdout.contains(words), "{words}: {}", ran.stdout);
    }
    // Never over a book.
    assert!(env.run(&args).exits(4).stderr.contains("nothing is overwritten"));
    let report = env.run(&["--book", "elsewhere", "verify", "--format", "json"]).exits(0).json();
    assert_eq!(report["events"], size(&env));
    let at = ["--as-of", "2030-01-01"];
    let text = |book| env.run(&[&["--book", book, "status"][..], &at].concat()).exits(0).stdout;
    assert_eq!(text("elsewhere"), text("book"));
    // Without the book's private key it is read, not written.
    let line = build_line("1.4.2");
    let ran =
        env.run_with_input(&["--book", "elsewhere", "append", "--from", "-"], line.as_bytes());
    assert!(ran.exits(4).stderr.contains("book.pem"));
}

#[test]
fn one_file_with_the_private_keys_is_enough_to_go_on() {
    let env = orion();
    env.run(&["backup", "copy.tar", "--with-private-keys"]).exits(0);
    env.run(&["restore", "copy.tar", "--to", "elsewhere"]).exits(0);
    let line = build_line("1.4.2");
    let args = ["--book", "elsewhere", "append", "--from", "-"];
    env.run_with_input(&args, line.as_bytes()).exits(0);
    let compared = env.run(&["compare", "elsewhere", "--format", "json"]).exits(0).json();
    assert_eq!(compared["result"], "behind");
}

#[test]
fn a_stale_backup_is_noticed() {
    let env = orion();
    env.run(&["backup", "copy", "--with-private-keys"]).exits(0);
    env.run_with_input(&["append", "--from", "-"], build_line("1.4.2").as_bytes()).exits(0);
    let note = env.run(&["checkpoint"]).exits(0).stdout;
    env.file("kept.checkpoint", note);
    env.run(&["receipt", &(size(&env) - 1).to_string(), "-o", "kept.receipt"]).exits(0);
    for name in ["ledger.db", "ledger.db-wal", "ledger.db-shm"] {
        drop(std::fs::remove_file(env.path().join("book").join(name)));
    }
    // In its place, where the pin still is.
    let found = |args: &[&str]| {
        let args: Vec<&str> = args.iter().copied().chain(["--format", "json"]).collect();
        env.run(&args).exits(1).json()["tampering"]["code"].as_str().unwrap().to_owned()
    };
    assert_eq!(found(&["restore", "copy", "--to", "book"]), "backup-stale");
    // Elsewhere, against what somebody kept.
    let restore = ["restore", "copy", "--to", "place"];
    assert_eq!(
        found(&[&restore[..], &["--checkpoint", "kept.checkpoint"]].concat()),
        "given-ahead"
    );
    assert_eq!(found(&[&restore[..], &["--receipt", "kept.receipt"]].concat()), "given-ahead");
    assert!(!env.path().join("place").exists());
    let ran = env.run(&restore).exits(0);
    assert!(ran.stdout.contains("whether the backup is the newest"), "{}", ran.stdout);
    let verify = ["--book", "place", "verify"];
    assert_eq!(found(&[&verify[..], &["--checkpoint", "kept.checkpoint"]].concat()), "given-ahead");
    // A writer goes on: a fork, and both checks see it.
    let append = ["--book", "place", "append", "--from", "-"];
    env.run_with_input(&append, build_line("9.9.9").as_bytes()).exits(0);
    assert_eq!(found(&[&verify[..], &["--checkpoint", "kept.checkpoint"]].concat()), "given-root");
    assert_eq!(found(&[&verify[..], &["--receipt", "kept.receipt"]].concat()), "given-root");
}

#[test]
fn a_changed_backup_is_not_restored() {
    let env = orion();
    env.run(&["backup", "copy"]).exits(0);
    let path = env.path().join("copy/ledger.db");
    let mut bytes = std::fs::read(&path).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    std::fs::write(&path, bytes).unwrap();
    let ran = env.run(&["restore", "copy", "--to", "place", "--format", "json"]).exits(1);
    assert_eq!(ran.json()["tampering"]["code"], "backup-changed");
    assert!(!env.path().join("place").exists());
    env.run(&["restore", "nowhere", "--to", "place"]).exits(4);
}

#[test]
fn a_former_private_key_of_the_book_is_in_no_backup() {
    let env = orion();
    env.run(&["key", "rotate-book"]).exits(0);
    let args = ["backup", "copy", "--with-private-keys", "--format", "json"];
    let saved = env.run(&args).exits(0).json();
    let left_out = saved["left_out"].to_string();
    assert!(left_out.contains("keys/book.") && left_out.contains("gave this key up"), "{left_out}");
    let keys = std::fs::read_dir(env.path().join("copy/keys")).unwrap();
    let names = keys.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut private: Vec<String> = names.filter(|name| name.ends_with(".pem")).collect();
    private.sort();
    assert_eq!(private, ["admin.pem", "book.pem"]);
    env.run(&["restore", "copy", "--to", "elsewhere"]).exits(0);
    let args = ["--book", "elsewhere", "append", "--from", "-"];
    env.run_with_input(&args, build_line("1.4.2").as_bytes()).exits(0);
}
