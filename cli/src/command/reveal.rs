//! `relbook reveal`: opens the sealed texts of an event and proves each against its commitment.

use clap::Args;
use relbook_ledger::event::{Body, Sealed};
use relbook_ledger::seal;
use relbook_ledger::store::{BlobError, Ledger, Record};
use relbook_ledger::time::Time;
use serde_json::{Value, json};

use super::receipt::find;
use crate::args::Format;
use crate::config::Config;
use crate::error::Error;
use crate::exit_code::ExitCode;
use crate::ui::Ui;

/// Arguments of `reveal`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  relbook reveal 214                      the sealed texts of event 214
  relbook reveal 214 --format json        with the salts, for somebody who is to check them

A text is shown only when it is the one that the log commits to: the commitment is keyed BLAKE3
over the text as canonical JSON, the key is the salt. Whoever gets text and salt can compute it
again, without the book. After `relbook erase` nobody can open it, here or anywhere.

Exit codes: 0 all opened and proven; 1 a text is not the one that was committed to; 4 it cannot be
opened: erased, or its key or ciphertext is not here.")]
pub struct RevealArgs {
    /// The event: its seq or its id
    #[arg(value_name = "SEQ|ID")]
    event: String,
    /// Only this field
    #[arg(long, value_name = "FIELD")]
    field: Option<String>,
}

/// What became of one sealed text.
enum Outcome {
    Opened(seal::Opened),
    Erased { seq: u64, at: Time },
    NotHere(String),
    Wrong(String),
}

/// Opens.
pub(super) fn run(args: &RevealArgs, config: &Config, ui: &mut Ui) -> Result<ExitCode, Error> {
    let ledger = Ledger::open(&config.book)?;
    let seq = find(&ledger, &args.event)?;
    let record = ledger.record(seq)?.ok_or_else(|| Error::Bug(format!("no event {seq}")))?;
    let mut sealed = record.event.sealed();
    sealed.retain(|(field, _)| args.field.as_ref().is_none_or(|wanted| wanted == field));
    if sealed.is_empty() {
        let what = args.field.as_ref().map_or_else(String::new, |field| format!(" `{field}`"));
        return Err(Error::usage(format!("event {seq} has no sealed text{what}")));
    }
    let mut code = ExitCode::Done;
    let mut rows = Vec::new();
    for (field, seal) in sealed {
        let outcome = open(&ledger, &record, &field, &seal)?;
        code = match (&outcome, code) {
            (Outcome::Opened(_), code) => code,
            (Outcome::Wrong(_), _) | (_, ExitCode::DoesNotHold) => ExitCode::DoesNotHold,
            _ => ExitCode::NotDone,
        };
        rows.push((field, seal, outcome));
    }
    show(ui, seq, &rows)?;
    Ok(code)
}

fn open(ledger: &Ledger, record: &Record, field: &str, seal: &Sealed) -> Result<Outcome, Error> {
    if let Some((seq, at)) = erasure(ledger, record, field, seal)? {
        return Ok(Outcome::Erased { seq, at });
    }
    let paths = ledger.paths();
    let file = paths.subject_key_file(&seal.subject);
    let key =
        paths.subject_key(&seal.subject).map_err(|error| Error::file(&file, "read", &error))?;
    let Some(key) = key else {
        let message = format!("the key of {} is not here ({})", seal.subject, file.display());
        return Ok(Outcome::NotHere(message));
    };
    let ciphertext = match paths.read_blob(&seal.ciphertext_ref) {
        Ok(ciphertext) => ciphertext,
        Err(error @ BlobError::Changed(_)) => return Ok(Outcome::Wrong(error.to_string())),
        Err(error) => return Ok(Outcome::NotHere(error.to_string())),
    };
    Ok(match seal::open(&key, field, seal, &ciphertext) {
        Ok(opened) => Outcome::Opened(opened),
        Err(error @ seal::SealError::Commitment) => Outcome::Wrong(error.to_string()),
        Err(error) => Outcome::NotHere(error.to_string()),
    })
}

/// Finds the event by which a sealed text was erased.
fn erasure(
    ledger: &Ledger,
    record: &Record,
    field: &str,
    seal: &Sealed,
) -> Result<Option<(u64, Time)>, Error> {
    let mut found = None;
    ledger.scan(record.seq + 1..u64::MAX, |later| {
        if let Body::RedactionApplied(spec) = &later.event.body
            && spec.erases(record.seq, &record.event.header.id, field, seal)
        {
            found = Some((later.seq, later.received));
            return std::ops::ControlFlow::Break(());
        }
        std::ops::ControlFlow::Continue(())
    })?;
    Ok(found)
}

fn show(ui: &mut Ui, seq: u64, rows: &[(String, Sealed, Outcome)]) -> Result<(), Error> {
    if ui.format() != Format::Table {
        let rows = rows.iter().map(|(field, seal, outcome)| {
            let (text, salt, erased, message) = match outcome {
                Outcome::Opened(opened) => {
                    (json!(opened.text), json!(hex::encode(opened.salt)), Value::Null, Value::Null)
                }
                Outcome::Erased { seq, at } => {
                    let erased = json!({"seq": seq, "at": at});
                    (Value::Null, Value::Null, erased, json!("it was erased"))
                }
                Outcome::NotHere(message) | Outcome::Wrong(message) => {
                    (Value::Null, Value::Null, Value::Null, json!(message))
                }
            };
            json!({
                "field": field,
                "subject": &*seal.subject,
                "alg": &*seal.alg,
                "commitment": &*seal.commitment,
                "proven": matches!(outcome, Outcome::Opened(_)),
                "text": text,
                "salt": salt,
                "erased": erased,
                "message": message,
            })
        });
        return ui.json(&json!({ "seq": seq, "fields": rows.collect::<Vec<_>>() }));
    }
    for (field, seal, outcome) in rows {
        let subject = &seal.subject;
        match outcome {
            Outcome::Opened(opened) => {
                ui.line(&format!("{field} ({subject}): {}", opened.text))?;
                ui.line(&format!("  proven       {}", seal.commitment))?;
            }
            Outcome::Erased { seq, at } => {
                ui.line(&format!("{field} ({subject}): erased at {at}, seq {seq}"))?;
            }
            Outcome::NotHere(message) => {
                ui.line(&format!("{field} ({subject}): not opened: {message}"))?;
            }
            Outcome::Wrong(message) => {
                ui.line(&format!("{field} ({subject}): NOT PROVEN: {message}"))?;
            }
        }
    }
    Ok(())
}
