//! `relbook debt`: what is owed after hotfixes and broken glass, until it is paid (contract 3).

use clap::Args;
use relbook_query::question::Question;

use super::question;
use crate::config::Config;
use crate::error::Error;
use crate::exit_code::ExitCode;
use crate::ui::Ui;

/// Arguments of `debt`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  relbook debt
  relbook debt api --as-of 2026-06-24

Kinds: main_fix (a hotfix's change that main has not), integration (deferred by a hotfix, due 24 h
after its production finish), review (of a hotfix or of broken glass, due 48 h after its start).")]
pub struct DebtArgs {
    /// Only this component (name or alias)
    pub component: Option<String>,
    /// The environment
    #[arg(long, value_name = "NAME", default_value = "production")]
    pub env: String,
}

/// Asks the question.
pub(super) fn run(args: DebtArgs, config: &Config, ui: &mut Ui) -> Result<ExitCode, Error> {
    let DebtArgs { component, env: environment } = args;
    question::ask(config, ui, &Question::Debt { environment, component })
}
