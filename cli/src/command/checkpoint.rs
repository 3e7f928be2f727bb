//! `relbook checkpoint`: the book's newest signed statement of its size and root.

use clap::Args;
use relbook_ledger::checkpoint::root_base64;
use relbook_ledger::store::Ledger;
use serde_json::json;

use crate::args::Format;
use crate::config::Config;
use crate::error::Error;
use crate::exit_code::ExitCode;
use crate::ui::Ui;

/// Arguments of `checkpoint`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  relbook checkpoint > orion.checkpoint          keep it outside the book: it proves a truncation
  relbook checkpoint --format json

The text is a C2SP signed note over origin, size and the RFC 6962 root.")]
pub struct CheckpointArgs {}

/// Prints the newest checkpoint.
pub(super) fn run(_: &CheckpointArgs, config: &Config, ui: &mut Ui) -> Result<ExitCode, Error> {
    let ledger = Ledger::open(&config.book)?;
    let point = ledger.checkpoint()?;
    if ui.format() == Format::Table {
        ui.print(&point.note)?;
        return Ok(ExitCode::Done);
    }
    let root = root_base64(&point.root);
    ui.json(&json!({
        "size": point.size,
        "root": root,
        "note": point.note,
        "simulated_clock": ledger.simulated_clock(),
    }))?;
    Ok(ExitCode::Done)
}
