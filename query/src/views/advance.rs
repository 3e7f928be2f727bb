//! Brings the views from the last applied seq to the head of the log.
//!
//! Events are indexed in log order, in batches; then each fold that they touch is replayed from
//! the earliest moment that changed. A late event therefore costs the replay of what follows it
//! in its own component and environment, and nothing else.

use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::sync::Arc;

use relbook_ledger::event::Body;
use relbook_ledger::time::Time;
use rusqlite::{OptionalExtension, params};

use super::correction::{Correction, Corrections};
use super::{Progress, Views, key_bytes, read, schema, sql};
use crate::release::{
    Fact, Facts, FactsError, History, Key, Lens, Moment, Replay, Transition, joined_keys, joins,
    keys, listing_keys, start_of,
};

/// How many events one transaction applies.
const BATCH_EVENTS: u64 = 20_000;

/// A state is kept after this many steps of a fold.
const SNAPSHOT_STEPS: u64 = 16;

/// Component and environment of the folds that a batch touched, with the earliest moment.
type Dirty = BTreeMap<(String, String), Moment>;

impl Views {
    /// Applies what the log has and the views have not.
    pub(super) fn advance(&mut self, progress: Progress<'_>) -> Result<(), FactsError> {
        self.load_corrections()?;
        let size = self.ledger.size().min(self.limit);
        let first = schema::applied(&self.db).map_err(FactsError::new)?;
        if first >= size {
            return Ok(());
        }
        loop {
            self.db.execute_batch("BEGIN IMMEDIATE").map_err(FactsError::new)?;
            match self.apply_batch(size) {
                Ok(next) => {
                    self.db.execute_batch("COMMIT").map_err(FactsError::new)?;
                    progress(next - first.min(next), size - first);
                    if next >= size {
                        return Ok(());
                    }
                }
                Err(error) => {
                    // The first error tells what happened; a failed rollback adds nothing to it.
                    drop(self.db.execute_batch("ROLLBACK"));
                    return Err(error);
                }
            }
        }
    }

    fn load_corrections(&mut self) -> Result<(), FactsError> {
        let mut statement = self
            .db
            .prepare("SELECT at, seq, target FROM correction ORDER BY seq")
            .map_err(FactsError::new)?;
        let rows = statement
            .query_map([], |row| {
                Ok(Correction { moment: read::moment(row)?, target: super::seq_of(row.get(2)?) })
            })
            .map_err(FactsError::new)?;
        let mut corrections = Corrections::default();
        for correction in rows {
            corrections.push(correction.map_err(FactsError::new)?);
        }
        self.corrections = corrections;
        Ok(())
    }

    fn apply_batch(&mut self, size: u64) -> Result<u64, FactsError> {
        // Another process may have applied more since; the transaction makes this the truth.
        let from = schema::applied(&self.db).map_err(FactsError::new)?;
        let until = size.min(from + BATCH_EVENTS);
        if from >= until {
            self.load_corrections()?;
            return Ok(from);
        }
        let mut records = Vec::new();
        self.ledger
            .scan(from..until, |record| {
                records.push(record);
                ControlFlow::Continue(())
            })
            .map_err(FactsError::new)?;
        let mut dirty = Dirty::new();
        let Some(chain) = records.last().map(|record| record.chain_hash) else {
            return Err(FactsError::new("the log ended before its size"));
        };
        let facts: Vec<Arc<Fact>> =
            records.into_iter().map(|record| self.remember(record)).collect::<Result<_, _>>()?;
        for fact in &facts {
            self.index(fact, &mut dirty)?;
        }
        for ((component, environment), moment) in dirty {
            self.refold(&component, &environment, moment)?;
        }
        schema::set_applied(&self.db, until, &chain).map_err(FactsError::new)?;
        Ok(until)
    }

    /// Puts a fact under its keys and notes which folds it touches.
    fn index(&mut self, fact: &Arc<Fact>, dirty: &mut Dirty) -> Result<(), FactsError> {
        for key in keys(&fact.event).iter().chain(&listing_keys(fact)) {
            self.put(key, fact)?;
        }
        match fact.body() {
            Body::CommitMerged(_) => self.raise_level(fact)?,
            Body::DeployStarted(start) => {
                let all = self.uncorrected().find(&deploy_key(&start.deploy_id))?;
                for other in all.iter().filter(|other| joins(&other.event).is_some()) {
                    self.join(other, fact)?;
                }
                mark(dirty, &all, fact.moment());
            }
            Body::DeployRemoved(removed) => {
                let key = (fact.event.component().to_owned(), removed.environment.to_string());
                touch(dirty, key, fact.moment());
            }
            // What was read before shows the texts that are erased from here on.
            Body::RedactionApplied(_) => self.facts.borrow_mut().clear(),
            Body::EventCorrected(corrected) => self.correct(fact, &corrected.corrects, dirty)?,
            _ => {
                if let Some(id) = joins(&fact.event) {
                    let all = self.uncorrected().find(&deploy_key(id))?;
                    for start in all.iter().filter(|other| start_of(other).is_some()) {
                        self.join(fact, start)?;
                    }
                    mark(dirty, &all, fact.moment());
                }
            }
        }
        Ok(())
    }

    fn put(&self, key: &Key, fact: &Fact) -> Result<(), FactsError> {
        let mut statement = self
            .db
            .prepare_cached("INSERT OR IGNORE INTO entry VALUES (?1, ?2, ?3)")
            .map_err(FactsError::new)?;
        let at = fact.moment().at.micros();
        let key = key_bytes(key);
        statement
            .execute(params![key.as_slice(), at, sql(fact.seq)])
            .map(drop)
            .map_err(FactsError::new)
    }

    fn join(&self, fact: &Fact, start: &Fact) -> Result<(), FactsError> {
        let Some(spec) = start_of(start) else { return Ok(()) };
        for key in joined_keys(&fact.event, start.event.component(), spec) {
            self.put(&key, fact)?;
        }
        Ok(())
    }

    /// Returns a view of everything that was indexed so far, corrected or not: what a correction
    /// takes out must stay under its keys, for the views that do not include the correction.
    pub(super) fn uncorrected(&self) -> super::View<'_> {
        super::View::uncorrected(self)
    }

    /// Returns the view of the head.
    fn everything(&self) -> super::View<'_> {
        self.view(Lens { as_of: Time::MAX, as_known: u64::MAX >> 1 })
    }

    fn correct(
        &mut self,
        fact: &Fact,
        corrects: &serde_json::Value,
        dirty: &mut Dirty,
    ) -> Result<(), FactsError> {
        let target = self.corrected(corrects)?.filter(|target| *target < fact.seq);
        let Some(target) = target else { return Ok(()) };
        self.mark_corrected(target, dirty)?;
        let moment = fact.moment();
        self.db
            .execute(
                "INSERT OR IGNORE INTO correction VALUES (?1, ?2, ?3)",
                params![sql(target), moment.at.micros(), sql(moment.seq)],
            )
            .map_err(FactsError::new)?;
        self.corrections.push(Correction { target, moment });
        Ok(())
    }

    /// Returns the seq of the event that a correction names, where the book has it.
    fn corrected(&self, corrects: &serde_json::Value) -> Result<Option<u64>, FactsError> {
        match corrects.as_u64() {
            Some(seq) => Ok(Some(seq)),
            None => match corrects.as_str().and_then(|text| text.parse().ok()) {
                Some(id) => self.ledger.find(id).map_err(FactsError::new),
                None => Ok(None),
            },
        }
    }

    /// Notes which folds the event that comes or goes with a correction touches.
    fn mark_corrected(&self, target: u64, dirty: &mut Dirty) -> Result<(), FactsError> {
        let mut next = Some(target);
        while let Some(target) = next.take() {
            let Some(fact) = self.fact(target)? else { return Ok(()) };
            if let Some(id) = start_of(&fact).map(|s| s.deploy_id.as_str()).or(joins(&fact.event)) {
                mark(dirty, &self.uncorrected().find(&deploy_key(id))?, fact.moment());
            }
            match fact.body() {
                Body::DeployRemoved(removed) => {
                    let component = fact.event.component().to_owned();
                    touch(dirty, (component, removed.environment.to_string()), fact.moment());
                }
                // A correction that goes brings back what it took out.
                Body::EventCorrected(correction) => {
                    let earlier = self.corrected(&correction.corrects)?;
                    next = earlier.filter(|earlier| *earlier < target);
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// Replays one fold from a moment on: states and transitions after it are made anew.
    fn refold(&self, component: &str, environment: &str, from: Moment) -> Result<(), FactsError> {
        let key =
            Key::Live { component: component.to_owned(), environment: environment.to_owned() };
        let fold = key_bytes(&key);
        let place = params![fold.as_slice(), from.at.micros(), sql(from.seq)];
        for table in ["snapshot", "transition"] {
            self.db
                .prepare_cached(&format!(
                    "DELETE FROM {table} WHERE fold = ?1 AND (at, seq) >= (?2, ?3)"
                ))
                .and_then(|mut statement| statement.execute(place))
                .map_err(FactsError::new)?;
        }
        let (mut history, after) = self.last_snapshot(&fold)?;
        let view = self.everything();
        let mut replay = Replay::new(&view, component, environment);
        for fact in view.find_after(&key, after)? {
            let steps = history.steps;
            let transition = replay.take(&mut history, &fact)?;
            if fact.moment() < from {
                continue;
            }
            if let Some(transition) = transition {
                self.put_transition(&fold, &transition)?;
            }
            if history.steps != steps && history.steps.is_multiple_of(SNAPSHOT_STEPS) {
                self.put_snapshot(&fold, fact.moment(), &history)?;
            }
        }
        Ok(())
    }

    fn last_snapshot(&self, fold: &[u8; 16]) -> Result<(History, Option<Moment>), FactsError> {
        let text = "SELECT at, seq, state FROM snapshot WHERE fold = ?1 ORDER BY at DESC, seq DESC LIMIT 1";
        let found: Option<(Moment, String)> = self
            .db
            .prepare_cached(text)
            .and_then(|mut statement| {
                statement
                    .query_row([fold.as_slice()], |row| Ok((read::moment(row)?, row.get(2)?)))
                    .optional()
            })
            .map_err(FactsError::new)?;
        Ok(match found {
            Some((at, state)) => (serde_json::from_str(&state).map_err(FactsError::new)?, Some(at)),
            None => (History::default(), None),
        })
    }

    fn put_snapshot(
        &self,
        fold: &[u8; 16],
        at: Moment,
        history: &History,
    ) -> Result<(), FactsError> {
        let state = serde_json::to_string(history).map_err(FactsError::new)?;
        self.db
            .prepare_cached("INSERT OR REPLACE INTO snapshot VALUES (?1, ?2, ?3, ?4)")
            .and_then(|mut s| {
                s.execute(params![fold.as_slice(), at.at.micros(), sql(at.seq), state])
            })
            .map(drop)
            .map_err(FactsError::new)
    }

    fn put_transition(&self, fold: &[u8; 16], t: &Transition) -> Result<(), FactsError> {
        self.db
            .prepare_cached(
                "INSERT OR REPLACE INTO transition VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
            )
            .and_then(|mut statement| {
                statement.execute(params![
                    fold.as_slice(),
                    t.moment.at.micros(),
                    sql(t.moment.seq),
                    t.target,
                    t.from_digest,
                    t.to_digest,
                    t.to_version,
                    t.deploy_id,
                    sql(t.start_seq)
                ])
            })
            .map(drop)
            .map_err(FactsError::new)
    }
}

fn deploy_key(id: &str) -> Key {
    Key::Deploy { deploy_id: id.to_owned() }
}

/// Marks the folds of every start in `all`, from the earliest moment of the deploy.
fn mark(dirty: &mut Dirty, all: &[Arc<Fact>], moment: Moment) {
    // A second start can take over a deploy's events, so all of them are replayed.
    let starts = all.iter().filter(|fact| start_of(fact).is_some());
    let earliest = if starts.clone().any(|start| start.moment() >= moment) {
        all.iter().map(|fact| fact.moment()).min().unwrap_or(moment).min(moment)
    } else {
        moment
    };
    for fact in starts {
        if let Some(start) = start_of(fact) {
            let key = (fact.event.component().to_owned(), start.environment.to_string());
            touch(dirty, key, earliest);
        }
    }
}

fn touch(dirty: &mut Dirty, key: (String, String), moment: Moment) {
    dirty.entry(key).and_modify(|earliest| *earliest = (*earliest).min(moment)).or_insert(moment);
}
