//! `relbook demo`: builds the Orion example in a fresh book and shows what a book is good for.
//!
//! It goes the way that a user goes: init, keys, apply, appends by several keys, the seven
//! questions, verify. Nothing is prepared but the product file and the events of the story.

mod story;

use std::path::{Path, PathBuf};

use clap::Args;
use relbook_ledger::store::{self, Ledger, NewBook, VerifyOptions};
use serde_json::{Map, Value, json};

use super::{apply, ask, key};
use crate::args::{DEFAULT_BOOK, Format, Options};
use crate::author::Input;
use crate::config::Config;
use crate::error::Error;
use crate::exit_code::ExitCode;
use crate::submit;
use crate::ui::Ui;

const PRODUCT: &str = include_str!("../../../../examples/orion/orion.yaml");

/// Arguments of `demo`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  relbook demo
  relbook demo orion-demo            keep the book in ./orion-demo/book
  relbook --book orion-book demo     keep it in ./orion-book, with the keys in ./orion-book/keys

The month is June 2026, so the clock of the example book is simulated; its reports say so.")]
pub struct DemoArgs {
    /// Where to put the book and the keys: a directory that does not exist or is empty
    /// [default: that of --book, else a new temporary directory]
    #[arg(value_name = "DIR")]
    pub dir: Option<PathBuf>,
}

/// Builds the book, asks it, verifies it.
pub(super) fn run(args: &DemoArgs, book: &str, ui: &mut Ui) -> Result<ExitCode, Error> {
    let (book, home) = place(args, book)?;
    let origin = "orion.example/demo".to_owned();
    Ledger::create(&book, NewBook { origin: origin.clone(), simulated_clock: true })?;
    let quiet = ui.format() != Format::Table;
    say(ui, &format!("A new book: {origin} in {}", book.display()))?;
    let appended = fill(&home, &book, ui, quiet)?;
    say(
        ui,
        &format!(
            "   {appended} events appended and signed by {} keys\n",
            story::PRINCIPALS.len() + 1
        ),
    )?;

    say(ui, "The seven questions\n")?;
    let config = config(&book, None)?;
    let questions =
        ask::AskArgs { component: Some("orion-api".to_owned()), env: "production".to_owned() };
    let code = if quiet {
        let answers = ask::answers(&questions, &config, ui)?;
        let report = store::verify(&book, &VerifyOptions::default(), &|_, _| {})
            .map_err(|error| Error::Bug(format!("the example book does not verify: {error}")))?;
        ui.json(&json!({
            "book": book.to_string_lossy(),
            "origin": origin,
            "events": report.events,
            "answers": answers,
            "verified": { "events": report.events, "signatures": report.verified_signatures, "checkpoints": report.checkpoints },
        }))?;
        ExitCode::Done
    } else {
        ask::run(&questions, &config, ui)?;
        ui.line("\nThe proof\n")?;
        super::verify::run(&super::verify::VerifyArgs::default(), &config, ui)?
    };
    let shown = book.display();
    say(
        ui,
        &format!(
            "\nThe book stays in {shown}. Go on with, for example:\n  \
         relbook --book {shown} status --as-of 2026-06-09T10:30:00Z\n  \
         relbook --book {shown} diff orion-api 1.4.0 1.5.1\n  \
         relbook --book {shown} query \"SELECT component, version, outcome, approval_verdict FROM deploys WHERE stage = 'production'\""
        ),
    )?;
    Ok(code)
}

fn say(ui: &mut Ui, text: &str) -> Result<(), Error> {
    if ui.format() == Format::Table { ui.line(text) } else { Ok(()) }
}

/// Returns where the book goes, and where its product file and keys do.
fn place(args: &DemoArgs, book: &str) -> Result<(PathBuf, PathBuf), Error> {
    let within = |dir: PathBuf| (dir.join("book"), dir);
    let Some(dir) = &args.dir else {
        if book != DEFAULT_BOOK {
            let book = PathBuf::from(book);
            let keys = book.join("keys");
            return Ok((book, keys));
        }
        let made = tempfile::Builder::new().prefix("relbook-demo-").tempdir();
        return made
            .map(|made| within(made.keep()))
            .map_err(|error| Error::file(&std::env::temp_dir(), "write", &error));
    };
    std::fs::create_dir_all(dir).map_err(|error| Error::file(dir, "make", &error))?;
    let mut entries = std::fs::read_dir(dir).map_err(|error| Error::file(dir, "read", &error))?;
    if entries.next().is_some() {
        return Err(Error::usage(format!(
            "`{}` is not empty; the demo needs a directory of its own",
            dir.display()
        )));
    }
    Ok(within(dir.clone()))
}

fn config(book: &Path, key: Option<&Path>) -> Result<Config, Error> {
    Config::new(Options {
        book: book.to_string_lossy().into_owned(),
        key: key.map(|path| path.to_string_lossy().into_owned()),
        format: Format::Table,
        wait: 0,
        as_of: None,
        as_known: None,
        explain: false,
    })
}

/// Applies the product, enrolls the keys and appends the month; returns how many events that were.
fn fill(home: &Path, book: &Path, ui: &mut Ui, quiet: bool) -> Result<usize, Error> {
    let admin = config(book, None)?;
    let product = home.join("orion.yaml");
    std::fs::write(&product, PRODUCT).map_err(|error| Error::file(&product, "write", &error))?;
    let mut inputs = apply::events(&product, &admin)?;
    let mut keys = Vec::new();
    let month = story::month();
    // The clock of the book is still at 1970: the first events say when this begins.
    let began = month.first().and_then(|entry| entry.events.first()?.get("occurred_at").cloned());
    for (principal, roles) in story::PRINCIPALS {
        let file = home.join(format!("{principal}.pem"));
        let (public, _) = key::make(&file)?;
        inputs.push(key::enrolment(principal, &public, roles));
        keys.push((principal, config(book, Some(&file))?));
    }
    for event in &mut inputs {
        event.insert("occurred_at".to_owned(), began.clone().unwrap_or_default());
    }
    let mut appended = inputs.len();
    append(&admin, ui, inputs)?;
    say(
        ui,
        "The product line applied (5 components, 3 environments, policy, matrix), 3 keys enrolled",
    )?;
    say(ui, "June 2026, event by event:")?;
    for entry in month {
        let Some((_, signer)) = keys.iter().find(|(name, _)| *name == entry.by) else { continue };
        let at =
            entry.events.first().and_then(|e| e.get("occurred_at")?.as_str().map(str::to_owned));
        let count = entry.events.len();
        appended += count;
        append(signer, ui, entry.events)?;
        if !quiet {
            ui.line(&format!(
                "   {}  {:<8}  {:>2}  {}",
                at.unwrap_or_default(),
                entry.by,
                count,
                entry.what
            ))?;
        }
    }
    Ok(appended)
}

fn append(config: &Config, ui: &Ui, events: Vec<Map<String, Value>>) -> Result<(), Error> {
    let mut writer = submit::open(config)?;
    let batch = events.into_iter().map(|event| (None, Input::Fields(event))).collect();
    submit::append(config, ui, &mut writer, batch).map(drop)
}
