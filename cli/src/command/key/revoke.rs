//! `relbook key revoke`: ends keys, or says that they were in wrong hands.

use clap::Args;
use relbook_ledger::event::Kind;
use relbook_ledger::key::KeyId;
use relbook_ledger::keyring::{GrantEnd, KeyGrant};
use relbook_ledger::registry::Registry;
use serde_json::{Map, json};

use super::id_prefix;
use crate::author::Input;
use crate::config::Config;
use crate::error::Error;
use crate::exit_code::ExitCode;
use crate::submit;
use crate::ui::Ui;

/// Arguments of `key revoke`.
#[derive(Debug, Args)]
pub struct RevokeArgs {
    /// The principal; all its keys in force are meant unless one is named, and with --from-seq
    /// those that were replaced or revoked since too
    principal: String,
    /// One key: its FILE.pub, or its id (the first 8 or more of its 64 hex digits)
    #[arg(value_name = "FILE.pub|KEY_ID")]
    which: Option<String>,
    /// Why
    #[arg(long)]
    reason: Option<String>,
    /// The key was in wrong hands: what it signed is suspect
    #[arg(long)]
    compromised: bool,
    /// The first suspect seq [default: everything it signed]
    #[arg(long, value_name = "SEQ", requires = "compromised")]
    from_seq: Option<u64>,
}

/// Revokes.
pub(super) fn run(args: &RevokeArgs, config: &Config, ui: &mut Ui) -> Result<ExitCode, Error> {
    let RevokeArgs { principal, which, reason, compromised, from_seq } = args;
    let (compromised, from_seq) = (*compromised, *from_seq);
    let mut writer = submit::open(config)?;
    let size = writer.ledger().size();
    if let Some(seq) = from_seq.filter(|seq| *seq >= size) {
        let message = format!("--from-seq {seq} is yet to come: the last event is {}", size - 1);
        return Err(Error::usage(message)
            .hint("give the first seq that the key may have signed in wrong hands"));
    }
    let ending = match (compromised, from_seq) {
        (false, _) => Ending::Revoked,
        (true, from) => Ending::Compromised { from },
    };
    let keys = keys_to_end(writer.registry(), principal, which.as_deref(), ending)?;
    let kind = if compromised { Kind::KeyCompromised } else { Kind::KeyRevoked };
    let event = |key_id: &KeyId| {
        let mut event = Map::from_iter([
            ("kind".to_owned(), json!(kind.as_str())),
            ("principal".to_owned(), json!(principal)),
            ("key_id".to_owned(), json!(key_id.to_string())),
        ]);
        if let Some(reason) = reason {
            event.insert("reason".to_owned(), json!(reason));
        }
        if let Some(seq) = from_seq {
            event.insert("from_seq".to_owned(), json!(seq));
        }
        (None, Input::Fields(event))
    };
    let batch = keys.iter().map(event).collect();
    let receipts = submit::append(config, ui, &mut writer, batch)?;
    let ids: Vec<String> = keys.iter().map(ToString::to_string).collect();
    let extra = Map::from_iter([("revoked".to_owned(), json!(ids))]);
    submit::show(ui, &receipts, extra)?;
    Ok(ExitCode::Done)
}

/// How keys are to end.
#[derive(Clone, Copy)]
enum Ending {
    /// Those in force end.
    Revoked,
    /// Those in force end. From a seq on, what any of them signed is suspect: a key that was replaced
    /// since may have signed some of it.
    Compromised { from: Option<u64> },
}

impl Ending {
    fn concerns(self, grant: &KeyGrant) -> bool {
        match (grant.end, self) {
            (None, _) => true,
            (Some((_, GrantEnd::Compromised)), _) | (Some(_), Self::Revoked) => false,
            (Some((ended, _)), Self::Compromised { from }) => from.is_some_and(|from| ended > from),
        }
    }
}

/// Finds the keys that a revocation means.
fn keys_to_end(
    registry: &Registry,
    principal: &str,
    key: Option<&str>,
    ending: Ending,
) -> Result<Vec<KeyId>, Error> {
    let grants = registry.keyring().grants();
    let wanted = key.map(id_prefix).transpose()?;
    let named = |grant: &&&KeyGrant| {
        let id = grant.key_id.to_string();
        wanted.as_ref().is_none_or(|wanted| id.starts_with(wanted.as_str()))
    };
    let held: Vec<&&KeyGrant> =
        grants.iter().filter(|grant| grant.principal == principal).filter(named).collect();
    // That a key was in wrong hands, or since when, is often learnt after its end.
    let compromised = matches!(ending, Ending::Compromised { .. });
    let named = wanted.is_some() && compromised;
    let ends = |grant: &&&&KeyGrant| named || ending.concerns(grant);
    let mut keys: Vec<KeyId> = held.iter().filter(ends).map(|grant| grant.key_id).collect();
    keys.sort_unstable();
    keys.dedup();
    if !keys.is_empty() {
        return Ok(keys);
    }
    if held.is_empty() {
        return Err(Error::usage(format!("`{principal}` holds no such key in this book"))
            .hint("`relbook key list` shows who holds which key"));
    }
    let error = Error::usage(format!("every such key of `{principal}` is revoked already"));
    Err(error.hint(if compromised {
        "name the one that was in wrong hands, by its FILE.pub or id; `relbook key list` shows them"
    } else {
        "`relbook key list` shows who holds which key"
    }))
}
