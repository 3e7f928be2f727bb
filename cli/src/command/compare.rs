//! `relbook compare`: two copies of a book, and the evidence when the book signed two histories.

use std::path::{Path, PathBuf};

use clap::Args;
use relbook_ledger::receipt::Receipt;
use relbook_ledger::store::{CompareError, Comparison, Fork, Ledger, compare};
use serde_json::{Value, json};

use crate::args::Format;
use crate::config::Config;
use crate::error::Error;
use crate::exit_code::ExitCode;
use crate::ui::{Ui, counted};

/// Arguments of `compare`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  relbook compare /backup/book              this book against a copy of it
  relbook compare /auditor/book -o fork     also keep the evidence, should they differ

Of a fork the evidence is two receipts for the same seq, each with another event and each under a
checkpoint that the book signed: `relbook receipt check` proves both with the book's key alone.

Exit codes: 0 the same, or one is the beginning of the other; 1 a fork, two different books, or a
copy whose events are not those of its own checkpoint; 4 a copy cannot be read. Who signed what, and
whether they might, is for `verify`.")]
pub struct CompareArgs {
    /// The directory of the other copy
    #[arg(value_name = "BOOK")]
    other: PathBuf,
    /// Keep the evidence of a fork in this directory
    #[arg(long, short, value_name = "DIR")]
    output: Option<PathBuf>,
}

/// Compares this book with another copy.
pub(super) fn run(args: &CompareArgs, config: &Config, ui: &mut Ui) -> Result<ExitCode, Error> {
    let (one, other) = (Ledger::open(&config.book)?, Ledger::open(&args.other)?);
    let sizes = (one.size(), other.size());
    let bar = ui.progress("reading both copies", 0);
    let compared = compare(&one, &other, &|done, total| bar.of(done, total));
    drop(bar);
    let outcome = match compared {
        Ok(outcome) => outcome,
        Err(error @ CompareError::Damaged { .. }) => {
            show(ui, "damaged", &error.to_string(), sizes, None)?;
            return Ok(ExitCode::DoesNotHold);
        }
        Err(error @ (CompareError::OtherBook { .. } | CompareError::Unsigned { .. })) => {
            show(ui, "incomparable", &error.to_string(), sizes, None)?;
            return Ok(ExitCode::DoesNotHold);
        }
        Err(CompareError::Read(error)) => return Err(error.into()),
        Err(other) => return Err(Error::Bug(other.to_string())),
    };
    match outcome {
        Comparison::Prefix => {
            let (result, text) = match sizes {
                (one, other) if one == other => {
                    ("same", format!("the same {}", counted(one, "event")))
                }
                (one, other) if one < other => (
                    "behind",
                    format!(
                        "this book is the beginning of the other: {} behind",
                        counted(other - one, "event")
                    ),
                ),
                (one, other) => (
                    "ahead",
                    format!(
                        "the other is the beginning of this book: {} behind",
                        counted(one - other, "event")
                    ),
                ),
            };
            show(ui, result, &text, sizes, None)?;
            Ok(ExitCode::Done)
        }
        Comparison::Fork(fork) => {
            if let Some(dir) = &args.output {
                keep(dir, &fork)?;
            }
            let text = format!("FORK at seq {}: the book signed two histories", fork.seq);
            show(ui, "fork", &text, sizes, Some(&fork))?;
            Ok(ExitCode::DoesNotHold)
        }
        other => Err(Error::Bug(format!("an unknown comparison: {other:?}"))),
    }
}

fn keep(dir: &Path, fork: &Fork) -> Result<(), Error> {
    std::fs::create_dir_all(dir).map_err(|error| Error::file(dir, "create", &error))?;
    for (name, receipt) in [("one", &fork.one), ("other", &fork.other)] {
        let path = dir.join(format!("{name}.tlog-proof"));
        std::fs::write(&path, receipt.to_string())
            .map_err(|error| Error::file(&path, "write", &error))?;
    }
    Ok(())
}

fn show(
    ui: &mut Ui,
    result: &str,
    text: &str,
    sizes: (u64, u64),
    fork: Option<&Fork>,
) -> Result<(), Error> {
    if ui.format() != Format::Table {
        let side = |receipt: &Receipt| json!({"checkpoint": receipt.checkpoint, "receipt": receipt.to_string()});
        return ui.json(&json!({
            "result": result,
            "message": text,
            "size": sizes.0,
            "other_size": sizes.1,
            "seq": fork.map(|fork| fork.seq),
            "one": fork.map_or(Value::Null, |fork| side(&fork.one)),
            "other": fork.map_or(Value::Null, |fork| side(&fork.other)),
        }));
    }
    ui.line(text)?;
    let Some(fork) = fork else { return Ok(()) };
    for (name, receipt) in [("this book", &fork.one), ("the other", &fork.other)] {
        ui.line(&format!("\n{name} signed:\n\n{}", receipt.checkpoint.trim_end()))?;
    }
    Ok(())
}
