//! A chart's Chart.yaml (ingest.md 3.14).
//!
//! `version` is the chart's and SemVer, exactly as published: what helm would coerce is refused.
//! `appVersion` is free text (a `v`, a range), kept as it stands in the file; a number without
//! quotes is what helm turns into another text, and is said on the event. The digest of a chart is
//! the registry's: it must be given.

use relbook_ledger::version::Scheme;
use serde_json::{Value, json};

use crate::ingest::document::Document;
use crate::ingest::draft::{Draft, Origin};
use crate::ingest::error::IngestError;
use crate::ingest::json::Place;
use crate::ingest::release::{given_digest, refused, version};
use crate::ingest::{Context, Reader};

/// The reader of Chart.yaml.
pub(super) struct Chart;

impl Reader for Chart {
    fn name(&self) -> &'static str {
        "helm-chart"
    }

    fn detect(&self, document: &Document) -> bool {
        let Some(json) = document.json() else { return false };
        let has = |key: &str| json.get(key).is_some();
        let api = json.get("apiVersion").and_then(Value::as_str).unwrap_or_default();
        has("name") && has("version") && matches!(api, "v1" | "v2") && !has("kind")
    }

    fn read(&self, document: &Document, context: &Context) -> Result<Vec<Value>, IngestError> {
        let top = Place::top(document)?;
        let name = top.text("name")?.ok_or_else(|| top.expected_under("name", "a name"))?;
        let component = context.component_named(document, &[name])?.to_owned();
        let raw = top.word("version")?.ok_or_else(|| top.expected_under("version", "a version"))?;
        // Helm demands SemVer, whatever scheme the component was registered with.
        if let Err(error) = Scheme::Semver.parse_version(&raw) {
            return Err(refused(document, format!("the version of a chart is SemVer: {error}")));
        }
        let version = version(document, context, &component, &raw)?;
        let digest = given_digest(
            document,
            context,
            "Chart.yaml holds no digest: the registry gives it (`helm push` prints it); give \
             --digest sha256:...",
        )?;
        let api = top.text("apiVersion")?.unwrap_or_default();
        let format = format!("helm-chart/{api}");
        let origin = Origin { system: "helm", reader: "helm-chart", format: &format };
        let mut draft = Draft::new("release.published", origin, document, context, None);
        let app_version = top.word("appVersion")?;
        draft.put("component", json!(component));
        draft.put("version", json!(version));
        draft.put("digest", json!(digest));
        draft.put("app_version", json!(app_version));
        draft.put("commit", json!(context.commit));
        draft.once(document, &[&version, &digest]);
        draft.label("chart", Some(name));
        draft.label("chart_type", top.text("type")?);
        draft.label("kube_version", top.word("kubeVersion")?);
        draft.label("deprecated", top.is_true("deprecated")?.then_some("true"));
        let seen = app_version.as_deref().and_then(|text| seen_by_helm(document.text(), text));
        draft.label("app_version_unquoted", seen);
        Ok(vec![Value::Object(draft.finish())])
    }
}

/// Says what helm makes of an `appVersion` that is a number for YAML because it has no quotes.
fn seen_by_helm(text: &str, app_version: &str) -> Option<String> {
    let line = text.lines().find_map(|line| line.strip_prefix("appVersion:"))?;
    let plain = line.split(" #").next().unwrap_or_default().trim();
    let number: f64 = plain.parse().ok().filter(|_| plain == app_version)?;
    let is_number = plain.starts_with(|c: char| c.is_ascii_digit());
    let read = number.to_string();
    is_number.then(|| match read == plain {
        true => format!("a number to YAML; quote it as \"{plain}\""),
        false => format!("helm reads {read}; quote it as \"{plain}\""),
    })
}
