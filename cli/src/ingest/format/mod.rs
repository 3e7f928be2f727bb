//! One file per format. A format is a reader, a line in [`READERS`], and its tests.
//!
//! The order is that of detection: more telling signs stand before weaker ones (ingest.md 2).

mod buildx;
mod cdevents;
mod changelog;
mod cloudevents;
pub(super) mod github;
mod github_oidc;
mod gitlab;
mod goreleaser;
mod grype;
mod helm;
pub(in crate::ingest) mod release_please;
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
    &goreleaser::Metadata,
    &goreleaser::Artifacts,
    &goreleaser::Checksums,
    &buildx::Buildx,
    &release_please::Configuration,
    &release_please::Manifest,
    &changelog::Changelog,
    &helm::Chart,
];
