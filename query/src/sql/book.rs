//! The projections of an open book, shared between the threads of the query engine.
//!
//! A book reads through one database connection, so questions take turns; the engine's own scans
//! of the log do not come through here.

use std::sync::{Mutex, MutexGuard, PoisonError};

use relbook_ledger::time::Time;

use super::Projections;
use crate::Book;
use crate::projection::{PROJECTIONS, Request, columns_of};
use crate::question::{AnswerError, Question};
use crate::release::{Core, Lens};
use crate::table::ColumnType::{Text, Time as Instant};
use crate::table::{Cell, Column, Table};

/// A book that several threads may ask.
pub struct SharedBook(Mutex<Book>);

impl SharedBook {
    /// Shares a book.
    pub fn new(book: Book) -> Self {
        Self(Mutex::new(book))
    }

    fn book(&self) -> MutexGuard<'_, Book> {
        // A question that panicked has changed nothing: it only reads.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Projections for SharedBook {
    fn names(&self) -> Vec<&'static str> {
        PROJECTIONS.iter().map(|projection| projection.name).collect()
    }

    fn columns(&self, table: &str, lens: Lens) -> Result<Option<Vec<Column>>, AnswerError> {
        let book = self.book();
        let view = book.views().view(lens);
        Ok(columns_of(&Core::new(&view), table)?)
    }

    fn rows(&self, table: &str, request: &Request, lens: Lens) -> Result<Table, AnswerError> {
        self.book().projection(table, request, lens)
    }

    /// Returns what was live at a time; nothing that happened after the lens is seen.
    fn state_at(&self, time: Time, lens: Lens) -> Result<Table, AnswerError> {
        let lens = Lens { as_of: time.min(lens.as_of), ..lens };
        self.book().projection("live_shares", &Request::default(), lens)
    }

    fn diff(
        &self,
        component: &str,
        from_version: &str,
        to_version: &str,
        lens: Lens,
    ) -> Result<Table, AnswerError> {
        let question = Question::Diff {
            environment: "production".to_owned(),
            component: component.to_owned(),
            versions: Some((from_version.to_owned(), to_version.to_owned())),
            transitions: false,
        };
        Ok(self.book().answer(&question, lens)?.table)
    }

    /// Returns every change of a target's stable artifact, oldest first.
    fn history(&self, component: &str, lens: Lens) -> Result<Table, AnswerError> {
        let book = self.book();
        let view = book.views().view(lens);
        let core = Core::new(&view);
        let component = crate::question::component(&core, component)?;
        let version = |digest: &str| -> Result<Cell, AnswerError> {
            let origin = core.origin(&component.name, digest, None)?;
            Ok(origin.map_or(Cell::Null, |origin| origin.version.into()))
        };
        let mut table = Table::new(&[
            ("at", Instant),
            ("environment", Text),
            ("target", Text),
            ("from_version", Text),
            ("to_version", Text),
            ("from_digest", Text),
            ("to_digest", Text),
            ("deploy_id", Text),
        ]);
        let mut rows = Vec::new();
        for environment in core.environments()? {
            for t in core.transitions(&component.name, &environment.name)?.iter() {
                let from = t.from_digest.as_deref();
                let cells = vec![
                    t.moment.at.into(),
                    environment.name.as_str().into(),
                    t.target.as_str().into(),
                    from.map_or(Ok(Cell::Null), version)?,
                    version(&t.to_digest)?,
                    from.into(),
                    t.to_digest.as_str().into(),
                    t.deploy_id.as_str().into(),
                ];
                rows.push((t.moment, cells, vec![t.start_seq, t.moment.seq]));
            }
        }
        rows.sort_by_key(|(moment, ..)| *moment);
        for (_, cells, evidence) in rows {
            table.push(cells, evidence);
        }
        Ok(table)
    }
}
