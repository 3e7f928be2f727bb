//! One file per format. A format is a reader, a line in [`READERS`], and its tests.
//!
//! The order is that of detection: more telling signs stand before weaker ones (ingest.md 2).

mod cdevents;
mod cloudevents;
pub(super) mod github;
mod github_oidc;
mod gitlab;
mod grype;
mod trivy;
mod trivy_operator;

use super::Reader;

/// The readers, in the order in which they are asked.
pub(super) const READERS: &[&dyn Reader] = &[
    &cloudevents::CloudEvents,
    &cdevents::Cdevents,
    &trivy::Trivy,
    &trivy_operator::Operator,
    &grype::Grype,
    &gitlab::Gitlab,
    &gitlab::TestReport,
    &github_oidc::GithubOidc,
    &github::Github,
];
