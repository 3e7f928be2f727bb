//! Many events, batch by batch: reading them, and holding the book no longer than is fair.

use std::io::BufRead;
use std::sync::mpsc::{Receiver, RecvTimeoutError, sync_channel};
use std::time::{Duration, Instant};

use relbook_ledger::admission::{Code, Refusal};
use relbook_ledger::limits::BATCH_EVENTS_MAX;
use relbook_ledger::ndjson::Lines;

use crate::config::Config;
use crate::error::Error;
use crate::spool::{Delivery, Way};
use crate::submit::Line;
use crate::ui::Ui;

/// The book, held from one batch to the next.
pub(super) struct Held<'a> {
    pub(super) delivery: Delivery<'a>,
    since: Instant,
}

impl<'a> Held<'a> {
    pub(super) fn open(config: &'a Config, way: Way, ui: &mut Ui) -> Result<Self, Error> {
        Ok(Self { delivery: Delivery::open(config, way, ui)?, since: Instant::now() })
    }

    /// Tells whether the book is out of reach; then all that follows is spooled too, in order.
    pub(super) fn is_away(&self) -> bool {
        self.delivery.is_away()
    }

    /// Tells whether others have not waited long for a stream that is always ready.
    pub(super) fn may_be_kept(&self) -> bool {
        const LONGEST: Duration = Duration::from_secs(1);
        self.is_away() || self.since.elapsed() < LONGEST
    }
}

/// The batches of an input, read on a thread of its own: so it is known whether the next one has to
/// be waited for. A thread that still waits for its input ends with the program.
pub(super) struct Batches {
    read: Receiver<Result<Vec<Line>, Error>>,
}

impl Batches {
    pub(super) fn of(mut lines: Lines<impl BufRead + Send + 'static>, size: Option<usize>) -> Self {
        let (sender, read) = sync_channel(0);
        std::thread::spawn(move || {
            loop {
                let batch = read_batch(&mut lines, size);
                let last = size.is_none() || batch.as_ref().map_or(true, Vec::is_empty);
                if sender.send(batch).is_err() || last {
                    return;
                }
            }
        });
        Self { read }
    }

    /// Returns the next batch if it is there, or almost.
    pub(super) fn soon(&self) -> Option<Result<Vec<Line>, Error>> {
        const SOON: Duration = Duration::from_millis(20);
        match self.read.recv_timeout(SOON) {
            Ok(read) => Some(read),
            Err(RecvTimeoutError::Timeout) => None,
            Err(RecvTimeoutError::Disconnected) => Some(Err(gone())),
        }
    }

    /// Waits for the next batch; an empty one is the end.
    pub(super) fn next(&self) -> Result<Vec<Line>, Error> {
        self.read.recv().unwrap_or_else(|_| Err(gone()))
    }
}

fn gone() -> Error {
    Error::Bug("the reader of the input ended without a last batch".to_owned())
}

fn read_batch(lines: &mut Lines<impl BufRead>, size: Option<usize>) -> Result<Vec<Line>, Error> {
    let mut events = Vec::new();
    while events.len() < size.unwrap_or(usize::MAX) {
        let Some((line, input)) = lines.next_event()? else { break };
        if size.is_none() && events.len() == BATCH_EVENTS_MAX {
            let message = format!(
                "more than {BATCH_EVENTS_MAX} events in one batch; append in several with --batch N"
            );
            return Err(Refusal::new(Code::TooLarge, message).on_line(line).into());
        }
        events.push((Some(line), input));
    }
    Ok(events)
}
