//! `append` with what it should take: flags, files, streams, retries, signed envelopes.

use relbook_ledger::key::SigningKey;
use relbook_ledger::statement;
use serde_json::json;

use crate::scratch::{COMMIT, build_line, digest, orion, refused, refused_lines, size};

const ID: &str = "019eb0c2-8a80-700e-a7fb-3f86c95cc290";

fn build_args<'a>(digest: &'a str, more: &[&'a str]) -> Vec<&'a str> {
    let mut args = vec![
        "append",
        "build.completed",
        "--component",
        "api",
        "--version",
        "1.4.2",
        "--digest",
        digest,
        "--commit",
        COMMIT,
        "--format",
        "json",
    ];
    args.extend(more);
    args
}

#[test]
fn the_receipt_says_where_the_event_is() {
    let env = orion();
    let before = size(&env);
    let receipt = env.run(&build_args(&digest('a'), &[])).exits(0).json();
    assert_eq!(receipt["appended"], 1);
    let only = &receipt["receipts"][0];
    assert_eq!(only["seq"], before);
    assert_eq!(only["duplicate"], false);
    assert_eq!(only["chain_hash"].as_str().map(str::len), Some(64));
    assert_eq!(receipt["checkpoint"]["size"], before + 1);
    let note = env.run(&["checkpoint"]).exits(0).stdout;
    assert_eq!(receipt["checkpoint"]["note"], note.as_str());
    env.run(&["verify"]).exits(0);
}

#[test]
fn the_same_id_and_content_again_gets_the_first_receipt() {
    let env = orion();
    let digest = digest('a');
    let args = build_args(&digest, &["--id", ID]);
    let first = env.run(&args).exits(0).json();
    let before = size(&env);
    // The defaulted time is taken from the book, so that the bytes are the same.
    std::thread::sleep(std::time::Duration::from_millis(2));
    let again = env.run(&args).exits(0).json();
    assert_eq!(again["appended"], 0);
    assert_eq!(again["receipts"][0]["duplicate"], true);
    for field in ["seq", "id", "chain_hash"] {
        assert_eq!(again["receipts"][0][field], first["receipts"][0][field], "{field}");
    }
    assert_eq!(again["checkpoint"], first["checkpoint"]);
    assert_eq!(size(&env), before);
}

#[test]
fn the_same_id_with_other_content_is_refused() {
    let env = orion();
    env.run(&build_args(&digest('a'), &["--id", ID])).exits(0);
    let other = digest('b');
    assert_eq!(refused(&env, &build_args(&other, &["--id", ID]))["code"], "id_conflict");
}

#[test]
fn an_alias_is_written_as_the_component_that_it_names() {
    let env = orion();
    env.run(&build_args(&digest('a'), &[])).exits(0);
    let status = env.run(&["commit", "api", "--format", "json"]).exits(0).json();
    assert_eq!(status["rows"][0]["component"], "orion-api");
}

#[test]
fn a_file_is_one_batch() {
    let env = orion();
    let before = size(&env);
    let lines: String = ["1.4.0", "1.4.1", "1.4.2"].map(build_line).concat();
    env.file("builds.ndjson", format!("\n{}\r\n\n", lines.trim_end()));
    let receipt =
        env.run(&["append", "--from", "builds.ndjson", "--format", "json"]).exits(0).json();
    assert_eq!(receipt["appended"], 3);
    assert_eq!(receipt["checkpoint"]["size"], before + 3);
    assert_eq!(size(&env), before + 3);
    let table = env.run_with_input(&["append", "--from", "-"], lines.as_bytes()).exits(0);
    assert!(table.stdout.contains("appended 3"), "{}", table.stdout);
}

#[test]
fn a_file_may_define_what_it_speaks_of() {
    let env = crate::scratch::book();
    let component = json!({
        "kind": "component.registered", "component": "orion-api", "alias": "api",
        "scheme": "semver", "release_model": "deployed",
    });
    let lines = format!("{component}\n{}", build_line("1.4.2").replace("orion-api", "api"));
    env.run_with_input(&["append", "--from", "-"], lines.as_bytes()).exits(0);
}

#[test]
fn a_stream_is_several_batches() {
    let env = orion();
    let before = size(&env);
    let lines: String = (0..5).map(|n| build_line(&format!("1.4.{n}"))).collect();
    let args = ["append", "--from", "-", "--batch", "2", "--format", "json"];
    let receipt = env.run_with_input(&args, lines.as_bytes()).exits(0).json();
    assert_eq!(receipt["appended"], 5);
    assert_eq!(size(&env), before + 5);

    // What earlier batches appended stays, and the refusal says how much that is.
    let bad = lines.replace("1.4.3", "v1.4.3");
    let error = env.run_with_input(&args, bad.as_bytes()).exits(3).json()["error"].clone();
    assert_eq!((&error["line"], &error["appended"]), (&json!(4), &json!(2)));
    assert_eq!(size(&env), before + 5 + 2 + 1, "two events and the record of the refusal");
}

#[test]
fn nothing_to_append_is_fine() {
    let env = orion();
    let receipt =
        env.run_with_input(&["append", "--from", "-", "--format", "json"], b"\n").exits(0);
    assert_eq!(receipt.json()["appended"], 0);
}

#[test]
fn an_event_that_is_signed_already_keeps_its_signature() {
    let env = orion();
    let pem = std::fs::read_to_string(env.path().join("book/keys/admin.pem")).unwrap();
    let key = SigningKey::from_pem(&pem).unwrap();
    let sign = |id: &str, ledger: &str| {
        let event = json!({
            "id": id, "kind": "incident.opened", "ledger": ledger,
            "occurred_at": "2026-06-10T09:00:00Z", "incident_id": "INC-1",
        });
        statement::sign(event.as_object().unwrap(), &key).unwrap()
    };
    let line = sign(ID, "test.example/orion").to_dsse_json().to_string();
    // No key is needed to pass it on.
    let args = ["append", "--from", "-", "--format", "json", "--key", "missing.pem"];
    let receipt = env.run_with_input(&args, line.as_bytes()).exits(0).json();
    assert_eq!(receipt["receipts"][0]["id"], ID);

    let other = ID.replace("019e", "019f");
    let elsewhere = sign(&other, "test.example/lyra").to_dsse_json().to_string();
    let error = refused_lines(&env, elsewhere.as_bytes());
    assert_eq!((&error["code"], &error["line"]), (&json!("wrong_book"), &json!(1)));

    let mut forged = sign(&other, "test.example/orion");
    forged.signature[7] ^= 1;
    let error = refused_lines(&env, forged.to_dsse_json().to_string().as_bytes());
    assert_eq!((&error["code"], &error["line"]), (&json!("bad_signature"), &json!(1)));
}

#[test]
fn every_kind_can_be_asked_for_help() {
    let env = orion();
    let help = env.run(&["append", "deploy.started", "--help"]).exits(0).stdout;
    for word in ["--deploy-id", "--targets", "--break-glass", "Required", "Fields of every event"] {
        assert!(help.contains(word), "{word}: {help}");
    }
}
