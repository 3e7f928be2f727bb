//! `import git` on what repositories hold besides a history: odd times, odd text, signatures,
//! configuration that wants to run something, and no repository at all.

use relbook_testkit::environment::Ran;
use serde_json::{Value, json};

use crate::import::{codes, events, import, run, start};
use crate::scratch::size;

#[test]
fn a_commit_says_who_which_request_and_where_it_was_picked_from() {
    let (env, mut repository) = start();
    let original = "a".repeat(40);
    let message = format!(
        "fix(api)!: a thing (#41) (#42)\n\nWhy.\n\nCo-authored-by: Bob <bob@example.org>\n\
         (cherry picked from commit {original})"
    );
    let first = repository.commit("a", &message);
    let second = repository.commit("b", "chore: next");
    let commits = events(&env, "app", "commit.merged");
    let commit = &commits[0];
    assert_eq!((&commit["commit"], &commit["parents"]), (&json!(first), &json!([])));
    assert_eq!((&commits[1]["commit"], &commits[1]["parents"]), (&json!(second), &json!([first])));
    assert_eq!((&commit["author"], &commit["branch"]), (&json!("Ada Example"), &json!("main")));
    assert_eq!((&commit["pr"], &commit["cherry_picked_from"]), (&json!(42), &json!(original)));
    assert_eq!(commit["subject"], "fix(api)!: a thing (#41) (#42)");
    assert!(commit["body"].as_str().is_some_and(|body| body.contains("Co-authored-by: Bob\n")));
    assert!(!commit.to_string().contains("example.org"), "an address was kept: {commit}");
    assert_eq!(commit["occurred_at"], "2023-11-14T22:14:20Z");
}

#[test]
fn annotated_lightweight_and_signed_tags_are_told_apart() {
    let (env, mut repository) = start();
    let commit = repository.commit("a", "feat: first");
    repository.git(&["tag", "v1.0.0"]);
    repository.annotate("v1.1.0");
    let signed = format!(
        "object {commit}\ntype commit\ntag v1.2.0\ntagger Bob <b@example.org> 1700009999 +0000\n\n\
         text\n-----BEGIN SSH SIGNATURE-----\nU1NIU0lHAAAAAQAAAAJobwAAAAA=\n\
         -----END SSH SIGNATURE-----\n"
    );
    let tag = repository.git_with(&["mktag"], &[], signed.as_bytes());
    repository.git(&["update-ref", "refs/tags/v1.2.0", &tag]);
    // A tag of a tag leads to the same commit.
    repository.git(&["tag", "--annotate", "--message", "again", "v1.3.0", "v1.2.0"]);
    let tags = events(&env, "app", "tag.created");
    let of = |version: &str| {
        tags.iter().find(|tag| tag["version"] == version).expect("the tag is there").clone()
    };
    assert!(tags.iter().all(|tag| tag["commit"] == json!(commit)), "{tags:?}");
    let (light, annotated, signed) = (of("1.0.0"), of("1.1.0"), of("1.2.0"));
    assert_eq!(light["labels"], json!({"imported": "true", "tag_kind": "lightweight"}));
    assert_eq!(light["occurred_at"], "2023-11-14T22:14:20Z");
    assert_eq!(annotated["labels"]["tag_kind"], "annotated");
    assert_eq!(annotated["occurred_at"], "2023-11-14T22:15:20Z");
    assert_eq!(annotated["signed_by"], Value::Null);
    assert_eq!(signed["labels"]["tagger"], "Bob");
    assert_eq!(
        (&signed["labels"]["signature"], &signed["labels"]["signature_checked"]),
        (&json!("ssh"), &json!("false"))
    );
    assert_eq!(signed["signed_by"], "SHA256:qCHGLoEE+FGdY5tMCUiuzmQbFD9mAfoUWZO7LixymdQ");
    assert_eq!(import(&env, "app", &[])["tags"], 4);
}

#[test]
fn times_that_can_not_be_are_recorded_at_the_nearest_and_kept_as_labels() {
    let (env, mut repository) = start();
    repository.commit("a", "feat: first");
    let tree = repository.git(&["rev-parse", "HEAD^{tree}"]);
    let mut parent = repository.head();
    for time in ["-86400", "9999999999", "99999999999999"] {
        let object = format!(
            "tree {tree}\nparent {parent}\nauthor A <a@b> {time} +0000\n\
             committer A <a@b> {time} +0000\n\nfix: at {time}\n"
        );
        let args = ["hash-object", "-t", "commit", "-w", "--literally", "--stdin"];
        parent = repository.git_with(&args, &[], object.as_bytes());
    }
    repository.git(&["update-ref", "refs/heads/main", &parent]);
    let commits = events(&env, "app", "commit.merged");
    let label = |i: usize| commits[i]["labels"]["committer_date"].clone();
    assert_eq!(label(0), Value::Null);
    assert_eq!(
        (&commits[1]["occurred_at"], label(1)),
        (&json!("1970-01-01T00:00:00Z"), json!("unreadable"))
    );
    assert_eq!(label(2), "2286-11-20T17:46:39Z");
    assert_eq!(label(3), "99999999999999");
    let found = import(&env, "app", &[]);
    assert_eq!(
        (codes(&found), &found["appended"]),
        (vec!["no_matching_tags", "commit_time"], &json!(4))
    );
    assert_eq!(import(&env, "app", &[])["appended"], 0);
}

#[test]
fn text_that_is_no_utf_8_and_text_that_is_long_come_in_with_a_warning() {
    let (env, mut repository) = start();
    repository.commit("a", "feat: first");
    let tree = repository.git(&["rev-parse", "HEAD^{tree}"]);
    let parent = repository.head();
    let mut object = format!(
        "tree {tree}\nparent {parent}\nauthor A <a@b> 1700000900 +0000\n\
         committer A <a@b> 1700000900 +0000\n\nfix: "
    )
    .into_bytes();
    object.extend(b"caf\xe9 \x1b[31m\n\n");
    object.extend("\u{7}\"\\".repeat(40_000).into_bytes());
    object.extend(b"\n\nBREAKING CHANGE: all of it\n");
    let args = ["hash-object", "-t", "commit", "-w", "--literally", "--stdin"];
    let odd = repository.git_with(&args, &[], &object);
    repository.git(&["update-ref", "refs/heads/main", &odd]);
    repository.git(&["tag", "v1.0.0", &parent]);
    repository.git(&["tag", "v2.0.0", &odd]);
    let found = import(&env, "app", &[]);
    assert_eq!(codes(&found), ["not_utf8", "message_shortened"]);
    let answer = env.run(&["diff", "app", "1.0.0", "2.0.0", "--format", "json"]).exits(0).json();
    let row = &answer["rows"][0];
    assert_eq!((&row["commit"], &row["breaking"]), (&json!(odd), &json!(true)));
    assert_eq!(row["subject"], "fix: caf\u{fffd}  [31m");
}

#[test]
fn nothing_of_the_repository_or_its_configuration_is_run() {
    let (env, mut repository) = start();
    repository.commit("core/a", "feat: first");
    repository.commit("core/b", "fix: second");
    repository.annotate("core/v1.0.0");
    let trap = env.path().join("trap.sh");
    let marker = env.path().join("it-ran");
    let script = format!("#!/bin/sh\ntouch '{}'\n", marker.display());
    env.file("trap.sh", script);
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    std::fs::set_permissions(&trap, mode).expect("the mode is set");
    let trap = trap.display().to_string();
    for name in [
        "core.fsmonitor",
        "core.pager",
        "core.sshCommand",
        "diff.external",
        "gpg.program",
        "gpg.ssh.program",
        "pager.log",
        "diff.x.textconv",
    ] {
        repository.git(&["config", name, &trap]);
    }
    for (name, value) in [
        ("log.showSignature", "true"),
        ("log.follow", "true"),
        ("format.pretty", "oneline"),
        ("core.hooksPath", &env.path().display().to_string()),
        ("alias.log", "!false"),
    ] {
        repository.git(&["config", name, value]);
    }
    // Inside a hook these point to another repository.
    let args =
        ["import", "git", "repo", "--component", "core", "--path", "core", "--format", "json"];
    let mut command = env.command(&args);
    command.env("GIT_DIR", "/nowhere").env("GIT_PAGER", &trap).env("GIT_EXTERNAL_DIFF", &trap);
    let found = Ran::of(&mut command).exits(0).json();
    assert_eq!((&found["commits"], &found["tags"]), (&json!(2), &json!(1)));
    assert!(!marker.exists(), "something was run");
}

#[test]
fn what_cannot_be_imported_is_one_message_with_its_exit_code() {
    let (env, mut repository) = start();
    let error = |ran: Ran, code: i32| ran.exits(code).json()["error"].clone();
    let empty = error(run(&env, "app", &[]), 4);
    assert_eq!(empty["code"], "empty_repository");
    repository.commit("a", "feat: first");
    let before = size(&env);
    let at = |dir: &str| env.run(&["import", "git", dir, "--component", "app", "--format", "json"]);
    std::fs::create_dir(env.path().join("plain")).expect("made");
    for dir in ["plain", "missing", "product.yaml"] {
        let error = error(at(dir), 4);
        assert_eq!(error["code"], "not_a_repository", "{dir}");
        assert!(error["message"].as_str().is_some_and(|text| text.contains(dir)), "{error}");
    }
    for args in [&["--path", "../x"][..], &["--tag-pattern", "v1"], &["--tag-pattern", "v*.*"]] {
        assert_eq!(error(run(&env, "app", args), 2)["code"], "usage", "{args:?}");
    }
    let mut command =
        env.command(&["import", "git", "repo", "--component", "app", "--format", "json"]);
    command.env("PATH", env.path());
    assert_eq!(error(Ran::of(&mut command), 4)["code"], "no_git");
    assert_eq!(size(&env), before);
    let unknown = error(run(&env, "ap", &[]), 3);
    assert_eq!((&unknown["code"], &unknown["value"]), (&json!("unknown_component"), &json!("ap")));
    assert!(unknown["message"].as_str().is_some_and(|text| text.contains("`app`")), "{unknown}");
    // A refusal is recorded, as any other.
    assert_eq!(size(&env), before + 1);
}

#[test]
fn only_the_default_branch_and_the_tags_are_read_and_the_user_is_told() {
    let (env, mut repository) = start();
    repository.commit("core/a", "feat: first");
    repository.commit("b", "feat: second");
    repository.git(&["clone", "--quiet", ".", "../clone"]);
    let args = ["import", "git", "clone", "--component", "app", "--format", "json"];
    repository.git(&["-C", "../clone", "checkout", "--quiet", "-b", "topic"]);
    repository.git(&[
        "-C",
        "../clone",
        "commit",
        "--quiet",
        "--allow-empty",
        "--message",
        "feat: x",
    ]);
    let found = env.run(&args).exits(0).json();
    assert_eq!((&found["branch"], &found["commits"]), (&json!("main"), &json!(2)));
    assert_eq!(codes(&found), ["no_matching_tags", "not_default_branch"]);
    repository.git(&["-C", "../clone", "tag", "v1.0.0"]);
    let commits = env.run(&[&args[..], &["--dry-run"]].concat()).exits(0).json()["events"].clone();
    assert_eq!(commits[0]["branch"], "topic");
    // A detached HEAD leaves the usual names.
    repository.git(&["checkout", "--quiet", "--detach"]);
    assert_eq!(import(&env, "app", &[])["branch"], "main");
    let inside = ["import", "git", "repo/core", "--component", "app", "--format", "json"];
    assert!(codes(&env.run(&inside).exits(0).json()).contains(&"subdirectory"));
    let before = size(&env);
    let args = ["import", "git", "repo", "--component", "cli", "--path", "nowhere"];
    let said = env.run(&args).exits(2).stderr;
    assert!(said.contains("no commit of the repository touches it"), "{said}");
    assert_eq!(size(&env), before, "every diff would be empty and called complete");
}
