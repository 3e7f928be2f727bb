//! Several threads and one session; and what fails below is an error above, never a missing row.

use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use relbook_ledger::key::KeyId;
use relbook_ledger::time::Time;
use relbook_query::projection::Request;
use relbook_query::question::AnswerError;
use relbook_query::release::Lens;
use relbook_query::sql::{
    Limits, LogError, LogSource, NoProjections, Projections, Session, SqlError, StoredCheckpoint,
};
use relbook_query::table::{Cell, Column, ColumnType, Table};
use relbook_testkit::history::{History, Shape};
use relbook_testkit::scratch::Scratch;

use super::pushdown::Counting;
use super::{fails, lines, session};

#[test]
fn threads_share_a_session() {
    let mut scratch = Scratch::simulated();
    scratch.append(&History::new(Shape { components: 2, targets: 2, seed: 3 }).take(300));
    let session = session(&scratch.path());
    let questions = [
        "SELECT * FROM current_versions ORDER BY component, environment",
        "SELECT * FROM production_releases ORDER BY component, n",
        "SELECT kind, count(*) FROM events GROUP BY kind ORDER BY kind",
        "SELECT * FROM history('service-00')",
    ];
    let alone: Vec<Vec<String>> = questions.iter().map(|sql| lines(&session, sql)).collect();
    assert!(alone.iter().all(|rows| !rows.is_empty()));
    std::thread::scope(|scope| {
        for offset in 0..4 {
            let (session, alone) = (&session, &alone);
            scope.spawn(move || {
                for turn in 0..6 {
                    let which = (offset + turn) % questions.len();
                    assert_eq!(lines(session, questions[which]), alone[which]);
                }
            });
        }
    });
}

/// Projections of which each answers, or fails, in its own way.
struct Moody {
    asked: AtomicUsize,
}

const COLUMNS: &[(&str, ColumnType)] = &[("n", ColumnType::Int), ("name", ColumnType::Text)];

fn failed<T>() -> Result<T, AnswerError> {
    Err(AnswerError::Read("the views are on fire".to_owned()))
}

impl Projections for Moody {
    fn names(&self) -> Vec<&'static str> {
        vec!["good", "failing", "panicking", "without_columns", "changing"]
    }

    fn columns(&self, table: &str, _: Lens) -> Result<Option<Vec<Column>>, AnswerError> {
        match table {
            "without_columns" => failed(),
            name if self.names().contains(&name) => {
                Ok(Some(relbook_query::table::columns(COLUMNS)))
            }
            _ => Ok(None),
        }
    }

    fn rows(&self, table: &str, _: &Request, _: Lens) -> Result<Table, AnswerError> {
        self.asked.fetch_add(1, Ordering::Relaxed);
        let mut rows = Table::new(if table == "changing" { &COLUMNS[..1] } else { COLUMNS });
        match table {
            "failing" => return failed(),
            "panicking" => panic!("on purpose: a test of what a panic becomes"),
            "changing" => rows.push(vec![1_i64.into()], vec![]),
            // More than one batch of the engine.
            _ => (0..20_000_i64).for_each(|n| rows.push(vec![n.into(), Cell::Null], vec![])),
        }
        Ok(rows)
    }

    fn state_at(&self, _: Time, _: Lens) -> Result<Table, AnswerError> {
        failed()
    }

    fn diff(&self, _: &str, _: &str, _: &str, _: Lens) -> Result<Table, AnswerError> {
        failed()
    }

    fn history(&self, _: &str, _: Lens) -> Result<Table, AnswerError> {
        failed()
    }
}

fn over(source: Arc<dyn LogSource>, projections: Arc<dyn Projections>) -> Session {
    let lens = Lens { as_of: Time::MAX, as_known: u64::MAX };
    Session::over(source, None, projections, lens, Limits::default()).unwrap()
}

#[test]
fn a_projection_that_fails_is_an_error_and_no_empty_table() {
    let scratch = Scratch::simulated();
    let moody = Arc::new(Moody { asked: AtomicUsize::new(0) });
    let session = over(Counting::new(&scratch.path()), Arc::clone(&moody) as Arc<dyn Projections>);
    assert_eq!(
        lines(&session, "SELECT count(*), count(name), max(n) FROM good"),
        ["20000 0 19999"]
    );
    for sql in [
        "SELECT * FROM failing",
        "SELECT count(*) FROM failing",
        "SELECT * FROM failing LIMIT 1",
        "SELECT * FROM good WHERE n IN (SELECT n FROM failing)",
        "SELECT g.n FROM good g LEFT JOIN failing f ON f.n = g.n",
        "SELECT * FROM good UNION ALL SELECT * FROM failing",
        "SELECT 1 WHERE EXISTS (SELECT 1 FROM failing)",
        "SELECT * FROM without_columns",
        "DESCRIBE without_columns",
        "SELECT * FROM state_at('2026-06-01')",
        "SELECT * FROM diff('a', '1', '2')",
        "SELECT * FROM history('a')",
    ] {
        let error = fails(&session, sql);
        assert!(matches!(error, SqlError::Book { .. }), "{sql}: {error:?}");
        assert!(error.to_string().contains("on fire"), "{sql}: {error}");
    }
    let error = fails(&session, "SELECT * FROM changing");
    assert!(error.to_string().contains("changed while it was read"), "{error}");
    let error = fails(&session, "SELECT * FROM panicking");
    assert!(!error.to_string().is_empty() && !matches!(error, SqlError::Book { .. }), "{error:?}");
    // The session lives on.
    assert_eq!(lines(&session, "SELECT count(*) FROM good"), ["20000"]);
}

/// A log that cannot be read beyond some seq.
struct Torn(Arc<Counting>, u64);

impl LogSource for Torn {
    fn origin(&self) -> String {
        self.0.origin()
    }

    fn size(&self) -> u64 {
        self.0.size()
    }

    fn entries(&self, range: Range<u64>) -> Result<Vec<Vec<u8>>, LogError> {
        if range.end > self.1 {
            return Err(LogError::new("the disk is gone"));
        }
        self.0.entries(range)
    }

    fn principal(&self, key: KeyId, seq: u64) -> String {
        self.0.principal(key, seq)
    }

    fn seq_of(&self, id: &str) -> Result<Option<u64>, LogError> {
        self.0.seq_of(id)
    }

    fn checkpoints(&self, _: Range<u64>) -> Result<Vec<StoredCheckpoint>, LogError> {
        Err(LogError::new("the disk is gone"))
    }
}

#[test]
fn a_log_that_cannot_be_read_is_an_error_and_no_shorter_table() {
    let mut scratch = Scratch::simulated();
    scratch.append(&History::new(Shape { components: 1, targets: 1, seed: 3 }).take(60));
    let torn = Arc::new(Torn(Counting::new(&scratch.path()), 40));
    let session = over(torn, Arc::new(NoProjections));
    for sql in [
        "SELECT * FROM events",
        "SELECT count(*) FROM events",
        "SELECT count(*) FROM builds",
        "SELECT * FROM keys",
        "SELECT * FROM deploy_targets",
        "SELECT * FROM matrix_rows",
        "SELECT * FROM checkpoints",
        "SELECT 1 FROM builds b JOIN tags t ON b.commit = t.commit",
    ] {
        let error = fails(&session, sql);
        assert!(error.to_string().contains("the disk is gone"), "{sql}: {error}");
        assert!(matches!(error, SqlError::Book { .. }), "{sql}: {error:?}");
    }
    assert_eq!(lines(&session, "SELECT count(*) FROM events WHERE seq < 40"), ["40"]);
}
