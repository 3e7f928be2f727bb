//! One view of the book, read through the index: what the core's rules see.

use std::collections::HashSet;
use std::ops::ControlFlow;
use std::sync::Arc;

use rusqlite::{OptionalExtension, Row, params};

use super::{Views, key_bytes, seq_of, sql};
use crate::release::{
    Fact, Facts, FactsError, History, Key, Lens, Moment, Replay, Transition, replay,
};
use relbook_ledger::time::Time;

/// The facts that are visible under one lens.
pub struct View<'a> {
    views: &'a Views,
    lens: Lens,
    /// The seqs of the events that corrections take out.
    hidden: Arc<HashSet<u64>>,
    /// Whether the folds kept at the head are those of this view.
    at_head: bool,
}

impl<'a> View<'a> {
    pub(super) fn new(views: &'a Views, lens: Lens) -> Self {
        let head = lens.as_known.saturating_add(1) >= views.ledger.size();
        // The kept folds leave out what any correction took out; an earlier view may not.
        let at_head = head && views.corrections.are_before(lens.as_of);
        Self { views, lens, hidden: views.corrections.hidden(lens), at_head }
    }

    /// Shows everything that was indexed so far, corrected or not.
    pub(super) fn uncorrected(views: &'a Views) -> Self {
        let lens = Lens { as_of: Time::MAX, as_known: u64::MAX >> 1 };
        Self { views, lens, hidden: Arc::default(), at_head: false }
    }

    /// Feeds the facts under a key to `take`, from `from` (not included) in effective order.
    fn walk(
        &self,
        key: &Key,
        newest_first: bool,
        from: Option<Moment>,
        take: &mut dyn FnMut(Arc<Fact>) -> Result<ControlFlow<()>, FactsError>,
    ) -> Result<(), FactsError> {
        let order = if newest_first { "DESC" } else { "ASC" };
        let text = format!(
            "SELECT seq FROM entry WHERE key = ?1 AND (at, seq) > (?2, ?3) AND at <= ?4 \
             AND seq <= ?5 ORDER BY at {order}, seq {order}"
        );
        let db = &self.views.db;
        let mut statement = db.prepare_cached(&text).map_err(FactsError::new)?;
        let from = from.map_or((i64::MIN, -1), |m| (m.at.micros(), sql(m.seq)));
        let key = key_bytes(key);
        let bounds = params![
            key.as_slice(),
            from.0,
            from.1,
            self.lens.as_of.micros(),
            sql(self.lens.as_known)
        ];
        let mut rows = statement.query(bounds).map_err(FactsError::new)?;
        while let Some(row) = rows.next().map_err(FactsError::new)? {
            let seq = seq_of(row.get(0).map_err(FactsError::new)?);
            if self.hidden.contains(&seq) {
                continue;
            }
            let Some(fact) = self.views.fact(seq)? else { continue };
            if take(fact)?.is_break() {
                break;
            }
        }
        Ok(())
    }

    /// Returns the facts under a key after a moment, in effective order.
    pub(super) fn find_after(
        &self,
        key: &Key,
        after: Option<Moment>,
    ) -> Result<Vec<Arc<Fact>>, FactsError> {
        let mut facts = Vec::new();
        self.walk(key, false, after, &mut |fact| {
            facts.push(fact);
            Ok(ControlFlow::Continue(()))
        })?;
        Ok(facts)
    }

    /// Returns the kept snapshot before a moment, with its place.
    fn snapshot(
        &self,
        fold: &[u8; 16],
        until: Moment,
    ) -> Result<Option<(History, Moment)>, FactsError> {
        let text = "SELECT at, seq, state FROM snapshot WHERE fold = ?1 AND (at, seq) < (?2, ?3) \
                    AND at <= ?4 ORDER BY at DESC, seq DESC LIMIT 1";
        let mut statement = self.views.db.prepare_cached(text).map_err(FactsError::new)?;
        let bounds = params![fold, until.at.micros(), sql(until.seq), self.lens.as_of.micros()];
        let read = |row: &Row<'_>| Ok((moment(row)?, row.get::<_, String>(2)?));
        let found = statement.query_row(bounds, read).optional().map_err(FactsError::new)?;
        found
            .map(|(at, state)| Ok((serde_json::from_str(&state).map_err(FactsError::new)?, at)))
            .transpose()
    }
}

pub(super) fn moment(row: &Row<'_>) -> rusqlite::Result<Moment> {
    Ok(Moment { at: Time::from_micros(row.get(0)?), seq: seq_of(row.get(1)?) })
}

impl Facts for View<'_> {
    fn lens(&self) -> Lens {
        self.lens
    }

    fn find(&self, key: &Key) -> Result<Vec<Arc<Fact>>, FactsError> {
        self.find_after(key, None)
    }

    fn newest(
        &self,
        key: &Key,
        take: &mut dyn FnMut(&Arc<Fact>) -> bool,
    ) -> Result<(), FactsError> {
        self.walk(key, true, None, &mut |fact| {
            Ok(if take(&fact) { ControlFlow::Continue(()) } else { ControlFlow::Break(()) })
        })
    }

    fn oldest(
        &self,
        key: &Key,
        from: Moment,
        take: &mut dyn FnMut(&Arc<Fact>) -> bool,
    ) -> Result<(), FactsError> {
        // The walk begins after a place; seq 0 is the genesis event, which stands under no key.
        let before = Moment { at: from.at, seq: from.seq.saturating_sub(1) };
        self.walk(key, false, Some(before), &mut |fact| {
            let more = fact.moment() < from || take(&fact);
            Ok(if more { ControlFlow::Continue(()) } else { ControlFlow::Break(()) })
        })
    }

    fn known_at(&self, recorded: Time) -> Result<u64, FactsError> {
        let (mut low, mut high) = (0, self.views.ledger.size());
        while low < high {
            let middle = low + (high - low) / 2;
            let fact = self.views.fact(middle)?;
            if fact.is_some_and(|fact| fact.recorded_at <= recorded) {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        Ok(low.saturating_sub(1))
    }

    fn view_at(&self, lens: Lens) -> Box<dyn Facts + '_> {
        Box::new(View::new(self.views, lens))
    }

    fn fact(&self, seq: u64) -> Result<Option<Arc<Fact>>, FactsError> {
        if seq > self.lens.as_known || self.hidden.contains(&seq) {
            return Ok(None);
        }
        let fact = self.views.fact(seq)?;
        Ok(fact.filter(|fact| fact.moment().at <= self.lens.as_of))
    }

    fn commit_level(&self, commit: &str) -> Result<u64, FactsError> {
        let mut statement = self
            .views
            .db
            .prepare_cached("SELECT level FROM commit_level WHERE hash = ?1")
            .map_err(FactsError::new)?;
        let level: Option<i64> =
            statement.query_row([commit], |row| row.get(0)).optional().map_err(FactsError::new)?;
        Ok(level.map_or(0, seq_of))
    }

    fn history(
        &self,
        component: &str,
        environment: &str,
        until: Moment,
    ) -> Result<History, FactsError> {
        if !self.at_head {
            return Ok(replay(self, component, environment, until)?.0);
        }
        let key =
            Key::Live { component: component.to_owned(), environment: environment.to_owned() };
        let start = self.snapshot(&key_bytes(&key), until)?;
        let (mut history, from) = match start {
            Some((history, from)) => (history, Some(from)),
            None => (History::default(), None),
        };
        let mut steps = Replay::new(self, component, environment);
        self.walk(&key, false, from, &mut |fact| {
            if fact.moment() >= until {
                return Ok(ControlFlow::Break(()));
            }
            steps.take(&mut history, &fact)?;
            Ok(ControlFlow::Continue(()))
        })?;
        if history.early.is_empty() {
            return Ok(history);
        }
        // A start that is claimed later than its finish is not in this view: fold without it.
        Ok(replay(self, component, environment, until)?.0)
    }

    fn transitions(
        &self,
        component: &str,
        environment: &str,
    ) -> Result<Vec<Transition>, FactsError> {
        let early = || -> Result<bool, FactsError> {
            Ok(!self.history(component, environment, Moment::END)?.early.is_empty())
        };
        if !self.at_head || early()? {
            return Ok(replay(self, component, environment, Moment::END)?.1);
        }
        let key =
            Key::Live { component: component.to_owned(), environment: environment.to_owned() };
        let text = "SELECT at, seq, target, from_digest, to_digest, to_version, deploy_id, \
                    start_seq FROM transition WHERE fold = ?1 AND at <= ?2 ORDER BY at, seq";
        let mut statement = self.views.db.prepare_cached(text).map_err(FactsError::new)?;
        let rows = statement
            .query_map(params![key_bytes(&key).as_slice(), self.lens.as_of.micros()], |row| {
                Ok(Transition {
                    moment: moment(row)?,
                    target: row.get(2)?,
                    from_digest: row.get(3)?,
                    to_digest: row.get(4)?,
                    to_version: row.get(5)?,
                    deploy_id: row.get(6)?,
                    start_seq: seq_of(row.get(7)?),
                })
            })
            .map_err(FactsError::new)?;
        rows.collect::<rusqlite::Result<_>>().map_err(FactsError::new)
    }
}
