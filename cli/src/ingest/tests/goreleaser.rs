//! goreleaser's files: alone, together, and when they are no release.

use serde_json::{Value, json};

use super::{beside, check_admitted, digest, document, knowing, read, refusal, text_document};
use crate::ingest::Context;

const COMMIT: &str = "9c5bd90ef73464414575f9903a0ab22a31eda54f";

fn metadata() -> Value {
    json!({"project_name": "orion-cli", "tag": "orion-cli/v1.9.0", "previous_tag": "orion-cli/v2.0.0",
           "version": "1.9.0", "commit": COMMIT, "date": "2026-06-10T11:00:00.123456789+02:00",
           "runtime": {"goos": "linux", "goarch": "amd64"}})
}

fn archive(name: &str, goos: &str, digit: char) -> Value {
    json!({"name": name, "path": format!("dist/{name}"), "goos": goos, "goarch": "amd64",
           "internal_type": 30, "type": "Archive", "extra": {"Checksum": digest(digit)}})
}

fn artifacts() -> Value {
    json!([
        {"name": "metadata.json", "path": "dist/metadata.json", "internal_type": 35, "type": "Metadata"},
        {"name": "orion", "path": "dist/a/orion", "goos": "linux", "goarch": "amd64",
         "internal_type": 4, "type": "Binary", "extra": {"Binary": "orion"}},
        archive("orion_linux.tar.gz", "linux", 'a'),
        archive("orion_darwin.tar.gz", "darwin", 'b'),
        {"name": "checksums.txt", "path": "dist/checksums.txt", "internal_type": 12,
         "type": "Checksum"},
    ])
}

fn checksums() -> String {
    format!("{}  orion_linux.tar.gz\n{}  orion_darwin.tar.gz\n", "a".repeat(64), "b".repeat(64))
}

fn with_digest() -> Context {
    Context { digest: Some(digest('9')), ..knowing() }
}

#[test]
fn the_files_of_one_release_are_one_build_and_one_publish() {
    use sha2::Digest as _;

    let files = vec![
        document(&metadata()),
        document(&artifacts()),
        text_document("checksums.txt", &checksums()),
    ];
    let context = beside(files.clone());
    let events = read(&files[0], None, &context).unwrap();
    events.iter().for_each(check_admitted);
    let [build, publish] = events.as_slice() else { panic!("{events:?}") };
    let release = format!("sha256:{}", hex::encode(sha2::Sha256::digest(checksums().as_bytes())));
    for event in [build, publish] {
        assert_eq!(
            (&event["component"], &event["version"]),
            (&json!("orion-cli"), &json!("1.9.0"))
        );
        assert_eq!((&event["digest"], &event["commit"]), (&json!(release), &json!(COMMIT)));
        assert_eq!(event["occurred_at"], "2026-06-10T09:00:00.123456Z");
        assert_eq!(event["source"]["reported_at"], "2026-06-10T11:00:00.123456789+02:00");
        assert_eq!(event["evidence"].as_array().unwrap().len(), 3);
        assert_eq!(event["labels"]["previous_tag"], "orion-cli/v2.0.0");
    }
    assert_eq!(build["kind"], "build.completed");
    assert_eq!(
        build["members"],
        json!([{"platform": "darwin/amd64", "digest": digest('b')},
               {"platform": "linux/amd64", "digest": digest('a')}])
    );
    assert_eq!(publish["kind"], "release.published");
    assert_eq!(build["labels"]["artifacts"], "Archive=2, Binary=1, Checksum=1, Metadata=1");
    // The other two files have no event of their own.
    for other in &files[1..] {
        assert_eq!(read(other, None, &context).unwrap(), Vec::<Value>::new());
    }
}

#[test]
fn a_file_that_differs_from_the_signed_list_is_refused() {
    let swapped = checksums().replace(&"a".repeat(64), &"c".repeat(64));
    let files =
        vec![document(&metadata()), document(&artifacts()), text_document("sums", &swapped)];
    let error = read(&files[0], None, &beside(files.clone())).unwrap_err().to_string();
    assert!(error.contains("orion_linux.tar.gz is sha256:ccc"), "{error}");
}

#[test]
fn without_checksums_the_digest_must_be_given() {
    let message = refusal(&metadata(), &knowing());
    assert!(message.contains("checksums.txt"), "{message}");
    let events = super::all(&metadata(), &with_digest()).unwrap();
    assert_eq!(events[0]["digest"], digest('9'));
    assert!(events[0].get("members").is_none());
    let sums = text_document("checksums.txt", &checksums());
    let context = Context { beside: vec![sums].into(), ..with_digest() };
    let message = refusal(&metadata(), &context);
    assert!(message.contains("not sha256:999"), "{message}");
}

#[test]
fn what_is_no_release_is_refused() {
    let change = |key: &str, value: &str| {
        let mut changed = metadata();
        changed[key] = json!(value);
        refusal(&changed, &with_digest())
    };
    for (key, value, word) in [
        ("version", "1.9.1-next", "a snapshot"),
        ("version", "1.9.0-SNAPSHOT-575b899", "a snapshot"),
        ("version", "1.9.0-6-g575b899", "git describe"),
        ("version", "1.9.1", "not that of the tag"),
        ("version", "1.042", "SemVer"),
        ("commit", "none", "no commit"),
        ("commit", "", "no commit"),
        ("commit", "9c5bd90", "no full commit"),
        ("tag", "nightly", "not that of the tag"),
    ] {
        let message = change(key, value);
        assert!(message.contains(word), "{key} {value}: {message}");
    }
}

#[test]
fn a_version_that_keeps_the_prefix_loses_it() {
    let mut kept = metadata();
    kept["version"] = json!("orion-cli/v1.9.0");
    assert_eq!(super::all(&kept, &with_digest()).unwrap()[0]["version"], "1.9.0");
}

#[test]
fn what_was_given_must_agree() {
    for context in [
        Context { version: Some("1.9.1".to_owned()), ..with_digest() },
        Context { commit: Some("0".repeat(40)), ..with_digest() },
        Context { component: Some("orion-api".to_owned()), ..with_digest() },
    ] {
        assert!(super::all(&metadata(), &context).is_err(), "{context:?}");
    }
    let mut foreign = metadata();
    foreign["project_name"] = json!("something");
    let message = refusal(&foreign, &with_digest());
    assert!(message.contains("--component"), "{message}");
}

#[test]
fn binaries_alone_are_built_and_not_published() {
    let list = artifacts().as_array().unwrap()[..2].to_vec();
    let files = vec![document(&metadata()), document(&Value::Array(list))];
    let context = Context { beside: files.clone().into(), ..with_digest() };
    let events = read(&files[0], None, &context).unwrap();
    assert_eq!(events.len(), 1);
    assert_eq!(events[0]["kind"], "build.completed");
}

#[test]
fn an_image_is_known_by_its_manifest_list() {
    let image = |kind: &str, digit: char| {
        json!({"name": "registry.example/orion-api:1.4.2", "path": "x", "internal_type": 9,
               "type": kind, "extra": {"Digest": digest(digit)}})
    };
    let mut api = metadata();
    api["project_name"] = json!("orion-api");
    api["tag"] = json!("v1.9.0");
    let list = json!([
        image("Docker Image", '1'),
        image("Docker Image", '2'),
        image("Docker Manifest", '3'),
        image("Docker Manifest", '3')
    ]);
    let files = vec![document(&api), document(&list)];
    let events = read(&files[0], None, &beside(files.clone())).unwrap();
    assert_eq!(events.len(), 1, "a deployed component is not published");
    assert_eq!(events[0]["digest"], digest('3'));
}

#[test]
fn artifacts_or_checksums_alone_say_what_is_missing() {
    for message in
        [refusal(&artifacts(), &knowing()), super::text_refusal(&checksums(), &knowing())]
    {
        assert!(message.contains("give metadata.json in the same call"), "{message}");
    }
}

#[test]
fn without_metadata_version_and_commit_are_the_callers() {
    let files = vec![document(&artifacts()), text_document("checksums.txt", &checksums())];
    let unknown = beside(files.clone());
    for file in &files[..1] {
        let message = read(file, None, &unknown).unwrap_err().to_string();
        assert!(message.contains("--version and --commit"), "{message}");
    }
    let told = Context {
        component: Some("orion-cli".to_owned()),
        version: Some("1.9.0".to_owned()),
        commit: Some(COMMIT.to_owned()),
        ..unknown
    };
    let events = read(&files[0], None, &told).unwrap();
    events.iter().for_each(check_admitted);
    let kinds: Vec<&Value> = events.iter().map(|event| &event["kind"]).collect();
    assert_eq!(kinds, ["build.completed", "release.published"]);
    assert_eq!(events[0]["source"]["format"], "goreleaser-artifacts");
    assert_eq!(events[0]["members"].as_array().map(Vec::len), Some(2));
    assert!(read(&files[1], None, &told).unwrap().is_empty(), "once");
    // A list of checksums alone is a build, and no publication.
    let alone = Context { beside: vec![files[1].clone()].into(), ..told };
    let events = read(&files[1], None, &alone).unwrap();
    let [build] = events.as_slice() else { panic!("{events:?}") };
    check_admitted(build);
    assert_eq!((&build["version"], &build["commit"]), (&json!("1.9.0"), &json!(COMMIT)));
    assert!(build.get("builder").is_none());
}

#[test]
fn an_image_is_the_release_of_a_component_of_no_declared_kind() {
    let mut plain = metadata();
    plain["project_name"] = json!("app");
    plain["tag"] = json!("v1.9.0");
    let image = json!([{"name": "registry.example/app:1.9.0", "path": "a", "type": "Docker Manifest",
                        "internal_type": 11, "extra": {"Digest": digest('d')}}]);
    let files = vec![document(&plain), document(&image)];
    let context = Context { component: Some("app".to_owned()), ..beside(files.clone()) };
    let events = read(&files[0], None, &context).unwrap();
    events.iter().for_each(check_admitted);
    assert_eq!(events[0]["digest"], digest('d'));
    let other = Context { digest: Some(digest('e')), ..context };
    let message = read(&files[0], None, &other).unwrap_err().to_string();
    assert!(message.contains(&digest('d')), "{message}");
}
