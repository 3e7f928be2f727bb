//! Filters reach what they can spare: the core, the log, the segments.
//!
//! Method: a log that counts what is read of it, and projections that keep what they are asked.

use std::ops::Range;
use std::path::Path;
use std::sync::{Arc, Mutex};

use relbook_ledger::key::KeyId;
use relbook_ledger::store::Ledger;
use relbook_ledger::time::Time;
use relbook_query::Book;
use relbook_query::projection::Request;
use relbook_query::question::AnswerError;
use relbook_query::release::Lens;
use relbook_query::sql::{
    Limits, LogError, LogSource, NoProjections, Projections, Session, SharedBook, StoredCheckpoint,
};
use relbook_query::table::{Column, Table};
use relbook_testkit::history::{History, Shape};
use relbook_testkit::scratch::Scratch;

use super::{lines, run};

/// The log of a book that counts the entries read of it.
pub(crate) struct Counting {
    ledger: Mutex<Ledger>,
    read: Mutex<Vec<Range<u64>>>,
}

impl Counting {
    pub(crate) fn new(dir: &Path) -> Arc<Self> {
        let ledger = Mutex::new(Ledger::open(dir).unwrap());
        Arc::new(Self { ledger, read: Mutex::default() })
    }

    /// Returns how many entries were read since it was last asked.
    fn count(&self) -> u64 {
        self.read.lock().unwrap().drain(..).map(|range| range.end - range.start).sum()
    }
}

impl LogSource for Counting {
    fn origin(&self) -> String {
        self.ledger.lock().unwrap().origin().to_owned()
    }

    fn size(&self) -> u64 {
        self.ledger.lock().unwrap().size()
    }

    fn entries(&self, range: Range<u64>) -> Result<Vec<Vec<u8>>, LogError> {
        self.read.lock().unwrap().push(range.clone());
        let ledger = self.ledger.lock().unwrap();
        Ok(range.map(|seq| ledger.entry(seq).unwrap().unwrap()).collect())
    }

    fn principal(&self, key: KeyId, seq: u64) -> String {
        let ledger = self.ledger.lock().unwrap();
        let grant = ledger.registry().keyring().author(key, seq);
        grant.map(|grant| grant.principal.clone()).unwrap_or_default()
    }

    fn seq_of(&self, id: &str) -> Result<Option<u64>, LogError> {
        Ok(self.ledger.lock().unwrap().find(id.parse().unwrap()).unwrap())
    }

    fn checkpoints(&self, _: Range<u64>) -> Result<Vec<StoredCheckpoint>, LogError> {
        Ok(Vec::new())
    }
}

const EVENTS: u64 = 402;

fn history() -> Scratch {
    let mut scratch = Scratch::simulated();
    for events in History::new(Shape { components: 2, targets: 1, seed: 3 }).take(400).chunks(100) {
        scratch.append(events);
    }
    scratch
}

fn counting(scratch: &Scratch, segments: bool) -> (Session, Arc<Counting>) {
    let log = Counting::new(&scratch.path());
    let lens = Lens { as_of: Time::MAX, as_known: u64::MAX };
    let limits = Limits { segment_events: 50, ..Limits::default() };
    let dir = segments.then(|| scratch.path().join("segments"));
    let source = Arc::clone(&log) as Arc<dyn LogSource>;
    (Session::over(source, dir, Arc::new(NoProjections), lens, limits).unwrap(), log)
}

#[test]
fn bounds_on_seq_are_all_that_is_read_of_the_log() {
    let scratch = history();
    let (session, log) = counting(&scratch, false);
    for (filter, rows, read) in [
        ("true", EVENTS, EVENTS),
        ("seq BETWEEN 100 AND 149", 50, 50),
        ("seq = 7", 1, 1),
        ("7 = seq", 1, 1),
        ("seq >= 390", EVENTS - 390, EVENTS - 390),
        ("seq > 10 AND seq <= 20 AND kind IS NOT NULL", 10, 10),
        ("seq < 0", 0, 0),
        ("seq > 1000000", 0, 0),
        ("seq IN (3, 5)", 2, 3),
        ("seq = 3 OR seq = 5", 2, 3),
        ("kind = 'no.such.kind'", 0, 0),
    ] {
        let sql = format!("SELECT count(*) FROM events WHERE {filter}");
        log.count();
        assert_eq!(lines(&session, &sql), [rows.to_string()], "{filter}");
        assert_eq!(log.count(), read, "{filter}");
    }
}

#[test]
fn bounds_on_recorded_at_are_looked_up_in_the_log() {
    let scratch = history();
    let (session, log) = counting(&scratch, false);
    let recorded = lines(&session, "SELECT DISTINCT recorded_at FROM events ORDER BY 1");
    assert!(recorded.len() > 3, "{recorded:?}");
    let middle = &recorded[recorded.len() / 2];
    for filter in [
        format!("recorded_at = TIMESTAMP '{middle}'"),
        format!("recorded_at >= '{middle}'"),
        format!("recorded_at > '{middle}'"),
        format!("recorded_at < '{middle}'"),
        format!("recorded_at <= '{middle}'"),
        format!("'{middle}' <= recorded_at"),
        format!("recorded_at BETWEEN '{middle}' AND '{middle}'"),
        format!("recorded_at >= '{middle}' AND seq < 300"),
    ] {
        let rows = |sql: &str| lines(&session, sql);
        // What the engine cannot see through is read whole.
        let hidden = filter.replace("recorded_at", "coalesce(recorded_at, recorded_at)");
        let all = rows(&format!("SELECT seq FROM events WHERE {hidden} ORDER BY seq"));
        log.count();
        assert_eq!(rows(&format!("SELECT seq FROM events WHERE {filter} ORDER BY seq")), all);
        let read = log.count();
        let found = all.len() as u64;
        assert!(found < EVENTS && read <= found + 40, "{filter}: {found} rows, {read} read");
    }
}

#[test]
fn sealed_ranges_outside_the_bounds_are_not_opened() {
    let scratch = history();
    let (session, log) = counting(&scratch, true);
    assert_eq!(lines(&session, "SELECT count(*) FROM events"), [EVENTS.to_string()]);
    log.count();
    // 8 segments of 50, and two events that no segment holds.
    let files = |filter: &str| {
        let sql = format!("EXPLAIN SELECT component FROM events WHERE {filter}");
        let plan = run(&session, &sql).to_json_rows();
        let text = plan.iter().map(|row| row["plan"].as_str().unwrap()).collect::<String>();
        text.matches(".parquet").count()
    };
    assert_eq!(files("true"), 8);
    assert_eq!(files("seq = 60"), 1);
    assert_eq!(files("seq BETWEEN 140 AND 160"), 2);
    assert_eq!(files("seq >= 400"), 0);
    assert_eq!(lines(&session, "SELECT count(*) FROM events WHERE seq < 400"), ["400"]);
    assert_eq!(log.count(), 0, "the ledger is not read for what is sealed");
    assert_eq!(lines(&session, "SELECT count(*) FROM events WHERE seq >= 390"), ["12"]);
    assert_eq!(log.count(), EVENTS - 400);
}

#[test]
fn times_prune_row_groups() {
    let scratch = history();
    let (session, _log) = counting(&scratch, true);
    let middle = lines(&session, "SELECT occurred_at FROM events WHERE seq = 200").remove(0);
    for column in ["occurred_at", "recorded_at"] {
        let sql = format!("SELECT component FROM events WHERE {column} > TIMESTAMP '{middle}'");
        let plan = run(&session, &format!("EXPLAIN ANALYZE {sql}")).to_json_rows();
        let text = plan[0]["plan"].as_str().unwrap();
        let pruned = text.split("row_groups_pruned_statistics=").nth(1).unwrap_or(text);
        let words: Vec<&str> = pruned.split([' ', ',']).collect();
        // `8 total -> 4 matched`
        let matched: u64 = words[3].parse().unwrap_or_else(|_| panic!("{words:?}"));
        assert!(matched < 6, "{column}: {}", words[..4].join(" "));
    }
}

/// Projections that keep what they are asked.
struct Asked {
    inner: SharedBook,
    requests: Mutex<Vec<Request>>,
}

impl Projections for Asked {
    fn names(&self) -> Vec<&'static str> {
        self.inner.names()
    }

    fn columns(&self, table: &str, lens: Lens) -> Result<Option<Vec<Column>>, AnswerError> {
        self.inner.columns(table, lens)
    }

    fn rows(&self, table: &str, request: &Request, lens: Lens) -> Result<Table, AnswerError> {
        self.requests.lock().unwrap().push(request.clone());
        self.inner.rows(table, request, lens)
    }

    fn state_at(&self, time: Time, lens: Lens) -> Result<Table, AnswerError> {
        self.inner.state_at(time, lens)
    }

    fn diff(&self, c: &str, from: &str, to: &str, lens: Lens) -> Result<Table, AnswerError> {
        self.inner.diff(c, from, to, lens)
    }

    fn history(&self, component: &str, lens: Lens) -> Result<Table, AnswerError> {
        self.inner.history(component, lens)
    }
}

#[test]
fn the_core_is_asked_for_one_component_and_environment_where_the_filter_names_them() {
    let scratch = history();
    let book = Book::open(&scratch.path(), &|_, _| {}).unwrap();
    let lens = book.lens(None, None);
    let asked = Asked { inner: SharedBook::new(book), requests: Mutex::default() };
    let asked = Arc::new(asked);
    let session =
        Session::open(&scratch.path(), Arc::clone(&asked) as Arc<dyn Projections>, lens).unwrap();
    let some = |text: &str| Some(text.to_owned());
    for (filter, component, environment) in [
        ("component = 'service-01'", some("service-01"), None),
        ("'service-01' = component", some("service-01"), None),
        (
            "environment = 'production' AND component = 'service-01'",
            some("service-01"),
            some("production"),
        ),
        ("component IN ('service-01')", some("service-01"), None),
        ("component = 'service-01' AND version IS NOT NULL", some("service-01"), None),
        ("component = 'service-01' OR environment = 'production'", None, None),
        ("component <> 'service-01'", None, None),
        ("component LIKE 'service-01'", some("service-01"), None),
        ("lower(component) = 'service-01'", None, None),
        ("component = 'service-01' AND component = 'service-00'", some("service-00"), None),
    ] {
        let sql = format!(
            "SELECT component, environment, version FROM current_versions WHERE {filter} \
             ORDER BY component, environment"
        );
        asked.requests.lock().unwrap().clear();
        let rows = lines(&session, &sql);
        let requests = std::mem::take(&mut *asked.requests.lock().unwrap());
        // The last filter can never hold, so nobody need be asked.
        for request in &requests {
            let got = (request.component.clone(), request.environment.clone());
            assert_eq!(got, (component.clone(), environment.clone()), "{filter}");
            let columns = request.columns.as_ref().unwrap();
            assert!(columns.iter().all(|c| c != "in_flight" && c != "evidence"), "{columns:?}");
        }
        let hidden = sql.replace("FROM current_versions", "FROM (SELECT component || '' AS component, environment || '' AS environment, version FROM current_versions)");
        assert_eq!(rows, lines(&session, &hidden), "{filter}");
    }
}
