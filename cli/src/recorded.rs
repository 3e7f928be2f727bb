//! What a book has recorded, for readers that join through it (`ingest::Recorded`).
//!
//! The book is opened when a reader asks for the first time: most reports need no join, and
//! bringing the views up to date costs time.

use std::cell::OnceCell;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use relbook_ledger::event::Body;
use relbook_ledger::event::artifact::BuildCompleted;
use relbook_ledger::time::Time;
use relbook_query::Book;
use relbook_query::release::{Fact, Facts as _, Key, Lens};
use serde_json::Value;

use crate::ingest::{Build, Deploy, Recorded, Run, Tag};

/// The events of one book.
pub struct BookRecords {
    dir: PathBuf,
    book: OnceCell<Book>,
}

impl BookRecords {
    /// Prepares to read the book in `dir`.
    pub fn new(dir: &Path) -> Self {
        Self { dir: dir.to_owned(), book: OnceCell::new() }
    }

    fn find(&self, key: &Key) -> Result<Vec<Arc<Fact>>, String> {
        let book = match self.book.get() {
            Some(book) => book,
            None => {
                let book = Book::open(&self.dir, &|_, _| ()).map_err(|error| error.to_string())?;
                self.book.get_or_init(|| book)
            }
        };
        // Everything that is recorded and not corrected counts, whenever it claims to have been.
        let lens = Lens { as_of: Time::MAX, as_known: book.ledger().size().saturating_sub(1) };
        book.views().view(lens).find(key).map_err(|error| error.to_string())
    }

    fn builds(&self, key: &Key) -> Result<Vec<Build>, String> {
        let facts = self.find(key)?;
        let builds = facts.iter().filter_map(|fact| match fact.body() {
            Body::BuildCompleted(build) if has_succeeded(build) => Some(Build {
                seq: fact.seq,
                component: fact.event.component().to_owned(),
                version: build.version.to_string(),
                digest: build.digest.to_string(),
                commit: build.commit.to_string(),
                run_id: run_of(fact, build.run_url.as_deref()),
            }),
            _ => None,
        });
        Ok(builds.collect())
    }
}

/// A failed build made no artifact that anything could be joined with.
fn has_succeeded(build: &BuildCompleted) -> bool {
    build.outcome.as_deref().is_none_or(|outcome| outcome == "succeeded")
}

/// Returns the run that a build names, by its id or in the address of the run.
fn run_of(fact: &Fact, url: Option<&str>) -> Option<String> {
    let source = fact.event.header.source.as_ref();
    let named = source.and_then(|source| source.get("run_id")).and_then(|run| match run {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    });
    named.or_else(|| {
        let (_, rest) = url?.split_once("/actions/runs/")?;
        rest.split('/').next().map(str::to_owned)
    })
}

impl fmt::Debug for BookRecords {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BookRecords").field("dir", &self.dir).finish_non_exhaustive()
    }
}

impl Recorded for BookRecords {
    fn builds_of_commit(&self, commit: &str) -> Result<Vec<Build>, String> {
        self.builds(&Key::BuildCommit { commit: commit.to_owned() })
    }

    fn builds_of_version(&self, component: &str, version: &str) -> Result<Vec<Build>, String> {
        let (component, version) = (component.to_owned(), version.to_owned());
        self.builds(&Key::BuildVersion { component, version })
    }

    fn builds_of_digest(&self, component: &str, digest: &str) -> Result<Vec<Build>, String> {
        let (component, digest) = (component.to_owned(), digest.to_owned());
        self.builds(&Key::BuildDigest { component, digest })
    }

    fn run(&self, run_id: &str) -> Result<Vec<Run>, String> {
        let facts = self.find(&Key::Run { run_id: run_id.to_owned() })?;
        let commit = |fact: &Fact| match fact.body() {
            Body::CheckCompleted(check) => check.commit.as_ref().map(ToString::to_string),
            Body::BuildCompleted(build) => Some(build.commit.to_string()),
            _ => None,
        };
        Ok(facts.iter().map(|fact| Run { seq: fact.seq, commit: commit(fact) }).collect())
    }

    fn deploy(&self, deploy_id: &str) -> Result<Option<Deploy>, String> {
        let facts = self.find(&Key::Deploy { deploy_id: deploy_id.to_owned() })?;
        let ended = facts.iter().any(|fact| matches!(fact.body(), Body::DeployFinished(_)));
        Ok(facts.iter().find_map(|fact| match fact.body() {
            Body::DeployStarted(start) => Some(Deploy {
                seq: fact.seq,
                component: fact.event.component().to_owned(),
                targets: start.targets.iter().map(ToString::to_string).collect(),
                ended,
            }),
            _ => None,
        }))
    }

    fn tag(&self, component: &str, tag: &str) -> Result<Option<Tag>, String> {
        let (component, tag) = (component.to_owned(), tag.to_owned());
        let facts = self.find(&Key::Tag { component, tag })?;
        Ok(facts.last().and_then(|fact| match fact.body() {
            Body::TagCreated(tag) => Some(Tag { seq: fact.seq, commit: tag.commit.to_string() }),
            Body::TagMoved(tag) => Some(Tag { seq: fact.seq, commit: tag.commit.to_string() }),
            _ => None,
        }))
    }

    fn commit(&self, component: &str, commit: &str) -> Result<Option<u64>, String> {
        let facts = self.find(&Key::Commit { commit: commit.to_owned() })?;
        let of = facts.iter().find(|fact| fact.event.component() == component);
        Ok(of.map(|fact| fact.seq))
    }
}
