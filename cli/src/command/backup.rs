//! `relbook backup`: a copy of the book at one commit, verified before it gets its name.

use std::path::PathBuf;

use clap::Args;
use relbook_ledger::store::{Backup, BackupOptions, BookPaths, backup};
use serde_json::json;

use super::verify::tampering;
use crate::args::Format;
use crate::config::Config;
use crate::error::Error;
use crate::exit_code::ExitCode;
use crate::ui::{Ui, counted};

/// Arguments of `backup`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  relbook backup /backup/orion-2026-06-10            a directory
  relbook backup /backup/orion-2026-06-10.tar        one file
  relbook backup /safe/orion --with-private-keys     enough to go on writing elsewhere

A writer may work meanwhile: the backup is the book as it was at one of its commits. It is verified
before it gets its name, and it appears whole or not at all.

Left out unless asked for: private keys (whoever reads them signs as the book) and the keys of
sealed texts (they open what is sealed, also after `relbook erase` in the book itself). Never saved:
private keys that the book gave up (`relbook key rotate-book`), which nothing needs; destroy them.
Keep the private key apart from backups, and this backup apart from whatever else proves the book.

Exit codes: 0 saved; 1 the book does not verify, nothing was saved; 4 it could not be done.")]
pub struct BackupArgs {
    /// Where to: a new directory, or a new file that ends in .tar
    #[arg(value_name = "DIR|FILE.tar")]
    to: PathBuf,
    /// Also save the private keys in BOOK/keys, but for former ones of the book
    #[arg(long)]
    with_private_keys: bool,
    /// Also save the keys of sealed texts in BOOK/subjects
    #[arg(long)]
    with_subject_keys: bool,
}

/// Saves the book.
pub(super) fn run(args: &BackupArgs, config: &Config, ui: &mut Ui) -> Result<ExitCode, Error> {
    let options = BackupOptions {
        private_keys: args.with_private_keys,
        subject_keys: args.with_subject_keys,
    };
    let saved = {
        let bar = ui.progress("verifying the copy", 0);
        backup(&config.book, &args.to, options, &|done, total| bar.of(done, total))
    };
    let saved = match saved {
        Ok(saved) => saved,
        Err(error) => return tampering(ui, error),
    };
    let left_out = left_out(&saved, &BookPaths::new(&config.book));
    if ui.format() != Format::Table {
        ui.json(&json!({
            "backup": args.to,
            "origin": saved.origin,
            "checkpoint": { "size": saved.size, "root": saved.root, "note": saved.checkpoint },
            "files": saved.files.len(),
            "blobs": saved.blobs(),
            "bytes": saved.bytes(),
            "private_keys": saved.private_keys,
            "subject_keys": saved.subject_keys,
            "left_out": left_out,
        }))?;
        return Ok(ExitCode::Done);
    }
    ui.line(&format!("saved the book {} to {}", saved.origin, args.to.display()))?;
    ui.line(&format!(
        "  {}, {}, {} in {}; verified",
        counted(saved.size, "event"),
        counted(saved.blobs(), "blob"),
        counted(saved.bytes(), "byte"),
        counted(saved.files.len(), "file")
    ))?;
    for item in left_out {
        ui.line(&format!("  left out     {item}"))?;
    }
    ui.line(&format!("checkpoint size {} root {}", saved.size, saved.root))?;
    Ok(ExitCode::Done)
}

/// Says what the backup lacks, so that nobody learns it from a restore.
fn left_out(saved: &Backup, book: &BookPaths) -> Vec<String> {
    let mut left_out = Vec::new();
    if !saved.private_keys {
        left_out.push(
            "private keys: without keys/book.pem nothing can be appended to a restored book"
                .to_owned(),
        );
    }
    let saved_key = |name: &str| saved.files.iter().any(|file| file.path.ends_with(name));
    let keys = std::fs::read_dir(book.keys()).into_iter().flatten().flatten();
    let former = keys
        .filter_map(|entry| entry.file_name().into_string().ok())
        .filter(|name| saved.private_keys && name.ends_with(".pem") && !saved_key(name));
    for name in former {
        left_out.push(format!("keys/{name}: the book gave this key up; destroy it"));
    }
    let subjects = std::fs::read_dir(book.subjects()).map_or(0, Iterator::count);
    if !saved.subject_keys && subjects > 0 {
        left_out.push(format!(
            "the keys of {}: their sealed texts cannot be opened from this backup",
            counted(subjects, "subject")
        ));
    }
    left_out
}
