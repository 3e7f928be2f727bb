//! `pull_request` with the action `closed`: a merge.
//!
//! The body does not name the parents of the merge, and without them ancestry would be wrong:
//! they are given, or the commit is recorded by `import git`.

use serde_json::{Value, json};

use super::hook::Hook;
use crate::ingest::error::IngestError;
use crate::ingest::time;

pub(super) fn merged(hook: &Hook<'_>) -> Result<Vec<Value>, IngestError> {
    let request = hook.body.must("pull_request", "an object `pull_request`")?;
    let action = hook.action()?;
    let merged = request.is_true("merged")? || request.text("merged_at")?.is_some();
    if action != "closed" || !merged {
        let how = if action == "closed" { "closed without a merge" } else { action };
        return Err(hook
            .asked
            .no_event(format!("says that the pull request was {how}, not merged")));
    }
    let commit = request.required("merge_commit_sha", "a commit")?;
    let parents = &hook.asked.context.parents;
    if parents.is_empty() {
        return Err(hook.asked.needs(
            "parents",
            format!("does not name the parents of the merge {commit}"),
            "record it with `relbook import git`, or give each parent with --parent \
             (git rev-parse COMMIT^@)",
        ));
    }
    let Some(author) = hook.person(&request, "user")? else {
        return Err(hook.asked.needs("author", "names no author with login and id", "give one"));
    };
    let base = request.must("base", "an object `base`")?;
    let number = request.count("number")?;
    let mut draft = hook.draft("commit.merged", time::at(&request, "merged_at")?.as_ref())?;
    // The API's answer does not name the repository; a commit is the same in all of them.
    draft.key(&["github", "merge", commit]);
    draft.put("component", json!(hook.component(None)?));
    draft.put("commit", json!(commit));
    draft.put("parents", json!(parents));
    draft.put("branch", json!(base.required("ref", "a branch")?));
    draft.put("author", json!(author));
    draft.put("subject", json!(request.required("title", "a title")?));
    draft.put("pr", json!(number));
    draft.put("reviewers", reviewers(&request)?);
    draft.source("url", json!(request.text("html_url")?));
    draft.label("subject_from", Some("title of the pull request"));
    draft.label("merged_by", hook.person(&request, "merged_by")?);
    Ok(vec![Value::Object(draft.finish())])
}

/// Returns who approved the change, where an import put the reviews beside the request.
fn reviewers(request: &crate::ingest::json::Place<'_>) -> Result<Value, IngestError> {
    let Some(names) = request.list("approved_by")? else { return Ok(Value::Null) };
    Ok(Value::Array(names.iter().map(|name| name.value().clone()).collect()))
}
