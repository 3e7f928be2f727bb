//! Commits: the log as git tells it, and the events that it becomes.
//!
//! The log is streamed and read in the order in which it can be appended, parents before
//! children. Messages are bounded, because an event is; parents never are changed. At the edge of
//! a shallow clone git hides the parents that it does not have: they are read from the commit
//! itself, so that the book can say that it does not know them.

use std::collections::HashMap;
use std::io::BufRead;

use serde_json::{Map, Value, json};

use crate::message;

use super::branch::Branches;
use super::path::Touch;
use super::process::{Git, GitError, utf8};
use super::time::When;
use super::{Import, Options, id};
use relbook_ledger::time::Time;

/// The most bytes of a body that are kept; an event has 61,440 with everything.
const BODY_BYTES_MAX: usize = 16 * 1024;

/// The most bytes of a subject that are kept.
const SUBJECT_BYTES_MAX: usize = 1024;

/// A commit as the log tells it.
#[derive(Debug)]
pub(super) struct Commit {
    hash: String,
    parents: Vec<String>,
    author: String,
    when: When,
    subject: String,
    body: String,
}

/// The commits, parents before children.
#[derive(Debug, Default)]
pub(super) struct Commits {
    list: Vec<Commit>,
    positions: HashMap<String, usize>,
}

impl Commits {
    pub(super) fn len(&self) -> usize {
        self.list.len()
    }

    pub(super) fn position(&self, hash: &str) -> Option<usize> {
        self.positions.get(hash).copied()
    }

    /// Returns when a commit was committed.
    pub(super) fn time_of(&self, hash: &str) -> Option<&When> {
        self.list.get(self.position(hash)?).map(|commit| &commit.when)
    }

    /// Returns each commit with its parents.
    pub(super) fn with_parents(&self) -> impl Iterator<Item = (&str, &[String])> {
        self.list.iter().map(|commit| (commit.hash.as_str(), commit.parents.as_slice()))
    }

    /// Returns the positions of the parents that are here.
    pub(super) fn parents_of(&self, position: usize) -> impl Iterator<Item = usize> {
        let commit = self.list.get(position);
        commit.into_iter().flat_map(|c| &c.parents).filter_map(|parent| self.position(parent))
    }

    fn push(&mut self, commit: Commit) {
        self.positions.insert(commit.hash.clone(), self.list.len());
        self.list.push(commit);
    }
}

/// Reads everything that is reachable from the tips.
pub(super) fn read(
    git: &Git,
    tips: &[String],
    latest: Time,
    progress: &dyn Fn(u64, u64),
    found: &mut Import,
) -> Result<Commits, GitError> {
    const STEP: u64 = 256;
    const FORMAT: &str = "--format=tformat:%H%x00%P%x00%an%x00%ct%x00%s%x00%b";
    let bytes = git.lines(&["rev-list", "--count", "--stdin"], tips)?;
    let total: u64 = utf8(bytes).0.trim().parse().map_err(|_| output("no count"))?;
    let args = ["log", "--stdin", "-z", "--date-order", "--reverse", "--no-color", FORMAT];
    let plain = ["--no-notes", "--no-decorate", "--no-patch", "--no-show-signature"];
    let args: Vec<&str> = args.into_iter().chain(plain).collect();
    let mut stream = git.stream(&args, tips)?;
    let (mut commits, mut damaged, mut done) = (Commits::default(), 0_u64, 0_u64);
    progress(0, total);
    while let Some((commit, changed)) = next(&mut stream.stdout, latest)? {
        damaged += u64::from(changed);
        commits.push(commit);
        done += 1;
        if done.is_multiple_of(STEP) {
            progress(done, total);
        }
    }
    stream.finish()?;
    progress(done, total);
    if damaged > 0 {
        let detail =
            format!("{damaged} commits have text that is not UTF-8; it was replaced by U+FFFD");
        found.warn("not_utf8", detail);
    }
    if git.is_shallow()? {
        restore_parents(git, &mut commits, found)?;
    }
    Ok(commits)
}

/// Reads the next commit of the log; the flag tells that its text was no UTF-8.
fn next(log: &mut impl BufRead, latest: Time) -> Result<Option<(Commit, bool)>, GitError> {
    let mut fields = [const { String::new() }; 6];
    let mut changed = false;
    for (i, field) in fields.iter_mut().enumerate() {
        let mut bytes = Vec::new();
        log.read_until(0, &mut bytes)?;
        if bytes.pop() != Some(0) {
            return if i == 0 { Ok(None) } else { Err(output("a commit was cut off")) };
        }
        let (text, damaged) = utf8(bytes);
        changed |= damaged;
        *field = text;
    }
    let [hash, parents, author, seconds, subject, body] = fields;
    let is_hash = hash.len() >= 40 && hash.bytes().all(|b| b.is_ascii_hexdigit());
    if !is_hash {
        return Err(output("a commit without a hash"));
    }
    let commit = Commit {
        parents: parents.split_whitespace().map(str::to_owned).collect(),
        when: When::read(&seconds, latest),
        hash,
        author,
        subject,
        body,
    };
    Ok(Some((commit, changed)))
}

fn output(what: &'static str) -> GitError {
    GitError::Output { command: "log".to_owned(), what }
}

/// Asks the commits that seem to have no parents for those that the clone left out.
fn restore_parents(git: &Git, commits: &mut Commits, found: &mut Import) -> Result<(), GitError> {
    let mut missing = 0_usize;
    for commit in commits.list.iter_mut().filter(|commit| commit.parents.is_empty()) {
        let raw = utf8(git.lines(&["cat-file", "commit", &commit.hash], &[])?).0;
        let headers = raw.lines().take_while(|line| !line.is_empty());
        commit.parents =
            headers.filter_map(|line| line.strip_prefix("parent ")).map(str::to_owned).collect();
        missing += commit.parents.len();
    }
    let detail = format!(
        "the repository is a shallow clone: {missing} parents are unknown, so differences that \
         reach them are incomplete; run `git fetch --unshallow` and import again"
    );
    found.warn("shallow", detail);
    Ok(())
}

/// Adds the events of commits, parents before children.
pub(super) fn events(
    options: &Options<'_>,
    commits: &Commits,
    branches: &Branches,
    touch: Option<&Touch>,
    found: &mut Import,
) {
    found.commits = commits.len();
    found.events.reserve(commits.len());
    let mut shortened = 0_usize;
    for (position, commit) in commits.list.iter().enumerate() {
        let (mut event, was_shortened) = event(options.component, commit, branches.of(position));
        if let Some(touch) = touch
            && !touch.touches(&commit.hash)
        {
            event.insert("touches_component".to_owned(), json!(false));
            let same = touch.unchanged_from(&commit.hash);
            if !same.is_empty() {
                event.insert("unchanged_from".to_owned(), json!(same));
            }
        }
        shortened += usize::from(was_shortened);
        found.events.push(event);
    }
    let odd = commits.list.iter().filter(|commit| commit.when.label.is_some()).count();
    if odd > 0 {
        let detail = format!(
            "{odd} commits claim a time that can not be (before 1970, or still to come); they are \
             recorded at the nearest that can, with their claim in the label committer_date"
        );
        found.warn("commit_time", detail);
    }
    if shortened > 0 {
        let detail = format!(
            "{shortened} commit messages are longer than {BODY_BYTES_MAX} bytes; their middle was \
             left out"
        );
        found.warn("message_shortened", detail);
    }
}

fn event(component: &str, commit: &Commit, branch: &str) -> (Map<String, Value>, bool) {
    let id = id::id(commit.when.claimed, &["commit.merged", component, &commit.hash]);
    let body = message::without_addresses(&message::plain(commit.body.trim_end()));
    let subject = message::plain(&commit.subject);
    let short_body = message::shortened(&body, BODY_BYTES_MAX);
    let short_subject = message::shortened(&subject, SUBJECT_BYTES_MAX);
    let was_shortened = short_body.is_some() || short_subject.is_some();
    let kept_body = short_body.unwrap_or(body);
    let mut labels = Map::from_iter([("imported".to_owned(), json!("true"))]);
    if was_shortened {
        labels.insert("message_shortened".to_owned(), json!("true"));
    }
    if let Some(claim) = &commit.when.label {
        labels.insert("committer_date".to_owned(), json!(claim));
    }
    let fields = [
        ("id", json!(id.to_string())),
        ("kind", json!("commit.merged")),
        ("occurred_at", json!(commit.when.recorded)),
        ("component", json!(component)),
        ("commit", json!(commit.hash)),
        ("parents", json!(commit.parents)),
        ("branch", json!(message::name(branch).unwrap_or_else(|| "unknown".to_owned()))),
        ("author", json!(message::author(&commit.author))),
        ("subject", json!(short_subject.unwrap_or(subject))),
        ("body", if kept_body.is_empty() { Value::Null } else { json!(kept_body) }),
        ("pr", json!(message::pull_request(&commit.subject, &commit.body))),
        ("cherry_picked_from", json!(message::cherry_picked_from(&commit.body))),
        ("labels", Value::Object(labels)),
        ("source", source()),
    ];
    let present = fields.into_iter().filter(|(_, value)| !value.is_null());
    (present.map(|(name, value)| (name.to_owned(), value)).collect(), was_shortened)
}

/// Where imported events come from. The repository's address is no part of it: two clones of one
/// history give the same bytes.
pub(super) fn source() -> Value {
    json!({ "system": "git", "format": "git", "reader": "git/1" })
}
