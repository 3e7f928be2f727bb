//! `relbook commit`: question 2, which commit is live (semantics C.1 Q2).

use clap::Args;
use relbook_query::question::Question;

use super::question;
use crate::config::Config;
use crate::error::Error;
use crate::exit_code::ExitCode;
use crate::ui::Ui;

/// Arguments of `commit`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  relbook commit
  relbook commit api
  relbook commit api --env staging --format json")]
pub struct CommitArgs {
    /// Only this component (name or alias)
    pub component: Option<String>,
    /// The environment
    #[arg(long, value_name = "NAME", default_value = "production")]
    pub env: String,
}

/// Asks the question.
pub(super) fn run(args: CommitArgs, config: &Config, ui: &mut Ui) -> Result<ExitCode, Error> {
    let CommitArgs { component, env: environment } = args;
    question::ask(config, ui, &Question::Commit { environment, component })
}
