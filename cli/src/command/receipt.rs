//! `relbook receipt`: proof of one event in a small text file, and its check without the book.

use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use relbook_ledger::checkpoint::root_base64;
use relbook_ledger::cosignature::{Cosigned, cosigners};
use relbook_ledger::key::PublicKey;
use relbook_ledger::note::Note;
use relbook_ledger::receipt::{Proven, Receipt};
use relbook_ledger::rotation::{self, BookKeys};
use relbook_ledger::store::Ledger;
use relbook_ledger::verifier_key::{SignatureKind, VerifierKey};
use serde_json::{Value, json};
use uuid::Uuid;

use super::key::read_public;
use super::verify::read_text;
use super::witness::verifier_keys;
use crate::args::Format;
use crate::config::Config;
use crate::error::Error;
use crate::exit_code::ExitCode;
use crate::ui::Ui;
use crate::witness::{cosigned_json, time_of};

/// Arguments of `receipt`.
#[derive(Debug, Args)]
#[command(
    args_conflicts_with_subcommands = true,
    subcommand_negates_reqs = true,
    override_usage = "relbook receipt SEQ|ID [-o FILE]\n       relbook receipt check FILE --pub book.pub",
    after_help = "\
Examples:
  relbook receipt 214 -o deploy.tlog-proof                 the proof that event 214 is in the book
  relbook receipt 019d44d0-5980-7e71-aac2-2e7e8dae2cd7     the same by the event's id
  relbook receipt check deploy.tlog-proof --pub book.pub   needs this file and the key, no book
  relbook receipt 214 --witnessed -o deploy.tlog-proof     under a checkpoint that witnesses cosigned
  relbook receipt check deploy.tlog-proof --pub book.pub --witness w1.vkey --witness w2.vkey --quorum 1
  relbook receipt check old.tlog-proof --pub book.pub --rotation rotation.tlog-proof
  relbook receipt 214 --envelope > build.dsse.json         the event itself, for DSSE tools

The text is a C2SP tlog-proof: the event's entry, the hashes that lead from it to the root of the
log, and the checkpoint with which the book signed that root. A book that changed its key since
needs the receipt of that change too (--rotation), whichever of the keys you know.

Exit codes of the check: 0 proven; 1 the file does not prove it; 4 it cannot be read."
)]
pub struct ReceiptArgs {
    #[command(subcommand)]
    command: Option<ReceiptCommand>,
    /// The event: its seq or its id
    #[arg(value_name = "SEQ|ID", required = true)]
    event: Option<String>,
    /// The event as its author signed it instead: a DSSE envelope, for any tool that reads those
    #[arg(long)]
    envelope: bool,
    /// Write to this file instead
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Under the newest checkpoint that witnesses of the policy cosigned, as many as it asks for
    #[arg(long)]
    witnessed: bool,
}

#[derive(Debug, Subcommand)]
enum ReceiptCommand {
    /// Check a receipt offline, with the book's public key and nothing else
    Check(CheckArgs),
}

/// Arguments of `receipt check`.
#[derive(Debug, Args)]
pub struct CheckArgs {
    /// The receipt
    file: PathBuf,
    /// The book's public key, as you know it (keys/book.pub of the book)
    #[arg(long = "pub", value_name = "FILE")]
    public_key: PathBuf,
    /// The author's public key: also check who wrote the event
    #[arg(long, value_name = "FILE")]
    author: Option<PathBuf>,
    /// The receipt of a change of the book's key (its event is book.rotated); may be repeated
    #[arg(long, value_name = "FILE")]
    rotation: Vec<PathBuf>,
    /// The verifier key of a witness, or a file of them, that must have cosigned; may be repeated
    #[arg(long, value_name = "VKEY|FILE")]
    witness: Vec<String>,
    /// How many of these witnesses must have cosigned [default: all]
    #[arg(long, value_name = "K", requires = "witness")]
    quorum: Option<usize>,
}

impl ReceiptArgs {
    /// Returns the arguments of the check, which needs no book.
    pub(super) fn check(&self) -> Option<&CheckArgs> {
        self.command.as_ref().map(|ReceiptCommand::Check(args)| args)
    }
}

/// Prints the receipt of an event.
pub(super) fn run(args: &ReceiptArgs, config: &Config, ui: &mut Ui) -> Result<ExitCode, Error> {
    let ledger = Ledger::open(&config.book)?;
    let word = args.event.as_deref().unwrap_or_default();
    let seq = find(&ledger, word)?;
    if args.envelope {
        let signed = ledger.signed(seq)?;
        let envelope = signed.map(|signed| signed.to_dsse_json()).unwrap_or_default();
        return write(args, &format!("{envelope}\n"), ui);
    }
    let receipt = match args.witnessed {
        false => ledger.receipt(seq)?,
        true => {
            let policy = ledger.registry().policy();
            let (keys, quorum) = (policy.witness_keys(), policy.witness_quorum);
            let point = ledger.checkpoint_cosigned(seq, &keys, quorum)?.ok_or_else(|| {
                let message = format!("no checkpoint that covers seq {seq} is cosigned enough");
                Error::not_done("witness-quorum", message)
                    .hint("`relbook checkpoint --cosign` asks the witnesses of the policy")
            })?;
            ledger.receipt_under(seq, &point)?
        }
    };
    if args.output.is_none() && ui.format() != Format::Table {
        ui.json(&json!({"seq": receipt.seq, "receipt": receipt.to_string()}))?;
        return Ok(ExitCode::Done);
    }
    write(args, &receipt.to_string(), ui)
}

fn write(args: &ReceiptArgs, text: &str, ui: &mut Ui) -> Result<ExitCode, Error> {
    match &args.output {
        Some(path) => {
            std::fs::write(path, text).map_err(|error| Error::file(path, "write", &error))?
        }
        None => ui.print(text)?,
    }
    Ok(ExitCode::Done)
}

/// Finds an event by its seq or its id.
pub(super) fn find(ledger: &Ledger, word: &str) -> Result<u64, Error> {
    let missing = || {
        let last = ledger.size() - 1;
        Error::usage(format!("the book holds no event `{word}`"))
            .hint(format!("name a seq from 0 to {last}, or the id of an event"))
    };
    if let Ok(seq) = word.parse() {
        return if seq < ledger.size() { Ok(seq) } else { Err(missing()) };
    }
    let id = Uuid::parse_str(word).map_err(|_| missing())?;
    ledger.find(id)?.ok_or_else(missing)
}

/// Checks a receipt.
pub(super) fn check(args: &CheckArgs, ui: &mut Ui) -> Result<ExitCode, Error> {
    let book_key = read_public(&args.public_key)?;
    let author = args.author.as_deref().map(read_public).transpose()?;
    let mut witnesses = Vec::new();
    for word in &args.witness {
        witnesses.extend(verifier_keys(word, SignatureKind::Cosignature)?);
    }
    let quorum = args.quorum.unwrap_or(witnesses.len());
    let text = read_text(&args.file)?;
    let rotations: Vec<String> =
        args.rotation.iter().map(|path| read_text(path)).collect::<Result<_, _>>()?;
    let outcome = book_keys(book_key, &rotations).and_then(|keys| {
        let receipt = Receipt::parse(&text).map_err(|error| error.to_string())?;
        let proven = receipt.check_by(&keys).map_err(|error| error.to_string())?;
        by_author(&proven, author.as_ref())?;
        let cosigned = by_witnesses(&receipt, &witnesses, quorum)?;
        Ok((proven, cosigned))
    });
    match outcome {
        Ok((proven, cosigned)) => {
            show(ui, &proven, author.is_some(), &cosigned)?;
            Ok(ExitCode::Done)
        }
        Err(message) => {
            show_refusal(ui, &args.file, &message)?;
            Ok(ExitCode::DoesNotHold)
        }
    }
}

/// Follows the changes of the book's key from the one that is known.
fn book_keys(known: PublicKey, rotations: &[String]) -> Result<BookKeys, String> {
    let rotation = |text: &String| {
        let receipt = Receipt::parse(text)?;
        rotation::proven(&receipt)
    };
    let rotations = rotations
        .iter()
        .map(|text| rotation(text).map_err(|error| format!("--rotation: {error}")))
        .collect::<Result<_, _>>()?;
    BookKeys::around(known, rotations).ok_or_else(|| {
        "the rotations do not follow each other, or do not lead to the key of --pub".to_owned()
    })
}

/// Checks the cosignatures of the receipt's checkpoint; a bad one of a named witness is an error.
fn by_witnesses(
    receipt: &Receipt,
    witnesses: &[VerifierKey],
    quorum: usize,
) -> Result<Vec<Cosigned>, String> {
    let note = Note::parse(&receipt.checkpoint).map_err(|error| error.to_string())?;
    let found = cosigners(&note, witnesses).map_err(|error| error.to_string())?;
    if found.len() >= quorum {
        return Ok(found);
    }
    Err(format!("{} of {quorum} needed witnesses cosigned its checkpoint", found.len()))
}

fn by_author(proven: &Proven, author: Option<&PublicKey>) -> Result<(), String> {
    let Some(author) = author else { return Ok(()) };
    let entry = &proven.entry;
    if author.id() != entry.key_id {
        return Err(format!("the event was signed by the key {}, not by this one", entry.key_id));
    }
    author
        .verify_strict(&entry.pae, &entry.signature)
        .map_err(|_| "the author's signature does not verify".to_owned())
}

fn show(
    ui: &mut Ui,
    proven: &Proven,
    author_checked: bool,
    cosigned: &[Cosigned],
) -> Result<(), Error> {
    let (entry, point) = (&proven.entry, &proven.checkpoint);
    let event = entry.event().unwrap_or(Value::Null);
    if ui.format() != Format::Table {
        return ui.json(&json!({
            "verified": true,
            "origin": point.origin,
            "seq": entry.seq,
            "id": event["id"],
            "kind": event["kind"],
            "recorded_at": entry.received.to_string(),
            "key_id": entry.key_id.to_string(),
            "author_verified": author_checked.then_some(true),
            "checkpoint": { "size": point.size, "root": root_base64(&point.root) },
            "event": event,
            "cosignatures": cosigned.iter().map(cosigned_json).collect::<Vec<_>>(),
            "message": Value::Null,
        }));
    }
    let word = |field: &str| event[field].as_str().unwrap_or("?").to_owned();
    ui.line(&format!("proven: seq {} of the book {}", entry.seq, point.origin))?;
    ui.line(&format!("  event        {} {}", word("kind"), word("id")))?;
    // As JSON, so that a text cannot pass for a line of this report.
    let apart = ["id", "kind", "ledger", "occurred_at"];
    for (name, value) in event.as_object().into_iter().flatten() {
        if !apart.contains(&name.as_str()) {
            ui.line(&format!("    {name}: {value}"))?;
        }
    }
    ui.line(&format!("  claimed at   {}", word("occurred_at")))?;
    ui.line(&format!("  recorded at  {}", entry.received))?;
    ui.line(&format!("  key          {}", entry.key_id))?;
    ui.line(&format!("  checkpoint   size {} root {}", point.size, root_base64(&point.root)))?;
    for by in cosigned {
        ui.line(&format!("  cosigned     by {} at {}", by.witness.name, time_of(by)))?;
    }
    if author_checked {
        return ui.line("  checked      the author's signature");
    }
    ui.line("  not checked  the author's signature: give the author's key with --author")
}

fn show_refusal(ui: &mut Ui, file: &Path, message: &str) -> Result<(), Error> {
    if ui.format() != Format::Table {
        return ui.json(&json!({ "verified": false, "message": message }));
    }
    ui.line(&format!("NOT PROVEN: {}: {message}", file.display()))
}
