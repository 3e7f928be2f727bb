//! `relbook approvals`: question 6, who approved a deploy and when (semantics C.1 Q6).

use clap::{Args, ValueEnum};
use relbook_query::question::{Question, WhichDeploy};

use super::question;
use crate::config::Config;
use crate::error::Error;
use crate::exit_code::ExitCode;
use crate::ui::Ui;

/// Which deploy is the last one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Last {
    /// The last that succeeded
    Succeeded,
    /// The last, whatever came of it
    Any,
}

/// Arguments of `approvals`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  relbook approvals                     of the last production deploy that succeeded
  relbook approvals api --last any      of the last one, whatever came of it
  relbook approvals --deploy P3

Every approval of that version is listed; `valid` says whether it counts and `reasons` why not.
`source`: reported by somebody else, which the policy's approval_sources does not take.")]
pub struct ApprovalsArgs {
    /// Only deploys of this component (name or alias)
    pub component: Option<String>,
    /// The deploy
    #[arg(long, value_name = "ID", conflicts_with = "last")]
    pub deploy: Option<String>,
    /// Which deploy is the last one
    #[arg(long, value_enum, default_value = "succeeded")]
    pub last: Last,
    /// The environment
    #[arg(long, value_name = "NAME", default_value = "production")]
    pub env: String,
}

/// Asks the question.
pub(super) fn run(args: ApprovalsArgs, config: &Config, ui: &mut Ui) -> Result<ExitCode, Error> {
    let which = match (args.deploy, args.last) {
        (Some(id), _) => WhichDeploy::Id(id),
        (None, Last::Any) => WhichDeploy::LastAny,
        (None, Last::Succeeded) => WhichDeploy::LastSucceeded,
    };
    let question = Question::Approvals { environment: args.env, component: args.component, which };
    question::ask(config, ui, &question)
}
