//! Events about tests and scans.

use serde_json::{Map, Value};

use super::field::{Digest, FieldType, FieldValue, Name};
use super::word::{ScanStatus, Stage, TestResult};
use crate::time::Time;

/// How many test cases came to what; a missing number is unknown, not zero.
#[derive(Debug, Clone, PartialEq, Eq, serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(inline)]
pub struct Cases {
    /// Passed at the first try.
    pub passed: Option<u64>,
    /// Failed, or ended in an error.
    pub failed: Option<u64>,
    /// Not run.
    pub skipped: Option<u64>,
    /// Passed after a retry.
    pub flaky: Option<u64>,
}

/// One finding of a scan.
#[derive(Debug, Clone, PartialEq, Eq, serde::Deserialize, schemars::JsonSchema)]
#[schemars(inline)]
pub struct Finding {
    /// The vulnerability or rule.
    pub vulnerability_id: String,
    /// The scanner's severity, in lower case.
    pub severity: Option<String>,
    /// The package.
    pub package: Option<String>,
    /// The version that is installed.
    pub installed_version: Option<String>,
    /// The version that fixes it.
    pub fixed_version: Option<String>,
}

impl FieldValue for Cases {
    const TYPE: FieldType = FieldType::Json;
}

impl FieldValue for Vec<Finding> {
    const TYPE: FieldType = FieldType::Json;
}

event! {
    /// A check of a commit or an artifact came to a result.
    "check.completed" CheckCompleted of_component {
        /// `unit`, `lint`, `smoke`, `integration`, `contract`, `slo`, or the team's own.
        required suite: Name,
        /// What it came to.
        required result: TestResult,
        /// The stage that it ran in.
        optional stage: Stage,
        /// The artifact.
        optional digest: Digest,
        /// The commit.
        optional commit: Name,
        /// How long it took, in seconds.
        optional duration_s: f64,
        /// Its test cases.
        optional cases: Cases,
        /// The start of the measured window (suite `slo`).
        optional window_start: Time,
        /// The end of the measured window (suite `slo`).
        optional window_end: Time,
        /// Canary less baseline, in percentage points (suite `slo`).
        optional error_rate_delta: f64,
        /// Canary less baseline, in milliseconds (suite `slo`).
        optional p99_delta_ms: f64,
        /// The artifact that the canary was compared with (suite `slo`).
        optional baseline_digest: Digest,
    }
}

event! {
    /// A scan of an artifact. The counts are vulnerabilities only; a missing one is unknown.
    "scan.completed" ScanCompleted of_component {
        /// The artifact.
        required digest: Digest,
        /// The scanner, such as `trivy`.
        required scanner: Name,
        /// Its version.
        optional scanner_version: String,
        /// When its database was built.
        optional db_built_at: Time,
        /// Critical vulnerabilities; required unless nothing was scanned.
        optional critical: u64,
        /// High vulnerabilities; required unless nothing was scanned.
        optional high: u64,
        /// Medium vulnerabilities.
        optional medium: u64,
        /// Low vulnerabilities.
        optional low: u64,
        /// Negligible vulnerabilities.
        optional negligible: u64,
        /// Vulnerabilities without a known severity.
        optional unknown: u64,
        /// Other findings by class, then severity; never summed with vulnerabilities.
        optional other_classes: Map<String, Value>,
        /// Findings that the scanner was told to leave out.
        optional suppressed: u64,
        /// What the scan came to.
        optional status: ScanStatus,
        /// Which digest of an image: index, manifest, config or blob.
        optional digest_role: Name,
        /// The scanner's command line.
        optional command_line: String,
        /// The scanner's exit code.
        optional exit_code: u8,
        /// The findings, unless they are in a blob.
        optional findings: Vec<Finding>,
    }
}
