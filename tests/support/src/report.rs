//! Lines that a run shows even where its tests pass: counts, and what was left out and why.
//!
//! The test harness holds `println!` back until a test fails. A count that nobody sees proves
//! nothing, so these lines go to standard error directly.

use std::io::Write as _;

/// Shows a line.
pub fn line(text: &str) {
    drop(writeln!(std::io::stderr().lock(), "{text}"));
}

/// Says that a test was left out because something is missing on this machine.
///
/// # Panics
/// Where `CI` is `true`: there `.ci/run` installs everything, so nothing may be missing.
pub fn skip(test: &str, missing: &str) {
    let ci = std::env::var("CI").is_ok_and(|ci| ci == "true");
    assert!(!ci, "{test}: {missing} is missing, although .ci/run installs it");
    line(&format!("SKIPPED {test}: {missing} is missing"));
}

/// Tells whether the long forms are wanted: `RELBOOK_LONG=1`.
pub fn long() -> bool {
    std::env::var("RELBOOK_LONG").is_ok_and(|long| long == "1")
}
