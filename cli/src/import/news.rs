//! What of an imported history the book does not have yet.
//!
//! A commit or tag is known by what it is, not by the id of its event: a CI job may have recorded
//! it first, with its reviewers. A tag that the book has on another commit has been moved. What was
//! corrected in the book stays corrected: its id is taken, and it is not brought back.

use relbook_ledger::event::Body;
use relbook_ledger::time::Time;
use relbook_query::Book;
use relbook_query::release::{Facts, FactsError, Key, Lens};
use serde_json::{Map, Value};
use uuid::Uuid;

use super::git::{self, Before, Warning};
use crate::error::Error;

/// The events to append, and what was left out.
#[derive(Debug, Default)]
pub struct News {
    /// What the book does not have, in the order of the import.
    pub events: Vec<Map<String, Value>>,
    /// How many events the book has already.
    pub known: usize,
    /// How many of `events` are tags that were moved.
    pub moved: usize,
    /// What the user should know.
    pub warnings: Vec<Warning>,
}

/// Compares imported events with the book; `progress` is called with how many were compared.
///
/// # Errors
/// [`Error::NotDone`] when the book cannot be read.
pub fn news(
    book: &Book,
    component: &str,
    events: Vec<Map<String, Value>>,
    progress: &dyn Fn(u64),
) -> Result<News, Error> {
    // Everything that was ever recorded counts, whenever it claims to have happened.
    let lens = Lens { as_of: Time::MAX, as_known: book.ledger().size().saturating_sub(1) };
    let view = book.views().view(lens);
    let mut news = News::default();
    let mut other_path = 0_usize;
    for (done, event) in events.into_iter().enumerate() {
        let known = if text(&event, "kind") == "tag.created" {
            tag(&view, component, &event)
        } else {
            commit(&view, component, &event)
        };
        let known = known.map_err(|error| Error::not_done("damaged", error.to_string()))?;
        let event = match known {
            Known::Not => event,
            Known::Elsewhere { commit, at, seq } => {
                let detail = format!(
                    "{}: {commit} before, now {}",
                    text(&event, "tag"),
                    text(&event, "commit")
                );
                news.warnings.push(Warning { code: "tag_moved", detail });
                news.moved += 1;
                git::moved(event, Before { commit: &commit, at, seq })
            }
            Known::Same { touches } => {
                other_path += usize::from(!touches);
                news.known += 1;
                continue;
            }
        };
        if has_id(book, &event)? {
            news.known += 1;
        } else {
            news.events.push(event);
        }
        progress(done as u64 + 1);
    }
    if other_path > 0 {
        let detail = format!(
            "{other_path} commits stand in the book as of another --path; what is recorded stays, \
             so differences follow the path of the first import"
        );
        news.warnings.push(Warning { code: "other_path", detail });
    }
    Ok(news)
}

/// What the book knows of a commit or tag.
enum Known {
    /// Nothing.
    Not,
    /// The same; `touches` tells whether it says the same of the component's path.
    Same { touches: bool },
    /// A tag on another commit.
    Elsewhere { commit: String, at: Time, seq: u64 },
}

fn commit(
    facts: &dyn Facts,
    component: &str,
    event: &Map<String, Value>,
) -> Result<Known, FactsError> {
    let key = Key::Commit { commit: text(event, "commit").to_owned() };
    let touches = event.get("touches_component").and_then(Value::as_bool).unwrap_or(true);
    for fact in facts.find(&key)? {
        if let Body::CommitMerged(merge) = fact.body()
            && fact.event.component() == component
        {
            let touches = merge.touches_component.unwrap_or(true) == touches;
            return Ok(Known::Same { touches });
        }
    }
    Ok(Known::Not)
}

fn tag(
    facts: &dyn Facts,
    component: &str,
    event: &Map<String, Value>,
) -> Result<Known, FactsError> {
    let version = text(event, "version").to_owned();
    let key = Key::TagVersion { component: component.to_owned(), version };
    // Newest first: where the book says that it is.
    for fact in facts.find(&key)?.iter().rev() {
        let (tag, commit) = match fact.body() {
            Body::TagCreated(tag) => (&tag.tag, &tag.commit),
            Body::TagMoved(tag) => (&tag.tag, &tag.commit),
            _ => continue,
        };
        // Two tags may name one version.
        if **tag != *text(event, "tag") {
            continue;
        }
        return Ok(match **commit == *text(event, "commit") {
            true => Known::Same { touches: true },
            false => {
                let moment = fact.moment();
                Known::Elsewhere { commit: commit.to_string(), at: moment.at, seq: moment.seq }
            }
        });
    }
    Ok(Known::Not)
}

/// Tells whether an event of this id was ever recorded, though the view may not show it.
fn has_id(book: &Book, event: &Map<String, Value>) -> Result<bool, Error> {
    let Ok(id) = Uuid::parse_str(text(event, "id")) else { return Ok(false) };
    Ok(book.ledger().find(id)?.is_some())
}

fn text<'a>(event: &'a Map<String, Value>, name: &str) -> &'a str {
    event.get(name).and_then(Value::as_str).unwrap_or_default()
}
