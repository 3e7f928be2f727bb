//! Events that define the product: components, environments, policy, compatibility matrix.

use serde_json::{Map, Value};

use super::field::{FieldType, FieldValue, Name};
use super::word::ReleaseModel;

impl FieldValue for Vec<Map<String, Value>> {
    const TYPE: FieldType = FieldType::Json;
}

impl FieldValue for Vec<u64> {
    const TYPE: FieldType = FieldType::Json;
}

event! {
    /// A component of the product; registered again, it is replaced from then on.
    "component.registered" ComponentRegistered of_component {
        /// The version scheme: `semver`, `calver:YYYY.0M.MICRO`, ...
        required scheme: String,
        /// How it reaches its users.
        required release_model: ReleaseModel,
        /// What stands before the version in a tag, such as `v` or `orion-cli/v`.
        optional tag_prefix: String,
        /// What it ships as: `oci-image`, `go-module`, `binary`, `helm-chart`, ...
        optional artifact: Name,
        /// Where it lives.
        optional repository: String,
        /// How often it ships.
        optional cadence: String,
        /// The Go module path.
        optional go_module: Name,
        /// The short name in the matrix.
        optional alias: Name,
    }
}

event! {
    /// An environment and its targets, in their order.
    "environment.registered" EnvironmentRegistered of_book {
        /// The environment.
        required environment: Name,
        /// The targets.
        required targets: Vec<Name>,
    }
}

event! {
    /// Policy values; those that it names are replaced from then on.
    "policy.set" PolicySet of_book {
        /// The policy.
        required policy_id: Name,
        /// The values, by name; what they do not name stays as it is.
        required values: Map<String, Value>,
    }
}

event! {
    /// The compatibility matrix; row ids are r1, r2, ... by position.
    "matrix.published" MatrixPublished of_book {
        /// The rows: alias to range.
        required rows: Vec<Map<String, Value>>,
        /// The matrix.
        optional matrix_id: Name,
    }
}
