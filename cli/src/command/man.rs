//! `relbook man`: the manual page, made from the same declarations as the help.

use clap::{Args, CommandFactory as _};

use crate::args::Cli;
use crate::error::Error;
use crate::exit_code::ExitCode;
use crate::ui::Ui;

/// Arguments of `man`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  relbook man | man -l -
  relbook man append > relbook-append.1
  relbook man append build.completed | man -l -")]
pub struct ManArgs {
    /// The command that the page is about [default: relbook as a whole]
    #[arg(value_name = "COMMAND")]
    pub command: Vec<String>,
}

/// Prints the page.
pub(super) fn run(args: &ManArgs, ui: &mut Ui) -> Result<ExitCode, Error> {
    let mut command = Cli::command();
    command.build();
    let mut name = "relbook".to_owned();
    for word in &args.command {
        let found = command.find_subcommand(word).cloned();
        let known = || {
            let names: Vec<_> = command.get_subcommands().map(|c| c.get_name()).collect();
            format!("there are {}", names.join(", "))
        };
        command = found
            .ok_or_else(|| Error::usage(format!("{name} has no command `{word}`")).hint(known()))?;
        name = format!("{name}-{word}");
    }
    // A page needs a name of its own; clap wants it for the life of the program.
    let page = clap_mangen::Man::new(command.name(name));
    let mut text = Vec::new();
    page.render(&mut text).map_err(|error| Error::Bug(error.to_string()))?;
    ui.bytes(&text)?;
    Ok(ExitCode::Done)
}
