//! An AnalysisRun: whether a canary's measurements were good, and whether there were any
//! (ingest.md 3.17).
//!
//! `Successful` alone is no proof: a template may take NaN for success, and a run that is
//! terminated ends as Successful. A pass needs a finite measurement, and no metric that had only
//! NaN or nothing to measure.

use serde_json::{Value, json};

use crate::ingest::document::Document;
use crate::ingest::draft::{Draft, Origin};
use crate::ingest::error::IngestError;
use crate::ingest::json::Place;
use crate::ingest::kubernetes::{self, Object};
use crate::ingest::release::refused;
use crate::ingest::time::ReportTime;
use crate::ingest::{Context, time};

const ORIGIN: Origin<'static> = Origin {
    system: "argo-rollouts",
    reader: "argo-rollouts",
    format: "argo-analysisrun/v1alpha1",
};

/// Reads the check.
pub(super) fn read(
    run: &Object<'_>,
    document: &Document,
    context: &Context,
) -> Result<Vec<Value>, IngestError> {
    let Some(status) = run.top.at("status")? else {
        return Err(refused(document, "the AnalysisRun has no status: it did not run"));
    };
    let phase = status.text("phase")?.unwrap_or("without a phase");
    let measured = Measured::read(&status)?;
    let mut why = None;
    let terminated =
        match run.top.at("spec")? {
            Some(spec) => spec.is_true("terminate")?,
            None => false,
        } || status.text("message")?.is_some_and(|m| m.to_ascii_lowercase().contains("terminated"));
    let result = match phase {
        "Successful" if terminated => {
            why = Some("it was terminated before its end".to_owned());
            "inconclusive"
        }
        "Successful" => {
            why = measured.doubt();
            if why.is_some() { "inconclusive" } else { "pass" }
        }
        "Failed" => "fail",
        "Error" | "Inconclusive" => {
            why = Some(format!("its phase is {phase}"));
            "inconclusive"
        }
        _ => {
            let reason = format!("the AnalysisRun is {phase}: it has not decided yet");
            return Err(refused(document, reason));
        }
    };
    let owner = owner(run)?;
    let mut names: Vec<&str> = owner.iter().copied().collect();
    names.extend(kubernetes::component_words(context, run)?);
    let component = context.component_named(document, &names)?.to_owned();
    let completed = time::at(&status, "completedAt")?.or_else(|| measured.end.clone());
    let mut draft = Draft::new("check.completed", ORIGIN, document, context, completed.as_ref());
    // The name of a run may come back, and be of another cluster; its uid does not.
    let which = match run.meta("uid")? {
        Some(_) => String::new(),
        None => blake3::hash(status.value().to_string().as_bytes()).to_hex().to_string(),
    };
    draft.key(&[&run.identity()?, &which]);
    draft.put("component", json!(component));
    draft.put("suite", json!(context.suite.as_deref().unwrap_or("slo")));
    draft.put("result", json!(result));
    draft.put("stage", json!(context.stage));
    draft.put("digest", json!(context.digest));
    draft.put("commit", json!(context.commit));
    let start = measured.start.clone().or(time::at(&status, "startedAt")?);
    if let (Some(start), Some(end)) = (&start, &completed)
        && start.utc <= end.utc
    {
        draft.put("window_start", json!(start.utc));
        draft.put("window_end", json!(end.utc));
    }
    draft.label("why", why);
    draft.label("phase", Some(phase));
    draft.label("message", status.text("message")?);
    draft.label("rollout", owner);
    draft.label("revision", run.note("annotations", "rollout.argoproj.io/revision")?);
    draft.label("pod_template_hash", run.note("labels", "rollouts-pod-template-hash")?);
    draft.label("measurements", Some(measured.describe()));
    Ok(vec![Value::Object(draft.finish())])
}

/// Returns the name of the Rollout that started the run.
fn owner<'a>(run: &Object<'a>) -> Result<Option<&'a str>, IngestError> {
    let Some(metadata) = run.metadata() else { return Ok(None) };
    for owner in metadata.list("ownerReferences")?.unwrap_or_default() {
        if owner.text("kind")? == Some("Rollout") {
            return owner.text("name");
        }
    }
    Ok(None)
}

/// What one metric measured.
#[derive(Default)]
struct Metric {
    name: String,
    finite: usize,
    /// NaN, infinite, or an empty list: asked, and no data.
    empty: usize,
    /// Words and objects, such as `true`: no number that could be finite.
    other: usize,
    last: Option<String>,
}

/// The measurements that count: not those of a dry run.
#[derive(Default)]
struct Measured {
    metrics: Vec<Metric>,
    start: Option<ReportTime>,
    end: Option<ReportTime>,
}

impl Measured {
    fn read(status: &Place<'_>) -> Result<Self, IngestError> {
        let mut measured = Self::default();
        for result in status.list("metricResults")?.unwrap_or_default() {
            if result.is_true("dryRun")? {
                continue;
            }
            let mut metric = Metric {
                name: result.text("name")?.unwrap_or("unnamed").to_owned(),
                ..Metric::default()
            };
            for measurement in result.list("measurements")?.unwrap_or_default() {
                measured.span(&measurement)?;
                let Some(value) = measurement.word("value")? else { continue };
                match number(&value) {
                    Some(true) => metric.finite += 1,
                    Some(false) => metric.empty += 1,
                    None => metric.other += 1,
                }
                metric.last = Some(value);
            }
            measured.metrics.push(metric);
        }
        Ok(measured)
    }

    fn span(&mut self, measurement: &Place<'_>) -> Result<(), IngestError> {
        if let Some(time) = time::at(measurement, "startedAt")?
            && self.start.as_ref().is_none_or(|held| time.utc < held.utc)
        {
            self.start = Some(time);
        }
        if let Some(time) = time::at(measurement, "finishedAt")?
            && self.end.as_ref().is_none_or(|held| time.utc > held.utc)
        {
            self.end = Some(time);
        }
        Ok(())
    }

    /// Says why success is not proven; nothing when it is.
    fn doubt(&self) -> Option<String> {
        let blind = self.metrics.iter().find(|metric| metric.finite == 0 && metric.empty > 0);
        if let Some(metric) = blind {
            return Some(format!("the metric {} measured no finite value", metric.name));
        }
        let none = self.metrics.iter().all(|metric| metric.finite == 0);
        none.then(|| "no measurement has a finite value".to_owned())
    }

    fn describe(&self) -> String {
        let one = |metric: &Metric| {
            let Metric { name, finite, empty, other, last } = metric;
            let last = last.as_deref().unwrap_or("none");
            format!("{name}: finite={finite} empty={empty} other={other} last={last}")
        };
        self.metrics.iter().map(one).collect::<Vec<_>>().join("; ")
    }
}

/// Tells whether a measured value is finite; `None` when it is no number at all. Providers write
/// numbers, lists of them, words and objects into the same text.
fn number(value: &str) -> Option<bool> {
    let text = value.trim();
    if matches!(text, "null" | "<nil>") {
        return Some(false);
    }
    let Some(inside) = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) else {
        return text.parse::<f64>().ok().map(f64::is_finite);
    };
    let mut all = inside.split(',').map(str::trim).filter(|part| !part.is_empty()).peekable();
    if all.peek().is_none() {
        return Some(false);
    }
    let numbers: Option<Vec<f64>> = all.map(|part| part.parse().ok()).collect();
    numbers.map(|numbers| numbers.iter().all(|number| number.is_finite()))
}
