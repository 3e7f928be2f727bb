//! Events in which people decide: approvals, waivers, freezes, and recorded gate decisions.

use serde_json::{Map, Value};

use super::field::{Digest, Name};
use super::prose::Prose;
use super::word::Stage;
use crate::time::Time;

event! {
    /// Somebody approves one artifact for one stage.
    "approval.granted" ApprovalGranted of_component {
        /// The approval.
        required approval_id: Name,
        /// The version.
        required version: Name,
        /// The artifact.
        required digest: Digest,
        /// The stage.
        required stage: Stage,
        /// Who approves; the signer when absent.
        optional approver: Name,
        /// The approver's role, in a reported approval.
        optional role: Name,
        /// When it lapses.
        optional expires_at: Time,
        /// What the approver says.
        optional comment: Prose,
    }
}

event! {
    /// Somebody refuses one artifact for one stage.
    "approval.rejected" ApprovalRejected of_component {
        /// The approval.
        required approval_id: Name,
        /// The version.
        required version: Name,
        /// The artifact.
        required digest: Digest,
        /// The stage.
        required stage: Stage,
        /// Who rejects; the signer when absent.
        optional approver: Name,
        /// The approver's role, in a reported rejection.
        optional role: Name,
        /// When it lapses.
        optional expires_at: Time,
        /// What the approver says.
        optional comment: Prose,
    }
}

event! {
    /// An approval is taken back.
    "approval.revoked" ApprovalRevoked of_book {
        /// The approval.
        required approval_id: Name,
        /// Who takes it back; the signer when absent.
        optional by: Name,
        /// Why.
        optional reason: Prose,
    }
}

event! {
    /// A gate is waived for a while; somebody owns that.
    "waiver.granted" WaiverGranted of_component {
        /// The waiver.
        required waiver_id: Name,
        /// The gate.
        required gate: Name,
        /// The only artifact that it holds for.
        optional digest: Digest,
        /// Why.
        required reason: Prose,
        /// Who owns the risk.
        required owner: Name,
        /// When it lapses.
        required expires_at: Time,
    }
}

event! {
    /// Nothing may be deployed for a while.
    "freeze.declared" FreezeDeclared of_book {
        /// The freeze.
        required freeze_id: Name,
        /// The environment; all when absent.
        optional environment: Name,
        /// When it ends by itself.
        optional until: Time,
        /// Why.
        optional reason: Prose,
    }
}

event! {
    /// A freeze ends.
    "freeze.lifted" FreezeLifted of_book {
        /// The freeze.
        required freeze_id: Name,
        /// The environment.
        optional environment: Name,
        /// When it would have ended.
        optional until: Time,
        /// Why.
        optional reason: Prose,
    }
}

event! {
    /// What the gates said when they were asked, written by relbook.
    "gate.decided" GateDecided of_component {
        /// The deploy.
        optional deploy_id: Name,
        /// The version.
        optional version: Name,
        /// The artifact.
        optional digest: Digest,
        /// The stage to enter.
        required stage: Stage,
        /// `open` or `closed`.
        required verdict: Name,
        /// Gate by gate.
        optional results: Vec<Map<String, Value>>,
        /// The seq of the policy in force.
        optional policy_seq: u64,
        /// The seqs of the evidence.
        optional evidence_seqs: Vec<u64>,
    }
}
