//! The gate `no_freeze`: no open freeze covers the component in the environment.

use std::collections::BTreeMap;
use std::sync::Arc;

use relbook_ledger::event::Body;

use super::{Case, Finding};
use crate::release::index::Key;
use crate::release::{Fact, FactsError};

/// No freeze that was declared before is open.
pub(super) fn none_open(case: &Case<'_>) -> Result<Finding, FactsError> {
    let mut last: BTreeMap<String, Arc<Fact>> = BTreeMap::new();
    let mut judged = Vec::new();
    for fact in case.core.facts().find(&Key::Freezes {})? {
        match fact.body() {
            Body::FreezeDeclared(freeze) if covers(case, &fact, freeze.environment.as_deref()) => {
                judged.push(fact.moment());
                last.insert(freeze.freeze_id.to_string(), fact);
            }
            // Declared again for something else, it is no longer about this.
            Body::FreezeDeclared(freeze) if last.remove(freeze.freeze_id.as_str()).is_some() => {
                judged.push(fact.moment());
            }
            // A lift ends the freeze of its id, whatever else it names.
            Body::FreezeLifted(lift) if last.remove(lift.freeze_id.as_str()).is_some() => {
                judged.push(fact.moment());
            }
            _ => {}
        }
    }
    let at = case.deploy.started().at;
    let open = |fact: &&Arc<Fact>| match fact.body() {
        Body::FreezeDeclared(freeze) => freeze.until.is_none_or(|until| at < until),
        _ => false,
    };
    let ids: Vec<&str> =
        last.iter().filter(|(_, fact)| open(fact)).map(|(id, _)| id.as_str()).collect();
    let finding = if ids.is_empty() {
        Finding::pass("no freeze is open").observed("none")
    } else {
        Finding::fail(format!("frozen by {}", ids.join(", "))).observed(ids.join(","))
    };
    Ok(finding.threshold("none").on_moments(judged))
}

fn covers(case: &Case<'_>, fact: &Fact, environment: Option<&str>) -> bool {
    let component = fact.event.header.component.as_deref();
    component.is_none_or(|name| name == case.name())
        && environment.is_none_or(|name| name == case.environment.name)
}
