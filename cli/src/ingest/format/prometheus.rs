//! Answers of Prometheus: recognised, and refused by what they are (ingest.md 3.19).
//!
//! A value alone says neither which query gave it, nor over which window, nor what it was compared
//! with, so it proves nothing of a canary. `relbook slo-gate` asks the server itself and records
//! all of that. The message names what the answer holds, because that is often the fault: no
//! series, several, or no number.

use serde_json::Value;

use crate::ingest::document::Document;
use crate::ingest::error::IngestError;
use crate::ingest::{Context, Reader};

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

    fn read(&self, document: &Document, _: &Context) -> Result<Vec<Value>, IngestError> {
        let what = document.json().map(describe).unwrap_or_default();
        Err(IngestError::Unsupported {
            file: document.name().to_owned(),
            what: format!("an answer of Prometheus ({what})"),
            reason: "without its query, its window and its baseline it proves nothing; let \
                     `relbook slo-gate --prometheus URL ...` ask the server and record the check",
        })
    }
}

fn describe(json: &Value) -> String {
    if let Some(kind) = json.get("errorType").and_then(Value::as_str) {
        return format!("an error: {}", kind.chars().take(40).collect::<String>());
    }
    let kind = json.pointer("/data/resultType").and_then(Value::as_str).unwrap_or_default();
    let series = json.pointer("/data/result").and_then(Value::as_array);
    let count = series.map_or(0, Vec::len);
    let value = series
        .filter(|series| series.len() == 1)
        .and_then(|series| series.first()?.pointer("/value/1")?.as_str());
    match (kind, count, value) {
        ("vector", 0, _) => "no series, so no traffic".to_owned(),
        ("vector", 1, Some("NaN" | "+Inf" | "-Inf")) => "one series without a number".to_owned(),
        ("vector", 1, _) => "one value".to_owned(),
        ("vector", n, _) => format!("{n} series where one is needed"),
        ("matrix", n, _) => format!("a matrix of {n} series"),
        ("scalar", ..) => "a scalar".to_owned(),
        _ => "of another type".to_owned(),
    }
}
