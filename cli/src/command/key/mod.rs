//! `relbook key`: makes keys, and enrolls, revokes and lists them (contract 3, ledger-format 6).
//!
//! A private key is written once, to a new file that only its owner can read, and is never
//! printed. Enrolling and revoking are events like any other: signed, chained, and in force from
//! the next event on.

mod enroll;
mod report;
mod revoke;
mod rotate;

use std::fs::OpenOptions;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use relbook_ledger::event::Kind;
use relbook_ledger::key::{PublicKey, SigningKey};
use relbook_ledger::keyring::GrantEnd;
use relbook_ledger::store::Ledger;
use relbook_query::table::{Cell, ColumnType, Table};
use serde_json::{Map, Value, json};

use crate::args::Format;
use crate::config::Config;
use crate::error::Error;
use crate::exit_code::ExitCode;
use crate::render;
use crate::ui::Ui;

/// Arguments of `key`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  relbook key new olga.pem
  relbook key enroll p_olga olga.pem.pub --role approver,release_engineer
  relbook key enroll ci-orion ci.pem.pub --role ci --components orion-api,orion-web
  relbook key revoke p_olga --reason \"left the team\"
  relbook key rotate ci-orion ci-2027.pem.pub         the new key in, the old one out, at once
  relbook key revoke ci-orion --compromised --from-seq 214
  relbook key revoke ci-orion 3f9a51c07be2 --compromised   found out after its end: name the key
  relbook key report ci-orion                         what a key signed, and what rests on that
  relbook key rotate-book -o rotation.tlog-proof      a new key for the book itself
  relbook key list

Roles: admin (every kind), ci (everything but keys, policy and approvals), approver (approvals by
the signer), reporter (approvals that name another approver), auditor (reads), and your own, such
as release_engineer, which the policy can ask of an approver. What a reporter reports counts where
the policy's approval_sources has `reported` (`relbook append policy.set --help`).")]
pub struct KeyArgs {
    /// What to do.
    #[command(subcommand)]
    pub command: KeyCommand,
}

/// What `key` can do.
#[derive(Debug, Subcommand)]
pub enum KeyCommand {
    /// Make a key pair: FILE (private, PEM) and FILE.pub
    New {
        /// The file of the private key; it must not exist
        file: PathBuf,
    },
    /// Let a public key sign for a principal
    Enroll(enroll::EnrollArgs),
    /// Take a key's right to sign away, from the next event on
    Revoke(revoke::RevokeArgs),
    /// Replace a key: the new one is enrolled as the old one was, which is revoked, in one batch
    Rotate(rotate::RotateArgs),
    /// Give the book itself a new key: the old one signs the change, both sign its checkpoint
    RotateBook(rotate::RotateBookArgs),
    /// Say what a key signed, and what rests on it: the extent of a compromise
    Report(report::ReportArgs),
    /// List the keys: who, roles, since when, until when
    List,
}

/// Runs one of the key commands.
pub(super) fn run(args: KeyArgs, config: &Config, ui: &mut Ui) -> Result<ExitCode, Error> {
    match args.command {
        KeyCommand::New { file } => new(&file, ui),
        KeyCommand::List => list(config, ui),
        KeyCommand::Rotate(args) => rotate::run(&args, config, ui),
        KeyCommand::RotateBook(args) => rotate::book(&args, config, ui),
        KeyCommand::Report(args) => report::run(&args, config, ui),
        KeyCommand::Enroll(args) => enroll::run(&args, config, ui),
        KeyCommand::Revoke(args) => revoke::run(&args, config, ui),
    }
}

/// Returns the event that enrolls a key.
pub(super) fn enrolment(
    principal: &str,
    key: &PublicKey,
    roles: &[impl AsRef<str>],
) -> Map<String, Value> {
    let roles: Vec<&str> = roles.iter().map(AsRef::as_ref).collect();
    Map::from_iter([
        ("kind".to_owned(), json!(Kind::KeyEnrolled.as_str())),
        ("principal".to_owned(), json!(principal)),
        ("key_id".to_owned(), json!(key.id().to_string())),
        ("public_key".to_owned(), json!(key.to_hex())),
        ("roles".to_owned(), json!(roles)),
    ])
}

/// Makes a key pair in `file` and `file.pub`; returns the public half and its path.
pub(super) fn make(file: &Path) -> Result<(PublicKey, PathBuf), Error> {
    let key = SigningKey::generate().map_err(|error| Error::not_done("io", error.to_string()))?;
    let mut public = file.as_os_str().to_owned();
    public.push(".pub");
    let public = PathBuf::from(public);
    write_new(&public, &key.public().to_pem(), false)?;
    if let Err(error) = write_new(file, &key.to_pem(), true) {
        // A public key without its private half is of no use to anybody.
        drop(std::fs::remove_file(&public));
        return Err(error);
    }
    Ok((key.public(), public))
}

fn new(file: &Path, ui: &mut Ui) -> Result<ExitCode, Error> {
    let (key, public) = make(file)?;
    let key_id = key.id().to_string();
    if ui.format() == Format::Table {
        ui.line(&format!(
            "private key  {}  (only you can read it; keep it secret)",
            file.display()
        ))?;
        ui.line(&format!("public key   {}", public.display()))?;
        ui.line(&format!("key id       {key_id}"))?;
        ui.note(&format!(
            "next: `relbook key enroll PRINCIPAL {} --role ROLE`, signed by an admin",
            public.display()
        ));
    } else {
        let [file, public] = [file, &public].map(|path| path.to_string_lossy().into_owned());
        ui.json(&json!({ "key": file, "public_key": public, "key_id": key_id }))?;
    }
    Ok(ExitCode::Done)
}

/// Writes a file that must not exist; leaves nothing behind when that fails.
fn write_new(path: &Path, text: &str, secret: bool) -> Result<(), Error> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt as _;
        options.mode(if secret { 0o600 } else { 0o644 });
    }
    let mut file = options.open(path).map_err(|error| {
        let exists = error.kind() == std::io::ErrorKind::AlreadyExists;
        let error = Error::file(path, "make", &error);
        if exists { error.hint("a key is never overwritten; choose another file") } else { error }
    })?;
    let written = file.write_all(text.as_bytes()).and_then(|()| file.sync_all());
    written.map_err(|error| {
        drop(std::fs::remove_file(path));
        Error::file(path, "write", &error)
    })
}

/// Reads the file of a public key.
pub(super) fn read_public(path: &Path) -> Result<PublicKey, Error> {
    let text = std::fs::read_to_string(path).map_err(|error| Error::file(path, "read", &error))?;
    if text.contains("PRIVATE KEY") {
        let message = format!("`{}` is a private key", path.display());
        return Err(Error::usage(message)
            .hint("enroll the public half, FILE.pub; a private key never leaves its owner"));
    }
    PublicKey::from_pem(&text).map_err(|error| {
        Error::not_done("key", format!("`{}` holds no usable public key: {error}", path.display()))
    })
}

/// Reads what names a key: its FILE.pub, or the first 8 or more digits of its id.
fn id_prefix(word: &str) -> Result<String, Error> {
    if Path::new(word).is_file() {
        return Ok(read_public(Path::new(word))?.id().to_string());
    }
    if word.len() >= 8 && word.bytes().all(|b| b.is_ascii_hexdigit()) {
        return Ok(word.to_ascii_lowercase());
    }
    Err(Error::usage(format!("`{word}` is neither a file nor a key id"))
        .hint("give FILE.pub, or 8 or more hex digits of the id; `relbook key list` shows them"))
}

fn list(config: &Config, ui: &mut Ui) -> Result<ExitCode, Error> {
    let ledger = Ledger::open(&config.book)?;
    let mut table = Table::new(&[
        ("principal", ColumnType::Text),
        ("key_id", ColumnType::Text),
        ("roles", ColumnType::TextList),
        ("components", ColumnType::TextList),
        ("environments", ColumnType::TextList),
        ("valid_from_seq", ColumnType::Int),
        ("valid_to_seq", ColumnType::Int),
        ("status", ColumnType::Text),
    ]);
    for grant in ledger.registry().keyring().grants() {
        let end = grant.end.map(|(seq, _)| seq);
        let status = match grant.end {
            None => "valid",
            Some((_, GrantEnd::Replaced)) => "replaced",
            Some((_, GrantEnd::Revoked)) => "revoked",
            Some((_, GrantEnd::Compromised)) => "compromised",
        };
        table.push(
            vec![
                Cell::from(grant.principal.as_str()),
                Cell::from(grant.key_id.to_string()),
                Cell::from(grant.roles.clone()),
                Cell::from(grant.components.clone()),
                Cell::from(grant.environments.clone()),
                Cell::from(grant.add_seq),
                Cell::from(end),
                Cell::from(status),
            ],
            [Some(grant.add_seq), end].into_iter().flatten().collect(),
        );
    }
    let keys: Value = render::json_rows(&table, true);
    match ui.format() {
        Format::Json => ui.json(&json!({ "keys": keys }))?,
        _ => render::table(ui, &table)?,
    }
    Ok(ExitCode::Done)
}
