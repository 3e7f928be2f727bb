//! `push`, `create`, `delete`: tags and branches.
//!
//! Of an annotated tag, `after` is the tag object: the commit is `head_commit.id`. A push of a
//! branch names commits without their parents, and ancestry alone decides what a release contains:
//! one commit on top of what was there is a merge, of several `import git` reads the repository.

use serde_json::{Value, json};

use super::hook::Hook;
use crate::ingest::error::IngestError;
use crate::ingest::join::ask;
use crate::ingest::json::Place;
use crate::ingest::pushed::{self, Pushed};
use crate::ingest::scope::version_of_tag;
use crate::ingest::time::{self, ReportTime};

const NO_PARENTS: &str = "names several commits without their parents, and ancestry decides what a release \
    contains; record them with `relbook import git DIR --component NAME`";

pub(super) fn push(hook: &Hook<'_>) -> Result<Vec<Value>, IngestError> {
    let name = hook.body.required("ref", "a full ref")?;
    if let Some(tag) = name.strip_prefix("refs/tags/") {
        return pushed_tag(hook, name, tag);
    }
    match name.strip_prefix("refs/heads/") {
        Some(branch) => pushed_branch(hook, name, branch),
        None => Err(hook.asked.no_event(format!("moves `{name}`, which is no tag or branch"))),
    }
}

fn is_zero(hash: &str) -> bool {
    !hash.is_empty() && hash.bytes().all(|byte| byte == b'0')
}

/// Returns when the repository was pushed to: the commit's own time is another thing.
fn pushed_at(hook: &Hook<'_>) -> Result<Option<ReportTime>, IngestError> {
    match &hook.repository {
        Some(repository) => time::spelled(repository, "pushed_at"),
        None => Ok(None),
    }
}

fn pushed_tag(hook: &Hook<'_>, name: &str, tag: &str) -> Result<Vec<Value>, IngestError> {
    let after = hook.body.required("after", "a commit or tag object")?;
    if hook.body.is_true("deleted")? || is_zero(after) {
        return Err(deleted(hook, tag));
    }
    let head = hook.body.must("head_commit", "the commit of the tag, `head_commit`")?;
    let commit = head.required("id", "a commit")?;
    let before = hook.body.text("before")?.unwrap_or_default();
    let component = hook.component(Some(tag))?;
    let moved = !before.is_empty() && !is_zero(before);
    let kind = if moved { "tag.moved" } else { "tag.created" };
    let mut draft = hook.draft(kind, pushed_at(hook)?.as_ref())?;
    draft.key(&["github", "push", &hook.repository_id()?, name, before, after]);
    draft.put("tag", json!(tag));
    draft.put("version", json!(version_of_tag(hook.asked.context, &component, tag)));
    draft.put("commit", json!(commit));
    if moved {
        // `before` is a tag object where the tag was annotated: the book knows the commit.
        let recorded = ask(&hook.asked, |book| book.tag(&component, tag))?;
        draft.put("previous_commit", json!(recorded.map(|tag| tag.commit)));
        draft.label("before", Some(before));
    }
    draft.put("component", json!(component));
    draft.label("tag_object", Some(after).filter(|after| *after != commit));
    draft.source("url", json!(hook.body.text("compare")?));
    Ok(vec![Value::Object(draft.finish())])
}

fn deleted(hook: &Hook<'_>, tag: &str) -> IngestError {
    hook.asked.no_event(format!(
        "says that the tag `{tag}` was deleted; the book has no event that takes a tag away, and \
         what was recorded of it stays"
    ))
}

fn pushed_branch(hook: &Hook<'_>, name: &str, branch: &str) -> Result<Vec<Value>, IngestError> {
    let after = hook.body.required("after", "a commit")?;
    if hook.body.is_true("deleted")? || is_zero(after) {
        return Err(hook.asked.no_event(format!(
            "says that the branch `{branch}` was deleted; the book has no event for that"
        )));
    }
    let commits = hook.body.list("commits")?.unwrap_or_default();
    // A new branch that brings no commit of its own starts where it points to.
    let created = hook.body.is_true("created")?;
    if let Some(commit) = pushed::only(&commits, after)? {
        return pushed_commit(hook, branch, commit, created);
    }
    if !(created && commits.is_empty()) {
        return Err(hook.asked.no_event(NO_PARENTS));
    }
    let mut draft = hook.draft("branch.created", pushed_at(hook)?.as_ref())?;
    draft.key(&["github", "push", &hook.repository_id()?, name, after]);
    draft.put("component", json!(hook.component(None)?));
    draft.put("branch", json!(branch));
    draft.put("base_commit", json!(after));
    Ok(vec![Value::Object(draft.finish())])
}

/// Reads the one commit that a branch got.
fn pushed_commit(
    hook: &Hook<'_>,
    branch: &str,
    commit: &Place<'_>,
    created: bool,
) -> Result<Vec<Value>, IngestError> {
    let forced = hook.body.at("forced")?.is_none() || hook.body.is_true("forced")?;
    let before = hook.body.text("before")?.filter(|before| !is_zero(before));
    let pushed = Pushed {
        asked: hook.asked,
        commit,
        component: hook.component(None)?,
        branch,
        before: before.filter(|_| !forced && !created),
    };
    let mut draft = hook.draft("commit.merged", pushed_at(hook)?.as_ref())?;
    draft.key(&["github", "merge", commit.required("id", "a commit")?]);
    pushed.put(&mut draft)?;
    Ok(pushed::event(draft))
}

pub(super) fn create(hook: &Hook<'_>) -> Result<Vec<Value>, IngestError> {
    let name = hook.body.required("ref", "a tag or branch")?;
    let what = hook.body.required("ref_type", "tag or branch")?;
    let Some(commit) = &hook.asked.context.commit else {
        return Err(hook.asked.needs(
            "commit",
            format!("says that the {what} `{name}` was made, and not on which commit"),
            "say --commit, or ingest the `push` that came with it",
        ));
    };
    let is_tag = what == "tag";
    let component = hook.component(is_tag.then_some(name))?;
    let kind = if is_tag { "tag.created" } else { "branch.created" };
    let mut draft = hook.draft(kind, pushed_at(hook)?.as_ref())?;
    draft.key(&["github", "create", &hook.repository_id()?, what, name, commit]);
    if is_tag {
        draft.put("tag", json!(name));
        draft.put("version", json!(version_of_tag(hook.asked.context, &component, name)));
        draft.put("commit", json!(commit));
    } else {
        draft.put("branch", json!(name));
        draft.put("base_commit", json!(commit));
    }
    draft.label("commit_from", Some("--commit"));
    draft.put("component", json!(component));
    Ok(vec![Value::Object(draft.finish())])
}

pub(super) fn delete(hook: &Hook<'_>) -> Result<Vec<Value>, IngestError> {
    let name = hook.body.required("ref", "a tag or branch")?;
    if hook.body.text("ref_type")? == Some("tag") {
        return Err(deleted(hook, name));
    }
    Err(hook.asked.no_event(format!(
        "says that the branch `{name}` was deleted; the book has no event for that"
    )))
}
