//! `relbook verify`: proves the whole book, and says what was and what was not checked.
//!
//! Tampering is an answer (exit 1), not an error: it names the first bad seq and the rule that it
//! breaks. Where nothing outside the database could have shown that its end was cut off, the exit
//! code says that too (4).

mod state;
mod told;

use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use relbook_ledger::receipt::Receipt;
use relbook_ledger::store::{BackupError, VerifyFailure, VerifyOptions, Watch, verify_watched};
use relbook_ledger::verifier_key::SignatureKind;
use relbook_ledger::verify::VerifyError;
use relbook_query::check::{ProjectionCheck, check_projections};
use serde_json::json;

use super::key::read_public;
use super::witness::verifier_keys;
use crate::args::Format;
use crate::config::Config;
use crate::error::Error;
use crate::exit_code::ExitCode;
use crate::ui::Ui;
use state::State;
use told::Told;

/// Arguments of `verify`.
#[derive(Debug, Default, Args)]
#[command(after_help = "\
Examples:
  relbook verify
  relbook verify --checkpoint orion.checkpoint     a checkpoint that you kept: nothing before it
                                                   was changed or cut off since
  relbook verify --receipt deploy.tlog-proof       the event of a receipt still stands where it was
  relbook verify --since orion.checkpoint          signatures only from there on: quicker
  relbook verify --resume verify.state             may be broken off: the same command goes on
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
    /// Note in this file how far signatures were verified, and go on from there when it exists; it
    /// goes away when a run comes to an end. Keep it where only you can write
    #[arg(long, value_name = "FILE", conflicts_with = "since")]
    pub resume: Option<PathBuf>,
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

/// What is said of a file that was given as a receipt and is none.
const CODE_RECEIPT: &str = "receipt-invalid";

/// What became of what is derived from the log.
enum Derived {
    Skipped,
    Checked(ProjectionCheck),
}

/// Verifies.
pub(super) fn run(args: &VerifyArgs, config: &Config, ui: &mut Ui) -> Result<ExitCode, Error> {
    let Some(receipts) = read_receipts(&args.receipt, ui)? else {
        return Ok(ExitCode::DoesNotHold);
    };
    let resume = args.resume.as_deref().map(State::open).transpose()?;
    let (state, noted) = resume.map_or((None, None), |(state, noted)| (Some(state), noted));
    let resumed = noted.is_some();
    let since = args.since.as_deref().map(read_text).transpose()?.or(noted);
    // The book must also still hold what it held when the earlier run ended.
    let kept = args.checkpoint.iter().map(PathBuf::as_path).chain(args.since.as_deref());
    let mut witnesses = Vec::new();
    for word in &args.witness {
        witnesses.extend(verifier_keys(word, SignatureKind::Cosignature)?);
    }
    let options = VerifyOptions {
        witnesses,
        quorum: args.quorum,
        book_key: args.public_key.as_deref().map(read_public).transpose()?,
        checkpoints: kept.map(read_text).collect::<Result<_, _>>()?,
        receipts,
        since,
        skip_blobs: args.skip.contains(&Part::Blobs),
    };
    let outcome = {
        let bar = ui.progress("verifying", 0);
        let progress = |done, total| bar.of(done, total);
        let verified = |note: &str| state.iter().for_each(|state| state.note(note));
        verify_watched(&config.book, &options, &Watch { progress: &progress, verified: &verified })
    };
    let ended = || state.as_ref().map_or(Ok(()), State::end);
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
                            ended()?;
                            return Ok(ExitCode::DoesNotHold);
                        }
                    }
                }
            };
            let needed = report.witnessed.quorum.max(u32::from(args.require_witnesses));
            let witnessed = report.witnessed.newest.len() >= needed as usize;
            let told = Told {
                report: &report,
                derived: &derived,
                key_given: args.public_key.is_some(),
                resumed,
            };
            told.show(ui, needed, witnessed)?;
            ended()?;
            Ok(match (witnessed, report.truncation_checked) {
                (false, _) => ExitCode::DoesNotHold,
                (true, false) => ExitCode::NotDone,
                (true, true) => ExitCode::Done,
            })
        }
        Err(VerifyFailure::Tampered(error)) => {
            show_tampering(ui, &error)?;
            ended()?;
            Ok(ExitCode::DoesNotHold)
        }
        Err(other) => Err(other.into()),
    }
}

/// Reads a text that is judged later; bytes that are no text make it none of what it should be.
pub(super) fn read_text(path: &Path) -> Result<String, Error> {
    let bytes = std::fs::read(path).map_err(|error| Error::file(path, "read", &error))?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// Reads given receipts; of a file that is none this is shown, as a finding.
pub(super) fn read_receipts(paths: &[PathBuf], ui: &mut Ui) -> Result<Option<Vec<Receipt>>, Error> {
    let mut receipts = Vec::new();
    for path in paths {
        match Receipt::parse(&read_text(path)?) {
            Ok(receipt) => receipts.push(receipt),
            Err(error) => {
                let message = format!("`{}`: {error}", path.display());
                show_finding(ui, CODE_RECEIPT, None, &message)?;
                return Ok(None);
            }
        }
    }
    Ok(Some(receipts))
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
