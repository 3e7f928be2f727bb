//! The rule that ties the path of a Go module to the major version of its releases.
//!
//! From v2 on the path ends in `/vN`; v0 and v1 have no suffix; `gopkg.in` paths always end in
//! `.vN`; `+incompatible` marks a v2 or later from before modules. Only the pair is judged here,
//! never whether the module exists.
//!
//! Rules: semantics A.1 (Go modules); the Go module reference, "Major version suffixes".

use super::{Scheme, Version, quoted};

const INCOMPATIBLE: &str = "incompatible";

/// A module path and a version that no Go tool would accept together.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("Go module {} cannot have version {}: {reason}", quoted(.module), quoted(.version))]
pub struct GoModuleError {
    module: String,
    version: String,
    reason: String,
}

impl GoModuleError {
    /// Returns the refusal code.
    pub fn code(&self) -> &'static str {
        "go_path_major"
    }
}

/// What the path says about the major version.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum PathMajor<'a> {
    /// No suffix: v0 and v1 only.
    Unmarked,
    /// `/vN`, N of 2 or more.
    Suffix(&'a str),
    /// `gopkg.in/....vN`.
    Gopkg(&'a str),
}

/// Checks that a release of a Go module may carry this version.
///
/// ```
/// use relbook_ledger::version::{Scheme, gomod};
/// let version = Scheme::Semver.parse_version("2.1.0")?;
/// assert!(gomod::check("github.com/orion/orion-sdk-go/v2", &version).is_ok());
/// assert!(gomod::check("github.com/orion/orion-sdk-go", &version).is_err());
/// # Ok::<(), relbook_ledger::version::VersionError>(())
/// ```
///
/// # Errors
/// [`GoModuleError`] (code `go_path_major`) when path and version do not go together.
pub fn check(go_module: &str, version: &Version) -> Result<(), GoModuleError> {
    judge(go_module, version).map_err(|reason| GoModuleError {
        module: go_module.to_owned(),
        version: version.as_str().to_owned(),
        reason,
    })
}

fn judge(module: &str, version: &Version) -> Result<(), String> {
    if *version.scheme() != Scheme::Semver {
        return Err("Go modules are released under SemVer; register the scheme semver".to_owned());
    }
    let path_major = split(module)?;
    let major = version.components().next().unwrap_or("0");
    let below_two = matches!(major, "0" | "1");
    if version.build_metadata() == Some(INCOMPATIBLE) {
        return match path_major {
            PathMajor::Unmarked if !below_two => Ok(()),
            PathMajor::Unmarked => {
                Err("+incompatible marks v2 and later only; remove it".to_owned())
            }
            PathMajor::Suffix(_) | PathMajor::Gopkg(_) => {
                Err("the path names the major version already; remove +incompatible".to_owned())
            }
        };
    }
    match path_major {
        PathMajor::Unmarked if below_two => Ok(()),
        PathMajor::Unmarked => Err(format!(
            "a path without a major suffix carries v0 and v1 only; record the module as \
             {}, or the version with +incompatible when it has no go.mod",
            quoted(&format!("{module}/v{major}"))
        )),
        PathMajor::Suffix(named) if named == major => Ok(()),
        PathMajor::Suffix(named) => Err(format!(
            "the path says v{named} and the version v{major}; record the path whose suffix is {}",
            if below_two { "left out".to_owned() } else { format!("/v{major}") }
        )),
        PathMajor::Gopkg(named) if named == major => Ok(()),
        // Old pseudo-versions of gopkg.in .v1 paths start with 0.0.0-; Go tools accept them.
        PathMajor::Gopkg("1") if version.as_str().starts_with("0.0.0-") => Ok(()),
        PathMajor::Gopkg(named) => Err(format!(
            "the path says v{named} and the version v{major}; a gopkg.in path ends in .v{major}"
        )),
    }
}

/// Splits the major version off a module path.
fn split(module: &str) -> Result<PathMajor<'_>, String> {
    if module.is_empty() || module.ends_with('/') || module.contains(char::is_whitespace) {
        return Err("that is no module path; write it as in go.mod".to_owned());
    }
    if module.starts_with("gopkg.in/") {
        let path = module.strip_suffix("-unstable").unwrap_or(module);
        let (before, digits) = split_digits(path, |c| c.is_ascii_digit());
        let well_formed = before.ends_with(".v") && !digits.is_empty();
        if !well_formed || (digits.len() > 1 && digits.starts_with('0')) {
            return Err("a gopkg.in path ends in .vN, as in gopkg.in/yaml.v3".to_owned());
        }
        return Ok(PathMajor::Gopkg(digits));
    }
    let (before, suffix) = split_digits(module, |c| c.is_ascii_digit() || c == '.');
    if suffix.is_empty() || !before.ends_with("/v") {
        return Ok(PathMajor::Unmarked);
    }
    if suffix.contains('.') || suffix.starts_with('0') || suffix == "1" {
        return Err(format!(
            "a path cannot end in /v{suffix}: the suffix is /v2 or a higher whole number, and v0 \
             and v1 have none"
        ));
    }
    Ok(PathMajor::Suffix(suffix))
}

fn split_digits(path: &str, belongs: impl Fn(char) -> bool) -> (&str, &str) {
    path.split_at(path.trim_end_matches(belongs).len())
}
