//! `import argocd` and `import kargo`: what these tools remember becomes deploys of the book, once,
//! and what their objects do not prove is named.

use relbook_testkit::environment::TestEnvironment;
use serde_json::{Value, json};

use crate::import::codes;
use crate::scratch::{build_line, digest, orion, refused, size};

fn entry(id: u64, tag: &str, pin: Option<char>) -> Value {
    let pin = pin.map(|digit| format!("@{}", digest(digit))).unwrap_or_default();
    json!({"id": id, "revision": format!("r{id}"),
           "deployStartedAt": format!("2026-06-{id:02}T09:00:00Z"),
           "deployedAt": format!("2026-06-{id:02}T09:05:00Z"),
           "source": {"kustomize": {"images": [format!("x/orion-api:{tag}{pin}")]}}})
}

fn application(name: &str, cluster: &str, history: &[Value]) -> Value {
    json!({"apiVersion": "argoproj.io/v1alpha1", "kind": "Application",
           "metadata": {"name": name, "namespace": "argocd", "uid": format!("uid-{name}")},
           "spec": {"destination": {"name": cluster}}, "status": {"history": history}})
}

fn list(items: &[Value]) -> String {
    json!({"apiVersion": "v1", "kind": "List", "items": items}).to_string()
}

fn import(env: &TestEnvironment, args: &[&str]) -> Value {
    env.run(&[&["import"], args, &["--format", "json"]].concat()).exits(0).json()
}

fn live(env: &TestEnvironment) -> Value {
    let answer = env.run(&["status", "--env", "production", "--format", "json"]).exits(0).json();
    let rows = answer["rows"].as_array().expect("rows").clone();
    rows.into_iter().find(|row| row["component"] == "orion-api").expect("a row")
}

#[test]
fn the_history_of_applications_becomes_deploys_once() {
    let env = orion();
    let us = application("orion-api", "us-east-1", &[entry(1, "v1.4.1", Some('1'))]);
    let eu = application("orion-api-eu-west-1", "eu-west-1", &[entry(2, "v1.4.1", Some('1'))]);
    let odd = json!({"apiVersion": "argoproj.io/v1alpha1", "kind": "AppProject",
                     "metadata": {"name": "default"}});
    env.file("apps/one.json", list(&[us.clone(), odd]));
    env.file("apps/two.json", eu.to_string());
    env.file("apps/notes.txt", "not read");
    let before = size(&env);
    let found = import(&env, &["argocd", "apps"]);
    assert_eq!((&found["objects"], &found["deploys"]), (&json!(2), &json!(2)), "{found}");
    assert_eq!((&found["appended"], &found["known"]), (&json!(4), &json!(0)));
    assert_eq!(found["ignored"], json!({"AppProject": 1}));
    let row = live(&env);
    assert_eq!((&row["state"], &row["digest"]), (&json!("live"), &json!(digest('1'))), "{row}");
    // The same again, and a later export of one of them.
    let shown = env.run(&["import", "argocd", "apps"]).exits(0).stdout;
    assert!(shown.contains("not read: 1 AppProject"), "{shown}");
    assert_eq!(import(&env, &["argocd", "apps"])["appended"], 0);
    let later = application(
        "orion-api",
        "us-east-1",
        &[entry(1, "v1.4.1", Some('1')), entry(3, "v1.4.2", Some('2'))],
    );
    env.file("apps/one.json", later.to_string());
    let found = import(&env, &["argocd", "apps"]);
    assert_eq!((&found["appended"], &found["known"]), (&json!(2), &json!(4)));
    assert_eq!(size(&env), before + 6);
    assert_eq!(live(&env)["state"], "mixed");
    env.run(&["verify"]).exits(0);
}

#[test]
fn a_tag_is_joined_with_the_recorded_build_and_a_gap_is_named() {
    let env = orion();
    env.run_with_input(&["append", "--from", "-"], build_line("1.4.2").as_bytes()).exits(0);
    let history = [entry(1, "v1.4.1", None), entry(2, "v1.4.2", None)];
    env.file("app.json", application("api", "us-east-1", &history).to_string());
    let found = import(&env, &["argocd", "app.json"]);
    assert_eq!((&found["deploys"], &found["appended"]), (&json!(1), &json!(2)), "{found}");
    assert_eq!(codes(&found), ["not_provable"]);
    let detail = found["warnings"][0]["detail"].as_str().unwrap();
    assert!(detail.contains("history 1") && detail.contains("1.4.1"), "{detail}");
    // Once the build is recorded, the gap closes.
    let build = build_line("1.4.1").replace(&digest('a'), &digest('b'));
    env.run_with_input(&["append", "--from", "-"], build.as_bytes()).exits(0);
    let found = import(&env, &["argocd", "app.json"]);
    assert_eq!((&found["appended"], &found["known"]), (&json!(2), &json!(2)));
}

#[test]
fn objects_of_unknown_places_are_named_or_mapped() {
    let env = orion();
    let history = [entry(1, "v1.4.1", Some('1'))];
    let known = application("orion-api", "prod-cluster", &history);
    let unknown = application("billing", "us-east-1", &history);
    env.file("apps.json", list(&[known, unknown]));
    let found = import(&env, &["argocd", "apps.json"]);
    assert_eq!(codes(&found), ["no_place", "no_component"], "{found}");
    let piped = std::fs::read(env.path().join("apps.json")).expect("the file");
    let of_pipe = env.run_with_input(&["import", "argocd", "-", "--format", "json"], &piped);
    assert_eq!(of_pipe.exits(0).json()["warnings"].as_array().map(Vec::len), Some(2));
    assert_eq!(found["appended"], 0);
    let map = "prod-cluster=production/eu-west-1";
    let found = import(&env, &["argocd", "apps.json", "--map", map, "--dry-run"]);
    assert_eq!(found["events"][0]["targets"], json!(["eu-west-1"]));
    assert_eq!(found["appended"], 0);
    env.run(&["import", "argocd", "apps.json", "--map", "prod"]).exits(2);
    let text = env.run(&["import", "argocd", "apps.json", "--map", map]).exits(0);
    assert!(
        text.stdout.contains("1 deploy: appended 2 events, 0 known already"),
        "{}",
        text.stdout
    );
    assert!(text.stderr.contains("(no_component)"), "{}", text.stderr);
}

#[test]
fn promotions_and_stages_of_kargo_tell_one_story() {
    let env = orion();
    let freight = json!({"apiVersion": "kargo.akuity.io/v1alpha1", "kind": "Freight",
        "metadata": {"name": "f1", "namespace": "orion"},
        "images": [{"repoURL": "registry.example/orion-api", "tag": "1.4.2", "digest": digest('2')}]});
    let promotion = json!({"apiVersion": "kargo.akuity.io/v1alpha1", "kind": "Promotion",
        "metadata": {"name": "stg.01.f1", "namespace": "orion", "creationTimestamp": "2026-06-10T09:00:00Z"},
        "spec": {"stage": "staging", "freight": "f1"},
        "status": {"phase": "Succeeded", "finishedAt": "2026-06-10T09:05:00Z"}});
    let stage = |name: &str, promotion: &str| {
        json!({
        "apiVersion": "kargo.akuity.io/v1alpha1", "kind": "Stage",
        "metadata": {"name": name, "namespace": "orion"}, "spec": {},
        "status": {"lastPromotion": {"name": promotion, "finishedAt": "2026-06-11T09:05:00Z",
            "freight": {"name": "f1", "images": freight["images"]}, "status": {"phase": "Succeeded"}}}})
    };
    let items =
        [promotion, stage("staging", "stg.01.f1"), stage("prod-us", "prod.02.f1"), freight.clone()];
    env.file("kargo.json", list(&items));
    let args = ["kargo", "kargo.json", "--map", "prod-us=production/us-east-1"];
    let found = import(&env, &args);
    assert_eq!((&found["objects"], &found["deploys"]), (&json!(3), &json!(2)), "{found}");
    assert_eq!((&found["appended"], &found["warnings"]), (&json!(4), &json!([])));
    assert_eq!(import(&env, &args)["known"], 4);
    let where_ = env.run(&[
        "query",
        "SELECT component, environment, targets, version, digest FROM deploys ORDER BY started_at",
        "--format",
        "ndjson",
    ]);
    let rows: Vec<Value> =
        where_.exits(0).stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(rows[0]["environment"], "staging");
    assert_eq!(
        (&rows[1]["environment"], &rows[1]["digest"]),
        (&json!("production"), &json!(digest('2')))
    );
}

#[test]
fn a_damaged_export_ends_the_import() {
    let env = orion();
    let mut app = application("orion-api", "us-east-1", &[entry(1, "v1.4.1", Some('1'))]);
    env.file("good.json", app.to_string());
    app["status"]["history"] = json!("none");
    env.file("bad.json", app.to_string());
    env.file("cut.json", &app.to_string()[..40]);
    let before = size(&env);
    for file in ["bad.json", "cut.json"] {
        let error = refused(&env, &["import", "argocd", "good.json", file]);
        assert!(error["message"].as_str().unwrap().contains(file), "{error}");
    }
    assert_eq!(size(&env), before + 2, "the two refusals");
    env.run(&["import", "argocd", "missing.json"]).exits(4);
}

#[test]
fn ingesting_an_export_again_adds_what_is_new() {
    let env = orion();
    let app = |history: &[Value]| application("orion-api", "us-east-1", history).to_string();
    env.file("app.json", app(&[entry(1, "v1.4.1", Some('1'))]));
    let args = ["ingest", "app.json", "--format", "json"];
    assert_eq!(env.run(&args).exits(0).json()["appended"], 2);
    assert_eq!(env.run(&args).exits(0).json()["appended"], 0);
    env.file("app.json", app(&[entry(1, "v1.4.1", Some('1')), entry(2, "v1.4.2", Some('2'))]));
    assert_eq!(env.run(&args).exits(0).json()["appended"], 2);
    // The importer and `ingest` know the same deploys.
    assert_eq!(import(&env, &["argocd", "app.json"])["known"], 4);
}
