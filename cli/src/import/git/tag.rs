//! Tags: which ones are releases of the component, where they point, and their events.
//!
//! A pattern has one `*`, which stands for the version (`flagd/v*`). A version that does not
//! parse under the component's scheme skips the tag with the reason: it is never repaired. A
//! signature is noted by its kind and by the key that it names; whether it holds is for a verifier to
//! say, not for an importer.

use relbook_ledger::time::Time;
use relbook_ledger::version::Scheme;
use serde_json::{Map, Value, json};

use crate::message;

use super::commit::{self, Commits};
use super::process::{Git, GitError, records, utf8};
use super::time::When;
use super::{Import, Options, id, signature};

/// Says why a text is no tag pattern.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is no tag pattern; write one * where the version stands, such as v* or cli/v*")]
pub struct PatternError {
    /// The pattern as given.
    pub text: String,
}

/// Which tags are releases: what stands before the version and what behind it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TagPattern {
    prefix: String,
    suffix: String,
}

impl TagPattern {
    /// Reads a pattern with exactly one `*`.
    ///
    /// # Errors
    /// [`PatternError`] for none or several.
    pub fn parse(text: &str) -> Result<Self, PatternError> {
        match text.split_once('*') {
            Some((prefix, suffix)) if !suffix.contains('*') => {
                Ok(Self { prefix: prefix.to_owned(), suffix: suffix.to_owned() })
            }
            _ => Err(PatternError { text: text.to_owned() }),
        }
    }

    /// Takes the registered prefix of a component.
    pub fn from_prefix(prefix: &str) -> Self {
        Self { prefix: prefix.to_owned(), suffix: String::new() }
    }

    /// Returns the version in a tag; `None` when the tag is of something else.
    pub fn version<'a>(&self, tag: &'a str) -> Option<&'a str> {
        let rest = tag.strip_prefix(&*self.prefix)?.strip_suffix(&*self.suffix)?;
        Some(rest).filter(|version| !version.is_empty())
    }
}

impl std::fmt::Display for TagPattern {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}*{}", self.prefix, self.suffix)
    }
}

/// A tag that matches the pattern and was left out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SkippedTag {
    /// The tag.
    pub tag: String,
    /// Why.
    pub reason: String,
}

/// A tag that is a release.
#[derive(Debug, Clone)]
pub(super) struct Tag {
    pub(super) name: String,
    version: String,
    pub(super) commit: String,
    /// When the tag was made; a lightweight tag does not say, nor do some very old ones.
    made_at: Option<When>,
    annotated: bool,
    tagger: String,
    signature: Vec<u8>,
}

impl Tag {
    /// Returns when the tag was made, as far as it or its commit say.
    pub(super) fn when<'a>(&'a self, commits: &'a Commits) -> Option<&'a When> {
        self.made_at.as_ref().or_else(|| commits.time_of(&self.commit))
    }
}

const FORMAT: &str = "--format=%(refname:lstrip=2)%00%(objecttype)%00%(objectname)%00\
                      %(*objecttype)%00%(*objectname)%00%(taggerdate:unix)%00%(taggername)%00\
                      %(contents:signature)%00";

/// Reads the tags that match, by name.
pub(super) fn read(
    git: &Git,
    options: &Options<'_>,
    found: &mut Import,
) -> Result<Vec<Tag>, GitError> {
    let bytes = git.lines(&["for-each-ref", "refs/tags", FORMAT], &[])?;
    let (mut tags, mut others) = (Vec::new(), Vec::new());
    for record in records::<8>(&bytes, "for-each-ref")? {
        let [name, kind, object, peeled_kind, peeled, date, tagger, signature] = record;
        let (name, changed) = utf8(name);
        let Some(version) = options.pattern.version(&name) else {
            others.push(name);
            continue;
        };
        let skip = |reason: &str| SkippedTag { tag: name.clone(), reason: reason.to_owned() };
        if changed || message::name(&name).as_ref() != Some(&name) {
            found.skipped.push(skip("its name is not UTF-8, or longer than 256 characters"));
            continue;
        }
        if let Err(reason) = check_version(options.scheme, version) {
            found.skipped.push(SkippedTag { tag: name, reason });
            continue;
        }
        let annotated = kind == b"tag";
        let direct = if annotated { (&peeled_kind, peeled) } else { (&kind, object) };
        let commit = match direct {
            (kind, commit) if kind == b"commit" => Some(utf8(commit).0),
            // A tag of a tag, or of something that is no commit.
            _ => git.commit_of(&format!("refs/tags/{name}")).unwrap_or_default(),
        };
        let Some(commit) = commit else {
            found.skipped.push(skip("it does not point to a commit"));
            continue;
        };
        tags.push(Tag {
            version: version.to_owned(),
            commit,
            made_at: (!date.is_empty()).then(|| When::read(&utf8(date).0, options.latest)),
            annotated,
            tagger: utf8(tagger).0,
            signature,
            name,
        });
    }
    if tags.is_empty() && found.skipped.is_empty() {
        found.warn("no_matching_tags", no_match(options, &others));
    }
    Ok(tags)
}

fn check_version(scheme: &Scheme, version: &str) -> Result<(), String> {
    scheme.parse_version(version).map(drop).map_err(|error| error.to_string())
}

fn no_match(options: &Options<'_>, others: &[String]) -> String {
    const SHOWN: usize = 3;
    let pattern = &options.pattern;
    if others.is_empty() {
        return format!("no tag is a release under {pattern}; only commits are imported");
    }
    let some = others.iter().rev().take(SHOWN).cloned().collect::<Vec<_>>().join(", ");
    format!(
        "no tag matches {pattern}; there are {} others, such as {some}: give --tag-pattern",
        others.len()
    )
}

/// Adds the events of tags, by time.
pub(super) fn events(options: &Options<'_>, tags: Vec<Tag>, commits: &Commits, found: &mut Import) {
    let unknown = When { claimed: 0, recorded: Time::EPOCH, label: None };
    let mut timed: Vec<(When, Tag)> =
        tags.into_iter().map(|tag| (tag.when(commits).unwrap_or(&unknown).clone(), tag)).collect();
    timed.sort_by(|(a, first), (b, second)| {
        (a.recorded, &first.name).cmp(&(b.recorded, &second.name))
    });
    found.tags = timed.len();
    for (when, tag) in timed {
        found.events.push(event(options.component, &when, &tag));
    }
}

fn event(component: &str, when: &When, tag: &Tag) -> Map<String, Value> {
    let id = id::id(when.claimed, &["tag.created", component, &tag.name, &tag.commit]);
    let kind = if tag.annotated { "annotated" } else { "lightweight" };
    let mut labels = Map::from_iter([
        ("imported".to_owned(), json!("true")),
        ("tag_kind".to_owned(), json!(kind)),
    ]);
    if tag.annotated {
        labels.insert("tagger".to_owned(), json!(message::author(&tag.tagger)));
    }
    if let Some(claim) = &when.label {
        labels.insert("tagger_date".to_owned(), json!(claim));
    }
    if let Some(kind) = signature::kind(&tag.signature) {
        labels.insert("signature".to_owned(), json!(kind));
        labels.insert("signature_checked".to_owned(), json!("false"));
    }
    let fields = [
        ("id", json!(id.to_string())),
        ("kind", json!("tag.created")),
        ("occurred_at", json!(when.recorded)),
        ("component", json!(component)),
        ("tag", json!(tag.name)),
        ("version", json!(tag.version)),
        ("commit", json!(tag.commit)),
        ("signed_by", json!(signature::signer(&tag.signature))),
        ("labels", Value::Object(labels)),
        ("source", commit::source()),
    ];
    let present = fields.into_iter().filter(|(_, value)| !value.is_null());
    present.map(|(name, value)| (name.to_owned(), value)).collect()
}

/// Where a tag pointed, as the book has it.
#[derive(Debug, Clone, Copy)]
pub struct Before<'a> {
    /// The commit.
    pub commit: &'a str,
    /// Since when.
    pub at: Time,
    /// The event that says so.
    pub seq: u64,
}

/// Makes of a `tag.created` the `tag.moved` that it is when the book has the tag elsewhere.
///
/// When a tag was moved stands nowhere in git. An annotated tag says when it was made; when it
/// does not, or says a time before the tag was last known elsewhere, it is the time of the import,
/// which the caller fills in where `occurred_at` is left out.
pub fn moved(mut event: Map<String, Value>, before: Before<'_>) -> Map<String, Value> {
    let text = |name: &str| event.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
    let (component, tag, commit) = (text("component"), text("tag"), text("commit"));
    let annotated = event.get("labels").and_then(|labels| labels.get("tag_kind"));
    let annotated = annotated.and_then(Value::as_str) == Some("annotated");
    let made_at = Time::parse(&text("occurred_at")).unwrap_or_default();
    if !annotated || made_at <= before.at {
        event.shift_remove("occurred_at");
    }
    let seq = before.seq.to_string();
    let id = id::id(
        made_at.micros() / 1_000_000,
        &["tag.moved", &component, &tag, before.commit, &commit, &seq],
    );
    event.insert("id".to_owned(), json!(id.to_string()));
    event.insert("kind".to_owned(), json!("tag.moved"));
    event.insert("previous_commit".to_owned(), json!(before.commit));
    event
}
