//! Exceptions of a production-stage deploy: X01 to X06, X12, X13, X16.

use std::collections::BTreeMap;
use std::sync::Arc;

use relbook_ledger::event::{Body, FinishOutcome};

use super::{Exception, ExceptionCode as X, Search, Severity};
use crate::release::fact::{Fact, FactsError, Moment};
use crate::release::index::Key;
use crate::release::{Component, Core, Deploy, DeployOutcome, GateVerdict, Verdict};

/// Returns the first success of a deploy on any target: from then on it is live.
fn went_live(deploy: &Deploy) -> Option<Moment> {
    let succeeded = deploy.targets.iter().filter(|t| t.outcome == Some(FinishOutcome::Succeeded));
    succeeded.filter_map(|target| target.finished).min()
}

/// Returns the severity of what is a violation once it is live and a warning before.
fn by_outcome(live: Option<Moment>) -> Severity {
    if live.is_some() { Severity::Violation } else { Severity::Warning }
}

impl Core<'_> {
    pub(super) fn deploy_exceptions(
        &self,
        deploy: &Deploy,
        search: Search<'_>,
        found: &mut Vec<Exception>,
    ) -> Result<(), FactsError> {
        if search.wants(&[X::X01, X::X02]) {
            found.extend(self.unapproved(deploy)?);
        }
        if search.wants(&[X::X03]) {
            self.conflicts(deploy, found)?;
        }
        if search.wants(&[X::X04, X::X13]) {
            self.failed_gates(deploy, found)?;
        }
        if search.wants(&[X::X06]) {
            found.extend(self.without_build(deploy)?);
        }
        if search.wants(&[X::X12]) {
            self.flagged(deploy, found)?;
        }
        if search.wants(&[X::X16]) {
            self.frozen(deploy, found)?;
        }
        Ok(())
    }

    fn unapproved(&self, deploy: &Deploy) -> Result<Option<Exception>, FactsError> {
        let class = self.class(deploy)?;
        let named = deploy.start.version.as_deref().map(str::to_owned);
        let version = class.origin.as_ref().map(|origin| origin.version.clone()).or(named);
        let judgements = match &version {
            Some(version) => self.judge(deploy, version)?,
            None => Vec::new(),
        };
        if self.verdict(deploy, &class, &judgements)? != Verdict::Missing {
            return Ok(None);
        }
        let mut why: Vec<String> = judgements
            .iter()
            .map(|j| format!("{} ({})", j.approval.id, j.reasons.join(", ")))
            .collect();
        if why.is_empty() {
            why.push("nobody approved it".to_owned());
        }
        let bump = class.bump.map_or("unknown", |bump| bump.as_str());
        let what =
            format!("{} of class {bump} needed an approval: {}", deploy.id(), why.join("; "));
        let seqs = judgements.iter().map(|j| j.approval.fact.seq);
        Ok(Some(
            match went_live(deploy) {
                Some(live) => Exception::new(X::X01, &deploy.component, live, what),
                None => Exception::new(X::X02, &deploy.component, deploy.started(), what),
            }
            .of(deploy)
            .on(seqs),
        ))
    }

    fn conflicts(&self, deploy: &Deploy, found: &mut Vec<Exception>) -> Result<(), FactsError> {
        for duty in self.duties(deploy)? {
            if duty.conflicts() {
                let kind = duty.conflict_kind();
                let what = format!("{kind}: {} for {}", duty.person, deploy.id());
                let exception =
                    Exception::new(X::X03, &deploy.component, deploy.started(), what).of(deploy);
                found.push(exception.on(duty.evidence));
            }
        }
        Ok(())
    }

    /// X04 and X13: gates that did not let pass what went live.
    fn failed_gates(&self, deploy: &Deploy, found: &mut Vec<Exception>) -> Result<(), FactsError> {
        let Some(live) = went_live(deploy) else { return Ok(()) };
        if !matches!(deploy.outcome(), DeployOutcome::Succeeded | DeployOutcome::Partial) {
            // Under way on other targets: judged when it is over.
            return Ok(());
        }
        let last = deploy.finished().unwrap_or(live);
        let promotion = self.gates(deploy)?;
        let failed: Vec<_> = promotion.gates.iter().filter(|gate| gate.closes()).collect();
        if !failed.is_empty() {
            let names: Vec<String> = failed
                .iter()
                .map(|gate| format!("{} ({})", gate.gate, gate.verdict.as_str()))
                .collect();
            let what = format!("{} went live past {}", deploy.id(), names.join(", "));
            let broke = deploy.start.break_glass == Some(true);
            let grave = if broke { Severity::Warning } else { Severity::Violation };
            let seqs = failed.iter().flat_map(|gate| gate.evidence.clone());
            let exception = Exception::new(X::X04, &deploy.component, last, what).of(deploy);
            found.push(exception.on(seqs).grave(grave));
        }
        let staging = promotion.gates.iter().find(|gate| gate.gate == "staging_deployed");
        if let Some(gate) = staging
            && !matches!(gate.verdict, GateVerdict::Pass | GateVerdict::NotApplicable)
        {
            let what = format!("{} of {} was never in staging", deploy.start.digest, deploy.id());
            let exception = Exception::new(X::X13, &deploy.component, live, what).of(deploy);
            found.push(exception.on(gate.evidence.clone()));
        }
        Ok(())
    }

    fn without_build(&self, deploy: &Deploy) -> Result<Option<Exception>, FactsError> {
        let named = deploy.start.version.as_deref();
        if self.origin(&deploy.component, &deploy.start.digest, named)?.is_some() {
            return Ok(None);
        }
        let what = format!("the log has no build of {}", deploy.start.digest);
        Ok(Some(
            Exception::new(X::X06, &deploy.component, deploy.started(), what)
                .of(deploy)
                .grave(by_outcome(went_live(deploy))),
        ))
    }

    fn flagged(&self, deploy: &Deploy, found: &mut Vec<Exception>) -> Result<(), FactsError> {
        let (component, digest) = (deploy.component.clone(), deploy.start.digest.to_string());
        let mut open: BTreeMap<(String, Option<String>), Arc<Fact>> = BTreeMap::new();
        for fact in self.facts.find(&Key::Flags { component: component.clone(), digest })? {
            if !fact.moment().supports(deploy.started()) {
                continue;
            }
            match fact.body() {
                Body::ArtifactFlagged(f) => {
                    let cve = f.cve.as_ref().map(ToString::to_string);
                    open.insert((f.flag.to_string(), cve), fact);
                }
                Body::ArtifactUnflagged(f) => open.retain(|(flag, cve), _| {
                    let same = *flag == *f.flag
                        && f.cve.as_deref().is_none_or(|named| cve.as_deref() == Some(named));
                    !same
                }),
                _ => {}
            }
        }
        let mut bad: Vec<(String, u64)> = open
            .into_iter()
            .map(|((flag, cve), fact)| {
                let cve = cve.map(|cve| format!(" {cve}")).unwrap_or_default();
                (format!("flagged {flag}{cve}"), fact.seq)
            })
            .collect();
        bad.extend(self.yanked_before(deploy)?.map(|seq| ("yanked".to_owned(), seq)));
        if !bad.is_empty() {
            let words: Vec<&str> = bad.iter().map(|(word, _)| word.as_str()).collect();
            let what = format!("{} was {}", deploy.start.digest, words.join(", "));
            let exception = Exception::new(X::X12, &component, deploy.started(), what).of(deploy);
            let seqs = bad.iter().map(|(_, seq)| *seq);
            found.push(exception.on(seqs).grave(by_outcome(went_live(deploy))));
        }
        Ok(())
    }

    /// Returns the yank that had withdrawn a deploy's version before its start.
    fn yanked_before(&self, deploy: &Deploy) -> Result<Option<u64>, FactsError> {
        let named = deploy.start.version.as_deref();
        let origin = self.origin(&deploy.component, &deploy.start.digest, named)?;
        let version = origin.map(|o| o.version).or_else(|| named.map(str::to_owned));
        let key = Key::Publishes { component: deploy.component.clone() };
        let mut yanked = None;
        for fact in self.facts.find(&key)? {
            if !fact.moment().supports(deploy.started()) {
                continue;
            }
            match fact.body() {
                Body::ReleaseYanked(y)
                    if Some(y.version.as_str()) == version.as_deref()
                        && y.digest.as_ref().is_none_or(|it| *it == deploy.start.digest) =>
                {
                    yanked = Some(fact.seq);
                }
                Body::ReleasePublished(r)
                    if Some(r.version.as_str()) == version.as_deref()
                        && r.digest == deploy.start.digest =>
                {
                    yanked = None;
                }
                _ => {}
            }
        }
        Ok(yanked)
    }

    fn frozen(&self, deploy: &Deploy, found: &mut Vec<Exception>) -> Result<(), FactsError> {
        let mut open: BTreeMap<String, Arc<Fact>> = BTreeMap::new();
        for fact in self.facts.find(&Key::Freezes {})? {
            if !fact.moment().supports(deploy.started()) {
                continue;
            }
            match fact.body() {
                Body::FreezeDeclared(freeze) => {
                    let component = fact.event.header.component.as_deref();
                    let covers = component.is_none_or(|name| name == deploy.component)
                        && freeze
                            .environment
                            .as_ref()
                            .is_none_or(|e| *e == deploy.start.environment);
                    let lasts = freeze.until.is_none_or(|until| deploy.started().at < until);
                    if covers && lasts {
                        open.insert(freeze.freeze_id.to_string(), fact);
                    } else {
                        open.remove(freeze.freeze_id.as_str());
                    }
                }
                Body::FreezeLifted(lift) => drop(open.remove(lift.freeze_id.as_str())),
                _ => {}
            }
        }
        if !open.is_empty() {
            let ids: Vec<&str> = open.keys().map(String::as_str).collect();
            let by = deploy.initiated_by();
            let what = format!("{} was started by {by} during {}", deploy.id(), ids.join(", "));
            let exception =
                Exception::new(X::X16, &deploy.component, deploy.started(), what).of(deploy);
            let seqs: Vec<u64> = open.values().map(|fact| fact.seq).collect();
            found.push(exception.on(seqs).grave(by_outcome(went_live(deploy))));
        }
        Ok(())
    }

    /// X05: break-glass deploys whose review did not come in time.
    pub(super) fn unreviewed(
        &self,
        component: &Component,
        found: &mut Vec<Exception>,
    ) -> Result<(), FactsError> {
        let now = self.facts.lens().as_of;
        for emergency in self.emergencies(&component.name, super::Period::ALL)? {
            if !emergency.missed(now) {
                continue;
            }
            let (deploy, due) = (&emergency.deploy, emergency.review_due_at);
            let came = match emergency.reviewed_at() {
                Some(at) => format!("came at {at}"),
                None => "did not come".to_owned(),
            };
            let what = format!("the review of {} was due at {due} and {came}", deploy.id());
            // No event completes it: it is complete when the time is over.
            let at = Moment { at: due, seq: deploy.fact.seq };
            let exception = Exception::new(X::X05, &component.name, at, what).of(deploy);
            found.push(exception.on(emergency.evidence()));
        }
        Ok(())
    }
}
