//! X11: events that the ledger got late, or that claim to be earlier than they can be.

use relbook_ledger::event::Body;

use super::{Exception, ExceptionCode as X};
use crate::release::fact::{Fact, FactsError};
use crate::release::listing::{late_bucket, late_key};
use crate::release::{Core, Period};

/// The last bucket: a lag of 2^40 seconds is longer than any log.
const LAST_BUCKET: u32 = 40;

impl Core<'_> {
    /// Returns one finding for each late event that is claimed to have happened in a period.
    pub(super) fn late_events(&self, period: Period) -> Result<Vec<Exception>, FactsError> {
        let mut found = Vec::new();
        let Some(least) = self.least_tolerance()? else { return Ok(found) };
        for bucket in late_bucket(least).unwrap_or(0)..=LAST_BUCKET {
            for fact in self.within(&late_key(bucket), period)? {
                let (policy, _) = self.policy_at(fact.seq)?;
                let tolerance = i64::try_from(policy.late_tolerance_s).unwrap_or(i64::MAX);
                let lag = fact.recorded_at.micros_since(fact.moment().at);
                if lag > tolerance.saturating_mul(1_000_000) {
                    found.push(self.late(&fact, lag / 1_000_000)?);
                }
            }
        }
        Ok(found)
    }

    /// Returns the least tolerance that any policy of the view set, in seconds.
    fn least_tolerance(&self) -> Result<Option<i64>, FactsError> {
        let mut least = self.policy_at(0)?.0.late_tolerance_s;
        for fact in self.facts.find(&super::Key::Policies {})? {
            least = least.min(self.policy_at(fact.seq + 1)?.0.late_tolerance_s);
        }
        Ok(i64::try_from(least).ok())
    }

    fn late(&self, fact: &Fact, lag_seconds: i64) -> Result<Exception, FactsError> {
        let kind = fact.event.kind();
        let at = fact.moment();
        let what = format!("{kind} of {} was recorded {lag_seconds} s later", at.at);
        let mut exception = Exception::new(X::X11, fact.event.component(), at, what);
        exception.change_id = match fact.body() {
            Body::DeployStarted(d) => Some(d.deploy_id.to_string()),
            Body::DeployProgressed(d) => Some(d.deploy_id.to_string()),
            Body::DeployFinished(d) => Some(d.deploy_id.to_string()),
            Body::BreakglassReviewed(d) => Some(d.deploy_id.to_string()),
            _ => None,
        };
        if fact.event.header.component.is_none() {
            // What follows a start is about the component of the start.
            let deploy = match &exception.change_id {
                Some(id) => self.deploy(id)?,
                None => None,
            };
            exception.component = deploy.map(|deploy| deploy.component);
        }
        Ok(exception)
    }
}
