//! `key`: making, enrolling, revoking, listing, and what a key may then do.

use relbook_testkit::environment::{Ran, TestEnvironment};
use serde_json::json;

use crate::scratch::{COMMIT, digest, orion, refused, size};

fn enroll(env: &TestEnvironment, principal: &str, roles: &str) -> String {
    let file = format!("{principal}.pem");
    env.run(&["key", "new", &file]).exits(0);
    env.run(&["key", "enroll", principal, &format!("{file}.pub"), "--role", roles]).exits(0);
    file
}

fn build<'a>(key: &'a str, digest: &'a str) -> [&'a str; 12] {
    [
        "append",
        "build",
        "--component",
        "api",
        "--version",
        "1.4.2",
        "--digest",
        digest,
        "--commit",
        COMMIT,
        "--key",
        key,
    ]
}

#[test]
fn a_new_key_is_a_private_file_and_its_public_half() {
    let env = orion();
    let made = env.run(&["key", "new", "ci.pem", "--format", "json"]).exits(0).json();
    assert_eq!(made["key_id"].as_str().map(str::len), Some(64));
    let private = std::fs::read_to_string(env.path().join("ci.pem")).unwrap();
    let public = std::fs::read_to_string(env.path().join("ci.pem.pub")).unwrap();
    assert!(private.starts_with("-----BEGIN PRIVATE KEY-----"));
    assert!(public.starts_with("-----BEGIN PUBLIC KEY-----"));
    // It is never overwritten, and nothing secret is printed.
    let again = env.run(&["key", "new", "ci.pem"]).exits(4);
    assert!(again.stderr.contains("never overwritten"), "{}", again.stderr);
    assert_eq!(std::fs::read_to_string(env.path().join("ci.pem")).unwrap(), private);
    std::fs::remove_file(env.path().join("ci.pem.pub")).unwrap();
    env.run(&["key", "new", "ci.pem"]).exits(4);
    assert!(!env.path().join("ci.pem.pub").exists(), "no half of a key is left behind");
}

#[test]
fn an_enrolled_key_signs_what_its_role_allows() {
    let env = orion();
    let file = enroll(&env, "ci-orion", "ci");
    let digest = digest('a');
    env.run(&build(&file, &digest)).exits(0);
    let error = refused(
        &env,
        &["append", "policy.set", "--policy-id", "p", "--values", "quorum=2", "--key", &file],
    );
    assert_eq!(error["code"], "role");
}

#[test]
fn a_key_bound_to_a_component_writes_about_no_other() {
    let env = orion();
    env.run(&["key", "new", "web.pem"]).exits(0);
    let args = ["key", "enroll", "ci-web", "web.pem.pub", "--role", "ci", "--components", "web"];
    env.run(&args).exits(0);
    let digest = digest('a');
    assert_eq!(refused(&env, &build("web.pem", &digest))["code"], "role");
}

#[test]
fn unknown_and_revoked_keys_are_refused() {
    let env = orion();
    let digest = digest('a');
    env.run(&["key", "new", "nobody.pem"]).exits(0);
    let before = size(&env);
    let error = refused(&env, &build("nobody.pem", &digest));
    assert_eq!(error["code"], "unknown_key");
    assert!(error["message"].as_str().unwrap().contains("key enroll"));
    assert_eq!(size(&env), before, "a stranger leaves no trace");

    let file = enroll(&env, "ci-orion", "ci");
    env.run(&build(&file, &digest)).exits(0);
    env.run(&["key", "revoke", "ci-orion", "--reason", "rotated"]).exits(0);
    assert_eq!(refused(&env, &build(&file, &digest))["code"], "revoked_key");
    env.run(&["verify"]).exits(0);
}

#[test]
fn the_list_says_who_and_since_when() {
    let env = orion();
    enroll(&env, "ci-orion", "ci");
    enroll(&env, "p_olga", "approver,release_engineer");
    env.run(&["key", "revoke", "ci-orion", "ci-orion.pem.pub"]).exits(0);
    let list = env.run(&["key", "list", "--format", "json"]).exits(0).json();
    let rows: Vec<_> = list["keys"]
        .as_array()
        .unwrap()
        .iter()
        .map(|row| json!([row["principal"], row["roles"], row["status"]]))
        .collect();
    assert!(rows.contains(&json!(["admin", ["admin"], "valid"])), "{rows:?}");
    assert!(rows.contains(&json!(["ci-orion", ["ci"], "revoked"])), "{rows:?}");
    assert!(rows.contains(&json!(["p_olga", ["approver", "release_engineer"], "valid"])));
    let table = env.run(&["key", "list"]).exits(0).stdout;
    assert!(table.contains("p_olga") && table.contains("approver, release_engineer"), "{table}");
}

#[test]
fn a_revocation_must_name_a_key_that_is_in_force() {
    let env = orion();
    let ran = env.run(&["key", "revoke", "p_nobody"]).exits(2);
    assert!(ran.stderr.contains("key list"), "{}", ran.stderr);
    enroll(&env, "ci-orion", "ci");
    env.run(&["key", "revoke", "ci-orion"]).exits(0);
    let ran = env.run(&["key", "revoke", "ci-orion"]).exits(2);
    assert!(ran.stderr.contains("already"), "{}", ran.stderr);
}

#[test]
fn a_compromised_key_is_suspect_from_a_seq_on() {
    let env = orion();
    let file = enroll(&env, "ci-orion", "ci");
    env.run(&["key", "revoke", "ci-orion", "--compromised", "--from-seq", "5"]).exits(0);
    let list = env.run(&["key", "list", "--format", "json"]).exits(0).json();
    let keys = list["keys"].as_array().unwrap();
    assert!(keys.iter().any(|row| row["status"] == "compromised"), "{list}");
    assert_eq!(refused(&env, &build(&file, &digest('a')))["code"], "revoked_key");
}

#[test]
fn a_private_key_is_not_enrolled() {
    let env = orion();
    env.run(&["key", "new", "a.pem"]).exits(0);
    let ran = env.run(&["key", "enroll", "p_a", "a.pem", "--role", "ci"]).exits(2);
    assert!(ran.stderr.contains("private"), "{}", ran.stderr);
    assert!(!ran.stderr.contains("BEGIN"), "{}", ran.stderr);
}

#[test]
fn the_variable_may_hold_the_key_itself_or_its_file() {
    let env = orion();
    let file = enroll(&env, "ci-orion", "ci");
    let pem = std::fs::read_to_string(env.path().join(&file)).unwrap();
    let (digest, check) = (digest('b'), ["append", "build", "--component", "api"]);
    for value in [pem.as_str(), file.as_str()] {
        let rest = ["--version", "1.4.2", "--digest", &digest, "--commit", COMMIT];
        let args: Vec<&str> = check.iter().copied().chain(rest).collect();
        Ran::of(env.command(&args).env("RELBOOK_KEY", value)).exits(0);
    }
    // It is shown nowhere, not even when it is broken.
    let broken = pem.replace("MC4C", "XXXX");
    for args in [&["append", "build"][..], &["--help"], &["append", "build", "--help"]] {
        let ran = Ran::of(env.command(args).env("RELBOOK_KEY", &broken));
        let secret = &pem.lines().nth(1).unwrap()[10..];
        assert!(!ran.stdout.contains(secret) && !ran.stderr.contains(secret), "{args:?}");
    }
}

#[test]
fn a_secret_that_is_unset_does_not_sign_as_the_admin() {
    let env = orion();
    let before = size(&env);
    let (digest, append) = (digest('b'), ["append", "build", "--component", "api"]);
    let rest = ["--version", "1.4.2", "--digest", &digest, "--commit", COMMIT];
    let args: Vec<&str> = append.iter().copied().chain(rest).collect();
    for empty in ["", " \n"] {
        let ran = Ran::of(env.command(&args).env("RELBOOK_KEY", empty)).exits(2);
        assert!(ran.stderr.contains("given and empty"), "{ran:?}");
    }
    env.run(&[&args[..], &["--key", ""]].concat()).exits(2);
    assert_eq!(size(&env), before);
    // What signs nothing needs no key.
    Ran::of(env.command(&["status"]).env("RELBOOK_KEY", "")).exits(0);
}

#[test]
fn a_file_that_is_no_key_is_named() {
    let env = orion();
    env.file("junk.pem", "hello");
    let ran = env.run(&build("junk.pem", &digest('a'))).exits(4);
    assert!(ran.stderr.contains("junk.pem") && ran.stderr.contains("key new"), "{}", ran.stderr);
    let ran = env.run(&build("missing.pem", &digest('a'))).exits(4);
    assert!(ran.stderr.contains("missing.pem"), "{}", ran.stderr);
}

#[test]
fn a_key_is_found_to_be_compromised_after_its_end_and_never_comes_back() {
    let env = orion();
    let file = enroll(&env, "ci-orion", "ci");
    let (public, digest) = (format!("{file}.pub"), digest('a'));
    let signed = env.run(&build(&file, &digest)).exits(0);
    drop(signed);
    let seq = size(&env) - 1;
    env.run(&["key", "revoke", "ci-orion"]).exits(0);
    // Of keys that are no longer in force the one must be named.
    let revoke = ["key", "revoke", "ci-orion", "--compromised"];
    let ran = env.run(&revoke).exits(2);
    assert!(ran.stderr.contains("name the one"), "{}", ran.stderr);
    let ahead = (seq + 10).to_string();
    let ran =
        env.run(&["key", "revoke", "ci-orion", &public, "--compromised", "--from-seq", &ahead]);
    assert!(ran.exits(2).stderr.contains("yet to come"));
    let mark = |from: u64| {
        let from = from.to_string();
        let args = ["key", "revoke", "ci-orion", &public, "--compromised", "--from-seq", &from];
        env.run(&args).exits(0);
        let report = env.run(&["key", "report", &public, "--format", "json"]).exits(0).json();
        report["rows"].as_array().unwrap().iter().filter(|row| row["relation"] == "signed").count()
    };
    assert_eq!(mark(seq + 1), 0);
    // It was earlier than was thought first.
    assert_eq!(mark(seq), 1);
    let ran = env.run(&["key", "enroll", "ci-orion", &public, "--role", "ci"]).exits(2);
    assert!(ran.stderr.contains("compromised"), "{}", ran.stderr);
    env.run(&["verify"]).exits(0);
}
