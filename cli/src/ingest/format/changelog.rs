//! A CHANGELOG in Markdown, as release-please and people write it (ingest.md 3.12).
//!
//! Anybody can edit it at any time, so it is evidence beside a claim and never a claim of its own:
//! component, version and digest come from the caller, and the page must have a heading for that
//! version. Beside a manifest it says only whether it names the version.

use serde_json::{Value, json};

use crate::ingest::document::Document;
use crate::ingest::draft::{Draft, Origin};
use crate::ingest::error::IngestError;
use crate::ingest::release::{given_digest, missing, refused, version};
use crate::ingest::{Context, Reader};

/// The reader of a CHANGELOG.
pub(super) struct Changelog;

const ORIGIN: Origin<'static> =
    Origin { system: "changelog", reader: "changelog", format: "changelog-markdown" };

impl Reader for Changelog {
    fn name(&self) -> &'static str {
        "changelog"
    }

    fn detect(&self, document: &Document) -> bool {
        let text = document.text();
        let title = text.lines().find(|line| !line.trim().is_empty()).unwrap_or_default();
        let title = title.trim_start_matches('#').trim().to_ascii_lowercase();
        let named = title.starts_with("changelog") || title.starts_with("change log");
        let is_text = document.json().is_none() && document.xml().is_none();
        is_text && document.parts().is_empty() && (named || headings(text).next().is_some())
    }

    fn accompanies(&self) -> Option<&'static str> {
        Some("release-please-manifest")
    }

    fn read(&self, document: &Document, context: &Context) -> Result<Vec<Value>, IngestError> {
        let beside =
            |other: &Document| other.json().is_some_and(super::release_please::may_be_manifest);
        if context.beside.iter().any(beside) {
            return Ok(Vec::new());
        }
        let component = context.component(document)?;
        let Some(given) = &context.version else {
            return Err(missing(
                document,
                "version",
                "a CHANGELOG can be edited by anybody and proves no release; it is kept as \
                 evidence of the one that --version and --digest name (tags come with `relbook \
                 import git`)",
            ));
        };
        let version = version(document, context, component, given)?;
        let Some(heading) = headings(document.text()).find(|heading| heading.version == version)
        else {
            return Err(refused(document, format!("it has no heading for version {version}")));
        };
        let digest = given_digest(
            document,
            context,
            "a CHANGELOG holds no digest; give --digest sha256:... of what was published",
        )?;
        let mut draft = Draft::new("release.published", ORIGIN, document, context, None);
        draft.put("component", json!(component));
        draft.put("version", json!(version));
        draft.put("digest", json!(digest));
        draft.put("commit", json!(context.commit));
        draft.once(document, &[&version, &digest]);
        draft.label("changelog_date", heading.date);
        draft.label("compared", heading.link);
        draft.label("editable", Some("true"));
        Ok(vec![Value::Object(draft.finish())])
    }
}

/// Says on an event whether a CHANGELOG of the same call names the version.
pub(super) fn mark(draft: &mut Draft, context: &Context, version: &str) {
    let pages = context.beside.iter().filter(|document| Changelog.detect(document));
    for page in pages {
        let named = headings(page.text()).any(|heading| heading.version == version);
        if named {
            draft.also_from(page);
        }
        draft.label("changelog", Some(if named { "names it" } else { "does not name it" }));
    }
}

/// A heading of one version.
struct Heading<'a> {
    version: &'a str,
    /// The link behind it: the two tags that it compares.
    link: Option<&'a str>,
    date: Option<&'a str>,
}

/// Reads `## [1.2.0](link) (2026-06-10)`, `# 1.2.0 - 2026-06-10`, `### v1.2.0`,
/// `## Version 1.2.0`.
fn headings(text: &str) -> impl Iterator<Item = Heading<'_>> {
    text.lines().filter_map(|line| {
        let title = line.trim_end().strip_prefix('#')?.trim_start_matches('#').trim();
        let word = ["Version ", "Release "].iter().find_map(|word| title.strip_prefix(word));
        let title = word.unwrap_or(title);
        let (name, rest) = match title.strip_prefix('[') {
            Some(inside) => inside.split_once(']')?,
            None => title.split_once(' ').unwrap_or((title, "")),
        };
        let version = name.strip_prefix('v').unwrap_or(name);
        let numbers = version.split('.').count() >= 3;
        if !numbers || !version.starts_with(|c: char| c.is_ascii_digit()) {
            return None;
        }
        let link = rest.strip_prefix('(').and_then(|rest| rest.split_once(')'));
        let is_date = |word: &&str| {
            let word = word.as_bytes();
            word.len() == 10 && word[4] == b'-' && word[7] == b'-' && word[0].is_ascii_digit()
        };
        let behind = link.map_or(rest, |(_, rest)| rest);
        let date = behind.split(['(', ')', ' ']).find(is_date);
        Some(Heading { version, link: link.map(|(link, _)| link), date })
    })
}
