//! A Rollout of Argo Rollouts: the one deploy that it is in now (ingest.md 3.17).
//!
//! It keeps no history and no time of its start. An abort returns the traffic to the stable
//! version, so the previous state counts as restored; the desired version stays the new one, which
//! is why it is never read from `spec` alone.

use crate::ingest::deploy::{CanaryEnd, Deploy, Finish, Ground, History};
use crate::ingest::document::Document;
use crate::ingest::draft::Origin;
use crate::ingest::error::IngestError;
use crate::ingest::image::{self, Image};
use crate::ingest::json::Place;
use crate::ingest::kubernetes::{self, Object};
use crate::ingest::release::{missing, refused};
use crate::ingest::time::ReportTime;
use crate::ingest::{Context, time};

const ORIGIN: Origin<'static> =
    Origin { system: "argo-rollouts", reader: "argo-rollouts", format: "argo-rollout/v1alpha1" };

/// Where the rollout is.
enum State {
    /// Everything serves the new version.
    Complete,
    /// The new version has this share of the traffic.
    Canary(u8),
    /// It was given up.
    Aborted(Option<u8>),
}

/// Reads the deploy.
pub(super) fn read(
    rollout: &Object<'_>,
    document: &Document,
    context: &Context,
) -> Result<History, IngestError> {
    let Some(status) = rollout.top.at("status")? else {
        return Err(refused(document, "the Rollout has no status"));
    };
    let Some(spec) = rollout.top.at("spec")? else {
        return Err(rollout.top.expected_under("spec", "a spec"));
    };
    let names = kubernetes::component_words(context, rollout)?;
    let component = context.component_named(document, &names)?.to_owned();
    let words = kubernetes::place_words(context, rollout)?;
    let mut ground = Ground::find(document, context, &words)?;
    let condition = Progressing::read(&status)?;
    observed(document, rollout, &status)?;
    let state = state(document, &spec, &status)?;
    if matches!(state, State::Complete) {
        healthy(document, &status, &condition)?;
    }
    let (digest, version) = artifact(document, context, &spec, &component)?;
    // What was aborted and then retried still has the time of it.
    let aborted = match &state {
        State::Aborted(_) => time::at(&status, "abortedAt")?,
        _ => None,
    };
    let at = aborted.or_else(|| condition.updated.clone());
    if at.is_none() && context.occurred_at.is_none() {
        return Err(refused(document, "it has no time; give --occurred-at"));
    }
    let hash = status.text("currentPodHash")?.unwrap_or_default();
    let revision = rollout.note("annotations", "rollout.argoproj.io/revision")?;
    let mut deploy_id = format!("rollout:{}/{}", rollout.identity()?, revision.unwrap_or(hash));
    let (progress, finish) = match &state {
        State::Complete => {
            let finish = Finish { at: at.clone(), outcome: "succeeded", restored: None };
            (None, Some(finish))
        }
        State::Canary(weight) => (Some((*weight, at.clone())), None),
        State::Aborted(weight) => {
            let finish = Finish { at: at.clone(), outcome: "aborted", restored: Some(true) };
            (weight.map(|weight| (weight, condition.since.clone())), Some(finish))
        }
    };
    let canary_id = format!("{deploy_id}/canary");
    if !matches!(state, State::Complete) {
        deploy_id.clone_from(&canary_id);
        // The canary lives in production (semantics A.4).
        if ground.stage == "production" {
            ground.stage = "canary";
        }
    }
    let mut labels = vec![
        ("rollout", rollout.path()?),
        ("pod_template_hash", hash.to_owned()),
        ("started_at", "not recorded by the Rollout".to_owned()),
    ];
    labels.extend(condition.message.map(|message| ("message", message)));
    let at_end = at.clone();
    let earliest = |a: Option<ReportTime>, b: Option<ReportTime>| match (a, b) {
        (Some(a), Some(b)) => Some(if a.utc < b.utc { a } else { b }),
        (a, b) => a.or(b),
    };
    let deploy = Deploy {
        deploy_id,
        component,
        ground,
        digest,
        version,
        reason: None,
        initiated_by: None,
        started: earliest(condition.since, at),
        progress,
        finish,
        labels,
    };
    let mut history = History::default();
    if let (State::Complete, Some(target)) = (&state, deploy.ground.targets.first()) {
        let ending = CanaryEnd { id: &canary_id, target, at: at_end.as_ref() };
        history.end_canary(&ending, ORIGIN, document, context)?;
    }
    history.push(deploy, ORIGIN, document, context);
    Ok(history)
}

/// Refuses a status that is of another specification than the one beside it: the image that stands
/// there was not rolled out yet, or cannot be.
fn observed(
    document: &Document,
    rollout: &Object<'_>,
    status: &Place<'_>,
) -> Result<(), IngestError> {
    let number = |text: Option<String>| text.and_then(|text| text.parse::<u64>().ok());
    let wanted = rollout.metadata().map(|metadata| metadata.count("generation")).transpose()?;
    let workload = rollout.note("annotations", "rollout.argoproj.io/workload-generation")?;
    for (wanted, seen) in [
        (wanted.flatten(), number(status.word("observedGeneration")?)),
        (
            workload.and_then(|text| text.parse().ok()),
            number(status.word("workloadObservedGeneration")?),
        ),
    ] {
        // Before 0.10 it was a hash, of digits at times, which is no number to compare with.
        if let (Some(wanted), Some(seen)) = (wanted, seen)
            && seen < wanted
        {
            let reason = format!(
                "its status is of the generation {seen} and its spec of {wanted}: what the spec \
                 says is not rolled out yet; get it again"
            );
            return Err(refused(document, reason));
        }
    }
    for condition in status.list("conditions")?.unwrap_or_default() {
        if condition.text("type")? == Some("InvalidSpec")
            && condition.text("status")? == Some("True")
        {
            let reason = "its spec is invalid (condition InvalidSpec), so it is not rolled out";
            return Err(refused(document, reason));
        }
    }
    Ok(())
}

/// Refuses as done what serves and is not well: it never became available, or no longer is.
fn healthy(
    document: &Document,
    status: &Place<'_>,
    condition: &Progressing,
) -> Result<(), IngestError> {
    let phase = status.text("phase")?.unwrap_or_default();
    let reason = condition.reason.as_deref().unwrap_or_default();
    let word = match (phase, condition.holds, reason) {
        ("Degraded" | "Progressing", ..) => phase,
        ("", false, _) => reason,
        ("", true, "ReplicaSetUpdated") => "Progressing",
        _ => return Ok(()),
    };
    let said = condition.message.as_deref().or(status.text("message")?).unwrap_or("no message");
    Err(refused(document, format!("the Rollout is {word}, not Healthy: {said}")))
}

fn state(document: &Document, spec: &Place<'_>, status: &Place<'_>) -> Result<State, IngestError> {
    let hash = status.text("currentPodHash")?;
    let canary = status.at("canary")?;
    let stable = match (status.text("stableRS")?, &canary) {
        (Some(stable), _) => Some(stable),
        (None, Some(canary)) => canary.text("stableRS")?,
        (None, None) => None,
    };
    if status.is_true("abort")? {
        let weight = weight(spec, status, canary.as_ref())?.filter(|weight| *weight > 0);
        return Ok(State::Aborted(weight));
    }
    if spec.down(&["strategy", "blueGreen"])?.is_some() {
        let active = status.at("blueGreen")?;
        let active = match &active {
            Some(active) => active.text("activeSelector")?,
            None => None,
        };
        if active.is_some() && active == hash {
            return Ok(State::Complete);
        }
        let reason = "the new version is a preview without traffic: nothing was deployed yet";
        return Err(refused(document, reason));
    }
    if stable.is_some() && stable == hash {
        return Ok(State::Complete);
    }
    match weight(spec, status, canary.as_ref())? {
        Some(weight) => Ok(State::Canary(weight)),
        None => Err(refused(document, "its status does not say how far the rollout is")),
    }
}

/// Returns the share of the canary: as the traffic router says, else of the last step done.
fn weight(
    spec: &Place<'_>,
    status: &Place<'_>,
    canary: Option<&Place<'_>>,
) -> Result<Option<u8>, IngestError> {
    let small = |weight: u64| u8::try_from(weight).ok();
    if let Some(canary) = canary
        && let Some(routed) = canary.down(&["weights", "canary"])?
        && let Some(weight) = routed.count("weight")?
    {
        return Ok(small(weight));
    }
    let Some(index) = status.count("currentStepIndex")? else { return Ok(None) };
    let Some(strategy) = spec.down(&["strategy", "canary"])? else { return Ok(None) };
    let mut weight = Some(0);
    let done = usize::try_from(index).unwrap_or(usize::MAX);
    for step in strategy.list("steps")?.unwrap_or_default().iter().take(done) {
        weight = step.count("setWeight")?.or(weight);
    }
    Ok(weight.and_then(small))
}

fn artifact(
    document: &Document,
    context: &Context,
    spec: &Place<'_>,
    component: &str,
) -> Result<(String, Option<String>), IngestError> {
    let mut images = Vec::new();
    if let Some(pod) = spec.down(&["template", "spec"])? {
        for container in pod.list("containers")?.unwrap_or_default() {
            images.extend(container.text("image")?.map(Image::parse));
        }
    }
    let image = image::of(&images, component, &context.registry);
    let tag = image.and_then(|image| image.tag.as_deref());
    let version = tag.and_then(|tag| image::version(context, component, tag));
    let held = image.and_then(|image| image.digest.clone());
    if let (Some(held), Some(given)) = (&held, &context.digest)
        && held != given
    {
        return Err(refused(document, format!("it rolls out {held}, not {given} (--digest)")));
    }
    let version = version.or_else(|| context.version.clone());
    let joined = || context.builds.digest(component, version.as_deref().unwrap_or_default());
    let Some(digest) = held.or_else(|| context.digest.clone()).or_else(joined) else {
        let why =
            "its image is named by a tag only; give --digest sha256:... of what was rolled out";
        return Err(missing(document, "digest", why));
    };
    Ok((digest, version))
}

/// The condition that tells how far it is.
struct Progressing {
    since: Option<ReportTime>,
    updated: Option<ReportTime>,
    reason: Option<String>,
    message: Option<String>,
    /// Whether its status is not False.
    holds: bool,
}

impl Progressing {
    fn read(status: &Place<'_>) -> Result<Self, IngestError> {
        let text = |place: &Place<'_>, key: &str| place.text(key).map(|t| t.map(str::to_owned));
        let conditions = status.list("conditions")?.unwrap_or_default();
        for condition in &conditions {
            if condition.text("type")? == Some("Progressing") {
                return Ok(Self {
                    since: time::at(condition, "lastTransitionTime")?,
                    updated: time::at(condition, "lastUpdateTime")?,
                    reason: text(condition, "reason")?,
                    message: text(condition, "message")?,
                    holds: condition.text("status")? != Some("False"),
                });
            }
        }
        let mut none =
            Self { since: None, updated: None, reason: None, message: None, holds: true };
        // The blue-green controller of old wrote this one only.
        for condition in &conditions {
            if condition.text("type")? == Some("Available") {
                none.updated = time::at(condition, "lastUpdateTime")?;
                break;
            }
        }
        Ok(none)
    }
}
