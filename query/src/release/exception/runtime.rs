//! X08, X10 and X14: deploys that overlap, and what was seen running beside what was deployed.

use std::collections::BTreeMap;
use std::sync::Arc;

use relbook_ledger::event::{Body, Stage};

use super::{Exception, ExceptionCode as X, Severity};
use crate::release::fact::{Fact, FactsError, Moment};
use crate::release::index::Key;
use crate::release::{Component, Core, Period};

impl Core<'_> {
    /// X08: one finding for each pair of deploys, whatever number of targets they share.
    pub(super) fn overlap_exceptions(
        &self,
        component: &Component,
        period: Period,
        found: &mut Vec<Exception>,
    ) -> Result<(), FactsError> {
        let mut pairs: BTreeMap<(u64, u64), (Exception, Vec<String>)> = BTreeMap::new();
        for overlap in self.overlaps(component, period)? {
            let (a, b) = (&overlap.earlier, &overlap.later);
            let pair = pairs.entry((a.fact.seq, b.fact.seq)).or_insert_with(|| {
                let what = format!("{} started while {} was under way on ", b.id(), a.id());
                let exception = Exception::new(X::X08, &component.name, b.started(), what).of(b);
                let grave = match b.start.stage {
                    Stage::Production | Stage::Canary => Severity::Warning,
                    _ => Severity::Info,
                };
                (exception.on(a.evidence()).grave(grave), Vec::new())
            });
            pair.1.push(overlap.target);
        }
        found.extend(pairs.into_values().map(|(mut exception, targets)| {
            exception.detail += &targets.join(", ");
            exception
        }));
        Ok(())
    }

    /// X10 and X14: the first observation of each state that the deploys did not make.
    pub(super) fn runtime_exceptions(
        &self,
        component: &Component,
        period: Period,
        found: &mut Vec<Exception>,
    ) -> Result<(), FactsError> {
        let key = Key::Sightings { component: component.name.clone() };
        let until = self.within(&key, Period { from: None, to: period.to })?;
        let begins = until.partition_point(|fact| fact.moment() < period.start());
        let (before, within) = until.split_at(begins);
        // What was found on a target last, so that seeing it again is no new finding; the last
        // observation before the period says what was known when it began (whoever asked drops
        // what is of another period).
        let mut known: BTreeMap<(String, String), (String, Option<String>)> = BTreeMap::new();
        let mut last: BTreeMap<(&str, &str), &Arc<Fact>> = BTreeMap::new();
        for fact in before {
            if let Body::RuntimeObserved(seen) = fact.body() {
                last.insert((&seen.environment, &seen.target), fact);
            }
        }
        for fact in last.into_values().chain(within) {
            let Body::RuntimeObserved(seen) = fact.body() else { continue };
            let (environment, target) = (seen.environment.to_string(), seen.target.to_string());
            let digest = seen.digest.to_string();
            let exception =
                self.observed(component, &environment, &target, &digest, fact.moment())?;
            let place = (environment, target);
            let Some((exception, live)) = exception else {
                known.remove(&place);
                continue;
            };
            let state = (digest, live);
            if known.get(&place) != Some(&state) {
                known.insert(place, state);
                found.push(exception);
            }
        }
        Ok(())
    }

    /// Judges what was seen on a target by what the deploys had left there at that moment.
    fn observed(
        &self,
        component: &Component,
        environment: &str,
        target: &str,
        digest: &str,
        at: Moment,
    ) -> Result<Option<(Exception, Option<String>)>, FactsError> {
        let history = self.facts.history(&component.name, environment, at)?;
        let stable = history.targets.get(target).and_then(|state| state.stable.as_ref());
        if self.as_deployed(&history, target, digest, at)? {
            return Ok(None);
        }
        let name = component.name.as_str();
        let mut exception = match stable {
            Some(share) => {
                let what = format!("{target} in {environment} runs {digest}, not {}", share.digest);
                let mut exception = Exception::new(X::X10, name, at, what);
                exception.change_id = Some(share.deploy_id.clone());
                exception.on([share.start_seq, share.seq])
            }
            None => {
                let what = format!("{target} in {environment} runs {digest}, which no deploy left");
                Exception::new(X::X14, name, at, what)
            }
        };
        exception.digest = Some(digest.to_owned());
        Ok(Some((exception, stable.map(|share| share.digest.clone()))))
    }
}
