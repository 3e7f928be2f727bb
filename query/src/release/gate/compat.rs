//! The gate `compat`: what is live, with the artifact in place of what is live of its component,
//! goes together (semantics A.13).

use super::{Case, Finding};
use crate::release::FactsError;
use crate::release::compat::CompatVerdict;

/// Every live set stands in one row of the matrix with the new version.
pub(super) fn holds(case: &Case<'_>) -> Result<Finding, FactsError> {
    let Some(version) = case.version() else {
        return Ok(Finding::missing("no build says which version the artifact is"));
    };
    let compat = case.core.compat_holds(&case.environment, case.name(), version)?;
    let mut judged = Vec::new();
    for seq in &compat.evidence {
        judged.extend(case.core.facts().fact(*seq)?.map(|fact| fact.moment()));
    }
    let failing: Vec<String> = compat.failing.iter().map(ToString::to_string).collect();
    let finding = match compat.verdict {
        CompatVerdict::Holds => Finding::pass("one row of the matrix holds every live set")
            .observed(compat.row_ids.join(",")),
        CompatVerdict::Fails => {
            Finding::fail(format!("no row of the matrix holds {}", failing.join(" nor ")))
                .observed(failing.join("; "))
        }
        // Without a matrix nothing was promised that the gate could hold the artifact to.
        CompatVerdict::Missing => Finding::not_applicable("no matrix was published before"),
        CompatVerdict::NotCovered => {
            Finding::not_applicable("the matrix says nothing of this component")
        }
    };
    Ok(finding.threshold("supported").on_moments(judged))
}
