//! `push`, `tag_push`, `merge_request`: tags, branches and merges.
//!
//! The commit of a tag is `checkout_sha`; of an annotated one `after` is the tag object. No body
//! names the parents of a commit, so pushed commits are recorded by `import git`.

use serde_json::{Value, json};

use super::hook::Hook;
use crate::ingest::error::IngestError;
use crate::ingest::join::ask;
use crate::ingest::pushed::{self, Pushed};
use crate::ingest::scope::version_of_tag;
use crate::ingest::time;

fn is_zero(hash: &str) -> bool {
    !hash.is_empty() && hash.bytes().all(|byte| byte == b'0')
}

pub(super) fn tag(hook: &Hook<'_>) -> Result<Vec<Value>, IngestError> {
    let name = hook.body.required("ref", "a full ref")?;
    let tag = name.strip_prefix("refs/tags/").unwrap_or(name);
    let after = hook.body.required("after", "a commit or tag object")?;
    let Some(commit) = hook.body.text("checkout_sha")?.filter(|_| !is_zero(after)) else {
        return Err(hook.asked.no_event(format!(
            "says that the tag `{tag}` was deleted; the book has no event that takes a tag away, \
             and what was recorded of it stays"
        )));
    };
    let before = hook.body.text("before")?.unwrap_or_default();
    let component = hook.component(Some(tag))?;
    let moved = !before.is_empty() && !is_zero(before);
    // No field says when it was pushed: the times are those of commits.
    let mut draft = hook.draft(if moved { "tag.moved" } else { "tag.created" }, None)?;
    draft.key(&["gitlab", "tag_push", &hook.project_id()?, name, before, after]);
    draft.put("tag", json!(tag));
    draft.put("version", json!(version_of_tag(hook.asked.context, &component, tag)));
    draft.put("commit", json!(commit));
    if moved {
        let recorded = ask(&hook.asked, |book| book.tag(&component, tag))?;
        draft.put("previous_commit", json!(recorded.map(|tag| tag.commit)));
        draft.label("before", Some(before));
    }
    draft.put("component", json!(component));
    draft.label("tag_object", Some(after).filter(|after| *after != commit));
    Ok(vec![Value::Object(draft.finish())])
}

pub(super) fn branch(hook: &Hook<'_>) -> Result<Vec<Value>, IngestError> {
    let name = hook.body.required("ref", "a full ref")?;
    let branch = name.strip_prefix("refs/heads/").unwrap_or(name);
    let after = hook.body.required("after", "a commit")?;
    if is_zero(after) {
        return Err(hook.asked.no_event(format!(
            "says that the branch `{branch}` was deleted; the book has no event for that"
        )));
    }
    let created = hook.body.text("before")?.is_some_and(is_zero);
    let (total, commits) = (hook.body.count("total_commits_count")?, hook.body.list("commits")?);
    let commits = commits.unwrap_or_default();
    if let Some(commit) = pushed::only(&commits, after)?.filter(|_| total == Some(1)) {
        // Nothing says whether the push was forced, so what was there need not be the parent.
        let component = hook.component(None)?;
        let pushed = Pushed { asked: hook.asked, commit, component, branch, before: None };
        let mut draft = hook.draft("commit.merged", None)?;
        draft.key(&["gitlab", "merge", &hook.project_id()?, after]);
        pushed.put(&mut draft)?;
        return Ok(pushed::event(draft));
    }
    // A new branch that brings no commit of its own starts where it points to.
    if !(created && total == Some(0)) {
        return Err(hook.asked.no_event(
            "names several commits without their parents, and ancestry decides what a release contains; \
             record them with `relbook import git DIR --component NAME`",
        ));
    }
    let mut draft = hook.draft("branch.created", None)?;
    draft.key(&["gitlab", "push", &hook.project_id()?, name, after]);
    draft.put("component", json!(hook.component(None)?));
    draft.put("branch", json!(branch));
    draft.put("base_commit", json!(after));
    Ok(vec![Value::Object(draft.finish())])
}

pub(super) fn merge_request(hook: &Hook<'_>) -> Result<Vec<Value>, IngestError> {
    let request = hook.body.must("object_attributes", "an object `object_attributes`")?;
    match request.text("action")?.unwrap_or_default() {
        "merge" => {}
        "approval" => {
            return Err(hook.asked.no_event(
                "with the action `approval` is one reviewer's review of code: it approves a \
                 change, not a deploy",
            ));
        }
        "approved" => {
            return Err(hook.asked.no_event(
                "with the action `approved` says that the rules of the merge request are met: \
                 that approves a change, not a deploy",
            ));
        }
        other => {
            return Err(hook.asked.no_event(format!(
                "with the action `{other}` is no merge; ingest the one with the action `merge`"
            )));
        }
    }
    let commit = request.text("merge_commit_sha")?.or(request.text("squash_commit_sha")?);
    let Some(commit) = commit.or(hook.asked.context.commit.as_deref()) else {
        return Err(hook.asked.needs("commit", "names no merge commit", "say --commit"));
    };
    let parents = &hook.asked.context.parents;
    if parents.is_empty() {
        return Err(hook.asked.needs(
            "parents",
            format!("does not name the parents of the merge {commit}"),
            "record it with `relbook import git`, or give each parent with --parent \
             (git rev-parse COMMIT^@)",
        ));
    }
    let author = request
        .id("author_id")?
        .ok_or_else(|| request.expected_under("author_id", "the id of the author"))?;
    let time = time::spelled(&request, "updated_at")?;
    let mut draft = hook.draft("commit.merged", time.as_ref())?;
    draft.key(&["gitlab", "merge", &hook.project_id()?, commit]);
    draft.put("component", json!(hook.component(None)?));
    draft.put("commit", json!(commit));
    draft.put("parents", json!(parents));
    draft.put("branch", json!(request.required("target_branch", "a branch")?));
    // The body names the author by number only.
    draft.put("author", json!(format!("gitlab:#{author}")));
    draft.put("subject", json!(request.required("title", "a title")?));
    draft.put("pr", json!(request.count("iid")?));
    draft.source("url", json!(request.text("url")?));
    draft.label("subject_from", Some("title of the merge request"));
    Ok(vec![Value::Object(draft.finish())])
}
