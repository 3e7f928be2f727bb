//! The gate `same_digest`: what was tried before is the artifact itself, not another build of it.

use relbook_ledger::event::Stage;

use super::{Case, Finding, GateVerdict, stage};
use crate::release::{Deploy, DeployOutcome, FactsError};

/// The gates that read evidence from a stage.
const READERS: [(Stage, &[&str]); 3] = [
    (Stage::Dev, &["dev_deployed", "smoke"]),
    (Stage::Staging, &["staging_deployed", "integration", "contract"]),
    (Stage::Canary, &["canary_bake", "slo"]),
];

/// Returns the stages whose evidence the policy asks for; all when it asks for none by name.
fn stages(case: &Case<'_>) -> Vec<Stage> {
    let asked = case.policy.gates.get(case.deploy.start.stage.as_str());
    let reads =
        |gates: &[&str]| asked.is_some_and(|a| a.iter().any(|g| gates.contains(&g.as_str())));
    let by_name = READERS.iter().any(|(_, gates)| reads(gates));
    let mut stages = Vec::new();
    for (stage, gates) in READERS {
        let wanted = !by_name || reads(gates);
        if wanted && (stage != Stage::Canary || case.bakes()) {
            stages.push(stage);
        }
    }
    stages
}

/// Dev, staging and canary had this artifact.
pub(super) fn same_digest(case: &Case<'_>) -> Result<Finding, FactsError> {
    let succeeded = |deploys: Vec<Deploy>| -> Option<Deploy> {
        let good = deploys.into_iter().filter(|d| d.outcome() == DeployOutcome::Succeeded);
        good.max_by_key(stage::last_of)
    };
    let (mut judged, mut other, mut none) = (Vec::new(), Vec::new(), Vec::new());
    for stage in stages(case) {
        let own = succeeded(stage::deploys_to(case, case.digest(), stage)?);
        if let Some(deploy) = own {
            judged.push(stage::last_of(&deploy));
            continue;
        }
        match of_another_build(case, stage, succeeded)? {
            Some(deploy) => {
                judged.push(stage::last_of(&deploy));
                other.push(format!("{}={}", stage.as_str(), deploy.start.digest));
            }
            None => none.push(stage.as_str()),
        }
    }
    let finding = if !other.is_empty() {
        Finding::fail("an earlier stage had another artifact of the same version")
            .observed(other.join(","))
    } else if !none.is_empty() {
        Finding::missing(format!("this artifact did not succeed in {}", none.join(" and ")))
    } else {
        Finding::new(GateVerdict::Pass, "every earlier stage had this artifact")
            .observed(case.digest())
    };
    Ok(finding.threshold(case.digest()).on_moments(judged))
}

/// Returns a deploy to a stage of another artifact with the same version.
fn of_another_build(
    case: &Case<'_>,
    stage: Stage,
    succeeded: impl Fn(Vec<Deploy>) -> Option<Deploy>,
) -> Result<Option<Deploy>, FactsError> {
    let Some(version) = case.version() else { return Ok(None) };
    for build in case.core.builds_of_version(case.name(), version)?.iter().rev() {
        if build.digest == case.digest() {
            continue;
        }
        if let Some(deploy) = succeeded(stage::deploys_to(case, &build.digest, stage)?) {
            return Ok(Some(deploy));
        }
    }
    Ok(None)
}
