//! The test report of a pipeline, as GitLab's API gives it.
//!
//! Cases are counted; the totals that the report declares are a check of the count. More declared
//! than listed is a report that was cut: it does not pass.

use serde_json::{Value, json};

use crate::ingest::document::Document;
use crate::ingest::draft::{Draft, Origin};
use crate::ingest::error::IngestError;
use crate::ingest::json::Place;
use crate::ingest::scope::Asked;
use crate::ingest::{Context, Reader};

/// The reader of test reports.
pub(in crate::ingest::format) struct TestReport;

#[derive(Debug, Default, PartialEq, Eq)]
struct Counts {
    passed: u64,
    failed: u64,
    skipped: u64,
}

impl Reader for TestReport {
    fn name(&self) -> &'static str {
        "gitlab-test-report"
    }

    fn detect(&self, document: &Document) -> bool {
        document.json().is_some_and(|json| {
            json.get("test_suites").is_some_and(Value::is_array)
                && json.get("total_count").is_some()
                && json.get("object_kind").is_none()
        })
    }

    fn read(&self, document: &Document, context: &Context) -> Result<Vec<Value>, IngestError> {
        let asked = Asked { document, context, what: "the GitLab test report" };
        let top = Place::top(document)?;
        let suites = top.list("test_suites")?.unwrap_or_default();
        let suite = suite(&asked, &suites)?;
        let mut counted = Counts::default();
        let mut broken = Vec::new();
        for suite in &suites {
            if suite.at("suite_error")?.is_some() {
                broken.push(suite.text("name")?.unwrap_or("a suite").to_owned());
            }
            for case in suite.list("test_cases")?.unwrap_or_default() {
                match case.required("status", "a status")? {
                    "success" => counted.passed += 1,
                    "failed" | "error" => counted.failed += 1,
                    "skipped" => counted.skipped += 1,
                    _ => return Err(case.expected_under("status", "a status that is known")),
                }
            }
        }
        let failures = top.count("failed_count")?.unwrap_or(0);
        let declared = Counts {
            passed: top.count("success_count")?.unwrap_or(0),
            failed: failures + top.count("error_count")?.unwrap_or(0),
            skipped: top.count("skipped_count")?.unwrap_or(0),
        };
        let agrees = declared == counted;
        let failed = counted.failed > 0 || declared.failed > 0;
        let result = match (failed, agrees && broken.is_empty() && counted.passed > 0) {
            (true, _) => "fail",
            (false, true) => "pass",
            (false, false) => "inconclusive",
        };
        let origin =
            Origin { system: "gitlab", reader: self.name(), format: "gitlab-test-report/v4" };
        let mut draft = Draft::new("check.completed", origin, document, context, None);
        draft.put("component", json!(context.component(document)?));
        draft.put("suite", json!(suite));
        draft.put("result", json!(result));
        draft.put("stage", json!(context.stage));
        draft.put("digest", json!(context.digest));
        draft.put("commit", json!(context.commit));
        let Counts { passed, failed, skipped } = counted;
        draft.put("cases", json!({"passed": passed, "failed": failed, "skipped": skipped}));
        let total = top.at("total_time")?.and_then(|place| place.value().as_f64());
        draft.label("sum_of_times_s", total.map(|seconds| seconds.to_string()));
        draft.label(
            "declared",
            (!agrees).then(|| {
                format!(
                    "{} passed, {} failed, {} skipped",
                    declared.passed, declared.failed, declared.skipped
                )
            }),
        );
        draft.label("suite_errors", Some(broken.join(", ")).filter(|names| !names.is_empty()));
        draft.label("version", context.version.as_deref());
        Ok(vec![Value::Object(draft.finish())])
    }
}

/// Returns the suite: the one given, else the only one of the report.
fn suite(asked: &Asked<'_>, suites: &[Place<'_>]) -> Result<String, IngestError> {
    if let Some(suite) = &asked.context.suite {
        return Ok(suite.clone());
    }
    if let [one] = suites
        && let Some(name) = one.text("name")?
    {
        return Ok(name.to_owned());
    }
    let count = suites.len();
    Err(asked.needs(
        "suite",
        format!("holds {count} suites"),
        "say with --suite which it stands for",
    ))
}
