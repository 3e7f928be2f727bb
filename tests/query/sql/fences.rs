//! What a statement cannot do: write, reach beyond the book, or take the machine with it.
//!
//! Each row of the tables is a statement and the kind of error in which it must end, within the
//! limits and with a message that says what to do. The process lives on.

use std::time::{Duration, Instant};

use relbook_query::sql::{Limits, Session, SqlError};
use relbook_testkit::history::{History, Shape};
use relbook_testkit::scratch::Scratch;
use relbook_testkit::story::Story;

use super::{fails, lines, run, session, session_with};

fn word(error: &SqlError) -> &'static str {
    match error {
        SqlError::NotOneStatement { .. } => "statements",
        SqlError::NotReadOnly { .. } => "read-only",
        SqlError::Syntax { .. } => "syntax",
        SqlError::TooComplex { .. } => "complex",
        SqlError::UnknownTable { .. } => "table",
        SqlError::UnknownColumn { .. } => "column",
        SqlError::Argument { .. } => "argument",
        SqlError::Plan { .. } => "plan",
        SqlError::Execution { .. } => "execution",
        SqlError::TimedOut { .. } => "time",
        SqlError::OutOfMemory { .. } => "memory",
        SqlError::Book { .. } => "book",
        _ => "other",
    }
}

#[track_caller]
fn refused(session: &Session, table: &[(&str, &str)]) {
    for (sql, expected) in table {
        let error = fails(session, sql);
        let shown: String = sql.chars().take(120).collect();
        assert_eq!(word(&error), *expected, "{shown}: {error}");
        let message = error.to_string();
        assert!(!message.is_empty() && message.len() < 2_000, "{shown}: {message}");
        for internal in ["DataFusion", "backtrace", "/work/", ".rs:", "panicked"] {
            assert!(!message.contains(internal), "{shown}: {message}");
        }
    }
}

#[test]
fn nothing_is_written() {
    let mut story = Story::of_api(&["us"]);
    let dir = story.book();
    let session = session(&dir);
    let before = lines(&session, "SELECT count(*) FROM events");
    refused(
        &session,
        &[
            ("INSERT INTO events VALUES (1)", "read-only"),
            ("INSERT INTO events SELECT * FROM events", "read-only"),
            ("UPDATE events SET seq = 1", "read-only"),
            ("DELETE FROM events", "read-only"),
            ("TRUNCATE TABLE events", "read-only"),
            ("MERGE INTO events USING builds ON true WHEN MATCHED THEN DELETE", "read-only"),
            ("CREATE TABLE x AS SELECT 1", "read-only"),
            ("CREATE TEMPORARY TABLE x AS SELECT 1", "read-only"),
            ("CREATE VIEW x AS SELECT 1", "read-only"),
            ("CREATE SCHEMA x", "read-only"),
            ("CREATE DATABASE x", "read-only"),
            ("CREATE FUNCTION f() RETURNS INT RETURN 1", "read-only"),
            ("CREATE INDEX i ON events (seq)", "read-only"),
            ("CREATE EXTERNAL TABLE x STORED AS CSV LOCATION '/etc/passwd'", "read-only"),
            ("CREATE EXTERNAL TABLE x STORED AS PARQUET LOCATION 's3://b/x'", "read-only"),
            ("DROP TABLE events", "read-only"),
            ("DROP VIEW current_versions", "read-only"),
            ("ALTER TABLE events ADD COLUMN x INT", "read-only"),
            ("COPY events TO '/tmp/relbook-test.csv'", "read-only"),
            ("COPY (SELECT * FROM keys) TO '/tmp/relbook-test.parquet'", "read-only"),
            ("EXPLAIN COPY (SELECT 1) TO '/tmp/relbook-test.csv'", "read-only"),
            ("EXPLAIN ANALYZE COPY (SELECT 1) TO '/tmp/relbook-test.csv'", "read-only"),
            ("EXPLAIN ANALYZE INSERT INTO events SELECT * FROM events", "read-only"),
            ("EXPLAIN ANALYZE CREATE TABLE x AS SELECT 1", "read-only"),
            ("EXPLAIN EXPLAIN ANALYZE DELETE FROM events", "read-only"),
            ("WITH x AS (SELECT 1) INSERT INTO events SELECT 1", "read-only"),
            ("WITH x AS (DELETE FROM events) SELECT 1", "read-only"),
            ("SELECT * INTO x FROM events", "read-only"),
            ("SELECT * FROM events FOR UPDATE", "read-only"),
            ("SET datafusion.execution.memory_limit = '100G'", "read-only"),
            ("SET TIME ZONE 'Europe/Paris'", "read-only"),
            ("RESET datafusion.execution.batch_size", "read-only"),
            ("USE book", "read-only"),
            ("BEGIN", "read-only"),
            ("START TRANSACTION", "read-only"),
            ("COMMIT", "read-only"),
            ("PREPARE p AS SELECT 1", "read-only"),
            ("EXECUTE p", "read-only"),
            ("DEALLOCATE p", "read-only"),
            ("CALL f()", "read-only"),
            ("LOAD DATA INPATH '/etc/passwd' INTO TABLE events", "syntax"),
            ("VACUUM", "read-only"),
            ("GRANT SELECT ON events TO x", "read-only"),
            ("KILL 1", "read-only"),
        ],
    );
    assert!(!std::path::Path::new("/tmp/relbook-test.csv").exists());
    assert!(!std::path::Path::new("/tmp/relbook-test.parquet").exists());
    assert_eq!(lines(&session, "SELECT count(*) FROM events"), before);
}

#[test]
fn exactly_one_statement_that_can_be_read() {
    let session = session(&Story::of_api(&["us"]).book());
    refused(
        &session,
        &[
            ("", "statements"),
            ("   ;  ", "statements"),
            ("-- a remark", "statements"),
            ("SELECT 1; SELECT 2", "statements"),
            ("SELECT 1; DROP TABLE events", "statements"),
            ("SELECT 1 /* ; */; DELETE FROM events --", "statements"),
            ("SELEC 1", "syntax"),
            ("SELECT", "syntax"),
            ("SELECT 'open", "syntax"),
            ("SELECT \"open", "syntax"),
            ("SELECT 1 FROM", "syntax"),
            ("SELECT (1", "syntax"),
            ("\u{0}", "syntax"),
            ("\u{1f680}", "syntax"),
            ("SELECT * FROM events WHERE", "syntax"),
            ("SELECT nothing", "column"),
            ("SELECT evnt_id FROM events", "column"),
            ("SELECT no_such_function(1)", "plan"),
            ("SELECT 1 + 'x'", "plan"),
            ("SELECT 1 / 0", "execution"),
            ("SELECT CAST('x' AS INT)", "execution"),
            ("SELECT seq FROM events GROUP BY kind", "plan"),
            ("SELECT $1", "execution"),
        ],
    );
    assert_eq!(lines(&session, "SELECT 1;"), ["1"]);
    let error = fails(&session, "SELECT evnt_id FROM events").to_string();
    assert!(error.contains("event_id"), "{error}");
    let error = fails(&session, "SELECT * FROM evnts").to_string();
    assert!(error.contains("events"), "{error}");
}

#[test]
fn no_file_host_or_setting_is_reached() {
    let mut story = Story::of_api(&["us"]);
    let dir = story.book();
    let session = session(&dir);
    run(&session, "SELECT count(*) FROM events");
    std::fs::write(dir.join("x.csv"), "a\n1\n").unwrap();
    let file = format!("SELECT * FROM '{}'", dir.join("x.csv").display());
    let url = format!("SELECT * FROM 'file://{}'", dir.join("x.csv").display());
    refused(
        &session,
        &[
            (&file, "table"),
            (&url, "table"),
            ("SELECT * FROM '/etc/passwd'", "table"),
            ("SELECT * FROM \"/etc/passwd\"", "table"),
            ("SELECT * FROM 'x.parquet'", "table"),
            ("SELECT * FROM 'x.csv'", "table"),
            ("SELECT * FROM 's3://bucket/x.parquet'", "table"),
            ("SELECT * FROM 'https://example.com/x.csv'", "table"),
            ("SELECT * FROM 'relbook-segments://book/manifest.json'", "table"),
            ("DESCRIBE '/etc/passwd'", "table"),
            ("SELECT * FROM (SELECT * FROM '/etc/passwd')", "table"),
            ("SELECT 1 WHERE EXISTS (SELECT 1 FROM '/etc/passwd')", "table"),
            ("SELECT * FROM read_csv('/etc/passwd')", "table"),
            ("SELECT * FROM read_parquet('x.parquet')", "table"),
            ("SELECT * FROM parquet_metadata('x.parquet')", "table"),
            ("SELECT * FROM other.public.events", "table"),
            ("SELECT * FROM other.events", "table"),
            ("SELECT * FROM information_schema.df_settings", "table"),
            ("SHOW ALL", "read-only"),
            ("SHOW datafusion.execution.batch_size", "read-only"),
            ("SHOW CREATE TABLE events", "read-only"),
            ("SELECT input_file_name() FROM events", "plan"),
            ("SELECT pg_read_file('/etc/passwd')", "plan"),
            ("SELECT current_setting('x')", "plan"),
        ],
    );
    for sql in [
        "SELECT * FROM information_schema.tables",
        "SELECT * FROM information_schema.columns",
        "SELECT * FROM information_schema.schemata",
        "SELECT * FROM information_schema.routines",
        "SELECT * FROM book.public.events",
        "SHOW TABLES",
        "SHOW COLUMNS FROM events",
        "SHOW FUNCTIONS",
        "EXPLAIN SELECT * FROM events",
        "EXPLAIN ANALYZE SELECT * FROM events",
        "FROM events",
    ] {
        assert!(run(&session, sql).rows() > 0, "{sql}");
        let shown = lines(&session, sql).concat();
        assert!(!shown.contains(&*dir.to_string_lossy()), "{sql} names the directory");
    }
}

/// A session that may use little, over a book with some events.
fn poor(memory_mib: usize, time_ms: u64) -> (Scratch, Session) {
    let mut scratch = Scratch::simulated();
    scratch.append(&History::new(Shape { components: 2, targets: 2, seed: 3 }).take(300));
    let time = Duration::from_millis(time_ms);
    let limits = Limits { memory_bytes: memory_mib << 20, time, ..Limits::default() };
    let session = session_with(&scratch.path(), limits, |lens| lens);
    (scratch, session)
}

/// Runs statements that must end in an error of one of these kinds, soon after the time is up.
#[track_caller]
fn stopped(session: &Session, time_ms: u64, kinds: &[&str], statements: &[&str]) {
    for sql in statements {
        let begun = Instant::now();
        let error = fails(session, sql);
        let shown: String = sql.chars().take(160).collect();
        assert!(kinds.contains(&word(&error)), "{shown}: {error:?}");
        let most = Duration::from_millis(time_ms + 1_500);
        assert!(begun.elapsed() < most, "{shown}: {:?}", begun.elapsed());
    }
}

#[test]
fn memory_is_bounded() {
    let (_scratch, session) = poor(48, 20_000);
    let bytes = "SELECT repeat('x', 1000000) AS s FROM range(0, 1000)";
    stopped(
        &session,
        20_000,
        &["memory", "argument"],
        &[
            "SELECT a.payload FROM events a, events b, events c ORDER BY a.payload, b.payload",
            "SELECT a.payload, b.payload, c.payload FROM events a, events b, events c",
            "SELECT string_agg(a.payload, '') FROM events a, events b, events c",
            "SELECT DISTINCT a.seq, b.seq, c.seq FROM events a, events b, events c",
            "SELECT * FROM range(0, 1000000000)",
            bytes,
            &format!("SELECT string_agg(s, '') FROM ({bytes})"),
            "SELECT repeat('x', 2000000000)",
            "SELECT repeat(payload, 100000) FROM events",
            "SELECT length(repeat(repeat('x', 10000), 100000))",
            "SELECT lpad('x', 2000000000, 'y')",
            "SELECT rpad(payload, 100000000, 'y') FROM events",
            "SELECT replace(repeat('a', 60000), 'a', repeat('b', 60000))",
            "SELECT regexp_replace(repeat('a', 60000), 'a', repeat('b', 60000), 'g')",
            "SELECT translate(s, 'x', 'y') FROM (SELECT repeat('x', 1000000) AS s FROM range(0, 1000))",
        ],
    );
    // What is left out makes lists as long as a number says.
    refused(
        &session,
        &[
            ("SELECT range(0, 1000000000)", "plan"),
            ("SELECT generate_series(0, 1000000000)", "plan"),
            ("SELECT array_repeat(1, 1000000000)", "plan"),
            ("SELECT array_resize([1], 1000000000)", "plan"),
        ],
    );
    assert_eq!(lines(&session, "SELECT count(*) FROM range(0, 100000)"), ["100000"]);
}

#[test]
fn texts_that_double_are_bounded() {
    let (_scratch, session) = poor(64, 20_000);
    let mut pipes = "WITH t0 AS (SELECT repeat('x', 1000000) AS s FROM range(0, 50))".to_owned();
    let (mut concats, mut arrays) = (pipes.clone(), pipes.clone());
    for n in 1..=8 {
        let last = n - 1;
        pipes += &format!(", t{n} AS (SELECT s || s AS s FROM t{last})");
        concats += &format!(", t{n} AS (SELECT concat(s, s) AS s FROM t{last})");
        arrays += &format!(", t{n} AS (SELECT [s, s] AS s FROM t{last})");
    }
    pipes += " SELECT max(length(s)) FROM t8";
    concats += " SELECT max(length(s)) FROM t8";
    arrays += " SELECT max(cardinality(s)) FROM t8";
    stopped(&session, 20_000, &["memory", "argument"], &[&pipes, &concats, &arrays]);
    assert_eq!(
        lines(
            &session,
            "SELECT 'a' || NULL, 'a' || 1, component || '-' || seq FROM builds ORDER BY seq LIMIT 1"
        ),
        ["- a1 service-01-14"]
    );
}

#[test]
fn time_is_bounded() {
    let (_scratch, session) = poor(256, 400);
    stopped(
        &session,
        400,
        &["time"],
        &[
            "SELECT count(*) FROM events a, events b, events c, events d, events e",
            "SELECT count(*) FROM range(0, 100000000000)",
            "SELECT sum(a.value * b.value) FROM range(0, 1000000) a, range(0, 1000000) b",
            "SELECT count(*) FROM generate_series(1, 100000000000)",
            "WITH RECURSIVE t(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM t) SELECT count(*) FROM t",
            "WITH RECURSIVE t(n) AS (SELECT 1 UNION ALL SELECT n FROM t) SELECT max(n) FROM t",
            "SELECT count(*) FROM events a, events b, events c WHERE regexp_like(a.payload || b.payload || c.payload, '(a|b|c)*x(y|z)*$')",
            "SELECT count(*) FROM events a, events b WHERE levenshtein(a.payload, b.payload) < 3",
            "EXPLAIN ANALYZE SELECT count(*) FROM range(0, 100000000000)",
        ],
    );
    assert_eq!(lines(&session, "SELECT count(*) FROM range(0, 10)"), ["10"]);
}

#[test]
fn a_recursion_that_grows_ends_in_an_error() {
    let (_scratch, session) = poor(32, 5_000);
    stopped(
        &session,
        5_000,
        &["memory", "time"],
        &[
            "WITH RECURSIVE t(n) AS (SELECT 1 UNION ALL SELECT a.n FROM t a, range(0, 100) r) SELECT * FROM t",
            "WITH RECURSIVE t(s) AS (SELECT 'x' UNION ALL SELECT s || s FROM t) SELECT count(*) FROM t",
        ],
    );
}

#[test]
fn long_and_deep_statements_end_in_an_error() {
    let (_scratch, session) = poor(64, 5_000);
    let megabyte = "x".repeat(1 << 20);
    let many = |text: &str, count: usize| text.repeat(count);
    for sql in [
        format!("SELECT '{megabyte}'"),
        format!("SELECT 1 -- {megabyte}"),
        format!("SELECT {}1{}", many("(", 5_000), many(")", 5_000)),
        format!("SELECT {}1{}", many("[", 2_000), many("]", 2_000)),
        format!("SELECT {}1{}", many("abs(", 2_000), many(")", 2_000)),
        format!("SELECT {}1", many("- ", 20_000)),
        format!("SELECT {}true", many("NOT ", 20_000)),
        format!("SELECT 1{}", many(" + 1", 50_000)),
        format!("SELECT 1{}", many("::BIGINT", 20_000)),
        format!("SELECT true{}", many(" AND true", 20_000)),
        format!("SELECT 1{}", many(" UNION ALL SELECT 1", 10_000)),
        format!("SELECT {}1{}", many("(SELECT ", 500), many(")", 500)),
        format!("SELECT * FROM {}events{}", many("(SELECT * FROM ", 500), many(")", 500)),
        format!("SELECT 1 FROM events{}", many(" JOIN events USING (seq)", 5_000)),
        format!("SELECT {}1{}", many("CASE WHEN true THEN ", 2_000), many(" END", 2_000)),
        format!("SELECT json_text('{{}}', '{}')", many("a.", 60_000)),
        format!("EXPLAIN {}SELECT 1", many("EXPLAIN ", 5_000)),
    ] {
        let begun = Instant::now();
        let error = fails(&session, &sql);
        let shown: String = sql.chars().take(60).collect();
        let kinds = ["complex", "syntax", "plan", "argument"];
        assert!(kinds.contains(&word(&error)), "{shown}: {}", word(&error));
        assert!(error.to_string().len() < 2_000, "{shown}: {} bytes", error.to_string().len());
        assert!(begun.elapsed() < Duration::from_secs(7), "{shown}: {:?}", begun.elapsed());
    }
    // As deep as a person would ever write is fine.
    for sql in [
        format!("SELECT {}1{}", many("(", 20), many(")", 20)),
        format!("SELECT 1{}", many(" + 1", 300)),
        format!("SELECT 1{}", many(" UNION ALL SELECT 1", 100)),
        format!("SELECT seq FROM events WHERE seq IN (0{})", many(", 1", 5_000)),
    ] {
        assert!(run(&session, &sql).rows() > 0);
    }
}

#[test]
fn regular_expressions_are_bounded() {
    let (_scratch, session) = poor(64, 3_000);
    let kinds = ["execution", "plan", "argument", "memory", "time"];
    stopped(
        &session,
        3_000,
        &kinds,
        &[
            "SELECT regexp_like(payload, '((((a{100}){100}){100}){100}){100}') FROM events",
            "SELECT payload ~ '(x{1000}){1000}' FROM events",
            "SELECT regexp_like(payload, '(') FROM events",
        ],
    );
    let evil = "SELECT regexp_like(repeat('a', 30000), '^(a|a)*(a|a)*b$')";
    assert_eq!(lines(&session, evil), ["false"]);
}
