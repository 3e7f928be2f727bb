//! `relbook key report`: what a key signed, and what rests on it.

use clap::Args;
use relbook_ledger::key::KeyId;
use relbook_ledger::store::Ledger;
use relbook_query::suspect;
use serde_json::json;

use super::id_prefix;
use crate::args::Format;
use crate::config::Config;
use crate::error::Error;
use crate::exit_code::ExitCode;
use crate::render;
use crate::ui::{Ui, counted};

/// Arguments of `key report`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  relbook key report ci-orion                    all that its compromised or other keys signed
  relbook key report 3f9a51c07be2 --from-seq 214
  relbook key report ci.pem.pub --format csv > extent.csv

relation `signed`: the key signed it. relation `depends`: another signed it, but it rests on what
the key signed (column because): a deploy whose build, check, scan or approval it signed, a gate
that was decided on such evidence, an approval of such a build, what is signed by keys that it
enrolled. Nothing is deleted; what to do with each is for people to say.")]
pub struct ReportArgs {
    /// A principal, a FILE.pub, or a key id (8 or more of its 64 hex digits)
    #[arg(value_name = "PRINCIPAL|FILE.pub|KEY_ID")]
    which: String,
    /// From this seq on [default: where it is marked as compromised, else all that it signed]
    #[arg(long, value_name = "SEQ")]
    from_seq: Option<u64>,
}

/// Reports.
pub(super) fn run(args: &ReportArgs, config: &Config, ui: &mut Ui) -> Result<ExitCode, Error> {
    let ledger = Ledger::open(&config.book)?;
    let keys = keys(&ledger, args)?;
    let report = suspect::report(&ledger, &keys)?;
    match ui.format() {
        Format::Json => {
            let shown: Vec<_> = keys
                .iter()
                .map(|(key, from)| json!({ "key_id": key.to_string(), "from_seq": from }))
                .collect();
            ui.json(&json!({
                "keys": shown,
                "signed": report.signed,
                "depends": report.depends,
                "rows": render::json_rows(&report.table, true),
            }))?;
        }
        Format::Table => {
            render::table(ui, &report.table)?;
            ui.line(&format!(
                "{} signed, {} {} on them",
                counted(report.signed, "event"),
                counted(report.depends, "other"),
                if report.depends == 1 { "rests" } else { "rest" }
            ))?;
        }
        _ => render::table(ui, &report.table)?,
    }
    Ok(ExitCode::Done)
}

/// Finds the keys that are meant, each with the first seq that is suspect.
fn keys(ledger: &Ledger, args: &ReportArgs) -> Result<Vec<(KeyId, u64)>, Error> {
    let grants = ledger.registry().keyring().grants();
    let by_principal = grants.iter().any(|grant| grant.principal == args.which);
    let prefix = if by_principal { None } else { Some(id_prefix(&args.which)?) };
    let mut keys: Vec<(KeyId, u64)> = Vec::new();
    for grant in grants {
        let id = grant.key_id.to_string();
        let meant = match &prefix {
            Some(prefix) => id.starts_with(prefix.as_str()),
            None => grant.principal == args.which,
        };
        if !meant {
            continue;
        }
        let from = args.from_seq.or(grant.suspect_from).unwrap_or(grant.add_seq);
        match keys.iter_mut().find(|(key, _)| *key == grant.key_id) {
            Some((_, first)) => *first = (*first).min(from),
            None => keys.push((grant.key_id, from)),
        }
    }
    match keys.is_empty() {
        true => Err(Error::usage(format!("`{}` is no key of this book", args.which))
            .hint("`relbook key list` shows principals and keys")),
        false => Ok(keys),
    }
}
