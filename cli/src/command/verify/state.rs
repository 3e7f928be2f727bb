//! The file in which `verify --resume` notes how far it came.
//!
//! It holds a checkpoint of the book below which everything was verified. It is replaced whole, at
//! most once a second, and removed when a run comes to an end: the next one then verifies
//! everything. Its first line tells it from a file that somebody keeps, which is never touched.

use std::cell::Cell;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use super::read_text;
use crate::error::Error;

const HEADER: &str = "relbook verify --resume\n";
const PAUSE: Duration = Duration::from_secs(1);

/// The file, and when it was written last.
#[derive(Debug)]
pub(super) struct State {
    path: PathBuf,
    written: Cell<Option<Instant>>,
}

impl State {
    /// Reads what an earlier run noted, if one was broken off.
    pub(super) fn open(path: &Path) -> Result<(Self, Option<String>), Error> {
        let noted = match path.exists() {
            true => Some(read_text(path)?),
            false => None,
        };
        let note = noted.map(|text| match text.strip_prefix(HEADER) {
            Some(note) => Ok(note.to_owned()),
            None => Err(Error::usage(format!("`{}` is not by `verify --resume`", path.display()))
                .hint("name a file that does not exist yet; a checkpoint is for --since")),
        });
        let state = Self { path: path.to_owned(), written: Cell::new(None) };
        Ok((state, note.transpose()?))
    }

    /// Notes a checkpoint. That it cannot be written costs time after a break, and nothing else.
    pub(super) fn note(&self, note: &str) {
        if self.written.get().is_some_and(|at| at.elapsed() < PAUSE) {
            return;
        }
        let mut beside = self.path.clone().into_os_string();
        beside.push(".new");
        if std::fs::write(&beside, format!("{HEADER}{note}")).is_ok() {
            drop(std::fs::rename(&beside, &self.path));
        }
        self.written.set(Some(Instant::now()));
    }

    /// Removes the file.
    pub(super) fn end(&self) -> Result<(), Error> {
        match std::fs::remove_file(&self.path) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                Err(Error::file(&self.path, "remove", &error))
            }
            _ => Ok(()),
        }
    }
}
