//! Events that change, or observe, what runs where.

use super::field::{Digest, Name};
use super::prose::Prose;
use super::word::{FinishOutcome, Reason, Stage};

event! {
    /// A deploy begins; nothing live changes yet.
    "deploy.started" DeployStarted of_component {
        /// The deploy.
        required deploy_id: Name,
        /// The stage.
        required stage: Stage,
        /// The environment.
        required environment: Name,
        /// Where it goes.
        required targets: Vec<Name>,
        /// The artifact.
        required digest: Digest,
        /// The version.
        optional version: Name,
        /// The intended share of traffic, in percent.
        optional weight: u8,
        /// Why.
        optional reason: Reason,
        /// Who started it.
        optional initiated_by: Name,
        /// The deploy that it takes back.
        optional rollback_of: Name,
        /// The deploy whose failure it repairs.
        optional fixes: Name,
        /// The hotfix that it ships.
        optional hotfix_id: Name,
        /// Whether the gates were bypassed on purpose.
        optional break_glass: bool,
        /// The incident.
        optional incident_id: Name,
        /// The ticket.
        optional ticket: String,
        /// What it is for.
        optional description: Prose,
        /// What it means for security.
        optional security_impact: Prose,
    }
}

event! {
    /// A target now sends a share of its traffic to the new artifact.
    "deploy.progressed" DeployProgressed of_book {
        /// The deploy.
        required deploy_id: Name,
        /// The target.
        required target: Name,
        /// The share, in percent.
        required weight: u8,
    }
}

event! {
    /// A deploy ended on a target.
    "deploy.finished" DeployFinished of_book {
        /// The deploy.
        required deploy_id: Name,
        /// The target.
        required target: Name,
        /// How it ended.
        required outcome: FinishOutcome,
        /// Whether the previous state came back; required unless it succeeded.
        optional restored: bool,
    }
}

event! {
    /// A component no longer runs on a target.
    "deploy.removed" DeployRemoved of_component {
        /// The environment.
        required environment: Name,
        /// The target.
        required target: Name,
    }
}

event! {
    /// What was seen running; it never overwrites what the deploys say.
    "runtime.observed" RuntimeObserved of_component {
        /// The environment.
        required environment: Name,
        /// The target.
        required target: Name,
        /// The artifact.
        required digest: Digest,
    }
}
