//! Deploys that ran into each other, and older builds that overwrote newer ones (semantics A.5,
//! C.2 N8).

use relbook_ledger::event::{FinishOutcome, Stage};

use super::fact::{FactsError, Moment};
use super::{Component, Core, Deploy, Period};

/// Two deploys of the same component, environment and stage, unfinished at once on a target.
#[derive(Debug, Clone)]
pub struct Overlap {
    /// The deploy that started first.
    pub earlier: Deploy,
    /// The deploy that started while the other ran.
    pub later: Deploy,
    /// Where.
    pub target: String,
    /// When the first of them finished there; absent while both run.
    pub until: Option<Moment>,
    /// The deploy that finished there last; absent while one runs.
    pub finished_last: Option<String>,
    /// Whether the last success there left a lower version than the other brought; unknown while
    /// one runs or where a version is unknown.
    pub downgrade: Option<bool>,
}

impl Overlap {
    /// Returns the seqs that it rests on.
    pub fn evidence(&self) -> Vec<u64> {
        let mut seqs = self.earlier.evidence();
        seqs.extend(self.later.evidence());
        seqs
    }
}

impl Core<'_> {
    /// Returns the overlaps of a component whose later deploy started in a period.
    ///
    /// # Errors
    /// [`FactsError`] when the facts cannot be read.
    pub fn overlaps(
        &self,
        component: &Component,
        period: Period,
    ) -> Result<Vec<Overlap>, FactsError> {
        let key = super::Key::Starts { component: component.name.clone() };
        let mut overlaps = Vec::new();
        for later in self.deploys_of(&self.within(&key, period)?)? {
            let place = later.start.environment.as_str();
            let before = self.facts.history(&component.name, place, later.started())?;
            for (id, left) in &before.open {
                let Some(earlier) = self.deploy(id)? else { continue };
                if earlier.start.stage != later.start.stage {
                    continue;
                }
                for target in &later.start.targets {
                    if left.iter().any(|open| *open == **target) {
                        overlaps.push(self.overlap(component, &earlier, &later, target)?);
                    }
                }
            }
        }
        overlaps.sort_by(|a, b| {
            let key = |o: &Overlap| {
                (o.later.started(), o.earlier.started(), o.later.id().to_owned(), o.target.clone())
            };
            key(a).cmp(&key(b))
        });
        Ok(overlaps)
    }

    fn overlap(
        &self,
        component: &Component,
        earlier: &Deploy,
        later: &Deploy,
        target: &str,
    ) -> Result<Overlap, FactsError> {
        let end = |deploy: &Deploy| {
            let own = deploy.targets.iter().find(|t| t.target == target);
            own.and_then(|t| Some((t.finished?, t.outcome?)))
        };
        let (a, b) = (end(earlier), end(later));
        let mut downgrade = None;
        let finished_last = match (a, b) {
            (Some(a), Some(b)) => {
                let (last, other) = if a.0 > b.0 { (earlier, later) } else { (later, earlier) };
                let succeeded = [a.1, b.1] == [FinishOutcome::Succeeded; 2];
                downgrade = if succeeded && last.start.stage != Stage::Canary {
                    self.is_lower(component, last, other)?
                } else {
                    Some(false)
                };
                Some(last.id().to_owned())
            }
            _ => None,
        };
        let ends = [a, b].into_iter().flatten().map(|(moment, _)| moment);
        Ok(Overlap {
            until: ends.min(),
            earlier: earlier.clone(),
            later: later.clone(),
            target: target.to_owned(),
            finished_last,
            downgrade,
        })
    }

    /// Tells whether one deploy brings a lower version than another.
    fn is_lower(
        &self,
        component: &Component,
        one: &Deploy,
        other: &Deploy,
    ) -> Result<Option<bool>, FactsError> {
        let mut keys = Vec::new();
        for deploy in [one, other] {
            let named = deploy.start.version.as_deref();
            let origin = self.origin(&component.name, &deploy.start.digest, named)?;
            let version = origin.map(|o| o.version).or_else(|| named.map(str::to_owned));
            let parsed = version.and_then(|text| component.scheme.parse_version(&text).ok());
            let Some(version) = parsed else { return Ok(None) };
            keys.push(version.key().to_vec());
        }
        Ok(Some(keys.first() < keys.last()))
    }
}
