//! `relbook checkpoint`: the book's newest signed statement of its size and root, and the witnesses
//! who cosigned it.

use std::time::Duration;

use clap::Args;
use relbook_ledger::checkpoint::root_base64;
use relbook_ledger::cosignature::cosigners;
use relbook_ledger::note::{Note, verifier_key};
use relbook_ledger::store::Ledger;
use relbook_ledger::verifier_key::SignatureKind;
use serde_json::{Value, json};

use super::witness::verifier_keys;
use crate::args::Format;
use crate::config::Config;
use crate::error::Error;
use crate::exit_code::ExitCode;
use crate::ui::{Ui, counted};
use crate::witness::{self, Asked, cosigned_json};

/// Arguments of `checkpoint`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  relbook checkpoint > orion.checkpoint          keep it outside the book: it proves a truncation
  relbook checkpoint --format json
  relbook checkpoint --cosign                    ask the witnesses that the policy names
  relbook checkpoint --witness https://witness.example --witness-key w1.vkey
  relbook checkpoint --verifier-key              the book's key as witnesses and note tools take it

The text is a C2SP signed note over origin, size and the RFC 6962 root; the lines of witnesses
(cosignature/v1) follow the book's own.

Exit codes with witnesses: 0 as many as needed cosigned it; 1 a witness has seen more of this book
than there is, or another history of it; 4 too few could be asked. The policy says how many are
needed (`witness_quorum`); without it all that were asked are.")]
pub struct CheckpointArgs {
    /// Ask this witness to cosign, by the URL before `/add-checkpoint`; may be repeated
    #[arg(long, value_name = "URL")]
    witness: Vec<String>,
    /// The verifier key of a witness that the policy does not name, or a file of them
    #[arg(long, value_name = "VKEY|FILE")]
    witness_key: Vec<String>,
    /// Ask the witnesses of the policy (`witness_urls`)
    #[arg(long)]
    cosign: bool,
    /// How long to wait for each witness, in seconds
    #[arg(long, value_name = "SECONDS", default_value_t = 10)]
    timeout: u64,
    /// Print the book's verifier key instead
    #[arg(long, conflicts_with_all = ["witness", "cosign"])]
    verifier_key: bool,
}

/// Prints the newest checkpoint, cosigned before if asked for.
pub(super) fn run(args: &CheckpointArgs, config: &Config, ui: &mut Ui) -> Result<ExitCode, Error> {
    if args.verifier_key {
        return show_key(config, ui);
    }
    let mut keys = Vec::new();
    for word in &args.witness_key {
        keys.extend(verifier_keys(word, SignatureKind::Cosignature)?);
    }
    let asked = match args.cosign || !args.witness.is_empty() {
        true => {
            let timeout = Duration::from_secs(args.timeout);
            Some(witness::ask(config, &args.witness, &keys, timeout)?)
        }
        false => None,
    };
    let ledger = Ledger::open(&config.book)?;
    let point = match &asked {
        // Others may have appended since; the checkpoint that was asked for is what is shown.
        Some(asked) => ledger.checkpoints(asked.size..asked.size + 1)?.pop(),
        None => None,
    };
    let point = match point {
        Some(point) => point,
        None => ledger.checkpoint()?,
    };
    keys.extend(ledger.registry().policy().witness_keys());
    if ui.format() == Format::Table {
        ui.print(&point.note)?;
    } else {
        let note = Note::parse(&point.note).map_err(|error| Error::Bug(error.to_string()))?;
        let cosigned = cosigners(&note, &keys).map_err(|error| {
            Error::not_done("damaged", format!("{error}")).hint("run `relbook verify`")
        })?;
        let own = |name: &str| name == ledger.origin();
        let lines = note.signatures.iter().filter(|line| !own(&line.name)).count();
        ui.json(&json!({
            "size": point.size,
            "root": root_base64(&point.root),
            "note": point.note,
            "simulated_clock": ledger.simulated_clock(),
            "cosignatures": cosigned.iter().map(cosigned_json).collect::<Vec<_>>(),
            "cosignature_lines": lines,
            "witnesses": asked.as_ref().map_or(Value::Null, Asked::to_json),
        }))?;
    }
    Ok(asked.map_or(ExitCode::Done, |asked| outcome(&asked, ui)))
}

/// Says what went wrong, and how that ends the command.
fn outcome(asked: &Asked, ui: &mut Ui) -> ExitCode {
    let mut finding = false;
    for (text, is_finding) in asked.problems() {
        ui.note(&text);
        finding |= is_finding;
    }
    if finding {
        return ExitCode::DoesNotHold;
    }
    if asked.cosigned >= asked.needed {
        return ExitCode::Done;
    }
    ui.note(&format!(
        "{} of {} needed witnesses cosigned the checkpoint of {}; what they signed is kept",
        asked.cosigned,
        asked.needed,
        counted(asked.size, "event")
    ));
    ExitCode::NotDone
}

fn show_key(config: &Config, ui: &mut Ui) -> Result<ExitCode, Error> {
    let ledger = Ledger::open(&config.book)?;
    let key = verifier_key(ledger.origin(), &ledger.book_keys().current());
    match ui.format() {
        Format::Table => ui.line(&key)?,
        _ => ui.json(&json!({ "verifier_key": key }))?,
    }
    Ok(ExitCode::Done)
}
