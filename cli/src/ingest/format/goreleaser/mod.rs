//! What goreleaser leaves in `dist/`: metadata.json, artifacts.json, checksums.txt (ingest.md 3.11).
//!
//! metadata.json has version and commit, artifacts.json the files and their platforms, and
//! checksums.txt is what is signed: its digest is the release (semantics A.3). Given in one call
//! they are one build and one publish. Numbers of `internal_type` change between versions and are
//! never read.

mod artifacts;
mod checksums;
mod metadata;

use serde_json::{Value, json};

use crate::ingest::document::Document;
use crate::ingest::draft::{Draft, Origin};
use crate::ingest::error::IngestError;
use crate::ingest::json::Place;
use crate::ingest::release::{commit, missing, no_release, refused, version};
use crate::ingest::time::ReportTime;
use crate::ingest::{Context, Reader, time};

use artifacts::Artifact;
use checksums::Sums;

/// The reader of metadata.json.
pub(super) struct Metadata;

/// The reader of artifacts.json.
pub(super) struct Artifacts;

/// The reader of checksums.txt.
pub(super) struct Checksums;

const METADATA: Origin<'static> =
    Origin { system: "goreleaser", reader: "goreleaser", format: "goreleaser-metadata" };
const ARTIFACTS: Origin<'static> =
    Origin { system: "goreleaser", reader: "goreleaser-artifacts", format: "goreleaser-artifacts" };
const CHECKSUMS: Origin<'static> =
    Origin { system: "checksums", reader: "checksums", format: "checksums" };

impl Reader for Metadata {
    fn name(&self) -> &'static str {
        "goreleaser"
    }

    fn detect(&self, document: &Document) -> bool {
        let has = |json: &Value, key: &str| json.get(key).is_some();
        document.json().is_some_and(|json| {
            ["project_name", "tag", "previous_tag", "version"].iter().all(|key| has(json, key))
        })
    }

    fn read(&self, document: &Document, context: &Context) -> Result<Vec<Value>, IngestError> {
        events(&metadata::read(document, context)?, document, context)
    }
}

impl Reader for Artifacts {
    fn name(&self) -> &'static str {
        "goreleaser-artifacts"
    }

    fn detect(&self, document: &Document) -> bool {
        let is_artifact = |entry: &Value| {
            ["name", "type", "internal_type"].iter().all(|key| entry.get(key).is_some())
        };
        let list = document.json().and_then(Value::as_array);
        list.is_some_and(|list| !list.is_empty() && list.iter().all(is_artifact))
    }

    fn read(&self, document: &Document, context: &Context) -> Result<Vec<Value>, IngestError> {
        artifacts::read(document)?;
        alone(document, context, ARTIFACTS, "artifacts.json names neither version nor commit")
    }
}

impl Reader for Checksums {
    fn name(&self) -> &'static str {
        "checksums"
    }

    fn detect(&self, document: &Document) -> bool {
        checksums::detect(document)
    }

    fn read(&self, document: &Document, context: &Context) -> Result<Vec<Value>, IngestError> {
        Sums::read(document)?;
        // Of the two files, artifacts.json tells more.
        if context.beside.iter().any(|other| Artifacts.detect(other)) {
            return Ok(Vec::new());
        }
        let why = "a list of checksums names neither version nor commit";
        alone(document, context, CHECKSUMS, why)
    }
}

/// Gives no event of its own for a file whose facts enter with those of metadata.json; without
/// that, version and commit are the caller's.
fn alone(
    document: &Document,
    context: &Context,
    origin: Origin<'static>,
    why: &str,
) -> Result<Vec<Value>, IngestError> {
    if context.beside.iter().any(|other| Metadata.detect(other)) {
        return Ok(Vec::new());
    }
    let (Some(raw), Some(_)) = (&context.version, &context.commit) else {
        let field = if context.version.is_none() { "version" } else { "commit" };
        let how = "give metadata.json in the same call, or --version and --commit";
        return Err(missing(document, field, format!("{why}; {how}")));
    };
    let component = context.component(document)?.to_owned();
    let version = version(document, context, &component, raw)?;
    let commit = commit(document, context, None)?;
    let (time, tag, previous_tag, project) = (None, None, None, None);
    let facts = Facts { origin, component, version, commit, time, tag, previous_tag, project };
    events(&facts, document, context)
}

/// Makes the events of a release: its build, and its publication where users fetch it.
fn events(
    facts: &Facts,
    document: &Document,
    context: &Context,
) -> Result<Vec<Value>, IngestError> {
    let dist = Dist::beside(context)?;
    let digest = dist.digest(document, context, &facts.component)?;
    let mut build = facts.draft("build.completed", document, context);
    build.put("commit", json!(facts.commit));
    build.put("digest", json!(digest));
    // Anybody can write a list of checksums, and it says nothing of a publication.
    let only_sums = facts.origin.format == CHECKSUMS.format;
    build.put("builder", json!((!only_sums).then_some("goreleaser")));
    build.once(document, &[&facts.version, &digest]);
    let members = dist.members();
    let platforms: Vec<&Value> = members.iter().map(|member| &member["platform"]).collect();
    if !members.is_empty() {
        build.put("platforms", json!(platforms));
        build.put("members", json!(members));
    }
    dist.mark(&mut build);
    let mut events = vec![Value::Object(build.finish())];
    let model = context.registry.component(&facts.component).map(|c| c.spec.release_model);
    let deployed = model == Some(relbook_ledger::event::ReleaseModel::Deployed);
    // A run that built binaries only (`goreleaser build`) has nothing that users could fetch.
    if !deployed && !only_sums && dist.may_be_published() {
        let mut publish = facts.draft("release.published", document, context);
        publish.put("digest", json!(digest));
        publish.put("commit", json!(facts.commit));
        publish.once(document, &[&facts.version, &digest]);
        dist.mark(&mut publish);
        events.push(Value::Object(publish.finish()));
    }
    Ok(events)
}

/// What metadata.json says, or the caller.
struct Facts {
    origin: Origin<'static>,
    component: String,
    version: String,
    commit: String,
    time: Option<ReportTime>,
    tag: Option<String>,
    previous_tag: Option<String>,
    project: Option<String>,
}

impl Facts {
    fn draft(&self, kind: &str, document: &Document, context: &Context) -> Draft {
        let mut draft = Draft::new(kind, self.origin, document, context, self.time.as_ref());
        draft.put("component", json!(self.component));
        draft.put("version", json!(self.version));
        draft.label("tag", self.tag.clone());
        draft.label("previous_tag", self.previous_tag.clone());
        draft.label("project_name", self.project.clone());
        draft
    }
}

/// The other files of the same `dist/`, as far as they were given.
struct Dist<'a> {
    artifacts: Option<(&'a Document, Vec<Artifact>)>,
    sums: Option<(&'a Document, Sums)>,
}

impl<'a> Dist<'a> {
    fn beside(context: &'a Context) -> Result<Self, IngestError> {
        let mut dist = Self { artifacts: None, sums: None };
        for document in context.beside.iter() {
            let twice =
                || refused(document, "a second file of its kind; give those of one release");
            if Artifacts.detect(document) {
                if dist.artifacts.is_some() {
                    return Err(twice());
                }
                dist.artifacts = Some((document, artifacts::read(document)?));
            } else if Checksums.detect(document) {
                if dist.sums.is_some() {
                    return Err(twice());
                }
                dist.sums = Some((document, Sums::read(document)?));
            } else if Metadata.detect(document)
                && context.beside.iter().filter(|other| Metadata.detect(other)).count() > 1
            {
                return Err(twice());
            }
        }
        if let (Some((_, artifacts)), Some((document, sums))) = (&dist.artifacts, &dist.sums) {
            sums.check(document, artifacts)?;
        }
        Ok(dist)
    }

    /// Returns the digest of the release: that of checksums.txt, or of the image.
    fn digest(
        &self,
        document: &Document,
        context: &Context,
        component: &str,
    ) -> Result<String, IngestError> {
        let registered = context.registry.component(component);
        let kind = registered.and_then(|component| component.spec.artifact.as_deref());
        let held = match (&self.sums, &self.artifacts) {
            (_, Some((_, artifacts))) if kind == Some("oci-image") => {
                artifacts::image(document, artifacts)?
            }
            (Some((_, sums)), _) => Some(sums.digest.clone()),
            // Where nobody said what is released, an image is the only thing that can be.
            (None, Some((_, artifacts))) if kind.is_none() => {
                artifacts::image(document, artifacts)?
            }
            _ => None,
        };
        match (held, &context.digest) {
            (Some(held), Some(given)) if held != *given => Err(refused(
                document,
                format!(
                    "the release is {held} (digest of checksums.txt, or of the image), not {given}"
                ),
            )),
            (Some(held), _) => Ok(held),
            (None, _) => crate::ingest::release::given_digest(
                document,
                context,
                "it holds no digest of the release; give dist/checksums.txt (and \
                 dist/artifacts.json) in the same call, or --digest sha256:...",
            ),
        }
    }

    fn members(&self) -> Vec<Value> {
        let Some((_, artifacts)) = &self.artifacts else { return Vec::new() };
        artifacts::members(artifacts, self.sums.as_ref().map(|(_, sums)| sums))
    }

    fn may_be_published(&self) -> bool {
        self.artifacts.as_ref().is_none_or(|(_, all)| all.iter().any(Artifact::is_for_users))
    }

    fn mark(&self, draft: &mut Draft) {
        if let Some((document, artifacts)) = &self.artifacts {
            draft.also_from(document);
            draft.label("artifacts", Some(artifacts::kinds(artifacts)));
        }
        if let Some((document, sums)) = &self.sums {
            draft.also_from(document);
            draft.label("checksums", Some(sums.files.len().to_string()));
        }
    }
}
