//! `verify` and `checkpoint`: what holds, what was not checked, and what an attacker left behind.

use std::time::{Duration, Instant};

use relbook_testkit::environment::TestEnvironment;

use crate::scratch::{build_line, orion};

#[test]
fn a_good_book_holds() {
    let env = orion();
    let report = env.run(&["verify", "--format", "json"]).exits(0).json();
    assert_eq!(report["verified"], true);
    assert_eq!(report["truncation_checked"], true);
    assert_eq!(report["events"], crate::scratch::size(&env));
}

#[test]
fn without_a_pin_truncation_was_not_checked() {
    let env = orion();
    let note = env.run(&["checkpoint"]).exits(0).stdout;
    env.file("kept.checkpoint", note);
    std::fs::remove_file(env.path().join("book/pin")).unwrap();
    let ran = env.run(&["verify"]).exits(4);
    assert!(ran.stdout.contains("TRUNCATION"), "{}", ran.stdout);
    // A checkpoint that was kept elsewhere can take the place of the pin.
    let kept = env.run(&["verify", "--checkpoint", "kept.checkpoint"]).exits(0).stdout;
    assert!(kept.contains("kept elsewhere, at size") && !kept.contains("truncation"), "{kept}");
    env.run(&["verify", "--since", "kept.checkpoint"]).exits(0);
    // It speaks for what it covers, and the report says how far that is.
    let covered = crate::scratch::size(&env);
    env.run_with_input(&["append", "--from", "-"], build_line("1.4.2").as_bytes()).exits(0);
    std::fs::remove_file(env.path().join("book/pin")).unwrap();
    let args = ["verify", "--checkpoint", "kept.checkpoint", "--format", "json"];
    let report = env.run(&args).exits(0).json();
    assert_eq!(report["given_sizes"], serde_json::json!([covered]));
    let not_checked = report["not_checked"].to_string();
    assert!(not_checked.contains(&format!("truncation beyond size {covered}")), "{not_checked}");
}

#[test]
fn a_given_file_that_is_none_proves_nothing_and_is_told_apart_from_one_that_is_not_there() {
    let env = orion();
    env.file("noise", b"\xff\xfe\x00");
    let note = env.run(&["checkpoint"]).exits(0).stdout;
    env.file("kept.checkpoint", note);
    for (flag, file, code) in [
        ("--checkpoint", "noise", "given-invalid"),
        ("--since", "noise", "given-invalid"),
        ("--receipt", "noise", "receipt-invalid"),
        ("--receipt", "kept.checkpoint", "receipt-invalid"),
    ] {
        let report = env.run(&["verify", flag, file, "--format", "json"]).exits(1).json();
        assert_eq!(report["tampering"]["code"], code, "{flag} {file}");
    }
    for flag in ["--checkpoint", "--since", "--receipt"] {
        env.run(&["verify", flag, "nothing"]).exits(4);
    }
    // What somebody keeps is not taken for a note of how far a run came, and never written over.
    env.run(&["verify", "--resume", "kept.checkpoint"]).exits(2);
    assert!(env.path().join("kept.checkpoint").exists());
    // A note that was changed gives no discount.
    env.file("verify.state", b"relbook verify --resume\n\xff\xfe");
    let report = env.run(&["verify", "--resume", "verify.state", "--format", "json"]);
    assert_eq!(report.exits(1).json()["tampering"]["code"], "given-invalid");
}

/// Starts a verification that can be resumed, and kills it once it has noted where it is.
fn broken_off(env: &TestEnvironment) {
    let mut child = env.spawn(&["verify", "--resume", "verify.state"]);
    let start = Instant::now();
    while !env.path().join("verify.state").exists() {
        assert!(start.elapsed() < Duration::from_secs(60), "it never noted where it is");
        let ended = child.try_wait().expect("it can be asked");
        assert!(ended.is_none(), "it ended before it noted where it is");
        std::thread::sleep(Duration::from_millis(2));
    }
    child.kill().expect("it can be killed");
    child.wait().expect("it ends");
    assert!(env.path().join("verify.state").exists(), "it came to its end before it was killed");
}

#[test]
fn a_verification_that_was_killed_goes_on_where_it_was() {
    let env = orion();
    let event = |n| format!("{{\"kind\":\"incident.opened\",\"incident_id\":\"I-{n}\"}}\n");
    let lines: String = (0..12_000).map(event).collect();
    env.run_with_input(&["append", "--from", "-", "--batch", "500"], lines.as_bytes()).exits(0);
    broken_off(&env);
    let size = crate::scratch::size(&env);
    let args = ["verify", "--resume", "verify.state", "--format", "json"];
    let report = env.run(&args).exits(0).json();
    let (since, verified) = (&report["since"], &report["verified_signatures"]);
    let (since, verified) = (since.as_u64().unwrap(), verified.as_u64().unwrap());
    assert!(since >= 1_000, "{report}");
    assert_eq!(since + verified, size);
    assert!(report["not_checked"].to_string().contains("--resume"), "{report}");
    // It came to its end, so the next one begins anew.
    let report = env.run(&args).exits(0).json();
    assert_eq!(report["verified_signatures"], size);
    assert!(!env.path().join("verify.state").exists());
}

#[test]
fn an_older_copy_of_the_database_is_found() {
    let env = orion();
    let copy = |from: &str, to: &str| {
        std::fs::copy(env.path().join(from), env.path().join(to)).unwrap();
    };
    env.run(&["checkpoint"]).exits(0);
    copy("book/ledger.db", "old.db");
    env.run_with_input(&["append", "--from", "-"], build_line("1.4.2").as_bytes()).exits(0);
    for name in ["book/ledger.db-wal", "book/ledger.db-shm"] {
        drop(std::fs::remove_file(env.path().join(name)));
    }
    copy("old.db", "book/ledger.db");
    let report = env.run(&["verify", "--format", "json"]).exits(1).json();
    assert_eq!(report["verified"], false);
    assert_eq!(report["tampering"]["code"], "pin-ahead");
    let ran = env.run_with_input(&["append", "--from", "-"], build_line("1.4.3").as_bytes());
    assert!(ran.exits(4).stderr.contains("restore"));
}

#[test]
fn a_key_from_outside_says_whose_book_it_is() {
    let env = orion();
    env.run(&["key", "new", "other.pem"]).exits(0);
    env.run(&["verify", "--pub", "book/keys/book.pub"]).exits(0);
    let report = env.run(&["verify", "--pub", "other.pem.pub", "--format", "json"]).exits(1).json();
    assert_eq!(report["tampering"]["code"], "book-key");
}

#[test]
fn kept_views_that_are_no_replay_are_found() {
    let env = orion();
    let deploy = [
        "append",
        "deploy",
        "--component",
        "api",
        "--version",
        "1.4.2",
        "--stage",
        "production",
        "--environment",
        "production",
        "--targets",
        "us-east-1,eu-west-1",
        "--digest",
        &crate::scratch::digest('a'),
        "--outcome",
        "succeeded",
    ];
    env.run(&deploy).exits(0);
    let said = |ran: &str, words: &str| assert!(ran.contains(words), "{words}: {ran}");
    let none = env.run(&["verify"]).exits(0);
    said(&none.stdout, "projections: none are kept");
    env.run(&["status"]).exits(0);
    let good = env.run(&["verify"]).exits(0);
    said(&good.stdout, "the kept views equal a fresh replay");
    // The live state says another target.
    let path = env.path().join("book/views.db");
    let mut bytes = std::fs::read(&path).unwrap();
    let mut changed = 0;
    for at in 0..bytes.len() - 9 {
        if &bytes[at..at + 9] == b"us-east-1" {
            bytes[at + 8] = b'7';
            changed += 1;
        }
    }
    assert!(changed > 0, "the views hold no target");
    std::fs::write(&path, bytes).unwrap();
    let report = env.run(&["verify", "--format", "json"]).exits(1).json();
    assert_eq!(report["tampering"]["code"], "projection-mismatch", "{report}");
    let skipped = env.run(&["verify", "--skip", "projections"]).exits(0);
    said(&skipped.stdout, "not checked  projections");
    std::fs::remove_file(&path).unwrap();
    env.run(&["status"]).exits(0);
    env.run(&["verify"]).exits(0);
}

#[test]
fn a_kept_segment_that_is_not_what_the_log_gives_is_found() {
    let env = orion();
    // Segments are made of whole runs of 16,384 events.
    let event = |n| format!("{{\"kind\":\"incident.opened\",\"incident_id\":\"I-{n}\"}}\n");
    let lines: String = (0..16_384).map(event).collect();
    env.run_with_input(&["append", "--from", "-"], lines.as_bytes()).exits(0);
    env.run(&["query", "SELECT count(*) FROM incidents"]).exits(0);
    let good = env.run(&["verify"]).exits(0);
    assert!(good.stdout.contains("kept segments equal fresh ones"), "{}", good.stdout);
    let dir = env.path().join("book/segments");
    let mut files = std::fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path());
    let path = files.find(|path| path.to_str().unwrap().contains("incidents-")).unwrap();
    let mut bytes = std::fs::read(&path).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    std::fs::write(&path, bytes).unwrap();
    let report = env.run(&["verify", "--format", "json"]).exits(1).json();
    assert_eq!(report["tampering"]["code"], "projection-mismatch", "{report}");
    assert_eq!(report["tampering"]["seq"], 0);
}

#[test]
fn a_book_behind_its_pin_answers_with_a_warning() {
    let env = orion();
    env.copy("book", "older");
    assert!(!env.run(&["status"]).exits(0).stderr.contains("warning"), "the control");
    let line = build_line("1.4.2");
    env.run_with_input(&["append", "--from", "-"], line.as_bytes()).exits(0);
    // The database of yesterday under the pin of today.
    std::fs::copy(env.path().join("book/pin"), env.path().join("older/pin")).unwrap();
    for args in [&["status"][..], &["query", "SELECT count(*) FROM events"]] {
        let ran = env.run(&[&["--book", "older"], args].concat()).exits(0);
        assert!(ran.stderr.contains("warning: ") && ran.stderr.contains("pin"), "{}", ran.stderr);
    }
}
