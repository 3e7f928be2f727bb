//! `relbook status`: question 1, which version of every component is live (semantics C.1 Q1).

use clap::Args;
use relbook_query::question::Question;

use super::question;
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
  relbook status --as-known 120 --format json        what the book knew after event 120")]
pub struct StatusArgs {
    /// The environment
    #[arg(long, value_name = "NAME", default_value = "production")]
    pub env: String,
}

/// Asks the question.
pub(super) fn run(args: StatusArgs, config: &Config, ui: &mut Ui) -> Result<ExitCode, Error> {
    question::ask(config, ui, &Question::Status { environment: args.env })
}
