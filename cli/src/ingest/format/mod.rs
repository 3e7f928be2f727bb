//! One file per format. A format is a reader, a line in [`READERS`], and its tests.
//!
//! The order is that of detection: more telling signs stand before weaker ones (ingest.md 2).

mod attestation;
mod buildx;
mod changelog;
mod goreleaser;
mod grype;
mod helm;
pub(in crate::ingest) mod release_please;
mod sbom;
mod trivy;
mod trivy_operator;

pub(super) use attestation::read_lines as read_attestations;

use super::Reader;

/// The readers, in the order in which they are asked.
pub(super) const READERS: &[&dyn Reader] = &[
    &attestation::Bundle,
    &attestation::Envelope,
    &attestation::InToto,
    &attestation::Npm,
    &attestation::CloudBuild,
    &sbom::CycloneDx,
    &sbom::Spdx,
    &trivy::Trivy,
    &trivy_operator::Operator,
    &grype::Grype,
    &goreleaser::Metadata,
    &goreleaser::Artifacts,
    &goreleaser::Checksums,
    &buildx::Buildx,
    &release_please::Configuration,
    &release_please::Manifest,
    &changelog::Changelog,
    &helm::Chart,
];
