//! `relbook completions`: the completion script of a shell.

use clap::{Args, CommandFactory as _};
use clap_complete::Shell;

use crate::args::Cli;
use crate::error::Error;
use crate::exit_code::ExitCode;
use crate::ui::Ui;

/// Arguments of `completions`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  relbook completions bash > ~/.local/share/bash-completion/completions/relbook
  relbook completions zsh > \"${fpath[1]}/_relbook\"
  relbook completions fish > ~/.config/fish/completions/relbook.fish")]
pub struct CompletionsArgs {
    /// The shell
    #[arg(value_enum)]
    pub shell: Shell,
}

/// Prints the script.
pub(super) fn run(args: &CompletionsArgs, ui: &mut Ui) -> Result<ExitCode, Error> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "relbook", &mut script);
    ui.bytes(&script)?;
    Ok(ExitCode::Done)
}
