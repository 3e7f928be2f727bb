//! `relbook runbook`: the policy in force, as a document and as rows.

use std::fs;

use relbook_testkit::environment::TestEnvironment;
use serde_json::{Value, json};

use crate::scratch::empty;

const PRODUCT: &str = "\
product: orion
components:
  orion-api: {alias: api, scheme: semver, release_model: deployed, tag_prefix: v}
  orion-web: {alias: web, scheme: 'calver:YYYY.0M.MICRO', release_model: deployed, tag_prefix: web/}
  orion-cli: {alias: cli, scheme: semver, release_model: published, cadence: monthly}
  orion-helm: {alias: helm, scheme: semver, release_model: published, tag_prefix: helm-}
environments:
  production: {targets: [us-east-1, eu-west-1]}
policy:
  quorum: 2
  smoke_max_s: 120
  scanners: [trivy]
  scan_max_high: 3
  canary_components: [api]
  canary_min_bake_s: 600
  hotfix_bake_s: 60
";

fn product() -> TestEnvironment {
    let env = empty();
    env.run(&["init", "--simulated-clock"]).exits(0);
    env.file("orion.yaml", PRODUCT);
    env.run(&["apply", "orion.yaml"]).exits(0);
    env
}

fn rows(env: &TestEnvironment, args: &[&str]) -> Vec<Value> {
    let answer = env.run(&[args, &["--format", "json"]].concat()).exits(0).json();
    answer["rows"].as_array().cloned().unwrap_or_default()
}

fn gates(rows: &[Value], component: &str, stage: &str) -> Vec<String> {
    let of_it = rows.iter().filter(|r| r["component"] == component && r["stage"] == stage);
    of_it.map(|row| row["gate"].as_str().unwrap_or_default().to_owned()).collect()
}

#[test]
fn the_gates_are_those_that_the_gate_command_asks_for() {
    let env = product();
    let rows = rows(&env, &["runbook"]);
    let build = json!({"kind": "build.completed", "component": "orion-api", "version": "1.4.2",
        "digest": crate::scratch::digest('a'), "commit": crate::scratch::COMMIT});
    env.run_with_input(&["append", "--from", "-"], format!("{build}\n").as_bytes()).exits(0);
    for stage in ["dev", "staging", "canary", "production"] {
        let args = ["gate", "api", "1.4.2", "--to", stage, "--format", "json"];
        let asked = env.run(&args).exits(1).json();
        let asked: Vec<_> =
            asked["rows"].as_array().unwrap().iter().map(|row| row["gate"].clone()).collect();
        assert_eq!(json!(gates(&rows, "orion-api", stage)), json!(asked), "{stage}");
    }
}

#[test]
fn only_what_bakes_has_a_canary() {
    let rows = rows(&product(), &["runbook"]);
    assert!(gates(&rows, "orion-web", "canary").is_empty());
    let web = gates(&rows, "orion-web", "production");
    assert!(!web.contains(&"slo".to_owned()) && web.contains(&"approval".to_owned()));
    // What the canary asks for first is new in production where there is no canary.
    let new = |component: &str| {
        let of_it = |r: &&Value| r["component"] == component && r["stage"] == "production";
        let row = rows.iter().filter(of_it).find(|row| row["gate"] == "contract").unwrap();
        row["new"].clone()
    };
    assert_eq!((new("orion-web"), new("orion-api")), (json!(true), json!(false)));
}

#[test]
fn the_document_has_the_numbers_of_the_policy() {
    let env = product();
    let text = env.run(&["runbook"]).exits(0).stdout;
    for said in [
        "# Releasing",
        "in less than 120 s",
        "at most 0 critical and 3 high",
        "baked for at least 600 s. Hotfix: 60 s instead of 600 s",
        "2 approvals by different people (release_engineer)",
        "nobody holds the role yet",
        "| orion-web | web | calver:YYYY.0M.MICRO | web/VERSION | deploys | - |",
        "| orion-cli | cli | semver | 1.4.2 | release train, published | monthly |",
        "| orion-helm | helm | semver | helm-1.4.2 | published | - |",
        "| production | us-east-1, eu-west-1 |",
        "`relbook rollback api`",
        "| production_finish | T+30 min | unchanged |",
        "| canary_slo | T+27 min | 600 s -> 60 s",
    ] {
        assert!(text.contains(said), "{said}: {text}");
    }
    assert!(!text.contains("grype"), "{text}");
    let one = env.run(&["runbook", "cli"]).exits(0).stdout;
    assert!(one.contains("## orion-cli") && !one.contains("## orion-api"), "{one}");
    assert!(one.contains("**T5**") && !one.contains("**T9**"), "{one}");
}

#[test]
fn owners_hold_the_role_now_and_for_this_component() {
    let env = product();
    let enroll = |name: &str, more: &[&str]| {
        let public = format!("{name}.pem.pub");
        env.run(&["key", "new", public.trim_end_matches(".pub")]).exits(0);
        env.run(&[&["key", "enroll", name, &public], more].concat()).exits(0);
    };
    enroll("p_rita", &["--role", "release_engineer"]);
    enroll("p_olga", &["--role", "release_engineer", "--components", "web"]);
    let owners = |component: &str, args: &[&str]| {
        let rows = rows(&env, &[&["runbook"], args].concat());
        let of_it = |r: &&Value| r["component"] == component && r["gate"] == "approval";
        let row = rows.iter().find(of_it).unwrap();
        (row["owners"].clone(), row["evidence"].as_array().unwrap().len())
    };
    assert_eq!(owners("orion-api", &[]).0, json!(["p_rita"]));
    assert_eq!(owners("orion-web", &[]).0, json!(["p_olga", "p_rita"]));
    let before = env.run(&["status", "--format", "json"]).exits(0).json()["as_known"].clone();
    env.run(&["key", "revoke", "p_rita"]).exits(0);
    assert_eq!(owners("orion-api", &[]).0, json!([]));
    let before = ["--as-known".to_owned(), before.to_string()];
    let before: Vec<&str> = before.iter().map(String::as_str).collect();
    assert_eq!(owners("orion-api", &before).0, json!(["p_rita"]));
    // Policy, component and the key of each owner.
    assert_eq!(owners("orion-api", &before).1, 3);
}

#[test]
fn it_can_be_written_to_a_file_and_asked_in_other_forms() {
    let env = product();
    let text = env.run(&["runbook"]).exits(0).stdout;
    let ran = env.run(&["runbook", "--output", "RELEASING.md"]).exits(0);
    assert_eq!(ran.stdout, "");
    assert_eq!(fs::read_to_string(env.path().join("RELEASING.md")).unwrap(), text);
    let csv = env.run(&["runbook", "--format", "csv"]).exits(0).stdout;
    assert!(csv.starts_with("component,stage,gate,new,requirement,hotfix,owners"), "{csv}");
    env.run(&["runbook", "--format", "csv", "--output", "x"]).exits(2);
    env.run(&["runbook", "--output", "no/such/dir/x"]).exits(4);
    env.run(&["runbook", "nothing"]).exits(2);
}

#[test]
fn an_empty_book_says_that_nothing_is_registered() {
    let env = empty();
    env.run(&["init"]).exits(0);
    let text = env.run(&["runbook"]).exits(0).stdout;
    assert!(text.contains("the default policy"), "{text}");
}
