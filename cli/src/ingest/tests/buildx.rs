//! The metadata file of buildx: which digest, which version, which commit.

use serde_json::{Value, json};

use super::{check_admitted, digest, knowing, refusal};
use crate::ingest::Context;

const COMMIT: &str = "9c5bd90ef73464414575f9903a0ab22a31eda54f";

fn metadata() -> Value {
    json!({
        "buildx.build.ref": "builder/builder0/abc",
        "buildx.build.provenance": {"metadata": {
            "buildFinishedOn": "2026-06-10T09:00:00Z",
            "https://mobyproject.org/buildkit@v1#metadata": {"vcs": {"revision": COMMIT}}}},
        "buildx.build.warnings": {},
        "containerimage.config.digest": digest('c'),
        "containerimage.descriptor": {"digest": digest('a'), "size": 506,
            "mediaType": "application/vnd.oci.image.index.v1+json",
            "annotations": {"org.opencontainers.image.created": "2026-06-10T08:00:00Z"}},
        "containerimage.digest": digest('a'),
        "image.name": "registry.example/orion-api:v1.4.2,registry.example/orion-api:latest"
    })
}

fn one(value: &Value, context: &Context) -> Value {
    let events = super::all(value, context).unwrap();
    assert_eq!(events.len(), 1);
    check_admitted(&events[0]);
    events[0].clone()
}

#[test]
fn a_build_is_the_index_that_was_pushed() {
    let event = one(&metadata(), &knowing());
    assert_eq!(event["kind"], "build.completed");
    assert_eq!((&event["component"], &event["version"]), (&json!("orion-api"), &json!("1.4.2")));
    assert_eq!((&event["digest"], &event["commit"]), (&json!(digest('a')), &json!(COMMIT)));
    assert_eq!(event["occurred_at"], "2026-06-10T09:00:00Z");
    assert_eq!(event["repository"], "registry.example/orion-api");
    assert_eq!(event["labels"]["digest_role"], "index");
    assert_eq!(event["labels"]["config_digest"], digest('c'));
    assert_eq!(event["labels"]["version_from"], "tag");
}

#[test]
fn without_a_digest_of_a_manifest_nothing_was_built() {
    let mut none = metadata();
    none.as_object_mut().unwrap().remove("containerimage.digest");
    none.as_object_mut().unwrap().remove("containerimage.descriptor");
    let message = refusal(&none, &knowing());
    assert!(message.contains("nothing was exported"), "{message}");
    let mut config = none.clone();
    config["containerimage.digest"] = json!(digest('c'));
    assert!(refusal(&config, &knowing()).contains("image ID"), "an image ID");
    let mut two = metadata();
    two["containerimage.digest"] = json!(digest('b'));
    assert!(refusal(&two, &knowing()).contains("differ"));
    let loaded = Context { command_line: Some("docker buildx build --load .".into()), ..knowing() };
    assert!(refusal(&metadata(), &loaded).contains("--load"));
    let pushed =
        Context { command_line: Some("docker buildx build --push -t x .".into()), ..knowing() };
    assert_eq!(one(&metadata(), &pushed)["version"], "1.4.2");
    let other = Context { digest: Some(digest('c')), ..knowing() };
    assert!(refusal(&metadata(), &other).contains("--digest"));
}

#[test]
fn version_and_commit_are_named_or_given() {
    let mut bare = metadata();
    bare["image.name"] = json!("registry.example/orion-api:latest");
    bare["buildx.build.provenance"] = json!({});
    let message = refusal(&bare, &knowing());
    assert!(message.contains("--version"), "{message}");
    let version = Context { version: Some("1.4.2".into()), ..knowing() };
    let message = refusal(&bare, &version);
    assert!(message.contains("--commit"), "{message}");
    let both = Context { commit: Some(COMMIT.into()), ..version };
    let event = one(&bare, &both);
    assert_eq!(event["labels"]["version_from"], "caller");
    assert_eq!(event["occurred_at"], "2026-06-10T08:00:00Z", "the annotation has the time");
    let wrong = Context { version: Some("1.4.3".into()), ..knowing() };
    assert!(refusal(&metadata(), &wrong).contains("tagged 1.4.2"));
    let wrong = Context { commit: Some("0".repeat(40)), ..knowing() };
    assert!(refusal(&metadata(), &wrong).contains(COMMIT));
}

#[test]
fn a_changed_work_tree_is_no_commit() {
    let mut dirty = metadata();
    let key = "https://mobyproject.org/buildkit@v1#metadata";
    dirty["buildx.build.provenance"]["metadata"][key]["vcs"]["revision"] =
        json!(format!("{COMMIT}-dirty"));
    assert!(refusal(&dirty, &knowing()).contains("changed work tree"));
}

#[test]
fn bake_has_a_build_per_target_that_is_a_component() {
    let mut cli = metadata();
    cli["image.name"] = json!("registry.example/orion-cli:1.9.0");
    let bake = json!({"buildx.build.warnings": {}, "api": metadata(), "other": cli});
    let events = super::all(&bake, &knowing()).unwrap();
    let names: Vec<&Value> = events.iter().map(|event| &event["component"]).collect();
    assert_eq!(names, ["orion-api", "orion-cli"]);
    let chosen = Context { component: Some("orion-cli".into()), ..knowing() };
    assert_eq!(one(&bake, &chosen)["labels"]["target"], "other");
    let mut unknown = bake;
    unknown["other"].as_object_mut().unwrap().remove("image.name");
    assert!(refusal(&unknown, &knowing()).contains("target `other`"));
}

#[test]
fn parts_of_an_image_are_named_and_refused() {
    for (part, word) in [
        (json!({"schemaVersion": 2, "manifests": []}), "index"),
        (json!({"architecture": "amd64", "os": "linux", "rootfs": {}}), "config of an image"),
    ] {
        let message = refusal(&part, &knowing());
        assert!(message.contains(word), "{message}");
    }
}

#[test]
fn a_target_of_bake_whose_name_says_nothing_is_chosen() {
    let mut nameless = metadata();
    nameless.as_object_mut().unwrap().remove("image.name");
    let bake = json!({"db": {"containerimage.digest": digest('b')}, "web": nameless});
    let told = |target: Option<&str>| Context {
        component: Some("orion-api".to_owned()),
        version: Some("1.4.2".to_owned()),
        target: target.map(str::to_owned),
        ..knowing()
    };
    let message = refusal(&bake, &told(None));
    assert!(message.contains("db, web") && message.contains("--target"), "{message}");
    let event = one(&bake, &told(Some("web")));
    assert_eq!((&event["component"], &event["digest"]), (&json!("orion-api"), &json!(digest('a'))));
    assert!(refusal(&bake, &told(Some("api"))).contains("db, web"));
}
