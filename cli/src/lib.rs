//! The command line of relbook, as a library with a thin `main`.
//!
//! A command parses its arguments, calls the ledger or the query crate, and renders the answer.
//! No release rule, no hash and no signature is computed here. What a command prints goes through
//! [`ui::Ui`]; how it ends goes through [`error::Error`] and [`exit_code::ExitCode`].

pub mod args;
pub mod author;
pub mod blob;
mod bom;
pub mod ci;
pub mod command;
pub mod config;
pub mod derived;
pub mod error;
pub mod event_id;
pub mod exit_code;
pub mod import;
pub mod ingest;
pub mod matrix;
pub mod message;
pub mod product;
pub mod recorded;
pub mod remark;
pub mod render;
pub mod sealing;
pub mod serve;
pub mod spool;
pub mod submit;
pub mod ui;
pub mod witness;
pub mod yaml;

use std::ffi::OsString;

use clap::{CommandFactory as _, FromArgMatches as _};

use args::{Cli, Format};
use error::Error;
use exit_code::ExitCode;
use ui::Ui;

/// Runs one command line and says how it ended.
pub fn run(args: Vec<OsString>) -> ExitCode {
    // A usage error must already be shown in the form that the broken command line asks for.
    let mut ui = Ui::standard(format_of(&args));
    let outcome = parse(args, &mut ui).and_then(|cli| match cli {
        Some(cli) => command::run(cli, &mut ui),
        None => Ok(ExitCode::Done),
    });
    let outcome = outcome.and_then(|code| ui.flush().map(|()| code));
    match outcome {
        Ok(code) => code,
        Err(error) => {
            ui.error(&error);
            drop(ui.flush());
            error.exit_code()
        }
    }
}

/// Reads the command line; `None` when it only asked for help and got it.
fn parse(args: Vec<OsString>, ui: &mut Ui) -> Result<Option<Cli>, Error> {
    let parsed = Cli::command().try_get_matches_from(args);
    match parsed.and_then(|matches| Cli::from_arg_matches(&matches)) {
        Ok(cli) => Ok(Some(cli)),
        Err(error) if !error.use_stderr() => ui.clap(&error).map(|()| None),
        Err(error) if matches!(ui.format(), Format::Json | Format::Ndjson) => {
            Err(Error::usage(first_lines(&error)))
        }
        Err(error) => {
            ui.clap(&error)?;
            Err(Error::Shown)
        }
    }
}

/// Returns what a usage error says, without the usage lines below it.
fn first_lines(error: &clap::Error) -> String {
    let text = error.render().to_string();
    let text = text.split("\n\nUsage:").next().unwrap_or_default();
    text.trim_start_matches("error: ").trim_end().to_owned()
}

/// Finds the wanted form without understanding the rest of the command line.
fn format_of(args: &[OsString]) -> Format {
    let words: Vec<&str> = args.iter().filter_map(|word| word.to_str()).collect();
    let after = words.windows(2).rev().find(|pair| pair[0] == "--format").map(|pair| pair[1]);
    let joined = words.iter().rev().find_map(|word| word.strip_prefix("--format="));
    let word = after.or(joined).unwrap_or_default();
    <Format as clap::ValueEnum>::from_str(word, false).unwrap_or_default()
}
