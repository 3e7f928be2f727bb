//! Commits: the log as git tells it, and the events that it becomes.
//!
//! The log is streamed and read in the order in which it can be appended, parents before
//! children. Messages are bounded, because an event is; parents never are changed. At the edge of
//! a shallow clone git hides the parents that it does not have: they are read from the commit
//! itself, so that the book can say that it does not know them.

use std::collections::{HashMap, HashSet};
use std::io::BufRead;

use relbook_ledger::time::Time;
use serde_json::{Map, Value, json};

use super::branch::Branches;
use super::process::{Git, GitError, pathspec, utf8};
use super::{Import, Options, id, message};

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
    seconds: i64,
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

    /// Returns when a commit was committed, in seconds.
    pub(super) fn time_of(&self, hash: &str) -> Option<i64> {
        self.list.get(self.position(hash)?).map(|commit| commit.seconds)
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

/// Returns the commits that touch a path: the full history, so that no merge hides one.
pub(super) fn touching(
    git: &Git,
    tips: &[String],
    path: &str,
) -> Result<HashSet<String>, GitError> {
    let path = pathspec(path);
    let bytes = git.lines(&["rev-list", "--full-history", "--stdin", "--", &path], tips)?;
    Ok(utf8(bytes).0.lines().map(str::to_owned).collect())
}

/// Reads everything that is reachable from the tips.
pub(super) fn read(
    git: &Git,
    tips: &[String],
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
    while let Some((commit, changed)) = next(&mut stream.stdout)? {
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
fn next(log: &mut impl BufRead) -> Result<Option<(Commit, bool)>, GitError> {
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
        // A date that git itself cannot read is printed empty.
        seconds: seconds.parse().unwrap_or_default(),
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
    touched: Option<&HashSet<String>>,
    found: &mut Import,
) {
    found.commits = commits.len();
    found.events.reserve(commits.len());
    let mut shortened = 0_usize;
    for (position, commit) in commits.list.iter().enumerate() {
        let outside = touched.is_some_and(|touched| !touched.contains(&commit.hash));
        let (event, was_shortened) =
            event(options.component, commit, branches.of(position), outside);
        shortened += usize::from(was_shortened);
        found.events.push(event);
    }
    if shortened > 0 {
        let detail = format!(
            "{shortened} commit messages are longer than {BODY_BYTES_MAX} bytes; their middle was \
             left out"
        );
        found.warn("message_shortened", detail);
    }
}

fn event(component: &str, commit: &Commit, branch: &str, outside: bool) -> (Value, bool) {
    let id = id::id(commit.seconds, &["commit.merged", component, &commit.hash]);
    let body = message::without_addresses(commit.body.trim_end());
    let short_body = message::shortened(&body, BODY_BYTES_MAX);
    let short_subject = message::shortened(&commit.subject, SUBJECT_BYTES_MAX);
    let was_shortened = short_body.is_some() || short_subject.is_some();
    let kept_body = short_body.unwrap_or(body);
    let mut event = Map::new();
    let mut put = |name: &str, value: Value| {
        event.insert(name.to_owned(), value);
    };
    put("id", json!(id.to_string()));
    put("kind", json!("commit.merged"));
    put("occurred_at", json!(time_text(commit.seconds)));
    put("component", json!(component));
    put("commit", json!(commit.hash));
    put("parents", json!(commit.parents));
    put("branch", json!(branch_name(branch)));
    put("author", json!(message::author(&commit.author)));
    put("subject", json!(short_subject.as_deref().unwrap_or(&commit.subject)));
    if !kept_body.is_empty() {
        put("body", json!(kept_body));
    }
    if let Some(number) = message::pull_request(&commit.subject, &commit.body) {
        put("pr", json!(number));
    }
    if let Some(original) = message::cherry_picked_from(&commit.body) {
        put("cherry_picked_from", json!(original));
    }
    if outside {
        put("touches_component", json!(false));
    }
    let mut labels = json!({ "imported": "true" });
    if was_shortened {
        labels["message_shortened"] = json!("true");
    }
    put("labels", labels);
    put("source", source());
    (Value::Object(event), was_shortened)
}

/// Returns a branch name in the length that a name may have.
fn branch_name(name: &str) -> String {
    const CHARS_MAX: usize = 256;
    name.chars().take(CHARS_MAX).collect()
}

/// Writes a time in seconds as events do.
pub(super) fn time_text(seconds: i64) -> String {
    Time::from_micros(seconds.saturating_mul(1_000_000)).to_string()
}

/// Where imported events come from. The repository's address is no part of it: two clones of one
/// history give the same bytes.
pub(super) fn source() -> Value {
    json!({ "system": "git", "format": "git", "reader": "git/1", "trust": "asserted" })
}
