//! `relbook spool`: signed events that wait for a book that could not be reached.

use std::fs::File;
use std::io::BufReader;
use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use relbook_ledger::ndjson::Lines;
use relbook_ledger::store::{Appended, Ledger, Writer};
use serde_json::{Map, json};

use crate::args::Format;
use crate::config::Config;
use crate::error::Error;
use crate::exit_code::ExitCode;

use crate::spool::Spool;
use crate::submit::{self, Line};
use crate::ui::{Ui, counted};

/// Arguments of `spool`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  relbook spool prepare waiting                  where the book is: write down what signing needs
  relbook append build ... --spool waiting       anywhere: into the book, or else into the spool
  relbook spool list waiting                     what waits
  relbook spool flush waiting                    where the book is: deliver it, in order

An event keeps the time at which it was signed (occurred_at); the book adds when it took it
(recorded_at). Delivering twice changes nothing: the book knows the ids.")]
pub struct SpoolArgs {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Write down the book's name and definitions, which signing without the book needs
    Prepare {
        /// The spool
        dir: PathBuf,
    },
    /// Show the batches that wait
    List {
        /// The spool
        dir: PathBuf,
    },
    /// Deliver the batches in order; stops at the first that is refused
    Flush {
        /// The spool
        dir: PathBuf,
        /// Set a refused batch aside (as .refused) and go on with those behind it
        #[arg(long)]
        set_refused_aside: bool,
    },
}

/// Prepares, lists or delivers.
pub(super) fn run(args: SpoolArgs, config: &Config, ui: &mut Ui) -> Result<ExitCode, Error> {
    match args.action {
        Action::Prepare { dir } => prepare(Spool::new(dir), config, ui),
        Action::List { dir } => list(&Spool::new(dir), ui),
        Action::Flush { dir, set_refused_aside } => {
            flush(&Spool::new(dir), set_refused_aside, config, ui)
        }
    }
}

fn prepare(spool: Spool, config: &Config, ui: &mut Ui) -> Result<ExitCode, Error> {
    let ledger = Ledger::open(&config.book)?;
    spool.remember(&ledger)?;
    let dir = spool.dir().display().to_string();
    match ui.format() {
        Format::Table => ui.line(&format!("`{dir}` knows the book {}", ledger.origin()))?,
        _ => ui.json(&json!({ "spool": dir, "origin": ledger.origin(), "size": ledger.size() }))?,
    }
    Ok(ExitCode::Done)
}

fn list(spool: &Spool, ui: &mut Ui) -> Result<ExitCode, Error> {
    let mut batches = Vec::new();
    for path in spool.batches()? {
        let events = read(&path)?.len();
        batches.push(json!({ "file": path.display().to_string(), "events": events }));
        if ui.format() == Format::Table {
            ui.line(&format!("{}  {}", path.display(), counted(events, "event")))?;
        }
    }
    match ui.format() {
        Format::Table if batches.is_empty() => ui.line("nothing waits")?,
        Format::Table => {}
        _ => ui.json(&json!({ "spool": spool.dir().display().to_string(), "batches": batches }))?,
    }
    Ok(ExitCode::Done)
}

fn read(path: &Path) -> Result<Vec<Line>, Error> {
    let file = File::open(path).map_err(|error| Error::file(path, "read", &error))?;
    let mut lines = Lines::new(BufReader::new(file), path.display().to_string());
    let mut events = Vec::new();
    while let Some((line, input)) = lines.next_event()? {
        events.push((Some(line), input));
    }
    Ok(events)
}

fn flush(
    spool: &Spool,
    set_refused_aside: bool,
    config: &Config,
    ui: &mut Ui,
) -> Result<ExitCode, Error> {
    let held = spool.lock()?;
    let waiting = spool.batches()?;
    let mut writer = submit::open(config)?;
    let mut receipts = Vec::new();
    let mut aside = Vec::new();
    let bar = ui.progress("delivering", waiting.len() as u64);
    for (done, path) in (1_u64..).zip(&waiting) {
        match deliver(path, config, ui, &mut writer) {
            Ok(delivered) => {
                receipts.extend(delivered);
                spool.remove(path)?;
            }
            Err(error) if set_refused_aside && matches!(error, Error::Refused { .. }) => {
                ui.note(&format!("{}: {error}", path.display()));
                aside.push(spool.set_aside(path)?.display().to_string());
            }
            Err(error) => {
                ui.note(&format!("stopped at `{}`; it and those behind it wait", path.display()));
                return Err(error.after(&receipts));
            }
        }
        bar.at(done);
    }
    drop(bar);
    spool.remember(writer.ledger())?;
    drop(held);
    let extra = Map::from_iter([
        ("batches".to_owned(), json!(waiting.len() - aside.len())),
        ("set_aside".to_owned(), json!(aside)),
    ]);
    submit::show(ui, &receipts, extra)?;
    Ok(if aside.is_empty() { ExitCode::Done } else { ExitCode::Refused })
}

fn deliver(
    path: &Path,
    config: &Config,
    ui: &Ui,
    writer: &mut Writer,
) -> Result<Vec<Appended>, Error> {
    submit::append(config, ui, writer, read(path)?)
}
