//! The five DORA metrics of a component (semantics A.14): per component, never pooled, each with
//! its numerator, its denominator and the deploys that were counted.
//!
//! Counted are production-stage deploys that succeeded on every target, by their last finish;
//! rollbacks and redeploys are among them. Nothing is estimated: a metric of nothing is unknown.

use std::collections::BTreeSet;
use std::sync::Arc;

use relbook_ledger::event::{Body, Reason, Stage};
use relbook_ledger::time::Time;

use super::fact::{Fact, FactsError};
use super::index::Key;
use super::{Core, Deploy, DeployOutcome, Period};

/// The metrics, in the order in which they are reported.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs, reason = "the words are those of the contract")]
pub enum Metric {
    DeploymentFrequency,
    ChangeLeadTime,
    ChangeFailRate,
    DeploymentReworkRate,
    FailedDeploymentRecoveryTime,
}

impl Metric {
    /// Returns the name that answers use.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::DeploymentFrequency => "deployment_frequency",
            Self::ChangeLeadTime => "change_lead_time",
            Self::ChangeFailRate => "change_fail_rate",
            Self::DeploymentReworkRate => "deployment_rework_rate",
            Self::FailedDeploymentRecoveryTime => "failed_deployment_recovery_time",
        }
    }

    /// Returns what its value is a number of.
    pub fn unit(self) -> &'static str {
        match self {
            Self::DeploymentFrequency => "deploys per period",
            Self::ChangeLeadTime | Self::FailedDeploymentRecoveryTime => "seconds, median",
            Self::ChangeFailRate | Self::DeploymentReworkRate => "share of deploys, 0 to 1",
        }
    }
}

/// One metric with what was counted.
#[derive(Debug, Clone, PartialEq)]
pub struct Measured {
    /// The metric.
    pub metric: Metric,
    /// What was counted: deploys, commits measured, recoveries.
    pub numerator: usize,
    /// What it was counted among.
    pub denominator: usize,
    /// A number per period, a share, or a median in seconds; absent where there is nothing.
    pub value: Option<f64>,
    /// The deploys that were counted.
    pub deploy_ids: Vec<String>,
    /// The seqs that it rests on.
    pub evidence: Vec<u64>,
}

/// One commit that reached production.
#[derive(Debug, Clone)]
pub struct LeadTime {
    /// The merge.
    pub merge: Arc<Fact>,
    /// The first deploy that contained it and succeeded.
    pub deploy_id: String,
    /// When that deploy had finished.
    pub live_at: Time,
    /// The seqs that it rests on.
    pub evidence: Vec<u64>,
}

impl LeadTime {
    /// Returns the seconds from the merge to production.
    pub fn seconds(&self) -> f64 {
        seconds(self.live_at, self.merge.moment().at)
    }
}

/// One deploy that failed its users, and how that ended.
#[derive(Debug, Clone)]
pub struct Recovery {
    /// The deploy.
    pub deploy_id: String,
    /// When it had finished.
    pub failed_at: Time,
    /// When it was over; absent while it is not.
    pub recovered_at: Option<Time>,
    /// The incident or deploy that ended it.
    pub recovered_by: Option<String>,
    /// The seqs that it rests on.
    pub evidence: Vec<u64>,
}

impl Recovery {
    /// Returns the seconds from the failure to its end.
    pub fn seconds(&self) -> Option<f64> {
        self.recovered_at.map(|at| seconds(at, self.failed_at))
    }
}

/// The five metrics of a component, with the commits and recoveries behind them.
#[derive(Debug, Clone)]
pub struct Dora {
    /// The metrics, in their order.
    pub metrics: Vec<Measured>,
    /// The commits that reached production in the period.
    pub commits: Vec<LeadTime>,
    /// The failed deploys of the period.
    pub recoveries: Vec<Recovery>,
    /// The deploys of the period some of whose commits could not be measured.
    pub unmeasured: Vec<Unmeasured>,
}

/// A deploy some of whose commits the log does not show.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unmeasured {
    /// The deploy.
    pub deploy_id: String,
    /// A commit without a merge; absent where there is no build of the artifact.
    pub commit: Option<String>,
}

/// The commits of a period, and the deploys that kept some back.
type Leads = (Vec<LeadTime>, Vec<Unmeasured>);

/// Merges that a deploy was the first to contain, and commits that the log does not have.
type Contained = (Vec<Arc<Fact>>, Vec<String>);

fn seconds(later: Time, earlier: Time) -> f64 {
    later.micros_since(earlier) as f64 / 1e6
}

impl Core<'_> {
    /// Measures a component in an environment over a period.
    ///
    /// # Errors
    /// [`FactsError`] when the facts cannot be read.
    pub fn dora(
        &self,
        component: &str,
        environment: &str,
        period: Period,
    ) -> Result<Dora, FactsError> {
        let all = self.successes(component, environment)?;
        let counted: Vec<&(Time, Deploy)> =
            all.iter().filter(|(at, _)| period.contains(*at)).collect();
        let (commits, unmeasured) = self.lead_times(component, &all, period)?;
        let mut recoveries = Vec::new();
        for (at, deploy) in &counted {
            recoveries.extend(self.recovery(deploy, *at)?);
        }
        let rework: Vec<&Deploy> =
            counted.iter().map(|(_, deploy)| deploy).filter(|deploy| is_rework(deploy)).collect();
        let deploys: Vec<&Deploy> = counted.iter().map(|(_, deploy)| deploy).collect();
        let failed: BTreeSet<&str> = recoveries.iter().map(|r| r.deploy_id.as_str()).collect();
        let failed: Vec<&Deploy> =
            deploys.iter().copied().filter(|deploy| failed.contains(deploy.id())).collect();
        let mut fail_rate = share(Metric::ChangeFailRate, &failed, &deploys);
        fail_rate.evidence.extend(recoveries.iter().flat_map(|r| r.evidence.clone()));
        let metrics = vec![
            Measured {
                value: Some(deploys.len() as f64),
                denominator: 1,
                ..share(Metric::DeploymentFrequency, &deploys, &deploys)
            },
            lead(&commits),
            fail_rate,
            share(Metric::DeploymentReworkRate, &rework, &deploys),
            recovered(&recoveries),
        ];
        Ok(Dora { metrics, commits, recoveries, unmeasured })
    }

    /// Returns the successful production deploys of a component, by their last finish.
    fn successes(
        &self,
        component: &str,
        environment: &str,
    ) -> Result<Vec<(Time, Deploy)>, FactsError> {
        let deploys = self.production_deploys(component, Period::ALL)?;
        let mut finished: Vec<_> = deploys
            .into_iter()
            .filter(|d| *d.start.environment == *environment)
            .filter(|d| d.outcome() == DeployOutcome::Succeeded)
            .filter_map(|deploy| Some((deploy.finished()?, deploy)))
            .collect();
        finished.sort_by_key(|(moment, _)| *moment);
        Ok(finished.into_iter().map(|(moment, deploy)| (moment.at, deploy)).collect())
    }

    /// Returns the commits that a success of the period was the first to contain.
    fn lead_times(
        &self,
        component: &str,
        successes: &[(Time, Deploy)],
        period: Period,
    ) -> Result<Leads, FactsError> {
        // The tips of earlier successes, by topological level.
        let mut before: BTreeSet<(u64, String)> = BTreeSet::new();
        let (mut measured, mut unmeasured) = (Vec::new(), Vec::new());
        for (live_at, deploy) in successes {
            let named = deploy.start.version.as_deref();
            let mut lacks = |commit: Option<String>| {
                let deploy_id = deploy.id().to_owned();
                unmeasured
                    .extend(period.contains(*live_at).then_some(Unmeasured { deploy_id, commit }));
            };
            let Some(origin) = self.origin(component, &deploy.start.digest, named)? else {
                lacks(None);
                continue;
            };
            let tip = (self.facts.commit_level(&origin.commit)?, origin.commit.clone());
            if period.contains(*live_at) && !before.contains(&tip) {
                let (first, unknown) = self.first_contained(component, &before, &origin.commit)?;
                unknown.into_iter().for_each(|commit| lacks(Some(commit)));
                for merge in first {
                    let mut evidence = deploy.evidence();
                    evidence.extend([merge.seq, origin.seq]);
                    let (deploy_id, live_at) = (deploy.id().to_owned(), *live_at);
                    measured.push(LeadTime { merge, deploy_id, live_at, evidence });
                }
            }
            before.insert(tip);
        }
        Ok((measured, unmeasured))
    }

    /// Returns the commits under a tip that none of the earlier tips contains.
    fn first_contained(
        &self,
        component: &str,
        before: &BTreeSet<(u64, String)>,
        tip: &str,
    ) -> Result<Contained, FactsError> {
        let Some((_, highest)) = before.last() else {
            return self.added_or_unknown(component, &[], tip);
        };
        let (added, unknown) = self.added_or_unknown(component, &[highest], tip)?;
        let mut lowest = u64::MAX;
        for merge in &added {
            if let Body::CommitMerged(commit) = merge.body() {
                lowest = lowest.min(self.facts.commit_level(&commit.commit)?);
            }
        }
        // Only a tip above a commit can contain it, so few tips are ever walked from.
        let others = before.range((lowest, String::new())..).map(|(_, tip)| tip.as_str());
        let tips: Vec<&str> = others.collect();
        match tips.as_slice() {
            [] => Ok((added, unknown)),
            [one] if one == highest => Ok((added, unknown)),
            tips => self.added_or_unknown(component, tips, tip),
        }
    }

    /// Returns how a deploy failed its users; none when it did not.
    fn recovery(&self, deploy: &Deploy, finished: Time) -> Result<Option<Recovery>, FactsError> {
        let id = || deploy.id().to_owned();
        let mut evidence = deploy.evidence();
        let (mut failed, mut resolved) = (false, None);
        for incident in self.facts.find(&Key::IncidentsOf { deploy_id: id() })? {
            evidence.push(incident.seq);
            failed = true;
            let name = match incident.body() {
                Body::IncidentOpened(i) => i.incident_id.to_string(),
                Body::IncidentResolved(i) => i.incident_id.to_string(),
                _ => continue,
            };
            for fact in self.facts.find(&Key::Incident { incident_id: name.clone() })? {
                let at = fact.moment().at;
                if matches!(fact.body(), Body::IncidentResolved(_)) && at >= finished {
                    evidence.push(fact.seq);
                    resolved = resolved.into_iter().chain([(at, name.clone())]).min();
                }
            }
        }
        let mut repaired = None;
        for key in [Key::RollbackOf { deploy_id: id() }, Key::FixesOf { deploy_id: id() }] {
            for remedy in self.deploys_of(&self.facts.find(&key)?)? {
                let done = remedy.finished().filter(|_| {
                    remedy.outcome() == DeployOutcome::Succeeded && remedy.id() != deploy.id()
                });
                let Some(done) = done else { continue };
                failed = true;
                evidence.extend(remedy.evidence());
                // On its way to production a remedy succeeds elsewhere first: that helps no user.
                let there = remedy.start.stage == Stage::Production
                    && remedy.start.environment == deploy.start.environment;
                if there && done.at >= finished {
                    let this = (done.at, remedy.id().to_owned());
                    repaired = repaired.into_iter().chain([this]).min();
                }
            }
        }
        // What users saw end counts before what engineers did about it.
        let end = resolved.or(repaired);
        Ok(failed.then(|| Recovery {
            deploy_id: id(),
            failed_at: finished,
            recovered_at: end.as_ref().map(|(at, _)| *at),
            recovered_by: end.map(|(_, by)| by),
            evidence,
        }))
    }
}

fn is_rework(deploy: &Deploy) -> bool {
    matches!(deploy.start.reason, Some(Reason::Rollback | Reason::Hotfix))
}

fn share(metric: Metric, part: &[&Deploy], whole: &[&Deploy]) -> Measured {
    let ratio = part.len() as f64 / whole.len() as f64;
    Measured {
        metric,
        numerator: part.len(),
        denominator: whole.len(),
        value: (!whole.is_empty()).then_some(ratio),
        deploy_ids: part.iter().map(|deploy| deploy.id().to_owned()).collect(),
        evidence: whole.iter().flat_map(|deploy| deploy.evidence()).collect(),
    }
}

fn lead(commits: &[LeadTime]) -> Measured {
    let mut deploy_ids: Vec<String> = Vec::new();
    for commit in commits {
        if deploy_ids.last() != Some(&commit.deploy_id) {
            deploy_ids.push(commit.deploy_id.clone());
        }
    }
    Measured {
        metric: Metric::ChangeLeadTime,
        numerator: commits.len(),
        denominator: commits.len(),
        value: median(commits.iter().map(LeadTime::seconds).collect()),
        deploy_ids,
        evidence: commits.iter().flat_map(|commit| commit.evidence.clone()).collect(),
    }
}

fn recovered(recoveries: &[Recovery]) -> Measured {
    let times: Vec<f64> = recoveries.iter().filter_map(Recovery::seconds).collect();
    Measured {
        metric: Metric::FailedDeploymentRecoveryTime,
        numerator: times.len(),
        denominator: recoveries.len(),
        value: median(times),
        deploy_ids: recoveries.iter().map(|r| r.deploy_id.clone()).collect(),
        evidence: recoveries.iter().flat_map(|r| r.evidence.clone()).collect(),
    }
}

/// Returns the middle value, or the mean of the two in the middle.
fn median(mut values: Vec<f64>) -> Option<f64> {
    values.sort_by(f64::total_cmp);
    let middle = values.len() / 2;
    match values.len() {
        0 => None,
        odd if odd % 2 == 1 => values.get(middle).copied(),
        _ => Some((values.get(middle - 1)? + values.get(middle)?) / 2.0),
    }
}
