//! A book opened for reading: the ledger, its views, and the answers that they give.

use std::path::{Path, PathBuf};

use relbook_ledger::store::{Clock as _, Ledger, OpenError, SystemClock};
use relbook_ledger::time::Time;

use crate::projection::{PROJECTIONS, Request, projection};
use crate::question::{self, Answer, AnswerError, Question};
use crate::release::{Core, FactsError, Lens};
use crate::table::Table;
use crate::views::{Progress, Views};

/// Says why a book cannot be asked.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BookError {
    /// The ledger cannot be opened.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// The log cannot be read.
    #[error(transparent)]
    Facts(#[from] FactsError),
}

/// A book opened for reading.
pub struct Book {
    dir: PathBuf,
    views: Views,
}

impl Book {
    /// Opens the book in `dir` and brings its views up to the head of the log.
    ///
    /// # Errors
    /// [`BookError`] when there is no book, or its log cannot be read.
    pub fn open(dir: &Path, progress: Progress<'_>) -> Result<Self, BookError> {
        let views = Views::open(dir, Ledger::open(dir)?, progress)?;
        Ok(Self { dir: dir.to_owned(), views })
    }

    /// Returns the directory of the book.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// Returns the ledger.
    pub fn ledger(&self) -> &Ledger {
        self.views.ledger()
    }

    /// Returns the views.
    pub fn views(&self) -> &Views {
        &self.views
    }

    /// Returns the lens that a question means: now and the head, unless it says otherwise. In a
    /// book with a simulated clock, now is the book's clock.
    pub fn lens(&self, as_of: Option<Time>, as_known: Option<u64>) -> Lens {
        let head = self.ledger().size().saturating_sub(1);
        let now = || match self.ledger().simulated_clock() {
            true => self.ledger().clock(),
            false => SystemClock.now(),
        };
        Lens {
            as_of: as_of.unwrap_or_else(now),
            as_known: as_known.map_or(head, |seq| seq.min(head)),
        }
    }

    /// Answers a question.
    ///
    /// # Errors
    /// [`AnswerError`] when the question names what the book does not know, or cannot be read.
    pub fn answer(&self, question: &Question, lens: Lens) -> Result<Answer, AnswerError> {
        let _held = self.views.hold()?;
        let view = self.views.view(lens);
        let mut core = Core::new(&view);
        if matches!(question, Question::Gate(ask) if ask.policy_of_today) {
            let now = self.views.view(self.lens(None, None));
            core = core.judging_by(Core::new(&now).policy_at(u64::MAX)?);
        }
        let paths = self.ledger().paths();
        let read = |digest: &str| paths.read_blob(digest).map_err(|error| error.to_string());
        let part = question::answer(&core, question, &read)?;
        let checkpoint =
            self.ledger().checkpoint().map_err(|error| AnswerError::Read(error.to_string()))?;
        Ok(Answer {
            question: question.name().to_owned(),
            lens,
            checkpoint: (checkpoint.size, checkpoint.root),
            simulated_clock: self.ledger().simulated_clock(),
            header: part.header,
            table: part.table,
            warnings: part.warnings,
            holds: part.holds,
        })
    }

    /// Returns the rows of a projection, by its name.
    ///
    /// # Errors
    /// [`AnswerError::Read`] when there is no such projection or it cannot be read.
    pub fn projection(
        &self,
        name: &str,
        request: &Request,
        lens: Lens,
    ) -> Result<Table, AnswerError> {
        let Some(projection) = projection(name) else {
            let names: Vec<_> = PROJECTIONS.iter().map(|p| p.name).collect();
            return Err(AnswerError::Read(format!("no projection `{name}`: {}", names.join(", "))));
        };
        let _held = self.views.hold()?;
        let view = self.views.view(lens);
        let core = Core::new(&view);
        Ok((projection.rows)(&core, request)?)
    }
}
