//! Go module paths and the major version that they must name (`golang/mod`, `CheckPathMajor`).

use super::Version;

/// Says that a module path does not fit a version.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("module path `{path}` does not fit version {version}: {why}")]
pub struct PathError {
    /// The module path.
    pub path: String,
    /// The version.
    pub version: String,
    /// What it should be.
    pub why: String,
}

/// Checks that a module path names the major of a version: no suffix for v0 and v1, `/vN` from v2
/// on, `.vN` always below gopkg.in; `+incompatible` marks a v2 or later without a suffix.
///
/// # Errors
/// [`PathError`] with the path that would fit.
pub fn check(path: &str, version: &Version) -> Result<(), PathError> {
    let major = version.numbers.first().map_or("0", String::as_str);
    let error =
        |why: String| Err(PathError { path: path.to_owned(), version: version.to_string(), why });
    if path.starts_with("gopkg.in/") {
        let suffix = path.rsplit_once(".v").map(|(_, n)| n.trim_end_matches("-unstable"));
        return match suffix {
            Some(n) if n == major => Ok(()),
            _ => error(format!("below gopkg.in it must end in .v{major}")),
        };
    }
    let suffix = path.rsplit_once('/').map(|(_, last)| last).and_then(|last| {
        let digits = last.strip_prefix('v')?;
        (!digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit())).then_some(digits)
    });
    let small = major == "0" || major == "1";
    match suffix {
        Some("0" | "1") => error("a path has no suffix for v0 and v1".to_owned()),
        Some(n) if n == major => Ok(()),
        Some(n) if small => error(format!("/v{n} is for v{n}.x.y only")),
        Some(_) => error(format!("it must end in /v{major}")),
        None if small || version.build_metadata() == Some("incompatible") => Ok(()),
        None => error(format!("from v2 on it must end in /v{major}")),
    }
}
