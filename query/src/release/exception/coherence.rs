//! X17: the versions that are live together stopped standing in one row of the matrix.

use std::sync::Arc;

use relbook_ledger::event::Body;
use relbook_ledger::time::Time;

use super::{Exception, ExceptionCode as X};
use crate::release::fact::{Fact, FactsError};
use crate::release::index::Key;
use crate::release::{CompatVerdict, Core, Environment, Lens, Period};

impl Core<'_> {
    /// Returns one finding for each event of a period that broke a set that was supported, or
    /// brought the first set while nothing supports it.
    pub(super) fn incoherent_sets(&self, period: Period) -> Result<Vec<Exception>, FactsError> {
        let mut found = Vec::new();
        if self.facts.latest(&Key::Matrices {})?.is_none() {
            return Ok(found);
        }
        for environment in self.environments()? {
            if !self.is_production(&environment.name)? {
                continue;
            }
            let mut failing: Vec<String> = Vec::new();
            if let Some(from) = period.from {
                failing = self.failing_at(&environment, before(from))?.0;
            }
            for fact in self.set_changes(&environment, period)? {
                let (now, seqs) = self.failing_at(&environment, fact.moment().at)?;
                let new: Vec<&String> = now.iter().filter(|set| !failing.contains(set)).collect();
                if failing.is_empty() && !new.is_empty() {
                    let sets: Vec<&str> = new.iter().map(|set| set.as_str()).collect();
                    let what = format!("no row of the matrix has {}", sets.join("; "));
                    found.push(self.broken(&fact, what)?.on(seqs));
                }
                failing = now;
            }
        }
        Ok(found)
    }

    /// Returns the live sets that no row supported at a time.
    fn failing_at(
        &self,
        environment: &Environment,
        at: Time,
    ) -> Result<(Vec<String>, Vec<u64>), FactsError> {
        let Lens { as_of, as_known } = self.facts.lens();
        let view = self.facts.view_at(Lens { as_of: as_of.min(at), as_known });
        let core = Core::new(view.as_ref());
        let Some(compatibility) = core.compatibility(environment)? else {
            return Ok((Vec::new(), Vec::new()));
        };
        let judged = compatibility.judge();
        if judged.verdict != CompatVerdict::Fails {
            return Ok((Vec::new(), Vec::new()));
        }
        Ok((judged.failing.iter().map(ToString::to_string).collect(), judged.evidence))
    }

    /// Returns the events of a period that can change a live set, in effective order.
    fn set_changes(
        &self,
        environment: &Environment,
        period: Period,
    ) -> Result<Vec<Arc<Fact>>, FactsError> {
        let mut changes = self.within(&Key::Matrices {}, period)?;
        for component in self.components()? {
            let name = || component.name.clone();
            let place = || environment.name.clone();
            if component.is_published() {
                changes.extend(self.within(&Key::Publishes { component: name() }, period)?);
                continue;
            }
            let key = Key::Live { component: name(), environment: place() };
            changes.extend(self.within(&key, period)?.into_iter().filter(changes_live));
        }
        changes.sort_by_key(|fact| fact.moment());
        Ok(changes)
    }

    fn broken(&self, fact: &Arc<Fact>, what: String) -> Result<Exception, FactsError> {
        let id = match fact.body() {
            Body::DeployFinished(d) => Some(d.deploy_id.as_str()),
            Body::DeployProgressed(d) => Some(d.deploy_id.as_str()),
            _ => None,
        };
        let deploy = match id {
            Some(id) => self.deploy(id)?,
            None => None,
        };
        let mut exception = Exception::new(X::X17, fact.event.component(), fact.moment(), what);
        if let Some(deploy) = &deploy {
            exception.component = Some(deploy.component.clone());
            return Ok(exception.of(deploy));
        }
        if fact.event.header.component.is_none() {
            exception.component = None;
        }
        Ok(exception)
    }
}

/// Tells whether an event of a deploy can change what is live: only a start cannot.
fn changes_live(fact: &Arc<Fact>) -> bool {
    !matches!(fact.body(), Body::DeployStarted(_))
}

fn before(at: Time) -> Time {
    Time::from_micros(at.micros().saturating_sub(1))
}
