//! `relbook overlaps`: deploys that ran into each other (semantics C.2 N8).

use clap::Args;
use relbook_query::question::Question;

use super::period::PeriodArgs;
use super::question;
use crate::config::Config;
use crate::error::Error;
use crate::exit_code::ExitCode;
use crate::ui::Ui;

/// Arguments of `overlaps`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  relbook overlaps
  relbook overlaps api --from 2026-06-01 --to 2026-07-01

`downgrade` says that the deploy that finished last brought the lower version.")]
pub struct OverlapsArgs {
    /// Only this component (name or alias)
    pub component: Option<String>,
    /// When the later deploy started
    #[command(flatten)]
    pub period: PeriodArgs,
}

/// Asks the question.
pub(super) fn run(args: OverlapsArgs, config: &Config, ui: &mut Ui) -> Result<ExitCode, Error> {
    let OverlapsArgs { component, period } = args;
    question::ask(config, ui, &Question::Overlaps { component, period: period.into() })
}
