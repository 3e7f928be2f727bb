//! A Canary of Flagger, and the payload of its webhooks (ingest.md 3.18).
//!
//! The object names versions by hashes of its spec only: without a digest it is a check, with one
//! it is a deploy too. `Initialized` is the first deploy, which had no analysis. Flagger counts a
//! metric without data as a failed check, so a promotion means that there were data, unless its
//! analysis was skipped or has no metrics.

use serde_json::{Value, json};

use crate::ingest::deploy::{CanaryEnd, Deploy, Finish, Ground, History};
use crate::ingest::document::Document;
use crate::ingest::draft::{Draft, Origin};
use crate::ingest::error::IngestError;
use crate::ingest::json::Place;
use crate::ingest::kubernetes::{self, Object};
use crate::ingest::release::{missing, refused};
use crate::ingest::time::{self, ReportTime};
use crate::ingest::{Context, Reader};

/// The reader of the object.
pub(super) struct Canary;

/// The reader of a webhook's payload.
pub(super) struct Webhook;

const GROUP: &str = "flagger.app";

const PHASES: &[&str] = &[
    "Initializing",
    "Initialized",
    "Waiting",
    "Progressing",
    "WaitingPromotion",
    "Promoting",
    "Finalising",
    "Succeeded",
    "Failed",
    "Terminating",
    "Terminated",
];

impl Reader for Canary {
    fn name(&self) -> &'static str {
        "flagger"
    }

    fn detect(&self, document: &Document) -> bool {
        kubernetes::is(document, GROUP, &[])
    }

    fn read(&self, document: &Document, context: &Context) -> Result<Vec<Value>, IngestError> {
        let canary = Object::of(document)?;
        if canary.kind()? != "Canary" {
            let reason = "of Flagger, Canary is read";
            return Err(canary.unsupported(document, "Flagger", reason)?);
        }
        let Some(status) = canary.top.at("status")? else {
            return Err(refused(document, "the Canary has no status"));
        };
        let phase = status.text("phase")?.unwrap_or("unknown");
        let at = time::at(&status, "lastTransitionTime")?;
        if at.is_none() && context.occurred_at.is_none() {
            return Err(refused(document, "it has no time; give --occurred-at"));
        }
        let names = kubernetes::component_words(context, &canary)?;
        let component = context.component_named(document, &names)?.to_owned();
        // The first deploy is not analysed: a deploy it is all the same.
        let decided = match phase {
            "Initialized" if context.digest.is_some() => None,
            _ => decide(document, phase)?,
        };
        let mut events = Vec::new();
        if let Some(result) = decided {
            let doubt = doubt(&canary).map(|doubt| doubt.filter(|_| result == "pass"))?;
            let result = if doubt.is_some() { "inconclusive" } else { result };
            let origin = origin("flagger-canary/v1beta1");
            let mut draft = Draft::new("check.completed", origin, document, context, at.as_ref());
            // A phase is reached once for each spec that is applied.
            let applied = status.word("lastAppliedSpec")?.unwrap_or_default();
            draft.key(&[&canary.identity()?, &applied, phase]);
            check(&mut draft, context, &component, result);
            draft.label("why", doubt);
            draft.label("phase", Some(phase));
            let shown = canary.top.down(&["spec", "analysis"])?.is_some();
            draft.label("analysis", (!shown).then_some("not shown"));
            draft.label("canary", Some(canary.path()?));
            draft.label("applied_spec", Some(applied));
            draft.label("promoted_spec", status.word("lastPromotedSpec")?);
            draft.label("failed_checks", status.word("failedChecks")?);
            events.push(Value::Object(draft.finish()));
        }
        if let Some(digest) = &context.digest {
            let deploy =
                deploy(&canary, &status, document, context, &component, digest, at.clone())?;
            let mut history = History::default();
            if let ("Succeeded", Some(target)) = (phase, deploy.ground.targets.first()) {
                let id = format!("{}/canary", deploy.deploy_id);
                let ending = CanaryEnd { id: &id, target, at: at.as_ref() };
                let origin = origin("flagger-canary/v1beta1");
                history.end_canary(&ending, origin, document, context)?;
            }
            history.push(deploy, origin("flagger-canary/v1beta1"), document, context);
            events.append(&mut history.events);
        }
        if events.is_empty() {
            let why = format!(
                "the phase is {phase}: nothing is decided yet, and a deploy in progress needs \
                 --digest sha256:..., because the Canary names versions by hashes of its spec only"
            );
            return Err(missing(document, "digest", why));
        }
        Ok(events)
    }
}

impl Reader for Webhook {
    fn name(&self) -> &'static str {
        "flagger-webhook"
    }

    fn detect(&self, document: &Document) -> bool {
        let Some(json) = document.json() else { return false };
        let text = |key: &str| json.get(key).and_then(Value::as_str);
        let named = text("name").is_some() && text("namespace").is_some();
        let more = json.get("checksum").is_some() || json.get("metadata").is_some();
        let phase = text("phase").is_some_and(|phase| PHASES.contains(&phase));
        named && more && phase && json.get("kind").is_none()
    }

    fn read(&self, document: &Document, context: &Context) -> Result<Vec<Value>, IngestError> {
        let top = Place::top(document)?;
        let name = top.text("name")?.unwrap_or_default();
        let phase = top.text("phase")?.unwrap_or_default();
        let component = context.component_named(document, &[name])?.to_owned();
        let Some(result) = decide(document, phase)? else {
            let reason = format!("the phase is {phase}: this hook tells of no decision");
            return Err(refused(document, reason));
        };
        let metadata = top.at("metadata")?;
        let at = match &metadata {
            Some(metadata) => time::millis(metadata, "timestamp")?,
            None => None,
        };
        let origin = origin("flagger-webhook");
        let mut draft = Draft::new("check.completed", origin, document, context, at.as_ref());
        check(&mut draft, context, &component, result);
        draft.once(document, &[phase]);
        draft.label("phase", Some(phase));
        let namespace = top.text("namespace")?.unwrap_or_default();
        draft.label("canary", Some(format!("{namespace}/{name}")));
        draft.label("applied_spec", top.word("checksum")?);
        if let Some(metadata) = &metadata {
            draft.label("message", metadata.word("eventMessage")?);
        }
        Ok(vec![Value::Object(draft.finish())])
    }
}

fn origin(format: &str) -> Origin<'_> {
    Origin { system: "flagger", reader: "flagger", format }
}

/// Returns what a phase decides; nothing while it goes on.
fn decide(document: &Document, phase: &str) -> Result<Option<&'static str>, IngestError> {
    match phase {
        "Succeeded" => Ok(Some("pass")),
        "Failed" => Ok(Some("fail")),
        "Progressing" | "Waiting" | "WaitingPromotion" | "Promoting" | "Finalising" => Ok(None),
        "Initializing" | "Initialized" => Err(refused(
            document,
            format!(
                "the phase is {phase}: this is the first deploy, which is not analysed; when it is \
                 Initialized, --digest sha256:... makes it a deploy without a check"
            ),
        )),
        "Terminating" | "Terminated" => {
            Err(refused(document, format!("the phase is {phase}: the Canary is being removed")))
        }
        other => Err(refused(document, format!("`{other}` is no phase of Flagger"))),
    }
}

/// Says why a promotion proves no analysis; nothing when nothing speaks against it.
fn doubt(canary: &Object<'_>) -> Result<Option<&'static str>, IngestError> {
    let Some(spec) = canary.top.at("spec")? else { return Ok(None) };
    if spec.is_true("skipAnalysis")? {
        return Ok(Some("its analysis is skipped (skipAnalysis)"));
    }
    let Some(analysis) = spec.at("analysis")? else { return Ok(None) };
    let metrics = analysis.list("metrics")?.unwrap_or_default();
    Ok(metrics.is_empty().then_some("its analysis has no metrics"))
}

fn check(draft: &mut Draft, context: &Context, component: &str, result: &str) {
    draft.put("component", json!(component));
    draft.put("suite", json!(context.suite.as_deref().unwrap_or("slo")));
    draft.put("result", json!(result));
    draft.put("stage", json!(context.stage));
    draft.put("digest", json!(context.digest));
    draft.put("commit", json!(context.commit));
}

/// Makes the deploy of the spec that is applied: to the canary, or all of it once promoted.
fn deploy(
    canary: &Object<'_>,
    status: &Place<'_>,
    document: &Document,
    context: &Context,
    component: &str,
    digest: &str,
    at: Option<ReportTime>,
) -> Result<Deploy, IngestError> {
    let phase = status.text("phase")?.unwrap_or_default();
    // The stage that was given is that of the check; the Canary itself lives in production.
    let staged = Context { stage: None, ..context.clone() };
    let words = kubernetes::place_words(context, canary)?;
    let mut ground = Ground::find(document, &staged, &words)?;
    let applied = status.word("lastAppliedSpec")?.unwrap_or_default();
    let mut deploy_id = format!("flagger:{}/{applied}", canary.identity()?);
    let promoted = matches!(phase, "Succeeded" | "Initialized");
    if !promoted {
        deploy_id.push_str("/canary");
        if ground.stage == "production" {
            ground.stage = "canary";
        }
    }
    let weight = status.count("canaryWeight")?.and_then(|weight| u8::try_from(weight).ok());
    let finish = match phase {
        "Succeeded" | "Initialized" => {
            Some(Finish { at: at.clone(), outcome: "succeeded", restored: None })
        }
        // The canary is scaled to zero and the primary keeps all traffic.
        "Failed" => Some(Finish { at: at.clone(), outcome: "aborted", restored: Some(true) }),
        _ => None,
    };
    let progress = match (&finish, weight) {
        (None, Some(weight)) => Some((weight, at.clone())),
        _ => None,
    };
    Ok(Deploy {
        deploy_id,
        component: component.to_owned(),
        ground,
        digest: digest.to_owned(),
        version: context.version.clone(),
        reason: None,
        initiated_by: None,
        started: at,
        progress,
        finish,
        labels: vec![
            ("canary", canary.path()?),
            ("phase", phase.to_owned()),
            ("applied_spec", applied),
            ("started_at", "not recorded by Flagger".to_owned()),
        ],
    })
}
