//! Recorded environments of CI systems, cut to what is read.

use serde_json::{Map, Value, json};

use super::{Run, Variables, detect};

fn environment(text: &str) -> Variables {
    let pair = |line: &str| {
        let (name, value) = line.trim().split_once('=')?;
        Some((name.to_owned(), value.to_owned()))
    };
    text.lines().filter_map(pair).collect()
}

const GITHUB: &str = "
    CI=true
    GITHUB_ACTIONS=true
    GITHUB_ACTOR=olga
    GITHUB_TRIGGERING_ACTOR=rita
    GITHUB_EVENT_NAME=push
    GITHUB_REF=refs/tags/v1.4.2
    GITHUB_REF_NAME=v1.4.2
    GITHUB_REF_TYPE=tag
    GITHUB_REPOSITORY=orion/orion-api
    GITHUB_RUN_ATTEMPT=2
    GITHUB_RUN_ID=9001
    GITHUB_SERVER_URL=https://git.example
    GITHUB_SHA=aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";

fn found(text: &str) -> Run {
    detect(&environment(text)).expect("a CI system")
}

fn filled(run: &Run, event: Value) -> Map<String, Value> {
    let Value::Object(mut fields) = event else { panic!("an object") };
    run.fill(&mut fields);
    fields
}

#[test]
fn each_system_is_known_by_its_own_variables() {
    let run = found(GITHUB);
    assert_eq!(
        run.url.as_deref(),
        Some("https://git.example/orion/orion-api/actions/runs/9001/attempts/2")
    );
    assert_eq!((run.tag.as_deref(), run.branch), (Some("v1.4.2"), None));
    assert_eq!(run.actor.as_deref(), Some("rita"), "who started this try, not the first one");
    let run = found(
        "GITLAB_CI=true\nCI_COMMIT_SHA=bb\nCI_COMMIT_BRANCH=main\nCI_PIPELINE_ID=7\nCI_JOB_ID=70\nCI_JOB_URL=https://gl.example/j/70\nGITLAB_USER_LOGIN=olga\nCI_PROJECT_PATH=o/a",
    );
    assert_eq!(
        (run.system, run.run_id.as_deref(), run.commit.as_deref()),
        ("gitlab-ci", Some("7"), Some("bb"))
    );
    let run = found(
        "BUILDKITE=true\nBUILDKITE_COMMIT=HEAD\nBUILDKITE_RETRY_COUNT=1\nBUILDKITE_BUILD_ID=u-1\nBUILDKITE_BRANCH=main",
    );
    assert_eq!(
        (run.system, run.commit, run.run_attempt.as_deref()),
        ("buildkite", None, Some("2"))
    );
    let run = found(
        "CIRCLECI=true\nCIRCLE_SHA1=cc\nCIRCLE_WORKFLOW_ID=w\nCIRCLE_PROJECT_USERNAME=o\nCIRCLE_PROJECT_REPONAME=a",
    );
    assert_eq!((run.system, run.repository.as_deref()), ("circleci", Some("o/a")));
    let run = found(
        "TF_BUILD=True\nBUILD_SOURCEBRANCH=refs/heads/main\nBUILD_SOURCEVERSION=dd\nBUILD_BUILDID=5\nSYSTEM_COLLECTIONURI=https://az.example/o/\nSYSTEM_TEAMPROJECT=p",
    );
    assert_eq!(
        (run.system, run.url.as_deref()),
        ("azure-pipelines", Some("https://az.example/o/p/_build/results?buildId=5"))
    );
    assert_eq!((run.branch.as_deref(), run.commit.as_deref()), (Some("main"), Some("dd")));
    let run = found(
        "JENKINS_URL=https://j.example/\nJOB_NAME=api/main\nBUILD_NUMBER=12\nGIT_COMMIT=ee\nBRANCH_NAME=main",
    );
    assert_eq!(
        (run.system, run.run_id.as_deref(), run.commit.as_deref()),
        ("jenkins", Some("api/main#12"), Some("ee"))
    );
    let run = found("JENKINS_HOME=/var/lib/jenkins\nJOB_NAME=api\nBUILD_NUMBER=3");
    assert_eq!((run.system, run.run_id.as_deref()), ("jenkins", Some("api#3")));
    assert_eq!(detect(&environment("JENKINS_HOME=/var/lib/jenkins")), None, "no job");
    let run = found(
        "TF_BUILD=True\nBUILD_BUILDID=5\nSYSTEM_COLLECTIONURI=https://az.example/o/\nSYSTEM_TEAMPROJECT=My Project",
    );
    assert_eq!(
        run.url.as_deref(),
        Some("https://az.example/o/My%20Project/_build/results?buildId=5")
    );
    assert_eq!(detect(&environment("HOME=/root\nCI=true")), None);
    assert_eq!(detect(&environment(&format!("{GITHUB}\nRELBOOK_CI=off"))), None);
}

#[test]
fn the_merge_commit_of_a_pull_request_is_no_commit() {
    let of_request = GITHUB.replace("EVENT_NAME=push", "EVENT_NAME=pull_request");
    assert_eq!(found(&of_request).commit, None);
    let of_request = "TF_BUILD=True\nBUILD_SOURCEBRANCH=refs/pull/7/merge\nBUILD_SOURCEVERSION=dd";
    assert_eq!(found(of_request).commit, None);
    let of_request = "GITLAB_CI=true\nCI_COMMIT_SHA=bb\nCI_MERGE_REQUEST_EVENT_TYPE=merged_result";
    assert_eq!(found(of_request).commit, None);
    let of_request = "JENKINS_URL=x\nBUILD_NUMBER=1\nGIT_COMMIT=ee\nCHANGE_ID=7";
    assert_eq!(found(of_request).commit, None);
    // A comment on a review has another event and the same ref.
    let of_request = GITHUB
        .replace("EVENT_NAME=push", "EVENT_NAME=pull_request_review_comment")
        .replace("REF=refs/tags/v1.4.2", "REF=refs/pull/7/merge")
        .replace("REF_TYPE=tag", "REF_TYPE=branch");
    let run = found(&of_request);
    assert_eq!((run.commit, run.branch), (None, None));
    // This one runs on the base branch, whose commit is one of the history.
    let of_base = GITHUB.replace("EVENT_NAME=push", "EVENT_NAME=pull_request_target");
    assert!(found(&of_base).commit.is_some());
}

#[test]
fn only_what_is_absent_is_filled_in() {
    let run = found(GITHUB);
    let build = filled(&run, json!({"kind": "build.completed", "branch": "main"}));
    assert_eq!((&build["commit"], &build["branch"]), (&json!(run.commit), &json!("main")));
    assert_eq!(build["run_url"], json!(run.url));
    assert_eq!(build["source"]["system"], "github-actions");
    assert_eq!(
        (&build["source"]["run_id"], &build["source"]["run_attempt"]),
        (&json!("9001"), &json!("2"))
    );
    assert_eq!(build["source"]["trust"], "asserted");
    // An empty value was given: it is for admission to refuse, not for us to guess.
    let build = filled(&run, json!({"kind": "build.completed", "commit": ""}));
    assert_eq!(build["commit"], "");
    let check = filled(&run, json!({"kind": "check.completed", "digest": "sha256:00"}));
    assert!(!check.contains_key("commit"), "a check of an artifact");
    let check = filled(&run, json!({"kind": "check.completed", "suite": "unit"}));
    assert_eq!(check["commit"], json!(run.commit));
    assert!(!check.contains_key("result"), "a result is never filled in");
    let deploy = filled(&run, json!({"kind": "deploy.started"}));
    assert_eq!(deploy["initiated_by"], "rita");
    let scan = filled(&run, json!({"kind": "scan.completed", "source": {"system": "trivy"}}));
    assert_eq!(
        (&scan["source"]["system"], &scan["source"]["url"]),
        (&json!("trivy"), &json!(run.url))
    );
}

#[test]
fn what_happened_elsewhere_is_not_of_this_run() {
    let run = found(GITHUB);
    for system in ["argocd", "argo-rollouts", "flux", "flagger", "kargo"] {
        let deploy = json!({"kind": "deploy.started", "source": {"system": system}});
        assert_eq!(filled(&run, deploy.clone()), *deploy.as_object().expect("an object"));
        let check = json!({"kind": "check.completed", "source": {"system": system}});
        assert!(!filled(&run, check).contains_key("commit"), "{system}");
    }
}
