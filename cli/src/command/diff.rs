//! `relbook diff`: question 3, what changed between two releases (semantics C.1 Q3).

use clap::Args;
use relbook_query::question::Question;

use super::question;
use crate::config::Config;
use crate::error::Error;
use crate::exit_code::ExitCode;
use crate::ui::Ui;

/// Arguments of `diff`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  relbook diff api                      between the last two production releases
  relbook diff api 1.4.1 1.5.0          between two versions
  relbook diff api --transitions        between the last two live states, rollbacks included
  relbook diff api --format ndjson | jq -r .subject

Commits are listed by ancestry, oldest first; `removed` are those that went out again.
`bump` is the step between the two versions. `rolled_back`: what is live now is not the newest
release; `to_rolled_back_by`: the rollbacks away from the newer version, also when it came back.")]
pub struct DiffArgs {
    /// The component (name or alias)
    pub component: String,
    /// The older version [default: the last but one production release]
    #[arg(requires = "to", conflicts_with = "transitions")]
    pub from: Option<String>,
    /// The newer version [default: the last production release]
    pub to: Option<String>,
    /// Compare the last two live states instead of the last two releases
    #[arg(long)]
    pub transitions: bool,
    /// The environment
    #[arg(long, value_name = "NAME", default_value = "production")]
    pub env: String,
}

/// Asks the question.
pub(super) fn run(args: DiffArgs, config: &Config, ui: &mut Ui) -> Result<ExitCode, Error> {
    let DiffArgs { component, from, to, transitions, env: environment } = args;
    let versions = from.zip(to);
    question::ask(config, ui, &Question::Diff { environment, component, versions, transitions })
}
