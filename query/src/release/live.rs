//! What is live where: the fold of semantics A.5, in effective order.
//!
//! One [`History`] per component and environment. `apply` takes the next event and says whether a
//! target's stable digest changed; the rest of A.5 and A.6 is read from states and transitions.

use std::collections::BTreeMap;

use relbook_ledger::event::deploy::DeployStarted;
use relbook_ledger::event::{FinishOutcome, Stage};
use relbook_ledger::time::Time;
use serde::{Deserialize, Serialize};

use super::fact::Moment;

/// An artifact that a target serves.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Share {
    /// The artifact.
    pub digest: String,
    /// The version that its deploy named.
    pub version: Option<String>,
    /// The deploy.
    pub deploy_id: String,
    /// Since when the target has it.
    pub since: Time,
    /// The seq of the event that put it there.
    pub seq: u64,
    /// The seq of the start of its deploy.
    pub start_seq: u64,
}

/// A share of traffic beside the stable one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Canary {
    /// What it serves.
    pub share: Share,
    /// Its part of the traffic, in percent.
    pub weight: u8,
}

/// What one target serves.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct TargetState {
    /// The last artifact whose deploy succeeded here.
    pub stable: Option<Share>,
    /// What has a part of the traffic for now.
    pub canary: Option<Canary>,
    /// What a failed, unrestored deploy may have left: the target is then indeterminate.
    pub suspect: Option<Share>,
    /// The last success here, redeploys included.
    pub last_success: Option<(Time, u64)>,
}

impl TargetState {
    /// Returns the canary when it has traffic; a preview of weight 0 is not live.
    pub fn live_canary(&self) -> Option<&Canary> {
        self.canary.as_ref().filter(|canary| canary.weight > 0)
    }
}

/// What is live of one component in one environment at one moment.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct History {
    /// Target by target.
    pub targets: BTreeMap<String, TargetState>,
    /// Deploys that have not finished everywhere, with the targets that are left.
    pub open: BTreeMap<String, Vec<String>>,
    /// Deploys that progressed or finished before their start is claimed to have happened, with
    /// the targets that finished.
    pub early: BTreeMap<String, Vec<String>>,
    /// How many steps were taken.
    pub steps: u64,
}

/// What the fold takes: an event of a deploy, with the deploy's start.
#[derive(Debug, Clone)]
pub enum Step<'a> {
    /// A deploy begins.
    Started(&'a DeployStarted),
    /// A target gives the deploy a share.
    Progressed {
        /// The start of the deploy.
        start: &'a DeployStarted,
        /// The seq of the start.
        start_seq: u64,
        /// The target.
        target: &'a str,
        /// The share, in percent.
        weight: u8,
    },
    /// The deploy ended on a target.
    Finished {
        /// The start of the deploy.
        start: &'a DeployStarted,
        /// The seq of the start.
        start_seq: u64,
        /// The target.
        target: &'a str,
        /// How it ended.
        outcome: FinishOutcome,
        /// Whether the previous state came back.
        restored: bool,
    },
    /// The component left the target.
    Removed {
        /// The target.
        target: &'a str,
    },
}

/// A success that changed the stable digest of a target (A.6).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Transition {
    /// When, and by which finish.
    pub moment: Moment,
    /// Where.
    pub target: String,
    /// What was stable before.
    pub from_digest: Option<String>,
    /// What is stable now.
    pub to_digest: String,
    /// The version that the deploy named.
    pub to_version: Option<String>,
    /// The deploy.
    pub deploy_id: String,
    /// The seq of its start.
    pub start_seq: u64,
}

impl History {
    /// Takes the next step in effective order; returns the transition that it makes.
    pub fn apply(&mut self, moment: Moment, step: &Step<'_>) -> Option<Transition> {
        self.steps += 1;
        match step {
            Step::Started(start) => self.start(start),
            Step::Progressed { start, start_seq, target, weight } => {
                let share = share(start, *start_seq, moment);
                let state = self.targets.entry((*target).to_owned()).or_default();
                // The same artifact keeps the time at which it first had traffic.
                let share = match state.canary.take() {
                    Some(before) if before.weight > 0 && before.share.digest == share.digest => {
                        Share { since: before.share.since, ..share }
                    }
                    _ => share,
                };
                state.canary = Some(Canary { share, weight: *weight });
            }
            Step::Finished { start, start_seq, target, outcome, restored } => {
                self.finish(&start.deploy_id, target);
                let state = self.targets.entry((*target).to_owned()).or_default();
                let share = share(start, *start_seq, moment);
                if *outcome != FinishOutcome::Succeeded {
                    fail(state, start, share, *restored);
                } else if start.stage != Stage::Canary {
                    return succeed(state, target, moment, share);
                }
            }
            Step::Removed { target } => {
                let state = self.targets.entry((*target).to_owned()).or_default();
                let last_success = state.last_success;
                *state = TargetState { last_success, ..TargetState::default() };
            }
        }
        None
    }

    fn start(&mut self, start: &DeployStarted) {
        let early = self.early.remove(start.deploy_id.as_str()).unwrap_or_default();
        let left: Vec<String> = start
            .targets
            .iter()
            .map(ToString::to_string)
            .filter(|target| !early.contains(target))
            .collect();
        if !left.is_empty() {
            self.open.insert(start.deploy_id.to_string(), left);
        }
    }

    fn finish(&mut self, deploy_id: &str, target: &str) {
        if let Some(left) = self.open.get_mut(deploy_id) {
            left.retain(|open| open != target);
            if left.is_empty() {
                self.open.remove(deploy_id);
            }
        } else {
            self.early.entry(deploy_id.to_owned()).or_default().push(target.to_owned());
        }
    }
}

fn share(start: &DeployStarted, start_seq: u64, moment: Moment) -> Share {
    Share {
        digest: start.digest.to_string(),
        version: start.version.as_deref().map(str::to_owned),
        deploy_id: start.deploy_id.to_string(),
        since: moment.at,
        seq: moment.seq,
        start_seq,
    }
}

fn fail(state: &mut TargetState, start: &DeployStarted, share: Share, restored: bool) {
    // Another deploy's canary is not this deploy's to remove.
    if state.canary.as_ref().is_some_and(|canary| canary.share.deploy_id == *start.deploy_id) {
        state.canary = None;
    }
    if start.stage != Stage::Canary && !restored {
        state.suspect = Some(share);
    }
}

fn succeed(
    state: &mut TargetState,
    target: &str,
    moment: Moment,
    share: Share,
) -> Option<Transition> {
    state.suspect = None;
    state.last_success = Some((moment.at, moment.seq));
    if state.canary.as_ref().is_some_and(|canary| canary.share.digest == share.digest) {
        state.canary = None;
    }
    if let Some(stable) = &mut state.stable
        && stable.digest == share.digest
    {
        // A redeploy: the digest has been live since it first came.
        *stable = Share { since: stable.since, ..share };
        return None;
    }
    let before = state.stable.replace(share.clone());
    Some(Transition {
        moment,
        target: target.to_owned(),
        from_digest: before.as_ref().map(|share| share.digest.clone()),
        to_digest: share.digest,
        to_version: share.version,
        deploy_id: share.deploy_id,
        start_seq: share.start_seq,
    })
}
