//! Kargo: Promotions of Freight into Stages, and what a Stage remembers of its last one.
//!
//! A Promotion names its Freight, whose images have digests. Kargo deletes old Promotions; a Stage
//! keeps the last one and ten pieces of Freight without times. A promotion that failed may have
//! changed nothing or half: that the previous state came back is not recorded, so it is not said.
//! Freight that is approved for a Stage names no approver and is no approval.

use serde_json::Value;

use crate::ingest::deploy::{Deploy, Finish, Ground, History};
use crate::ingest::document::Document;
use crate::ingest::draft::Origin;
use crate::ingest::error::IngestError;
use crate::ingest::image::{self, Image};
use crate::ingest::json::Place;
use crate::ingest::kubernetes::{self, Object};
use crate::ingest::release::refused;
use crate::ingest::time::ReportTime;
use crate::ingest::{Context, Reader, time};

/// The reader of Kargo's objects.
pub(super) struct Kargo;

const GROUP: &str = "kargo.akuity.io";
const ACTOR: &str = "kargo.akuity.io/create-actor";
const ORIGIN: Origin<'static> =
    Origin { system: "kargo", reader: "kargo", format: "kargo-promotion/v1alpha1" };

impl Reader for Kargo {
    fn name(&self) -> &'static str {
        "kargo"
    }

    fn detect(&self, document: &Document) -> bool {
        kubernetes::is(document, GROUP, &[])
    }

    fn read(&self, document: &Document, context: &Context) -> Result<Vec<Value>, IngestError> {
        let object = Object::of(document)?;
        match object.kind()? {
            "Promotion" | "Stage" => history(document, context)?.or_refuse(document),
            "Freight" if context.beside.len() > 1 => Ok(Vec::new()),
            "Freight" => {
                let reason = "it says what could be promoted, not what was; give its Promotions";
                Err(object.unsupported(document, "Kargo", reason)?)
            }
            _ => {
                let reason = "of Kargo, Promotion and Stage are read";
                Err(object.unsupported(document, "Kargo", reason)?)
            }
        }
    }
}

/// Tells whether an object is of one of the kinds.
pub(in crate::ingest) fn is(document: &Document, kinds: &[&str]) -> bool {
    kubernetes::is(document, GROUP, kinds)
}

/// Returns the name of the Stage that a Promotion or Stage is about.
pub(in crate::ingest) fn stage(document: &Document) -> Option<&str> {
    let json = document.json()?;
    let pointer = if is(document, &["Stage"]) { "/metadata/name" } else { "/spec/stage" };
    json.pointer(pointer)?.as_str()
}

/// A promotion, from its own object or from a Stage's memory of it.
struct Promotion<'a> {
    /// Namespace and name: the same in both.
    path: String,
    stage: &'a str,
    phase: &'a str,
    started: Option<ReportTime>,
    finished: Option<ReportTime>,
    actor: Option<&'a str>,
    freight: Freight,
    message: Option<&'a str>,
}

/// What was promoted.
#[derive(Default)]
struct Freight {
    name: Option<String>,
    images: Vec<Image>,
    charts: Vec<(String, String)>,
}

/// Reads the deploys of a Promotion or Stage.
pub(in crate::ingest) fn history(
    document: &Document,
    context: &Context,
) -> Result<History, IngestError> {
    let object = Object::of(document)?;
    let mut history = History::default();
    if object.kind()? == "Stage" {
        return of_stage(&object, document, context);
    }
    let promotion = promotion(&object, document, context)?;
    record(&promotion, &object, document, context, &mut history)?;
    Ok(history)
}

fn of_stage(
    object: &Object<'_>,
    document: &Document,
    context: &Context,
) -> Result<History, IngestError> {
    let mut history = History::default();
    let Some(status) = object.top.at("status")? else {
        return Err(refused(document, "the Stage has no status: nothing was promoted"));
    };
    let name = object.meta("name")?.unwrap_or_default();
    let kept = status.list("freightHistory")?.unwrap_or_default().len();
    if kept > 1 {
        history.gaps.push(format!(
            "{}: {} earlier pieces of Freight have no times; Promotions have",
            object.path()?,
            kept - 1
        ));
    }
    let Some(last) = status.at("lastPromotion")? else {
        history.gaps.push(format!("{}: no last promotion", object.path()?));
        return Ok(history);
    };
    let inner = last.at("status")?;
    let outcome = inner.as_ref();
    let text = |key: &str| outcome.map_or(Ok(None), |status| status.text(key));
    let freight = match last.at("freight")? {
        Some(freight) => read_freight(&freight)?,
        None => Freight::default(),
    };
    let finished = match time::at(&last, "finishedAt")? {
        Some(time) => Some(time),
        None => outcome.map_or(Ok(None), |status| time::at(status, "finishedAt"))?,
    };
    let started = outcome.map_or(Ok(None), |status| time::at(status, "startedAt"))?;
    let path = match object.meta("namespace")? {
        Some(namespace) => format!("{namespace}/{}", last.text("name")?.unwrap_or_default()),
        None => last.text("name")?.unwrap_or_default().to_owned(),
    };
    let promotion = Promotion {
        path,
        stage: name,
        phase: text("phase")?.unwrap_or("unknown"),
        started: started.or_else(|| finished.clone()),
        finished,
        actor: None,
        freight,
        message: text("message")?,
    };
    record(&promotion, object, document, context, &mut history)?;
    Ok(history)
}

fn promotion<'a>(
    object: &Object<'a>,
    document: &Document,
    context: &Context,
) -> Result<Promotion<'a>, IngestError> {
    let Some(spec) = object.top.at("spec")? else {
        return Err(object.top.expected_under("spec", "a spec"));
    };
    let stage = spec.text("stage")?.ok_or_else(|| spec.expected_under("stage", "a Stage"))?;
    let wanted = spec.text("freight")?;
    let status = object.top.at("status")?;
    let Some(status) = &status else {
        return Err(refused(document, "the Promotion has no status: it is waiting"));
    };
    let created = object.metadata().map_or(Ok(None), |meta| time::at(meta, "creationTimestamp"))?;
    Ok(Promotion {
        path: object.path()?,
        stage,
        phase: status.text("phase")?.unwrap_or("Pending"),
        started: time::at(status, "startedAt")?.or(created),
        finished: time::at(status, "finishedAt")?,
        actor: object.note("annotations", ACTOR)?,
        freight: freight_of(status, wanted, context)?,
        message: status.text("message")?,
    })
}

/// Finds the Freight of a promotion: in its status, else among the other files.
fn freight_of(
    status: &Place<'_>,
    wanted: Option<&str>,
    context: &Context,
) -> Result<Freight, IngestError> {
    let own = |freight: &Freight| wanted.is_none() || freight.name.as_deref() == wanted;
    if let Some(freight) = status.at("freight")? {
        let freight = read_freight(&freight)?;
        if own(&freight) && !freight.is_empty() {
            return Ok(freight);
        }
    }
    if let Some(items) = status.down(&["freightCollection", "items"])? {
        for origin in items.object()?.keys() {
            if let Some(freight) = items.at(origin)? {
                let freight = read_freight(&freight)?;
                if own(&freight) && !freight.is_empty() {
                    return Ok(freight);
                }
            }
        }
    }
    for document in context.beside.iter().filter(|document| is(document, &["Freight"])) {
        let object = Object::of(document)?;
        if wanted.is_some() && object.meta("name")? == wanted {
            return read_freight(&object.top);
        }
    }
    Ok(Freight { name: wanted.map(str::to_owned), ..Freight::default() })
}

fn read_freight(place: &Place<'_>) -> Result<Freight, IngestError> {
    let meta = place.at("metadata")?;
    let name = match (place.text("name")?, &meta) {
        (Some(name), _) => Some(name),
        (None, Some(meta)) => meta.text("name")?,
        (None, None) => None,
    };
    let mut freight = Freight { name: name.map(str::to_owned), ..Freight::default() };
    for image in place.list("images")?.unwrap_or_default() {
        freight.images.push(Image {
            repository: image.text("repoURL")?.unwrap_or_default().to_owned(),
            tag: image.word("tag")?,
            digest: crate::ingest::digest::usable(image.text("digest")?),
        });
    }
    for chart in place.list("charts")?.unwrap_or_default() {
        let repository = chart.text("repoURL")?.unwrap_or_default();
        let short = repository.trim_end_matches('/').rsplit('/').next().unwrap_or_default();
        let name = chart.text("name")?.unwrap_or(short).to_owned();
        freight.charts.push((name, chart.word("version")?.unwrap_or_default()));
    }
    Ok(freight)
}

impl Freight {
    fn is_empty(&self) -> bool {
        self.images.is_empty() && self.charts.is_empty()
    }

    /// Returns the components that it holds, each with its digest and version.
    fn artifacts(&self, context: &Context) -> Vec<Artifact> {
        let wanted = |name: &str| context.component.as_deref().is_none_or(|given| given == name);
        let mut found: Vec<Artifact> = Vec::new();
        let only = match (self.images.as_slice(), context.component.as_deref()) {
            ([image], Some(given)) if image.component(&context.registry).is_none() => Some(given),
            _ => None,
        };
        for image in &self.images {
            let Some(component) = image.component(&context.registry).or(only) else { continue };
            let tag = image.tag.as_deref();
            let version = tag.and_then(|tag| image::version(context, component, tag));
            let digest = image.digest.clone();
            found.push(Artifact { component: component.to_owned(), digest, version });
        }
        for (name, version) in &self.charts {
            let Some(component) = context.registry.resolve(name) else { continue };
            let version = Some(version.clone()).filter(|version| !version.is_empty());
            found.push(Artifact { component: component.to_owned(), digest: None, version });
        }
        found.retain(|artifact| wanted(&artifact.component));
        found.dedup_by(|a, b| a.component == b.component && a.digest == b.digest);
        found
    }
}

/// One component of a piece of Freight.
struct Artifact {
    component: String,
    digest: Option<String>,
    version: Option<String>,
}

fn record(
    promotion: &Promotion<'_>,
    object: &Object<'_>,
    document: &Document,
    context: &Context,
    history: &mut History,
) -> Result<(), IngestError> {
    let Promotion { path, phase, .. } = promotion;
    let finish = match *phase {
        "Succeeded" => Some(("succeeded", None)),
        "Failed" | "Errored" => Some(("failed", Some(false))),
        "Aborted" => Some(("aborted", Some(false))),
        "Running" => None,
        other => {
            history.gaps.push(format!("{path}: {other}, so nothing was deployed"));
            return Ok(());
        }
    };
    if promotion.started.is_none() || (finish.is_some() && promotion.finished.is_none()) {
        history.gaps.push(format!("{path}: no time"));
        return Ok(());
    }
    let artifacts = promotion.freight.artifacts(context);
    if artifacts.is_empty() {
        let name = promotion.freight.name.as_deref().unwrap_or("unknown");
        let what = match promotion.freight.is_empty() {
            true => "is not among the files (give the Freight objects too)",
            false => "holds no image or chart of a registered component",
        };
        history.gaps.push(format!("{path}: its freight {name} {what}"));
        return Ok(());
    }
    let mut words = vec![promotion.stage];
    words.extend(kubernetes::affixes(context, promotion.stage).iter().map(|(place, _)| *place));
    if object.kind()? == "Stage" {
        words.extend(kubernetes::place_words(context, object)?);
    }
    let ground = Ground::find(document, context, &words)?;
    for artifact in artifacts {
        let version = artifact.version.as_deref().unwrap_or_default();
        let joined = || context.builds.digest(&artifact.component, version);
        let Some(digest) = artifact.digest.clone().or_else(joined) else {
            history.gaps.push(format!(
                "{path}: no digest of {} {version}, and the book has not one build of it",
                artifact.component
            ));
            continue;
        };
        let (actor, automated) = actor(promotion.actor);
        let mut labels = vec![
            ("promotion", path.clone()),
            ("kargo_stage", promotion.stage.to_owned()),
            ("phase", (*phase).to_owned()),
        ];
        labels.extend(promotion.freight.name.clone().map(|name| ("freight", name)));
        labels.extend(promotion.message.map(|message| ("message", message.to_owned())));
        labels.extend(automated.map(|by| ("automated", by.to_owned())));
        let deploy = Deploy {
            deploy_id: format!("kargo:{path}/{}", artifact.component),
            component: artifact.component,
            ground: ground.clone(),
            digest,
            version: artifact.version,
            reason: None,
            initiated_by: actor.map(str::to_owned),
            started: promotion.started.clone(),
            progress: None,
            finish: finish.map(|(outcome, restored)| Finish {
                at: promotion.finished.clone(),
                outcome,
                restored,
            }),
            labels,
        };
        history.push(deploy, ORIGIN, document, context);
    }
    Ok(())
}

/// Splits who created a promotion into a person and a controller.
fn actor(created_by: Option<&str>) -> (Option<&str>, Option<&str>) {
    let Some(by) = created_by.map(str::trim).filter(|by| !by.is_empty()) else {
        return (None, None);
    };
    match by.split_once(':') {
        Some(("controller", _)) => (None, Some(by)),
        Some(("email" | "subject", who)) if !who.is_empty() => (Some(who), None),
        _ => (Some(by), None),
    }
}
