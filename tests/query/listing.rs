//! What the tests of the questions beyond the seven have in common: periods, and rows as text.

use relbook_ledger::time::Time;
use relbook_query::question::{Answer, Question};
use relbook_query::release::{ExceptionCode, Period};
use relbook_testkit::story::{self, Story};

use crate::ask::{ask, lines};

/// Returns the half-open period between two times of a story.
pub(crate) fn period(from: &str, to: &str) -> Period {
    let time = |at: &str| Some(Time::parse(&story::time(at)).unwrap());
    Period { from: time(from), to: time(to) }
}

/// Asks a question of a story.
pub(crate) fn answer(story: &mut Story, question: &Question) -> Answer {
    ask(story).answer(question).unwrap()
}

/// Asks a question of a story and returns these columns of its rows.
pub(crate) fn rows(story: &mut Story, question: &Question, columns: &str) -> Vec<String> {
    lines(&answer(story, question).table, columns)
}

/// Returns the seqs that each row of an answer rests on.
pub(crate) fn evidence(story: &mut Story, question: &Question) -> Vec<Vec<u64>> {
    answer(story, question).table.rows.iter().map(|row| row.evidence.clone()).collect()
}

/// Lets the runtime of a target of production be seen with an artifact of `api`.
pub(crate) fn observe(story: &mut Story, at: &str, target: &str, artifact: &str) -> u64 {
    story.push(
        at,
        serde_json::json!({"kind": "runtime.observed", "component": "api",
            "environment": "production", "target": target, "digest": story::digest(artifact)}),
    );
    story.seq()
}

/// Returns the exceptions with a code: change, time.
pub(crate) fn found(story: &mut Story, code: &str) -> Vec<String> {
    found_in(story, code, Period::ALL, "change_id detected_at")
}

/// Returns these columns of the exceptions with a code in a period.
pub(crate) fn found_in(
    story: &mut Story,
    code: &str,
    period: Period,
    columns: &str,
) -> Vec<String> {
    let codes = vec![ExceptionCode::parse(code).unwrap()];
    rows(story, &Question::Exceptions { component: None, codes, period }, columns)
}

/// Begins with production on `us` and an api whose gates are off: a test looks at one rule.
pub(crate) fn ungated() -> Story {
    let mut story = Story::of_api(&["us"]);
    story.policy(
        "01T00:00",
        serde_json::json!({"gates": {"dev": [], "staging": [], "canary": [], "production": []}}),
    );
    story
}
