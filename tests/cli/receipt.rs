//! `receipt`: the proof of one event, kept as a file and checked where there is no book.

use relbook_testkit::environment::TestEnvironment;

use crate::scratch::{build_line, orion, size};

fn kept(env: &TestEnvironment) -> String {
    env.run(&["receipt", "4", "-o", "kept.tlog-proof"]).exits(0);
    std::fs::read_to_string(env.path().join("kept.tlog-proof")).expect("it was written")
}

#[test]
fn a_receipt_is_checked_without_the_book() {
    let env = orion();
    let text = kept(&env);
    assert!(text.starts_with("c2sp.org/tlog-proof@v1\nextra "), "{text}");
    std::fs::copy(env.path().join("book/keys/book.pub"), env.path().join("book.pub")).unwrap();
    std::fs::remove_dir_all(env.path().join("book")).unwrap();
    let check = ["receipt", "check", "kept.tlog-proof", "--pub", "book.pub", "--format", "json"];
    let answer = env.run(&check).exits(0).json();
    assert_eq!((&answer["verified"], &answer["seq"]), (&true.into(), &4.into()));
    assert!(answer["author_verified"].is_null());
    assert!(answer["event"]["id"].is_string());
    let shown = env.run(&check[..5]).exits(0).stdout;
    assert!(
        ["proven: seq 4", "not checked  the author", "    component: \"orion-"]
            .iter()
            .all(|says| shown.contains(says)),
        "{shown}"
    );
}

#[test]
fn it_is_found_by_seq_and_by_id_and_written_or_printed() {
    let env = orion();
    let text = kept(&env);
    let check = ["receipt", "check", "kept.tlog-proof", "--pub", "book/keys/book.pub"];
    let answer = env.run(&[&check[..], &["--format", "json"]].concat()).exits(0).json();
    let id = answer["id"].as_str().unwrap();
    assert_eq!(env.run(&["receipt", id]).exits(0).stdout, text);
    let printed = env.run(&["receipt", "4", "--format", "json"]).exits(0).json();
    assert_eq!(printed["receipt"], text);
    let head = size(&env).to_string();
    for word in [head.as_str(), "x", "019d44d0-5980-7e71-aac2-2e7e8dae2cd7"] {
        let ran = env.run(&["receipt", word]).exits(2);
        assert!(
            ran.stderr.contains("no event") && ran.stderr.contains("seq from 0"),
            "{}",
            ran.stderr
        );
    }
    env.run(&["receipt"]).exits(2);
}

#[test]
fn what_does_not_prove_it_is_said_and_exits_1() {
    let env = orion();
    let text = kept(&env);
    env.run(&["key", "new", "other.pem"]).exits(0);
    let check = |file: &str, key: &str| {
        let ran = env.run(&["receipt", "check", file, "--pub", key]).exits(1);
        assert!(ran.stdout.starts_with("NOT PROVEN"), "{}", ran.stdout);
        ran.stdout
    };
    assert!(check("kept.tlog-proof", "other.pem.pub").contains("not signed by"));
    env.file("moved.tlog-proof", text.replace("index 4", "index 5"));
    assert!(check("moved.tlog-proof", "book/keys/book.pub").contains("says that it is seq 4"));
    env.file("note.txt", "hello");
    assert!(check("note.txt", "book/keys/book.pub").contains("not a receipt"));
    // Bits that make it no text at all are changed bits like others.
    let mut bytes = text.into_bytes();
    bytes[40] ^= 0x80;
    env.file("bits.tlog-proof", bytes);
    assert!(check("bits.tlog-proof", "book/keys/book.pub").contains("not base64"));
    env.run(&["receipt", "check", "missing", "--pub", "book/keys/book.pub"]).exits(4);
    env.run(&["receipt", "check", "kept.tlog-proof", "--pub", "book/keys/book.pem"]).exits(2);
    env.run(&["receipt", "check", "kept.tlog-proof"]).exits(2);
}

#[test]
fn the_authors_key_says_who_wrote_it() {
    let env = orion();
    let seq = size(&env).to_string();
    let admin = "book/keys/admin.pub";
    env.run(&["key", "new", "ci.pem"]).exits(0);
    env.run(&["key", "enroll", "ci-orion", "ci.pem.pub", "--role", "ci"]).exits(0);
    env.run(&["receipt", &seq, "-o", "kept.tlog-proof"]).exits(0);
    let check = |author: &str| {
        let args = ["receipt", "check", "kept.tlog-proof", "--pub", "book/keys/book.pub"];
        env.run(&[&args[..], &["--author", author, "--format", "json"]].concat())
    };
    assert_eq!(check(admin).exits(0).json()["author_verified"], true);
    let message = check("ci.pem.pub").exits(1).json()["message"].to_string();
    assert!(message.contains("was signed by the key"), "{message}");
}

#[test]
fn a_kept_receipt_proves_that_the_book_still_holds_its_event() {
    let env = orion();
    let text = kept(&env);
    std::fs::remove_file(env.path().join("book/pin")).unwrap();
    let report = env.run(&["verify", "--receipt", "kept.tlog-proof", "--format", "json"]);
    assert_eq!(report.exits(0).json()["truncation_checked"], true);
    env.file("short.tlog-proof", text.replace("extra ", "extra AAAA"));
    let verify = |file: &str| env.run(&["verify", "--receipt", file, "--format", "json"]);
    assert_eq!(verify("short.tlog-proof").exits(1).json()["tampering"]["code"], "receipt-invalid");
    // The book made anew from the same events is another book.
    std::fs::rename(env.path().join("book"), env.path().join("old")).unwrap();
    env.run(&["init"]).exits(0);
    assert_eq!(verify("kept.tlog-proof").exits(1).json()["tampering"]["code"], "receipt-invalid");
    env.file("kept.tlog-proof", "hello");
    let error = verify("kept.tlog-proof").exits(1).json()["tampering"]["message"].to_string();
    assert!(error.contains("not a receipt"), "{error}");
}

#[test]
fn append_keeps_the_receipts_of_what_it_appended() {
    let env = orion();
    env.file("two.ndjson", [build_line("1.4.2"), build_line("1.4.3")].concat());
    env.run(&["append", "--from", "two.ndjson", "--receipts", "proofs"]).exits(0);
    let opened = ["append", "incident.opened", "--incident-id", "INC-7", "--receipts", "proofs"];
    env.run(&opened).exits(0);
    let mut files: Vec<_> = std::fs::read_dir(env.path().join("proofs"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    files.sort();
    assert_eq!(files.len(), 3, "{files:?}");
    for file in files {
        let file = format!("proofs/{file}");
        env.run(&["receipt", "check", &file, "--pub", "book/keys/book.pub"]).exits(0);
    }
    env.file("taken", "");
    let ran =
        env.run(&["append", "incident.opened", "--incident-id", "INC-8", "--receipts", "taken"]);
    assert!(ran.exits(4).stderr.contains("the events are in the book"));
}
