//! Tags: which ones are releases of the component, where they point, and their events.
//!
//! A pattern has one `*`, which stands for the version (`flagd/v*`). A version that does not
//! parse under the component's scheme skips the tag with the reason: it is never repaired. A
//! signature is noted by its kind only; who signed is for a verifier to say, not for an importer.

use relbook_ledger::version::Scheme;
use serde_json::{Map, Value, json};

use super::commit::{self, Commits};
use super::process::{Git, GitError, records, utf8};
use super::{Import, Options, id};

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
    /// When the tag was made, in seconds; a lightweight tag does not say.
    pub(super) made_at: Option<i64>,
    annotated: bool,
    tagger: String,
    signature: Option<&'static str>,
}

const FORMAT: &str = "--format=%(refname:lstrip=2)%00%(objecttype)%00%(objectname)%00\
                      %(*objecttype)%00%(*objectname)%00%(taggerdate:unix)%00%(taggername)%00\
                      %(contents:signature)%00";

/// Reads the tags that match, oldest first as far as they say.
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
        if changed {
            found.skipped.push(skip("its name is not UTF-8"));
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
            made_at: utf8(date).0.parse().ok(),
            annotated,
            tagger: utf8(tagger).0,
            signature: signature_kind(&signature),
            name,
        });
    }
    if tags.is_empty() {
        found.warn("no_matching_tags", no_match(options, &others));
    }
    tags.sort_by(|a, b| (a.made_at, &a.name).cmp(&(b.made_at, &b.name)));
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

/// Tells the kind of a signature by its armour.
fn signature_kind(armour: &[u8]) -> Option<&'static str> {
    let starts = |text: &str| armour.starts_with(text.as_bytes());
    if starts("-----BEGIN PGP ") {
        Some("gpg")
    } else if starts("-----BEGIN SSH SIGNATURE") {
        Some("ssh")
    } else if starts("-----BEGIN SIGNED MESSAGE") {
        Some("x509")
    } else {
        (!armour.is_empty()).then_some("unknown")
    }
}

/// Adds the events of tags, by time.
pub(super) fn events(options: &Options<'_>, tags: Vec<Tag>, commits: &Commits, found: &mut Import) {
    let mut timed: Vec<(i64, Tag)> = tags
        .into_iter()
        .map(|tag| {
            let committed = commits.time_of(&tag.commit).unwrap_or_default();
            (tag.made_at.unwrap_or(committed), tag)
        })
        .collect();
    timed.sort_by(|a, b| (a.0, &a.1.name).cmp(&(b.0, &b.1.name)));
    found.tags = timed.len();
    for (seconds, tag) in timed {
        found.events.push(event(options.component, seconds, &tag));
    }
}

fn event(component: &str, seconds: i64, tag: &Tag) -> Value {
    let id = id::id(seconds, &["tag.created", component, &tag.name, &tag.commit]);
    let mut labels = Map::new();
    let kind = if tag.annotated { "annotated" } else { "lightweight" };
    labels.insert("imported".to_owned(), json!("true"));
    labels.insert("tag_kind".to_owned(), json!(kind));
    if tag.annotated {
        labels.insert("tagger".to_owned(), json!(super::message::author(&tag.tagger)));
    }
    if let Some(signature) = tag.signature {
        labels.insert("signature".to_owned(), json!(signature));
    }
    json!({
        "id": id.to_string(),
        "kind": "tag.created",
        "occurred_at": commit::time_text(seconds),
        "component": component,
        "tag": tag.name,
        "version": tag.version,
        "commit": tag.commit,
        "labels": labels,
        "source": commit::source(),
    })
}
