//! One file per format. A format is a reader, a line in [`READERS`], and its tests.
//!
//! The order is that of detection: more telling signs stand before weaker ones (ingest.md 2).

mod argo;
mod attestation;
mod buildx;
mod cdevents;
mod changelog;
mod cloudevents;
mod flagger;
mod flux;
pub(super) mod github;
mod github_oidc;
mod gitlab;
mod go_test;
mod goreleaser;
mod grype;
mod helm;
mod junit;
mod kargo;
pub mod memory;
mod pact;
mod prometheus;
pub(in crate::ingest) mod release_please;
mod sarif;
mod sarif_rules;
mod sbom;
mod trivy;
mod trivy_k8s;
mod trivy_operator;

pub(super) use attestation::read_lines as read_attestations;

use super::Reader;

/// The readers, in the order in which they are asked.
pub(super) const READERS: &[&dyn Reader] = &[
    &junit::Junit,
    &go_test::GoTest,
    &attestation::Bundle,
    &attestation::Envelope,
    &attestation::InToto,
    &attestation::Npm,
    &attestation::GithubAttestations,
    &attestation::CloudBuild,
    &attestation::BareVuln,
    &attestation::BareSlsa,
    &sbom::CycloneDx,
    &sbom::Spdx,
    &cloudevents::CloudEvents,
    &cdevents::Cdevents,
    &sarif::Sarif,
    &trivy_k8s::Cluster,
    &trivy::Trivy,
    &trivy_operator::Operator,
    &grype::Grype,
    &pact::Pact,
    &prometheus::Prometheus,
    &argo::ArgoCd,
    &argo::Rollouts,
    &flux::Flux,
    &flagger::Canary,
    &flagger::Webhook,
    &kargo::Kargo,
    &gitlab::Gitlab,
    &gitlab::TestReport,
    &gitlab::Deployment,
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
