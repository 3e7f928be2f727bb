//! The class of a change: how far a new version is from what is live (semantics A.9).

use super::Version;

/// The classes, lowest first: for several targets the highest decides.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ChangeClass {
    /// The same digest.
    None,
    /// CalVer: the same date part.
    Micro,
    /// The same X.Y, another Z, in either direction.
    Patch,
    /// CalVer: another date part.
    Period,
    /// Another Y.
    Minor,
    /// Another X.
    Major,
    /// Equal precedence, another digest.
    Rebuild,
    /// The new version has a pre-release tag.
    Prerelease,
    /// Nothing is live.
    Initial,
}

impl ChangeClass {
    /// Returns the word that policies and answers use.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Micro => "micro",
            Self::Patch => "patch",
            Self::Period => "period",
            Self::Minor => "minor",
            Self::Major => "major",
            Self::Rebuild => "rebuild",
            Self::Prerelease => "prerelease",
            Self::Initial => "initial",
        }
    }
}

pub(super) fn change_class(
    live: Option<&Version>,
    new: &Version,
    same_digest: bool,
) -> ChangeClass {
    let Some(live) = live else { return ChangeClass::Initial };
    if same_digest {
        return ChangeClass::None;
    }
    if new.is_prerelease() {
        return ChangeClass::Prerelease;
    }
    if live.key == new.key {
        return ChangeClass::Rebuild;
    }
    if !new.is_semver {
        return if live.same_line(new) { ChangeClass::Micro } else { ChangeClass::Period };
    }
    let (major, minor) = (live.numbers[0] != new.numbers[0], live.numbers[1] != new.numbers[1]);
    // 0.y.z promises nothing: each step there counts one class higher (A.1 rule 6).
    let zero = new.numbers[0] == "0" && !major;
    match (major, minor) {
        (true, _) => ChangeClass::Major,
        (false, true) if zero => ChangeClass::Major,
        (false, true) => ChangeClass::Minor,
        (false, false) if zero || live.is_prerelease() => ChangeClass::Minor,
        (false, false) => ChangeClass::Patch,
    }
}
