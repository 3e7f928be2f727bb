//! Events of an emergency: incidents, hotfixes, reviews of bypasses.

use super::field::Name;

event! {
    /// An incident began.
    "incident.opened" IncidentOpened of_book {
        /// The incident.
        required incident_id: Name,
        /// The deploy that caused it.
        optional caused_by: Name,
        /// How bad it is.
        optional severity: Name,
    }
}

event! {
    /// An incident ended.
    "incident.resolved" IncidentResolved of_book {
        /// The incident.
        required incident_id: Name,
        /// The deploy that caused it.
        optional caused_by: Name,
        /// How bad it was.
        optional severity: Name,
    }
}

event! {
    /// A hotfix was opened; its clock runs.
    "hotfix.opened" HotfixOpened of_component {
        /// The hotfix.
        required hotfix_id: Name,
        /// The incident.
        optional incident_id: Name,
        /// How long it may take, in minutes.
        optional deadline_minutes: u32,
        /// Who opened it.
        optional opened_by: Name,
    }
}

event! {
    /// A break-glass deploy was reviewed.
    "breakglass.reviewed" BreakglassReviewed of_book {
        /// The deploy.
        required deploy_id: Name,
        /// Who reviewed it.
        required reviewer: Name,
        /// What the review found.
        required result: Name,
    }
}
