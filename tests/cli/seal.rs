//! Sealed texts: appended, revealed, erased; and that erasing changes no answer but the text.

use relbook_testkit::environment::TestEnvironment;
use serde_json::{Value, json};

use crate::scratch::{COMMIT, digest, orion};

/// A released product whose personal texts are sealed: a commit, an approval, a deploy.
fn released() -> TestEnvironment {
    let env = orion();
    let a = digest('a');
    for (key, principal, role) in
        [("olga", "p_olga", "approver,release_engineer"), ("ci", "ci-orion", "ci")]
    {
        env.run(&["key", "new", &format!("{key}.pem")]).exits(0);
        env.run(&["key", "enroll", principal, &format!("{key}.pem.pub"), "--role", role]).exits(0);
    }
    let commit = json!({"kind": "commit.merged", "component": "api", "commit": COMMIT, "parents": [],
        "branch": "main", "author": "p_max", "reviewers": ["p_olga"],
        "subject": "feat: greet Max Example", "body": "Asked for by Max."});
    let args = [
        "append",
        "--from",
        "-",
        "--key",
        "ci.pem",
        "--seal",
        "subject=@author",
        "--seal",
        "body=@author",
    ];
    env.run_with_input(&args, format!("{commit}\n").as_bytes()).exits(0);
    env.run(&[
        "append",
        "build",
        "--key",
        "ci.pem",
        "--component",
        "api",
        "--version",
        "1.4.2",
        "--digest",
        &a,
        "--commit",
        COMMIT,
    ])
    .exits(0);
    env.run(&[
        "append",
        "approval.granted",
        "--key",
        "olga.pem",
        "--approval-id",
        "A-1",
        "--component",
        "api",
        "--version",
        "1.4.2",
        "--digest",
        &a,
        "--stage",
        "production",
        "--comment",
        "fine by me, Olga Example",
        "--seal",
        "comment=p_olga",
    ])
    .exits(0);
    env.run(&[
        "append",
        "deploy",
        "--key",
        "ci.pem",
        "--deploy-id",
        "D-1",
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
        &a,
        "--initiated-by",
        "p_max",
        "--break-glass",
        "true",
        "--description",
        "Olga asked for it",
        "--outcome",
        "succeeded",
        "--seal",
        "description=p_olga",
    ])
    .exits(0);
    env
}

/// Everything that a book answers: the seven questions, the population, and what auditors count.
const ASKED: [&[&str]; 15] = [
    &["status"],
    &["commit"],
    &["diff", "api"],
    &["rollback", "api"],
    &["compat"],
    &["approvals", "api"],
    &["hotfix", "api"],
    &["population"],
    &["exceptions"],
    &["emergency"],
    &["where", COMMIT],
    &["dora"],
    &["query", "SELECT * FROM sod ORDER BY change_id, person"],
    &["query", "SELECT * FROM gate_results ORDER BY deploy_id, gate"],
    &[
        "query",
        "SELECT kind, count(*) AS n FROM events WHERE kind <> 'redaction.applied' GROUP BY kind ORDER BY kind",
    ],
];

fn answers(env: &TestEnvironment) -> Vec<Value> {
    let at = ["--as-of", "2030-01-01T00:00:00Z", "--format", "json"];
    let ask = |words: &&[&str]| {
        let args: Vec<&str> = words.iter().copied().chain(at).collect();
        let ran = env.run(&args);
        assert!(ran.code <= 1, "{args:?}: {}", ran.stderr);
        let mut answer = ran.json();
        // The log grew by the records of the erasure; nothing else may differ.
        for word in ["as_known", "checkpoint"] {
            answer.as_object_mut().expect("as the test made it").shift_remove(word);
        }
        for row in answer["rows"].as_array_mut().into_iter().flatten() {
            row.as_object_mut().expect("as the test made it").shift_remove("checkpoint_size");
        }
        json!({"asked": words, "code": ran.code, "answer": answer})
    };
    ASKED.iter().map(ask).collect()
}

#[test]
fn a_sealed_text_is_in_no_file_of_the_book_and_opens_with_its_proof() {
    let env = released();
    let mut waiting = vec![env.path().join("book")];
    while let Some(path) = waiting.pop() {
        if path.is_dir() {
            waiting.extend(std::fs::read_dir(path).unwrap().map(|entry| entry.unwrap().path()));
            continue;
        }
        let bytes = std::fs::read(&path).unwrap();
        for text in ["Olga Example", "Max Example", "Olga asked"] {
            let found = bytes.windows(text.len()).any(|window| window == text.as_bytes());
            assert!(!found, "{text} stands in {}", path.display());
        }
    }
    let rows = env.run(&["query", "SELECT seq, comment FROM approvals", "--format", "json"]);
    let row = rows.exits(0).json()["rows"][0].clone();
    assert_eq!(row["comment"], "p_olga (sealed)");
    let opened = env.run(&["reveal", &row["seq"].to_string(), "--format", "json"]).exits(0).json();
    let field = &opened["fields"][0];
    assert_eq!(field["text"], "fine by me, Olga Example");
    assert_eq!((&field["field"], &field["proven"]), (&json!("comment"), &json!(true)));
    // Anybody who gets text and salt computes the commitment: keyed BLAKE3 over canonical JSON.
    let mut salt = [0; 32];
    hex::decode_to_slice(field["salt"].as_str().unwrap(), &mut salt).unwrap();
    let hash = blake3::keyed_hash(&salt, field["text"].to_string().as_bytes());
    assert_eq!(field["commitment"], format!("blake3:{}", hash.to_hex()));
    // An event without seals, and one that is not there.
    env.run(&["reveal", "0"]).exits(2);
    env.run(&["reveal", "9999"]).exits(2);
}

#[test]
fn after_an_erasure_all_proofs_hold_and_no_answer_changes_but_the_text() {
    let env = released();
    let before = answers(&env);
    let verified = env.run(&["verify", "--format", "json"]).exits(0).json();
    assert_eq!(verified["blobs"], json!({"named": 4, "verified": 4, "missing": 0}));
    let seq = env.run(&["query", "SELECT seq FROM approvals", "--format", "json"]).exits(0).json();
    let seq = seq["rows"][0]["seq"].to_string();
    env.run(&["receipt", &seq, "-o", "approval.receipt"]).exits(0);
    let erased = env
        .run(&[
            "erase",
            "p_olga",
            "--reason",
            "request 14",
            "--legal-basis",
            "GDPR Art. 17(1)(b)",
            "--by",
            "p_olga",
            "--format",
            "json",
        ])
        .exits(0)
        .json();
    assert_eq!(
        (erased["erased"].as_array().unwrap().len(), &erased["key_destroyed"]),
        (2, &json!(true))
    );
    // Proofs.
    let again = env.run(&["verify", "--format", "json"]).exits(0).json();
    assert_eq!(again["blobs"]["verified"], 4);
    assert_eq!(again["events"].as_u64(), verified["events"].as_u64().map(|events| events + 2));
    env.run(&["receipt", "check", "approval.receipt", "--pub", "book/keys/book.pub"]).exits(0);
    env.run(&["verify", "--receipt", "approval.receipt"]).exits(0);
    // Answers: only the shown text differs.
    let after = answers(&env);
    let date =
        env.run(&["query", "SELECT max(recorded_at) AS at FROM redactions", "--format", "json"]);
    let at = date.exits(0).json()["rows"][0]["at"].as_str().unwrap()[..10].to_owned();
    let text = serde_json::to_string_pretty(&before).unwrap();
    assert!(text.contains("p_olga (sealed)"), "{text}");
    let shown = format!("p_olga (erased {at})");
    let text = text.replace("p_olga (sealed)", &shown);
    assert_eq!(serde_json::to_string_pretty(&after).unwrap(), text);
    // What was sealed about others opens; what was erased does not, and the log says why.
    assert!(env.run(&["reveal", &seq]).exits(4).stdout.contains("erased at"));
    let commit = env.run(&["query", "SELECT seq FROM commits", "--format", "json"]).exits(0).json();
    let commit = commit["rows"][0]["seq"].to_string();
    let opened = env.run(&["reveal", &commit, "--field", "subject"]).exits(0);
    assert!(opened.stdout.contains("greet Max Example"), "{}", opened.stdout);
    let rows = "SELECT subject, reason, legal_basis, \"by\", principal FROM redactions";
    let rows = env.run(&["query", rows, "--format", "json"]).exits(0).json()["rows"].clone();
    assert_eq!(rows[0]["legal_basis"], "GDPR Art. 17(1)(b)");
    assert_eq!((&rows[0]["principal"], &rows[0]["by"]), (&json!("admin"), &json!("p_olga")));
}

#[test]
fn erasing_again_finishes_what_a_crash_left_and_a_new_text_has_a_new_key() {
    let env = released();
    let erase = ["erase", "p_olga", "--reason", "r", "--legal-basis", "l", "--format", "json"];
    env.run(&["append", "incident.opened", "--incident-id", "I-1"]).exits(0);
    let keys = || std::fs::read_dir(env.path().join("book/subjects")).unwrap().count();
    assert_eq!(keys(), 2);
    let kept = env.path().join("kept");
    env.copy("book/subjects", "kept");
    env.run(&erase).exits(0);
    assert_eq!(keys(), 1);
    // As after a crash between the record and the destruction: the key is still there.
    for entry in std::fs::read_dir(&kept).unwrap() {
        let path = entry.unwrap().path();
        std::fs::copy(&path, env.path().join("book/subjects").join(path.file_name().unwrap()))
            .unwrap();
    }
    let again = env.run(&erase).exits(0).json();
    assert_eq!((&again["erased"], &again["key_destroyed"]), (&json!([]), &json!(true)));
    assert_eq!((&again["erased_before"], keys()), (&json!(2), 1));
    // A later text is sealed with another key, and opens.
    env.run(&[
        "append",
        "incident.opened",
        "--incident-id",
        "I-2",
        "--labels",
        "note=Olga again",
        "--seal",
        "labels.note=p_olga",
    ])
    .exits(0);
    let seq = (crate::scratch::size(&env) - 1).to_string();
    assert!(env.run(&["reveal", &seq]).exits(0).stdout.contains("Olga again"));
}

#[test]
fn a_retry_is_the_same_event_and_a_refused_seal_leaves_nothing() {
    let env = orion();
    let id = "019b76da-a800-7001-afb4-e10c8c61f108";
    let line =
        json!({"id": id, "kind": "freeze.declared", "freeze_id": "F-1", "reason": "Olga is away"});
    let args = ["append", "--from", "-", "--seal", "reason=p_olga", "--format", "json"];
    let line = format!("{line}\n");
    let first = env.run_with_input(&args, line.as_bytes()).exits(0).json();
    let again = env.run_with_input(&args, line.as_bytes()).exits(0).json();
    assert_eq!(first["receipts"][0]["duplicate"], false);
    assert_eq!(again["receipts"][0]["duplicate"], true);
    let blobs = || {
        let mut count = 0;
        for entry in std::fs::read_dir(env.path().join("book/blobs/blake3")).unwrap() {
            count += std::fs::read_dir(entry.unwrap().path()).unwrap().count();
        }
        count
    };
    assert_eq!(blobs(), 1);
    // Another text under the same id is a conflict, and its ciphertext is taken back.
    let other = line.replace("away", "back");
    env.run_with_input(&args, other.as_bytes()).exits(3);
    assert_eq!(blobs(), 1);
    // What decides what counts is never sealed, nor what is not there.
    let ran =
        env.run(&["append", "freeze.declared", "--freeze-id", "F-2", "--seal", "freeze_id=p_x"]);
    assert!(ran.exits(2).stderr.contains("reason, labels.KEY"));
    env.run(&["append", "freeze.declared", "--freeze-id", "F-2", "--seal", "reason=p_x"]).exits(2);
    env.run(&[
        "append",
        "freeze.declared",
        "--freeze-id",
        "F-2",
        "--reason",
        "r",
        "--seal",
        "reason=Olga Example",
    ])
    .exits(2);
    // Who may not redact erases nothing.
    env.run(&["key", "new", "olga.pem"]).exits(0);
    env.run(&["key", "enroll", "p_olga", "olga.pem.pub", "--role", "approver"]).exits(0);
    let erase = ["erase", "p_olga", "--reason", "r", "--legal-basis", "l", "--key", "olga.pem"];
    env.run(&erase).exits(3);
    assert_eq!(std::fs::read_dir(env.path().join("book/subjects")).unwrap().count(), 1);
    env.run(&["erase", "p_nobody", "--reason", "r", "--legal-basis", "l"]).exits(2);
}
