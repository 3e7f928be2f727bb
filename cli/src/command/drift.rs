//! `relbook drift`: which targets are not on the intended version (semantics C.2 N3).

use clap::Args;
use relbook_query::question::Question;

use super::question;
use crate::config::Config;
use crate::error::Error;
use crate::exit_code::ExitCode;
use crate::ui::Ui;

/// Arguments of `drift`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  relbook drift
  relbook drift api --env staging --format csv

Intended is the newest release that was not rolled back. Kinds: straggler (the deploys left
something else), drift (something else was seen running), untracked (seen where nothing was
deployed), stale_observation (nothing was seen since the last change).")]
pub struct DriftArgs {
    /// Only this component (name or alias)
    pub component: Option<String>,
    /// The environment
    #[arg(long, value_name = "NAME", default_value = "production")]
    pub env: String,
}

/// Asks the question.
pub(super) fn run(args: DriftArgs, config: &Config, ui: &mut Ui) -> Result<ExitCode, Error> {
    let DriftArgs { component, env: environment } = args;
    question::ask(config, ui, &Question::Drift { environment, component })
}
