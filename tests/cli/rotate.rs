//! `key rotate`, `key rotate-book`, `key report`: the life of keys as an operator sees it.

use relbook_testkit::environment::TestEnvironment;
use serde_json::{Value, json};

use crate::scratch::{COMMIT, book, digest, orion, size};

fn statuses(env: &TestEnvironment) -> Vec<(String, String)> {
    let keys = env.run(&["key", "list", "--format", "json"]).exits(0).json();
    let row = |row: &Value| {
        let word = |name: &str| row[name].as_str().expect("as the test made it").to_owned();
        (word("principal"), word("status"))
    };
    keys["keys"].as_array().expect("as the test made it").iter().map(row).collect()
}

#[test]
fn a_key_is_replaced_in_one_batch_with_what_it_may_do() {
    let env = orion();
    env.run(&["key", "new", "ci.pem"]).exits(0);
    env.run(&["key", "new", "ci2.pem"]).exits(0);
    let enrol = ["key", "enroll", "ci-orion", "ci.pem.pub", "--role", "ci", "--components", "api"];
    env.run(&enrol).exits(0);
    let before = size(&env);
    let rotate = ["key", "rotate", "ci-orion", "ci2.pem.pub", "--format", "json"];
    let done = env.run(&rotate).exits(0).json();
    assert_eq!((&done["appended"], size(&env)), (&2.into(), before + 2));
    let keys = env.run(&["key", "list", "--format", "json"]).exits(0).json();
    let rows = keys["keys"].as_array().unwrap();
    let new = rows.iter().find(|row| row["key_id"] == done["enrolled"]).unwrap();
    assert_eq!((&new["status"], &new["components"]), (&"valid".into(), &json!(["orion-api"])));
    let old = rows.iter().find(|row| row["key_id"] == done["revoked"]).unwrap();
    assert_eq!(old["status"], "revoked");
    let append =
        ["append", "build", "--component", "api", "--version", "1.4.2", "--commit", COMMIT];
    let digest = digest('a');
    let with = |key: &str| env.run(&[&append[..], &["--digest", &digest, "--key", key]].concat());
    with("ci.pem").exits(3);
    with("ci2.pem").exits(0);
    // The same again: it is the key in force already; a principal without keys has none to replace.
    env.run(&rotate).exits(2);
    assert!(
        env.run(&["key", "rotate", "nobody", "ci.pem.pub"]).exits(2).stderr.contains("no such")
    );
    env.run(&["verify"]).exits(0);
}

#[test]
fn an_admin_replaces_its_own_key() {
    let env = book();
    env.run(&["key", "new", "admin2.pem"]).exits(0);
    std::fs::rename(env.path().join("admin2.pem"), env.path().join("elsewhere.pem")).unwrap();
    let rotate = ["key", "rotate", "admin", "admin2.pem.pub"];
    let ran = env.run(&rotate).exits(2);
    assert!(ran.stderr.contains("--new-key"), "{}", ran.stderr);
    let before = size(&env);
    env.run(&[&rotate[..], &["--new-key", "elsewhere.pem"]].concat()).exits(0);
    assert_eq!(size(&env), before + 2);
    let incident = ["append", "incident.opened", "--incident-id", "I-1"];
    env.run(&incident).exits(3);
    env.run(&[&incident[..], &["--key", "elsewhere.pem"]].concat()).exits(0);
    let expected = [("relbook", "valid"), ("admin", "revoked"), ("admin", "valid")];
    assert_eq!(statuses(&env), expected.map(|(who, how)| (who.to_owned(), how.to_owned())));
    env.run(&["verify"]).exits(0);
}

#[test]
fn the_book_gets_a_new_key_and_stays_the_same_book() {
    let env = book();
    std::fs::copy(env.path().join("book/keys/book.pub"), env.path().join("first.pub")).unwrap();
    env.run(&["checkpoint"]).exits(0);
    let kept = env.run(&["checkpoint"]).exits(0).stdout;
    env.file("kept.checkpoint", kept);
    env.run(&["receipt", "1", "-o", "early.tlog-proof"]).exits(0);
    env.copy("book", "behind");
    let done = env.run(&["key", "rotate-book", "-o", "rotation.tlog-proof", "--format", "json"]);
    let done = done.exits(0).json();
    let note = done["checkpoint"]["note"].as_str().unwrap();
    assert_eq!(note.matches("\u{2014} test.example/orion ").count(), 2, "{note}");
    env.run(&["append", "incident.opened", "--incident-id", "I-1"]).exits(0);
    env.run(&["receipt", "1", "-o", "late.tlog-proof"]).exits(0);
    let note = env.run(&["checkpoint"]).exits(0).stdout;
    assert_eq!(note.matches("\u{2014} test.example/orion ").count(), 1, "{note}");

    // The first public key is enough for the book, and a checkpoint that was kept.
    for key in ["first.pub", "book/keys/book.pub"] {
        let verify =
            ["verify", "--pub", key, "--checkpoint", "kept.checkpoint", "--format", "json"];
        let report = env.run(&verify).exits(0).json();
        assert_eq!(report["rotations"][0]["key"], done["key"]);
    }
    env.run(&["key", "new", "other.pem"]).exits(0);
    env.run(&["verify", "--pub", "other.pem.pub"]).exits(1);

    // Receipts without the book: with the key of their time, or the other one and the rotation.
    let check = |file: &str, key: &str, rotation: bool| {
        let mut args = vec!["receipt", "check", file, "--pub", key];
        if rotation {
            args.extend(["--rotation", "rotation.tlog-proof"]);
        }
        env.run(&args).code
    };
    let new = "book/keys/book.pub";
    assert_eq!(
        (check("early.tlog-proof", "first.pub", false), check("late.tlog-proof", new, false)),
        (0, 0)
    );
    assert_eq!(
        (check("early.tlog-proof", new, false), check("late.tlog-proof", "first.pub", false)),
        (1, 1)
    );
    for file in ["early.tlog-proof", "late.tlog-proof", "rotation.tlog-proof"] {
        assert_eq!((check(file, "first.pub", true), check(file, new, true)), (0, 0), "{file}");
    }
    assert_eq!(check("late.tlog-proof", "other.pem.pub", true), 1);
    env.run(&[
        "receipt",
        "check",
        "late.tlog-proof",
        "--pub",
        new,
        "--rotation",
        "early.tlog-proof",
    ])
    .exits(1);
    // The copy from before is the beginning of the book.
    let compared = env.run(&["compare", "behind", "--format", "json"]).exits(0).json();
    assert_eq!(compared["result"], "ahead");
    assert_eq!(statuses(&env)[0], ("relbook".to_owned(), "replaced".to_owned()));
}

#[test]
fn the_report_names_what_a_key_signed_and_what_rests_on_it() {
    let env = orion();
    for (who, role) in
        [("ci-orion", "ci"), ("ci-good", "ci"), ("p_olga", "approver,release_engineer")]
    {
        let file = format!("{who}.pem");
        env.run(&["key", "new", &file]).exits(0);
        env.run(&["key", "enroll", who, &format!("{file}.pub"), "--role", role]).exits(0);
    }
    let seq = |who: &str, event: Value| -> u64 {
        let key = format!("{who}.pem");
        let args = ["append", "--from", "-", "--key", &key, "--format", "json"];
        let ran = env.run_with_input(&args, event.to_string().as_bytes()).exits(0).json();
        ran["receipts"][0]["seq"].as_u64().unwrap()
    };
    let build = |digit: char, version: &str| {
        json!({"kind": "build.completed", "component": "orion-api", "version": version,
               "digest": digest(digit), "commit": COMMIT})
    };
    let deploy = |id: &str, digit: char| {
        json!({"kind": "deploy.started", "component": "orion-api", "deploy_id": id, "stage": "dev",
               "environment": "dev", "targets": ["dev-1"], "digest": digest(digit)})
    };
    let approval = |id: &str, digit: char, version: &str| {
        json!({"kind": "approval.granted", "component": "orion-api", "approval_id": id,
               "version": version, "digest": digest(digit), "stage": "production"})
    };
    let scan = |digit: char| {
        json!({"kind": "scan.completed", "component": "orion-api", "digest": digest(digit),
               "scanner": "trivy", "critical": 0, "high": 0})
    };
    let early = seq("ci-orion", build('a', "1.0.0"));
    let before = seq("ci-good", deploy("D-0", 'a'));
    let bad_build = seq("ci-orion", build('b', "1.1.0"));
    let good_build = seq("ci-good", build('c', "1.2.0"));
    let approved = seq("p_olga", approval("A-1", 'b', "1.1.0"));
    let bad_scan = seq("ci-orion", scan('c'));
    let by_build = seq("ci-good", deploy("D-1", 'b'));
    let by_scan = seq("ci-good", deploy("D-2", 'c'));
    let finished = seq(
        "ci-good",
        json!({"kind": "deploy.finished", "deploy_id": "D-1", "target": "dev-1",
               "outcome": "succeeded"}),
    );
    let clean = seq("ci-good", deploy("D-3", 'a'));

    let from = bad_build.to_string();
    let report = |args: &[&str]| {
        let all = [&["key", "report", "ci-orion", "--format", "json"], args].concat();
        env.run(&all).exits(0).json()
    };
    let rows = |report: &Value| -> Vec<(String, u64, Vec<u64>)> {
        let row = |row: &Value| {
            let because = row["because"]
                .as_array()
                .map(|list| list.iter().map(|seq| seq.as_u64().unwrap()).collect());
            let relation = row["relation"].as_str().unwrap().to_owned();
            (relation, row["seq"].as_u64().unwrap(), because.unwrap_or_default())
        };
        report["rows"].as_array().unwrap().iter().map(row).collect()
    };
    let signed = |seq| ("signed".to_owned(), seq, Vec::new());
    let depends = |seq, because| ("depends".to_owned(), seq, vec![because]);
    let expected = [
        signed(bad_build),
        depends(approved, bad_build),
        signed(bad_scan),
        depends(by_build, bad_build),
        depends(by_scan, bad_scan),
        depends(finished, by_build),
    ];
    let found = report(&["--from-seq", &from]);
    assert_eq!(rows(&found), expected);
    assert_eq!((&found["signed"], &found["depends"]), (&2.into(), &4.into()));
    assert!(good_build > bad_build && clean > finished);
    // Without a seq: all that it signed, unless it was marked as compromised.
    let all = rows(&report(&[]));
    assert!(all.contains(&signed(early)) && all.contains(&depends(before, early)));
    env.run(&["key", "revoke", "ci-orion", "--compromised", "--from-seq", &from]).exits(0);
    assert_eq!(rows(&report(&[])), expected);
    let table = env.run(&["key", "report", "ci-orion"]).exits(0).stdout;
    assert!(table.contains("2 events signed, 4 others rest on them"), "{table}");
    env.run(&["key", "report", "nobody"]).exits(2);
}
