//! Which version is current: live shares and the state of an environment (semantics A.5).

use std::collections::BTreeMap;
use std::sync::Arc;

use relbook_ledger::event::Body;
use relbook_ledger::time::Time;

use super::fact::{Fact, FactsError, Moment};
use super::index::Key;
use super::live::{History, Share, TargetState};
use super::product::{Component, Environment};
use super::{Core, Origin};

/// Which part of a target's traffic a share has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Role {
    /// What the last success left.
    Stable,
    /// What is being tried beside it.
    Canary,
}

impl Role {
    /// Returns the word that answers use.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Stable => "stable",
            Self::Canary => "canary",
        }
    }
}

/// One artifact that a target serves, with its part of the traffic.
#[derive(Debug, Clone, PartialEq)]
pub struct LiveShare {
    /// Where.
    pub target: String,
    /// Which part.
    pub role: Role,
    /// How much, in percent; more than 0.
    pub weight: u8,
    /// The artifact, its deploy, since when.
    pub share: Share,
    /// What builds say of it; several when they disagree.
    pub origins: Vec<Origin>,
    /// The version that a failed, unrestored deploy may have left here.
    pub suspect: Option<Share>,
}

impl LiveShare {
    /// Returns the version: null without provenance (A.3).
    pub fn version(&self) -> Option<&str> {
        self.origins.first().map(|origin| origin.version.as_str())
    }

    /// Returns the seqs that the share rests on.
    pub fn evidence(&self) -> Vec<u64> {
        let mut seqs = vec![self.share.start_seq, self.share.seq];
        seqs.extend(self.origins.iter().map(|origin| origin.seq));
        seqs.extend(self.suspect.iter().flat_map(|suspect| [suspect.start_seq, suspect.seq]));
        seqs
    }
}

/// The state of a component in an environment; the first rule that holds (A.5).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs, reason = "the words are those of semantics A.5")]
pub enum State {
    Indeterminate,
    None,
    Mixed,
    Canary,
    Live,
    Published,
    AllYanked,
}

impl State {
    /// Returns the word that answers use.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Indeterminate => "indeterminate",
            Self::None => "none",
            Self::Mixed => "mixed",
            Self::Canary => "canary",
            Self::Live => "live",
            Self::Published => "published",
            Self::AllYanked => "all_yanked",
        }
    }
}

/// A published version that is offered.
#[derive(Debug, Clone, PartialEq)]
pub struct Published {
    /// The version.
    pub version: String,
    /// The artifact.
    pub digest: String,
    /// The channels that offer it.
    pub channels: Vec<String>,
    /// The commit: that of the build of the digest, else the one that the publish names.
    pub commit: Option<String>,
    /// Whether the commit comes from a build.
    pub built: bool,
    /// When it was published first.
    pub since: Time,
    /// The seqs that it rests on.
    pub evidence: Vec<u64>,
}

/// What is current of a component in an environment.
#[derive(Debug, Clone, PartialEq)]
pub struct Current {
    /// The component.
    pub component: Arc<Component>,
    /// The environment.
    pub environment: String,
    /// The state.
    pub state: State,
    /// The one version, where there is one.
    pub version: Option<String>,
    /// The one artifact, where there is one.
    pub digest: Option<String>,
    /// Every version that is live, in order of targets, stable before canary.
    pub versions: Vec<String>,
    /// Since when every target has the version.
    pub since: Option<Time>,
    /// The last success of a deploy or publish.
    pub last_deployed_at: Option<Time>,
    /// How many deploys have not finished.
    pub in_flight: usize,
    /// The declared targets, then others that serve something.
    pub targets: Vec<String>,
    /// How many declared targets there are.
    pub targets_total: usize,
    /// The shares with traffic, by target, stable before canary.
    pub shares: Vec<LiveShare>,
    /// What failed, unrestored deploys may have left: target and share.
    pub suspects: Vec<(String, Share)>,
    /// Whether another version on offer has the precedence of the current one.
    pub tie: bool,
    /// CalVer versions that are live and name another month than that of their build.
    pub misdated: Vec<String>,
    /// The published version, for a published component.
    pub published: Option<Published>,
    /// The seqs that the row rests on.
    pub evidence: Vec<u64>,
}

impl Core<'_> {
    /// Returns what is current of a component in an environment.
    ///
    /// # Errors
    /// [`FactsError`] when the facts cannot be read.
    pub fn current(
        &self,
        component: &Arc<Component>,
        environment: &Environment,
    ) -> Result<Current, FactsError> {
        if component.is_published() {
            return self.current_published(component, environment);
        }
        let history = self.facts.history(&component.name, &environment.name, Moment::END)?;
        let shares = self.live_shares(component, environment, &history)?;
        let declared: Vec<&TargetState> = environment
            .targets
            .iter()
            .map(|target| history.targets.get(target).unwrap_or(&NOTHING))
            .collect();
        let state = state(&declared, environment, &history);
        let one = matches!(state, State::Canary | State::Live);
        let stable = if one { declared.first().and_then(|t| t.stable.as_ref()) } else { None };
        let find = |share: &Share| shares.iter().find(|s| s.share.digest == share.digest);
        let since = declared.iter().filter_map(|t| t.stable.as_ref()).map(|s| s.since).max();
        let mut suspects: Vec<(String, Share)> = Vec::new();
        for target in targets(environment, &history) {
            if let Some(suspect) = history.targets.get(&target).and_then(|t| t.suspect.as_ref()) {
                suspects.push((target, self.with_version(&component.name, suspect)?));
            }
        }
        let version = match stable {
            Some(share) => match find(share) {
                Some(live) => live.version().map(str::to_owned),
                None => self.version_of_share(&component.name, share)?,
            },
            None => None,
        };
        let mut evidence = vec![component.seq, environment.seq];
        evidence.extend(shares.iter().flat_map(LiveShare::evidence));
        evidence.extend(suspects.iter().flat_map(|(_, share)| [share.start_seq, share.seq]));
        let mut versions: Vec<String> = Vec::new();
        for share in &shares {
            let name = share.version().unwrap_or(&share.share.digest).to_owned();
            if !versions.contains(&name) {
                versions.push(name);
            }
        }
        let mut misdated: Vec<String> = Vec::new();
        for origin in shares.iter().flat_map(|share| &share.origins) {
            let told = self.misdated(component, origin)?;
            misdated.extend(told.filter(|told| !misdated.contains(told)));
        }
        Ok(Current {
            component: Arc::clone(component),
            environment: environment.name.clone(),
            state,
            tie: false,
            misdated,
            since: if version.is_some() { since } else { None },
            version,
            digest: stable.map(|share| share.digest.clone()),
            versions,
            last_deployed_at: history
                .targets
                .values()
                .filter_map(|t| t.last_success)
                .map(|(at, _)| at)
                .max(),
            in_flight: history.open.len(),
            targets: targets(environment, &history),
            targets_total: environment.targets.len(),
            shares,
            suspects,
            published: None,
            evidence,
        })
    }

    fn version_of_share(
        &self,
        component: &str,
        share: &Share,
    ) -> Result<Option<String>, FactsError> {
        let origin = self.origin(component, &share.digest, share.version.as_deref())?;
        Ok(origin.map(|origin| origin.version))
    }

    /// Returns a share with the version of its build, where there is one, instead of the named.
    fn with_version(&self, component: &str, share: &Share) -> Result<Share, FactsError> {
        let version = self.version_of_share(component, share)?.or(share.version.clone());
        Ok(Share { version, ..share.clone() })
    }

    /// Returns the shares with traffic: declared targets first, stable before canary.
    ///
    /// # Errors
    /// [`FactsError`] when the facts cannot be read.
    pub fn live_shares(
        &self,
        component: &Component,
        environment: &Environment,
        history: &History,
    ) -> Result<Vec<LiveShare>, FactsError> {
        let mut shares = Vec::new();
        for target in targets(environment, history) {
            let Some(state) = history.targets.get(&target) else { continue };
            let taken = state.live_canary().map_or(0, |canary| canary.weight.min(100));
            let stable = state.stable.as_ref().map(|share| (Role::Stable, 100 - taken, share));
            let canary = state.live_canary().map(|c| (Role::Canary, c.weight, &c.share));
            let suspect = match &state.suspect {
                Some(suspect) => Some(self.with_version(&component.name, suspect)?),
                None => None,
            };
            for (role, weight, share) in stable.into_iter().chain(canary) {
                if weight == 0 {
                    continue;
                }
                let version = share.version.as_deref();
                shares.push(LiveShare {
                    target: target.clone(),
                    role,
                    weight,
                    share: share.clone(),
                    origins: self.origins(&component.name, &share.digest, version)?,
                    suspect: suspect.clone(),
                });
            }
        }
        Ok(shares)
    }

    fn current_published(
        &self,
        component: &Arc<Component>,
        environment: &Environment,
    ) -> Result<Current, FactsError> {
        let facts = self.facts.find(&Key::Publishes { component: component.name.clone() })?;
        let highest = offered_releases(component, &facts).pop();
        let order = highest.as_ref().and_then(|fact| order_of(component, fact));
        let equal = |fact: &&Arc<Fact>| order.is_some() && order_of(component, fact) == order;
        let tie = offered(&facts).values().filter(equal).count() > 1;
        // A pre-release is never current, so one that is left hides nothing.
        let any_publish = facts.iter().any(|fact| order_of(component, fact).is_some());
        let published = match highest {
            Some(latest) => self.published(component, &latest, &facts)?,
            None => None,
        };
        let mut misdated = Vec::new();
        if let Some(p) = &published
            && let Some(origin) = self.origin(&component.name, &p.digest, Some(&p.version))?
        {
            misdated.extend(self.misdated(component, &origin)?);
        }
        let state = match (&published, any_publish) {
            (Some(_), _) => State::Published,
            (None, true) => State::AllYanked,
            (None, false) => State::None,
        };
        let mut evidence = vec![component.seq];
        evidence.extend(published.iter().flat_map(|p| p.evidence.clone()));
        if state == State::AllYanked {
            evidence.extend(facts.iter().map(|fact| fact.seq));
        }
        Ok(Current {
            component: Arc::clone(component),
            environment: environment.name.clone(),
            state,
            tie,
            misdated,
            version: published.as_ref().map(|p| p.version.clone()),
            digest: published.as_ref().map(|p| p.digest.clone()),
            versions: published.iter().map(|p| p.version.clone()).collect(),
            since: published.as_ref().map(|p| p.since),
            last_deployed_at: facts
                .iter()
                .filter(|f| matches!(f.body(), Body::ReleasePublished(_)))
                .map(|f| f.event.header.occurred_at)
                .max(),
            in_flight: 0,
            targets: Vec::new(),
            targets_total: 0,
            shares: Vec::new(),
            suspects: Vec::new(),
            published,
            evidence,
        })
    }

    /// Returns the versions of a component that are offered, lowest first; pre-releases are not
    /// counted.
    ///
    /// # Errors
    /// [`FactsError`] when the facts cannot be read.
    pub fn offered_versions(&self, component: &Component) -> Result<Vec<String>, FactsError> {
        let facts = self.facts.find(&Key::Publishes { component: component.name.clone() })?;
        let offered = offered_releases(component, &facts);
        let version = |fact: &Arc<Fact>| published_version(fact).map(str::to_owned);
        Ok(offered.iter().filter_map(version).collect())
    }

    fn published(
        &self,
        component: &Component,
        latest: &Arc<Fact>,
        facts: &[Arc<Fact>],
    ) -> Result<Option<Published>, FactsError> {
        let Body::ReleasePublished(release) = latest.body() else { return Ok(None) };
        let version: &str = &release.version;
        let digest = release.digest.to_string();
        let same = facts.iter().filter(|fact| {
            published_version(fact) == Some(version)
                && matches!(fact.body(), Body::ReleasePublished(r) if r.digest == release.digest)
        });
        let (mut channels, mut evidence, mut since) = (Vec::new(), Vec::new(), None);
        for fact in same {
            evidence.push(fact.seq);
            since.get_or_insert(fact.event.header.occurred_at);
            if let Body::ReleasePublished(r) = fact.body()
                && let Some(channel) = &r.channel
                && !channels.contains(&channel.to_string())
            {
                channels.push(channel.to_string());
            }
        }
        let origin = self.origin(&component.name, &digest, Some(version))?;
        evidence.extend(origin.iter().map(|origin| origin.seq));
        let named = release.commit.as_deref().map(str::to_owned);
        Ok(Some(Published {
            version: version.to_owned(),
            digest,
            channels,
            built: origin.is_some(),
            commit: origin.map(|origin| origin.commit).or(named),
            since: since.unwrap_or(latest.event.header.occurred_at),
            evidence,
        }))
    }
}

const NOTHING: TargetState =
    TargetState { stable: None, canary: None, suspect: None, last_success: None };

/// Returns the declared targets, then others that serve or served something, by name.
fn targets(environment: &Environment, history: &History) -> Vec<String> {
    let others = history.targets.keys().filter(|target| !environment.targets.contains(target));
    environment.targets.iter().chain(others).cloned().collect()
}

fn state(declared: &[&TargetState], environment: &Environment, history: &History) -> State {
    // Without a declaration, what was deployed to is all there is to judge.
    let all: Vec<&TargetState> = if environment.targets.is_empty() {
        history.targets.values().collect()
    } else {
        declared.to_vec()
    };
    let stable = |t: &&TargetState| t.stable.as_ref().map(|share| share.digest.clone());
    if all.iter().any(|t| t.suspect.is_some()) {
        State::Indeterminate
    } else if all.iter().all(|t| t.stable.is_none() && t.live_canary().is_none()) {
        State::None
    } else if all.windows(2).any(|pair| stable(&pair[0]) != stable(&pair[1])) {
        State::Mixed
    } else if all.iter().any(|t| t.live_canary().is_some()) {
        State::Canary
    } else {
        State::Live
    }
}

/// The latest publish of each version that was not yanked after it.
pub(super) type Offered = BTreeMap<String, Arc<Fact>>;

/// Returns the latest publish of each version on offer, lowest version first, without pre-releases.
fn offered_releases(component: &Component, facts: &[Arc<Fact>]) -> Vec<Arc<Fact>> {
    let mut by_version = BTreeMap::new();
    for fact in offered(facts).into_values() {
        let Some(key) = order_of(component, &fact) else { continue };
        let latest = by_version.entry(key).or_insert_with(|| Arc::clone(&fact));
        if latest.seq < fact.seq {
            *latest = fact;
        }
    }
    by_version.into_values().collect()
}

/// Returns what a publish is ordered by: the epoch of the scheme, then precedence; nothing for a
/// pre-release.
fn order_of(component: &Component, fact: &Fact) -> Option<(usize, Vec<u8>)> {
    let (epoch, version) = component.version_at(published_version(fact)?, fact.seq)?;
    (!version.is_prerelease()).then(|| (epoch, version.key().to_vec()))
}

/// Returns what publishes and yanks leave on offer.
pub(super) fn offered(facts: &[Arc<Fact>]) -> Offered {
    let mut offered = Offered::new();
    facts.iter().for_each(|fact| offer(&mut offered, fact));
    offered
}

/// Takes the next publish or yank into what is on offer.
pub(super) fn offer(offered: &mut Offered, fact: &Arc<Fact>) {
    match fact.body() {
        Body::ReleasePublished(release) => {
            offered.insert(release.version.to_string(), Arc::clone(fact));
        }
        Body::ReleaseYanked(yank) => {
            let hit = offered.get(yank.version.as_str()).is_some_and(|held| {
                match (held.body(), &yank.digest) {
                    (Body::ReleasePublished(r), Some(digest)) => r.digest == *digest,
                    _ => true,
                }
            });
            if hit {
                offered.remove(yank.version.as_str());
            }
        }
        _ => {}
    }
}

fn published_version(fact: &Fact) -> Option<&str> {
    match fact.body() {
        Body::ReleasePublished(release) => Some(&release.version),
        _ => None,
    }
}
