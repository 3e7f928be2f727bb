//! `import git`: what a repository holds is what the book answers, whatever shape its history has.
//!
//! The measure is git itself: `diff` must list what `git log A..B` lists.

use std::collections::BTreeSet;

use relbook_testkit::environment::{Ran, TestEnvironment};
use serde_json::{Value, json};

use crate::repository::Repository;
use crate::scratch::{book, size};

const PRODUCT: &str = "\
product: example
components:
  app: {scheme: semver, release_model: deployed, tag_prefix: v}
  core: {alias: c, scheme: semver, release_model: deployed, tag_prefix: core/v}
  cli: {scheme: semver, release_model: published, tag_prefix: cli/v}
environments:
  production: {targets: [prod-1]}
";

/// A book that knows the components, and a repository without a commit.
pub(crate) fn start() -> (TestEnvironment, Repository) {
    let env = book();
    env.file("product.yaml", PRODUCT);
    env.run(&["apply", "product.yaml"]).exits(0);
    let repository = Repository::new(&env);
    (env, repository)
}

pub(crate) fn run(env: &TestEnvironment, component: &str, args: &[&str]) -> Ran {
    let fixed = ["import", "git", "repo", "--component", component, "--format", "json"];
    env.run(&[&fixed, args].concat())
}

#[track_caller]
pub(crate) fn import(env: &TestEnvironment, component: &str, args: &[&str]) -> Value {
    run(env, component, args).exits(0).json()
}

/// Returns the events that an import would append, of one kind.
#[track_caller]
pub(crate) fn events(env: &TestEnvironment, component: &str, kind: &str) -> Vec<Value> {
    let all = import(env, component, &["--dry-run"])["events"].clone();
    let all = all.as_array().expect("a list").clone();
    all.into_iter().filter(|event| event["kind"] == kind).collect()
}

#[track_caller]
pub(crate) fn codes(answer: &Value) -> Vec<&str> {
    let warnings = answer["warnings"].as_array().expect("a list");
    warnings.iter().map(|warning| warning["code"].as_str().expect("a text")).collect()
}

/// Compares `diff` with `git log` in both directions, for every pair of versions.
#[track_caller]
fn agrees(
    env: &TestEnvironment,
    repository: &Repository,
    component: &str,
    prefix: &str,
    versions: &[&str],
    path: Option<&str>,
) {
    for (a, b) in versions.iter().flat_map(|a| versions.iter().map(move |b| (*a, *b))) {
        let answer = env.run(&["diff", component, a, b, "--format", "json"]).exits(0).json();
        assert_eq!(answer["header"]["completeness"], "complete", "{a} {b}");
        let rows = answer["rows"].as_array().expect("rows");
        let (from, to) = (format!("{prefix}{a}"), format!("{prefix}{b}"));
        for (direction, log) in [
            ("added", repository.log(&from, &to, path)),
            ("removed", repository.log(&to, &from, path)),
        ] {
            // A pick and its original are one row, which names the other.
            let of = |name: &str, row: &Value| row[name].as_str().map(str::to_owned);
            let listed: BTreeSet<_> = rows
                .iter()
                .filter(|row| row["direction"] == direction)
                .filter_map(|row| of("commit", row))
                .collect();
            let others: BTreeSet<_> =
                rows.iter().filter_map(|row| of("equivalent_of", row)).collect();
            assert!(listed.is_subset(&log), "{a} {b} {direction}: {listed:?}, git: {log:?}");
            let missing: Vec<_> = log.difference(&listed).collect();
            let accounted = missing.iter().all(|commit| others.contains(*commit));
            assert!(accounted, "{a} {b} {direction} misses {missing:?}");
        }
    }
}

#[test]
fn diff_lists_what_git_log_lists_with_merges_and_tags_off_main() {
    let (env, mut repository) = start();
    repository.commit("a", "feat: first (#1)");
    repository.git(&["tag", "v1.0.0"]);
    repository.git(&["checkout", "--quiet", "-b", "topic"]);
    repository.commit("b", "feat: topic");
    repository.git(&["checkout", "--quiet", "main"]);
    let fix = repository.commit("c", "fix: on main (#2)");
    repository.git(&["checkout", "--quiet", "-b", "release/v1.0", "v1.0.0"]);
    repository.git(&["cherry-pick", "-x", &fix]);
    repository.annotate("v1.0.1");
    repository.commit("d", "fix: on the release branch only");
    repository.git(&["tag", "v1.0.2"]);
    repository.git(&["checkout", "--quiet", "main"]);
    repository.merge("topic", &[]);
    repository.annotate("v1.1.0");
    repository.commit("e", "feat!: last");
    repository.git(&["tag", "v2.0.0-rc.1"]);
    // The branch is gone, as release branches often are: the tags keep its commits.
    repository.git(&["branch", "-D", "release/v1.0"]);
    let found = import(&env, "app", &[]);
    assert_eq!((&found["commits"], &found["tags"]), (&json!(7), &json!(5)));
    assert_eq!((&found["appended"], &found["known"]), (&json!(12), &json!(0)));
    let versions = ["1.0.0", "1.0.1", "1.0.2", "1.1.0", "2.0.0-rc.1"];
    agrees(&env, &repository, "app", "v", &versions, None);
    let answer = env.run(&["diff", "app", "1.0.0", "2.0.0-rc.1", "--format", "json"]).exits(0);
    let answer = answer.json();
    let last = answer["rows"].as_array().expect("rows").last().expect("rows").clone();
    assert_eq!((&last["type"], &last["breaking"]), (&json!("feat"), &json!(true)));
}

#[test]
fn with_a_path_diff_lists_what_git_log_lists_for_it() {
    let (env, mut repository) = start();
    repository.commit("core/a", "feat: core");
    repository.commit("cli/a", "feat: cli");
    let tag = |repository: &Repository, version: &str| {
        repository.git(&["tag", &format!("core/v{version}")]);
        repository.git(&["tag", &format!("cli/v{version}")]);
    };
    tag(&repository, "0.1.0");
    // Touches both; merged after main touched core: the merge differs from both parents.
    repository.git(&["checkout", "--quiet", "-b", "both"]);
    repository.commit("core/b", "feat: both, core");
    repository.commit("cli/b", "feat: both, cli");
    repository.git(&["checkout", "--quiet", "main"]);
    repository.commit("core/c", "fix: core on main");
    repository.merge("both", &[]);
    tag(&repository, "0.2.0");
    // Merged, but main keeps its own: git does not show what did not get through.
    repository.git(&["checkout", "--quiet", "-b", "dropped"]);
    repository.commit("core/a", "feat: dropped");
    repository.git(&["checkout", "--quiet", "main"]);
    repository.commit("docs/a", "docs: neither");
    repository.merge("dropped", &["--strategy=ours"]);
    tag(&repository, "0.3.0");
    repository.commit("cli/c", "fix: cli");
    tag(&repository, "0.3.1");
    // Cut before main touched core, merged after a release was made beside main: seen from that
    // release git shows the merge, from the others it does not.
    repository.git(&["checkout", "--quiet", "-b", "late"]);
    repository.commit("docs/b", "docs: late");
    repository.git(&["checkout", "--quiet", "main"]);
    repository.commit("core/d", "fix: core again");
    repository.git(&["checkout", "--quiet", "-b", "release"]);
    repository.commit("core/e", "fix: on the release branch only");
    tag(&repository, "0.3.2");
    repository.git(&["checkout", "--quiet", "main"]);
    let merge = repository.merge("late", &[]);
    tag(&repository, "0.4.0");
    assert!(repository.log("core/v0.3.2", "core/v0.4.0", Some("core")).contains(&merge));
    assert!(!repository.log("core/v0.3.1", "core/v0.4.0", Some("core")).contains(&merge));
    let core = import(&env, "core", &["--path", "core/"]);
    assert_eq!((&core["commits"], &core["tags"]), (&json!(14), &json!(6)));
    import(&env, "cli", &["--path", "./cli"]);
    let versions = ["0.1.0", "0.2.0", "0.3.0", "0.3.1", "0.3.2", "0.4.0"];
    agrees(&env, &repository, "core", "core/v", &versions, Some("core"));
    agrees(&env, &repository, "cli", "cli/v", &versions, Some("cli"));
    let again = import(&env, "core", &["--path", "cli"]);
    assert_eq!((codes(&again), &again["appended"]), (vec!["other_path"], &json!(0)));
}

#[test]
fn importing_again_adds_only_what_is_new() {
    let (env, mut repository) = start();
    repository.commit("a", "feat: first");
    repository.annotate("v1.0.0");
    import(&env, "app", &[]);
    let before = size(&env);
    let again = import(&env, "app", &[]);
    assert_eq!((&again["appended"], &again["known"]), (&json!(0), &json!(2)));
    assert_eq!(size(&env), before);
    repository.commit("b", "fix: second");
    repository.git(&["tag", "v1.0.1"]);
    let third = import(&env, "app", &[]);
    assert_eq!((&third["appended"], &third["known"]), (&json!(2), &json!(2)));
    agrees(&env, &repository, "app", "v", &["1.0.0", "1.0.1"], None);
}

#[test]
fn what_ci_has_recorded_is_not_recorded_again() {
    let (env, mut repository) = start();
    let commit = repository.commit("a", "feat: first");
    let line = json!({
        "kind": "commit.merged", "component": "app", "commit": commit, "parents": [],
        "branch": "main", "author": "p_ada", "reviewers": ["p_bob"], "subject": "feat: first",
    });
    let args = ["append", "--from", "-"];
    env.run_with_input(&args, line.to_string().as_bytes()).exits(0);
    let found = import(&env, "app", &[]);
    assert_eq!((&found["appended"], &found["known"]), (&json!(0), &json!(1)));
}

#[test]
fn a_tag_that_moved_is_recorded_as_moved_each_time() {
    let (env, mut repository) = start();
    let first = repository.commit("a", "feat: first");
    let second = repository.commit("b", "feat: second");
    repository.git(&["tag", "v1.0.0", &first]);
    import(&env, "app", &[]);
    for (to, from) in [(&second, &first), (&first, &second), (&second, &first)] {
        repository.git(&["tag", "--force", "v1.0.0", to]);
        let moved = events(&env, "app", "tag.moved");
        assert_eq!((&moved[0]["commit"], &moved[0]["previous_commit"]), (&json!(to), &json!(from)));
        let found = import(&env, "app", &[]);
        assert_eq!((&found["appended"], &found["moved"]), (&json!(1), &json!(1)));
        assert_eq!(codes(&found), ["tag_moved"]);
        assert_eq!(import(&env, "app", &[])["appended"], 0);
        let answer = env.run(&["diff", "app", "1.0.0", "1.0.0", "--format", "json"]).exits(0);
        assert_eq!(answer.json()["header"]["to_commit"], json!(to));
    }
}

#[test]
fn tags_that_are_no_version_are_named_and_counted() {
    let (env, mut repository) = start();
    repository.commit("a", "feat: first");
    for tag in ["v1.0.0", "v1.2", "vnext", "v01.0.0", "other", "core/v1.0.0"] {
        repository.git(&["tag", tag]);
    }
    let blob = repository.git_with(&["hash-object", "-w", "--stdin"], &[], b"no commit");
    repository.git(&["tag", "v9.0.0", &blob]);
    let found = import(&env, "app", &[]);
    assert_eq!(found["tags"], 1);
    assert_eq!(codes(&found), ["skipped_tags"]);
    let skipped = found["skipped"].as_array().expect("a list");
    let names: Vec<_> = skipped.iter().map(|skip| skip["tag"].as_str().expect("a tag")).collect();
    assert_eq!(names, ["v01.0.0", "v1.2", "v9.0.0", "vnext"]);
    assert!(skipped.iter().all(|skip| skip["reason"].as_str().is_some_and(|why| why.len() > 5)));
    let table = env.run(&["import", "git", "repo", "--component", "app"]).exits(0);
    assert!(table.stderr.contains("4 tags match v*") && table.stderr.contains("v1.2"), "{table:?}");
    let other = import(&env, "cli", &["--tag-pattern", "nothing/v*"]);
    assert_eq!((codes(&other), &other["tags"]), (vec!["no_matching_tags"], &json!(0)));
}

#[test]
fn a_shallow_clone_is_warned_of_and_completed_later() {
    let (env, mut repository) = start();
    repository.commit("a", "feat: first");
    repository.git(&["tag", "v1.0.0"]);
    for file in ["b", "c", "d"] {
        repository.commit(file, "feat: more");
    }
    repository.git(&["tag", "v1.1.0"]);
    let url = format!("file://{}", repository.path().display());
    repository.git(&["clone", "--quiet", "--depth=2", &url, "../shallow"]);
    let fetch = ["-C", "../shallow", "fetch", "--quiet"];
    repository.git(&[&fetch[..], &["--depth=1", "origin", "tag", "v1.0.0"]].concat());
    let args = ["import", "git", "shallow", "--component", "app", "--format", "json"];
    let found = env.run(&args).exits(0).json();
    assert_eq!(codes(&found), ["shallow"]);
    let diff = ["diff", "app", "1.0.0", "1.1.0", "--format", "json"];
    let answer = env.run(&diff).exits(0).json();
    assert_eq!(answer["header"]["completeness"], "unknown_ancestry");
    repository.git(&[&fetch[..], &["--unshallow"]].concat());
    let whole = env.run(&args).exits(0).json();
    assert_eq!((codes(&whole), &whole["appended"]), (vec![], &json!(1)));
    agrees(&env, &repository, "app", "v", &["1.0.0", "1.1.0"], None);
}

#[test]
fn a_bare_repository_is_the_same_history() {
    let (env, mut repository) = start();
    repository.commit("a", "feat: first");
    repository.annotate("v1.0.0");
    repository.git(&["clone", "--quiet", "--bare", ".", "../bare.git"]);
    import(&env, "app", &[]);
    let args = ["import", "git", "bare.git", "--component", "app", "--format", "json"];
    let found = env.run(&args).exits(0).json();
    assert_eq!((&found["appended"], &found["known"]), (&json!(0), &json!(2)));
}

#[test]
fn a_dry_run_prints_events_that_append_takes() {
    let (env, mut repository) = start();
    repository.commit("a", "feat: first");
    repository.annotate("v1.0.0");
    let before = size(&env);
    let dry = env.run(&["import", "git", "repo", "--component", "app", "--dry-run"]).exits(0);
    assert_eq!(size(&env), before);
    env.run_with_input(&["append", "--from", "-"], dry.stdout.as_bytes()).exits(0);
    assert_eq!(size(&env), before + 2);
    assert_eq!(import(&env, "app", &[])["appended"], 0);
}

#[test]
fn events_come_in_batches_when_asked() {
    let (env, mut repository) = start();
    for file in ["a", "b", "c"] {
        repository.commit(file, "feat: more");
    }
    let points = || {
        let sql = "select size from checkpoints order by size";
        let answer = env.run(&["query", sql, "--format", "json"]).exits(0).json();
        let rows = answer["rows"].as_array().expect("rows").clone();
        rows.iter().map(|row| row["size"].as_u64().expect("a number")).collect::<Vec<_>>()
    };
    let before = points();
    assert_eq!(import(&env, "app", &["--batch", "2"])["appended"], 3);
    let size = before.last().expect("the book has a checkpoint");
    assert_eq!(points()[before.len()..], [size + 2, size + 3]);
}

#[test]
fn an_imported_history_has_answers_before_any_environment_is_registered() {
    let env = book();
    env.file("product.yaml", "product: p\ncomponents:\n  cli: {scheme: semver, release_model: published, tag_prefix: v}\n");
    env.run(&["apply", "product.yaml"]).exits(0);
    let mut repository = Repository::new(&env);
    repository.commit("a", "feat: first");
    repository.git(&["tag", "v1.0.0"]);
    let fix = repository.commit("b", "fix: second");
    repository.git(&["tag", "v1.0.1"]);
    import(&env, "cli", &[]);
    let answer = env.run(&["diff", "cli", "1.0.0", "1.0.1", "--format", "json"]).exits(0).json();
    assert_eq!(answer["rows"][0]["commit"], json!(fix));
    assert_eq!(codes(&answer), ["environment_unregistered"]);
    for question in ["status", "commit", "rollback cli", "compat", "approvals", "releases cli"] {
        let mut args: Vec<&str> = question.split(' ').collect();
        args.extend(["--format", "json"]);
        let answer = env.run(&args);
        assert!([0, 1].contains(&answer.code), "{question}: {answer:?}");
        assert!(codes(&answer.json()).contains(&"environment_unregistered"), "{question}");
    }
    // Another name can be a slip of the fingers.
    env.run(&["status", "--env", "prodution"]).exits(2);
}
