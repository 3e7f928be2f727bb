//! Why one may not go back to a version: every reason of A.7, in its order.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use relbook_ledger::event::{Body, Stage};

use super::candidate::Build;
use super::{Base, Case};
use crate::release::compat::{CompatVerdict, Compatibility, Member};
use crate::release::fact::FactsError;
use crate::release::gate::{ScanVerdict, judge_scan};
use crate::release::index::Key;
use crate::release::{Deploy, DeployOutcome, Fact, Moment};

/// Flags that say that there is no way back over a version.
const BARRIERS: [&str; 2] = ["migration_barrier", "irreversible"];

/// Flags that say that the artifact itself cannot be had, or cannot be believed.
const MISSING: [&str; 6] =
    ["deleted", "missing", "artifact_missing", "unverified", "bad_signature", "bad_provenance"];

/// What the reasons of one block are read from.
pub(super) struct Reasons<'a> {
    case: &'a Case<'a>,
    base: &'a Base<'a>,
    /// The sort keys of versions over which there is no way back, with the seqs of their flags.
    barriers: Vec<(Vec<u8>, u64)>,
    /// The unfinished deploys that are in the way.
    in_flight: Vec<u64>,
}

/// Returns the flags that are open, with the seqs of the events that set them.
fn open_flags(facts: &[Arc<Fact>]) -> Vec<(String, String, u64)> {
    let mut open: BTreeMap<(String, String, Option<String>), u64> = BTreeMap::new();
    for fact in facts {
        match fact.body() {
            Body::ArtifactFlagged(f) => {
                let cve = f.cve.as_ref().map(ToString::to_string);
                open.insert((f.digest.to_string(), f.flag.to_string(), cve), fact.seq);
            }
            // Without a vulnerability it takes the flag back whatever it was set for.
            Body::ArtifactUnflagged(f) => open.retain(|(digest, flag, cve), _| {
                let same = *digest == *f.digest && *flag == *f.flag;
                let other = f.cve.as_ref().is_some_and(|c| cve.as_deref() != Some(c.as_str()));
                !same || other
            }),
            _ => {}
        }
    }
    open.into_iter().map(|((digest, flag, _), seq)| (digest, flag, seq)).collect()
}

impl<'a> Reasons<'a> {
    pub(super) fn of(case: &'a Case<'a>, base: &'a Base<'a>) -> Result<Self, FactsError> {
        let key = Key::FlagsOf { component: case.component.name.clone() };
        let mut barriers = Vec::new();
        for (digest, flag, seq) in open_flags(&case.core.facts().find(&key)?) {
            if !BARRIERS.contains(&flag.as_str()) {
                continue;
            }
            for origin in case.core.origins(&case.component.name, &digest, None)? {
                let version = case.component.scheme.parse_version(&origin.version).ok();
                barriers.extend(version.map(|version| (version.key().to_vec(), seq)));
            }
        }
        let mut in_flight = Vec::new();
        for (id, left) in &case.history.open {
            if base.target.is_none_or(|target| left.iter().any(|open| open == target)) {
                in_flight.extend(case.core.deploy(id)?.map(|deploy| deploy.fact.seq));
            }
        }
        Ok(Self { case, base, barriers, in_flight })
    }

    /// Returns the reasons against one build; what they rest on goes to `evidence`.
    pub(super) fn of_build(
        &self,
        build: &Build,
        deploy: &Deploy,
        was_live: bool,
        evidence: &mut Vec<u64>,
    ) -> Result<Vec<String>, FactsError> {
        let mut reasons = Vec::new();
        if !self.ever_live(build, was_live, evidence)? {
            reasons.push("never_live".to_owned());
        }
        if self.rolled_back_from(build, deploy, evidence)? {
            reasons.push("rolled_back_from".to_owned());
        }
        let flags = self.flags(build, evidence)?;
        reasons.extend(flags.iter().map(|flag| format!("flagged:{flag}")));
        if self.yanked(build, evidence)? {
            reasons.push("yanked".to_owned());
        }
        self.scans(build, evidence, &mut reasons)?;
        if self.breaks_matrix(build, evidence) {
            reasons.push("matrix".to_owned());
        }
        if self.behind_barrier(build, evidence) {
            reasons.push("migration_barrier".to_owned());
        }
        if flags.iter().any(|flag| MISSING.contains(&flag.as_str())) {
            reasons.push("artifact_missing".to_owned());
        }
        if !self.in_flight.is_empty() {
            evidence.extend(&self.in_flight);
            reasons.push("in_flight".to_owned());
        }
        if !build.on_line {
            reasons.push("different_line".to_owned());
        }
        Ok(reasons)
    }

    /// Tells whether a deploy of the artifact here succeeded; a canary alone does not count.
    fn ever_live(
        &self,
        build: &Build,
        was_live: bool,
        evidence: &mut Vec<u64>,
    ) -> Result<bool, FactsError> {
        let case = self.case;
        if case.component.is_published() {
            return Ok(was_live);
        }
        let deploys = case.core.deploys_of_digest(&case.component.name, &build.digest)?;
        let here = deploys.iter().filter(|d| {
            d.start.stage != Stage::Canary && *d.start.environment == *case.environment.name
        });
        let on_target = |d: &&Deploy| {
            let won = Some(relbook_ledger::event::FinishOutcome::Succeeded);
            d.targets
                .iter()
                .any(|t| Some(t.target.as_str()) == self.base.target && t.outcome == won)
        };
        let good = |d: &&Deploy| d.outcome() == DeployOutcome::Succeeded || on_target(d);
        let last = here.filter(good).next_back();
        evidence.extend(last.into_iter().flat_map(Deploy::evidence));
        Ok(last.is_some())
    }

    /// Tells whether the artifact was rolled back from and nobody approved it since.
    fn rolled_back_from(
        &self,
        build: &Build,
        deploy: &Deploy,
        evidence: &mut Vec<u64>,
    ) -> Result<bool, FactsError> {
        let (core, component) = (self.case.core, &self.case.component.name);
        let away = core.rollbacks_away(component, &build.digest)?;
        let Some(since) = away.iter().max().copied() else { return Ok(false) };
        evidence.push(since.seq);
        let after = |moment: Moment| moment.at > since.at && moment.seq > since.seq;
        for judgement in core.judge(deploy, &build.text)? {
            if judgement.valid() && after(judgement.approval.fact.moment()) {
                return Ok(false);
            }
        }
        // An approval that has lapsed by now counted when the artifact came back with it.
        for back in core.deploys_of_digest(component, &build.digest)? {
            if !after(back.started()) || back.start.stage != Stage::Production {
                continue;
            }
            for judgement in core.judge(&back, &build.text)? {
                if judgement.valid() && after(judgement.approval.fact.moment()) {
                    return Ok(false);
                }
            }
        }
        Ok(true)
    }

    fn flags(
        &self,
        build: &Build,
        evidence: &mut Vec<u64>,
    ) -> Result<BTreeSet<String>, FactsError> {
        let component = self.case.component.name.clone();
        let key = Key::Flags { component, digest: build.digest.clone() };
        let open = open_flags(&self.case.core.facts().find(&key)?);
        evidence.extend(open.iter().map(|(.., seq)| *seq));
        Ok(open.into_iter().map(|(_, flag, _)| flag).collect())
    }

    fn yanked(&self, build: &Build, evidence: &mut Vec<u64>) -> Result<bool, FactsError> {
        let key = Key::Publishes { component: self.case.component.name.clone() };
        let mut yanked = None;
        for fact in self.case.core.facts().find(&key)? {
            match fact.body() {
                Body::ReleasePublished(release) if *release.version == *build.text => {
                    yanked = None;
                }
                Body::ReleaseYanked(yank) if *yank.version == *build.text => {
                    let own = yank.digest.as_ref().is_none_or(|digest| **digest == *build.digest);
                    yanked = own.then_some(fact.seq).or(yanked);
                }
                _ => {}
            }
        }
        evidence.extend(yanked);
        Ok(yanked.is_some())
    }

    fn scans(
        &self,
        build: &Build,
        evidence: &mut Vec<u64>,
        reasons: &mut Vec<String>,
    ) -> Result<(), FactsError> {
        let (policy, set_by) = &self.case.policy;
        evidence.extend(set_by.as_ref().map(|fact| fact.seq));
        for scanner in &policy.scanners {
            let subject =
                (self.case.component.name.as_str(), build.digest.as_str(), scanner.as_str());
            let (verdict, latest) = judge_scan(self.case.core, policy, subject)?;
            evidence.extend(latest.map(|fact| fact.seq));
            match verdict {
                ScanVerdict::Clean => {}
                ScanVerdict::Found => reasons.push(format!("scan:{scanner}")),
                ScanVerdict::Unknown(_) => reasons.push(format!("scan_missing:{scanner}")),
            }
        }
        Ok(())
    }

    /// Tells whether no row of the matrix would hold what is live with the version in place of
    /// what it replaces, and everything else as it is. Without a matrix nothing is broken.
    fn breaks_matrix(&self, build: &Build, evidence: &mut Vec<u64>) -> bool {
        let Some(now) = &self.case.compatibility else { return false };
        let component = &self.case.component.name;
        let Some(mut then) = now.supposing(component, &build.text) else { return false };
        self.keep_other_targets(&mut then);
        let compat = then.judge();
        evidence.extend(compat.evidence);
        compat.verdict == CompatVerdict::Fails
    }

    /// Puts what other targets run beside the candidate: only one target goes back.
    fn keep_other_targets(&self, then: &mut Compatibility) {
        let Some(target) = self.base.target else { return };
        let name = &self.case.component.name;
        let Some(live) = then.live.iter_mut().find(|live| live.component.name == *name) else {
            return;
        };
        let key = live.key().to_owned();
        for share in self.case.current.shares.iter().filter(|share| share.target != target) {
            live.members.push(Member {
                component: name.clone(),
                key: key.clone(),
                version: share.version().map(str::to_owned),
                digest: Some(share.share.digest.clone()),
            });
        }
    }

    fn behind_barrier(&self, build: &Build, evidence: &mut Vec<u64>) -> bool {
        let (Some(to), Some(from)) = (&build.version, &self.base.version) else { return false };
        let between = |key: &[u8]| to.key() < key && key <= from.key();
        let barrier = self.barriers.iter().find(|(key, _)| between(key));
        evidence.extend(barrier.map(|(_, seq)| *seq));
        barrier.is_some()
    }
}
