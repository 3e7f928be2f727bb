//! The gate `approval`: the verdict of A.8 is `approved` or `not_required`.

use super::{Case, Finding};
use crate::release::{FactsError, Verdict};

/// The deploy has the approvals that it needs; broken glass is none.
pub(super) fn given(case: &Case<'_>) -> Result<Finding, FactsError> {
    // Approvals have the rules of evidence among their reasons: asked of the whole view, they
    // give the verdict that `approvals` shows.
    let (core, deploy) = (case.outer, case.deploy);
    let class = core.class(deploy)?;
    let judgements = match case.version() {
        Some(version) => core.judge(deploy, version)?,
        None => Vec::new(),
    };
    let verdict = core.verdict(deploy, &class, &judgements)?;
    let quorum = case.policy.quorum;
    let valid = judgements.iter().filter(|judgement| judgement.valid()).count();
    // Who meets this one cannot know where it comes from.
    let told = |reason: &&'static str| match *reason {
        "source" => "source (the policy value approval_sources)",
        other => other,
    };
    let why: Vec<String> = judgements
        .iter()
        .filter(|judgement| !judgement.valid())
        .map(|j| {
            format!(
                "{} by {} does not count: {}",
                j.approval.id,
                j.approval.approver,
                j.reasons.iter().map(told).collect::<Vec<_>>().join(", ")
            )
        })
        .collect();
    let because = if why.is_empty() { String::new() } else { format!(" ({})", why.join("; ")) };
    let bump = class.bump.map_or("unknown", |bump| bump.as_str());
    let finding = match verdict {
        Verdict::Approved => Finding::pass(format!("{valid} of {quorum} approvals count")),
        Verdict::NotRequired => {
            Finding::pass(format!("a change of class {bump} needs no approval"))
        }
        Verdict::BreakGlass => {
            Finding::fail(format!("the glass was broken, which is no approval{because}"))
        }
        Verdict::Missing => {
            let cause = if deploy.start.hotfix_id.is_some() {
                "a hotfix always needs an approval".to_owned()
            } else if class.held {
                "the artifact was rolled back from and is held".to_owned()
            } else {
                format!("a change of class {bump} needs an approval")
            };
            Finding::missing(format!("{cause} and has {valid} of {quorum}{because}"))
        }
    };
    let started = deploy.started();
    let judged = judgements.iter().map(|j| j.approval.fact.moment());
    let judged: Vec<_> = judged.filter(|moment| moment.supports(started)).collect();
    Ok(finding.observed(verdict.as_str()).threshold("approved").on_moments(judged))
}
