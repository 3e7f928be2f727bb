//! `relbook restore`: puts a backup in place after verifying all of it.

use std::path::PathBuf;

use clap::Args;
use relbook_ledger::store::{BookPaths, RestoreOptions, Restored, VerifyOptions, restore};
use serde_json::json;

use super::key::read_public;
use super::verify::{read_receipts, read_text, tampering};
use crate::args::Format;
use crate::error::Error;
use crate::exit_code::ExitCode;
use crate::ui::{Ui, counted};

/// Arguments of `restore`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  relbook restore /backup/orion-2026-06-10 --to book
  relbook restore orion.tar --to /srv/orion --pub book.pub --checkpoint orion.checkpoint
                                       the key as you know it, and a checkpoint that you kept

Everything is verified before it is put in place, and no book is overwritten. A pin or keys that
are still there stay: where that pin is newer than the backup, the backup is stale and nothing is
restored. A stale backup restored elsewhere is found by whatever somebody kept: a checkpoint, a
receipt, a pin; give them here or to `relbook verify`.

Exit codes: 0 restored; 1 the backup is stale, changed, or does not verify; 4 it could not be done.")]
pub struct RestoreArgs {
    /// The backup: a directory or a tar file
    #[arg(value_name = "BACKUP")]
    from: PathBuf,
    /// Where the book is to be
    #[arg(long, value_name = "DIR")]
    to: PathBuf,
    /// The public key of the book, as you know it
    #[arg(long = "pub", value_name = "FILE")]
    public_key: Option<PathBuf>,
    /// A signed checkpoint that was kept elsewhere; may be repeated
    #[arg(long, value_name = "FILE")]
    checkpoint: Vec<PathBuf>,
    /// A receipt that was kept elsewhere; may be repeated
    #[arg(long, value_name = "FILE")]
    receipt: Vec<PathBuf>,
}

/// Restores.
pub(super) fn run(args: &RestoreArgs, ui: &mut Ui) -> Result<ExitCode, Error> {
    let Some(receipts) = read_receipts(&args.receipt, ui)? else {
        return Ok(ExitCode::DoesNotHold);
    };
    let checkpoints: Result<Vec<String>, Error> =
        args.checkpoint.iter().map(|path| read_text(path)).collect();
    let verify = VerifyOptions {
        book_key: args.public_key.as_deref().map(read_public).transpose()?,
        checkpoints: checkpoints?,
        receipts,
        ..VerifyOptions::default()
    };
    let options = RestoreOptions { verify };
    let restored = {
        let bar = ui.progress("verifying the backup", 0);
        restore(&args.from, &args.to, &options, &|done, total| bar.of(done, total))
    };
    match restored {
        Ok(restored) => show(args, &restored, ui),
        Err(error) => tampering(ui, error),
    }
}

fn show(args: &RestoreArgs, restored: &Restored, ui: &mut Ui) -> Result<ExitCode, Error> {
    let Restored { backup, report, pin_size } = restored;
    let place = BookPaths::new(&args.to);
    let mut missing = Vec::new();
    if !place.private_key("book").exists() {
        missing.push("keys/book.pem: without it nothing can be appended".to_owned());
    }
    if report.blobs.missing > 0 {
        missing.push(format!("{} blobs that events name", report.blobs.missing));
    }
    let mut not_checked = Vec::new();
    if args.public_key.is_none() {
        not_checked.push("whose book it is: the key came with the backup; give --pub".to_owned());
    }
    if pin_size.is_none() && args.checkpoint.is_empty() && args.receipt.is_empty() {
        not_checked.push(
            "whether the backup is the newest: nothing newer than it was at hand to compare with"
                .to_owned(),
        );
    }
    if ui.format() != Format::Table {
        ui.json(&json!({
            "restored": true,
            "book": args.to,
            "origin": backup.origin,
            "made_at": backup.made_at,
            "checkpoint": { "size": backup.size, "root": backup.root, "note": backup.checkpoint },
            "verified_signatures": report.verified_signatures,
            "blobs": report.blobs.verified,
            "pin_size": pin_size,
            "missing": missing,
            "not_checked": not_checked,
            "tampering": null,
        }))?;
        return Ok(ExitCode::Done);
    }
    ui.line(&format!("restored the book {} to {}", backup.origin, args.to.display()))?;
    ui.line(&format!(
        "  {}, each signature verified; {}; saved at {}",
        counted(backup.size, "event"),
        counted(report.blobs.verified, "blob"),
        backup.made_at
    ))?;
    for item in missing {
        ui.line(&format!("  not there    {item}"))?;
    }
    for item in not_checked {
        ui.line(&format!("  not checked  {item}"))?;
    }
    ui.line(&format!("checkpoint size {} root {}", backup.size, backup.root))?;
    Ok(ExitCode::Done)
}
