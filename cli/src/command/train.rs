//! `relbook train`: did the release trains keep their rules (semantics A.12)?

use clap::Args;
use relbook_query::question::Question;

use super::question;
use crate::config::Config;
use crate::error::Error;
use crate::exit_code::ExitCode;
use crate::ui::Ui;

/// Arguments of `train`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  relbook train
  relbook train sdk --format json

A train is a branch release/vX.Y. Codes of the rules that it does not keep:
  T1 cut on day 1        T4 each fix is on main     T7 the tag is the head of the branch
  T2 cut from main       T5 tagged 7 days later     T8 artifacts are built from the tag
  T3 nothing but fixes   T6 the tag is vX.Y.0       T9 the Go path has the major version")]
pub struct TrainArgs {
    /// Only this component (name or alias)
    pub component: Option<String>,
}

/// Asks the question.
pub(super) fn run(args: TrainArgs, config: &Config, ui: &mut Ui) -> Result<ExitCode, Error> {
    question::ask(config, ui, &Question::Train { component: args.component })
}
