//! `relbook key rotate` and `rotate-book`: a key goes, another comes, with nothing in between.

use std::path::PathBuf;

use clap::Args;
use relbook_ledger::checkpoint::root_base64;
use relbook_ledger::event::Kind;
use relbook_ledger::key::{KeyId, SigningKey};
use relbook_ledger::keyring::KeyGrant;
use relbook_ledger::statement;
use relbook_ledger::store::{Clock as _, Ledger, RotateError, SystemClock, Writer};
use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::{enrolment, id_prefix, read_public};
use crate::args::Format;
use crate::author::Input;
use crate::config::Config;
use crate::error::Error;
use crate::exit_code::ExitCode;
use crate::submit;
use crate::ui::Ui;

/// Arguments of `key rotate`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  relbook key new ci-2027.pem
  relbook key rotate ci-orion ci-2027.pem.pub --reason \"yearly\"
  relbook key rotate admin admin-2027.pem.pub --new-key admin-2027.pem

Roles, components and environments stay as they were. A key cannot end itself: when the key that
goes is also the one that signs (an admin's own), the new private key signs its revocation.")]
pub struct RotateArgs {
    /// Who holds the key
    principal: String,
    /// The file of the new public key
    #[arg(value_name = "NEW.pub")]
    file: PathBuf,
    /// Which key goes, where there are several: its FILE.pub, or its id
    #[arg(long, value_name = "FILE.pub|KEY_ID")]
    old: Option<String>,
    /// The new private key, needed when the old one signs [default: NEW.pub without `.pub`]
    #[arg(long, value_name = "FILE")]
    new_key: Option<PathBuf>,
    /// Why
    #[arg(long)]
    reason: Option<String>,
}

/// Arguments of `key rotate-book`.
#[derive(Debug, Args)]
#[command(after_help = "\
Example:
  relbook key rotate-book --reason \"yearly\" -o rotation.tlog-proof

The old key signs the change (event book.rotated); the checkpoint that ends with it is signed by
both keys, later ones by the new key only. Whoever knows only the old public key follows the change
in the log (`verify`), or with this file where there is no log (`receipt check --rotation`). Give
the file and the new book.pub to those who check receipts, and the new verifier key to witnesses
(`relbook checkpoint --verifier-key`). The old private key stays in keys/ as book.<id>.pem: move it
away or destroy it.")]
pub struct RotateBookArgs {
    /// Why
    #[arg(long)]
    reason: Option<String>,
    /// Write the proof of the change to this file; `relbook receipt SEQ` gives it again
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,
}

/// Enrolls the new key and revokes the old one in one batch.
pub(super) fn run(args: &RotateArgs, config: &Config, ui: &mut Ui) -> Result<ExitCode, Error> {
    let new = read_public(&args.file)?;
    let mut writer = submit::open(config)?;
    let old = goes(&writer, args, new.id())?;
    let mut enrol = enrolment(&args.principal, &new, &old.roles);
    if let Some(components) = &old.components {
        enrol.insert("components".to_owned(), json!(components));
    }
    if let Some(environments) = &old.environments {
        enrol.insert("environments".to_owned(), json!(environments));
    }
    let mut revoke = Map::from_iter([
        ("kind".to_owned(), json!(Kind::KeyRevoked.as_str())),
        ("principal".to_owned(), json!(args.principal)),
        ("key_id".to_owned(), json!(old.key_id.to_string())),
    ]);
    let reason = args.reason.clone().unwrap_or_else(|| format!("replaced by {}", new.id()));
    revoke.insert("reason".to_owned(), json!(reason));
    let signs_itself = config.signing_key()?.public().id() == old.key_id;
    let second = match signs_itself {
        false => Input::Fields(revoke),
        true => {
            let key = new_private(args)?;
            if key.public() != new {
                return Err(Error::usage("the new private key is not that of the new public key"));
            }
            Input::Signed(statement::sign(&complete(&writer, revoke), &key)?)
        }
    };
    let batch = vec![(None, Input::Fields(enrol)), (None, second)];
    let receipts = submit::append(config, ui, &mut writer, batch)?;
    let extra = Map::from_iter([
        ("principal".to_owned(), json!(args.principal)),
        ("enrolled".to_owned(), json!(new.id().to_string())),
        ("revoked".to_owned(), json!(old.key_id.to_string())),
    ]);
    submit::show(ui, &receipts, extra)?;
    if signs_itself {
        ui.note("the key that signed this signs nothing more; sign with the new one (--key)");
    }
    Ok(ExitCode::Done)
}

/// Finds the key that goes.
fn goes(writer: &Writer, args: &RotateArgs, new: KeyId) -> Result<KeyGrant, Error> {
    let wanted = args.old.as_deref().map(id_prefix).transpose()?;
    let held: Vec<&KeyGrant> = writer
        .registry()
        .keyring()
        .grants()
        .into_iter()
        .filter(|grant| grant.principal == args.principal && grant.end.is_none())
        .filter(|grant| {
            let id = grant.key_id.to_string();
            wanted.as_ref().is_none_or(|wanted| id.starts_with(wanted.as_str()))
        })
        .collect();
    match held.as_slice() {
        [one] if one.key_id == new => {
            Err(Error::usage("the new key is the one in force; make another: `relbook key new`"))
        }
        [one] if one.is_book() => {
            Err(Error::usage("this is the book's own key")
                .hint("`relbook key rotate-book` changes it"))
        }
        [one] => Ok((*one).clone()),
        [] => Err(Error::usage(format!("`{}` holds no such key in force", args.principal))
            .hint("`relbook key list` shows who holds which key")),
        many => {
            let ids: Vec<String> =
                many.iter().map(|grant| grant.key_id.to_string()[..12].to_owned()).collect();
            Err(Error::usage(format!("`{}` holds {} keys", args.principal, many.len()))
                .hint(format!("say which goes with --old: {}", ids.join(", "))))
        }
    }
}

fn new_private(args: &RotateArgs) -> Result<SigningKey, Error> {
    let named = args.new_key.clone();
    let beside = || args.file.to_str()?.strip_suffix(".pub").map(PathBuf::from);
    let path = named.or_else(beside).filter(|path| path.is_file()).ok_or_else(|| {
        Error::usage("a key cannot revoke itself, and the new private key is not at hand")
            .hint("give it with --new-key FILE, or sign with another admin's key (--key)")
    })?;
    let text =
        std::fs::read_to_string(&path).map_err(|error| Error::file(&path, "read", &error))?;
    SigningKey::from_pem(&text)
        .map_err(|error| Error::not_done("key", format!("`{}`: {error}", path.display())))
}

/// Fills in what every event has.
fn complete(writer: &Writer, fields: Map<String, Value>) -> Map<String, Value> {
    let now = if writer.ledger().simulated_clock() { writer.clock() } else { SystemClock.now() };
    let mut whole = Map::from_iter([
        ("id".to_owned(), json!(Uuid::now_v7().to_string())),
        ("kind".to_owned(), Value::Null),
        ("ledger".to_owned(), json!(writer.origin())),
        ("occurred_at".to_owned(), json!(now.to_string())),
    ]);
    whole.extend(fields);
    whole
}

/// Gives the book a new key.
pub(super) fn book(args: &RotateBookArgs, config: &Config, ui: &mut Ui) -> Result<ExitCode, Error> {
    let mut writer = submit::open(config)?;
    let done = writer.rotate_book_key(args.reason.as_deref()).map_err(|error| match error {
        RotateError::Files(error) => error.into(),
        RotateError::Append(error) => error.into(),
        other => Error::not_done("io", other.to_string()),
    })?;
    let paths = writer.ledger().paths().clone();
    drop(writer);
    let seq = done.appended.seq;
    if let Some(path) = &args.output {
        let receipt = Ledger::open(&config.book)?.receipt(seq)?;
        std::fs::write(path, receipt.to_string()).map_err(|error| {
            Error::file(path, "write", &error)
                .hint(format!("the key is changed; `relbook receipt {seq}` gives the proof again"))
        })?;
    }
    let (old, new) = (done.previous.id().to_string(), done.key.id().to_string());
    let point = &done.appended.checkpoint;
    if ui.format() != Format::Table {
        ui.json(&json!({
            "seq": seq,
            "previous_key": old,
            "key": new,
            "public_key": paths.public_key("book").to_string_lossy(),
            "checkpoint": {
                "size": point.size, "root": root_base64(&point.root), "note": point.note,
            },
        }))?;
        return Ok(ExitCode::Done);
    }
    ui.line(&format!("seq {seq}  the book has a new key"))?;
    ui.line(&format!("  was  {old}"))?;
    ui.line(&format!("  is   {new}  {}", paths.public_key("book").display()))?;
    ui.line(&format!("checkpoint size {} root {}", point.size, root_base64(&point.root)))?;
    ui.note(&format!(
        "move the old private key away from {}, or destroy it; give `relbook receipt {seq}` to \
         those who check receipts, and the new verifier key to witnesses",
        paths.keys().display()
    ));
    Ok(ExitCode::Done)
}
