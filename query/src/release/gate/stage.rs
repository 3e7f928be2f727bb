//! Gates on earlier stages: a deploy of the very artifact succeeded there.

use relbook_ledger::event::Stage;

use super::{Case, Finding};
use crate::release::{Deploy, DeployOutcome, FactsError, Moment};

/// Returns the deploys of an artifact to a stage before the deploy that is judged.
pub(super) fn deploys_to(
    case: &Case<'_>,
    digest: &str,
    stage: Stage,
) -> Result<Vec<Deploy>, FactsError> {
    let mut deploys = case.core.deploys_of_digest(case.name(), digest)?;
    deploys.retain(|deploy| deploy.start.stage == stage);
    Ok(deploys)
}

/// Returns the last event that is known of a deploy.
pub(super) fn last_of(deploy: &Deploy) -> Moment {
    deploy.finished_so_far().map_or(deploy.started(), |moment| moment.max(deploy.started()))
}

/// A deploy of the artifact to that stage succeeded.
pub(super) fn deployed(case: &Case<'_>, stage: Stage) -> Result<Finding, FactsError> {
    let deploys = deploys_to(case, case.digest(), stage)?;
    let word = stage.as_str();
    let succeeded = deploys.iter().filter(|d| d.outcome() == DeployOutcome::Succeeded);
    let finding = match (succeeded.max_by_key(|d| last_of(d)), deploys.last()) {
        (Some(deploy), _) => Finding::pass(format!("deploy {} to {word} succeeded", deploy.id()))
            .observed(DeployOutcome::Succeeded.as_str())
            .on_moments([deploy.started(), last_of(deploy)]),
        (None, Some(last)) => {
            let outcome = last.outcome().as_str();
            Finding::fail(format!("no deploy to {word} succeeded; {} is {outcome}", last.id()))
                .observed(outcome)
                .on_moments(deploys.iter().map(last_of))
        }
        (None, None) => Finding::missing(format!("this artifact was never deployed to {word}")),
    };
    Ok(finding.threshold(DeployOutcome::Succeeded.as_str()))
}
