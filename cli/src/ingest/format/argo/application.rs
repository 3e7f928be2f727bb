//! An Argo CD Application's memory of its last syncs (ingest.md 3.15).
//!
//! `status.history` holds successful full syncs only, the last ten as a rule: no failures, no mark
//! of a rollback. Its revision is a commit of the *configuration* repository (or a chart's
//! version), never the application's commit. What ran is known by the image that the source pins,
//! by the live images for the newest entry, by the digest that was given for the newest, or by the
//! book's own build of the version; an entry without any is left out and said. Entries of one
//! revision and image are redeploys. Health is another thing than having been deployed.

use crate::ingest::deploy::{Deploy, Finish, Ground, History};
use crate::ingest::document::Document;
use crate::ingest::draft::Origin;
use crate::ingest::error::IngestError;
use crate::ingest::image::{self, Image};
use crate::ingest::json::Place;
use crate::ingest::kubernetes::{self, Object};
use crate::ingest::release::refused;
use crate::ingest::time::ReportTime;
use crate::ingest::{Context, time};

const ORIGIN: Origin<'static> =
    Origin { system: "argocd", reader: "argocd", format: "argocd-application/v1alpha1" };

/// An entry of the history.
struct Entry {
    id: String,
    order: u64,
    revisions: Vec<String>,
    started: Option<ReportTime>,
    deployed: Option<ReportTime>,
    username: Option<String>,
    automated: bool,
    artifact: Artifact,
}

/// What of an entry names the artifact of the component.
#[derive(Debug, Clone, Default, PartialEq)]
struct Artifact {
    digest: Option<String>,
    version: Option<String>,
}

impl Entry {
    fn same_content(&self, other: &Self) -> bool {
        self.revisions == other.revisions && self.artifact == other.artifact
    }
}

/// Reads the deploys of an Application.
pub(in crate::ingest) fn history(
    document: &Document,
    context: &Context,
) -> Result<History, IngestError> {
    let app = Object::of(document)?;
    let spec = app.top.at("spec")?;
    let status = app.top.at("status")?;
    let component = component(document, context, &app, spec.as_ref())?;
    let mut entries = Vec::new();
    if let Some(status) = &status {
        for entry in status.list("history")?.unwrap_or_default() {
            entries.push(self::entry(&entry, context, &component)?);
        }
    }
    entries.sort_by_key(|entry| entry.order);
    if entries.is_empty() {
        let reason = "it has no status.history: nothing was synced, or the status was left out \
                      (kubectl get -o json has it)";
        return Err(refused(document, reason));
    }
    let mut words = kubernetes::place_words(context, &app)?;
    words.extend(destination(spec.as_ref())?);
    let ground = Ground::find(document, context, &words)?;
    let live = match &status {
        Some(status) => live_image(status, context, &component, entries.last())?,
        None => None,
    };
    complete(document, context, &mut entries, live)?;
    let notes = match &status {
        Some(status) => notes(status)?,
        None => Vec::new(),
    };
    let about = About { document, context, component: &component, ground: &ground, app: &app };
    about.deploys(&entries, notes)
}

fn component(
    document: &Document,
    context: &Context,
    app: &Object<'_>,
    spec: Option<&Place<'_>>,
) -> Result<String, IngestError> {
    let mut names = kubernetes::component_words(context, app)?;
    if let Some(spec) = spec {
        for source in sources(spec)? {
            names.extend(source.text("chart")?);
            names.extend(source.text("path")?.and_then(|path| path.rsplit('/').next()));
        }
    }
    Ok(context.component_named(document, &names)?.to_owned())
}

/// Returns the source, or the sources of a multi-source Application.
fn sources<'a>(place: &Place<'a>) -> Result<Vec<Place<'a>>, IngestError> {
    match place.list("sources")? {
        Some(sources) if !sources.is_empty() => Ok(sources),
        _ => Ok(place.at("source")?.into_iter().collect()),
    }
}

fn destination<'a>(spec: Option<&Place<'a>>) -> Result<Vec<&'a str>, IngestError> {
    let Some(spec) = spec else { return Ok(Vec::new()) };
    let Some(destination) = spec.at("destination")? else { return Ok(Vec::new()) };
    let mut words = Vec::new();
    words.extend(destination.text("name")?);
    words.extend(destination.text("namespace")?);
    if let Some(server) = destination.text("server")? {
        let host = server.split_once("://").map_or(server, |(_, rest)| rest);
        words.extend(host.split(['/', ':']).next());
    }
    Ok(words)
}

fn entry(place: &Place<'_>, context: &Context, component: &str) -> Result<Entry, IngestError> {
    let started = time::at(place, "deployStartedAt")?;
    let deployed = time::at(place, "deployedAt")?;
    let order = place.count("id")?;
    let at = deployed.as_ref().map(|time| time.raw.clone()).unwrap_or_default();
    let mut revisions: Vec<String> = Vec::new();
    for revision in place.list("revisions")?.unwrap_or_default() {
        revisions.extend(revision.value().as_str().map(str::to_owned));
    }
    if revisions.is_empty() {
        revisions.extend(place.text("revision")?.map(str::to_owned));
    }
    let initiator = place.at("initiatedBy")?;
    let (username, automated) = match &initiator {
        Some(by) => (by.text("username")?.map(str::to_owned), by.is_true("automated")?),
        None => (None, false),
    };
    let artifact = artifact(place, &revisions, context, component)?;
    Ok(Entry {
        id: order.map_or(at, |id| id.to_string()),
        order: order.unwrap_or(0),
        revisions,
        started: started.or_else(|| deployed.clone()),
        deployed,
        username,
        automated,
        artifact,
    })
}

/// Reads the artifact that the entry's sources pin.
fn artifact(
    entry: &Place<'_>,
    revisions: &[String],
    context: &Context,
    component: &str,
) -> Result<Artifact, IngestError> {
    let registered = context.registry.component(component);
    let is_chart = registered.is_some_and(|c| c.spec.artifact.as_deref() == Some("helm-chart"));
    let (mut images, mut tags, mut digests) = (Vec::new(), Vec::new(), Vec::new());
    for (i, source) in sources(entry)?.iter().enumerate() {
        if is_chart {
            // The revision of a chart's source is the chart's version.
            if source.text("chart")?.is_some() {
                let version = revisions.get(i).cloned();
                return Ok(Artifact { digest: None, version });
            }
            continue;
        }
        if let Some(kustomize) = source.at("kustomize")? {
            for image in kustomize.list("images")?.unwrap_or_default() {
                let text = image.value().as_str().unwrap_or_default();
                images.push(Image::parse(text.rsplit('=').next().unwrap_or_default()));
            }
        }
        let Some(helm) = source.at("helm")? else { continue };
        for parameter in helm.list("parameters")?.unwrap_or_default() {
            let name = parameter.text("name")?.unwrap_or_default();
            let value = parameter.word("value")?.unwrap_or_default();
            match name.rsplit('.').next() {
                Some("tag") => tags.push(value),
                Some("digest") => digests.push(value),
                _ => {}
            }
        }
        if let Some(image) = helm.down(&["valuesObject", "image"])?
            && image.value().is_object()
        {
            tags.extend(image.word("tag")?);
            digests.extend(image.word("digest")?);
        }
    }
    if let Some(image) = image::of(&images, component, &context.registry) {
        tags = image.tag.iter().cloned().collect();
        digests = image.digest.iter().cloned().collect();
    }
    // Several tags are of several images, and nothing says which is whose.
    let version = match tags.as_slice() {
        [tag] => image::version(context, component, tag),
        _ => None,
    };
    let digest = match digests.as_slice() {
        [digest] => crate::ingest::digest::usable(Some(digest)),
        _ => None,
    };
    Ok(Artifact { digest, version })
}

/// Returns what runs now, when that is what the newest entry deployed.
fn live_image(
    status: &Place<'_>,
    context: &Context,
    component: &str,
    newest: Option<&Entry>,
) -> Result<Option<Artifact>, IngestError> {
    let (Some(newest), Some(sync)) = (newest, status.at("sync")?) else { return Ok(None) };
    let mut revisions: Vec<&str> = Vec::new();
    for revision in sync.list("revisions")?.unwrap_or_default() {
        revisions.extend(revision.value().as_str());
    }
    if revisions.is_empty() {
        revisions.extend(sync.text("revision")?);
    }
    if sync.text("status")? != Some("Synced") || revisions != newest.revisions {
        return Ok(None);
    }
    let Some(summary) = status.at("summary")? else { return Ok(None) };
    let mut images = Vec::new();
    for image in summary.list("images")?.unwrap_or_default() {
        images.push(Image::parse(image.value().as_str().unwrap_or_default()));
    }
    Ok(image::of(&images, component, &context.registry).map(|image| Artifact {
        digest: image.digest.clone(),
        version: image.tag.as_deref().and_then(|tag| image::version(context, component, tag)),
    }))
}

/// Completes the newest entries with what is known of them only: the live image, what was given.
fn complete(
    document: &Document,
    context: &Context,
    entries: &mut [Entry],
    live: Option<Artifact>,
) -> Result<(), IngestError> {
    let Some(newest) = entries.last() else { return Ok(()) };
    let mut known = newest.artifact.clone();
    if let Some(live) = live {
        known.digest = known.digest.or(live.digest);
        known.version = known.version.or(live.version);
    }
    match (&known.digest, &context.digest) {
        (Some(held), Some(given)) if held != given => {
            return Err(refused(
                document,
                format!("its newest deploy is {held}, not {given} (--digest)"),
            ));
        }
        (None, Some(_)) => known.digest.clone_from(&context.digest),
        _ => {}
    }
    match (&known.version, &context.version) {
        (Some(held), Some(given)) if held != given => {
            return Err(refused(
                document,
                format!("its newest deploy is {held}, not {given} (--version)"),
            ));
        }
        (None, Some(_)) => known.version.clone_from(&context.version),
        _ => {}
    }
    let run = entries.iter().rev().zip(entries.iter().rev().skip(1));
    let same = 1 + run.take_while(|(new, old)| new.same_content(old)).count();
    for entry in entries.iter_mut().rev().take(same) {
        entry.artifact = known.clone();
    }
    Ok(())
}

/// Returns labels for the newest entry: what the Application says of now.
fn notes(status: &Place<'_>) -> Result<Vec<(&'static str, String)>, IngestError> {
    let mut notes = Vec::new();
    if let Some(health) = status.at("health")? {
        notes.extend(health.text("status")?.map(|health| ("health", health.to_owned())));
    }
    if let Some(last) = status.at("operationState")? {
        let phase = last.text("phase")?.unwrap_or("unknown");
        let at = last.text("finishedAt")?.or(last.text("startedAt")?).unwrap_or("unknown");
        notes.push(("last_operation", format!("{phase} at {at}")));
    }
    Ok(notes)
}

/// What the deploys of an Application have in common.
struct About<'a> {
    document: &'a Document,
    context: &'a Context,
    component: &'a str,
    ground: &'a Ground,
    app: &'a Object<'a>,
}

impl About<'_> {
    fn deploys(
        &self,
        entries: &[Entry],
        mut notes: Vec<(&'static str, String)>,
    ) -> Result<History, IngestError> {
        let (identity, path) = (self.app.identity()?, self.app.path()?);
        let mut history = History::default();
        for (i, entry) in entries.iter().enumerate() {
            let before = &entries[..i];
            let Artifact { digest, version } = &entry.artifact;
            let joined = || {
                self.context.builds.digest(self.component, version.as_deref().unwrap_or_default())
            };
            let from = if digest.is_some() { "file or caller" } else { "recorded build" };
            let Some(digest) = digest.clone().or_else(joined) else {
                history.gaps.push(gap(&path, entry));
                continue;
            };
            if entry.deployed.is_none() {
                history.gaps.push(format!("{path} history {}: no time", entry.id));
                continue;
            }
            let again = before.last().is_some_and(|last| last.same_content(entry));
            let mut labels = vec![
                ("application", path.clone()),
                ("history_id", entry.id.clone()),
                ("config_revision", entry.revisions.join(" ")),
                ("digest_from", from.to_owned()),
            ];
            if entry.automated {
                labels.push(("automated", "true".to_owned()));
            }
            let earlier = before.iter().rev().skip(1).find(|other| other.same_content(entry));
            if let Some(earlier) = earlier.filter(|_| !again) {
                // It may be a rollback; the history has no mark of one.
                labels.push(("returns_to", earlier.id.clone()));
            }
            if i + 1 == entries.len() {
                labels.append(&mut notes);
            }
            let deploy = Deploy {
                deploy_id: format!("argocd:{identity}/{}", entry.id),
                component: self.component.to_owned(),
                ground: self.ground.clone(),
                digest,
                version: version.clone(),
                reason: again.then_some("redeploy"),
                initiated_by: entry.username.clone(),
                started: entry.started.clone(),
                progress: None,
                finish: Some(Finish {
                    at: entry.deployed.clone(),
                    outcome: "succeeded",
                    restored: None,
                }),
                labels,
            };
            history.push(deploy, ORIGIN, self.document, self.context);
        }
        Ok(history)
    }
}

fn gap(path: &str, entry: &Entry) -> String {
    let known = match &entry.artifact.version {
        Some(version) => format!("version {version}, and the book has not one build of it"),
        None => "the file names no image by digest".to_owned(),
    };
    format!("{path} history {}: no digest ({known}); give --digest, or record the build", entry.id)
}

/// Tells whether a document is an Application, for importers that meet other objects too.
pub(in crate::ingest) fn is(document: &Document) -> bool {
    kubernetes::is(document, super::GROUP, &["Application"])
}
