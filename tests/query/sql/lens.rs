//! The two clocks, and corrections: log tables keep both events, projections drop the corrected.

use relbook_ledger::time::Time;
use relbook_query::sql::{Limits, Session};
use relbook_testkit::story::{self, Story};

use super::{line, lines, run, session, session_with};

/// Looks from a time, with what was known at a seq.
fn look(dir: &std::path::Path, at: Option<&str>, known: Option<u64>) -> Session {
    session_with(dir, Limits::default(), |mut lens| {
        if let Some(at) = at {
            lens.as_of = Time::parse(&story::time(at)).unwrap();
        }
        lens.as_known = known.unwrap_or(lens.as_known);
        lens
    })
}

const VERSIONS: &str = "SELECT version FROM builds ORDER BY seq";
const LIVE: &str = "SELECT version, since FROM current_versions WHERE environment = 'production'";
const DEPLOYS: &str = "SELECT deploy_id FROM deploys ORDER BY seq";
const TARGETS: &str = "SELECT deploy_id, outcome FROM deploy_targets ORDER BY seq";

/// 1.4.1 lives from the 2nd, 1.5.0 from the 3rd; a build of the 1st comes last.
fn lived() -> (Story, u64) {
    let mut story = Story::of_api(&["us"]);
    story.build("01T03:00", "1.4.1").build("01T04:00", "1.5.0");
    story.live("02T09:00", "P1", "1.4.1");
    let known = story.seq();
    story.live("03T09:00", "P2", "1.5.0");
    story.build("01T01:00", "1.3.0");
    (story, known)
}

#[test]
fn as_of_hides_what_had_not_happened() {
    let (mut story, _) = lived();
    let dir = story.book();
    let then = look(&dir, Some("02T12:00"), None);
    // The late build had happened, so it is there.
    assert_eq!(lines(&then, VERSIONS), ["1.4.1", "1.5.0", "1.3.0"]);
    assert_eq!(lines(&then, LIVE), ["1.4.1 02T09:00"]);
    assert_eq!(lines(&then, DEPLOYS), ["P1"]);
    assert_eq!(lines(&then, TARGETS), ["P1 succeeded"]);
    assert_eq!(line(&then, "SELECT now()"), "02T12:00");
    let earlier = look(&dir, Some("01T02:00"), None);
    assert_eq!(lines(&earlier, VERSIONS), ["1.3.0"]);
    assert_eq!(lines(&earlier, LIVE), ["- -"]);
    // To the microsecond.
    let edge = |at: &str| lines(&look(&dir, Some(at), None), VERSIONS).len();
    assert_eq!((edge("2026-06-01T02:59:59.999999Z"), edge("01T03:00")), (1, 2));
}

#[test]
fn as_known_hides_what_the_book_had_not_got() {
    let (mut story, known) = lived();
    let dir = story.book();
    let then = look(&dir, None, Some(known));
    assert_eq!(lines(&then, VERSIONS), ["1.4.1", "1.5.0"]);
    assert_eq!(lines(&then, LIVE), ["1.4.1 02T09:00"]);
    assert_eq!(lines(&then, DEPLOYS), ["P1"]);
    assert_eq!(
        line(&then, "SELECT max(seq), count(*) FROM events"),
        format!("{known} {}", known + 1)
    );
    assert_eq!(line(&then, "SELECT max(size) FROM checkpoints"), line_of_sizes(&dir, known));
    let before = look(&dir, None, Some(known - 1));
    assert_eq!(lines(&before, LIVE), ["- -"]);
    assert_eq!(lines(&before, TARGETS), ["P1 -"]);
}

/// The whole story was appended as one batch under one checkpoint, after the two of the start.
fn line_of_sizes(dir: &std::path::Path, known: u64) -> String {
    let sql = format!("SELECT max(size) FROM checkpoints WHERE size <= {}", known + 1);
    line(&session(dir), &sql)
}

#[test]
fn both_clocks_together() {
    let (mut story, known) = lived();
    let then = look(&story.book(), Some("01T02:00"), Some(known));
    assert_eq!(lines(&then, VERSIONS), Vec::<String>::new());
}

#[test]
fn table_functions_stand_under_the_lens() {
    let (mut story, known) = lived();
    let dir = story.book();
    let state = |session: &Session, at: &str| {
        lines(session, &format!("SELECT version FROM state_at('{}')", story::time(at)))
    };
    let history = "SELECT to_version FROM history('api')";
    let now = session(&dir);
    assert_eq!((state(&now, "04T00:00"), lines(&now, history).len()), (vec!["1.5.0".into()], 2));
    let knew = look(&dir, None, Some(known));
    assert_eq!(state(&knew, "04T00:00"), ["1.4.1"]);
    assert_eq!(lines(&knew, history), ["1.4.1"]);
    let then = look(&dir, Some("02T12:00"), None);
    assert_eq!(lines(&then, history), ["1.4.1"]);
    assert_eq!(state(&then, "02T10:00"), ["1.4.1"]);
    let diff = "SELECT * FROM diff('api', '1.4.1', '1.5.0')";
    assert_eq!(run(&then, diff).rows(), run(&now, diff).rows());
}

#[test]
fn nothing_is_seen_beyond_the_lens_by_asking_for_a_later_time() {
    let (mut story, _) = lived();
    let then = look(&story.book(), Some("02T12:00"), None);
    let later = "SELECT version FROM state_at('2026-06-04T00:00:00Z')";
    assert_eq!(lines(&then, later), ["1.4.1"]);
}

#[test]
fn corrected_events_stay_in_the_log_and_leave_the_projections() {
    let mut story = Story::of_api(&["us"]);
    story.build("01T03:00", "1.4.1").build("01T04:00", "1.5.0");
    story.live("02T09:00", "P1", "1.4.1");
    let start = story.seq() + 1;
    story.live("03T09:00", "P2", "1.5.0");
    let finish = story.seq();
    story.correct("04T09:00", finish).correct("04T10:00", start);
    let first = story.seq() - 1;
    let dir = story.book();
    let now = session(&dir);
    assert_eq!(
        lines(&now, "SELECT deploy_id FROM deploy_events WHERE kind = 'deploy.finished'"),
        ["P1", "P2"]
    );
    assert_eq!(lines(&now, DEPLOYS), ["P1"]);
    assert_eq!(lines(&now, TARGETS), ["P1 succeeded"]);
    assert_eq!(lines(&now, LIVE), ["1.4.1 02T09:00"]);
    assert_eq!(
        lines(&now, "SELECT corrects, corrects_seq, reason FROM corrections ORDER BY seq"),
        [format!("{finish} {finish} wrong"), format!("{start} {start} wrong")]
    );
    // Before the corrections were known, and between them.
    let before = look(&dir, None, Some(first - 1));
    assert_eq!(lines(&before, TARGETS), ["P1 succeeded", "P2 succeeded"]);
    assert_eq!(lines(&before, LIVE), ["1.5.0 03T09:00"]);
    let between = look(&dir, None, Some(first));
    assert_eq!(lines(&between, TARGETS), ["P1 succeeded", "P2 -"]);
    // A correction that had not happened yet does not count either.
    let earlier = look(&dir, Some("04T08:00"), None);
    assert_eq!(lines(&earlier, LIVE), ["1.5.0 03T09:00"]);
}

#[test]
fn a_correction_names_its_event_by_id_too() {
    let mut story = Story::of_api(&["us"]);
    story.build("01T03:00", "1.4.1");
    let seq = story.seq();
    let dir = story.book();
    let id = line(&session(&dir), &format!("SELECT event_id FROM events WHERE seq = {seq}"));
    let corrected = serde_json::json!({"kind": "event.corrected", "corrects": id});
    story.push("02T09:00", corrected);
    let now = session(&story.book());
    // `corrects` is any JSON value, so a text keeps its quotes.
    let sql = "SELECT corrects ->> '$', corrects_seq FROM corrections";
    assert_eq!(line(&now, sql), format!("{id} {seq}"));
}
