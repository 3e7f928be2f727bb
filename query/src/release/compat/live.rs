//! The sets of versions that are live together, and whether the matrix supports each of them.
//!
//! A deployed component may have several live versions at once (mixed targets, a canary): every
//! one of them is live together with every version of the others, so every combination must be
//! supported. A component of which nothing is live is in no set (semantics A.13).

use std::fmt;
use std::sync::Arc;

use super::Matrix;
use crate::release::product::{Component, Environment};
use crate::release::{Core, FactsError, State};

/// One live version of a component.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Member {
    /// The component.
    pub component: String,
    /// Its short name: the alias, or the name without one.
    pub key: String,
    /// The version; unknown for an artifact without provenance, which no row supports.
    pub version: Option<String>,
    /// The artifact; absent for a version that is only supposed.
    pub digest: Option<String>,
}

impl fmt::Display for Member {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let unknown = || self.digest.as_deref().unwrap_or("unknown");
        write!(f, "{}={}", self.key, self.version.as_deref().unwrap_or_else(unknown))
    }
}

/// Versions that are live together, one of each component, by short name.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct LiveSet {
    /// The members.
    pub members: Vec<Member>,
}

impl LiveSet {
    /// Returns components and versions.
    pub fn versions(&self) -> impl Iterator<Item = (&str, Option<&str>)> + Clone {
        self.members.iter().map(|m| (m.component.as_str(), m.version.as_deref()))
    }
}

impl fmt::Display for LiveSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (number, member) in self.members.iter().enumerate() {
            write!(f, "{}{member}", if number == 0 { "" } else { ", " })?;
        }
        Ok(())
    }
}

/// What is live of one component of the matrix.
#[derive(Debug, Clone)]
pub struct LiveComponent {
    /// The component.
    pub component: Arc<Component>,
    /// Its state in the environment.
    pub state: State,
    /// Its live versions, each once; none when nothing is live.
    pub members: Vec<Member>,
    /// The seqs that this rests on.
    pub evidence: Vec<u64>,
}

impl LiveComponent {
    /// Returns the short name.
    pub fn key(&self) -> &str {
        short_name(&self.component)
    }
}

/// Returns the alias of a component, or its name when it has none.
pub fn short_name(component: &Component) -> &str {
    component.spec.alias.as_deref().unwrap_or(&component.name)
}

/// What came of testing the live sets against the matrix.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CompatVerdict {
    /// Every live set stands in one row.
    Holds,
    /// Some live set stands in no row.
    Fails,
    /// No matrix was published: nothing is known, so nothing is supported.
    Missing,
    /// The matrix says nothing of the component that was asked about.
    NotCovered,
}

/// The verdict on the live sets, with what it rests on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Compat {
    /// The verdict.
    pub verdict: CompatVerdict,
    /// The live sets that no row supports.
    pub failing: Vec<LiveSet>,
    /// The rows that support every live set, by id.
    pub row_ids: Vec<String>,
    /// The components of the matrix of which nothing is live, by short name.
    pub absent: Vec<String>,
    /// The seqs that the verdict rests on.
    pub evidence: Vec<u64>,
}

/// A matrix beside what is live in an environment.
#[derive(Debug, Clone)]
pub struct Compatibility {
    /// The matrix.
    pub matrix: Matrix,
    /// The live versions of its components, by short name.
    pub live: Vec<LiveComponent>,
}

impl Compatibility {
    /// Returns the same with other live versions of one component; none when the matrix does not
    /// cover it.
    #[must_use]
    pub fn supposing(&self, component: &str, version: &str) -> Option<Self> {
        let mut other = self.clone();
        let live = other.live.iter_mut().find(|live| live.component.name == component)?;
        live.members = vec![Member {
            component: component.to_owned(),
            key: live.key().to_owned(),
            version: Some(version.to_owned()),
            digest: None,
        }];
        Some(other)
    }

    /// Returns the live versions of a component.
    pub fn live_of(&self, component: &str) -> Option<&LiveComponent> {
        self.live.iter().find(|live| live.component.name == component)
    }

    /// Returns every set of versions that are live together.
    pub fn sets(&self) -> Vec<LiveSet> {
        let mut sets = vec![LiveSet::default()];
        for live in self.live.iter().filter(|live| !live.members.is_empty()) {
            let with = |set: &LiveSet| {
                let set = set.members.clone();
                live.members.iter().map(move |member| {
                    let members = set.iter().chain([member]).cloned().collect();
                    LiveSet { members }
                })
            };
            sets = sets.iter().flat_map(|set| with(set).collect::<Vec<_>>()).collect();
        }
        sets.retain(|set| !set.members.is_empty());
        sets
    }

    /// Tests every live set.
    pub fn judge(&self) -> Compat {
        let (sets, matrix) = (self.sets(), &self.matrix);
        let supported = |set: &LiveSet| matrix.rows_with(set.versions()).next().is_some();
        let failing: Vec<LiveSet> = sets.iter().filter(|set| !supported(set)).cloned().collect();
        let all = |row: &&super::MatrixRow| {
            sets.iter().all(|set| set.versions().all(|(c, v)| v.is_some_and(|v| row.holds(c, v))))
        };
        let absent = self.live.iter().filter(|live| live.members.is_empty());
        let mut evidence: Vec<u64> = matrix.seq.into_iter().collect();
        evidence.extend(self.live.iter().flat_map(|live| live.evidence.iter().copied()));
        evidence.sort_unstable();
        evidence.dedup();
        Compat {
            verdict: if failing.is_empty() { CompatVerdict::Holds } else { CompatVerdict::Fails },
            row_ids: match sets.is_empty() {
                true => Vec::new(),
                false => matrix.rows.iter().filter(all).map(|row| row.id.clone()).collect(),
            },
            absent: absent.map(|live| live.key().to_owned()).collect(),
            failing,
            evidence,
        }
    }
}

impl Core<'_> {
    /// Returns what is live of the components of a matrix, by short name.
    ///
    /// # Errors
    /// [`FactsError`] when the facts cannot be read.
    pub fn live_beside(
        &self,
        matrix: Matrix,
        environment: &Environment,
    ) -> Result<Compatibility, FactsError> {
        let live = self.live_components(&matrix.components(), environment)?;
        Ok(Compatibility { matrix, live })
    }

    /// Returns what is live of components, by short name.
    /// # Errors
    /// [`FactsError`] when the facts cannot be read.
    pub fn live_components(
        &self,
        components: &[Arc<Component>],
        environment: &Environment,
    ) -> Result<Vec<LiveComponent>, FactsError> {
        let mut live = Vec::new();
        for component in components {
            live.push(self.live_component(component, environment)?);
        }
        live.sort_by(|a, b| a.key().cmp(b.key()));
        Ok(live)
    }

    fn live_component(
        &self,
        component: &Arc<Component>,
        environment: &Environment,
    ) -> Result<LiveComponent, FactsError> {
        let current = self.current(component, environment)?;
        let member = |version: Option<&str>, digest: &str| Member {
            component: component.name.clone(),
            key: short_name(component).to_owned(),
            version: version.map(str::to_owned),
            digest: Some(digest.to_owned()),
        };
        let published = current.published.iter().map(|p| member(Some(&p.version), &p.digest));
        let shares = current.shares.iter().map(|s| member(s.version(), &s.share.digest));
        let mut members: Vec<Member> = Vec::new();
        for live in published.chain(shares) {
            let same = |known: &Member| match (&known.version, &live.version) {
                (None, None) => known.digest == live.digest,
                (a, b) => a == b,
            };
            if !members.iter().any(same) {
                members.push(live);
            }
        }
        Ok(LiveComponent {
            component: Arc::clone(component),
            state: current.state,
            members,
            evidence: current.evidence,
        })
    }
}
