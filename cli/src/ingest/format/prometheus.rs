//! Answers of Prometheus: one finite number is evidence, anything else proves nothing
//! (ingest.md 3.19).
//!
//! An answer says neither which query gave it, nor over which window, nor what it was compared
//! with, so it never is a check: `relbook slo-gate` asks the server itself and records all of that.
//! What is kept here is what was answered and when, about the artifact that `--digest` names. A
//! refusal names what the answer holds, because that is often the fault: no series, several, or no
//! number.

use serde_json::{Map, Value, json};

use crate::ingest::document::Document;
use crate::ingest::draft::{Draft, Origin};
use crate::ingest::error::IngestError;
use crate::ingest::json::Place;
use crate::ingest::scope::Asked;
use crate::ingest::{Context, Reader, time};

/// The reader of answers of Prometheus.
pub(super) struct Prometheus;

impl Reader for Prometheus {
    fn name(&self) -> &'static str {
        "prometheus"
    }

    fn streams(&self) -> bool {
        true
    }

    fn detect(&self, document: &Document) -> bool {
        document.json().is_some_and(|json| {
            let status = json.get("status").and_then(Value::as_str);
            let kind = json.pointer("/data/resultType").is_some();
            matches!(status, Some("success" | "error")) && (kind || json.get("errorType").is_some())
        })
    }

    fn read(&self, document: &Document, context: &Context) -> Result<Vec<Value>, IngestError> {
        let json = document.json().filter(|_| !document.is_large());
        let Some((metric, pair)) = json.and_then(one_number) else {
            return Err(unusable(document));
        };
        let asked = Asked { document, context, what: "the answer of Prometheus" };
        let Some(digest) = &context.digest else {
            return Err(asked.needs(
                "digest",
                "holds one value, and nothing says of which artifact",
                "say --digest to keep it as evidence about one; a check of a canary needs its \
                 query, its window and its baseline, so let `relbook slo-gate --prometheus URL \
                 ...` ask the server",
            ));
        };
        let top = Place::top(document)?;
        let kind = top.down(&["data"])?.map(|data| data.text("resultType")).transpose()?.flatten();
        let format = format!("prometheus-{}", kind.unwrap_or("answer"));
        let origin = Origin { system: "prometheus", reader: self.name(), format: &format };
        let at = pair.first().and_then(time::unix_seconds);
        let mut draft = Draft::new("attestation.recorded", origin, document, context, at.as_ref());
        draft.put("component", json!(context.component(document)?));
        draft.put("digest", json!(digest));
        draft.put("blob", json!(document.digest()));
        draft.put("format", json!(format));
        let mut content = Map::new();
        content.insert("value".to_owned(), json!(pair.get(1)));
        content.insert("at".to_owned(), json!(pair.first()));
        // The answer does not repeat what was asked.
        let query = context.command_line.as_deref();
        for (name, value) in [
            ("query", json!(query)),
            ("metric", metric.cloned().unwrap_or_default()),
            ("warnings", top.value().get("warnings").cloned().unwrap_or_default()),
            ("infos", top.value().get("infos").cloned().unwrap_or_default()),
            ("isPartial", top.value().get("isPartial").cloned().unwrap_or_default()),
        ] {
            if !value.is_null() {
                content.insert(name.to_owned(), value);
            }
        }
        draft.put("content", Value::Object(content));
        draft.label("query", query.is_none().then_some("not said; give it with --command-line"));
        draft.label("check", Some("none: no window and no baseline"));
        draft.label("stage", context.stage.as_deref());
        draft.label("version", context.version.as_deref());
        Ok(vec![Value::Object(draft.finish())])
    }
}

/// Returns the labels and the pair of time and value of an answer that is one finite number.
fn one_number(json: &Value) -> Option<(Option<&Value>, &[Value])> {
    let success = json.get("status").and_then(Value::as_str) == Some("success");
    let result = json.pointer("/data/result")?.as_array().filter(|_| success)?;
    let (metric, pair) = match json.pointer("/data/resultType")?.as_str()? {
        "scalar" => (None, result.as_slice()),
        "vector" => {
            let [series] = result.as_slice() else { return None };
            (series.get("metric"), series.get("value")?.as_array()?.as_slice())
        }
        _ => return None,
    };
    let finite = |text: &str| text.parse::<f64>().is_ok_and(f64::is_finite);
    matches!(pair, [at, Value::String(value)] if at.is_number() && finite(value))
        .then_some((metric, pair))
}

fn unusable(document: &Document) -> IngestError {
    let what = document.json().map(describe).unwrap_or_default();
    IngestError::Unsupported {
        file: document.name().to_owned(),
        what: format!("an answer of Prometheus ({what})"),
        reason: "only one finite value can be kept as evidence (--digest), and a check needs its \
                 query, its window and its baseline; let `relbook slo-gate --prometheus URL ...` \
                 ask the server and record the check",
    }
}

fn describe(json: &Value) -> String {
    if let Some(kind) = json.get("errorType").and_then(Value::as_str) {
        return format!("an error: {}", kind.chars().take(40).collect::<String>());
    }
    let kind = json.pointer("/data/resultType").and_then(Value::as_str).unwrap_or_default();
    let series = json.pointer("/data/result").and_then(Value::as_array);
    let count = series.map_or(0, Vec::len);
    match (kind, count) {
        ("vector", 0) => "no series, so no traffic".to_owned(),
        ("vector", 1) => "one series without a number".to_owned(),
        ("vector", n) => format!("{n} series where one is needed"),
        ("matrix", n) => format!("a matrix of {n} series where one value is needed"),
        ("scalar", _) => "a scalar that is no number".to_owned(),
        _ => "of another type".to_owned(),
    }
}
