//! `relbook emergency`: every deploy that broke the glass, and its review (semantics C.2 N6).

use clap::Args;
use relbook_query::question::Question;

use super::period::PeriodArgs;
use super::question;
use crate::config::Config;
use crate::error::Error;
use crate::exit_code::ExitCode;
use crate::ui::Ui;

/// Arguments of `emergency`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  relbook emergency
  relbook emergency api --from 2026-06-01 --to 2026-07-01

A review by who started the deploy or wrote what it brought does not count; `overdue` says that
the review is due and there is none.")]
pub struct EmergencyArgs {
    /// Only this component (name or alias)
    pub component: Option<String>,
    /// When the deploys started
    #[command(flatten)]
    pub period: PeriodArgs,
}

/// Asks the question.
pub(super) fn run(args: EmergencyArgs, config: &Config, ui: &mut Ui) -> Result<ExitCode, Error> {
    let EmergencyArgs { component, period } = args;
    question::ask(config, ui, &Question::Emergency { component, period: period.into() })
}
