//! `relbook where`: is a commit or pull request live, and where (semantics C.2 N1)?

use clap::Args;
use relbook_query::question::Question;

use super::question;
use crate::config::Config;
use crate::error::Error;
use crate::exit_code::ExitCode;
use crate::ui::Ui;

/// Arguments of `where`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  relbook where 9c5bd90ef73464414575f9903a0ab22a31eda54f
  relbook where 412                     a pull request
  relbook where '#412' --format json

Containment is ancestry. Picks of the commit are listed with `match` cherry_pick; a commit that is
in no release has one row that says so. `canary_first_at` and `canary_left_at` tell of canaries
that had it on a target before anything stable there had it: a canary that was taken back stays
seen when the commit is released later.")]
pub struct WhereArgs {
    /// The full commit id, or the number of a pull request
    #[arg(value_name = "COMMIT|PR")]
    pub subject: String,
}

/// Asks the question.
pub(super) fn run(args: WhereArgs, config: &Config, ui: &mut Ui) -> Result<ExitCode, Error> {
    question::ask(config, ui, &Question::Where { subject: args.subject })
}
