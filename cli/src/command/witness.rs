//! `relbook witness`: cosigns the checkpoints of other people's books, over HTTP.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::Args;
use relbook_ledger::key::{PublicKey, SigningKey};
use relbook_ledger::store::{Witness, WitnessOpenError};
use relbook_ledger::verifier_key::{SignatureKind, VerifierKey};
use serde_json::json;

use crate::args::Format;
use crate::error::Error;
use crate::exit_code::ExitCode;
use crate::serve;
use crate::ui::Ui;

/// Arguments of `witness`.
#[derive(Debug, Args)]
#[command(after_help = "\
Example, on the machine of somebody who does not run the book:
  relbook key new witness.pem
  relbook witness --listen 127.0.0.1:7380 --key witness.pem --name witness.example/w1 \\
      --log orion.vkey --state witness-state

and on the machine of the book:
  relbook checkpoint --verifier-key > orion.vkey       what the witness needs to know
  relbook checkpoint --witness http://127.0.0.1:7380 --witness-key 'witness.example/w1+...'

A witness signs only what extends what it saw last of a log, and records that before it signs: it
can not be brought to sign two histories, unless its state is deleted. Keep the state and the key
together. The protocol is C2SP tlog-witness (POST /add-checkpoint), the signature cosignature/v1.
SIGINT or SIGTERM ends it. Put TLS in front of it when the network is not yours.")]
pub struct WitnessArgs {
    /// Where to listen, as ADDRESS:PORT
    #[arg(long, value_name = "ADDR")]
    listen: String,
    /// A log to cosign: a file with its verifier key, the verifier key itself, or ORIGIN=FILE.pub;
    /// may be repeated, also for the keys of one log
    #[arg(long = "log", value_name = "FILE|VKEY", required = true)]
    logs: Vec<String>,
    /// The directory that remembers what was cosigned
    #[arg(long, value_name = "DIR")]
    state: PathBuf,
    /// The name of the witness, a URL without scheme [default: made from the key]
    #[arg(long, value_name = "NAME")]
    name: Option<String>,
}

/// Serves as a witness until it is told to stop.
pub(super) fn run(args: &WitnessArgs, key: SigningKey, ui: &mut Ui) -> Result<ExitCode, Error> {
    let mut logs = Vec::new();
    for log in &args.logs {
        logs.extend(log_keys(log)?);
    }
    let id = key.public().id().to_string();
    let name = args.name.clone().unwrap_or_else(|| format!("relbook-witness/{}", &id[..8]));
    let witness = Witness::open(&args.state, &name, key, logs.clone()).map_err(open_error)?;
    let verifier_key = witness.verifier_key().to_string();
    let router = serve::witness::router(Arc::new(witness));
    let mut shown = Ok(());
    let served = serve::run(&args.listen, router, |address| {
        shown = show(ui, &address.to_string(), &verifier_key, &logs);
        Ok(())
    });
    shown?;
    served.map_err(|error| {
        Error::not_done("io", format!("cannot listen on `{}`: {error}", args.listen))
    })?;
    ui.note("the witness ends; its state is whole");
    Ok(ExitCode::Done)
}

fn show(ui: &mut Ui, address: &str, key: &str, logs: &[VerifierKey]) -> Result<(), Error> {
    if ui.format() == Format::Table {
        ui.line(&format!("listening     http://{address}"))?;
        ui.line(&format!("verifier key  {key}"))?;
        for log in logs {
            ui.line(&format!("log           {log}"))?;
        }
    } else {
        let logs: Vec<String> = logs.iter().map(ToString::to_string).collect();
        ui.json(&json!({
            "listening": format!("http://{address}"),
            "verifier_key": key,
            "logs": logs,
        }))?;
    }
    ui.flush()
}

/// Reads the keys of a log: `ORIGIN=FILE.pub`, a verifier key, or a file of verifier keys.
fn log_keys(word: &str) -> Result<Vec<VerifierKey>, Error> {
    if !Path::new(word).exists()
        && let Some((origin, path)) = word.split_once('=')
        && Path::new(path).is_file()
    {
        let key: PublicKey = super::key::read_public(Path::new(path))?;
        let name = origin.to_owned();
        return Ok(vec![VerifierKey { name, kind: SignatureKind::Ed25519, key }]);
    }
    verifier_keys(word, SignatureKind::Ed25519)
}

/// Reads verifier keys: one that stands there, or those of a file, one a line.
pub(super) fn verifier_keys(word: &str, kind: SignatureKind) -> Result<Vec<VerifierKey>, Error> {
    let path = Path::new(word);
    let text = match path.exists() {
        true => std::fs::read_to_string(path).map_err(|e| Error::file(path, "read", &e))?,
        false => word.to_owned(),
    };
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
    let keys = lines.map(|line| match VerifierKey::parse(line) {
        Ok(key) if key.kind == kind => Ok(key),
        Ok(_) => Err(Error::usage(format!("`{line}` is {}", other_kind(kind)))),
        Err(error) => Err(Error::usage(format!("`{word}`: {error}")).hint(match kind {
            SignatureKind::Ed25519 => {
                "`relbook checkpoint --verifier-key` prints that of a book; a FILE.pub needs the \
                 name of the book: ORIGIN=FILE.pub"
            }
            SignatureKind::Cosignature => "a witness prints its verifier key when it starts",
        })),
    });
    let keys = keys.collect::<Result<Vec<_>, _>>()?;
    match keys.is_empty() {
        true => Err(Error::usage(format!("`{word}` holds no verifier key"))),
        false => Ok(keys),
    }
}

fn other_kind(wanted: SignatureKind) -> &'static str {
    match wanted {
        SignatureKind::Ed25519 => "the key of a witness, not of a log",
        SignatureKind::Cosignature => "the key of a log, not of a witness",
    }
}

fn open_error(error: WitnessOpenError) -> Error {
    match error {
        WitnessOpenError::Name(error) => Error::usage(error.to_string()),
        WitnessOpenError::Locked { .. } => Error::not_done("locked", error.to_string()),
        WitnessOpenError::Damaged { .. } => Error::not_done("damaged", error.to_string()),
        other => Error::not_done("io", other.to_string()),
    }
}
