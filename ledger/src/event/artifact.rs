//! Events about artifacts: builds, publishes, flags, attestations. Identity is the digest.

use serde_json::Value;

use super::field::{Digest, FieldType, FieldValue, Name};
use super::prose::Prose;

/// One platform's artifact under an index digest.
#[derive(Debug, Clone, PartialEq, Eq, serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(inline)]
pub struct Member {
    /// The platform, such as `linux/amd64`.
    pub platform: Name,
    /// The digest of its manifest or file.
    pub digest: Digest,
}

impl FieldValue for Vec<Member> {
    const TYPE: FieldType = FieldType::Json;
}

event! {
    /// A build made an artifact from a commit.
    "build.completed" BuildCompleted of_component {
        /// The version, exactly, without a tag prefix.
        required version: Name,
        /// The artifact: the index digest of an image.
        required digest: Digest,
        /// The commit that it was built from.
        required commit: Name,
        /// The repository.
        optional repository: String,
        /// The branch.
        optional branch: Name,
        /// The platforms.
        optional platforms: Vec<Name>,
        /// The artifacts under the digest, one per platform.
        optional members: Vec<Member>,
        /// What built it.
        optional builder: String,
        /// Where the run can be seen.
        optional run_url: String,
        /// `succeeded` when absent.
        optional outcome: Name,
    }
}

event! {
    /// A version was published for its users to fetch.
    "release.published" ReleasePublished of_component {
        /// The version.
        required version: Name,
        /// The artifact.
        required digest: Digest,
        /// The channel, such as `stable`.
        optional channel: Name,
        /// The version of the application that a chart installs.
        optional app_version: String,
        /// The Go module path.
        optional go_module: Name,
        /// The commit.
        optional commit: Name,
    }
}

event! {
    /// A published version was withdrawn.
    "release.yanked" ReleaseYanked of_component {
        /// The version.
        required version: Name,
        /// The artifact.
        optional digest: Digest,
        /// The channel.
        optional channel: Name,
        /// Why.
        optional reason: Prose,
    }
}

event! {
    /// An artifact must not be used: vulnerable, bad, a migration barrier.
    "artifact.flagged" ArtifactFlagged of_component {
        /// The artifact.
        required digest: Digest,
        /// The flag.
        required flag: Name,
        /// The vulnerability.
        optional cve: Name,
        /// How bad it is.
        optional severity: Name,
        /// Why.
        optional reason: Prose,
    }
}

event! {
    /// A flag was taken back.
    "artifact.unflagged" ArtifactUnflagged of_component {
        /// The artifact.
        required digest: Digest,
        /// The flag.
        required flag: Name,
        /// The vulnerability.
        optional cve: Name,
        /// How bad it is.
        optional severity: Name,
        /// Why.
        optional reason: Prose,
    }
}

event! {
    /// An attestation about an artifact was kept.
    "attestation.recorded" AttestationRecorded of_component {
        /// The artifact that it is about.
        required digest: Digest,
        /// The kept bytes.
        required blob: Digest,
        /// The format and its version.
        optional format: String,
        /// Who signed it, as it says.
        optional signer: String,
        /// What verified it; absent when nothing did.
        optional verified_by: String,
        /// What the reader found in it.
        optional content: Value,
    }
}

event! {
    /// A bill of materials of an artifact was kept.
    "sbom.recorded" SbomRecorded of_component {
        /// The artifact that it is about.
        required digest: Digest,
        /// The kept bytes.
        required blob: Digest,
        /// The format and its version.
        optional format: String,
        /// Who signed it, as it says.
        optional signer: String,
        /// What verified it; absent when nothing did.
        optional verified_by: String,
        /// What the reader found in it.
        optional content: Value,
    }
}
