//! Gates on checks: the latest one of the suite decides, and an inconclusive one does not pass.

use std::sync::Arc;

use relbook_ledger::event::check::CheckCompleted;
use relbook_ledger::event::{Body, Stage, TestResult};

use super::{Case, Finding, GateVerdict};
use crate::release::index::Key;
use crate::release::{Fact, FactsError};

/// Returns the fields of a check.
pub(super) fn check_of(fact: &Fact) -> Option<&CheckCompleted> {
    match fact.body() {
        Body::CheckCompleted(check) => Some(check),
        _ => None,
    }
}

/// Returns the checks of a suite that name the artifact, oldest first.
pub(super) fn of_artifact(case: &Case<'_>, suite: &str) -> Result<Vec<Arc<Fact>>, FactsError> {
    case.core.facts().find(&Key::CheckDigest {
        component: case.name().to_owned(),
        suite: suite.to_owned(),
        digest: case.digest().to_owned(),
    })
}

/// Judges what the latest check said.
fn result(latest: Option<&Arc<Fact>>, suite: &str, of: &str) -> Finding {
    let finding = match latest.and_then(|fact| Some((fact, check_of(fact)?))) {
        None => Finding::missing(format!("no {suite} check of {of} was recorded before")),
        Some((fact, check)) => {
            let word = check.result.as_str();
            let finding = match check.result {
                TestResult::Pass => Finding::pass(format!("the latest {suite} check passed")),
                TestResult::Fail => Finding::fail(format!("the latest {suite} check failed")),
                TestResult::Inconclusive => Finding::fail(format!(
                    "the latest {suite} check was inconclusive, which is not a pass"
                )),
            };
            finding.observed(word).on(fact)
        }
    };
    finding.threshold("pass")
}

/// Returns the latest check of the commit: one that names it, or names the artifact alone.
fn latest_of_commit(case: &Case<'_>, suite: &str) -> Result<Option<Arc<Fact>>, FactsError> {
    let mut all = Vec::new();
    if let Some(commit) = case.commit() {
        all = case.core.facts().find(&Key::CheckCommit {
            component: case.name().to_owned(),
            suite: suite.to_owned(),
            commit: commit.to_owned(),
        })?;
    }
    let by_artifact = of_artifact(case, suite)?;
    let alone = |fact: &Arc<Fact>| check_of(fact).is_some_and(|check| check.commit.is_none());
    all.extend(by_artifact.into_iter().filter(alone));
    Ok(all.into_iter().max_by_key(|fact| fact.moment()))
}

/// The latest check of that suite for the commit passed.
pub(super) fn of_commit(case: &Case<'_>, suite: &str) -> Result<Finding, FactsError> {
    Ok(result(latest_of_commit(case, suite)?.as_ref(), suite, "the commit"))
}

/// Returns the latest check of the artifact in a stage.
fn latest_in(case: &Case<'_>, suite: &str, stage: Stage) -> Result<Option<Arc<Fact>>, FactsError> {
    let mut all = of_artifact(case, suite)?;
    all.retain(|fact| check_of(fact).is_some_and(|check| check.stage == Some(stage)));
    Ok(all.pop())
}

/// The latest smoke check of the artifact in dev passed, in less than the limit.
pub(super) fn smoke(case: &Case<'_>) -> Result<Finding, FactsError> {
    let limit = case.policy.smoke_max_s;
    let latest = latest_in(case, "smoke", Stage::Dev)?;
    let finding =
        result(latest.as_ref(), "smoke", "the artifact in dev").threshold(limit.to_string());
    if finding.verdict != GateVerdict::Pass {
        return Ok(finding);
    }
    let duration = latest.as_ref().and_then(|fact| check_of(fact)?.duration_s);
    let judged = finding.judged;
    Ok(match duration {
        None => Finding::missing("the smoke check passed and does not say how long it took"),
        Some(s) if s < limit => {
            Finding::pass(format!("the smoke check passed in {s} s")).observed(s.to_string())
        }
        Some(s) => {
            Finding::fail(format!("the smoke check took {s} s; it must take less than {limit}"))
                .observed(s.to_string())
        }
    }
    .threshold(limit.to_string())
    .on_moments(judged))
}

/// The latest check of that suite of the artifact in staging passed.
pub(super) fn in_staging(case: &Case<'_>, suite: &str) -> Result<Finding, FactsError> {
    let latest = latest_in(case, suite, Stage::Staging)?;
    Ok(result(latest.as_ref(), suite, "the artifact in staging"))
}

/// A hotfix may go without the check for now; one that was made counts as it is.
pub(super) fn deferred(case: &Case<'_>, suite: &str) -> Result<Finding, FactsError> {
    let finding = in_staging(case, suite)?;
    Ok(match finding.verdict {
        GateVerdict::Missing => Finding {
            verdict: GateVerdict::Deferred,
            why: format!("a hotfix defers {suite} to within 24 h of its production finish"),
            ..finding
        },
        _ => finding,
    })
}

/// A team's own gate: the latest check of that suite, of the artifact or of its commit.
pub(super) fn own(case: &Case<'_>, suite: &str) -> Result<Finding, FactsError> {
    let of_commit = latest_of_commit(case, suite)?;
    let of_artifact = of_artifact(case, suite)?.pop();
    let latest = of_commit.into_iter().chain(of_artifact).max_by_key(|fact| fact.moment());
    Ok(result(latest.as_ref(), suite, "the artifact or its commit"))
}
