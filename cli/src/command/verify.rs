//! `relbook verify`: proves the whole book, and says what was and what was not checked.
//!
//! Tampering is an answer (exit 1), not an error: it names the first bad seq and the rule that it
//! breaks. Where nothing outside the database could have shown that its end was cut off, the exit
//! code says that too (4).

use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use relbook_ledger::checkpoint::root_base64;
use relbook_ledger::receipt::Receipt;
use relbook_ledger::store::{BackupError, Report, VerifyFailure, VerifyOptions, verify};
use relbook_ledger::verifier_key::SignatureKind;
use relbook_ledger::verify::VerifyError;
use relbook_query::check::{ProjectionCheck, check_projections};
use serde_json::{Value, json};

use super::key::read_public;
use super::witness::verifier_keys;
use crate::args::Format;
use crate::config::Config;
use crate::error::Error;
use crate::exit_code::ExitCode;
use crate::ui::{Ui, counted};
use crate::witness::cosigned_json;

/// Arguments of `verify`.
#[derive(Debug, Default, Args)]
#[command(after_help = "\
Examples:
  relbook verify
  relbook verify --checkpoint orion.checkpoint     a checkpoint that you kept: nothing before it
                                                   was changed or cut off since
  relbook verify --receipt deploy.tlog-proof       the event of a receipt still stands where it was
  relbook verify --since orion.checkpoint          signatures only from there on: quicker
  relbook verify --pub book.pub                    the book's key as you know it, the first or a later
  relbook verify --witness w1.vkey --witness w2.vkey --quorum 1
                                                   the newest checkpoint is cosigned by one of them
  relbook verify --skip projections                the log alone, not what is derived from it

Exit codes: 0 all holds; 1 tampering, with the first bad seq and the rule that it breaks, or too
few witnesses cosigned the newest checkpoint (policy `witness_quorum`, --witness,
--require-witnesses); 4 it could not be read, or nothing outside the database could show that its
end was cut off.")]
pub struct VerifyArgs {
    /// A signed checkpoint that was kept elsewhere; may be repeated
    #[arg(long, value_name = "FILE")]
    pub checkpoint: Vec<PathBuf>,
    /// A receipt that was kept elsewhere; may be repeated
    #[arg(long, value_name = "FILE")]
    pub receipt: Vec<PathBuf>,
    /// A signed checkpoint up to which an earlier run verified the signatures
    #[arg(long, value_name = "FILE")]
    pub since: Option<PathBuf>,
    /// The public key of the book [default: keys/book.pub of the book]
    #[arg(long = "pub", value_name = "FILE")]
    pub public_key: Option<PathBuf>,
    /// Leave this out; the report says so
    #[arg(long, value_name = "PART", value_delimiter = ',')]
    pub skip: Vec<Part>,
    /// The verifier key of a witness, or a file of them; may be repeated [default: the policy's]
    #[arg(long, value_name = "VKEY|FILE")]
    pub witness: Vec<String>,
    /// How many of them must have cosigned the newest checkpoint [default: all, or the policy's]
    #[arg(long, value_name = "K")]
    pub quorum: Option<u32>,
    /// At least one witness must have cosigned the newest checkpoint
    #[arg(long)]
    pub require_witnesses: bool,
}

/// A part of the verification that can be left out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Part {
    /// The blobs that events name
    Blobs,
    /// Views and segments against a fresh replay of the log
    Projections,
}

/// What is said of a projection that a fresh replay gives otherwise.
const CODE_PROJECTION: &str = "projection-mismatch";

/// What became of what is derived from the log.
enum Derived {
    Skipped,
    Checked(ProjectionCheck),
}

/// Verifies.
pub(super) fn run(args: &VerifyArgs, config: &Config, ui: &mut Ui) -> Result<ExitCode, Error> {
    // The book must also still hold what it held when the earlier run ended.
    let kept = args.checkpoint.iter().chain(&args.since);
    let mut witnesses = Vec::new();
    for word in &args.witness {
        witnesses.extend(verifier_keys(word, SignatureKind::Cosignature)?);
    }
    let options = VerifyOptions {
        witnesses,
        quorum: args.quorum,
        book_key: args.public_key.as_deref().map(read_public).transpose()?,
        checkpoints: kept.map(|path| read_text(path)).collect::<Result<_, _>>()?,
        receipts: args.receipt.iter().map(|path| read_receipt(path)).collect::<Result<_, _>>()?,
        since: args.since.as_deref().map(read_text).transpose()?,
        skip_blobs: args.skip.contains(&Part::Blobs),
    };
    let outcome = {
        let bar = ui.progress("verifying", 0);
        verify(&config.book, &options, &|done, total| bar.of(done, total))
    };
    match outcome {
        Ok(report) => {
            let derived = match args.skip.contains(&Part::Projections) {
                true => Derived::Skipped,
                false => {
                    let bar = ui.progress("replaying", 0);
                    let checked =
                        check_projections(&config.book, &|done, total| bar.of(done, total));
                    drop(bar);
                    match checked? {
                        Ok(checked) => Derived::Checked(checked),
                        Err(mismatch) => {
                            show_finding(ui, CODE_PROJECTION, mismatch.seq, &mismatch.to_string())?;
                            return Ok(ExitCode::DoesNotHold);
                        }
                    }
                }
            };
            let needed = report.witnessed.quorum.max(u32::from(args.require_witnesses));
            let witnessed = report.witnessed.newest.len() >= needed as usize;
            show(ui, &report, &derived, needed, witnessed)?;
            Ok(match (witnessed, report.truncation_checked) {
                (false, _) => ExitCode::DoesNotHold,
                (true, false) => ExitCode::NotDone,
                (true, true) => ExitCode::Done,
            })
        }
        Err(VerifyFailure::Tampered(error)) => {
            show_tampering(ui, &error)?;
            Ok(ExitCode::DoesNotHold)
        }
        Err(other) => Err(other.into()),
    }
}

pub(super) fn read_text(path: &Path) -> Result<String, Error> {
    std::fs::read_to_string(path).map_err(|error| Error::file(path, "read", &error))
}

pub(super) fn read_receipt(path: &Path) -> Result<Receipt, Error> {
    Receipt::parse(&read_text(path)?)
        .map_err(|error| Error::not_done("receipt", format!("`{}`: {error}", path.display())))
}

/// Says what was proven, in the order in which it rests on each other.
fn checked(report: &Report, derived: &Derived) -> Vec<String> {
    let mut checked = vec![
        format!(
            "{}: bytes, strict JSON, schema of their kind, ids",
            counted(report.events, "event")
        ),
        format!(
            "{} author signatures, strictly, each by a key in force",
            report.verified_signatures
        ),
        "roles by log order; sequence without gaps; ledger clock never back".to_owned(),
        "BLAKE3 chain from the genesis event to the last".to_owned(),
        format!("RFC 6962 root against {} stored checkpoints", report.checkpoints),
        "database schema, registry list and tiles of the tree".to_owned(),
    ];
    if let Some(size) = report.pin_size {
        checked.push(format!("the pin outside the database, at size {size}"));
    }
    if report.receipts > 0 {
        checked.push(format!("{} kept elsewhere", counted(report.receipts, "receipt")));
    }
    if report.blobs.verified > 0 {
        checked.push(format!("{} blobs that events name, by their digests", report.blobs.verified));
    }
    if let Derived::Checked(check) = derived {
        if let Some(events) = check.views {
            checked.push(format!("the kept views equal a fresh replay of {events} events"));
        }
        if check.segments > 0 {
            checked.push(format!("{} kept segments equal fresh ones", check.segments));
        }
    }
    if report.book_key_checked {
        checked.push("the book's key against the one that it is known by".to_owned());
    }
    if !report.rotations.is_empty() {
        checked.push(format!(
            "{} changes of the book's key, each signed by the old key and both under its checkpoint",
            report.rotations.len()
        ));
    }
    let witnessed = &report.witnessed;
    if witnessed.checked > 0 {
        checked.push(format!("{} cosignatures of witnesses", witnessed.checked));
    }
    if !witnessed.newest.is_empty() {
        let names: Vec<&str> = witnessed.newest.iter().map(|by| by.witness.name.as_str()).collect();
        checked.push(format!("the newest checkpoint is cosigned by {}", names.join(", ")));
    }
    checked
}

fn not_checked(report: &Report, derived: &Derived) -> Vec<String> {
    let mut not_checked = Vec::new();
    if !report.truncation_checked {
        not_checked.push(
            "TRUNCATION: there is no pin and no checkpoint was given, so an end that was cut off \
             would not show"
                .to_owned(),
        );
    }
    if !report.book_key_checked {
        not_checked.push("whose book it is: give the key that you know with --pub".to_owned());
    }
    if let Some(size) = report.since {
        not_checked.push(format!("author signatures of the first {size} events (--since)"));
    }
    let blobs = &report.blobs;
    if blobs.skipped && blobs.named > 0 {
        not_checked.push(format!("{} blobs that events name (--skip)", blobs.named));
    }
    if let Some((seq, digest)) = &blobs.first_missing {
        not_checked.push(format!(
            "{} of {} blobs, which are not there: the first is {digest}, named by seq {seq}",
            blobs.missing, blobs.named
        ));
    }
    match derived {
        Derived::Skipped => not_checked.push("projections against a fresh replay (--skip)".into()),
        Derived::Checked(check) if check.views.is_none() && check.segments == 0 => {
            not_checked.push("projections: none are kept, the next question makes them".into());
        }
        Derived::Checked(_) => {}
    }
    if report.simulated_clock {
        not_checked.push("real time: the clock of this book is simulated".to_owned());
    }
    let witnessed = &report.witnessed;
    if witnessed.witnesses == 0 {
        not_checked.push(
            "a second history: no witness is named, by the policy or with --witness".to_owned(),
        );
    } else if witnessed.newest.is_empty() && witnessed.quorum == 0 {
        not_checked.push(format!(
            "a second history beyond {} events: no witness cosigned the newest checkpoint",
            witnessed.size.unwrap_or(0)
        ));
    }
    if witnessed.unknown > 0 {
        not_checked.push(format!(
            "{} cosignatures of witnesses whose key is not known",
            witnessed.unknown
        ));
    }
    not_checked
}

/// Says that too few witnesses cosigned the newest checkpoint.
fn missing(report: &Report, needed: u32) -> String {
    let witnessed = &report.witnessed;
    let newest = witnessed.size.map_or_else(
        || "none has enough".to_owned(),
        |size| format!("the newest that has enough is of {size} events"),
    );
    format!(
        "NOT WITNESSED: {} of {needed} needed witnesses cosigned the checkpoint of {} events; \
         {newest}; `relbook checkpoint --cosign` asks them (witness-quorum)",
        witnessed.newest.len(),
        report.events
    )
}

fn show(
    ui: &mut Ui,
    report: &Report,
    derived: &Derived,
    needed: u32,
    witnessed: bool,
) -> Result<(), Error> {
    let root = root_base64(&report.root);
    if ui.format() != Format::Table {
        return ui.json(&json!({
            "verified": true,
            "origin": report.origin,
            "events": report.events,
            "checkpoint": { "size": report.events, "root": root },
            "book_key": report.book_key.id().to_string(),
            "book_key_checked": report.book_key_checked,
            "verified_signatures": report.verified_signatures,
            "checkpoints": report.checkpoints,
            "pin_size": report.pin_size,
            "truncation_checked": report.truncation_checked,
            "simulated_clock": report.simulated_clock,
            "since": report.since,
            "blobs": {
                "named": report.blobs.named,
                "verified": report.blobs.verified,
                "missing": report.blobs.missing,
            },
            "checked": checked(report, derived),
            "not_checked": not_checked(report, derived),
            "tampering": Value::Null,
            "rotations": report.rotations.iter().map(|rotation| json!({
                "seq": rotation.seq,
                "previous_key": rotation.previous.id().to_string(),
                "key": rotation.key.id().to_string(),
            })).collect::<Vec<_>>(),
            "witnesses": {
                "known": report.witnessed.witnesses,
                "needed": needed,
                "holds": witnessed,
                "newest": report.witnessed.newest.iter().map(cosigned_json).collect::<Vec<_>>(),
                "size": report.witnessed.size,
                "cosignatures": report.witnessed.checked,
                "unknown": report.witnessed.unknown,
                "message": (!witnessed).then(|| missing(report, needed)),
            },
        }));
    }
    let clock = if report.simulated_clock { "  (simulated clock)" } else { "" };
    let verdict = if report.truncation_checked { "holds" } else { "holds, as far as it goes" };
    ui.line(&format!("the book {} {verdict}{clock}", report.origin))?;
    for item in checked(report, derived) {
        ui.line(&format!("  checked      {item}"))?;
    }
    for item in not_checked(report, derived) {
        ui.line(&format!("  not checked  {item}"))?;
    }
    if !witnessed {
        ui.line(&missing(report, needed))?;
    }
    ui.line(&format!("checkpoint size {} root {root}", report.events))
}

fn show_tampering(ui: &mut Ui, error: &VerifyError) -> Result<(), Error> {
    show_finding(ui, error.code(), error.seq(), &error.to_string())
}

fn show_finding(ui: &mut Ui, code: &str, seq: Option<u64>, message: &str) -> Result<(), Error> {
    if ui.format() != Format::Table {
        return ui.json(&json!({
            "verified": false,
            "tampering": { "code": code, "seq": seq, "message": message },
        }));
    }
    let place = seq.map_or_else(String::new, |seq| format!(" at seq {seq}"));
    ui.line(&format!("TAMPERING{place}: {message} ({code})"))
}

/// Shows why a book was not saved or restored: what was found is an answer, all else an error.
pub(super) fn tampering(ui: &mut Ui, error: BackupError) -> Result<ExitCode, Error> {
    let message = error.to_string();
    match error {
        BackupError::Verify(VerifyFailure::Tampered(found)) => show_tampering(ui, &found)?,
        BackupError::Stale { size, .. } => {
            show_finding(ui, "backup-stale", Some(size), &message)?;
        }
        BackupError::Changed { .. } => show_finding(ui, "backup-changed", None, &message)?,
        other => return Err(other.into()),
    }
    Ok(ExitCode::DoesNotHold)
}
