//! One file per format. A format is a reader, a line in [`READERS`], and its tests.
//!
//! The order is that of detection: more telling signs stand before weaker ones (ingest.md 2).

mod buildx;
mod changelog;
mod goreleaser;
mod grype;
mod helm;
pub(in crate::ingest) mod release_please;
mod trivy;
mod trivy_operator;

use super::Reader;

/// The readers, in the order in which they are asked.
pub(super) const READERS: &[&dyn Reader] = &[
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
