//! What one predicate found, before it is known whether the gate is waived.

use std::sync::Arc;

use super::{GateResult, GateVerdict};
use crate::release::{Fact, Moment};

/// What one predicate found.
#[derive(Debug, Clone)]
pub(in crate::release) struct Finding {
    pub(in crate::release) verdict: GateVerdict,
    pub(in crate::release) observed: Option<String>,
    pub(in crate::release) threshold: Option<String>,
    pub(in crate::release) judged: Vec<Moment>,
    pub(in crate::release) why: String,
}

impl Finding {
    /// Makes a finding that rests on nothing yet.
    pub(super) fn new(verdict: GateVerdict, why: impl Into<String>) -> Self {
        Self { verdict, observed: None, threshold: None, judged: Vec::new(), why: why.into() }
    }

    pub(super) fn pass(why: impl Into<String>) -> Self {
        Self::new(GateVerdict::Pass, why)
    }

    pub(super) fn fail(why: impl Into<String>) -> Self {
        Self::new(GateVerdict::Fail, why)
    }

    pub(super) fn missing(why: impl Into<String>) -> Self {
        Self::new(GateVerdict::Missing, why)
    }

    pub(super) fn not_applicable(why: impl Into<String>) -> Self {
        Self::new(GateVerdict::NotApplicable, why)
    }

    pub(super) fn observed(self, observed: impl Into<String>) -> Self {
        Self { observed: Some(observed.into()), ..self }
    }

    pub(super) fn threshold(self, threshold: impl Into<String>) -> Self {
        Self { threshold: Some(threshold.into()), ..self }
    }

    pub(super) fn on(self, fact: &Arc<Fact>) -> Self {
        self.on_moments([fact.moment()])
    }

    pub(super) fn on_moments(mut self, moments: impl IntoIterator<Item = Moment>) -> Self {
        self.judged.extend(moments);
        self
    }

    /// Names the gate that found it.
    pub(super) fn result(self, gate: &str) -> GateResult {
        let mut evidence: Vec<u64> = self.judged.iter().map(|moment| moment.seq).collect();
        evidence.sort_unstable();
        evidence.dedup();
        GateResult {
            gate: gate.to_owned(),
            required: self.verdict != GateVerdict::NotApplicable,
            verdict: self.verdict,
            observed: self.observed,
            threshold: self.threshold,
            latest: self.judged.into_iter().max(),
            evidence,
            why: self.why,
            waiver: None,
        }
    }
}
