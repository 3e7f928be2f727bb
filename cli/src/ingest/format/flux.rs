//! A HelmRelease of Flux: the releases that Helm made of a chart (ingest.md 3.16).
//!
//! `status.history` is newest first and reaches back to the previous successful release. Nobody is
//! named as the actor. For a component that is a chart, the version is the chart's and the digest
//! that of the OCI artifact; `digest` is of the release object and names no artifact. For an
//! application inside the chart the version is `appVersion`, and the digest must come from
//! elsewhere. Versions that kept no history tell of the last release only. Flux's other objects say what was fetched or applied, of no version or artifact.

use serde_json::Value;

use crate::ingest::deploy::{Deploy, Finish, Ground, History};
use crate::ingest::document::Document;
use crate::ingest::draft::Origin;
use crate::ingest::error::IngestError;
use crate::ingest::image;
use crate::ingest::json::Place;
use crate::ingest::kubernetes::{self, Object};
use crate::ingest::release::refused;
use crate::ingest::time::ReportTime;
use crate::ingest::{Context, Reader, time};

/// The reader of Flux's objects.
pub(super) struct Flux;

const GROUPS: &[&str] = &[
    "helm.toolkit.fluxcd.io",
    "kustomize.toolkit.fluxcd.io",
    "source.toolkit.fluxcd.io",
    "image.toolkit.fluxcd.io",
    "notification.toolkit.fluxcd.io",
];

impl Reader for Flux {
    fn name(&self) -> &'static str {
        "flux"
    }

    fn detect(&self, document: &Document) -> bool {
        GROUPS.iter().any(|group| kubernetes::is(document, group, &[]))
    }

    fn read(&self, document: &Document, context: &Context) -> Result<Vec<Value>, IngestError> {
        let object = Object::of(document)?;
        let reason = match object.kind()? {
            "HelmRelease" => return history(document, context)?.or_refuse(document),
            "Kustomization" => {
                "it says which revision of a repository was applied, not which artifact runs; \
                 ingest what was deployed from the pipeline"
            }
            "GitRepository" | "OCIRepository" | "HelmRepository" | "HelmChart" | "Bucket" => {
                "it says what was fetched, not what was deployed"
            }
            _ => "of Flux, HelmRelease is read",
        };
        Err(object.unsupported(document, "Flux", reason)?)
    }
}

/// A release of the history.
struct Release {
    revision: u64,
    chart_name: Option<String>,
    chart_version: String,
    app_version: Option<String>,
    oci_digest: Option<String>,
    config_digest: Option<String>,
    status: String,
    action: Option<String>,
    at: Option<ReportTime>,
    tests: Vec<String>,
}

/// Reads the deploys of a HelmRelease.
fn history(document: &Document, context: &Context) -> Result<History, IngestError> {
    let object = Object::of(document)?;
    let mut releases = Vec::new();
    if let Some(status) = object.top.at("status")? {
        for entry in status.list("history")?.unwrap_or_default() {
            releases.push(release(&entry)?);
        }
        if releases.is_empty() {
            releases.extend(last_applied(&status)?);
        }
    }
    if releases.is_empty() {
        let reason = "it has no status.history and no status.lastAppliedRevision that was released: \
                      the version stands in the text of a condition only, which proves none";
        return Err(refused(document, reason));
    }
    // Newest first in the file.
    releases.sort_by_key(|release| release.revision);
    let mut names = kubernetes::component_words(context, &object)?;
    names.extend(releases.iter().rev().find_map(|release| release.chart_name.as_deref()));
    let component = context.component_named(document, &names)?.to_owned();
    let mut words = kubernetes::place_words(context, &object)?;
    if let Some(spec) = object.top.at("spec")? {
        words.extend(spec.text("targetNamespace")?);
    }
    let ground = Ground::find(document, context, &words)?;
    let (identity, path) = (object.identity()?, object.path()?);
    let version = object.top.text("apiVersion")?.and_then(|text| text.rsplit('/').next());
    let format = format!("flux-helmrelease/{}", version.unwrap_or("v2"));
    let origin = Origin { system: "flux", reader: "flux", format: &format };
    let mut history = History::default();
    for (i, release) in releases.iter().enumerate() {
        let newest = i + 1 == releases.len();
        let subject = subject(context, &component, release, newest);
        let Some(finish) = finish(release) else {
            history.gaps.push(format!("{path} v{}: {}", release.revision, release.status));
            continue;
        };
        let Some(digest) = subject.digest else {
            history.gaps.push(format!(
                "{path} v{}: no digest of {component} (chart {}); give --digest, or record the \
                 build",
                release.revision, release.chart_version
            ));
            continue;
        };
        if let Some(given) = context.digest.as_ref().filter(|given| newest && **given != digest) {
            return Err(refused(
                document,
                format!("its newest release is {digest}, not {given} (--digest)"),
            ));
        }
        let same = |other: &Release| {
            other.chart_version == release.chart_version && other.oci_digest == release.oci_digest
        };
        let again = i.checked_sub(1).and_then(|i| releases.get(i)).is_some_and(same);
        let rollback = release.action.as_deref() == Some("rollback");
        let deploy = Deploy {
            deploy_id: format!("flux:{identity}/{}", release.revision),
            component: component.clone(),
            ground: ground.clone(),
            digest,
            version: subject.version,
            reason: match (rollback, again) {
                (true, _) => Some("rollback"),
                (false, true) => Some("redeploy"),
                (false, false) => None,
            },
            initiated_by: None,
            started: release.at.clone(),
            progress: None,
            finish: Some(finish),
            labels: labels(&path, release),
        };
        history.push(deploy, origin, document, context);
    }
    Ok(history)
}

/// Reads the one release that versions before 2.2 tell of: the chart that was applied last, and how
/// that went.
fn last_applied(status: &Place<'_>) -> Result<Option<Release>, IngestError> {
    let Some(chart_version) = status.word("lastAppliedRevision")? else { return Ok(None) };
    // A later attempt is what the condition tells of.
    let is_it = status.word("lastAttemptedRevision")?.is_none_or(|last| last == chart_version);
    let revision = status.count("lastReleaseRevision")?;
    let mut released = None;
    for condition in status.list("conditions")?.unwrap_or_default() {
        if condition.text("type")? == Some("Released") && condition.text("status")? == Some("True")
        {
            released = time::at(&condition, "lastTransitionTime")?;
        }
    }
    let (Some(revision), Some(at), true) = (revision, released, is_it) else { return Ok(None) };
    Ok(Some(Release {
        revision,
        chart_name: None,
        chart_version,
        app_version: None,
        oci_digest: None,
        config_digest: None,
        status: "deployed".to_owned(),
        action: None,
        at: Some(at),
        tests: Vec::new(),
    }))
}

fn release(entry: &Place<'_>) -> Result<Release, IngestError> {
    let text = |key: &str| entry.word(key);
    let mut tests = Vec::new();
    if let Some(hooks) = entry.at("testHooks")? {
        for name in hooks.object()?.keys() {
            if let Some(hook) = hooks.at(name)? {
                tests.push(format!("{name}={}", hook.text("phase")?.unwrap_or("unknown")));
            }
        }
    }
    Ok(Release {
        revision: entry.count("version")?.unwrap_or_default(),
        chart_name: text("chartName")?,
        chart_version: text("chartVersion")?
            .ok_or_else(|| entry.expected_under("chartVersion", "a version"))?,
        app_version: text("appVersion")?,
        oci_digest: text("ociDigest")?,
        config_digest: text("configDigest")?,
        status: text("status")?.unwrap_or_else(|| "unknown".to_owned()),
        action: text("action")?,
        at: time::at(entry, "lastDeployed")?,
        tests,
    })
}

/// The artifact of a release, as far as it is known.
struct Subject {
    digest: Option<String>,
    version: Option<String>,
}

fn subject(context: &Context, component: &str, release: &Release, newest: bool) -> Subject {
    let registered = context.registry.component(component);
    let artifact = registered.and_then(|c| c.spec.artifact.as_deref());
    let chart_is_it = release.chart_name.as_deref().and_then(|name| context.registry.resolve(name));
    let is_chart = match artifact {
        Some(artifact) => artifact == "helm-chart",
        None => chart_is_it == Some(component),
    };
    let given = || context.digest.clone().filter(|_| newest);
    let joined = |version: &Option<String>| {
        version.as_ref().and_then(|version| context.builds.digest(component, version))
    };
    if is_chart {
        let version = image::version(context, component, &chart_version(release));
        let digest = crate::ingest::digest::usable(release.oci_digest.as_deref());
        let digest = digest.or_else(given).or_else(|| joined(&version));
        return Subject { digest, version };
    }
    let version = release.app_version.as_deref();
    let version = version.and_then(|version| image::version(context, component, version));
    Subject { digest: given().or_else(|| joined(&version)), version }
}

/// Returns the version that was published: Flux adds the digest of an OCI chart to it.
fn chart_version(release: &Release) -> String {
    let whole = &release.chart_version;
    let hex = release.oci_digest.as_deref().and_then(|digest| digest.split_once(':'));
    match (whole.split_once('+'), hex) {
        (Some((version, added)), Some((_, hex))) if hex.starts_with(added) => version.to_owned(),
        _ => whole.clone(),
    }
}

/// Returns how a release ended; nothing while it has not, or when it was removed.
fn finish(release: &Release) -> Option<Finish> {
    let at = release.at.clone();
    at.as_ref()?;
    match release.status.as_str() {
        "deployed" | "superseded" => Some(Finish { at, outcome: "succeeded", restored: None }),
        // Whether the previous release came back is another entry, if anything says it.
        "failed" => Some(Finish { at, outcome: "failed", restored: Some(false) }),
        _ => None,
    }
}

fn labels(path: &str, release: &Release) -> Vec<(&'static str, String)> {
    let mut labels = vec![
        ("helm_release", path.to_owned()),
        ("helm_revision", release.revision.to_string()),
        ("chart_version", release.chart_version.clone()),
        ("helm_status", release.status.clone()),
        ("finished_at", "not recorded by Flux".to_owned()),
    ];
    let optional = [
        ("app_version", &release.app_version),
        ("oci_digest", &release.oci_digest),
        ("config_digest", &release.config_digest),
        ("action", &release.action),
    ];
    labels.extend(optional.into_iter().filter_map(|(name, value)| Some((name, value.clone()?))));
    if !release.tests.is_empty() {
        labels.push(("test_hooks", release.tests.join(", ")));
    }
    labels
}
