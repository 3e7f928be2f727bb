//! Waivers: somebody owns the risk of a gate that does not pass, for a while.
//!
//! A waived gate keeps its verdict and is no longer required, so that nothing ever reads `pass`
//! that did not pass. An approval cannot be waived: who could grant a waiver could then approve;
//! breaking the glass is the way around it, and that is reviewed.

use relbook_ledger::event::Body;
use relbook_ledger::time::Time;

use super::{Case, GateResult, GateVerdict};
use crate::release::index::Key;
use crate::release::{FactsError, Moment};

/// A waiver of one gate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Waiver {
    /// Its id.
    pub id: String,
    /// The gate.
    pub gate: String,
    /// Who owns the risk.
    pub owner: String,
    /// When it lapses.
    pub expires_at: Time,
    /// Where it stands.
    pub moment: Moment,
}

/// The waivers that were granted before a deploy, and those among them that do not count.
pub(super) struct Waivers {
    valid: Vec<Waiver>,
    pub(super) ignored: Vec<(Waiver, &'static str)>,
}

impl Waivers {
    /// Reads the waivers about the component.
    pub(super) fn of(case: &Case<'_>) -> Result<Self, FactsError> {
        let (mut valid, mut ignored) = (Vec::new(), Vec::new());
        let key = Key::Waivers { component: case.name().to_owned() };
        for fact in case.core.facts().find(&key)? {
            let Body::WaiverGranted(spec) = fact.body() else { continue };
            let waiver = Waiver {
                id: spec.waiver_id.to_string(),
                gate: spec.gate.to_string(),
                owner: spec.owner.to_string(),
                expires_at: spec.expires_at,
                moment: fact.moment(),
            };
            let other = spec.digest.as_deref().is_some_and(|digest| digest != case.digest());
            if waiver.gate == "approval" {
                ignored.push((waiver, "an approval cannot be waived"));
            } else if other {
                ignored.push((waiver, "it is for another artifact"));
            } else if spec.expires_at <= case.deploy.started().at {
                ignored.push((waiver, "it has expired"));
            } else {
                valid.push(waiver);
            }
        }
        Ok(Self { valid, ignored })
    }

    /// Takes the requirement of a gate away that does not pass and is waived.
    pub(super) fn apply(&mut self, result: GateResult) -> GateResult {
        let closes = matches!(result.verdict, GateVerdict::Fail | GateVerdict::Missing);
        let waiver = self.valid.iter().rev().find(|waiver| waiver.gate == result.gate);
        let Some(waiver) = waiver.filter(|_| closes) else { return result };
        let mut evidence = result.evidence;
        evidence.push(waiver.moment.seq);
        evidence.sort_unstable();
        let Waiver { id, owner, expires_at, .. } = waiver;
        let why = format!("{}; waived by {id}, owned by {owner}, until {expires_at}", result.why);
        GateResult { required: false, evidence, why, waiver: Some(waiver.clone()), ..result }
    }
}
