//! `relbook status`: question 1, which version of every component is live (semantics C.1 Q1), and
//! what ran at a moment and changed before it (C.2 N2).

use clap::Args;
use relbook_ledger::time::Time;
use relbook_query::question::Question;

use super::question;
use crate::args::{duration, time};
use crate::config::Config;
use crate::error::Error;
use crate::exit_code::ExitCode;
use crate::ui::Ui;

/// Arguments of `status`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  relbook status
  relbook status --env staging
  relbook status --as-of 2026-06-10T09:10:00Z        what ran then
  relbook status --as-known 120 --format json        what the book knew after event 120
  relbook status --at 2026-06-10T16:52:00Z --window 1h
                                                     what ran then, and changed in the hour before")]
pub struct StatusArgs {
    /// The environment
    #[arg(long, value_name = "NAME", default_value = "production")]
    pub env: String,
    /// Show the shares of a moment, and the changes before it
    #[arg(long, value_name = "TIME", value_parser = time)]
    pub at: Option<Time>,
    /// How long before it: 90s, 30m, 1h, 2d
    #[arg(
        long,
        value_name = "D",
        value_parser = duration,
        requires = "at",
        default_value_if("at", clap::builder::ArgPredicate::IsPresent, "1h")
    )]
    pub window: Option<i64>,
}

/// Asks the question.
pub(super) fn run(args: StatusArgs, config: &Config, ui: &mut Ui) -> Result<ExitCode, Error> {
    let StatusArgs { env: environment, at, window } = args;
    let question = match at {
        Some(at) => Question::At { environment, at, window_seconds: window.unwrap_or(3600) },
        None => Question::Status { environment },
    };
    question::ask(config, ui, &question)
}
