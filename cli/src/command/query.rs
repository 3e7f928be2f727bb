//! `relbook query`: one read-only SQL statement over the book.
//!
//! This is the only command that starts the query engine: everything else must stay quick to start.

use std::io::Read as _;
use std::sync::Arc;

use clap::Args;
use relbook_query::question::Answer;
use relbook_query::sql::{Limits, Session, SharedBook, SqlError};

use super::question;
use crate::args::Format;
use crate::config::Config;
use crate::error::Error;
use crate::exit_code::ExitCode;
use crate::render;
use crate::ui::Ui;

/// Arguments of `query`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  relbook query \"SHOW TABLES\"
  relbook query \"DESCRIBE deploys\"
  relbook query \"SELECT * FROM current_versions WHERE environment = 'production'\"
  relbook query \"SELECT * FROM state_at('2026-06-10T09:10:00Z')\"
  relbook query \"SELECT * FROM diff('orion-api', '1.4.1', '1.5.0')\" --format csv
  relbook query --format parquet \"SELECT * FROM events\" > events.parquet
  relbook query - < report.sql

Log tables (events, builds, deploys, approvals, scans, ...) hold a row per event; projections
(current_versions, live_shares, commit_in_prod, production_releases, release_diffs,
approver_history) hold what follows from them. The book is only read; no file and no network can
be reached. --as-of and --as-known work here too.")]
pub struct QueryArgs {
    /// The statement; - reads it from standard input
    #[arg(value_name = "SQL")]
    pub sql: String,
}

/// Runs the statement.
pub(super) fn run(args: &QueryArgs, config: &Config, ui: &mut Ui) -> Result<ExitCode, Error> {
    render::refuse_terminal(ui)?;
    let sql = statement(args)?;
    let book = question::open(config, ui)?;
    let lens = book.lens(config.as_of, config.as_known);
    let checkpoint = book.ledger().checkpoint()?;
    let simulated_clock = book.ledger().simulated_clock();
    let bar = ui.progress("preparing the tables", 0);
    let limits = Limits {
        progress: Some(Arc::new(move |done, total| bar.of(done, total))),
        ..Limits::default()
    };
    let session = Session::open_with(&config.book, Arc::new(SharedBook::new(book)), lens, limits)?;
    let result = session.run(&sql)?;
    drop(session);
    if matches!(ui.format(), Format::Parquet | Format::Arrow) {
        render::batches(ui, &result.schema, &result.batches)?;
        return Ok(ExitCode::Done);
    }
    let answer = Answer {
        question: "query".to_owned(),
        lens,
        checkpoint: (checkpoint.size, checkpoint.root),
        simulated_clock,
        header: Vec::new(),
        table: render::batch::table(&result.schema, &result.batches)?,
        warnings: question::beyond_end(config, checkpoint.size).into_iter().collect(),
        holds: true,
    };
    render::result(ui, &answer)?;
    Ok(ExitCode::Done)
}

fn statement(args: &QueryArgs) -> Result<String, Error> {
    if args.sql != "-" {
        return Ok(args.sql.clone());
    }
    let mut text = String::new();
    let read = std::io::stdin().read_to_string(&mut text);
    read.map_err(|error| {
        Error::not_done("io", format!("cannot read the statement from standard input: {error}"))
    })?;
    Ok(text)
}

impl From<SqlError> for Error {
    fn from(error: SqlError) -> Self {
        let message = error.to_string();
        match error {
            // The statement is wrong: another one is needed.
            SqlError::NotOneStatement { .. }
            | SqlError::NotReadOnly { .. }
            | SqlError::Syntax { .. }
            | SqlError::TooComplex { .. }
            | SqlError::UnknownTable { .. }
            | SqlError::UnknownColumn { .. }
            | SqlError::Argument { .. }
            | SqlError::Unknown { .. }
            | SqlError::Plan { .. } => Self::usage(message),
            SqlError::Book { .. } => Self::not_done("damaged", message),
            SqlError::TimedOut { .. } | SqlError::OutOfMemory { .. } => {
                Self::not_done("limit", message)
            }
            _ => Self::not_done("query", message),
        }
    }
}
