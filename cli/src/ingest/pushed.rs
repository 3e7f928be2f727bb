//! A commit as the webhook of a push tells it.
//!
//! No push names the parents of its commits, and ancestry decides what a release contains. One
//! commit that was added to what stood there before, and that was not forced, has that as its
//! parent; of anything else the parents are given, or `import git` reads the repository.

use serde_json::{Value, json};

use super::draft::{Draft, Trust};
use super::error::IngestError;
use super::json::Place;
use super::scope::Asked;
use super::time;
use crate::message;

/// A push of one commit.
#[derive(Debug)]
pub(in crate::ingest) struct Pushed<'a> {
    pub(in crate::ingest) asked: Asked<'a>,
    pub(in crate::ingest) commit: &'a Place<'a>,
    pub(in crate::ingest) component: String,
    pub(in crate::ingest) branch: &'a str,
    /// What the branch was at before, where that must be the parent.
    pub(in crate::ingest) before: Option<&'a str>,
}

impl Pushed<'_> {
    /// Writes the merge into a draft of `commit.merged`.
    ///
    /// # Errors
    /// [`IngestError::Needs`] where nothing says what the parents are.
    pub(in crate::ingest) fn put(&self, draft: &mut Draft) -> Result<(), IngestError> {
        let hash = self.commit.required("id", "a commit")?;
        let given = &self.asked.context.parents;
        let parents = match (given.as_slice(), self.before) {
            ([], Some(before)) => vec![before.to_owned()],
            ([], None) => {
                return Err(self.asked.needs(
                    "parents",
                    format!("brings the commit {hash} and does not settle its parents"),
                    "give each with --parent (git rev-parse COMMIT^@), or record it with \
                     `relbook import git DIR --component NAME`",
                ));
            }
            (given, _) => given.to_vec(),
        };
        let author = self.commit.down(&["author"])?.map(|author| author.text("name"));
        let author = author.transpose()?.flatten().unwrap_or_default();
        let whole = message::plain(self.commit.text("message")?.unwrap_or_default().trim());
        let (subject, body) = whole.split_once('\n').unwrap_or((&whole, ""));
        let body = message::without_addresses(body.trim());
        let short = |text: &str, most| message::shortened(text, most);
        draft.put("component", json!(self.component));
        draft.put("commit", json!(hash));
        draft.put("parents", json!(parents));
        draft.put("branch", json!(self.branch));
        draft.put("author", json!(message::author(author)));
        draft.put("subject", json!(short(subject, 1_000).unwrap_or_else(|| subject.to_owned())));
        if !body.is_empty() {
            draft.put("body", json!(short(&body, 8_000).unwrap_or_else(|| body.clone())));
        }
        draft.put("pr", json!(message::pull_request(subject, &body)));
        draft.put("cherry_picked_from", json!(message::cherry_picked_from(&body)));
        // The channel proves who pushed; an author is whatever the commit says.
        draft.trust_field("author", Trust::Asserted);
        let committed = time::at(self.commit, "timestamp")?;
        draft.label("committed_at", committed.map(|time| time.raw));
        draft.source("url", json!(self.commit.text("url")?));
        Ok(())
    }
}

/// Returns the only commit of a push, when it is what the branch is at now.
pub(in crate::ingest) fn only<'c, 'a>(
    commits: &'c [Place<'a>],
    after: &str,
) -> Result<Option<&'c Place<'a>>, IngestError> {
    match commits {
        [one] if one.text("id")? == Some(after) => Ok(Some(one)),
        _ => Ok(None),
    }
}

/// The event of it.
pub(in crate::ingest) fn event(draft: Draft) -> Vec<Value> {
    vec![Value::Object(draft.finish())]
}
