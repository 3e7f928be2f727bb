//! The change class of a deploy: how far the new version is from what is live on a target.
//!
//! The class is always measured against the live version, never against the last tag, and is the
//! same in both directions (a rollback crosses the same distance). Which classes need an approval
//! is the policy's business, not this file's.
//!
//! Rules: semantics A.9, with A.1 rule 6 for 0.x.

use std::cmp::Ordering;
use std::fmt;

use super::{Scheme, Version};

/// How far a new version is from the live one. The order is that of the classes: for several
/// targets the highest counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ChangeClass {
    /// The same digest is live.
    None,
    /// CalVer, the same YYYY.0M.
    Micro,
    /// SemVer, the same X.Y and another Z.
    Patch,
    /// CalVer, another YYYY.0M.
    Period,
    /// SemVer, another Y (or another z of 0.y.z), or a live pre-release is left.
    Minor,
    /// SemVer, another X (or another y of 0.y.z).
    Major,
    /// Equal precedence, another digest.
    Rebuild,
    /// The new version is a pre-release.
    Prerelease,
    /// Nothing is live.
    Initial,
}

impl ChangeClass {
    /// All classes, lowest first.
    pub const ALL: [ChangeClass; 9] = [
        ChangeClass::None,
        ChangeClass::Micro,
        ChangeClass::Patch,
        ChangeClass::Period,
        ChangeClass::Minor,
        ChangeClass::Major,
        ChangeClass::Rebuild,
        ChangeClass::Prerelease,
        ChangeClass::Initial,
    ];

    /// Returns the name of the class, as policies and tables write it.
    pub fn as_str(self) -> &'static str {
        match self {
            ChangeClass::None => "none",
            ChangeClass::Micro => "micro",
            ChangeClass::Patch => "patch",
            ChangeClass::Period => "period",
            ChangeClass::Minor => "minor",
            ChangeClass::Major => "major",
            ChangeClass::Rebuild => "rebuild",
            ChangeClass::Prerelease => "prerelease",
            ChangeClass::Initial => "initial",
        }
    }

    /// Returns the class of that name.
    pub fn parse(name: &str) -> Option<ChangeClass> {
        ChangeClass::ALL.into_iter().find(|class| class.as_str() == name)
    }
}

impl fmt::Display for ChangeClass {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl Scheme {
    /// Returns the class of the change from the live version of one target to a new one.
    ///
    /// Where several rules apply the highest class counts. When the live version is of another
    /// scheme than the new one the two have no distance, and the change counts as major.
    pub fn change_class(
        &self,
        live: Option<&Version>,
        new: &Version,
        same_digest: bool,
    ) -> ChangeClass {
        let Some(live) = live else {
            return ChangeClass::Initial;
        };
        if same_digest {
            return ChangeClass::None;
        }
        if new.is_prerelease() {
            return ChangeClass::Prerelease;
        }
        if live.scheme() != self || new.scheme() != self {
            return ChangeClass::Major;
        }
        if live.precedence_in_scheme(new) == Ordering::Equal {
            return ChangeClass::Rebuild;
        }
        match self {
            Scheme::Calver(_) if live.same_line(new) => ChangeClass::Micro,
            Scheme::Calver(_) => ChangeClass::Period,
            Scheme::Semver => semver_distance(live, new),
        }
    }
}

fn semver_distance(live: &Version, new: &Version) -> ChangeClass {
    let differs = live.components().zip(new.components()).position(|(from, to)| from != to);
    let unstable = new.components().next() == Some("0");
    let by_numbers = match (differs, unstable) {
        (Some(0), _) | (Some(1), true) => ChangeClass::Major,
        (Some(1), false) | (Some(_), true) => ChangeClass::Minor,
        (Some(_), false) | (None, _) => ChangeClass::Patch,
    };
    // Leaving a live pre-release needs the approval that a minor needs, whatever the numbers say.
    if live.is_prerelease() { by_numbers.max(ChangeClass::Minor) } else { by_numbers }
}
