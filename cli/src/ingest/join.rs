//! From a commit, version or run to the artifact, through what the book has recorded.
//!
//! Each link that is used is kept in `source.joined`, with the seq of the event that says so. A
//! missing link is named and nothing is guessed: two builds of one commit with different digests
//! are two artifacts, and only the caller can say which one was meant.

use serde_json::{Value, json};

use super::draft::{Draft, Trust};
use super::error::IngestError;
use super::recorded::{Build, Recorded};
use super::scope::Asked;

const RECORD_OR_GIVE: &str = "record the build (`relbook append build`, or ingest its provenance) and ingest this again, \
     or say --digest and --version";

/// What is known of the artifact.
#[derive(Debug, Clone, Copy, Default)]
pub(in crate::ingest) struct Sought<'a> {
    pub(in crate::ingest) component: &'a str,
    pub(in crate::ingest) commit: Option<&'a str>,
    pub(in crate::ingest) version: Option<&'a str>,
    pub(in crate::ingest) run: Option<&'a str>,
    /// The digest that the source itself names.
    pub(in crate::ingest) digest: Option<&'a str>,
}

/// The artifact, and how it was found.
#[derive(Debug, Clone)]
pub(in crate::ingest) struct Joined {
    pub(in crate::ingest) digest: String,
    /// Absent when a digest was given that no build is recorded of.
    pub(in crate::ingest) version: Option<String>,
    links: Vec<Value>,
}

impl Joined {
    /// Writes the artifact and the links into an event.
    pub(in crate::ingest) fn put(&self, draft: &mut Draft) {
        draft.put("version", json!(self.version));
        draft.put("digest", json!(self.digest));
        if !self.links.is_empty() {
            draft.source("joined", Value::Array(self.links.clone()));
            // The channel proved what the source said, and it did not say this.
            draft.trust_field("digest", Trust::Asserted);
            draft.trust_field("version", Trust::Asserted);
        }
    }
}

/// Finds the artifact.
///
/// # Errors
/// [`IngestError::MissingLink`] naming the link, [`IngestError::BadDigest`].
pub(in crate::ingest) fn artifact(
    asked: &Asked<'_>,
    sought: &Sought<'_>,
) -> Result<Joined, IngestError> {
    let given = asked.context.digest.as_deref();
    if let (Some(given), Some(named)) = (given, sought.digest)
        && given != named
    {
        let link = format!("it names {named}, not {given}");
        return Err(missing(asked, link, "give its own digest, or leave --digest out"));
    }
    let version = asked.context.version.as_deref().or(sought.version);
    if let Some(digest) = given.or(sought.digest) {
        return by_digest(asked, sought, digest, version);
    }
    let mut links = Vec::new();
    if let (Some(run), Some(commit)) = (sought.run, sought.commit) {
        links.push(run_link(asked, run, commit)?);
    }
    let (builds, from) = candidates(asked, sought, version)?;
    let build = chosen(asked, sought, &builds, &from)?;
    links.push(json!({"from": from, "to": build.digest, "seq": build.seq}));
    if let (Some(version), true) = (version, sought.commit.is_some())
        && version != build.version
    {
        let (seq, other) = (build.seq, &build.version);
        let link = format!("the build of {from} (seq {seq}) is version {other}, not {version}");
        return Err(missing(asked, link, "give the version that was built"));
    }
    Ok(Joined { digest: build.digest.clone(), version: Some(build.version.clone()), links })
}

fn by_digest(
    asked: &Asked<'_>,
    sought: &Sought<'_>,
    digest: &str,
    version: Option<&str>,
) -> Result<Joined, IngestError> {
    relbook_ledger::event::Digest::parse(digest)
        .map_err(|reason| IngestError::BadDigest { reason })?;
    let builds = ask(asked, |book| book.builds_of_digest(sought.component, digest))?;
    let same_version = |build: &&Build| version.is_none_or(|version| version == build.version);
    let same_commit = |build: &&Build| sought.commit.is_none_or(|commit| commit == build.commit);
    if let Some(build) = builds.iter().filter(same_commit).find(same_version) {
        let links = vec![json!({"from": digest, "to": build.version, "seq": build.seq})];
        let version = Some(build.version.clone());
        return Ok(Joined { digest: digest.to_owned(), version, links });
    }
    if let Some(build) = builds.first() {
        let Build { seq, version, commit, .. } = build;
        let link =
            format!("{digest} is recorded as version {version} of commit {commit} (seq {seq})");
        return Err(missing(asked, link, "give the digest of the artifact that is meant"));
    }
    let version = version.map(str::to_owned);
    Ok(Joined { digest: digest.to_owned(), version, links: Vec::new() })
}

/// Says what ties a run to its commit: the source does, and the book must not say otherwise.
fn run_link(asked: &Asked<'_>, run: &str, commit: &str) -> Result<Value, IngestError> {
    let recorded = ask(asked, |book| book.run(run))?;
    if let Some(other) =
        recorded.iter().find(|of_run| of_run.commit.as_deref().is_some_and(|c| c != commit))
    {
        let found = other.commit.as_deref().unwrap_or_default();
        let link = format!(
            "the run {run} is recorded as of commit {found} (seq {}), and here it is of {commit}",
            other.seq
        );
        return Err(missing(asked, link, "find out which of the two is true"));
    }
    let seq = recorded.iter().find(|of_run| of_run.commit.is_some()).map(|of_run| of_run.seq);
    Ok(json!({"from": format!("run {run}"), "to": format!("commit {commit}"), "seq": seq}))
}

fn candidates(
    asked: &Asked<'_>,
    sought: &Sought<'_>,
    version: Option<&str>,
) -> Result<(Vec<Build>, String), IngestError> {
    if let Some(commit) = sought.commit {
        let mut builds = ask(asked, |book| book.builds_of_commit(commit))?;
        builds.retain(|build| build.component == sought.component);
        return Ok((builds, format!("commit {commit}")));
    }
    let Some(version) = version else {
        return Err(missing(asked, "it names neither commit nor version".to_owned(), GIVE));
    };
    let builds = ask(asked, |book| book.builds_of_version(sought.component, version))?;
    Ok((builds, format!("version {version}")))
}

const GIVE: &str = "say --digest and --version";

fn chosen<'b>(
    asked: &Asked<'_>,
    sought: &Sought<'_>,
    builds: &'b [Build],
    from: &str,
) -> Result<&'b Build, IngestError> {
    let of_run: Vec<&Build> = builds
        .iter()
        .filter(|build| sought.run.is_some() && build.run_id.as_deref() == sought.run)
        .collect();
    let fit: Vec<&Build> = if of_run.is_empty() { builds.iter().collect() } else { of_run };
    let Some(last) = fit.last() else {
        let link = format!("no build of {from} is recorded for `{}`", sought.component);
        return Err(missing(asked, link, RECORD_OR_GIVE));
    };
    if fit.iter().any(|build| build.digest != last.digest || build.version != last.version) {
        let shown: Vec<String> = fit
            .iter()
            .map(|build| format!("{} {} (seq {})", build.version, build.digest, build.seq))
            .collect();
        let link = format!("{} builds of {from} differ: {}", fit.len(), shown.join(", "));
        return Err(missing(asked, link, "choose with --digest"));
    }
    Ok(last)
}

/// Asks the book; without one nothing is recorded.
pub(in crate::ingest) fn ask<T: Default>(
    asked: &Asked<'_>,
    question: impl FnOnce(&dyn Recorded) -> Result<T, String>,
) -> Result<T, IngestError> {
    let Some(book) = &asked.context.recorded else { return Ok(T::default()) };
    let file = || asked.document.name().to_owned();
    question(book.as_ref()).map_err(|reason| IngestError::Book { file: file(), reason })
}

fn missing(asked: &Asked<'_>, link: String, remedy: &'static str) -> IngestError {
    IngestError::MissingLink {
        file: asked.document.name().to_owned(),
        what: asked.what.to_owned(),
        link,
        remedy,
    }
}
