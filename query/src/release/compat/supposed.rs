//! What if a component went to another version: which rows still hold, which versions lose their
//! last row (semantics C.2 N10).

use super::{Compat, Compatibility};
use crate::release::{Core, FactsError};

/// What a version of one component would change.
#[derive(Debug, Clone, PartialEq)]
pub struct Supposition {
    /// The verdict on the live sets with that version.
    pub compat: Compat,
    /// Row by row, whether the row has that version.
    pub rows: Vec<(String, bool)>,
    /// Versions of other components that go with what is live and not with that version:
    /// `component=version`.
    pub lost: Vec<String>,
    /// Versions of other components that go with that version and not with what is live.
    pub gained: Vec<String>,
    /// The seqs that this rests on.
    pub evidence: Vec<u64>,
}

impl Core<'_> {
    /// Supposes a version of a component in place of what is live of it; none when the matrix
    /// says nothing of the component.
    ///
    /// # Errors
    /// [`FactsError`] when the facts cannot be read.
    pub fn suppose(
        &self,
        now: &Compatibility,
        component: &str,
        version: &str,
    ) -> Result<Option<Supposition>, FactsError> {
        let Some(then) = now.supposing(component, version) else { return Ok(None) };
        let compat = then.judge();
        let mut evidence = compat.evidence.clone();
        let (mut lost, mut gained) = (Vec::new(), Vec::new());
        for live in now.live.iter().filter(|live| live.component.name != component) {
            for released in self.released(&live.component)? {
                let other = (live.component.name.as_str(), Some(released.text.as_str()));
                let before = goes_with(now, component, other);
                let after = goes_with(&then, component, other);
                if before != after {
                    evidence.push(released.seq);
                    let list = if before { &mut lost } else { &mut gained };
                    list.push((live.component.name.clone(), released));
                }
            }
        }
        let holds = |row: &super::MatrixRow| (row.id.clone(), row.holds(component, version));
        Ok(Some(Supposition {
            rows: now.matrix.rows.iter().map(holds).collect(),
            compat,
            lost: named(lost),
            gained: named(gained),
            evidence,
        }))
    }
}

/// Tells whether a version of another component stands in one row with every live version.
fn goes_with(at: &Compatibility, component: &str, other: (&str, Option<&str>)) -> bool {
    let Some(live) = at.live_of(component) else { return false };
    let with = |version: Option<&str>| {
        let pair = [(component, version), other];
        at.matrix.rows_with(pair.into_iter()).next().is_some()
    };
    !live.members.is_empty() && live.members.iter().all(|m| with(m.version.as_deref()))
}

/// Spells the versions by component, lowest first.
fn named(mut versions: Vec<(String, super::Released)>) -> Vec<String> {
    versions.sort_by(|(a, one), (b, other)| {
        (a, one.version.key(), &one.text).cmp(&(b, other.version.key(), &other.text))
    });
    versions.into_iter().map(|(component, r)| format!("{component}={}", r.text)).collect()
}
