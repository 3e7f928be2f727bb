//! `relbook releases`: the production releases of a component, oldest first (semantics A.6).

use clap::Args;
use relbook_query::question::Question;

use super::question;
use crate::config::Config;
use crate::error::Error;
use crate::exit_code::ExitCode;
use crate::ui::Ui;

/// Arguments of `releases`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  relbook releases api
  relbook releases sdk --format csv

A release is the first time that production got an artifact; redeploys and rollbacks are none. Of
a published component each publish is one. `bump` is the step from the release before;
`deploy_bump` is the step from what was live when it was deployed, which decides whether an
approval is needed: after a rollback the two differ.")]
pub struct ReleasesArgs {
    /// The component (name or alias)
    pub component: String,
    /// The environment
    #[arg(long, value_name = "NAME", default_value = "production")]
    pub env: String,
}

/// Asks the question.
pub(super) fn run(args: ReleasesArgs, config: &Config, ui: &mut Ui) -> Result<ExitCode, Error> {
    let ReleasesArgs { component, env: environment } = args;
    question::ask(config, ui, &Question::Releases { environment, component })
}
