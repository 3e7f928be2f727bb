//! Names that nobody has registered: recorded as they are, and remarked on while it is easy to put
//! right. A secret that is set to nothing signs nothing.

use relbook_testkit::environment::TestEnvironment;
use serde_json::Value;

use crate::scratch::{COMMIT, ORION, digest, orion, refused, size};

/// The codes of the warnings that an append, or another command, gives in JSON.
#[track_caller]
fn warned(env: &TestEnvironment, args: &[&str]) -> Vec<(String, String)> {
    let answer = env.run(&[args, &["--format", "json"]].concat()).exits(0).json();
    let text = |value: &Value| value.as_str().expect("a text").to_owned();
    let warnings = answer["warnings"].as_array().cloned().unwrap_or_default();
    warnings.iter().map(|one| (text(&one["code"]), text(&one["detail"]))).collect()
}

#[track_caller]
fn assert_warned(env: &TestEnvironment, args: &[&str], code: &str, says: &str) {
    let before = size(env);
    let warned = warned(env, args);
    assert!(size(env) > before, "what is remarked on is recorded all the same");
    let [(found, detail)] = warned.as_slice() else { panic!("{args:?}: {warned:?}") };
    assert_eq!(found, code);
    assert!(detail.contains(says), "{detail}");
}

#[test]
fn what_nobody_registered_is_recorded_and_remarked_on() {
    let env = orion();
    let digest = digest('a');
    let deploy = |environment, targets| {
        let place = ["--stage", "production", "--environment", environment, "--targets", targets];
        let head = ["append", "deploy", "--component", "api", "--digest", digest.as_str()];
        [&head[..], &place].concat()
    };
    let all = "us-east-1,eu-west-1";
    assert_warned(&env, &deploy("prodution", all), "environment_unregistered", "`production`?");
    let elsewhere = deploy("production", "us-east-1,mars");
    assert_warned(&env, &elsewhere, "target_unregistered", "`mars` is not a target of production");
    assert_eq!(warned(&env, &deploy("production", all)), []);
    let check = ["append", "check", "--component", "api", "--suite", "unit", "--result", "pass"];
    assert_warned(&env, &check, "check_of_nothing", "--commit");
    assert_eq!(warned(&env, &[&check[..], &["--commit", COMMIT]].concat()), []);
    let tag = ["append", "tag", "--component", "api", "--commit", COMMIT, "--tag"];
    assert_warned(&env, &[&tag[..], &["1.4.2"]].concat(), "tag_without_version", "`v`");
    assert_eq!(warned(&env, &[&tag[..], &["v1.4.2"]].concat()), []);
    env.run(&["key", "new", "ci.pem"]).exits(0);
    let enroll = ["key", "enroll", "ci", "ci.pem.pub", "--role", "ci", "--components", "orion-ap"];
    assert_warned(&env, &enroll, "component_unregistered", "did you mean `orion-api`?");
    // People read it on standard error.
    let shown = env.run(&deploy("prodution", all)).exits(0).stderr;
    assert!(shown.contains("warning: `prodution` is not a registered environment"), "{shown}");
}

#[test]
fn a_product_file_that_names_no_component_of_its_own_is_remarked_on() {
    let env = orion();
    let typo = ORION.replace("quorum: 1,", "quorum: 1, canary_components: [orion-apy],");
    env.file("typo.yaml", typo.replace("sdk: \"2.1.x\"", "sdc: \"2.1.x\""));
    let shown = env.run(&["apply", "typo.yaml", "--check"]).exits(1).stderr;
    assert!(shown.contains("`orion-apy`") && shown.contains("`sdc`"), "{shown}");
    let warned = warned(&env, &["apply", "typo.yaml"]);
    assert_eq!(warned.len(), 2, "{warned:?}");
    assert!(warned.iter().all(|(code, _)| code == "component_unregistered"), "{warned:?}");
}

#[test]
fn a_deploy_whose_targets_cannot_be_known_names_the_typo() {
    let env = orion();
    let digest = digest('a');
    let deploy = ["append", "deploy", "--component", "api", "--digest", &digest];
    let place = ["--stage", "production", "--environment", "prodution"];
    let error = refused(&env, &[&deploy[..], &place].concat());
    assert_eq!((&error["field"], &error["value"]), (&"environment".into(), &"prodution".into()));
    assert!(error["message"].as_str().unwrap().contains("did you mean `production`?"), "{error}");
    let error = refused(&env, &[&deploy[..], &["--stage", "prod"]].concat());
    assert_eq!((&error["field"], &error["value"]), (&"stage".into(), &"prod".into()));
}

#[test]
fn a_secret_that_is_set_to_nothing_signs_nothing() {
    let env = orion();
    let before = size(&env);
    let check = ["append", "check", "--component", "api", "--suite", "unit", "--result", "pass"];
    let mut command = env.command(&check);
    command.env("RELBOOK_KEY", "");
    let ran = relbook_testkit::environment::Ran::of(&mut command);
    assert_eq!(ran.code, 2, "{}", ran.stderr);
    assert!(ran.stderr.contains("RELBOOK_KEY"), "{}", ran.stderr);
    assert_eq!(size(&env), before);
}

#[test]
fn a_compromise_reaches_the_key_that_was_replaced_since() {
    let env = orion();
    for name in ["old", "new"] {
        env.run(&["key", "new", &format!("{name}.pem")]).exits(0);
    }
    env.run(&["key", "enroll", "ci-orion", "old.pem.pub", "--role", "ci"]).exits(0);
    let from = size(&env).to_string();
    let check = ["append", "check", "--component", "api", "--suite", "unit", "--result", "pass"];
    env.run(&[&check[..], &["--commit", COMMIT, "--key", "old.pem"]].concat()).exits(0);
    env.run(&["key", "rotate", "ci-orion", "new.pem.pub"]).exits(0);
    let args = ["key", "revoke", "ci-orion", "--compromised", "--from-seq", &from];
    let ended = env.run(&[&args[..], &["--format", "json"]].concat()).exits(0).json();
    assert_eq!(ended["revoked"].as_array().map(Vec::len), Some(2), "{ended}");
    let listed = env.run(&["key", "list", "--format", "json"]).exits(0).json();
    let keys = listed["keys"].as_array().unwrap();
    let of = |key: &&Value| key["principal"] == "ci-orion";
    assert!(keys.iter().filter(of).all(|key| key["status"] == "compromised"), "{listed}");
    env.run(&["verify"]).exits(0);
}
