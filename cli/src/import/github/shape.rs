//! What a saved object is: a webhook, or an answer of the API, told by its keys.

use serde_json::Value;

/// A saved object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shape<'a> {
    /// A webhook's body with its name, and the id of its delivery where it was saved with it.
    Webhook {
        event: &'a str,
        body: &'a Value,
    },
    Deployment,
    /// A state of a deployment.
    Status {
        deployment: &'a str,
    },
    Release,
    Run,
    Job,
    CheckRun,
    /// A status of a commit.
    CommitStatus {
        commit: &'a str,
    },
    Pull,
    /// A review of a pull request.
    Review {
        pull: &'a str,
    },
    Commit,
    /// A decision about the environments of a run; the API leaves the run out.
    Decision {
        run: Option<u64>,
    },
    Unknown,
}

/// Returns the objects that a saved value holds: arrays and pages are opened.
pub(super) fn objects(value: &Value) -> Vec<&Value> {
    const PAGES: [&str; 6] =
        ["workflow_runs", "jobs", "check_runs", "deployments", "statuses", "items"];
    if let Some(list) = value.as_array() {
        return list.iter().flat_map(objects).collect();
    }
    let page = PAGES.iter().filter(|_| value.get("total_count").is_some());
    let page = page.filter_map(|key| value.get(*key)?.as_array()).next();
    match page {
        Some(list) => list.iter().flat_map(objects).collect(),
        None => vec![value],
    }
}

/// Tells what an object is; `by_body` knows webhooks by their bodies.
pub(super) fn of<'a>(value: &'a Value, by_body: Option<&'static str>) -> Shape<'a> {
    let has = |key: &str| value.get(key).is_some();
    let all = |keys: &[&str]| keys.iter().all(|key| has(key));
    let text = |key: &str| value.get(key).and_then(Value::as_str);
    // As the API lists deliveries, and as hooks are often saved: the name beside the body.
    if let Some(event) = text("event")
        && let Some(body) = value.pointer("/request/payload").or(value.get("payload"))
        && body.is_object()
    {
        return Shape::Webhook { event, body };
    }
    if let Some(event) = by_body.filter(|_| has("sender") || has("repository")) {
        return Shape::Webhook { event, body: value };
    }
    let last = |key: &str| text(key).and_then(|url| url.rsplit('/').next());
    if let Some(deployment) = last("deployment_url").filter(|_| all(&["id", "state"])) {
        return Shape::Status { deployment };
    }
    if let Some(pull) = last("pull_request_url").filter(|_| all(&["id", "state", "commit_id"])) {
        return Shape::Review { pull };
    }
    if let Some(commit) = last("url").filter(|_| all(&["context", "state", "id"])) {
        return Shape::CommitStatus { commit };
    }
    if all(&["environments", "state", "user"]) {
        return Shape::Decision { run: value.get("run_id").and_then(Value::as_u64) };
    }
    let signs: [(Shape<'a>, bool); 7] = [
        (Shape::Deployment, all(&["id", "sha", "environment", "created_at"])),
        (Shape::Release, all(&["id", "tag_name", "published_at"])),
        (Shape::Job, all(&["id", "run_id", "head_sha", "conclusion"])),
        (Shape::Run, all(&["id", "head_sha", "run_number", "conclusion"])),
        (Shape::CheckRun, all(&["id", "head_sha", "name", "conclusion"])),
        (Shape::Pull, all(&["number", "merged_at", "merge_commit_sha", "base"])),
        (Shape::Commit, all(&["sha", "parents", "commit"])),
    ];
    signs.iter().find(|(_, fits)| *fits).map_or(Shape::Unknown, |(shape, _)| *shape)
}
