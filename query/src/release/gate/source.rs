//! Gates on the source: the commit was merged where releases come from, and somebody else looked.

use relbook_ledger::event::Body;
use relbook_ledger::event::source::CommitMerged;

use super::{Case, Finding};
use crate::release::FactsError;
use crate::release::index::Key;

/// Tells whether releases may come from a branch.
fn releasable(branch: &str) -> bool {
    branch == "main" || branch.starts_with("release/") || branch.starts_with("hotfix/")
}

/// Counts the reviewers who did not write the commit.
fn others(merge: &CommitMerged) -> usize {
    let reviewers = merge.reviewers.iter().flatten();
    reviewers.filter(|reviewer| **reviewer != merge.author).count()
}

/// The commit was merged to main, release/* or hotfix/* with a reviewer who is not its author.
pub(super) fn reviewed_merge(case: &Case<'_>) -> Result<Finding, FactsError> {
    let Some(commit) = case.commit() else {
        return Ok(Finding::missing("no build says which commit the artifact is").threshold("1"));
    };
    let merges = case.core.facts().find(&Key::Commit { commit: commit.to_owned() })?;
    let mut best: Option<Finding> = None;
    for fact in &merges {
        let Body::CommitMerged(merge) = fact.body() else { continue };
        if fact.event.component() != case.name() {
            continue;
        }
        let (branch, count) = (merge.branch.as_str(), others(merge));
        let finding = if !releasable(branch) {
            Finding::fail(format!("merged to {branch}, from which nothing is released"))
                .observed(format!("branch={branch}"))
        } else if count == 0 {
            Finding::fail(format!("merged to {branch} without a reviewer beside the author"))
                .observed("0")
        } else {
            Finding::pass(format!("merged to {branch}, reviewed by somebody else"))
                .observed(count.to_string())
        };
        let passes = finding.verdict == super::GateVerdict::Pass;
        let judged = best.as_ref().map_or_else(Vec::new, |best| best.judged.clone());
        let finding = finding.on(fact);
        if passes {
            return Ok(finding.threshold("1"));
        }
        best = Some(finding.on_moments(judged));
    }
    let missing = || Finding::missing("the log has no merge of the commit before the deploy");
    Ok(best.unwrap_or_else(missing).threshold("1"))
}
