//! SLSA provenance: which build it tells of, and what is never guessed.

use relbook_ledger::admission::admit;
use relbook_ledger::registry::Registry;
use serde_json::{Value, json};

use super::super::Context;
use super::attestation::statement;
use super::{all, check_admitted, digest, given, refusal};

const COMMIT: &str = "d37a7f740ee7404914456f24dcd90e865a0509e8";

/// A context with the component `app` registered, its tags beginning with `v`.
fn registered() -> Context {
    let component = json!({"id": "0198c1f0-0000-7000-8000-000000000000", "component": "app",
        "kind": "component.registered", "occurred_at": "2026-01-01T00:00:00Z", "scheme": "semver",
        "release_model": "deployed", "tag_prefix": "v"});
    let mut registry = Registry::default();
    registry.apply(0, &admit(&component, &registry).unwrap());
    Context { registry, ..given() }
}

fn v1(reference: &str) -> Value {
    statement(
        "https://slsa.dev/provenance/v1",
        json!({
        "buildDefinition": {
            "buildType": "https://actions.example/workflow/v1",
            "externalParameters": {"workflow": {"ref": reference, "repository": "https://git.example/o/app", "path": "x.yml"}},
            "internalParameters": {"github": {"event_name": "push", "actor_id": "7"}},
            "resolvedDependencies": [
                {"uri": "git+https://git.example/o/other@refs/heads/main", "digest": {"gitCommit": "1".repeat(40)}},
                {"uri": format!("git+https://git.example/o/app@{reference}"), "digest": {"gitCommit": COMMIT}},
                {"uri": "pkg:docker/x", "digest": {"sha256": "2".repeat(64)}}]},
        "runDetails": {"builder": {"id": "https://git.example/o/app/x.yml@refs/tags/v1"},
            "metadata": {"invocationId": "https://git.example/o/app/actions/runs/14095611671/attempts/2"}}}),
    )
}

fn v02(source: Value) -> Value {
    statement(
        "https://slsa.dev/provenance/v0.2",
        json!({
        "builder": {"id": "https://git.example/b@refs/tags/v1.9.0"}, "buildType": "t",
        "invocation": {"configSource": source,
            "parameters": {"event_inputs": {"version": "9.9.9"}},
            "environment": {"github_actor": "mona", "github_actor_id": "49289"}},
        "metadata": {"buildInvocationID": "5947345583-1", "buildFinishedOn": "2026-06-10T09:00:36Z",
            "buildStartedOn": "2026-06-10T09:00:04Z"}}),
    )
}

/// The attestation and, when there is one, the build.
fn pair(report: &Value, context: &Context) -> (Value, Option<Value>) {
    let mut events = all(report, context).unwrap().into_iter();
    let attestation = events.next().unwrap();
    assert_eq!(attestation["kind"], "attestation.recorded");
    check_admitted(&attestation);
    let build = events.next();
    if let Some(build) = &build {
        assert_eq!(build["kind"], "build.completed");
        check_admitted(build);
    }
    assert!(events.next().is_none());
    (attestation, build)
}

#[test]
fn version_1_gives_a_build_of_the_tag_and_the_commit_of_its_own_source() {
    let (attestation, build) = pair(&v1("refs/tags/v1.4.2"), &registered());
    let build = build.unwrap();
    assert_eq!((&build["version"], &build["commit"]), (&json!("1.4.2"), &json!(COMMIT)));
    assert_eq!(build["digest"], digest('0'));
    assert_eq!(build["repository"], "https://git.example/o/app");
    assert_eq!(build["builder"], "https://git.example/o/app/x.yml@refs/tags/v1");
    assert_eq!(
        build["source"]["run_id"],
        "https://git.example/o/app/actions/runs/14095611671/attempts/2".split('/').nth(7).unwrap()
    );
    assert_eq!(build["source"]["run_attempt"], "2");
    assert!(build["run_url"].as_str().unwrap().ends_with("/runs/14095611671/attempts/2"));
    assert_eq!(build["labels"]["actor_id"], "7");
    // No version of SLSA says when here, so nothing does.
    assert!(build.get("occurred_at").is_none() && build.get("branch").is_none());
    assert_eq!(build["source"]["trust"], "asserted");
    assert_eq!(attestation["format"], "https://slsa.dev/provenance/v1");
    assert_eq!(attestation["content"]["provenance"]["ref"], "refs/tags/v1.4.2");
    assert!(attestation.get("verified_by").is_none() && attestation.get("signer").is_none());
    assert_eq!(attestation["blob"], attestation["evidence"][0]);
}

#[test]
fn version_02_splits_run_and_attempt_and_has_times() {
    let source = json!({"uri": "git+https://git.example/o/app@refs/tags/v1.4.2", "digest": {"sha1": COMMIT}});
    let (attestation, build) = pair(&v02(source), &registered());
    let build = build.unwrap();
    assert_eq!((&build["version"], &build["commit"]), (&json!("1.4.2"), &json!(COMMIT)));
    assert_eq!(
        (&build["source"]["run_id"], &build["source"]["run_attempt"]),
        (&json!("5947345583"), &json!("1"))
    );
    assert!(build.get("run_url").is_none());
    assert_eq!(build["occurred_at"], "2026-06-10T09:00:36Z");
    assert_eq!(build["labels"]["actor"], "mona");
    assert_eq!(attestation["labels"]["time_source"], "predicate");
}

#[test]
fn a_version_is_never_guessed() {
    // A branch, a tag of another component, a tag that is no version, no registration.
    for reference in ["refs/heads/v1.4.2", "refs/tags/other/v1.4.2", "refs/tags/v14.2"] {
        let (attestation, build) = pair(&v1(reference), &registered());
        assert!(build.is_none(), "{reference}");
        let why = attestation["labels"]["no_build"].as_str().unwrap();
        assert!(why.contains("no version") && why.contains(reference), "{why}");
    }
    assert!(pair(&v1("refs/tags/v1.4.2"), &given()).1.is_none());
    let named = Context { version: Some("1.4.2".to_owned()), ..registered() };
    let (_, build) = pair(&v1("refs/heads/main"), &named);
    let build = build.unwrap();
    assert_eq!((&build["version"], &build["branch"]), (&json!("1.4.2"), &json!("main")));
}

#[test]
fn what_is_given_must_not_contradict_the_file() {
    let other = Context { version: Some("1.5.0".to_owned()), ..registered() };
    let message = refusal(&v1("refs/tags/v1.4.2"), &other);
    assert!(message.contains("--version is 1.5.0, but the file says 1.4.2"), "{message}");
    let other = Context { commit: Some("2".repeat(40)), ..registered() };
    assert!(refusal(&v1("refs/tags/v1.4.2"), &other).contains("--commit is 222"));
}

#[test]
fn forty_digits_under_sha256_are_no_commit() {
    let source = json!({"uri": "https://git.example/o/app", "digest": {"sha256": COMMIT}});
    let context = Context { version: Some("1.4.2".to_owned()), ..registered() };
    let (attestation, build) = pair(&v02(source.clone()), &context);
    assert!(build.is_none());
    let why = attestation["labels"]["no_build"].as_str().unwrap();
    assert!(why.contains("40 digits under `sha256`"), "{why}");
    let named = Context { commit: Some(COMMIT.to_owned()), ..context };
    assert_eq!(pair(&v02(source), &named).1.unwrap()["commit"], COMMIT);
    let short = json!({"uri": "x", "digest": {"sha1": "abc"}});
    let (attestation, build) = pair(&v02(short), &registered());
    assert!(build.is_none());
    assert!(attestation["labels"]["no_build"].as_str().unwrap().contains("`sha1` is not sha1"));
}

#[test]
fn several_commits_of_one_source_are_none() {
    let mut report = v1("refs/tags/v1.4.2");
    let more =
        json!({"uri": "git+https://git.example/o/app", "digest": {"gitCommit": "3".repeat(40)}});
    report["predicate"]["buildDefinition"]["resolvedDependencies"]
        .as_array_mut()
        .unwrap()
        .push(more);
    let (attestation, build) = pair(&report, &registered());
    assert!(build.is_none());
    assert!(attestation["labels"]["no_build"].as_str().unwrap().contains("2 commits"));
    // Nothing names the source and there is one repository only: that is it.
    let mut report = v1("refs/tags/v1.4.2");
    let definition = &mut report["predicate"]["buildDefinition"];
    definition["externalParameters"] = json!({"inputs": {"source": "evil"}});
    definition["resolvedDependencies"].as_array_mut().unwrap().remove(0);
    assert_eq!(pair(&report, &registered()).1.unwrap()["version"], "1.4.2");
}

#[test]
fn a_version_of_slsa_that_is_not_known_is_refused_by_name() {
    let report = statement("https://slsa.dev/provenance/v2", json!({}));
    assert!(refusal(&report, &given()).contains("SLSA provenance v2"));
}

#[test]
fn minus_one_names_no_material_and_another_word_is_refused() {
    let first = |index: Value| {
        statement(
            "https://slsa.dev/provenance/v0.1",
            json!({"builder": {"id": "b"}, "recipe": {"type": "t", "definedInMaterial": index},
                "materials": [{"uri": "https://git.example/o/app", "digest": {"sha1": COMMIT}},
                              {"uri": "gs://bucket/source.tgz", "digest": {"sha256": "2".repeat(64)}}]}),
        )
    };
    let (attestation, build) = pair(&first(json!(-1)), &registered());
    assert!(build.is_none());
    let why = attestation["labels"]["no_build"].as_str().unwrap();
    assert!(why.contains("none is named as the source"), "{why}");
    let (attestation, _) = pair(&first(json!(0)), &registered());
    assert_eq!(attestation["content"]["provenance"]["commit"], COMMIT);
    assert!(refusal(&first(json!("0")), &registered()).contains("definedInMaterial"));
}

#[test]
fn a_predicate_without_its_statement_is_of_what_the_caller_names() {
    let told = Context { version: Some("1.4.2".to_owned()), ..registered() };
    let bare = v1("refs/tags/v1.4.2")["predicate"].clone();
    let inspected = json!({"SLSA": bare});
    let old = v02(json!({"uri": "git+https://git.example/o/app@refs/tags/v1.4.2",
                         "digest": {"sha1": COMMIT}}))["predicate"]
        .clone();
    for (predicate, format) in [(&bare, "v1"), (&inspected, "v1"), (&old, "v0.2")] {
        let (attestation, build) = pair(predicate, &told);
        assert_eq!(attestation["format"], format!("https://slsa.dev/provenance/{format}"));
        assert_eq!(attestation["source"]["format"], format!("slsa-predicate/{format}"));
        assert_eq!(attestation["labels"]["digest_check"], "not_in_report");
        assert_eq!(attestation["blob"], super::document(predicate).digest());
        let build = build.unwrap();
        assert_eq!((&build["commit"], &build["digest"]), (&json!(COMMIT), &json!(digest('0'))));
        let nobody = Context { digest: None, ..told.clone() };
        assert!(refusal(predicate, &nobody).contains("--digest"));
    }
}
