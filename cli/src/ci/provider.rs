//! How each CI system describes a run in the environment.
//!
//! The variables are those that the systems document as set in every job. What they set to the
//! merge commit of a pull request is no commit of the history and is left out.

use super::{Run, Variables};

type Provider = fn(&Variables) -> Option<Run>;

/// The systems, each by the variable that only it sets.
pub(super) const PROVIDERS: &[Provider] = &[github, gitlab, buildkite, circle, azure, jenkins];

fn text(variables: &Variables, name: &str) -> Option<String> {
    variables.get(name).filter(|value| !value.is_empty()).cloned()
}

fn is(variables: &Variables, name: &str, value: &str) -> bool {
    variables.get(name).is_some_and(|found| found.eq_ignore_ascii_case(value))
}

fn github(variables: &Variables) -> Option<Run> {
    if !is(variables, "GITHUB_ACTIONS", "true") {
        return None;
    }
    let get = |name: &str| text(variables, name);
    let attempt = get("GITHUB_RUN_ATTEMPT");
    let url = || {
        let (server, repository) = (get("GITHUB_SERVER_URL")?, get("GITHUB_REPOSITORY")?);
        let url = format!("{server}/{repository}/actions/runs/{}", get("GITHUB_RUN_ID")?);
        Some(attempt.as_ref().map_or_else(|| url.clone(), |n| format!("{url}/attempts/{n}")))
    };
    // For a pull request (and its reviews, and comments on them) GITHUB_SHA is a merge that nobody
    // made; `pull_request_target` runs on the base branch.
    let event = get("GITHUB_EVENT_NAME").unwrap_or_default();
    let of_request = matches!(event.as_str(), "pull_request" | "pull_request_review")
        || get("GITHUB_REF").is_some_and(|name| name.starts_with("refs/pull/"));
    let name =
        |kind: &str| get("GITHUB_REF_NAME").filter(|_| is(variables, "GITHUB_REF_TYPE", kind));
    Some(Run {
        system: "github-actions",
        url: url(),
        run_id: get("GITHUB_RUN_ID"),
        commit: get("GITHUB_SHA").filter(|_| !of_request),
        branch: name("branch").filter(|_| !of_request),
        tag: name("tag"),
        // On a re-run the actor is still who began; the other is who started this try.
        actor: get("GITHUB_TRIGGERING_ACTOR").or_else(|| get("GITHUB_ACTOR")),
        repository: get("GITHUB_REPOSITORY"),
        run_attempt: attempt,
    })
}

fn gitlab(variables: &Variables) -> Option<Run> {
    if !is(variables, "GITLAB_CI", "true") {
        return None;
    }
    let get = |name: &str| text(variables, name);
    // A merged-results pipeline runs on a commit that nobody merged.
    let merged = is(variables, "CI_MERGE_REQUEST_EVENT_TYPE", "merged_result")
        || is(variables, "CI_MERGE_REQUEST_EVENT_TYPE", "merge_train");
    Some(Run {
        system: "gitlab-ci",
        url: get("CI_JOB_URL").or_else(|| get("CI_PIPELINE_URL")),
        run_id: get("CI_PIPELINE_ID"),
        // A job that is run again is a new job of the same pipeline.
        run_attempt: get("CI_JOB_ID"),
        commit: get("CI_COMMIT_SHA").filter(|_| !merged),
        branch: get("CI_COMMIT_BRANCH"),
        tag: get("CI_COMMIT_TAG"),
        actor: get("GITLAB_USER_LOGIN"),
        repository: get("CI_PROJECT_PATH"),
    })
}

fn buildkite(variables: &Variables) -> Option<Run> {
    if !is(variables, "BUILDKITE", "true") {
        return None;
    }
    let get = |name: &str| text(variables, name);
    let retries = get("BUILDKITE_RETRY_COUNT").and_then(|count| count.parse::<u32>().ok());
    Some(Run {
        system: "buildkite",
        url: get("BUILDKITE_BUILD_URL"),
        run_id: get("BUILDKITE_BUILD_ID"),
        run_attempt: retries.and_then(|count| count.checked_add(1)).map(|n| n.to_string()),
        // A build that was started by hand may say HEAD.
        commit: get("BUILDKITE_COMMIT").filter(|commit| commit != "HEAD"),
        branch: get("BUILDKITE_BRANCH").filter(|_| get("BUILDKITE_TAG").is_none()),
        tag: get("BUILDKITE_TAG"),
        actor: get("BUILDKITE_UNBLOCKER").or_else(|| get("BUILDKITE_BUILD_CREATOR")),
        repository: get("BUILDKITE_REPO"),
    })
}

fn circle(variables: &Variables) -> Option<Run> {
    if !is(variables, "CIRCLECI", "true") {
        return None;
    }
    let get = |name: &str| text(variables, name);
    let repository = || {
        let (owner, name) = (get("CIRCLE_PROJECT_USERNAME")?, get("CIRCLE_PROJECT_REPONAME")?);
        Some(format!("{owner}/{name}"))
    };
    Some(Run {
        system: "circleci",
        url: get("CIRCLE_BUILD_URL"),
        run_id: get("CIRCLE_WORKFLOW_ID"),
        run_attempt: get("CIRCLE_BUILD_NUM"),
        commit: get("CIRCLE_SHA1"),
        branch: get("CIRCLE_BRANCH"),
        tag: get("CIRCLE_TAG"),
        actor: get("CIRCLE_USERNAME"),
        repository: repository(),
    })
}

fn azure(variables: &Variables) -> Option<Run> {
    if !is(variables, "TF_BUILD", "true") {
        return None;
    }
    let get = |name: &str| text(variables, name);
    let url = || {
        let collection =
            get("SYSTEM_COLLECTIONURI").or_else(|| get("SYSTEM_TEAMFOUNDATIONCOLLECTIONURI"))?;
        let collection = collection.trim_end_matches('/').to_owned();
        let (project, build) = (get("SYSTEM_TEAMPROJECT")?, get("BUILD_BUILDID")?);
        let project = project.replace(' ', "%20");
        Some(format!("{collection}/{project}/_build/results?buildId={build}"))
    };
    let reference = get("BUILD_SOURCEBRANCH").unwrap_or_default();
    let short = |prefix: &str| reference.strip_prefix(prefix).map(str::to_owned);
    Some(Run {
        system: "azure-pipelines",
        url: url(),
        run_id: get("BUILD_BUILDID"),
        run_attempt: get("SYSTEM_JOBATTEMPT"),
        commit: get("BUILD_SOURCEVERSION").filter(|_| !reference.starts_with("refs/pull/")),
        branch: short("refs/heads/"),
        tag: short("refs/tags/"),
        actor: get("BUILD_REQUESTEDFOR"),
        repository: get("BUILD_REPOSITORY_NAME"),
    })
}

fn jenkins(variables: &Variables) -> Option<Run> {
    let get = |name: &str| text(variables, name);
    // The address is set only where an administrator gave one.
    get("JENKINS_URL").or_else(|| get("HUDSON_URL")).or_else(|| get("JENKINS_HOME"))?;
    get("BUILD_NUMBER")?;
    let job = get("JOB_NAME");
    Some(Run {
        system: "jenkins",
        url: get("BUILD_URL"),
        run_id: job.and_then(|job| Some(format!("{job}#{}", get("BUILD_NUMBER")?))),
        run_attempt: None,
        // Of a change request the head is merged with its target before it is built.
        commit: get("GIT_COMMIT").filter(|_| get("CHANGE_ID").is_none()),
        branch: get("BRANCH_NAME")
            .filter(|_| get("TAG_NAME").is_none() && get("CHANGE_ID").is_none()),
        tag: get("TAG_NAME"),
        actor: get("BUILD_USER_ID"),
        repository: get("GIT_URL"),
    })
}
