//! One file per command: its arguments, and what it does with them.
//!
//! A command calls the ledger or the query crate and renders what comes back; rules about releases
//! have no place here. Adding a command is a new file, a line here and a line in `args.rs`.

pub mod append;
pub mod apply;
pub mod approvals;
pub mod ask;
pub mod backup;
pub mod bindings;
pub mod checkpoint;
pub mod commit;
pub mod compare;
pub mod compat;
pub mod completions;
pub mod debt;
mod delivery;
pub mod demo;
pub mod diff;
pub mod dora;
pub mod drift;
pub mod emergency;
pub mod erase;
pub mod exceptions;
mod explain;
pub mod exposure;
mod flags;
pub mod gate;
pub mod hotfix;
pub mod import;
pub mod ingest;
pub mod init;
pub mod key;
pub mod man;
pub mod overlaps;
mod overview;
pub mod period;
pub mod population;
pub mod query;
mod question;
pub mod receipt;
pub mod releases;
pub mod restore;
pub mod reveal;
pub mod rollback;
pub mod runbook;
mod short;
pub mod slo_gate;
pub mod spool;
pub mod status;
pub mod train;
pub mod verify;
pub mod whereabouts;
pub mod witness;

use crate::args::{Cli, Command, Format};
use crate::config::Config;
use crate::error::Error;
use crate::exit_code::ExitCode;
use crate::ui::Ui;

/// Runs the command of a command line.
///
/// # Errors
/// Whatever ended the command early.
pub fn run(cli: Cli, ui: &mut Ui) -> Result<ExitCode, Error> {
    // Behind a kind that it does not know clap reads no options; the form was found before it.
    if cli.options.format != Format::default() {
        ui.set_format(cli.options.format);
    }
    let Some(command) = cli.command else { return overview::run(ui) };
    // These need no book.
    match &command {
        Command::Completions(args) => return completions::run(args, ui),
        Command::Man(args) => return man::run(args, ui),
        Command::Demo(args) => return demo::run(args, &cli.options.book, ui),
        Command::Restore(args) => return restore::run(args, ui),
        Command::Receipt(args) => {
            if let Some(check) = args.check() {
                return receipt::check(check, ui);
            }
        }
        _ => {}
    }
    let config = Config::new(cli.options)?;
    match command {
        Command::Init(args) => init::run(&args, &config, ui),
        Command::Key(args) => key::run(args, &config, ui),
        Command::Apply(args) => apply::run(&args, &config, ui),
        Command::Append(args) => append::run(*args, &config, ui),
        Command::Spool(args) => spool::run(args, &config, ui),
        Command::Ingest(args) => ingest::run(*args, &config, ui),
        Command::Import(args) => import::run(*args, &config, ui),
        Command::Status(args) => status::run(args, &config, ui),
        Command::Commit(args) => commit::run(args, &config, ui),
        Command::Diff(args) => diff::run(args, &config, ui),
        Command::Rollback(args) => rollback::run(args, &config, ui),
        Command::Compat(args) => compat::run(args, &config, ui),
        Command::Approvals(args) => approvals::run(args, &config, ui),
        Command::Query(args) => query::run(&args, &config, ui),
        Command::Hotfix(args) => hotfix::run(args, &config, ui),
        Command::Ask(args) => ask::run(&args, &config, ui),
        Command::Gate(args) => gate::run(*args, &config, ui),
        Command::SloGate(args) => slo_gate::run(&args, &config, ui),
        Command::Debt(args) => debt::run(args, &config, ui),
        Command::Train(args) => train::run(args, &config, ui),
        Command::Dora(args) => dora::run(args, &config, ui),
        Command::Population(args) => population::run(args, &config, ui),
        Command::Exceptions(args) => exceptions::run(args, &config, ui),
        Command::Emergency(args) => emergency::run(args, &config, ui),
        Command::Overlaps(args) => overlaps::run(args, &config, ui),
        Command::Bindings(args) => bindings::run(args, &config, ui),
        Command::Runbook(args) => runbook::run(args, &config, ui),
        Command::Releases(args) => releases::run(args, &config, ui),
        Command::Where(args) => whereabouts::run(args, &config, ui),
        Command::Drift(args) => drift::run(args, &config, ui),
        Command::Exposure(args) => exposure::run(args, &config, ui),
        Command::Verify(args) => verify::run(&args, &config, ui),
        Command::Backup(args) => backup::run(&args, &config, ui),
        Command::Reveal(args) => reveal::run(&args, &config, ui),
        Command::Erase(args) => erase::run(&args, &config, ui),
        Command::Checkpoint(args) => checkpoint::run(&args, &config, ui),
        Command::Compare(args) => compare::run(&args, &config, ui),
        Command::Receipt(args) => receipt::run(&args, &config, ui),
        Command::Witness(args) => {
            if !config.names_key() {
                return Err(Error::usage("a witness needs a key of its own: --key FILE")
                    .hint("`relbook key new FILE` makes one"));
            }
            witness::run(&args, config.signing_key()?, ui)
        }
        Command::Completions(_) | Command::Man(_) | Command::Demo(_) | Command::Restore(_) => {
            Err(Error::Bug("a command without a book was not run".to_owned()))
        }
    }
}
