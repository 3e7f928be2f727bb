//! `relbook bindings`: which artifact a version meant, and when (semantics C.2 N4).

use clap::Args;
use relbook_query::question::Question;

use super::question;
use crate::config::Config;
use crate::error::Error;
use crate::exit_code::ExitCode;
use crate::ui::Ui;

/// Arguments of `bindings`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  relbook bindings api 1.4.2
  relbook bindings api 1.4.2 --as-of 2026-06-10      what it meant then

`conflict` says that the version was rebuilt, that its tag moved, or that the tag points to
another commit than the build.")]
pub struct BindingsArgs {
    /// The component (name or alias)
    pub component: String,
    /// The version
    pub version: String,
}

/// Asks the question.
pub(super) fn run(args: BindingsArgs, config: &Config, ui: &mut Ui) -> Result<ExitCode, Error> {
    let BindingsArgs { component, version } = args;
    question::ask(config, ui, &Question::Bindings { component, version })
}
