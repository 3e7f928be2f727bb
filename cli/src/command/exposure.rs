//! `relbook exposure`: which vulnerable versions were live, from when to when (semantics C.2 N5).

use clap::Args;
use relbook_query::question::Question;

use super::question;
use crate::config::Config;
use crate::error::Error;
use crate::exit_code::ExitCode;
use crate::ui::Ui;

/// Arguments of `exposure`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  relbook exposure CVE-2026-1234
  relbook exposure critical --format csv

The exposure began when the artifact went live, known or not; `known_from` says since when it was
known. A canary counts, with its share of the traffic.")]
pub struct ExposureArgs {
    /// A vulnerability, or a severity
    #[arg(value_name = "CVE|SEVERITY")]
    pub subject: String,
    /// Only this environment [default: every one with production deploys]
    #[arg(long, value_name = "NAME")]
    pub env: Option<String>,
}

/// Asks the question.
pub(super) fn run(args: ExposureArgs, config: &Config, ui: &mut Ui) -> Result<ExitCode, Error> {
    let ExposureArgs { subject, env: environment } = args;
    question::ask(config, ui, &Question::Exposure { environment, subject })
}
