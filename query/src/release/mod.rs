//! The pure core: what the words of semantics.md mean. No I/O, no clock, no SQL, no DataFusion.
//!
//! One file per section. Everything reads through [`Facts`], which shows the events of one view
//! ([`Lens`]); everything here is a function of those events, so commands, SQL and services that
//! ask the same question of the same view get the same answer.

mod approval;
mod artifact;
mod beyond;
mod binding;
mod change;
pub mod compat;
mod contain;
pub mod conventional;
mod current;
mod deploy;
mod dora;
mod drift;
mod duty;
mod emergency;
mod exception;
mod exposure;
mod fact;
pub mod gate;
mod holder;
pub mod hotfix;
mod index;
mod intent;
mod interval;
mod introduction;
mod listing;
mod live;
mod overlap;
mod period;
mod product;
mod replay;
mod rollback;
mod runbook;
mod train;
mod whereabouts;

pub use approval::{Approval, Judgement, Verdict};
pub use artifact::{Origin, TagTarget};
pub use beyond::{Vulnerabilities, Vulnerability};
pub use binding::VersionBinding;
pub use change::{Change, ChangeList, Direction};
pub use compat::{Compat, CompatVerdict, Compatibility};
pub use current::{Current, LiveShare, Published, Role, State};
pub use deploy::{Deploy, DeployClass, DeployOutcome, TargetOutcome};
pub use dora::{Dora, LeadTime, Measured, Metric, Recovery, Unmeasured};
pub use drift::{Drift, DriftKind, Intended};
pub use duty::Duty;
pub use emergency::Emergency;
pub use exception::{Disposition, Exception, ExceptionCode, Severity};
pub use exposure::{Exposed, Exposure};
pub use fact::{Fact, Facts, FactsError, Moment};
pub use gate::{GateResult, GateVerdict, Promotion};
pub use holder::Holders;
pub use index::{Key, joined_keys, joins, keys};
pub use intent::Intent;
pub use interval::Interval;
pub use introduction::Introduction;
pub use listing::listing_keys;
pub use live::{Canary, History, Share, Step, TargetState, Transition};
pub use overlap::Overlap;
pub use period::Period;
pub use product::{Component, Environment};
pub use replay::{Replay, replay, start_of};
pub use rollback::{Block, Candidate, Rollback};
pub use runbook::RunbookStep;
pub use train::{Train, TrainFinding, TrainTag};
pub use whereabouts::Whereabouts;

use std::cell::RefCell;
use std::collections::HashMap;
use std::sync::Arc;

use relbook_ledger::policy::Policy;
use relbook_ledger::time::Time;

/// The two clocks of a question (semantics A.2): what had happened by `as_of`, as far as the book
/// knew it with the events up to and including seq `as_known`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lens {
    /// Events that occurred later are left out.
    pub as_of: Time,
    /// Events with a higher seq are left out.
    pub as_known: u64,
}

/// The rules, over one view of the book.
pub struct Core<'a> {
    facts: &'a dyn Facts,
    cache: RefCell<Cache>,
    /// The policy to judge by, instead of that in force at the time.
    policy: Option<PolicyInForce>,
}

/// Policy values, and the event that brought their last change.
pub type PolicyInForce = (Policy, Option<Arc<Fact>>);

/// What one question asks for again and again.
#[derive(Default)]
struct Cache {
    components: Option<Vec<Arc<Component>>>,
    transitions: HashMap<(String, String), Arc<Vec<Transition>>>,
    arrivals: HashMap<(String, String), Arc<gate::Arrivals>>,
}

impl<'a> Core<'a> {
    /// Makes the rules over a view.
    pub fn new(facts: &'a dyn Facts) -> Self {
        Self { facts, cache: RefCell::default(), policy: None }
    }

    /// Makes the same rules judge everything by one policy, such as today's.
    #[must_use]
    pub fn judging_by(self, policy: PolicyInForce) -> Self {
        Self { policy: Some(policy), ..self }
    }

    /// Returns the facts that the rules read.
    pub fn facts(&self) -> &dyn Facts {
        self.facts
    }

    /// Returns the transitions of a component in an environment, oldest first.
    ///
    /// # Errors
    /// [`FactsError`] when the facts cannot be read.
    pub fn transitions(
        &self,
        component: &str,
        environment: &str,
    ) -> Result<Arc<Vec<Transition>>, FactsError> {
        let key = (component.to_owned(), environment.to_owned());
        if let Some(known) = self.cache.borrow().transitions.get(&key) {
            return Ok(Arc::clone(known));
        }
        let all = Arc::new(self.facts.transitions(component, environment)?);
        self.cache.borrow_mut().transitions.insert(key, Arc::clone(&all));
        Ok(all)
    }
}
