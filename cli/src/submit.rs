//! Appends what a command made or read: sign, append as one batch, record a refusal, show receipts.
//!
//! Every command that writes goes through here, so that each is atomic, idempotent by id, and
//! leaves the same trace when it is refused. The book is held only while a batch is appended.

use std::hash::{BuildHasher as _, Hasher as _, RandomState};
use std::time::{Duration, Instant};

use relbook_ledger::admission::{Code, Refusal};
use relbook_ledger::checkpoint::root_base64;
use relbook_ledger::envelope::SignedEvent;
use relbook_ledger::key::SigningKey;
use relbook_ledger::store::{AppendError, Appended, OpenError, Writer};
use serde_json::{Map, Value, json};

use crate::args::Format;
use crate::author::{Author, Ground, Input};
use crate::config::Config;
use crate::error::Error;
use crate::ui::Ui;

/// An input and the line that a refusal names; flags have none.
pub type Line = (Option<u64>, Input);

/// Opens the book for writing, waiting for another writer as long as the configuration says.
///
/// # Errors
/// [`Error::NotDone`] when there is no book, or it is still locked or cannot be written.
pub fn open(config: &Config) -> Result<Writer, Error> {
    const FIRST_PAUSE: Duration = Duration::from_millis(4);
    const LONGEST_PAUSE: Duration = Duration::from_millis(250);
    const SAY_SO_AFTER: Duration = Duration::from_secs(1);
    let (start, mut pause, mut said) = (Instant::now(), FIRST_PAUSE, false);
    loop {
        let locked = match Writer::open(&config.book) {
            Err(error @ OpenError::Locked { .. }) => error,
            outcome => return Ok(outcome?),
        };
        let waited = start.elapsed();
        let Some(left) = config.wait.checked_sub(waited).filter(|left| !left.is_zero()) else {
            let waited = waited.as_secs();
            let message = format!("{locked}; waited {waited} s, --wait TIME says how long");
            return Err(Refusal::new(Code::Locked, message).into());
        };
        if waited >= SAY_SO_AFTER && !said {
            said = true;
            let left = left.as_secs();
            Ui::standard(Format::Table).note(&format!("waiting up to {left} s more: {locked}"));
        }
        std::thread::sleep(spread(pause).min(left));
        pause = (pause * 2).min(LONGEST_PAUSE);
    }
}

/// Returns a pause between half and one and a half of this one: whoever waits for the same writer
/// does not ask again at the same moment.
fn spread(pause: Duration) -> Duration {
    // Each state has keys of its own, which is all the chance that this needs.
    let chance = RandomState::new().build_hasher().finish() % 1_000;
    pause / 2 + pause * u32::try_from(chance).unwrap_or(500) / 1_000
}

/// A signed batch with the lines that it came from.
#[derive(Debug)]
pub struct Prepared {
    /// The events.
    pub events: Vec<SignedEvent>,
    lines: Vec<Option<u64>>,
}

impl Prepared {
    /// Appends the batch: all of it, or nothing. It can be delivered again.
    ///
    /// # Errors
    /// [`Error::Refused`] naming the first bad line, after the refusal was recorded in the book;
    /// [`Error::NotDone`] when the book cannot be written.
    pub fn deliver(&self, writer: &mut Writer) -> Result<Vec<Appended>, Error> {
        writer.append(&self.events).map_err(|error| match error {
            AppendError::Refused(refusal) => {
                // The writer counts the events of the batch; we know the lines they came from.
                let index = refusal.line.and_then(|line| usize::try_from(line).ok());
                let line = index.and_then(|index| *self.lines.get(index.checked_sub(1)?)?);
                Refusal { line, ..refusal }.into()
            }
            other => other.into(),
        })
    }
}

/// Signs and appends one batch: all of it, or nothing.
///
/// # Errors
/// [`Error::Refused`] naming the first bad line, after the refusal was recorded in the book;
/// [`Error::NotDone`] when the key or the book cannot be used.
pub fn append(
    config: &Config,
    ui: &Ui,
    writer: &mut Writer,
    batch: Vec<Line>,
) -> Result<Vec<Appended>, Error> {
    prepare(config, ui, writer, batch)?.deliver(writer)
}

/// Signs a batch for the book at hand, and records what it refuses.
///
/// # Errors
/// As [`append`].
pub fn prepare(
    config: &Config,
    ui: &Ui,
    writer: &mut Writer,
    batch: Vec<Line>,
) -> Result<Prepared, Error> {
    let key = signing_key(config, &batch)?;
    let lines = batch.iter().map(|(line, _)| *line).collect();
    let events = sign(ui, Ground::Book(writer), key.as_ref(), batch)
        .map_err(|(error, names)| recorded(error, writer, key.as_ref(), &names))?;
    Ok(Prepared { events, lines })
}

/// Signs a batch for a book that cannot be reached.
///
/// # Errors
/// As [`append`]; there is no book to record a refusal in.
pub fn prepare_away(
    config: &Config,
    ui: &Ui,
    ground: Ground<'_>,
    batch: Vec<Line>,
) -> Result<Prepared, Error> {
    let key = signing_key(config, &batch)?;
    let lines = batch.iter().map(|(line, _)| *line).collect();
    let events = sign(ui, ground, key.as_ref(), batch).map_err(|(error, _)| error)?;
    Ok(Prepared { events, lines })
}

fn signing_key(config: &Config, batch: &[Line]) -> Result<Option<SigningKey>, Error> {
    let needs_key = batch.iter().any(|(_, input)| matches!(input, Input::Fields(_)));
    if needs_key { config.signing_key().map(Some) } else { Ok(None) }
}

fn sign(
    ui: &Ui,
    ground: Ground<'_>,
    key: Option<&SigningKey>,
    batch: Vec<Line>,
) -> Result<Vec<SignedEvent>, (Error, Names)> {
    const WORTH_A_BAR: usize = 2_000;
    let total = batch.len();
    let bar = (total >= WORTH_A_BAR).then(|| ui.progress("signing", total as u64));
    let mut author = Author::new(ground, key);
    let mut signed = Vec::with_capacity(total);
    for (line, input) in batch {
        let names = Names::of(&input);
        let event = author.sign(input).map_err(|error| (error.on_line(line), names))?;
        signed.push(event);
        if let Some(bar) = &bar {
            bar.at(signed.len() as u64);
        }
    }
    Ok(signed)
}

/// What an event calls itself, for the record of its refusal.
#[derive(Default)]
struct Names {
    kind: Option<String>,
    id: Option<String>,
}

impl Names {
    fn of(input: &Input) -> Self {
        let Input::Fields(fields) = input else { return Self::default() };
        let text = |name: &str| fields.get(name).and_then(Value::as_str).map(str::to_owned);
        Self { kind: text("kind"), id: text("id") }
    }
}

/// Records the refusal of an input that could not even be read, when a key is at hand.
pub fn refused(config: &Config, writer: &mut Writer, error: Error) -> Error {
    let key = config.signing_key().ok();
    recorded(error, writer, key.as_ref(), &Names::default())
}

/// Records a refusal that came before there was anything signed to append.
fn recorded(error: Error, writer: &mut Writer, key: Option<&SigningKey>, names: &Names) -> Error {
    if let (Error::Refused { refusal, .. }, Some(key)) = (&error, key) {
        let (kind, id) = (names.kind.as_deref(), names.id.as_deref());
        // The refusal stands whether or not it can be recorded.
        drop(writer.record_refusal(refusal, key.public().id(), kind, id));
    }
    error
}

/// Prints what was appended.
///
/// # Errors
/// [`Error::NotDone`] when it cannot be written.
pub fn show(ui: &mut Ui, receipts: &[Appended], extra: Map<String, Value>) -> Result<(), Error> {
    match ui.format() {
        Format::Table => show_table(ui, receipts),
        Format::Ndjson => {
            for receipt in receipts {
                ui.json(&receipt_json(receipt))?;
            }
            Ok(())
        }
        _ => {
            let mut whole = extra;
            whole.extend(summary(receipts));
            ui.json(&Value::Object(whole))
        }
    }
}

fn summary(receipts: &[Appended]) -> Map<String, Value> {
    let appended = receipts.iter().filter(|receipt| !receipt.duplicate).count();
    let list: Vec<Value> = receipts.iter().map(receipt_json).collect();
    let checkpoint = receipts.last().map(|receipt| {
        let point = &receipt.checkpoint;
        let root = root_base64(&point.root);
        json!({ "size": point.size, "root": root, "note": point.note })
    });
    Map::from_iter([
        ("appended".to_owned(), json!(appended)),
        ("receipts".to_owned(), Value::Array(list)),
        ("checkpoint".to_owned(), json!(checkpoint)),
    ])
}

fn receipt_json(receipt: &Appended) -> Value {
    json!({
        "seq": receipt.seq,
        "id": receipt.id.to_string(),
        "chain_hash": hex::encode(receipt.chain_hash),
        "duplicate": receipt.duplicate,
    })
}

fn show_table(ui: &mut Ui, receipts: &[Appended]) -> Result<(), Error> {
    const SHOWN: usize = 10;
    for receipt in receipts.iter().take(SHOWN) {
        let again = if receipt.duplicate { "  (was there already)" } else { "" };
        let chain = hex::encode(&receipt.chain_hash[..6]);
        ui.line(&format!("seq {}  id {}  chain {chain}{again}", receipt.seq, receipt.id))?;
    }
    if receipts.len() > SHOWN {
        ui.line(&format!("... and {} more", receipts.len() - SHOWN))?;
    }
    let known = receipts.iter().filter(|receipt| receipt.duplicate).count();
    let again = if known == 0 { String::new() } else { format!(", {known} known already") };
    ui.line(&format!("appended {}{again}", receipts.len() - known))?;
    if let Some(last) = receipts.last() {
        let root = root_base64(&last.checkpoint.root);
        ui.line(&format!("checkpoint size {} root {root}", last.checkpoint.size))?;
    }
    Ok(())
}
