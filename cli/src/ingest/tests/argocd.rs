//! Argo CD's Application: what its history proves, and what it leaves open.

use serde_json::{Value, json};

use super::{check_admitted, digest, document, knowing, of_text, read, refusal};
use crate::ingest::{Builds, Context};

fn entry(id: u64, revision: &str, image: &str) -> Value {
    json!({"id": id, "revision": revision,
           "deployStartedAt": format!("2026-06-{:02}T09:00:00Z", id),
           "deployedAt": format!("2026-06-{:02}T09:05:00Z", id),
           "initiatedBy": {"username": "p_olga"},
           "source": {"repoURL": "https://git.example/config", "path": "api",
                      "kustomize": {"images": [image]}}})
}

fn application(history: &[Value]) -> Value {
    json!({
        "apiVersion": "argoproj.io/v1alpha1", "kind": "Application",
        "metadata": {"name": "orion-api", "namespace": "argocd", "uid": "u-1"},
        "spec": {"destination": {"name": "us-east-1", "namespace": "production"}},
        "status": {
            "health": {"status": "Degraded"},
            "history": history,
            "operationState": {"phase": "Failed", "finishedAt": "2026-06-09T09:00:00Z"},
            "sync": {"status": "Synced", "revision": "r9"},
            "summary": {"images": []}
        }
    })
}

fn pinned(tag: &str, digit: char) -> String {
    format!("orion=registry.example/orion-api:{tag}@{}", digest(digit))
}

fn starts(events: &[Value]) -> Vec<&Value> {
    events.iter().filter(|event| event["kind"] == "deploy.started").collect()
}

fn all(app: &Value, context: &Context) -> Vec<Value> {
    let events = super::all(app, context).unwrap();
    events.iter().for_each(check_admitted);
    events
}

#[test]
fn each_entry_is_a_deploy_and_the_same_content_is_a_redeploy() {
    let history = [
        entry(1, "r1", &pinned("v1.4.1", '1')),
        entry(2, "r1", &pinned("v1.4.1", '1')),
        entry(3, "r2", &pinned("v1.4.2", '2')),
        entry(4, "r1", &pinned("v1.4.1", '1')),
    ];
    // The order of the file does not matter, the ids do.
    let shuffled = [&history[2], &history[0], &history[3], &history[1]].map(Clone::clone);
    let events = all(&application(&shuffled), &knowing());
    assert_eq!(events.len(), 8);
    let starts = starts(&events);
    let first = starts[0];
    assert_eq!(
        (&first["deploy_id"], &first["stage"]),
        (&json!("argocd:u-1/1"), &json!("production"))
    );
    assert_eq!((&first["component"], &first["version"]), (&json!("orion-api"), &json!("1.4.1")));
    assert_eq!((&first["targets"], &first["digest"]), (&json!(["us-east-1"]), &json!(digest('1'))));
    assert_eq!(
        (&first["initiated_by"], &first["occurred_at"]),
        (&json!("p_olga"), &json!("2026-06-01T09:00:00Z"))
    );
    assert!(first.get("commit").is_none(), "a revision of the configuration is no commit");
    assert_eq!(first["labels"]["config_revision"], "r1");
    let reasons: Vec<&Value> = starts.iter().map(|start| &start["reason"]).collect();
    assert_eq!(reasons, [&Value::Null, &json!("redeploy"), &Value::Null, &Value::Null]);
    // It may be a rollback; nothing says so.
    assert_eq!(starts[3]["labels"]["returns_to"], "2");
    let end = &events[1];
    assert_eq!((&end["kind"], &end["outcome"]), (&json!("deploy.finished"), &json!("succeeded")));
    assert_eq!(end["occurred_at"], "2026-06-01T09:05:00Z");
    // What is of now stands at the newest only, and changes no outcome.
    assert_eq!(starts[3]["labels"]["health"], "Degraded");
    assert!(starts[3]["labels"]["last_operation"].as_str().unwrap().starts_with("Failed at"));
    assert!(starts[0]["labels"].get("health").is_none());
}

#[test]
fn the_given_digest_is_of_the_newest_content_only() {
    let history = [entry(1, "r1", "x:1"), entry(2, "r2", "x:2"), entry(3, "r2", "x:2")];
    let context = Context { digest: Some(digest('7')), ..knowing() };
    let events = all(&application(&history), &context);
    let ids: Vec<&Value> = starts(&events).iter().map(|start| &start["deploy_id"]).collect();
    assert_eq!(ids, ["argocd:u-1/2", "argocd:u-1/3"]);
    let left = events[0]["labels"]["left_out"].as_str().unwrap();
    assert!(left.contains("history 1: no digest"), "{left}");
    let message = refusal(&application(&history), &knowing());
    assert!(message.contains("no digest"), "{message}");
    // A pinned digest and another one that was given.
    let message = refusal(&application(&[entry(1, "r1", &pinned("v1.4.1", '1'))]), &context);
    assert!(message.contains("not sha256:777"), "{message}");
}

#[test]
fn a_tag_leads_to_the_one_build_that_the_book_has() {
    let builds = Builds::new(|component, version| match (component, version) {
        ("orion-api", "1.4.1") => vec![digest('1')],
        ("orion-api", "1.4.2") => vec![digest('2'), digest('3')],
        _ => vec![],
    });
    let context = Context { builds, ..knowing() };
    let image = |tag| format!("registry.example/orion-api:{tag}");
    let history = [entry(1, "r1", &image("v1.4.1")), entry(2, "r2", &image("v1.4.2"))];
    let events = all(&application(&history), &context);
    let starts = starts(&events);
    assert_eq!(starts.len(), 1, "two builds of a version are no join");
    assert_eq!(starts[0]["digest"], digest('1'));
    assert_eq!(starts[0]["labels"]["digest_from"], "recorded build");
}

#[test]
fn the_live_image_is_that_of_the_newest_entry_while_it_is_in_sync() {
    let mut app = application(&[entry(8, "r8", "x:1"), entry(9, "r9", "x:1")]);
    app["status"]["summary"]["images"] =
        json!(["sidecar:1", format!("registry.example/orion-api@{}", digest('5'))]);
    let events = all(&app, &knowing());
    let starts_ = starts(&events);
    assert_eq!(starts_.len(), 1);
    assert_eq!(
        (&starts_[0]["deploy_id"], &starts_[0]["digest"]),
        (&json!("argocd:u-1/9"), &json!(digest('5')))
    );
    app["status"]["sync"]["status"] = json!("OutOfSync");
    assert!(refusal(&app, &knowing()).contains("no digest"));
}

#[test]
fn a_chart_has_its_version_as_revision() {
    let mut helm = entry(1, "1.4.2", "x:1");
    helm["source"] = json!({"repoURL": "https://charts.example", "chart": "orion-helm"});
    let mut app = application(&[helm]);
    app["metadata"]["name"] = json!("charts");
    let context = Context { digest: Some(digest('4')), ..knowing() };
    app["spec"]["source"] = json!({"chart": "orion-helm"});
    let events = all(&app, &context);
    assert_eq!(
        (&events[0]["component"], &events[0]["version"]),
        (&json!("orion-helm"), &json!("1.4.2"))
    );
}

#[test]
fn several_sources_have_several_revisions() {
    let mut entry = entry(1, "", "x:1");
    entry["revisions"] = json!(["r1", "1.2.3"]);
    entry["sources"] = json!([
        {"kustomize": {"images": [pinned("v1.4.1", '1')]}},
        {"chart": "redis"}]);
    entry["initiatedBy"] = json!({"automated": true});
    let events = all(&application(&[entry]), &knowing());
    assert_eq!(events[0]["labels"]["config_revision"], "r1 1.2.3");
    assert_eq!(events[0]["labels"]["automated"], "true");
    assert!(events[0].get("initiated_by").is_none());
}

#[test]
fn the_place_is_named_or_given() {
    let history = [entry(1, "r1", &pinned("v1.4.1", '1'))];
    let mut app = application(&history);
    app["spec"] = json!({"destination": {"server": "https://10.0.0.1:6443"}});
    let message = refusal(&app, &knowing());
    assert!(message.contains("--environment (production, staging)"), "{message}");
    let production = Context { environment: Some("production".into()), ..knowing() };
    let message = refusal(&app, &production);
    assert!(message.contains("choose with --target"), "{message}");
    let target = Context { target: Some("eu-west-1".into()), ..production.clone() };
    assert_eq!(all(&app, &target)[0]["targets"], json!(["eu-west-1"]));
    let wrong = Context { target: Some("mars".into()), ..production };
    assert!(refusal(&app, &wrong).contains("no target `mars`"));
    // The name may have the place in it.
    app["metadata"]["name"] = json!("orion-api-stg-1");
    let events = all(&app, &knowing());
    assert_eq!(
        (&events[0]["environment"], &events[0]["component"]),
        (&json!("staging"), &json!("orion-api"))
    );
}

#[test]
fn lists_hold_applications_and_an_empty_one_is_said() {
    let one = application(&[entry(1, "r1", &pinned("v1.4.1", '1'))]);
    let mut two = one.clone();
    two["metadata"]["uid"] = json!("u-2");
    let list = json!({"apiVersion": "v1", "kind": "List", "items": [one, two]});
    let ids: Vec<Value> =
        all(&list, &knowing()).iter().map(|event| event["deploy_id"].clone()).collect();
    assert_eq!(ids, ["argocd:u-1/1", "argocd:u-1/1", "argocd:u-2/1", "argocd:u-2/1"]);
    let empty = json!({"apiVersion": "v1", "kind": "List", "items": []});
    assert!(refusal(&empty, &knowing()).contains("no items"));
    let pod = json!({"apiVersion": "v1", "kind": "List",
                     "items": [{"apiVersion": "v1", "kind": "Pod"}]});
    let message = refusal(&pod, &knowing());
    assert!(message.contains("item 1: this is a Kubernetes object"), "{message}");
}

#[test]
fn what_never_synced_and_what_makes_applications_is_refused() {
    let mut app = application(&[]);
    assert!(refusal(&app, &knowing()).contains("no status.history"));
    app["kind"] = json!("ApplicationSet");
    assert!(refusal(&app, &knowing()).contains("ApplicationSet argocd/orion-api"));
}

#[test]
fn yaml_of_kubectl_is_the_same() {
    let app = application(&[entry(1, "r1", &pinned("v1.4.1", '1'))]);
    let yaml = format!(
        "apiVersion: argoproj.io/v1alpha1\nkind: Application\nmetadata:\n  name: orion-api\n  \
         namespace: argocd\n  uid: u-1\nspec:\n  destination:\n    name: us-east-1\nstatus:\n  \
         history:\n  - deployStartedAt: \"2026-06-01T09:00:00Z\"\n    deployedAt: \
         2026-06-01T09:05:00Z\n    id: 1\n    revision: r1\n    initiatedBy: \
         {{username: p_olga}}\n    source:\n      kustomize:\n        images:\n        - {}\n",
        pinned("v1.4.1", '1')
    );
    let (of_yaml, of_json) = (of_text(&yaml, &knowing()), all(&app, &knowing()));
    for field in ["deploy_id", "digest", "occurred_at", "targets", "version", "initiated_by"] {
        assert_eq!(of_yaml[0][field], of_json[0][field], "{field}");
    }
}

#[test]
fn the_key_of_a_deploy_does_not_depend_on_the_export() {
    let key = |event: &Value| crate::event_id::of_key(event.as_object().unwrap()).unwrap();
    let first = entry(1, "r1", &pinned("v1.4.1", '1'));
    let early = all(&application(std::slice::from_ref(&first)), &knowing());
    let late = all(&application(&[first, entry(2, "r2", &pinned("v1.4.2", '2'))]), &knowing());
    assert_ne!(early[0], late[0], "the evidence is another");
    assert_eq!((key(&early[0]), key(&early[1])), (key(&late[0]), key(&late[1])));
    assert_ne!(key(&late[0]), key(&late[1]));
    assert_ne!(key(&late[0]), key(&late[2]));
}

#[test]
fn an_entry_without_a_time_is_none() {
    let mut timeless = entry(1, "r1", &pinned("v1.4.1", '1'));
    timeless["deployedAt"] = json!("0001-01-01T00:00:00Z");
    let app = application(&[timeless]);
    let message = read(&document(&app), None, &knowing()).unwrap_err().to_string();
    assert!(message.contains("no time"), "{message}");
}
