//! One file per format. A format is a reader, a line in [`READERS`], and its tests.
//!
//! The order is that of detection: more telling signs stand before weaker ones (ingest.md 2).

mod grype;
mod trivy;
mod trivy_operator;

use super::Reader;

/// The readers, in the order in which they are asked.
pub(super) const READERS: &[&dyn Reader] =
    &[&trivy::Trivy, &trivy_operator::Operator, &grype::Grype];
