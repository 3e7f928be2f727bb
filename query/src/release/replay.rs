//! Puts the events of a component in an environment into the steps of the fold, in order.
//!
//! The same function serves a full replay (any view) and the views that keep snapshots (the head
//! of the log), so the two cannot differ in what an event means.

use std::collections::HashMap;
use std::sync::Arc;

use relbook_ledger::event::Body;
use relbook_ledger::event::deploy::DeployStarted;

use super::fact::{Fact, Facts, FactsError};
use super::index::{Key, joins};
use super::live::{History, Step, Transition};

/// The start of a deploy, where it stands in the log.
type Start = Option<(u64, String, Arc<Fact>)>;

/// Feeds facts to the fold of one component in one environment.
pub struct Replay<'a> {
    facts: &'a dyn Facts,
    component: &'a str,
    environment: &'a str,
    starts: HashMap<String, Start>,
}

impl<'a> Replay<'a> {
    /// Makes a replay over a view.
    pub fn new(facts: &'a dyn Facts, component: &'a str, environment: &'a str) -> Self {
        Self { facts, component, environment, starts: HashMap::new() }
    }

    /// Takes the next fact in effective order; returns the transition that it makes.
    ///
    /// # Errors
    /// [`FactsError`] when the start of its deploy cannot be read.
    pub fn take(
        &mut self,
        history: &mut History,
        fact: &Arc<Fact>,
    ) -> Result<Option<Transition>, FactsError> {
        let moment = fact.moment();
        if let Body::DeployRemoved(removed) = fact.body() {
            return Ok(history.apply(moment, &Step::Removed { target: &removed.target }));
        }
        let id = match fact.body() {
            Body::DeployStarted(start) => start.deploy_id.as_str(),
            _ => joins(&fact.event).unwrap_or_default(),
        };
        let Some((start_seq, first)) = self.start(id)? else { return Ok(None) };
        let Body::DeployStarted(start) = first.body() else { return Ok(None) };
        let step = match fact.body() {
            Body::DeployStarted(_) if fact.seq == start_seq => Step::Started(start),
            Body::DeployProgressed(p) => {
                if first.moment() > moment {
                    history.early.entry(id.to_owned()).or_default();
                }
                Step::Progressed { start, start_seq, target: &p.target, weight: p.weight }
            }
            Body::DeployFinished(f) => Step::Finished {
                start,
                start_seq,
                target: &f.target,
                outcome: f.outcome,
                restored: f.restored == Some(true),
            },
            _ => return Ok(None),
        };
        Ok(history.apply(moment, &step))
    }

    /// Returns the first start of a deploy in the log, when it belongs to this fold.
    fn start(&mut self, id: &str) -> Result<Option<(u64, Arc<Fact>)>, FactsError> {
        if !self.starts.contains_key(id) {
            let all = self.facts.find(&Key::Deploy { deploy_id: id.to_owned() })?;
            let starts = all.into_iter().filter(|f| matches!(f.body(), Body::DeployStarted(_)));
            let first = starts.min_by_key(|fact| fact.seq);
            let start = first.map(|fact| (fact.seq, environment_of(&fact), fact));
            self.starts.insert(id.to_owned(), start);
        }
        Ok(self.starts[id]
            .as_ref()
            .filter(|(_, environment, fact)| {
                environment == self.environment && fact.event.component() == self.component
            })
            .map(|(seq, _, fact)| (*seq, Arc::clone(fact))))
    }
}

fn environment_of(fact: &Fact) -> String {
    start_of(fact).map(|start| start.environment.to_string()).unwrap_or_default()
}

/// Returns the fields of a start.
pub fn start_of(fact: &Fact) -> Option<&DeployStarted> {
    match fact.body() {
        Body::DeployStarted(start) => Some(start),
        _ => None,
    }
}

/// Replays everything that is live-relevant under a key, up to a moment (not included).
///
/// # Errors
/// [`FactsError`] when the facts cannot be read.
pub fn replay(
    facts: &dyn Facts,
    component: &str,
    environment: &str,
    until: super::Moment,
) -> Result<(History, Vec<Transition>), FactsError> {
    let key = Key::Live { component: component.to_owned(), environment: environment.to_owned() };
    let (mut history, mut transitions) = (History::default(), Vec::new());
    let mut replay = Replay::new(facts, component, environment);
    for fact in facts.find(&key)?.iter().filter(|fact| fact.moment() < until) {
        transitions.extend(replay.take(&mut history, fact)?);
    }
    Ok((history, transitions))
}
