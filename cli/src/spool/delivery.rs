//! Where a batch goes: into the book, or into the spool when the book cannot be reached.

use relbook_ledger::registry::Registry;
use relbook_ledger::store::{Appended, Writer};

use super::{Away, Spool};
use crate::author::Ground;
use crate::blob::Blobs;
use crate::config::Config;
use crate::error::Error;
use crate::remark::Remark;
use crate::sealing::{Seal, seal_batch};
use crate::submit::{self, Line};
use crate::ui::{Ui, counted};

/// What happens to a batch on its way.
#[derive(Debug, Clone, Default)]
pub struct Way {
    /// Where it waits when the book cannot be reached.
    pub spool: Option<Spool>,
    /// The texts to seal. Their keys lie in the book, so that what is sealed never waits outside.
    pub seals: Vec<Seal>,
}

/// The way of one command's batches.
pub struct Delivery<'a> {
    config: &'a Config,
    spool: Option<Spool>,
    seals: Vec<Seal>,
    place: Place,
}

enum Place {
    Book(Box<Writer>),
    Away(Box<Away>),
}

/// What became of a batch.
#[derive(Debug, Default)]
pub struct Delivered {
    /// What the book acknowledged.
    pub receipts: Vec<Appended>,
    /// How many events wait in the spool.
    pub spooled: usize,
    /// What may not be what was meant.
    pub remarks: Vec<Remark>,
}

impl<'a> Delivery<'a> {
    /// Opens the book; when that cannot be done and there is a spool, goes on without it.
    ///
    /// # Errors
    /// [`Error::NotDone`] when neither book nor spool can be used.
    pub fn open(config: &'a Config, way: Way, ui: &mut Ui) -> Result<Self, Error> {
        let Way { spool, seals } = way;
        let spool = spool.filter(|_| seals.is_empty());
        let place = match (submit::open(config), &spool) {
            (Ok(writer), Some(spool)) => {
                if let Err(error) = spool.remember(writer.ledger()) {
                    ui.note(&format!("the spool was not brought in step: {error}"));
                }
                Place::Book(Box::new(writer))
            }
            (Ok(writer), None) => Place::Book(Box::new(writer)),
            (Err(error), Some(spool)) if error.is_not_done() => {
                ui.note(&format!("the book cannot be reached: {error}"));
                Place::Away(Box::new(spool.book()?))
            }
            (Err(error), _) => return Err(error),
        };
        Ok(Self { config, spool, seals, place })
    }

    /// Returns the definitions of the book, as far as they are known.
    pub fn registry(&self) -> &Registry {
        match &self.place {
            Place::Book(writer) => writer.registry(),
            Place::Away(away) => &away.registry,
        }
    }

    /// Tells whether the book was out of reach when this was opened.
    pub fn is_away(&self) -> bool {
        matches!(self.place, Place::Away(_))
    }

    /// Returns the name of the book.
    pub fn origin(&self) -> &str {
        match &self.place {
            Place::Book(writer) => writer.origin(),
            Place::Away(away) => &away.origin,
        }
    }

    /// Signs a batch and delivers or spools it.
    ///
    /// # Errors
    /// As [`submit::append`]; with a spool, a book that cannot take the batch now is no error.
    pub fn append(&mut self, ui: &mut Ui, batch: Vec<Line>) -> Result<Delivered, Error> {
        let Some(spool) = &self.spool else {
            let Place::Book(writer) = &mut self.place else {
                return Err(Error::Bug("no book and no spool".to_owned()));
            };
            let mut blobs = Blobs::default();
            let mut batch = batch;
            let outcome = seal_batch(&self.seals, writer, &mut batch, &mut blobs)
                .and_then(|()| submit::append(self.config, ui, writer, batch));
            if outcome.is_err() {
                blobs.take_back();
            }
            return Ok(Delivered { receipts: outcome?, ..Delivered::default() });
        };
        let prepared = match &mut self.place {
            Place::Book(writer) => submit::prepare(self.config, ui, writer, batch)?,
            Place::Away(away) => submit::prepare_away(self.config, ui, Ground::Away(away), batch)?,
        };
        if let Place::Book(writer) = &mut self.place {
            match prepared.deliver(writer) {
                Ok(receipts) => return Ok(Delivered { receipts, ..Delivered::default() }),
                // Whether or not it went in: the same signed events can be delivered again.
                Err(error) if error.is_not_done() => {
                    ui.note(&format!("the book did not take the batch: {error}"));
                }
                Err(error) => return Err(error),
            }
        }
        let path = spool.put(&prepared.events)?;
        let count = prepared.events.len();
        ui.note(&format!(
            "{} in `{}`; `relbook spool flush {}` delivers what waits there",
            counted(count, "event"),
            path.display(),
            spool.dir().display()
        ));
        Ok(Delivered { spooled: count, ..Delivered::default() })
    }

    /// Records the refusal of an input that could not even be read, where there is a book.
    pub fn refused(&mut self, error: Error) -> Error {
        match &mut self.place {
            Place::Book(writer) => submit::refused(self.config, writer, error),
            Place::Away(_) => error,
        }
    }
}
