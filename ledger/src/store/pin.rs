//! The pin: the newest signed checkpoint in a file beside the database.
//!
//! A database alone cannot reveal that its end was cut off or that an older copy was put back. The
//! pin is written after each commit and before the commit is acknowledged, so it never promises
//! what is not stored, and the database never holds less than was acknowledged.

use std::io::{self, Read as _};
use std::path::Path;

use super::durable;
use crate::checkpoint::SignedCheckpoint;
use crate::limits::NOTE_BYTES_MAX;

/// Reads the pin's text, if there is a pin. What it says is not checked here.
pub(super) fn read(path: &Path) -> io::Result<Option<String>> {
    let file = match durable::open_regular(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    let mut bytes = Vec::new();
    // One byte beyond the limit makes the note reader refuse what is longer.
    file.take(NOTE_BYTES_MAX as u64 + 1).read_to_end(&mut bytes)?;
    Ok(Some(String::from_utf8_lossy(&bytes).into_owned()))
}

/// Writes the pin durably.
pub(super) fn write(path: &Path, checkpoint: &SignedCheckpoint) -> io::Result<()> {
    durable::replace(path, checkpoint.note.as_bytes())
}
